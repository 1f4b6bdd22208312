//! Which datasets can be reached from which, along joins from the many to the one.

use std::collections::VecDeque;

use pilothouse_domain::semantic::{FieldRef, Model};

use super::lexicon::Place;

/// Most joins between a question's rows and a field it names.
const MAX_HOPS: usize = 4;

/// The ways between datasets.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// For each join of the model: from, to (places in the model's list of datasets).
    joins: Vec<Option<(usize, usize)>>,
    /// Which of them have a role.
    roles: Vec<bool>,
    /// For each pair: the shortest ways, each as the joins taken.
    ways: Vec<Vec<Vec<Vec<usize>>>>,
}

impl Graph {
    pub fn build(model: &Model) -> Self {
        let at = |name: &str| model.datasets.iter().position(|dataset| dataset.name == name);
        let joins: Vec<Option<(usize, usize)>> =
            model.joins.iter().map(|join| Some((at(&join.from)?, at(&join.to)?))).collect();
        let count = model.datasets.len();
        let roles = model.joins.iter().map(|join| join.role.is_some()).collect();
        let mut graph = Self { joins, roles, ways: Vec::new() };
        graph.ways = (0..count).map(|from| graph.ways_from(from, count)).collect();
        graph
    }

    fn ways_from(&self, from: usize, count: usize) -> Vec<Vec<Vec<usize>>> {
        let mut found: Vec<Vec<Vec<usize>>> = vec![Vec::new(); count];
        found[from].push(Vec::new());
        let mut queue = VecDeque::from([(from, Vec::new())]);
        while let Some((here, way)) = queue.pop_front() {
            if way.len() >= MAX_HOPS {
                continue;
            }
            for (index, join) in self.joins.iter().enumerate() {
                let Some((_, next)) = join.filter(|(start, _)| *start == here) else { continue };
                let mut longer: Vec<usize> = way.clone();
                longer.push(index);
                let known = found[next].first().map_or(usize::MAX, Vec::len);
                // A way of its own role is kept beside a shorter one; none comes by the same rows twice.
                let been = next == from || way.iter().any(|step| self.ends_at(*step, next));
                if !been && (longer.len() <= known || self.roles[index]) {
                    found[next].push(longer.clone());
                    queue.push_back((next, longer));
                }
            }
        }
        found
    }

    /// The shortest ways from one dataset to another; empty where there is none, one empty way to itself.
    pub fn ways(&self, from: usize, to: usize) -> &[Vec<usize>] {
        self.ways.get(from).and_then(|ways| ways.get(to)).map_or(&[], Vec::as_slice)
    }

    fn ends_at(&self, join: usize, at: usize) -> bool {
        self.joins[join].is_some_and(|(_, end)| end == at)
    }

    /// Whether the join leads from a dataset to others of its own rows, for instance from people to their managers.
    fn is_own(&self, join: usize, at: usize) -> bool {
        self.joins[join] == Some((at, at)) && self.roles[join]
    }

    /// How many joins lie between, where there is a way; with `via`, one that takes that join.
    pub fn distance(&self, from: usize, to: usize, via: Option<usize>) -> Option<usize> {
        if from == to {
            return via.map_or(Some(0), |join| self.is_own(join, to).then_some(1));
        }
        let ways = self.ways(from, to);
        match via {
            Some(join) => ways.iter().find(|way| way.contains(&join)).map(Vec::len),
            None => ways.first().map(Vec::len),
        }
    }

    pub fn joins_to(&self, to: usize) -> impl Iterator<Item = usize> + '_ {
        self.joins.iter().enumerate().filter(move |(_, join)| join.is_some_and(|(_, end)| end == to)).map(|(at, _)| at)
    }

    /// The joins that lead straight from one dataset to another.
    pub fn between(&self, from: usize, to: usize) -> Vec<usize> {
        let straight = |(_, join): &(usize, &Option<(usize, usize)>)| **join == Some((from, to));
        self.joins.iter().enumerate().filter(straight).map(|(at, _)| at).collect()
    }

    /// The one dataset that refers to `root` and leads to `to`.
    pub fn refers_through(&self, root: usize, to: usize) -> Option<usize> {
        let leads = |at: &usize| self.between(*at, root).len() == 1 && self.ways(*at, to).len() == 1;
        let mut found = (0..self.ways.len()).filter(|at| *at != root).filter(leads);
        found.next().filter(|_| found.next().is_none())
    }

    /// What people call the one end of a join: its role, or the label of its only column.
    pub fn role_label(&self, model: &Model, join: usize) -> Option<String> {
        let join = model.joins.get(join)?;
        let column = join.columns.first().filter(|_| join.columns.len() == 1)?;
        let dataset = model.dataset(&join.from)?;
        let field = dataset.fields.iter().find(|field| field.column == *column)?;
        join.role.as_ref().map(|_| field.label.clone())
    }

    /// The reference from `root` to the field at `place`, with the join's role where a way must be chosen.
    pub fn reference(&self, model: &Model, root: usize, place: Place) -> Option<FieldRef> {
        let dataset = model.datasets.get(place.dataset)?;
        let field = dataset.fields.get(place.field)?;
        let ways = self.ways(root, place.dataset);
        if let Some(own) = self.referring(model, root, place) {
            return Some(own);
        }
        let via = match (ways.len(), place.via) {
            _ if place.dataset == root => {
                self.distance(root, root, place.via)?;
                place.via.and_then(|join| model.joins.get(join)?.role.clone())
            }
            (0, _) => return None,
            (1, _) => None,
            (_, Some(join)) => model.joins.get(join)?.role.clone(),
            (_, None) => return None,
        };
        Some(FieldRef { dataset: dataset.name.clone(), field: field.name.clone(), via })
    }

    /// The root's own column that holds the key at `place`: no join is needed to tell one row from another.
    fn referring(&self, model: &Model, root: usize, place: Place) -> Option<FieldRef> {
        if place.dataset == root && place.via.is_none() {
            return None;
        }
        let column = &model.datasets.get(place.dataset)?.fields.get(place.field)?.column;
        let straight = self.between(root, place.dataset);
        let join = match (straight.as_slice(), place.via) {
            ([one], None) => *one,
            (many, Some(join)) if many.contains(&join) => join,
            _ => return None,
        };
        let join = model.joins.get(join)?;
        let ([refers], [key]) = (join.columns.as_slice(), join.references.as_slice()) else { return None };
        let dataset = model.datasets.get(root)?;
        let field = dataset.fields.iter().find(|field| field.column == *refers && key == column)?;
        Some(FieldRef { dataset: dataset.name.clone(), field: field.name.clone(), via: None })
    }
}
