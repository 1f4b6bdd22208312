//! What can go wrong with the database, each with a stable code. No message holds SQL text, values or file paths: the
//! engine's own words go to the log at debug level.

use pilothouse_domain::Code;

/// Why the store did not do what it was asked. Whatever the variant, the unit of work left nothing behind, with one
/// exception: [`Error::Unavailable`] from a lost connection during a PostgreSQL commit leaves the outcome unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The disk is full. Nothing acknowledged was lost, and writing goes on by itself when there is space.
    #[error("the disk that holds the database is full; nothing acknowledged was lost")]
    Full,
    /// The data folder or the database cannot be written.
    #[error("the database cannot be written: its folder, file or server is read-only")]
    ReadOnly,
    /// Another process holds the data folder.
    #[error("another process uses this data folder; stop it, or use another folder")]
    Locked,
    /// The database has migrations that this program does not know. Nothing was changed.
    #[error("the database has version {found} and this program knows {known}: it was written by a newer program")]
    Newer {
        /// The highest version in the database.
        found: i64,
        /// The highest version that this program knows.
        known: i64,
    },
    /// The thing exists already, or is in a state that does not allow this.
    #[error("this {what} exists already, or its state does not allow this")]
    Conflict {
        /// Which thing, for instance `tenant`.
        what: &'static str,
    },
    /// The thing that a row would belong to does not exist.
    #[error("there is no such {what}")]
    Missing {
        /// Which thing, for instance `run`.
        what: &'static str,
    },
    /// What is to be stored is larger than this program keeps.
    #[error("{bytes} bytes are more than the {most} that may be stored")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        most: usize,
    },
    /// The database does not answer, or not in time; trying again may help.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// What is stored is damaged or cannot be read back.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The database refused a statement: a fault of this program.
    #[error("the database refused a statement ({0})")]
    Database(String),
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Full => Code::StorageFull,
            Self::ReadOnly => Code::StorageReadOnly,
            Self::Locked => Code::StorageLocked,
            Self::Newer { .. } => Code::StorageNewer,
            Self::Conflict { what: "tenant" } => Code::TenantExists,
            Self::Conflict { what: "connection" } => Code::ConnectionExists,
            Self::Missing { what: "tenant" } => Code::TenantUnknown,
            Self::Missing { what: "run" } => Code::RunUnknown,
            Self::Conflict { what: "schedule" } => Code::ScheduleExists,
            Self::Missing { what: "schedule" } => Code::ScheduleUnknown,
            Self::Missing { what: "workflow" } => Code::WorkflowUnknown,
            Self::Missing { what: "connection" } => Code::ConnectionUnknown,
            Self::Missing { .. } => Code::NotFound,
            Self::TooLarge { .. } => Code::RunTooLarge,
            Self::Unavailable(_) => Code::Unavailable,
            Self::Conflict { .. } | Self::Corrupt(_) | Self::Database(_) => Code::Internal,
        }
    }

    /// A column that holds what this program never writes there.
    pub(crate) fn unreadable(column: &str) -> Self {
        Self::Corrupt(format!("the column {column} holds an unexpected value"))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        tracing::debug!(%error, "the database answered with an error");
        match &error {
            sqlx::Error::Database(database) => from_postgres(&database.code().unwrap_or_default()),
            sqlx::Error::Io(io) => from_io(io),
            sqlx::Error::PoolTimedOut => Self::Unavailable("no connection was free in time".into()),
            sqlx::Error::PoolClosed => Self::Unavailable("the store is closed".into()),
            sqlx::Error::WorkerCrashed => Self::Unavailable("the connection broke".into()),
            sqlx::Error::Tls(_) => Self::Unavailable("TLS with the server failed".into()),
            sqlx::Error::Protocol(_) => Self::Unavailable("the server broke off the connection".into()),
            sqlx::Error::Configuration(_) => Self::Unavailable("the address of the database is not valid".into()),
            sqlx::Error::ColumnNotFound(column) => Self::Database(format!("no column {column}")),
            sqlx::Error::ColumnDecode { index, .. } => Self::unreadable(index),
            _ => Self::Database("unexpected answer".into()),
        }
    }
}

/// The error that stands for a failed file operation.
pub(crate) fn from_io(error: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::Full,
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Error::ReadOnly,
        kind => Error::Unavailable(kind.to_string()),
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        tracing::debug!(%error, "the database answered with an error");
        match error {
            rusqlite::Error::SqliteFailure(failure, _) => from_sqlite(failure.extended_code),
            rusqlite::Error::SqlInputError { error, .. } => from_sqlite(error.extended_code),
            _ => Self::Database("unexpected answer".into()),
        }
    }
}

/// SQLite's extended result codes: <https://www.sqlite.org/rescode.html>. The low byte is the family.
fn from_sqlite(code: i32) -> Error {
    const IOERR_SHMSIZE: i32 = 4874;
    const CONSTRAINT_FOREIGNKEY: i32 = 787;
    match (code & 0xff, code) {
        // Growing the shared-memory file of the log fails only where there is no space for it.
        (13, _) | (_, IOERR_SHMSIZE) => Error::Full,
        (8 | 14 | 3, _) => Error::ReadOnly,
        (9, _) => Error::Unavailable("a statement took too long".into()),
        (5 | 6, _) => Error::Unavailable("the database file is busy".into()),
        (10, _) => Error::Unavailable(format!("the disk reported an error (SQLite {code})")),
        (11 | 26, _) => Error::Corrupt("the file is not a sound SQLite database".into()),
        (7, _) => Error::Unavailable("out of memory".into()),
        (_, CONSTRAINT_FOREIGNKEY) => Error::Missing { what: "thing that the row belongs to" },
        _ => Error::Database(format!("SQLite {code}")),
    }
}

/// PostgreSQL's SQLSTATE codes, by class and then by code.
fn from_postgres(code: &str) -> Error {
    match code {
        "53100" => Error::Full,
        "25006" => Error::ReadOnly,
        "40001" | "40P01" => Error::Unavailable("another transaction was in the way".into()),
        "55P03" | "57014" => Error::Unavailable("a statement took too long".into()),
        "23503" => Error::Missing { what: "thing that the row belongs to" },
        "42501" => Error::Unavailable("the server refused this user".into()),
        "3D000" => Error::Unavailable("the server has no such database".into()),
        _ => match code.get(..2).unwrap_or_default() {
            "XX" => Error::Corrupt(format!("PostgreSQL {code}")),
            "08" | "53" | "57" | "58" | "25" => Error::Unavailable(format!("PostgreSQL {code}")),
            "28" => Error::Unavailable("the server refused this user".into()),
            _ => Error::Database(format!("PostgreSQL {code}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_codes_become_our_own() {
        assert_eq!(from_sqlite(13), Error::Full);
        assert_eq!(from_sqlite(4874), Error::Full);
        assert_eq!(from_sqlite(1544), Error::ReadOnly);
        assert!(matches!(from_sqlite(778), Error::Unavailable(_)));
        assert!(matches!(from_sqlite(779), Error::Corrupt(_)));
        assert!(matches!(from_sqlite(26), Error::Corrupt(_)));
        assert!(matches!(from_sqlite(1), Error::Database(_)));
        assert_eq!(from_postgres("53100"), Error::Full);
        assert_eq!(from_postgres("25006"), Error::ReadOnly);
        assert!(matches!(from_postgres("57P01"), Error::Unavailable(_)));
        assert!(matches!(from_postgres("42601"), Error::Database(_)));
        assert!(matches!(from_postgres("42501"), Error::Unavailable(_)));
    }

    #[test]
    fn every_error_has_its_code() {
        assert_eq!(Error::Full.code(), Code::StorageFull);
        assert_eq!(Error::Conflict { what: "tenant" }.code(), Code::TenantExists);
        assert_eq!(Error::Conflict { what: "connection" }.code(), Code::ConnectionExists);
        assert_eq!(Error::Newer { found: 9, known: 1 }.code(), Code::StorageNewer);
    }
}
