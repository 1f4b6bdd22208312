//! Ticks around changes of the clocks, as people in those places see them.

use pilothouse_domain::schedule::Cron;

use crate::{cron, moment, shown};

/// Ticks of `expression` in `timezone` from noon (UTC) of one day to noon of the next but one.
fn around(expression: &str, timezone: &str, day: &str) -> Vec<String> {
    let after = moment(&format!("{day}T12:00:00Z"));
    let until = jiff::Timestamp::from_microsecond(after + 172_800_000_000).unwrap().to_string();
    shown(&cron(expression, timezone), timezone, &format!("{day}T12:00:00Z"), &until)
}

#[test]
fn a_daily_tick_in_a_skipped_hour_runs_once_right_after_it() {
    // Berlin goes from 02:00 to 03:00 on 29 March 2026.
    let expected = ["29 03:00:00 +02:00", "30 02:30:00 +02:00"];
    assert_eq!(around("30 2 * * *", "Europe/Berlin", "2026-03-28"), expected);
    // Several ticks in the skipped hour are one.
    let of_three = around("0,30 2 * * *", "Europe/Berlin", "2026-03-28");
    assert_eq!(of_three, ["29 03:00:00 +02:00", "30 02:00:00 +02:00", "30 02:30:00 +02:00"]);
    // And they are one with a tick that is there anyway.
    let at_its_end = around("30 2,3 * * *", "Europe/Berlin", "2026-03-28");
    assert_eq!(at_its_end[..3], ["29 03:00:00 +02:00", "29 03:30:00 +02:00", "30 02:30:00 +02:00"]);
    let with_three = around("0 2,3 * * *", "Europe/Berlin", "2026-03-28");
    assert_eq!(with_three, ["29 03:00:00 +02:00", "30 02:00:00 +02:00", "30 03:00:00 +02:00"]);
    // New York from 02:00 to 03:00 on 8 March 2026.
    let expected = ["08 03:00:00 -04:00", "09 02:30:00 -04:00"];
    assert_eq!(around("30 2 * * *", "America/New_York", "2026-03-07"), expected);
    // Lord Howe from 02:00 to 02:30 on 4 October 2026: a quarter past two is skipped, three quarters past is not.
    let expected = ["04 02:30:00 +11:00", "04 02:45:00 +11:00", "05 02:15:00 +11:00", "05 02:45:00 +11:00"];
    assert_eq!(around("15,45 2 * * *", "Australia/Lord_Howe", "2026-10-03")[..4], expected);
}

#[test]
fn a_daily_tick_in_a_repeated_hour_runs_in_its_first_pass() {
    // Berlin shows 02:00 to 03:00 twice on 25 October 2026.
    let expected = ["25 02:30:00 +02:00", "26 02:30:00 +01:00"];
    assert_eq!(around("30 2 * * *", "Europe/Berlin", "2026-10-24"), expected);
    // New York 01:00 to 02:00 on 1 November 2026.
    let expected = ["01 01:30:00 -04:00", "02 01:30:00 -05:00"];
    assert_eq!(around("30 1 * * *", "America/New_York", "2026-10-31"), expected);
    // Lord Howe 01:30 to 02:00 on 5 April 2026.
    let expected = ["05 01:00:00 +11:00", "05 01:45:00 +11:00", "06 01:00:00 +10:30", "06 01:45:00 +10:30"];
    assert_eq!(around("0,45 1 * * *", "Australia/Lord_Howe", "2026-04-04")[..4], expected);
    // Asked in the second pass, the answer is the next day.
    let timing = cron("* * 2 * * *", "Europe/Berlin");
    let second_pass = moment("2026-10-25T01:30:00Z");
    assert_eq!(timing.next_after(second_pass), Some(moment("2026-10-26T01:00:00Z")));
    assert_eq!(timing.last_until(second_pass), Some(moment("2026-10-25T00:59:59Z")));
}

#[test]
fn the_month_of_ramadan_moves_the_clocks_of_casablanca() {
    // Back from +01 to +00 at 03:00 on 15 February 2026, and forward at 02:00 on 22 March.
    let expected = ["15 02:30:00 +01:00", "16 02:30:00 +00:00"];
    assert_eq!(around("30 2 * * *", "Africa/Casablanca", "2026-02-14"), expected);
    let expected = ["22 03:00:00 +01:00", "23 02:30:00 +01:00"];
    assert_eq!(around("30 2 * * *", "Africa/Casablanca", "2026-03-21"), expected);
}

#[test]
fn hourly_ticks_follow_the_time_that_goes_by() {
    for (day, count) in [("2026-03-28", 48), ("2026-10-24", 48), ("2026-06-01", 48)] {
        for hour in ["*", "*/1", "0-23"] {
            assert_eq!(around(&format!("30 {hour} * * *"), "Europe/Berlin", day).len(), count, "{hour} after {day}");
        }
    }
    let spring = around("30 * * * *", "Europe/Berlin", "2026-03-28");
    assert_eq!(spring[11..14], ["29 00:30:00 +01:00", "29 01:30:00 +01:00", "29 03:30:00 +02:00"]);
    let autumn = around("30 * * * *", "Europe/Berlin", "2026-10-24");
    assert_eq!(autumn[11..14], ["25 01:30:00 +02:00", "25 02:30:00 +02:00", "25 02:30:00 +01:00"]);
    // Half an hour is put in or taken out at Lord Howe, which moves the full hour by as much.
    let spring = around("0 * * * *", "Australia/Lord_Howe", "2026-10-03");
    assert_eq!(spring[2..5], ["04 01:00:00 +10:30", "04 03:00:00 +11:00", "04 04:00:00 +11:00"]);
    let autumn = around("0 * * * *", "Australia/Lord_Howe", "2026-04-04");
    assert_eq!(autumn[..3], ["05 00:00:00 +11:00", "05 01:00:00 +11:00", "05 02:00:00 +10:30"]);
}

#[test]
fn every_other_hour_neither_loses_a_tick_nor_doubles_one() {
    let spring = around("30 */2 * * *", "Europe/Berlin", "2026-03-28");
    assert_eq!(spring[5..8], ["29 00:30:00 +01:00", "29 03:00:00 +02:00", "29 04:30:00 +02:00"]);
    let autumn = around("30 */2 * * *", "Europe/Berlin", "2026-10-24");
    assert_eq!(autumn[5..8], ["25 00:30:00 +02:00", "25 02:30:00 +02:00", "25 04:30:00 +01:00"]);
}

#[test]
fn a_day_without_midnight_and_a_day_that_never_was() {
    // Cairo goes from 00:00 to 01:00 on 24 April 2026.
    let expected = ["24 01:00:00 +03:00", "25 00:00:00 +03:00"];
    assert_eq!(around("@daily", "Africa/Cairo", "2026-04-23"), expected);
    // Samoa had no 30 December 2011: its tick is the first moment after it, which is also that of the 31st.
    let expected = ["29 00:00:00 -10:00", "31 00:00:00 +14:00", "01 00:00:00 +14:00"];
    assert_eq!(
        shown(&cron("@daily", "Pacific/Apia"), "Pacific/Apia", "2011-12-29T00:00:00Z", "2011-12-31T12:00:00Z"),
        expected
    );
}

#[test]
fn utc_has_no_such_days() {
    let expected = ["29 02:30:00 +00:00", "30 02:30:00 +00:00"];
    assert_eq!(around("30 2 * * *", "UTC", "2026-03-28"), expected);
}

#[test]
fn an_expression_covers_the_minutes_that_its_clocks_show() {
    let nights = Cron::parse("* 22-23,0-5 * * *", "Europe/Berlin").unwrap();
    let covered = |text: &str| nights.covers(moment(text));
    assert!(covered("2026-01-15T21:00:00Z") && covered("2026-01-15T04:59:59.999999Z"));
    assert!(!covered("2026-01-15T20:59:59.999999Z") && !covered("2026-01-15T05:00:00Z"));
    // Summer time: an hour earlier by UTC. Both passes of the hour that comes twice are the same on the wall.
    assert!(covered("2026-07-15T20:00:00Z") && !covered("2026-07-15T04:00:00Z"));
    assert!(covered("2026-10-25T00:30:00Z") && covered("2026-10-25T01:30:00Z"));
    let half_minutes = Cron::parse("30 0 12 * * *", "UTC").unwrap();
    assert!(half_minutes.covers(moment("2026-01-15T12:00:05Z")), "the minute in which it ticks");
}
