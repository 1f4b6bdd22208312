//! Answers in a form: JSON, and JSON of a schema.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::chat::Format;

/// Largest schema, in bytes.
const MAX_SCHEMA_BYTES: usize = 64 << 10;
/// Faults that are told at once.
const MAX_TOLD: usize = 3;
/// Most characters of what is told of a fault.
const MAX_WORDS: usize = 300;

/// What answers of a form must hold to.
#[derive(Debug)]
pub enum Form {
    /// Words.
    Text,
    /// A JSON object.
    Json,
    /// JSON of a schema.
    Schema(Box<Validator>),
}

impl Form {
    /// The form of a format.
    ///
    /// # Errors
    /// What is wrong with its schema.
    pub fn new(format: &Format) -> Result<Self, String> {
        let schema = match format {
            Format::Text => return Ok(Self::Text),
            Format::Json => return Ok(Self::Json),
            Format::Schema { schema, .. } => schema,
        };
        if schema.to_string().len() > MAX_SCHEMA_BYTES {
            return Err(format!("a schema has at most {MAX_SCHEMA_BYTES} bytes"));
        }
        // Patterns come from outside: no engine that one of them could keep busy for ever.
        let built = jsonschema::options().with_pattern_options(PatternOptions::regex()).build(schema);
        built.map(|validator| Self::Schema(Box::new(validator))).map_err(|wrong| brief(&wrong.to_string()))
    }

    /// The value that an answer holds; none where it may be any words.
    ///
    /// # Errors
    /// What is wrong with it, in words that a model can mend it by.
    pub fn read(&self, text: &str) -> Result<Option<Value>, String> {
        let validator = match self {
            Self::Text => return Ok(None),
            Self::Json => None,
            Self::Schema(validator) => Some(validator),
        };
        let value: Value =
            serde_json::from_str(bare(text)).map_err(|wrong| format!("the answer is not JSON: {wrong}"))?;
        match validator {
            None if value.is_object() => Ok(Some(value)),
            None => Err("the answer is not a JSON object".to_owned()),
            Some(validator) => {
                let faults = validator.iter_errors(&value).take(MAX_TOLD).map(|wrong| {
                    let place = wrong.instance_path().to_string();
                    let place = if place.is_empty() { "the answer".to_owned() } else { place };
                    brief(&format!("{place}: {}", wrong.masked_with("it")))
                });
                let faults: Vec<String> = faults.collect();
                if faults.is_empty() { Ok(Some(value)) } else { Err(faults.join("; ")) }
            }
        }
    }
}

/// The text without the fence that models like to put around JSON.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) else { return text };
    inner.strip_prefix("json").unwrap_or(inner).trim()
}

fn brief(words: &str) -> String {
    words.chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn form() -> Form {
        let schema = json!({"type": "object", "properties": {"class": {"enum": ["network", "memory"]}},
            "required": ["class"], "additionalProperties": false});
        Form::new(&Format::Schema { name: "triage".to_owned(), schema }).unwrap()
    }

    #[test]
    fn an_answer_has_the_form_or_says_what_is_wrong() {
        assert_eq!(form().read(" ```json\n{\"class\": \"memory\"}\n``` "), Ok(Some(json!({"class": "memory"}))));
        for (text, wrong) in [
            ("{\"class\": \"secret-4711\"}", "/class: it is not one of"),
            ("{}", "required"),
            ("Sure! {}", "not JSON"),
            ("{\"class\": \"memory\", \"more\": 1}", "more"),
        ] {
            let told = form().read(text).unwrap_err();
            assert!(told.contains(wrong) && !told.contains("4711"), "{told}");
        }
        assert_eq!(Form::Json.read("[]"), Err("the answer is not a JSON object".to_owned()));
        assert_eq!(Form::Text.read("anything"), Ok(None));
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        let named = |schema| Form::new(&Format::Schema { name: String::new(), schema });
        assert!(named(json!({"type": "nonsense"})).is_err());
        assert!(named(json!({"$ref": "https://example.org/schema.json"})).is_err(), "nothing is fetched");
        assert!(named(json!({"description": "x".repeat(70_000)})).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[`{}\\[\\]\"a-z:, json\n]{0,60}") {
            let _ = form().read(&text);
            let _ = Form::Json.read(&text);
        }
    }
}
