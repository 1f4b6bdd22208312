//! Runs and their steps.

use pilothouse_domain::clock::rfc3339;
use pilothouse_store::journal::{Entry, EntryKind};
use pilothouse_store::runs::Run;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Problem, json_or_null, time};

/// A run.
#[derive(Serialize, ToSchema)]
pub struct RunDto {
    /// Its id.
    pub id: String,
    /// Which workflow.
    pub kind: String,
    /// What it is about.
    pub title: String,
    /// `queued`, `running`, `waiting`, `succeeded`, `failed`, `cancelled` or `dead`.
    pub status: String,
    /// Who asked for it.
    pub subject: String,
    /// When it was asked for.
    pub created_at: String,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
    /// How many times it was tried.
    pub attempt: i64,
    /// Why it did not end well.
    pub error: Option<Problem>,
}

impl From<Run> for RunDto {
    fn from(run: Run) -> Self {
        Self {
            id: run.id.to_string(),
            kind: run.kind,
            title: run.title,
            status: run.status.as_str().to_owned(),
            subject: run.subject,
            created_at: rfc3339(run.created_at),
            started_at: time(run.started_at),
            finished_at: time(run.finished_at),
            attempt: run.attempt,
            error: Problem::of(run.error_code, run.error_message),
        }
    }
}

/// A run with its input, output and steps.
#[derive(Serialize, ToSchema)]
pub struct RunDetailDto {
    /// The run.
    #[serde(flatten)]
    pub run: RunDto,
    /// What was asked.
    pub input: Value,
    /// What came of it.
    pub output: Option<Value>,
    /// Its steps, in order.
    pub steps: Vec<StepDto>,
}

impl RunDetailDto {
    /// The run with the steps of its journal, each as it ended last.
    pub fn new(run: Run, journal: Vec<Entry>) -> Self {
        let input = json_or_null(&run.input);
        let output = run.output.as_deref().map(json_or_null);
        let mut steps: Vec<StepDto> = Vec::new();
        for entry in journal.into_iter().filter(|entry| entry.kind == EntryKind::Step) {
            let step = StepDto::from(entry);
            match steps.iter_mut().find(|earlier| earlier.path == step.path) {
                Some(earlier) => *earlier = step,
                None => steps.push(step),
            }
        }
        Self { input, output, run: run.into(), steps }
    }
}

/// A journalled step.
#[derive(Serialize, ToSchema)]
pub struct StepDto {
    /// The number of its entry in the run's journal.
    pub seq: i64,
    /// Its place in the workflow, for instance `3`, or `4/0/1` in a branch.
    pub path: String,
    /// Its name.
    pub name: String,
    /// In which try it ran.
    pub attempt: i64,
    /// `succeeded` or `failed`.
    pub status: String,
    /// What it decided, in one sentence.
    pub summary: String,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: String,
    /// What it returned.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<Value>,
}

impl From<Entry> for StepDto {
    fn from(entry: Entry) -> Self {
        Self {
            seq: entry.seq,
            path: entry.path.unwrap_or_default(),
            name: entry.name,
            attempt: entry.attempt,
            status: if entry.error.is_some() { "failed" } else { "succeeded" }.to_owned(),
            summary: entry.summary,
            started_at: time(entry.started_at),
            finished_at: rfc3339(entry.at),
            output: entry.output.as_deref().map(json_or_null),
            error: entry.error.as_deref().map(json_or_null),
        }
    }
}
