//! Reads what a folder's tables hold: counts, distinct values, ranges, few values, and keys.

use datafusion::arrow::datatypes::Field;
use datafusion::functions_aggregate::expr_fn::{approx_distinct, count, count_distinct, max, min};
use datafusion::logical_expr::{Expr, col, ident, lit};
use datafusion::prelude::{DataFrame, SessionContext};
use pilothouse_domain::catalog::{Catalog, Column, DataType, Dialect, MAX_LISTED_VALUES, Table};
use serde_json::Value;

use super::keys;
use super::run::explain;
use crate::embedded::discover::{FileTable, in_file};
use crate::embedded::rows;
use crate::{Error, pii};

/// Rows up to which a column's distinct values are counted exactly to learn whether it is a key.
const MAX_ROWS_FOR_EXACT_COUNTS: u64 = 20_000_000;
/// An approximate distinct count within this part of the row count makes a column worth an exact count.
const KEY_SUSPICION: f64 = 0.9;

/// The catalog of all `tables`.
pub async fn catalog(context: &SessionContext, tables: &[FileTable]) -> Result<Catalog, Error> {
    let mut catalog = Catalog { dialect: Dialect::DataFusion, tables: Vec::with_capacity(tables.len()) };
    for table in tables {
        catalog.tables.push(profile(context, table).await.map_err(|error| in_file(table, &error))?);
    }
    keys::infer(context, &mut catalog).await?;
    Ok(catalog)
}

async fn profile(context: &SessionContext, file: &FileTable) -> Result<Table, Error> {
    let frame = context.table(file.name.as_str()).await.map_err(explain)?;
    let fields: Vec<Field> = frame.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let facts = facts(&frame, &fields).await?;
    let row_count = facts.first().and_then(Value::as_u64).unwrap_or(0);
    let mut columns = Vec::with_capacity(fields.len());
    for (field, facts) in fields.iter().zip(facts[1..].chunks(FACTS_PER_COLUMN)) {
        columns.push(column(&frame, field, facts, row_count).await?);
    }
    let primary_key =
        columns.iter().find(|c| !c.nullable && c.distinct == Some(row_count) && row_count > 0 && keys::may_be_key(c));
    let primary_key = primary_key.map(|c| vec![c.name.clone()]).unwrap_or_default();
    let mut table = Table {
        schema: None,
        name: file.name.clone(),
        row_count: Some(row_count),
        bytes: Some(file.bytes),
        updated_at: file.updated_at,
        columns,
        primary_key,
        foreign_keys: Vec::new(),
    };
    pii::note(&mut table, &samples(&frame, fields.len()).await?);
    Ok(table)
}

/// Values of each column in the first rows, as text.
async fn samples(frame: &DataFrame, columns: usize) -> Result<Vec<Vec<String>>, Error> {
    let rows = collect(frame.clone().limit(0, Some(pii::SAMPLE_ROWS)).map_err(explain)?).await?;
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let of = |column: usize| rows.iter().filter_map(|row| row.get(column).and_then(text)).collect();
    Ok((0..columns).map(of).collect())
}

const FACTS_PER_COLUMN: usize = 4;

/// The row count, then for each field: non-null values, roughly how many distinct, smallest, largest. One scan.
async fn facts(frame: &DataFrame, fields: &[Field]) -> Result<Vec<Value>, Error> {
    let mut expressions = vec![count(lit(1)).alias("rows")];
    for (index, field) in fields.iter().enumerate() {
        let column = ident(field.name());
        let kind = rows::data_type(field.data_type());
        let ordered = kind.is_numeric() || kind.is_temporal();
        let or_null = |wanted: bool, expr: Expr| if wanted { expr } else { max(lit(false)) };
        expressions.extend([
            count(column.clone()).alias(format!("count{index}")),
            or_null(countable(field), approx_distinct(column.clone())).alias(format!("distinct{index}")),
            or_null(ordered, min(column.clone())).alias(format!("min{index}")),
            or_null(ordered, max(column)).alias(format!("max{index}")),
        ]);
    }
    let found = collect(frame.clone().aggregate(Vec::new(), expressions).map_err(explain)?).await?;
    Ok(found.into_iter().next().unwrap_or_default())
}

async fn column(frame: &DataFrame, field: &Field, facts: &[Value], row_count: u64) -> Result<Column, Error> {
    let data_type = rows::data_type(field.data_type());
    let [present, roughly, smallest, largest] = facts else {
        return Err(Error::new(pilothouse_domain::Code::Internal, "The profile of a column is incomplete."));
    };
    let nullable = present.as_u64() != Some(row_count);
    let mut distinct = roughly.as_u64().filter(|_| countable(field));
    let mut values = None;
    if let Some(roughly) = distinct {
        if matches!(data_type, DataType::String | DataType::Boolean) && roughly <= MAX_LISTED_VALUES as u64 + 20 {
            values = listed_values(frame, field).await?;
            distinct = values.as_ref().map(|values| values.len() as u64).or(distinct);
        } else if row_count <= MAX_ROWS_FOR_EXACT_COUNTS && roughly as f64 >= KEY_SUSPICION * row_count as f64 {
            distinct = exact_distinct(frame, field).await?;
        }
    }
    let text = |value: &Value| match value {
        Value::Null | Value::Bool(_) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Ok(Column {
        name: field.name().clone(),
        data_type,
        engine_type: field.data_type().to_string(),
        nullable,
        distinct,
        values,
        min: text(smallest),
        max: text(largest),
        personal: None,
    })
}

/// Whether distinct values are counted: floating-point numbers neither name anything nor group anything.
fn countable(field: &Field) -> bool {
    rows::data_type(field.data_type()) != DataType::Other && !field.data_type().is_floating()
}

/// The distinct values, sorted, or none when there are too many.
async fn listed_values(frame: &DataFrame, field: &Field) -> Result<Option<Vec<String>>, Error> {
    let distinct = frame
        .clone()
        .select(vec![ident(field.name()).alias("value")])
        .and_then(DataFrame::distinct)
        .and_then(|frame| frame.filter(col("value").is_not_null()))
        .and_then(|frame| frame.limit(0, Some(MAX_LISTED_VALUES + 1)))
        .map_err(explain)?;
    let mut values: Vec<String> = collect(distinct)
        .await?
        .into_iter()
        .filter_map(|mut row| row.pop())
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    values.sort();
    Ok((values.len() <= MAX_LISTED_VALUES).then_some(values))
}

async fn exact_distinct(frame: &DataFrame, field: &Field) -> Result<Option<u64>, Error> {
    let counted = frame
        .clone()
        .aggregate(Vec::new(), vec![count_distinct(ident(field.name())).alias("distinct")])
        .map_err(explain)?;
    Ok(first_number(collect(counted).await?))
}

/// The number in the first cell.
pub fn first_number(found: Vec<Vec<Value>>) -> Option<u64> {
    found.into_iter().next()?.into_iter().next()?.as_u64()
}

/// All rows of a small result.
pub async fn collect(frame: DataFrame) -> Result<Vec<Vec<Value>>, Error> {
    let mut found = Vec::new();
    for batch in frame.collect().await.map_err(explain)? {
        rows::append(&batch, &mut found);
    }
    Ok(found)
}
