//! Runs as their tenant sees them: list, look, watch, cancel.

use pilothouse_domain::action::Tier;
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::{Code, Role, RunId};
use pilothouse_engine::EventStream;
use pilothouse_store::journal::Entry;
use pilothouse_store::runs::{self, Run, RunFilter};

use crate::{App, Caller, Error, audit, gates};

/// Most runs of one page.
pub const MAX_PAGE: u32 = 200;

/// A page of the tenant's runs, newest first, and the id after which the next one begins.
pub async fn list(app: &App, caller: &Caller, mut filter: RunFilter) -> Result<(Vec<Run>, Option<RunId>), Error> {
    gates::pass(app, caller, &audit::action("run.list", Tier::Read, Role::Viewer, "", &())).await?;
    let limit = filter.limit.clamp(1, MAX_PAGE);
    // One more than wanted tells whether there is a next page.
    filter.limit = limit + 1;
    let tenant = caller.principal.tenant.clone();
    let mut found = app.store.read(move |tx| Box::pin(async move { runs::list(tx, &tenant, &filter).await })).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|run| run.id);
    Ok((found, next))
}

/// A run with its journal.
pub async fn get(app: &App, caller: &Caller, id: RunId) -> Result<(Run, Vec<Entry>), Error> {
    gates::pass(app, caller, &audit::action("run.read", Tier::Read, Role::Viewer, "", &())).await?;
    app.engine.journal(&caller.principal.tenant, id).await?.ok_or_else(unknown)
}

/// The run's events after the number `after`.
pub async fn events(app: &App, caller: &Caller, id: RunId, after: i64) -> Result<EventStream, Error> {
    get(app, caller, id).await?;
    Ok(app.engine.events(&caller.principal.tenant, id, after))
}

/// Cancels a run. Members cancel their own, operators anybody's.
pub async fn cancel(app: &App, caller: &Caller, id: RunId) -> Result<Run, Error> {
    let (run, _) = get(app, caller, id).await?;
    let needs = if run.subject == caller.principal.subject { Role::Member } else { Role::Operator };
    let action = audit::action("run.cancel", Tier::Destructive, needs, &id.to_string(), &id);
    gates::pass(app, caller, &action).await?;
    if run.status.is_final() {
        let message = format!("The run is {} and cannot be cancelled.", run.status.as_str());
        return Err(Error::new(Code::RunFinished, message));
    }
    audit::write(app, audit::entry(app, caller, &action, Outcome::Allowed, None)).await?;
    app.engine.cancel(&caller.principal.tenant, id).await?.ok_or_else(unknown)
}

fn unknown() -> Error {
    Error::new(Code::RunUnknown, "There is no such run.")
}
