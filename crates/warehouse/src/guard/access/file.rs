//! The policy file: a catalog, what of it is protected, and the bounds, as YAML. `docs/sql-policy.md` describes it.

use std::fmt;

use pilothouse_domain::catalog::{Catalog, Column, DataType, Dialect, Table};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Access, MIN_GROUP, Mask, Sensitivity};
use crate::guard::limits::Limits;
use crate::yaml::{Entries, Line};

/// Largest file that is read, in bytes.
const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// What is wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Fault {
    /// Where, counted from 1; 0 where it is the whole file.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// A policy that stands in a file.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    /// The tables and columns, in the file's order.
    pub catalog: Catalog,
    /// What is protected of them.
    pub access: Access,
    /// The bounds.
    pub limits: Limits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    project: Option<String>,
    #[serde(default)]
    schema: Option<String>,
    #[serde(default)]
    limits: Bounds,
    tables: Entries<TableDoc>,
    #[serde(default)]
    views: Entries<ViewDoc>,
}

/// The numbers of [`Limits`] and the smallest group; what is not said keeps its default.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Bounds {
    default_limit: Option<u64>,
    max_limit: Option<u64>,
    min_group: Option<u64>,
    max_bytes: Option<usize>,
    max_tokens: Option<usize>,
    max_depth: Option<usize>,
    max_operator_chain: Option<usize>,
    max_set_branches: Option<usize>,
    max_joins: Option<usize>,
    max_subquery_depth: Option<usize>,
    max_expanded_relations: Option<u64>,
    max_value_size: Option<u64>,
    max_generated_rows: Option<u64>,
    small_side_rows: Option<u64>,
    max_recursion: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableDoc {
    columns: Entries<ColumnDoc>,
    #[serde(default)]
    key: Vec<Line>,
    #[serde(default)]
    rows: Option<Line>,
    #[serde(default)]
    access: Option<Line>,
    #[serde(default)]
    approval: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewDoc {
    sql: Line,
}

/// A type alone, or a type with more words.
struct ColumnDoc(ColumnWords);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnWords {
    pub r#type: String,
    #[serde(default)]
    pub sensitivity: Option<String>,
    #[serde(default)]
    pub mask: Option<String>,
}

impl<'de> Deserialize<'de> for ColumnDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ColumnDoc;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a type, or a map with `type`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ColumnDoc, E> {
                Ok(ColumnDoc(ColumnWords { r#type: text.to_owned(), ..ColumnWords::default() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<ColumnDoc, A::Error> {
                ColumnWords::deserialize(MapAccessDeserializer::new(access)).map(ColumnDoc).map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

pub(super) fn fault(line: u64, reason: impl Into<String>) -> Fault {
    Fault { line, reason: reason.into() }
}

impl PolicyFile {
    /// Reads the file's text for a dialect.
    ///
    /// # Errors
    /// When it is not YAML of this shape, or names what does not exist.
    pub fn read(text: &str, dialect: Dialect) -> Result<Self, Fault> {
        if text.len() > MAX_FILE_BYTES {
            return Err(fault(0, format!("a policy has at most {MAX_FILE_BYTES} bytes")));
        }
        let document: Document = serde_saphyr::from_str(text).map_err(|wrong| {
            let line = wrong.location().map_or(0, |location| location.line());
            fault(line, wrong.without_snippet().to_string())
        })?;
        let Document { project, schema, limits, tables, views } = document;
        let mut access = Access { min_group: limits.min_group.unwrap_or(MIN_GROUP), ..Access::open() };
        access.project = project;
        let mut catalog = Catalog { dialect, tables: Vec::with_capacity(tables.0.len()) };
        for (name, line, doc) in tables.0 {
            catalog.tables.push(table(&name, line, doc, schema.clone(), dialect, &mut access)?);
        }
        for (name, line, doc) in views.0 {
            if catalog.table(&name).is_some() {
                return Err(fault(line, format!("{name} is a table already")));
            }
            access.view(&name, &doc.sql.text, dialect).map_err(|why| fault(doc.sql.line, why))?;
        }
        Ok(Self { catalog, access, limits: bounds(&limits) })
    }
}

fn bounds(doc: &Bounds) -> Limits {
    let default = Limits::default();
    Limits {
        max_bytes: doc.max_bytes.unwrap_or(default.max_bytes),
        max_tokens: doc.max_tokens.unwrap_or(default.max_tokens),
        max_depth: doc.max_depth.unwrap_or(default.max_depth),
        max_operator_chain: doc.max_operator_chain.unwrap_or(default.max_operator_chain),
        max_set_branches: doc.max_set_branches.unwrap_or(default.max_set_branches),
        max_joins: doc.max_joins.unwrap_or(default.max_joins),
        max_subquery_depth: doc.max_subquery_depth.unwrap_or(default.max_subquery_depth),
        max_expanded_relations: doc.max_expanded_relations.unwrap_or(default.max_expanded_relations),
        default_limit: doc.default_limit.unwrap_or(default.default_limit),
        max_limit: doc.max_limit.unwrap_or(default.max_limit),
        max_value_size: doc.max_value_size.unwrap_or(default.max_value_size),
        max_generated_rows: doc.max_generated_rows.unwrap_or(default.max_generated_rows),
        small_side_rows: doc.small_side_rows.unwrap_or(default.small_side_rows),
        max_recursion: doc.max_recursion.unwrap_or(default.max_recursion),
    }
}

fn table(
    name: &str,
    line: u64,
    doc: TableDoc,
    schema: Option<String>,
    dialect: Dialect,
    access: &mut Access,
) -> Result<Table, Fault> {
    let TableDoc { columns, key, rows, access: seen, approval } = doc;
    let hidden = match seen.as_ref().map(|word| (word.text.as_str(), word.line)) {
        None | Some(("read", _)) => false,
        Some(("none", _)) => true,
        Some((other, line)) => return Err(fault(line, format!("access is read or none, not {other}"))),
    };
    // BigQuery tells no two columns apart by their case.
    let folded = |name: String| if dialect == Dialect::BigQuery { name.to_lowercase() } else { name };
    let mut protected = super::TableAccess { hidden, approval, ..super::TableAccess::default() };
    let mut described = Vec::with_capacity(columns.0.len());
    for (column, line, ColumnDoc(words)) in columns.0 {
        let (column, sensitivity) = (folded(column), sensitivity_of(&words, line)?);
        if sensitivity != Sensitivity::Open {
            protected.columns.insert(column.clone(), sensitivity);
        }
        described.push(described_as(column, &words.r#type, line)?);
    }
    if described.is_empty() {
        return Err(fault(line, format!("the table {name} has no columns")));
    }
    let mut primary_key = Vec::with_capacity(key.len());
    for part in key {
        let column = folded(part.text);
        if !described.iter().any(|known| known.name == column) {
            return Err(fault(part.line, format!("{name} has no column {column}")));
        }
        primary_key.push(column);
    }
    access.tables.insert(name.to_owned(), protected);
    if let Some(condition) = rows {
        access.filter_rows(name, &condition.text, dialect).map_err(|why| fault(condition.line, why))?;
    }
    Ok(Table {
        schema,
        name: name.to_owned(),
        row_count: None,
        bytes: None,
        updated_at: None,
        columns: described,
        primary_key,
        foreign_keys: Vec::new(),
    })
}

pub(super) fn sensitivity_of(words: &ColumnWords, line: u64) -> Result<Sensitivity, Fault> {
    let mask = match words.mask.as_deref() {
        None => Mask::default(),
        Some(word) => {
            let known = Mask::ALL.iter().find(|(name, _)| *name == word);
            known.map(|(_, mask)| *mask).ok_or_else(|| fault(line, format!("there is no mask {word}")))?
        }
    };
    let sensitivity = match words.sensitivity.as_deref() {
        None | Some("open") => Sensitivity::Open,
        Some("masked") => Sensitivity::Masked(mask),
        Some("quasi") => Sensitivity::Quasi,
        Some("restricted") => Sensitivity::Restricted,
        Some("hidden") => Sensitivity::Hidden,
        Some(other) => return Err(fault(line, format!("there is no sensitivity {other}"))),
    };
    if words.mask.is_some() && !matches!(sensitivity, Sensitivity::Masked(_)) {
        return Err(fault(line, "only a masked column has a mask"));
    }
    Ok(sensitivity)
}

fn described_as(name: String, word: &str, line: u64) -> Result<Column, Fault> {
    let data_type = match word {
        "integer" => DataType::Integer,
        "number" => DataType::Number,
        "string" => DataType::String,
        "boolean" => DataType::Boolean,
        "date" => DataType::Date,
        "timestamp" => DataType::Timestamp,
        "json" | "bytes" => DataType::Other,
        list if list.ends_with("[]") => DataType::Other,
        other => return Err(fault(line, format!("there is no type {other}"))),
    };
    let engine_type = word.to_owned();
    Ok(Column {
        name,
        data_type,
        engine_type,
        nullable: true,
        distinct: None,
        values: None,
        min: None,
        max: None,
        personal: None,
    })
}
