//! From readings to a plan: one cheapest reading answers, several ask back, none is refused with what was not understood.

use pilothouse_domain::answer::Understanding;
use pilothouse_domain::format::moment;
use pilothouse_domain::semantic::{Direction, FieldKind, Query, explain, field_text};

use super::candidates::{Candidate, Candidates};
use super::lexicon::{Entry, Meaning, Place};
use super::meant;
use super::resolve::Misfit;
use super::tag::{Item, Tagged};
use super::time::Untimely;
use super::words::{About, Superlative, Word};
use super::{Choice, Context, MAX_CHOICES, Plan, Planner, Reading};

impl Planner {
    pub(crate) fn choose(
        &self,
        question: &str,
        items: &[Tagged],
        corrections: Vec<(String, String)>,
        context: &Context<'_>,
    ) -> Plan {
        if let Some(item) = items.iter().find(|item| matches!(item.item, Item::Word(Word::Destructive))) {
            let reason = format!("Questions are read-only: “{}” would change data.", item.text);
            return self.refuse(vec![reason], Vec::new());
        }
        let unknown: Vec<String> =
            items.iter().filter(|i| matches!(i.item, Item::Unknown | Item::Quoted)).map(|i| i.text.clone()).collect();
        if !unknown.is_empty() {
            let reason = format!(
                "I do not know what {} {} here.",
                quoted(&unknown),
                if unknown.len() == 1 { "means" } else { "mean" }
            );
            return self.refuse(vec![reason], unknown);
        }
        if items.iter().any(|item| matches!(item.item, Item::Word(Word::Vague))) {
            return self.vague(question, items);
        }
        let continued = context.previous.map_or_else(Vec::new, |previous| self.follow_up(question, items, previous));
        if let [one] = continued.as_slice() {
            return self.answer(one.clone(), corrections);
        }
        if continued.len() > 1 {
            return self.clarify(question, continued);
        }
        let all = self.candidates(items);
        let best = self.best(&all);
        match best.as_slice() {
            [] if has_good(items) => self.vague(question, items),
            [] => self.not_understood(items, &all),
            [one] => self.answer(one.query.clone(), corrections),
            several => self.clarify(question, several.iter().map(|candidate| candidate.query.clone()).collect()),
        }
    }

    fn answer(&self, query: Query, corrections: Vec<(String, String)>) -> Plan {
        Plan::Answer(Box::new(Reading { understanding: explain(&query, &self.model), query, corrections }))
    }

    /// The cheapest readings.
    pub(crate) fn best(&self, all: &Candidates) -> Vec<Candidate> {
        let Some(cost) = all.found.first().map(|candidate| candidate.cost) else { return Vec::new() };
        all.found.iter().filter(|candidate| candidate.cost == cost).cloned().collect()
    }

    fn clarify(&self, question: &str, queries: Vec<Query>) -> Plan {
        let queries: Vec<Query> = queries.into_iter().take(MAX_CHOICES).collect();
        let read: Vec<Understanding> = queries.iter().map(|query| explain(query, &self.model)).collect();
        let choices = queries.into_iter().enumerate().map(|(at, query)| {
            let label = if query.measures.is_empty() && difference(&read, at).is_none() {
                "a list of them".to_owned()
            } else {
                difference(&read, at).unwrap_or_else(|| read[at].text.trim_end_matches('.').to_owned())
            };
            Choice { message: String::new(), label, detail: read[at].text.clone(), query }
        });
        let mut choices: Vec<Choice> = choices.collect();
        meant::put_in(question, &mut choices);
        let labels: Vec<&str> = choices.iter().map(|choice| choice.label.as_str()).collect();
        Plan::Clarify { question: format!("Which do you mean: {}?", labels.join("; or ")), choices }
    }

    /// `best` and `performance` mean what a measure makes of them: offer the metrics.
    fn vague(&self, question: &str, items: &[Tagged]) -> Plan {
        let mut kept: Vec<Tagged> =
            items.iter().filter(|item| !matches!(item.item, Item::Word(Word::Vague))).cloned().collect();
        if !kept.iter().any(|item| matches!(item.item, Item::Word(Word::Sup(_)))) {
            let sup = Superlative { direction: Direction::Descending, about: About::Good(true) };
            kept.push(Tagged { item: Item::Word(Word::Sup(sup)), text: String::new(), plural: false });
        }
        let mut queries: Vec<Query> = Vec::new();
        for meaning in self.numbers() {
            let noun = Item::Noun(vec![Entry { meaning, cost: 0, exact: None }]);
            let mut with = kept.clone();
            with.push(Tagged { item: noun, text: String::new(), plural: false });
            let all = self.candidates(&with);
            if let [one, ..] = self.best(&all).as_slice()
                && !queries.contains(&one.query)
            {
                queries.push(one.query.clone());
            }
            if queries.len() == MAX_CHOICES {
                break;
            }
        }
        if queries.len() > 1 {
            return self.clarify(question, queries);
        }
        let word = items.iter().find(|i| matches!(i.item, Item::Word(Word::Vague)) || is_good(i));
        let word = word.map_or("best", |item| item.text.as_str());
        self.refuse(vec![format!("“{word}” can mean many things: say by which number.")], vec![word.to_owned()])
    }

    /// Everything that can be ranked by: metrics first, then measures.
    fn numbers(&self) -> Vec<Meaning> {
        let mut out: Vec<Meaning> = (0..self.model.metrics.len()).map(Meaning::Metric).collect();
        for (dataset, described) in self.model.datasets.iter().enumerate() {
            let fields = described.fields.iter().enumerate();
            let measures = fields.filter(|(_, field)| field.kind == FieldKind::Measure && field.calendar.is_none());
            out.extend(measures.map(|(field, _)| Meaning::Field(Place { dataset, field, via: None })));
        }
        out
    }

    fn not_understood(&self, items: &[Tagged], all: &Candidates) -> Plan {
        for misfit in &all.misfits {
            if let Misfit::Time(Untimely::OutOfRange(first, last)) = misfit {
                return self.refuse(vec![format!("The data runs from {} to {}.", day(first), day(last))], Vec::new());
            }
        }
        let barred = all.misfits.iter().find_map(|misfit| match misfit {
            Misfit::NotBy(metric) => self.model.metrics.get(*metric),
            _ => None,
        });
        if let Some(metric) = barred {
            let by: Vec<String> = metric.group_by.iter().map(|field| field_text(field, &self.model)).collect();
            return self
                .refuse(vec![format!("{} is told by time and {} only.", metric.label, by.join(", "))], Vec::new());
        }
        if all.misfits.contains(&Misfit::Time(Untimely::NoTime)) {
            return self
                .refuse(vec!["These rows have no time that the question's period fits.".to_owned()], Vec::new());
        }
        let stuck: Vec<String> =
            all.stuck.iter().max().and_then(|at| items.get(*at)).map(|i| i.text.clone()).into_iter().collect();
        let reason = if stuck.is_empty() {
            "I know the words, but not what they ask for together.".to_owned()
        } else {
            format!("I could not tell what {} refers to.", quoted(&stuck))
        };
        self.refuse(vec![reason], Vec::new())
    }

    pub(crate) fn refuse(&self, reasons: Vec<String>, unknown_words: Vec<String>) -> Plan {
        Plan::Refuse { reasons, unknown_words, suggestions: self.suggestions().to_vec() }
    }
}

fn is_good(item: &Tagged) -> bool {
    matches!(item.item, Item::Word(Word::Sup(Superlative { about: About::Good(_), .. })))
}

fn has_good(items: &[Tagged]) -> bool {
    items.iter().any(is_good)
}

/// The parts of a reading that not all the others share; of an order by a number that is said already, only its way.
fn difference(read: &[Understanding], at: usize) -> Option<String> {
    let shared = |value: &str| read.iter().all(|other| other.chips.iter().any(|chip| chip.value == value));
    let mut own: Vec<String> = Vec::new();
    for chip in read[at].chips.iter().filter(|chip| !shared(&chip.value)) {
        let said = own.iter().fold(chip.value.clone(), |text, before| text.replace(&format!("{before} "), ""));
        if own.last() != Some(&said) {
            own.push(said);
        }
    }
    (!own.is_empty()).then(|| own.join(", "))
}

fn day(text: &str) -> String {
    moment(text).unwrap_or_else(|| text.to_owned())
}

fn quoted(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("“{word}”")).collect();
    match words.as_slice() {
        [head @ .., last] if !head.is_empty() => format!("{} and {last}", head.join(", ")),
        _ => words.concat(),
    }
}
