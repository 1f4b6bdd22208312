//! The configuration file: TOML, with the line of every key, so that errors can point.

use toml::Value;
use toml::de::{DeTable, DeValue};

use super::error::{Error, Place};
use super::schema::{is_section, key, keys, nearest};

/// Longest configuration file, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// A setting as the file has it.
pub struct Entry {
    /// The dotted key.
    pub path: String,
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
}

/// The settings of a file.
pub fn read(text: &str) -> Result<Vec<Entry>, Error> {
    if text.len() > MAX_BYTES {
        let message = format!("the file is larger than {MAX_BYTES} bytes");
        return Err(Error::Syntax { place: Place::File { line: 1 }, message });
    }
    let parsed = DeTable::parse(text).map_err(|error| syntax(text, &error))?;
    let values: toml::Table = text.parse().map_err(|error| syntax(text, &error))?;
    let mut entries = Vec::new();
    for (name, spanned) in parsed.get_ref() {
        let place = place(text, name.span().start);
        let name = name.get_ref().as_ref();
        match spanned.get_ref() {
            DeValue::Table(inner) if is_section(name) => {
                for inner_name in inner.keys() {
                    let place = self::place(text, inner_name.span().start);
                    let inner_name = inner_name.get_ref().as_ref();
                    let value = values.get(name).and_then(|section| section.get(inner_name));
                    entries.push(entry(format!("{name}.{inner_name}"), value, place)?);
                }
            }
            _ if is_section(name) => {
                let expected = format!("a table: write `[{name}]` on a line of its own");
                return Err(Error::Value { place, key: name.to_owned(), expected });
            }
            _ => entries.push(entry(name.to_owned(), values.get(name), place)?),
        }
    }
    Ok(entries)
}

fn entry(path: String, value: Option<&Value>, place: Place) -> Result<Entry, Error> {
    let Some((known, value)) = key(&path).zip(value) else {
        let nearest = nearest_key(&path);
        return Err(Error::Unknown { place, name: path, nearest });
    };
    if !known.kind.admits(value) {
        return Err(Error::Value { place, key: path, expected: known.kind.expected() });
    }
    Ok(Entry { path, value: value.clone(), place })
}

/// The known key most like `path`: in its own section first, since a slip of the fingers rarely changes both parts.
pub fn nearest_key(path: &str) -> Option<String> {
    let all = || keys().iter().map(|key| key.path.clone());
    if let Some((section, name)) = path.split_once('.') {
        let siblings = all().filter_map(|known| known.strip_prefix(section)?.strip_prefix('.').map(str::to_owned));
        if let Some(sibling) = nearest(name, siblings) {
            return Some(format!("{section}.{sibling}"));
        }
        // The right name in the wrong section.
        if let Some(elsewhere) = all().find(|known| known.split_once('.').is_some_and(|(_, known)| known == name)) {
            return Some(elsewhere);
        }
    }
    nearest(path, all())
}

fn syntax(text: &str, error: &toml::de::Error) -> Error {
    // Only the message: the error's own rendering repeats the line, which may hold a password.
    let start = error.span().map_or(0, |span| span.start);
    Error::Syntax { place: place(text, start), message: error.message().to_owned() }
}

fn place(text: &str, offset: usize) -> Place {
    let before = text.as_bytes().iter().take(offset);
    Place::File { line: 1 + before.filter(|byte| **byte == b'\n').count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        read(text).err().expect("the file is wrong").to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
        let text = problem("[server]\n\nlisen = '127.0.0.1:80'\n");
        assert_eq!(
            text,
            "the configuration file, line 3: there is no setting `server.lisen`; did you mean `server.listen`?"
        );
        assert!(problem("data_dri = 'x'").contains("did you mean `data_dir`?"));
        assert!(problem("[serve]\nlisten = '127.0.0.1:80'").contains("did you mean"));
        assert!(problem("[auth]\nlisten = '127.0.0.1:80'").contains("`server.listen`"));
    }

    #[test]
    fn a_wrong_type_is_named_with_what_is_right() {
        let text = problem("[limits]\nrequests = 'many'");
        assert_eq!(text, "the configuration file, line 2: `limits.requests` takes a whole number of at least 0");
        assert!(problem("server = 1").contains("`[server]`"));
        assert!(problem("mode = 'staging'").contains("`development` or `production`"));
    }

    #[test]
    fn broken_toml_is_named_without_its_text() {
        let text = problem("[database]\nurl = 'postgres://ada:hunter2@db/ph\n");
        assert!(text.contains("line 2") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn enormous_files_are_refused_quickly_and_briefly() {
        for text in [format!("{} = 1", "k".repeat(MAX_BYTES - 10)), format!("a = {}", "[".repeat(MAX_BYTES - 10))] {
            assert!(problem(&text).len() < 400);
        }
        assert!(problem(&"#".repeat(MAX_BYTES + 1)).contains("larger than"));
    }

    #[test]
    fn dotted_keys_and_inline_tables_are_the_same_settings() {
        for text in ["server.name = 'x'", "server = { name = 'x' }", "[server]\nname = 'x'"] {
            let entries = read(text).unwrap();
            assert_eq!(entries.len(), 1);
            assert_eq!(entries[0].path, "server.name");
        }
    }
}
