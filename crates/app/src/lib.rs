//! Use cases, one module per capability: authorise, decide, start a run, answer.
//!
//! Nothing here knows axum, the text of SQL for the control-plane database, or the JSON of one transport. Read first:
//! [`App`] (what every use case has at hand), [`gates`] (what every action passes) and [`ask`] (the first copilot).

mod app;
pub mod approvals;
pub mod ask;
pub mod audit;
pub mod auth;
pub mod connections;
mod depths;
pub mod documents;
mod error;
pub mod eval;
pub mod feedback;
pub mod gates;
pub mod gateway;
pub mod imports;
mod installation;
mod lately;
pub mod ledger;
pub mod limits;
pub mod personal;
pub mod prompts;
pub mod proposals;
pub mod queries;
pub mod queues;
mod reads;
mod results;
mod rights;
pub mod runs;
pub mod schedules;
pub mod secrets;
pub mod settings;
mod sources;
pub mod sqlcheck;
pub mod status;
pub mod tenants;
pub mod tokens;
pub mod triage;

pub use app::{App, Caller, Parts};
pub use error::{Error, Field};
pub use installation::{SystemClock, SystemIds};
pub use settings::{Mode, Settings};
