//! A draft as queries over one root dataset: what is counted, grouped, ranked and listed there. Several queries where a
//! part stays open (a year, an aggregate, a number of rows).

use pilothouse_domain::semantic::{
    Aggregate, Calculation, Compare, Direction, FieldKind, FieldRef, Filter, Grain, Group, Having, Measure, Model, Order, Query, Scalar,
};

use super::dates::Period;
use super::draft::{Draft, Raw, Spec, Subject, Target};
use super::filters::{self, Clause, Unfit};
use super::graph::Graph;
use super::lexicon::Place;
use super::measures::Measures;
use super::scan::{bounded, in_unit, number_scalar};
use super::tag::Cond;
use super::time::{Times, Untimely};
use super::words::About;

/// Most queries that one draft may become.
const MAX_READINGS: usize = 8;
/// Most fields of a listed row that has no name of its own.
const MAX_LISTED_FIELDS: usize = 6;
/// The numbers of rows offered where a question asks for `the top` ones without saying how many.
const OPEN_LIMITS: [u32; 3] = [1, 5, 10];

/// Why a draft is no query over this root.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Misfit {
    Time(Untimely),
    Parts,
}

impl From<Unfit> for Misfit {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Time(untimely) => Self::Time(untimely),
            Unfit::Unreachable => Self::Parts,
        }
    }
}

/// A draft and the root it is tried on.
pub(crate) struct Resolver<'a> {
    pub model: &'a Model,
    pub graph: &'a Graph,
    pub root: usize,
    pub draft: &'a Draft,
}

/// A query in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    pub measures: Vec<Measure>,
    pub groups: Vec<Group>,
    pub having: Vec<Having>,
    pub filters: Vec<Filter>,
    pub select: Vec<FieldRef>,
    pub order: Vec<Order>,
    pub limit: Option<u32>,
    pub distinct: bool,
    pub count_groups: bool,
    pub open_limit: bool,
}

impl<'a> Resolver<'a> {
    pub fn times(&self) -> Times<'a> {
        Times { model: self.model, graph: self.graph, root: self.root }
    }

    pub fn measures(&self) -> Measures<'a> {
        Measures { model: self.model, graph: self.graph, root: self.root }
    }

    /// Every query the draft can be on this root.
    pub fn run(&self) -> Result<Vec<Query>, Misfit> {
        let clauses = filters::clauses(self.draft, self.times())?;
        for dataset in &self.draft.mentions {
            self.graph.distance(self.root, *dataset, None).ok_or(Misfit::Parts)?;
        }
        let (part, rest) = self.split_share(clauses);
        let listed = rest.iter().chain(&part).find_map(|clause| clause.listed);
        let mut shapes = self.shapes(&part, listed)?;
        for clause in &rest {
            shapes = cross(shapes, &clause.readings, |shape, filter| match filter {
                Filter::All { of } => shape.filters.extend(of.iter().cloned()),
                filter => shape.filters.push(filter.clone()),
            });
        }
        let loose = self.loose()?;
        let related = self.related()?;
        let mut queries = Vec::new();
        for mut shape in shapes.into_iter().take(MAX_READINGS) {
            shape.filters.extend(loose.iter().cloned().chain(related.clone()));
            queries.extend(self.finished(shape));
        }
        if queries.is_empty() { Err(Misfit::Parts) } else { Ok(queries) }
    }

    fn finished(&self, mut shape: Shape) -> Vec<Query> {
        if shape.order.is_empty() && !shape.measures.is_empty() {
            shape.order = default_order(&shape, self.model);
        }
        if shape.limit.is_some() || shape.open_limit || !shape.having.is_empty() || shape.count_groups {
            self.leave_out_nulls(&mut shape);
        }
        let limits: Vec<Option<u32>> =
            if shape.open_limit { OPEN_LIMITS.iter().map(|n| Some(*n)).collect() } else { vec![shape.limit] };
        let query = Query {
            dataset: self.model.datasets[self.root].name.clone(),
            measures: shape.measures,
            groups: shape.groups,
            filters: shape.filters,
            having: shape.having,
            select: shape.select,
            distinct: shape.distinct,
            order: shape.order,
            limit: None,
            count_groups: shape.count_groups,
        };
        limits.into_iter().map(|limit| Query { limit, ..query.clone() }).collect()
    }

    /// Rows without a value are no answer to `which`.
    fn leave_out_nulls(&self, shape: &mut Shape) {
        let sorted = shape.order.iter().filter_map(|order| match order {
            Order::Field { field, .. } => Some(field),
            _ => None,
        });
        let missing: Vec<Filter> = (shape.groups.iter().map(|group| &group.field))
            .chain(sorted)
            .filter(|field| self.model.field(field).is_some_and(|f| f.nullable))
            .map(|field| Filter::Compare { field: field.clone(), op: Compare::IsNotNull, values: Vec::new() })
            .filter(|filter| !shape.filters.contains(filter))
            .collect();
        shape.filters.extend(missing);
    }

    /// In a question about a share, the conditions that make the part, and those that make the whole.
    fn split_share(&self, clauses: Vec<Clause>) -> (Vec<Clause>, Vec<Clause>) {
        if self.draft.share.is_none() {
            return (Vec::new(), clauses);
        }
        let said = |clause: &Clause| !clause.period && clause.predicate;
        let bare = |clause: &Clause| !clause.period && !clause.prep;
        let noun = self.draft.subjects.first().map(|subject| subject.index);
        let after = |clause: &Clause| bare(clause) && noun.is_some_and(|noun| clause.index > noun);
        let first = if self.draft.rate {
            clauses.iter().rposition(bare)
        } else {
            let said = clauses.iter().position(said);
            said.or_else(|| clauses.iter().position(after)).or_else(|| clauses.iter().position(bare))
        };
        let first = first.or_else(|| self.draft.groups.is_empty().then(|| clauses.iter().position(|c| !c.period)).flatten());
        let Some(first) = first else { return (Vec::new(), clauses) };
        let mut part = Vec::new();
        let mut rest = Vec::new();
        for (at, clause) in clauses.into_iter().enumerate() {
            let follows = at > first && part.len() == at - first && clause.joined && !clause.period;
            if at == first || follows { part.push(clause) } else { rest.push(clause) }
        }
        (part, rest)
    }

    fn shapes(&self, part: &[Clause], listed: Option<Place>) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        if let Some(fraction) = draft.share {
            return self.share(fraction, part);
        }
        if draft.when && draft.measures.is_empty() {
            return self.moment();
        }
        if let Some(extreme) = &draft.extreme {
            return self.extreme(extreme);
        }
        if draft.rank.is_some() {
            return self.ranked(listed);
        }
        if !draft.counts.is_empty() || !draft.having.is_empty() {
            return self.thresholds();
        }
        if draft.measures.is_empty() && draft.groups.is_empty() && !draft.trend && !draft.compare {
            return self.list();
        }
        self.aggregated(listed)
    }

    /// Numbers, perhaps by groups.
    fn aggregated(&self, listed: Option<Place>) -> Result<Vec<Shape>, Misfit> {
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
        // `average discount per order`, asked of orders, is the plain average; a sum per row is no grouping at all.
        let per_row = draft.groups.iter().any(|target| self.is_root(target));
        let averages = |spec: &Spec| matches!(spec, Spec::Aggregate(Aggregate::Avg | Aggregate::Median, _) | Spec::Metric(_));
        if per_row && (draft.groups.len() > 1 || !draft.measures.iter().all(averages)) {
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
        if draft.trend && !shape.groups.iter().any(|g| self.is_time(g)) {
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
        if draft.average_left {
            shapes = shapes.into_iter().map(|shape| self.averaged(shape)).collect::<Option<_>>().ok_or(Misfit::Parts)?;
        }
        Ok(self.split_listed(shapes, listed))
    }

    /// The span of the periods that are compared: `2024 versus 2025`.
    fn compared_periods(&self) -> Option<Grain> {
        let periods = self.draft.conditions.iter().find_map(|condition| match &condition.raw {
            Raw::Period { periods, .. } if periods.len() > 1 => Some(periods),
            _ => None,
        })?;
        self.draft.compare.then(|| grain_of(periods))?
    }

    /// `JFK and LGA`: compared, each its own group; counted, both readings stay open.
    fn split_listed(&self, shapes: Vec<Shape>, listed: Option<Place>) -> Vec<Shape> {
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
    fn averaged(&self, mut shape: Shape) -> Option<Shape> {
        let per = self.draft.per.first().map(|target| self.group(target)).transpose().ok()?;
        let per = per.or_else(|| {
            let mention = self.draft.mentions.iter().find(|m| **m != self.root)?;
            self.group(&Target::Dataset { at: *mention, via: None }).ok()
        });
        for measure in &mut shape.measures {
            if !self.measures().adds_up(measure) {
                continue;
            }
            let per = per.clone()?;
            shape.groups.retain(|group| *group != per);
            let inner = Box::new(measure.clone());
            measure.calculation = Calculation::AveragePer { measure: inner, per: Box::new(per) };
            measure.filters.clear();
        }
        Some(shape)
    }

    fn groups(&self) -> Result<Vec<Group>, Misfit> {
        let mut groups = Vec::new();
        for target in &self.draft.groups {
            push_group(&mut groups, self.group(target)?);
        }
        Ok(groups)
    }

    pub fn group(&self, target: &Target) -> Result<Group, Misfit> {
        let field = match target {
            Target::Grain(grain) => return self.times().group(*grain).ok_or(Misfit::Parts),
            Target::Field(place) => self.graph.reference(self.model, self.root, *place),
            Target::Dataset { at, via } => self.measures().names(*at, *via),
        };
        let field = field.ok_or(Misfit::Parts)?;
        let timed = self.model.field(&field).is_some_and(|f| f.data_type.is_temporal());
        let grain = timed.then_some(Grain::Day);
        Ok(Group { field, grain })
    }

    fn is_time(&self, group: &Group) -> bool {
        group.grain.is_some() || self.model.field(&group.field).is_some_and(|field| field.calendar.is_some())
    }

    pub fn is_root(&self, target: &Target) -> bool {
        matches!(target, Target::Dataset { at, .. } if *at == self.root)
    }

    fn root_mentioned(&self) -> bool {
        self.draft.mentions.contains(&self.root)
    }

    /// A share of rows, of a measure, or of the total over groups.
    fn share(&self, fraction: bool, part: &[Clause]) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        if !draft.having.is_empty() || !draft.counts.is_empty() || draft.extreme.is_some() || draft.related.is_some() {
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
        let mut readings: Vec<Vec<Filter>> = vec![Vec::new()];
        for clause in part {
            readings = cross(readings, &clause.readings, |of, filter| of.push(filter.clone()));
        }
        let mut shapes = Vec::new();
        for of in readings {
            let rows = matches!(whole.calculation, Calculation::CountRows) && whole.filters.is_empty();
            let calculation = match (of.is_empty(), rows) {
                (true, _) if groups.is_empty() => return Err(Misfit::Parts),
                (true, _) => Calculation::ShareOfTotal { measure: Box::new(whole.clone()), fraction },
                (false, true) => Calculation::ShareOfRows { of, fraction },
                (false, false) => Calculation::ShareOfMeasure { measure: Box::new(whole.clone()), of, fraction },
            };
            let measure = Measure { dataset: whole.dataset.clone(), calculation, filters: Vec::new() };
            let mut shape = Shape { measures: vec![measure], groups: groups.clone(), ..Shape::default() };
            if let Some(rank) = &draft.rank {
                let plural = draft.subjects.iter().any(|s| s.asked && s.plural);
                self.rank_by_last(&mut shape, self.settled(rank.direction, rank.about, &draft.rank_by)?, plural);
            }
            shapes.push(shape);
        }
        Ok(shapes)
    }

    /// Orders by the last measure and keeps the asked number of groups.
    fn rank_by_last(&self, shape: &mut Shape, direction: Direction, plural: bool) {
        let index = shape.measures.len().saturating_sub(1);
        shape.order.push(Order::Measure { index, direction });
        let ties = (0..shape.groups.len()).map(|index| Order::Group { index, direction: Direction::Ascending });
        shape.order.extend(ties);
        shape.limit = self.draft.limit.or((!plural).then_some(1));
        shape.open_limit = shape.limit.is_none();
    }

    /// Which end comes first; `best` and `worst` need a measure that says which end is good.
    fn settled(&self, direction: Direction, about: About, by: &Option<Spec>) -> Result<Direction, Misfit> {
        let About::Good(good) = about else { return Ok(direction) };
        let spec = by.as_ref().ok_or(Misfit::Parts)?;
        let bad_when_high = match spec {
            Spec::Plain(place) | Spec::Aggregate(_, place) => {
                let label = self.model.datasets[place.dataset].fields[place.field].label.to_lowercase();
                ["delay", "late", "cost", "error", "discount"].iter().any(|word| label.contains(word))
            }
            Spec::Metric(at) => {
                let label = self.model.metrics[*at].label.to_lowercase();
                ["delay", "late", "cancel", "return", "cost", "error"].iter().any(|word| label.contains(word))
            }
            Spec::Count(_) | Spec::Rows => return Err(Misfit::Parts),
        };
        Ok(if bad_when_high == good { Direction::Ascending } else { Direction::Descending })
    }

    /// A superlative about groups: `which carrier had the most flights`, `top 5 products by revenue`.
    fn ranked(&self, listed: Option<Place>) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        let rank = draft.rank.ok_or(Misfit::Parts)?;
        let subjects: Vec<&Subject> =
            draft.subjects.iter().filter(|s| !self.is_root(&s.target) && !s.verb).collect();
        let mut groups = self.groups()?;
        let each = !groups.is_empty();
        if !draft.per.is_empty() && !subjects.is_empty() && !draft.average_left {
            return Err(Misfit::Parts);
        }
        let mut plural = each && subjects.is_empty();
        for subject in &subjects {
            let dataset = matches!(subject.target, Target::Dataset { .. });
            if subject.asked || groups.is_empty() {
                push_group(&mut groups, self.group(&subject.target)?);
                plural |= subject.plural;
            } else if !dataset {
                return Err(Misfit::Parts);
            }
        }
        if let (true, Some(place)) = (groups.is_empty(), listed) {
            groups.push(self.group(&Target::Field(place))?);
        }
        let direction = self.settled(rank.direction, rank.about, &draft.rank_by)?;
        let by = match &draft.rank_by {
            Some(Spec::Plain(place)) if draft.average_left => Some(Spec::Aggregate(Aggregate::Avg, *place)),
            by => by.clone(),
        };
        if groups.is_empty()
            && let Some(root) = draft.subjects.iter().find(|s| s.asked && self.is_root(&s.target))
        {
            let implied = by.clone().map(|spec| vec![spec]).unwrap_or_else(|| self.implied(rank.about));
            let [spec] = implied.as_slice() else { return Err(Misfit::Parts) };
            return self.extreme_by(root, spec, direction);
        }
        if groups.is_empty() {
            return self.extreme_value(direction, by.as_ref().ok_or(Misfit::Parts)?);
        }
        let root_rows = draft.subjects.iter().any(|s| self.is_root(&s.target)) || !draft.conditions.is_empty();
        let hinted = self.implied(rank.about);
        if let (None, About::Hint(_), []) = (&by, rank.about, draft.measures.as_slice()) {
            let mut shapes = Vec::new();
            for spec in hinted {
                for measure in self.measures().ranking(&spec).ok_or(Misfit::Parts)? {
                    let mut shape = Shape { groups: groups.clone(), measures: vec![measure], ..Shape::default() };
                    self.rank_by_last(&mut shape, direction, plural);
                    shapes.push(shape);
                }
            }
            return if shapes.is_empty() { Err(Misfit::Parts) } else { Ok(shapes) };
        }
        let spec = match by {
            Some(spec) => spec,
            None if rank.about == About::Rows && draft.measures.is_empty() => Spec::Rows,
            None if root_rows && draft.measures.is_empty() && rank.about == About::Next => Spec::Rows,
            None => match draft.measures.as_slice() {
                [only] => only.clone(),
                _ => return Err(Misfit::Parts),
            },
        };
        let own = [Spec::Rows, spec.clone()];
        let others: Vec<&Spec> = draft.measures.iter().filter(|m| !own.contains(m)).collect();
        let mut choices = self.measures().ranking(&spec).ok_or(Misfit::Parts)?;
        let mut shapes: Vec<Shape> = vec![Shape { groups, ..Shape::default() }];
        for other in others {
            let more = self.measures().of(other).ok_or(Misfit::Parts)?;
            shapes = cross(shapes, &more, |shape, measure| shape.measures.push(measure.clone()));
        }
        if draft.average_left {
            let bare = Shape { measures: std::mem::take(&mut choices), ..Shape::default() };
            choices = self.averaged(bare).ok_or(Misfit::Parts)?.measures;
        }
        shapes = cross(shapes, &choices, |shape, measure| shape.measures.push(measure.clone()));
        for shape in &mut shapes {
            self.rank_by_last(shape, direction, plural);
        }
        Ok(shapes)
    }

    /// What a superlative without a measure ranks rows by.
    fn implied(&self, about: About) -> Vec<Spec> {
        const SIZES: [&str; 11] = [
            "total", "amount", "price", "size", "capacity", "distance", "area", "population", "altitude", "elevation", "height",
        ];
        match about {
            About::Time => self.times().default_or_year().map(Spec::Plain).into_iter().collect(),
            About::Rows => vec![Spec::Rows],
            About::Hint(words) => self.measures().hinted(words).into_iter().map(Spec::Plain).collect(),
            About::Next => self.measures().hinted(&SIZES).into_iter().map(Spec::Plain).collect(),
            About::Good(_) => Vec::new(),
        }
    }

    /// `the highest temperature`: the largest or smallest value.
    fn extreme_value(&self, direction: Direction, spec: &Spec) -> Result<Vec<Shape>, Misfit> {
        let Spec::Plain(place) = spec else { return Err(Misfit::Parts) };
        let aggregate = if direction == Direction::Descending { Aggregate::Max } else { Aggregate::Min };
        let measure = self.measures().of(&Spec::Aggregate(aggregate, *place)).ok_or(Misfit::Parts)?;
        Ok(vec![Shape { measures: measure, ..Shape::default() }])
    }

    /// A superlative about the noun right after it: `the longest flight`, `the busiest airport`, `latest order`.
    fn extreme(&self, subject: &Subject) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        let rank = draft.rank.ok_or(Misfit::Parts)?;
        let by = draft.rank_by.clone().or_else(|| draft.measures.first().cloned());
        let direction = self.settled(rank.direction, rank.about, &by)?;
        if let (Target::Field(place), About::Time | About::Next) = (&subject.target, rank.about)
            && self.model.datasets[place.dataset].fields[place.field].data_type.is_temporal()
        {
            return self.extreme_value(direction, &Spec::Plain(*place));
        }
        let specs = match (rank.about, by) {
            (_, Some(spec)) => vec![spec],
            (About::Next, None) if !self.is_root(&subject.target) => return Err(Misfit::Parts),
            (about, None) => self.implied(about),
        };
        let mut shapes = Vec::new();
        for spec in specs {
            shapes.extend(self.extreme_by(subject, &spec, direction)?);
        }
        if shapes.is_empty() { Err(Misfit::Parts) } else { Ok(shapes) }
    }

    fn extreme_by(&self, subject: &Subject, spec: &Spec, direction: Direction) -> Result<Vec<Shape>, Misfit> {
        // The first of each group is another question than the first of all.
        if !self.draft.groups.is_empty() {
            return Err(Misfit::Parts);
        }
        if let (true, Spec::Plain(place) | Spec::Aggregate(_, place)) = (self.is_root(&subject.target), spec) {
            if place.dataset != self.root {
                return Err(Misfit::Parts);
            }
            let field = self.graph.reference(self.model, self.root, *place).ok_or(Misfit::Parts)?;
            let mut shape = Shape { select: self.listed_fields(), ..Shape::default() };
            if !shape.select.contains(&field) {
                shape.select.push(field.clone());
            }
            shape.order.push(Order::Field { field, direction });
            shape.limit = self.draft.limit.or((!subject.plural).then_some(1));
            shape.open_limit = shape.limit.is_none();
            return Ok(vec![shape]);
        }
        if self.is_root(&subject.target) {
            return Err(Misfit::Parts);
        }
        let groups = vec![self.group(&subject.target)?];
        let measures = self.measures().ranking(spec).ok_or(Misfit::Parts)?;
        let made = measures.into_iter().map(|measure| {
            let mut shape = Shape { measures: vec![measure], groups: groups.clone(), ..Shape::default() };
            self.rank_by_last(&mut shape, direction, subject.plural);
            shape
        });
        Ok(made.collect())
    }

    /// `when was the first order`.
    fn moment(&self) -> Result<Vec<Shape>, Misfit> {
        let rank = self.draft.rank.ok_or(Misfit::Parts)?;
        if rank.about != About::Time {
            return Err(Misfit::Parts);
        }
        let place = self.times().default_time().ok_or(Misfit::Parts)?;
        self.extreme_value(rank.direction, &Spec::Plain(place))
    }

    /// Groups with a number above or below: `carriers with more than 1000 flights`.
    fn thresholds(&self) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        let counted = draft.measures.iter().find_map(|m| if let Spec::Count(t) = m { Some(t.clone()) } else { None });
        let subject = counted.clone().or_else(|| draft.subjects.first().map(|s| s.target.clone()));
        let mut shape = Shape { groups: self.groups()?, count_groups: counted.is_some(), ..Shape::default() };
        if draft.measures.iter().any(|m| !matches!(m, Spec::Count(_))) {
            return Err(Misfit::Parts);
        }
        if let Some(target) = subject.filter(|target| !self.is_root(target)) {
            push_group(&mut shape.groups, self.group(&target)?);
        }
        if shape.groups.is_empty() {
            return Err(Misfit::Parts);
        }
        let counts = draft.counts.iter().map(|(cond, target)| (Spec::Count(target.clone()), cond));
        for (spec, cond) in counts.chain(draft.having.iter().map(|(spec, cond)| (spec.clone(), cond))) {
            let [measure] = self.measures().of(&spec).ok_or(Misfit::Parts)?.try_into().map_err(|_| Misfit::Parts)?;
            // Groups without a single row are not among the groups, so `fewer than` would leave them out silently.
            shape.measures.push(measure);
            let index = shape.measures.len() - 1;
            for (op, number) in self.bounds(&spec, cond).ok_or(Misfit::Parts)? {
                shape.having.push(Having { measure: index, op, value: number });
            }
        }
        Ok(vec![shape])
    }

    fn bounds(&self, spec: &Spec, cond: &Cond) -> Option<Vec<(Compare, Scalar)>> {
        let field = match spec {
            Spec::Aggregate(_, place) | Spec::Plain(place) => Some(&self.model.datasets[place.dataset].fields[place.field]),
            _ => None,
        };
        let value = |number: f64| match field {
            Some(field) => Some(number_scalar(field, in_unit(field, number, cond.unit.as_deref())?)),
            None if number.fract() == 0.0 => Some(Scalar::Integer(number as i64)),
            None => Some(Scalar::Number(number)),
        };
        Some(match cond.high {
            Some(high) => vec![(Compare::Ge, value(cond.low)?), (Compare::Le, value(high)?)],
            None => vec![(cond.op, value(cond.low)?)],
        })
    }

    /// Conditions on a number whose unit says which field it is about.
    fn loose(&self) -> Result<Vec<Filter>, Misfit> {
        let mut out = Vec::new();
        for cond in &self.draft.loose {
            let place = self.measures().with_unit(cond.unit.as_deref().ok_or(Misfit::Parts)?).ok_or(Misfit::Parts)?;
            let field = &self.model.datasets[place.dataset].fields[place.field];
            let raw = bounded(field, place, cond).ok_or(Misfit::Parts)?;
            out.extend(filters::readings(&raw, self.times(), None)?);
        }
        Ok(out)
    }

    fn related(&self) -> Result<Option<Filter>, Misfit> {
        let Some(related) = &self.draft.related else { return Ok(None) };
        let joins = self.graph.between(related.dataset, self.root);
        let [_] = joins.as_slice() else { return Err(Misfit::Parts) };
        let times = Times { root: related.dataset, ..self.times() };
        let mut inner = Vec::new();
        for raw in &related.filters {
            let [filter] = filters::readings(raw, times, None)?.try_into().map_err(|_| Misfit::Parts)?;
            inner.push(filter);
        }
        let dataset = self.model.datasets[related.dataset].name.clone();
        Ok(Some(Filter::Related { dataset, via: None, filters: inner, op: related.op, count: related.count }))
    }

    /// Rows, or the different values of a field.
    fn list(&self) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        let looked_up = draft.looked_up && !draft.conditions.is_empty();
        let asked = draft.subjects.iter().any(|subject| subject.asked) || draft.listed || looked_up;
        if !asked || draft.subjects.is_empty() {
            return Err(Misfit::Parts);
        }
        let mut shape = Shape { limit: draft.limit, ..Shape::default() };
        let whole = draft.subjects.iter().any(|s| self.is_root(&s.target));
        for subject in &draft.subjects {
            match &subject.target {
                Target::Dataset { at, .. } if *at == self.root => {}
                Target::Grain(_) => return Err(Misfit::Parts),
                Target::Dataset { .. } if !subject.asked => {}
                Target::Dataset { at, via } => shape.select.push(self.measures().names(*at, *via).ok_or(Misfit::Parts)?),
                Target::Field(place) => {
                    shape.select.push(self.graph.reference(self.model, self.root, *place).ok_or(Misfit::Parts)?);
                }
            }
        }
        if shape.select.is_empty() {
            shape.select = self.listed_fields();
        } else {
            let first = &shape.select[0];
            let keyed = self.model.datasets[self.root].primary_key.contains(&first.field) && first.dataset == self.model.datasets[self.root].name;
            shape.distinct = !keyed && (!whole || draft.distinct || draft.subjects[0].target == Target::Field(self.place_of(first)));
            let field = first.clone();
            shape.order.push(Order::Field { field, direction: Direction::Ascending });
        }
        Ok(vec![shape])
    }

    fn place_of(&self, at: &FieldRef) -> Place {
        let dataset = self.model.datasets.iter().position(|d| d.name == at.dataset).unwrap_or_default();
        let field = self.model.datasets[dataset].fields.iter().position(|f| f.name == at.field).unwrap_or_default();
        Place { dataset, field, via: None }
    }

    /// What names a row of the root: its display, else its key, else its keys and time.
    fn listed_fields(&self) -> Vec<FieldRef> {
        let dataset = &self.model.datasets[self.root];
        let own = |field: &str| FieldRef { dataset: dataset.name.clone(), field: field.to_owned(), via: None };
        if let Some(display) = &dataset.display {
            return vec![own(display)];
        }
        if !dataset.primary_key.is_empty() {
            return dataset.primary_key.iter().map(|key| own(key)).collect();
        }
        let keys = dataset.fields.iter().filter(|field| field.kind == FieldKind::Key).map(|field| own(&field.name));
        keys.chain(dataset.default_time.iter().map(|time| own(time))).take(MAX_LISTED_FIELDS).collect()
    }

}

/// The span that each of `periods` is one of.
fn grain_of(periods: &[Period]) -> Option<Grain> {
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

/// Every shape with every choice.
fn cross<S: Clone, C>(shapes: Vec<S>, choices: &[C], add: impl Fn(&mut S, &C)) -> Vec<S> {
    let mut out = Vec::new();
    for shape in shapes {
        for choice in choices {
            let mut next = shape.clone();
            add(&mut next, choice);
            out.push(next);
        }
    }
    out.truncate(MAX_READINGS);
    out
}

fn push_group(groups: &mut Vec<Group>, group: Group) {
    if !groups.contains(&group) {
        groups.push(group);
    }
}

/// Time runs forwards; otherwise the largest comes first.
fn default_order(shape: &Shape, model: &Model) -> Vec<Order> {
    let timed = |group: &Group| group.grain.is_some() || model.field(&group.field).is_some_and(|f| f.calendar.is_some());
    let ascending = |index| Order::Group { index, direction: Direction::Ascending };
    if shape.groups.is_empty() || shape.count_groups {
        return Vec::new();
    }
    let mut order: Vec<Order> = Vec::new();
    if !shape.groups.iter().any(timed) {
        order.push(Order::Measure { index: 0, direction: Direction::Descending });
    }
    order.extend((0..shape.groups.len()).map(ascending));
    order
}
