//! Words for the parts of a query: measures, groups, conditions, values. What is said is what the SQL does.

use std::ops::Range;

use super::span::Span;
use super::{
    Aggregate, Calculation, Compare, FieldRef, Filter, Grain, Group, Join, Measure, Metric, Model, Scalar, singular,
};
use crate::format::{self, MONTHS};

/// Labels that say nothing without the rows they belong to.
const BARE_LABELS: [&str; 3] = ["name", "title", "label"];
/// The days of the week, Monday first.
pub(super) const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// `measure` in words, for instance `average arrival delay (minutes)`.
pub fn measure_text(measure: &Measure, model: &Model) -> String {
    let (text, filters) = match metric_within(measure, model) {
        Some((metric, filters)) => (metric.label.clone(), filters),
        None => (calculation_text(measure, model), measure.filters.as_slice()),
    };
    match filters {
        [] => text,
        [from, to] if let Some((_, span)) = Span::of(from, to) => format!("{text} {}", span.text()),
        filters => format!("{text} where {}", list(&all_conditions(filters, model))),
    }
}

/// The metric that the measure is, and the conditions that it has beyond it.
fn metric_within<'a>(measure: &'a Measure, model: &'a Model) -> Option<(&'a Metric, &'a [Filter])> {
    let same = |metric: &&Metric| {
        let whole = &metric.measure;
        whole.calculation == measure.calculation
            && whole.dataset == measure.dataset
            && whole.time == measure.time
            && measure.filters.starts_with(&whole.filters)
    };
    // The longest: it says most.
    let metric = model.metrics.iter().filter(same).max_by_key(|metric| metric.measure.filters.len())?;
    Some((metric, &measure.filters[metric.measure.filters.len()..]))
}

fn all_conditions(filters: &[Filter], model: &Model) -> Vec<String> {
    conditions(filters, model).into_iter().map(|(_, text)| text).collect()
}

/// What sets rows apart: a period by its name alone, values by theirs.
pub(super) fn side_text(filters: &[Filter], model: &Model) -> String {
    match filters {
        [from, to] if let Some((_, span)) = Span::of(from, to) => span.name(),
        [Filter::Compare { op: Compare::Eq, values, .. }] => {
            values.iter().map(scalar_text).collect::<Vec<_>>().join(" or ")
        }
        filters => list(&all_conditions(filters, model)),
    }
}

fn calculation_text(measure: &Measure, model: &Model) -> String {
    match &measure.calculation {
        Calculation::CountRows => format!("number of {}", dataset_label(model, &measure.dataset)),
        Calculation::Aggregate { aggregate, field } => {
            format!("{} {}", aggregate_word(*aggregate), field_text(field, model))
        }
        Calculation::ShareOfRows { of, fraction } => {
            let of: Vec<String> = of.iter().map(|f| filter_text(f, model)).collect();
            format!("{} of {} where {}", part_word(*fraction), dataset_label(model, &measure.dataset), list(&of))
        }
        Calculation::ShareOfMeasure { measure, of, fraction } => {
            let of: Vec<String> = of.iter().map(|f| filter_text(f, model)).collect();
            format!("{} of {} where {}", part_word(*fraction), measure_text(measure, model), list(&of))
        }
        Calculation::ShareOfTotal { measure, fraction } => {
            format!("{} of the total {}", part_word(*fraction), measure_text(measure, model))
        }
        Calculation::Ratio { numerator, denominator, percent } => {
            let by = if *percent { "as a percentage of" } else { "divided by" };
            format!("{} {by} {}", measure_text(numerator, model), measure_text(denominator, model))
        }
        Calculation::AveragePer { measure, per } => {
            format!("average {} per {}", measure_text(measure, model), singular(&group_text(per, model)))
        }
        Calculation::Latest { measure, time } => {
            let time = FieldRef { dataset: measure.dataset.clone(), field: time.clone(), via: None };
            format!("{} at the last {}", measure_text(measure, model), field_text(&time, model))
        }
        Calculation::Change { measure, from, to, relative } => {
            let (measure, from, to) = (measure_text(measure, model), side_text(from, model), side_text(to, model));
            format!("{}change of {measure} from {from} to {to}", percent(*relative))
        }
        Calculation::Growth { measure, year, relative } => {
            let than = if *year { "the same period a year before" } else { "the period before" };
            format!("{}change of {} from {than}", percent(*relative), measure_text(measure, model))
        }
    }
}

/// `filter` in words, for instance `origin is JFK`.
pub fn filter_text(filter: &Filter, model: &Model) -> String {
    if let Some(segment) = model.segments.iter().find(|s| s.filters.len() == 1 && s.filters.first() == Some(filter)) {
        return format!("{} ({})", segment.label, plain_filter(filter, model));
    }
    plain_filter(filter, model)
}

fn plain_filter(filter: &Filter, model: &Model) -> String {
    match filter {
        Filter::Compare { field, op, values } => {
            let values: Vec<String> = values.iter().map(scalar_text).collect();
            let unit = model.field(field).and_then(|f| f.unit.clone()).map_or_else(String::new, |u| format!(" {u}"));
            let unit = if matches!(op, Compare::Eq | Compare::Ne | Compare::IsNull | Compare::IsNotNull) {
                String::new()
            } else {
                unit
            };
            format!("{} {} {}{unit}", field_text(field, model), op_words(*op), values.join(" or "))
                .trim_end()
                .to_owned()
        }
        Filter::Part { field, part, op, values } => {
            let values: Vec<String> = values.iter().map(|v| part_value(*part, *v)).collect();
            format!("{} of {} {} {}", part_name(*part), field_text(field, model), op_words(*op), values.join(" or "))
        }
        Filter::Fields { left, op, right } => {
            format!("{} {} {}", field_text(left, model), op_words(*op), field_text(right, model))
        }
        Filter::Any { of } => of.iter().map(|f| filter_text(f, model)).collect::<Vec<_>>().join(" or "),
        Filter::All { of } => conditions(of, model).into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" and "),
        Filter::Related { dataset, filters, op, count, .. } => {
            let label = dataset_label(model, dataset);
            let filters: Vec<String> = filters.iter().map(|f| filter_text(f, model)).collect();
            let which = if filters.is_empty() { String::new() } else { format!(" where {}", list(&filters)) };
            match (op, count) {
                (Compare::Eq, 0) => format!("there are no {label}{which}"),
                (Compare::Ge, 1) => format!("there are {label}{which}"),
                _ => format!("the number of {label}{which} {} {count}", op_words(*op)),
            }
        }
    }
}

/// The conditions by their places, each with its text; the two ends of a period are one.
pub(super) fn conditions(filters: &[Filter], model: &Model) -> Vec<(Range<usize>, String)> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(filter) = filters.get(at) {
        let span = filters.get(at + 1).and_then(|next| Span::of(filter, next));
        let (length, text) = match span {
            Some((field, span)) => (2, format!("{} {}", field_text(field, model), span.text())),
            None => (1, filter_text(filter, model)),
        };
        out.push((at..at + length, text));
        at += length;
    }
    out
}

/// What a grouping is called.
pub fn group_text(group: &Group, model: &Model) -> String {
    let field = if group.counted {
        format!("number of {}", dataset_label(model, &group.field.dataset))
    } else {
        field_text(&group.field, model)
    };
    if let Some(step) = group.step {
        return format!("{field} in steps of {step}");
    }
    group.grain.map_or(field.clone(), |grain| format!("{} of {field}", part_name(grain)))
}

/// What a field is called; a mere `name` is one of its dataset's rows: `airline name`.
pub fn field_text(at: &FieldRef, model: &Model) -> String {
    let label = model.field(at).map_or_else(|| at.field.replace('_', " "), |field| field.label.clone());
    // Of a person's manager it is clear whose name it is.
    let own = |join: &Join| join.from == join.to && join.to == at.dataset && join.role == at.via;
    let bare = BARE_LABELS.contains(&label.as_str()) && !(at.via.is_some() && model.joins.iter().any(own));
    let label = if bare { format!("{} {label}", singular(&dataset_label(model, &at.dataset))) } else { label };
    match &at.via {
        Some(role) => format!("{role} {label}"),
        None => label,
    }
}

pub(super) fn dataset_label(model: &Model, name: &str) -> String {
    model.dataset(name).map_or_else(|| name.to_owned(), |dataset| dataset.label.clone())
}

fn aggregate_word(aggregate: Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Count => "number of values of",
        Aggregate::CountDistinct => "number of different values of",
        Aggregate::Sum => "total",
        Aggregate::Avg => "average",
        Aggregate::Min => "smallest",
        Aggregate::Max => "largest",
        Aggregate::Median => "median",
    }
}

fn percent(relative: bool) -> &'static str {
    if relative { "percent " } else { "" }
}

fn part_word(fraction: bool) -> &'static str {
    if fraction { "fraction" } else { "percentage" }
}

pub(super) fn op_words(op: Compare) -> &'static str {
    match op {
        Compare::Eq => "is",
        Compare::Ne => "is not",
        Compare::Lt => "is less than",
        Compare::Le => "is at most",
        Compare::Gt => "is more than",
        Compare::Ge => "is at least",
        Compare::Contains => "contains",
        Compare::StartsWith => "begins with",
        Compare::IsNull => "is missing",
        Compare::IsNotNull => "is known",
    }
}

pub(super) fn scalar_text(value: &Scalar) -> String {
    match value {
        Scalar::Integer(n) => n.to_string(),
        Scalar::Number(n) => n.to_string(),
        Scalar::Text(text) => text.clone(),
        Scalar::Date(text) => format::moment(text).unwrap_or_else(|| text.clone()),
        Scalar::Timestamp(text) => {
            let day = text.strip_suffix("T00:00:00").unwrap_or(text);
            format::moment(day).unwrap_or_else(|| text.clone())
        }
        Scalar::Boolean(true) => "yes".to_owned(),
        Scalar::Boolean(false) => "no".to_owned(),
    }
}

pub(super) fn part_name(part: Grain) -> &'static str {
    match part {
        Grain::Year => "year",
        Grain::Quarter => "quarter",
        Grain::Month => "month",
        Grain::Week => "week",
        Grain::Day => "day",
        Grain::Hour => "hour",
        Grain::Weekday => "day of the week",
        Grain::DayOfMonth => "day of the month",
        Grain::MonthOfYear => "month of the year",
        Grain::HourOfDay => "hour of the day",
    }
}

pub(super) fn part_value(part: Grain, value: i64) -> String {
    let named = match part {
        Grain::MonthOfYear => usize::try_from(value - 1).ok().and_then(|at| MONTHS.get(at)),
        Grain::Weekday => usize::try_from(value - 1).ok().and_then(|at| WEEKDAYS.get(at)),
        _ => None,
    };
    named.map_or_else(|| value.to_string(), |name| (*name).to_owned())
}

pub(super) fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}
