//! What tests of several crates need and no program does: a real PostgreSQL server, the same tests on both databases,
//! children that are killed in the middle of their work, a disk that is full when a test wants it, a small object store
//! that speaks S3's protocol, and a provider of models that does what it is told to.
//!
//! Only for dev-dependencies. It must never know the crates that it helps to test. Read first: [`postgres`],
//! [`on_both_databases`], [`lines_until_killed`], [`cpu_time`], [`processes`], [`SmallDisk`], [`ObjectServer`] and [`ModelServer`].
#![expect(clippy::panic, reason = "in a test, a panic with a sentence is how a missing tool is told")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

mod crash;
mod databases;
mod disk;
mod models;
mod objects;
mod postgres;
pub mod processes;

pub use crash::{Moments, lines_until_killed};
pub use disk::SmallDisk;
pub use models::{Heard, ModelServer, Turn};
pub use objects::{Mood, ObjectServer};
pub use postgres::{OwnServer, Server, postgres};

/// The CPU time that this thread has used: what a busy machine does not change, as it changes the time on the clock.
pub fn cpu_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_else(|| panic!("Linux tells how much CPU time a thread has used")))
}

/// A name that no other test process has, and nothing else in this one.
fn own_name(of: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("pilothouse-{of}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
