//! One hash for one meaning: JSON in canonical form (keys sorted, no spaces), and its SHA-256.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// The SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// `value` as JSON text with the keys of every object sorted and no spaces.
pub fn canonical_json(value: &Value) -> String {
    String::from_utf8(canonical(value)).unwrap_or_default()
}

/// The SHA-256, in hexadecimal, of the canonical JSON of `payload`. A payload that has no JSON form hashes as `null`.
pub fn payload_hash<T: Serialize>(payload: &T) -> String {
    value_hash(&serde_json::to_value(payload).unwrap_or(Value::Null))
}

/// The same of what is JSON already.
pub fn value_hash(value: &Value) -> String {
    hex::encode(sha256(&canonical(value)))
}

fn canonical(value: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    write(&mut text, value);
    text
}

fn write(text: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            between(text, *b"{}", entries, |text, (key, value)| {
                plain(text, key);
                text.push(b':');
                write(text, value);
            });
        }
        Value::Array(items) => between(text, *b"[]", items, write),
        other => plain(text, other),
    }
}

fn between<T>(
    text: &mut Vec<u8>,
    [open, close]: [u8; 2],
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut Vec<u8>, T),
) {
    text.push(open);
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        write(text, item);
    }
    text.push(close);
}

fn plain<T: Serialize + ?Sized>(text: &mut Vec<u8>, value: &T) {
    // Writing text, numbers and such to memory does not fail.
    let _ = serde_json::to_writer(text, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_matter_and_of_items_does() {
        assert_eq!(
            payload_hash(&json!({"a": 1, "b": {"c": 2, "d": 3}})),
            payload_hash(&json!({"b": {"d": 3, "c": 2}, "a": 1}))
        );
        assert_ne!(payload_hash(&json!([1, 2])), payload_hash(&json!([2, 1])));
        assert_eq!(canonical_json(&json!({"b": 1, "a": [null, "x"]})), r#"{"a":[null,"x"],"b":1}"#);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let items = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
            let fields = prop::collection::vec((any::<String>(), inner), 0..4);
            prop_oneof![items, fields.prop_map(|fields| Value::Object(fields.into_iter().collect()))]
        })
    }

    proptest! {
        #[test]
        fn it_is_the_same_value_and_the_form_of_itself(value in values()) {
            let text = canonical_json(&value);
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read, &value);
            prop_assert_eq!(canonical_json(&read), text);
        }
    }
}
