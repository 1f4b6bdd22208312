//! What could stand in the place of each part of a query: another number, another or no grouping, another period. Each
//! alternative is a whole query over the same model, so that whoever picks one has nothing to put together.

mod filters;
mod groups;
mod measures;
mod periods;
mod sides;

use super::explain::{Part, explain, order_text, parts};
use super::{Direction, FieldRef, Model, Order, Query, field_text};
use crate::answer::{Alternative, Chip, ChipKind, Understanding};

/// Most alternatives of one part.
pub const MAX_ALTERNATIVES: usize = 10;
/// Most bytes of JSON that all alternatives of a query have together.
pub const MAX_OFFERED_BYTES: usize = 16 * 1024;
/// Bytes of JSON around the query of an alternative, its words among them.
const BYTES_AROUND: usize = 80;
/// What is offered as the number of rows.
const LIMITS: [u32; 5] = [1, 3, 5, 10, 20];
/// The value of the part that offers groups where there are none.
const ALL_TOGETHER: &str = "all together";

/// `query` in words, each part with what could stand in its place. `fits` says whether an alternative can be computed;
/// what cannot is not offered.
pub fn editable(query: &Query, model: &Model, fits: &dyn Fn(&Query) -> bool) -> Understanding {
    let mut found: Vec<(Chip, Vec<Alternative>)> = parts_with_groups(query, model)
        .into_iter()
        .map(|(part, chip)| (chip, chosen(alternatives(&part, query, model), query, fits)))
        .collect();
    // All parts give way alike where there is not room for everything.
    let room = most(query);
    let needed = |share: usize| -> usize { found.iter().map(|(_, others)| others.len().min(share)).sum() };
    let share = (1..=MAX_ALTERNATIVES).rev().find(|share| needed(*share) <= room).unwrap_or_default();
    found.iter_mut().for_each(|(_, others)| others.truncate(share));
    let chips = found.into_iter().map(|(chip, alternatives)| Chip { alternatives, ..chip }).collect();
    Understanding { chips, ..explain(query, model) }
}

fn chosen(others: Vec<Alternative>, query: &Query, fits: &dyn Fn(&Query) -> bool) -> Vec<Alternative> {
    let mut offered: Vec<Alternative> = Vec::new();
    for other in others {
        if offered.len() >= MAX_ALTERNATIVES {
            break;
        }
        let known = other.query == *query || offered.iter().any(|known| known.label == other.label);
        if !known && fits(&other.query) {
            offered.push(other);
        }
    }
    offered
}

/// How many alternatives the answer has room for: each is about as large as the query.
fn most(query: &Query) -> usize {
    let size = serde_json::to_vec(query).map_or(MAX_OFFERED_BYTES, |json| json.len());
    MAX_OFFERED_BYTES / (size + BYTES_AROUND)
}

/// The parts of the query; where numbers stand without groups, a part that offers some.
fn parts_with_groups(query: &Query, model: &Model) -> Vec<(Part, Chip)> {
    let mut all = parts(query, model);
    if query.groups.is_empty() && !query.measures.is_empty() && query.drivers.is_empty() {
        let chip = super::explain::chip(ChipKind::Dimension, "By", ALL_TOGETHER.to_owned());
        let numbers = all.iter().filter(|(part, _)| matches!(part, Part::Dataset | Part::Measure(_))).count();
        all.insert(numbers, (Part::Group(0), chip));
    }
    all
}

fn alternatives(part: &Part, query: &Query, model: &Model) -> Vec<Alternative> {
    match part {
        Part::Dataset => Vec::new(),
        Part::Drivers => drivers(query, model),
        Part::Measure(at) => measures::alternatives(*at, query, model),
        Part::Side(side) => sides::alternatives(*side, query, model),
        Part::Group(at) => groups::alternatives(*at, query, model),
        Part::Filters(places) => filters::alternatives(places, query, model),
        Part::Having(at) => {
            let next = with(query, |next| drop(next.having.remove(*at)));
            vec![Alternative { label: "any number".to_owned(), query: next }]
        }
        Part::Order => orders(query, model),
        Part::Limit => limits(query),
    }
}

/// Only one of the fields that a change is told by.
fn drivers(query: &Query, model: &Model) -> Vec<Alternative> {
    let each = query.drivers.iter().filter(|_| query.drivers.len() > 1);
    let one = |field: &FieldRef| Alternative {
        label: field_text(field, model),
        query: with(query, |next| next.drivers = vec![field.clone()]),
    };
    each.map(one).collect()
}

fn with(query: &Query, change: impl FnOnce(&mut Query)) -> Query {
    let mut next = query.clone();
    change(&mut next);
    next
}

fn orders(query: &Query, model: &Model) -> Vec<Alternative> {
    let Some(first) = query.order.first() else { return Vec::new() };
    let turned = |direction: &Direction| match direction {
        Direction::Ascending => Direction::Descending,
        Direction::Descending => Direction::Ascending,
    };
    let mut choices = vec![match first {
        Order::Measure { index, direction } => Order::Measure { index: *index, direction: turned(direction) },
        Order::Group { index, direction } => Order::Group { index: *index, direction: turned(direction) },
        Order::Field { field, direction } => Order::Field { field: field.clone(), direction: turned(direction) },
    }];
    for index in 0..query.measures.len() {
        choices.push(Order::Measure { index, direction: Direction::Descending });
    }
    for index in 0..query.groups.len() {
        choices.push(Order::Group { index, direction: Direction::Ascending });
    }
    let made = choices.into_iter().filter(|order| order != first).map(|order| {
        let label = order_text(&order, query, model);
        let next = with(query, |next| {
            next.order.retain(|other| !same_key(other, &order));
            next.order.insert(0, order);
            if let [changed, old, ..] = next.order.as_slice()
                && !matches!(changed, Order::Group { .. })
                && !matches!(old, Order::Group { .. })
            {
                next.order.remove(1);
            }
        });
        Alternative { label, query: next }
    });
    made.collect()
}

fn same_key(one: &Order, other: &Order) -> bool {
    match (one, other) {
        (Order::Measure { index: a, .. }, Order::Measure { index: b, .. })
        | (Order::Group { index: a, .. }, Order::Group { index: b, .. }) => a == b,
        (Order::Field { field: a, .. }, Order::Field { field: b, .. }) => a == b,
        _ => false,
    }
}

fn limits(query: &Query) -> Vec<Alternative> {
    let some = LIMITS.iter().map(|limit| (limit.to_string(), Some(*limit)));
    let all = some.chain([("all".to_owned(), None)]).filter(|(_, limit)| *limit != query.limit);
    all.map(|(label, limit)| Alternative { label, query: with(query, |next| next.limit = limit) }).collect()
}
