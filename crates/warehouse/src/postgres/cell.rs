//! PostgreSQL's binary values as JSON.

use std::error::Error as StdError;

use pilothouse_domain::catalog::DataType;
use serde_json::{Number, Value};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

/// Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const EPOCH_OFFSET_US: i64 = 946_684_800_000_000;
/// Days of the same span.
const EPOCH_OFFSET_DAYS: i32 = 10_957;

/// Reduces a PostgreSQL type to what matters for questions and charts.
pub fn data_type(type_: &Type) -> DataType {
    match *type_ {
        Type::BOOL => DataType::Boolean,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => DataType::Integer,
        Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC | Type::MONEY => DataType::Number,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UUID | Type::CHAR => DataType::String,
        Type::DATE => DataType::Date,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DataType::Timestamp,
        _ => DataType::Other,
    }
}

/// The values of a row, in order.
pub fn values(row: &Row) -> Result<Vec<Value>, tokio_postgres::Error> {
    (0..row.len())
        .map(|index| row.try_get::<_, Option<Cell>>(index).map(|cell| cell.map_or(Value::Null, |c| c.0)))
        .collect()
}

struct Cell(Value);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(type_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        let value = match *type_ {
            Type::BOOL => Value::Bool(bool::from_sql(type_, raw)?),
            Type::INT2 => i16::from_sql(type_, raw)?.into(),
            Type::INT4 => i32::from_sql(type_, raw)?.into(),
            Type::INT8 => i64::from_sql(type_, raw)?.into(),
            Type::OID => u32::from_sql(type_, raw)?.into(),
            Type::FLOAT4 => number(f64::from(f32::from_sql(type_, raw)?)),
            Type::FLOAT8 => number(f64::from_sql(type_, raw)?),
            Type::NUMERIC => numeric(raw)?.parse::<f64>().map_or(Value::Null, number),
            Type::MONEY => number(i64::from_be_bytes(raw.try_into()?) as f64 / 100.0),
            Type::DATE => Value::String(date(i32::from_be_bytes(raw.try_into()?))),
            Type::TIMESTAMP | Type::TIMESTAMPTZ => Value::String(timestamp(i64::from_be_bytes(raw.try_into()?))),
            Type::UUID => Value::String(uuid(raw)),
            Type::JSON => serde_json::from_slice(raw)?,
            Type::JSONB => serde_json::from_slice(raw.get(1..).unwrap_or_default())?,
            _ => Value::String(match std::str::from_utf8(raw) {
                Ok(text) => text.to_owned(),
                Err(_) => format!("({type_}, cannot be shown)"),
            }),
        };
        Ok(Self(value))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn date(days: i32) -> String {
    let since_1970 = jiff::Span::new().try_days(i64::from(days) + i64::from(EPOCH_OFFSET_DAYS));
    match since_1970.and_then(|span| jiff::civil::Date::constant(1970, 1, 1).checked_add(span)) {
        Ok(date) => date.to_string(),
        Err(_) => if days < 0 { "-infinity" } else { "infinity" }.to_owned(),
    }
}

fn timestamp(micros: i64) -> String {
    let since_1970 = micros.checked_add(EPOCH_OFFSET_US);
    match since_1970.map(jiff::Timestamp::from_microsecond) {
        Some(Ok(at)) => at.to_zoned(jiff::tz::TimeZone::UTC).datetime().to_string(),
        _ => if micros < 0 { "-infinity" } else { "infinity" }.to_owned(),
    }
}

fn uuid(raw: &[u8]) -> String {
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    match hex.len() {
        32 => format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]),
        _ => hex,
    }
}

/// The wire form of `numeric`: counts and sign, then base-10000 digits, as decimal text.
fn numeric(raw: &[u8]) -> Result<String, Box<dyn StdError + Sync + Send>> {
    let words: Vec<u16> = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let [digits, weight, sign, scale, groups @ ..] = words.as_slice() else { return Err("short numeric".into()) };
    let weight = *weight as i16;
    let mut text = match *sign {
        0x0000 => String::new(),
        0x4000 => "-".to_owned(),
        _ => return Ok("NaN".to_owned()),
    };
    let group = |position: i16| -> u16 {
        let index = weight.saturating_sub(position);
        usize::try_from(index)
            .ok()
            .filter(|i| *i < usize::from(*digits))
            .and_then(|i| groups.get(i))
            .copied()
            .unwrap_or(0)
    };
    if weight < 0 {
        text.push('0');
    }
    for position in (0..=weight.max(-1)).rev() {
        let leading = position == weight;
        text.push_str(&if leading { group(position).to_string() } else { format!("{:04}", group(position)) });
    }
    let fraction: String = (1..=scale.div_ceil(4)).map(|step| format!("{:04}", group(-(step as i16)))).collect();
    if *scale > 0 {
        text.push('.');
        text.push_str(fraction.get(..usize::from(*scale)).unwrap_or(&fraction));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wire(words: &[i32]) -> Vec<u8> {
        words.iter().flat_map(|word| (*word as u16).to_be_bytes()).collect()
    }

    #[test]
    fn numerics_are_read() {
        for (words, text) in [
            (vec![2, 0, 0, 2, 12, 5000], "12.50"),
            (vec![1, 0, 0x4000, 0, 7], "-7"),
            (vec![0, 0, 0, 0], "0"),
            (vec![1, -1, 0, 4, 12], "0.0012"),
            (vec![2, 1, 0, 0, 3, 42], "30042"),
            (vec![1, 1, 0, 0, 3], "30000"),
        ] {
            assert_eq!(numeric(&wire(&words)).unwrap(), text);
        }
    }

    #[test]
    fn times_are_read() {
        assert_eq!(date(0), "2000-01-01");
        assert_eq!(timestamp(0), "2000-01-01T00:00:00");
        assert_eq!(timestamp(i64::MAX), "infinity");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(raw in prop::collection::vec(any::<u8>(), 0..64)) {
            for type_ in [Type::NUMERIC, Type::DATE, Type::TIMESTAMP, Type::UUID, Type::JSONB, Type::MONEY, Type::TEXT, Type::BOOL] {
                let _ = Cell::from_sql(&type_, &raw);
            }
        }
    }
}
