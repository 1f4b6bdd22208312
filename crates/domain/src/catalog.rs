//! What a connection holds: tables, columns, types, counts, low-cardinality values and keys.
//!
//! A catalog is a snapshot, made by the warehouse when a connection is profiled. It never holds credentials, and only
//! holds cell values of columns with few distinct ones.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Micros;
use crate::personal::Suspicion;

/// Most distinct values for which a text column's values are kept.
pub const MAX_LISTED_VALUES: usize = 200;

/// Which engine answers a connection's queries, and so which SQL it is asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The embedded engine, Apache DataFusion.
    DataFusion,
    /// PostgreSQL 15 or later.
    PostgreSql,
    /// Google BigQuery's GoogleSQL.
    BigQuery,
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        match text {
            "datafusion" => Ok(Self::DataFusion),
            "postgresql" | "postgres" => Ok(Self::PostgreSql),
            "bigquery" => Ok(Self::BigQuery),
            _ => Err(UnknownDialect { text: text.to_owned() }),
        }
    }
}

/// A word that names no dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no dialect {text:?}: datafusion, postgresql and bigquery are known")]
pub struct UnknownDialect {
    /// The word.
    pub text: String,
}

/// A column's type, as far as questions and charts care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    /// Whole numbers.
    Integer,
    /// Floating-point or exact decimal numbers.
    Number,
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// A calendar date.
    Date,
    /// A moment, with or without a time zone.
    Timestamp,
    /// Anything else (lists, structures, bytes).
    Other,
}

impl DataType {
    /// Whether values can be added up.
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Number)
    }

    /// Whether values are points in time.
    pub fn is_temporal(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp)
    }
}

/// A snapshot of all tables of a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// Which SQL the connection speaks.
    pub dialect: Dialect,
    /// The tables, sorted by name.
    pub tables: Vec<Table>,
}

impl Catalog {
    /// The table with exactly this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// One table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The schema it stands in, where the engine has schemas (PostgreSQL); otherwise none.
    pub schema: Option<String>,
    /// Its name, exactly as the engine knows it.
    pub name: String,
    /// Rows, exact where the engine gives exact counts cheaply.
    pub row_count: Option<u64>,
    /// Bytes on disk.
    pub bytes: Option<u64>,
    /// When its data last changed, as far as the engine can tell.
    pub updated_at: Option<Micros>,
    /// The columns, in the table's order.
    pub columns: Vec<Column>,
    /// The primary key's columns: declared, or inferred; empty when there is none.
    pub primary_key: Vec<String>,
    /// References to other tables: declared, or inferred.
    pub foreign_keys: Vec<ForeignKey>,
}

impl Table {
    /// The column with exactly this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, exactly as the engine knows it.
    pub name: String,
    /// Its type, reduced to what matters.
    pub data_type: DataType,
    /// Its type in the engine's own words.
    pub engine_type: String,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// Distinct values, where counted.
    pub distinct: Option<u64>,
    /// The values, sorted, of text and boolean columns with at most [`MAX_LISTED_VALUES`] distinct ones.
    pub values: Option<Vec<String>>,
    /// The smallest value as text (numbers plainly, dates and times in ISO form), where counted.
    pub min: Option<String>,
    /// The largest value, likewise.
    pub max: Option<String>,
    /// What it is thought to hold of people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<Suspicion>,
}

/// A reference from one table's column to another's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The referring columns.
    pub columns: Vec<String>,
    /// The table referred to.
    pub table: String,
    /// Its columns, in the same order.
    pub references: Vec<String>,
    /// Why this is believed.
    pub evidence: Evidence,
}

/// Where a key comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Evidence {
    /// The database declares it.
    Declared,
    /// Names match and the values were checked.
    Inferred {
        /// Percent of the referring non-null distinct values that exist in the other table, 0 to 100.
        matched_percent: u8,
    },
}
