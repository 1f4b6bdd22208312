//! What can go wrong on the way out, in words that hold no secret: no query string, no header, no body.

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The URL cannot be called at all.
    #[error("this is not a usable address: {0}")]
    Invalid(String),
    /// The address belongs to this machine or a private network, and the client may only reach public ones.
    #[error("{host} has a private address, and those are not allowed here")]
    Forbidden {
        /// The host as it was named.
        host: String,
    },
    /// Nobody answers: the name is unknown, the connection was refused or broke, or TLS failed.
    #[error("{host} cannot be reached: {why}")]
    Unreachable {
        /// The host as it was named.
        host: String,
        /// The reason, without addresses or paths.
        why: &'static str,
    },
    /// It took longer than the client allows.
    #[error("{host} did not answer in time")]
    TimedOut {
        /// The host as it was named.
        host: String,
    },
    /// The answer is larger than the client accepts.
    #[error("{host} answered with more than {max_bytes} bytes")]
    TooLarge {
        /// The host as it was named.
        host: String,
        /// The limit in bytes.
        max_bytes: usize,
    },
}

impl Error {
    /// Whether the call may not have arrived, so that the same call can succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. })
    }
}
