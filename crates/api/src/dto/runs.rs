//! Runs and their steps.

use pilothouse_domain::clock::rfc3339;
use pilothouse_store::runs::Run;
use pilothouse_store::steps::Step;
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
    /// The run with its steps.
    pub fn new(run: Run, steps: Vec<Step>) -> Self {
        let input = json_or_null(&run.input);
        let output = run.output.as_deref().map(json_or_null);
        Self { input, output, run: run.into(), steps: steps.into_iter().map(StepDto::from).collect() }
    }
}

/// A journalled step.
#[derive(Serialize, ToSchema)]
pub struct StepDto {
    /// Its place in the run, from 1.
    pub seq: i64,
    /// Its name.
    pub name: String,
    /// In which try it ran.
    pub attempt: i64,
    /// `running`, `succeeded` or `failed`.
    pub status: String,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// What it returned.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<Value>,
}

impl From<Step> for StepDto {
    fn from(step: Step) -> Self {
        Self {
            seq: step.seq,
            name: step.name,
            attempt: step.attempt,
            status: step.status.as_str().to_owned(),
            started_at: rfc3339(step.started_at),
            finished_at: time(step.finished_at),
            output: step.output.as_deref().map(json_or_null),
            error: step.error.as_deref().map(json_or_null),
        }
    }
}
