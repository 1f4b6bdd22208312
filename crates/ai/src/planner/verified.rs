//! Questions whose reading somebody has vouched for. They come first: in the very words, or with other periods and values in
//! the place of those that they were verified with.

use std::collections::HashMap;

use jiff::civil::Date;
use pilothouse_domain::answer::Verified;
use pilothouse_domain::semantic::{Filter, Query, Scalar, explain};

use super::dates::Period;
use super::lexicon::{Meaning, Place};
use super::tag::{Item, Tagged};
use super::time::Times;
use super::token::Kind;
use super::words::Word;
use super::{Context, Plan, Planner, Reading, token};

/// The verified questions by their words, and by their words without periods and values.
#[derive(Debug, Default)]
pub(crate) struct Known {
    exact: HashMap<String, usize>,
    patterns: HashMap<String, usize>,
}

/// What may be other than in the verified question.
#[derive(Debug, Clone, PartialEq)]
enum Slot {
    Period(Vec<Period>),
    Values(Vec<String>),
}

impl Planner {
    /// The index of the model's verified questions.
    pub(crate) fn known(&self) -> Known {
        let mut known = Known::default();
        for (at, verified) in self.model.verified.iter().enumerate() {
            known.exact.entry(normal(&verified.question)).or_insert(at);
            let (pattern, slots) = self.pattern(&verified.question, DAY);
            if !slots.is_empty() {
                known.patterns.entry(pattern).or_insert(at);
            }
        }
        known
    }

    /// The answer that a verified question gives.
    pub(crate) fn vouched(&self, question: &str, context: &Context<'_>) -> Option<Plan> {
        if self.model.verified.is_empty() {
            return None;
        }
        let known = self.verified.get_or_init(|| self.known());
        if let Some(at) = known.exact.get(&normal(question)) {
            return Some(self.marked(*at, self.model.verified[*at].query.clone()));
        }
        let (pattern, slots) = self.pattern(question, context.today);
        let at = *known.patterns.get(&pattern)?;
        let verified = &self.model.verified[at];
        let (_, own) = self.pattern(&verified.question, DAY);
        let mut query = verified.query.clone();
        for (old, new) in own.iter().zip(&slots) {
            query = self.refilled(&query, old, new)?;
        }
        Some(self.marked(at, query))
    }

    fn marked(&self, at: usize, query: Query) -> Plan {
        let verified = &self.model.verified[at];
        let mark = Verified { by: verified.by.clone(), on: verified.on.clone(), question: verified.question.clone() };
        let mut understanding = explain(&query, &self.model);
        understanding.verified = Some(mark);
        Plan::Answer(Box::new(Reading { understanding, query, corrections: Vec::new() }))
    }

    /// The question's words without what may be other, and that.
    fn pattern(&self, question: &str, today: Date) -> (String, Vec<Slot>) {
        let items = self.items(token::tokens(question), today);
        let mut slots = Vec::new();
        let words = items.iter().filter(|item| !matches!(item.item, Item::Word(Word::Skip | Word::Comma)));
        let words: Vec<String> = words.map(|item| placeholder(item, &mut slots)).collect();
        (words.join(" "), slots)
    }

    /// The query with what `new` says in the place of what `old` said; none where the old is not in it.
    fn refilled(&self, query: &Query, old: &Slot, new: &Slot) -> Option<Query> {
        if old == new {
            return Some(query.clone());
        }
        match (old, new) {
            (Slot::Values(old), Slot::Values(new)) => {
                let texts =
                    |values: &[String]| values.iter().map(|value| Scalar::Text(value.clone())).collect::<Vec<_>>();
                let (old, new) = (texts(old), texts(new));
                let mut next = query.clone();
                let place = next.filters.iter_mut().find_map(|filter| match filter {
                    Filter::Compare { values, .. } if *values == old => Some(values),
                    _ => None,
                })?;
                *place = new;
                Some(next)
            }
            (Slot::Period(old), Slot::Period(new)) => {
                let root = self.model.datasets.iter().position(|dataset| dataset.name == query.dataset)?;
                let times = Times::new(&self.model, &self.graph, root);
                // The time that the verified query tells its period by.
                query.filters.iter().filter_map(|filter| self.place(filter)).find_map(|place| {
                    let (old, new) = (flat(times, old, place)?, flat(times, new, place)?);
                    let at = query.filters.windows(old.len()).position(|window| window == old)?;
                    let mut next = query.clone();
                    next.filters.splice(at..at + old.len(), new);
                    Some(next)
                })
            }
            _ => None,
        }
    }
}

impl Planner {
    /// The place of the field that a condition is about.
    fn place(&self, filter: &Filter) -> Option<Place> {
        let Filter::Compare { field: at, .. } = filter else { return None };
        let dataset = self.model.datasets.iter().position(|dataset| dataset.name == at.dataset)?;
        let field = self.model.datasets[dataset].fields.iter().position(|field| field.name == at.field)?;
        Some(Place { dataset, field, via: None })
    }
}

/// The day on which verified questions are read; what is relative to a day has no fixed reading and is not replaced.
const DAY: Date = Date::constant(2000, 1, 1);

/// The words of a question, whatever their case and the marks between them.
fn normal(question: &str) -> String {
    let tokens = token::tokens(question);
    let words = tokens.iter().filter(|token| token.kind != Kind::Comma);
    words.map(|token| token.stem.as_str()).collect::<Vec<_>>().join(" ")
}

fn placeholder(item: &Tagged, slots: &mut Vec<Slot>) -> String {
    match &item.item {
        Item::Period(periods) => {
            slots.push(Slot::Period(periods.clone()));
            "<period>".to_owned()
        }
        Item::Noun(entries) => {
            let value = entries.iter().find_map(|entry| match &entry.meaning {
                Meaning::Value { place, values } => Some((place, values)),
                _ => None,
            });
            let Some((place, values)) = value else { return item.text.to_lowercase() };
            slots.push(Slot::Values(values.clone()));
            format!("<value {} {}>", place.dataset, place.field)
        }
        _ => item.text.to_lowercase(),
    }
}

/// The conditions that periods are on the rows, one reading.
fn flat(times: Times<'_>, periods: &[Period], place: Place) -> Option<Vec<Filter>> {
    match <[Filter; 1]>::try_from(times.filters(periods, Some(place), None).ok()?).ok()? {
        [Filter::All { of }] => Some(of),
        [filter] => Some(vec![filter]),
    }
}
