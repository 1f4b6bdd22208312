//! What values a key takes, and how a text becomes one.

use serde_json::Value as Json;
use toml::Value;

/// The values a key takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number of at least 0.
    Whole,
    /// A number of at least 0.
    Number,
    /// A text.
    Text,
    /// A list of texts.
    List,
    /// One of these texts.
    Choice(Vec<String>),
    /// Anything else; no key has it.
    Other,
}

impl Kind {
    /// The kind of a property of the schema.
    pub fn of(property: &Json) -> Self {
        if let Some(choices) = choices(property) {
            return Self::Choice(choices);
        }
        let named = match &property["type"] {
            Json::Array(types) => types.iter().find(|name| *name != "null").and_then(Json::as_str),
            other => other.as_str(),
        };
        match named {
            Some("boolean") => Self::Flag,
            Some("integer") => Self::Whole,
            Some("number") => Self::Number,
            Some("string") => Self::Text,
            Some("array") if property["items"]["type"] == "string" => Self::List,
            _ => Self::Other,
        }
    }

    /// The kind in a word or two, for a table.
    pub fn name(&self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Whole => "whole number".to_owned(),
            Self::Number => "number".to_owned(),
            Self::Text | Self::Other => "text".to_owned(),
            Self::List => "list of texts".to_owned(),
            Self::Choice(choices) => {
                choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(" or ")
            }
        }
    }

    /// The kind as what a key takes, for an error.
    pub fn expected(&self) -> String {
        match self {
            Self::Flag => "true or false (also 1/0, yes/no, on/off in the environment)".to_owned(),
            Self::Whole => "a whole number of at least 0".to_owned(),
            Self::Number => "a number of at least 0".to_owned(),
            Self::Text | Self::Other => "a text".to_owned(),
            Self::List => "a list of texts (separated by commas in the environment)".to_owned(),
            Self::Choice(_) => self.name(),
        }
    }

    /// The value that a text of the environment or of a flag stands for; none where it stands for none.
    pub fn parse(&self, text: &str) -> Option<Value> {
        let text = text.trim();
        match self {
            Self::Flag => flag(text).map(Value::Boolean),
            Self::Whole => whole(text).map(Value::Integer),
            Self::Number => number(text).map(Value::Float),
            Self::Text | Self::Other => Some(Value::String(text.to_owned())),
            Self::List => Some(Value::Array(list(text).map(Value::String).collect())),
            Self::Choice(choices) => choices
                .iter()
                .find(|choice| choice.eq_ignore_ascii_case(text))
                .map(|choice| Value::String(choice.clone())),
        }
    }

    /// Whether a value of the file has this kind.
    pub fn admits(&self, value: &Value) -> bool {
        match self {
            Self::Flag => value.is_bool(),
            Self::Whole => value.as_integer().is_some_and(|number| number >= 0),
            Self::Number => value.as_float().is_some_and(is_amount) || Self::Whole.admits(value),
            Self::Text => value.is_str(),
            Self::List => value.as_array().is_some_and(|items| items.iter().all(Value::is_str)),
            Self::Choice(choices) => value.as_str().is_some_and(|text| choices.iter().any(|choice| choice == text)),
            Self::Other => true,
        }
    }
}

/// The texts of an enum, which the schema writes as `enum`, as `const`s, or as one of them or null.
fn choices(property: &Json) -> Option<Vec<String>> {
    if let Some(texts) = property["enum"].as_array() {
        return Some(texts.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect());
    }
    if let Some(text) = property["const"].as_str() {
        return Some(vec![text.to_owned()]);
    }
    let parts = property["anyOf"].as_array().or_else(|| property["oneOf"].as_array())?;
    let found: Vec<String> = parts.iter().filter_map(choices).flatten().collect();
    (!found.is_empty()).then_some(found)
}

/// The truth a text stands for.
pub fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The whole number of at least 0 that a text stands for.
pub fn whole(text: &str) -> Option<i64> {
    text.trim().parse().ok().filter(|number| *number >= 0)
}

/// The number of at least 0 that a text stands for.
pub fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number| is_amount(*number))
}

fn is_amount(number: f64) -> bool {
    number.is_finite() && number >= 0.0
}

/// The parts of a list separated by commas.
pub fn list(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_eight_spellings() {
        for text in ["1", "true", "YES", " on "] {
            assert_eq!(flag(text), Some(true), "{text}");
        }
        for text in ["0", "False", "no", "off"] {
            assert_eq!(flag(text), Some(false), "{text}");
        }
        assert_eq!(flag("2"), None);
    }

    #[test]
    fn lists_are_split_at_commas() {
        assert_eq!(list(" a.example, ,b.example,").collect::<Vec<_>>(), ["a.example", "b.example"]);
    }

    #[test]
    fn negative_numbers_are_no_settings() {
        assert_eq!(whole("-1"), None);
        assert_eq!(whole("17"), Some(17));
        assert!(!Kind::Whole.admits(&Value::Integer(-1)));
        for text in ["-0.1", "nan", "inf", "1e999", "much"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!((number("0.7"), number(" 1 ")), (Some(0.7), Some(1.0)));
        assert!(Kind::Number.admits(&Value::Integer(1)) && Kind::Number.admits(&Value::Float(0.5)));
        assert!(!Kind::Number.admits(&Value::Float(-0.5)) && !Kind::Number.admits(&Value::Float(f64::NAN)));
    }
}
