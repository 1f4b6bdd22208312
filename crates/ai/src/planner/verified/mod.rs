//! Questions whose reading somebody has vouched for. They come first: in the very words, or with other periods, values,
//! numbers, groups and metrics in the place of those that they were verified with.

mod fill;

use std::collections::HashMap;

use jiff::civil::Date;
use pilothouse_domain::answer::Verified;
use pilothouse_domain::semantic::{Query, explain};

use super::dates::Period;
use super::draft::Target;
use super::lexicon::Meaning;
use super::tag::{Cond, Item, Tagged};
use super::token::Kind;
use super::words::Word;
use super::{Context, Plan, Planner, Reading, token};

/// The verified questions by their words, and by their words without what may be other.
#[derive(Debug, Default)]
pub(crate) struct Known {
    exact: HashMap<String, usize>,
    patterns: HashMap<String, Vec<(usize, Vec<Slot>)>>,
}

/// What may be other than in the verified question.
#[derive(Debug, Clone, PartialEq)]
enum Slot {
    Period(Vec<Period>),
    Values(Vec<String>),
    /// How many of the first, or the width of steps.
    Number(f64),
    Bound(Cond),
    Group(Target),
    Metric(usize),
}

impl Slot {
    /// Whether another one asks for other numbers, rather than for the same ones of other rows.
    fn is_asked_for(&self) -> bool {
        matches!(self, Self::Group(_) | Self::Metric(_))
    }
}

impl Planner {
    /// The index of the model's verified questions.
    pub(crate) fn known(&self) -> Known {
        let mut known = Known::default();
        for (at, verified) in self.model.verified.iter().enumerate() {
            known.exact.entry(normal(&verified.question)).or_insert(at);
            let (pattern, slots) = self.pattern(&verified.question, DAY);
            if !slots.is_empty() {
                known.patterns.entry(pattern).or_default().push((at, slots));
            }
        }
        known
    }

    /// The answer that a verified question gives: of several with the same words, the one with the fewest of them changed.
    pub(crate) fn vouched(&self, question: &str, context: &Context<'_>) -> Option<Plan> {
        if self.model.verified.is_empty() {
            return None;
        }
        let known = self.verified.get_or_init(|| self.known());
        if let Some(at) = known.exact.get(&normal(question)) {
            return Some(self.marked(*at, self.model.verified[*at].query.clone()));
        }
        let (pattern, slots) = self.pattern(question, context.today);
        let fitting = known.patterns.get(&pattern)?.iter().filter_map(|(at, own)| {
            let changed = own.iter().zip(&slots).filter(|(old, new)| old != new).count();
            Some((changed, *at, self.refilled(&self.model.verified[*at].query, own, &slots)?))
        });
        let (_, at, query) = fitting.min_by_key(|(changed, at, _)| (*changed, *at))?;
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
    let (slot, placeholder) = match &item.item {
        Item::Period(periods) => (Slot::Period(periods.clone()), "<period>".to_owned()),
        Item::Number(number) => (Slot::Number(*number), "<number>".to_owned()),
        Item::Cond(cond) => {
            let kind = format!("<{:?} {}>", cond.op, cond.unit.as_deref().unwrap_or_default());
            (Slot::Bound(cond.clone()), kind)
        }
        Item::Word(Word::Grain(grain)) => (Slot::Group(Target::Grain(*grain)), "<grain>".to_owned()),
        Item::Word(Word::Periodic(grain)) => (Slot::Group(Target::Grain(*grain)), "<periodic>".to_owned()),
        Item::Noun(entries) => {
            let value = entries.iter().find_map(|entry| match &entry.meaning {
                Meaning::Value { place, values } => {
                    Some((Slot::Values(values.clone()), format!("<value {} {}>", place.dataset, place.field)))
                }
                _ => None,
            });
            // Of nouns that can mean several things, the one that was meant is known of the verified question only.
            let noun = || match entries.as_slice() {
                [entry] => match &entry.meaning {
                    Meaning::Metric(at) => Some((Slot::Metric(*at), "<metric>".to_owned())),
                    Meaning::Field(place) => Some((Slot::Group(Target::Field(*place)), "<group>".to_owned())),
                    Meaning::Dataset { at, via } => {
                        Some((Slot::Group(Target::Dataset { at: *at, via: *via }), "<group>".to_owned()))
                    }
                    _ => None,
                },
                _ => None,
            };
            let Some(found) = value.or_else(noun) else { return item.text.to_lowercase() };
            found
        }
        _ => return item.text.to_lowercase(),
    };
    slots.push(slot);
    placeholder
}
