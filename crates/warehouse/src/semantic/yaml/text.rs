//! Measures and conditions as one line of text: `sum(orders.total_amount)`, `arr_delay > 15`.

use jiff::civil::{Date, DateTime};
use pilothouse_domain::catalog::DataType;
use pilothouse_domain::semantic::{
    Aggregate, Calculation, Compare, Dataset, Field, FieldRef, Filter, Measure, Model, Scalar,
};

use super::nearest;

const AGGREGATES: [(&str, Aggregate); 7] = [
    ("count_values", Aggregate::Count),
    ("count_distinct", Aggregate::CountDistinct),
    ("sum", Aggregate::Sum),
    ("avg", Aggregate::Avg),
    ("min", Aggregate::Min),
    ("max", Aggregate::Max),
    ("median", Aggregate::Median),
];

/// Longest spelling first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Compare); 10] = [
    (" is missing", Compare::IsNull),
    (" is known", Compare::IsNotNull),
    (" begins with ", Compare::StartsWith),
    (" contains ", Compare::Contains),
    (" != ", Compare::Ne),
    (" <= ", Compare::Le),
    (" >= ", Compare::Ge),
    (" = ", Compare::Eq),
    (" < ", Compare::Lt),
    (" > ", Compare::Gt),
];

/// Reads a measure: `count(flights)`, `sum(orders.total_amount) / count(orders)`, or `share(flights)` of the rows that
/// `conditions` describe.
pub(super) fn measure(text: &str, conditions: Vec<Filter>, model: &Model) -> Result<Measure, String> {
    if let Some((top, bottom)) = text.split_once('/') {
        let (top, bottom) = (term(top.trim(), conditions, model)?, term(bottom.trim(), Vec::new(), model)?);
        let dataset = top.dataset.clone();
        let calculation = Calculation::Ratio { numerator: Box::new(top), denominator: Box::new(bottom) };
        return Ok(Measure { dataset, calculation, filters: Vec::new() });
    }
    term(text.trim(), conditions, model)
}

/// The dataset that a measure's text is about.
pub(super) fn dataset_of<'a>(text: &str, model: &'a Model) -> Result<&'a Dataset, String> {
    let inside = text.split_once('(').and_then(|(_, rest)| rest.split(')').next()).unwrap_or_default();
    let name = inside.split('.').next().unwrap_or_default().trim();
    known_dataset(name, model)
}

fn known_dataset<'a>(name: &str, model: &'a Model) -> Result<&'a Dataset, String> {
    model.dataset(name).ok_or_else(|| {
        format!("there is no dataset `{name}`{}", nearest(name, model.datasets.iter().map(|d| d.name.as_str())))
    })
}

fn term(text: &str, conditions: Vec<Filter>, model: &Model) -> Result<Measure, String> {
    let wrong = || format!("`{text}` is not a measure: write `sum(dataset.field)` or `count(dataset)`");
    let (function, rest) = text.split_once('(').ok_or_else(wrong)?;
    let inside = rest.strip_suffix(')').ok_or_else(wrong)?;
    let (dataset, field) = inside.split_once('.').map_or((inside, None), |(d, f)| (d, Some(f.trim())));
    let dataset = known_dataset(dataset.trim(), model)?;
    let made = |calculation, filters| Measure { dataset: dataset.name.clone(), calculation, filters };
    match (function.trim(), field) {
        ("count", None) => Ok(made(Calculation::CountRows, conditions)),
        ("share", None) if !conditions.is_empty() => {
            Ok(made(Calculation::ShareOfRows { of: conditions, fraction: false }, Vec::new()))
        }
        ("share", None) => Err("`share(…)` needs `where`: the rows that are the part".to_owned()),
        (function, Some(field)) => {
            let (_, aggregate) = AGGREGATES.iter().find(|(name, _)| *name == function).ok_or_else(wrong)?;
            let field = known_field(field, dataset)?;
            let field = FieldRef { dataset: dataset.name.clone(), field: field.name.clone(), via: None };
            Ok(made(Calculation::Aggregate { aggregate: *aggregate, field }, conditions))
        }
        _ => Err(wrong()),
    }
}

/// `measure` as text, and its conditions; none where the text cannot say it.
pub(super) fn measure_text(measure: &Measure) -> Option<(String, Vec<Filter>)> {
    Some(match &measure.calculation {
        Calculation::CountRows => (format!("count({})", measure.dataset), measure.filters.clone()),
        Calculation::ShareOfRows { of, fraction: false } if measure.filters.is_empty() => {
            (format!("share({})", measure.dataset), of.clone())
        }
        Calculation::Aggregate { aggregate, field } if field.dataset == measure.dataset && field.via.is_none() => {
            let (name, _) = AGGREGATES.iter().find(|(_, known)| known == aggregate)?;
            (format!("{name}({}.{})", measure.dataset, field.field), measure.filters.clone())
        }
        Calculation::Ratio { numerator, denominator } if measure.filters.is_empty() => {
            let (top, filters) = measure_text(numerator)?;
            let (bottom, none) = measure_text(denominator)?;
            if !none.is_empty() {
                return None;
            }
            (format!("{top} / {bottom}"), filters)
        }
        _ => return None,
    })
}

fn known_field<'a>(name: &str, dataset: &'a Dataset) -> Result<&'a Field, String> {
    dataset.field(name).ok_or_else(|| {
        let near = nearest(name, dataset.fields.iter().map(|f| f.name.as_str()));
        format!("dataset `{}` has no field `{name}`{near}", dataset.name)
    })
}

/// Reads a condition on the rows of `dataset`: `status = completed`, `dest = ORD, MDW`, `dep_time is missing`.
pub(super) fn condition(text: &str, dataset: &Dataset) -> Result<Filter, String> {
    let padded = format!("{} ", text.trim());
    let (at, sign, op) = OPERATORS
        .iter()
        .filter_map(|(sign, op)| padded.find(sign).map(|at| (at, *sign, *op)))
        .min_by_key(|(at, ..)| *at)
        .ok_or_else(|| format!("`{text}` is not a condition: write `field = value` or `field is missing`"))?;
    let field = known_field(padded[..at].trim(), dataset)?;
    let place = |field: &Field| FieldRef { dataset: dataset.name.clone(), field: field.name.clone(), via: None };
    let rest = padded[at + sign.len()..].trim();
    if matches!(op, Compare::IsNull | Compare::IsNotNull) {
        return if rest.is_empty() {
            Ok(Filter::Compare { field: place(field), op, values: Vec::new() })
        } else {
            Err(format!("`{rest}` stands after a condition that is complete"))
        };
    }
    if let Some(right) = dataset.field(rest) {
        return Ok(Filter::Fields { left: place(field), op, right: place(right) });
    }
    let values = rest.split(',').map(|value| scalar(value.trim(), field)).collect::<Result<Vec<_>, _>>()?;
    Ok(Filter::Compare { field: place(field), op, values })
}

fn scalar(text: &str, field: &Field) -> Result<Scalar, String> {
    let wrong = |what: &str| format!("`{text}` is not {what}, as field `{}` needs", field.name);
    let bare = text.trim_matches('\'');
    Ok(match field.data_type {
        DataType::Integer | DataType::Number => match bare.parse::<i64>() {
            Ok(whole) => Scalar::Integer(whole),
            Err(_) => Scalar::Number(bare.parse().map_err(|_| wrong("a number"))?),
        },
        DataType::Boolean => Scalar::Boolean(bare.parse().map_err(|_| wrong("true or false"))?),
        DataType::Date => {
            bare.parse::<Date>().map_err(|_| wrong("a date"))?;
            Scalar::Date(bare.to_owned())
        }
        DataType::Timestamp => {
            bare.parse::<DateTime>().map_err(|_| wrong("a moment"))?;
            Scalar::Timestamp(bare.to_owned())
        }
        DataType::String | DataType::Other => Scalar::Text(bare.to_owned()),
    })
}

/// `filter` as text; none where the text cannot say it.
pub(super) fn condition_text(filter: &Filter) -> Option<String> {
    let sign = |op: &Compare| OPERATORS.iter().find(|(_, known)| known == op).map(|(sign, _)| *sign);
    match filter {
        Filter::Compare { field, op, values } => {
            let values: Vec<String> = values.iter().map(scalar_text).collect();
            Some(format!("{}{}{}", field.field, sign(op)?, values.join(", ")))
        }
        Filter::Fields { left, op, right } => Some(format!("{}{}{}", left.field, sign(op)?, right.field)),
        _ => None,
    }
}

fn scalar_text(value: &Scalar) -> String {
    match value {
        Scalar::Integer(n) => n.to_string(),
        Scalar::Number(n) => n.to_string(),
        Scalar::Text(text) | Scalar::Date(text) | Scalar::Timestamp(text) => text.clone(),
        Scalar::Boolean(value) => value.to_string(),
    }
}
