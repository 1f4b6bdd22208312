//! The parts of an answer that every surface shows alike: a result table, a chart specification, and the reading of
//! the question in words. They say what to show; how it looks is the page's business.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalog::DataType;
use crate::semantic::{Grain, Query};

/// What a result column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnRole {
    /// A group.
    Dimension,
    /// A number about the group.
    Measure,
    /// A point in time or a period.
    Time,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultColumn {
    /// Its name in the result.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// Its unit, for instance `minutes` or `USD`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<String>,
    /// What it is for.
    pub role: ColumnRole,
    /// For a column of periods, their length: its values are the first day of each, or the number of the part.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub grain: Option<Grain>,
}

/// The rows of a result. Each row has a value per column, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResultSet {
    /// Name and type of each column, as the engine returned them.
    pub columns: Vec<(String, DataType)>,
    /// The values: JSON numbers, text, booleans or null; dates and times as ISO text; exact decimals as numbers.
    pub rows: Vec<Vec<Value>>,
    /// Whether rows were left out because there were more than the limit.
    pub truncated: bool,
    /// Rows the engine read from storage; none where the engine does not tell.
    pub rows_scanned: Option<u64>,
    /// Bytes the engine read from storage; none where the engine does not tell.
    pub bytes_scanned: Option<u64>,
    /// Wall-clock time the engine took, in microseconds.
    pub elapsed_us: u64,
}

/// How to draw a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    /// The form.
    pub kind: ChartKind,
    /// The column along the horizontal axis.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub x: Option<String>,
    /// The columns whose values are drawn.
    #[serde(default)]
    pub y: Vec<String>,
    /// What it shows.
    pub title: String,
}

/// The forms a chart can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChartKind {
    /// One number, large.
    Number,
    /// A bar for each group.
    Bar,
    /// A line over time.
    Line,
    /// Nothing worth drawing: the table says it.
    None,
}

/// How a question was read, in words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Understanding {
    /// One sentence, for instance `Number of flights, in February 2013.`
    pub text: String,
    /// The same in parts.
    pub chips: Vec<Chip>,
    /// Who has vouched for the reading, where somebody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
}

/// That somebody has vouched for the reading of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Who.
    pub by: Option<String>,
    /// When, `YYYY-MM-DD`.
    pub on: Option<String>,
    /// The question as it was verified.
    pub question: String,
}

/// One part of a reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chip {
    /// Which part.
    pub kind: ChipKind,
    /// Its name, for instance `Period`.
    pub label: String,
    /// Its value, for instance `February 2013`.
    pub value: String,
    /// What could stand in its place; few, and each a whole query that can be asked.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub alternatives: Vec<Alternative>,
}

/// Another value of a part of a reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// The value in words.
    pub label: String,
    /// The question with it.
    pub query: Query,
}

/// The parts a reading can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChipKind {
    /// The table asked about.
    Table,
    /// A number.
    Metric,
    /// A grouping.
    Dimension,
    /// A condition.
    Filter,
    /// A span of time.
    Period,
    /// Day, week, month, …
    Grain,
    /// What comes first.
    Order,
    /// How many rows.
    Limit,
}
