//! From a wall calendar to moments: what a cron expression does when the clocks of its time zone are put forward or back.
//!
//! An expression whose hour field names every hour (`*`, `*/1`, `0-23`) is about the time that goes by: it ticks whenever
//! the clock on the wall shows what it names, so not in an hour that is skipped, and in both passes of one that comes
//! twice. Every other expression is about the time of day, and neither loses a tick nor gets one more: what falls into
//! a skipped hour ticks once, at the first moment after it, and what falls into an hour that comes twice ticks in its
//! first pass only. This is Vixie cron's distinction, drawn by what the hour field means and not by how it is written, so
//! that `*/2` is as safe as the list of those hours.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Span};

use super::cron::Cron;
use crate::Micros;

/// How many changes of the clocks are looked past for one tick: four in each of the calendar's 41 years, twice over.
const MAX_CHANGES: usize = 41 * 4 * 2;
/// How many ticks in a row may lie in the part of a repeated time that has gone by: no clock was ever put back by more
/// than a day.
const MAX_REPEATED: usize = 86_400;

impl Cron {
    /// The first tick after `at`, or none before the end of the year 9999.
    pub(super) fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        if self.calendar.every_hour() { self.next_elapsed(at) } else { self.next_of_day(at) }
    }

    /// Whether the minute that the clocks show at `at` is one that the expression names.
    pub fn covers(&self, at: Micros) -> bool {
        let Ok(at) = Timestamp::from_microsecond(at) else { return false };
        let wall = self.zone.to_datetime(at);
        let minute = wall.date().at(wall.hour(), wall.minute(), 0, 0);
        let next = self.calendar.next(a_second_before(minute));
        next.is_some_and(|tick| minute.duration_until(tick) < SignedDuration::from_mins(1))
    }

    /// For expressions about the time that goes by: walks from one change of the clocks to the next, between which a
    /// wall clock runs evenly.
    fn next_elapsed(&self, at: Timestamp) -> Option<Timestamp> {
        let mut from = at;
        let mut offset = self.zone.to_offset(at);
        let mut wall = offset.to_datetime(at);
        for _ in 0..MAX_CHANGES {
            let tick = offset.to_timestamp(self.calendar.next(wall)?).ok()?;
            match self.zone.following(from).next() {
                Some(change) if change.timestamp() <= tick => {
                    from = change.timestamp();
                    offset = change.offset();
                    wall = a_second_before(offset.to_datetime(from));
                }
                _ => return Some(tick),
            }
        }
        None
    }

    /// For expressions about the time of day: takes the calendar's ticks one by one and asks when each is.
    fn next_of_day(&self, at: Timestamp) -> Option<Timestamp> {
        let mut wall = self.zone.to_datetime(at);
        // In the second pass of a repeated time, what is named up to its end has had its tick.
        if let Some(change) =
            at.checked_add(SignedDuration::from_nanos(1)).ok().and_then(|at| self.zone.preceding(at).next())
            && let Ok(before) = change.timestamp().checked_sub(SignedDuration::from_nanos(1))
        {
            wall = wall.max(a_second_before(self.zone.to_offset(before).to_datetime(change.timestamp())));
        }
        for _ in 0..MAX_REPEATED {
            wall = self.calendar.next(wall)?;
            let tick = moment(&self.zone, wall)?;
            if tick > at {
                return Some(tick);
            }
        }
        None
    }
}

/// When the clocks of `zone` first show `wall`, or have just gone past it.
fn moment(zone: &TimeZone, wall: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // By the later offset, a skipped time lies before the change that skips it.
            let earlier = after.to_timestamp(wall).ok()?;
            zone.following(earlier).next().map(|change| change.timestamp())
        }
    }
}

fn a_second_before(wall: DateTime) -> DateTime {
    wall.saturating_sub(Span::new().seconds(1))
}
