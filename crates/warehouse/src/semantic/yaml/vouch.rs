//! One more verified question in a file that people write: a few lines are put in, and every other line stays as it is.

use pilothouse_domain::catalog::Catalog;
use pilothouse_domain::semantic::VerifiedQuestion;

use super::{YamlError, error, read};

const KEY: &str = "verified:";

/// The text with `verified` put in.
///
/// # Errors
/// Where the list of verified questions is written in a way that nothing can be put into, or the text would not be a model
/// of the catalog then.
pub fn vouch(yaml: &str, verified: &VerifiedQuestion, catalog: &Catalog) -> Result<String, YamlError> {
    let before = read(yaml, catalog)?;
    let lines: Vec<&str> = yaml.lines().collect();
    let at = lines.iter().position(|line| line.starts_with(KEY));
    let indent = at.and_then(|at| lines.get(at + 1..)).and_then(indent_of).unwrap_or("  ");
    let entry = entry(verified, indent)?;
    let written = match at {
        None => [yaml.trim_end(), "\n", KEY, "\n", &entry].concat(),
        Some(at) => {
            let (above, below) = lines.split_at(at + 1);
            let above = above.iter().map(|line| if line.starts_with(KEY) { emptied(line) } else { line });
            let above: Vec<&str> = above.collect();
            [&above.join("\n"), "\n", &entry, &below.join("\n"), "\n"].concat()
        }
    };
    let after = read(&written, catalog)?;
    if after.verified.len() != before.verified.len() + 1 {
        let line = at.map_or(0, |at| at as u64 + 1);
        return Err(error(line, "the list of verified questions is written in a way that nothing can be added to"));
    }
    Ok(written)
}

/// What the entries of a list that begins here stand behind.
fn indent_of<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let first = lines.iter().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))?;
    let (indent, rest) = first.split_at(first.len() - first.trim_start().len());
    rest.starts_with("- ").then_some(indent)
}

/// An empty list may be written as one.
fn emptied(line: &str) -> &str {
    if line.trim_start_matches(KEY).trim() == "[]" { KEY } else { line }
}

fn entry(verified: &VerifiedQuestion, indent: &str) -> Result<String, YamlError> {
    let query = serde_json::to_string(&verified.query).map_err(|wrong| error(0, wrong.to_string()))?;
    let mut entry =
        format!("{indent}- question: {}\n{indent}  query: {}\n", quoted(&verified.question), quoted(&query));
    for (key, value) in [("by", &verified.by), ("on", &verified.on)] {
        if let Some(value) = value {
            entry += &format!("{indent}  {key}: {}\n", quoted(value));
        }
    }
    Ok(entry)
}

/// A text on one line, in single quotes.
fn quoted(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("'{}'", line.replace('\'', "''"))
}
