//! Conditions of a draft as filters of a query, with what was joined by `or` and `and` put together.

use pilothouse_domain::semantic::{Compare, Filter, Scalar};

use super::dates::Period;
use super::draft::{Condition, Draft, Raw};
use super::lexicon::Place;
use super::scan::in_unit;
use super::tag::Cond;
use super::time::{Times, Untimely};

/// A condition on the rows, with what is known of where it stood.
#[derive(Debug, Clone)]
pub(crate) struct Clause {
    /// What it can mean; more than one where a year or a time of day is open.
    pub readings: Vec<Filter>,
    pub predicate: bool,
    pub relative: bool,
    pub prep: bool,
    pub period: bool,
    /// Continues the clause before by `and` or `or`.
    pub joined: bool,
    /// Several values of one field joined by `and`: each, or all together?
    pub listed: Option<Place>,
    pub place: Option<Place>,
    /// The field equals one of some values.
    pub single: bool,
    pub index: usize,
}

/// Why conditions cannot be put on the rows.
pub(crate) enum Unfit {
    Time(Untimely),
    Unreachable,
}

/// The clauses of `draft`.
pub(crate) fn clauses(draft: &Draft, times: Times<'_>) -> Result<Vec<Clause>, Unfit> {
    let year = named_year(draft);
    let mut out: Vec<Clause> = Vec::new();
    let mut previous: Option<Raw> = None;
    for condition in &draft.conditions {
        let mut merged = condition.raw.clone();
        if let Some(before) = &previous
            && (condition.or || condition.and)
            && let Some(both) = merge(before, &condition.raw)
        {
            merged = both;
            if let Some(last) = out.pop() {
                let mut clause = clause(condition, &merged, times, year)?;
                (clause.predicate, clause.prep, clause.joined) = (last.predicate, last.prep, last.joined);
                clause.index = last.index;
                let each = condition.and && !condition.or || last.listed.is_some();
                clause.listed = if each || draft.compare || draft.rank.is_some() { clause.place } else { None };
                out.push(clause);
                previous = Some(merged);
                continue;
            }
        }
        let mut next = clause(condition, &merged, times, year)?;
        if condition.or
            && let Some(last) = out.last_mut()
            && let ([a], [b]) = (last.readings.as_slice(), next.readings.as_slice())
        {
            last.readings = vec![either(a.clone(), b.clone())];
            last.place = None;
            previous = None;
            continue;
        }
        next.joined = condition.and;
        // One field cannot be two things at once: such a reading is not what was meant.
        if next.single && out.iter().any(|other| other.single && other.place == next.place) {
            return Err(Unfit::Unreachable);
        }
        out.push(next);
        previous = Some(merged);
    }
    Ok(out)
}

fn clause(condition: &Condition, raw: &Raw, times: Times<'_>, year: Option<i16>) -> Result<Clause, Unfit> {
    let place = match raw {
        Raw::Compare { place, .. } | Raw::Range { place, .. } => Some(*place),
        _ => None,
    };
    Ok(Clause {
        readings: readings(raw, times, year)?,
        predicate: condition.predicate,
        relative: condition.relative,
        prep: condition.prep,
        period: matches!(raw, Raw::Period { .. }),
        joined: false,
        listed: None,
        place,
        single: matches!(raw, Raw::Compare { op: Compare::Eq, .. }),
        index: condition.index,
    })
}

/// What `raw` can mean on the rows.
pub(crate) fn readings(raw: &Raw, times: Times<'_>, year: Option<i16>) -> Result<Vec<Filter>, Unfit> {
    let reference = |place: Place| times.graph.reference(times.model, times.root, place).ok_or(Unfit::Unreachable);
    Ok(match raw {
        Raw::Compare { place, op, values } => {
            let Ok(field) = reference(*place) else { return through(*place, *op, values, times).map(|one| vec![one]) };
            vec![Filter::Compare { field, op: *op, values: values.clone() }]
        }
        Raw::Range { place, low, high } => {
            let field = reference(*place)?;
            let bound = |op, value: &Scalar| Filter::Compare { field: field.clone(), op, values: vec![value.clone()] };
            vec![Filter::All { of: vec![bound(Compare::Ge, low), bound(Compare::Le, high)] }]
        }
        Raw::Segment { at, not, threshold } => {
            let segment = &times.model.segments[*at];
            if times.model.datasets[times.root].name != segment.dataset {
                return Err(Unfit::Unreachable);
            }
            let mut filters = segment.filters.clone();
            if let Some(cond) = threshold {
                filters = vec![with_threshold(&filters, cond, times).ok_or(Unfit::Unreachable)?];
            }
            let all = if filters.len() == 1 { filters.remove(0) } else { Filter::All { of: filters } };
            vec![if *not { negate(&all).ok_or(Unfit::Unreachable)? } else { all }]
        }
        Raw::Period { periods, place } => times.filters(periods, *place, year).map_err(Unfit::Time)?,
    })
}

/// `invoices of Mill Yard`, where only what was shipped says from where: there are such rows, or none.
fn through(place: Place, op: Compare, values: &[Scalar], times: Times<'_>) -> Result<Filter, Unfit> {
    let by = times.graph.refers_through(times.root, place.dataset).ok_or(Unfit::Unreachable)?;
    let field = times.graph.reference(times.model, by, place).ok_or(Unfit::Unreachable)?;
    let (op, count) = match op {
        Compare::Eq => (Compare::Ge, 1),
        Compare::Ne => (Compare::Eq, 0),
        _ => return Err(Unfit::Unreachable),
    };
    let filters = vec![Filter::Compare { field, op: Compare::Eq, values: values.to_vec() }];
    let dataset = times.model.datasets[by].name.clone();
    Ok(Filter::Related { dataset, via: None, filters, op, count })
}

/// The year that another period of the question names, for those without one.
fn named_year(draft: &Draft) -> Option<i16> {
    draft.conditions.iter().find_map(|condition| match &condition.raw {
        Raw::Period { periods, .. } => match periods.as_slice() {
            [Period::Dates { from: Some(from), to: Some(to), .. }] if to.year() - from.year() <= 1 => Some(from.year()),
            _ => None,
        },
        _ => None,
    })
}

/// Two conditions on one field as one with both values.
fn merge(a: &Raw, b: &Raw) -> Option<Raw> {
    match (a, b) {
        (Raw::Compare { place, op, values }, Raw::Compare { place: other, op: second, values: more })
            if place == other
                && matches!(op, Compare::Eq | Compare::Ne)
                && (second == op || *second == Compare::Eq) =>
        {
            let mut all = values.clone();
            all.extend(more.iter().filter(|v| !values.contains(v)).cloned());
            Some(Raw::Compare { place: *place, op: *op, values: all })
        }
        _ => None,
    }
}

fn either(a: Filter, b: Filter) -> Filter {
    match a {
        Filter::Any { mut of } => {
            of.push(b);
            Filter::Any { of }
        }
        a => Filter::Any { of: vec![a, b] },
    }
}

/// The segment's condition with the question's number in place of its own.
fn with_threshold(filters: &[Filter], cond: &Cond, times: Times<'_>) -> Option<Filter> {
    let [Filter::Compare { field, op, .. }] = filters else { return None };
    let model_field = times.model.field(field)?;
    let sign = if matches!(op, Compare::Lt | Compare::Le) { -1.0 } else { 1.0 };
    let number = |value: f64| {
        let value = in_unit(model_field, value, cond.unit.as_deref())? * sign;
        Some(if value.fract() == 0.0 { Scalar::Integer(value as i64) } else { Scalar::Number(value) })
    };
    let turned = |op: Compare| match op {
        Compare::Gt if sign < 0.0 => Compare::Lt,
        Compare::Ge if sign < 0.0 => Compare::Le,
        Compare::Lt if sign < 0.0 => Compare::Gt,
        Compare::Le if sign < 0.0 => Compare::Ge,
        op => op,
    };
    let bound =
        |op, value: f64| Some(Filter::Compare { field: field.clone(), op: turned(op), values: vec![number(value)?] });
    match cond.high {
        Some(high) => Some(Filter::All { of: vec![bound(Compare::Ge, cond.low)?, bound(Compare::Le, high)?] }),
        None if matches!(cond.op, Compare::Lt | Compare::Le) => {
            // `less than 30 minutes late` is still late.
            Some(Filter::All { of: vec![filters[0].clone(), bound(cond.op, cond.low)?] })
        }
        None => bound(cond.op, cond.low),
    }
}

/// The opposite condition; rows without a value satisfy neither.
fn negate(filter: &Filter) -> Option<Filter> {
    match filter {
        Filter::Compare { field, op, values } => {
            let op = match op {
                Compare::Eq => Compare::Ne,
                Compare::Ne => Compare::Eq,
                Compare::Lt => Compare::Ge,
                Compare::Le => Compare::Gt,
                Compare::Gt => Compare::Le,
                Compare::Ge => Compare::Lt,
                Compare::IsNull => Compare::IsNotNull,
                Compare::IsNotNull => Compare::IsNull,
                Compare::Contains | Compare::StartsWith => return None,
            };
            Some(Filter::Compare { field: field.clone(), op, values: values.clone() })
        }
        Filter::All { of } => Some(Filter::Any { of: of.iter().map(negate).collect::<Option<_>>()? }),
        Filter::Any { of } => Some(Filter::All { of: of.iter().map(negate).collect::<Option<_>>()? }),
        Filter::Part { .. } | Filter::Fields { .. } | Filter::Related { .. } => None,
    }
}
