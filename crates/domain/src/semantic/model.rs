//! The semantic model of a connection: datasets, fields, metrics, joins, and the words people use for them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{FieldRef, Group};
use crate::catalog::DataType;

/// Most joins between the rows asked about and a field.
const MAX_HOPS: usize = 4;

/// A unit as it is shown after a number, for instance `minutes`.
pub type Unit = String;

/// Everything that is known about what a connection's tables mean.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// One for each table that can be asked about.
    pub datasets: Vec<Dataset>,
    /// Numbers that have a name of their own.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// Conditions that have a name of their own.
    #[serde(default)]
    pub segments: Vec<Segment>,
    /// How datasets relate: always from the many to the one.
    #[serde(default)]
    pub joins: Vec<Join>,
    /// Questions whose reading somebody has vouched for.
    #[serde(default)]
    pub verified: Vec<VerifiedQuestion>,
}

/// A question whose reading somebody has vouched for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifiedQuestion {
    /// Its words.
    pub question: String,
    /// Its reading.
    pub query: super::Query,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
}

impl Model {
    /// The joins that lead from one dataset to another, the shortest such way; with a role, the shortest that takes a join
    /// of that role. None where there is no way, or more than one.
    pub fn way(&self, from: &str, to: &str, via: Option<&str>) -> Option<Vec<usize>> {
        let mut found: Vec<Vec<usize>> = Vec::new();
        let mut queue: VecDeque<(&str, Vec<usize>)> = VecDeque::from([(from, Vec::new())]);
        while let Some((here, way)) = queue.pop_front() {
            if way.len() >= found.first().map_or(MAX_HOPS, Vec::len) {
                continue;
            }
            for (index, join) in self.joins.iter().enumerate().filter(|(_, join)| join.from == here) {
                let longer: Vec<usize> = way.iter().copied().chain([index]).collect();
                if join.to == to {
                    let named = |role: &str| longer.iter().any(|step| self.joins[*step].role.as_deref() == Some(role));
                    if via.is_none_or(named) {
                        found.push(longer);
                    }
                } else if !way.iter().any(|step| self.joins[*step].to == join.to) {
                    queue.push_back((join.to.as_str(), longer));
                }
            }
        }
        match <[Vec<usize>; 1]>::try_from(found) {
            Ok([way]) => Some(way),
            Err(_) => None,
        }
    }

    /// What names the rows that a number refers to in a role, for instance a seller's name for a seller's id. Of rows that
    /// a role leads to there is none: a way has one role.
    pub fn named(&self, at: &FieldRef) -> Option<FieldRef> {
        if at.via.is_some() {
            return None;
        }
        let column = &self.field(at).filter(|field| field.data_type == DataType::Integer)?.column;
        let join = self.joins.iter().find(|join| join.from == at.dataset && join.columns == [column.clone()])?;
        let (role, target) = (join.role.clone()?, self.dataset(&join.to)?);
        Some(FieldRef { dataset: target.name.clone(), field: target.display.clone()?, via: Some(role) })
    }

    /// Whether the groups are spans or parts of a time.
    pub fn is_time(&self, group: &Group) -> bool {
        group.grain.is_some() || self.field(&group.field).is_some_and(|field| field.calendar.is_some())
    }

    /// The dataset with exactly this name.
    pub fn dataset(&self, name: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|dataset| dataset.name == name)
    }

    /// The field that `at` names.
    pub fn field(&self, at: &FieldRef) -> Option<&Field> {
        self.dataset(&at.dataset)?.field(&at.field)
    }
}

/// A table and what it means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// The model's name for it; unique.
    pub name: String,
    /// The table in the catalog.
    pub table: String,
    /// One row is one of these, in the plural, for instance `flights`.
    pub label: String,
    /// Other words for its rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    /// The columns that identify a row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    /// The field meant when a question names a time and no field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_time: Option<String>,
    /// Where its rows are levels, as stock or balances: the field that says when each was taken. They are not added up
    /// over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The field that names a row for people, for instance an airline's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// Its fields.
    pub fields: Vec<Field>,
}

impl Dataset {
    /// The field with exactly this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// What a field is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// Identifies or refers; counted, never summed.
    Key,
    /// Groups and filters.
    Dimension,
    /// A point in time.
    Time,
    /// A number that can be aggregated.
    Measure,
}

/// A column, or an expression over columns of the same table, and what it means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The model's name for it; unique in its dataset.
    pub name: String,
    /// The column in the catalog.
    pub column: String,
    /// What it is for.
    pub kind: FieldKind,
    /// Its type.
    pub data_type: DataType,
    /// What people call it.
    pub label: String,
    /// Other words for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    /// The unit of its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// How its numbers are aggregated when a question does not say; sums where adding makes sense, otherwise averages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_aggregate: Option<Aggregate>,
    /// Its values, where they are few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Words people use for values: `(word, value)`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub value_synonyms: Vec<(String, String)>,
    /// The smallest and the largest value as text, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(String, String)>,
    /// What its whole numbers stand for, where that is a part of a date or a time of day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
    /// Whether it can be without a value.
    #[serde(default)]
    pub nullable: bool,
    /// Instead of a column: the days from one time of the row to another, each a field of the same dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<(String, String)>,
    /// The field of another dataset that means the same and holds the same values, where no join says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<FieldRef>,
    /// What may be done with it, where that is not everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
}

/// What may be done with a field that is not open, for every caller. An access policy may say more, and the stricter wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// It tells about groups of people, and never about one.
    Quasi,
    /// It is shown masked.
    Masked,
    /// It is counted and compared with NULL.
    Restricted,
    /// It does not exist for anybody who asks.
    Hidden,
}

/// What the whole numbers of a column stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calendar {
    /// A year, for instance 2013.
    Year,
    /// A month, 1 to 12.
    Month,
    /// A day of the month, 1 to 31.
    Day,
    /// An hour of the day, 0 to 23.
    Hour,
    /// A time of day as hours times 100 plus minutes: 1730 is 17:30.
    Hhmm,
}

/// A condition on the rows of a dataset that has a name of its own, for instance `cancelled`.
///
/// Several segments may share a synonym: a question with that word is then asked back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The model's name for it; unique.
    pub name: String,
    /// What people call it; follows the label of the rows, for instance `that departed late`.
    pub label: String,
    /// Other words for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    /// The dataset whose rows it is about.
    pub dataset: String,
    /// The conditions, all of which hold.
    pub filters: Vec<super::Filter>,
}

/// How rows become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Rows, or non-null values of a field.
    Count,
    /// Different values of a field.
    CountDistinct,
    /// The sum.
    Sum,
    /// The mean.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The middle value.
    Median,
}

/// A number with a name of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// The model's name for it; unique.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Other words for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    /// How it is computed.
    pub measure: super::Measure,
    /// The unit of its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// The only fields that it may be told by; any where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<FieldRef>,
}

/// Which sums of a measure's values mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Additivity {
    /// All: the parts of any split add up to the whole.
    Additive,
    /// Those over anything but time: levels.
    SemiAdditive,
    /// None: averages, ratios, numbers of different values.
    NonAdditive,
}

impl super::Measure {
    /// Which sums of its values mean anything; it follows from the calculation.
    pub fn additivity(&self) -> Additivity {
        use super::Calculation::{Aggregate as Of, CountRows, Latest};
        match &self.calculation {
            CountRows | Of { aggregate: Aggregate::Count | Aggregate::Sum, .. } => Additivity::Additive,
            Latest { measure, .. } if measure.additivity() == Additivity::Additive => Additivity::SemiAdditive,
            _ => Additivity::NonAdditive,
        }
    }
}

/// A way from many rows of one dataset to one row of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The dataset with many rows.
    pub from: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The dataset with one row for each.
    pub to: String,
    /// The key columns there, in the same order.
    pub references: Vec<String>,
    /// What the one is to the many, where one dataset refers to another twice, for instance `origin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}
