//! Prompts: what models are told to do. A version never changes and is named by its hash; labels say which versions are in
//! force. Pure: read first [`Prompt`], [`fill`] and [`Standing::pick`].

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::canonical::payload_hash;

/// Longest name, in characters.
pub const MAX_NAME_CHARS: usize = 64;
/// Longest text, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Longest version as its author calls it, in characters.
pub const MAX_VERSION_CHARS: usize = 64;
/// Characters of a hash.
const HASH_CHARS: usize = 16;
/// What a template says where the common rules are to stand.
const GUARDRAILS: &str = "{GUARDRAILS}";

/// One version of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its name, for instance `ask`.
    pub name: String,
    /// The version as its author calls it, for instance `1.0.0`; may be empty.
    pub version: String,
    /// What the model is told.
    pub text: String,
}

impl Prompt {
    /// The name of this version: the first 16 hexadecimal digits of the SHA-256 of all of it.
    pub fn hash(&self) -> String {
        let mut hash = payload_hash(&json!([self.name, self.version, self.text]));
        hash.truncate(HASH_CHARS);
        hash
    }

    /// What is wrong with it, if anything.
    pub fn fault(&self) -> Option<String> {
        let Self { name, version, text } = self;
        if !is_name(name) {
            return Some(format!("a prompt's name has 1 to {MAX_NAME_CHARS} letters, digits, '_', '-' and '.'"));
        }
        if version.chars().count() > MAX_VERSION_CHARS {
            return Some(format!("the version of {name} has at most {MAX_VERSION_CHARS} characters"));
        }
        if text.trim().is_empty() {
            return Some(format!("the template of {name} is empty"));
        }
        (text.len() > MAX_TEXT_BYTES).then(|| format!("the template of {name} has at most {MAX_TEXT_BYTES} bytes"))
    }
}

/// Whether a prompt may be called so.
pub fn is_name(name: &str) -> bool {
    let is_fit = |char: char| char.is_ascii_alphanumeric() || "_-.".contains(char);
    !name.is_empty() && name.len() <= MAX_NAME_CHARS && name.chars().all(is_fit)
}

/// A template with the common rules in their place. One that names them is written as Python's `format` wants it: braces that
/// are meant as such stand twice. Any other is taken as it is.
///
/// # Errors
/// What is wrong with it, and after how many line breaks.
pub fn fill(template: &str, guardrails: &str) -> Result<String, (usize, String)> {
    if !template.contains(GUARDRAILS) {
        return Ok(template.to_owned());
    }
    let (mut filled, mut rest) = (String::with_capacity(template.len() + guardrails.len()), template);
    while let Some(at) = rest.find(['{', '}']) {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix(GUARDRAILS) {
            filled.push_str(guardrails);
            rest = after;
        } else if rest.starts_with("{{") || rest.starts_with("}}") {
            filled.push_str(&rest[..1]);
            rest = &rest[2..];
        } else {
            let lines = template[..template.len() - rest.len()].matches('\n').count();
            let word: String = rest.chars().take_while(|char| *char != '\n').take(20).collect();
            return Err((
                lines,
                format!("{word:?}: braces that are meant as such stand twice in a template with {GUARDRAILS}"),
            ));
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// What a version can be in force as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// For everybody.
    Production,
    /// For a share, to be looked at.
    Canary,
}

impl Label {
    /// The label as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Canary => "canary",
        }
    }

    /// That with this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Production, Self::Canary].into_iter().find(|label| label.as_str() == text)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which versions of a prompt are in force, by their hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The one for everybody; none where that is not said.
    pub production: Option<String>,
    /// The one for a share, and how many in a hundred that is.
    pub canary: Option<(String, u32)>,
}

impl Standing {
    /// The version for whoever draws `draw`, from 0 to 1; none where nothing is said of it.
    pub fn pick(&self, draw: f64) -> Option<&str> {
        let canary = self.canary.as_ref().filter(|(_, percent)| draw * 100.0 < f64::from(*percent));
        canary.map(|(hash, _)| hash).or(self.production.as_ref()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prompt(text: &str) -> Prompt {
        Prompt { name: "memo".to_owned(), version: "1.0.0".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_version_is_named_by_all_of_it() {
        let one = prompt("Write a memo.");
        assert_eq!(one.hash(), prompt("Write a memo.").hash());
        assert_eq!(one.hash().len(), HASH_CHARS);
        let others = [prompt("Write a memo!"), Prompt { version: "1.0.1".to_owned(), ..one.clone() }];
        assert!(others.iter().all(|other| other.hash() != one.hash()));
    }

    #[test]
    fn the_common_rules_stand_where_the_template_says() {
        let rules = "Invent {nothing}.";
        assert_eq!(
            fill("{GUARDRAILS}\nAnswer as {{\"a\": 1}}.", rules).unwrap(),
            "Invent {nothing}.\nAnswer as {\"a\": 1}."
        );
        assert_eq!(
            fill("Answer as {\"a\": 1}.", rules).unwrap(),
            "Answer as {\"a\": 1}.",
            "without them it is as it is"
        );
        let (line, why) = fill("One.\n{GUARDRAILS}\nAnswer as {name}.", rules).unwrap_err();
        assert!(line == 2 && why.contains("{name}"), "{line} {why}");
        assert_eq!(fill("{GUARDRAILS} }", rules).unwrap_err().0, 0);
    }

    #[test]
    fn what_is_no_prompt_is_told() {
        assert_eq!(prompt("Write.").fault(), None);
        for wrong in [prompt("  \n"), prompt(&"x".repeat(MAX_TEXT_BYTES + 1))] {
            assert!(wrong.fault().is_some());
        }
        let named = |name: &str| Prompt { name: name.to_owned(), ..prompt("Write.") };
        let long = "a".repeat(MAX_NAME_CHARS + 1);
        assert!(["", "a b", "ü", long.as_str()].into_iter().all(|name| named(name).fault().is_some()));
    }

    proptest! {
        #[test]
        fn a_canary_is_for_its_share(percent in 0_u32..=100, draw in 0.0_f64..1.0) {
            let both = Standing { production: Some("p".to_owned()), canary: Some(("c".to_owned(), percent)) };
            let wanted = if draw * 100.0 < f64::from(percent) { "c" } else { "p" };
            prop_assert_eq!(both.pick(draw), Some(wanted));
            prop_assert!(Standing::default().pick(draw).is_none());
        }

        #[test]
        fn no_template_breaks_it(template in ".{0,40}(\\{GUARDRAILS\\})?.{0,40}", rules in ".{0,20}") {
            if let Ok(filled) = fill(&template, &rules) {
                prop_assert!(!template.contains(GUARDRAILS) || template.contains("{{GUARDRAILS") || filled.contains(&rules));
            }
        }

        #[test]
        fn escaped_text_comes_back(text in "[a-z{} \\n]{0,60}") {
            let escaped = format!("{GUARDRAILS}{}", text.replace('{', "{{").replace('}', "}}"));
            prop_assert_eq!(fill(&escaped, "").unwrap(), text);
        }
    }
}
