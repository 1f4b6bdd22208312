//! Queues and the workers that serve them: how deep they are, what they allow, and who may change that.
//!
//! Queues belong to the installation. What a tenant sees of one is its own runs; pauses and limits are for all tenants,
//! so only those who administer the installation set them.

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::{Code, Micros, Role};
use pilothouse_store::queues::{self, Depth, Pace, Queue};
use pilothouse_store::runs::Limits;
use pilothouse_store::workers::{self, Worker};
use pilothouse_store::{Error as StoreError, Tx, audit as audit_rows};
use serde::Serialize;

use crate::runs::{serves, silent_since};
use crate::{App, Caller, Error, audit, depths, gates, tenants};

/// Over which time ends are counted, and how many runs are looked at for it.
const PACE_US: Micros = 5 * 60 * SECOND;
const MAX_PACE_RUNS: u32 = 5_000;
/// Longest reason of a pause, in characters.
const MAX_REASON_CHARS: usize = 500;
/// Highest limit of runs side by side, of runs that begin in a period, and of that period in seconds.
const MAX_RUNNING: u32 = 10_000;
const MAX_STARTS: u32 = 1_000_000;
const MAX_PERIOD_SECONDS: i64 = 86_400;

/// Longest name of a queue, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Whether a queue can be called so.
pub(crate) fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(is_plain)
}

/// How queues can be called, in words.
pub(crate) fn name_rule() -> String {
    format!("a queue's name has 1 to {MAX_NAME_BYTES} of the characters a-z, 0-9, _, . and -")
}

/// Whose runs are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The caller's tenant's.
    Tenant,
    /// Those of all tenants.
    Installation,
}

/// A queue as it stands.
#[derive(Debug, Clone)]
pub struct View {
    /// Its settings.
    pub queue: Queue,
    /// The workflow whose runs stand in it unless they say otherwise.
    pub kind: Option<&'static str>,
    /// How deep it is.
    pub depth: Depth,
    /// How long the first in line has been due, in microseconds.
    pub oldest_wait_us: Option<Micros>,
    /// The tenant's runs that were asked for lately and have ended; none over the whole installation.
    pub pace: Option<Lately>,
    /// How many workers that live serve it.
    pub workers: usize,
}

/// How fast a queue has been lately.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lately {
    /// Runs that ended well, and badly, in [`PACE_MINUTES`] minutes.
    pub succeeded: usize,
    pub failed: usize,
    /// How long they waited to begin and how long they took: half of them at most so long, and 99 of 100, in
    /// microseconds.
    pub wait_us: Option<(Micros, Micros)>,
    pub run_us: Option<(Micros, Micros)>,
}

/// The time that [`Lately`] is over, in minutes.
pub const PACE_MINUTES: i64 = PACE_US / SECOND / 60;

/// Every queue that a workflow, a setting or a run names, by name. How deep they are is two seconds old at most.
pub async fn list(app: &App, caller: &Caller, scope: Scope) -> Result<Vec<View>, Error> {
    gates::pass(app, caller, &audit::action("queue.list", Tier::Read, Role::Viewer, "", &())).await?;
    if scope == Scope::Installation {
        gates::pass(app, caller, &audit::action("queue.list", Tier::Read, Role::Admin, "", &())).await?;
        tenants::administers(caller)?;
    }
    let now = app.engine.now();
    let (tenant, silent, kinds) = (caller.principal.tenant.clone(), silent_since(app, now), app.engine.kinds());
    let of_tenant = (scope == Scope::Tenant).then_some(tenant);
    let depths = depths::depths(app, of_tenant.clone()).await?;
    let found = app.store.read(move |tx| {
        Box::pin(async move {
            let pace = match &of_tenant {
                Some(tenant) => Some(queues::pace(tx, tenant, now - PACE_US, MAX_PACE_RUNS).await?),
                None => None,
            };
            let (settings, mut workers) = (queues::list(tx).await?, workers::list(tx).await?);
            workers.retain(|worker| !worker.gone && worker.beat_at > silent);
            Ok(views(&kinds, settings, &depths, pace.as_deref(), &workers, now))
        })
    });
    Ok(found.await?)
}

/// One queue.
pub async fn get(app: &App, caller: &Caller, name: &str, scope: Scope) -> Result<View, Error> {
    list(app, caller, scope).await?.into_iter().find(|view| view.queue.name == name).ok_or_else(unknown)
}

/// Keeps the runs of a queue from beginning, or lets them begin again (`reason` is none). What runs goes on in any case.
pub async fn set_paused(app: &App, caller: &Caller, name: &str, reason: Option<&str>) -> Result<View, Error> {
    let kind = if reason.is_some() { "queue.pause" } else { "queue.resume" };
    let action = audit::action(kind, Tier::Write, Role::Operator, name, &(name, reason));
    gates::pass(app, caller, &action).await?;
    tenants::administers(caller)?;
    let before = get(app, caller, name, Scope::Tenant).await?;
    let reason = reason.map(str::trim);
    if reason.is_some_and(|reason| reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS) {
        return Err(Error::new(Code::BodyInvalid, format!("The reason has 1 to {MAX_REASON_CHARS} characters.")));
    }
    if before.queue.limits.paused == reason.is_some() {
        return Ok(before);
    }
    let (by, now) = (caller.principal.subject.clone(), app.engine.now());
    let (queue, reason) = (name.to_owned(), reason.map(str::to_owned));
    let by = reason.is_some().then_some(by);
    write(app, caller, &action, move |tx| {
        Box::pin(async move {
            queues::set_paused(tx, &queue, by.as_deref(), now).await?;
            queues::set_reason(tx, &queue, reason.as_deref()).await
        })
    })
    .await?;
    get(app, caller, name, Scope::Tenant).await
}

/// What is to be changed of a queue's limits: the outer none leaves one as it is, the inner one lifts it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NewLimits {
    /// Most runs at work.
    pub total: Option<Option<u32>>,
    /// Most runs of one tenant at work.
    pub per_tenant: Option<Option<u32>>,
    /// Most runs of one tenant and key at work.
    pub per_key: Option<Option<u32>>,
    /// Most runs that begin in so many seconds.
    pub rate: Option<Option<(u32, i64)>>,
}

/// Changes a queue's limits. They are in force on every node within a second or two; what runs goes on.
pub async fn set_limits(app: &App, caller: &Caller, name: &str, new: &NewLimits) -> Result<View, Error> {
    let action = audit::action("queue.limit", Tier::Write, Role::Admin, name, &(name, new));
    gates::pass(app, caller, &action).await?;
    tenants::administers(caller)?;
    let before = get(app, caller, name, Scope::Tenant).await?;
    let limits = changed(&before.queue.limits, new)?;
    if limits == before.queue.limits {
        return Ok(before);
    }
    let (queue, now) = (name.to_owned(), app.engine.now());
    write(app, caller, &action, move |tx| Box::pin(async move { queues::set_limits(tx, &queue, &limits, now).await }))
        .await?;
    get(app, caller, name, Scope::Tenant).await
}

fn changed(before: &Limits, new: &NewLimits) -> Result<Limits, Error> {
    let invalid = |message: String| Err(Error::new(Code::BodyInvalid, message));
    if [new.total, new.per_tenant, new.per_key].into_iter().flatten().flatten().any(|limit| limit > MAX_RUNNING) {
        return invalid(format!("At most {MAX_RUNNING} runs are allowed side by side."));
    }
    if let Some(Some((starts, seconds))) = new.rate
        && !((1..=MAX_STARTS).contains(&starts) && (1..=MAX_PERIOD_SECONDS).contains(&seconds))
    {
        return invalid(format!("A rate is 1 to {MAX_STARTS} starts in 1 to {MAX_PERIOD_SECONDS} seconds."));
    }
    Ok(Limits {
        paused: before.paused,
        running: new.total.unwrap_or(before.running),
        running_per_tenant: new.per_tenant.unwrap_or(before.running_per_tenant),
        running_per_key: new.per_key.unwrap_or(before.running_per_key),
        rate: new.rate.map_or(before.rate, |rate| rate.map(|(starts, seconds)| (starts, seconds * SECOND))),
    })
}

/// A worker with how many runs it holds, and whether it has shown life lately.
#[derive(Debug, Clone)]
pub struct Station {
    /// The worker.
    pub worker: Worker,
    /// How many runs it holds.
    pub running: i64,
    /// Whether it lives, as far as is known.
    pub is_alive: bool,
}

/// Every worker of the installation, the liveliest first.
pub async fn workers(app: &App, caller: &Caller) -> Result<Vec<Station>, Error> {
    gates::pass(app, caller, &audit::action("worker.list", Tier::Read, Role::Operator, "", &())).await?;
    let silent = silent_since(app, app.engine.now());
    let found = app.store.read(|tx| Box::pin(async move { Ok((workers::list(tx).await?, workers::loads(tx).await?)) }));
    let (workers, loads) = found.await?;
    let station = |worker: Worker| Station {
        running: loads.get(&worker.id).copied().unwrap_or(0),
        is_alive: !worker.gone && worker.beat_at > silent,
        worker,
    };
    Ok(workers.into_iter().map(station).collect())
}

/// How deep every queue is over all tenants, and how long its first in line has been due, in microseconds: for the
/// metrics.
pub async fn depths(app: &App) -> Result<BTreeMap<String, (Depth, Micros)>, Error> {
    let now = app.engine.now();
    let mut depths = (*depths::depths(app, None).await?).clone();
    for kind in app.engine.kinds() {
        depths.entry(kind.to_owned()).or_default();
    }
    let waits = |depth: &Depth| depth.first.map_or(0, |first| (now - first).max(0));
    Ok(depths.into_iter().map(|(name, depth)| (name, (depth.clone(), waits(&depth)))).collect())
}

async fn write<F>(app: &App, caller: &Caller, action: &Action, change: F) -> Result<(), Error>
where
    F: for<'t> FnOnce(&'t mut Tx<'_>) -> pilothouse_store::BoxFuture<'t, Result<(), StoreError>> + Send + 'static,
{
    let entry = audit::entry(app, caller, action, Outcome::Allowed, None);
    let written = app.store.write(move |tx| {
        Box::pin(async move {
            change(tx).await?;
            audit_rows::append(tx, &entry).await.map(|_| ())
        })
    });
    written.await?;
    Ok(app.engine.learn_queues().await?)
}

fn views(
    kinds: &[&'static str],
    settings: Vec<Queue>,
    depths: &BTreeMap<String, Depth>,
    pace: Option<&[Pace]>,
    workers: &[Worker],
    now: Micros,
) -> Vec<View> {
    let mut settings: BTreeMap<String, Queue> = settings.into_iter().map(|queue| (queue.name.clone(), queue)).collect();
    let mut names: BTreeSet<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    names.extend(settings.keys().cloned());
    names.extend(depths.keys().cloned());
    let view = |name: String| {
        let depth = depths.get(&name).cloned().unwrap_or_default();
        View {
            kind: kinds.iter().copied().find(|kind| *kind == name),
            oldest_wait_us: depth.first.map(|first| (now - first).max(0)),
            pace: pace.map(|pace| lately(pace, &name, now - PACE_US)),
            workers: workers.iter().filter(|worker| serves(worker, &name)).count(),
            queue: settings.remove(&name).unwrap_or_else(|| Queue { name: name.clone(), ..Queue::default() }),
            depth,
        }
    };
    names.into_iter().map(view).collect()
}

fn lately(pace: &[Pace], queue: &str, since: Micros) -> Lately {
    let (mut lately, mut waits, mut times) = (Lately::default(), Vec::new(), Vec::new());
    for run in pace.iter().filter(|run| run.queue == queue) {
        let Some((at, well)) = run.ended.filter(|(at, _)| *at >= since) else { continue };
        if well {
            lately.succeeded += 1
        } else {
            lately.failed += 1
        }
        waits.push((run.started_at - run.due_at).max(0));
        times.push((at - run.started_at).max(0));
    }
    (lately.wait_us, lately.run_us) = (of_hundred(waits), of_hundred(times));
    lately
}

/// The middle one of the values, and the one that 99 of 100 do not pass.
fn of_hundred(mut values: Vec<Micros>) -> Option<(Micros, Micros)> {
    values.sort_unstable();
    let at = |percent: usize| values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    at(50).zip(at(99))
}

fn unknown() -> Error {
    Error::new(Code::QueueUnknown, "There is no such queue.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_edge_of_what_was_measured() {
        assert_eq!(of_hundred(Vec::new()), None);
        assert_eq!(of_hundred(vec![7]), Some((7, 7)));
        assert_eq!(of_hundred((1..=200).rev().collect()), Some((100, 198)));
    }

    #[test]
    fn a_limit_that_nobody_names_stays() {
        let before = Limits { running: Some(5), rate: Some((10, 60 * SECOND)), ..Limits::default() };
        let new = NewLimits { total: Some(None), per_tenant: Some(Some(0)), ..NewLimits::default() };
        let after = Limits { running: None, running_per_tenant: Some(0), ..before.clone() };
        assert_eq!(changed(&before, &new).unwrap(), after);
        for rate in [(0, 60), (10, 0), (10, MAX_PERIOD_SECONDS + 1), (MAX_STARTS + 1, 60)] {
            let new = NewLimits { rate: Some(Some(rate)), ..NewLimits::default() };
            assert_eq!(changed(&before, &new).unwrap_err().code, Code::BodyInvalid, "{rate:?}");
        }
    }
}
