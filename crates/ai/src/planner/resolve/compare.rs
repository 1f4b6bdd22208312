//! Numbers held against each other: two periods, two values, each period and the one before, one number and another; and
//! which values of other fields moved a number.

use pilothouse_domain::semantic::{Calculation, Compare, Direction, Filter, Grain, Measure, Order, Query, Scalar};

use super::numbers::grain_of;
use super::{Misfit, Resolver, Shape, cross, ties};
use crate::planner::dates::Period;
use crate::planner::draft::{Growth, Raw, Spec};
use crate::planner::filters::Clause;

/// Most values shown of those that moved a number.
const MAX_DRIVERS: u32 = 10;

/// The rows compared with, and the rows compared.
struct Sides {
    from: Vec<Filter>,
    to: Vec<Filter>,
}

impl Resolver<'_> {
    /// `shapes` with what they are held against.
    pub(super) fn compared(&self, shapes: Vec<Shape>, rest: &[Clause]) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        let shapes = match &draft.over {
            Some((spec, percent)) => self.divided(shapes, spec, *percent)?,
            None => shapes,
        };
        if draft.why || draft.compared.is_some() {
            let pairs = self.pairs(rest)?;
            return match self.by_period() {
                Some(grain) if shapes.iter().all(|shape| shape.groups.is_empty()) => {
                    self.one_below_the_other(&shapes, grain, &pairs)
                }
                _ => self.changes(&shapes, &pairs),
            };
        }
        if let Some(growth) = draft.growth {
            return self.grown(shapes, growth);
        }
        if !draft.change {
            return Ok(shapes);
        }
        if let Some(clause) = rest.iter().find(|clause| self.is_contrast(clause)) {
            return self.changes(&shapes, &two_values(clause)?);
        }
        if shapes.iter().all(|shape| shape.groups.iter().any(|group| self.model.is_time(group))) {
            return if draft.trend { Ok(shapes) } else { self.grown(shapes, Growth::Before) };
        }
        Err(Misfit::Parts)
    }

    /// The span of the two periods, where only their numbers are asked for and not how they differ.
    fn by_period(&self) -> Option<Grain> {
        let (periods, place) = self.draft.compared.as_ref()?;
        (!self.draft.change && !self.draft.why && place.is_none()).then(|| grain_of(periods))?
    }

    /// Each period a row.
    fn one_below_the_other(&self, shapes: &[Shape], grain: Grain, pairs: &[Sides]) -> Result<Vec<Shape>, Misfit> {
        let group = self.times().group(grain).ok_or(Misfit::Parts)?;
        let with = |shape: &Shape, sides: &Sides| {
            let mut next = shape.clone();
            next.groups.push(group.clone());
            let each = [&sides.from, &sides.to].map(|filters| Filter::All { of: filters.clone() });
            next.filters.push(Filter::Any { of: each.to_vec() });
            next
        };
        Ok(shapes.iter().flat_map(|shape| pairs.iter().map(|pair| with(shape, pair))).collect())
    }

    /// Whether the clause names the two values that the question asks the difference of.
    pub(super) fn is_contrast(&self, clause: &Clause) -> bool {
        let asked = self.draft.change && self.draft.compared.is_none() && self.draft.growth.is_none();
        asked && !self.draft.why && two_values(clause).is_ok() || self.draft.why && clause.period
    }

    /// What each of the two periods is on the rows; for `why` with one period, the one before it and it.
    fn pairs(&self, rest: &[Clause]) -> Result<Vec<Sides>, Misfit> {
        let (periods, place) = match (&self.draft.compared, self.only_period(rest)) {
            (Some((periods, place)), _) => (periods.clone(), *place),
            (None, Some(period)) => ([before(&period).ok_or(Misfit::Parts)?, period], None),
            (None, None) => return Err(Misfit::Parts),
        };
        let read = |period: &Period| {
            let found = self.times().filters(std::slice::from_ref(period), place, None).map_err(Misfit::Time)?;
            Ok::<_, Misfit>(found.into_iter().map(flat).collect::<Vec<_>>())
        };
        let (from, to) = (read(&periods[0])?, read(&periods[1])?);
        // A period without a year is read in the same way on both sides.
        Ok(from.into_iter().zip(to).map(|(from, to)| Sides { from, to }).collect())
    }

    fn only_period(&self, rest: &[Clause]) -> Option<Period> {
        let mut periods = self.draft.conditions.iter().filter_map(|condition| match &condition.raw {
            Raw::Period { periods, place: None } => Some(periods),
            _ => None,
        });
        let one = periods.next().filter(|_| periods.next().is_none() && rest.iter().any(|clause| clause.period))?;
        match one.as_slice() {
            [period] => Some(period.clone()),
            _ => None,
        }
    }

    fn changes(&self, shapes: &[Shape], pairs: &[Sides]) -> Result<Vec<Shape>, Misfit> {
        let mut out = Vec::new();
        for shape in shapes {
            let [measure] = shape.measures.as_slice() else { return Err(Misfit::Parts) };
            let plain = shape.having.is_empty() && !shape.count_groups && shape.drivers.is_empty();
            if !plain
                || matches!(measure.calculation, Calculation::ShareOfTotal { .. } | Calculation::AveragePer { .. })
            {
                return Err(Misfit::Parts);
            }
            for sides in pairs {
                out.push(if self.draft.why {
                    self.why(shape, measure, sides)?
                } else {
                    side_by_side(shape, measure, sides)
                });
            }
        }
        Ok(out)
    }

    fn why(&self, shape: &Shape, measure: &Measure, sides: &Sides) -> Result<Shape, Misfit> {
        let asked: Vec<_> = shape.groups.iter().map(|group| group.field.clone()).collect();
        let drivers = if asked.is_empty() { self.model.drivers(measure) } else { asked };
        if drivers.is_empty() {
            return Err(Misfit::Parts);
        }
        let change = change(measure, sides, false);
        Ok(Shape { measures: vec![change], drivers, limit: Some(MAX_DRIVERS), ..Shape::default() })
    }

    /// Each number of a period beside its change from an earlier one.
    fn grown(&self, shapes: Vec<Shape>, growth: Growth) -> Result<Vec<Shape>, Misfit> {
        let mut out = Vec::new();
        for mut shape in shapes {
            let mut year = growth == Growth::YearBefore;
            let timed = shape.groups.iter().any(|group| self.model.is_time(group));
            if !timed {
                // From one year to the next, where nothing says which periods.
                let grain = if year { Grain::Year } else { Grain::Month };
                shape.groups.insert(0, self.times().group(grain).ok_or(Misfit::Parts)?);
            }
            year &= shape.groups.iter().all(|group| group.grain != Some(Grain::Year));
            let [measure] = shape.measures.as_slice() else { return Err(Misfit::Parts) };
            let plain =
                shape.having.is_empty() && !shape.count_groups && shape.limit.is_none() && shape.order.is_empty();
            if !plain
                || matches!(measure.calculation, Calculation::ShareOfTotal { .. } | Calculation::AveragePer { .. })
            {
                return Err(Misfit::Parts);
            }
            let grown = |relative| {
                let calculation = Calculation::Growth { measure: Box::new(measure.clone()), year, relative };
                Measure::new(&measure.dataset, calculation)
            };
            shape.measures = vec![measure.clone(), grown(false), grown(true)];
            out.push(shape);
        }
        Ok(out)
    }

    /// The measure of each shape divided by another.
    fn divided(&self, shapes: Vec<Shape>, spec: &Spec, percent: bool) -> Result<Vec<Shape>, Misfit> {
        let below = self.measures().of(spec).ok_or(Misfit::Parts)?;
        let mut out = Vec::new();
        for shape in shapes {
            let [above] = shape.measures.as_slice() else { return Err(Misfit::Parts) };
            let above = above.clone();
            out.extend(cross(vec![shape], &below, |shape, below| {
                let calculation = if *below == above {
                    Calculation::ShareOfTotal { measure: Box::new(above.clone()), fraction: !percent }
                } else {
                    let (numerator, denominator) = (Box::new(above.clone()), Box::new(below.clone()));
                    Calculation::Ratio { numerator, denominator, percent }
                };
                shape.measures = vec![Measure::new(&above.dataset, calculation)];
            }));
        }
        Ok(out)
    }
}

impl Resolver<'_> {
    /// `query`, whose period stays, held against another period.
    pub(crate) fn against(&self, query: &Query, other: &[Filter]) -> Option<Query> {
        let [measure] = query.measures.as_slice() else { return None };
        let field = |filter: &Filter| match filter {
            Filter::Compare { field, .. } => Some(field.clone()),
            _ => None,
        };
        let about = field(other.first()?)?;
        let (own, rest): (Vec<Filter>, Vec<Filter>) =
            query.filters.iter().cloned().partition(|filter| field(filter).as_ref() == Some(&about));
        let timed = query.groups.iter().any(|group| self.model.is_time(group));
        if own.is_empty() || timed || measure.compared().is_some() || query.limit.is_some() {
            return None;
        }
        let sides = Sides { from: other.to_vec(), to: own };
        let shape = Shape { groups: query.groups.clone(), ..Shape::default() };
        let next = side_by_side(&shape, measure, &sides);
        Some(Query { measures: next.measures, order: next.order, filters: rest, ..query.clone() })
    }
}

/// What it was, what it is, and the change.
fn side_by_side(shape: &Shape, measure: &Measure, sides: &Sides) -> Shape {
    let only = |filters: &[Filter]| {
        let filters = measure.filters.iter().chain(filters).cloned().collect();
        Measure { filters, ..measure.clone() }
    };
    let changes = [change(measure, sides, false), change(measure, sides, true)];
    let mut next = shape.clone();
    next.measures = [only(&sides.from), only(&sides.to)].into_iter().chain(changes).collect();
    // What is ranked is the change.
    for order in &mut next.order {
        if let Order::Measure { index, .. } = order {
            *index = 2;
        }
    }
    if next.order.is_empty() && !next.groups.is_empty() {
        next.order.push(Order::Measure { index: 2, direction: Direction::Descending });
        next.order.extend(ties(&next.groups));
    }
    next
}

fn change(measure: &Measure, sides: &Sides, relative: bool) -> Measure {
    let (from, to) = (sides.from.clone(), sides.to.clone());
    Measure::new(&measure.dataset, Calculation::Change { measure: Box::new(measure.clone()), from, to, relative })
}

/// The one value and the other of a condition that names two: what is compared comes first in the question.
fn two_values(clause: &Clause) -> Result<Vec<Sides>, Misfit> {
    let [Filter::Compare { field, op: Compare::Eq, values }] = clause.readings.as_slice() else {
        return Err(Misfit::Parts);
    };
    let [first, second] = values.as_slice() else { return Err(Misfit::Parts) };
    let is =
        |value: &Scalar| vec![Filter::Compare { field: field.clone(), op: Compare::Eq, values: vec![value.clone()] }];
    Ok(vec![Sides { from: is(second), to: is(first) }])
}

fn flat(filter: Filter) -> Vec<Filter> {
    match filter {
        Filter::All { of } => of,
        filter => vec![filter],
    }
}

/// The period of the same length right before.
fn before(period: &Period) -> Option<Period> {
    let Period::Dates { from: Some(from), to: Some(to), relative } = period else { return None };
    let months = i32::from(to.year() - from.year()) * 12 + i32::from(to.month() - from.month());
    let whole = from.day() == 1 && to.day() == 1 && months > 0;
    let earlier = if whole {
        from.checked_sub(jiff::Span::new().months(months)).ok()?
    } else {
        from.checked_sub(from.until(*to).ok()?).ok()?
    };
    Some(Period::Dates { from: Some(earlier), to: Some(*from), relative: *relative })
}
