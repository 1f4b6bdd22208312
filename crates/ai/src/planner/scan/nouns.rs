//! Nouns of a question: what is counted, grouped by, ranked, listed or only mentioned.

use pilothouse_domain::semantic::{Aggregate, Compare, FieldKind};

use super::values::{number_scalar, scalar};
use super::{Last, Scan, Stuck};
use crate::planner::draft::{Rank, Raw, Related, Spec, Subject, Target};
use crate::planner::lexicon::{Meaning, Place};
use crate::planner::tag::Item;
use crate::planner::words::{About, Word};

impl<'a> Scan<'a> {
    pub(super) fn noun(&mut self, meaning: &'a Meaning, at: usize) -> Result<usize, Stuck> {
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
                    // What always has a value is never without one.
                    if !self.field(*place).nullable {
                        return Err(Stuck::Item(at));
                    }
                    self.state.not = false;
                    self.condition(Raw::Compare { place: *place, op: Compare::IsNull, values: Vec::new() }, at);
                    return Ok(at + 1);
                }
                let field = self.field(*place);
                let small =
                    |i: &usize| matches!(self.items[*i].item, Item::Word(Word::Skip | Word::Prep(_) | Word::Verb));
                let next = (at + 1..self.items.len()).find(|i| !small(i));
                if let Some((next, Item::Number(number))) = next.map(|i| (i, &self.items[i].item))
                    && field.data_type.is_numeric()
                {
                    let value = number_scalar(field, *number);
                    self.condition(Raw::Compare { place: *place, op: Compare::Eq, values: vec![value] }, at);
                    return Ok(next + 1);
                }
                if let Some(cond) = self.state.cond.take() {
                    return self.cond_on_field(cond, *place, at);
                }
                if field.kind == FieldKind::Measure && !self.state.distinct {
                    if self.state.by && !self.ranked() && self.draft.measures.iter().any(|m| *m != Spec::Plain(*place))
                    {
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

    pub(super) fn dataset(&mut self, dataset: usize, via: Option<usize>, at: usize) -> Result<usize, Stuck> {
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
        // `order amount` is an amount, and `void invoices` beside a number only which rows it is of.
        if self.describes(at, dataset) || self.is_described(at, dataset) {
            self.draft.mentions.push(dataset);
            self.state.and = false;
            self.state.last = Last::Mention;
            return Ok(at + 1);
        }
        // `the total of orders`: of which of their numbers?
        if self.state.aggregates == [Aggregate::Sum] && self.summed_of(at) {
            return Err(Stuck::Item(at));
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
    pub(super) fn target(&mut self, target: Target, at: usize) -> Result<usize, Stuck> {
        let plural = self.items[at].plural;
        if self.state.over.is_some() && matches!(target, Target::Dataset { .. }) {
            return self.measure(Spec::Count(target), at);
        }
        let counting = self.state.count || self.state.distinct && !self.draft.listed && !self.state.which;
        if self.state.by || (self.state.grouping && (self.state.and) && !counting) {
            let each = std::mem::take(&mut self.state.each);
            (self.state.by, self.state.grouping, self.state.and) = (false, true, false);
            let ranking = matches!(target, Target::Dataset { .. }) && !self.draft.subjects.is_empty();
            if let Some(target) = self.counted_of(&target).filter(|_| counting) {
                (self.state.count, self.state.last) = (false, Last::Group);
                self.draft.groups.push(target);
                return Ok(at + 1);
            }
            let compared = self.draft.compare && counting;
            if compared || self.ranked() && self.draft.rank_by.is_none() && !each && (counting || ranking) {
                self.state.by = true;
                (self.state.count, self.state.distinct) = (false, false);
                return self.measure(Spec::Count(target), at);
            }
            // `per customer` may be averaged over; `at each warehouse` only groups, but `each day` does both.
            let said_per = self.items[..at].iter().rev().find(|item| matches!(item.item, Item::Word(Word::Each)));
            let over = said_per.is_some_and(|item| item.text.eq_ignore_ascii_case("per"));
            if each && (over || matches!(target, Target::Grain(_))) {
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
        if let (Target::Dataset { .. }, [Aggregate::Avg]) = (&target, self.state.aggregates.as_slice()) {
            // `average flights per day` counts them; `the average customer` is somebody else.
            return if plural { self.measure(Spec::Count(target), at) } else { Err(Stuck::Item(at)) };
        }
        if let Some(sup) = self.state.sup {
            return self.superlative(sup, target, plural, at);
        }
        let looked_up = self.draft.looked_up && matches!(target, Target::Grain(_));
        let asked = std::mem::take(&mut self.state.which) || self.draft.listed || looked_up;
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

    /// `how many accounts by number of invoices`: the accounts that have one, two, three ….
    fn counted_of(&self, target: &Target) -> Option<Target> {
        let Target::Dataset { at: rows, .. } = *target else { return None };
        let others = |spec: &Spec| matches!(spec, Spec::Count(Target::Dataset { at, .. }) if *at != rows);
        let asked = matches!(self.draft.measures.as_slice(), [one] if others(one)) && self.draft.subjects.is_empty();
        asked.then_some(Target::Counted { at: rows })
    }

    pub(super) fn superlative(&mut self, sup: Rank, target: Target, plural: bool, at: usize) -> Result<usize, Stuck> {
        let known = !self.draft.subjects.is_empty() || !self.draft.groups.is_empty();
        self.state.sup = None;
        match sup.about {
            // `which method is the most popular among customers`: the customers are only those it is popular with.
            About::Rows if self.draft.subjects.iter().any(|s| s.asked) && matches!(target, Target::Dataset { .. }) => {
                self.draft.rank = Some(sup);
                if let Target::Dataset { at: dataset, .. } = target {
                    self.draft.mentions.push(dataset);
                }
                self.state.last = Last::Mention;
            }
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

    pub(super) fn measure(&mut self, spec: Spec, at: usize) -> Result<usize, Stuck> {
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
        if let Some(percent) = self.state.over
            && let ([one], false) = (specs.as_slice(), self.draft.measures.is_empty())
        {
            self.state.over = None;
            self.draft.over = Some((one.clone(), percent));
            self.state.last = Last::Mention;
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
            if !self.ranked() && specs.len() == 1 && self.draft.measures.is_empty() {
                // `countries by revenue` lists all of them; `compare A and B by revenue` only these.
                match self.draft.subjects.as_mut_slice() {
                    [subject] => subject.asked = true,
                    [] if self.draft.compare => {}
                    _ => return Err(Stuck::Item(at)),
                }
                self.draft.measures.extend(specs);
                self.state.last = Last::Measure(0);
                return Ok(at + 1);
            }
            if !self.ranked() || specs.len() != 1 || self.draft.rank_by.is_some() {
                return Err(Stuck::Item(at));
            }
            self.draft.rank_by = specs.into_iter().next();
            self.state.last = Last::Rank;
            return Ok(at + 1);
        }
        if !self.draft.measures.is_empty() && !joined {
            if self.is_unit_of(&specs[0], at) {
                // `how many pieces were on hand` asks for one number.
                self.draft.measures.pop();
                self.draft.measures.extend(specs);
                return Ok(at + 1);
            }
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

    pub(super) fn ranked(&self) -> bool {
        self.draft.rank.is_some() || self.state.sup.is_some()
    }
}
