//! Arrow batches as JSON rows: numbers as numbers, dates and times as ISO text, exact decimals without loss of digits
//! where JSON numbers allow.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{self as arrow, DataType as ArrowType, Schema};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use pilothouse_domain::catalog::DataType;
use serde_json::{Number, Value};

/// Reduces an Arrow type to what matters for questions and charts.
pub fn data_type(arrow: &ArrowType) -> DataType {
    match arrow {
        ArrowType::Boolean => DataType::Boolean,
        ArrowType::Int8
        | ArrowType::Int16
        | ArrowType::Int32
        | ArrowType::Int64
        | ArrowType::UInt8
        | ArrowType::UInt16
        | ArrowType::UInt32
        | ArrowType::UInt64 => DataType::Integer,
        ArrowType::Float16
        | ArrowType::Float32
        | ArrowType::Float64
        | ArrowType::Decimal32(..)
        | ArrowType::Decimal64(..)
        | ArrowType::Decimal128(..)
        | ArrowType::Decimal256(..) => DataType::Number,
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => DataType::String,
        ArrowType::Date32 | ArrowType::Date64 => DataType::Date,
        ArrowType::Timestamp(..) => DataType::Timestamp,
        ArrowType::Dictionary(_, values) => data_type(values),
        _ => DataType::Other,
    }
}

/// Name and type of each column.
pub fn columns(schema: &Schema) -> Vec<(String, DataType)> {
    schema.fields().iter().map(|field| (field.name().clone(), data_type(field.data_type()))).collect()
}

/// Appends the rows of `batch` to `rows`.
pub fn append(batch: &RecordBatch, rows: &mut Vec<Vec<Value>>) {
    let start = rows.len();
    rows.resize_with(start + batch.num_rows(), || Vec::with_capacity(batch.num_columns()));
    for column in batch.columns() {
        let read = reader(column.as_ref());
        for (offset, row) in rows[start..].iter_mut().enumerate() {
            row.push(if column.is_null(offset) { Value::Null } else { read(offset) });
        }
    }
}

macro_rules! integers {
    ($array:expr, $type:ty) => {{
        let array = $array.as_primitive::<$type>();
        Box::new(move |i| Value::from(array.value(i)))
    }};
}

fn reader<'a>(array: &'a dyn Array) -> Box<dyn Fn(usize) -> Value + 'a> {
    match array.data_type() {
        ArrowType::Boolean => Box::new(move |i| Value::Bool(array.as_boolean().value(i))),
        ArrowType::Int8 => integers!(array, arrow::Int8Type),
        ArrowType::Int16 => integers!(array, arrow::Int16Type),
        ArrowType::Int32 => integers!(array, arrow::Int32Type),
        ArrowType::Int64 => integers!(array, arrow::Int64Type),
        ArrowType::UInt8 => integers!(array, arrow::UInt8Type),
        ArrowType::UInt16 => integers!(array, arrow::UInt16Type),
        ArrowType::UInt32 => integers!(array, arrow::UInt32Type),
        ArrowType::UInt64 => integers!(array, arrow::UInt64Type),
        ArrowType::Float32 => {
            let array = array.as_primitive::<arrow::Float32Type>();
            Box::new(move |i| number(f64::from(array.value(i))))
        }
        ArrowType::Float64 => {
            let array = array.as_primitive::<arrow::Float64Type>();
            Box::new(move |i| number(array.value(i)))
        }
        ArrowType::Utf8 => Box::new(move |i| Value::from(array.as_string::<i32>().value(i))),
        ArrowType::Utf8View => Box::new(move |i| Value::from(array.as_string_view().value(i))),
        other => {
            let kind = data_type(other);
            let text = formatter(array);
            Box::new(move |i| typed(text(i), kind))
        }
    }
}

fn formatter<'a>(array: &'a dyn Array) -> Box<dyn Fn(usize) -> String + 'a> {
    let options = FormatOptions::new().with_display_error(true);
    match ArrayFormatter::try_new(array, &options) {
        // The formatter borrows its options, so the text is made eagerly.
        Ok(formatter) => {
            let texts: Vec<String> = (0..array.len()).map(|i| formatter.value(i).to_string()).collect();
            Box::new(move |i| texts.get(i).cloned().unwrap_or_default())
        }
        Err(_) => Box::new(|_| "(cannot be shown)".to_owned()),
    }
}

/// Text of a decimal as a JSON number, everything else as it is.
fn typed(text: String, kind: DataType) -> Value {
    match kind {
        DataType::Integer => text.parse::<i64>().map_or(Value::String(text), Value::from),
        DataType::Number => text.parse::<f64>().map_or(Value::String(text), number),
        _ => Value::String(text),
    }
}

/// A number as JSON; not-a-number and the infinities, which JSON lacks, as null.
fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}
