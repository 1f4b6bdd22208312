//! Jitter: schedules that tick at the same moment start a little apart, each tick always by the same delay.

use super::timing::Timing;
use crate::canonical::sha256;
use crate::clock::{Micros, SECOND};

/// Most jitter in seconds: a day.
pub const MAX_JITTER_SECONDS: u32 = 86_400;

/// How late the ticks of one schedule may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jitter<'a> {
    /// The schedule's id: the delays of two schedules have nothing to do with each other.
    pub schedule: &'a str,
    /// The most that a tick is delayed; what is beyond [`MAX_JITTER_SECONDS`] counts as that.
    pub seconds: u32,
}

impl Timing {
    /// When the tick `tick` comes due: less than the jitter's seconds later, and always before the tick after it, so
    /// that jitter never changes the order of ticks.
    pub fn due(&self, tick: Micros, jitter: Jitter<'_>) -> Micros {
        if jitter.seconds == 0 {
            return tick;
        }
        let most = Micros::from(jitter.seconds.min(MAX_JITTER_SECONDS)) * SECOND;
        let gap = self.next_after(tick).map_or(most, |next| next.saturating_sub(tick));
        tick.saturating_add(fraction_of(most.min(gap), tick, jitter.schedule))
    }
}

/// A number from 0 to below `bound`, or 0, that is drawn from the hash of the schedule and the tick.
fn fraction_of(bound: Micros, tick: Micros, schedule: &str) -> Micros {
    let hash = sha256(&[schedule.as_bytes(), &tick.to_be_bytes()].concat());
    let drawn = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let bound = u64::try_from(bound).unwrap_or(0);
    drawn.checked_rem(bound).and_then(|delay| Micros::try_from(delay).ok()).unwrap_or(0)
}
