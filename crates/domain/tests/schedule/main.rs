//! Schedules from the outside: what is read and refused, when it ticks where clocks change, and what runs.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test by a panic")]

mod clocks;
mod deciding;
mod reading;
mod scan;

use pilothouse_domain::Micros;
use pilothouse_domain::schedule::{Cron, Timing};

fn cron(expression: &str, timezone: &str) -> Timing {
    Timing::Cron(Cron::parse(expression, timezone).unwrap_or_else(|error| panic!("{expression}: {error}")))
}

/// The moment that an RFC 3339 text names.
fn moment(text: &str) -> Micros {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

/// Ticks as the clocks of `timezone` show them, from after `after` to `until`, both RFC 3339.
fn shown(timing: &Timing, timezone: &str, after: &str, until: &str) -> Vec<String> {
    let zone = jiff::tz::TimeZone::get(timezone).unwrap();
    let ticks = timing.upcoming(moment(after), 100).into_iter().take_while(|tick| *tick <= moment(until));
    let local = |tick| jiff::Timestamp::from_microsecond(tick).unwrap().to_zoned(zone.clone());
    ticks.map(|tick| local(tick).strftime("%d %H:%M:%S %:z").to_string()).collect()
}
