//! A query in words: one sentence and its parts. What is said here is what the SQL does, so that a reader can check it.

use jiff::civil::Date;

use super::{
    Aggregate, Calculation, Compare, Direction, FieldRef, Filter, Grain, Group, Having, Measure, Model, Order, Query,
    Scalar, singular,
};
use crate::answer::{Chip, ChipKind, Understanding};

/// `query` in words.
pub fn explain(query: &Query, model: &Model) -> Understanding {
    let mut chips = vec![chip(ChipKind::Table, "Table", dataset_label(model, &query.dataset))];
    let measures: Vec<String> = query.measures.iter().map(|m| measure_text(m, model)).collect();
    chips.extend(measures.iter().map(|text| chip(ChipKind::Metric, "Metric", text.clone())));
    let groups: Vec<String> = query.groups.iter().map(|g| group_text(g, model)).collect();
    for (group, text) in query.groups.iter().zip(&groups) {
        let kind = if group.grain.is_some() { ChipKind::Grain } else { ChipKind::Dimension };
        chips.push(chip(kind, "By", text.clone()));
    }
    let mut filters = Vec::new();
    for (filter, text) in texts(&query.filters, model) {
        let timed = is_period(filter, model);
        filters.push(text.clone());
        chips.push(chip(
            if timed { ChipKind::Period } else { ChipKind::Filter },
            if timed { "Period" } else { "Where" },
            text.clone(),
        ));
    }
    let having: Vec<String> = query.having.iter().map(|h| having_text(h, &measures)).collect();
    chips.extend(having.iter().map(|text| chip(ChipKind::Filter, "Where", text.clone())));
    let order = query.order.first().map(|o| order_text(o, &measures, &groups, model));
    if let Some(text) = &order {
        chips.push(chip(ChipKind::Order, "Order", text.clone()));
    }
    if let Some(limit) = query.limit {
        chips.push(chip(ChipKind::Limit, "Limit", limit.to_string()));
    }
    Understanding { text: sentence(query, model, &measures, &groups, &[filters, having].concat(), order), chips }
}

fn sentence(
    query: &Query,
    model: &Model,
    measures: &[String],
    groups: &[String],
    conditions: &[String],
    order: Option<String>,
) -> String {
    let mut text = if measures.is_empty() {
        let fields: Vec<String> = query.select.iter().map(|f| field_text(f, model)).collect();
        let rows = dataset_label(model, &query.dataset);
        let different = if query.distinct { "different " } else { "" };
        if fields.is_empty() { format!("{different}{rows}") } else { format!("{different}{} of {rows}", list(&fields)) }
    } else if query.count_groups {
        format!("number of different values of {}", list(groups))
    } else {
        list(measures)
    };
    if !groups.is_empty() && !query.count_groups {
        text = format!("{text} by {}", list(groups));
    }
    if !conditions.is_empty() {
        text = format!("{text}, where {}", list(conditions));
    }
    if let Some(order) = order {
        text = format!("{text}; {order}");
    }
    match query.limit {
        Some(1) => text.push_str("; the first only"),
        Some(limit) => text = format!("{text}; the first {limit}"),
        None => {}
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// `measure` in words, for instance `average arrival delay (minutes)`.
pub fn measure_text(measure: &Measure, model: &Model) -> String {
    if let Some(metric) = model.metrics.iter().find(|metric| metric.measure == *measure) {
        return metric.label.clone();
    }
    let filters: Vec<String> = measure.filters.iter().map(|f| filter_text(f, model)).collect();
    let text = calculation_text(measure, model);
    if filters.is_empty() { text } else { format!("{text} where {}", list(&filters)) }
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
        Calculation::Ratio { numerator, denominator } => {
            format!("{} divided by {}", measure_text(numerator, model), measure_text(denominator, model))
        }
        Calculation::AveragePer { measure, per } => {
            format!("average {} per {}", measure_text(measure, model), singular(&group_text(per, model)))
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
        Filter::All { of } => texts(of, model).into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" and "),
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

/// Each condition with its text; the two ends of a period are one.
fn texts<'a>(filters: &'a [Filter], model: &Model) -> Vec<(&'a Filter, String)> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(filter) = filters.get(at) {
        match filters.get(at + 1).and_then(|next| period_text(filter, next, model)) {
            Some(text) => {
                out.push((filter, text));
                at += 2;
            }
            None => {
                out.push((filter, filter_text(filter, model)));
                at += 1;
            }
        }
    }
    out
}

/// `order date in February 2024` for a condition from a day and one to before another.
fn period_text(from: &Filter, to: &Filter, model: &Model) -> Option<String> {
    let (
        Filter::Compare { field, op: Compare::Ge, values },
        Filter::Compare { field: same, op: Compare::Lt, values: ends },
    ) = (from, to)
    else {
        return None;
    };
    let (first, end) = (day(values.first()?)?, day(ends.first()?)?);
    let label = field_text(field, model);
    if field != same || first >= end {
        return None;
    }
    let last = end.yesterday().ok()?;
    let starts = |date: Date, months: i8| date.day() == 1 && (date.month() - 1) % months == 0;
    let months = i32::from(end.year() - first.year()) * 12 + i32::from(end.month() - first.month());
    Some(match months {
        _ if last == first => format!("{label} on {first}"),
        12 if starts(first, 12) && starts(end, 12) => format!("{label} in {}", first.year()),
        3 if starts(first, 3) && starts(end, 3) => format!("{label} in Q{} {}", (first.month() + 2) / 3, first.year()),
        1 if starts(first, 1) && starts(end, 1) => {
            format!("{label} in {} {}", part_value(Grain::MonthOfYear, i64::from(first.month())), first.year())
        }
        _ => format!("{label} from {first} to {last}"),
    })
}

fn day(value: &Scalar) -> Option<Date> {
    match value {
        Scalar::Date(text) => text.parse().ok(),
        Scalar::Timestamp(text) => text.strip_suffix("T00:00:00")?.parse().ok(),
        _ => None,
    }
}

fn having_text(having: &Having, measures: &[String]) -> String {
    let measure = measures.get(having.measure).map_or("", String::as_str);
    format!("{measure} {} {}", op_words(having.op), scalar_text(&having.value))
}

fn order_text(order: &Order, measures: &[String], groups: &[String], model: &Model) -> String {
    let (what, direction) = match order {
        Order::Measure { index, direction } => (measures.get(*index).cloned().unwrap_or_default(), *direction),
        Order::Group { index, direction } => (groups.get(*index).cloned().unwrap_or_default(), *direction),
        Order::Field { field, direction } => (field_text(field, model), *direction),
    };
    match direction {
        Direction::Ascending => format!("lowest {what} first"),
        Direction::Descending => format!("highest {what} first"),
    }
}

fn group_text(group: &Group, model: &Model) -> String {
    let field = field_text(&group.field, model);
    group.grain.map_or(field.clone(), |grain| format!("{} of {field}", part_name(grain)))
}

/// The field's label; with its dataset's where that is another than the label says.
fn field_text(at: &FieldRef, model: &Model) -> String {
    let label = model.field(at).map_or_else(|| at.field.replace('_', " "), |field| field.label.clone());
    match &at.via {
        Some(role) => format!("{role} {label}"),
        None => label,
    }
}

fn dataset_label(model: &Model, name: &str) -> String {
    model.dataset(name).map_or_else(|| name.to_owned(), |dataset| dataset.label.clone())
}

fn is_period(filter: &Filter, model: &Model) -> bool {
    match filter {
        Filter::Part { .. } => true,
        Filter::Compare { field, values, .. } => {
            model.field(field).is_some_and(|f| f.data_type.is_temporal() || f.calendar.is_some()) && !values.is_empty()
        }
        Filter::All { of } | Filter::Any { of } => of.iter().all(|f| is_period(f, model)),
        Filter::Fields { .. } | Filter::Related { .. } => false,
    }
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

fn part_word(fraction: bool) -> &'static str {
    if fraction { "fraction" } else { "percentage" }
}

fn op_words(op: Compare) -> &'static str {
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

fn scalar_text(value: &Scalar) -> String {
    match value {
        Scalar::Integer(n) => n.to_string(),
        Scalar::Number(n) => n.to_string(),
        Scalar::Text(text) | Scalar::Date(text) => text.clone(),
        Scalar::Timestamp(text) => text.replace('T', " ").trim_end_matches(" 00:00:00").to_owned(),
        Scalar::Boolean(true) => "yes".to_owned(),
        Scalar::Boolean(false) => "no".to_owned(),
    }
}

fn part_name(part: Grain) -> &'static str {
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

fn part_value(part: Grain, value: i64) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let named = match part {
        Grain::MonthOfYear => usize::try_from(value - 1).ok().and_then(|at| MONTHS.get(at)),
        Grain::Weekday => usize::try_from(value - 1).ok().and_then(|at| DAYS.get(at)),
        _ => None,
    };
    named.map_or_else(|| value.to_string(), |name| (*name).to_owned())
}

fn chip(kind: ChipKind, label: &str, value: String) -> Chip {
    Chip { kind, label: label.to_owned(), value }
}

fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}
