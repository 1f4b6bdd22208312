//! Runs as their tenant sees them: list, look, watch; and what people do with them.
//!
//! Read first: [`Filter`] (which runs are meant), `control` (what is done with one) and `bulk` (with many). What stands
//! in line and why, and what stands still, are `waiting` and `stuck`; `line` is what is done with all that stands there,
//! `resume` the retry that waits for its end, and `start` begins one by the name of its workflow.

mod bulk;
mod control;
mod filter;
mod line;
mod resume;
mod start;
mod stuck;
mod waiting;

use std::time::Duration;

use pilothouse_domain::action::Tier;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, Role, RunId};
use pilothouse_engine::EventStream;
use pilothouse_store::journal::{self, Entry, Lines};
use pilothouse_store::runs::{self, Run};

use crate::{App, Caller, Error, audit, gates};

pub use bulk::{Bulk, BulkAction, Changed, DEFAULT_BULK, MAX_BULK, MAX_BULK_IDS, Preview, bulk, preview};
pub(crate) use control::reason;
pub use control::{
    APPROVAL, Decision, cancel, decide, discard, not_allowed, reconcile, retry, revive, signal, withdraw,
};
pub use filter::Filter;
pub use line::{Drained, cancel_all, drain};
pub use resume::{Resumed, resume};
pub use start::{How, Wish, start};
pub(crate) use start::{begin, no_workflow};
pub(crate) use stuck::silent_since;
pub use stuck::{stuck, stuck_one};
pub(crate) use waiting::serves;
pub use waiting::{DeadLetter, Queued, Reason, dead_letters, queued, reason_of};

/// Most runs of one page.
pub const MAX_PAGE: u32 = 200;
/// Most lines of one page of a run's log.
pub const MAX_LINES: u32 = 1_000;
/// Most entries of a journal that are shown at once.
const MAX_ENTRIES: u32 = 10_000;
/// Bounds of `stale_after_seconds`: 30 days at most.
pub const MAX_STALE_SECONDS: u64 = 2_592_000;
/// Up to how many runs that have ended are counted.
const COUNT_CAP: u32 = 100_000;

/// A run with how far it is.
#[derive(Debug, Clone)]
pub struct Item {
    /// The run.
    pub run: Run,
    /// 0 to 100; 100 where it ended well.
    pub progress: i64,
    /// When anything was last written of it.
    pub last_at: Option<Micros>,
}

/// A run with all that is known of it.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The run.
    pub item: Item,
    /// Its journal without the lines that it logged, in order.
    pub journal: Vec<Entry>,
    /// What it waits for, where it does.
    pub waits: Vec<Entry>,
}

/// A page of the tenant's runs, newest first, and the id after which the next one begins.
pub async fn list(
    app: &App,
    caller: &Caller,
    filter: Filter,
    limit: u32,
    before: Option<RunId>,
) -> Result<(Vec<Item>, Option<RunId>), Error> {
    gates::pass(app, caller, &audit::action("run.list", Tier::Read, Role::Viewer, "", &())).await?;
    let limit = limit.clamp(1, MAX_PAGE);
    let tenant = caller.principal.tenant.clone();
    let found = app.store.read(move |tx| {
        Box::pin(async move {
            // One more than wanted tells whether there is a next page.
            let mut found = filter::page(tx, &tenant, &filter, limit + 1, before).await?;
            let more = found.len() > limit as usize;
            found.truncate(limit as usize);
            let next = found.last().filter(|_| more).map(|run| run.id);
            Ok((with_progress(tx, found).await?, next))
        })
    });
    Ok(found.await?)
}

/// At most `limit` of the tenant's runs after the first `offset`, newest first.
pub async fn list_from(
    app: &App,
    caller: &Caller,
    filter: Filter,
    limit: u32,
    offset: u32,
) -> Result<Vec<Item>, Error> {
    gates::pass(app, caller, &audit::action("run.list", Tier::Read, Role::Viewer, "", &())).await?;
    let limit = limit.clamp(1, MAX_PAGE);
    let tenant = caller.principal.tenant.clone();
    let found = app.store.read(move |tx| {
        Box::pin(async move {
            // The ids alone are passed over, never what the runs hold.
            let passed = filter::ids(tx, &tenant, &filter, offset + limit).await?;
            let mut found = Vec::new();
            for id in passed.into_iter().skip(offset as usize) {
                found.extend(runs::get(tx, &tenant, id).await?);
            }
            with_progress(tx, found).await
        })
    });
    Ok(found.await?)
}

async fn with_progress(
    tx: &mut pilothouse_store::Tx<'_>,
    runs: Vec<Run>,
) -> Result<Vec<Item>, pilothouse_store::Error> {
    let Some(tenant) = runs.first().map(|run| run.tenant.clone()) else { return Ok(Vec::new()) };
    let reached = journal::reached(tx, &tenant, runs.iter().map(|run| run.id)).await?;
    let item = |run: Run| {
        let reached = reached.get(&run.id).copied().unwrap_or_default();
        let progress = if run.status == Status::Succeeded { 100 } else { reached.progress };
        Item { run, progress, last_at: reached.last_at }
    };
    Ok(runs.into_iter().map(item).collect())
}

/// A run with its journal.
pub async fn get(app: &App, caller: &Caller, id: RunId) -> Result<Detail, Error> {
    gates::pass(app, caller, &audit::action("run.read", Tier::Read, Role::Viewer, "", &())).await?;
    let tenant = caller.principal.tenant.clone();
    let detail = app.store.read(move |tx| {
        Box::pin(async move {
            let Some(run) = runs::get(tx, &tenant, id).await? else { return Ok(None) };
            let journal = journal::without_lines(tx, &tenant, id, 0, MAX_ENTRIES).await?;
            let waits = match run.status {
                Status::Waiting => journal::open_waits(tx, &tenant, id, run.seq).await?,
                _ => Vec::new(),
            };
            Ok(with_progress(tx, vec![run]).await?.pop().map(|item| Detail { item, journal, waits }))
        })
    });
    detail.await?.ok_or_else(unknown)
}

/// A run alone.
pub async fn look(app: &App, caller: &Caller, id: RunId) -> Result<Item, Error> {
    gates::pass(app, caller, &audit::action("run.read", Tier::Read, Role::Viewer, "", &())).await?;
    let tenant = caller.principal.tenant.clone();
    let run = app.engine.get(&tenant, id).await?.ok_or_else(unknown)?;
    item(app, run).await
}

/// A run with how far it is.
pub async fn item(app: &App, run: Run) -> Result<Item, Error> {
    items(app, vec![run]).await?.pop().ok_or_else(unknown)
}

/// Runs of one tenant, each with how far it is.
pub async fn items(app: &App, runs: Vec<Run>) -> Result<Vec<Item>, Error> {
    Ok(app.store.read(move |tx| Box::pin(async move { with_progress(tx, runs).await })).await?)
}

/// The run's events after the number `after`.
pub async fn events(app: &App, caller: &Caller, id: RunId, after: i64) -> Result<EventStream, Error> {
    look(app, caller, id).await?;
    Ok(app.engine.events(&caller.principal.tenant, id, after))
}

/// Lines that a run logged, in order.
pub async fn logs(app: &App, caller: &Caller, id: RunId, lines: Lines) -> Result<Vec<Entry>, Error> {
    look(app, caller, id).await?;
    let tenant = caller.principal.tenant.clone();
    let lines = Lines { limit: lines.limit.clamp(1, MAX_LINES), ..lines };
    Ok(app.store.read(move |tx| Box::pin(async move { journal::logs(tx, &tenant, id, lines).await })).await?)
}

/// How many of the tenant's runs are in each state; those that have ended are counted up to a bound, and then the
/// second value says so.
pub async fn counts(app: &App, caller: &Caller) -> Result<(Vec<(Status, i64)>, bool), Error> {
    gates::pass(app, caller, &audit::action("run.list", Tier::Read, Role::Viewer, "", &())).await?;
    let tenant = caller.principal.tenant.clone();
    let counted = app.store.read(move |tx| Box::pin(async move { runs::counts(tx, &tenant, COUNT_CAP).await })).await?;
    let capped = counted.iter().any(|(status, count)| status.is_final() && *count >= i64::from(COUNT_CAP));
    Ok((counted, capped))
}

/// The run as it stands when it has ended, or after `patience`.
pub async fn wait(app: &App, caller: &Caller, id: RunId, patience: Duration) -> Result<Run, Error> {
    let tenant = &caller.principal.tenant;
    app.engine.wait(tenant, id, patience).await?.ok_or_else(unknown)?;
    // Whoever worked on the run knows less of it than the database.
    app.engine.get(tenant, id).await?.ok_or_else(unknown)
}

/// Lets members read on, where an original shows viewers nothing.
pub async fn members_only(app: &App, caller: &Caller) -> Result<(), Error> {
    gates::pass(app, caller, &audit::action("run.read", Tier::Read, Role::Member, "", &())).await
}

fn unknown() -> Error {
    Error::new(Code::RunUnknown, "There is no such run.")
}
