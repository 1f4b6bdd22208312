//! A draft as queries over one root dataset: what is counted, grouped, ranked and listed there. Several queries where a
//! part stays open (a year, an aggregate, a number of rows).

mod compare;
mod lists;
mod numbers;
mod ranks;

use pilothouse_domain::semantic::{
    Aggregate, Calculation, Compare, Direction, Fact, Field, FieldKind, FieldRef, Filter, Grain, Group, Having,
    Measure, Model, Order, Query,
};

use crate::planner::draft::{Draft, Raw, Spec, Target};
use crate::planner::filters::{self, Clause, Unfit};
use crate::planner::graph::Graph;
use crate::planner::lexicon::Place;
use crate::planner::measures::Measures;
use crate::planner::time::{Times, Untimely};

/// Most queries that one draft may become.
const MAX_READINGS: usize = 8;
/// The numbers of rows offered where a question asks for `the top` ones without saying how many.
const OPEN_LIMITS: [u32; 3] = [1, 5, 10];

/// Why a draft is no query over this root.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Misfit {
    Time(Untimely),
    /// A metric, by its place, that may not be told by these groups.
    NotBy(usize),
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
    pub drivers: Vec<FieldRef>,
}

impl<'a> Resolver<'a> {
    pub fn times(&self) -> Times<'a> {
        Times { own: self.own_time(), ..Times::new(self.model, self.graph, self.root) }
    }

    /// The time that the first number is told by, where that is not its rows' own.
    fn own_time(&self) -> Option<Place> {
        if self.draft.time.is_some() {
            return self.draft.time;
        }
        let spec = self.draft.measures.first().or(self.draft.rank_by.as_ref())?;
        let Spec::Metric(at) = spec else { return None };
        let measure = &self.model.metrics.get(*at)?.measure;
        let dataset = self.model.datasets.iter().position(|dataset| dataset.name == measure.dataset)?;
        let time = measure.time.as_ref()?;
        let field = self.model.datasets[dataset].fields.iter().position(|field| field.name == *time)?;
        Some(Place { dataset, field, via: None })
    }

    pub fn measures(&self) -> Measures<'a> {
        Measures { model: self.model, graph: self.graph, root: self.root }
    }

    /// Every query the draft can be on this root.
    pub fn run(&self) -> Result<Vec<Query>, Misfit> {
        if self.each_or_all() || self.draft.good_first && self.draft.rank.is_none() {
            return Err(Misfit::Parts);
        }
        let clauses = filters::clauses(self.draft, self.times())?;
        for dataset in &self.draft.mentions {
            self.graph.distance(self.root, *dataset, None).ok_or(Misfit::Parts)?;
        }
        let (part, rest) = self.split_share(clauses);
        if self.said_twice(&part, &rest) {
            return Err(Misfit::Parts);
        }
        let told = rest.iter().filter(|clause| !self.is_contrast(clause));
        let listed = told.chain(&part).find_map(|clause| clause.listed);
        let mut shapes = self.compared(self.shapes(&part, listed)?, &rest)?;
        for clause in rest.iter().filter(|clause| !self.is_contrast(clause)) {
            shapes = cross(shapes, &clause.readings, |shape, filter| match filter {
                Filter::All { of } => shape.filters.extend(of.iter().cloned()),
                filter => shape.filters.push(filter.clone()),
            });
        }
        let loose = self.loose()?;
        // In a question about a share, the rows that nothing refers to are the part.
        let related = if self.draft.share.is_some() { None } else { self.related()? };
        let mut queries = Vec::new();
        for mut shape in shapes.into_iter().take(MAX_READINGS) {
            shape.filters.extend(loose.iter().cloned().chain(related.clone()));
            queries.extend(self.finished(shape));
        }
        let barred = queries.iter().find_map(|query| self.barred(query));
        queries.retain(|query| self.fits(query));
        match (queries.is_empty(), barred) {
            (false, _) => Ok(queries),
            (true, Some(metric)) => Err(Misfit::NotBy(metric)),
            (true, None) => Err(Misfit::Parts),
        }
    }

    /// `United (carrier UA)`: the whole of a share cannot be what its part is, told by a key.
    fn said_twice(&self, part: &[Clause], rest: &[Clause]) -> bool {
        let refers = |from: Place, to: Place| {
            let column = &self.model.datasets[from.dataset].fields[from.field].column;
            let joins = self.graph.between(from.dataset, to.dataset);
            joins.iter().any(|join| self.model.joins[*join].columns == [column.clone()])
        };
        // A row's key and its name are one thing.
        let same = |one: Place, other: Place| {
            let dataset = &self.model.datasets[one.dataset];
            let key = |place: Place| dataset.primary_key.contains(&dataset.fields[place.field].column);
            one.dataset == other.dataset && one.field != other.field && (key(one) || key(other))
        };
        let places = |clauses: &[Clause]| clauses.iter().filter_map(|clause| clause.place).collect::<Vec<_>>();
        let (part, rest) = (places(part), places(rest));
        let twice = |one: Place, other: Place| refers(other, one) || refers(one, other) || same(one, other);
        part.iter().any(|one| rest.iter().any(|other| twice(*one, *other)))
    }

    /// Whether the query makes sense as a whole: its numbers can and may be told by its groups and conditions.
    pub fn fits(&self, query: &Query) -> bool {
        self.barred(query).is_none() && self.is_told(query)
    }

    /// Whether the query's numbers can all be told by its groups and conditions, and the first is of the root's rows.
    fn is_told(&self, query: &Query) -> bool {
        let root = query.root(self.model);
        let facts = query.measures.iter().flat_map(|measure| Fact::all_of(measure, self.model));
        let first = query.measures.first().and_then(|measure| measure.parts().first().map(|part| part.dataset.clone()));
        let level = |measure: &Measure| measure.parts().iter().all(|part| Fact::of(part, self.model).latest);
        first.is_none_or(|first| first == root.dataset)
            && self.is_in_unit(query)
            && (!self.draft.at_end || !query.measures.is_empty() && query.measures.iter().all(level))
            && facts.filter(|fact| *fact != root).all(|fact| {
                query.groups.iter().all(|group| fact.group(group, &root, self.model).is_some())
                    && query.filters.iter().all(|filter| fact.filter(filter, &root, self.model).is_some())
            })
    }

    /// Whether the first number is told in the unit that was asked for.
    fn is_in_unit(&self, query: &Query) -> bool {
        let Some(asked) = &self.draft.unit else { return true };
        let own = query.measures.first().and_then(|measure| unit_of(measure, self.model));
        let shared = query.measures.iter().any(|measure| {
            let calculation = &measure.calculation;
            measure.compared().is_some()
                || matches!(
                    calculation,
                    Calculation::ShareOfTotal { .. }
                        | Calculation::ShareOfRows { .. }
                        | Calculation::ShareOfMeasure { .. }
                )
                || matches!(calculation, Calculation::Ratio { percent: true, .. })
        });
        if ["percent", "percentage", "terms"].contains(&asked.as_str()) {
            return shared || own == Some("%");
        }
        let name = match asked.as_str() {
            "dollars" | "usd" => "USD",
            "pounds" | "gbp" => "GBP",
            "euros" | "eur" => "EUR",
            other => other,
        };
        own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    }

    /// The metric of the query, by its place, that its groups are not allowed for.
    fn barred(&self, query: &Query) -> Option<usize> {
        let root = query.root(self.model);
        let timed =
            |group: &Group| group.field.dataset == root.dataset && Some(&group.field.field) == root.time.as_ref();
        let of = |measure: &Measure| {
            let inner = measure.compared().unwrap_or(measure);
            let at = self.model.metrics.iter().position(|metric| metric.measure == *inner)?;
            let allowed = &self.model.metrics[at].group_by;
            let fits = |group: &Group| timed(group) || allowed.contains(&group.field);
            (!allowed.is_empty() && !query.groups.iter().all(fits)).then_some(at)
        };
        query.measures.iter().find_map(of)
    }

    /// `customers who spent more than 100`: in one order, or in all? Neither is taken for granted.
    fn each_or_all(&self) -> bool {
        let of_others = |place: &Place| {
            let field = &self.model.datasets[place.dataset].fields[place.field];
            let above = |target: &Target| match target {
                Target::Dataset { at, .. } => *at != place.dataset,
                _ => false,
            };
            let asked = self.draft.subjects.iter().any(|subject| subject.asked && above(&subject.target));
            let counted = self.draft.measures.iter().any(|m| matches!(m, Spec::Count(target) if above(target)));
            field.default_aggregate == Some(Aggregate::Sum) && (asked || counted)
        };
        self.draft.conditions.iter().any(|condition| match &condition.raw {
            Raw::Compare { place, op, .. } => !matches!(op, Compare::IsNull | Compare::IsNotNull) && of_others(place),
            Raw::Range { place, .. } => of_others(place),
            Raw::Segment { .. } | Raw::Period { .. } => false,
        })
    }

    fn finished(&self, mut shape: Shape) -> Vec<Query> {
        if shape.order.is_empty() && !shape.measures.is_empty() {
            shape.order = default_order(&shape, self.model);
        }
        if let Some(direction) = self.draft.sorted.filter(|_| self.draft.rank.is_none()) {
            // Of listed rows nothing says which number is large.
            if shape.measures.is_empty() {
                return Vec::new();
            }
            sort(&mut shape, direction);
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
            drivers: shape.drivers,
        };
        limits.into_iter().map(|limit| Query { limit, ..query.clone() }).collect()
    }

    /// Rows without a value are no answer to `which`.
    fn leave_out_nulls(&self, shape: &mut Shape) {
        let sorted = shape.order.iter().filter_map(|order| match order {
            Order::Field { field, .. } => Some(field),
            _ => None,
        });
        let missing: Vec<Filter> = (shape.groups.iter().filter(|group| !group.counted).map(|group| &group.field))
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
        let first =
            first.or_else(|| self.draft.groups.is_empty().then(|| clauses.iter().position(|c| !c.period)).flatten());
        let Some(mut first) = first else { return (Vec::new(), clauses) };
        // `of the flights that departed late, what arrived on time`: the relative clause is the whole.
        let main = |clause: &Clause| bare(clause) && !clause.joined && !clause.relative;
        if clauses[first].relative
            && let Some(later) = clauses.iter().skip(first + 1).position(main)
        {
            first += later + 1;
        }
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

    /// By how many rows of a dataset refer to the root's. A period could be about either, and is about neither.
    fn counted(&self, at: usize) -> Result<Group, Misfit> {
        let dated = self.draft.conditions.iter().any(|condition| matches!(condition.raw, Raw::Period { .. }));
        let [join] = *self.graph.between(at, self.root) else { return Err(Misfit::Parts) };
        let (dataset, columns) = (&self.model.datasets[at], &self.model.joins[join].columns);
        let refers = |field: &&Field| *columns == [field.column.clone()];
        let field = dataset.fields.iter().find(refers).filter(|_| !dated).ok_or(Misfit::Parts)?;
        let field = FieldRef { dataset: dataset.name.clone(), field: field.name.clone(), via: None };
        Ok(Group { counted: true, step: self.draft.step, ..Group::of(field) })
    }

    pub fn group(&self, target: &Target) -> Result<Group, Misfit> {
        let field = match target {
            Target::Grain(grain) => return self.times().group(*grain).ok_or(Misfit::Parts),
            Target::Counted { at } => return self.counted(*at),
            Target::Field(place) => {
                let plain = self.graph.reference(self.model, self.root, *place);
                plain.map(|at| self.model.named(&at).unwrap_or(at))
            }
            Target::Dataset { at, via } => self.measures().names(*at, *via),
        };
        let field = field.ok_or(Misfit::Parts)?;
        let timed = self.model.field(&field).is_some_and(|f| f.data_type.is_temporal());
        let grain = timed.then_some(Grain::Day);
        let number = self.model.field(&field).is_some_and(|f| f.kind == FieldKind::Measure);
        let step = self.draft.step.filter(|_| number);
        Ok(Group { grain, step, ..Group::of(field) })
    }

    pub fn is_root(&self, target: &Target) -> bool {
        matches!(target, Target::Dataset { at, .. } if *at == self.root)
    }
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

/// The unit of a measure's numbers, where it has one of its own.
fn unit_of<'a>(measure: &'a Measure, model: &'a Model) -> Option<&'a str> {
    let metric = model.metrics.iter().find(|metric| metric.measure == *measure);
    metric.and_then(|metric| metric.unit.as_deref()).or_else(|| match &measure.calculation {
        Calculation::Aggregate { field, .. } => model.field(field)?.unit.as_deref(),
        Calculation::Latest { measure, .. } | Calculation::AveragePer { measure, .. } => unit_of(measure, model),
        _ => None,
    })
}

/// Puts the groups in the order of their first number.
fn sort(shape: &mut Shape, direction: Direction) {
    if shape.groups.is_empty() || shape.measures.is_empty() {
        return;
    }
    shape.order = vec![Order::Measure { index: 0, direction }];
    shape.order.extend(ties(&shape.groups));
}

/// What comes after the number that orders: rows alike in it stand in the order of their groups.
pub(super) fn ties(groups: &[Group]) -> impl Iterator<Item = Order> {
    (0..groups.len()).map(|index| Order::Group { index, direction: Direction::Ascending })
}

/// Time and numbers run forwards; otherwise the largest comes first.
fn default_order(shape: &Shape, model: &Model) -> Vec<Order> {
    let runs = |group: &Group| model.is_time(group) || group.counted;
    if shape.groups.is_empty() || shape.count_groups {
        return Vec::new();
    }
    let mut order: Vec<Order> = Vec::new();
    if !shape.groups.iter().any(runs) {
        order.push(Order::Measure { index: 0, direction: Direction::Descending });
    }
    order.extend(ties(&shape.groups));
    order
}
