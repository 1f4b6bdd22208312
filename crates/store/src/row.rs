//! One row of an answer, from either engine, read by column name.

use std::str::FromStr;
use std::sync::Arc;

use pilothouse_domain::RunId;
use rusqlite::types::Value;
use smol_str::SmolStr;
use sqlx::Row as _;
use uuid::Uuid;

use crate::Error;

/// One row. Every getter fails with [`Error::Corrupt`] where the column holds something else.
pub(crate) enum Row {
    Sqlite { columns: Arc<[SmolStr]>, values: Vec<Value> },
    Postgres(sqlx::postgres::PgRow),
}

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident, $optional:ident, $type:ty, $kind:ident) => {
        $(#[$doc])*
        pub(crate) fn $name(&self, column: &str) -> Result<$type, Error> {
            self.$optional(column)?.ok_or_else(|| Error::unreadable(column))
        }

        $(#[$doc])*
        pub(crate) fn $optional(&self, column: &str) -> Result<Option<$type>, Error> {
            match self {
                Self::Postgres(row) => Ok(row.try_get(column)?),
                Self::Sqlite { columns, values } => match value(columns, values, column)? {
                    Value::Null => Ok(None),
                    Value::$kind(value) => Ok(Some(value.to_owned())),
                    _ => Err(Error::unreadable(column)),
                },
            }
        }
    };
}

impl Row {
    getter!(
        /// A whole number.
        int, optional_int, i64, Integer
    );
    getter!(
        /// A text.
        text, optional_text, String, Text
    );
    getter!(
        /// Bytes.
        bytes, optional_bytes, Vec<u8>, Blob
    );

    /// A yes or no, stored as 1 or 0.
    pub(crate) fn flag(&self, column: &str) -> Result<bool, Error> {
        Ok(self.int(column)? != 0)
    }

    /// A SHA-256 digest.
    pub(crate) fn hash(&self, column: &str) -> Result<[u8; 32], Error> {
        self.bytes(column)?.try_into().map_err(|_| Error::unreadable(column))
    }

    /// A run's id.
    pub(crate) fn run(&self, column: &str) -> Result<RunId, Error> {
        self.optional_run(column)?.ok_or_else(|| Error::unreadable(column))
    }

    /// A run's id, or null.
    pub(crate) fn optional_run(&self, column: &str) -> Result<Option<RunId>, Error> {
        match self {
            Self::Postgres(row) => Ok(row.try_get::<Option<Uuid>, _>(column)?.map(RunId)),
            Self::Sqlite { columns, values } => match value(columns, values, column)? {
                Value::Null => Ok(None),
                Value::Blob(bytes) => {
                    Uuid::from_slice(bytes).map(|id| Some(RunId(id))).map_err(|_| Error::unreadable(column))
                }
                _ => Err(Error::unreadable(column)),
            },
        }
    }

    /// A text that parses, for instance a typed id.
    pub(crate) fn parsed<T: FromStr>(&self, column: &str) -> Result<T, Error> {
        self.optional_parsed(column)?.ok_or_else(|| Error::unreadable(column))
    }

    /// A text that parses, or null.
    pub(crate) fn optional_parsed<T: FromStr>(&self, column: &str) -> Result<Option<T>, Error> {
        let text = match self {
            Self::Postgres(row) => row.try_get::<Option<&str>, _>(column)?,
            Self::Sqlite { columns, values } => match value(columns, values, column)? {
                Value::Null => None,
                Value::Text(text) => Some(text.as_str()),
                _ => return Err(Error::unreadable(column)),
            },
        };
        text.map(|text| text.parse().map_err(|_| Error::unreadable(column))).transpose()
    }
}

fn value<'r>(columns: &[SmolStr], values: &'r [Value], column: &str) -> Result<&'r Value, Error> {
    let place = columns.iter().position(|name| name == column);
    place.and_then(|place| values.get(place)).ok_or_else(|| Error::Database(format!("no column {column}")))
}
