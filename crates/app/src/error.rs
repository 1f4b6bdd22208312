//! The one set of errors that use cases answer with: a stable code, a sentence, and what a client needs to act on it.

use pilothouse_domain::Code;
use serde_json::{Value, json};

/// A refusal or failure, in words that are safe to show.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The stable code.
    pub code: Code,
    /// The reason for a person.
    pub message: String,
    /// Seconds after which trying again makes sense.
    pub retry_after_seconds: Option<u64>,
    /// The fields that are wrong, where the fault is in the input.
    pub fields: Vec<Field>,
    /// What else a client needs to act on it, by name.
    pub details: Vec<(&'static str, Value)>,
    /// Whether the refusal stands in the audit log already.
    pub audited: bool,
}

/// What is wrong with one field of the input.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Where it is: `["body", "message"]`.
    pub location: Vec<Value>,
    /// A stable word for the fault, for instance `missing`.
    pub kind: &'static str,
    /// The fault in words.
    pub message: String,
    /// What was sent.
    pub input: Value,
    /// Figures that belong to the fault, for instance `{"min_length": 1}`.
    pub context: Option<Value>,
}

/// What is wrong with a text, and in which line; 0 where it is the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub line: u64,
    /// Why.
    pub reason: String,
}

impl Fault {
    /// It as a field of an error, with its line marked.
    pub(crate) fn field(&self, kind: &'static str) -> Field {
        Field {
            location: vec!["body".into(), "yaml".into(), self.line.into()],
            kind,
            message: self.reason.clone(),
            input: Value::Null,
            context: Some(json!({ "line": self.line })),
        }
    }
}

impl Error {
    /// An error with a code and a sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after_seconds: None,
            fields: Vec::new(),
            details: Vec::new(),
            audited: false,
        }
    }

    /// Something that is not there, or that the caller may not know of.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}."))
    }

    /// The same error, with one more field of the body that is wrong: where it stands, a stable word for the fault, the
    /// fault in words, and what was sent.
    pub fn at(mut self, place: &[&str], kind: &'static str, message: &str, input: Value) -> Self {
        let location = std::iter::once("body").chain(place.iter().copied()).map(Into::into).collect();
        self.fields.push(Field { location, kind, message: message.to_owned(), input, context: None });
        self
    }

    /// A field of the body that holds what it cannot: its name, why not, and what was sent.
    pub fn unfit(name: &str, message: &str, input: Value) -> Self {
        let error = Self::new(Code::BodyInvalid, format!("{name}: {message}."));
        error.at(&[name], "value_error", message, input)
    }

    /// The same error, with something more that a client needs to act on it.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// The same error, with the seconds after which trying again makes sense.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }
}

impl From<pilothouse_engine::Failure> for Error {
    fn from(failure: pilothouse_engine::Failure) -> Self {
        Self::new(Code::parse(&failure.code).unwrap_or(Code::Internal), failure.message)
    }
}

impl From<Error> for pilothouse_engine::Failure {
    /// What a database that does not answer stands in the way of may well pass at the next attempt; the rest is said once.
    fn from(error: Error) -> Self {
        match error.code {
            Code::Unavailable | Code::StorageFull | Code::StorageReadOnly | Code::StorageLocked => {
                Self::retryable(error.code, error.message)
            }
            _ => Self::last(error.code, error.message),
        }
    }
}

impl From<pilothouse_store::Error> for Error {
    fn from(error: pilothouse_store::Error) -> Self {
        tracing::warn!(code = error.code().as_str(), "the control-plane database failed: {error}");
        Self::new(error.code(), error.to_string())
    }
}

impl From<pilothouse_warehouse::Error> for Error {
    fn from(error: pilothouse_warehouse::Error) -> Self {
        Self::new(error.code, error.message)
    }
}
