//! What people do with all that stands in line, as the data team autopilot has it: wait until it is worked off, and cancel it.

use std::time::Duration;

use futures::future::try_join_all;
use pilothouse_domain::Role;
use pilothouse_domain::action::Tier;
use pilothouse_domain::run::Status;
use pilothouse_store::runs::Run;

use super::bulk::{Bulk, BulkAction, MAX_BULK, bulk};
use super::filter::Filter;
use super::waiting::{Queued, Reason, queued, reasons};
use super::{MAX_PAGE, wait};
use crate::{App, Caller, Error, audit, gates};

/// What became of the runs that stood in line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// How many have begun, or ended.
    pub processed: usize,
    /// How many are not to begin yet: their queue is paused, or their time has not come.
    pub skipped: usize,
    /// How many nobody tries any more.
    pub dead: usize,
    /// How many have no place yet.
    pub deferred: usize,
    /// How many stand in line now, those that came meanwhile among them.
    pub queued: i64,
}

/// Waits, as long as an answer may take, for the first runs in line that could begin, and tells what became of them. Workers
/// take them anyway: nobody has to ask for it.
pub async fn drain(app: &App, caller: &Caller, wanted: Option<Duration>) -> Result<Drained, Error> {
    let patience = app.settings.ask.patience(wanted);
    let (line, _) = queued(app, caller, 0, MAX_PAGE).await?;
    let ended = |queued: &Queued| {
        let (id, patience) = (queued.run.id, if can_begin(queued.reason) { patience } else { Duration::ZERO });
        async move { wait(app, caller, id, patience).await }
    };
    let mut drained = Drained::default();
    let line = try_join_all(line.iter().map(ended)).await?;
    for (run, reason) in line.iter().zip(reasons(app, &line).await?) {
        *drained.place(run, reason) += 1;
    }
    drained.queued = queued(app, caller, 0, 1).await?.1;
    Ok(drained)
}

/// Whether only a place or a worker is missing.
fn can_begin(reason: Reason) -> bool {
    matches!(reason, Reason::RateLimit | Reason::ConcurrencyLimit | Reason::WaitingForWorker)
}

impl Drained {
    fn place(&mut self, run: &Run, reason: Option<Reason>) -> &mut usize {
        match reason {
            Some(reason) if can_begin(reason) => &mut self.deferred,
            Some(_) => &mut self.skipped,
            None if run.status == Status::Dead => &mut self.dead,
            None => &mut self.processed,
        }
    }
}

/// Cancels every run of the tenant that has not ended: how many had begun, and how many stood in line.
pub async fn cancel_all(app: &App, caller: &Caller) -> Result<(usize, usize), Error> {
    gates::pass(app, caller, &audit::action("run.bulk", Tier::Destructive, Role::Admin, "cancel", &())).await?;
    // Those in line first: else they would take the places of the others.
    let in_line = cancel_every(app, caller, vec![Status::Queued]).await?;
    Ok((cancel_every(app, caller, vec![Status::Running, Status::Waiting]).await?, in_line))
}

async fn cancel_every(app: &App, caller: &Caller, statuses: Vec<Status>) -> Result<usize, Error> {
    let filter = Filter { statuses, ..Filter::default() };
    let wish = Bulk { action: BulkAction::Cancel, filter, ids: Vec::new(), reason: None };
    let (as_of, mut after, mut cancelled) = (app.engine.now(), None, 0);
    loop {
        let part = bulk(app, caller, wish.clone(), as_of, MAX_BULK, after).await?;
        cancelled += part.changed;
        match part.next {
            Some(next) => after = Some(next),
            None => return Ok(cancelled),
        }
    }
}
