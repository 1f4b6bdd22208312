//! Runs as the clients of the AutoDevOps platform know them: jobs.

use pilothouse_app::runs::Item;
use pilothouse_domain::clock::rfc3339;
use pilothouse_domain::run::Status;
use pilothouse_store::journal::Entry;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{json_or_null, time};
use crate::words;

/// Longest payload and result of a job in a list, in bytes.
const MAX_LISTED_BYTES: usize = 16 * 1024;

/// A job.
#[derive(Serialize, ToSchema)]
pub struct JobDto {
    /// Its id.
    pub id: String,
    /// Which workflow.
    pub job_type: String,
    /// `queued`, `processing`, `completed` or `failed`.
    pub status: String,
    /// The repository it is about; none has one yet.
    pub repository_id: Option<String>,
    /// How far it is, 0 to 100; 100 only when it is completed.
    pub progress: i64,
    /// What was asked.
    pub payload: Value,
    /// What came of it.
    pub result_data: Option<Value>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub completed_at: Option<String>,
    /// When it was asked for.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
    /// Our word for where it stands.
    pub state: String,
    /// In lists, that payload or result were too large for one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub truncated: bool,
}

impl From<Item> for JobDto {
    fn from(item: Item) -> Self {
        let Item { run, progress, last_at } = item;
        let is_done = run.status == Status::Succeeded;
        let cancelled = (run.status == Status::Cancelled).then(|| "Job cancelled by user".to_owned());
        let updated_at = run.finished_at.or(last_at).or(run.started_at).unwrap_or(run.created_at);
        Self {
            id: run.id.to_string(),
            job_type: run.kind,
            status: words::autodevops(run.status).to_owned(),
            repository_id: None,
            progress: if is_done { 100 } else { progress.min(99) },
            payload: json_or_null(&run.input),
            result_data: run.output.as_deref().map(json_or_null),
            error_message: cancelled.or(run.error_message.filter(|_| run.status.is_final() && !is_done)),
            started_at: time(run.started_at),
            completed_at: time(run.finished_at),
            created_at: rfc3339(run.created_at),
            updated_at: rfc3339(updated_at),
            state: run.status.as_str().to_owned(),
            truncated: false,
        }
    }
}

impl JobDto {
    /// The job as one of many.
    pub fn listed(item: Item) -> Self {
        let (input, output) = (item.run.input.len(), item.run.output.as_ref().map_or(0, String::len));
        let mut job = Self::from(item);
        if input > MAX_LISTED_BYTES {
            job.payload = Value::Null;
        }
        if output > MAX_LISTED_BYTES {
            job.result_data = None;
        }
        job.truncated = input > MAX_LISTED_BYTES || output > MAX_LISTED_BYTES;
        job
    }
}

/// Jobs, newest first.
#[derive(Serialize, ToSchema)]
pub struct JobsDto {
    /// The jobs.
    pub jobs: Vec<JobDto>,
}

/// One job.
#[derive(Serialize, ToSchema)]
pub struct OneJobDto {
    /// The job.
    pub job: JobDto,
}

/// A job that was deleted before it began.
#[derive(Serialize, ToSchema)]
pub struct JobDeletedDto {
    /// `success`.
    pub status: String,
    /// The job.
    pub job: JobDto,
}

/// What a job logged.
#[derive(Serialize, ToSchema)]
pub struct JobLogsDto {
    /// The lines, oldest first.
    pub logs: Vec<JobLogDto>,
}

/// A line.
#[derive(Serialize, ToSchema)]
pub struct JobLogDto {
    /// When.
    pub timestamp: String,
    /// `debug`, `info`, `warning` or `error`.
    pub level: String,
    /// The line.
    pub message: String,
}

impl From<Entry> for JobLogDto {
    fn from(entry: Entry) -> Self {
        let level = match entry.name.as_str() {
            "trace" | "debug" => "debug",
            "warn" => "warning",
            "error" => "error",
            _ => "info",
        };
        Self { timestamp: rfc3339(entry.at), level: level.to_owned(), message: entry.summary }
    }
}

/// How many jobs there are.
#[derive(Serialize, ToSchema)]
pub struct JobStatsDto {
    /// Those that are queued.
    pub queue_length: i64,
    /// How many stand how.
    pub status_counts: JobCountsDto,
    /// At most 100,000 of each state that have ended were counted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub capped: bool,
}

/// How many jobs stand how.
#[derive(Serialize, Default, ToSchema)]
pub struct JobCountsDto {
    /// Those that have not begun, or are tried again.
    pub queued: i64,
    /// Those at work.
    pub processing: i64,
    /// Those that ended well.
    pub completed: i64,
    /// Those that did not.
    pub failed: i64,
}

impl JobStatsDto {
    /// The statistics of these counts.
    pub fn new(counts: &[(Status, i64)], capped: bool) -> Self {
        let mut stats = JobCountsDto::default();
        for (status, count) in counts {
            match words::autodevops(*status) {
                "queued" => stats.queued += count,
                "processing" => stats.processing += count,
                "completed" => stats.completed += count,
                _ => stats.failed += count,
            }
        }
        Self { queue_length: stats.queued, status_counts: stats, capped }
    }
}
