//! Reads items from left to right into a [`Draft`]. Every item must find its place; what does not, ends the reading.

use pilothouse_domain::catalog::DataType;
use pilothouse_domain::semantic::{Aggregate, Calculation, Calendar, Compare, Field, FieldKind, Filter, Model, Scalar};

use super::draft::{Condition, Draft, Rank, Raw, Related, Spec, Subject, Target};
use super::graph::Graph;
use super::lexicon::{Meaning, Place};
use super::tag::{Cond, Item, TIMES, Tagged};
use super::words::{About, Word};

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
    cond: Option<Cond>,
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
            Item::Cond(cond) => self.cond(cond.clone(), at),
            Item::Number(number) => self.number(*number, at),
            Item::Quoted | Item::Unknown => Err(Stuck::Item(at)),
        }
    }

    fn word(&mut self, word: Word, at: usize) -> Result<usize, Stuck> {
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
            Word::Versus => (state.or, self.draft.compare) = (true, true),
            Word::Compare => self.draft.compare = true,
            Word::Verb | Word::That => {
                state.verb = true;
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
            Word::Combined => self.draft.combined = true,
        }
        Ok(at + 1)
    }

    /// `missing` before a field, or after one.
    fn missing(&mut self, word: Word, at: usize) -> usize {
        let mut op = if word == Word::Missing { Compare::IsNull } else { Compare::IsNotNull };
        if std::mem::take(&mut self.state.not) {
            op = if op == Compare::IsNull { Compare::IsNotNull } else { Compare::IsNull };
        }
        if let Some(Condition { raw: Raw::Compare { op: Compare::IsNull | Compare::IsNotNull, .. }, .. }) =
            self.draft.conditions.last()
            && self.adjacent(at)
        {
            // `no speed recorded` says it twice.
            return at + 1;
        }
        if let Some(place) = self.field_before(at) {
            self.undo_last();
            self.condition(Raw::Compare { place, op, values: Vec::new() }, at);
        } else {
            self.state.missing = Some(op);
        }
        at + 1
    }

    fn noun(&mut self, meaning: &'a Meaning, at: usize) -> Result<usize, Stuck> {
        match meaning {
            Meaning::Value { place, values } => {
                let scalars = values.iter().map(|v| scalar(self.field(*place), v)).collect();
                let op = if std::mem::take(&mut self.state.not) { Compare::Ne } else { Compare::Eq };
                self.condition(Raw::Compare { place: *place, op, values: scalars }, at);
                Ok(at + 1)
            }
            Meaning::Segment(segment) => {
                let not = std::mem::take(&mut self.state.not);
                let threshold = self.state.cond.take();
                if threshold.is_some() && !self.has_threshold(*segment) {
                    return Err(Stuck::Item(at));
                }
                self.condition(Raw::Segment { at: *segment, not, threshold }, at);
                Ok(at + 1)
            }
            Meaning::Metric(metric) => self.measure(Spec::Metric(*metric), at),
            Meaning::Field(place) => {
                if self.qualifies(at, *place) {
                    return Ok(at + 1);
                }
                if let Some(op) = self.state.missing.take() {
                    self.condition(Raw::Compare { place: *place, op, values: Vec::new() }, at);
                    return Ok(at + 1);
                }
                if self.state.not && self.field(*place).kind == FieldKind::Measure && !self.recorded_follows(at) {
                    // `no delay` is a delay of zero as likely as an unknown one.
                    return Err(Stuck::Item(at));
                }
                if self.state.not && !self.cond_follows(at) {
                    self.state.not = false;
                    self.condition(Raw::Compare { place: *place, op: Compare::IsNull, values: Vec::new() }, at);
                    return Ok(at + 1);
                }
                let field = self.field(*place);
                if let Some(Item::Number(number)) = self.items.get(at + 1).map(|i| &i.item)
                    && field.data_type.is_numeric()
                {
                    let value = number_scalar(field, *number);
                    self.condition(Raw::Compare { place: *place, op: Compare::Eq, values: vec![value] }, at);
                    return Ok(at + 2);
                }
                if let Some(cond) = self.state.cond.take() {
                    return self.cond_on_field(cond, *place, at);
                }
                if field.kind == FieldKind::Measure && !self.state.distinct {
                    if self.state.by && !self.ranked() && self.draft.measures.iter().any(|m| *m != Spec::Plain(*place)) {
                        return self.target(Target::Field(*place), at);
                    }
                    let counted = std::mem::take(&mut self.state.count);
                    let spec = if counted { Spec::Aggregate(Aggregate::Sum, *place) } else { Spec::Plain(*place) };
                    return self.measure(spec, at);
                }
                if !self.state.aggregates.is_empty() && field.data_type.is_temporal() {
                    return self.measure(Spec::Plain(*place), at);
                }
                self.target(Target::Field(*place), at)
            }
            Meaning::Dataset { at: dataset, via } => self.dataset(*dataset, *via, at),
        }
    }

    fn dataset(&mut self, dataset: usize, via: Option<usize>, at: usize) -> Result<usize, Stuck> {
        let target = Target::Dataset { at: dataset, via };
        if self.names_value(at, dataset) {
            return Ok(at + 1);
        }
        if let Some(Item::Number(number)) = self.items.get(at + 1).map(|i| &i.item)
            && let [key] = self.model.datasets[dataset].primary_key.as_slice()
            && let Some(field) = self.model.datasets[dataset].fields.iter().position(|f| f.name == *key)
            && !self.state.count
        {
            let place = Place { dataset, field, via };
            let value = number_scalar(self.field(place), *number);
            self.condition(Raw::Compare { place, op: Compare::Eq, values: vec![value] }, at);
            return Ok(at + 2);
        }
        if let Some(cond) = self.state.cond.take() {
            self.draft.counts.push((cond, target));
            self.state.last = Last::Mention;
            return Ok(at + 1);
        }
        if std::mem::take(&mut self.state.not) {
            if self.draft.related.is_some() {
                return Err(Stuck::Item(at));
            }
            self.draft.related = Some(Related { dataset, op: Compare::Eq, count: 0, filters: Vec::new() });
            self.state.last = Last::Mention;
            return Ok(at + 1);
        }
        self.target(target, at)
    }

    /// A noun that is grouped by, counted, listed, ranked or only mentioned.
    fn target(&mut self, target: Target, at: usize) -> Result<usize, Stuck> {
        let plural = self.items[at].plural;
        let counting = self.state.count || self.state.distinct && !self.draft.listed && !self.state.which;
        if self.state.by || (self.state.grouping && (self.state.and) && !counting) {
            let each = std::mem::take(&mut self.state.each);
            (self.state.by, self.state.grouping, self.state.and) = (false, true, false);
            let ranking = matches!(target, Target::Dataset { .. }) && !self.draft.subjects.is_empty();
            if self.ranked() && self.draft.rank_by.is_none() && !each && (counting || ranking) {
                self.state.by = true;
                (self.state.count, self.state.distinct) = (false, false);
                return self.measure(Spec::Count(target), at);
            }
            if each {
                self.draft.per.push(target.clone());
            }
            if !self.draft.groups.contains(&target) {
                self.draft.groups.push(target);
            }
            self.state.last = Last::Group;
            return Ok(at + 1);
        }
        if let Some(cond) = self.state.cond.take() {
            self.draft.counts.push((cond, target));
            return Ok(at + 1);
        }
        if counting {
            (self.state.count, self.state.distinct) = (false, false);
            self.draft.counted = true;
            return self.measure(Spec::Count(target), at);
        }
        if let Some(sup) = self.state.sup {
            return self.superlative(sup, target, plural, at);
        }
        let asked = std::mem::take(&mut self.state.which) || self.draft.listed;
        if matches!(target, Target::Grain(_)) && !asked && self.draft.rank.is_none() {
            return Err(Stuck::Item(at));
        }
        let verb = !asked && self.is_verb(at);
        let subject = Subject { target, plural, asked, verb, index: at };
        if let Target::Dataset { at: dataset, .. } = subject.target {
            self.draft.mentions.push(dataset);
        }
        self.draft.subjects.push(subject);
        self.state.last = Last::Subject(self.draft.subjects.len() - 1);
        self.state.distinct = false;
        Ok(at + 1)
    }

    fn superlative(&mut self, sup: Rank, target: Target, plural: bool, at: usize) -> Result<usize, Stuck> {
        let known = !self.draft.subjects.is_empty() || !self.draft.groups.is_empty();
        self.state.sup = None;
        match sup.about {
            About::Next if known || self.group_follows(at) || self.compares() => {
                self.draft.rank = Some(sup);
                self.draft.rank_by = Some(Spec::Count(target));
                self.state.last = Last::Rank;
            }
            _ => {
                self.draft.rank = Some(sup);
                self.state.which = false;
                self.draft.extreme = Some(Subject { target, plural, asked: true, verb: false, index: at });
                self.state.last = Last::Mention;
            }
        }
        Ok(at + 1)
    }

    fn measure(&mut self, spec: Spec, at: usize) -> Result<usize, Stuck> {
        let counted = std::mem::take(&mut self.state.count) && matches!(spec, Spec::Count(_) | Spec::Metric(_));
        let mut aggregates = std::mem::take(&mut self.state.aggregates);
        let joined = std::mem::take(&mut self.state.and);
        if aggregates.is_empty() && joined && matches!(spec, Spec::Plain(_)) {
            aggregates.clone_from(&self.state.last_aggregates);
        }
        self.state.last_aggregates.clone_from(&aggregates);
        let specs: Vec<Spec> = match (&spec, aggregates.as_slice()) {
            (Spec::Plain(place), [_, ..]) => aggregates.iter().map(|a| Spec::Aggregate(*a, *place)).collect(),
            (_, [Aggregate::Avg]) => {
                self.draft.average_left = true;
                vec![spec.clone()]
            }
            (_, [] | [Aggregate::Sum]) => vec![spec.clone()],
            _ => return Err(Stuck::Item(at)),
        };
        let _ = counted;
        if let (Some(cond), [one]) = (self.state.cond.take(), specs.as_slice()) {
            self.draft.having.push((one.clone(), cond));
            return Ok(at + 1);
        }
        let by = std::mem::take(&mut self.state.by);
        if let Some(sup) = self.state.sup.take() {
            if specs.len() != 1 {
                return Err(Stuck::Item(at));
            }
            self.draft.rank = Some(sup);
            self.draft.rank_by = specs.into_iter().next();
            self.state.last = Last::Rank;
            return Ok(at + 1);
        }
        if by {
            if !self.ranked() || specs.len() != 1 || self.draft.rank_by.is_some() {
                return Err(Stuck::Item(at));
            }
            self.draft.rank_by = specs.into_iter().next();
            self.state.last = Last::Rank;
            return Ok(at + 1);
        }
        if !self.draft.measures.is_empty() && !joined {
            if self.draft.measures.contains(&specs[0]) {
                return Ok(at + 1);
            }
            self.state.beside.extend(specs.iter().cloned());
        }
        self.draft.measures.extend(specs);
        self.state.last = Last::Measure(self.draft.measures.len() - 1);
        self.state.which = false;
        self.state.verb = false;
        Ok(at + 1)
    }

    fn ranked(&self) -> bool {
        self.draft.rank.is_some() || self.state.sup.is_some()
    }

    fn condition(&mut self, raw: Raw, at: usize) {
        let state = &mut self.state;
        if let (Some(related), true) = (&mut self.draft.related, matches!(raw, Raw::Period { .. })) {
            related.filters.push(raw);
            return;
        }
        let condition = Condition {
            raw,
            or: std::mem::take(&mut state.or),
            and: std::mem::take(&mut state.and),
            predicate: state.verb,
            prep: std::mem::take(&mut state.prep),
            index: at,
        };
        self.draft.conditions.push(condition);
        state.last = Last::Condition(self.draft.conditions.len() - 1);
        state.by = false;
    }

    fn cond(&mut self, cond: Cond, at: usize) -> Result<usize, Stuck> {
        if self.state.not {
            return Err(Stuck::Item(at));
        }
        if cond.unit.as_deref() == Some(TIMES) {
            let dataset = *self.draft.mentions.last().ok_or(Stuck::Item(at))?;
            let cond = Cond { unit: None, ..cond };
            self.draft.counts.push((cond, Target::Dataset { at: dataset, via: None }));
            self.state.last = Last::Mention;
            return Ok(at + 1);
        }
        match self.state.last.clone() {
            Last::Measure(index)
                if self.adjacent(at) && !matches!(self.draft.measures[index], Spec::Count(_) | Spec::Rows) =>
            {
                let spec = self.draft.measures.remove(index);
                self.attach(spec, cond, at)
            }
            Last::Rank if self.adjacent(at) => Err(Stuck::Item(at)),
            Last::Subject(index) if self.adjacent(at) && self.numeric_subject(index).is_some() => {
                let place = self.numeric_subject(index).ok_or(Stuck::Item(at))?;
                self.draft.subjects.remove(index);
                self.cond_on_field(cond, place, at)
            }
            Last::Condition(index) if self.adjacent(at) && self.takes_threshold(index) => {
                if let Raw::Segment { threshold, .. } = &mut self.draft.conditions[index].raw {
                    *threshold = Some(cond);
                }
                Ok(at + 1)
            }
            _ => {
                self.state.by = false;
                if self.noun_follows(at) {
                    self.state.cond = Some(cond);
                } else {
                    self.draft.loose.push(cond);
                }
                Ok(at + 1)
            }
        }
    }

    /// A condition on what was read as a measure: on the rows where no aggregate was said, otherwise on the groups.
    fn attach(&mut self, spec: Spec, cond: Cond, at: usize) -> Result<usize, Stuck> {
        match spec {
            Spec::Plain(place) => self.cond_on_field(cond, place, at),
            spec => {
                self.draft.having.push((spec, cond));
                self.state.last = Last::Mention;
                Ok(at + 1)
            }
        }
    }

    fn cond_on_field(&mut self, cond: Cond, place: Place, at: usize) -> Result<usize, Stuck> {
        let field = self.field(place);
        if field.kind == FieldKind::Key || !field.data_type.is_numeric() {
            if cond.unit.is_some() {
                return Err(Stuck::Item(at));
            }
            self.draft.counts.push((cond, Target::Field(place)));
            self.state.last = Last::Mention;
            return Ok(at + 1);
        }
        if let [aggregate] = self.state.aggregates.as_slice() {
            let spec = Spec::Aggregate(*aggregate, place);
            self.state.aggregates.clear();
            self.draft.having.push((spec, cond));
            return Ok(at + 1);
        }
        let raw = bounded(field, place, &cond).ok_or(Stuck::Item(at))?;
        self.condition(raw, at);
        Ok(at + 1)
    }

    fn number(&mut self, number: f64, at: usize) -> Result<usize, Stuck> {
        if let Some(Meaning::Field(place)) = self.next(at).and_then(|next| self.picks[next])
            && self.field(*place).kind == FieldKind::Measure
            && self.state.sup.is_none()
        {
            self.state.cond = Some(Cond { op: Compare::Eq, low: number, high: None, unit: None });
            return Ok(at + 1);
        }
        let whole = number.fract() == 0.0 && (1.0..=MAX_LIMIT).contains(&number);
        let ranked = self.draft.rank.is_some()
            || self.state.sup.is_some()
            || self.items[at + 1..].iter().take(2).any(|i| matches!(i.item, Item::Word(Word::Sup(_) | Word::Top(_))))
            || self.items[at + 1..].iter().any(|i| matches!(i.item, Item::Word(Word::Sup(_))));
        if !whole || !ranked || self.draft.limit.is_some() {
            return Err(Stuck::Item(at));
        }
        self.draft.limit = Some(number as u32);
        Ok(at + 1)
    }

    fn finish(mut self) -> Result<Draft, Stuck> {
        let end = self.items.len().saturating_sub(1);
        let beside = |spec: &Spec| self.draft.measures.contains(spec);
        if self.state.sup.is_none() && self.state.beside.iter().any(beside) {
            return Err(Stuck::Item(end));
        }
        if let Some(mut sup) = self.state.sup {
            // `used the most` counts rows; `is the largest` does not.
            let said = self.items.iter().rev().find(|item| matches!(item.item, Item::Word(Word::Sup(_))));
            let often = said.is_some_and(|item| ["most", "least"].contains(&item.text.to_lowercase().trim_start_matches("the ")));
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

/// Looking around.
impl Scan<'_> {
    fn before(&self, at: usize) -> Option<usize> {
        (0..at).rev().find(|i| !matches!(self.items[*i].item, Item::Word(Word::Skip | Word::Verb | Word::That | Word::Prep(_))))
    }

    /// Whether nothing but small words stands between the last noun and this item.
    fn adjacent(&self, at: usize) -> bool {
        self.before(at).is_some_and(|i| matches!(self.items[i].item, Item::Noun(_)) || matches!(self.items[i].item, Item::Word(Word::By)) && self.before(i).is_some_and(|j| matches!(self.items[j].item, Item::Noun(_))))
    }

    fn next(&self, at: usize) -> Option<usize> {
        (at + 1..self.items.len()).find(|i| !matches!(self.items[*i].item, Item::Word(Word::Skip)))
    }

    fn noun_follows(&self, at: usize) -> bool {
        let next = (at + 1..self.items.len()).find(|i| {
            !matches!(self.items[*i].item, Item::Word(Word::Skip | Word::Distinct | Word::Prep(_)))
                && !matches!(self.picks[*i], Some(Meaning::Value { .. }))
        });
        next.is_some_and(|i| self.picks[i].is_some())
    }

    fn cond_follows(&self, at: usize) -> bool {
        (at + 1..self.items.len())
            .find(|i| !matches!(self.items[*i].item, Item::Word(Word::Skip | Word::Verb | Word::That | Word::Prep(_))))
            .is_some_and(|i| matches!(self.items[i].item, Item::Cond(_)))
    }

    /// Whether values of one field were joined by `or`: `did UA or DL have more`.
    fn compares(&self) -> bool {
        self.draft.conditions.iter().any(|condition| condition.or) || self.draft.compare
    }

    fn recorded_follows(&self, at: usize) -> bool {
        self.next(at).is_some_and(|i| matches!(self.items[i].item, Item::Word(Word::Known)))
    }

    fn group_follows(&self, at: usize) -> bool {
        self.items[at + 1..].iter().any(|i| matches!(i.item, Item::Word(Word::Each | Word::Periodic(_))))
    }

    /// Whether the noun is a verb's form. The time of an event is not: `flights departed` may leave some out.
    fn is_verb(&self, at: usize) -> bool {
        let clock = match self.picks[at] {
            Some(Meaning::Field(place)) => self.field(*place).calendar == Some(Calendar::Hhmm),
            _ => false,
        };
        !clock && participle(&self.items[at])
    }

    fn numeric_subject(&self, index: usize) -> Option<Place> {
        match self.draft.subjects.get(index)?.target {
            Target::Field(place) if self.field(place).data_type.is_numeric() => Some(place),
            _ => None,
        }
    }

    /// The field noun right before `at`.
    fn field_before(&self, at: usize) -> Option<Place> {
        let before = self.before(at)?;
        match self.picks.get(before)? {
            Some(Meaning::Field(place)) => Some(*place),
            _ => None,
        }
    }

    fn undo_last(&mut self) {
        match self.state.last.clone() {
            Last::Measure(index) => {
                self.draft.measures.remove(index);
            }
            Last::Subject(index) => {
                self.draft.subjects.remove(index);
            }
            _ => {}
        }
        self.state.last = Last::None;
    }

    /// A time field right before a period is the one the period is about.
    fn time_before(&mut self, at: usize) -> Option<Place> {
        let place = self.field_before(at)?;
        let field = self.field(place);
        if !field.data_type.is_temporal() && field.calendar.is_none() {
            return None;
        }
        if matches!(self.state.last, Last::Subject(_) | Last::Measure(_)) {
            self.undo_last();
        }
        Some(place)
    }

    /// Whether the field noun only says which field the value next to it belongs to: `carrier UA`, `completed status`.
    fn qualifies(&self, at: usize, place: Place) -> bool {
        let same = |i: Option<usize>| match i.and_then(|i| self.picks[i]) {
            Some(Meaning::Value { place: other, .. }) => other.dataset == place.dataset && other.field == place.field,
            _ => false,
        };
        let after = (at + 1..self.items.len()).find(|i| !matches!(self.items[*i].item, Item::Word(Word::Skip | Word::Verb)));
        same(after) || (at > 0 && same(Some(at - 1)) && !self.state.by && !self.state.count)
    }

    /// Whether the dataset noun only says what the value next to it is: `JFK airport`, `airline Delta`.
    fn names_value(&self, at: usize, dataset: usize) -> bool {
        if self.state.count || self.state.by || self.state.which || self.state.sup.is_some() {
            return false;
        }
        let names = |i: usize| match self.picks.get(i).copied().flatten() {
            Some(Meaning::Value { place, .. }) => place.dataset != dataset && self.refers(*place, dataset) || place.dataset == dataset && i == at + 1,
            _ => false,
        };
        (at > 0 && names(at - 1)) || names(at + 1)
    }

    fn refers(&self, place: Place, dataset: usize) -> bool {
        let column = &self.field(place).column;
        self.graph.between(place.dataset, dataset).iter().any(|join| self.model.joins[*join].columns.contains(column))
    }

    fn takes_threshold(&self, index: usize) -> bool {
        match &self.draft.conditions[index].raw {
            Raw::Segment { at, threshold: None, .. } => self.has_threshold(*at),
            _ => false,
        }
    }

    fn has_threshold(&self, segment: usize) -> bool {
        let filters = &self.model.segments[segment].filters;
        matches!(filters.as_slice(), [Filter::Compare { op: Compare::Gt | Compare::Ge | Compare::Lt | Compare::Le, .. }])
    }
}

/// Whether the item is a form of a verb that tells what was done.
fn participle(item: &Tagged) -> bool {
    const IRREGULAR: [&str; 9] = ["flown", "sold", "built", "made", "bought", "spent", "run", "driven", "given"];
    let text = item.text.to_lowercase();
    matches!(item.item, Item::Noun(_) | Item::Word(Word::Verb)) && (text.split(' ').next().is_some_and(|word| word.ends_with("ed")) || IRREGULAR.contains(&text.as_str()))
}

/// Whether `by` is followed by those who did it: `by planes`, but not `by airline` or `by month`.
fn agent(items: &[Tagged], picks: &[Option<&Meaning>], by: usize) -> bool {
    let next = (by + 1..items.len()).find(|i| !matches!(items[*i].item, Item::Word(Word::Skip)));
    next.is_some_and(|i| matches!(picks[i], Some(Meaning::Dataset { .. } | Meaning::Value { .. })) && (items[i].plural || !matches!(picks[i], Some(Meaning::Dataset { .. }))))
}

/// The condition on the rows' field, with its number in the field's unit.
pub(crate) fn bounded(field: &Field, place: Place, cond: &Cond) -> Option<Raw> {
    let low = in_unit(field, cond.low, cond.unit.as_deref())?;
    match cond.high {
        None => Some(Raw::Compare { place, op: cond.op, values: vec![number_scalar(field, low)] }),
        Some(high) => {
            let high = in_unit(field, high, cond.unit.as_deref())?;
            Some(Raw::Range { place, low: number_scalar(field, low), high: number_scalar(field, high) })
        }
    }
}

/// `number`, said in `said`, in the field's own unit; none where the two do not fit.
pub(crate) fn in_unit(field: &Field, number: f64, said: Option<&str>) -> Option<f64> {
    let Some(said) = said else { return Some(number) };
    let own = field.unit.as_deref().unwrap_or_default().to_lowercase();
    let own = own.trim_end_matches('s');
    let plain = said.to_lowercase();
    let plain = plain.trim_end_matches('s');
    match (plain, own) {
        (a, b) if a == b => Some(number),
        ("minute", "hour") => Some(number / 60.0),
        ("minute", "second") => Some(number * 60.0),
        ("feet", "ft") | ("foot", "feet") | ("°f", "degree" | "f" | "fahrenheit" | "°c") => Some(number),
        (_, "") => Some(number),
        _ => None,
    }
}

/// `number` as a value of the field's type.
pub(crate) fn number_scalar(field: &Field, number: f64) -> Scalar {
    let whole = number.fract() == 0.0 && number.abs() < 1e15;
    if whole && field.data_type != DataType::String {
        Scalar::Integer(number as i64)
    } else if field.data_type == DataType::String {
        Scalar::Text(number.to_string())
    } else {
        Scalar::Number(number)
    }
}

fn scalar(field: &Field, value: &str) -> Scalar {
    match field.data_type {
        DataType::Boolean => Scalar::Boolean(value == "true"),
        DataType::Integer => value.parse().map_or_else(|_| Scalar::Text(value.to_owned()), Scalar::Integer),
        DataType::Number => value.parse().map_or_else(|_| Scalar::Text(value.to_owned()), Scalar::Number),
        _ => Scalar::Text(value.to_owned()),
    }
}

/// Whether a calculation is a plain number of rows or values rather than of amounts.
pub(crate) fn is_count(calculation: &Calculation) -> bool {
    matches!(
        calculation,
        Calculation::CountRows | Calculation::Aggregate { aggregate: Aggregate::Count | Aggregate::CountDistinct, .. }
    )
}

