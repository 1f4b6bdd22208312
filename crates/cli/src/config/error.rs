//! What is wrong with a configuration, and where. No message repeats a value that may be a secret.

use std::fmt;

use pilothouse_domain::Code;

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The configuration file; lines count from 1.
    File {
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Variable {
        /// Its name.
        name: String,
    },
    /// A flag of the command line that sets a key.
    Flag {
        /// The dotted key.
        key: String,
    },
    /// The built-in default.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { line } => write!(f, "the configuration file, line {line}"),
            Self::Variable { name } => write!(f, "the environment variable {name}"),
            Self::Flag { key } => write!(f, "the command line, {key}"),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is no TOML.
    #[error("{place}: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the parser says.
        message: String,
    },
    /// A key or variable that does not exist.
    #[error("{place}: there is no setting `{}`{}", shortened(name), suggestion(nearest))]
    Unknown {
        /// Where.
        place: Place,
        /// The key or variable as it is written there.
        name: String,
        /// The known one most like it, if one is.
        nearest: Option<String>,
    },
    /// A value that the key cannot have.
    #[error("{place}: `{key}` takes {expected}")]
    Value {
        /// Where.
        place: Place,
        /// The dotted key.
        key: String,
        /// What it takes, in words.
        expected: String,
    },
    /// Settings that are valid one by one and not together.
    #[error("{0}")]
    Together(String),
}

/// A name from outside, as much of it as helps.
fn shortened(name: &str) -> String {
    /// Characters of a name that are shown.
    const SHOWN: usize = 80;
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", name[..end].escape_debug()),
        None => name.escape_debug().to_string(),
    }
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}

impl Error {
    /// The stable code of every such error.
    pub fn code(&self) -> Code {
        Code::ConfigInvalid
    }
}
