//! The model in the exchange format of Apache Ossie (core specification 0.2): datasets with fields, relationships from the
//! many to the one, metrics as expressions. What the format has no word for stands in our extension of it, so that a file
//! of ours comes back whole; what another's file says that the model cannot is told, never dropped in silence.

use pilothouse_domain::catalog::{Catalog, Table};
use pilothouse_domain::semantic::{
    Aggregate, Calculation, Compare, FieldKind, FieldRef, Filter, Measure, Model, Scalar,
};
use serde::{Deserialize, Serialize};

use super::doc::{DatasetDoc, Document, FieldDoc, JoinDoc, MetricDoc};
use super::{YamlError, error, read, write};
use crate::yaml::{Entries, Line};

/// The version of the specification that is written.
const VERSION: &str = "0.2.0.dev0";
/// Whose extensions ours are.
const VENDOR: &str = "PILOTHOUSE";
/// The dialect that every reader knows.
const ANSI: &str = "ANSI_SQL";

/// A file, and what could not be said in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The file as YAML.
    pub yaml: String,
    /// What was left out, in sentences.
    pub left_out: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    semantic_model: Vec<ModelDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ModelDoc {
    name: String,
    datasets: Vec<OssieDataset>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    relationships: Vec<Relationship>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<OssieMetric>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    custom_extensions: Vec<Extension>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OssieDataset {
    name: String,
    source: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    primary_key: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ai_context: Option<AiContext>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<OssieField>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    custom_extensions: Vec<Extension>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OssieField {
    name: String,
    expression: Expression,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dimension: Option<Dimension>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ai_context: Option<AiContext>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    custom_extensions: Vec<Extension>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Dimension {
    #[serde(default)]
    is_time: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Relationship {
    name: String,
    from: String,
    to: String,
    from_columns: Vec<String>,
    to_columns: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    custom_extensions: Vec<Extension>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OssieMetric {
    name: String,
    expression: Expression,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ai_context: Option<AiContext>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    custom_extensions: Vec<Extension>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Expression {
    dialects: Vec<Spoken>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Spoken {
    dialect: String,
    expression: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Extension {
    vendor_name: String,
    data: String,
}

/// Words for tools: a text, or a map of which only synonyms matter here.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum AiContext {
    Words { synonyms: Vec<String> },
    Text(String),
    Other(serde_json::Value),
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Role {
    role: Option<String>,
}

impl AiContext {
    fn of(synonyms: Option<Vec<String>>) -> Option<Self> {
        synonyms.filter(|words| !words.is_empty()).map(|synonyms| Self::Words { synonyms })
    }

    fn synonyms(context: Option<Self>) -> Option<Vec<String>> {
        let words = match context? {
            Self::Words { synonyms } => synonyms,
            Self::Text(text) => text.split(',').map(|word| word.trim().to_owned()).collect(),
            Self::Other(_) => Vec::new(),
        };
        Some(words.into_iter().filter(|word| !word.is_empty()).collect()).filter(|words: &Vec<_>| !words.is_empty())
    }
}

impl Expression {
    fn ansi(expression: String) -> Self {
        Self { dialects: vec![Spoken { dialect: ANSI.to_owned(), expression }] }
    }

    fn text(&self) -> &str {
        let ansi = self.dialects.iter().find(|spoken| spoken.dialect == ANSI);
        ansi.or(self.dialects.first()).map_or("", |spoken| spoken.expression.trim())
    }
}

/// Our extension, where it says anything.
fn extension<T: Serialize>(said: &T) -> Result<Vec<Extension>, YamlError> {
    let data = serde_json::to_string(said).map_err(|wrong| error(0, wrong.to_string()))?;
    Ok(if data == "{}" { Vec::new() } else { vec![Extension { vendor_name: VENDOR.to_owned(), data }] })
}

/// What our extension says; JSON is YAML too.
fn extended<T: Default + for<'de> Deserialize<'de>>(extensions: &[Extension]) -> Result<T, YamlError> {
    let Some(own) = extensions.iter().find(|extension| extension.vendor_name == VENDOR) else {
        return Ok(T::default());
    };
    serde_saphyr::from_str(&own.data)
        .map_err(|wrong| error(0, format!("an extension of {VENDOR}: {}", wrong.without_snippet())))
}

/// The model in the exchange format, called `name`.
///
/// # Errors
/// When a metric or a segment is made of what one line of text cannot say.
pub fn to_ossie(model: &Model, name: &str) -> Result<Exchanged, YamlError> {
    let Document { datasets, metrics, segments, joins, verified } = write::document(model)?;
    let mut left_out = Vec::new();
    let (mut told, mut kept) = (Vec::new(), Entries::default());
    for ((metric, line, mut doc), known) in metrics.0.into_iter().zip(&model.metrics) {
        match expression(&known.measure, model) {
            Some(text) => {
                let ai_context = AiContext::of(Some(std::mem::take(&mut doc.synonyms)));
                let custom_extensions = extension(&doc)?;
                told.push(OssieMetric {
                    name: metric,
                    expression: Expression::ansi(text),
                    ai_context,
                    custom_extensions,
                });
            }
            None => {
                left_out.push(format!("Metric `{metric}` has no plain expression; it stands in the extension only."));
                kept.0.push((metric, line, doc));
            }
        }
    }
    let rest = Document { segments, verified, metrics: kept, ..Document::default() };
    let model = ModelDoc {
        name: name.to_owned(),
        datasets: datasets.0.into_iter().map(|(name, _, doc)| dataset(name, doc)).collect::<Result<_, _>>()?,
        relationships: joins.into_iter().map(relationship).collect::<Result<_, _>>()?,
        metrics: told,
        custom_extensions: extension(&rest)?,
    };
    let file = File { version: Some(VERSION.to_owned()), semantic_model: vec![model] };
    let yaml = serde_saphyr::to_string(&file).map_err(|wrong| error(0, wrong.to_string()))?;
    Ok(Exchanged { yaml, left_out })
}

fn dataset(name: String, mut doc: DatasetDoc) -> Result<OssieDataset, YamlError> {
    let fields = std::mem::take(&mut doc.fields).0.into_iter().map(|(name, _, doc)| field(name, doc));
    let source = doc.table.take().map_or_else(|| name.clone(), |table| table.text);
    Ok(OssieDataset {
        source,
        primary_key: doc.primary_key.take().unwrap_or_default().into_iter().map(|key| key.text).collect(),
        ai_context: AiContext::of(doc.synonyms.take()),
        fields: fields.collect::<Result<_, _>>()?,
        custom_extensions: extension(&doc)?,
        name,
    })
}

fn field(name: String, mut doc: FieldDoc) -> Result<OssieField, YamlError> {
    let text = match &doc.days {
        Some([from, to]) => format!("CAST({} AS DATE) - CAST({} AS DATE)", to.text, from.text),
        None => doc.column.take().map_or_else(|| name.clone(), |column| column.text),
    };
    let dimension = match doc.kind {
        Some(FieldKind::Measure) | None => None,
        Some(kind) => Some(Dimension { is_time: kind == FieldKind::Time }),
    };
    Ok(OssieField {
        expression: Expression::ansi(text),
        dimension,
        label: doc.label.take(),
        ai_context: AiContext::of(doc.synonyms.take()),
        custom_extensions: extension(&doc)?,
        name,
    })
}

fn relationship(join: JoinDoc) -> Result<Relationship, YamlError> {
    let texts = |lines: Vec<Line>| lines.into_iter().map(|line| line.text).collect::<Vec<_>>();
    let role = join.role.as_deref().map_or_else(String::new, |role| format!("_as_{}", role.replace(' ', "_")));
    Ok(Relationship {
        name: format!("{}_to_{}{role}", join.from.text, join.to.text),
        from: join.from.text,
        to: join.to.text,
        from_columns: texts(join.columns),
        to_columns: texts(join.references),
        custom_extensions: if join.role.is_some() { extension(&Role { role: join.role })? } else { Vec::new() },
    })
}

/// A measure as an expression over columns of datasets; none where that would not be the same number.
fn expression(measure: &Measure, model: &Model) -> Option<String> {
    match &measure.calculation {
        Calculation::CountRows => {
            let key = model.dataset(&measure.dataset)?.primary_key.first()?;
            Some(format!("COUNT({})", within(&format!("{}.{key}", measure.dataset), &measure.filters, model)?))
        }
        Calculation::Aggregate { aggregate, field } => {
            let (name, distinct) = match aggregate {
                Aggregate::Count => ("COUNT", ""),
                Aggregate::CountDistinct => ("COUNT", "DISTINCT "),
                Aggregate::Sum => ("SUM", ""),
                Aggregate::Avg => ("AVG", ""),
                Aggregate::Min => ("MIN", ""),
                Aggregate::Max => ("MAX", ""),
                Aggregate::Median => return None,
            };
            Some(format!("{name}({distinct}{})", within(&column(field, model)?, &measure.filters, model)?))
        }
        Calculation::Ratio { numerator, denominator, percent: false } if measure.filters.is_empty() => {
            Some(format!("{} / NULLIF({}, 0)", expression(numerator, model)?, expression(denominator, model)?))
        }
        _ => None,
    }
}

fn column(at: &FieldRef, model: &Model) -> Option<String> {
    let field = model.field(at).filter(|field| field.days.is_none() && at.via.is_none())?;
    Some(format!("{}.{}", at.dataset, field.column))
}

fn within(column: &str, filters: &[Filter], model: &Model) -> Option<String> {
    if filters.is_empty() {
        return Some(column.to_owned());
    }
    let conditions: Vec<String> = filters.iter().map(|filter| condition(filter, model)).collect::<Option<_>>()?;
    Some(format!("CASE WHEN {} THEN {column} END", conditions.join(" AND ")))
}

fn condition(filter: &Filter, model: &Model) -> Option<String> {
    let Filter::Compare { field, op, values } = filter else { return None };
    let column = column(field, model)?;
    let sign = match op {
        Compare::Eq => "=",
        Compare::Ne => "<>",
        Compare::Lt => "<",
        Compare::Le => "<=",
        Compare::Gt => ">",
        Compare::Ge => ">=",
        Compare::IsNull => return Some(format!("{column} IS NULL")),
        Compare::IsNotNull => return Some(format!("{column} IS NOT NULL")),
        Compare::Contains | Compare::StartsWith => return None,
    };
    let values: Vec<String> = values.iter().map(literal).collect();
    match (values.as_slice(), op) {
        ([one], _) => Some(format!("{column} {sign} {one}")),
        (several, Compare::Eq) => Some(format!("{column} IN ({})", several.join(", "))),
        (several, Compare::Ne) => Some(format!("{column} NOT IN ({})", several.join(", "))),
        _ => None,
    }
}

fn literal(value: &Scalar) -> String {
    match value {
        Scalar::Integer(number) => number.to_string(),
        Scalar::Number(number) => number.to_string(),
        Scalar::Boolean(value) => value.to_string().to_uppercase(),
        Scalar::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Scalar::Date(text) => format!("DATE '{text}'"),
        Scalar::Timestamp(text) => format!("TIMESTAMP '{}'", text.replace('T', " ")),
    }
}

/// Our own file for one in the exchange format, over the tables of `catalog`.
///
/// # Errors
/// When the text is not of that format, or what it says does not fit the tables.
pub fn from_ossie(text: &str, catalog: &Catalog) -> Result<Exchanged, YamlError> {
    let file: File = serde_saphyr::from_str(text).map_err(|wrong| {
        let line = wrong.location().map_or(0, |location| location.line());
        error(line, wrong.without_snippet().to_string())
    })?;
    let [model] = <[ModelDoc; 1]>::try_from(file.semantic_model)
        .map_err(|several| error(0, format!("the file has {} models; one at a time can be read", several.len())))?;
    let mut left_out = Vec::new();
    let mut document: Document = extended(&model.custom_extensions)?;
    let mut tables = Vec::new();
    for dataset in model.datasets {
        match source(&dataset.source, catalog) {
            Some(table) => {
                let doc = dataset_doc(&dataset, table, &mut left_out)?;
                tables.push(dataset.name.clone());
                document.datasets.0.push((dataset.name, 0, doc));
            }
            None => left_out.push(format!("Dataset `{}`: there is no table `{}`.", dataset.name, dataset.source)),
        }
    }
    for relationship in model.relationships {
        if [&relationship.from, &relationship.to].iter().any(|end| !tables.contains(end)) {
            left_out.push(format!("Relationship `{}` leads to what was left out.", relationship.name));
            continue;
        }
        let lines = |texts: Vec<String>| texts.into_iter().map(Line::new).collect::<Vec<_>>();
        let role: Role = extended(&relationship.custom_extensions)?;
        document.joins.push(JoinDoc {
            from: Line::new(relationship.from),
            columns: lines(relationship.from_columns),
            to: Line::new(relationship.to),
            references: lines(relationship.to_columns),
            role: role.role,
        });
    }
    let own = std::mem::take(&mut document.metrics);
    for metric in model.metrics {
        match metric_doc(&metric)? {
            Some(mut doc) => {
                doc.synonyms = AiContext::synonyms(metric.ai_context).unwrap_or_default();
                document.metrics.0.push((metric.name, 0, doc));
            }
            None => left_out.push(format!(
                "Metric `{}`: `{}` is more than a measure.",
                metric.name,
                metric.expression.text()
            )),
        }
    }
    document.metrics.0.extend(own.0);
    let yaml = serde_saphyr::to_string(&document).map_err(|wrong| error(0, wrong.to_string()))?;
    read(&yaml, catalog).map(|_| Exchanged { yaml, left_out })
}

/// The table that `database.schema.table` or a shorter name is.
fn source<'a>(name: &str, catalog: &'a Catalog) -> Option<&'a Table> {
    let parts: Vec<&str> = name.split('.').collect();
    (0..parts.len()).find_map(|from| catalog.table(&parts[from..].join(".")))
}

fn dataset_doc(dataset: &OssieDataset, table: &Table, left_out: &mut Vec<String>) -> Result<DatasetDoc, YamlError> {
    let mut doc: DatasetDoc = extended(&dataset.custom_extensions)?;
    doc.table = (table.name != dataset.name).then(|| Line::new(&table.name));
    doc.primary_key = Some(dataset.primary_key.iter().map(Line::new).collect::<Vec<_>>()).filter(|key| !key.is_empty());
    doc.synonyms = synonyms(dataset.ai_context.as_ref());
    for field in &dataset.fields {
        let mut own: FieldDoc = extended(&field.custom_extensions)?;
        let column = field.expression.text().trim_start_matches(&format!("{}.", dataset.name)).to_owned();
        if own.days.is_none() && table.column(&column).is_none() {
            left_out.push(format!("Field `{}.{}`: `{column}` is no column.", dataset.name, field.name));
            continue;
        }
        own.column = (own.days.is_none() && column != field.name).then(|| Line::new(column));
        own.label.clone_from(&field.label);
        own.synonyms = synonyms(field.ai_context.as_ref());
        doc.fields.0.push((field.name.clone(), 0, own));
    }
    Ok(doc)
}

fn synonyms(context: Option<&AiContext>) -> Option<Vec<String>> {
    AiContext::synonyms(context.map(|context| match context {
        AiContext::Words { synonyms } => AiContext::Words { synonyms: synonyms.clone() },
        AiContext::Text(text) => AiContext::Text(text.clone()),
        AiContext::Other(other) => AiContext::Other(other.clone()),
    }))
}

fn metric_doc(metric: &OssieMetric) -> Result<Option<MetricDoc>, YamlError> {
    let own = metric.custom_extensions.iter().find(|extension| extension.vendor_name == VENDOR);
    if let Some(own) = own {
        let doc = serde_saphyr::from_str(&own.data);
        return doc.map(Some).map_err(|wrong| error(0, wrong.without_snippet().to_string()));
    }
    let plain = |measure: String| MetricDoc {
        measure: Line::new(measure),
        conditions: Vec::new(),
        label: None,
        synonyms: Vec::new(),
        unit: None,
        time: None,
        group_by: Vec::new(),
    };
    Ok(measure_of(metric.expression.text()).map(plain))
}

/// `SUM(orders.amount) / COUNT(DISTINCT orders.customer_id)` in our own words.
fn measure_of(text: &str) -> Option<String> {
    match text.split_once('/') {
        Some((top, bottom)) => {
            let bottom = bottom.trim();
            let bare = bottom.strip_prefix("NULLIF(").and_then(|rest| rest.strip_suffix(')')?.rsplit_once(','));
            let bottom = bare.filter(|(_, zero)| zero.trim() == "0").map_or(bottom, |(inner, _)| inner);
            Some(format!("{} / {}", term_of(top)?, term_of(bottom)?))
        }
        None => term_of(text),
    }
}

fn term_of(text: &str) -> Option<String> {
    let (function, rest) = text.trim().split_once('(')?;
    let inside = rest.trim_end().strip_suffix(')')?.trim();
    let distinct = inside.get(..9).filter(|word| word.eq_ignore_ascii_case("DISTINCT ")).map(|_| inside[9..].trim());
    let name =
        |text: &str| text.split('.').count() == 2 && text.chars().all(|c| c.is_alphanumeric() || "._".contains(c));
    let of = distinct.unwrap_or(inside);
    let function = match (function.trim().to_ascii_uppercase().as_str(), distinct) {
        ("COUNT", Some(_)) => "count_distinct",
        ("COUNT", None) => "count_values",
        ("SUM", None) => "sum",
        ("AVG", None) => "avg",
        ("MIN", None) => "min",
        ("MAX", None) => "max",
        _ => return None,
    };
    name(of).then(|| format!("{function}({of})"))
}
