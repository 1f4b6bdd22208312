//! Durable runs: a workflow's steps are journalled, so that a run survives a crash and no finished step is repeated.
//!
//! The engine knows how to run workflows and not which exist; it never sees HTTP, warehouses or models. Read first:
//! [`Workflow`] (what a capability writes), [`Journal`] (what its steps go through) and [`Engine`] (what starts them).

mod engine;
mod events;
mod failure;
mod journal;
mod worker;
mod workflow;

pub use engine::{Engine, Options, QUEUE_FULL, Request, Started};
pub use events::{DONE, Event, EventStream};
pub use failure::Failure;
pub use journal::{Done, Journal};
pub use workflow::{Registry, Workflow};
