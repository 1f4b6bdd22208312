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
    sorted(value).to_string()
}

/// The SHA-256, in hexadecimal, of the canonical JSON of `payload`. A payload that has no JSON form hashes as `null`.
pub fn payload_hash<T: Serialize>(payload: &T) -> String {
    let value = serde_json::to_value(payload).unwrap_or(Value::Null);
    hex::encode(sha256(canonical_json(&value).as_bytes()))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
