//! The audit chain: each row's hash covers the row before it, so that a change or a gap anywhere is seen.
//!
//! A chain belongs to one tenant, or to the installation itself (`scope` = `_installation`). Where rows are kept is the
//! store's business.

use serde::{Deserialize, Serialize};

use crate::Micros;
use crate::canonical::{Hash, sha256};

/// The scope of the installation's own chain; no tenant can have this id, since ids begin with a letter or a digit.
pub const INSTALLATION: &str = "_installation";

/// How an audited action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Allowed,
    /// It was refused; the row's `code` says why.
    Refused,
    /// It was allowed and failed.
    Failed,
}

impl Outcome {
    /// The outcome as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What happened, before it has a place in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The tenant's id, or [`INSTALLATION`].
    pub scope: String,
    /// When, by the program's clock.
    pub at: Micros,
    /// Who, for instance `ada@example.com`, or `anonymous`.
    pub subject: String,
    /// What, for instance `connection.create`.
    pub action: String,
    /// To what, for instance a connection's id.
    pub resource: String,
    /// SHA-256 of the canonical payload, in hexadecimal; empty where there is none.
    pub payload_hash: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it was refused or failed (a [`crate::Code`] as text, so that old rows stay readable); else empty.
    pub code: String,
    /// The request that asked for it, empty for work without one.
    pub request_id: String,
    /// How many times, for rows that sum up a minute of refusals.
    pub count: i64,
}

/// The hash of the row `seq` with this `entry` after a row with the hash `previous` (zeros for the first row): of both, and of
/// [`entry_bytes`].
pub fn chain_hash(previous: &Hash, seq: i64, entry: &Entry) -> Hash {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(previous);
    bytes.extend_from_slice(&seq.to_be_bytes());
    write_bytes(&mut bytes, entry);
    sha256(&bytes)
}

/// What of an entry its row's hash is made of, wherever in a chain it comes to stand.
pub fn entry_bytes(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    write_bytes(&mut bytes, entry);
    bytes
}

/// Every field is preceded by its length, so that no two different rows have the same bytes.
fn write_bytes(bytes: &mut Vec<u8>, entry: &Entry) {
    bytes.extend_from_slice(&entry.at.to_be_bytes());
    bytes.extend_from_slice(&entry.count.to_be_bytes());
    let fields = [
        &entry.scope,
        &entry.subject,
        &entry.action,
        &entry.resource,
        &entry.payload_hash,
        entry.outcome.as_str(),
        &entry.code,
        &entry.request_id,
    ];
    for field in fields {
        bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
        bytes.extend_from_slice(field.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(subject: &str, action: &str) -> Entry {
        Entry {
            scope: "default".into(),
            at: 7,
            subject: subject.into(),
            action: action.into(),
            resource: String::new(),
            payload_hash: String::new(),
            outcome: Outcome::Allowed,
            code: String::new(),
            request_id: String::new(),
            count: 1,
        }
    }

    proptest! {
        #[test]
        fn moving_a_character_between_fields_changes_the_hash(a in "[a-z]{1,8}", b in "[a-z]{1,8}") {
            let moved = (format!("{a}{}", &b[..1]), b[1..].to_owned());
            let one = chain_hash(&[0; 32], 1, &entry(&a, &b));
            let other = chain_hash(&[0; 32], 1, &entry(&moved.0, &moved.1));
            prop_assert_ne!(one, other);
        }
    }

    #[test]
    fn the_place_in_the_chain_counts() {
        let row = entry("ada", "token.create");
        assert_ne!(chain_hash(&[0; 32], 1, &row), chain_hash(&[0; 32], 2, &row));
        assert_ne!(chain_hash(&[0; 32], 1, &row), chain_hash(&[1; 32], 1, &row));
    }
}
