//! What the tables of a connection mean ([`Model`]), and a question in those terms ([`Query`]).
//!
//! The planner turns words into a [`Query`], the warehouse turns a [`Query`] into SQL; neither knows the other. A
//! query names only things of the model, so it can be checked, shown, stored and edited without any SQL.

mod edit;
mod explain;
mod facts;
mod model;
mod phrases;
mod query;
mod span;
mod words;

pub use edit::{MAX_ALTERNATIVES, MAX_OFFERED_BYTES, editable};
pub use explain::explain;
pub use facts::Fact;
pub use model::{
    Additivity, Aggregate, Calendar, Dataset, Field, FieldKind, Join, Metric, Model, Segment, Sensitivity, Unit,
    VerifiedQuestion,
};
pub use phrases::{field_text, filter_text, group_text, measure_text};
pub use query::{
    Calculation, Compare, Direction, FieldRef, Filter, Grain, Group, Having, Measure, Order, Query, Scalar,
};
pub use words::{plural, singular};
