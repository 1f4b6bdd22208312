//! Other groups of the same rows, other lengths of their periods, or none.

use super::super::phrases::group_text;
use super::super::{
    Calculation, Dataset, Direction, Field, FieldKind, FieldRef, Filter, Grain, Group, Join, Measure, Model, Order,
    Query,
};
use super::{ALL_TOGETHER, with};
use crate::answer::Alternative;
use crate::catalog::DataType;

/// Most values of a field that is offered to group by.
const MAX_GROUPS: usize = 60;
/// The periods that times are grouped by.
const GRAINS: [Grain; 7] =
    [Grain::Year, Grain::Quarter, Grain::Month, Grain::Week, Grain::Day, Grain::Hour, Grain::Weekday];

pub(super) fn alternatives(at: usize, query: &Query, model: &Model) -> Vec<Alternative> {
    let current = query.groups.get(at);
    let mut out = Vec::new();
    // A share of the total is of the groups, and a number of groups needs them.
    let shared = query.measures.iter().any(|m| matches!(m.calculation, Calculation::ShareOfTotal { .. }));
    if current.is_some() && !shared && !query.count_groups && (query.groups.len() > 1 || query.having.is_empty()) {
        out.push(Alternative { label: "no grouping".to_owned(), query: without(query, at, model) });
        if query.groups.len() == 1 {
            out[0].label = ALL_TOGETHER.to_owned();
        }
    }
    let mut found: Vec<Group> = Vec::new();
    if let Some(Group { field, grain: Some(_), .. }) = current {
        found.extend(grains(field, model));
    }
    found.extend(times(query, model));
    found.extend(dimensions(&query.dataset, model));
    let free = found.into_iter().filter(|group| !query.groups.contains(group));
    out.extend(
        free.map(|group| Alternative { label: group_text(&group, model), query: replaced(query, at, group, model) }),
    );
    out
}

fn grains(field: &FieldRef, model: &Model) -> Vec<Group> {
    let of = model.field(field).map(|field| field.data_type);
    let fit = GRAINS.into_iter().filter(|grain| *grain != Grain::Hour || of == Some(DataType::Timestamp));
    fit.map(|grain| Group::by(field.clone(), grain)).collect()
}

/// The rows' own time, by month and by day of the week.
fn times(query: &Query, model: &Model) -> Vec<Group> {
    let Some(dataset) = model.dataset(&query.dataset) else { return Vec::new() };
    let Some(field) = dataset.default_time.as_ref().and_then(|name| dataset.field(name)) else { return Vec::new() };
    if !field.data_type.is_temporal() {
        return Vec::new();
    }
    let at = reference(dataset, field, None);
    [Grain::Month, Grain::Weekday].into_iter().map(|grain| Group::by(at.clone(), grain)).collect()
}

impl Model {
    /// The fields by whose values `measure` can be taken apart.
    pub fn drivers(&self, measure: &Measure) -> Vec<FieldRef> {
        let allowed = self.metrics.iter().find(|metric| metric.measure == *measure).map(|metric| &metric.group_by);
        let all = dimensions(&measure.dataset, self).into_iter().map(|group| group.field);
        let settled = |at: &FieldRef| {
            measure.filters.iter().any(|filter| matches!(filter, Filter::Compare { field, .. } if field == at))
        };
        all.filter(|field| !settled(field))
            .filter(|field| allowed.is_none_or(|allowed| allowed.is_empty() || allowed.contains(field)))
            .collect()
    }
}

/// What the rows, and those that they refer to, can be told apart by.
fn dimensions(dataset: &str, model: &Model) -> Vec<Group> {
    let Some(root) = model.dataset(dataset) else { return Vec::new() };
    let of = |dataset: &Dataset, via: Option<&String>| -> Vec<Group> {
        let fields = dataset.fields.iter().filter(|field| can_group(field));
        fields.map(|field| Group::of(reference(dataset, field, via))).collect()
    };
    let mut found = of(root, None);
    let joins: Vec<&Join> = model.joins.iter().filter(|join| join.from == root.name).collect();
    for join in &joins {
        // Of two ways to the same rows each must have a name of its own.
        let ways = joins.iter().filter(|other| other.to == join.to);
        if let Some(dataset) = model.dataset(&join.to)
            && (join.role.is_some() || ways.count() == 1)
        {
            found.extend(of(dataset, join.role.as_ref()));
        }
    }
    found
}

fn can_group(field: &Field) -> bool {
    let known = (2..=MAX_GROUPS).contains(&field.values.len()) || field.data_type == DataType::Boolean;
    matches!(field.kind, FieldKind::Dimension | FieldKind::Key) && known && field.calendar.is_none()
}

fn reference(dataset: &Dataset, field: &Field, via: Option<&String>) -> FieldRef {
    FieldRef { dataset: dataset.name.clone(), field: field.name.clone(), via: via.cloned() }
}

fn replaced(query: &Query, at: usize, group: Group, model: &Model) -> Query {
    with(query, |next| {
        match next.groups.get_mut(at) {
            Some(place) => *place = group,
            None => next.groups.push(group),
        }
        reorder(next, model);
    })
}

fn without(query: &Query, at: usize, model: &Model) -> Query {
    with(query, |next| {
        next.groups.remove(at);
        reorder(next, model);
        if next.groups.is_empty() {
            (next.limit, next.order) = (None, Vec::new());
        }
    })
}

/// Groups in time come in its order, those that are numbers in theirs, others by what is asked for; but a question for the
/// first few stays one.
fn reorder(query: &mut Query, model: &Model) {
    let runs = query.groups.iter().any(|group| model.is_time(group) || group.counted);
    let ranked = query.order.first().filter(|order| matches!(order, Order::Measure { .. })).cloned();
    query.order = match ranked {
        Some(order) if query.limit.is_some() => vec![order],
        _ if runs || query.groups.is_empty() => Vec::new(),
        _ => vec![Order::Measure { index: 0, direction: Direction::Descending }],
    };
    query.order.extend((0..query.groups.len()).map(|index| Order::Group { index, direction: Direction::Ascending }));
}
