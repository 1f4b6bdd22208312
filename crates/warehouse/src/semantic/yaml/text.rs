//! Measures and conditions as one line of text: `sum(orders.total_amount)`, `arr_delay > 15`.

use jiff::civil::{Date, DateTime};
use pilothouse_domain::catalog::DataType;
use pilothouse_domain::semantic::{
    Aggregate, Calculation, Compare, Dataset, Field, FieldRef, Filter, Measure, Metric, Model, Scalar,
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

/// Reads a measure: `count(flights)`, `sum(orders.total_amount) / count(orders)`, `refunded / net_revenue` of metrics that
/// stand before it, or `share(flights)` of the rows that `conditions` describe.
pub(super) fn measure(text: &str, conditions: Vec<Filter>, model: &Model) -> Result<Measure, String> {
    if let Some((top, bottom)) = text.split_once('/') {
        let (top, bottom) = (term(top.trim(), conditions, model)?, term(bottom.trim(), Vec::new(), model)?);
        let dataset = top.dataset.clone();
        let calculation =
            Calculation::Ratio { numerator: Box::new(top), denominator: Box::new(bottom), percent: false };
        return Ok(Measure::new(&dataset, calculation));
    }
    term(text.trim(), conditions, model)
}

/// The dataset that a measure's text is about.
pub(super) fn dataset_of<'a>(text: &str, model: &'a Model) -> Result<&'a Dataset, String> {
    let first = text.split('/').next().unwrap_or_default().trim();
    let Some((_, rest)) = first.split_once('(') else {
        return known_dataset(&known_metric(first, model)?.measure.dataset, model);
    };
    let name = rest.split(')').next().unwrap_or_default().split('.').next().unwrap_or_default().trim();
    known_dataset(name, model)
}

fn known_metric<'a>(name: &str, model: &'a Model) -> Result<&'a Metric, String> {
    model.metrics.iter().find(|metric| metric.name == name).ok_or_else(|| {
        let near = nearest(name, model.metrics.iter().map(|metric| metric.name.as_str()));
        format!("`{name}` is neither a metric above nor written as `sum(dataset.field)` or `count(dataset)`{near}")
    })
}

fn known_dataset<'a>(name: &str, model: &'a Model) -> Result<&'a Dataset, String> {
    model.dataset(name).ok_or_else(|| {
        format!("there is no dataset `{name}`{}", nearest(name, model.datasets.iter().map(|d| d.name.as_str())))
    })
}

fn term(text: &str, conditions: Vec<Filter>, model: &Model) -> Result<Measure, String> {
    let wrong = || format!("`{text}` is not a measure: write `sum(dataset.field)` or `count(dataset)`");
    let Some((function, rest)) = text.split_once('(') else {
        let mut measure = known_metric(text, model)?.measure.clone();
        measure.filters.extend(conditions);
        return Ok(measure);
    };
    let inside = rest.strip_suffix(')').ok_or_else(wrong)?;
    let (dataset, field) = inside.split_once('.').map_or((inside, None), |(d, f)| (d, Some(f.trim())));
    let dataset = known_dataset(dataset.trim(), model)?;
    let made = |calculation, filters| Measure { filters, ..Measure::new(&dataset.name, calculation) };
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
            let plain = Calculation::Aggregate { aggregate: *aggregate, field };
            Ok(made(leveled(dataset, *aggregate, plain), conditions))
        }
        _ => Err(wrong()),
    }
}

/// A sum of levels is one at the last time.
fn leveled(dataset: &Dataset, aggregate: Aggregate, plain: Calculation) -> Calculation {
    match &dataset.snapshot {
        Some(time) if aggregate == Aggregate::Sum => {
            Calculation::Latest { measure: Box::new(Measure::new(&dataset.name, plain)), time: time.clone() }
        }
        _ => plain,
    }
}

/// `measure` as text, and its conditions; none where the text cannot say it. `above` are the metrics that it may name.
pub(super) fn measure_text(measure: &Measure, above: &[Metric]) -> Option<(String, Vec<Filter>)> {
    if let Some(metric) = above.iter().find(|metric| metric.measure == *measure) {
        return Some((metric.name.clone(), Vec::new()));
    }
    Some(match &measure.calculation {
        Calculation::Latest { measure: of, .. } => (measure_text(of, &[])?.0, measure.filters.clone()),
        Calculation::CountRows => (format!("count({})", measure.dataset), measure.filters.clone()),
        Calculation::ShareOfRows { of, fraction: false } if measure.filters.is_empty() => {
            (format!("share({})", measure.dataset), of.clone())
        }
        Calculation::Aggregate { aggregate, field } if field.dataset == measure.dataset && field.via.is_none() => {
            let (name, _) = AGGREGATES.iter().find(|(_, known)| known == aggregate)?;
            (format!("{name}({}.{})", measure.dataset, field.field), measure.filters.clone())
        }
        Calculation::Ratio { numerator, denominator, .. } if measure.filters.is_empty() => {
            let (top, filters) = measure_text(numerator, above)?;
            let (bottom, none) = measure_text(denominator, above)?;
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

/// Reads `dataset.field`.
pub(super) fn path(text: &str, model: &Model) -> Result<FieldRef, String> {
    let (dataset, field) = text.split_once('.').ok_or_else(|| format!("`{text}` is not written as `dataset.field`"))?;
    let dataset = known_dataset(dataset.trim(), model)?;
    let field = known_field(field.trim(), dataset)?;
    Ok(FieldRef { dataset: dataset.name.clone(), field: field.name.clone(), via: None })
}

/// The field that a condition on the rows of `dataset` names: one of its own, or `other.field` of rows it refers to.
fn place<'a>(name: &str, dataset: &'a Dataset, model: &'a Model) -> Result<(FieldRef, &'a Field), String> {
    let Some((other, field)) = name.split_once('.').filter(|(other, _)| *other != dataset.name) else {
        let field = known_field(name.rsplit('.').next().unwrap_or(name), dataset)?;
        return Ok((FieldRef { dataset: dataset.name.clone(), field: field.name.clone(), via: None }, field));
    };
    let other = known_dataset(other, model)?;
    if model.way(&dataset.name, &other.name, None).is_none() {
        return Err(format!("no single way leads from `{}` to `{}`", dataset.name, other.name));
    }
    let field = known_field(field, other)?;
    Ok((FieldRef { dataset: other.name.clone(), field: field.name.clone(), via: None }, field))
}

/// Reads a condition on the rows of `dataset`: `status = completed`, `dest = ORD, MDW`, `dep_time is missing`,
/// `orders.status != void` of the rows it refers to.
pub(super) fn condition(text: &str, dataset: &Dataset, model: &Model) -> Result<Filter, String> {
    let padded = format!("{} ", text.trim());
    let (at, sign, op) = OPERATORS
        .iter()
        .filter_map(|(sign, op)| padded.find(sign).map(|at| (at, *sign, *op)))
        .min_by_key(|(at, ..)| *at)
        .ok_or_else(|| format!("`{text}` is not a condition: write `field = value` or `field is missing`"))?;
    let (left, field) = place(padded[..at].trim(), dataset, model)?;
    let rest = padded[at + sign.len()..].trim();
    if matches!(op, Compare::IsNull | Compare::IsNotNull) {
        return if rest.is_empty() {
            Ok(Filter::Compare { field: left, op, values: Vec::new() })
        } else {
            Err(format!("`{rest}` stands after a condition that is complete"))
        };
    }
    if let Some(right) = dataset.field(rest) {
        let right = FieldRef { dataset: dataset.name.clone(), field: right.name.clone(), via: None };
        return Ok(Filter::Fields { left, op, right });
    }
    let values = rest.split(',').map(|value| scalar(value.trim(), field)).collect::<Result<Vec<_>, _>>()?;
    Ok(Filter::Compare { field: left, op, values })
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

/// `filter` on the rows of `dataset` as text; none where the text cannot say it.
pub(super) fn condition_text(filter: &Filter, dataset: &str) -> Option<String> {
    let path = |at: &FieldRef| match at.dataset == dataset {
        true => at.field.clone(),
        false => format!("{}.{}", at.dataset, at.field),
    };
    let sign = |op: &Compare| OPERATORS.iter().find(|(_, known)| known == op).map(|(sign, _)| *sign);
    match filter {
        Filter::Compare { field, op, values } => {
            let values: Vec<String> = values.iter().map(scalar_text).collect();
            Some(format!("{}{}{}", path(field), sign(op)?, values.join(", ")))
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
