//! What runs: by the policies, and whatever the clock does.

use std::collections::BTreeSet;

use pilothouse_domain::Micros;
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::schedule::{
    Action, CatchUp, Firing, HOLD, Interval, Jitter, MAX_COUNTED, MAX_TICKS, MAX_UNFINISHED, ON_TIME, Overlap, Policy,
    Standing, Tick, Timing, decide,
};
use proptest::prelude::*;

use crate::{cron, moment};

const HOUR: Micros = 3_600 * SECOND;
const START: &str = "2026-06-01T00:00:00Z";

fn hourly() -> Timing {
    cron("@hourly", "UTC")
}

fn policy(overlap: Overlap, catch_up: &str) -> Policy {
    Policy { overlap, catch_up: catch_up.parse().unwrap(), jitter_seconds: 0 }
}

/// What is decided so long after the first tick of [`START`], which was not decided on.
fn after(timing: &Timing, policy: Policy, unfinished: u32, late: Micros) -> Firing {
    let next = moment(START);
    decide(timing, policy, "sched_1", Standing { next, unfinished }, next + late)
}

/// The hours after [`START`] of the ticks, with what becomes of them.
fn hours(firing: &Firing) -> Vec<(i64, Action)> {
    firing.ticks.iter().map(|tick| ((tick.at - moment(START)) / HOUR, tick.action)).collect()
}

#[test]
fn a_tick_on_time_meets_the_overlap_policy() {
    use Action::{Fire, Replace, Skip};
    for (overlap, unfinished, action) in [
        (Overlap::Skip, 0, Fire),
        (Overlap::Skip, 1, Skip),
        (Overlap::Queue, 1, Fire),
        (Overlap::Queue, MAX_UNFINISHED - 1, Fire),
        (Overlap::Queue, MAX_UNFINISHED, Skip),
        (Overlap::Replace, 0, Fire),
        (Overlap::Replace, 3, Replace),
    ] {
        for catch_up in ["none", "last", "all", "bounded:3"] {
            let firing = after(&hourly(), policy(overlap, catch_up), unfinished, SECOND);
            assert_eq!(hours(&firing), [(0, action)], "{overlap:?} with {unfinished} unfinished");
            assert_eq!(
                (firing.missed, firing.next, firing.due),
                (0, Some(moment(START) + HOUR), Some(moment(START) + HOUR))
            );
        }
    }
}

#[test]
fn before_its_time_nothing_is_decided() {
    let early = after(&hourly(), Policy::default(), 0, -1);
    assert_eq!(early, Firing { ticks: vec![], missed: 0, next: Some(moment(START)), due: Some(moment(START)) });
}

#[test]
fn missed_ticks_meet_the_catch_up_policy() {
    let fire = |from: i64, to: i64| (from..=to).map(|hour| (hour, Action::Fire)).collect::<Vec<_>>();
    for (catch_up, fired, missed) in [
        ("none", fire(1, 0), 6),
        ("last", fire(5, 5), 5),
        ("bounded:1", fire(5, 5), 5),
        ("bounded:3", fire(3, 5), 3),
        ("bounded:50", fire(0, 5), 0),
        ("all", fire(0, 5), 0),
    ] {
        for overlap in Overlap::ALL {
            let firing = after(&hourly(), policy(overlap, catch_up), 0, 5 * HOUR + ON_TIME + 1);
            assert_eq!((hours(&firing), firing.missed), (fired.clone(), missed), "{catch_up}");
            assert_eq!(firing.next, Some(moment(START) + 6 * HOUR));
        }
    }
    let on_time = after(&hourly(), policy(Overlap::Skip, "none"), 0, 5 * HOUR + ON_TIME);
    assert_eq!((hours(&on_time), on_time.missed), (fire(5, 5), 5));
}

#[test]
fn catching_up_waits_for_runs_that_have_not_ended() {
    for (overlap, unfinished, fired) in [
        (Overlap::Skip, 1, 0),
        (Overlap::Replace, 1, 0),
        (Overlap::Queue, 1, 6),
        (Overlap::Queue, MAX_UNFINISHED - 2, 2),
        (Overlap::Queue, MAX_UNFINISHED, 0),
    ] {
        for catch_up in ["all", "bounded:6"] {
            let firing = after(&hourly(), policy(overlap, catch_up), unfinished, 5 * HOUR);
            assert_eq!(hours(&firing), (0..fired).map(|hour| (hour, Action::Fire)).collect::<Vec<_>>());
            assert_eq!((firing.missed, firing.next), (0, Some(moment(START) + fired * HOUR)));
            let now = moment(START) + 5 * HOUR;
            assert_eq!(firing.due, Some(if fired == 6 { now + HOUR } else { now + HOLD }));
        }
    }
}

#[test]
fn all_goes_on_with_the_next_decision() {
    let timing = Timing::Every(Interval::new(1, 0).unwrap());
    let now = moment(START) + 250 * SECOND;
    let mut standing = Standing { next: moment(START), unfinished: 0 };
    let mut fired = Vec::new();
    for round in [MAX_TICKS, MAX_TICKS, 51] {
        let firing = decide(&timing, policy(Overlap::Skip, "all"), "s", standing, now);
        assert_eq!(firing.ticks.len(), round);
        fired.extend(firing.ticks.iter().map(|tick| tick.at));
        standing.next = firing.next.unwrap();
        assert_eq!(firing.due <= Some(now), standing.next <= now, "what is left is due at once");
    }
    assert_eq!(fired, (0..=250).map(|n| moment(START) + n * SECOND).collect::<Vec<_>>());
}

#[test]
fn ten_years_forward_cost_no_more_than_an_hour() {
    let ten_years = 10 * 365 * 24 * HOUR;
    for timing in [Timing::Every(Interval::new(1, 0).unwrap()), cron("* * * * * *", "Europe/Berlin")] {
        let last = after(&timing, policy(Overlap::Skip, "last"), 0, ten_years);
        assert_eq!(last.ticks, [Tick { at: moment(START) + ten_years, action: Action::Fire }]);
        assert_eq!((last.missed, last.next), (MAX_COUNTED, Some(moment(START) + ten_years + SECOND)));
        let all = after(&timing, policy(Overlap::Skip, "all"), 0, ten_years);
        assert_eq!((all.ticks.len(), all.next), (MAX_TICKS, Some(moment(START) + 100 * SECOND)));
        // Back in its own time the schedule waits.
        let standing = Standing { next: last.next.unwrap(), unfinished: 0 };
        let back = decide(&timing, policy(Overlap::Skip, "last"), "sched_1", standing, moment(START) + HOUR);
        assert_eq!((back.ticks.len(), back.next), (0, last.next));
    }
}

#[test]
fn a_stored_moment_that_is_no_tick_any_more_does_no_harm() {
    let standing = Standing { next: moment("2026-06-01T00:17:00Z"), unfinished: 0 };
    let early = decide(&hourly(), Policy::default(), "s", standing, moment("2026-06-01T00:30:00Z"));
    assert_eq!((early.ticks.len(), early.next), (0, Some(moment("2026-06-01T01:00:00Z"))));
}

#[test]
fn the_end_of_the_calendar_is_the_end_of_the_schedule() {
    let ended = decide(&hourly(), Policy::default(), "s", Standing { next: moment(START), unfinished: 0 }, Micros::MAX);
    assert_eq!((ended.ticks.len(), ended.next, ended.due), (1, None, None));
    let standing = Standing { next: Micros::MAX, unfinished: 0 };
    assert_eq!(decide(&hourly(), Policy::default(), "s", standing, 0).next, None);
}

#[test]
fn a_delayed_tick_waits_for_its_delay() {
    let policy = Policy { jitter_seconds: 1_800, ..Policy::default() };
    let tick = moment(START);
    let due = hourly().due(tick, Jitter { schedule: "s", seconds: 1_800 });
    assert!(due > tick, "this schedule's delay is not nothing");
    let standing = Standing { next: tick, unfinished: 0 };
    let early = decide(&hourly(), policy, "s", standing, due - 1);
    assert_eq!((early.ticks.len(), early.next, early.due), (0, Some(tick), Some(due)));
    assert_eq!(decide(&hourly(), policy, "s", standing, due).ticks, [Tick { at: tick, action: Action::Fire }]);
    // While the newest tick is still delayed, the one before it is the newest that has come due.
    let later = decide(&hourly(), policy, "s", Standing { next: tick - 5 * HOUR, unfinished: 0 }, due - 1);
    assert_eq!(
        (later.ticks.as_slice(), later.missed, later.next),
        (&[Tick { at: tick - HOUR, action: Action::Fire }][..], 4, Some(tick))
    );
}

fn timings() -> impl Strategy<Value = Timing> {
    const EXPRESSIONS: [&str; 7] =
        ["* * * * * *", "*/7 * * * *", "30 2 * * *", "30 * * * *", "0 0 29 2 *", "0 9 * * mon-fri", "*/20 * 1-3 * * *"];
    const ZONES: [&str; 4] = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"];
    prop_oneof![
        (1_i64..100_000, 0_i64..1_000_000_000).prop_map(|(s, anchor)| Timing::Every(Interval::new(s, anchor).unwrap())),
        (prop::sample::select(&EXPRESSIONS[..]), prop::sample::select(&ZONES[..])).prop_map(|(e, zone)| cron(e, zone)),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    const CATCH_UPS: [&str; 6] = ["none", "last", "all", "bounded:1", "bounded:5", "bounded:100"];
    let parts = (prop::sample::select(&Overlap::ALL[..]), prop::sample::select(&CATCH_UPS[..]), 0_u32..7_200);
    parts.prop_map(|(overlap, text, jitter)| Policy { jitter_seconds: jitter, ..policy(overlap, text) })
}

/// How a clock moves from one reading to the next: a little, mostly forward; seldom by a day; once in a while by years.
fn moves() -> impl Strategy<Value = Micros> {
    prop_oneof![
        8 => 0..120 * SECOND,
        4 => -HOUR..5 * HOUR,
        1 => -48 * HOUR..48 * HOUR,
        1 => -87_600 * HOUR..87_600 * HOUR,
    ]
}

proptest! {
    #[test]
    fn no_tick_is_decided_on_twice_and_none_is_forgotten(
        timing in timings(), policy in policies(), readings in prop::collection::vec((moves(), 0_u32..3), 1..40),
    ) {
        let jitter = Jitter { schedule: "s", seconds: policy.jitter_seconds };
        let mut now = moment("2026-10-24T20:00:00Z");
        let mut next = timing.next_after(now).unwrap();
        let mut decided = BTreeSet::new();
        for (moved, unfinished) in readings {
            now += moved;
            let firing = decide(&timing, policy, "s", Standing { next, unfinished }, now);
            prop_assert!(firing.ticks.len() <= MAX_TICKS);
            let Some(after) = firing.next else { break };
            prop_assert!(after >= next, "the schedule went back");
            for tick in &firing.ticks {
                prop_assert!(tick.at >= next && tick.at < after, "a tick outside of what was decided on");
                prop_assert!(timing.due(tick.at, jitter) <= now, "a tick before its time");
                prop_assert_eq!(timing.last_until(tick.at), Some(tick.at), "no tick of the timing");
                prop_assert!(decided.last().is_none_or(|last| *last < tick.at), "ticks out of order");
                decided.insert(tick.at);
            }
            // What lies between is accounted for, as far as is counted.
            let passed = std::iter::successors(Some(next), |tick| timing.next_after(*tick)).take_while(|tick| *tick < after);
            let accounted = usize::try_from(firing.missed).unwrap() + firing.ticks.len();
            let passed = passed.take(accounted + 1).count();
            prop_assert!(passed == accounted || firing.missed == MAX_COUNTED, "{} of {} ticks", accounted, passed);
            let held = matches!(policy.catch_up, CatchUp::All | CatchUp::Bounded(_)) && unfinished > 0;
            prop_assert!(held || firing.due.is_some_and(|due| due > now || policy.catch_up == CatchUp::All));
            next = after;
        }
    }
}
