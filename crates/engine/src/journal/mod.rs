//! The journal of one attempt at a run: each step is looked up before it is run, and written down when it is done.

pub(crate) mod path;
mod record;
mod replay;
mod wait;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use pilothouse_domain::canonical::payload_hash;
use pilothouse_domain::{Clock, Code, Micros, RunId, TRACE, TenantId};
use pilothouse_store::journal::{Entry, EntryKind};
use pilothouse_store::runs::{Run, Signal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, field};

pub(crate) use record::Record;
pub(crate) use replay::Replay;
pub(crate) use wait::{OpenWait, Waits};

use crate::engine::without_nul;
use crate::live::LiveRuns;
use crate::{Also, Event, Failure};

/// Most bytes of what one step returns, as JSON.
const MAX_OUTPUT_BYTES: usize = 16 << 20;
/// Most bytes of one logged line; the rest is cut off.
const MAX_LINE_BYTES: usize = 8 * 1024;
/// Most lines of one run; one more says that there are no more.
const MAX_LINES: i64 = 10_000;
/// How long a logged line may wait for company on its way into the database.
const LINES_WAIT: Duration = Duration::from_millis(250);

/// What a step made, and what it decided in a few words for whoever watches.
pub struct Done<T> {
    /// The result; what later attempts get back without running the step again.
    pub output: T,
    /// One sentence.
    pub summary: String,
}

/// One attempt at a run, or one branch of it. Steps of one journal follow each other; what is to run side by side gets
/// a journal of its own from [`Journal::fan_out`].
pub struct Journal {
    shared: Arc<Shared>,
    /// What the paths of its steps begin with.
    prefix: String,
    next: AtomicI64,
    /// The number of the step that is at work, to which logged lines belong; 0 between steps.
    at: AtomicI64,
}

/// What the branches of an attempt share.
pub(crate) struct Shared {
    pub(crate) run: Arc<Run>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) live: Arc<LiveRuns>,
    pub(crate) cancel: CancellationToken,
    pub(crate) record: Record,
    pub(crate) waits: Waits,
    replay: Replay,
    progress: AtomicI64,
    /// How many lines the run has logged.
    lines: AtomicI64,
}

/// The step at work, until it is dropped.
struct AtWork<'j>(&'j AtomicI64);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Shared {
    pub(crate) fn new(
        run: Arc<Run>,
        clock: Arc<dyn Clock>,
        live: Arc<LiveRuns>,
        cancel: CancellationToken,
        record: Record,
        (entries, signals): (Vec<Entry>, Vec<Signal>),
    ) -> Self {
        let told = entries.iter().filter(|entry| entry.kind == EntryKind::Progress);
        let progress = told.filter_map(|entry| entry.output.as_ref()?.parse().ok()).max().unwrap_or(0);
        let logged = entries.iter().filter(|entry| entry.kind == EntryKind::Log).count();
        // Numbers have no gaps, so what the history leaves out are lines.
        let left_out = if entries.is_empty() { 0 } else { (run.seq - entries.len() as i64).max(0) };
        let replay = Replay::of(entries);
        let waits = Waits::new(signals, replay.all());
        let (progress, lines) = (AtomicI64::new(progress), AtomicI64::new(logged as i64 + left_out));
        Self { run, clock, live, cancel, record, waits, replay, progress, lines }
    }
}

impl Journal {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self::branch(shared, String::new())
    }

    fn branch(shared: Arc<Shared>, prefix: String) -> Self {
        Self { shared, prefix, next: AtomicI64::new(1), at: AtomicI64::new(0) }
    }

    /// The tenant that the run belongs to.
    pub fn tenant(&self) -> &TenantId {
        &self.shared.run.tenant
    }

    /// The run's id.
    pub fn id(&self) -> RunId {
        self.shared.run.id
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> i64 {
        self.shared.run.attempt
    }

    /// When it was asked for.
    pub fn created_at(&self) -> Micros {
        self.shared.run.created_at
    }

    /// Who asked for it.
    pub fn subject(&self) -> &str {
        &self.shared.run.subject
    }

    /// Fires when somebody cancels the run, its time is over, or its worker has lost it.
    pub fn cancel(&self) -> &CancellationToken {
        &self.shared.cancel
    }

    /// The fence of this attempt: whoever keeps the highest one that it has seen can tell a worker that lost the run.
    pub fn fence(&self) -> i64 {
        self.shared.run.epoch
    }

    /// The key that the next step may give to outside services: the same however often the step is tried.
    pub fn idempotency_key(&self, step: &str) -> String {
        let path = format!("{}{}", self.prefix, self.next.load(Ordering::Relaxed));
        payload_hash(&(self.shared.run.id, path, step))
    }

    /// Runs a step, or returns what it returned when it finished in an earlier attempt.
    pub fn step<T, W>(&self, name: &'static str, work: W) -> impl Future<Output = Result<T, Failure>> + use<'_, T, W>
    where
        T: Serialize + DeserializeOwned,
        W: Future<Output = Result<Done<T>, Failure>>,
    {
        let path = self.next_path();
        async move {
            let (result, entry) = self.perform(&path, name, work).await?;
            if let Some(entry) = entry {
                self.shared.record.write(entry).await?;
            }
            result
        }
    }

    /// Runs a step that may take at most so long; then it fails, and another attempt may be made.
    pub fn step_within<T, W>(
        &self,
        limit: Duration,
        name: &'static str,
        work: W,
    ) -> impl Future<Output = Result<T, Failure>> + use<'_, T, W>
    where
        T: Serialize + DeserializeOwned,
        W: Future<Output = Result<Done<T>, Failure>>,
    {
        self.step(name, async move {
            let over = |_| {
                let message = format!("The step {name} took longer than {} s.", limit.as_secs_f64());
                Failure::retryable(Code::RunTimedOut, message)
            };
            tokio::time::timeout(limit, work).await.map_err(over)?
        })
    }

    /// Runs the last step of a workflow. Its entry is written together with the run's end, in one commit.
    pub fn last_step<T, W>(
        &self,
        name: &'static str,
        work: W,
    ) -> impl Future<Output = Result<T, Failure>> + use<'_, T, W>
    where
        T: Serialize + DeserializeOwned,
        W: Future<Output = Result<Done<T>, Failure>>,
    {
        let path = self.next_path();
        async move {
            let (result, entry) = self.perform(&path, name, work).await?;
            if let Some(entry) = entry {
                self.shared.record.keep(entry).await;
            }
            result
        }
    }

    /// Runs a step whose whole effect is what it writes into the control-plane database: `also` writes in the commit
    /// that journals the step, so that the effect happens exactly once.
    pub fn transact<T>(
        &self,
        name: &'static str,
        done: Done<T>,
        also: Also,
    ) -> impl Future<Output = Result<T, Failure>> + use<'_, T>
    where
        T: Serialize + DeserializeOwned,
    {
        let path = self.next_path();
        async move {
            let (result, entry) = self.perform(&path, name, async { Ok(done) }).await?;
            if let Some(entry) = entry {
                self.shared.record.write_with(entry, also).await?;
            }
            result
        }
    }

    /// Does `work` for each item, at most `most` side by side, each in a branch with a journal of its own. Returns the
    /// results in the order of the items. What succeeded is kept when others fail, and not done again.
    pub async fn fan_out<I, T, F, W>(&self, items: I, most: usize, work: F) -> Vec<Result<T, Failure>>
    where
        I: IntoIterator,
        F: Fn(Journal, I::Item) -> W,
        W: Future<Output = Result<T, Failure>>,
    {
        let path = self.next_path();
        let branches = items.into_iter().enumerate().map(|(index, item)| {
            let prefix = format!("{path}/{index}/");
            work(Journal::branch(self.shared.clone(), prefix), item)
        });
        let branches: Vec<W> = branches.collect();
        futures::stream::iter(branches).buffered(most.max(1)).collect().await
    }

    /// Waits for a signal with this name, as long as it takes or until a moment; then there is none. The run holds no
    /// worker meanwhile. A signal that came before is found; each is given to one wait only.
    pub fn wait_for(
        &self,
        name: &'static str,
        until: Option<Micros>,
    ) -> impl Future<Output = Result<Option<Signal>, Failure>> + use<'_> {
        let path = self.next_path();
        async move { wait::wait_for(&self.shared, &path, name, until).await }
    }

    /// Waits until a moment, without a worker.
    pub fn sleep_until(&self, moment: Micros) -> impl Future<Output = Result<(), Failure>> + use<'_> {
        let path = self.next_path();
        async move { wait::wait_for(&self.shared, &path, wait::SLEEP, Some(moment)).await.map(|_| ()) }
    }

    /// Logs a line, which belongs to the step that is at work, if one is. It is stored with that step, or a moment later.
    pub async fn log(&self, level: tracing::Level, line: &str) {
        let (level, line) = match self.shared.lines.fetch_add(1, Ordering::Relaxed) {
            before if before < MAX_LINES => (level, line[..line.floor_char_boundary(MAX_LINE_BYTES)].to_owned()),
            MAX_LINES => (tracing::Level::WARN, format!("The run has logged {MAX_LINES} lines; no more are kept.")),
            _ => return,
        };
        let mut entry = self.shared.entry(EntryKind::Log, level.as_str().to_ascii_lowercase(), line, None);
        let at = self.at.load(Ordering::Relaxed);
        entry.path = (at > 0).then(|| format!("{}{at}", self.prefix));
        self.note(entry).await;
    }

    /// Tells how far the run is, from 0 to 100. What is less than was told before is not told.
    pub async fn progress(&self, percent: u8, summary: &str) {
        let percent = i64::from(percent.min(100));
        if self.shared.progress.fetch_max(percent, Ordering::SeqCst) < percent {
            let percent = Some(percent.to_string());
            self.note(self.shared.entry(EntryKind::Progress, String::new(), summary.to_owned(), percent)).await;
        }
    }

    async fn note(&self, entry: Entry) {
        self.shared.record.keep(entry).await;
        let shared = self.shared.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LINES_WAIT).await;
            // Who has lost the run writes no lines either.
            let _ = shared.record.write_kept().await;
        });
    }

    fn next_path(&self) -> String {
        format!("{}{}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed))
    }

    async fn perform<T, W>(
        &self,
        path: &str,
        name: &'static str,
        work: W,
    ) -> Result<(Result<T, Failure>, Option<Entry>), Failure>
    where
        T: Serialize + DeserializeOwned,
        W: Future<Output = Result<Done<T>, Failure>>,
    {
        if let Some(result) = self.shared.replayed(path, name)? {
            return Ok((result, None));
        }
        let shared = &self.shared;
        if shared.cancel.is_cancelled() {
            return Err(Failure::last(Code::RunCancelled, "The run was cancelled."));
        }
        let _busy = shared.record.busy();
        let started_at = shared.clock.now();
        shared.live.tell(shared.run.id, shared.run.epoch, || {
            let begun = json!({"seq": path::top(path), "path": path, "name": name, "status": "started", "summary": ""});
            Event { seq: None, kind: "step".into(), json: begun.to_string() }
        });
        let span = tracing::info_span!(
            target: TRACE, "step", otel.name = name, otel.status_code = field::Empty, step.seq = path,
            error.type = field::Empty,
        );
        self.at.store(path::last(path), Ordering::Relaxed);
        let at_work = AtWork(&self.at);
        let result = work.instrument(span.clone()).await;
        drop(at_work);
        if let Err(failure) = &result {
            span.record("otel.status_code", "ERROR").record("error.type", &failure.code);
        }
        let (result, output, summary) = match result {
            Ok(done) => match stored(&done.output) {
                Ok(output) => (Ok(done.output), Some(output), done.summary),
                Err(failure) => (Err(failure.clone()), None, failure.message),
            },
            Err(failure) => (Err(failure.clone()), None, failure.message),
        };
        let error = result.as_ref().err().map(|failure| json!(failure).to_string());
        let mut entry = shared.entry(EntryKind::Step, name.to_owned(), summary, output);
        entry.path = Some(path.to_owned());
        entry.error = error;
        entry.started_at = Some(started_at);
        Ok((result, Some(entry)))
    }
}

impl Shared {
    /// Writes down with the next write what the run waits for.
    pub(crate) async fn keep_waits(&self, waits: Vec<OpenWait>) {
        for OpenWait { path, name, until } in waits {
            let until = until.map(|until| until.to_string());
            let mut entry = self.entry(EntryKind::Wait, name.to_owned(), String::new(), until);
            entry.path = Some(path);
            self.record.keep(entry).await;
        }
    }

    fn entry(&self, kind: EntryKind, name: String, summary: String, output: Option<String>) -> Entry {
        let (at, attempt, summary) = (self.clock.now(), self.run.attempt, without_nul(summary));
        Entry { seq: 0, at, attempt, kind, name, path: None, summary, output, error: None, started_at: None }
    }

    /// The stored result of the step at `path`, if an earlier attempt left one.
    fn replayed<T: DeserializeOwned>(&self, path: &str, name: &str) -> Result<Option<Result<T, Failure>>, Failure> {
        let Some(step) = self.replay.get(path) else { return Ok(None) };
        if step.name != name {
            let message = format!("Step {path} was {} when the run began and is {name} now.", step.name);
            return Err(Failure::last(Code::WorkflowVersion, message));
        }
        match (&step.output, &step.error) {
            (Some(output), _) => serde_json::from_str(output).map(|output| Some(Ok(output))).map_err(unreadable),
            (_, Some(error)) => serde_json::from_str(error).map(|failure| Some(Err(failure))).map_err(unreadable),
            _ => Ok(None),
        }
    }
}

fn stored<T: Serialize>(output: &T) -> Result<String, Failure> {
    let text = serde_json::to_string(output)
        .map_err(|_| Failure::last(Code::Internal, "A step's result could not be stored."))?;
    if text.len() > MAX_OUTPUT_BYTES {
        let message = format!("A step returned {} bytes; a run keeps at most {MAX_OUTPUT_BYTES}.", text.len());
        return Err(Failure::last(Code::RunTooLarge, message));
    }
    Ok(text)
}

fn unreadable(_: serde_json::Error) -> Failure {
    Failure::last(Code::Internal, "A step's stored result could not be read back.")
}
