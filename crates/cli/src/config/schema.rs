//! The JSON schema of the configuration, and the list of its keys that is read from it.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Config;
use super::value::Kind;

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Its dotted name, for instance `server.listen`.
    pub path: String,
    /// What values it takes.
    pub kind: Kind,
    /// Its value where nobody sets it; null where it has none.
    pub default: Value,
    /// What it means.
    pub about: String,
}

impl Key {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("PILOTHOUSE_{}", self.path.replace('.', "__").to_uppercase())
    }
}

/// The schema of the configuration file, as JSON Schema 2020-12.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), Value::from("Pilothouse configuration"));
    }
    schema
}

/// Every key, in the order of the documentation.
pub fn keys() -> &'static [Key] {
    static KEYS: OnceLock<Vec<Key>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
        let mut keys = Vec::new();
        collect("", &schema(), &defaults, &mut keys);
        keys
    })
}

fn collect(prefix: &str, schema: &Value, defaults: &Value, keys: &mut Vec<Key>) {
    let Some(properties) = schema["properties"].as_object() else { return };
    for (name, property) in properties {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let default = &defaults[name];
        if property["properties"].is_object() {
            collect(&path, property, default, keys);
            continue;
        }
        let about = property["description"].as_str().unwrap_or("").replace('\n', " ");
        keys.push(Key { path, kind: Kind::of(property), default: default.clone(), about });
    }
}

/// The key with this dotted name.
pub fn key(path: &str) -> Option<&'static Key> {
    keys().iter().find(|key| key.path == path)
}

/// Whether the name is that of a section.
pub fn is_section(name: &str) -> bool {
    keys().iter().any(|key| key.path.split_once('.').is_some_and(|(section, _)| section == name))
}

/// The name most like `name` among `known`, if any is like it at all.
pub fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    /// Names less alike than this are no help.
    const ALIKE: f64 = 0.7;
    /// Longer names than this are no slip of the fingers, in bytes.
    const MAX_BYTES: usize = 100;
    if name.len() > MAX_BYTES {
        return None;
    }
    let scored = known.map(|known| (strsim::jaro_winkler(name, &known), known)).filter(|(score, _)| *score >= ALIKE);
    scored.max_by(|left, right| left.0.total_cmp(&right.0)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_meaning_and_a_kind() {
        assert!(keys().len() > 25, "{}", keys().len());
        for key in keys() {
            assert!(!key.about.is_empty(), "{} has no description", key.path);
            assert_ne!(key.kind, Kind::Other, "{} has a kind that the environment cannot give", key.path);
        }
    }

    #[test]
    fn defaults_are_those_of_the_structs() {
        assert_eq!(key("server.listen").unwrap().default, "127.0.0.1:8080");
        assert_eq!(key("limits.enabled").unwrap().default, false);
        assert_eq!(key("database.url").unwrap().default, Value::Null);
    }

    #[test]
    fn the_nearest_name_is_found_and_far_ones_are_not() {
        let known = || keys().iter().map(|key| key.path.clone());
        assert_eq!(nearest("server.lisen", known()).as_deref(), Some("server.listen"));
        assert_eq!(nearest("zzz", known()), None);
    }
}
