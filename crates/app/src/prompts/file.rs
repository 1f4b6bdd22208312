//! Files of prompts, with the structure of the decision copilot's `prompts.yaml`.

use std::collections::BTreeMap;

use pilothouse_domain::prompt::{Prompt, fill};
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::error::Fault;

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// Most prompts of one file.
const MAX_PROMPTS: usize = 200;

#[derive(Deserialize)]
struct Document {
    prompts: BTreeMap<String, Entry>,
    #[serde(default)]
    common: Common,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    version: String,
    template: Spanned<String>,
}

/// What many templates say alike.
#[derive(Default, Deserialize)]
struct Common {
    #[serde(default)]
    guardrails: String,
}

/// The prompts of a file, by their names.
///
/// # Errors
/// What is wrong with it, and in which line.
pub fn parse(bytes: &[u8]) -> Result<BTreeMap<String, Prompt>, Fault> {
    let whole = |reason: String| Fault { line: 0, reason };
    if bytes.len() > MAX_FILE_BYTES {
        return Err(whole(format!("a file of prompts has at most {MAX_FILE_BYTES} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| whole("it is not UTF-8".to_owned()))?;
    let Document { prompts, common } = serde_saphyr::from_str(text).map_err(|wrong: serde_saphyr::Error| Fault {
        line: wrong.location().map_or(0, |place| place.line()),
        reason: wrong.to_string(),
    })?;
    if prompts.len() > MAX_PROMPTS {
        return Err(whole(format!("a file has at most {MAX_PROMPTS} prompts")));
    }
    let read = |(name, Entry { version, template }): (String, Entry)| {
        let begins = template.referenced.line();
        let text = fill(&template.value, &common.guardrails).map_err(|(after, reason)| Fault {
            line: begins + after as u64,
            reason: format!("the template of {name} has {reason}"),
        })?;
        let prompt = Prompt { name: name.clone(), version, text };
        match prompt.fault() {
            Some(reason) => Err(Fault { line: begins, reason }),
            None => Ok((name, prompt)),
        }
    };
    prompts.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the original writes it.
    const FILE: &str = "prompts:
  questioning_agent:
    version: \"1.0.0\"
    template: |
      You are a strategy consultant.
      {GUARDRAILS}
      Answer as {{\"questions\": []}}.
  memo_agent:
    version: 2.10
    template: Write {what} you see.
common:
  guardrails: |
    Never invent numbers.
";

    #[test]
    fn the_originals_structure_is_read_as_it_is() {
        let prompts = parse(FILE.as_bytes()).unwrap();
        let asks = &prompts["questioning_agent"];
        assert_eq!(asks.version, "1.0.0");
        assert_eq!(
            asks.text,
            "You are a strategy consultant.\nNever invent numbers.\n\nAnswer as {\"questions\": []}.\n"
        );
        assert_eq!(
            (prompts["memo_agent"].version.as_str(), prompts["memo_agent"].text.as_str()),
            ("2.10", "Write {what} you see.")
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let fault = |from: &str, to: &str| parse(FILE.replace(from, to).as_bytes()).unwrap_err();
        let braces = fault("{{\"questions\": []}}", "{name}");
        assert!(braces.line == 7 && braces.reason.contains("{name}"), "{braces:?}");
        let missing = fault("    template: Write {what} you see.\n", "");
        assert!(missing.reason.contains("template") && missing.line >= 8, "{missing:?}");
        let broken = fault("template: |", "template: \"");
        assert!(broken.line >= 4, "{broken:?}");
        let empty = fault("Write {what} you see.", "''");
        assert!(empty.line == 10 && empty.reason.contains("memo_agent"), "{empty:?}");
        assert!(parse(b"").is_err() && parse(b"prompts: 1").is_err() && parse(&[0xff]).is_err());
    }

    #[test]
    fn those_that_come_with_the_program_can_be_read() {
        assert!(parse(super::super::BUILT_IN.as_bytes()).unwrap().contains_key("ask"));
    }

    proptest! {
        #[test]
        fn no_file_breaks_it(text in "(prompts:|common:|  [a-z]+:|    template: |    version: |[{}\\-'\" \\n1.]){0,40}") {
            let _ = parse(text.as_bytes());
        }
    }
}
