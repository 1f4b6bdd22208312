//! Holds real bodies against the published document: every field that it promises is there, no field that it does not
//! know, and each of its type.

use std::collections::BTreeSet;

use serde_json::Value;

/// The OpenAPI document.
pub struct Document(Value);

impl Document {
    pub fn published() -> Self {
        Self(serde_json::to_value(pilothouse_api::document()).unwrap())
    }

    /// What is wrong with `body` as the answer of an operation; empty when nothing is.
    pub fn faults_of_answer(&self, method: &str, path: &str, status: &str, body: &Value) -> Vec<String> {
        let responses = &self.0["paths"][path][method]["responses"];
        let contents = responses[status]["content"].as_object().unwrap_or_else(|| panic!("{method} {path} {status}"));
        let schema = &contents.values().next().unwrap()["schema"];
        self.faults(schema, body, path)
    }

    /// What is wrong with `body` as the request of an operation.
    pub fn faults_of_request(&self, method: &str, path: &str, body: &Value) -> Vec<String> {
        let operation = &self.0["paths"][path][method];
        self.faults(&operation["requestBody"]["content"]["application/json"]["schema"], body, path)
    }

    fn resolve<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        while let Some(reference) = schema["$ref"].as_str() {
            schema = self.0.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("no {reference}"));
        }
        schema
    }

    fn faults(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let mut faults = self.partial_faults(schema, value, at);
        if let Some(fields) = value.as_object() {
            let known = self.known_fields(schema, value);
            let open = known.contains("*") || known.is_empty();
            let unknown = fields.keys().filter(|name| !open && !known.contains(name.as_str()));
            faults.extend(unknown.map(|name| format!("{at}.{name} is not in the document")));
        }
        faults
    }

    /// The fields that a schema and its parts know, `*` where any may stand.
    fn known_fields(&self, schema: &Value, value: &Value) -> BTreeSet<String> {
        let schema = self.resolve(schema);
        let mut known: BTreeSet<String> =
            schema["properties"].as_object().into_iter().flat_map(|p| p.keys().cloned()).collect();
        if schema["additionalProperties"].is_object() {
            known.insert("*".to_owned());
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            known.extend(self.known_fields(part, value));
        }
        let choices = schema["oneOf"].as_array().into_iter().flatten();
        let taken = choices.filter(|choice| self.partial_faults(choice, value, "").is_empty());
        known.extend(taken.flat_map(|choice| self.known_fields(choice, value)));
        known
    }

    fn partial_faults(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let schema = self.resolve(schema);
        let mut faults = Vec::new();
        if !is_of_type(&schema["type"], value) {
            return vec![format!("{at} is {value} and not {}", schema["type"])];
        }
        if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
            return vec![format!("{at} is {value} and not one of {}", schema["enum"])];
        }
        if let Some(fields) = value.as_object() {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let absent = required.filter(|name| !fields.contains_key(*name));
            faults.extend(absent.map(|name| format!("{at}.{name} is missing")));
            for (name, field) in fields {
                let own = &schema["properties"][name];
                let described = if own.is_null() { &schema["additionalProperties"] } else { own };
                if !described.is_null() {
                    faults.extend(self.faults(described, field, &format!("{at}.{name}")));
                }
            }
        }
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            faults.extend(self.faults(&schema["items"], item, &format!("{at}[{index}]")));
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            faults.extend(self.partial_faults(part, value, at));
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let each: Vec<_> = choices.iter().map(|choice| self.partial_faults(choice, value, at)).collect();
            if !each.iter().any(Vec::is_empty) {
                faults.push(format!("{at} fits no choice: {each:?}"));
            }
        }
        faults
    }
}

fn is_of_type(wanted: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    match wanted {
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    }
}
