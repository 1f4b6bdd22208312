//! Schedules and their ticks.

use pilothouse_app::schedules::{Health, Tick, View};
use pilothouse_domain::clock::rfc3339;
use pilothouse_domain::schedule::Timing;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::time;

/// A schedule as it stands.
#[derive(Serialize, ToSchema)]
pub struct ScheduleDto {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Which workflow it runs.
    pub kind: String,
    /// The queue of its runs.
    pub queue: String,
    /// What its runs are given.
    pub input: Value,
    /// The cron expression, where it has one.
    pub cron: Option<String>,
    /// The time zone of the cron expression; `UTC` for an interval.
    pub time_zone: String,
    /// The interval, where it has one.
    pub every_seconds: Option<u32>,
    /// The moment that the interval is counted from.
    pub anchor: Option<String>,
    /// When it ticks, in words.
    pub when: String,
    /// The most that a tick is delayed.
    pub jitter_seconds: u32,
    /// What becomes of a tick while a run has not ended: `skip`, `queue` or `replace`.
    pub overlap: String,
    /// What becomes of missed ticks: `none`, `last`, `all` or `bounded:` and how many.
    pub catch_up: String,
    /// Whether it is paused.
    pub paused: bool,
    /// Since when.
    pub paused_at: Option<String>,
    /// Who paused it.
    pub paused_by: Option<String>,
    /// In whose name its runs are.
    pub subject: String,
    /// When it was made.
    pub created_at: String,
    /// When it was changed last.
    pub updated_at: String,
    /// The first tick that was not decided on; null where there is none.
    pub next_at: Option<String>,
    /// The last tick that was decided on.
    pub last: Option<LastTickDto>,
    /// How many ticks its catch-up policy dropped.
    pub missed: i64,
    /// Whether it should have been decided on a minute ago or earlier.
    pub late: bool,
}

/// What became of a tick.
#[derive(Serialize, ToSchema)]
pub struct LastTickDto {
    /// The tick, without jitter.
    pub at: String,
    /// `started`, `skipped` or `replaced`.
    pub outcome: String,
    /// Its run.
    pub run_id: Option<String>,
    /// Where that run stands, as long as it is kept.
    pub status: Option<String>,
}

impl From<View> for ScheduleDto {
    fn from(view: View) -> Self {
        let (input, status) = (view.input(), view.last_status);
        let schedule = view.schedule;
        let (cron, zone, interval) = match &schedule.timing {
            Timing::Cron(cron) => (Some(cron.expression().to_owned()), cron.timezone().to_owned(), None),
            Timing::Every(interval) => (None, "UTC".to_owned(), Some(interval)),
        };
        Self {
            id: schedule.id.to_string(),
            name: schedule.name,
            kind: schedule.kind,
            queue: schedule.queue,
            input,
            cron,
            time_zone: zone,
            every_seconds: interval.map(|interval| interval.seconds()),
            anchor: interval.map(|interval| rfc3339(interval.anchor())),
            when: schedule.timing.describe(),
            jitter_seconds: schedule.policy.jitter_seconds,
            overlap: schedule.policy.overlap.as_str().to_owned(),
            catch_up: schedule.policy.catch_up.to_string(),
            paused: schedule.paused.is_some(),
            paused_at: schedule.paused.as_ref().map(|(at, _)| rfc3339(*at)),
            paused_by: schedule.paused.map(|(_, by)| by),
            subject: schedule.subject,
            created_at: rfc3339(schedule.created_at),
            updated_at: rfc3339(schedule.updated_at),
            next_at: time(schedule.next_at),
            last: schedule.last.map(|last| LastTickDto {
                at: rfc3339(last.at),
                outcome: last.outcome,
                run_id: last.run.map(|run| run.to_string()),
                status: status.map(|status| status.as_str().to_owned()),
            }),
            missed: schedule.missed,
            late: view.is_late,
        }
    }
}

/// A tick.
#[derive(Serialize, ToSchema)]
pub struct TickDto {
    /// When, in UTC.
    pub at: String,
    /// The same by the clocks of the schedule's time zone.
    pub local: String,
}

impl From<Tick> for TickDto {
    fn from(tick: Tick) -> Self {
        Self { at: rfc3339(tick.at), local: tick.local }
    }
}

/// A schedule to make, or what to make of one.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
pub struct ScheduleRequest {
    /// Its name, unique in the tenant, 1 to 100 characters.
    #[schema(min_length = 1)]
    name: String,
    /// Which workflow: `ask`.
    #[schema(min_length = 1)]
    kind: String,
    /// What its runs are given; for `ask`, `question` and, where it is not the tenant's default one, `connection`.
    input: serde_json::Map<String, Value>,
    /// A cron expression of five fields, or of six with seconds before them. Either this or `every_seconds`.
    cron: Option<String>,
    /// The time zone of the cron expression, a name of the IANA database; `UTC` unless it is said.
    time_zone: Option<String>,
    /// The distance of two ticks, 1 to 31,622,400 seconds.
    every_seconds: Option<i64>,
    /// The moment that an interval is counted from; 1970-01-01T00:00:00Z unless it is said.
    anchor: Option<String>,
    /// The most that a tick is delayed, 0 to 86,400 seconds; 0 unless it is said.
    jitter_seconds: Option<i64>,
    /// `skip`, `queue` or `replace`; `skip` unless it is said.
    overlap: Option<String>,
    /// `none`, `last`, `all`, or `bounded:1` to `bounded:100`; `last` unless it is said.
    catch_up: Option<String>,
    /// The queue of its runs; the workflow's own unless it is said.
    queue: Option<String>,
    /// Whether it is paused; where it is left out, a new one is not and another stays as it is.
    paused: Option<bool>,
}

/// The timing of a schedule that is yet to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
pub struct PreviewRequest {
    /// A cron expression of five fields, or of six with seconds before them.
    cron: Option<String>,
    /// The time zone of the cron expression; `UTC` unless it is said.
    time_zone: Option<String>,
    /// The distance of two ticks in seconds.
    every_seconds: Option<i64>,
    /// The moment that an interval is counted from.
    anchor: Option<String>,
    /// How many ticks, 1 to 100; 5 unless it is said.
    count: Option<u32>,
}

/// Whether the schedules are looked after, as EchoPilot's operations document asks it.
#[derive(Serialize, ToSchema)]
pub struct SchedulerDto {
    /// `running` or `stopped`.
    pub status: String,
    /// Whether a worker lives; every worker looks at the schedules.
    pub running: bool,
    /// Null: the schedules belong to no process.
    pub pid: Option<u32>,
    /// The last sign of life of any worker; empty where there never was one.
    pub last_activity: String,
    /// How many schedules are overdue by more than a minute.
    pub late: i64,
    /// When the next schedule is to be decided on.
    pub next_run_at: Option<String>,
}

impl From<&Health> for SchedulerDto {
    fn from(health: &Health) -> Self {
        Self {
            status: if health.is_running { "running" } else { "stopped" }.to_owned(),
            running: health.is_running,
            pid: None,
            last_activity: time(health.last_activity).unwrap_or_default(),
            late: health.late,
            next_run_at: time(health.next_at),
        }
    }
}
