//! What tests of several crates need and no program does: a real PostgreSQL server.
//!
//! Only for dev-dependencies. It must never know the crates that it helps to test. Read first: [`postgres`].
#![expect(clippy::panic, reason = "in a test, a panic with a sentence is how a missing tool is told")]

mod postgres;

pub use postgres::{Server, postgres};
