//! Numbers and values in the types and units of fields.

use pilothouse_domain::catalog::DataType;
use pilothouse_domain::semantic::{Aggregate, Calculation, Field, Scalar};

use crate::planner::draft::Raw;
use crate::planner::lexicon::Place;
use crate::planner::tag::Cond;

/// The condition on the rows' field, with its number in the field's unit.
pub(crate) fn bounded(field: &Field, place: Place, cond: &Cond) -> Option<Raw> {
    let low = in_unit(field, cond.low, cond.unit.as_deref())?;
    match cond.high {
        None => Some(Raw::Compare { place, op: cond.op, values: vec![number_scalar(field, low)] }),
        Some(high) => {
            let high = in_unit(field, high, cond.unit.as_deref())?;
            Some(Raw::Range { place, low: number_scalar(field, low), high: number_scalar(field, high) })
        }
    }
}

/// `number`, said in `said`, in the field's own unit; none where the two do not fit.
pub(crate) fn in_unit(field: &Field, number: f64, said: Option<&str>) -> Option<f64> {
    let Some(said) = said else { return Some(number) };
    let own = field.unit.as_deref().unwrap_or_default().to_lowercase();
    let own = own.trim_end_matches('s');
    let plain = said.to_lowercase();
    let plain = plain.trim_end_matches('s');
    match (plain, own) {
        (a, b) if a == b => Some(number),
        ("minute", "hour") => Some(number / 60.0),
        ("minute", "second") => Some(number * 60.0),
        ("feet", "ft") | ("foot", "feet") | ("°f", "degree" | "f" | "fahrenheit" | "°c") => Some(number),
        (_, "") => Some(number),
        _ => None,
    }
}

/// `number` as a value of the field's type.
pub(crate) fn number_scalar(field: &Field, number: f64) -> Scalar {
    let whole = number.fract() == 0.0 && number.abs() < 1e15;
    if whole && field.data_type != DataType::String {
        Scalar::Integer(number as i64)
    } else if field.data_type == DataType::String {
        Scalar::Text(number.to_string())
    } else {
        Scalar::Number(number)
    }
}

pub(super) fn scalar(field: &Field, value: &str) -> Scalar {
    match field.data_type {
        DataType::Boolean => Scalar::Boolean(value == "true"),
        DataType::Integer => value.parse().map_or_else(|_| Scalar::Text(value.to_owned()), Scalar::Integer),
        DataType::Number => value.parse().map_or_else(|_| Scalar::Text(value.to_owned()), Scalar::Number),
        _ => Scalar::Text(value.to_owned()),
    }
}

/// Whether a calculation is a plain number of rows or values rather than of amounts.
pub(crate) fn is_count(calculation: &Calculation) -> bool {
    matches!(
        calculation,
        Calculation::CountRows | Calculation::Aggregate { aggregate: Aggregate::Count | Aggregate::CountDistinct, .. }
    )
}
