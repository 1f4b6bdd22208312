//! Connections and what they hold.

use pilothouse_domain::Micros;
use pilothouse_domain::catalog::{Catalog, Column, Evidence, ForeignKey, Table};
use pilothouse_domain::clock::rfc3339;
use pilothouse_store::connections::Connection;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Problem, time, word};

/// A connection to a warehouse, without its credentials.
#[derive(Serialize, ToSchema)]
pub struct ConnectionDto {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `files`, `object_store` or `postgres`.
    pub kind: String,
    /// `ready`, `failed` or `profiling`.
    pub status: String,
    /// Where the data is.
    pub location: String,
    /// Whether it is the sample data, which cannot be changed.
    pub read_only_sample: bool,
    /// When it was made.
    pub created_at: String,
    /// When it was last read.
    pub checked_at: Option<String>,
    /// Why it could not be read.
    pub error: Option<Problem>,
    /// Tables that it was found to hold when it was last read.
    pub table_count: usize,
}

impl ConnectionDto {
    /// The connection with the number of its tables.
    pub fn new(connection: Connection, table_count: usize) -> Self {
        Self {
            id: connection.id.to_string(),
            name: connection.name,
            kind: connection.kind,
            status: connection.status,
            location: if connection.sample { "sample data".to_owned() } else { connection.location },
            read_only_sample: connection.sample,
            created_at: rfc3339(connection.created_at),
            checked_at: time(connection.checked_at),
            error: Problem::of(connection.error_code, connection.error_message),
            table_count,
        }
    }
}

/// What a connection holds.
#[derive(Serialize, ToSchema)]
pub struct CatalogDto {
    /// `datafusion` or `postgresql`: which SQL the connection speaks.
    pub dialect: String,
    /// When the catalog was read.
    pub read_at: String,
    /// The tables, by name.
    pub tables: Vec<TableDto>,
}

impl CatalogDto {
    /// The catalog that was read at `at`.
    pub fn new(catalog: Catalog, at: Micros) -> Self {
        let dialect = word(&catalog.dialect);
        Self { dialect, read_at: rfc3339(at), tables: catalog.tables.into_iter().map(TableDto::from).collect() }
    }
}

/// A table.
#[derive(Serialize, ToSchema)]
pub struct TableDto {
    /// Its name.
    pub name: String,
    /// The schema it stands in, where the engine has schemas.
    pub schema: Option<String>,
    /// Rows, where known.
    pub row_count: Option<u64>,
    /// Bytes as stored, where known.
    pub bytes: Option<u64>,
    /// When its data last changed, where known.
    pub updated_at: Option<String>,
    /// Its columns, in order.
    pub columns: Vec<ColumnDto>,
}

impl From<Table> for TableDto {
    fn from(table: Table) -> Self {
        let columns = table.columns.iter().map(|column| ColumnDto::new(&table, column)).collect();
        let updated_at = time(table.updated_at);
        Self {
            name: table.name,
            schema: table.schema,
            row_count: table.row_count,
            bytes: table.bytes,
            updated_at,
            columns,
        }
    }
}

/// A column.
#[derive(Serialize, ToSchema)]
pub struct ColumnDto {
    /// Its name.
    pub name: String,
    /// `integer`, `number`, `string`, `boolean`, `date`, `timestamp` or `other`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Its type in the engine's own words.
    pub engine_type: String,
    /// Whether it can be empty.
    pub nullable: bool,
    /// Distinct values, where counted.
    pub distinct: Option<u64>,
    /// The values, where there are few.
    pub values: Option<Vec<String>>,
    /// The smallest value, where known.
    pub min: Option<String>,
    /// The largest value, where known.
    pub max: Option<String>,
    /// `primary` or `foreign`, where it belongs to a key.
    pub key: Option<String>,
    /// What a foreign key refers to, as `table.column`.
    pub references: Option<String>,
    /// Why a foreign key is believed.
    pub evidence: Option<EvidenceDto>,
}

impl ColumnDto {
    fn new(table: &Table, column: &Column) -> Self {
        let reference = table.foreign_keys.iter().find(|key| key.columns.contains(&column.name));
        let is_primary = table.primary_key.contains(&column.name);
        let key = if is_primary { Some("primary") } else { reference.map(|_| "foreign") };
        let target = |key: &ForeignKey| format!("{}.{}", key.table, key.references.join(","));
        Self {
            name: column.name.clone(),
            data_type: word(&column.data_type),
            engine_type: column.engine_type.clone(),
            nullable: column.nullable,
            distinct: column.distinct,
            values: column.values.clone(),
            min: column.min.clone(),
            max: column.max.clone(),
            key: key.map(str::to_owned),
            references: reference.map(target),
            evidence: reference.map(|key| EvidenceDto::from(&key.evidence)),
        }
    }
}

/// Why a key is believed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum EvidenceDto {
    /// The database declares it.
    Declared,
    /// Names match and the values were checked.
    Inferred {
        /// Percent of the referring values that exist in the other table.
        matched_percent: u8,
    },
}

impl From<&Evidence> for EvidenceDto {
    fn from(evidence: &Evidence) -> Self {
        match evidence {
            Evidence::Declared => Self::Declared,
            Evidence::Inferred { matched_percent } => Self::Inferred { matched_percent: *matched_percent },
        }
    }
}
