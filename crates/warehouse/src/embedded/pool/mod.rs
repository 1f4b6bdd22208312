//! The workers: who gets one, what bounds it, and what becomes of one that fails.
//!
//! A worker does one thing at a time, so that its death is the failure of one query. It is killed when its time is up,
//! when the query is cancelled, and when the workers together have more memory than they may; a fresh one stands ready
//! before it is missed.

mod turns;
mod worker;

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use pilothouse_domain::Code;
use pilothouse_domain::answer::ResultSet;
use tempfile::TempDir;
use tokio::sync::oneshot;

use self::turns::Turns;
use self::worker::Worker;
use super::wire::{Reply, Request, Start};
use crate::engine::Call;
use crate::{Error, Settings};

/// Longest wait for a worker.
const WAIT_AT_MOST: Duration = Duration::from_secs(30);
/// How often the memory of a worker is looked at while it works: the more often the less is left of what they may have.
const LOOK_EVERY: RangeInclusive<Duration> = Duration::from_millis(20)..=Duration::from_millis(200);
/// Bytes that one processor can fill with data in a millisecond, and a good deal more.
const FILLED_AT_MOST: u64 = 4 << 20;
/// A worker that breaks off so soon may have been ended by somebody while it was idle.
const AT_ONCE: Duration = Duration::from_millis(50);
/// Percent of the memory that workers may have, from which on queries wait as long as others run.
const FULL_PERCENT: u64 = 70;
/// Workers that are idle for so long are ended, but for one.
const IDLE_AT_MOST: Duration = Duration::from_secs(60);
/// Memory in bytes beyond which an idle worker is replaced by a fresh one, which has a third of it.
const IDLE_BYTES: u64 = 96 << 20;
/// Least memory in bytes that the queries of a worker account for.
const LEAST_MEMORY_BYTES: u64 = 32 << 20;

/// Where queries of the embedded engine run.
#[derive(Debug, Clone)]
pub enum Isolation {
    /// In processes of their own: `program arguments…` calls [`crate::work`].
    Processes {
        /// The program.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// On threads of this process: for tests, and programs that trust every query. A query that exhausts memory or
    /// overflows a stack takes the program with it.
    Threads,
}

/// How the workers stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkerLoad {
    /// Workers at work.
    pub busy: u64,
    /// Workers that stand ready.
    pub idle: u64,
    /// Queries that wait for one.
    pub waiting: u64,
    /// Memory of the workers at work, in bytes.
    pub resident_bytes: u64,
    /// Workers that were stopped or broke down since the start.
    pub lost: u64,
}

/// What a worker answered.
pub struct Answer {
    /// The reply.
    pub reply: Reply,
    /// The rows that went before it; none but for a query.
    pub result: ResultSet,
}

/// The workers.
pub struct Pool {
    isolation: Isolation,
    settings: Settings,
    places: usize,
    processors: usize,
    /// What queries write to disk for want of memory; nobody else can read it. Made with the first worker.
    spill: OnceLock<TempDir>,
    state: Mutex<State>,
}

struct State {
    turns: Turns<oneshot::Sender<Seat>>,
    /// Idle workers, the one that was used last at the end.
    idle: Vec<Worker>,
    /// Memory of each busy worker, by its number.
    busy: BTreeMap<u64, u64>,
    made: u64,
    /// Workers that are being started to stand ready.
    coming: usize,
    lost: u64,
    tidying: bool,
}

/// A place at the workers, held while one works. Dropping it lets the next one in.
struct Seat {
    pool: Arc<Pool>,
    owner: Arc<str>,
    weight: u32,
    since: Instant,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let used = self.since.elapsed().as_micros() as u64;
        self.pool.state().turns.done(&self.owner, self.weight, used);
        self.pool.admit();
    }
}

/// Why a worker was stopped.
enum Stopped {
    Cancelled,
    Late,
    Memory,
    Died,
}

impl Pool {
    /// Workers of these settings. None is started yet.
    pub fn new(settings: &Settings, isolation: Isolation) -> Arc<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let places = match settings.query_workers {
            0 => processors.max(2),
            given => given,
        };
        let state = State {
            turns: Turns::new(places),
            idle: Vec::new(),
            busy: BTreeMap::new(),
            made: 0,
            coming: 0,
            lost: 0,
            tidying: false,
        };
        let (settings, state) = (settings.clone(), Mutex::new(state));
        Arc::new(Self { isolation, settings, places, processors, spill: OnceLock::new(), state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the workers stand now.
    pub fn load(&self) -> WorkerLoad {
        let state = self.state();
        WorkerLoad {
            busy: state.busy.len() as u64,
            idle: state.idle.len() as u64,
            waiting: state.turns.waiting() as u64,
            resident_bytes: state.busy.values().sum(),
            lost: state.lost,
        }
    }

    /// Asks a worker, in the caller's turn and within its bounds.
    pub async fn ask(self: &Arc<Self>, request: &Request, call: &Call<'_>) -> Result<Answer, Error> {
        let seat = tokio::select! {
            seat = self.seat(call) => seat?,
            () = call.cancel.cancelled() => return Err(Error::cancelled()),
        };
        let began = Instant::now();
        let mut answer = self.ask_any(request, call).await;
        let is_broken = answer.as_ref().is_err_and(|error| error.code == Code::QueryCrashed);
        if is_broken && began.elapsed() < AT_ONCE {
            // It was dying when it was asked. If it is the query that kills, it kills another one.
            answer = self.ask_any(request, call).await;
        }
        drop(seat);
        answer
    }

    async fn ask_any(self: &Arc<Self>, request: &Request, call: &Call<'_>) -> Result<Answer, Error> {
        let worker = self.take(&request.source).await.map_err(|error| {
            tracing::error!("no worker can be started: {error}");
            Error::retryable(Code::Unavailable, "The query engine could not be started.")
        })?;
        self.ask_worker(worker, request, call).await
    }

    async fn seat(self: &Arc<Self>, call: &Call<'_>) -> Result<Seat, Error> {
        let (ticket, turn) = oneshot::channel();
        self.state().turns.wait(&call.owner, call.weight, ticket);
        self.admit();
        match tokio::time::timeout(WAIT_AT_MOST, turn).await {
            Ok(Ok(seat)) => Ok(seat),
            _ => Err(Error::retryable(Code::Unavailable, "Every query worker is busy. Try again in a moment.")),
        }
    }

    /// Lets in whoever's turn it is, as long as there are places and memory.
    fn admit(self: &Arc<Self>) {
        // Who gave up this very moment gets a place all the same. It is dropped outside of the lock, which it takes itself.
        let mut unwanted = Vec::new();
        {
            let mut state = self.state();
            loop {
                let resident: u64 = state.busy.values().sum();
                let is_full = resident > self.budget_bytes() / 100 * FULL_PERCENT;
                if is_full && state.turns.running() > 0 {
                    break;
                }
                let Some((owner, weight, ticket)) = state.turns.next() else { break };
                if ticket.is_closed() {
                    state.turns.done(&owner, weight, 0);
                    continue;
                }
                let seat = Seat { pool: self.clone(), owner, weight, since: Instant::now() };
                unwanted.extend(ticket.send(seat).err());
            }
        }
        drop(unwanted);
    }

    fn budget_bytes(&self) -> u64 {
        self.settings.query_memory_mb << 20
    }

    /// What each worker may have of it without being in anybody's way: were all of them so large, half of it would be left.
    fn share_bytes(&self) -> u64 {
        (self.budget_bytes() / (2 * self.places as u64)).max(LEAST_MEMORY_BYTES)
    }

    /// When to look at memory again, of which `room` bytes are left: before all processors together could have filled it.
    fn next_look(&self, room: u64) -> Duration {
        let filled_in = Duration::from_millis(room / (FILLED_AT_MOST * self.processors as u64));
        filled_in.clamp(*LOOK_EVERY.start(), *LOOK_EVERY.end())
    }

    /// An idle worker, at best one that has `source` open; or a new one.
    async fn take(self: &Arc<Self>, source: &crate::Source) -> io::Result<Worker> {
        while let Some(mut worker) = self.idle(source) {
            if worker.is_alive() {
                self.keep_one_ready();
                return Ok(worker);
            }
            worker.end().await;
        }
        let worker = self.start().await?;
        self.keep_one_ready();
        Ok(worker)
    }

    fn idle(&self, source: &crate::Source) -> Option<Worker> {
        let mut state = self.state();
        let known = state.idle.iter().rposition(|worker| worker.last.as_ref() == Some(source));
        // One that has other files open is left to those who want them, where there is a choice.
        let blank = || state.idle.iter().rposition(|worker| worker.last.is_none());
        let place = known.or_else(blank).or_else(|| state.idle.len().checked_sub(1))?;
        Some(state.idle.remove(place))
    }

    async fn start(&self) -> io::Result<Worker> {
        let id = {
            let mut state = self.state();
            state.made += 1;
            state.made
        };
        let spill = self.spill_folder()?.join(id.to_string());
        let start = Start { settings: self.settings.clone(), memory_bytes: self.share_bytes() as usize, spill };
        Worker::start(id, &self.isolation, &start).await
    }

    fn spill_folder(&self) -> io::Result<&Path> {
        if let Some(folder) = self.spill.get() {
            return Ok(folder.path());
        }
        let prefix = format!("pilothouse-query-{}-", std::process::id());
        let made = tempfile::Builder::new().prefix(&prefix).permissions(Permissions::from_mode(0o700)).tempdir()?;
        Ok(self.spill.get_or_init(|| made).path())
    }

    /// Starts a worker beside the ones at work, if none is idle and there is a place for it.
    pub fn keep_one_ready(self: &Arc<Self>) {
        if matches!(self.isolation, Isolation::Threads) {
            return;
        }
        {
            let mut state = self.state();
            if !state.idle.is_empty() || state.busy.len() + state.coming >= self.places {
                return;
            }
            state.coming += 1;
        }
        let pool = self.clone();
        tokio::spawn(async move {
            let started = pool.start().await;
            pool.state().coming -= 1;
            match started {
                Ok(worker) => pool.put_back(worker).await,
                Err(error) => tracing::error!("no worker can be started: {error}"),
            }
        });
    }

    /// Keeps a worker for the next request, unless there are as many as there may be, or what it has done left it so large
    /// that the next request would be taken for the one that needs all the memory.
    async fn put_back(self: &Arc<Self>, mut worker: Worker) {
        worker.idle_since = Instant::now();
        let is_large = worker.resident_bytes().is_some_and(|bytes| bytes > self.share_bytes().max(IDLE_BYTES));
        let surplus = {
            let mut state = self.state();
            if !is_large && state.idle.len() + state.busy.len() < self.places {
                state.idle.push(worker);
                if !std::mem::replace(&mut state.tidying, true) {
                    tokio::spawn(tidy(Arc::downgrade(self)));
                }
                None
            } else {
                Some(worker)
            }
        };
        if let Some(worker) = surplus {
            worker.end().await;
            self.keep_one_ready();
        }
    }

    async fn ask_worker(
        self: &Arc<Self>,
        mut worker: Worker,
        request: &Request,
        call: &Call<'_>,
    ) -> Result<Answer, Error> {
        let busy = Busy::new(self, worker.id);
        let process = worker.process_id();
        let stopped = tokio::select! {
            answered = worker.ask(request) => match answered {
                Ok(answer) => {
                    drop(busy);
                    worker.last = Some(request.source.clone());
                    self.put_back(worker).await;
                    return answer;
                }
                Err(error) => {
                    tracing::debug!("a worker broke off: {error}");
                    Stopped::Died
                }
            },
            () = tokio::time::sleep(call.limits.timeout) => Stopped::Late,
            () = call.cancel.cancelled() => Stopped::Cancelled,
            () = busy.watch(process) => Stopped::Memory,
        };
        self.state().lost += 1;
        let mut status = None;
        match stopped {
            Stopped::Died => status = worker.died().await,
            Stopped::Cancelled | Stopped::Late | Stopped::Memory => worker.end().await,
        }
        drop(busy);
        self.keep_one_ready();
        Err(told(&stopped, status, call.limits.timeout))
    }
}

/// A worker at work, whose memory counts.
struct Busy<'a> {
    pool: &'a Arc<Pool>,
    id: u64,
}

impl<'a> Busy<'a> {
    fn new(pool: &'a Arc<Pool>, id: u64) -> Self {
        pool.state().busy.insert(id, 0);
        Self { pool, id }
    }

    /// Returns once the workers together have more memory than they may and this one has most of it.
    async fn watch(&self, process: Option<u32>) {
        let Some(process) = process else { return std::future::pending().await };
        let mut room = 0;
        loop {
            tokio::time::sleep(self.pool.next_look(room)).await;
            let Some(resident) = worker::resident_bytes(process) else { continue };
            let is_over = {
                let mut state = self.pool.state();
                state.busy.insert(self.id, resident);
                let (all, most) = (state.busy.values().sum::<u64>(), state.busy.values().max());
                room = self.pool.budget_bytes().saturating_sub(all);
                room == 0 && most == Some(&resident)
            };
            if is_over {
                return;
            }
            self.pool.admit();
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.pool.state().busy.remove(&self.id);
    }
}

/// Ends workers that have been idle for long, but for one, which is replaced if it has grown.
async fn tidy(pool: std::sync::Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE_AT_MOST / 2).await;
        let Some(pool) = pool.upgrade() else { return };
        let ended: Vec<Worker> = {
            let mut state = pool.state();
            let newest = state.idle.last().map(|worker| worker.id);
            let grown = |worker: &Worker| worker.resident_bytes().is_some_and(|bytes| bytes > IDLE_BYTES);
            let spare = |worker: &Worker| Some(worker.id) != newest || grown(worker);
            let old = |worker: &Worker| worker.idle_since.elapsed() >= IDLE_AT_MOST;
            let (ended, kept) = std::mem::take(&mut state.idle).into_iter().partition(|one| old(one) && spare(one));
            state.idle = kept;
            ended
        };
        for worker in ended {
            worker.end().await;
        }
        pool.keep_one_ready();
    }
}

/// Why there is no answer.
fn told(stopped: &Stopped, status: Option<std::process::ExitStatus>, timeout: Duration) -> Error {
    use std::os::unix::process::ExitStatusExt;
    let by_system = status.and_then(|status| status.signal()) == Some(rustix::process::Signal::KILL.as_raw());
    match stopped {
        Stopped::Cancelled => Error::cancelled(),
        Stopped::Late => {
            let seconds = timeout.as_secs_f64();
            Error::new(Code::QueryTimeout, format!("The query took longer than {seconds} seconds and was stopped."))
        }
        Stopped::Memory => Error::new(Code::QueryMemory, "The query needed more memory than queries may use."),
        Stopped::Died if by_system => {
            Error::new(Code::QueryMemory, "The system ended the query, as it does when memory runs out.")
        }
        Stopped::Died => {
            Error::new(Code::QueryCrashed, "The query engine broke down on this query and was started anew.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Cancel, Limits};

    #[tokio::test]
    async fn thousands_who_gave_up_waiting_are_passed_over() {
        let pool = Pool::new(&Settings { query_workers: 2, ..Settings::default() }, Isolation::Threads);
        let cancel = Cancel::new();
        let limits = Limits { timeout: Duration::from_secs(1), max_rows: 1 };
        let call = |owner: &str| Call { owner: owner.into(), weight: 1, limits, cancel: &cancel };
        let (busy, other) = (call("busy"), call("other"));
        let held = (pool.seat(&busy).await.ok(), pool.seat(&other).await.ok());
        for _ in 0..100_000 {
            tokio::select! {
                biased;
                seat = pool.seat(&busy) => assert!(seat.is_err(), "every place is taken"),
                () = std::future::ready(()) => {}
            }
        }
        assert_eq!(pool.load().waiting, 100_000);
        drop(held);
        assert!(pool.seat(&busy).await.is_ok());
        assert_eq!(pool.load().waiting, 0);
    }
}
