//! One attempt at a run, from its claim to how it leaves its worker.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt as _;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Clock as _, Code, Micros, TRACE};
use pilothouse_store::Error;
use pilothouse_store::runs::{Run, Then};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, field};

use crate::engine::without_nul;
use crate::failure::lost_lease;
use crate::journal::{OpenWait, Record, Shared};
use crate::live::Stop;
use crate::workflow::{Workflow, name};
use crate::{Engine, Failure, Journal};

/// The first pause before another attempt; it doubles with each.
const FIRST_BACKOFF_US: Micros = 500_000;
/// The longest pause before another attempt.
const MAX_BACKOFF_US: Micros = 60_000_000;
/// How long a workflow that was told to stop may tidy up before it is cut off.
const GRACE: Duration = Duration::from_secs(5);
/// How long a run waits where this worker could not begin with it.
const LOOK_AGAIN_US: Micros = 1_000_000;
/// How long it waits for a worker that knows its version: so that two that do not know it cannot spend their time on it.
const ELSEWHERE_US: Micros = 100_000;

/// How a workflow came back.
enum Came {
    /// With a result.
    Back(Result<Value, Failure>),
    /// Nothing is left but to wait, for the first of these.
    ToWait(Vec<OpenWait>),
}

impl Engine {
    /// Works on a claimed run until it leaves this worker.
    pub(crate) async fn attempt(&self, run: Run, cancel: CancellationToken) {
        let run = Arc::new(run);
        let inner = &self.inner;
        let record = Record::new(
            inner.backend.clone(),
            inner.groups.clone(),
            inner.clock.clone(),
            inner.live.clone(),
            inner.meters.clone(),
            run.clone(),
        );
        let left = match self.perform(&run, &cancel, record).await {
            Ok((shared, came)) => {
                let waits = if let Came::ToWait(waits) = &came { waits.clone() } else { Vec::new() };
                match self.concluded(&run, came, shared.waits.seen()) {
                    Some(then) => {
                        if matches!(then, Then::Wait { .. }) {
                            shared.keep_waits(waits).await;
                        }
                        self.leave(&run, &shared.record, then).await
                    }
                    None => Err(lost_lease()),
                }
            }
            Err((record, then)) => self.leave(&run, &record, then).await,
        };
        let (ended, unsure) = match left {
            Ok(ended) => (ended, false),
            Err(failure) => {
                inner.meters.left(&run.queue, "lost");
                tracing::warn!(
                    run = %run.id, code = failure.code,
                    "a run leaves its worker without a word; it is put back if this worker still holds it"
                );
                (None, true)
            }
        };
        inner.live.end(run.id, run.epoch, ended);
        // Only now: what is still worked on is not put back.
        if unsure {
            self.unsure();
        }
    }

    /// Writes how the run leaves this worker; returns it where it has ended.
    async fn leave(&self, run: &Run, record: &Record, then: Then) -> Result<Option<Run>, Failure> {
        let outcome = outcome(&then);
        tell(&then, &Span::current());
        let wakes = match &then {
            Then::Again { due_at, .. } => Some(*due_at),
            // What goes back is for others: this worker finds it by its slow poll, if they do not.
            Then::Back { .. } => None,
            Then::Wait { until, .. } => *until,
            Then::GoOn | Then::End { .. } => None,
        };
        let waits = matches!(then, Then::Wait { .. });
        let as_ended = ended_as(run, &then, self.inner.clock.now());
        if let Err(failure) = record.leave(then).await {
            if !failure.is(Code::Internal) {
                return Err(failure);
            }
            // The database will never take it so: that is its end.
            record.leave(ended(Status::Failed, Failure::last(Code::Internal, failure.message))).await?;
            self.inner.meters.left(&run.queue, Status::Failed.as_str());
            return Ok(None);
        }
        self.inner.meters.left(&run.queue, outcome);
        if let Some((began, ended)) = as_ended.as_ref().and_then(|run| run.started_at.zip(run.finished_at)) {
            self.inner.meters.ended(&run.queue, ended - began);
        }
        if let Some(at) = wakes {
            self.wake_at(at);
        }
        if waits {
            // A signal may have come while it was on its way: then it is ready.
            self.ready(run.lane());
        }
        Ok(as_ended)
    }

    /// Runs the workflow. Where that cannot even begin, tells what becomes of the run.
    async fn perform(
        &self,
        run: &Arc<Run>,
        cancel: &CancellationToken,
        record: Record,
    ) -> Result<(Arc<Shared>, Came), (Record, Then)> {
        let inner = &self.inner;
        let Some(workflow) = inner.registry.get(&run.kind, run.version).cloned() else {
            let then = self.for_another(run).await;
            return Err((record, then));
        };
        let mut history = (Vec::new(), Vec::new());
        // A run that was never claimed before has no history, so that the usual run reads nothing.
        if run.epoch > 1 || run.signals > 0 {
            match inner.backend.history(&run.tenant, run.id).await {
                Ok(found) => history = found,
                Err(Error::Unavailable(_)) => {
                    let due_at = inner.clock.now() + LOOK_AGAIN_US;
                    return Err((record, Then::Back { due_at, priority: run.priority }));
                }
                Err(error) => return Err((record, self.failed(run, Failure::from(error)))),
            }
        }
        let (clock, live) = (inner.clock.clone(), inner.live.clone());
        let shared = Arc::new(Shared::new(run.clone(), clock, live, cancel.clone(), record, history));
        let input = serde_json::from_str(&run.input).unwrap_or(Value::Null);
        let came = self.watched(run, cancel, until_parked(workflow, shared.clone(), input)).await;
        Ok((shared, came))
    }

    /// Drives the workflow in a task of its own, so that one that does not listen can be cut off.
    async fn watched<W>(&self, run: &Run, cancel: &CancellationToken, work: W) -> Came
    where
        W: Future<Output = Came> + Send + 'static,
    {
        let mut task = tokio::spawn(work.in_current_span());
        let limit = run.time_limit_ms.and_then(|limit| u64::try_from(limit).ok()).map(Duration::from_millis);
        let told_to_stop = async {
            match limit {
                Some(limit) => {
                    if tokio::time::timeout(limit, cancel.cancelled()).await.is_err() {
                        self.inner.live.stop(run.id, Stop::TimedOut);
                    }
                }
                None => cancel.cancelled().await,
            }
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            came = &mut task => came.unwrap_or_else(|_| Came::Back(Err(panicked()))),
            () = told_to_stop => {
                task.abort();
                Came::Back(Err(Failure::last(Code::RunCancelled, "The run did not stop by itself and was cut off.")))
            }
        }
    }

    /// What becomes of a run whose workflow this worker does not know: it goes to one that does, or ends.
    async fn for_another(&self, run: &Run) -> Then {
        let wanted = name(&run.kind, run.version);
        let knows = |workflows: &str| workflows.split(',').any(|own| own == wanted);
        let back = |after| Then::Back { due_at: self.inner.clock.now() + after, priority: run.priority };
        let Ok(workers) = self.inner.backend.workers().await else { return back(LOOK_AGAIN_US) };
        if workers.iter().any(|worker| !worker.gone && knows(&worker.workflows)) {
            self.leave_for_others();
            return back(ELSEWHERE_US);
        }
        let message = match self.inner.registry.newest(&run.kind) {
            Some(own) => format!("The run began with version {} of {} and this is {own}.", run.version, run.kind),
            None => format!("This program has no workflow {}.", run.kind),
        };
        self.failed(run, Failure::last(Code::WorkflowVersion, message))
    }

    /// What becomes of the run; none where it is somebody else's by now.
    fn concluded(&self, run: &Run, came: Came, seen: i64) -> Option<Then> {
        let now = self.inner.clock.now();
        let stopped = self.inner.live.stopped(run.id, run.epoch);
        Some(match (came, stopped) {
            (_, Some(Stop::Lost)) => return None,
            (Came::Back(Ok(output)), _) => {
                Then::End { status: Status::Succeeded, output: Some(output.to_string()), why: None }
            }
            (_, Some(Stop::Cancelled)) => {
                let why = Failure::last(Code::RunCancelled, Code::RunCancelled.cause());
                ended(Status::Cancelled, why)
            }
            (_, Some(Stop::HandedBack)) => Then::Back { due_at: now, priority: run.priority },
            (_, Some(Stop::TimedOut)) => {
                self.failed(run, Failure::retryable(Code::RunTimedOut, Code::RunTimedOut.cause()))
            }
            (Came::Back(Err(failure)), None) => self.failed(run, failure),
            (Came::ToWait(waits), None) => {
                let until = waits.iter().filter_map(|wait| wait.until).min();
                Then::Wait { until, seen, attempts: run.max_attempts }
            }
        })
    }

    fn failed(&self, run: &Run, failure: Failure) -> Then {
        if !failure.retryable {
            return ended(Status::Failed, failure);
        }
        if run.attempt >= run.last_attempt {
            return ended(Status::Dead, failure);
        }
        let due_at = self.inner.clock.now() + backoff_us(run);
        Then::Again { due_at, priority: run.priority, why: (failure.code, without_nul(failure.message)) }
    }
}

/// The run as it stands after it has ended so.
fn ended_as(run: &Run, then: &Then, now: Micros) -> Option<Run> {
    let Then::End { status, output, why, .. } = then else { return None };
    let (error_code, error_message) = why.clone().unzip();
    let (output, finished_at) = (output.clone(), Some(now));
    Some(Run {
        status: *status,
        output,
        error_code,
        error_message,
        finished_at,
        worker: None,
        last_attempt: run.attempt,
        seq: 0,
        signals: 0,
        ..run.clone()
    })
}

/// Drives the workflow until it returns, or until all that is left of it is to wait.
async fn until_parked(workflow: Arc<dyn Workflow>, shared: Arc<Shared>, input: Value) -> Came {
    let journal = Journal::new(shared.clone());
    // A panic in a workflow is a failed attempt, never a crash.
    let running = AssertUnwindSafe(workflow.run(&journal, input)).catch_unwind();
    let mut running = pin!(running);
    std::future::poll_fn(|context| match running.as_mut().poll(context) {
        Poll::Ready(returned) => Poll::Ready(Came::Back(returned.unwrap_or_else(|_| Err(panicked())))),
        Poll::Pending if !shared.record.is_busy() && shared.waits.any_open() => {
            Poll::Ready(Came::ToWait(shared.waits.open()))
        }
        Poll::Pending => Poll::Pending,
    })
    .await
}

fn panicked() -> Failure {
    Failure::retryable(Code::Internal, "The run met a fault of this program and was stopped.")
}

fn ended(status: Status, failure: Failure) -> Then {
    Then::End { status, output: None, why: Some((failure.code, without_nul(failure.message))) }
}

/// How an attempt leaves its worker, in a word of traces and metrics.
fn outcome(then: &Then) -> &'static str {
    match then {
        Then::GoOn => Status::Running.as_str(),
        Then::Again { .. } => "retried",
        Then::Back { .. } => "handed_back",
        Then::Wait { .. } => "waiting",
        Then::End { status, .. } => status.as_str(),
    }
}

/// Notes in the attempt's span how it ended.
fn tell(then: &Then, span: &Span) {
    span.record("run.outcome", outcome(then));
    if matches!(then, Then::Again { .. } | Then::End { why: Some(_), .. }) {
        span.record("otel.status_code", "ERROR");
    }
}

/// One attempt in a trace; below the request that asked for the run where it begins in the same process.
pub(crate) fn span(run: &Run) -> Span {
    let name = if run.attempt > 1 { "retry" } else { "run" };
    tracing::error_span!(
        target: TRACE, "run", run_id = %run.id, otel.name = [name, &run.kind].join(" "), otel.status_code = field::Empty,
        run.kind = run.kind, run.attempt = run.attempt, run.outcome = field::Empty,
        run.tenant = %run.tenant,
    )
}

/// The pause after a failed attempt: doubling, bounded, and off by up to a quarter, so that what failed together does
/// not come back together. A function of the run, so that it can be foretold.
fn backoff_us(run: &Run) -> Micros {
    let doublings = u32::try_from(run.attempt.saturating_sub(1)).unwrap_or(0).min(16);
    let whole = (FIRST_BACKOFF_US << doublings).min(MAX_BACKOFF_US);
    let spread = i64::from(run.id.0.as_bytes()[15] ^ run.id.0.as_bytes()[14]);
    whole - whole / 4 * spread / 255
}
