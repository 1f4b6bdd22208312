//! Timings against a plain scan: every second or minute of a few days around changes of the clocks is looked at one by
//! one, with the fields as lists of numbers that no parser has touched.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use pilothouse_domain::Micros;
use pilothouse_domain::schedule::{Interval, Jitter, Timing};
use proptest::prelude::*;

use crate::{cron, moment};

/// Places and days on which their clocks change, and one where they do not.
const CHANGES: [(&str, &str); 11] = [
    ("Europe/Berlin", "2026-03-28T12:00:00Z"),
    ("Europe/Berlin", "2026-10-24T12:00:00Z"),
    ("America/New_York", "2026-03-07T12:00:00Z"),
    ("America/New_York", "2026-10-31T12:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T00:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T00:00:00Z"),
    ("Africa/Casablanca", "2026-02-14T12:00:00Z"),
    ("Africa/Casablanca", "2026-03-21T12:00:00Z"),
    ("America/Santiago", "2026-09-05T12:00:00Z"),
    ("Antarctica/Troll", "2026-03-28T12:00:00Z"),
    ("UTC", "2026-03-28T12:00:00Z"),
];

/// At how many moments of a scan the timing is asked for its next and last tick.
const ASKED: i64 = 200;

/// An expression and what it means, as lists.
#[derive(Debug, Clone)]
struct Named {
    seconds: Vec<i8>,
    minutes: Vec<i8>,
    hours: Vec<i8>,
    weekdays: Vec<i8>,
}

impl Named {
    fn expression(&self) -> String {
        let list = |values: &[i8]| match values {
            [first, .., last] if values.len() > 20 => format!("{first}-{last}"),
            some => some.iter().map(i8::to_string).collect::<Vec<_>>().join(","),
        };
        let (seconds, minutes, hours) = (list(&self.seconds), list(&self.minutes), list(&self.hours));
        format!("{seconds} {minutes} {hours} * * {}", list(&self.weekdays))
    }

    fn shows(&self, wall: DateTime) -> bool {
        self.seconds.contains(&wall.second())
            && self.minutes.contains(&wall.minute())
            && self.hours.contains(&wall.hour())
            && self.weekdays.contains(&wall.weekday().to_sunday_zero_offset())
    }

    /// The ticks from `from` on, for so many steps of `step` seconds, found by looking at each.
    fn scanned(&self, zone: &TimeZone, from: Timestamp, steps: i64, step: i64) -> BTreeSet<Micros> {
        let moments: Vec<Timestamp> = (0..steps).map(|n| from + Span::new().seconds(n * step)).collect();
        if self.hours.len() == 24 {
            let shown = moments.into_iter().filter(|at| self.shows(zone.to_datetime(*at)));
            return shown.map(Timestamp::as_microsecond).collect();
        }
        // Every reading of a clock that never changes, and the first moment at which the real clock shows it or more.
        let walls: Vec<DateTime> = moments.iter().map(|at| zone.to_datetime(*at)).collect();
        let (Some(first), Some(last)) = (walls.first().copied(), walls.last().copied()) else { return BTreeSet::new() };
        let mut ticks = BTreeSet::new();
        let (mut wall, mut index) = (first, 0);
        while wall <= last {
            while walls[index] < wall {
                index += 1;
            }
            if self.shows(wall) {
                ticks.insert(moments[index].as_microsecond());
            }
            wall += Span::new().seconds(step);
        }
        ticks
    }
}

fn some_of(field: std::ops::Range<i8>) -> impl Strategy<Value = Vec<i8>> {
    let all: Vec<i8> = field.collect();
    prop_oneof![
        1 => Just(all.clone()),
        4 => prop::sample::subsequence(all.clone(), 1..=all.len().min(6)),
    ]
}

/// Hours of which most lie where clocks change.
fn hours() -> impl Strategy<Value = Vec<i8>> {
    prop_oneof![some_of(0..24), some_of(0..4), Just((0..24).step_by(2).collect())]
}

fn agrees(named: &Named, (timezone, from): (&str, &str), steps: i64, step: i64) -> Result<(), TestCaseError> {
    let zone = TimeZone::get(timezone).unwrap();
    let from: Timestamp = from.parse().unwrap();
    let scanned = named.scanned(&zone, from, steps, step);
    let timing = cron(&named.expression(), timezone);
    let end = (from + Span::new().seconds(steps * step)).as_microsecond();
    let ticks = std::iter::successors(timing.next_after(from.as_microsecond() - 1), |tick| timing.next_after(*tick));
    let found: BTreeSet<Micros> = ticks.take_while(|tick| *tick < end).collect();
    prop_assert_eq!(&found, &scanned, "{} in {}", named.expression(), timezone);
    for n in 0..ASKED {
        let at = (from + Span::new().seconds(n * steps / ASKED * step)).as_microsecond() + n % 3 - 1;
        let next = scanned.range(at + 1..).next();
        prop_assert!(next.is_none() || timing.next_after(at).as_ref() == next, "{} after {at}", named.expression());
        if let Some(last) = scanned.range(..=at).next_back() {
            prop_assert_eq!(timing.last_until(at), Some(*last), "{} until {}", named.expression(), at);
        }
    }
    Ok(())
}

proptest! {
    // A case looks at ten thousand moments or so.
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn minutes_are_those_of_a_scan(
        minutes in some_of(0..60), hours in hours(), weekdays in some_of(0..7), change in prop::sample::select(&CHANGES[..]),
    ) {
        agrees(&Named { seconds: vec![0], minutes, hours, weekdays }, change, 2 * 1_440, 60)?;
    }

    #[test]
    fn seconds_are_those_of_a_scan(
        seconds in some_of(0..60), minutes in some_of(0..60), hours in some_of(0..4), change in prop::sample::select(&CHANGES[2..4]),
    ) {
        // Five hours around the change in New York, which is at six or seven o'clock in UTC.
        let at = moment(change.1) + 16 * 3_600_000_000;
        let from = Timestamp::from_microsecond(at).unwrap().to_string();
        agrees(&Named { seconds, minutes, hours, weekdays: (0..7).collect() }, (change.0, &from), 4 * 3_600, 1)?;
    }

}

proptest! {
    #[test]
    fn an_interval_keeps_its_distance(seconds in 1_i64..100_000, anchor in -4_102_444_800_000_000_i64..4_102_444_800_000_000, after in 0_i64..9_000_000_000_000_000) {
        let timing = Timing::Every(Interval::new(seconds, anchor).unwrap());
        let tick = timing.next_after(after).unwrap();
        prop_assert!(tick > after && (tick == anchor || tick - after <= seconds * 1_000_000));
        prop_assert_eq!((tick - anchor) % (seconds * 1_000_000), 0);
        prop_assert_eq!(timing.last_until(tick), Some(tick));
        prop_assert_eq!(timing.next_after(tick - 1), Some(tick));
        prop_assert_eq!(timing.next_after(anchor - 1), Some(anchor));
        prop_assert_eq!(timing.next_after(anchor), Some(anchor + seconds * 1_000_000));
    }

    #[test]
    fn jitter_is_bounded_stable_and_keeps_the_order(
        seconds in 0_u32..200_000, every in 1_i64..90_000, schedule in "[a-z0-9]{1,8}", after in 0_i64..2_000_000_000_000_000,
    ) {
        for timing in [Timing::Every(Interval::new(every, 0).unwrap()), cron("7,8 * * * *", "Europe/Berlin")] {
            let jitter = Jitter { schedule: &schedule, seconds };
            let ticks = timing.upcoming(after, 10);
            for pair in ticks.windows(2) {
                let due = timing.due(pair[0], jitter);
                prop_assert!(pair[0] <= due && due < pair[1], "a tick came due with the next one");
                prop_assert!(due - pair[0] < i64::from(seconds.max(1)) * 1_000_000);
                prop_assert_eq!(due, timing.due(pair[0], jitter));
            }
        }
    }
}

#[test]
fn jitter_spreads_schedules() {
    let timing = cron("@daily", "UTC");
    let tick = moment("2026-01-01T00:00:00Z");
    let delays: BTreeSet<Micros> =
        (0..100).map(|n| timing.due(tick, Jitter { schedule: &format!("s{n}"), seconds: 600 }) - tick).collect();
    assert!(delays.len() == 100 && delays.iter().any(|delay| *delay > 500_000_000), "the delays are not spread");
}
