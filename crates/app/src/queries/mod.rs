//! Queries: SQL that is judged before it runs, and runs under what it was judged by.
//!
//! Read first: [`Asking`], the one way from SQL to rows, which questions in words take too. [`preview`] and [`run`] are for
//! SQL that somebody brings along: first what it would take, then, if they want it, its rows.

mod asking;
mod judged;
mod preview;
mod run;
mod workflow;

pub(crate) use asking::Asking;
pub use judged::{Executed, Judged, Needed, Released, WaitsFor};
pub use preview::{Previewed, preview};
pub use run::{Ran, Rows, run};
pub use workflow::{Blocked, QueryWorkflow};

/// The workflow's name.
pub const KIND: &str = "query";
