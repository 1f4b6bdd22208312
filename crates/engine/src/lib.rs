//! Durable runs: a workflow's steps are journalled, so that a run survives a crash and no finished step is repeated.
//!
//! The engine knows how to run workflows and not which exist; it never sees HTTP, warehouses or models. Read first:
//! [`Workflow`] (what a capability writes), [`Journal`] (what its steps go through) and [`Engine`] (what starts them).
//! Inside, `dispatch` takes runs in the order of `lanes`, `attempt` works on one, and `groups` commits what they write.

mod attempt;
mod backend;
mod clock;
mod dispatch;
mod engine;
mod events;
mod failure;
mod groups;
mod hints;
mod journal;
mod known;
mod lanes;
mod live;
mod meters;
mod request;
mod retention;
mod workflow;

pub use backend::{Also, Backend};
pub use engine::{Engine, Keep, MAX_INPUT_BYTES, Options, QUEUE_FULL};
pub use events::{DONE, Event, EventStream, LOG, WAIT};
pub use failure::Failure;
pub use journal::{Done, Journal};
pub use meters::{Measured, QueueMeasured, Times};
pub use request::{Request, Started};
pub use workflow::{Registry, Workflow};
