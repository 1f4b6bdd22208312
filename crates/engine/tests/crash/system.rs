//! The clock and the ids of whole processes.

use std::sync::atomic::{AtomicU64, Ordering};

use pilothouse_domain::{Clock, Ids, Micros};
use uuid::Uuid;

/// The clock of this machine, or what this process takes for it.
pub struct System;

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "a whole process has the system's clock")]
    fn now(&self) -> Micros {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as Micros
    }
}

/// Ids from the process and a count, so that no two processes make the same.
#[derive(Default)]
pub struct Numbers(AtomicU64);

impl Ids for Numbers {
    fn uuid(&self, now: Micros) -> Uuid {
        let mut random = [0; 10];
        random[..4].copy_from_slice(&std::process::id().to_be_bytes());
        random[4..].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes()[2..]);
        uuid::Builder::from_unix_timestamp_millis((now / 1000) as u64, &random).into_uuid()
    }

    fn secret(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}
