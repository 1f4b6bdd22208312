//! The control-plane database: what Pilothouse must still know after a restart, on SQLite or PostgreSQL.
//!
//! It must never know HTTP, workflows, or who is calling: callers hand in tenants, times and ids, and it keeps rows.
//! One module per entity holds static SQL, one text for both engines wherever their common subset allows; where it does
//! not, the two texts stand side by side.
//!
//! Read first: [`Store`] (open, [`Store::write`], [`Store::read`]), [`Tx`] (what a unit of work writes with) and
//! [`Error`] (each with a stable code). A unit of work is atomic, and [`Store::write`] answers only after the commit
//! has reached the disk.

pub mod ai;
pub mod approval_breaks;
pub mod approval_rules;
pub mod approvals;
mod args;
pub mod audit;
pub mod catalogs;
pub mod connections;
pub mod costs;
pub mod delegations;
pub mod documents;
mod engine;
mod error;
pub mod feedback;
mod given;
mod hints;
pub mod journal;
pub mod ledger;
mod location;
mod migrations;
pub mod nodes;
pub mod personal;
#[cfg(test)]
mod plans;
pub mod prompts;
pub mod proposals;
pub mod queues;
pub mod reads;
mod row;
pub mod runs;
pub mod schedules;

pub mod sessions;
pub mod spending_limits;
mod store;
pub mod tenants;
pub mod tokens;
pub mod triages;
mod tx;
pub mod workers;

pub use error::Error;
pub use futures::future::BoxFuture;
pub use hints::Hints;
pub use location::{Location, Options};
pub use store::Store;
pub use tx::Tx;

pub(crate) use args::{Arg, args};
pub(crate) use row::Row;
