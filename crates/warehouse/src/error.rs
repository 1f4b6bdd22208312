//! Everything that can go wrong between a checked query and its rows, in words that are safe to show.

use pilothouse_domain::Code;

/// A failure with a stable code. The message holds no secret, no stack trace and no path outside the source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The stable code.
    pub code: Code,
    /// The reason for a person.
    pub message: String,
    /// Whether trying again can help: the source was out of reach, not wrong.
    pub retryable: bool,
}

impl Error {
    /// A failure that trying again does not mend.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retryable: false }
    }

    /// Somebody did not want the query any more.
    pub fn cancelled() -> Self {
        Self::new(Code::RunCancelled, "The query was cancelled.")
    }

    /// A failure that trying again may mend.
    pub fn retryable(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retryable: true }
    }
}
