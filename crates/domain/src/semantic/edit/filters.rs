//! Other values of a condition, its opposite, and the question without it.

use std::ops::Range;

use super::super::{Compare, FieldRef, Filter, Model, Query, Scalar, field_text, filter_text};
use super::{periods, with};
use crate::answer::Alternative;
use crate::catalog::DataType;

/// Most other values offered; those nearest in the list.
const MAX_VALUES: usize = 8;

pub(super) fn alternatives(places: &Range<usize>, query: &Query, model: &Model) -> Vec<Alternative> {
    let Some(filters) = query.filters.get(places.clone()) else { return Vec::new() };
    let others = others_of(filters, query, model);
    let mut out = vec![Alternative { label: without_text(filters, model), query: replaced(query, places, Vec::new()) }];
    out.extend(
        others.into_iter().map(|(label, filters)| Alternative { label, query: replaced(query, places, filters) }),
    );
    out
}

/// What could stand in the place of a condition: other periods, or other values.
pub(super) fn others_of(filters: &[Filter], query: &Query, model: &Model) -> Vec<(String, Vec<Filter>)> {
    match (periods::others(filters, model), filters) {
        (Some(others), _) => others,
        (None, [filter]) => others(filter, query, model),
        _ => Vec::new(),
    }
}

fn replaced(query: &Query, places: &Range<usize>, filters: Vec<Filter>) -> Query {
    with(query, |next| drop(next.filters.splice(places.clone(), filters)))
}

fn without_text(filters: &[Filter], model: &Model) -> String {
    match filters {
        _ if filters.iter().all(|filter| super::super::explain::is_period(filter, model)) => "any time".to_owned(),
        [Filter::Compare { field, op: Compare::Eq | Compare::Ne, .. }] => format!("any {}", field_text(field, model)),
        _ => "without this condition".to_owned(),
    }
}

fn others(filter: &Filter, query: &Query, model: &Model) -> Vec<(String, Vec<Filter>)> {
    let mut found: Vec<Filter> = Vec::new();
    if let Filter::Compare { field, op, values } = filter {
        found.extend(opposite(field, *op, values));
        found.extend(values_of(field, *op, values, model));
    }
    let single = |filters: &[Filter]| filters.len() == 1 && filters.first() == Some(filter);
    if model.segments.iter().any(|segment| single(&segment.filters)) {
        let same = model.segments.iter().filter(|s| s.dataset == query.dataset && s.filters.len() == 1);
        found.extend(same.flat_map(|segment| segment.filters.clone()).filter(|other| other != filter));
    }
    found.into_iter().map(|other| (filter_text(&other, model), vec![other])).collect()
}

fn opposite(field: &FieldRef, op: Compare, values: &[Scalar]) -> Option<Filter> {
    let op = match op {
        Compare::Eq => Compare::Ne,
        Compare::Ne => Compare::Eq,
        Compare::IsNull => Compare::IsNotNull,
        Compare::IsNotNull => Compare::IsNull,
        _ => return None,
    };
    Some(Filter::Compare { field: field.clone(), op, values: values.to_vec() })
}

/// The other values of the field, as far as the catalog lists them.
fn values_of(at: &FieldRef, op: Compare, values: &[Scalar], model: &Model) -> Vec<Filter> {
    let Some(field) = model.field(at).filter(|f| op == Compare::Eq && f.data_type == DataType::String) else {
        return Vec::new();
    };
    let chosen = |value: &String| values.len() == 1 && values.contains(&Scalar::Text(value.clone()));
    let here = field.values.iter().position(chosen).unwrap_or_default();
    let from = here.saturating_sub(MAX_VALUES / 2).min(field.values.len().saturating_sub(MAX_VALUES + 1));
    let near = field.values.iter().skip(from).filter(|value| !chosen(value)).take(MAX_VALUES);
    near.map(|value| Filter::Compare { field: at.clone(), op, values: vec![Scalar::Text(value.clone())] }).collect()
}
