//! What the store makes of a database that somebody else has touched: rows changed behind its back, versions it does
//! not know, files that are no database.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail the test by a panic")]

mod audit_chain;
mod log;
mod opening;
mod raw;
mod upgrade;
mod usage;
