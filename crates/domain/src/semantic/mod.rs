//! What the tables of a connection mean ([`Model`]), and a question in those terms ([`Query`]).
//!
//! The planner turns words into a [`Query`], the warehouse turns a [`Query`] into SQL; neither knows the other. A
//! query names only things of the model, so it can be checked, shown, stored and edited without any SQL.

mod model;
mod query;

pub use model::{Aggregate, Dataset, Field, FieldKind, Join, Metric, Model, Unit};
pub use query::{
    Calculation, Compare, Direction, FieldRef, Filter, Grain, Group, Having, Measure, Order, Query, Scalar,
};
