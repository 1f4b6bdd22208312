//! A question in terms of a model: what is computed, over which rows, in which groups and order.

use serde::{Deserialize, Serialize};

use super::Aggregate;

/// A field of the model, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldRef {
    /// The dataset's name.
    pub dataset: String,
    /// The field's name in it.
    pub field: String,
    /// Which join leads there, where there is more than one: a join's `role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", content = "value")]
pub enum Scalar {
    /// A whole number.
    Integer(i64),
    /// Any number.
    Number(f64),
    /// Text.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// A date, `YYYY-MM-DD`.
    Date(String),
    /// A moment without zone, `YYYY-MM-DDTHH:MM:SS`.
    Timestamp(String),
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// Equal.
    Eq,
    /// Different, and not null.
    Ne,
    /// Less.
    Lt,
    /// At most.
    Le,
    /// More.
    Gt,
    /// At least.
    Ge,
    /// Contains the text, whatever its case.
    Contains,
    /// Begins with the text, whatever its case.
    StartsWith,
    /// Has no value.
    IsNull,
    /// Has a value.
    IsNotNull,
}

/// A condition on rows. The list of a [`Query`] is joined by AND.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Filter {
    /// One field compared with values: true when any of `values` matches (with `ne`: when none does).
    Compare {
        /// The field.
        field: FieldRef,
        /// The comparison.
        op: Compare,
        /// The values; empty only for `is_null` and `is_not_null`.
        values: Vec<Scalar>,
    },
    /// A part of a time field (`month`, `hour` …) compared with a number, for instance any February.
    Part {
        /// The time field.
        field: FieldRef,
        /// The part.
        part: Grain,
        /// The comparison.
        op: Compare,
        /// The numbers.
        values: Vec<i64>,
    },
    /// One field compared with another of the same row.
    Fields {
        /// The left field.
        left: FieldRef,
        /// The comparison.
        op: Compare,
        /// The right field.
        right: FieldRef,
    },
    /// Any of these.
    Any {
        /// The conditions.
        of: Vec<Filter>,
    },
    /// All of these.
    All {
        /// The conditions.
        of: Vec<Filter>,
    },
    /// How many rows of another dataset refer to the row, for instance orders of a customer.
    Related {
        /// The dataset that refers.
        dataset: String,
        /// Which join leads from it, where there is more than one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<String>,
        /// The conditions on the rows counted.
        #[serde(default)]
        filters: Vec<Filter>,
        /// How their number is compared.
        op: Compare,
        /// With what.
        count: i64,
    },
}

/// A span or part of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// Years.
    Year,
    /// Quarters.
    Quarter,
    /// Months.
    Month,
    /// Weeks that begin on Monday.
    Week,
    /// Days.
    Day,
    /// Hours.
    Hour,
    /// As a part only: day of the week, Monday is 1.
    Weekday,
    /// As a part only: day of the month.
    DayOfMonth,
    /// As a part only: month of the year, 1 to 12.
    MonthOfYear,
    /// As a part only: hour of the day, 0 to 23.
    HourOfDay,
}

/// A number computed from rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// The dataset whose rows are aggregated.
    pub dataset: String,
    /// The calculation.
    pub calculation: Calculation,
    /// Conditions that hold for this number only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// The field of the dataset that its periods are told by, where that is not the dataset's own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

impl Measure {
    /// `calculation` over all rows of `dataset`.
    pub fn new(dataset: &str, calculation: Calculation) -> Self {
        Self { dataset: dataset.to_owned(), calculation, filters: Vec::new(), time: None }
    }
}

/// How a measure is computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Calculation {
    /// Rows.
    CountRows,
    /// An aggregate of a field.
    Aggregate {
        /// Which.
        aggregate: Aggregate,
        /// Of what.
        field: FieldRef,
    },
    /// The part of rows for which `of` holds among all rows of the group.
    ShareOfRows {
        /// The condition.
        of: Vec<Filter>,
        /// As a fraction of one rather than a percentage.
        #[serde(default)]
        fraction: bool,
    },
    /// The part of a measure that comes from rows for which `of` holds.
    ShareOfMeasure {
        /// What is shared out.
        measure: Box<Measure>,
        /// The condition.
        of: Vec<Filter>,
        /// As a fraction of one rather than a percentage.
        #[serde(default)]
        fraction: bool,
    },
    /// Each group's part of the total over all groups.
    ShareOfTotal {
        /// What is shared out.
        measure: Box<Measure>,
        /// As a fraction of one rather than a percentage.
        #[serde(default)]
        fraction: bool,
    },
    /// One measure divided by another, null where the divisor is zero.
    Ratio {
        /// The dividend.
        numerator: Box<Measure>,
        /// The divisor.
        denominator: Box<Measure>,
        /// In percent.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        percent: bool,
    },
    /// The average over `per` groups of the measure, for instance flights per day.
    AveragePer {
        /// What is averaged.
        measure: Box<Measure>,
        /// The groups averaged over.
        per: Box<Group>,
    },
    /// A level, as stock or a balance: the measure over the rows of the last `time` of each period, since levels at
    /// different times do not add up.
    Latest {
        /// What is taken then.
        measure: Box<Measure>,
        /// The dataset's field that says when a level was taken.
        time: String,
    },
    /// What a measure is for some rows less what it is for others, for instance this year less last year.
    Change {
        /// What is compared.
        measure: Box<Measure>,
        /// The rows compared with, in terms of the query's dataset.
        from: Vec<Filter>,
        /// The rows compared, likewise.
        to: Vec<Filter>,
        /// In percent of what it was.
        relative: bool,
    },
    /// What a measure is in each period of the query's time group less what it was in an earlier one.
    Growth {
        /// What is compared.
        measure: Box<Measure>,
        /// The same period a year before rather than the period before.
        year: bool,
        /// In percent of what it was.
        relative: bool,
    },
}

/// A grouping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The field.
    pub field: FieldRef,
    /// For time fields, the span.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grain: Option<Grain>,
    /// For numbers, the width of the steps that values are put together in; a step is told by where it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// Instead of the field's values: how many rows refer to the row by it, for instance customers by how many orders they
    /// have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counted: bool,
}

impl Group {
    /// By the values of a field.
    pub fn of(field: FieldRef) -> Self {
        Self { field, grain: None, step: None, counted: false }
    }

    /// By spans or parts of a time.
    pub fn by(field: FieldRef, grain: Grain) -> Self {
        Self { grain: Some(grain), ..Self::of(field) }
    }
}

/// A condition on groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Having {
    /// The measure, by its place in [`Query::measures`].
    pub measure: usize,
    /// The comparison.
    pub op: Compare,
    /// The value.
    pub value: Scalar,
}

/// Which way an order runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// What comes first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", deny_unknown_fields)]
pub enum Order {
    /// By a measure, by its place in [`Query::measures`].
    Measure {
        /// The place.
        index: usize,
        /// The way.
        direction: Direction,
    },
    /// By a group, by its place in [`Query::groups`].
    Group {
        /// The place.
        index: usize,
        /// The way.
        direction: Direction,
    },
    /// By a field, in a list of rows.
    Field {
        /// The field.
        field: FieldRef,
        /// The way.
        direction: Direction,
    },
}

/// A question. With measures it aggregates; without, it lists `select` of the dataset's rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The dataset whose rows are asked about.
    pub dataset: String,
    /// The numbers.
    #[serde(default)]
    pub measures: Vec<Measure>,
    /// The groups.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// The conditions on rows, all of which hold.
    #[serde(default)]
    pub filters: Vec<Filter>,
    /// The conditions on groups, all of which hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub having: Vec<Having>,
    /// The fields listed, where there are no measures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<FieldRef>,
    /// Whether listed rows are made different from each other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub distinct: bool,
    /// What comes first.
    #[serde(default)]
    pub order: Vec<Order>,
    /// At most so many rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only the number of groups is asked for, not the groups.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub count_groups: bool,
    /// Why a number changed: its only measure, a change, is told by the values of each of these fields in turn, those
    /// that moved most first. There are no groups then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drivers: Vec<FieldRef>,
}
