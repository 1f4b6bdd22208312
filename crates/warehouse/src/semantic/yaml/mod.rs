//! The model as a YAML file that people edit. A file is read onto the model inferred from the catalog: it says what
//! differs, and every name in it is checked, with the line and the nearest known name in the error.

mod doc;
mod ossie;
mod text;
mod vouch;
mod write;

use pilothouse_domain::catalog::{Catalog, DataType};
use pilothouse_domain::semantic::{
    Aggregate, Calculation, Dataset, Field, FieldKind, FieldRef, Filter, Join, Metric, Model, Segment, VerifiedQuestion,
};

use super::infer;
use crate::yaml::{Entries, Line};
use doc::{DatasetDoc, Document, FieldDoc, JoinDoc, VerifiedDoc};

pub use ossie::{Exchanged, from_ossie, to_ossie};
pub use vouch::vouch;
pub use write::write;

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct YamlError {
    /// Where, counted from 1; 0 where it is the whole file.
    pub line: u64,
    /// Why.
    pub reason: String,
}

fn error(line: u64, reason: impl Into<String>) -> YamlError {
    YamlError { line, reason: reason.into() }
}

/// The model of `catalog` with what `text` says put in.
///
/// # Errors
/// When the text is not YAML of this shape, or names a table, column, dataset or field that does not exist.
pub fn read(text: &str, catalog: &Catalog) -> Result<Model, YamlError> {
    if text.len() > MAX_FILE_BYTES {
        return Err(error(0, format!("a semantic model has at most {MAX_FILE_BYTES} bytes")));
    }
    let mut model = infer(catalog);
    if text.trim().is_empty() {
        return Ok(model);
    }
    let document: Document = serde_saphyr::from_str(text).map_err(|wrong| {
        let line = wrong.location().map_or(0, |location| location.line());
        error(line, wrong.without_snippet().to_string())
    })?;
    let (mut hidden, mut same) = (Vec::new(), Vec::new());
    for (name, line, doc) in document.datasets.0 {
        if doc.hidden {
            hidden.push(name.clone());
        }
        same.extend(doc.fields.0.iter().filter_map(|(field, _, doc)| {
            let at = FieldRef { dataset: name.clone(), field: field.clone(), via: None };
            Some((at, doc.same_as.clone()?))
        }));
        dataset(&mut model, &name, line, doc, catalog)?;
    }
    model.datasets.retain(|dataset| !hidden.contains(&dataset.name));
    model.joins.retain(|join| !hidden.contains(&join.from) && !hidden.contains(&join.to));
    conform(&mut model, same)?;
    for join in document.joins {
        add_join(&mut model, join, catalog)?;
    }
    for (name, line, doc) in document.segments.0 {
        let dataset = known_dataset(&model, &doc.dataset.text, doc.dataset.line)?;
        let filters = conditions(&doc.conditions, dataset, &model)?;
        if filters.is_empty() {
            return Err(error(line, format!("segment `{name}` needs at least one condition")));
        }
        let dataset = dataset.name.clone();
        let label = doc.label.unwrap_or_else(|| name.replace('_', " "));
        model.segments.push(Segment { name, label, synonyms: doc.synonyms, dataset, filters });
    }
    for (name, _, doc) in document.metrics.0 {
        let at = doc.measure.line;
        let dataset = text::dataset_of(&doc.measure.text, &model).map_err(|reason| error(at, reason))?;
        let filters = conditions(&doc.conditions, dataset, &model)?;
        let mut measure = text::measure(&doc.measure.text, filters, &model).map_err(|reason| error(at, reason))?;
        if let (Calculation::Ratio { percent, .. }, Some("%")) = (&mut measure.calculation, doc.unit.as_deref()) {
            *percent = true;
        }
        if let Some(time) = doc.time {
            measure.time = Some(field_name(dataset, &time)?);
        }
        let by = |line: &Line| text::path(&line.text, &model).map_err(|reason| error(line.line, reason));
        let group_by = doc.group_by.iter().map(by).collect::<Result<_, _>>()?;
        let label = doc.label.unwrap_or_else(|| name.replace('_', " "));
        model.metrics.push(Metric { name, label, synonyms: doc.synonyms, measure, unit: doc.unit, group_by });
    }
    for doc in document.verified {
        let verified = verified(doc, &model, catalog)?;
        model.verified.push(verified);
    }
    Ok(model)
}

/// A question whose query can be asked of these tables.
fn verified(doc: VerifiedDoc, model: &Model, catalog: &Catalog) -> Result<VerifiedQuestion, YamlError> {
    let line = doc.query.line;
    let query = serde_json::from_str(&doc.query.text)
        .map_err(|wrong| error(line, format!("the query is not the JSON of a semantic query: {wrong}")))?;
    super::compile(&query, model, catalog.dialect).map_err(|wrong| error(line, wrong.to_string()))?;
    Ok(VerifiedQuestion { question: doc.question.text, query, by: doc.by, on: doc.on })
}

fn conditions(lines: &[Line], dataset: &Dataset, model: &Model) -> Result<Vec<Filter>, YamlError> {
    let read = |line: &Line| text::condition(&line.text, dataset, model).map_err(|reason| error(line.line, reason));
    lines.iter().map(read).collect()
}

/// Puts in which fields mean the same as others; only now, when all of them are known.
fn conform(model: &mut Model, said: Vec<(FieldRef, Line)>) -> Result<(), YamlError> {
    for (at, line) in said {
        let other = text::path(&line.text, model).map_err(|reason| error(line.line, reason))?;
        let dataset = model.datasets.iter_mut().find(|dataset| dataset.name == at.dataset);
        if let Some(field) = dataset.and_then(|dataset| dataset.fields.iter_mut().find(|f| f.name == at.field)) {
            field.same_as = Some(other);
        }
    }
    Ok(())
}

fn known_dataset<'a>(model: &'a Model, name: &str, line: u64) -> Result<&'a Dataset, YamlError> {
    model.dataset(name).ok_or_else(|| {
        let near = nearest(name, model.datasets.iter().map(|d| d.name.as_str()));
        error(line, format!("there is no dataset `{name}`{near}"))
    })
}

/// ` (do you mean `x`?)` for the known name that is most alike, or nothing.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let best = known.map(|other| (strsim::osa_distance(name, other), other)).min();
    match best {
        Some((distance, other)) if distance <= 1 + name.len() / 3 => format!(" (do you mean `{other}`?)"),
        _ => String::new(),
    }
}

fn dataset(model: &mut Model, name: &str, line: u64, doc: DatasetDoc, catalog: &Catalog) -> Result<(), YamlError> {
    let table_name = doc.table.as_ref().map_or(name, |table| table.text.as_str());
    let table_line = doc.table.as_ref().map_or(line, |table| table.line);
    let Some(table) = catalog.table(table_name) else {
        let near = nearest(table_name, catalog.tables.iter().map(|t| t.name.as_str()));
        return Err(error(table_line, format!("there is no table `{table_name}`{near}")));
    };
    let inferred =
        model.datasets.iter().position(|d| d.table == table.name && (d.name == name || d.name == table.name));
    let Some(at) = inferred else {
        return Err(error(line, format!("table `{table_name}` is described twice")));
    };
    if model.datasets[at].name != name {
        let old = std::mem::replace(&mut model.datasets[at].name, name.to_owned());
        for join in &mut model.joins {
            for end in [&mut join.from, &mut join.to] {
                if *end == old {
                    name.clone_into(end);
                }
            }
        }
    }
    let dataset = &mut model.datasets[at];
    fields(dataset, doc.fields, table)?;
    if let Some(label) = doc.label {
        dataset.label = label;
    }
    if let Some(synonyms) = doc.synonyms {
        dataset.synonyms = synonyms;
    }
    if let Some(key) = doc.primary_key {
        dataset.primary_key = key.iter().map(|line| field_name(dataset, line)).collect::<Result<_, _>>()?;
    }
    if let Some(time) = doc.default_time {
        dataset.default_time = Some(field_name(dataset, &time)?);
    }
    if let Some(snapshot) = doc.snapshot {
        dataset.snapshot = Some(field_name(dataset, &snapshot)?);
    }
    if let Some(display) = doc.display {
        dataset.display = Some(field_name(dataset, &display)?);
    }
    Ok(())
}

fn field_name(dataset: &Dataset, line: &Line) -> Result<String, YamlError> {
    if dataset.field(&line.text).is_some() {
        return Ok(line.text.clone());
    }
    let near = nearest(&line.text, dataset.fields.iter().map(|f| f.name.as_str()));
    Err(error(line.line, format!("dataset `{}` has no field `{}`{near}", dataset.name, line.text)))
}

fn fields(
    dataset: &mut Dataset,
    docs: Entries<FieldDoc>,
    table: &pilothouse_domain::catalog::Table,
) -> Result<(), YamlError> {
    let mut hidden = Vec::new();
    for (name, line, doc) in docs.0 {
        if doc.sensitivity.is_some() && (doc.hidden || doc.days.is_some()) {
            let reason =
                format!("`{name}` is no column that is asked about: its sensitivity belongs to an access policy");
            return Err(error(line, reason));
        }
        if let Some([from, to]) = &doc.days {
            let days = (time_name(dataset, from)?, time_name(dataset, to)?);
            if doc.column.is_some() || dataset.field(&name).is_some() {
                return Err(error(line, format!("`{name}` is either a column or the days between two")));
            }
            let mut field = days_field(&name, days);
            adjust(&mut field, doc);
            dataset.fields.push(field);
            continue;
        }
        let column = doc.column.as_ref().map_or(name.as_str(), |column| column.text.as_str());
        let column_line = doc.column.as_ref().map_or(line, |column| column.line);
        if table.column(column).is_none() {
            let near = nearest(column, table.columns.iter().map(|c| c.name.as_str()));
            return Err(error(column_line, format!("table `{}` has no column `{column}`{near}", table.name)));
        }
        if doc.hidden {
            hidden.push(column.to_owned());
        }
        let Some(field) = dataset.fields.iter_mut().find(|field| field.column == column) else {
            return Err(error(line, format!("column `{column}` is described twice")));
        };
        field.name = name;
        adjust(field, doc);
    }
    dataset.fields.retain(|field| !hidden.contains(&field.column));
    Ok(())
}

/// A field of the dataset that is a date or a moment.
fn time_name(dataset: &Dataset, line: &Line) -> Result<String, YamlError> {
    let name = field_name(dataset, line)?;
    match dataset.field(&name).is_some_and(|field| field.data_type.is_temporal()) {
        true => Ok(name),
        false => Err(error(line.line, format!("`{name}` is neither a date nor a moment"))),
    }
}

fn days_field(name: &str, days: (String, String)) -> Field {
    Field {
        name: name.to_owned(),
        column: String::new(),
        kind: FieldKind::Measure,
        data_type: DataType::Number,
        label: name.replace('_', " "),
        synonyms: Vec::new(),
        unit: Some("days".to_owned()),
        default_aggregate: Some(Aggregate::Avg),
        values: Vec::new(),
        value_synonyms: Vec::new(),
        range: None,
        calendar: None,
        nullable: true,
        days: Some(days),
        same_as: None,
        sensitivity: None,
    }
}

fn adjust(field: &mut Field, doc: FieldDoc) {
    if let Some(label) = doc.label {
        field.label = label;
    }
    if let Some(synonyms) = doc.synonyms {
        field.synonyms = synonyms;
    }
    if let Some(kind) = doc.kind {
        field.kind = kind;
        // Only numbers are put together by themselves.
        field.default_aggregate = field.default_aggregate.filter(|_| kind == FieldKind::Measure);
    }
    if doc.unit.is_some() {
        field.unit = doc.unit;
    }
    if doc.aggregate.is_some() {
        field.default_aggregate = doc.aggregate;
    }
    if doc.calendar.is_some() {
        field.calendar = doc.calendar;
    }
    if doc.sensitivity.is_some() {
        field.sensitivity = doc.sensitivity;
        // What the catalog knows of its values is nobody's to see.
        (field.values, field.range) = (Vec::new(), None);
    }
    if !doc.words.is_empty() {
        let pairs = doc.words.0.into_iter().flat_map(|(word, _, values)| {
            values.into_iter().map(move |value| (word.clone(), value)).collect::<Vec<_>>()
        });
        field.value_synonyms = pairs.collect();
    }
}

fn add_join(model: &mut Model, doc: JoinDoc, catalog: &Catalog) -> Result<(), YamlError> {
    let line = doc.from.line;
    if doc.columns.is_empty() || doc.columns.len() != doc.references.len() {
        return Err(error(line, "a join has as many columns as references, and at least one"));
    }
    if doc.from.text == doc.to.text && doc.role.is_none() {
        return Err(error(line, "a join to rows of the same table needs a role, for instance `manager`"));
    }
    for (end, columns) in [(&doc.from, &doc.columns), (&doc.to, &doc.references)] {
        let dataset = known_dataset(model, &end.text, end.line)?;
        let Some(table) = catalog.table(&dataset.table) else { continue };
        for column in columns {
            if table.column(&column.text).is_none() {
                let near = nearest(&column.text, table.columns.iter().map(|c| c.name.as_str()));
                return Err(error(
                    column.line,
                    format!("table `{}` has no column `{}`{near}", table.name, column.text),
                ));
            }
        }
    }
    let texts = |lines: Vec<Line>| lines.into_iter().map(|line| line.text).collect::<Vec<_>>();
    let join = Join {
        from: doc.from.text,
        columns: texts(doc.columns),
        to: doc.to.text,
        references: texts(doc.references),
        role: doc.role,
    };
    // A column that refers is counted, never summed.
    let dataset = model.datasets.iter_mut().find(|dataset| dataset.name == join.from);
    for field in dataset.into_iter().flat_map(|dataset| &mut dataset.fields) {
        if join.columns == [field.column.clone()] && field.kind == FieldKind::Measure {
            (field.kind, field.default_aggregate) = (FieldKind::Key, None);
        }
    }
    model.joins.retain(|known| (&known.from, &known.columns, &known.to) != (&join.from, &join.columns, &join.to));
    model.joins.push(join);
    Ok(())
}
