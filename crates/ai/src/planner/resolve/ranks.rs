//! Superlatives over a root: which group comes first, which row, which value.

use pilothouse_domain::semantic::{Aggregate, Calendar, Direction, FieldKind, Group, Order};

use super::{Misfit, Resolver, Shape, cross, push_group, ties};
use crate::planner::draft::{Rank, Spec, Subject, Target};
use crate::planner::lexicon::Place;
use crate::planner::words::About;

impl Resolver<'_> {
    /// Orders by the last measure and keeps the asked number of groups.
    pub(super) fn rank_by_last(&self, shape: &mut Shape, direction: Direction, plural: bool) {
        let index = shape.measures.len().saturating_sub(1);
        shape.order.push(Order::Measure { index, direction });
        shape.order.extend(ties(&shape.groups));
        shape.limit = self.draft.limit.or((!plural).then_some(1));
        shape.open_limit = shape.limit.is_none();
    }

    /// Which end comes first; `best` and `worst` need a measure that says which end is good.
    pub(super) fn settled(&self, direction: Direction, about: About, by: &Option<Spec>) -> Result<Direction, Misfit> {
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
    pub(super) fn ranked(&self, listed: Option<Place>) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        let rank = draft.rank.ok_or(Misfit::Parts)?;
        let subjects: Vec<&Subject> = draft.subjects.iter().filter(|s| !self.is_root(&s.target) && !s.verb).collect();
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
        if let (None, About::Hint(_), []) = (&by, rank.about, draft.measures.as_slice()) {
            return self.ranked_by_hint(&groups, rank.about, direction, plural);
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

    /// `which month was the hottest`: every measure that the superlative can be about.
    pub(super) fn ranked_by_hint(
        &self,
        groups: &[Group],
        about: About,
        direction: Direction,
        plural: bool,
    ) -> Result<Vec<Shape>, Misfit> {
        let mut shapes = Vec::new();
        for spec in self.implied(about) {
            for measure in self.measures().ranking(&spec).ok_or(Misfit::Parts)? {
                let mut shape = Shape { groups: groups.to_vec(), measures: vec![measure], ..Shape::default() };
                self.rank_by_last(&mut shape, direction, plural);
                shapes.push(shape);
            }
        }
        if shapes.is_empty() { Err(Misfit::Parts) } else { Ok(shapes) }
    }

    /// What a superlative without a measure ranks rows by.
    pub(super) fn implied(&self, about: About) -> Vec<Spec> {
        const SIZES: [&str; 11] = [
            "total",
            "amount",
            "price",
            "size",
            "capacity",
            "distance",
            "area",
            "population",
            "altitude",
            "elevation",
            "height",
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
    pub(super) fn extreme_value(&self, direction: Direction, spec: &Spec) -> Result<Vec<Shape>, Misfit> {
        let Spec::Plain(place) = spec else { return Err(Misfit::Parts) };
        let aggregate = if direction == Direction::Descending { Aggregate::Max } else { Aggregate::Min };
        let measure = self.measures().of(&Spec::Aggregate(aggregate, *place)).ok_or(Misfit::Parts)?;
        Ok(vec![Shape { measures: measure, ..Shape::default() }])
    }

    /// A superlative about the noun right after it: `the longest flight`, `the busiest airport`, `latest order`.
    pub(super) fn extreme(&self, subject: &Subject) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        let rank = draft.rank.ok_or(Misfit::Parts)?;
        if let (None, Some(measure), true) = (&draft.rank_by, draft.measures.first(), self.is_root(&subject.target))
            && !matches!(rank.about, About::Good(_))
        {
            return self.value_of_extreme(rank, measure);
        }
        let by = draft.rank_by.clone().or_else(|| draft.measures.first().cloned());
        let direction = self.settled(rank.direction, rank.about, &by)?;
        if let (Target::Field(place), About::Time | About::Next) = (&subject.target, rank.about)
            && self.is_moment(*place)
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

    /// `the price of the most expensive product` is the highest price; of another measure it is another question.
    fn value_of_extreme(&self, rank: Rank, measure: &Spec) -> Result<Vec<Shape>, Misfit> {
        let same = match rank.about {
            About::Next => true,
            About::Hint(_) => self.implied(rank.about).contains(measure),
            _ => false,
        };
        if same && self.draft.measures.len() == 1 && self.draft.groups.is_empty() {
            return self.extreme_value(rank.direction, measure);
        }
        Err(Misfit::Parts)
    }

    fn is_moment(&self, place: Place) -> bool {
        let field = &self.model.datasets[place.dataset].fields[place.field];
        field.data_type.is_temporal() || field.calendar == Some(Calendar::Year)
    }

    pub(super) fn extreme_by(
        &self,
        subject: &Subject,
        spec: &Spec,
        direction: Direction,
    ) -> Result<Vec<Shape>, Misfit> {
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
            // A row without a name may be asked for, or only its value.
            let dataset = &self.model.datasets[self.root];
            let nameless = dataset.display.is_none() && dataset.primary_key.is_empty() && shape.limit == Some(1);
            let measured = self.model.datasets[place.dataset].fields[place.field].kind == FieldKind::Measure;
            if nameless && measured {
                let mut both = self.extreme_value(direction, &Spec::Plain(*place))?;
                both.push(shape);
                return Ok(both);
            }
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
    pub(super) fn moment(&self) -> Result<Vec<Shape>, Misfit> {
        let rank = self.draft.rank.ok_or(Misfit::Parts)?;
        if rank.about != About::Time {
            return Err(Misfit::Parts);
        }
        let place = self.times().default_time().ok_or(Misfit::Parts)?;
        self.extreme_value(rank.direction, &Spec::Plain(place))
    }
}
