//! What tests of several crates need and no program does: a real PostgreSQL server, the same tests on both databases, and
//! children that are killed in the middle of their work.
//!
//! Only for dev-dependencies. It must never know the crates that it helps to test. Read first: [`postgres`],
//! [`on_both_databases`] and [`lines_until_killed`].
#![expect(clippy::panic, reason = "in a test, a panic with a sentence is how a missing tool is told")]

mod crash;
mod databases;
mod postgres;

pub use crash::{Moments, lines_until_killed};
pub use postgres::{Server, postgres};
