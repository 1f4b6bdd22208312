//! The layers of the configuration, later ones over earlier ones: defaults, file, aliases, own variables, flags.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::error::{Error, Place};
use super::file::{self, nearest_key};
use super::schema::{Key, key};
use super::{Config, apply, env};

/// A configuration that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What the operator should know about variables of the originals.
    pub notes: Vec<Note>,
    /// Where each setting came from that is not a default, by dotted key.
    pub origins: BTreeMap<String, Place>,
}

/// Something about one environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its name.
    pub variable: String,
    /// What about it.
    pub kind: NoteKind,
    /// The same in words. It never repeats the variable's value.
    pub text: String,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// The variable is read by another part of the program.
    ReadElsewhere,
    /// The variable will have an effect in a later version and has none yet.
    Later,
    /// The variable has no effect here, and needs none.
    NotNeeded,
    /// The variable is set, and something stronger decides.
    Overridden,
    /// The variable's value is of no use here and was left alone.
    Unusable,
}

/// Reads a configuration. `file_text` is the text of the file if there is one, `env` the whole environment, and
/// `overrides` are dotted keys with the values that flags give them.
///
/// # Errors
/// The first setting that is unknown or has a value it cannot have, with its place.
pub fn load(
    file_text: Option<&str>,
    env: &[(String, String)],
    overrides: &[(String, String)],
) -> Result<Loaded, Error> {
    let mut draft = Draft::default();
    for entry in file::read(file_text.unwrap_or(""))? {
        draft.set(&entry.path, entry.value, entry.place);
    }
    apply::aliases(&mut draft, env)?;
    for (name, text) in env {
        let Some(known) = env::key_of(name)? else { continue };
        // Compose files hand on variables that nobody set as empty texts.
        if !text.is_empty() {
            draft.set_text(known, text, Place::Variable { name: name.clone() })?;
        }
    }
    for (path, text) in overrides {
        let place = Place::Flag { key: path.clone() };
        let Some(known) = key(path) else {
            return Err(Error::Unknown { place, name: path.clone(), nearest: nearest_key(path) });
        };
        draft.set_text(known, text, place)?;
    }
    draft.finish()
}

/// A configuration that is being put together.
#[derive(Default)]
pub struct Draft {
    table: Table,
    origins: BTreeMap<String, Place>,
    /// Variables of the originals that set a key, with that key.
    honoured: Vec<(String, String)>,
    /// What the operator should know.
    pub notes: Vec<Note>,
}

impl Draft {
    /// Sets a key, over whatever set it before.
    pub fn set(&mut self, path: &str, value: Value, place: Place) {
        put(&mut self.table, path, value);
        self.origins.insert(path.to_owned(), place);
    }

    /// Sets a key to what a text stands for.
    pub fn set_text(&mut self, key: &Key, text: &str, place: Place) -> Result<(), Error> {
        match key.kind.parse(text) {
            Some(value) => {
                self.set(&key.path, value, place);
                Ok(())
            }
            None => Err(Error::Value { place, key: key.path.clone(), expected: key.kind.expected() }),
        }
    }

    /// The value that a key has so far; none where nobody set it.
    pub fn get(&self, path: &str) -> Option<&Value> {
        match path.split_once('.') {
            Some((section, name)) => self.table.get(section)?.get(name),
            None => self.table.get(path),
        }
    }

    /// Remembers that a variable of the originals decides a key.
    pub fn honour(&mut self, variable: &str, path: &str) {
        self.honoured.push((variable.to_owned(), path.to_owned()));
    }

    /// Adds a note.
    pub fn note(&mut self, variable: &str, kind: NoteKind, text: impl Into<String>) {
        self.notes.push(Note { variable: variable.to_owned(), kind, text: text.into() });
    }

    fn finish(mut self) -> Result<Loaded, Error> {
        let config: Config = match Value::Table(self.table.clone()).try_into() {
            Ok(config) => config,
            Err(error) => return Err(self.culprit(error.message())),
        };
        for (variable, path) in std::mem::take(&mut self.honoured) {
            let decides = self.origins.get(&path).cloned().unwrap_or(Place::Default);
            if decides != (Place::Variable { name: variable.clone() }) {
                self.note(&variable, NoteKind::Overridden, format!("`{path}` is decided by {decides}."));
            }
        }
        super::serving::check(&config)?;
        Ok(Loaded { config, notes: self.notes, origins: self.origins })
    }

    /// The setting that makes the whole impossible: the first that is impossible alone, since settings do not depend
    /// on one another.
    fn culprit(&self, message: &str) -> Error {
        for (path, place) in &self.origins {
            let Some(value) = self.get(path) else { continue };
            let mut alone = Table::new();
            put(&mut alone, path, value.clone());
            let read: Result<Config, _> = Value::Table(alone).try_into();
            if let Err(error) = read {
                let expected = format!("another value: {}", error.message());
                return Error::Value { place: place.clone(), key: path.clone(), expected };
            }
        }
        Error::Together(message.to_owned())
    }
}

fn put(table: &mut Table, path: &str, value: Value) {
    let Some((section, name)) = path.split_once('.') else {
        table.insert(path.to_owned(), value);
        return;
    };
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn nothing_set_is_the_default() {
        let loaded = load(None, &[], &[]).unwrap();
        assert_eq!(loaded.config, Config::default());
        assert!(loaded.notes.is_empty() && loaded.origins.is_empty());
    }

    #[test]
    fn later_layers_win() {
        let file = "[server]\nname = 'file'";
        let name = |env: &[(&str, &str)], flags: &[(&str, &str)]| {
            load(Some(file), &pairs(env), &pairs(flags)).unwrap().config.server.name
        };
        assert_eq!(name(&[], &[]), "file");
        assert_eq!(name(&[("APP_NAME", "alias")], &[]), "alias");
        let own = ("PILOTHOUSE_SERVER__NAME", "own");
        assert_eq!(name(&[own, ("APP_NAME", "alias")], &[]), "own");
        assert_eq!(name(&[own], &[("server.name", "flag")]), "flag");
        assert_eq!(name(&[("PILOTHOUSE_SERVER__NAME", "")], &[]), "file");
    }

    #[test]
    fn an_alias_that_does_not_decide_is_told() {
        let env = pairs(&[("APP_NAME", "alias"), ("PILOTHOUSE_SERVER__NAME", "own")]);
        let loaded = load(None, &env, &[]).unwrap();
        let note = &loaded.notes[0];
        assert_eq!((note.variable.as_str(), note.kind), ("APP_NAME", NoteKind::Overridden));
        assert!(note.text.contains("PILOTHOUSE_SERVER__NAME"), "{}", note.text);
    }

    #[test]
    fn kinds_are_read_from_texts() {
        let env = pairs(&[
            ("PILOTHOUSE_AUTH__TENANT_STRICT", "yes"),
            ("PILOTHOUSE_SERVER__ALLOWED_HOSTS", "a.example, b.example"),
            ("PILOTHOUSE_ENGINE__CONCURRENCY", "3"),
            ("PILOTHOUSE_LOG__FORMAT", "JSON"),
            ("PILOTHOUSE_SAMPLE__PATH", "/srv/sample"),
        ]);
        let config = load(None, &env, &[]).unwrap().config;
        assert!(config.auth.tenant_strict);
        assert_eq!(config.server.allowed_hosts, ["a.example", "b.example"]);
        assert_eq!((config.engine.concurrency, config.log.format), (3, crate::config::Format::Json));
        assert_eq!(config.sample.path.as_deref(), Some(std::path::Path::new("/srv/sample")));
    }

    #[test]
    fn a_value_of_the_right_kind_that_means_nothing_is_named_with_its_place() {
        let error = load(Some("mode = 'production'\n[server]\nlisten = 'here'"), &[], &[]).unwrap_err().to_string();
        assert!(error.starts_with("the configuration file, line 3: `server.listen` takes another value"), "{error}");
        let env = pairs(&[("PILOTHOUSE_LIMITS__REQUESTS", "99999999999")]);
        let error = load(None, &env, &[]).unwrap_err().to_string();
        assert!(error.contains("PILOTHOUSE_LIMITS__REQUESTS") && error.contains("limits.requests"), "{error}");
        let error = load(None, &[], &pairs(&[("server.lisen", "x")])).unwrap_err().to_string();
        assert!(error.contains("did you mean `server.listen`?"), "{error}");
    }

    proptest! {
        #[test]
        fn any_file_is_read_or_refused(text in "(?s).{0,200}") {
            let _ = load(Some(&text), &[], &[]);
        }

        #[test]
        fn any_settings_are_read_or_refused(
            section in "(server|auth|limits|ask|database|log|warehouse|[a-z.]{0,8})",
            name in "(listen|enabled|requests|url|[a-z_]{0,10})",
            value in "(true|-?[0-9]{1,20}|'[^'\n]{0,20}'|\\[\\]|\\{\\}|.{0,20})",
        ) {
            let _ = load(Some(&format!("[{section}]\n{name} = {value}")), &[], &[]);
            let _ = load(None, &[], &[(format!("{section}.{name}"), value)]);
        }

        #[test]
        fn any_variable_is_read_or_refused(which in any::<prop::sample::Index>(), value in ".{0,40}") {
            let own = crate::config::keys().iter().map(Key::variable);
            let names: Vec<String> =
                own.chain(crate::config::aliases::TABLE.iter().map(|alias| alias.name.to_owned())).collect();
            let _ = load(None, &[(names[which.index(names.len())].clone(), value)], &[]);
        }
    }
}
