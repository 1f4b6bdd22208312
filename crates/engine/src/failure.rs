//! Why a step or a run failed, and whether trying again can help.

use pilothouse_domain::Code;
use serde::{Deserialize, Serialize};

/// A failure of a step or a run, in words that are safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// A stable code ([`Code`] as text).
    pub code: String,
    /// The reason for a person.
    pub message: String,
    /// Whether another attempt may succeed.
    pub retryable: bool,
}

impl Failure {
    /// A failure that another attempt would only repeat.
    pub fn last(code: Code, message: impl Into<String>) -> Self {
        Self { code: code.as_str().to_owned(), message: message.into(), retryable: false }
    }

    /// A failure that another attempt may not meet.
    pub fn retryable(code: Code, message: impl Into<String>) -> Self {
        Self { code: code.as_str().to_owned(), message: message.into(), retryable: true }
    }

    /// Whether this is the failure with `code`.
    pub fn is(&self, code: Code) -> bool {
        self.code == code.as_str()
    }
}

impl From<pilothouse_store::Error> for Failure {
    fn from(error: pilothouse_store::Error) -> Self {
        Self::retryable(error.code(), error.to_string())
    }
}

/// The failure of a worker that has lost its run to somebody else: it must not write any more.
pub(crate) fn lost_lease() -> Failure {
    Failure::retryable(Code::RunInterrupted, "The run was taken over by another worker.")
}
