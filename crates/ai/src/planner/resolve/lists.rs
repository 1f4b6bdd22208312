//! Lists over a root: rows, different values, groups above a number; and the conditions that count other rows.

use pilothouse_domain::semantic::{Compare, Direction, FieldKind, FieldRef, Filter, Having, Order, Scalar};

use super::{Misfit, Resolver, Shape, push_group};
use crate::planner::draft::{Spec, Target};
use crate::planner::filters;
use crate::planner::lexicon::Place;
use crate::planner::scan::{bounded, in_unit, number_scalar};
use crate::planner::tag::Cond;
use crate::planner::time::Times;

/// Most fields of a listed row that has no name of its own.
const MAX_LISTED_FIELDS: usize = 6;

impl Resolver<'_> {
    /// Groups with a number above or below: `carriers with more than 1000 flights`.
    pub(super) fn thresholds(&self) -> Result<Vec<Shape>, Misfit> {
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

    pub(super) fn bounds(&self, spec: &Spec, cond: &Cond) -> Option<Vec<(Compare, Scalar)>> {
        let field = match spec {
            Spec::Aggregate(_, place) | Spec::Plain(place) => {
                Some(&self.model.datasets[place.dataset].fields[place.field])
            }
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
    pub(super) fn loose(&self) -> Result<Vec<Filter>, Misfit> {
        let mut out = Vec::new();
        for cond in &self.draft.loose {
            let place = self.measures().with_unit(cond.unit.as_deref().ok_or(Misfit::Parts)?).ok_or(Misfit::Parts)?;
            let field = &self.model.datasets[place.dataset].fields[place.field];
            let raw = bounded(field, place, cond).ok_or(Misfit::Parts)?;
            out.extend(filters::readings(&raw, self.times(), None)?);
        }
        Ok(out)
    }

    pub(super) fn related(&self) -> Result<Option<Filter>, Misfit> {
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
    pub(super) fn list(&self) -> Result<Vec<Shape>, Misfit> {
        let draft = self.draft;
        let looked_up = draft.looked_up && !draft.conditions.is_empty();
        let asked = draft.subjects.iter().any(|subject| subject.asked) || draft.listed || looked_up;
        if draft.subjects.is_empty() {
            return Err(Misfit::Parts);
        }
        if !asked {
            // `orders in March` may ask for their number or for the orders themselves.
            let [subject] = draft.subjects.as_slice() else { return Err(Misfit::Parts) };
            let said = !draft.conditions.is_empty() || draft.related.is_some();
            if !self.is_root(&subject.target) || !said {
                return Err(Misfit::Parts);
            }
            // What has names and no time is asked for by name.
            let dataset = &self.model.datasets[self.root];
            if dataset.display.is_some() && draft.conditions.is_empty() {
                return Ok(vec![Shape { select: self.listed_fields(), ..Shape::default() }]);
            }
            let count = Shape { measures: vec![self.measures().rows()], ..Shape::default() };
            return Ok(vec![count, Shape { select: self.listed_fields(), ..Shape::default() }]);
        }
        let mut shape = Shape { limit: draft.limit, ..Shape::default() };
        let whole = draft.subjects.iter().any(|s| self.is_root(&s.target));
        for subject in &draft.subjects {
            match &subject.target {
                Target::Dataset { at, .. } if *at == self.root => {}
                Target::Grain(_) | Target::Counted { .. } => return Err(Misfit::Parts),
                Target::Dataset { .. } if !subject.asked => {}
                Target::Dataset { at, via } => {
                    shape.select.push(self.measures().names(*at, *via).ok_or(Misfit::Parts)?)
                }
                Target::Field(place) => {
                    shape.select.push(self.graph.reference(self.model, self.root, *place).ok_or(Misfit::Parts)?);
                }
            }
        }
        let rows_first = draft.subjects.first().is_some_and(|subject| self.is_root(&subject.target));
        if shape.select.is_empty() {
            shape.select = self.listed_fields();
        } else if rows_first && draft.listed {
            // `list accounts with their industry` names them too.
            let own = self.listed_fields();
            shape.select.retain(|field| !own.contains(field));
            shape.select.splice(0..0, own);
        } else {
            let first = &shape.select[0];
            let keyed = self.model.datasets[self.root].primary_key.contains(&first.field)
                && first.dataset == self.model.datasets[self.root].name;
            shape.distinct =
                !keyed && (!whole || draft.distinct || draft.subjects[0].target == Target::Field(self.place_of(first)));
            let field = first.clone();
            shape.order.push(Order::Field { field, direction: Direction::Ascending });
        }
        Ok(vec![shape])
    }

    pub(super) fn place_of(&self, at: &FieldRef) -> Place {
        let dataset = self.model.datasets.iter().position(|d| d.name == at.dataset).unwrap_or_default();
        let field = self.model.datasets[dataset].fields.iter().position(|f| f.name == at.field).unwrap_or_default();
        Place { dataset, field, via: None }
    }

    /// What names a row of the root: its display, else its key, else its keys and time.
    pub(super) fn listed_fields(&self) -> Vec<FieldRef> {
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
