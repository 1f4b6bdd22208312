//! Another period or value in the place of one of the two that are compared, wherever it stands.

use super::super::explain::Side;
use super::super::{Calculation, Filter, Measure, Model, Query};
use super::{filters, with};
use crate::answer::Alternative;

pub(super) fn alternatives(side: Side, query: &Query, model: &Model) -> Vec<Alternative> {
    let Some((from, to)) = query.sides() else { return Vec::new() };
    let (own, other) = match side {
        Side::To => (to, from),
        Side::From => (from, to),
    };
    let found = filters::others_of(own, query, model).into_iter().filter(|(_, filters)| filters != other);
    let made = found.map(|(label, filters)| {
        let put = |measure: &Measure| put_in(measure, side, own, &filters);
        let next = with(query, |next| next.measures = query.measures.iter().map(put).collect());
        Alternative { label, query: next }
    });
    made.collect()
}

fn put_in(measure: &Measure, side: Side, own: &[Filter], other: &[Filter]) -> Measure {
    match &measure.calculation {
        Calculation::Change { measure: of, from, to, relative } => {
            let (from, to) = match side {
                Side::To => (from.clone(), other.to_vec()),
                Side::From => (other.to_vec(), to.clone()),
            };
            let calculation = Calculation::Change { measure: of.clone(), from, to, relative: *relative };
            Measure { calculation, ..measure.clone() }
        }
        // What it is on that side alone.
        _ if !own.is_empty() && measure.filters.ends_with(own) => {
            let rest = &measure.filters[..measure.filters.len() - own.len()];
            Measure { filters: [rest, other].concat(), ..measure.clone() }
        }
        _ => measure.clone(),
    }
}
