//! The time in which spending counts: a day or a month by the clocks of a place, the last so many seconds, or for ever.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::Micros;
use crate::clock::SECOND;
use crate::format::counted;

/// Into how many parts a rolling window is cut: it forgets one of them at a time.
const PARTS: i64 = 60;
/// Longest rolling window, in seconds: a year.
const MAX_ROLLING: i64 = 366 * 24 * 3600;

/// The time in which spending counts. As text `day`, `month`, `for_ever`, or `rolling:3600` with its seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Window {
    /// A day by the clocks of the tenant's place.
    Day,
    /// A month.
    Month,
    /// The last so many seconds.
    Rolling(i64),
    /// All the time, for instance of one run.
    ForEver,
}

/// Where a moment lies in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The beginning of the part of the window that what is spent now is written down for.
    pub bucket: Micros,
    /// What was written down for this moment and later counts.
    pub since: Micros,
    /// When the window begins anew; none where it rolls, or never does.
    pub until: Option<Micros>,
}

impl Window {
    /// How long the parts are that it forgets one at a time; none where it does not roll.
    pub fn part(self) -> Option<Micros> {
        if let Self::Rolling(seconds) = self { Some(part(seconds)) } else { None }
    }

    /// It in words: `a day`, `in all`, `in 2 hours`.
    pub fn in_words(self) -> String {
        match self {
            Self::Day => "a day".to_owned(),
            Self::Month => "a month".to_owned(),
            Self::ForEver => "in all".to_owned(),
            Self::Rolling(seconds) if seconds % 3600 == 0 => {
                format!("in {}", counted(seconds.unsigned_abs() / 3600, "hour"))
            }
            Self::Rolling(seconds) => format!("in {}", counted(seconds.unsigned_abs(), "second")),
        }
    }

    /// Where `now` lies in the window, by the clocks of `zone`. A rolling window forgets what is older than itself, and not
    /// before.
    pub fn at(self, now: Micros, zone: &TimeZone) -> Span {
        match self {
            Self::ForEver => Span { bucket: 0, since: 0, until: None },
            Self::Rolling(seconds) => {
                let part = part(seconds);
                let bucket = now - now.rem_euclid(part);
                Span { bucket, since: bucket - PARTS * part, until: None }
            }
            Self::Day | Self::Month => {
                let stamp = Timestamp::from_microsecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
                let date = stamp.to_zoned(zone.clone()).date();
                let (first, step) = match self {
                    Self::Month => (date.first_of_month(), 1.month()),
                    _ => (date, 1.day()),
                };
                let begin = begins(first, zone).unwrap_or(0);
                let until = first.checked_add(step).ok().and_then(|next| begins(next, zone));
                Span { bucket: begin, since: begin, until }
            }
        }
    }
}

/// One part of a rolling window of so many seconds.
fn part(seconds: i64) -> Micros {
    (seconds.saturating_mul(SECOND) / PARTS).max(1)
}

/// When a day begins by the clocks of a zone.
pub(super) fn begins(day: Date, zone: &TimeZone) -> Option<Micros> {
    let first = zone.to_ambiguous_zoned(day.at(0, 0, 0, 0)).compatible().ok()?;
    Some(first.timestamp().as_microsecond())
}

/// The time zone with this name of the IANA database.
pub fn read_zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day => f.write_str("day"),
            Self::Month => f.write_str("month"),
            Self::ForEver => f.write_str("for_ever"),
            Self::Rolling(seconds) => write!(f, "rolling:{seconds}"),
        }
    }
}

impl FromStr for Window {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a window is day, month, for_ever, or rolling: with its seconds, at most a year";
        match text {
            "day" => Ok(Self::Day),
            "month" => Ok(Self::Month),
            "for_ever" => Ok(Self::ForEver),
            other => {
                let seconds = other.strip_prefix("rolling:").and_then(|seconds| seconds.parse().ok());
                seconds.filter(|seconds| (1..=MAX_ROLLING).contains(seconds)).map(Self::Rolling).ok_or(EXPECTED)
            }
        }
    }
}

impl TryFrom<String> for Window {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse_rfc3339;
    use proptest::prelude::*;

    fn moment(text: &str) -> Micros {
        parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_month_is_that_of_the_place() {
        let berlin = read_zone("Europe/Berlin").unwrap();
        let span = Window::Month.at(moment("2026-03-31T22:30:00Z"), &berlin);
        // The clocks there show half past midnight of the first of April, and an hour more than in winter.
        assert_eq!(span.since, moment("2026-03-31T22:00:00Z"));
        assert_eq!(span.until, Some(moment("2026-04-30T22:00:00Z")));
        let utc = Window::Month.at(moment("2026-03-31T22:30:00Z"), &TimeZone::UTC);
        assert_eq!(utc.since, moment("2026-03-01T00:00:00Z"));
        let day = Window::Day.at(moment("2026-03-29T12:00:00Z"), &berlin);
        assert_eq!(day.until.unwrap() - day.since, 23 * 3600 * SECOND, "the day on which the clocks go forward");
    }

    proptest! {
        #[test]
        fn a_window_holds_now_and_comes_back_from_its_text(
            now in 0_i64..4_000_000_000_000_000,
            window in prop_oneof![
                Just(Window::Day), Just(Window::Month), Just(Window::ForEver), (1_i64..MAX_ROLLING).prop_map(Window::Rolling)
            ],
        ) {
            let span = window.at(now, &TimeZone::UTC);
            prop_assert!(span.since <= span.bucket && span.bucket <= now);
            prop_assert!(span.until.is_none_or(|until| until > now));
            prop_assert_eq!(window.to_string().parse(), Ok(window));
        }

        /// What was spent in the last so many seconds counts, whenever in them it was.
        #[test]
        fn a_rolling_window_forgets_nothing_too_early(
            now in 1_000_000_000_i64..4_000_000_000_000_000,
            seconds in 1_i64..1_000_000,
            back in 0_i64..1_000_000,
        ) {
            prop_assume!(back < seconds);
            let (window, before) = (Window::Rolling(seconds), now - back * SECOND);
            prop_assert!(window.at(before, &TimeZone::UTC).bucket >= window.at(now, &TimeZone::UTC).since);
        }
    }
}
