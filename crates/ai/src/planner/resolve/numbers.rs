//! Numbers over a root, by groups or alone: aggregates, averages over groups, shares.

use pilothouse_domain::semantic::{
    Additivity, Aggregate, Calculation, Direction, Filter, Grain, Group, Measure, Order,
};

use super::{Misfit, Resolver, Shape, cross, push_group};
use crate::planner::dates::Period;
use crate::planner::draft::{Raw, Spec, Target};
use crate::planner::filters::Clause;
use crate::planner::lexicon::Place;
use crate::planner::scan::is_count;

impl Resolver<'_> {
    /// Numbers, perhaps by groups.
    pub(super) fn aggregated(&self, listed: Option<Place>) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        if draft.measures.contains(&Spec::Count(Target::Grain(Grain::HourOfDay))) {
            return Err(Misfit::Parts);
        }
        if let ([Spec::Count(target @ Target::Grain(_))], []) = (draft.measures.as_slice(), draft.groups.as_slice()) {
            let shape = Shape {
                measures: vec![self.measures().rows()],
                groups: vec![self.group(target)?],
                count_groups: true,
                ..Shape::default()
            };
            return Ok(vec![shape]);
        }
        if draft.step.is_some() {
            return self.distribution();
        }
        // `average discount per order`, asked of orders, is the plain average; a sum per row is no grouping at all.
        let per_row = draft.groups.iter().any(|target| self.is_root(target));
        let averages = |spec: &Spec| {
            matches!(spec, Spec::Aggregate(Aggregate::Avg | Aggregate::Median, _))
                || matches!(spec, Spec::Metric(at) if self.measures().is_average(*at))
        };
        let each_row = per_row && draft.groups.len() == 1 && draft.per == draft.groups;
        if per_row && !each_row && (draft.groups.len() > 1 || !draft.measures.iter().all(averages)) {
            return Err(Misfit::Parts);
        }
        let groups = if per_row { Vec::new() } else { self.groups()? };
        let mut shape = Shape { groups, ..Shape::default() };
        for subject in draft.subjects.iter().filter(|subject| subject.asked && !self.is_root(&subject.target)) {
            push_group(&mut shape.groups, self.group(&subject.target)?);
        }
        if draft.subjects.iter().any(|s| !s.asked && !s.verb && !matches!(s.target, Target::Dataset { .. })) {
            return Err(Misfit::Parts);
        }
        if let Some(grain) = self.compared_periods() {
            push_group(&mut shape.groups, self.times().group(grain).ok_or(Misfit::Parts)?);
        }
        if draft.trend && draft.compared.is_none() && !shape.groups.iter().any(|g| self.model.is_time(g)) {
            let grain = Grain::Month;
            shape.groups.insert(0, self.times().group(grain).ok_or(Misfit::Parts)?);
        }
        let specs = if draft.measures.is_empty() { vec![Spec::Rows] } else { draft.measures.clone() };
        if draft.measures.is_empty() && !self.root_mentioned() {
            return Err(Misfit::Parts);
        }
        let mut shapes = vec![shape];
        for spec in &specs {
            let choices = self.measures().of(spec).ok_or(Misfit::Parts)?;
            shapes = cross(shapes, &choices, |shape, measure| shape.measures.push(measure.clone()));
        }
        if each_row && !draft.measures.iter().all(averages) && !draft.average_left {
            shapes = shapes.into_iter().map(|shape| self.per_row(shape)).collect::<Option<_>>().ok_or(Misfit::Parts)?;
        }
        if let Some(spread) = self.average_per_entity(&shapes) {
            shapes.extend(spread);
        }
        if draft.average_left {
            shapes =
                shapes.into_iter().map(|shape| self.averaged(shape)).collect::<Option<_>>().ok_or(Misfit::Parts)?;
        }
        Ok(self.split_listed(shapes, listed))
    }

    /// `freight per shipment`: what adds up, divided by the number of rows.
    fn per_row(&self, mut shape: Shape) -> Option<Shape> {
        let [measure] = shape.measures.as_slice() else { return None };
        if measure.additivity() != Additivity::Additive || is_count(&measure.calculation) {
            return None;
        }
        let (numerator, denominator) = (Box::new(measure.clone()), Box::new(self.measures().rows()));
        let calculation = Calculation::Ratio { numerator, denominator, percent: false };
        shape.measures = vec![Measure::new(&measure.dataset, calculation)];
        Some(shape)
    }

    /// How many rows there are in each step of a number: `distribution of order totals in steps of 100`.
    fn distribution(&self) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        let counted =
            |spec: &Spec| matches!(spec, Spec::Rows) || matches!(spec, Spec::Count(target) if self.is_root(target));
        let fields: Vec<Target> = draft
            .measures
            .iter()
            .filter_map(|spec| match spec {
                Spec::Plain(place) => Some(Target::Field(*place)),
                _ => None,
            })
            .chain(draft.groups.iter().cloned())
            .collect();
        let others = draft.measures.iter().filter(|spec| !matches!(spec, Spec::Plain(_))).all(counted);
        let target = match fields.as_slice() {
            [target @ Target::Field(place)] if place.dataset == self.root => target,
            [target @ Target::Counted { .. }] => target,
            _ => return Err(Misfit::Parts),
        };
        if !others {
            return Err(Misfit::Parts);
        }
        let group = self.group(target)?;
        let order = vec![Order::Group { index: 0, direction: Direction::Ascending }];
        let measures = vec![self.measures().rows()];
        Ok(vec![Shape { measures, groups: vec![group], order, ..Shape::default() }])
    }

    /// `average spend per customer` may be the average row of each, or the average over all of what each adds up to.
    fn average_per_entity(&self, shapes: &[Shape]) -> Option<Vec<Shape>> {
        let ([Spec::Aggregate(Aggregate::Avg, place)], [per], [_]) =
            (self.draft.measures.as_slice(), self.draft.per.as_slice(), self.draft.groups.as_slice())
        else {
            return None;
        };
        let field = &self.model.datasets[place.dataset].fields[place.field];
        let entity = matches!(per, Target::Dataset { .. }) && !self.is_root(per);
        if !entity || field.default_aggregate != Some(Aggregate::Sum) {
            return None;
        }
        let per = Box::new(self.group(per).ok()?);
        let [sum] = <[Measure; 1]>::try_from(self.measures().of(&Spec::Aggregate(Aggregate::Sum, *place))?).ok()?;
        let calculation = Calculation::AveragePer { measure: Box::new(sum), per };
        let spread = shapes.iter().map(|shape| Shape {
            measures: shape
                .measures
                .iter()
                .map(|m| Measure { calculation: calculation.clone(), ..m.clone() })
                .collect(),
            groups: Vec::new(),
            ..shape.clone()
        });
        Some(spread.collect())
    }

    /// The span of the periods that are compared: `2024 versus 2025`.
    pub(super) fn compared_periods(&self) -> Option<Grain> {
        let periods = self.draft.conditions.iter().find_map(|condition| match &condition.raw {
            Raw::Period { periods, .. } if periods.len() > 1 => Some(periods),
            _ => None,
        })?;
        self.draft.compare.then(|| grain_of(periods))?
    }

    /// `JFK and LGA`: compared, each its own group; counted, both readings stay open.
    pub(super) fn split_listed(&self, shapes: Vec<Shape>, listed: Option<Place>) -> Vec<Shape> {
        let Some(group) = listed.and_then(|place| self.group(&Target::Field(place)).ok()) else { return shapes };
        let mut out = Vec::new();
        for shape in shapes {
            if shape.groups.contains(&group) || self.draft.combined && !self.draft.compare {
                out.push(shape);
                continue;
            }
            let mut grouped = shape.clone();
            grouped.groups.insert(0, group.clone());
            out.push(grouped);
            if !self.draft.compare {
                out.push(shape);
            }
        }
        out
    }

    /// The average over groups of a count or a sum; what is an average already stays.
    pub(super) fn averaged(&self, mut shape: Shape) -> Option<Shape> {
        let per = self.draft.per.first().map(|target| self.group(target)).transpose().ok()?;
        let per = per.or_else(|| {
            let mention = self.draft.mentions.iter().find(|m| **m != self.root)?;
            self.group(&Target::Dataset { at: *mention, via: None }).ok()
        });
        for measure in &mut shape.measures {
            if !self.measures().adds_up(measure) {
                continue;
            }
            let Some(per) = per.clone() else {
                // `average freight at each warehouse` is of its rows.
                measure.calculation = row_average(&measure.calculation).filter(|_| !shape.groups.is_empty())?;
                continue;
            };
            shape.groups.retain(|group| *group != per);
            let inner = Box::new(measure.clone());
            measure.calculation = Calculation::AveragePer { measure: inner, per: Box::new(per) };
            measure.filters.clear();
        }
        Some(shape)
    }

    pub(super) fn groups(&self) -> Result<Vec<Group>, Misfit> {
        let mut groups = Vec::new();
        for target in &self.draft.groups {
            push_group(&mut groups, self.group(target)?);
        }
        Ok(groups)
    }

    pub(super) fn root_mentioned(&self) -> bool {
        self.draft.mentions.contains(&self.root)
    }

    /// A share of rows, of a measure, or of the total over groups.
    pub(super) fn share(&self, fraction: bool, part: &[Clause]) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        if !draft.having.is_empty() || !draft.counts.is_empty() || draft.extreme.is_some() {
            return Err(Misfit::Parts);
        }
        let mut groups = self.groups()?;
        for subject in draft.subjects.iter().filter(|s| s.asked && !self.is_root(&s.target)) {
            push_group(&mut groups, self.group(&subject.target)?);
        }
        let spec = match (&draft.rank_by, draft.measures.as_slice()) {
            (None | Some(Spec::Count(_) | Spec::Rows), []) => Spec::Rows,
            (Some(spec), []) | (None, [spec]) => spec.clone(),
            _ => return Err(Misfit::Parts),
        };
        let [whole] = self.measures().of(&spec).ok_or(Misfit::Parts)?.try_into().map_err(|_| Misfit::Parts)?;
        let mut readings: Vec<Vec<Filter>> = vec![self.related()?.into_iter().collect()];
        for clause in part {
            readings = cross(readings, &clause.readings, |of, filter| of.push(filter.clone()));
        }
        let mut shapes = Vec::new();
        for of in readings {
            let rows = matches!(whole.calculation, Calculation::CountRows) && whole.filters.is_empty();
            let calculation = match (of.is_empty(), rows) {
                // A rate is of something; it is no share of a total.
                (true, _) if groups.is_empty() || draft.rate => return Err(Misfit::Parts),
                // Averages and ratios are no parts of a total.
                (true, _) if whole.additivity() == Additivity::NonAdditive && !is_count(&whole.calculation) => {
                    return Err(Misfit::Parts);
                }
                (true, _) => Calculation::ShareOfTotal { measure: Box::new(whole.clone()), fraction },
                (false, true) => Calculation::ShareOfRows { of, fraction },
                (false, false) => Calculation::ShareOfMeasure { measure: Box::new(whole.clone()), of, fraction },
            };
            let measure = Measure::new(&whole.dataset, calculation);
            let mut shape = Shape { measures: vec![measure], groups: groups.clone(), ..Shape::default() };
            if let Some(rank) = &draft.rank {
                let plural = draft.subjects.iter().any(|s| s.asked && s.plural);
                self.rank_by_last(&mut shape, self.settled(rank.direction, rank.about, &draft.rank_by)?, plural);
            }
            shapes.push(shape);
        }
        Ok(shapes)
    }
}

/// The average of what is added up.
fn row_average(calculation: &Calculation) -> Option<Calculation> {
    match calculation {
        Calculation::Aggregate { aggregate: Aggregate::Sum, field } => {
            Some(Calculation::Aggregate { aggregate: Aggregate::Avg, field: field.clone() })
        }
        _ => None,
    }
}

/// The span that each of `periods` is one of.
pub(super) fn grain_of(periods: &[Period]) -> Option<Grain> {
    let months = |period: &Period| match period {
        Period::Dates { from: Some(from), to: Some(to), .. } if from.day() == 1 && to.day() == 1 => {
            Some(i32::from(to.year() - from.year()) * 12 + i32::from(to.month() - from.month()))
        }
        Period::Yearless { from: (m, 1), to: (n, 31) } => Some(i32::from(n - m) + 1),
        _ => None,
    };
    let first = months(periods.first()?)?;
    let grain = match first {
        1 => Grain::Month,
        3 => Grain::Quarter,
        12 => Grain::Year,
        _ => return None,
    };
    periods.iter().all(|period| months(period) == Some(first)).then_some(grain)
}
