//! A node on a database, alone or beside others: it can lose its connection for a while, and answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use pilothouse_domain::{Ids, Micros, RunId, TenantId};
use pilothouse_engine::{Also, Backend};
use pilothouse_store::journal::Entry;
use pilothouse_store::queues::Queue;
use pilothouse_store::runs::{
    Change, Claim, Claimed, Horizon, Lane, Outcome, Promoted, Pruned, Released, Run, Signal, Taken,
};
use pilothouse_store::schedules::Fired;
use pilothouse_store::workers::Worker;
use pilothouse_store::{Error, Hints, Store};
use tokio::sync::watch;

/// The database as one process sees it.
#[derive(Clone)]
pub struct Node {
    store: Store,
    alone: bool,
    connected: Arc<watch::Sender<bool>>,
    loses_claim: Arc<AtomicBool>,
}

impl Node {
    /// One of several, be it on SQLite.
    pub fn of(store: &Store) -> Self {
        let (store, connected) = (store.clone(), Arc::new(watch::Sender::new(true)));
        Self { store, alone: false, connected, loses_claim: Arc::default() }
    }

    /// The only one, be it on PostgreSQL.
    pub fn alone(store: &Store) -> Self {
        Self { alone: true, ..Self::of(store) }
    }

    /// From now on the database does not answer this node, until it is told to go on.
    pub fn stall(&self) {
        self.connected.send_replace(false);
    }

    pub fn go_on(&self) {
        self.connected.send_replace(true);
    }

    /// The answer to the next claim that takes something is lost.
    pub fn lose_next_claim(&self) {
        self.loses_claim.store(true, Ordering::SeqCst);
    }

    async fn store(&self) -> &dyn Backend {
        let mut connected = self.connected.subscribe();
        connected.wait_for(|connected| *connected).await.unwrap();
        &self.store
    }
}

#[async_trait]
impl Backend for Node {
    fn is_exclusive(&self) -> bool {
        self.alone
    }

    async fn hints(&self) -> Result<Option<Hints>, Error> {
        if self.alone { Ok(None) } else { self.store().await.hints().await }
    }

    async fn hint(&self, word: String) -> Result<(), Error> {
        self.store().await.hint(word).await
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<Vec<Outcome>, Error> {
        self.store().await.apply(changes).await
    }

    async fn apply_with(&self, change: Change, also: Also) -> Result<Outcome, Error> {
        self.store().await.apply_with(change, also).await
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed, Error> {
        let claimed = self.store().await.claim(claim).await?;
        if !claimed.runs.is_empty() && self.loses_claim.swap(false, Ordering::SeqCst) {
            return Err(Error::Unavailable("the answer was lost".into()));
        }
        Ok(claimed)
    }

    async fn taken(&self, runs: Vec<Taken>) -> Result<Vec<Run>, Error> {
        self.store().await.taken(runs).await
    }

    async fn ready_lanes(&self, after: Option<Lane>, limit: u32) -> Result<Vec<Lane>, Error> {
        self.store().await.ready_lanes(after, limit).await
    }

    async fn promote(&self, now: Micros, limit: u32) -> Result<Promoted, Error> {
        self.store().await.promote(now, limit).await
    }

    async fn queues(&self) -> Result<Vec<Queue>, Error> {
        self.store().await.queues().await
    }

    async fn join(&self, worker: Worker) -> Result<(), Error> {
        self.store().await.join(worker).await
    }

    async fn beat(&self, worker: &str, now: Micros) -> Result<Option<Vec<(TenantId, RunId)>>, Error> {
        self.store().await.beat(worker, now).await
    }

    async fn workers(&self) -> Result<Vec<Worker>, Error> {
        self.store().await.workers().await
    }

    async fn give_up(
        &self,
        worker: &str,
        beats: Option<i64>,
        now: Micros,
        limit: u32,
    ) -> Result<Option<Released>, Error> {
        self.store().await.give_up(worker, beats, now, limit).await
    }

    async fn held(&self, worker: &str) -> Result<Vec<(TenantId, RunId, i64)>, Error> {
        self.store().await.held(worker).await
    }

    async fn put_back(&self, runs: Vec<(TenantId, RunId, i64)>, now: Micros) -> Result<Released, Error> {
        self.store().await.put_back(runs, now).await
    }

    async fn history(&self, tenant: &TenantId, run: RunId) -> Result<(Vec<Entry>, Vec<Signal>), Error> {
        self.store().await.history(tenant, run).await
    }

    async fn look(
        &self,
        tenant: &TenantId,
        run: RunId,
        after: i64,
        limit: u32,
    ) -> Result<Option<(Run, Vec<Entry>)>, Error> {
        self.store().await.look(tenant, run, after, limit).await
    }

    async fn cancel(&self, tenant: &TenantId, run: RunId, now: Micros) -> Result<Option<(Run, bool)>, Error> {
        self.store().await.cancel(tenant, run, now).await
    }

    async fn signal(
        &self,
        tenant: &TenantId,
        run: RunId,
        signal: (String, String, String),
        now: Micros,
    ) -> Result<Option<Run>, Error> {
        self.store().await.signal(tenant, run, signal, now).await
    }

    async fn retry(&self, tenant: &TenantId, run: RunId, now: Micros) -> Result<Option<(Run, bool)>, Error> {
        self.store().await.retry(tenant, run, now).await
    }

    async fn fire_schedules(
        &self,
        versions: BTreeMap<String, i64>,
        ids: Arc<dyn Ids>,
        now: Micros,
        limit: u32,
    ) -> Result<Fired, Error> {
        self.store().await.fire_schedules(versions, ids, now, limit).await
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, Error> {
        self.store().await.tenants().await
    }

    async fn prune(
        &self,
        tenant: &TenantId,
        horizon: Horizon,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Pruned, Error> {
        self.store().await.prune(tenant, horizon, after, limit).await
    }
}
