//! Timings that tick every so many seconds. They know neither calendars nor time zones.

use super::invalid::Invalid;
use crate::clock::{Micros, SECOND};

/// Longest interval in seconds: a leap year.
pub const MAX_INTERVAL_SECONDS: u32 = 366 * 86_400;

/// A tick at an anchor and every so many seconds after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    seconds: u32,
    anchor: Micros,
}

impl Interval {
    /// Ticks at `anchor` and every `seconds` after it, 1 to [`MAX_INTERVAL_SECONDS`].
    pub fn new(seconds: i64, anchor: Micros) -> Result<Self, Invalid> {
        let good = u32::try_from(seconds).ok().filter(|seconds| (1..=MAX_INTERVAL_SECONDS).contains(seconds));
        let seconds = good.ok_or(Invalid::Interval { seconds })?;
        jiff::Timestamp::from_microsecond(anchor).map_err(|_| Invalid::Anchor)?;
        Ok(Self { seconds, anchor })
    }

    /// The distance of two ticks in seconds.
    pub fn seconds(&self) -> u32 {
        self.seconds
    }

    /// The first tick.
    pub fn anchor(&self) -> Micros {
        self.anchor
    }

    pub(super) fn next_after(&self, at: Micros) -> Option<Micros> {
        if at < self.anchor {
            return Some(self.anchor);
        }
        let period = Micros::from(self.seconds) * SECOND;
        at.checked_sub(self.anchor)?.checked_div(period)?.checked_add(1)?.checked_mul(period)?.checked_add(self.anchor)
    }
}
