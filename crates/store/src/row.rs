//! One row of an answer, from either engine, read by column name.

use std::str::FromStr;

use sqlx::Row as _;

use crate::Error;

/// One row. Every getter fails with [`Error::Corrupt`] where the column holds something else.
pub(crate) enum Row {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident, $optional:ident, $type:ty) => {
        $(#[$doc])*
        pub(crate) fn $name(&self, column: &str) -> Result<$type, Error> {
            self.$optional(column)?.ok_or_else(|| Error::unreadable(column))
        }

        $(#[$doc])*
        pub(crate) fn $optional(&self, column: &str) -> Result<Option<$type>, Error> {
            match self {
                Self::Sqlite(row) => Ok(row.try_get(column)?),
                Self::Postgres(row) => Ok(row.try_get(column)?),
            }
        }
    };
}

impl Row {
    getter!(
        /// A whole number.
        int, optional_int, i64
    );
    getter!(
        /// A text.
        text, optional_text, String
    );
    getter!(
        /// Bytes.
        bytes, optional_bytes, Vec<u8>
    );

    /// A yes or no, stored as 1 or 0.
    pub(crate) fn flag(&self, column: &str) -> Result<bool, Error> {
        Ok(self.int(column)? != 0)
    }

    /// A SHA-256 digest.
    pub(crate) fn hash(&self, column: &str) -> Result<[u8; 32], Error> {
        self.bytes(column)?.try_into().map_err(|_| Error::unreadable(column))
    }

    /// A text that parses, for instance a typed id.
    pub(crate) fn parsed<T: FromStr>(&self, column: &str) -> Result<T, Error> {
        self.text(column)?.parse().map_err(|_| Error::unreadable(column))
    }

    /// A text that parses, or null.
    pub(crate) fn optional_parsed<T: FromStr>(&self, column: &str) -> Result<Option<T>, Error> {
        self.optional_text(column)?.map(|text| text.parse().map_err(|_| Error::unreadable(column))).transpose()
    }
}
