//! Loads a folder of Parquet files into the embedded engine, and describes it as a catalog.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::Path;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType as ArrowType, TimeUnit};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::catalog::{Catalog, Column, DataType, Dialect, Evidence, ForeignKey, MAX_LISTED_VALUES, Table};
use serde_json::Value;

/// The sample data of the repository.
pub fn sample_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample")
}

/// Tables with a curated model and questions of our own.
#[derive(Debug, Clone, Copy)]
pub enum Schema {
    Sample,
    Wholesale,
}

impl Schema {
    pub const ALL: [Self; 2] = [Self::Sample, Self::Wholesale];

    pub fn data(self) -> std::path::PathBuf {
        self.file(["data", "../eval/wholesale/data"])
    }

    pub fn model(self) -> String {
        std::fs::read_to_string(self.file(["semantic.yaml", "../eval/wholesale/semantic.yaml"])).expect("model")
    }

    /// Our own questions, a JSON object a line.
    pub fn questions(self) -> String {
        std::fs::read_to_string(self.file(["../eval/own.jsonl", "../eval/wholesale/own.jsonl"])).expect("questions")
    }

    fn file(self, [sample, wholesale]: [&str; 2]) -> std::path::PathBuf {
        sample_folder().join(match self {
            Self::Sample => sample,
            Self::Wholesale => wholesale,
        })
    }
}

/// Every Parquet file of `folder` as a table.
pub async fn open(folder: &Path) -> SessionContext {
    let context = SessionContext::new();
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("sample data").map(|file| file.expect("file").path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "parquet")) {
        let name = file.file_stem().and_then(|stem| stem.to_str()).expect("name");
        let path = file.to_str().expect("path");
        context.register_parquet(name, path, ParquetReadOptions::default()).await.expect("parquet");
    }
    context
}

/// The rows `sql` gives.
pub async fn run(context: &SessionContext, sql: &str) -> Result<ResultSet, String> {
    let frame = context.sql(sql).await.map_err(|error| error.to_string())?;
    let columns = frame.schema().fields().iter().map(|f| (f.name().clone(), kind(f.data_type()))).collect();
    let batches = frame.collect().await.map_err(|error| error.to_string())?;
    let rows = batches.iter().flat_map(rows_of).collect();
    Ok(ResultSet { columns, rows, ..ResultSet::default() })
}

fn rows_of(batch: &RecordBatch) -> Vec<Vec<Value>> {
    (0..batch.num_rows())
        .map(|row| batch.columns().iter().map(|column| value(column.as_ref(), row)).collect())
        .collect()
}

fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    let options = FormatOptions::default();
    let text = ArrayFormatter::try_new(array, &options).expect("format").value(row).to_string();
    match kind(array.data_type()) {
        DataType::Integer => text.parse::<i64>().map_or_else(|_| Value::from(text.as_str()), Value::from),
        DataType::Number => text.parse::<f64>().map_or_else(|_| Value::from(text.as_str()), Value::from),
        DataType::Boolean => Value::from(text == "true"),
        _ => Value::from(text),
    }
}

fn kind(data_type: &ArrowType) -> DataType {
    match data_type {
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => DataType::String,
        ArrowType::Boolean => DataType::Boolean,
        ArrowType::Date32 | ArrowType::Date64 => DataType::Date,
        ArrowType::Timestamp(
            TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond,
            _,
        ) => DataType::Timestamp,
        ArrowType::Float16 | ArrowType::Float32 | ArrowType::Float64 => DataType::Number,
        ArrowType::Decimal128(..) | ArrowType::Decimal256(..) => DataType::Number,
        other if other.is_integer() => DataType::Integer,
        _ => DataType::Other,
    }
}

/// What the tables of `context` hold: counts, ranges, listed values, keys by unique values of equal names.
pub async fn catalog(context: &SessionContext) -> Catalog {
    let provider = context.catalog("datafusion").and_then(|c| c.schema("public")).expect("schema");
    let mut names = provider.table_names();
    names.sort();
    let mut tables = Vec::new();
    for name in &names {
        tables.push(table(context, name).await);
    }
    let keys: Vec<(String, String)> =
        tables.iter().filter_map(|t| Some((t.name.clone(), t.primary_key.first()?.clone()))).collect();
    for table in &mut tables {
        for column in &table.columns {
            for (target, key) in keys.iter().filter(|(target, key)| *target != table.name && *key == column.name) {
                let sql = format!(
                    "select count(*) from {} where {} not in (select {key} from {target})",
                    table.name, column.name
                );
                let missing = run(context, &sql).await.expect("check").rows[0][0].as_u64().unwrap_or(u64::MAX);
                let mostly = missing * 4 <= table.row_count.unwrap_or_default();
                if mostly && table.primary_key != [column.name.clone()] {
                    table.foreign_keys.push(ForeignKey {
                        columns: vec![column.name.clone()],
                        table: target.clone(),
                        references: vec![key.clone()],
                        evidence: Evidence::Inferred { matched_percent: 100 },
                    });
                }
            }
        }
    }
    Catalog { dialect: Dialect::DataFusion, tables }
}

async fn table(context: &SessionContext, name: &str) -> Table {
    let schema = context.table(name).await.expect("table").schema().as_arrow().clone();
    let count = run(context, &format!("select count(*) from {name}")).await.expect("count").rows[0][0].as_u64();
    let mut columns = Vec::new();
    for field in schema.fields() {
        let column = field.name();
        let sql = format!(
            "select count(distinct \"{column}\"), min(\"{column}\"), max(\"{column}\"), count(*) - count(\"{column}\") from {name}"
        );
        let facts = run(context, &sql).await.expect("facts").rows.remove(0);
        let plain = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let data_type = kind(field.data_type());
        let distinct = facts[0].as_u64();
        let listed = matches!(data_type, DataType::String | DataType::Boolean)
            && distinct.is_some_and(|n| n <= MAX_LISTED_VALUES as u64);
        let values = if listed {
            let sql = format!("select distinct \"{column}\" from {name} where \"{column}\" is not null order by 1");
            let rows = run(context, &sql).await.expect("values").rows;
            Some(rows.iter().filter_map(|row| plain(&row[0])).collect())
        } else {
            None
        };
        columns.push(Column {
            name: column.clone(),
            data_type,
            engine_type: field.data_type().to_string(),
            nullable: facts[3].as_u64() != Some(0),
            distinct,
            values,
            min: plain(&facts[1]),
            max: plain(&facts[2]),
            personal: None,
        });
    }
    // The first column, where its values are unique, is the key.
    let first = columns.first().filter(|c| c.distinct == count && !c.nullable && c.data_type != DataType::Number);
    let primary_key = first.map(|column| vec![column.name.clone()]).unwrap_or_default();
    Table {
        schema: None,
        name: name.to_owned(),
        row_count: count,
        bytes: None,
        updated_at: None,
        columns,
        primary_key,
        foreign_keys: Vec::new(),
    }
}
