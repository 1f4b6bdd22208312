//! Reads the fields of a JSON body and collects everything that is wrong with them, in the words and shapes that
//! clients of the originals parse.

use pilothouse_app::{Error, Field};
use pilothouse_domain::Code;
use serde_json::{Map, Value, json};

/// What stands in an answer in place of a secret.
const HIDDEN: &str = "…";

/// The fields of one body.
pub struct Fields {
    /// Where they stand: `body`, and the number of the item where the body is a list.
    place: Vec<Value>,
    values: Map<String, Value>,
    whole: Value,
    wrong: Vec<Field>,
    hidden: &'static [&'static str],
}

impl Fields {
    /// The fields of `body`; anything but an object is wrong as a whole.
    pub fn of(body: Value) -> Self {
        Self::at(vec!["body".into()], body)
    }

    /// The fields of an item of a list.
    pub fn of_item(index: usize, item: Value) -> Self {
        Self::at(vec!["body".into(), index.into()], item)
    }

    fn at(place: Vec<Value>, body: Value) -> Self {
        let mut fields = Self { place, values: Map::new(), whole: body.clone(), wrong: Vec::new(), hidden: &[] };
        match body {
            Value::Object(values) => fields.values = values,
            other => {
                let message = "Input should be a valid dictionary or object to extract fields from";
                fields.refuse(None, "model_attributes_type", message, other, None);
            }
        }
        fields
    }

    /// Keeps the values of these fields out of whatever is said about the body: they hold secrets.
    pub fn hide(&mut self, names: &'static [&'static str]) {
        self.hidden = names;
        for name in names {
            if let Some(value) = self.whole.get_mut(name) {
                *value = HIDDEN.into();
            }
        }
    }

    /// Notes that the field `name` (or the body as a whole) is wrong.
    pub fn refuse(
        &mut self,
        name: Option<&str>,
        kind: &'static str,
        message: &str,
        input: Value,
        context: Option<Value>,
    ) {
        let location = self.place.iter().cloned().chain(name.map(Value::from)).collect();
        let input = if name.is_some_and(|name| self.hidden.contains(&name)) { HIDDEN.into() } else { input };
        self.wrong.push(Field { location, kind, message: message.to_owned(), input, context });
    }

    fn is_object(&self) -> bool {
        self.whole.is_object()
    }

    /// A text that must be there; empty when it is not, which is noted.
    pub fn text(&mut self, name: &str, min_chars: usize) -> String {
        match self.values.remove(name) {
            Some(Value::String(text)) if text.chars().count() >= min_chars => text,
            Some(Value::String(text)) => {
                let unit = if min_chars == 1 { "character" } else { "characters" };
                let message = format!("String should have at least {min_chars} {unit}");
                self.refuse(
                    Some(name),
                    "string_too_short",
                    &message,
                    text.into(),
                    Some(json!({"min_length": min_chars})),
                );
                String::new()
            }
            Some(other) => {
                self.refuse(Some(name), "string_type", "Input should be a valid string", other, None);
                String::new()
            }
            None => {
                if self.is_object() {
                    self.refuse(Some(name), "missing", "Field required", self.whole.clone(), None);
                }
                String::new()
            }
        }
    }

    /// A text that may be absent or null.
    pub fn optional_text(&mut self, name: &str) -> Option<String> {
        match self.values.get(name) {
            None | Some(Value::Null) => None,
            Some(_) => Some(self.text(name, 0)),
        }
    }

    /// Whether the field is there and neither null nor empty.
    pub fn has(&self, name: &str) -> bool {
        !matches!(self.values.get(name), None | Some(Value::Null)) && self.values[name] != ""
    }

    /// A text that may be absent, null or empty, all of which mean none.
    pub fn filled_text(&mut self, name: &str) -> Option<String> {
        self.optional_text(name).filter(|text| !text.is_empty())
    }

    /// A mark that must be there and be `true`.
    pub fn must_be_true(&mut self, name: &str) {
        match self.values.remove(name) {
            Some(Value::Bool(true)) => {}
            Some(other) => self.refuse(Some(name), "literal_error", "Input should be true", other, None),
            None => self.refuse(Some(name), "missing", "Field required", self.whole.clone(), None),
        }
    }

    /// A whole number of at least 0 that may be absent or null.
    pub fn optional_count(&mut self, name: &str) -> Option<u32> {
        match self.values.remove(name) {
            None | Some(Value::Null) => None,
            Some(value) => match value.as_u64().and_then(|n| u32::try_from(n).ok()) {
                Some(count) => Some(count),
                None => {
                    self.refuse(Some(name), "int_type", "Input should be a valid integer", value, None);
                    None
                }
            },
        }
    }

    /// A whole number of at least 0 that must be there; 0 when it is not, which is noted.
    pub fn count(&mut self, name: &str) -> u32 {
        if !self.is_sent(name) {
            self.refuse(Some(name), "missing", "Field required", self.whole.clone(), None);
        }
        self.optional_count(name).unwrap_or_default()
    }

    /// A text parsed into `T`; wrong values are noted with `expected`.
    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str, text: Option<String>, expected: &str) -> Option<T> {
        let text = text?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => {
                let message = format!("Input should be {expected}");
                self.refuse(Some(name), "enum", &message, text.into(), Some(json!({"expected": expected})));
                None
            }
        }
    }

    /// An object of the shape of `T` that may be absent or null.
    pub fn optional_object<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value = self.values.remove(name).filter(|value| !value.is_null())?;
        match serde_json::from_value(value.clone()) {
            Ok(object) => Some(object),
            Err(error) => {
                let message = format!("Input should be of the documented shape: {error}");
                self.refuse(Some(name), "model_type", &message, value, None);
                None
            }
        }
    }

    /// What `read` makes of a text that was sent; where it makes nothing of it, that is noted with `expected`.
    pub fn chosen<T>(&mut self, name: &str, text: &str, expected: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = read(text);
        if value.is_none() && !text.is_empty() {
            let message = format!("Input should be {expected}");
            self.refuse(Some(name), "enum", &message, text.into(), Some(json!({"expected": expected})));
        }
        value
    }

    /// A whole number between two bounds that may be absent or null.
    pub fn optional_within(&mut self, name: &str, least: i64, most: i64) -> Option<i64> {
        let value = self.values.remove(name).filter(|value| !value.is_null())?;
        match value.as_i64() {
            None => self.refuse(Some(name), "int_type", "Input should be a valid integer", value, None),
            Some(number) => match out_of_bounds(number, least, most) {
                None => return Some(number),
                Some((kind, message, context)) => self.refuse(Some(name), kind, &message, value, Some(context)),
            },
        }
        None
    }

    /// A yes or no that may be absent or null.
    pub fn optional_flag(&mut self, name: &str) -> Option<bool> {
        match self.values.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::Bool(flag)) => Some(flag),
            Some(other) => {
                self.refuse(Some(name), "bool_type", "Input should be a valid boolean", other, None);
                None
            }
        }
    }

    /// A yes or no that must be there; no when it is not, which is noted.
    pub fn flag(&mut self, name: &str) -> bool {
        if !self.is_sent(name) && self.is_object() {
            self.refuse(Some(name), "missing", "Field required", self.whole.clone(), None);
        }
        self.optional_flag(name).unwrap_or_default()
    }

    /// What was sent, whatever it is; null where it is absent.
    pub fn any(&mut self, name: &str) -> Value {
        self.values.remove(name).unwrap_or_default()
    }

    /// Whether the field was sent, even as null.
    pub fn is_sent(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Everything that was wrong, as one error; nothing when all was right.
    pub fn finish(self) -> Result<(), Error> {
        refusal(Code::BodyInvalid, "body", self.wrong)
    }
}

/// What is wrong with a number that is not within its bounds: kind, words and figures.
pub fn out_of_bounds(number: i64, least: i64, most: i64) -> Option<(&'static str, String, Value)> {
    let message = |than: &str, bound: i64| format!("Input should be {than} than or equal to {bound}");
    if number < least {
        return Some(("greater_than_equal", message("greater", least), json!({"ge": least})));
    }
    (number > most).then(|| ("less_than_equal", message("less", most), json!({"le": most})))
}

/// One error of all that is wrong; none where nothing is. `whole` is what the fields are parts of.
pub fn refusal(code: Code, whole: &str, wrong: Vec<Field>) -> Result<(), Error> {
    if wrong.is_empty() {
        return Ok(());
    }
    let names = wrong.iter().map(|field| {
        let path: Vec<_> = field.location.iter().skip(1).filter_map(Value::as_str).collect();
        format!("{}: {}", if path.is_empty() { whole.to_owned() } else { path.join(".") }, field.message)
    });
    let message = names.collect::<Vec<_>>().join("; ");
    let mut error = Error::new(code, message);
    error.fields = wrong;
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_field_is_named() {
        let mut fields = Fields::of(json!({"org_id": "a", "message": ""}));
        assert_eq!(fields.text("org_id", 0), "a");
        fields.text("user_id", 0);
        fields.text("message", 1);
        let error = fields.finish().unwrap_err();
        let kinds: Vec<_> = error.fields.iter().map(|field| field.kind).collect();
        assert_eq!(kinds, ["missing", "string_too_short"]);
        assert_eq!(error.fields[0].input, json!({"org_id": "a", "message": ""}));
    }

    #[test]
    fn hidden_fields_are_never_repeated() {
        let mut fields = Fields::of(json!({"key": "hunter2", "url": ["hunter2"]}));
        fields.hide(&["key", "url"]);
        fields.text("name", 1);
        fields.text("url", 1);
        fields.text("key", 100);
        let error = fields.finish().unwrap_err();
        assert_eq!(error.fields.len(), 3);
        assert!(error.fields.iter().all(|field| !field.input.to_string().contains("hunter2")));
    }

    #[test]
    fn a_body_that_is_no_object_is_one_fault() {
        let mut fields = Fields::of(json!([1]));
        fields.text("org_id", 0);
        assert_eq!(fields.finish().unwrap_err().fields.len(), 1);
    }
}
