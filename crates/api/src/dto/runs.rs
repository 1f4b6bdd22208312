//! Runs as our own routes tell them: in lists, in detail, and their logs.

use pilothouse_app::runs::{Detail, Item};
use pilothouse_domain::Micros;
use pilothouse_domain::clock::rfc3339;
use pilothouse_domain::run::Status;
use pilothouse_store::journal::{Entry, EntryKind};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Problem, json_or_null, time};

/// Most attempts that are shown of a run.
const MAX_ATTEMPTS: usize = 100;

/// A run.
#[derive(Serialize, ToSchema)]
pub struct RunDto {
    /// Its id.
    pub id: String,
    /// Which workflow.
    pub kind: String,
    /// Which version of it the run began with.
    pub version: i64,
    /// The queue that it stands in.
    pub queue: String,
    /// From -10 to 10; higher goes first.
    pub priority: i64,
    /// What it is about.
    pub title: String,
    /// `queued`, `running`, `waiting`, `succeeded`, `failed`, `cancelled` or `dead`.
    pub status: String,
    /// Who asked for it.
    pub subject: String,
    /// When it was asked for.
    pub created_at: String,
    /// When it begins, or ends to wait, at the earliest.
    pub due_at: String,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
    /// When anything was last written of it.
    pub last_progress_at: Option<String>,
    /// Which attempt it is in, or waits for.
    pub attempt: i64,
    /// The attempt after which it is dead.
    pub max_attempts: i64,
    /// How often somebody had it tried again.
    pub retry_count: i64,
    /// How far it is, 0 to 100.
    pub progress: i64,
    /// Whether somebody wants it to stop.
    pub cancel_requested: bool,
    /// Why it did not end well, or why its last attempt did not.
    pub error: Option<Problem>,
    /// That nothing is to be done about its end, where somebody decided so.
    pub discarded: Option<DiscardedDto>,
}

/// Somebody's decision that nothing is to be done about a run.
#[derive(Serialize, ToSchema)]
pub struct DiscardedDto {
    /// When.
    pub at: String,
    /// Who.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl From<Item> for RunDto {
    fn from(item: Item) -> Self {
        let Item { run, progress, last_at } = item;
        Self {
            id: run.id.to_string(),
            kind: run.kind,
            version: run.version,
            queue: run.queue,
            priority: run.priority,
            title: run.title,
            status: run.status.as_str().to_owned(),
            subject: run.subject,
            created_at: rfc3339(run.created_at),
            due_at: rfc3339(run.wake_at.unwrap_or(run.due_at)),
            started_at: time(run.started_at),
            finished_at: time(run.finished_at),
            last_progress_at: time(last_at),
            attempt: run.attempt,
            max_attempts: run.last_attempt,
            retry_count: run.retries,
            progress,
            cancel_requested: run.cancel_requested && !run.status.is_final(),
            error: Problem::of(run.error_code, run.error_message),
            discarded: run.discarded_at.map(|at| DiscardedDto {
                at: rfc3339(at),
                by: run.discarded_by,
                reason: run.discard_reason,
            }),
        }
    }
}

/// A run with its input, output, steps and attempts.
#[derive(Serialize, ToSchema)]
pub struct RunDetailDto {
    /// The run.
    #[serde(flatten)]
    pub run: RunDto,
    /// What was asked.
    pub input: Value,
    /// What came of it.
    pub output: Option<Value>,
    /// Its steps that have ended, in order; one that was run again as it ended last.
    pub steps: Vec<StepDto>,
    /// Its attempts, the newest 100, in order.
    pub attempts: Vec<AttemptDto>,
    /// What it waits for, where it does.
    pub waits: Vec<WaitDto>,
    /// Why it has not begun, where it is queued: `queue_paused`, `scheduled`, `retry`, `rate_limit`,
    /// `concurrency_limit` or `waiting_for_worker`.
    pub waiting_reason: Option<String>,
}

impl RunDetailDto {
    /// The run with the steps of its journal, each as it ended last.
    pub fn new(detail: Detail, waiting_reason: Option<&str>) -> Self {
        let Detail { item, journal, waits } = detail;
        let mut attempts = attempts(&journal, item.run.status);
        attempts.drain(..attempts.len().saturating_sub(MAX_ATTEMPTS));
        let mut steps: Vec<StepDto> = Vec::new();
        for entry in journal.into_iter().filter(|entry| entry.kind == EntryKind::Step) {
            let step = StepDto::from(entry);
            match steps.iter_mut().find(|earlier| earlier.path == step.path) {
                Some(earlier) => *earlier = step,
                None => steps.push(step),
            }
        }
        Self {
            input: json_or_null(&item.run.input),
            output: item.run.output.as_deref().map(json_or_null),
            run: item.into(),
            steps,
            attempts,
            waits: waits.into_iter().map(WaitDto::from).collect(),
            waiting_reason: waiting_reason.map(str::to_owned),
        }
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

/// One time that a worker held the run.
#[derive(Serialize, ToSchema)]
pub struct AttemptDto {
    /// Which attempt; a wait or a stop of the program does not raise it.
    pub attempt: i64,
    /// When a worker took it.
    pub started_at: String,
    /// When it left the worker.
    pub finished_at: Option<String>,
    /// `running`, `succeeded`, `failed`, `interrupted`, `cancelled`, `waiting` or `handed_back`.
    pub outcome: String,
    /// Why it ended badly.
    pub error: Option<Problem>,
}

/// The attempts that a journal tells of: each begins where the run is claimed and ends at its next state.
fn attempts(journal: &[Entry], status: Status) -> Vec<AttemptDto> {
    let mut attempts: Vec<AttemptDto> = Vec::new();
    for entry in journal.iter().filter(|entry| entry.kind == EntryKind::State) {
        if entry.name == Status::Running.as_str() {
            attempts.push(AttemptDto {
                attempt: entry.attempt,
                started_at: rfc3339(entry.at),
                finished_at: None,
                outcome: entry.name.clone(),
                error: None,
            });
            continue;
        }
        let Some(open) = attempts.last_mut().filter(|attempt| attempt.finished_at.is_none()) else { continue };
        let error = problem_of(entry);
        let interrupted = error.as_ref().is_some_and(|error| error.code == "run.interrupted");
        open.finished_at = Some(rfc3339(entry.at));
        open.outcome = match (Status::parse(&entry.name), &error) {
            (Some(Status::Queued | Status::Dead), Some(_)) if interrupted => "interrupted".to_owned(),
            (Some(Status::Queued), None) => "handed_back".to_owned(),
            (Some(Status::Queued | Status::Dead), _) => "failed".to_owned(),
            _ => entry.name.clone(),
        };
        open.error = error;
    }
    // A claim of which the journal does not tell the end is at work only where the run is.
    if status != Status::Running {
        attempts.iter_mut().filter(|attempt| attempt.finished_at.is_none()).for_each(|attempt| {
            "interrupted".clone_into(&mut attempt.outcome);
        });
    }
    attempts
}

/// The code and message that an entry tells.
pub fn problem_of(entry: &Entry) -> Option<Problem> {
    let told = json_or_null(entry.error.as_deref()?);
    let text = |name: &str| told[name].as_str().map(str::to_owned);
    Problem::of(text("code"), text("message"))
}

/// Something that a run waits for.
#[derive(Serialize, ToSchema)]
pub struct WaitDto {
    /// Its place in the workflow.
    pub path: String,
    /// `approval`, `signal` or `time`.
    pub kind: String,
    /// The signal's name.
    pub name: String,
    /// Since when.
    pub since: String,
    /// When the wait ends by itself.
    pub until: Option<String>,
}

impl From<Entry> for WaitDto {
    fn from(entry: Entry) -> Self {
        let kind = match entry.name.as_str() {
            pilothouse_app::runs::APPROVAL => "approval",
            "sleep" => "time",
            _ => "signal",
        };
        let until = entry.output.as_deref().and_then(|until| until.parse::<Micros>().ok());
        Self {
            path: entry.path.unwrap_or_default(),
            kind: kind.to_owned(),
            name: entry.name,
            since: rfc3339(entry.at),
            until: time(until),
        }
    }
}

/// A line that a run logged.
#[derive(Serialize, ToSchema)]
pub struct LogDto {
    /// Its number in the run's journal; what to send as `cursor` to read on from it.
    pub seq: i64,
    /// When.
    pub at: String,
    /// In which attempt.
    pub attempt: i64,
    /// The place in the workflow of the step that logged it; null between steps.
    pub step: Option<i64>,
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The line.
    pub message: String,
}

impl From<Entry> for LogDto {
    fn from(entry: Entry) -> Self {
        Self {
            seq: entry.seq,
            at: rfc3339(entry.at),
            attempt: entry.attempt,
            step: entry.path.as_deref().and_then(|path| path.split('/').next()?.parse().ok()),
            level: entry.name,
            message: entry.summary,
        }
    }
}
