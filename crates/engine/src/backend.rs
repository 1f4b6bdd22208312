//! What the engine needs of a database: a few questions, and changes in groups. The store answers them in production;
//! a simulator answers them with faults.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use pilothouse_domain::{Ids, Micros, RunId, TenantId};
use pilothouse_store::journal::{self, Entry};
use pilothouse_store::queues::{self, Queue};
use pilothouse_store::runs::{
    self, Change, Claim, Claimed, Horizon, Lane, Outcome, Promoted, Pruned, Released, Run, Signal, Taken,
};
use pilothouse_store::schedules::{self, Fired};
use pilothouse_store::tenants;
use pilothouse_store::workers::{self, Worker};
use pilothouse_store::{BoxFuture, Error, Hints, Store, Tx};

/// Most entries of a run that are read at once.
const HISTORY_PAGE: u32 = 1_000;

/// What is written in the commit of a change.
pub type Also = Box<dyn for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<(), Error>> + Send>;

/// A database of runs.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Whether no other process can use the database.
    fn is_exclusive(&self) -> bool;

    /// The database's own time, where several nodes go by it.
    async fn now(&self) -> Result<Option<Micros>, Error> {
        Ok(None)
    }

    /// Begins to hear what other nodes say; none where there cannot be any.
    async fn hints(&self) -> Result<Option<Hints>, Error>;

    /// Says something to every node.
    async fn hint(&self, word: String) -> Result<(), Error>;

    /// Applies changes in one commit.
    async fn apply(&self, changes: Vec<Change>) -> Result<Vec<Outcome>, Error>;

    /// Applies one change in a commit together with what `also` writes; see [`runs::apply_with`].
    async fn apply_with(&self, change: Change, also: Also) -> Result<Outcome, Error>;

    /// Takes runs for a worker.
    async fn claim(&self, claim: Claim) -> Result<Claimed, Error>;

    /// The runs that were taken.
    async fn taken(&self, runs: Vec<Taken>) -> Result<Vec<Run>, Error>;

    /// Lanes with ready runs, after one of them, in order.
    async fn ready_lanes(&self, after: Option<Lane>, limit: u32) -> Result<Vec<Lane>, Error>;

    /// Makes runs ready whose moment has come.
    async fn promote(&self, now: Micros, limit: u32) -> Result<Promoted, Error>;

    /// The queues that have settings.
    async fn queues(&self) -> Result<Vec<Queue>, Error>;

    /// Stores a new worker.
    async fn join(&self, worker: Worker) -> Result<(), Error>;

    /// A worker's sign of life: its runs that somebody wants to stop, or none when it was given up.
    async fn beat(&self, worker: &str, now: Micros) -> Result<Option<Vec<(TenantId, RunId)>>, Error>;

    /// Every worker.
    async fn workers(&self) -> Result<Vec<Worker>, Error>;

    /// Gives a worker up whose count stands at `beats` (none: whatever it is), and takes back at most `limit` of its
    /// runs. None where it has shown life since.
    async fn give_up(
        &self,
        worker: &str,
        beats: Option<i64>,
        now: Micros,
        limit: u32,
    ) -> Result<Option<Released>, Error>;

    /// The runs that a worker holds, each with its claim.
    async fn held(&self, worker: &str) -> Result<Vec<(TenantId, RunId, i64)>, Error>;

    /// Puts runs back that are held under these claims and that nobody works on; see [`runs::put_back`].
    async fn put_back(&self, runs: Vec<(TenantId, RunId, i64)>, now: Micros) -> Result<Released, Error>;

    /// What happened in a run, with or without the lines that it logged, and the signals it was sent.
    async fn history(&self, tenant: &TenantId, run: RunId) -> Result<(Vec<Entry>, Vec<Signal>), Error>;

    /// A run with its entries after a number.
    async fn look(
        &self,
        tenant: &TenantId,
        run: RunId,
        after: i64,
        limit: u32,
    ) -> Result<Option<(Run, Vec<Entry>)>, Error>;

    /// Cancels a run; see [`runs::cancel`].
    async fn cancel(&self, tenant: &TenantId, run: RunId, now: Micros) -> Result<Option<(Run, bool)>, Error>;

    /// Sends a run a signal: name, payload, sender; see [`runs::signal`].
    async fn signal(
        &self,
        tenant: &TenantId,
        run: RunId,
        signal: (String, String, String),
        now: Micros,
    ) -> Result<Option<Run>, Error>;

    /// Lets a run be tried again; see [`runs::retry`].
    async fn retry(&self, tenant: &TenantId, run: RunId, now: Micros) -> Result<Option<(Run, bool)>, Error>;

    /// Decides on the schedules that are due and enqueues their runs; see [`schedules::fire`].
    async fn fire_schedules(
        &self,
        _versions: BTreeMap<String, i64>,
        _ids: Arc<dyn Ids>,
        _now: Micros,
        _limit: u32,
    ) -> Result<Fired, Error> {
        Ok(Fired::default())
    }

    /// Every tenant.
    async fn tenants(&self) -> Result<Vec<TenantId>, Error>;

    /// Forgets runs that ended long ago; see [`runs::prune`].
    async fn prune(
        &self,
        tenant: &TenantId,
        horizon: Horizon,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Pruned, Error>;
}

#[async_trait]
impl Backend for Store {
    fn is_exclusive(&self) -> bool {
        Store::is_exclusive(self)
    }

    async fn now(&self) -> Result<Option<Micros>, Error> {
        Store::now(self).await
    }

    async fn hints(&self) -> Result<Option<Hints>, Error> {
        Store::hints(self).await
    }

    async fn hint(&self, word: String) -> Result<(), Error> {
        Store::hint(self, word).await
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<Vec<Outcome>, Error> {
        self.write(move |tx| Box::pin(runs::apply(tx, changes))).await
    }

    async fn apply_with(&self, change: Change, also: Also) -> Result<Outcome, Error> {
        self.write(move |tx| Box::pin(runs::apply_with(tx, change, also))).await
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed, Error> {
        self.write(move |tx| Box::pin(async move { runs::claim(tx, &claim).await })).await
    }

    async fn taken(&self, runs: Vec<Taken>) -> Result<Vec<Run>, Error> {
        self.read(move |tx| Box::pin(runs::taken(tx, runs))).await
    }

    async fn ready_lanes(&self, after: Option<Lane>, limit: u32) -> Result<Vec<Lane>, Error> {
        self.read(move |tx| Box::pin(async move { runs::ready_lanes(tx, after.as_ref(), limit).await })).await
    }

    async fn promote(&self, now: Micros, limit: u32) -> Result<Promoted, Error> {
        // Looking is cheap and leaves the writer alone while no moment has come.
        let next_at = self.read(|tx| Box::pin(runs::next_wake(tx))).await?;
        if next_at.is_none_or(|next| next > now) {
            return Ok(Promoted { next_at, ..Promoted::default() });
        }
        self.write(move |tx| Box::pin(runs::promote(tx, now, limit))).await
    }

    async fn queues(&self) -> Result<Vec<Queue>, Error> {
        self.read(|tx| Box::pin(queues::list(tx))).await
    }

    async fn join(&self, worker: Worker) -> Result<(), Error> {
        self.write(move |tx| Box::pin(async move { workers::join(tx, &worker).await })).await
    }

    async fn beat(&self, worker: &str, now: Micros) -> Result<Option<Vec<(TenantId, RunId)>>, Error> {
        let worker = worker.to_owned();
        self.write(move |tx| Box::pin(async move { workers::beat(tx, &worker, now).await })).await
    }

    async fn workers(&self) -> Result<Vec<Worker>, Error> {
        self.read(|tx| Box::pin(workers::list(tx))).await
    }

    async fn give_up(
        &self,
        worker: &str,
        beats: Option<i64>,
        now: Micros,
        limit: u32,
    ) -> Result<Option<Released>, Error> {
        let worker = worker.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                if !workers::give_up(tx, &worker, beats).await? {
                    return Ok(None);
                }
                let released = runs::release(tx, &worker, now, limit).await?;
                if released.runs == 0 {
                    workers::forget(tx, &worker).await?;
                }
                Ok(Some(released))
            })
        })
        .await
    }

    async fn held(&self, worker: &str) -> Result<Vec<(TenantId, RunId, i64)>, Error> {
        let worker = worker.to_owned();
        self.read(move |tx| Box::pin(async move { runs::held(tx, &worker).await })).await
    }

    async fn put_back(&self, runs: Vec<(TenantId, RunId, i64)>, now: Micros) -> Result<Released, Error> {
        self.write(move |tx| Box::pin(runs::put_back(tx, runs, now))).await
    }

    async fn history(&self, tenant: &TenantId, run: RunId) -> Result<(Vec<Entry>, Vec<Signal>), Error> {
        let tenant = tenant.clone();
        self.read(move |tx| {
            Box::pin(async move {
                let mut entries: Vec<Entry> = Vec::new();
                loop {
                    let after = entries.last().map_or(0, |entry| entry.seq);
                    let page = journal::without_lines(tx, &tenant, run, after, HISTORY_PAGE).await?;
                    let last = page.len() < HISTORY_PAGE as usize;
                    entries.extend(page);
                    if last {
                        break;
                    }
                }
                Ok((entries, runs::signals(tx, &tenant, run).await?))
            })
        })
        .await
    }

    async fn look(
        &self,
        tenant: &TenantId,
        run: RunId,
        after: i64,
        limit: u32,
    ) -> Result<Option<(Run, Vec<Entry>)>, Error> {
        let tenant = tenant.clone();
        self.read(move |tx| {
            Box::pin(async move {
                let Some(found) = runs::get(tx, &tenant, run).await? else { return Ok(None) };
                Ok(Some((found, journal::list(tx, &tenant, run, after, limit).await?)))
            })
        })
        .await
    }

    async fn cancel(&self, tenant: &TenantId, run: RunId, now: Micros) -> Result<Option<(Run, bool)>, Error> {
        let tenant = tenant.clone();
        self.write(move |tx| Box::pin(async move { runs::cancel(tx, &tenant, run, now).await })).await
    }

    async fn signal(
        &self,
        tenant: &TenantId,
        run: RunId,
        (name, payload, sent_by): (String, String, String),
        now: Micros,
    ) -> Result<Option<Run>, Error> {
        let tenant = tenant.clone();
        self.write(move |tx| {
            Box::pin(async move { runs::signal(tx, &tenant, run, (&name, &payload, &sent_by), now).await })
        })
        .await
    }

    async fn retry(&self, tenant: &TenantId, run: RunId, now: Micros) -> Result<Option<(Run, bool)>, Error> {
        let tenant = tenant.clone();
        self.write(move |tx| Box::pin(async move { runs::retry(tx, &tenant, run, now).await })).await
    }

    async fn fire_schedules(
        &self,
        versions: BTreeMap<String, i64>,
        ids: Arc<dyn Ids>,
        now: Micros,
        limit: u32,
    ) -> Result<Fired, Error> {
        // Looking is cheap and leaves the writer alone while none is due.
        let known = versions.clone();
        let next_at = self.read(move |tx| Box::pin(async move { schedules::next_due(tx, &known).await })).await?;
        if next_at.is_none_or(|next| next > now) {
            return Ok(Fired { next_at, ..Fired::default() });
        }
        self.write(move |tx| Box::pin(async move { schedules::fire(tx, &versions, ids.as_ref(), now, limit).await }))
            .await
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, Error> {
        let tenants = self.read(|tx| Box::pin(tenants::list(tx))).await?;
        Ok(tenants.into_iter().map(|tenant| tenant.id).collect())
    }

    async fn prune(
        &self,
        tenant: &TenantId,
        horizon: Horizon,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Pruned, Error> {
        let tenant = tenant.clone();
        self.write(move |tx| Box::pin(async move { runs::prune(tx, &tenant, horizon, after, limit).await })).await
    }
}
