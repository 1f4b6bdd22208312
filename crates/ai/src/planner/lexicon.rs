//! The words of a model, compiled once: what each phrase can mean. It knows no grammar.

use std::collections::{HashMap, HashSet};

use pilothouse_domain::catalog::DataType;
use pilothouse_domain::semantic::{Calendar, Dataset, Field, FieldKind, Model, plural, singular};

use super::graph::Graph;
use super::stem::stem;
use super::token::{Token, tokens};
use super::words;

/// The most words in a phrase of a model.
pub(crate) const MAX_PHRASE: usize = 7;
/// Most readings of one phrase that are kept.
const MAX_READINGS: usize = 12;
/// Most values of one column that also get a one-word short form.
const MAX_SHORT_FORMS: usize = 200;
/// Fewest letters of a word that may be a spelling mistake.
const MIN_MISSPELT: usize = 5;

/// A field and the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub dataset: usize,
    pub field: usize,
    /// The join that leads there, where the phrase named one: its place in the model's list.
    pub via: Option<usize>,
}

/// What a phrase can mean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meaning {
    Dataset { at: usize, via: Option<usize> },
    Field(Place),
    Value { place: Place, values: Vec<String> },
    Metric(usize),
    Segment(usize),
}

/// A reading of a phrase; a higher cost is a weaker match.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub meaning: Meaning,
    pub cost: u8,
    /// Must be written in these very letters, as codes of two letters must.
    pub exact: Option<String>,
}

/// Every phrase of a model.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    exact: HashMap<String, Vec<Entry>>,
    stems: HashMap<String, Vec<Entry>>,
    /// What one row of each dataset is called.
    owners: Vec<String>,
    vocabulary: HashSet<String>,
    by_length: Vec<Vec<String>>,
}

impl Lexicon {
    pub fn build(model: &Model, graph: &Graph) -> Self {
        let mut lexicon =
            Self { owners: model.datasets.iter().map(|d| singular(&d.label)).collect(), ..Self::default() };
        for (at, dataset) in model.datasets.iter().enumerate() {
            lexicon.add_dataset(model, graph, at, dataset);
        }
        for (at, metric) in model.metrics.iter().enumerate() {
            lexicon.add(&metric.label, Meaning::Metric(at), 0);
            for phrase in &metric.synonyms {
                lexicon.add(phrase, Meaning::Metric(at), u8::from(is_taken(phrase, at, model)));
            }
        }
        for (at, segment) in model.segments.iter().enumerate() {
            for phrase in std::iter::once(&segment.label).chain(&segment.synonyms) {
                lexicon.add(phrase, Meaning::Segment(at), 0);
            }
        }
        for word in lexicon.vocabulary.clone() {
            let length = word.chars().count();
            if lexicon.by_length.len() <= length {
                lexicon.by_length.resize(length + 1, Vec::new());
            }
            lexicon.by_length[length].push(word);
        }
        lexicon.by_length.iter_mut().for_each(|words| words.sort());
        lexicon
    }

    /// What the words can mean together; `written` is the text as it stands in the question.
    pub fn find(&self, lower: &str, stemmed: &str, written: &str) -> Option<Vec<Entry>> {
        let fits = |entry: &&Entry| entry.exact.as_deref().is_none_or(|exact| exact == written);
        let found = |map: &HashMap<String, Vec<Entry>>, key: &str| -> Option<Vec<Entry>> {
            let entries: Vec<Entry> = map.get(key)?.iter().filter(fits).cloned().collect();
            (!entries.is_empty()).then_some(entries)
        };
        // A value in another form is a weaker match, but it may be the only one that fits the rest.
        let mut entries = found(&self.exact, lower).unwrap_or_default();
        let none = entries.is_empty();
        for entry in found(&self.stems, stemmed).unwrap_or_default() {
            let other = none || matches!(entry.meaning, Meaning::Value { .. });
            if other && !entries.iter().any(|known| known.meaning == entry.meaning) {
                let cost = entry.cost + u8::from(!none);
                entries.push(Entry { cost, ..entry });
            }
        }
        (!entries.is_empty()).then_some(entries)
    }

    /// What these very words can mean together.
    pub fn find_exactly(&self, lower: &str) -> Option<Vec<Entry>> {
        self.exact.get(lower).filter(|entries| entries.iter().any(|entry| entry.exact.is_none())).cloned()
    }

    /// The one known word within one edit of `word`, if there is exactly one.
    pub fn respell(&self, word: &str) -> Option<&str> {
        let length = word.chars().count();
        if length < MIN_MISSPELT || self.vocabulary.contains(word) || words::is_known(word) {
            return None;
        }
        let near = self.by_length.get(length - 1..).unwrap_or_default().iter().take(3).flatten();
        let mut hits: Vec<(u8, &str)> = near
            .filter(|known| known.len() >= MIN_MISSPELT - 1 && known.chars().next() == word.chars().next())
            .filter(|known| strsim::osa_distance(known, word) == 1)
            .map(|known| (mistake(known, word), known.as_str()))
            // Short words with another letter are mostly other words: `place` is no `plane`.
            .filter(|(kind, _)| length > MIN_MISSPELT || *kind < OTHER_LETTER)
            .collect();
        hits.sort_unstable();
        let (kind, first) = *hits.first()?;
        hits.iter().all(|(other, known)| *other > kind || stem(known) == stem(first)).then_some(first)
    }

    /// Whether the very word is what people call something of the model.
    pub fn is_name(&self, lower: &str) -> bool {
        self.exact.get(lower).is_some_and(|entries| entries.iter().any(|entry| entry.cost == 0))
    }

    /// Whether the word is in any phrase of the model.
    pub fn has_word(&self, word: &str) -> bool {
        self.vocabulary.contains(word)
    }

    /// Whether the phrase is only a part of what people call something.
    pub fn is_weak(&self, lower: &str, stemmed: &str) -> bool {
        let mut found = self.exact.get(lower).into_iter().chain(self.stems.get(stemmed)).flatten().peekable();
        found.peek().is_some() && found.all(|entry| entry.cost > 1)
    }

    pub fn knows(&self, lower: &str, stemmed: &str) -> bool {
        self.exact.contains_key(lower) || self.stems.contains_key(stemmed)
    }

    fn add_dataset(&mut self, model: &Model, graph: &Graph, at: usize, dataset: &Dataset) {
        let meaning = Meaning::Dataset { at, via: None };
        let (one, many) = (singular(&dataset.label), plural(&dataset.label));
        for phrase in [&one, &many].into_iter().chain(&dataset.synonyms) {
            self.add(phrase, meaning.clone(), 0);
        }
        // What a table is called counts less than what people say.
        self.add(&dataset.name.replace('_', " "), meaning, 1);
        for (index, field) in dataset.fields.iter().enumerate() {
            let place = Place { dataset: at, field: index, via: None };
            self.add_field(&one, field, place);
            self.add_values(dataset, field, place);
        }
        for join in graph.joins_to(at) {
            let said = [graph.role_label(model, join), model.joins[join].role.clone()];
            for role in said.iter().flatten() {
                self.add(&format!("{role} {one}"), Meaning::Dataset { at, via: Some(join) }, 1);
                for (index, field) in dataset.fields.iter().enumerate() {
                    let meaning = Meaning::Field(Place { dataset: at, field: index, via: Some(join) });
                    // An employee region is the seller region of a seller.
                    let bare = field.label.strip_prefix(&format!("{one} ")).unwrap_or(&field.label);
                    self.add(&format!("{role} {bare}"), meaning.clone(), 0);
                    self.add(&format!("{role} {}", field.label), meaning.clone(), 0);
                    self.add(&format!("{role} {one} {}", field.label), meaning, 0);
                }
            }
        }
    }

    fn add_field(&mut self, owner: &str, field: &Field, place: Place) {
        let meaning = Meaning::Field(place);
        let plain_part = field.calendar.is_some_and(|c| c != Calendar::Hhmm)
            && ["year", "month", "day", "hour"].contains(&field.label.as_str());
        let column = field.column.replace('_', " ");
        if !plain_part {
            for phrase in [&field.label, &field.name.replace('_', " "), &column].into_iter().chain(&field.synonyms) {
                // A column that is called as the rows are, as a flight's number, is not what the word means.
                if phrase == owner {
                    continue;
                }
                // A word for rows of a dataset means those first, and a yes-or-no field is mostly said as its yes.
                // What a column is called in the table counts less than what people call it.
                let technical = *phrase != field.label && !field.synonyms.contains(phrase);
                let cost = u8::from(technical || self.owners.contains(phrase) || field.data_type == DataType::Boolean);
                // `ordered` is when, `orders` are not.
                if field.kind == FieldKind::Time && !phrase.contains(' ') && phrase.ends_with("ed") {
                    self.add_exactly(phrase, meaning.clone());
                    continue;
                }
                self.add(phrase, meaning.clone(), cost);
                if phrase.len() > 3 {
                    self.add(&plural(phrase), meaning.clone(), cost);
                }
            }
        }
        // Only these very words: `flights departed` are flights, not a flight's departure.
        for phrase in std::iter::once(&field.label).chain(&field.synonyms) {
            self.add_exactly(&format!("{owner} {phrase}"), meaning.clone());
            self.add_exactly(&plural(&format!("{owner} {phrase}")), meaning.clone());
        }
        const WEAK: [&str; 14] =
            ["time", "id", "name", "number", "code", "date", "at", "on", "type", "hour", "day", "month", "year", "key"];
        if let Some((_, head)) = field.label.rsplit_once(' ')
            && !WEAK.contains(&head)
            && field.kind == FieldKind::Measure
        {
            self.add(head, meaning.clone(), 2);
            self.add(&plural(head), meaning, 2);
        }
    }

    fn add_values(&mut self, dataset: &Dataset, field: &Field, place: Place) {
        if field.data_type == DataType::Boolean {
            let yes = Meaning::Value { place, values: vec!["true".to_owned()] };
            for phrase in std::iter::once(&field.label).chain(&field.synonyms) {
                self.add(phrase.strip_prefix("is ").unwrap_or(phrase), yes.clone(), 0);
            }
        }
        for value in &field.values {
            if field.data_type != DataType::Boolean {
                self.add_value(value, value, place, 0);
            }
        }
        let mut spoken: HashMap<&str, Vec<String>> = HashMap::new();
        for (word, value) in &field.value_synonyms {
            spoken.entry(word).or_default().push(value.clone());
        }
        for (word, values) in spoken {
            self.add(word, Meaning::Value { place, values }, 0);
        }
        let named = dataset.display.as_deref() == Some(&field.name) || field.kind == FieldKind::Dimension;
        if named && field.values.len() <= MAX_SHORT_FORMS {
            self.add_short_forms(field, place);
        }
    }

    fn add_value(&mut self, phrase: &str, value: &str, place: Place, cost: u8) {
        let meaning = Meaning::Value { place, values: vec![value.to_owned()] };
        let letters = phrase.chars().count();
        if letters < 2 {
            return;
        }
        if letters == 2 || (letters == 3 && words::word(&phrase.to_lowercase()).is_some()) {
            let key = phrase.to_lowercase();
            push(self.exact.entry(key).or_default(), Entry { meaning, cost, exact: Some(phrase.to_owned()) });
            return;
        }
        self.add(phrase, meaning, cost);
    }

    /// `American Airlines Inc.` is also `American Airlines`, and `American` where no other value begins so.
    fn add_short_forms(&mut self, field: &Field, place: Place) {
        const FIRMS: [&str; 9] = ["inc", "co", "corp", "corporation", "ltd", "llc", "gmbh", "plc", "company"];
        let mut firsts: HashMap<String, usize> = HashMap::new();
        let split: Vec<Vec<Token>> = field.values.iter().map(|value| tokens(value)).collect();
        for words in &split {
            if let Some(first) = words.first() {
                *firsts.entry(first.lower.clone()).or_default() += 1;
            }
        }
        for (value, words) in field.values.iter().zip(&split) {
            let kept: Vec<&str> = words.iter().map(|t| t.lower.as_str()).filter(|w| !FIRMS.contains(w)).collect();
            if kept.len() < words.len() && !kept.is_empty() {
                self.add_value(&kept.join(" "), value, place, 0);
            }
            for (two, one) in [("air lines", "airlines"), ("airlines", "air lines"), ("airways", "airlines")] {
                let joined = kept.join(" ");
                if joined.contains(two) {
                    self.add_value(&joined.replace(two, one), value, place, 1);
                }
            }
            let first = words.first().map_or("", |t| t.lower.as_str());
            let alone = firsts.get(first) == Some(&1) && words.len() > 1;
            if alone && first.len() > 3 && words::word(first).is_none() && field.values.len() <= MAX_SHORT_FORMS {
                self.add(first, Meaning::Value { place, values: vec![value.clone()] }, 2);
            }
        }
    }

    fn add_exactly(&mut self, phrase: &str, meaning: Meaning) {
        let words = tokens(phrase);
        if words.is_empty() || words.len() > MAX_PHRASE {
            return;
        }
        let lower = words.iter().map(|t| t.lower.as_str()).collect::<Vec<_>>().join(" ");
        push(self.exact.entry(lower).or_default(), Entry { meaning, cost: 0, exact: None });
    }

    fn add(&mut self, phrase: &str, meaning: Meaning, cost: u8) {
        let words = tokens(phrase);
        if words.is_empty() || words.len() > MAX_PHRASE {
            return;
        }
        let lower = words.iter().map(|t| t.lower.as_str()).collect::<Vec<_>>().join(" ");
        let stemmed = words.iter().map(|t| t.stem.as_str()).collect::<Vec<_>>().join(" ");
        for word in &words {
            if word.lower.len() >= MIN_MISSPELT - 1 {
                self.vocabulary.insert(word.lower.clone());
            }
        }
        let entry = Entry { meaning, cost, exact: None };
        push(self.exact.entry(lower).or_default(), entry.clone());
        push(self.stems.entry(stemmed).or_default(), Entry { cost: entry.cost, ..entry });
    }
}

/// Whether a word of the metric means another one first: one that is called so, or an earlier one of other rows, as long as
/// it can be had. Two of the same rows are held apart by nothing, so the question is asked back.
fn is_taken(phrase: &String, at: usize, model: &Model) -> bool {
    let own = &model.metrics[at].measure.dataset;
    model.metrics.iter().enumerate().any(|(other, metric)| {
        let earlier = other < at && metric.measure.dataset != *own && metric.synonyms.contains(phrase);
        other != at && (metric.label == *phrase || earlier)
    })
}

fn push(entries: &mut Vec<Entry>, entry: Entry) {
    if let Some(known) = entries.iter_mut().find(|known| known.meaning == entry.meaning) {
        known.cost = known.cost.min(entry.cost);
    } else if entries.len() < MAX_READINGS {
        entries.push(entry);
    }
}

const OTHER_LETTER: u8 = 2;

/// How a word was misspelt, the likelier the smaller: letters swapped, one too many or too few, another letter.
fn mistake(known: &str, word: &str) -> u8 {
    match known.len() == word.len() {
        true if same_letters(known, word) => 0,
        true => OTHER_LETTER,
        false => 1,
    }
}

fn same_letters(a: &str, b: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
}
