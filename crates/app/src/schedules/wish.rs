//! What a person says of a schedule, and whether it can be one: every refusal names the field.

use pilothouse_domain::schedule::{Cron, Interval, Invalid, MAX_JITTER_SECONDS, Policy, Timing};
use pilothouse_domain::{Code, Micros, ScheduleId};
use serde::Serialize;
use serde_json::Value;

use crate::runs::no_workflow;
use crate::{App, Caller, Error, ask, queues};

/// Longest name of a schedule, in characters.
pub const MAX_NAME_CHARS: usize = 100;
/// The time zone where none is said.
const UTC: &str = "UTC";

/// A schedule as a person wants it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Wish {
    /// Its name, unique in the tenant.
    pub name: String,
    /// Which workflow.
    pub kind: String,
    /// What its runs are given, in the words of that workflow.
    pub input: Value,
    /// When it ticks.
    pub when: When,
    /// The most that a tick is delayed, in seconds.
    pub jitter_seconds: i64,
    /// What becomes of a tick while a run has not ended; `skip` unless it is said.
    pub overlap: Option<String>,
    /// What becomes of missed ticks; `last` unless it is said.
    pub catch_up: Option<String>,
    /// The queue of its runs; the workflow's own unless it is said.
    pub queue: Option<String>,
    /// Whether it is paused; none leaves it as it is.
    pub paused: Option<bool>,
}

/// When a schedule ticks, as a person says it: a cron expression with its time zone, or an interval.
#[derive(Debug, Clone, Default, Serialize)]
pub struct When {
    /// Five fields, or six with seconds.
    pub cron: Option<String>,
    /// A name of the IANA database; UTC unless it is said.
    pub time_zone: Option<String>,
    /// The distance of two ticks.
    pub every_seconds: Option<i64>,
    /// The moment that an interval is counted from; the epoch unless it is said.
    pub anchor: Option<Micros>,
}

/// What a workflow makes of a schedule's input: that of its runs, their title, and how often each is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The workflow's own input, as JSON.
    pub input: String,
    /// What the runs are called in lists.
    pub title: String,
    /// Tries of each run.
    pub max_attempts: i64,
}

impl When {
    /// The timing that is meant.
    pub fn timing(&self) -> Result<Timing, Error> {
        let refuse = |field: &'static str, error: Invalid, input: Value| {
            invalid(&[field], "value_error", &error.to_string(), input)
        };
        match (&self.cron, self.every_seconds) {
            (Some(cron), None) if self.anchor.is_none() => {
                let zone = self.time_zone.as_deref().unwrap_or(UTC);
                Cron::parse(cron, zone).map(Timing::Cron).map_err(|error| match error {
                    Invalid::Timezone { .. } => refuse("time_zone", error, zone.into()),
                    _ => refuse("cron", error, cron.as_str().into()),
                })
            }
            (None, Some(seconds)) if self.time_zone.as_deref().is_none_or(|zone| zone == UTC) => {
                let interval = Interval::new(seconds, self.anchor.unwrap_or(0));
                interval.map(Timing::Every).map_err(|error| match error {
                    Invalid::Anchor => refuse("anchor", error, self.anchor.into()),
                    _ => refuse("every_seconds", error, seconds.into()),
                })
            }
            (None, Some(_)) => {
                let message = "an interval is counted in seconds and has no time zone";
                Err(invalid(&["time_zone"], "value_error", message, self.time_zone.clone().into()))
            }
            _ => {
                let message = "a schedule has either `cron`, with an optional `time_zone`, or `every_seconds`, with an \
                               optional `anchor`";
                Err(invalid(&["cron"], "value_error", message, self.cron.clone().into()))
            }
        }
    }
}

impl Wish {
    /// The name without the blanks around it.
    pub(super) fn checked_name(&self) -> Result<String, Error> {
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.contains('\0') {
            let message = format!("a name has 1 to {MAX_NAME_CHARS} characters");
            return Err(invalid(&["name"], "value_error", &message, self.name.as_str().into()));
        }
        Ok(name.to_owned())
    }

    /// What becomes of ticks that overlap or were missed.
    pub(super) fn policy(&self) -> Result<Policy, Error> {
        let refuse = |field: &str, error: String, text: &str| invalid(&[field], "enum", &error, Value::from(text));
        let jitter = u32::try_from(self.jitter_seconds).ok().filter(|jitter| *jitter <= MAX_JITTER_SECONDS);
        let jitter_seconds = jitter.ok_or_else(|| {
            let message = format!("the jitter is 0 to {MAX_JITTER_SECONDS} seconds");
            invalid(&["jitter_seconds"], "value_error", &message, self.jitter_seconds.into())
        })?;
        let overlap = self.overlap.as_deref();
        let overlap = overlap.map(|text| text.parse().map_err(|error| refuse("overlap", said(error), text)));
        let catch_up = self.catch_up.as_deref();
        let catch_up = catch_up.map(|text| text.parse().map_err(|error| refuse("catch_up", said(error), text)));
        Ok(Policy {
            overlap: overlap.transpose()?.unwrap_or_default(),
            catch_up: catch_up.transpose()?.unwrap_or_default(),
            jitter_seconds,
        })
    }

    /// The queue of its runs.
    pub(super) fn checked_queue(&self) -> Result<String, Error> {
        let queue = self.queue.as_deref().unwrap_or(&self.kind);
        if !queues::is_name(queue) {
            return Err(invalid(&["queue"], "value_error", &queues::name_rule(), queue.into()));
        }
        Ok(queue.to_owned())
    }

    /// What its runs are given. Only workflows that this program has, and that can be asked for by name, are known.
    pub(super) async fn work(&self, app: &App, caller: &Caller, id: ScheduleId) -> Result<Work, Error> {
        match self.kind.as_str() {
            ask::KIND => ask::scheduled(app, caller, id, &self.input).await,
            other => Err(no_workflow(other)),
        }
    }
}

fn said(error: pilothouse_domain::schedule::UnknownPolicy) -> String {
    error.to_string()
}

/// That a schedule cannot be so, because of one field.
pub(crate) fn invalid(place: &[&str], kind: &'static str, message: &str, input: Value) -> Error {
    let error = Error::new(Code::ScheduleInvalid, format!("{}: {message}.", place.join(".")));
    error.at(place, kind, message, input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(error: &Error) -> String {
        assert_eq!(error.code, Code::ScheduleInvalid);
        error.fields.iter().flat_map(|field| &field.location).filter_map(Value::as_str).collect::<Vec<_>>().join(".")
    }

    #[test]
    fn a_timing_that_cannot_be_names_its_field() {
        let some = |text: &str| Some(text.to_owned());
        let cron = |cron: &str| When { cron: some(cron), ..When::default() };
        let every = |seconds| When { every_seconds: Some(seconds), ..When::default() };
        for (when, field) in [
            (cron("61 * * * *"), "body.cron"),
            (cron(""), "body.cron"),
            (cron("0 0 30 2 *"), "body.cron"),
            (When { time_zone: some("Mars/Olympus"), ..cron("@daily") }, "body.time_zone"),
            (When { time_zone: some("Europe/Berlin"), ..every(60) }, "body.time_zone"),
            (When { anchor: Some(i64::MAX), ..every(60) }, "body.anchor"),
            (every(0), "body.every_seconds"),
            (When { every_seconds: Some(60), ..cron("@daily") }, "body.cron"),
            (When { anchor: Some(0), ..cron("@daily") }, "body.cron"),
            (When::default(), "body.cron"),
        ] {
            assert_eq!(place(&when.timing().unwrap_err()), field, "{when:?}");
        }
        assert!(When { time_zone: some("Europe/Berlin"), ..cron("30 7 * * 1-5") }.timing().is_ok());
        assert!(When { time_zone: some("UTC"), anchor: Some(0), ..every(60) }.timing().is_ok());
    }

    #[test]
    fn a_policy_that_nobody_knows_names_its_field() {
        let wish = Wish::default();
        assert_eq!(wish.policy().unwrap(), Policy::default());
        let wrong = Wish { overlap: Some("often".into()), ..wish.clone() };
        assert_eq!(place(&wrong.policy().unwrap_err()), "body.overlap");
        let wrong = Wish { catch_up: Some("bounded:0".into()), ..wish.clone() };
        assert_eq!(place(&wrong.policy().unwrap_err()), "body.catch_up");
        for jitter_seconds in [-1, i64::from(MAX_JITTER_SECONDS) + 1] {
            let wrong = Wish { jitter_seconds, ..wish.clone() };
            assert_eq!(place(&wrong.policy().unwrap_err()), "body.jitter_seconds");
        }
        for queue in ["", "a/b", "A", &"x".repeat(65)] {
            let wrong = Wish { queue: Some(queue.to_owned()), ..wish.clone() };
            assert_eq!(place(&wrong.checked_queue().unwrap_err()), "body.queue");
        }
        for name in [" ", &"x".repeat(101)] {
            let wrong = Wish { name: name.to_owned(), ..wish.clone() };
            assert_eq!(place(&wrong.checked_name().unwrap_err()), "body.name");
        }
    }
}
