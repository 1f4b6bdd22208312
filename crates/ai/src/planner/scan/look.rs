//! Looking around: what stands before and after an item.

use pilothouse_domain::semantic::{Calendar, Compare, FieldKind, Filter};

use super::{Last, Scan};
use crate::planner::draft::{Raw, Spec, Target};
use crate::planner::lexicon::{Meaning, Place};
use crate::planner::tag::{Item, Tagged};
use crate::planner::words::Word;

impl Scan<'_> {
    pub(super) fn before(&self, at: usize) -> Option<usize> {
        (0..at)
            .rev()
            .find(|i| !matches!(self.items[*i].item, Item::Word(Word::Skip | Word::Verb | Word::That | Word::Prep(_))))
    }

    /// Whether nothing but small words stands between the last noun and this item.
    pub(super) fn adjacent(&self, at: usize) -> bool {
        self.before(at).is_some_and(|i| {
            matches!(self.items[i].item, Item::Noun(_))
                || matches!(self.items[i].item, Item::Word(Word::By))
                    && self.before(i).is_some_and(|j| matches!(self.items[j].item, Item::Noun(_)))
        })
    }

    pub(super) fn next(&self, at: usize) -> Option<usize> {
        (at + 1..self.items.len()).find(|i| !matches!(self.items[*i].item, Item::Word(Word::Skip)))
    }

    pub(super) fn noun_follows(&self, at: usize) -> bool {
        let next = (at + 1..self.items.len()).find(|i| {
            !matches!(self.items[*i].item, Item::Word(Word::Skip | Word::Distinct | Word::Prep(_)))
                && !matches!(self.picks[*i], Some(Meaning::Value { .. }))
        });
        next.is_some_and(|i| self.picks[i].is_some())
    }

    pub(super) fn cond_follows(&self, at: usize) -> bool {
        (at + 1..self.items.len())
            .find(|i| !matches!(self.items[*i].item, Item::Word(Word::Skip | Word::Verb | Word::That | Word::Prep(_))))
            .is_some_and(|i| matches!(self.items[i].item, Item::Cond(_)))
    }

    /// Whether values of one field were joined by `or`: `did UA or DL have more`.
    pub(super) fn compares(&self) -> bool {
        self.draft.conditions.iter().any(|condition| condition.or) || self.draft.compare
    }

    /// Whether the one-row noun only says whose number comes next: `order amount`.
    pub(super) fn describes(&self, at: usize, dataset: usize) -> bool {
        let own = match self.picks.get(at + 1).copied().flatten() {
            Some(Meaning::Field(place)) => place.dataset == dataset && self.field(*place).kind == FieldKind::Measure,
            Some(Meaning::Metric(metric)) => {
                self.model.metrics[*metric].measure.dataset == self.model.datasets[dataset].name
            }
            _ => false,
        };
        own && !self.items[at].plural && !self.state.by && !self.state.count
    }

    /// Whether the noun follows a value of its own rows while something else is asked for.
    pub(super) fn is_described(&self, at: usize, dataset: usize) -> bool {
        let value = match at.checked_sub(1).and_then(|before| self.picks[before]) {
            Some(Meaning::Value { place, .. }) => place.dataset == dataset,
            _ => false,
        };
        let numbers = !self.draft.measures.is_empty() || self.draft.rank_by.is_some();
        let free = !self.state.by && !self.state.count && self.state.sup.is_none() && !self.state.not;
        value && numbers && free && self.state.cond.is_none()
    }

    /// Whether `total of` leads to the noun.
    pub(super) fn summed_of(&self, at: usize) -> bool {
        let said = self.items[..at].iter().rev().find(|item| matches!(item.item, Item::Word(Word::Aggregate(_))));
        said.is_some_and(|item| item.text.to_lowercase().ends_with(" of"))
    }

    /// Whether the measure before is only what `spec` is counted in.
    pub(super) fn is_unit_of(&self, spec: &Spec, at: usize) -> bool {
        let unit = match spec {
            Spec::Plain(place) | Spec::Aggregate(_, place) => self.field(*place).unit.as_deref(),
            Spec::Metric(metric) => self.model.metrics[*metric].unit.as_deref(),
            Spec::Count(_) | Spec::Rows => None,
        };
        let before = self.items[..at].iter().rev().find(|item| matches!(item.item, Item::Noun(ref entries) if entries.iter().any(|e| matches!(e.meaning, Meaning::Field(_) | Meaning::Metric(_)))));
        self.draft.measures.len() == 1
            && unit.zip(before).is_some_and(|(unit, item)| item.text.eq_ignore_ascii_case(unit))
    }

    /// Whether `divided by` is followed by a number rather than by what it is split by.
    pub(super) fn divides(&self, at: usize) -> bool {
        let number = |meaning: &Meaning| match meaning {
            Meaning::Metric(_) => true,
            Meaning::Field(place) => self.field(*place).kind == FieldKind::Measure,
            _ => false,
        };
        let said = self.items[at].text.eq_ignore_ascii_case("divided by") && !self.draft.measures.is_empty();
        said && self.next(at).and_then(|next| self.picks[next]).is_some_and(number)
    }

    pub(super) fn recorded_follows(&self, at: usize) -> bool {
        self.next(at).is_some_and(|i| matches!(self.items[i].item, Item::Word(Word::Known)))
    }

    pub(super) fn group_follows(&self, at: usize) -> bool {
        self.items[at + 1..].iter().any(|i| matches!(i.item, Item::Word(Word::Each | Word::Periodic(_))))
    }

    /// `paid` and `used` say something of their own where nothing follows that says how.
    pub(super) fn unfinished_verb(&self) -> Option<usize> {
        let at = self.items.iter().rposition(|item| ["paid", "used"].contains(&item.text.to_lowercase().as_str()))?;
        if !matches!(self.items[at].item, Item::Word(_)) {
            return None;
        }
        let empty = |item: &Tagged| matches!(item.item, Item::Period(_) | Item::Word(Word::Skip | Word::Verb));
        self.items[at + 1..].iter().all(empty).then_some(at)
    }

    /// Whether the noun is a verb's form. The time of an event is not: `flights departed` may leave some out.
    pub(super) fn is_verb(&self, at: usize) -> bool {
        let clock = match self.picks[at] {
            Some(Meaning::Field(place)) => self.field(*place).calendar == Some(Calendar::Hhmm),
            _ => false,
        };
        !clock && participle(&self.items[at])
    }

    pub(super) fn numeric_subject(&self, index: usize) -> Option<Place> {
        match self.draft.subjects.get(index)?.target {
            Target::Field(place) if self.field(place).data_type.is_numeric() => Some(place),
            _ => None,
        }
    }

    /// The field noun right before `at`.
    pub(super) fn field_before(&self, at: usize) -> Option<Place> {
        let before = self.before(at)?;
        match self.picks.get(before)? {
            Some(Meaning::Field(place)) => Some(*place),
            _ => None,
        }
    }

    pub(super) fn undo_last(&mut self) {
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
    pub(super) fn time_before(&mut self, at: usize) -> Option<Place> {
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
    pub(super) fn qualifies(&self, at: usize, place: Place) -> bool {
        let same = |i: Option<usize>| match i.and_then(|i| self.picks[i]) {
            Some(Meaning::Value { place: other, .. }) => other.dataset == place.dataset && other.field == place.field,
            _ => false,
        };
        let small = |i: &usize| matches!(self.items[*i].item, Item::Word(Word::Skip | Word::Verb | Word::Not));
        let after = (at + 1..self.items.len()).find(|i| !small(i));
        let turned = after
            .is_some_and(|after| self.items[at..after].iter().any(|item| matches!(item.item, Item::Word(Word::Not))));
        same(after) && !(turned && self.state.by)
            || (at > 0 && same(Some(at - 1)) && !self.state.by && !self.state.count)
    }

    /// Whether the dataset noun only says what the value next to it is: `JFK airport`, `airline Delta`.
    pub(super) fn names_value(&self, at: usize, dataset: usize) -> bool {
        if self.state.count || self.state.by || self.state.which || self.state.sup.is_some() {
            return false;
        }
        let names = |i: usize| match self.picks.get(i).copied().flatten() {
            Some(Meaning::Value { place, .. }) => {
                place.dataset != dataset && self.refers(*place, dataset) || place.dataset == dataset && i == at + 1
            }
            _ => false,
        };
        (at > 0 && names(at - 1)) || names(at + 1)
    }

    pub(super) fn refers(&self, place: Place, dataset: usize) -> bool {
        let column = &self.field(place).column;
        self.graph.between(place.dataset, dataset).iter().any(|join| self.model.joins[*join].columns.contains(column))
    }

    pub(super) fn takes_threshold(&self, index: usize) -> bool {
        match &self.draft.conditions[index].raw {
            Raw::Segment { at, threshold: None, .. } => self.has_threshold(*at),
            _ => false,
        }
    }

    pub(super) fn has_threshold(&self, segment: usize) -> bool {
        let filters = &self.model.segments[segment].filters;
        matches!(
            filters.as_slice(),
            [Filter::Compare { op: Compare::Gt | Compare::Ge | Compare::Lt | Compare::Le, .. }]
        )
    }
}

/// Whether the item is a form of a verb that tells what was done.
pub(super) fn participle(item: &Tagged) -> bool {
    const IRREGULAR: [&str; 9] = ["flown", "sold", "built", "made", "bought", "spent", "run", "driven", "given"];
    let text = item.text.to_lowercase();
    matches!(item.item, Item::Noun(_) | Item::Word(Word::Verb))
        && (text.split(' ').next().is_some_and(|word| word.ends_with("ed")) || IRREGULAR.contains(&text.as_str()))
}

/// Whether `by` is followed by those who did it: `by planes`, but not `by airline` or `by month`.
pub(super) fn agent(items: &[Tagged], picks: &[Option<&Meaning>], by: usize) -> bool {
    let next = (by + 1..items.len()).find(|i| !matches!(items[*i].item, Item::Word(Word::Skip)));
    next.is_some_and(|i| {
        matches!(picks[i], Some(Meaning::Dataset { .. } | Meaning::Value { .. }))
            && (items[i].plural || !matches!(picks[i], Some(Meaning::Dataset { .. })))
    })
}
