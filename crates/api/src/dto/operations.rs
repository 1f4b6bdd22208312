//! Runs as the operations document of EchoPilot knows them: jobs in an envelope.

use pilothouse_app::runs::Item;
use pilothouse_domain::Micros;
use pilothouse_domain::clock::{SECOND, rfc3339};
use pilothouse_store::journal::EntryKind;
use pilothouse_store::runs::{Run, Stuck};
use serde::Serialize;
use utoipa::ToSchema;

use super::autopilot::PastErrorDto;
use super::runs::problem_of;
use super::time;
use crate::words;

/// A good answer.
#[derive(Serialize, ToSchema)]
pub struct OkDto<T> {
    /// `true`.
    pub ok: bool,
    /// What was asked for.
    pub data: T,
    /// Null.
    pub error: Option<String>,
}

impl<T> OkDto<T> {
    /// The envelope around `data`.
    pub fn new(data: T) -> Self {
        Self { ok: true, data, error: None }
    }
}

/// A job in a list.
#[derive(Serialize, ToSchema)]
pub struct JobCardDto {
    /// Its id.
    pub job_id: String,
    /// What it is about.
    pub job_name: String,
    /// Which workflow.
    pub job_type: String,
    /// `New`, `Processing`, `Waiting Human`, `Done`, `Failed` or `Cancelled`.
    pub status: String,
    /// Our word for where it stands.
    pub state: String,
    /// Which attempt it is in.
    pub attempt: i64,
    /// The attempt after which it is dead.
    pub max_attempts: i64,
    /// How often somebody had it tried again.
    pub retry_count: i64,
    /// How far it is, 0 to 100.
    pub progress: i64,
    /// When it was asked for.
    pub created_time: String,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
    /// When anything was last written of it.
    pub last_activity: String,
    /// From its beginning to its end, or to now.
    pub duration_sec: Option<f64>,
    /// The same in minutes.
    pub duration_min: Option<f64>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// The stable code.
    pub error_code: Option<String>,
}

impl JobCardDto {
    /// A run at the moment `now`.
    pub fn new(item: Item, now: Micros) -> Self {
        let Item { run, progress, last_at } = item;
        let seconds = run.started_at.map(|began| (run.finished_at.unwrap_or(now) - began) as f64 / SECOND as f64);
        Self {
            job_id: run.id.to_string(),
            job_name: run.title,
            job_type: run.kind,
            status: words::echopilot(run.status).to_owned(),
            state: run.status.as_str().to_owned(),
            attempt: run.attempt,
            max_attempts: run.last_attempt,
            retry_count: run.retries,
            progress,
            created_time: rfc3339(run.created_at),
            started_at: time(run.started_at),
            finished_at: time(run.finished_at),
            last_activity: rfc3339(last_at.or(run.finished_at).unwrap_or(run.created_at)),
            duration_sec: seconds,
            duration_min: seconds.map(|seconds| seconds / 60.0),
            error_message: run.error_message,
            error_code: run.error_code,
        }
    }
}

/// Jobs that stand still.
#[derive(Serialize, ToSchema)]
pub struct StuckJobsDto {
    /// How many there are, those of other pages included.
    pub stuck_jobs_count: i64,
    /// After how many seconds without a word a job counts as standing still.
    pub stuck_after_seconds: u64,
    /// Those that stand still longest.
    pub jobs: Vec<StuckJobDto>,
}

/// A job that stands still.
#[derive(Serialize, ToSchema)]
pub struct StuckJobDto {
    /// The job.
    #[serde(flatten)]
    pub job: JobCardDto,
    /// `no_heartbeat`, `no_progress`, `not_picked_up` or `dead_letter`.
    pub stuck_reason: String,
    /// Since when.
    pub stuck_since: String,
}

/// A job in detail.
#[derive(Serialize, ToSchema)]
pub struct JobDetailDto {
    /// The job.
    #[serde(flatten)]
    pub job: JobCardDto,
    /// Whether it stands still.
    pub stuck: bool,
    /// Why it counts as standing still.
    pub stuck_reason: Option<String>,
    /// Who asked for it.
    pub subject: String,
    /// The queue that it stands in.
    pub queue: String,
    /// Its steps that have ended.
    pub steps: Vec<JobStepDto>,
    /// Why its attempts ended badly, oldest first.
    pub error_history: Vec<PastErrorDto>,
}

/// A step of a job.
#[derive(Serialize, ToSchema)]
pub struct JobStepDto {
    /// Its name.
    pub name: String,
    /// `succeeded` or `failed`.
    pub status: String,
    /// In which attempt.
    pub attempt: i64,
    /// Why it failed.
    pub error: Option<String>,
}

impl JobDetailDto {
    /// A run at the moment `now`.
    pub fn new(detail: pilothouse_app::runs::Detail, stuck: Option<&Stuck>, now: Micros) -> Self {
        let (item, journal) = (detail.item, detail.journal);
        let steps = journal.iter().filter(|entry| entry.kind == EntryKind::Step).map(|entry| JobStepDto {
            name: entry.name.clone(),
            status: if entry.error.is_some() { "failed" } else { "succeeded" }.to_owned(),
            attempt: entry.attempt,
            error: problem_of(entry).map(|problem| problem.message),
        });
        let history = journal.iter().filter(|entry| entry.kind == EntryKind::State).filter_map(PastErrorDto::of);
        Self {
            stuck: stuck.is_some(),
            stuck_reason: stuck.map(|stuck| stuck.reason.as_str().to_owned()),
            subject: item.run.subject.clone(),
            queue: item.run.queue.clone(),
            steps: steps.collect(),
            error_history: history.collect(),
            job: JobCardDto::new(item, now),
        }
    }
}

/// A job after a wish to have it tried again.
#[derive(Serialize, ToSchema)]
pub struct JobRetriedDto {
    /// Its id.
    pub job_id: String,
    /// Where it stands.
    pub status: String,
    /// Our word for that.
    pub state: String,
    /// How often somebody had it tried again.
    pub retry_count: i64,
}

impl From<Run> for JobRetriedDto {
    fn from(run: Run) -> Self {
        Self {
            job_id: run.id.to_string(),
            status: words::echopilot(run.status).to_owned(),
            state: run.status.as_str().to_owned(),
            retry_count: run.retries,
        }
    }
}
