//! What tests of several crates need and no program does: a real PostgreSQL server, the same tests on both databases,
//! children that are killed in the middle of their work, and a small object store that speaks S3's protocol.
//!
//! Only for dev-dependencies. It must never know the crates that it helps to test. Read first: [`postgres`],
//! [`on_both_databases`], [`lines_until_killed`] and [`ObjectServer`].
#![expect(clippy::panic, reason = "in a test, a panic with a sentence is how a missing tool is told")]

mod crash;
mod databases;
mod objects;
mod postgres;

pub use crash::{Moments, lines_until_killed};
pub use objects::{Mood, ObjectServer};
pub use postgres::{OwnServer, Server, postgres};
