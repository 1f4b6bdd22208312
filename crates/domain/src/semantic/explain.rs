//! A query in words: one sentence and its parts. What is said here is what the SQL does, so that a reader can check it.

use std::borrow::Cow;
use std::ops::Range;

use super::phrases::{
    conditions, dataset_label, field_text, group_text, list, measure_text, op_words, scalar_text, side_text,
};
use super::{Direction, Fact, Field, FieldRef, Filter, Group, Having, Model, Order, Query};
use crate::answer::{Chip, ChipKind, Understanding};
use crate::catalog::DataType;

/// What a chip stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Dataset,
    Measure(usize),
    /// One of the two that are compared.
    Side(Side),
    Group(usize),
    Drivers,
    /// The places of the conditions that are one.
    Filters(Range<usize>),
    Having(usize),
    Order,
    Limit,
}

/// Which of the two that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What it is.
    To,
    /// What it was.
    From,
}

/// `query` in words.
pub fn explain(query: &Query, model: &Model) -> Understanding {
    let parts = parts(query, model);
    let text = sentence(query, model, &parts);
    Understanding { text, chips: parts.into_iter().map(|(_, chip)| chip).collect(), verified: None }
}

/// The model, with the time of `query` called as the times of all its numbers are, where each has its own.
fn dated<'a>(query: &Query, model: &'a Model) -> Cow<'a, Model> {
    let root = query.root(model);
    let mut labels: Vec<String> = Vec::new();
    for fact in query.measures.iter().flat_map(|measure| Fact::all_of(measure, model)) {
        let Some(time) = fact.time else { continue };
        let label = field_text(&FieldRef { dataset: fact.dataset, field: time, via: None }, model);
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    if labels.len() < 2 {
        return Cow::Borrowed(model);
    }
    let mut told = model.clone();
    let dataset = told.datasets.iter_mut().find(|dataset| dataset.name == root.dataset);
    let own = |field: &&mut Field| Some(&field.name) == root.time.as_ref();
    if let Some(field) = dataset.and_then(|dataset| dataset.fields.iter_mut().find(own)) {
        field.label = list(&labels);
    }
    Cow::Owned(told)
}

/// The parts of `query`, each with its words.
pub(super) fn parts(query: &Query, model: &Model) -> Vec<(Part, Chip)> {
    let model = &*dated(query, model);
    let mut parts = vec![(Part::Dataset, chip(ChipKind::Table, "Table", dataset_label(model, &query.dataset)))];
    // What is compared is said once; its sides follow from it.
    let compared = query.measures.iter().find(|measure| measure.compared().is_some());
    let said = compared.map_or_else(|| query.measures.iter().collect(), |compared| vec![compared]);
    for (at, measure) in said.into_iter().enumerate() {
        parts.push((Part::Measure(at), chip(ChipKind::Metric, "Metric", measure_text(measure, model))));
    }
    if let Some((from, to)) = query.sides() {
        for (side, label, filters) in [(Side::To, "Compared", to), (Side::From, "Against", from)] {
            let timed = filters.iter().all(|filter| is_period(filter, model));
            let kind = if timed { ChipKind::Period } else { ChipKind::Filter };
            parts.push((Part::Side(side), chip(kind, label, side_text(filters, model))));
        }
    }
    for (at, group) in query.groups.iter().enumerate() {
        let kind = if group.grain.is_some() { ChipKind::Grain } else { ChipKind::Dimension };
        parts.push((Part::Group(at), chip(kind, "By", group_text(group, model))));
    }
    if !query.drivers.is_empty() {
        let fields: Vec<String> = query.drivers.iter().map(|field| field_text(field, model)).collect();
        parts.push((Part::Drivers, chip(ChipKind::Dimension, "By", list(&fields))));
    }
    for (places, text) in conditions(&query.filters, model) {
        let timed = query.filters[places.clone()].iter().all(|filter| is_period(filter, model));
        let (kind, label) = if timed { (ChipKind::Period, "Period") } else { (ChipKind::Filter, "Where") };
        parts.push((Part::Filters(places), chip(kind, label, text)));
    }
    for (at, having) in query.having.iter().enumerate() {
        parts.push((Part::Having(at), chip(ChipKind::Filter, "Where", having_text(having, query, model))));
    }
    if let Some(order) = query.order.first() {
        parts.push((Part::Order, chip(ChipKind::Order, "Order", order_text(order, query, model))));
    }
    if let Some(limit) = query.limit {
        parts.push((Part::Limit, chip(ChipKind::Limit, "Limit", limit.to_string())));
    }
    parts
}

fn sentence(query: &Query, model: &Model, parts: &[(Part, Chip)]) -> String {
    let said = |wanted: fn(&Part) -> bool| -> Vec<String> {
        parts.iter().filter(|(part, _)| wanted(part)).map(|(_, chip)| chip.value.clone()).collect()
    };
    let groups = said(|part| matches!(part, Part::Group(_)));
    let conditions = said(|part| matches!(part, Part::Filters(_) | Part::Having(_)));
    let mut text = if query.measures.is_empty() {
        let fields: Vec<String> = query.select.iter().map(|f| field_text(f, model)).collect();
        let rows = dataset_label(model, &query.dataset);
        let different = if query.distinct { "different " } else { "" };
        if fields.is_empty() { format!("{different}{rows}") } else { format!("{different}{} of {rows}", list(&fields)) }
    } else if query.count_groups {
        format!("number of different values of {}", list(&groups))
    } else {
        list(&said(|part| matches!(part, Part::Measure(_))))
    };
    for drivers in said(|part| matches!(part, Part::Drivers)) {
        text = format!("what made up the {text}, by {drivers}");
    }
    if !groups.is_empty() && !query.count_groups {
        text = format!("{text} by {}", list(&groups));
    }
    if !conditions.is_empty() {
        text = format!("{text}, where {}", list(&conditions));
    }
    if let Some(order) = query.order.first() {
        text = format!("{text}; {}", order_text(order, query, model));
    }
    match query.limit {
        Some(1) => text.push_str("; the first only"),
        Some(limit) => text = format!("{text}; the first {limit}"),
        None => {}
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

fn having_text(having: &Having, query: &Query, model: &Model) -> String {
    let measure = query.measures.get(having.measure).map_or_else(String::new, |m| measure_text(m, model));
    format!("{measure} {} {}", op_words(having.op), scalar_text(&having.value))
}

/// `highest revenue first`, `earliest first`, `carrier from A to Z`.
pub(super) fn order_text(order: &Order, query: &Query, model: &Model) -> String {
    let (what, kind, direction) = match order {
        Order::Measure { index, direction } => {
            let measure = query.measures.get(*index).map_or_else(String::new, |m| measure_text(m, model));
            (measure, Sorted::Numbers, *direction)
        }
        Order::Group { index, direction } => {
            let Some(group) = query.groups.get(*index) else { return String::new() };
            let kind = match group {
                Group { grain: Some(_), .. } => Sorted::Times,
                Group { counted: true, .. } => Sorted::Numbers,
                Group { field, .. } => sorted(field, model),
            };
            (group_text(&Group { step: None, ..group.clone() }, model), kind, *direction)
        }
        Order::Field { field, direction } => (field_text(field, model), sorted(field, model), *direction),
    };
    match (kind, direction) {
        (Sorted::Times, Direction::Ascending) => "earliest first".to_owned(),
        (Sorted::Times, Direction::Descending) => "latest first".to_owned(),
        (Sorted::Words, Direction::Ascending) => format!("{what} from A to Z"),
        (Sorted::Words, Direction::Descending) => format!("{what} from Z to A"),
        (Sorted::Numbers, Direction::Ascending) => format!("lowest {what} first"),
        (Sorted::Numbers, Direction::Descending) => format!("highest {what} first"),
    }
}

/// What is put in order.
enum Sorted {
    Numbers,
    Times,
    Words,
}

fn sorted(at: &FieldRef, model: &Model) -> Sorted {
    match model.field(at) {
        Some(field) if field.data_type.is_temporal() || field.calendar.is_some() => Sorted::Times,
        Some(field) if field.data_type == DataType::String => Sorted::Words,
        _ => Sorted::Numbers,
    }
}

pub(super) fn is_period(filter: &Filter, model: &Model) -> bool {
    match filter {
        Filter::Part { .. } => true,
        Filter::Compare { field, values, .. } => {
            model.field(field).is_some_and(|f| f.data_type.is_temporal() || f.calendar.is_some()) && !values.is_empty()
        }
        Filter::All { of } | Filter::Any { of } => of.iter().all(|f| is_period(f, model)),
        Filter::Fields { .. } | Filter::Related { .. } => false,
    }
}

pub(super) fn chip(kind: ChipKind, label: &str, value: String) -> Chip {
    Chip { kind, label: label.to_owned(), value, alternatives: Vec::new() }
}
