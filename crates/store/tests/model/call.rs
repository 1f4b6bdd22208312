//! What is asked of a database of runs, and what it answers: the same words for the model and for the store.

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId, TenantId};
use pilothouse_store::journal::{self, Entry};
use pilothouse_store::runs::{self, Change, Claim, Lane, Limits, Outcome, Run, RunFilter};
use pilothouse_store::workers::{self, Worker};
use pilothouse_store::{Error, Store, Tx, queues};

/// More runs, entries and lanes than a sequence makes.
const ALL: u32 = 10_000;

#[derive(Debug, Clone)]
pub enum Call {
    Apply(Vec<Change>),
    Claim(Claim),
    Promote { now: Micros, limit: u32 },
    Cancel(TenantId, RunId, Micros),
    Signal(TenantId, RunId, Micros),
    Retry(TenantId, RunId, Micros),
    TakeOne(TenantId, RunId, Micros),
    Discard(TenantId, RunId, Micros),
    Join(Worker),
    Beat(String, Micros),
    GiveUp(String, Option<i64>),
    Release(String, Micros),
    Forget(String),
    Limits(String, Limits, Micros),
    Pause(String, bool, Micros),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Outcomes(Vec<Outcome>),
    Claimed { runs: Vec<Run>, empty: Vec<Lane>, blocked: Vec<Lane>, retry_at: Option<Micros> },
    Promoted { lanes: Vec<Lane>, next_at: Option<Micros> },
    Changed(Option<(Run, bool)>),
    Signalled(Option<Run>),
    Beaten(Option<BTreeSet<(TenantId, RunId)>>),
    Released { runs: usize, lanes: BTreeSet<Lane>, tenants: BTreeMap<TenantId, usize> },
    Flag(bool),
    Done,
}

/// What can be seen.
#[derive(Debug, PartialEq)]
pub struct Seen {
    /// The runs that were asked for, each with its entries from a number on.
    pub named: Vec<(Option<Run>, Vec<Entry>)>,
    pub depths: Vec<(Lane, Status, i64)>,
    pub next_wake: Option<Micros>,
    pub all: Option<All>,
}

/// What is not looked at each time.
#[derive(Debug, PartialEq)]
pub struct All {
    /// The newest first, tenant by tenant.
    pub runs: Vec<Run>,
    /// Lanes with ready runs.
    pub ready: Vec<Lane>,
    pub workers: Vec<Worker>,
}

/// What to look at.
#[derive(Debug, Clone)]
pub struct Look {
    /// These runs, and their journals after a number.
    pub named: Vec<(TenantId, RunId, i64)>,
    pub all: bool,
}

/// Asks the store.
pub async fn ask(store: &Store, call: Call) -> Result<Answer, Error> {
    store.write(move |tx| Box::pin(async move { asked(tx, call).await })).await
}

async fn asked(tx: &mut Tx<'_>, call: Call) -> Result<Answer, Error> {
    Ok(match call {
        Call::Apply(changes) => Answer::Outcomes(runs::apply(tx, changes).await?),
        Call::Claim(claim) => {
            let runs::Claimed { runs, empty, blocked, retry_at } = runs::claim(tx, &claim).await?;
            Answer::Claimed { runs: runs::taken(tx, runs).await?, empty, blocked, retry_at }
        }
        Call::Promote { now, limit } => {
            let runs::Promoted { lanes, next_at } = runs::promote(tx, now, limit).await?;
            Answer::Promoted { lanes, next_at }
        }
        Call::Cancel(tenant, run, now) => Answer::Changed(runs::cancel(tx, &tenant, run, now).await?),
        Call::Signal(tenant, run, now) => {
            Answer::Signalled(runs::signal(tx, &tenant, run, ("go", "{}", "ada"), now).await?)
        }
        Call::TakeOne(tenant, run, now) => Answer::Signalled(runs::take_one(tx, &tenant, run, now).await?),
        Call::Retry(tenant, run, now) => Answer::Changed(runs::retry(tx, &tenant, run, now).await?),
        Call::Discard(tenant, run, now) => Answer::Flag(runs::discard(tx, &tenant, run, ("ada", "known"), now).await?),
        Call::Join(worker) => workers::join(tx, &worker).await.map(|()| Answer::Done)?,
        Call::Beat(id, now) => {
            Answer::Beaten(workers::beat(tx, &id, now).await?.map(|runs| runs.into_iter().collect()))
        }
        Call::GiveUp(id, beats) => Answer::Flag(workers::give_up(tx, &id, beats).await?),
        Call::Release(id, now) => {
            let runs::Released { runs, lanes, tenants } = runs::release(tx, &id, now, ALL).await?;
            Answer::Released { runs, lanes, tenants }
        }
        Call::Forget(id) => workers::forget(tx, &id).await.map(|()| Answer::Done)?,
        Call::Limits(queue, limits, now) => {
            queues::set_limits(tx, &queue, &limits, now).await.map(|()| Answer::Done)?
        }
        Call::Pause(queue, on, now) => {
            queues::set_paused(tx, &queue, on.then_some("ada"), now).await.map(|()| Answer::Done)?
        }
    })
}

/// Looks at the store.
pub async fn look(store: &Store, tenants: Vec<TenantId>, look: Look) -> Result<Seen, Error> {
    let seen = store.read(move |tx| {
        Box::pin(async move {
            let mut named = Vec::new();
            for (tenant, run, after) in look.named {
                let entries = journal::list(tx, &tenant, run, after, ALL).await?;
                named.push((runs::get(tx, &tenant, run).await?, entries));
            }
            let (depths, next_wake) = (summed(runs::depths(tx, None).await?), runs::next_wake(tx).await?);
            let all = if look.all { Some(look_at_all(tx, &tenants).await?) } else { None };
            Ok(Seen { named, depths, next_wake, all })
        })
    });
    seen.await
}

async fn look_at_all(tx: &mut Tx<'_>, tenants: &[TenantId]) -> Result<All, Error> {
    let mut found = Vec::new();
    for tenant in tenants {
        let all = RunFilter { limit: ALL, ..RunFilter::default() };
        found.extend(runs::list(tx, tenant, &all).await?);
    }
    Ok(All { runs: found, ready: runs::ready_lanes(tx, None, ALL).await?, workers: workers::list(tx).await? })
}

/// One row for each lane and status, in order.
pub fn summed(mut depths: Vec<(Lane, Status, i64)>) -> Vec<(Lane, Status, i64)> {
    depths.sort_by_key(|(lane, status, _)| (lane.clone(), status.as_str()));
    depths.dedup_by(|next, kept| {
        let same = (&next.0, next.1) == (&kept.0, kept.1);
        if same {
            kept.2 += next.2;
        }
        same
    });
    depths
}
