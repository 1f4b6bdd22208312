//! Other numbers over the same rows.

use super::super::{Aggregate, Calculation, FieldKind, FieldRef, Measure, Model, Query, measure_text};
use super::with;
use crate::answer::Alternative;

/// Aggregates offered for the field that is aggregated already.
const AGGREGATES: [Aggregate; 5] = [Aggregate::Avg, Aggregate::Sum, Aggregate::Median, Aggregate::Min, Aggregate::Max];

pub(super) fn alternatives(at: usize, query: &Query, model: &Model) -> Vec<Alternative> {
    let Some(current) = query.measures.get(at).filter(|_| !query.count_groups) else { return Vec::new() };
    if let Some(base) = query.measures.iter().find_map(Measure::compared) {
        // What is compared is one number, said once.
        return rebased(query, base, model);
    }
    let mut found = related(current, query.measures.len() == 1, model);
    found.extend(metrics(query, model));
    found.push(plain(query, Calculation::CountRows));
    found.extend(fields(query, model));
    let named = model.metrics.iter().any(|metric| metric.measure == *current);
    found
        .into_iter()
        .filter(|measure| !query.measures.contains(measure))
        .map(|mut measure| {
            if !named && measure.filters.is_empty() {
                measure.filters.clone_from(&current.filters);
            }
            Alternative { label: measure_text(&measure, model), query: replaced(query, at, measure) }
        })
        .collect()
}

/// Another number in the place of the one that is compared, wherever it stands.
fn rebased(query: &Query, base: &Measure, model: &Model) -> Vec<Alternative> {
    let others = related(base, false, model).into_iter().chain(metrics(query, model));
    let made = others.filter(|other| other != base).map(|other| {
        let put = |measure: &Measure| put_in(measure, base, &other);
        let next = with(query, |next| next.measures = query.measures.iter().map(put).collect());
        Alternative { label: measure_text(&other, model), query: next }
    });
    made.collect()
}

fn put_in(measure: &Measure, base: &Measure, other: &Measure) -> Measure {
    let swapped = |inner: &Measure| Box::new(if inner == base { other.clone() } else { inner.clone() });
    match &measure.calculation {
        Calculation::Change { measure: of, from, to, relative } => {
            let (from, to, relative) = (from.clone(), to.clone(), *relative);
            Measure::new(&other.dataset, Calculation::Change { measure: swapped(of), from, to, relative })
        }
        Calculation::Growth { measure: of, year, relative } => {
            let (year, relative) = (*year, *relative);
            Measure::new(&other.dataset, Calculation::Growth { measure: swapped(of), year, relative })
        }
        own if *own == base.calculation && measure.filters.starts_with(&base.filters) => {
            let rest = &measure.filters[base.filters.len()..];
            Measure { filters: other.filters.iter().chain(rest).cloned().collect(), ..other.clone() }
        }
        _ => measure.clone(),
    }
}

/// The other aggregates of the same field; of an average per group, what is averaged.
fn related(current: &Measure, alone: bool, model: &Model) -> Vec<Measure> {
    match &current.calculation {
        Calculation::Aggregate { aggregate, field } if AGGREGATES.contains(aggregate) => AGGREGATES
            .iter()
            .filter(|aggregate| {
                // Of what is no number there is only a first and a last.
                let numeric = model.field(field).is_some_and(|field| field.data_type.is_numeric());
                numeric || matches!(aggregate, Aggregate::Min | Aggregate::Max)
            })
            .map(|aggregate| Calculation::Aggregate { aggregate: *aggregate, field: field.clone() })
            .map(|calculation| Measure { calculation, ..current.clone() })
            .collect(),
        Calculation::AveragePer { measure, .. } if alone => vec![measure.as_ref().clone()],
        Calculation::ShareOfTotal { measure, .. } | Calculation::ShareOfMeasure { measure, .. } => {
            vec![measure.as_ref().clone()]
        }
        _ => Vec::new(),
    }
}

fn metrics<'a>(query: &'a Query, model: &'a Model) -> impl Iterator<Item = Measure> + 'a {
    model.metrics.iter().filter(|metric| metric.measure.dataset == query.dataset).map(|metric| metric.measure.clone())
}

fn fields(query: &Query, model: &Model) -> Vec<Measure> {
    let Some(dataset) = model.dataset(&query.dataset) else { return Vec::new() };
    let numbers = dataset.fields.iter().filter(|f| f.kind == FieldKind::Measure && f.calendar.is_none());
    let made = numbers.map(|field| {
        let at = FieldRef { dataset: dataset.name.clone(), field: field.name.clone(), via: None };
        let aggregate = field.default_aggregate.unwrap_or(Aggregate::Avg);
        plain(query, Calculation::Aggregate { aggregate, field: at })
    });
    made.collect()
}

fn plain(query: &Query, calculation: Calculation) -> Measure {
    Measure::new(&query.dataset, calculation)
}

/// A condition on the number that goes would mean something else of the one that comes, so it goes too.
fn replaced(query: &Query, at: usize, measure: Measure) -> Query {
    with(query, |next| {
        next.having.retain(|having| having.measure != at);
        if let Some(place) = next.measures.get_mut(at) {
            *place = measure;
        }
    })
}
