//! The worker: claims due runs, works on them, keeps their leases, and frees the runs of workers that vanished.

use std::time::Duration;

use futures::FutureExt;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Clock, Code, Micros, RunId, TRACE, TenantId};
use pilothouse_store::runs::{self, Run};
use pilothouse_store::{Error, Tx, events as event_rows};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, field};

use crate::events::DONE;
use crate::journal::{Finished, lost_lease};
use crate::{Engine, Event, Failure, Journal};

/// The slow poll behind the wake-ups.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Most runs freed from vanished workers at once.
const RELEASE_BATCH: u32 = 100;
/// The first pause before another attempt; it doubles with each.
const FIRST_BACKOFF_US: Micros = 500_000;
/// The longest pause before another attempt.
const MAX_BACKOFF_US: Micros = 60_000_000;

impl Engine {
    /// Works on runs until `stop` fires, then lets those at work end within the drain time.
    ///
    /// `exclusive` says that no other process can hold a lease in this database, so that at the start every lease is
    /// a dead process's and is freed at once.
    pub async fn work(&self, stop: CancellationToken, exclusive: bool) {
        let released = if exclusive { self.release(true).await } else { self.release_expired().await };
        self.report("free the runs of vanished workers", released);
        let beat = self.inner.options.lease / 4;
        let mut next_beat = tokio::time::Instant::now() + beat;
        let mut next_look = tokio::time::Instant::now() + POLL_EVERY;
        while !stop.is_cancelled() {
            let claimed = self.claim_due().await;
            self.report("claim runs", claimed);
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.inner.wake.notified() => {}
                () = tokio::time::sleep_until(next_look.min(next_beat)) => {}
            }
            // Told by the clock and not by silence: on a busy node the wake-ups never leave a pause.
            if tokio::time::Instant::now() >= next_look {
                next_look = tokio::time::Instant::now() + POLL_EVERY;
                let released = self.release_expired().await;
                self.report("free the runs of vanished workers", released);
            }
            if tokio::time::Instant::now() >= next_beat {
                next_beat = tokio::time::Instant::now() + beat;
                let kept = self.keep_leases().await;
                self.report("keep leases", kept);
            }
        }
        self.drain().await;
    }

    async fn drain(&self) {
        self.inner.stopping.cancel();
        self.inner.tasks.close();
        let drained = self.inner.tasks.wait();
        let deadline = tokio::time::sleep(self.inner.options.drain);
        tokio::pin!(drained, deadline);
        let mut beat = tokio::time::interval(self.inner.options.lease / 4);
        loop {
            tokio::select! {
                () = &mut drained => return,
                () = &mut deadline => {
                    tracing::warn!(runs = self.running(), "stopping with runs at work; they are taken up again at the next start");
                    return;
                }
                _ = beat.tick() => { let kept = self.keep_leases().await; self.report("keep leases", kept); }
            }
        }
    }

    fn report(&self, what: &str, result: Result<(), Error>) {
        if let Err(error) = result {
            tracing::warn!(code = error.code().as_str(), "the engine could not {what}: {error}");
        }
    }

    async fn claim_due(&self) -> Result<(), Error> {
        let inner = &self.inner;
        let (owner, now, kinds) = (inner.owner.clone(), inner.clock.now(), inner.registry.kinds());
        if kinds.is_empty() || inner.slots.available_permits() == 0 {
            return Ok(());
        }
        // Looking is cheap, leaves the writer alone while there is nothing to do, and the slots to whoever starts a run.
        let looked_for = kinds.clone();
        if !inner.store.read(move |tx| Box::pin(async move { runs::any_due(tx, now, &looked_for).await })).await? {
            return Ok(());
        }
        let mut slots = Vec::new();
        while let Ok(slot) = inner.slots.clone().try_acquire_owned() {
            slots.push(slot);
        }
        let free = slots.len();
        if free == 0 {
            return Ok(());
        }
        let until = now + self.lease_us();
        let claimed = inner
            .store
            .write(move |tx| {
                Box::pin(async move { runs::claim(tx, &owner, now, until, &kinds, free.try_into().unwrap_or(1)).await })
            })
            .await?;
        for (run, slot) in claimed.into_iter().zip(slots) {
            self.spawn(run, slot);
        }
        Ok(())
    }

    async fn release_expired(&self) -> Result<(), Error> {
        let now = self.inner.clock.now();
        // A healthy database has nothing to free, and then nothing is written.
        if self.inner.store.read(move |tx| Box::pin(async move { runs::any_expired(tx, now).await })).await? {
            self.release(false).await?;
        }
        Ok(())
    }

    /// Frees the runs whose lease is over, or those of every other worker.
    async fn release(&self, of_all_others: bool) -> Result<(), Error> {
        while self.release_batch(of_all_others).await? == RELEASE_BATCH as usize {}
        Ok(())
    }

    async fn release_batch(&self, of_all_others: bool) -> Result<usize, Error> {
        let (owner, now) = (self.inner.owner.clone(), self.inner.clock.now());
        let freed = self
            .inner
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let freed = if of_all_others {
                        runs::release_others(tx, &owner, now, RELEASE_BATCH).await?
                    } else {
                        runs::release_expired(tx, now, RELEASE_BATCH).await?
                    };
                    for (tenant, id, status) in freed.iter().filter(|(_, _, status)| status.is_final()) {
                        let cancelled = *status == Status::Cancelled;
                        let code = if cancelled { Code::RunCancelled } else { Code::RunInterrupted };
                        let done = done_json(*status, Some(code.as_str()));
                        event_rows::append_held(tx, tenant, *id, DONE, &done, now).await?;
                    }
                    Ok(freed)
                })
            })
            .await?;
        if !freed.is_empty() {
            tracing::info!(runs = freed.len(), "freed the runs of a worker that vanished");
            self.inner.wake.notify_one();
        }
        Ok(freed.len())
    }

    /// Renews the leases of this process, and stops the runs that were cancelled elsewhere or lost.
    async fn keep_leases(&self) -> Result<(), Error> {
        let held = self.inner.live.ids();
        if held.is_empty() {
            return Ok(());
        }
        let (owner, now) = (self.inner.owner.clone(), self.inner.clock.now());
        let until = now + self.lease_us();
        // A run whose claim or end this process could not complete is not at work: its lease runs out, and it is freed.
        let at_work = held.clone();
        let owned = self
            .inner
            .store
            .write(move |tx| {
                Box::pin(async move {
                    runs::heartbeat(tx, &owner, &at_work, now, until).await?;
                    runs::owned(tx, &owner).await
                })
            })
            .await?;
        for id in held {
            let still_ours = owned.iter().any(|(owned, cancelled)| *owned == id && !cancelled);
            if !still_ours {
                self.inner.live.cancel(id);
            }
        }
        Ok(())
    }

    pub(crate) fn spawn(&self, run: Run, slot: OwnedSemaphorePermit) {
        let engine = self.clone();
        // Before the task has its turn, so that whoever started the run hears it from its first event on.
        let cancel = CancellationToken::new();
        self.inner.live.begin(run.id, run.epoch, cancel.clone());
        let span = attempt_span(&run);
        let work = async move {
            engine.attempt(run, cancel).await;
            drop(slot);
            engine.inner.wake.notify_one();
        };
        self.inner.tasks.spawn(work.instrument(span));
    }

    /// One attempt, from claim to its mark in the database.
    async fn attempt(&self, run: Run, cancel: CancellationToken) {
        let id = run.id;
        let (result, last) = self.perform(run.clone(), cancel.clone()).await;
        let concluded = self.conclude(&run, result, last, cancel.is_cancelled()).await;
        if let Err(failure) = concluded {
            tracing::warn!(run = %id, code = failure.code, "a run's end could not be written; it is tried again when its lease ends");
        }
        self.inner.live.end(id, run.epoch);
    }

    async fn perform(&self, run: Run, cancel: CancellationToken) -> (Result<Value, Failure>, Option<Finished>) {
        let Some(workflow) = self.inner.registry.get(&run.kind).cloned() else {
            let message = format!("This program has no workflow {}.", run.kind);
            return (Err(Failure::last(Code::WorkflowVersion, message)), None);
        };
        if workflow.version() != run.version {
            let message = format!("The run began with version {} and this is {}.", run.version, workflow.version());
            return (Err(Failure::last(Code::WorkflowVersion, message)), None);
        }
        let input = serde_json::from_str(&run.input).unwrap_or(Value::Null);
        let inner = &self.inner;
        let opened = Journal::open(inner.store.clone(), inner.clock.clone(), inner.live.clone(), run, cancel).await;
        let mut journal = match opened {
            Ok(journal) => journal,
            Err(failure) => return (Err(failure), None),
        };
        // A panic in a workflow is a failed attempt, never a crash.
        let guarded = std::panic::AssertUnwindSafe(workflow.run(&mut journal, input)).catch_unwind();
        let result = guarded.await.unwrap_or_else(|_| {
            Err(Failure::retryable(Code::Internal, "The run met a fault of this program and was stopped."))
        });
        (result, journal.take_last())
    }

    /// Writes how the attempt ended, together with its last step.
    async fn conclude(
        &self,
        run: &Run,
        result: Result<Value, Failure>,
        last: Option<Finished>,
        cancelled: bool,
    ) -> Result<(), Failure> {
        let end = End::of(run, result, cancelled, self.inner.clock.as_ref());
        end.tell(&Span::current());
        let (tenant, id, epoch, attempt) = (run.tenant.clone(), run.id, run.epoch, run.attempt);
        let now = self.inner.clock.now();
        let last_event = last.as_ref().map(|finished| finished.event().to_owned());
        let written = self
            .inner
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let step_seq = match last {
                        Some(finished) => finished.insert(tx, &tenant, id, epoch, attempt).await?,
                        None => Some(0),
                    };
                    let Some(step_seq) = step_seq else { return Ok(None) };
                    let Some(done) = end.write(tx, &tenant, id, epoch, now).await? else { return Ok(None) };
                    let Some(json) = done else { return Ok(Some((step_seq, None))) };
                    let seq = event_rows::append_held(tx, &tenant, id, DONE, &json, now).await?;
                    Ok(Some((step_seq, Some(Event { seq: Some(seq), kind: DONE.into(), json }))))
                })
            })
            .await?;
        let Some((step_seq, done)) = written else { return Err(lost_lease()) };
        if let Some(json) = last_event {
            self.inner.live.tell(run.id, epoch, Event { seq: Some(step_seq), kind: "step".into(), json });
        }
        if let Some(done) = done {
            self.inner.live.tell(run.id, epoch, done);
        }
        Ok(())
    }
}

/// How an attempt ends.
enum End {
    /// Another attempt follows.
    Again { due_at: Micros, failure: Failure },
    /// The run has ended.
    Final { status: Status, output: Option<String>, failure: Option<Failure> },
}

impl End {
    fn of(run: &Run, result: Result<Value, Failure>, cancelled: bool, clock: &dyn Clock) -> Self {
        match result {
            Ok(output) => Self::Final { status: Status::Succeeded, output: Some(output.to_string()), failure: None },
            Err(_) if cancelled => {
                let failure = Failure::last(Code::RunCancelled, "The run was cancelled.");
                Self::Final { status: Status::Cancelled, output: None, failure: Some(failure) }
            }
            Err(failure) if failure.retryable && run.attempt < run.max_attempts => {
                Self::Again { due_at: clock.now() + backoff_us(run.attempt), failure }
            }
            Err(failure) => {
                let status = if failure.retryable { Status::Dead } else { Status::Failed };
                Self::Final { status, output: None, failure: Some(failure) }
            }
        }
    }

    /// Notes the end in the attempt's span.
    fn tell(&self, span: &Span) {
        let outcome = match self {
            Self::Again { .. } => "retried",
            Self::Final { status, .. } => status.as_str(),
        };
        span.record("run.outcome", outcome);
        if !matches!(self, Self::Final { status: Status::Succeeded, .. }) {
            span.record("otel.status_code", "ERROR");
        }
    }

    /// Writes the end into the run, and returns the content of the run's last event if this was its end. None where
    /// the worker is fenced.
    async fn write(
        &self,
        tx: &mut Tx<'_>,
        tenant: &TenantId,
        id: RunId,
        epoch: i64,
        now: Micros,
    ) -> Result<Option<Option<String>>, Error> {
        match self {
            Self::Again { due_at, failure } => {
                let why = Some((failure.code.as_str(), failure.message.as_str()));
                let stands = runs::requeue(tx, tenant, id, epoch, *due_at, why, now).await?;
                // Somebody may have cancelled it after this worker looked last.
                Ok(stands.map(|status| status.is_final().then(|| done_json(status, Some(Code::RunCancelled.as_str())))))
            }
            Self::Final { status, output, failure } => {
                let why = failure.as_ref().map(|failure| (failure.code.as_str(), failure.message.as_str()));
                let written = runs::finish(tx, tenant, id, epoch, *status, output.as_deref(), why, now).await?;
                Ok(written.then(|| Some(done_json(*status, why.map(|(code, _)| code)))))
            }
        }
    }
}

/// One attempt in a trace; below the request that asked for the run where it begins in the same process.
fn attempt_span(run: &Run) -> Span {
    let name = if run.attempt > 1 { "retry" } else { "run" };
    tracing::error_span!(
        target: TRACE, "run", run_id = %run.id, otel.name = [name, &run.kind].join(" "), otel.status_code = field::Empty,
        run.kind = run.kind, run.attempt = run.attempt, run.outcome = field::Empty,
        run.tenant = %run.tenant,
    )
}

/// The content of a run's last event.
fn done_json(status: Status, code: Option<&str>) -> String {
    json!({"status": status, "code": code}).to_string()
}

/// The pause after the given attempt (1, 2, …): doubling, bounded.
fn backoff_us(attempt: i64) -> Micros {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(16);
    (FIRST_BACKOFF_US << doublings).min(MAX_BACKOFF_US)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_are_bounded() {
        assert_eq!(backoff_us(1), FIRST_BACKOFF_US);
        assert_eq!(backoff_us(2), 2 * FIRST_BACKOFF_US);
        assert_eq!(backoff_us(1000), MAX_BACKOFF_US);
    }
}
