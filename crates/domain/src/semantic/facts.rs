//! Numbers of different rows side by side. Each is aggregated over its own rows before they meet, so that no row is
//! counted twice; what the question groups and filters by is found again on the rows of each.

use super::{Calculation, FieldRef, Filter, Group, Measure, Model, Query};

/// The rows that a number is computed from, and how they stand in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The dataset.
    pub dataset: String,
    /// The field of it that periods are about.
    pub time: Option<String>,
    /// Whether only the rows of the last time of each period count.
    pub latest: bool,
}

impl Fact {
    /// What `measure` is computed from.
    pub fn of(measure: &Measure, model: &Model) -> Self {
        let default = || model.dataset(&measure.dataset).and_then(|dataset| dataset.default_time.clone());
        let time = measure.time.clone().or_else(default);
        let fact = Self { dataset: measure.dataset.clone(), time, latest: false };
        match &measure.calculation {
            Calculation::Latest { time, .. } => Self { time: Some(time.clone()), latest: true, ..fact },
            _ => fact,
        }
    }

    /// The facts of everything that `measure` is made of, each once.
    pub fn all_of(measure: &Measure, model: &Model) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for part in measure.parts() {
            let fact = Self::of(part, model);
            if !found.contains(&fact) {
                found.push(fact);
            }
        }
        found
    }

    /// The field of this fact that means what `at` means on `root`; none where nothing does.
    pub fn field(&self, at: &FieldRef, root: &Self, model: &Model) -> Option<FieldRef> {
        let own = |name: &String| FieldRef { dataset: self.dataset.clone(), field: name.clone(), via: None };
        if at.dataset == root.dataset && at.via.is_none() && Some(&at.field) == root.time.as_ref() {
            return self.time.as_ref().map(own);
        }
        if self.dataset == root.dataset || self.reaches(at, model) {
            return Some(at.clone());
        }
        let same = |one: &FieldRef| model.field(one).and_then(|field| field.same_as.as_ref());
        if let Some(other) = same(at).filter(|other| self.reaches(other, model)) {
            return Some(other.clone());
        }
        let fields = model.dataset(&self.dataset)?.fields.iter();
        let conformed = fields.map(|field| own(&field.name)).find(|own| same(own) == Some(at));
        conformed.or_else(|| self.key(at, model))
    }

    fn reaches(&self, at: &FieldRef, model: &Model) -> bool {
        at.dataset == self.dataset && at.via.is_none()
            || model.way(&self.dataset, &at.dataset, at.via.as_deref()).is_some()
    }

    /// Where `at` refers to rows that this fact reaches too: their key.
    fn key(&self, at: &FieldRef, model: &Model) -> Option<FieldRef> {
        let column = &model.field(at)?.column;
        let mut joins = model.joins.iter().filter(|join| join.from == at.dataset && join.columns == [column.clone()]);
        let join = joins.next().filter(|_| joins.next().is_none())?;
        let target = model.dataset(&join.to)?;
        let field = target.fields.iter().find(|field| join.references == [field.column.clone()])?;
        let key = FieldRef { dataset: target.name.clone(), field: field.name.clone(), via: None };
        self.reaches(&key, model).then_some(key)
    }

    /// `group` of `root`, on this fact.
    pub fn group(&self, group: &Group, root: &Self, model: &Model) -> Option<Group> {
        // Rows that refer to the root's refer to no others.
        if group.counted && self.dataset != root.dataset {
            return None;
        }
        Some(Group { field: self.field(&group.field, root, model)?, ..group.clone() })
    }

    /// `filter` of `root`, on this fact.
    pub fn filter(&self, filter: &Filter, root: &Self, model: &Model) -> Option<Filter> {
        if self.dataset == root.dataset && self.time == root.time {
            return Some(filter.clone());
        }
        let field = |at: &FieldRef| self.field(at, root, model);
        let each = |of: &[Filter]| of.iter().map(|one| self.filter(one, root, model)).collect::<Option<Vec<_>>>();
        Some(match filter {
            Filter::Compare { field: at, op, values } => {
                Filter::Compare { field: field(at)?, op: *op, values: values.clone() }
            }
            Filter::Part { field: at, part, op, values } => {
                Filter::Part { field: field(at)?, part: *part, op: *op, values: values.clone() }
            }
            Filter::Fields { left, op, right } => Filter::Fields { left: field(left)?, op: *op, right: field(right)? },
            Filter::Any { of } => Filter::Any { of: each(of)? },
            Filter::All { of } => Filter::All { of: each(of)? },
            // Rows that refer to the root's refer to no others.
            Filter::Related { .. } if self.dataset == root.dataset => filter.clone(),
            Filter::Related { .. } => return None,
        })
    }
}

impl Query {
    /// The rows that its groups and conditions are told of.
    pub fn root(&self, model: &Model) -> Fact {
        let first = self.measures.first().and_then(|measure| measure.parts().first().copied());
        match first.filter(|part| part.dataset == self.dataset) {
            Some(part) => Fact::of(part, model),
            None => Fact::of(&Measure::new(&self.dataset, Calculation::CountRows), model),
        }
    }
}

impl Query {
    /// What is compared with what, where two periods or values are: what it was, and what it is.
    pub fn sides(&self) -> Option<(&[Filter], &[Filter])> {
        self.measures.iter().find_map(Measure::sides)
    }
}

impl Measure {
    /// What is held against itself, at another time or in other rows.
    pub fn compared(&self) -> Option<&Measure> {
        match &self.calculation {
            Calculation::Change { measure, .. } | Calculation::Growth { measure, .. } => Some(measure),
            _ => None,
        }
    }

    /// What is compared with what, where two periods or values are: what it was, and what it is.
    pub fn sides(&self) -> Option<(&[Filter], &[Filter])> {
        match &self.calculation {
            Calculation::Change { from, to, .. } => Some((from, to)),
            _ => None,
        }
    }

    /// What it is made of: the measures of one fact each that its calculation joins, or itself.
    pub fn parts(&self) -> Vec<&Measure> {
        match &self.calculation {
            Calculation::Ratio { numerator, denominator, .. } => {
                numerator.parts().into_iter().chain(denominator.parts()).collect()
            }
            Calculation::Change { measure, .. }
            | Calculation::Growth { measure, .. }
            | Calculation::ShareOfTotal { measure, .. } => measure.parts(),
            _ => vec![self],
        }
    }
}
