//! The readings of tagged items: each root dataset, with each choice of what the nouns mean, at its cost.

use pilothouse_domain::catalog::DataType;
use pilothouse_domain::semantic::{FieldKind, Query};

use super::Planner;
use super::lexicon::{Entry, Meaning, Place};
use super::measures::Measures;
use super::resolve::{Misfit, Resolver};
use super::scan::{Scan, Stuck};
use super::tag::{Item, Tagged};
use super::words::{About, Prep, Superlative, Word};

/// Most choices of meanings tried for one root.
const MAX_COMBINATIONS: usize = 64;
/// How much dearer than the cheapest a meaning may be and still be tried: at first, and where nothing was found.
const NEAR: u32 = 1;
const FAR: u32 = 2 * HOP_COST;
/// The cost of a join between the root and what a noun means.
const HOP_COST: u32 = 2;
/// The cost of a value that only rows which refer to the root know.
const THROUGH_COST: u32 = 3 * HOP_COST;
/// The cost of a root that no noun names.
const UNNAMED_ROOT_COST: u32 = 3;
/// The cost of a value on the wrong side of `from` and `to`.
const WRONG_SIDE_COST: u32 = 6;

/// A query that the items can mean.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub query: Query,
    pub cost: u32,
}

/// Everything the items can mean, and why other ways failed.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    pub found: Vec<Candidate>,
    /// The words that found no place, by how often.
    pub stuck: Vec<usize>,
    pub misfits: Vec<Misfit>,
}

/// A meaning of a noun on a root, and its cost.
pub(crate) struct Sense {
    pub meaning: Meaning,
    pub cost: u32,
}

impl Planner {
    /// Every reading of `items`, cheapest first.
    pub(crate) fn candidates(&self, items: &[Tagged]) -> Candidates {
        let mut all = Candidates::default();
        let roots = self.roots(items);
        for slack in [NEAR, FAR] {
            roots.iter().for_each(|root| self.on_root(items, *root, slack, &mut all));
            // What is farther off is looked at only where nothing near makes sense.
            if !all.found.is_empty() {
                break;
            }
        }
        all.found.sort_by_key(|candidate| candidate.cost);
        all
    }

    /// The datasets that any noun could be about.
    fn roots(&self, items: &[Tagged]) -> Vec<usize> {
        let mut roots: Vec<usize> = Vec::new();
        for item in items {
            // `best selling` and `hottest` name a measure, and with it where it stands.
            if let Item::Word(Word::Sup(Superlative { about: About::Hint(words), .. })) = &item.item {
                for root in 0..self.model.datasets.len() {
                    let measures = Measures { model: &self.model, graph: &self.graph, root };
                    if !roots.contains(&root) && !measures.hinted(words).is_empty() {
                        roots.push(root);
                    }
                }
            }
            let Item::Noun(entries) = &item.item else { continue };
            for entry in entries {
                let at = self.dataset_of(&entry.meaning);
                if !roots.contains(&at) {
                    roots.push(at);
                }
            }
        }
        // Where two datasets are spoken of, a third that refers to both may hold what connects them.
        let spoken: Vec<usize> = roots.iter().copied().filter(|root| self.is_named(items, *root)).collect();
        let reached = |from: usize| spoken.iter().filter(|to| self.graph.distance(from, **to, None).is_some()).count();
        if !spoken.iter().any(|from| reached(*from) == spoken.len()) {
            roots.extend((0..self.model.datasets.len()).filter(|at| !spoken.contains(at) && reached(*at) > 1));
        }
        roots
    }

    /// Whether a noun is about the dataset otherwise than by a yes-or-no word such as `active`.
    fn is_named(&self, items: &[Tagged], dataset: usize) -> bool {
        let flag = |meaning: &Meaning| match meaning {
            Meaning::Value { place, .. } | Meaning::Field(place) => {
                self.model.datasets[place.dataset].fields[place.field].data_type == DataType::Boolean
            }
            _ => false,
        };
        items.iter().any(|item| match &item.item {
            Item::Noun(entries) => {
                entries.iter().any(|entry| self.dataset_of(&entry.meaning) == dataset && !flag(&entry.meaning))
            }
            _ => false,
        })
    }

    fn dataset_of(&self, meaning: &Meaning) -> usize {
        let named = |name: &str| self.model.datasets.iter().position(|d| d.name == name).unwrap_or(usize::MAX);
        match meaning {
            Meaning::Dataset { at, .. } => *at,
            Meaning::Field(place) | Meaning::Value { place, .. } => place.dataset,
            Meaning::Metric(at) => named(&self.model.metrics[*at].measure.dataset),
            Meaning::Segment(at) => named(&self.model.segments[*at].dataset),
        }
    }

    fn on_root(&self, items: &[Tagged], root: usize, slack: u32, all: &mut Candidates) {
        if root >= self.model.datasets.len() {
            return;
        }
        let mut options: Vec<Vec<Sense>> = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let Item::Noun(entries) = &item.item else {
                options.push(Vec::new());
                continue;
            };
            let mut here = self.senses(items, at, entries, root);
            let Some(best) = here.iter().map(|option| option.cost).min() else { return };
            here.retain(|option| option.cost <= best + slack);
            here.sort_by_key(|option| option.cost);
            options.push(here);
        }
        let named =
            options.iter().flatten().any(|option| self.dataset_of(&option.meaning) == root && option.cost < HOP_COST);
        let base = if named { 0 } else { UNNAMED_ROOT_COST };
        let mut combination = vec![0usize; items.len()];
        for _ in 0..MAX_COMBINATIONS {
            self.try_combination(items, root, &options, &combination, base, all);
            if !advance(&mut combination, &options) {
                break;
            }
        }
    }

    fn try_combination(
        &self,
        items: &[Tagged],
        root: usize,
        options: &[Vec<Sense>],
        combination: &[usize],
        base: u32,
        all: &mut Candidates,
    ) {
        let chosen: Vec<Option<&Sense>> = options.iter().zip(combination).map(|(o, at)| o.get(*at)).collect();
        let cost = base + chosen.iter().flatten().map(|option| option.cost).sum::<u32>();
        let picks: Vec<Option<&Meaning>> = chosen.iter().map(|option| option.map(|o| &o.meaning)).collect();
        match Scan::new(&self.model, &self.graph, items, &picks).run() {
            Ok(draft) => {
                let resolver = Resolver { model: &self.model, graph: &self.graph, root, draft: &draft };
                match resolver.run() {
                    Ok(queries) => {
                        for query in queries {
                            match all.found.iter_mut().find(|known| known.query == query) {
                                Some(known) => known.cost = known.cost.min(cost),
                                None => all.found.push(Candidate { query, cost }),
                            }
                        }
                    }
                    Err(misfit) => all.misfits.push(misfit),
                }
            }
            Err(Stuck::Item(at)) => all.stuck.push(at),
        }
    }

    /// What a noun can mean on a root, with the cost of each.
    pub(crate) fn senses(&self, items: &[Tagged], at: usize, entries: &[Entry], root: usize) -> Vec<Sense> {
        let mut out: Vec<Sense> = Vec::new();
        let dated = matches!(items.get(at + 1).map(|item| &item.item), Some(Item::Period(_) | Item::Compared(_)));
        let is_time = |meaning: &Meaning| match meaning {
            Meaning::Field(place) => self.model.datasets[place.dataset].fields[place.field].kind == FieldKind::Time,
            _ => false,
        };
        let both = entries.iter().any(|entry| is_time(&entry.meaning))
            && entries.iter().any(|entry| matches!(entry.meaning, Meaning::Value { .. } | Meaning::Dataset { .. }));
        for entry in entries {
            // `paid in March` is when, `not paid` is what.
            let other = both && is_time(&entry.meaning) != dated;
            let cost = u32::from(entry.cost) + if other { HOP_COST } else { 0 };
            match &entry.meaning {
                Meaning::Dataset { at, via } => match self.graph.distance(root, *at, *via) {
                    Some(hops) => {
                        let ways = self.graph.ways(root, *at);
                        let cost = cost + HOP_COST * hops as u32;
                        if ways.len() > 1 && via.is_none() {
                            let vias = ways.iter().filter_map(|way| way.first().copied());
                            out.extend(
                                vias.map(|join| Sense { meaning: Meaning::Dataset { at: *at, via: Some(join) }, cost }),
                            );
                        } else {
                            out.push(Sense { meaning: entry.meaning.clone(), cost });
                        }
                    }
                    None if self.graph.distance(*at, root, None).is_some() => {
                        out.push(Sense { meaning: entry.meaning.clone(), cost: cost + HOP_COST });
                    }
                    None => {}
                },
                Meaning::Field(place) => {
                    for (place, more) in self.places(root, *place) {
                        out.push(Sense { meaning: Meaning::Field(place), cost: cost + more });
                    }
                }
                Meaning::Value { place, values } => {
                    let side = self.side_cost(items, at, *place);
                    let places = self.places(root, *place);
                    if places.is_empty() && self.graph.refers_through(root, place.dataset).is_some() {
                        out.push(Sense { meaning: entry.meaning.clone(), cost: cost + THROUGH_COST });
                    }
                    for (place, more) in places {
                        let meaning = Meaning::Value { place, values: values.clone() };
                        let through = if more > 0 { self.way_side_cost(items, at, place) } else { 0 };
                        out.push(Sense { meaning, cost: cost + more + side + through });
                    }
                }
                Meaning::Metric(_) if self.dataset_of(&entry.meaning) != root => {
                    out.push(Sense { meaning: entry.meaning.clone(), cost: cost + HOP_COST });
                }
                Meaning::Metric(_) => out.push(Sense { meaning: entry.meaning.clone(), cost }),
                Meaning::Segment(_) => {
                    if self.dataset_of(&entry.meaning) == root {
                        out.push(Sense { meaning: entry.meaning.clone(), cost });
                    }
                }
            }
        }
        out
    }

    /// The place as seen from the root: one for each way to it.
    fn places(&self, root: usize, place: Place) -> Vec<(Place, u32)> {
        let ways = self.graph.ways(root, place.dataset);
        match (ways, place.via) {
            _ if place.dataset == root => {
                let hops = self.graph.distance(root, root, place.via);
                hops.map(|hops| (place, HOP_COST * hops as u32)).into_iter().collect()
            }
            ([], _) => Vec::new(),
            ([way], _) => {
                // What has a role is meant where the role is said.
                let unsaid = place.via.is_none() && way.iter().any(|join| self.has_role(*join));
                vec![(Place { via: None, ..place }, HOP_COST * way.len() as u32 + u32::from(unsaid))]
            }
            (many, Some(join)) => {
                many.iter().filter(|way| way.contains(&join)).map(|way| (place, HOP_COST * way.len() as u32)).collect()
            }
            (many, None) => (many.iter())
                .filter_map(|way| {
                    let via = way.iter().find(|join| self.has_role(**join)).or(way.first()).copied()?;
                    Some((
                        Place { via: Some(via), ..place },
                        HOP_COST * way.len() as u32 + u32::from(self.has_role(via)),
                    ))
                })
                .collect(),
        }
    }

    fn has_role(&self, join: usize) -> bool {
        self.model.joins[join].role.is_some()
    }

    /// `from JFK` is an origin and `to JFK` a destination.
    fn side_cost(&self, items: &[Tagged], at: usize, place: Place) -> u32 {
        let field = &self.model.datasets[place.dataset].fields[place.field];
        side(items, at, &field.label)
    }

    fn way_side_cost(&self, items: &[Tagged], at: usize, place: Place) -> u32 {
        let role = place.via.and_then(|join| self.graph.role_label(&self.model, join));
        role.map_or(0, |label| side(items, at, &label))
    }
}

fn side(items: &[Tagged], at: usize, label: &str) -> u32 {
    let origin = ["origin", "source", "from", "departure", "sender", "start"].iter().any(|word| label.contains(word));
    let destination = ["dest", "target", "arrival", "receiver", "recipient"].iter().any(|word| label.contains(word));
    if !origin && !destination {
        return 0;
    }
    match preposition(items, at) {
        Some(Prep::From) if destination => WRONG_SIDE_COST,
        Some(Prep::To) if origin => WRONG_SIDE_COST,
        Some(Prep::From | Prep::To) => 0,
        _ => u32::from(destination),
    }
}

/// The preposition that leads a noun in, also through a list: `from JFK or LGA`.
fn preposition(items: &[Tagged], at: usize) -> Option<Prep> {
    for item in items[..at].iter().rev().take(6) {
        match &item.item {
            Item::Word(Word::Prep(prep @ (Prep::From | Prep::To))) => return Some(*prep),
            Item::Word(Word::Skip | Word::Or | Word::And | Word::Comma | Word::Versus | Word::Verb) | Item::Noun(_) => {
            }
            _ => return None,
        }
    }
    None
}

/// The next combination; false when all are done.
fn advance(combination: &mut [usize], options: &[Vec<Sense>]) -> bool {
    for (at, choices) in combination.iter_mut().zip(options) {
        if *at + 1 < choices.len() {
            *at += 1;
            return true;
        }
        *at = 0;
    }
    false
}
