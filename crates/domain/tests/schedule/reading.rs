//! Which texts are timings, and what is said about those that are not.

use pilothouse_domain::schedule::{CatchUp, Cron, Interval, Overlap, Timing};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{cron, moment};

fn refusal(expression: &str) -> String {
    match Cron::parse(expression, "UTC") {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{expression} was taken"),
    }
}

#[test]
fn a_refusal_names_the_field_and_says_why() {
    for (expression, words) in [
        ("61 * * * *", "the minute field `61`: 61 is outside of 0 to 59"),
        ("0 99999999999 * * * *", "the minute field `99999999999`: 99999999999 is outside of 0 to 59"),
        ("60 0 0 * * *", "the second field `60`: 60 is outside of 0 to 59"),
        ("0 24 * * *", "the hour field `24`: 24 is outside of 0 to 23"),
        ("0 0 0 * *", "the day of month field `0`: 0 is outside of 1 to 31"),
        ("0 0 * 13 *", "the month field `13`: 13 is outside of 1 to 12"),
        ("0 0 * * 8", "the day of week field `8`: 8 is outside of 0 to 7"),
        ("1,,2 * * * *", "the minute field `1,,2`: an item of its list is empty"),
        ("*/0 * * * *", "the minute field `*/0`: the step `0` is not a number from 1 to 59"),
        ("*/60 * * * *", "the minute field `*/60`: the step `60` is not a number from 1 to 59"),
        ("*/+5 * * * *", "the minute field `*/+5`: the step `+5` is not a number from 1 to 59"),
        (
            "30-10 * * * *",
            "the minute field `30-10`: the range `30-10` runs backwards; write it as two ranges with a comma",
        ),
        (
            "5/15 * * * *",
            "the minute field `5/15`: the step needs `*` or a range before it; `5/15` may be meant as `5-59/15`",
        ),
        ("x * * * *", "the minute field `x`: `x` is not a value of this field, which takes 0 to 59"),
        ("? * * * *", "the minute field `?`: `?` is not a value of this field, which takes 0 to 59"),
        ("-5 * * * *", "the minute field `-5`: `` is not a value of this field, which takes 0 to 59"),
        (
            "0 0 * foo *",
            "the month field `foo`: `foo` is not a value of this field, which takes 1 to 12 and JAN to DEC",
        ),
        ("0 0 * * 1#6", "the day of week field `1#6`: `1#6` is not a weekday, `#` and a number from 1 to 5"),
        ("0 0 32W * *", "the day of month field `32W`: 32 is outside of 1 to 31"),
        ("0 0 31 2 *", "no date ever fits day of month `31`, month `2` and day of week `*`"),
        ("0 0 30,31 feb *", "no date ever fits day of month `30,31`, month `feb` and day of week `*`"),
        ("0 0 31 4,6,9,11 *", "no date ever fits day of month `31`, month `4,6,9,11` and day of week `*`"),
        ("0 0 */31 * 0#5", "no date ever fits day of month `*/31`, month `*` and day of week `0#5`"),
        ("", "the cron expression is empty"),
        (" \t", "the cron expression is empty"),
        ("@reboot", "`@reboot` is not one of @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly"),
    ] {
        assert_eq!(refusal(expression), words);
    }
    for (expression, found) in [("* * * *", 4), ("0 0 0 1 1 * 2026", 7), ("@daily @daily", 2)] {
        assert!(refusal(expression).ends_with(&format!("this one has {found}")), "{expression}");
    }
    assert!(refusal(&"1,".repeat(200)).contains("longer than 256"));
    assert!(
        Cron::parse("@daily", "Europe/Atlantis")
            .unwrap_err()
            .to_string()
            .starts_with("`Europe/Atlantis` is not a time")
    );
    for bad in ["", "Etc/Unknown", "+01:00", "../UTC", "local"] {
        assert!(Cron::parse("@daily", bad).is_err(), "{bad} was taken");
    }
}

#[test]
fn what_reads_differently_ticks_alike() {
    for (one, other) in [
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 0 * * *"),
        ("@Weekly", "0 0 * * SUN"),
        ("@monthly", "0 0 1 * ?"),
        ("@yearly", "0 0 1 JAN *"),
        ("@hourly", "0 */1 * * *"),
        ("  0\t0   * * 7 ", "0 0 * * 0"),
        ("0 0 * * fri-sun", "0 0 * * 5,6,0"),
        ("0 0 * * 5-7", "0 0 * * Fri,sat,SUN"),
        ("0 0 * * sun-tue", "0 0 * * 0-2"),
        ("0 5-5 * * *", "0 5 * * *"),
        ("0 0 1-10/3 * *", "0 0 1,4,7,10 * *"),
        ("0 0 * feb-apr/2 *", "0 0 * 2,4 *"),
        ("0 0 * * */2", "0 0 * * 0,2,4,6"),
        ("0 0 29 2 *", "0 0 29-31 2 *"),
    ] {
        let from = moment("2026-01-01T12:00:00Z");
        assert_eq!(cron(one, "UTC").upcoming(from, 30), cron(other, "UTC").upcoming(from, 30), "{one} and {other}");
    }
}

#[test]
fn the_special_days_are_those_of_the_calendar() {
    for (expression, days) in [
        ("0 0 L * *", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("0 0 LW * *", ["2026-01-30", "2026-02-27", "2026-03-31"]),
        ("0 0 1W * *", ["2026-01-01", "2026-02-02", "2026-03-02"]),
        ("0 0 15w * *", ["2026-01-15", "2026-02-16", "2026-03-16"]),
        ("0 0 7W * *", ["2026-01-07", "2026-02-06", "2026-03-06"]),
        ("0 0 31W * *", ["2026-01-30", "2026-03-31", "2026-05-29"]),
        ("0 0 * * 5L", ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("0 0 * * 6L", ["2026-01-31", "2026-02-28", "2026-03-28"]),
        ("0 0 * * mon#2", ["2026-01-12", "2026-02-09", "2026-03-09"]),
        ("0 0 * * 0#5", ["2026-03-29", "2026-05-31", "2026-08-30"]),
        // Either day field, when both name days; both, when one begins with a wildcard.
        ("0 0 2 * fri", ["2026-01-02", "2026-01-09", "2026-01-16"]),
        ("0 0 */10 * fri", ["2026-05-01", "2026-07-31", "2026-08-21"]),
        ("0 0 29 2 *", ["2028-02-29", "2032-02-29", "2036-02-29"]),
    ] {
        let ticks = cron(expression, "UTC").upcoming(moment("2025-12-31T12:00:00Z"), 3);
        assert_eq!(ticks, days.map(|day| moment(&format!("{day}T00:00:00Z"))), "{expression}");
    }
}

#[test]
fn the_rarest_dates_are_found_and_the_calendar_ends() {
    // The 29th of February on a Monday, across the year 2100, which has none.
    let rare = cron("0 0 29 2 *", "UTC");
    assert_eq!(rare.next_after(moment("2096-03-01T00:00:00Z")), Some(moment("2104-02-29T00:00:00Z")));
    let fifth = cron("0 0 * 2 1#5", "UTC");
    assert_eq!(fifth.next_after(moment("2072-03-01T00:00:00Z")), Some(moment("2112-02-29T00:00:00Z")));
    assert_eq!(rare.next_after(i64::MAX), None);
    assert_eq!(rare.next_after(moment("9999-12-30T00:00:00Z")), None);
    assert!(rare.next_after(i64::MIN).is_some());
    let often = Timing::Every(Interval::new(1, 0).unwrap());
    assert_eq!((often.next_after(i64::MAX), often.next_after(i64::MIN)), (None, Some(0)));
}

#[test]
fn a_timing_is_the_same_after_its_own_json() {
    for json in [
        json!({"cron": "0 30 7 * * *", "timezone": "Europe/Berlin"}),
        json!({"cron": "@daily", "timezone": "UTC"}),
        json!({"every_seconds": 300}),
        json!({"every_seconds": 7, "anchor": "2026-01-01T00:00:00.5Z"}),
    ] {
        let timing: Timing = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&timing).unwrap(), json);
    }
    let defaults: Timing = serde_json::from_value(json!({"cron": " @daily "})).unwrap();
    assert_eq!(defaults, cron("@daily", "utc"));
}

#[test]
fn json_that_is_no_timing_is_refused_with_a_reason() {
    for (json, words) in [
        (json!({}), "a timing is either"),
        (json!({"cron": "@daily", "every_seconds": 5}), "a timing is either"),
        (json!({"every_seconds": 5, "timezone": "UTC"}), "a timing is either"),
        (json!({"cron": "@daily", "anchor": "2026-01-01T00:00:00Z"}), "a timing is either"),
        (json!({"every_seconds": 0}), "an interval is 1 to 31622400 seconds; this one is 0"),
        (json!({"every_seconds": -5}), "this one is -5"),
        (json!({"every_seconds": 31_622_401}), "this one is 31622401"),
        (json!({"every_seconds": 1.5}), "invalid type"),
        (json!({"cron": "@daily", "time_zone": "UTC"}), "unknown field `time_zone`"),
        (json!({"cron": "0 25 * * *"}), "the hour field `25`"),
    ] {
        let error = serde_json::from_value::<Timing>(json.clone()).unwrap_err().to_string();
        assert!(error.contains(words), "{json}: {error}");
    }
}

#[test]
fn policies_are_their_names() {
    for (overlap, text) in Overlap::ALL.into_iter().zip(["skip", "queue", "replace"]) {
        assert_eq!((overlap.as_str(), text.parse()), (text, Ok(overlap)));
        assert_eq!(serde_json::to_value(overlap).unwrap(), Value::from(text));
    }
    for text in ["none", "last", "all", "bounded:1", "bounded:100"] {
        let policy: CatchUp = serde_json::from_value(text.into()).unwrap();
        assert_eq!(serde_json::to_value(policy).unwrap(), Value::from(text));
    }
    for text in ["", "bounded", "bounded:0", "bounded:101", "bounded:+3", "bounded:03", "Last"] {
        assert!(text.parse::<CatchUp>().is_err(), "{text} was taken");
    }
    assert!("sometimes".parse::<Overlap>().unwrap_err().to_string().contains("skip, queue and replace"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~é]{0,40}", words in prop::collection::vec("[*/,#LW?0-9-]{1,6}", 5..7)) {
        for expression in [text, words.join(" ")] {
            if let Ok(cron) = Cron::parse(&expression, "America/New_York") {
                let timing = Timing::Cron(cron);
                let ticks = timing.upcoming(0, 20);
                prop_assert!(ticks.is_sorted_by(|one, other| one < other) && ticks.len() == 20);
                prop_assert!(!timing.describe().is_empty());
                let again: Timing = serde_json::from_value(serde_json::to_value(&timing).unwrap()).unwrap();
                prop_assert_eq!(again, timing);
            }
        }
    }
}
