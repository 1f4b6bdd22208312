//! Reads items from left to right into a [`Draft`]. Every item must find its place; what does not, ends the reading.

mod conditions;
mod look;
mod nouns;
mod values;

use pilothouse_domain::semantic::{Aggregate, Compare, Field, FieldKind, Model};

use crate::planner::draft::{Draft, Growth, Rank, Raw, Spec, Target};
use crate::planner::graph::Graph;
use crate::planner::lexicon::{Meaning, Place};
use crate::planner::tag::{Cond, Item, Tagged};
use crate::planner::words::{About, Word};

use look::{agent, participle};
pub(crate) use values::{bounded, in_unit, is_count, number_scalar};

/// Most rows a question may ask for with `top N`.
const MAX_LIMIT: f64 = 10_000.0;

/// Why a reading ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stuck {
    /// This word, by its place among the items, finds no place in the sentence.
    Item(usize),
}

/// The items of a question with one reading chosen for each noun.
pub(crate) struct Scan<'a> {
    pub model: &'a Model,
    pub graph: &'a Graph,
    pub items: &'a [Tagged],
    pub picks: &'a [Option<&'a Meaning>],
    pub draft: Draft,
    state: State,
}

#[derive(Default)]
struct State {
    count: bool,
    aggregates: Vec<Aggregate>,
    last_aggregates: Vec<Aggregate>,
    distinct: bool,
    which: bool,
    by: bool,
    each: bool,
    /// The last noun was a group, so `and` may bring another.
    grouping: bool,
    sup: Option<Rank>,
    not: bool,
    missing: Option<Compare>,
    or: bool,
    and: bool,
    prep: bool,
    verb: bool,
    relative: bool,
    cond: Option<Cond>,
    /// The next measure divides the one before; whether in percent.
    over: Option<bool>,
    last: Last,
    /// Measures that stand beside others without `and`; a condition must still take them away.
    beside: Vec<Spec>,
}

/// What the last noun became, for what follows it.
#[derive(Default, Clone, PartialEq)]
enum Last {
    #[default]
    None,
    Measure(usize),
    Rank,
    Subject(usize),
    Condition(usize),
    Mention,
    Group,
}

impl<'a> Scan<'a> {
    pub fn new(model: &'a Model, graph: &'a Graph, items: &'a [Tagged], picks: &'a [Option<&'a Meaning>]) -> Self {
        Self { model, graph, items, picks, draft: Draft::default(), state: State::default() }
    }

    pub fn run(mut self) -> Result<Draft, Stuck> {
        let mut at = 0;
        while at < self.items.len() {
            at = self.step(at)?;
        }
        self.finish()
    }

    fn field(&self, place: Place) -> &'a Field {
        &self.model.datasets[place.dataset].fields[place.field]
    }

    fn step(&mut self, at: usize) -> Result<usize, Stuck> {
        match &self.items[at].item {
            Item::Word(word) => self.word(*word, at),
            Item::Noun(_) => match self.picks[at] {
                Some(meaning) => self.noun(meaning, at),
                None => Err(Stuck::Item(at)),
            },
            Item::Period(periods) => {
                if self.state.not {
                    return Err(Stuck::Item(at));
                }
                let place = self.time_before(at);
                self.condition(Raw::Period { periods: periods.clone(), place }, at);
                Ok(at + 1)
            }
            Item::Compared(periods) => {
                if self.state.not || self.draft.compared.is_some() {
                    return Err(Stuck::Item(at));
                }
                let place = self.time_before(at);
                self.draft.compared = Some((periods.clone(), place));
                Ok(at + 1)
            }
            Item::Cond(cond) => self.cond(cond.clone(), at),
            Item::Number(number) => self.number(*number, at),
            Item::Quoted | Item::Unknown => Err(Stuck::Item(at)),
        }
    }

    fn word(&mut self, word: Word, at: usize) -> Result<usize, Stuck> {
        let divides = word == Word::By && self.divides(at);
        let state = &mut self.state;
        match word {
            Word::HowMany => state.count = true,
            Word::HowMuch | Word::Skip | Word::Than => {}
            Word::What | Word::Which | Word::Who => {
                let verb = matches!(self.items.get(at + 1).map(|i| &i.item), Some(Item::Word(Word::Verb)));
                state.which = !(word == Word::What && verb);
                self.draft.looked_up |= word == Word::What && verb;
            }
            Word::When => self.draft.when = true,
            Word::List => self.draft.listed = true,
            // `how many are there` counts once.
            Word::Exists if !self.draft.measures.is_empty() || state.count => {}
            Word::Exists => {
                state.count = true;
                self.draft.counted = true;
            }
            Word::Aggregate(Aggregate::CountDistinct) => (state.count, state.distinct) = (true, true),
            Word::Aggregate(aggregate) => state.aggregates.push(aggregate),
            Word::Distinct => (state.distinct, self.draft.distinct) = (true, true),
            Word::Share { fraction } => (self.draft.share, state.which) = (Some(fraction), false),
            Word::Rate => {
                self.draft.rate = true;
                self.draft.share.get_or_insert(false);
            }
            // `flown by` and `used by` name who did it; `by carrier` groups.
            Word::By if at > 0 && participle(&self.items[at - 1]) && agent(self.items, self.picks, at) => {
                state.prep = true;
            }
            Word::By if divides => state.over = Some(false),
            Word::By => state.by = true,
            Word::Each => (state.by, state.each) = (true, true),
            Word::Sup(sup) => state.sup = Some(Rank { direction: sup.direction, about: sup.about }),
            Word::Top(direction) => self.draft.rank = Some(Rank { direction, about: About::Next }),
            Word::Cmp(_) | Word::CmpAfter(_) | Word::Between | Word::Vague | Word::Destructive => {
                return Err(Stuck::Item(at));
            }
            Word::Not => state.not = true,
            Word::Missing | Word::Known => return Ok(self.missing(word, at)),
            Word::And => state.and = true,
            Word::Comma => state.and = true,
            Word::Or => state.or = true,
            Word::That if self.draft.compare && self.items[at].text.eq_ignore_ascii_case("with") => state.or = true,
            Word::Versus => (state.or, self.draft.compare) = (true, true),
            Word::Compare => self.draft.compare = true,
            Word::Verb | Word::That => {
                state.verb = true;
                state.relative |= word == Word::That;
                state.prep = false;
            }
            Word::Prep(_) => state.prep = true,
            Word::Grain(grain) => return self.target(Target::Grain(grain), at),
            Word::Periodic(grain) => {
                self.state.grouping = true;
                self.draft.groups.push(Target::Grain(grain));
                self.draft.per.push(Target::Grain(grain));
            }
            Word::Trend => self.draft.trend = true,
            Word::Change => self.draft.change = true,
            Word::Growth { year } => {
                self.draft.growth = Some(if year { Growth::YearBefore } else { Growth::Before });
            }
            Word::InUnit => self.draft.unit = self.items[at].text.to_lowercase().rsplit(' ').next().map(str::to_owned),
            Word::Sorted(direction) => self.draft.sorted = Some(direction),
            Word::GoodFirst => self.draft.good_first = true,
            Word::Excluded => return self.exclude(at),
            Word::GoingBy => return self.going_by(at),
            Word::Steps => return self.steps(at),
            Word::AtEnd => self.draft.at_end = true,
            Word::Why => self.draft.why = true,
            Word::RatioOf => self.draft.ratio_of = true,
            Word::Over { percent } => state.over = Some(percent),
            Word::Combined => self.draft.combined = true,
        }
        Ok(at + 1)
    }

    /// `void ones excluded` turns the condition before.
    fn exclude(&mut self, at: usize) -> Result<usize, Stuck> {
        match self.draft.conditions.last_mut().map(|condition| &mut condition.raw) {
            Some(Raw::Compare { op: op @ Compare::Eq, .. }) => *op = Compare::Ne,
            Some(Raw::Segment { not: not @ false, threshold: None, .. }) => *not = true,
            _ => return Err(Stuck::Item(at)),
        }
        Ok(at + 1)
    }

    /// The time that is named after `going by`; another noun is what to group by.
    fn going_by(&mut self, at: usize) -> Result<usize, Stuck> {
        let next = self.next(at).ok_or(Stuck::Item(at))?;
        let Some(Meaning::Field(place)) = self.picks[next] else { return Err(Stuck::Item(at)) };
        if self.field(*place).kind != FieldKind::Time || self.draft.time.is_some() {
            return Err(Stuck::Item(at));
        }
        self.draft.time = Some(*place);
        Ok(next + 1)
    }

    /// The number after `in steps of`.
    fn steps(&mut self, at: usize) -> Result<usize, Stuck> {
        let width = match self.items.get(at + 1).map(|item| &item.item) {
            Some(Item::Number(number)) => *number,
            Some(Item::Cond(Cond { op: Compare::Eq, low, high: None, .. })) => *low,
            _ => return Err(Stuck::Item(at)),
        };
        self.draft.step = Some(width).filter(|width| *width > 0.0);
        self.draft.step.map(|_| at + 2).ok_or(Stuck::Item(at))
    }

    fn finish(mut self) -> Result<Draft, Stuck> {
        let end = self.items.len().saturating_sub(1);
        if let Some(at) = self.unfinished_verb() {
            return Err(Stuck::Item(at));
        }
        if let ([_, _], true) = (self.draft.measures.as_slice(), self.draft.ratio_of) {
            self.draft.over = self.draft.measures.pop().map(|spec| (spec, false));
        }
        if self.state.over.is_some() || self.draft.ratio_of && self.draft.over.is_none() {
            return Err(Stuck::Item(end));
        }
        let beside = |spec: &Spec| self.draft.measures.contains(spec);
        if self.state.sup.is_none() && self.state.beside.iter().any(beside) {
            return Err(Stuck::Item(end));
        }
        if let Some(mut sup) = self.state.sup {
            // `used the most` counts rows; `is the largest` does not.
            let said = self.items.iter().rev().find(|item| matches!(item.item, Item::Word(Word::Sup(_))));
            let often = said
                .is_some_and(|item| ["most", "least"].contains(&item.text.to_lowercase().trim_start_matches("the ")));
            if often && sup.about == About::Next && self.draft.measures.is_empty() {
                sup.about = About::Rows;
            }
            self.draft.rank = Some(sup);
            if self.draft.rank_by.is_none() && !self.draft.measures.is_empty() {
                self.draft.rank_by = self.draft.measures.pop();
            }
        }
        match self.state.aggregates.as_slice() {
            [] | [Aggregate::Sum] => {}
            [Aggregate::Avg] if !self.draft.average_left => self.draft.average_left = true,
            _ => return Err(Stuck::Item(end)),
        }
        if self.state.not || self.state.missing.is_some() || self.state.cond.is_some() || self.state.by {
            return Err(Stuck::Item(end));
        }
        if self.state.count {
            self.draft.counted = true;
            if self.draft.measures.is_empty() {
                self.draft.measures.push(Spec::Rows);
            }
        }
        Ok(self.draft)
    }
}
