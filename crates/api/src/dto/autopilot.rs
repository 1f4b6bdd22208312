//! Runs as the clients of the data team autopilot know them.

use pilothouse_app::runs::{DeadLetter, Drained, Item, Queued, Reason, Resumed};
use pilothouse_domain::clock::rfc3339;
use pilothouse_domain::run::Status;
use pilothouse_store::journal::{Entry, EntryKind};
use pilothouse_store::runs::Run;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::runs::problem_of;
use super::{json_or_null, time};
use crate::words;

/// Longest summary of a finished step, in characters.
const SUMMARY_CHARS: usize = 180;

/// A page of a tenant's runs.
#[derive(Serialize, ToSchema)]
pub struct WorkflowRunsDto {
    /// The tenant.
    pub org_id: String,
    /// The runs.
    pub items: Vec<WorkflowRunDto>,
    /// What to send as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A run that has begun.
#[derive(Serialize, ToSchema)]
pub struct WorkflowRunDto {
    /// Its id.
    pub workflow_id: String,
    /// Which workflow.
    pub workflow_type: String,
    /// `running`, `success`, `partial_failure`, `failed` or `cancelled`.
    pub status: String,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
    /// Our word for where it stands.
    pub state: String,
}

impl From<Item> for WorkflowRunDto {
    fn from(item: Item) -> Self {
        let run = item.run;
        Self {
            workflow_id: run.id.to_string(),
            workflow_type: run.kind,
            status: words::autopilot(run.status).to_owned(),
            started_at: time(run.started_at),
            finished_at: time(run.finished_at),
            state: run.status.as_str().to_owned(),
        }
    }
}

/// A page of what stands in line.
#[derive(Serialize, ToSchema)]
pub struct WorkflowQueueDto {
    /// The tenant.
    pub org_id: String,
    /// How many stand in line in all.
    pub queued_total: i64,
    /// Those of this page.
    pub items: Vec<QueuedDto>,
    /// What to send as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A run in line.
#[derive(Serialize, ToSchema)]
pub struct QueuedDto {
    /// Its id.
    pub queue_id: String,
    /// Which workflow.
    pub workflow_type: String,
    /// Why it has not begun.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Its place, from 1.
    pub position: u32,
    /// When it was asked for.
    pub created_at: String,
    /// Our word for where it stands.
    pub state: String,
}

impl From<Queued> for QueuedDto {
    fn from(queued: Queued) -> Self {
        let Queued { run, position, reason } = queued;
        Self {
            queue_id: run.id.to_string(),
            workflow_type: run.kind,
            reason: reason.as_str().to_owned(),
            attempts: (run.attempt - 1).max(0),
            position,
            created_at: rfc3339(run.created_at),
            state: run.status.as_str().to_owned(),
        }
    }
}

/// A page of dead letters.
#[derive(Serialize, ToSchema)]
pub struct DeadLettersDto {
    /// The tenant.
    pub org_id: String,
    /// The dead letters.
    pub items: Vec<DeadLetterDto>,
    /// What to send as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A run that nobody tries any more.
#[derive(Serialize, ToSchema)]
pub struct DeadLetterDto {
    /// Its id.
    pub dead_letter_id: String,
    /// The same: it is the run that stood in line.
    pub queue_id: String,
    /// Which workflow.
    pub workflow_type: String,
    /// Why its attempts ended badly, oldest first.
    pub error_history: Vec<PastErrorDto>,
    /// When it died.
    pub created_at: String,
    /// Our word for where it stands.
    pub state: String,
}

/// Why an attempt ended badly.
#[derive(Serialize, ToSchema)]
pub struct PastErrorDto {
    /// When.
    pub at: String,
    /// The reason.
    pub error: String,
    /// The stable code.
    pub code: String,
}

impl PastErrorDto {
    /// What an entry of a journal tells, if it tells of an error.
    pub fn of(entry: &Entry) -> Option<Self> {
        let problem = problem_of(entry)?;
        Some(Self { at: rfc3339(entry.at), error: problem.message, code: problem.code })
    }
}

impl From<DeadLetter> for DeadLetterDto {
    fn from(letter: DeadLetter) -> Self {
        let run = letter.run;
        Self {
            dead_letter_id: run.id.to_string(),
            queue_id: run.id.to_string(),
            workflow_type: run.kind,
            error_history: letter.failures.iter().filter_map(PastErrorDto::of).collect(),
            created_at: rfc3339(run.finished_at.unwrap_or(run.created_at)),
            state: run.status.as_str().to_owned(),
        }
    }
}

/// A run after a wish to cancel it.
#[derive(Serialize, ToSchema)]
pub struct WorkflowCancelledDto {
    /// Its id.
    pub workflow_id: String,
    /// Which workflow.
    pub workflow_type: String,
    /// Where it stands.
    pub status: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// Our word for where it stands.
    pub state: String,
    /// Whether it is about to stop.
    pub cancel_requested: bool,
}

impl From<Run> for WorkflowCancelledDto {
    fn from(run: Run) -> Self {
        Self {
            workflow_id: run.id.to_string(),
            status: words::autopilot(run.status).to_owned(),
            finished_at: time(run.finished_at),
            state: run.status.as_str().to_owned(),
            cancel_requested: run.cancel_requested && !run.status.is_final(),
            workflow_type: run.kind,
        }
    }
}

/// What became of the runs that stood in line.
#[derive(Serialize, ToSchema)]
pub struct DrainedDto {
    /// How many have begun, or ended.
    pub processed: usize,
    /// How many are not to begin yet: their queue is paused, or their time has not come.
    pub skipped: usize,
    /// How many nobody tries any more.
    pub dead_lettered: usize,
    /// How many have no place yet.
    pub deferred_due_capacity: usize,
    /// How many stand in line now.
    pub queued_total: i64,
}

impl From<Drained> for DrainedDto {
    fn from(drained: Drained) -> Self {
        Self {
            processed: drained.processed,
            skipped: drained.skipped,
            dead_lettered: drained.dead,
            deferred_due_capacity: drained.deferred,
            queued_total: drained.queued,
        }
    }
}

/// How many runs were cancelled.
#[derive(Serialize, ToSchema)]
pub struct AllCancelledDto {
    /// Those that had begun.
    pub cancelled_runs: usize,
    /// Those that stood in line.
    pub cancelled_queued: usize,
}

/// What a run that was resumed has come to.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum ResumedDto {
    /// It ended well.
    Done(ResumedRunDto),
    /// It ended badly.
    Failed(PartialFailureDto),
    /// Somebody cancelled it meanwhile.
    Cancelled(WorkflowEndDto),
    /// It goes on.
    Queued(RequestQueuedDto),
}

/// A run that ended well, with the fields of its output that no other field has.
#[derive(Serialize, ToSchema)]
pub struct ResumedRunDto {
    /// Its id.
    pub workflow_id: String,
    /// Which workflow.
    pub workflow_type: String,
    /// `success`.
    pub status: String,
    /// `true`.
    pub resumed: bool,
    /// Whether it was told to look at a sample only; no workflow knows that yet.
    pub sampling_mode: bool,
    /// Whether it was told to pass over the failed step; no workflow knows that yet.
    pub skip_on_error: bool,
    /// Our word for where it stands.
    pub state: String,
    /// What came of it.
    #[serde(flatten)]
    pub output: Map<String, Value>,
}

/// A run that ended badly.
#[derive(Serialize, ToSchema)]
pub struct PartialFailureDto {
    /// Its id.
    pub workflow_id: String,
    /// `partial_failure`.
    pub workflow_status: String,
    /// The steps that are done.
    pub completed_steps: Vec<CompletedStepDto>,
    /// The step that failed.
    pub failed_step: FailedStepDto,
    /// What can be done.
    pub available_actions: Vec<AvailableActionDto>,
    /// Our word for where it stands.
    pub state: String,
}

/// A finished step.
#[derive(Serialize, ToSchema)]
pub struct CompletedStepDto {
    /// Its name.
    pub step: String,
    /// `success`.
    pub status: String,
    /// What it decided, 180 characters at most.
    pub output_summary: String,
}

/// The step that failed.
#[derive(Serialize, ToSchema)]
pub struct FailedStepDto {
    /// Its name; null where the run failed between its steps.
    pub step: Option<String>,
    /// Why.
    pub error: String,
    /// How often it was tried beyond the first time.
    pub retry_count: i64,
}

/// Something that can be done.
#[derive(Serialize, ToSchema)]
pub struct AvailableActionDto {
    /// What to send as `action`.
    pub action: String,
    /// What it does.
    pub description: String,
}

/// A run that was cancelled.
#[derive(Serialize, ToSchema)]
pub struct WorkflowEndDto {
    /// Its id.
    pub workflow_id: String,
    /// Which workflow.
    pub workflow_type: String,
    /// `cancelled`.
    pub status: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// Our word for where it stands.
    pub state: String,
}

/// A run that goes on.
#[derive(Serialize, ToSchema)]
pub struct RequestQueuedDto {
    /// `queued`.
    pub workflow_status: String,
    /// Its id.
    pub queue_id: String,
    /// Its place in line, which is not counted here.
    pub queue_position: Option<u32>,
    /// Why it has not begun, or `running`.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// Its id.
    pub workflow_id: String,
    /// Our word for where it stands.
    pub state: String,
}

impl From<Resumed> for ResumedDto {
    fn from(resumed: Resumed) -> Self {
        let Resumed { run, journal, reason } = resumed;
        let (id, state) = (run.id.to_string(), run.status.as_str().to_owned());
        match run.status {
            Status::Succeeded => Self::Done(done(run)),
            Status::Failed | Status::Dead => Self::Failed(failure(&run, &journal)),
            Status::Cancelled => Self::Cancelled(WorkflowEndDto {
                workflow_id: id,
                workflow_type: run.kind,
                status: words::autopilot(run.status).to_owned(),
                finished_at: time(run.finished_at),
                state,
            }),
            Status::Queued | Status::Running | Status::Waiting => Self::Queued(RequestQueuedDto {
                workflow_status: "queued".to_owned(),
                queue_id: id.clone(),
                queue_position: None,
                reason: reason.map_or("running", Reason::as_str).to_owned(),
                message: "Request queued.".to_owned(),
                workflow_id: id,
                state,
            }),
        }
    }
}

fn done(run: Run) -> ResumedRunDto {
    const NAMED: [&str; 7] =
        ["workflow_id", "workflow_type", "status", "resumed", "sampling_mode", "skip_on_error", "state"];
    let mut output = match run.output.as_deref().map(json_or_null) {
        Some(Value::Object(output)) => output,
        _ => Map::new(),
    };
    NAMED.iter().for_each(|name| {
        output.remove(*name);
    });
    ResumedRunDto {
        workflow_id: run.id.to_string(),
        workflow_type: run.kind,
        status: words::autopilot(run.status).to_owned(),
        resumed: true,
        sampling_mode: false,
        skip_on_error: false,
        state: run.status.as_str().to_owned(),
        output,
    }
}

fn failure(run: &Run, journal: &[Entry]) -> PartialFailureDto {
    let steps = || journal.iter().filter(|entry| entry.kind == EntryKind::Step);
    let completed = steps().filter(|step| step.error.is_none()).map(|step| CompletedStepDto {
        step: step.name.clone(),
        status: "success".to_owned(),
        output_summary: step.summary.chars().take(SUMMARY_CHARS).collect(),
    });
    let failed = steps().rfind(|step| step.error.is_some());
    PartialFailureDto {
        workflow_id: run.id.to_string(),
        workflow_status: "partial_failure".to_owned(),
        completed_steps: completed.collect(),
        failed_step: FailedStepDto {
            step: failed.map(|step| step.name.clone()),
            error: run.error_message.clone().unwrap_or_default(),
            retry_count: (run.attempt - 1).max(0),
        },
        available_actions: vec![AvailableActionDto { action: "retry".to_owned(), description: "Retry".to_owned() }],
        state: run.status.as_str().to_owned(),
    }
}
