//! A model as the YAML file that would make it from its catalog.

use pilothouse_domain::semantic::{Dataset, Field, FieldRef, Model};

use super::doc::{DatasetDoc, Document, FieldDoc, JoinDoc, MetricDoc, SegmentDoc, VerifiedDoc};
use super::{YamlError, error, text};
use crate::yaml::{Entries, Line};

/// The file for `model`: everything it says, so that all of it can be edited.
///
/// # Errors
/// When a metric or a segment is made of what one line of text cannot say.
pub fn write(model: &Model) -> Result<String, YamlError> {
    serde_saphyr::to_string(&document(model)?).map_err(|wrong| error(0, wrong.to_string()))
}

/// The same, before it is text.
pub(super) fn document(model: &Model) -> Result<Document, YamlError> {
    let mut document = Document::default();
    for dataset in &model.datasets {
        document.datasets.0.push((dataset.name.clone(), 0, dataset_doc(dataset)));
    }
    for (at, metric) in model.metrics.iter().enumerate() {
        let unsaid = || error(0, format!("metric `{}` cannot be written as text", metric.name));
        let (measure, filters) = text::measure_text(&metric.measure, &model.metrics[..at]).ok_or_else(unsaid)?;
        let said = |filter| text::condition_text(filter, &metric.measure.dataset).map(Line::new);
        let conditions = filters.iter().map(said).collect::<Option<_>>();
        let doc = MetricDoc {
            measure: Line::new(measure),
            conditions: conditions.ok_or_else(unsaid)?,
            label: Some(metric.label.clone()),
            synonyms: metric.synonyms.clone(),
            unit: metric.unit.clone(),
            time: metric.measure.time.as_ref().map(Line::new),
            group_by: metric.group_by.iter().map(path).collect(),
        };
        document.metrics.0.push((metric.name.clone(), 0, doc));
    }
    for segment in &model.segments {
        let unsaid = || error(0, format!("segment `{}` cannot be written as text", segment.name));
        let said = |filter| text::condition_text(filter, &segment.dataset).map(Line::new);
        let conditions = segment.filters.iter().map(said).collect::<Option<_>>();
        let doc = SegmentDoc {
            dataset: Line::new(&segment.dataset),
            conditions: conditions.ok_or_else(unsaid)?,
            label: Some(segment.label.clone()),
            synonyms: segment.synonyms.clone(),
        };
        document.segments.0.push((segment.name.clone(), 0, doc));
    }
    let lines = |texts: &[String]| texts.iter().map(Line::new).collect::<Vec<_>>();
    document.joins = (model.joins.iter())
        .map(|join| JoinDoc {
            from: Line::new(&join.from),
            columns: lines(&join.columns),
            to: Line::new(&join.to),
            references: lines(&join.references),
            role: join.role.clone(),
        })
        .collect();
    for verified in &model.verified {
        let query = serde_json::to_string(&verified.query).map_err(|wrong| error(0, wrong.to_string()))?;
        document.verified.push(VerifiedDoc {
            question: Line::new(&verified.question),
            query: Line::new(query),
            by: verified.by.clone(),
            on: verified.on.clone(),
        });
    }
    Ok(document)
}

fn path(at: &FieldRef) -> Line {
    Line::new(format!("{}.{}", at.dataset, at.field))
}

fn dataset_doc(dataset: &Dataset) -> DatasetDoc {
    let fields = dataset.fields.iter().map(|field| (field.name.clone(), 0, field_doc(field)));
    DatasetDoc {
        table: (dataset.table != dataset.name).then(|| Line::new(&dataset.table)),
        label: Some(dataset.label.clone()),
        synonyms: Some(dataset.synonyms.clone()).filter(|s| !s.is_empty()),
        primary_key: Some(dataset.primary_key.iter().map(Line::new).collect::<Vec<_>>()).filter(|k| !k.is_empty()),
        default_time: dataset.default_time.as_ref().map(Line::new),
        snapshot: dataset.snapshot.as_ref().map(Line::new),
        display: dataset.display.as_ref().map(Line::new),
        hidden: false,
        fields: Entries(fields.collect()),
    }
}

fn field_doc(field: &Field) -> FieldDoc {
    let mut words: Entries<Vec<String>> = Entries::default();
    for (word, value) in &field.value_synonyms {
        match words.0.iter_mut().find(|(known, ..)| known == word) {
            Some((_, _, values)) => values.push(value.clone()),
            None => words.0.push((word.clone(), 0, vec![value.clone()])),
        }
    }
    FieldDoc {
        column: (field.days.is_none() && field.column != field.name).then(|| Line::new(&field.column)),
        days: field.days.as_ref().map(|(from, to)| [Line::new(from), Line::new(to)]),
        label: Some(field.label.clone()),
        synonyms: Some(field.synonyms.clone()).filter(|s| !s.is_empty()),
        kind: Some(field.kind),
        unit: field.unit.clone(),
        aggregate: field.default_aggregate,
        calendar: field.calendar,
        words,
        same_as: field.same_as.as_ref().map(path),
        sensitivity: field.sensitivity,
        hidden: false,
    }
}
