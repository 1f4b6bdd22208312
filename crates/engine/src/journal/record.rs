//! How an attempt writes: one write at a time, in order, so that a run's entries have no gaps and no worker that has
//! lost the run writes one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pilothouse_domain::Clock;
use pilothouse_store::Error;
use pilothouse_store::journal::Entry;
use pilothouse_store::runs::{Change, Outcome, Run, Then, Write};
use serde_json::json;
use tokio::sync::Mutex;

use crate::failure::lost_lease;
use crate::groups::Groups;
use crate::live::{LiveRuns, Stop};
use crate::meters::Meters;
use crate::{Also, Backend, Failure};

/// The pen of one attempt.
pub(crate) struct Record {
    backend: Arc<dyn Backend>,
    groups: Arc<Groups>,
    clock: Arc<dyn Clock>,
    live: Arc<LiveRuns>,
    meters: Arc<Meters>,
    run: Arc<Run>,
    state: Mutex<State>,
    /// Steps at work and writes under way: as long as there are any, the run does not only wait.
    busy: AtomicUsize,
}

struct State {
    seq: i64,
    /// Entries that wait for the next write.
    waiting: Vec<Entry>,
    /// Whether a write is under way, or it was given up before it was known what became of it. Then nobody knows the
    /// next entry's number, and nothing more is written under this claim.
    unsure: bool,
}

/// A step's entry before it is known what the step came to.
fn without_result(entry: &Entry) -> Entry {
    let Entry { at, attempt, kind, started_at, .. } = *entry;
    let (name, path) = (entry.name.clone(), entry.path.clone());
    Entry { seq: 0, at, attempt, kind, name, path, summary: String::new(), output: None, error: None, started_at }
}

/// Counts as busy until it is dropped.
pub(crate) struct Busy<'r>(&'r AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Record {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        groups: Arc<Groups>,
        clock: Arc<dyn Clock>,
        live: Arc<LiveRuns>,
        meters: Arc<Meters>,
        run: Arc<Run>,
    ) -> Self {
        let state = Mutex::new(State { seq: run.seq, waiting: Vec::new(), unsure: false });
        Self { backend, groups, clock, live, meters, run, state, busy: AtomicUsize::new(0) }
    }

    pub(crate) fn busy(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy(&self.busy)
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }

    /// Keeps an entry for the next write. It gets its number then.
    pub(crate) async fn keep(&self, entry: Entry) {
        self.state.lock().await.waiting.push(entry);
    }

    /// Writes a step's entry, after those that were kept. Where the database refuses it, the refusal is what the step
    /// came to, and written in its place.
    pub(crate) async fn write(&self, entry: Entry) -> Result<(), Failure> {
        let _busy = self.busy();
        let mut state = self.state.lock().await;
        let bare = without_result(&entry);
        state.waiting.push(entry);
        let written = self.flush(&mut state, Then::GoOn).await;
        self.or_refusal(&mut state, bare, written).await
    }

    /// Writes a step's entry in one commit with what `also` writes.
    pub(crate) async fn write_with(&self, entry: Entry, also: Also) -> Result<(), Failure> {
        let _busy = self.busy();
        let mut state = self.state.lock().await;
        let bare = without_result(&entry);
        state.waiting.push(entry);
        let write = self.next_write(&mut state, Then::GoOn)?;
        let outcome = self.backend.apply_with(Change::Write(write.clone()), also).await;
        let written = self.told(&mut state, &write, outcome);
        self.or_refusal(&mut state, bare, written).await
    }

    async fn or_refusal(&self, state: &mut State, bare: Entry, written: Result<(), Failure>) -> Result<(), Failure> {
        let Err(failure) = written else { return Ok(()) };
        if !state.unsure {
            let (error, summary) = (Some(json!(failure).to_string()), failure.message.clone());
            state.waiting.push(Entry { error, summary, ..bare });
            if self.flush(state, Then::GoOn).await.is_err() {
                // The workflow sees a failure that no later attempt would.
                self.lose(state);
            }
        }
        Err(failure)
    }

    /// Writes what was kept. Does not count as busy: it goes on beside the workflow, which would not hear when it ends.
    pub(crate) async fn write_kept(&self) -> Result<(), Failure> {
        let mut state = self.state.lock().await;
        if state.waiting.is_empty() { Ok(()) } else { self.flush(&mut state, Then::GoOn).await }
    }

    /// Writes what was kept, and lets the run leave its worker.
    pub(crate) async fn leave(&self, then: Then) -> Result<(), Failure> {
        let mut state = self.state.lock().await;
        self.flush(&mut state, then).await
    }

    async fn flush(&self, state: &mut State, then: Then) -> Result<(), Failure> {
        let write = self.next_write(state, then)?;
        let outcome = self.groups.apply(Change::Write(write.clone())).await;
        self.told(state, &write, outcome)
    }

    /// The write of all that waits, in its order.
    fn next_write(&self, state: &mut State, then: Then) -> Result<Arc<Write>, Failure> {
        if std::mem::replace(&mut state.unsure, true) {
            return Err(lost_lease());
        }
        let mut entries = std::mem::take(&mut state.waiting);
        for (entry, seq) in entries.iter_mut().zip(state.seq + 1..) {
            entry.seq = seq;
        }
        let run = &self.run;
        Ok(Arc::new(Write {
            tenant: run.tenant.clone(),
            run: run.id,
            epoch: run.epoch,
            seq: state.seq + entries.len() as i64,
            entries,
            attempt: run.attempt,
            last_attempt: run.last_attempt,
            at: self.clock.now(),
            then,
        }))
    }

    /// Takes note of what became of a write, and tells whoever watches.
    fn told(&self, state: &mut State, write: &Write, outcome: Result<Outcome, Error>) -> Result<(), Failure> {
        let left = match outcome {
            Ok(Outcome::Written(left)) => left,
            Ok(_) => {
                self.meters.fenced();
                self.lose(state);
                return Err(lost_lease());
            }
            Err(error @ Error::Unavailable(_)) => {
                // It may have been written.
                self.lose(state);
                return Err(error.into());
            }
            Err(error) => {
                // The last entry was not taken and is dropped; those that waited before it go with the next one.
                state.unsure = false;
                state.waiting = write.entries.split_last().map(|(_, before)| before.to_vec()).unwrap_or_default();
                return Err(error.into());
            }
        };
        (state.unsure, state.seq) = (false, write.seq);
        for entry in write.entries.iter().chain(&left) {
            self.live.tell(self.run.id, self.run.epoch, || crate::events::of_entry(entry, entry.seq, true));
        }
        Ok(())
    }

    /// Nothing more is written under this claim, and nothing more begun.
    fn lose(&self, state: &mut State) {
        state.unsure = true;
        self.live.stop_claim(self.run.id, self.run.epoch, Stop::Lost);
    }
}
