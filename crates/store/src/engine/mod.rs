//! The two engines behind [`crate::Store`]: how each is opened, written to, read and closed. They must never know what
//! the rows mean.

mod connection;
mod log;
pub(crate) mod postgres;
mod readers;
pub(crate) mod sqlite;
pub(crate) mod statement;
pub(crate) mod unit;
mod writer;

use std::time::Duration;

/// How long one unit of work may take. A longer one is given up and leaves nothing behind.
pub(crate) const UNIT_TIME: Duration = Duration::from_secs(30);

/// How long a unit waits for its turn, or for a free connection.
pub(crate) const WAITING_TIME: Duration = Duration::from_secs(10);

/// Statements that each connection keeps prepared: more than the entity modules have.
pub(crate) const STATEMENT_CACHE: usize = 256;
