//! What the store does when its process is killed, its disk is full, or somebody else has its folder: whole processes,
//! which the test runner starts one at a time.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "helpers of tests fail the test by a panic"
)]

mod disk;
mod flush;
mod kill;

/// The process that writes and is killed.
const WRITER: &str = env!("CARGO_BIN_EXE_store-writer");
