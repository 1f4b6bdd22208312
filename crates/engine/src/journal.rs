//! The journal of one attempt at a run: each step is looked up before it is run, and written down when it is done.

use std::sync::Arc;

use pilothouse_domain::canonical::payload_hash;
use pilothouse_domain::run::StepStatus;
use pilothouse_domain::{Clock, Code, Micros, RunId, TRACE, TenantId};
use pilothouse_store::runs::Run;
use pilothouse_store::{Store, Tx, events, steps};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, field};

use crate::events::LiveRuns;
use crate::{Event, Failure};

/// What a step made, and what it decided in a few words for whoever watches.
pub struct Done<T> {
    /// The result; what later attempts get back without running the step again.
    pub output: T,
    /// One sentence.
    pub summary: String,
}

/// A finished step on its way into the database, and what is told of it.
#[derive(Clone)]
pub(crate) struct Finished {
    step: steps::Ended,
    event: String,
}

/// One attempt at a run.
pub struct Journal {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) live: Arc<LiveRuns>,
    pub(crate) run: Run,
    pub(crate) cancel: CancellationToken,
    earlier: Vec<steps::Step>,
    next_seq: i64,
    last: Option<Finished>,
}

impl Journal {
    pub(crate) async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        live: Arc<LiveRuns>,
        run: Run,
        cancel: CancellationToken,
    ) -> Result<Self, Failure> {
        let mut earlier = Vec::new();
        // A first attempt has no earlier steps, so that the usual run reads nothing.
        if run.attempt > 1 {
            let (tenant, id) = (run.tenant.clone(), run.id);
            earlier = store.read(move |tx| Box::pin(async move { steps::list(tx, &tenant, id).await })).await?;
        }
        Ok(Self { store, clock, live, run, cancel, earlier, next_seq: 1, last: None })
    }

    /// The tenant that the run belongs to.
    pub fn tenant(&self) -> &TenantId {
        &self.run.tenant
    }

    /// The run's id.
    pub fn id(&self) -> RunId {
        self.run.id
    }

    /// When it was asked for.
    pub fn created_at(&self) -> Micros {
        self.run.created_at
    }

    /// Who asked for it.
    pub fn subject(&self) -> &str {
        &self.run.subject
    }

    /// Fires when somebody cancels the run or its lease is lost.
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// The key that the next step may give to outside services: the same however often the step is tried.
    pub fn idempotency_key(&self, step: &str) -> String {
        step_key(self.run.id, self.next_seq, step)
    }

    /// Runs a step, or returns what it returned when it finished in an earlier attempt.
    pub async fn step<T, W>(&mut self, name: &'static str, work: W) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        W: Future<Output = Result<Done<T>, Failure>>,
    {
        let (output, finished) = self.perform(name, work).await?;
        if let Some(finished) = finished {
            self.write(finished).await?;
        }
        output
    }

    /// Runs the last step of a workflow. Its row is written together with the run's end, in one commit.
    pub async fn last_step<T, W>(&mut self, name: &'static str, work: W) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        W: Future<Output = Result<Done<T>, Failure>>,
    {
        let (output, finished) = self.perform(name, work).await?;
        self.last = finished;
        output
    }

    async fn perform<T, W>(
        &mut self,
        name: &'static str,
        work: W,
    ) -> Result<(Result<T, Failure>, Option<Finished>), Failure>
    where
        T: Serialize + DeserializeOwned,
        W: Future<Output = Result<Done<T>, Failure>>,
    {
        let seq = self.next_seq;
        self.next_seq += 1;
        if let Some(result) = self.replay(seq, name)? {
            return Ok((result, None));
        }
        // A workflow that goes on after its last step has another one.
        if let Some(earlier) = self.last.take() {
            self.write(earlier).await?;
        }
        if self.cancel.is_cancelled() {
            return Err(Failure::last(Code::RunCancelled, "The run was cancelled."));
        }
        let started_at = self.clock.now();
        let begun = json!({"seq": seq, "name": name, "status": "started", "summary": ""});
        self.live.tell(self.run.id, self.run.epoch, Event { seq: None, kind: "step".into(), json: begun.to_string() });
        let span = tracing::info_span!(
            target: TRACE, "step", otel.name = name, otel.status_code = field::Empty, step.seq = seq,
            error.type = field::Empty,
        );
        let result = work.instrument(span.clone()).await;
        if let Err(failure) = &result {
            span.record("otel.status_code", "ERROR").record("error.type", &failure.code);
        }
        let finished_at = self.clock.now();
        let (status, summary) = match &result {
            Ok(done) => (StepStatus::Succeeded, done.summary.clone()),
            Err(failure) => (StepStatus::Failed, failure.message.clone()),
        };
        let elapsed_ms = (finished_at - started_at) / 1000;
        let event = json!({"seq": seq, "name": name, "status": status, "summary": summary, "elapsed_ms": elapsed_ms});
        let output = match &result {
            Ok(done) => Some(serde_json::to_string(&done.output).map_err(unserialisable)?),
            Err(_) => None,
        };
        let error = result.as_ref().err().map(|failure| json!(failure).to_string());
        let (name, input_hash) = (name.to_owned(), step_key(self.run.id, seq, name));
        let step = steps::Ended { seq, name, status, input_hash, output, error, started_at, finished_at };
        Ok((result.map(|done| done.output), Some(Finished { step, event: event.to_string() })))
    }

    /// The stored result of step `seq`, if it finished in an earlier attempt.
    ///
    /// A failure is a result like another where the workflow saw it and went on: were the step tried again, the steps
    /// after it would no longer follow from it.
    fn replay<T: DeserializeOwned>(&self, seq: i64, name: &str) -> Result<Option<Result<T, Failure>>, Failure> {
        let Some(step) = self.earlier.iter().find(|step| step.seq == seq) else { return Ok(None) };
        if step.name != name {
            let message = format!("Step {seq} was {} when the run began and is {name} now.", step.name);
            return Err(Failure::last(Code::WorkflowVersion, message));
        }
        let went_on = self.earlier.iter().any(|later| later.seq > seq);
        match (step.status, &step.output, &step.error) {
            (StepStatus::Succeeded, Some(output), _) => {
                serde_json::from_str(output).map(|output| Some(Ok(output))).map_err(unserialisable)
            }
            (StepStatus::Failed, _, Some(error)) if went_on => {
                serde_json::from_str(error).map(|failure| Some(Err(failure))).map_err(unserialisable)
            }
            _ => Ok(None),
        }
    }

    async fn write(&self, finished: Finished) -> Result<(), Failure> {
        let (tenant, id, epoch, attempt) = (self.run.tenant.clone(), self.run.id, self.run.epoch, self.run.attempt);
        let row = finished.clone();
        let seq = self
            .store
            .write(move |tx| Box::pin(async move { row.insert(tx, &tenant, id, epoch, attempt).await }))
            .await?;
        match seq {
            Some(seq) => {
                self.live.tell(id, epoch, Event { seq: Some(seq), kind: "step".into(), json: finished.event });
                Ok(())
            }
            None => Err(lost_lease()),
        }
    }

    pub(crate) fn take_last(&mut self) -> Option<Finished> {
        self.last.take()
    }
}

impl Finished {
    /// Writes the step and its event; none when the run's lease was lost. Returns the event's number.
    pub(crate) async fn insert(
        self,
        tx: &mut Tx<'_>,
        tenant: &TenantId,
        run: RunId,
        epoch: i64,
        attempt: i64,
    ) -> Result<Option<i64>, pilothouse_store::Error> {
        if !steps::record(tx, tenant, run, epoch, attempt, &self.step).await? {
            return Ok(None);
        }
        events::append_held(tx, tenant, run, "step", &self.event, self.step.finished_at).await.map(Some)
    }

    /// The event's content.
    pub(crate) fn event(&self) -> &str {
        &self.event
    }
}

/// What a step is known by, here and to outside services: the same in every attempt.
fn step_key(run: RunId, seq: i64, name: &str) -> String {
    payload_hash(&(run, seq, name))
}

/// The failure of a worker whose lease somebody else has taken: it must not write any more.
pub(crate) fn lost_lease() -> Failure {
    Failure::retryable(Code::RunInterrupted, "The run was taken over by another worker.")
}

fn unserialisable(_: serde_json::Error) -> Failure {
    Failure::last(Code::Internal, "A step's result could not be stored or read back.")
}
