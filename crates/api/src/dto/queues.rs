//! Queues and workers.

use pilothouse_app::queues::{Lately, PACE_MINUTES, Station, View};
use pilothouse_domain::Micros;
use pilothouse_domain::clock::{SECOND, rfc3339};
use pilothouse_store::runs::Limits;
use serde::Serialize;
use utoipa::ToSchema;

/// A queue as it stands.
#[derive(Serialize, ToSchema)]
pub struct QueueDto {
    /// Its name.
    pub name: String,
    /// The workflows whose runs stand in it unless they say otherwise.
    pub kinds: Vec<String>,
    /// That nothing begins in it, where it is paused.
    pub paused: Option<PauseDto>,
    /// Runs that a worker may take.
    pub queued: i64,
    /// Runs that begin later, or are tried again after a pause.
    pub delayed: i64,
    /// Runs at work.
    pub running: i64,
    /// Runs that wait for a signal or a moment.
    pub waiting: i64,
    /// Dead letters that nobody has discarded.
    pub dead: i64,
    /// For how long the first in line could have begun; a step of priority counts as a minute.
    pub oldest_wait_seconds: Option<f64>,
    /// How many of the tenant's runs ended in a minute, over the last five; null over the whole installation.
    pub per_minute: Option<PerMinuteDto>,
    /// How long those waited to begin.
    pub wait_ms: Option<TimesDto>,
    /// How long those took.
    pub run_ms: Option<TimesDto>,
    /// Workers that live and serve it.
    pub workers: usize,
    /// What it allows.
    pub limits: LimitsDto,
}

/// Why nothing begins in a queue.
#[derive(Serialize, ToSchema)]
pub struct PauseDto {
    /// Since when.
    pub at: String,
    /// Who paused it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

/// Ends in a minute.
#[derive(Serialize, ToSchema)]
pub struct PerMinuteDto {
    /// Those that ended well.
    pub succeeded: f64,
    /// Those that did not.
    pub failed: f64,
}

/// Times in milliseconds.
#[derive(Serialize, ToSchema)]
pub struct TimesDto {
    /// Half of them took at most so long.
    pub p50: f64,
    /// 99 of 100 took at most so long.
    pub p99: f64,
}

/// What a queue allows over the whole installation; null is without limit.
#[derive(Serialize, ToSchema)]
pub struct LimitsDto {
    /// Most runs at work.
    pub total: Option<u32>,
    /// Most runs of one tenant at work.
    pub per_tenant: Option<u32>,
    /// Most runs of one tenant with the same key at work.
    pub per_key: Option<u32>,
    /// Most runs that begin in a period.
    pub rate: Option<RateDto>,
}

/// How many runs may begin in how many seconds.
#[derive(Serialize, ToSchema)]
pub struct RateDto {
    /// How many.
    pub starts: u32,
    /// In how many seconds.
    pub per_seconds: i64,
}

/// Limits to set: those that are left out stay as they are, null lifts one.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
pub struct LimitsRequest {
    /// Most runs at work, 0 to 10,000.
    total: Option<u32>,
    /// Most runs of one tenant at work.
    per_tenant: Option<u32>,
    /// Most runs of one tenant with the same key at work.
    per_key: Option<u32>,
    /// `{"starts": 1 to 1,000,000, "per_seconds": 1 to 86,400}`.
    rate: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Why a queue is to be paused.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
pub struct PauseRequest {
    /// The reason, 1 to 500 characters.
    #[schema(min_length = 1)]
    reason: String,
}

impl From<View> for QueueDto {
    fn from(view: View) -> Self {
        let View { queue, kind, depth, oldest_wait_us, pace, workers } = view;
        let times = |times: Option<(Micros, Micros)>| {
            times.map(|(p50, p99)| TimesDto { p50: p50 as f64 / 1_000.0, p99: p99 as f64 / 1_000.0 })
        };
        let per_minute = |pace: &Lately| PerMinuteDto {
            succeeded: pace.succeeded as f64 / PACE_MINUTES as f64,
            failed: pace.failed as f64 / PACE_MINUTES as f64,
        };
        let reason = queue.paused_reason;
        Self {
            name: queue.name,
            kinds: kind.into_iter().map(str::to_owned).collect(),
            paused: queue.paused.map(|(at, by)| PauseDto { at: rfc3339(at), by, reason }),
            queued: depth.ready,
            delayed: depth.delayed,
            running: depth.running,
            waiting: depth.waiting,
            dead: depth.dead,
            oldest_wait_seconds: oldest_wait_us.map(|us| us as f64 / SECOND as f64),
            per_minute: pace.as_ref().map(per_minute),
            wait_ms: pace.as_ref().and_then(|pace| times(pace.wait_us)),
            run_ms: pace.as_ref().and_then(|pace| times(pace.run_us)),
            workers,
            limits: queue.limits.into(),
        }
    }
}

impl From<Limits> for LimitsDto {
    fn from(limits: Limits) -> Self {
        Self {
            total: limits.running,
            per_tenant: limits.running_per_tenant,
            per_key: limits.running_per_key,
            rate: limits.rate.map(|(starts, period)| RateDto { starts, per_seconds: period / SECOND }),
        }
    }
}

/// A worker.
#[derive(Serialize, ToSchema)]
pub struct WorkerDto {
    /// Its id, fresh at each start.
    pub id: String,
    /// When it started.
    pub started_at: String,
    /// Its last sign of life, by its own clock.
    pub beat_at: String,
    /// Whether it lives, as far as is known.
    pub alive: bool,
    /// The queues that it serves; none means all.
    pub queues: Vec<String>,
    /// The workflows that it knows, as `kind@version`.
    pub workflows: Vec<String>,
    /// How many runs it works on side by side.
    pub concurrency: i64,
    /// How many it holds.
    pub running: i64,
}

impl From<Station> for WorkerDto {
    fn from(station: Station) -> Self {
        let worker = station.worker;
        let names = |text: &str| text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Self {
            started_at: rfc3339(worker.started_at),
            beat_at: rfc3339(worker.beat_at),
            alive: station.is_alive,
            queues: names(&worker.queues),
            workflows: names(&worker.workflows),
            concurrency: worker.concurrency,
            running: station.running,
            id: worker.id,
        }
    }
}
