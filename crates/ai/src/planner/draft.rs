//! What a question says, before it is known which rows it is about: the parts the scan finds and the resolver joins.

use pilothouse_domain::semantic::{Aggregate, Compare, Direction, Grain, Scalar};

use super::dates::Period;
use super::lexicon::Place;
use super::tag::Cond;
use super::words::About;

/// Something that can be grouped by, counted or listed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    Dataset {
        at: usize,
        via: Option<usize>,
    },
    Field(Place),
    Grain(Grain),
    /// How many rows of a dataset refer to a row.
    Counted {
        at: usize,
    },
}

/// A number asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Spec {
    Count(Target),
    Aggregate(Aggregate, Place),
    /// A field without a word for its aggregate.
    Plain(Place),
    Metric(usize),
    /// The rows the question is about.
    Rows,
}

/// A condition on rows, not yet tied to a root.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Raw {
    Compare { place: Place, op: Compare, values: Vec<Scalar> },
    Range { place: Place, low: Scalar, high: Scalar },
    Segment { at: usize, not: bool, threshold: Option<Cond> },
    Period { periods: Vec<Period>, place: Option<Place> },
}

/// A condition and where it stood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub raw: Raw,
    /// Joined to the one before by `or`.
    pub or: bool,
    /// Joined to the one before by `and`.
    pub and: bool,
    /// Stands after a verb (`were cancelled`): in a question about a share, this is the part.
    pub predicate: bool,
    /// Stands in a relative clause (`flights that departed late`), which describes the whole.
    pub relative: bool,
    /// Led in by a preposition.
    pub prep: bool,
    /// Stands before the counted noun.
    pub index: usize,
}

/// Rows of another dataset that refer to the ones asked about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Related {
    pub dataset: usize,
    pub op: Compare,
    pub count: i64,
    pub filters: Vec<Raw>,
}

/// What is listed, grouped or compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Subject {
    pub target: Target,
    pub plural: bool,
    /// After `which`, `what`, `who`, `list`.
    pub asked: bool,
    /// A verb that is also a field's name: `which manufacturer built the most planes`.
    pub verb: bool,
    pub index: usize,
}

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rank {
    pub direction: Direction,
    pub about: About,
}

/// Which earlier period a period is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    Before,
    YearBefore,
}

/// Everything found in a question.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Draft {
    pub measures: Vec<Spec>,
    pub groups: Vec<Target>,
    /// The groups that were said with `per` or `each`, which an average may run over.
    pub per: Vec<Target>,
    pub subjects: Vec<Subject>,
    pub conditions: Vec<Condition>,
    /// A number of rows, or of different values, of each group.
    pub counts: Vec<(Cond, Target)>,
    pub having: Vec<(Spec, Cond)>,
    pub loose: Vec<Cond>,
    pub related: Option<Related>,
    pub rank: Option<Rank>,
    /// What the rank is by, where it was said.
    pub rank_by: Option<Spec>,
    /// The noun right after a superlative about rows (`the longest flight`).
    pub extreme: Option<Subject>,
    pub limit: Option<u32>,
    pub share: Option<bool>,
    pub rate: bool,
    pub average_left: bool,
    pub combined: bool,
    pub trend: bool,
    pub compare: bool,
    /// By how much it differs is asked.
    pub change: bool,
    /// From one period to the next; or from the same one a year before.
    pub growth: Option<Growth>,
    pub why: bool,
    /// The unit that the number is asked for in.
    pub unit: Option<String>,
    /// The order that was asked for.
    pub sorted: Option<Direction>,
    /// The best or the worst were to come first.
    pub good_first: bool,
    /// The time that periods are about, where one was named apart from them.
    pub time: Option<Place>,
    /// What it is at the end of a period is asked.
    pub at_end: bool,
    /// Two periods that are held against each other, and the field that they are about where one was named.
    pub compared: Option<([Period; 2], Option<Place>)>,
    /// The width of the steps that a number is grouped in.
    pub step: Option<f64>,
    pub ratio_of: bool,
    /// What the measure is divided by, and whether in percent.
    pub over: Option<(Spec, bool)>,
    pub counted: bool,
    pub listed: bool,
    /// `what is the name of …`.
    pub looked_up: bool,
    pub when: bool,
    pub distinct: bool,
    /// The dataset meant by a mention that asks for nothing, as `of flights`.
    pub mentions: Vec<usize>,
}
