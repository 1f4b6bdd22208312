//! What the tables of a connection mean ([`Model`]), and a question in those terms ([`Query`]).
//!
//! The planner turns words into a [`Query`], the warehouse turns a [`Query`] into SQL; neither knows the other. A
//! query names only things of the model, so it can be checked, shown, stored and edited without any SQL.

mod explain;
mod model;
mod query;
mod words;

pub use explain::{explain, filter_text, measure_text};
pub use model::{Aggregate, Calendar, Dataset, Field, FieldKind, Join, Metric, Model, Segment, Unit};
pub use query::{
    Calculation, Compare, Direction, FieldRef, Filter, Grain, Group, Having, Measure, Order, Query, Scalar,
};
pub use words::{plural, singular};
