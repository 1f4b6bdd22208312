//! When a schedule ticks. Everything about a timing is derived from one strictly monotone function, [`Timing::next_after`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cron::Cron;
use super::interval::Interval;
use super::invalid::Invalid;
use crate::clock::{Micros, SECOND};

/// Most ticks that [`Timing::upcoming`] lists.
pub const MAX_UPCOMING: usize = 100;

/// How far back a tick is looked for: further than two ticks of any timing are apart.
const LOOK_BACK: Micros = 100 * 366 * 86_400 * SECOND;

/// When a schedule ticks.
///
/// As JSON either `{"cron": "0 30 7 * * *", "timezone": "Europe/Berlin"}` (UTC when left out) or
/// `{"every_seconds": 300, "anchor": "2026-01-01T00:00:00Z"}` (1970-01-01T00:00:00Z when left out).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Spec", into = "Spec")]
pub enum Timing {
    /// At the times of day that an expression names.
    Cron(Cron),
    /// Every so many seconds.
    Every(Interval),
}

impl Timing {
    /// The first tick after `at`, or none before the end of the year 9999. Of two moments, the later one never has
    /// the earlier tick.
    pub fn next_after(&self, at: Micros) -> Option<Micros> {
        let tick = match self {
            Self::Cron(cron) => {
                let least = Timestamp::MIN.as_microsecond();
                cron.next_after(Timestamp::from_microsecond(at.max(least)).ok()?)?.as_microsecond()
            }
            Self::Every(interval) => interval.next_after(at)?,
        };
        (tick <= Timestamp::MAX.as_microsecond()).then_some(tick)
    }

    /// The last tick at or before `until`, if there is one in the hundred years before it.
    ///
    /// Found by asking what comes after earlier and earlier moments, and then halving: some sixty questions, however
    /// many ticks there are.
    pub fn last_until(&self, until: Micros) -> Option<Micros> {
        let until = until.min(Timestamp::MAX.as_microsecond());
        let due_after = |at: Micros| self.next_after(at).filter(|tick| *tick <= until);
        let mut back = SECOND;
        let mut best = loop {
            match due_after(until.saturating_sub(back)) {
                Some(tick) => break tick,
                None if back > LOOK_BACK => return None,
                None => back *= 2,
            }
        };
        let mut none_after = until;
        while none_after > best {
            let middle = best + (none_after - best) / 2;
            match due_after(middle) {
                Some(tick) => best = tick,
                None => none_after = middle,
            }
        }
        Some(best)
    }

    /// The next `count` ticks after `after`, at most [`MAX_UPCOMING`].
    pub fn upcoming(&self, after: Micros, count: usize) -> Vec<Micros> {
        let ticks = std::iter::successors(self.next_after(after), |tick| self.next_after(*tick));
        ticks.take(count.min(MAX_UPCOMING)).collect()
    }

    /// How the clocks of the time zone show the moment `at`, in the form of RFC 3339 with their distance from UTC, for
    /// instance `2026-11-01T01:30:00-04:00`. An interval is about no clocks, and shown in UTC.
    pub fn local(&self, at: Micros) -> String {
        let zone = match self {
            Self::Cron(cron) => cron.zone.clone(),
            Self::Every(_) => jiff::tz::TimeZone::UTC,
        };
        let moment = Timestamp::from_microsecond(at).unwrap_or(Timestamp::MAX);
        moment.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

/// A timing's JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every_seconds: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anchor: Option<Timestamp>,
}

impl TryFrom<Spec> for Timing {
    type Error = Invalid;

    fn try_from(spec: Spec) -> Result<Self, Invalid> {
        match spec {
            Spec { cron: Some(expression), timezone, every_seconds: None, anchor: None } => {
                Cron::parse(&expression, timezone.as_deref().unwrap_or("UTC")).map(Self::Cron)
            }
            Spec { cron: None, timezone: None, every_seconds: Some(seconds), anchor } => {
                Interval::new(seconds, anchor.map_or(0, Timestamp::as_microsecond)).map(Self::Every)
            }
            _ => Err(Invalid::Shape),
        }
    }
}

impl From<Timing> for Spec {
    fn from(timing: Timing) -> Self {
        let none = Self { cron: None, timezone: None, every_seconds: None, anchor: None };
        match timing {
            Timing::Cron(cron) => {
                Self { cron: Some(cron.expression().to_owned()), timezone: Some(cron.timezone().to_owned()), ..none }
            }
            Timing::Every(interval) => Self {
                every_seconds: Some(interval.seconds().into()),
                anchor: Timestamp::from_microsecond(interval.anchor()).ok().filter(|_| interval.anchor() != 0),
                ..none
            },
        }
    }
}
