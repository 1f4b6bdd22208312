//! A question that changes the one before: `and in March?`, `only JFK`, `by carrier`, `what about the average delay?`.
//!
//! What it says replaces what the earlier query said of the same field, period, groups or numbers; the rest stays.

use pilothouse_domain::semantic::{Additivity, Calculation, Direction, FieldRef, Filter, Measure, Order, Query};

use super::Planner;
use super::candidates::Sense;
use super::draft::Draft;
use super::filters;
use super::lexicon::Meaning;
use super::resolve::{Resolver, ties};
use super::scan::Scan;
use super::tag::{Item, Tagged};
use super::words::Word;

/// Words that begin a question that goes on from another.
const OPENERS: [&str; 20] = [
    "as",
    "top",
    "bottom",
    "vs",
    "versus",
    "compared",
    "and",
    "what about",
    "how about",
    "only",
    "just",
    "by",
    "per",
    "for",
    "in",
    "now",
    "but",
    "same",
    "instead",
    "without",
];

impl Planner {
    /// The queries that `previous` can become; none when the words do not go on from it.
    pub(crate) fn follow_up(&self, question: &str, items: &[Tagged], previous: &Query) -> Vec<Query> {
        let lower = question.to_lowercase();
        let opens = |opener: &str| lower.strip_prefix(opener).is_some_and(|rest| rest.starts_with(' '));
        let short = items.iter().all(|item| !matches!(item.item, Item::Word(Word::HowMany | Word::Which | Word::List)));
        if !OPENERS.into_iter().any(opens) || !short {
            return Vec::new();
        }
        let Some(root) = self.model.datasets.iter().position(|d| d.name == previous.dataset) else { return Vec::new() };
        let mut senses: Vec<Option<Meaning>> = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let Item::Noun(entries) = &item.item else {
                senses.push(None);
                continue;
            };
            let best = self.senses(items, at, entries, root).into_iter().min_by_key(|sense: &Sense| sense.cost);
            let Some(best) = best else { return Vec::new() };
            senses.push(Some(best.meaning));
        }
        let kept: Vec<Tagged> = items.iter().map(without_opener).collect();
        let picks: Vec<Option<&Meaning>> = senses.iter().map(Option::as_ref).collect();
        let Ok(draft) = Scan::new(&self.model, &self.graph, &kept, &picks).run() else { return Vec::new() };
        if let Some(query) = self.recast(&draft, previous, root) {
            return vec![query];
        }
        let plain = !draft.compare
            && draft.rank.is_none()
            && draft.share.is_none()
            && draft.counts.is_empty()
            && draft.having.is_empty();
        let said = !draft.conditions.is_empty() || !draft.groups.is_empty() || !draft.measures.is_empty();
        if !plain || !said || draft.related.is_some() || !draft.loose.is_empty() {
            return Vec::new();
        }
        let resolver = Resolver { model: &self.model, graph: &self.graph, root, draft: &draft };
        let mut queries = vec![previous.clone()];
        let Ok(clauses) = filters::clauses(&draft, resolver.times()) else { return Vec::new() };
        for clause in clauses {
            let mut next = Vec::new();
            for query in &queries {
                next.extend(clause.readings.iter().map(|filter| replaced(query, filter)));
            }
            queries = next;
        }
        if !draft.groups.is_empty() || !draft.measures.is_empty() {
            for query in &mut queries {
                if !regrouped(query, &resolver).unwrap_or(false) {
                    return Vec::new();
                }
            }
        }
        queries
    }
}

impl Planner {
    /// The same numbers seen otherwise: as a share of their total, only the first few, or against another period.
    fn recast(&self, draft: &Draft, previous: &Query, root: usize) -> Option<Query> {
        let only =
            Draft { rank: None, limit: None, share: None, compare: false, conditions: Vec::new(), ..draft.clone() };
        let [measure] = previous.measures.as_slice() else { return None };
        let grouped = !previous.groups.is_empty() && !previous.count_groups;
        if only != Draft::default() {
            return None;
        }
        match (draft.share, draft.rank, draft.conditions.as_slice()) {
            (Some(fraction), None, []) if grouped && measure.additivity() != Additivity::NonAdditive => {
                let whole = Box::new(measure.clone());
                let share = Measure::new(&measure.dataset, Calculation::ShareOfTotal { measure: whole, fraction });
                Some(Query { measures: vec![share], ..previous.clone() })
            }
            (None, Some(rank), []) if grouped && draft.limit.is_some() => {
                let mut order = vec![Order::Measure { index: 0, direction: rank.direction }];
                order.extend(ties(&previous.groups));
                Some(Query { order, limit: draft.limit, ..previous.clone() })
            }
            (None, None, [_]) if draft.compare => {
                let resolver = Resolver { model: &self.model, graph: &self.graph, root, draft };
                let clauses = filters::clauses(draft, resolver.times()).ok()?;
                let [Filter::All { of: other }] = clauses.first().filter(|clause| clause.period)?.readings.as_slice()
                else {
                    return None;
                };
                resolver.against(previous, other)
            }
            _ => None,
        }
    }
}

fn without_opener(item: &Tagged) -> Tagged {
    let opener = matches!(item.item, Item::Word(Word::And | Word::What)) || item.text.eq_ignore_ascii_case("how about");
    if opener { Tagged { item: Item::Word(Word::Skip), ..item.clone() } } else { item.clone() }
}

/// The query with `filter` in place of what was said of the same field.
fn replaced(query: &Query, filter: &Filter) -> Query {
    let about = fields(filter);
    let mut next = query.clone();
    next.filters.retain(|old| !fields(old).iter().any(|field| about.contains(field)));
    match filter {
        Filter::All { of } => next.filters.extend(of.iter().cloned()),
        filter => next.filters.push(filter.clone()),
    }
    next
}

fn fields(filter: &Filter) -> Vec<&FieldRef> {
    match filter {
        Filter::Compare { field, .. } | Filter::Part { field, .. } => vec![field],
        Filter::Fields { left, right, .. } => vec![left, right],
        Filter::Any { of } | Filter::All { of } => of.iter().flat_map(fields).collect(),
        Filter::Related { .. } => Vec::new(),
    }
}

/// Puts the new groups and numbers into the query; false where they do not fit what it is.
fn regrouped(query: &mut Query, resolver: &Resolver<'_>) -> Option<bool> {
    if query.measures.is_empty() || !query.having.is_empty() || query.count_groups {
        return Some(false);
    }
    let draft = resolver.draft;
    if !draft.groups.is_empty() {
        query.groups = draft.groups.iter().map(|target| resolver.group(target).ok()).collect::<Option<_>>()?;
    }
    if !draft.measures.is_empty() {
        let mut measures = Vec::new();
        for spec in &draft.measures {
            measures.extend(resolver.measures().of(spec)?);
        }
        query.measures = measures;
    }
    let timed = query.groups.iter().any(|group| resolver.model.is_time(group));
    query.limit = None;
    query.order = Vec::new();
    if !query.groups.is_empty() && !timed {
        query.order.push(Order::Measure { index: 0, direction: Direction::Descending });
    }
    query.order.extend(ties(&query.groups));
    Some(true)
}
