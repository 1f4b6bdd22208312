//! Where the database is, and how it is used.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// Where the control-plane database is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file; its folder is made where it is missing, and belongs to one process at a time.
    Sqlite {
        /// The database file, for instance `data/pilothouse.db`.
        path: PathBuf,
    },
    /// A PostgreSQL server, 15 or later, shared by any number of processes.
    Postgres {
        /// `postgres://user:password@host:port/database`; `?options=-csearch_path%3Dname` names a schema.
        url: String,
    },
}

impl fmt::Debug for Location {
    /// Never shows a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => f.debug_struct("Sqlite").field("path", path).finish(),
            Self::Postgres { url } => match PgConnectOptions::from_str(url) {
                Ok(options) => f
                    .debug_struct("Postgres")
                    .field("host", &options.get_host())
                    .field("port", &options.get_port())
                    .field("database", &options.get_database())
                    .finish_non_exhaustive(),
                Err(_) => f.write_str("Postgres { invalid url }"),
            },
        }
    }
}

/// How the database is used.
#[derive(Debug, Clone)]
pub struct Options {
    /// SQLite: connections that only read, at least one.
    pub readers: u32,
    /// PostgreSQL: connections, at least one.
    pub postgres_connections: u32,
    /// SQLite: how long a statement waits for a lock, in milliseconds.
    pub busy_timeout_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, postgres_connections: 8, busy_timeout_ms: 5_000 }
    }
}

#[cfg(test)]
mod tests {
    use super::Location;

    #[test]
    fn the_password_is_never_shown() {
        for url in ["postgres://ada:hunter2@db.example.com:5433/plh", "postgres://ada:hunter2@:bad:/x?password=hunter2"]
        {
            let shown = format!("{:?}", Location::Postgres { url: url.into() });
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
