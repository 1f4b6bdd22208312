//! The documents that are written from the program: `docs/configuration.md` and `docs/errors.md`. A test compares the
//! files with what stands here, so that they cannot go stale.

use std::fmt::Write as _;

use pilothouse_domain::Code;
use serde_json::Value;

use super::aliases::{Alias, Effect, ORIGINALS, TABLE};
use super::schema::{Key, keys};

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by the program from its settings; a test compares it. Change the settings, not this file. -->

Every setting has a default that works on one machine, so that a fresh installation needs no configuration at all.
Settings are read in this order, and later ones win:

1. the defaults below;
2. the file `pilothouse.toml` of the working directory, or the one that `--config PATH` or `PILOTHOUSE_CONFIG` names;
3. the variables of the five originals, see the end of this page;
4. the environment: `PILOTHOUSE_`, the section, two underscores, the key, all in capitals, for instance
   `PILOTHOUSE_SERVER__LISTEN`; keys without a section have no double underscore (`PILOTHOUSE_DATA_DIR`);
5. flags of the command line.

```toml
mode = \"production\"
data_dir = \"/var/lib/pilothouse\"

[server]
listen = \"0.0.0.0:8443\"
tls_certificate = \"/etc/pilothouse/tls.pem\"
tls_key = \"/etc/pilothouse/tls.key\"
allowed_hosts = [\"pilothouse.example.com\"]

[limits]
enabled = true
requests = 120
```

In the environment `true` may also be written `1`, `yes` or `on` (and `false` likewise), lists are separated by
commas, and an empty variable counts as one that is not set. An unknown key, or an unknown variable that begins with
`PILOTHOUSE_`, stops the program with the place, the line and the nearest known name: a slip of the fingers never
means a default. Values are never repeated in errors where they may be secrets.
";

const ALIASES: &str = "
## Variables of the originals

Installations of the five originals keep their environment. Each variable that their documents name is listed here;
one that is set and has no effect is told of in the log at the start and by `pilothouse doctor`, never passed over in
silence. The letters name the originals:";

/// The text of `docs/configuration.md`.
pub fn configuration_md() -> String {
    let mut text = String::from(INTRODUCTION);
    let mut section = None;
    for key in keys() {
        let (own, name) = key.path.split_once('.').unwrap_or(("", &key.path));
        if section != Some(own) {
            section = Some(own);
            let title = if own.is_empty() { "Without a section".to_owned() } else { format!("`[{own}]`") };
            let _ = write!(text, "\n## {title}\n\n| key | type | default | meaning |\n|---|---|---|---|\n");
        }
        let _ = writeln!(text, "| `{name}` | {} | {} | {} |", cell(&key.kind.name()), default(key), cell(&key.about));
    }
    text.push_str(ALIASES);
    let letters: Vec<_> = ORIGINALS.iter().map(|(letter, name)| format!("{letter} {name}")).collect();
    let _ = writeln!(text, " {}.", letters.join(", "));
    let sets = |alias: &&Alias| matches!(alias.effect, Effect::Sets(..) | Effect::ReadElsewhere);
    table(&mut text, "With an effect", "sets", TABLE.iter().filter(sets));
    text.push_str("\nWhere two of these set the same key, the one further down wins.\n");
    let later = |alias: &&Alias| matches!(alias.effect, Effect::Later(_));
    table(&mut text, "With an effect in a later version", "part", TABLE.iter().filter(later));
    let none = |alias: &&Alias| alias.effect == Effect::None;
    table(&mut text, "Not needed here", "sets", TABLE.iter().filter(none));
    text
}

fn table<'a>(text: &mut String, title: &str, third: &str, aliases: impl Iterator<Item = &'a Alias>) {
    let _ = write!(text, "\n### {title}\n\n| variable | of | {third} | meaning |\n|---|---|---|---|\n");
    for alias in aliases {
        let effect = match alias.effect {
            Effect::Sets(path, _) => format!("`{path}`"),
            Effect::ReadElsewhere => "the sealing key".to_owned(),
            Effect::Later(what) => what.to_owned(),
            Effect::None => "nothing".to_owned(),
        };
        let originals = if alias.originals.is_empty() { "common" } else { alias.originals };
        let _ = writeln!(text, "| `{}` | {originals} | {effect} | {} |", alias.name, cell(alias.about));
    }
}

fn default(key: &Key) -> String {
    match &key.default {
        Value::Null => "none".to_owned(),
        Value::String(text) => format!("`\"{}\"`", cell(text)),
        other => format!("`{other}`"),
    }
}

/// A text as it may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The text of `docs/errors.md`. `status` gives the HTTP status of each code.
pub fn errors_md(status: impl Fn(Code) -> u16) -> String {
    let mut text = String::from(
        "# Errors\n\n\
         <!-- Written by the program from its codes; a test compares it. Change the codes, not this file. -->\n\n\
         Every error has a stable code, which programs may depend on: its text never changes its meaning. Over HTTP it\n\
         stands in the field `code` beside the request's id, whatever shape the rest of the body has (see the [API\n\
         guide](api.md)); the command line writes it before the message, and `--json` gives it as a field.\n\n\
         | code | HTTP | cause | remedy |\n|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let (cause, remedy) = (cell(code.cause()), cell(code.remedy()));
        let _ = writeln!(text, "| <a id=\"{code}\"></a>`{code}` | {} | {cause} | {remedy} |", status(*code));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_variable_is_documented() {
        let text = configuration_md();
        for key in keys() {
            let name = key.path.rsplit('.').next().unwrap_or("");
            assert!(text.contains(&format!("| `{name}` |")), "{}", key.path);
        }
        for alias in TABLE {
            assert!(text.contains(&format!("| `{}` |", alias.name)), "{}", alias.name);
        }
    }

    #[test]
    fn the_example_is_a_configuration_that_serves() {
        let example = INTRODUCTION.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let config = crate::config::load(Some(example), &[], &[]).unwrap().config;
        assert_eq!(config.serving_mode(), Ok(pilothouse_app::Mode::Production));
        assert!(config.limits.enabled);
    }

    #[test]
    fn every_code_is_documented() {
        let text = errors_md(|_| 418);
        for code in Code::ALL {
            assert!(text.contains(&format!("`{code}` | 418 |")), "{code}");
        }
    }
}
