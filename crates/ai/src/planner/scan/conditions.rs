//! Conditions of a question: on values, on numbers of a field, on numbers of rows.

use pilothouse_domain::semantic::{Compare, FieldKind};

use super::values::bounded;
use super::{Last, MAX_LIMIT, Scan, Stuck};
use crate::planner::draft::{Condition, Raw, Spec, Target};
use crate::planner::lexicon::{Meaning, Place};
use crate::planner::tag::{Cond, Item, TIMES};
use crate::planner::words::Word;

impl<'a> Scan<'a> {
    /// `missing` before a field, or after one.
    pub(super) fn missing(&mut self, word: Word, at: usize) -> usize {
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

    pub(super) fn condition(&mut self, raw: Raw, at: usize) {
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
            relative: std::mem::take(&mut state.relative),
            prep: std::mem::take(&mut state.prep),
            index: at,
        };
        self.draft.conditions.push(condition);
        state.last = Last::Condition(self.draft.conditions.len() - 1);
        state.by = false;
    }

    pub(super) fn cond(&mut self, cond: Cond, at: usize) -> Result<usize, Stuck> {
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
    pub(super) fn attach(&mut self, spec: Spec, cond: Cond, at: usize) -> Result<usize, Stuck> {
        match spec {
            Spec::Plain(place) => self.cond_on_field(cond, place, at),
            spec => {
                self.draft.having.push((spec, cond));
                self.state.last = Last::Mention;
                Ok(at + 1)
            }
        }
    }

    pub(super) fn cond_on_field(&mut self, cond: Cond, place: Place, at: usize) -> Result<usize, Stuck> {
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

    pub(super) fn number(&mut self, number: f64, at: usize) -> Result<usize, Stuck> {
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
}
