//! Time and ids that a test decides: a clock that stands still until it is moved, and ids that count up.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use pilothouse_domain::clock::SECOND;
use pilothouse_domain::{Clock, Ids, Micros};
use uuid::Uuid;

/// Where every test begins: 2026-11-21T09:00:00Z.
const START: Micros = 1_795_251_600 * SECOND;

/// A clock that stands still.
pub struct ManualClock(AtomicI64);

impl Default for ManualClock {
    fn default() -> Self {
        Self(AtomicI64::new(START))
    }
}

impl ManualClock {
    pub fn advance_days(&self, days: i64) {
        self.advance_seconds(days * 24 * 3600);
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * SECOND, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Micros {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ids and secrets from one counter: different each time, and the same in every test run.
#[derive(Default)]
pub struct CountingIds(AtomicU64);

impl CountingIds {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Ids for CountingIds {
    fn uuid(&self, now: Micros) -> Uuid {
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.next().to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis((now / 1000) as u64, &random).into_uuid()
    }

    fn secret(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // The finaliser of SplitMix64 spreads the counter over all bits.
            let mut mixed = self.next().wrapping_mul(0x9E37_79B9_7F4A_7C15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes()[..chunk.len()]);
        }
    }
}
