//! The way from a process to the database: answers come late, not at all, or say less than has happened.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

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
use pilothouse_store::{Error, Hints};

use crate::drive::TENANTS;
use crate::hints;
use crate::memory::Tables;
use crate::turns::take;
use crate::world::{Life, Process};

/// The database as one process reaches it.
pub struct Wire {
    pub process: Arc<Process>,
}

impl Wire {
    async fn call<T: Debug>(&self, what: &str, effect: impl FnOnce(&mut Tables) -> T) -> Result<T, Error> {
        let (process, world) = (&self.process, &self.process.world);
        process.goes_on().await;
        let fate = world.fate();
        tokio::time::sleep(fate.there).await;
        if process.life() == Life::Dead && !fate.survives {
            std::future::pending::<()>().await;
        }
        if fate.fails_before {
            world.tell(format_args!("{} {what}: not made", process.name));
            process.goes_on().await;
            return Err(if fate.full { Error::Full } else { Error::Unavailable("the call was not made".into()) });
        }
        let answer = world.with(|inner| {
            let answer = effect(&mut inner.tables);
            inner.checks.look(&mut inner.tables, world.now());
            answer
        });
        world.note_call(&process.name, what, &answer, fate.fails_after);
        tokio::time::sleep(fate.back).await;
        process.goes_on().await;
        if fate.fails_after { Err(Error::Unavailable("the answer was lost".into())) } else { Ok(answer) }
    }
}

#[async_trait]
impl Backend for Wire {
    fn is_exclusive(&self) -> bool {
        false
    }

    async fn now(&self) -> Result<Option<Micros>, Error> {
        let world = self.process.world.clone();
        self.call("asks the time", |_| world.now()).await.map(Some)
    }

    async fn hints(&self) -> Result<Option<Hints>, Error> {
        let (ear, heard) = hints::listener(&self.process);
        self.call("listens", |tables| tables.ears.push(ear)).await?;
        Ok(Some(heard))
    }

    async fn hint(&self, word: String) -> Result<(), Error> {
        self.call("says", |tables| hints::say(&self.process.world, tables, &word)).await
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<Vec<Outcome>, Error> {
        let shown = |changes: &[Change]| changes.iter().map(shown).collect::<Vec<_>>().join(", ");
        let what =
            if self.process.world.tells() { format!("applies {}", shown(&changes)) } else { "applies".to_owned() };
        self.call(&what, |tables| changes.into_iter().map(|change| tables.apply(change)).collect()).await
    }

    async fn apply_with(&self, _: Change, _: Also) -> Result<Outcome, Error> {
        Err(Error::Database("this database knows no other tables".into()))
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed, Error> {
        self.call("claims", |tables| take(tables, &claim)).await
    }

    async fn taken(&self, runs: Vec<Taken>) -> Result<Vec<Run>, Error> {
        self.call("looks at what it took", |tables| tables.taken(runs)).await
    }

    async fn ready_lanes(&self, after: Option<Lane>, limit: u32) -> Result<Vec<Lane>, Error> {
        self.call("looks at lanes", |tables| tables.ready_lanes(after.as_ref(), limit)).await
    }

    async fn promote(&self, now: Micros, limit: u32) -> Result<Promoted, Error> {
        self.call("wakes", |tables| tables.promote(now, limit)).await
    }

    async fn queues(&self) -> Result<Vec<Queue>, Error> {
        self.call("looks at queues", |tables| tables.queues()).await
    }

    async fn join(&self, worker: Worker) -> Result<(), Error> {
        self.call("joins", |tables| {
            tables.workers.entry(worker.id.clone()).or_insert(worker);
        })
        .await
    }

    async fn beat(&self, worker: &str, now: Micros) -> Result<Option<Vec<(TenantId, RunId)>>, Error> {
        self.call("beats", |tables| tables.beat(worker, now)).await
    }

    async fn workers(&self) -> Result<Vec<Worker>, Error> {
        self.call("looks at workers", |tables| tables.workers()).await
    }

    async fn give_up(
        &self,
        worker: &str,
        beats: Option<i64>,
        now: Micros,
        limit: u32,
    ) -> Result<Option<Released>, Error> {
        let what = format!("gives up {worker}");
        self.call(&what, |tables| tables.give_up(worker, beats, now, limit)).await
    }

    async fn held(&self, worker: &str) -> Result<Vec<(TenantId, RunId, i64)>, Error> {
        self.call("looks what it holds", |tables| tables.held(worker)).await
    }

    async fn put_back(&self, runs: Vec<(TenantId, RunId, i64)>, now: Micros) -> Result<Released, Error> {
        self.call("puts back", |tables| tables.put_back(runs, now)).await
    }

    async fn history(&self, tenant: &TenantId, run: RunId) -> Result<(Vec<Entry>, Vec<Signal>), Error> {
        self.call("reads", |tables| {
            let row = tables.get(tenant, run);
            row.map(|row| (row.journal.iter().map(|written| written.entry.clone()).collect(), row.signals.clone()))
                .unwrap_or_default()
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
        self.call("looks", |tables| {
            let row = tables.get(tenant, run)?;
            let later = row.journal.iter().map(|written| &written.entry).filter(|entry| entry.seq > after);
            Some((row.run.clone(), later.take(limit as usize).cloned().collect()))
        })
        .await
    }

    async fn cancel(&self, tenant: &TenantId, run: RunId, now: Micros) -> Result<Option<(Run, bool)>, Error> {
        self.call("cancels", |tables| tables.cancel(tenant, run, now)).await
    }

    async fn signal(
        &self,
        tenant: &TenantId,
        run: RunId,
        signal: (String, String, String),
        now: Micros,
    ) -> Result<Option<Run>, Error> {
        self.call("signals", |tables| tables.signal(tenant, run, signal, now)).await
    }

    async fn retry(&self, tenant: &TenantId, run: RunId, now: Micros) -> Result<Option<(Run, bool)>, Error> {
        self.call("retries", |tables| tables.retry(tenant, run, now)).await
    }

    async fn fire_schedules(
        &self,
        _: BTreeMap<String, i64>,
        ids: Arc<dyn Ids>,
        now: Micros,
        limit: u32,
    ) -> Result<Fired, Error> {
        self.call("ticks", |tables| tables.fire(ids.as_ref(), now, limit)).await
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, Error> {
        self.call("looks at tenants", |_| TENANTS.iter().filter_map(|name| name.parse().ok()).collect()).await
    }

    async fn prune(
        &self,
        tenant: &TenantId,
        horizon: Horizon,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Pruned, Error> {
        self.call("forgets", |tables| tables.prune(tenant, horizon, after, limit)).await
    }
}

/// A change in a few words.
fn shown(change: &Change) -> String {
    match change {
        Change::Enqueue(wish) => format!("a wish for {} by {:?}", wish.run.id, wish.worker),
        Change::Write(write) => {
            let entries: Vec<_> = write.entries.iter().map(|entry| (entry.seq, &entry.name, &entry.path)).collect();
            format!("{} under {} up to {}: {entries:?} and {:?}", write.run, write.epoch, write.seq, write.then)
        }
    }
}
