//! The query of a verified question with other things in its slots. What is not in the query, or is there twice, is not
//! replaced: then the question is read like any other.

use std::ops::Range;

use pilothouse_domain::semantic::{Compare, FieldRef, Filter, Query, Scalar};

use super::Slot;
use crate::planner::Planner;
use crate::planner::dates::Period;
use crate::planner::draft::{Draft, Target};
use crate::planner::lexicon::Place;
use crate::planner::resolve::Resolver;
use crate::planner::tag::Cond;

/// Where a query says what a slot holds.
#[derive(Debug, Clone, PartialEq)]
enum Spot {
    Filters(Range<usize>),
    Having(usize),
    Limit,
    Step(usize),
    Group(usize),
    Measure(usize),
}

impl Planner {
    /// The query with what `new` says in the place of what `old` said; none where the old is not in it, or is twice.
    pub(super) fn refilled(&self, query: &Query, old: &[Slot], new: &[Slot]) -> Option<Query> {
        let root = self.model.datasets.iter().position(|dataset| dataset.name == query.dataset)?;
        let draft = Draft::default();
        let filling = Filling {
            planner: self,
            query,
            resolver: Resolver { model: &self.model, graph: &self.graph, root, draft: &draft },
        };
        filling.refilled(old, new)
    }

    /// The place of the field that a condition is about.
    fn place(&self, filter: &Filter) -> Option<Place> {
        let Filter::Compare { field: at, .. } = filter else { return None };
        let dataset = self.model.datasets.iter().position(|dataset| dataset.name == at.dataset)?;
        let field = self.model.datasets[dataset].fields.iter().position(|field| field.name == at.field)?;
        Some(Place { dataset, field, via: None })
    }
}

/// A verified query whose slots are filled anew.
struct Filling<'a> {
    planner: &'a Planner,
    query: &'a Query,
    resolver: Resolver<'a>,
}

impl Filling<'_> {
    fn refilled(&self, old: &[Slot], new: &[Slot]) -> Option<Query> {
        let spots: Vec<Option<Spot>> = old.iter().map(|slot| self.spot(slot)).collect();
        let mut changes: Vec<(&Spot, &Slot)> = Vec::new();
        for ((old, new), spot) in old.iter().zip(new).zip(&spots).filter(|((old, new), _)| old != new) {
            // Who vouched for a number with a condition that the words do not say has not done so for another number.
            if old.is_asked_for() && !self.says_all(&spots) {
                return None;
            }
            let spot = spot.as_ref()?;
            // What two slots say, neither of them says alone.
            if spots.iter().flatten().filter(|other| *other == spot).count() > 1 {
                return None;
            }
            changes.push((spot, new));
        }
        // From the last condition to the first, so that the places of those before stay.
        changes.sort_by_key(|(spot, _)| if let Spot::Filters(range) = spot { usize::MAX - range.start } else { 0 });
        let mut next = self.query.clone();
        for (spot, slot) in changes {
            self.fill(&mut next, spot, slot)?;
        }
        self.resolver.fits(&next).then_some(next)
    }

    /// Whether each condition stands in the words, or only leaves out rows without a value.
    fn says_all(&self, spots: &[Option<Spot>]) -> bool {
        let said =
            |at: usize| spots.iter().flatten().any(|spot| matches!(spot, Spot::Filters(range) if range.contains(&at)));
        self.query.filters.iter().enumerate().all(|(at, filter)| said(at) || is_known(filter).is_some())
    }

    /// The one place where the query says what the slot holds.
    fn spot(&self, slot: &Slot) -> Option<Spot> {
        let Query { filters, having, groups, measures, limit, .. } = self.query;
        match slot {
            Slot::Values(values) => {
                let said = texts(values);
                let at = only(filters, |filter| matches!(filter, Filter::Compare { values, .. } if *values == said))?;
                Some(Spot::Filters(at..at + 1))
            }
            Slot::Period(periods) => {
                // The time that the verified query tells its period by.
                let places = filters.iter().filter_map(|filter| self.planner.place(filter));
                places.map(|place| self.told(periods, place)).find_map(|told| {
                    let told = told?;
                    let at = filters.windows(told.len()).position(|window| window == told)?;
                    Some(Spot::Filters(at..at + told.len()))
                })
            }
            Slot::Number(number) => {
                let step = only(groups, |group| group.step == Some(*number)).map(Spot::Step);
                let first = limit.is_some_and(|limit| f64::from(limit) == *number).then_some(Spot::Limit);
                step.xor(first)
            }
            Slot::Bound(Cond { op, low, high: None, .. }) => {
                let bound = |at: Compare, value: &Scalar| at == *op && number(value) == Some(*low);
                let group = only(having, |having| bound(having.op, &having.value)).map(Spot::Having);
                let row = only(filters, |filter| match filter {
                    Filter::Compare { op, values, .. } => values.len() == 1 && bound(*op, &values[0]),
                    Filter::Related { op, count, .. } => bound(*op, &Scalar::Integer(*count)),
                    _ => false,
                });
                group.xor(row.map(|at| Spot::Filters(at..at + 1)))
            }
            Slot::Bound(_) => None,
            Slot::Group(Target::Grain(grain)) => only(groups, |group| group.grain == Some(*grain)).map(Spot::Group),
            Slot::Group(target) => {
                let told = self.resolver.group(target).ok()?;
                only(groups, |group| *group == told).map(Spot::Group)
            }
            Slot::Metric(at) => {
                let told = &self.planner.model.metrics[*at].measure;
                only(measures, |measure| measure == told).map(Spot::Measure)
            }
        }
    }

    fn fill(&self, next: &mut Query, spot: &Spot, slot: &Slot) -> Option<()> {
        match (spot, slot) {
            (Spot::Filters(range), Slot::Period(periods)) => {
                let place = self.planner.place(&self.query.filters[range.start])?;
                next.filters.splice(range.clone(), self.told(periods, place)?);
            }
            (Spot::Filters(range), slot) => match (&mut next.filters[range.start], slot) {
                (Filter::Compare { values, .. }, Slot::Values(new)) => *values = texts(new),
                (Filter::Compare { values, .. }, Slot::Bound(cond)) => *values = vec![like(values.first()?, cond.low)?],
                (Filter::Related { count, .. }, Slot::Bound(cond)) => *count = whole(cond.low)?,
                _ => return None,
            },
            (Spot::Having(at), Slot::Bound(cond)) => {
                next.having[*at].value = like(&next.having[*at].value, cond.low)?;
            }
            (Spot::Limit, Slot::Number(number)) => next.limit = Some(u32::try_from(whole(*number)?).ok()?),
            (Spot::Step(at), Slot::Number(number)) => next.groups[*at].step = Some(*number),
            (Spot::Group(at), Slot::Group(Target::Grain(grain))) => next.groups[*at].grain = Some(*grain),
            (Spot::Group(at), Slot::Group(target)) => self.regroup(next, *at, target)?,
            (Spot::Measure(at), Slot::Metric(metric)) => {
                next.measures[*at] = self.planner.model.metrics[*metric].measure.clone();
            }
            _ => return None,
        }
        Some(())
    }

    /// Puts another field in the place of a group's; where rows without the one were left out, so are those without the
    /// other.
    fn regroup(&self, next: &mut Query, at: usize, target: &Target) -> Option<()> {
        let old = std::mem::replace(&mut next.groups[at], self.resolver.group(target).ok()?).field;
        let new = next.groups[at].field.clone();
        let nullable = self.planner.model.field(&new)?.nullable;
        let before = next.filters.len();
        next.filters.retain(|filter| is_known(filter) != Some(&old));
        let leaves_out = next.filters.len() < before || next.limit.is_some() || !next.having.is_empty();
        if leaves_out && nullable {
            next.filters.push(Filter::Compare { field: new, op: Compare::IsNotNull, values: Vec::new() });
        }
        Some(())
    }

    /// The conditions that periods are on the rows, one reading.
    fn told(&self, periods: &[Period], place: Place) -> Option<Vec<Filter>> {
        let times = self.resolver.times();
        match <[Filter; 1]>::try_from(times.filters(periods, Some(place), None).ok()?).ok()? {
            [Filter::All { of }] => Some(of),
            [filter] => Some(vec![filter]),
        }
    }
}

/// The place of the only one for which `fits` holds.
fn only<T>(all: &[T], fits: impl Fn(&T) -> bool) -> Option<usize> {
    let mut found = all.iter().enumerate().filter(|(_, one)| fits(one)).map(|(at, _)| at);
    found.next().filter(|_| found.next().is_none())
}

/// The field that the condition only says has a value.
fn is_known(filter: &Filter) -> Option<&FieldRef> {
    match filter {
        Filter::Compare { field, op: Compare::IsNotNull, .. } => Some(field),
        _ => None,
    }
}

fn texts(values: &[String]) -> Vec<Scalar> {
    values.iter().map(|value| Scalar::Text(value.clone())).collect()
}

fn number(value: &Scalar) -> Option<f64> {
    match value {
        Scalar::Integer(value) => Some(*value as f64),
        Scalar::Number(value) => Some(*value),
        _ => None,
    }
}

fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i64)
}

/// A number of the same type as `old`.
fn like(old: &Scalar, value: f64) -> Option<Scalar> {
    match old {
        Scalar::Integer(_) => whole(value).map(Scalar::Integer),
        _ => Some(Scalar::Number(value)),
    }
}
