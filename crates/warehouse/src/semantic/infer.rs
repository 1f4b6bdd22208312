//! A first model from a catalog alone: labels from names, kinds from types and keys, joins from references. What it gets
//! wrong, a YAML file corrects.

use std::collections::HashSet;

use pilothouse_domain::catalog::{Catalog, Column, DataType, Table};
use pilothouse_domain::semantic::{Aggregate, Calendar, Dataset, Field, FieldKind, Join, Model, plural, singular};

use super::names;

/// Words in a column's name for numbers that identify.
const KEY_WORDS: [&str; 6] = ["id", "key", "code", "uuid", "guid", "number"];
/// Words in a column's name for numbers that may be averaged but not added.
const AVERAGED: [&str; 33] = [
    "price",
    "rate",
    "ratio",
    "temperature",
    "humidity",
    "speed",
    "pressure",
    "age",
    "percentage",
    "percent",
    "score",
    "rating",
    "delay",
    "latitude",
    "longitude",
    "altitude",
    "height",
    "width",
    "weight",
    "depth",
    "index",
    "level",
    "duration",
    "average",
    "visibility",
    "direction",
    "dewp",
    "gust",
    "time",
    "distance",
    "length",
    "share",
    "temp",
];
/// Words in a column's name for its row's name.
const DISPLAY: [&str; 4] = ["name", "title", "label", "full name"];
/// Fewest rows for one key for a column to be a foreign key's role rather than chance.
const MAX_DIMENSION_INTEGERS: u64 = 12;

/// The model of `catalog`.
pub fn infer(catalog: &Catalog) -> Model {
    let datasets = catalog.tables.iter().map(|table| dataset(table, catalog)).collect();
    let mut joins = Vec::new();
    for table in &catalog.tables {
        let mut targets = HashSet::new();
        for key in &table.foreign_keys {
            let twice = table.foreign_keys.iter().filter(|other| other.table == key.table).count() > 1;
            // What refers to rows of its own table always has a role, as a person's manager.
            let role = (twice || key.table == table.name).then(|| key.columns.join("_"));
            if targets.insert((key.table.clone(), key.columns.clone())) {
                joins.push(Join {
                    from: table.name.clone(),
                    columns: key.columns.clone(),
                    to: key.table.clone(),
                    references: key.references.clone(),
                    role: role.map(|role| names::label(&role).0),
                });
            }
        }
    }
    Model { datasets, metrics: Vec::new(), segments: Vec::new(), joins, verified: Vec::new() }
}

fn dataset(table: &Table, catalog: &Catalog) -> Dataset {
    let fields: Vec<Field> = table.columns.iter().map(|column| field(table, column)).collect();
    let label = plural(&names::split(&table.name).join(" "));
    let referred = catalog.tables.iter().any(|other| other.foreign_keys.iter().any(|key| key.table == table.name));
    let unique = |field: &Field| {
        let distinct = table.column(&field.column).and_then(|column| column.distinct);
        referred || distinct.is_some() && distinct >= table.row_count.map(|rows| rows - rows / 20)
    };
    let display = DISPLAY.iter().find_map(|word| {
        let owned = format!("{} {word}", singular(&label));
        fields.iter().find(|f| (f.label == *word || f.label == owned) && f.data_type == DataType::String && unique(f))
    });
    Dataset {
        name: table.name.clone(),
        table: table.name.clone(),
        label,
        synonyms: Vec::new(),
        primary_key: table.primary_key.clone(),
        default_time: default_time(&fields),
        snapshot: snapshot(&fields),
        display: display.map(|field| field.name.clone()),
        fields,
    }
}

/// A timestamp before a date, what happened before what was planned or changed.
fn default_time(fields: &[Field]) -> Option<String> {
    let rank = |field: &Field| {
        let late = ["update", "modif", "delet", "due", "end", "ship", "deliver"].iter().any(|w| field.name.contains(w));
        (late, field.data_type != DataType::Timestamp)
    };
    fields.iter().filter(|field| field.data_type.is_temporal()).min_by_key(|field| rank(field)).map(|f| f.name.clone())
}

/// A day called so says when the levels in its row were taken.
fn snapshot(fields: &[Field]) -> Option<String> {
    let said = |field: &&Field| ["snapshot", "as of"].iter().any(|word| field.label.contains(word));
    fields.iter().filter(|field| field.data_type.is_temporal()).find(said).map(|field| field.name.clone())
}

fn field(table: &Table, column: &Column) -> Field {
    let (mut label, unit) = names::label(&column.name);
    // A column called as its table holds a number or name of the thing, as flight numbers.
    let owner = singular(&names::split(&table.name).join(" "));
    if label == owner {
        label.push_str(if column.data_type.is_numeric() { " number" } else { " name" });
    }
    let calendar = calendar(&label, column);
    let kind = kind(table, column, &label, calendar);
    let averaged = label.split(' ').any(|word| AVERAGED.contains(&word));
    let default = match kind {
        FieldKind::Measure if averaged => Some(Aggregate::Avg),
        FieldKind::Measure => Some(Aggregate::Sum),
        _ => None,
    };
    let synonyms = if kind == FieldKind::Time { said_of(&label) } else { Vec::new() };
    Field {
        name: column.name.clone(),
        column: column.name.clone(),
        kind,
        data_type: column.data_type,
        label,
        synonyms,
        unit,
        default_aggregate: default,
        values: column.values.clone().unwrap_or_default(),
        value_synonyms: Vec::new(),
        range: column.min.clone().zip(column.max.clone()).filter(|_| column.data_type != DataType::String),
        calendar,
        nullable: column.nullable,
        days: None,
        same_as: None,
        sensitivity: None,
    }
}

/// `issued on` is asked about as `issued`.
fn said_of(label: &str) -> Vec<String> {
    let bare = ["on", "at", "date", "time"].iter().find_map(|end| label.strip_suffix(end)?.strip_suffix(' '));
    bare.filter(|word| word.ends_with("ed") || ["due", "paid", "sent", "sold", "left"].contains(word))
        .map(str::to_owned)
        .into_iter()
        .collect()
}

fn kind(table: &Table, column: &Column, label: &str, calendar: Option<Calendar>) -> FieldKind {
    let refers = table.foreign_keys.iter().any(|key| key.columns.contains(&column.name) && key.columns.len() == 1);
    let last = label.rsplit(' ').next().unwrap_or_default();
    if refers || table.primary_key == [column.name.clone()] || KEY_WORDS.contains(&last) {
        return FieldKind::Key;
    }
    match column.data_type {
        DataType::Date | DataType::Timestamp => FieldKind::Time,
        DataType::Integer if calendar.is_some() || table.primary_key.contains(&column.name) => FieldKind::Dimension,
        DataType::Integer
            if column.distinct.is_some_and(|n| n <= MAX_DIMENSION_INTEGERS) && label.ends_with("zone") =>
        {
            FieldKind::Dimension
        }
        DataType::Integer | DataType::Number => FieldKind::Measure,
        DataType::String | DataType::Boolean | DataType::Other => FieldKind::Dimension,
    }
}

/// What the whole numbers of a column stand for, by its name and its range.
fn calendar(label: &str, column: &Column) -> Option<Calendar> {
    if column.data_type != DataType::Integer {
        return None;
    }
    let low: i64 = column.min.as_ref()?.parse().ok()?;
    let high: i64 = column.max.as_ref()?.parse().ok()?;
    let within = |from: i64, to: i64| low >= from && high <= to;
    let last = label.rsplit(' ').next().unwrap_or_default();
    match last {
        "year" if within(1000, 2200) => Some(Calendar::Year),
        "month" if within(1, 12) => Some(Calendar::Month),
        "day" if within(1, 31) => Some(Calendar::Day),
        "hour" if within(0, 24) => Some(Calendar::Hour),
        "time" if within(0, 2400) && high >= 1000 && !label.contains("air") => Some(Calendar::Hhmm),
        _ => None,
    }
}
