//! Runs as their tenant sees them: list, look, watch, cancel.

use std::str::FromStr;

use pilothouse_domain::action::Tier;
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, Role, RunId};
use pilothouse_engine::EventStream;
use pilothouse_store::runs::{self, Run, RunFilter};
use pilothouse_store::steps::{self, Step};

use crate::{App, Caller, Error, audit, gates};

/// Most runs of one page.
pub const MAX_PAGE: u32 = 200;

/// Where a page of runs ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    created_at: Micros,
    id: RunId,
}

impl Cursor {
    /// The cursor after `run`.
    pub fn after(run: &Run) -> Self {
        Self { created_at: run.created_at, id: run.id }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.created_at, self.id)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::new(Code::QueryInvalid, "The cursor is not one that this program gave.");
        let (at, id) = text.split_once('.').ok_or_else(invalid)?;
        Ok(Self { created_at: at.parse().map_err(|_| invalid())?, id: id.parse().map_err(|_| invalid())? })
    }
}

/// A page of the tenant's runs, newest first, and where the next one begins.
pub async fn list(
    app: &App,
    caller: &Caller,
    status: Option<Status>,
    cursor: Option<Cursor>,
    limit: u32,
) -> Result<(Vec<Run>, Option<Cursor>), Error> {
    gates::pass(app, caller, &audit::action("run.list", Tier::Read, Role::Viewer, "", &())).await?;
    let limit = limit.clamp(1, MAX_PAGE);
    let tenant = caller.principal.tenant.clone();
    let before = cursor.map(|cursor| (cursor.created_at, cursor.id));
    // One more than wanted tells whether there is a next page.
    let filter = RunFilter { status, kind: None, limit: limit + 1, before };
    let mut found = app.store.read(move |tx| Box::pin(async move { runs::list(tx, &tenant, &filter).await })).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(Cursor::after);
    Ok((found, next))
}

/// A run with its steps.
pub async fn get(app: &App, caller: &Caller, id: RunId) -> Result<(Run, Vec<Step>), Error> {
    gates::pass(app, caller, &audit::action("run.read", Tier::Read, Role::Viewer, "", &())).await?;
    let tenant = caller.principal.tenant.clone();
    let found = app
        .store
        .read(move |tx| {
            Box::pin(async move {
                let Some(run) = runs::get(tx, &tenant, id).await? else { return Ok(None) };
                Ok(Some((run, steps::list(tx, &tenant, id).await?)))
            })
        })
        .await?;
    found.ok_or_else(unknown)
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
