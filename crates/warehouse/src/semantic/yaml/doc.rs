//! The shape of the YAML file. Everything is optional: what a file does not say stays as it was inferred.

use pilothouse_domain::semantic::{Aggregate, Calendar, FieldKind, Sensitivity};
use serde::{Deserialize, Serialize};

use crate::yaml::{Entries, Line};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub datasets: Entries<DatasetDoc>,
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub metrics: Entries<MetricDoc>,
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub segments: Entries<SegmentDoc>,
    /// Joins beside the inferred ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joins: Vec<JoinDoc>,
    /// Questions whose reading somebody has vouched for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verified: Vec<VerifiedDoc>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifiedDoc {
    pub question: Line,
    /// The semantic query that answers give as `query`, as JSON.
    pub query: Line,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetDoc {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synonyms: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<Vec<Line>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_time: Option<Line>,
    /// Its rows are levels taken at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<Line>,
    /// Not asked about.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub fields: Entries<FieldDoc>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldDoc {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synonyms: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FieldKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Aggregate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
    /// Words people use, each with the values it stands for.
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub words: Entries<Vec<String>>,
    /// Instead of a column, the days from one time of the row to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<[Line; 2]>,
    /// `dataset.field` that means the same, where no join says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<Line>,
    /// What may be done with it, where that is not everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
    /// Not asked about.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricDoc {
    pub measure: Line,
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The field its periods are told by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Line>,
    /// The only fields it may be told by, as `dataset.field`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<Line>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SegmentDoc {
    pub dataset: Line,
    #[serde(rename = "where")]
    pub conditions: Vec<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinDoc {
    pub from: Line,
    pub columns: Vec<Line>,
    pub to: Line,
    pub references: Vec<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}
