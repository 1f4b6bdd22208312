//! What a model of language is told of a semantic model: as much of it as fits, what the question names first.

use std::collections::BTreeSet;

use pilothouse_domain::semantic::{Dataset, Field, Model, Sensitivity};
use serde_json::{Value, json};

use crate::planner::words_of;

/// Largest brief, in bytes of JSON.
pub const MAX_BRIEF_BYTES: usize = 24 << 10;
/// Most values of a field that are told.
const MAX_VALUES: usize = 24;
/// Most questions with a known reading that are told.
const MAX_VERIFIED: usize = 3;

/// What is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Brief {
    /// It, as JSON.
    pub value: Value,
    /// Whether it is all that there is.
    pub is_whole: bool,
}

impl Brief {
    /// What is told of a model to whoever reads this question; without values where they may not be told.
    pub fn of(model: &Model, question: &str, tells_values: bool) -> Self {
        let asked = words_of(question);
        let mut ranked: Vec<(usize, &Dataset)> =
            model.datasets.iter().map(|dataset| (hits(dataset, &asked, tells_values), dataset)).collect();
        ranked.sort_by_key(|(hits, _)| std::cmp::Reverse(*hits));
        let mut told: Vec<&Dataset> = Vec::new();
        let mut bytes = 0;
        for (_, dataset) in with_neighbours(model, &ranked) {
            let size = described(dataset, tells_values).to_string().len();
            if bytes + size <= MAX_BRIEF_BYTES && !told.iter().any(|known| known.name == dataset.name) {
                bytes += size;
                told.push(dataset);
            }
        }
        let is_told = |name: &str| told.iter().any(|dataset| dataset.name == name);
        let metrics: Vec<Value> = model
            .metrics
            .iter()
            .filter(|metric| is_told(&metric.measure.dataset))
            .map(|metric| json!({"name": metric.label, "words": metric.synonyms, "measure": metric.measure}))
            .collect();
        let segments: Vec<Value> = model
            .segments
            .iter()
            .filter(|segment| tells_values && is_told(&segment.dataset))
            .map(|segment| {
                json!({"name": segment.label, "words": segment.synonyms, "dataset": segment.dataset, "filters": segment.filters})
            })
            .collect();
        let joins: Vec<Value> = model
            .joins
            .iter()
            .filter(|join| is_told(&join.from) && is_told(&join.to))
            .map(|join| json!({"from": join.from, "to": join.to, "via": join.role}))
            .collect();
        let datasets: Vec<Value> = told.iter().map(|dataset| described(dataset, tells_values)).collect();
        let is_whole = datasets.len() == model.datasets.len();
        let mut value = json!({"datasets": datasets, "joins": joins});
        for (name, more) in
            [("metrics", metrics), ("segments", segments), ("known", known(model, &asked, tells_values))]
        {
            put(&mut value, name, more);
        }
        Self { value, is_whole }
    }
}

/// Adds a list as far as there is room for it.
fn put(value: &mut Value, name: &str, more: Vec<Value>) {
    let mut room = MAX_BRIEF_BYTES.saturating_sub(value.to_string().len());
    let fits = more.into_iter().take_while(|one| {
        let size = one.to_string().len() + 1;
        let fits = size <= room;
        room = room.saturating_sub(size);
        fits
    });
    let fits: Vec<Value> = fits.collect();
    if !fits.is_empty() {
        value[name] = fits.into();
    }
}

/// Those that the question names, each with those that its rows refer to, then the rest.
fn with_neighbours<'m>(model: &'m Model, ranked: &[(usize, &'m Dataset)]) -> Vec<(usize, &'m Dataset)> {
    let mut ordered = Vec::new();
    for (hits, dataset) in ranked.iter().filter(|(hits, _)| *hits > 0) {
        ordered.push((*hits, *dataset));
        let next = model.joins.iter().filter(|join| join.from == dataset.name);
        ordered.extend(next.filter_map(|join| Some((0, model.dataset(&join.to)?))));
    }
    ordered.extend(ranked.iter().copied());
    ordered
}

/// How many words of a question a dataset has.
fn hits(dataset: &Dataset, asked: &BTreeSet<String>, tells_values: bool) -> usize {
    let own = std::iter::once(&dataset.name).chain([&dataset.label]).chain(&dataset.synonyms);
    let fields = dataset.fields.iter().filter(|field| is_told(field)).flat_map(|field| {
        let values = field.values.iter().filter(move |_| tells_values && is_open(field));
        std::iter::once(&field.name).chain([&field.label]).chain(&field.synonyms).chain(values)
    });
    let words: BTreeSet<String> = own.chain(fields).flat_map(|text| words_of(text)).collect();
    words.intersection(asked).count()
}

/// Whether it is told that there is such a field.
fn is_told(field: &Field) -> bool {
    field.sensitivity != Some(Sensitivity::Hidden)
}

/// Whether its values may be told.
fn is_open(field: &Field) -> bool {
    field.sensitivity.is_none()
}

fn described(dataset: &Dataset, tells_values: bool) -> Value {
    let fields: Vec<Value> =
        dataset.fields.iter().filter(|field| is_told(field)).map(|field| field_of(field, tells_values)).collect();
    json!({"dataset": dataset.name, "table": dataset.table, "rows": dataset.label, "words": dataset.synonyms,
        "time": dataset.default_time, "name": dataset.display, "fields": fields})
}

fn field_of(field: &Field, tells_values: bool) -> Value {
    let mut told = json!({"field": field.name, "kind": field.kind, "type": field.data_type});
    let mut add = |name: &str, value: Value| {
        told[name] = value;
    };
    if field.label != field.name {
        add("label", field.label.as_str().into());
    }
    if field.column != field.name {
        add("column", field.column.as_str().into());
    }
    if !field.synonyms.is_empty() {
        add("words", field.synonyms.clone().into());
    }
    if let Some(unit) = &field.unit {
        add("unit", unit.as_str().into());
    }
    if tells_values && is_open(field) {
        if !field.values.is_empty() {
            add("values", field.values.iter().take(MAX_VALUES).cloned().collect::<Vec<_>>().into());
        }
        if let Some((least, most)) = &field.range {
            add("range", json!([least, most]));
        }
    }
    told
}

/// Questions like it whose reading somebody has vouched for. Their filters hold values.
fn known(model: &Model, asked: &BTreeSet<String>, tells_values: bool) -> Vec<Value> {
    let mut near: Vec<(usize, Value)> = model
        .verified
        .iter()
        .filter(|_| tells_values)
        .map(|known| {
            let common = words_of(&known.question).intersection(asked).count();
            (common, json!({"question": known.question, "query": known.query}))
        })
        .filter(|(common, _)| *common > 1)
        .collect();
    near.sort_by_key(|(common, _)| std::cmp::Reverse(*common));
    near.into_iter().take(MAX_VERIFIED).map(|(_, known)| known).collect()
}
