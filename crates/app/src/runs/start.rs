//! Runs that people start by the name of a workflow. Each goes through the use case of its workflow, with its gates; which
//! have one is said here, and no other can be started by name.

use pilothouse_domain::Code;
use pilothouse_domain::clock::SECOND;
use pilothouse_engine::{QUEUE_FULL, Request, Started};
use pilothouse_store::Error as StoreError;
use pilothouse_store::runs::Run;
use serde_json::Value;

use super::unknown;
use crate::{App, Caller, Error, ask, queues};

/// Most bytes of the input that a person gives, as JSON.
const MAX_INPUT_BYTES: usize = 256 * 1024;
/// Longest title, and longest key of either kind, in characters.
const MAX_TEXT_CHARS: usize = 200;
/// Seconds after which one who was turned away may try again.
const OVERLOAD_RETRY_SECONDS: u64 = 2;
/// What the keys of runs begin with that people started, so that none takes the place of a schedule's tick.
const KEY_OF_PEOPLE: &str = "by name:";

/// A wish for a run.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Which workflow.
    pub kind: String,
    /// What it is given, in its own words.
    pub input: Value,
    /// How it is to be worked on.
    pub how: How,
}

/// How a run is to be worked on; what is not said is as its workflow has it.
#[derive(Debug, Clone, Default)]
pub struct How {
    /// What it is called in lists.
    pub title: Option<String>,
    /// The queue.
    pub queue: Option<String>,
    /// From -10 to 10; higher goes first.
    pub priority: i64,
    /// How long it waits before it may begin, in seconds.
    pub delay_seconds: i64,
    /// The tenant has at most one run of a workflow with this key.
    pub unique_key: Option<String>,
    /// Of the tenant's runs with this key in one queue, one goes at a time unless the queue says otherwise.
    pub concurrency_key: Option<String>,
    /// Tries before it is a dead letter.
    pub max_attempts: Option<i64>,
}

impl How {
    /// The request, changed by what was said.
    pub(crate) fn change(self, app: &App, request: Request) -> Request {
        let due_at = (self.delay_seconds > 0).then(|| app.engine.now() + self.delay_seconds * SECOND);
        Request {
            title: self.title.unwrap_or(request.title),
            queue: self.queue.unwrap_or(request.queue),
            key: self.concurrency_key.unwrap_or(request.key),
            priority: self.priority,
            due_at: due_at.or(request.due_at),
            idempotency_key: self.unique_key.map(|key| format!("{KEY_OF_PEOPLE}{key}")).or(request.idempotency_key),
            max_attempts: self.max_attempts.unwrap_or(request.max_attempts),
            ..request
        }
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |name: &str, message: String, text: &str| Err(Error::unfit(name, &message, text.into()));
        if let Some(queue) = self.queue.as_deref().filter(|name| !queues::is_name(name)) {
            return refuse("queue", queues::name_rule(), queue);
        }
        let texts =
            [("title", &self.title), ("unique_key", &self.unique_key), ("concurrency_key", &self.concurrency_key)];
        for (name, text) in texts {
            let Some(text) = text else { continue };
            if text.trim().is_empty() || text.chars().count() > MAX_TEXT_CHARS || text.contains('\0') {
                return refuse(name, format!("it has 1 to {MAX_TEXT_CHARS} characters"), text);
            }
        }
        Ok(())
    }
}

/// Starts a run, or finds the one that has its unique key already. Returns it as it stands then, and whether it is new.
pub async fn start(app: &App, caller: &Caller, wish: Wish) -> Result<(Run, bool), Error> {
    let Wish { kind, input, how } = wish;
    // The size first: what is too large for a run is not looked into.
    let bytes = serde_json::to_vec(&input).map_or(usize::MAX, |json| json.len());
    if bytes > MAX_INPUT_BYTES {
        let message = format!("The input has {bytes} bytes; a run takes at most {MAX_INPUT_BYTES}.");
        return Err(Error::new(Code::RunTooLarge, message));
    }
    how.check()?;
    let Started { id, existed } = match kind.as_str() {
        ask::KIND => ask::start(app, caller, &input, how).await?,
        other => return Err(no_workflow(other)),
    };
    let run = app.engine.get(&caller.principal.tenant, id).await?.ok_or_else(unknown)?;
    Ok((run, !existed))
}

/// Starts a run that somebody waits for, unless too many are waiting already.
pub(crate) async fn begin(app: &App, caller: &Caller, request: Request) -> Result<Started, Error> {
    let max_waiting = Some(u32::try_from(app.settings.ask.max_waiting).unwrap_or(u32::MAX));
    let request = Request { max_waiting, ..request };
    app.engine.start(&caller.principal.tenant, request).await.map_err(|error| match error {
        StoreError::Conflict { what: QUEUE_FULL } => {
            let message = "Too many questions are waiting; try again in a moment.";
            Error::new(Code::Overloaded, message).retry_after(OVERLOAD_RETRY_SECONDS)
        }
        other => other.into(),
    })
}

/// That no workflow of this name can be asked for by name.
pub(crate) fn no_workflow(kind: &str) -> Error {
    let message = format!("There is no workflow {kind:?} that can be started by name; there is: {}.", ask::KIND);
    let expected = format!("Input should be '{}'", ask::KIND);
    Error::new(Code::WorkflowUnknown, message).at(&["kind"], "value_error", &expected, kind.into())
}
