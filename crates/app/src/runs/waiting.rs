//! What stands in line and why it has not begun; and what nobody tries any more.

use std::collections::BTreeMap;

use pilothouse_domain::action::Tier;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, Role, RunId, TenantId};
use pilothouse_store::journal::{self, Entry};
use pilothouse_store::queues::{self, Queue};
use pilothouse_store::runs::{self, Lane, Limits, Run};
use pilothouse_store::workers::{self, Worker};
use pilothouse_store::{Error as StoreError, Tx};

use super::MAX_PAGE;
use super::filter::{self, Filter};
use super::stuck::silent_since;
use crate::{App, Caller, Error, audit, gates};

/// Most bad attempts that are shown of a run.
const MAX_SHOWN_ATTEMPTS: u32 = 100;

/// Why a queued run has not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its queue is paused.
    QueuePaused,
    /// It is to begin later.
    Scheduled,
    /// It failed and is tried again after a pause.
    Retry,
    /// As many runs begin as its queue's rate allows.
    RateLimit,
    /// As many runs are at work as the workers, its queue, its tenant or its key allow.
    ConcurrencyLimit,
    /// No worker that lives serves its queue, or one is about to take it.
    WaitingForWorker,
}

impl Reason {
    /// The reason as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueuePaused => "queue_paused",
            Self::Scheduled => "scheduled",
            Self::Retry => "retry",
            Self::RateLimit => "rate_limit",
            Self::ConcurrencyLimit => "concurrency_limit",
            Self::WaitingForWorker => "waiting_for_worker",
        }
    }
}

/// A run in line.
#[derive(Debug, Clone)]
pub struct Queued {
    /// The run.
    pub run: Run,
    /// Its place among all of its tenant's, from 1.
    pub position: u32,
    /// Why it has not begun.
    pub reason: Reason,
}

/// A run that is dead, with the reasons of its attempts.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// The run.
    pub run: Run,
    /// Why its attempts ended badly, oldest first.
    pub failures: Vec<Entry>,
}

/// At most `limit` of the tenant's runs in line after the first `offset`, in the order in which they are taken, and how
/// many there are in all.
pub async fn queued(app: &App, caller: &Caller, offset: u32, limit: u32) -> Result<(Vec<Queued>, i64), Error> {
    gates::pass(app, caller, &audit::action("run.list", Tier::Read, Role::Viewer, "", &())).await?;
    let (tenant, now) = (caller.principal.tenant.clone(), app.engine.now());
    let (silent, limit) = (silent_since(app, now), limit.clamp(1, MAX_PAGE));
    let found = app.store.read(move |tx| {
        Box::pin(async move {
            let found = runs::queued(tx, &tenant, offset, limit).await?;
            let counts = runs::counts(tx, &tenant, 1).await?;
            let total = counts.iter().find(|(status, _)| *status == Status::Queued).map_or(0, |(_, runs)| *runs);
            let hold = Hold::read(tx, silent, now).await?;
            let place = |(index, run): (usize, Run)| {
                let position = offset.saturating_add(u32::try_from(index).unwrap_or(u32::MAX)).saturating_add(1);
                Queued { position, reason: hold.reason(&run), run }
            };
            Ok((found.into_iter().enumerate().map(place).collect(), total))
        })
    });
    Ok(found.await?)
}

/// Why a queued run has not begun.
pub async fn reason_of(app: &App, run: &Run) -> Result<Option<Reason>, Error> {
    Ok(reasons(app, std::slice::from_ref(run)).await?.pop().flatten())
}

/// The same for several, in their order.
pub(super) async fn reasons(app: &App, runs: &[Run]) -> Result<Vec<Option<Reason>>, Error> {
    let is_queued = |run: &Run| run.status == Status::Queued;
    if !runs.iter().any(is_queued) {
        return Ok(vec![None; runs.len()]);
    }
    let now = app.engine.now();
    let silent = silent_since(app, now);
    let hold = app.store.read(move |tx| Box::pin(async move { Hold::read(tx, silent, now).await })).await?;
    Ok(runs.iter().map(|run| is_queued(run).then(|| hold.reason(run))).collect())
}

/// A page of the tenant's dead letters that nobody has discarded, newest first, and the id after which the next begins.
pub async fn dead_letters(
    app: &App,
    caller: &Caller,
    limit: u32,
    before: Option<RunId>,
) -> Result<(Vec<DeadLetter>, Option<RunId>), Error> {
    gates::pass(app, caller, &audit::action("run.list", Tier::Read, Role::Viewer, "", &())).await?;
    let limit = limit.clamp(1, MAX_PAGE);
    let tenant = caller.principal.tenant.clone();
    let filter = Filter { statuses: vec![Status::Dead], discarded: Some(false), ..Filter::default() };
    let found = app.store.read(move |tx| {
        Box::pin(async move {
            let mut found = filter::page(tx, &tenant, &filter, limit + 1, before).await?;
            let more = found.len() > limit as usize;
            found.truncate(limit as usize);
            let next = found.last().filter(|_| more).map(|run| run.id);
            let mut letters = Vec::with_capacity(found.len());
            for run in found {
                let failures = journal::failures(tx, &tenant, run.id, MAX_SHOWN_ATTEMPTS).await?;
                letters.push(DeadLetter { run, failures });
            }
            Ok((letters, next))
        })
    });
    Ok(found.await?)
}

/// What can keep runs back.
struct Hold {
    queues: BTreeMap<String, Queue>,
    running: BTreeMap<Lane, u32>,
    next_at: BTreeMap<String, Micros>,
    workers: Vec<Worker>,
    now: Micros,
}

impl Hold {
    async fn read(tx: &mut Tx<'_>, silent: Micros, now: Micros) -> Result<Self, StoreError> {
        let queues = queues::list(tx).await?.into_iter().map(|queue| (queue.name.clone(), queue)).collect();
        let (running, next_at) = (runs::running(tx).await?, queues::rates(tx).await?);
        let mut workers = workers::list(tx).await?;
        workers.retain(|worker| !worker.gone && worker.beat_at > silent);
        Ok(Self { queues, running, next_at, workers, now })
    }

    fn reason(&self, run: &Run) -> Reason {
        let limits = self.queues.get(&run.queue).map(|queue| queue.limits.clone()).unwrap_or_default();
        if limits.paused {
            return Reason::QueuePaused;
        }
        if run.wake_at.is_some() {
            return if run.attempt > 1 { Reason::Retry } else { Reason::Scheduled };
        }
        let next_at = self.next_at.get(&run.queue).copied().unwrap_or(0);
        if limits.starts_left(next_at, self.now) == Some(0) {
            return Reason::RateLimit;
        }
        if self.is_full(run, &limits) { Reason::ConcurrencyLimit } else { Reason::WaitingForWorker }
    }

    fn is_full(&self, run: &Run, limits: &Limits) -> bool {
        let of = |is: &dyn Fn(&Lane) -> bool| -> u32 {
            self.running.iter().filter(|(lane, _)| is(lane)).map(|(_, runs)| *runs).sum()
        };
        let (queue, tenant): (&str, &TenantId) = (&run.queue, &run.tenant);
        let full = |limit: Option<u32>, used: u32| limit.is_some_and(|limit| used >= limit);
        let serving = self.workers.iter().filter(|worker| serves(worker, queue));
        let places: i64 = serving.map(|worker| worker.concurrency).sum();
        full(limits.running, of(&|lane| lane.queue == queue))
            || full(limits.running_per_tenant, of(&|lane| lane.queue == queue && lane.tenant == *tenant))
            || (!run.key.is_empty() && full(limits.running_per_key, of(&|lane| *lane == run.lane())))
            || (places > 0 && i64::from(of(&|_| true)) >= places)
    }
}

/// Whether a worker takes runs of a queue.
pub(crate) fn serves(worker: &Worker, queue: &str) -> bool {
    worker.queues.is_empty() || worker.queues.split(',').any(|own| own == queue)
}
