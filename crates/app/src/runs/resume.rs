//! The retry that waits for its end, as the data team autopilot has it: a run that did not end well goes on with what is
//! missing, and the answer tells how far it came.

use std::time::Duration;

use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, RunId};
use pilothouse_store::journal::Entry;
use pilothouse_store::runs::Run;

use super::filter::Filter;
use super::{Reason, get, list, look, reason_of, retry, unknown, wait};
use crate::{App, Caller, Error};

/// What a resumed run has come to.
#[derive(Debug, Clone)]
pub struct Resumed {
    /// The run.
    pub run: Run,
    /// Its journal.
    pub journal: Vec<Entry>,
    /// Why it has not begun, where it has not.
    pub reason: Option<Reason>,
}

/// Resumes the run `id` of a workflow, or the newest that did not end well where it is none, and waits for its end.
pub async fn resume(
    app: &App,
    caller: &Caller,
    kind: &str,
    id: Option<RunId>,
    wanted: Option<Duration>,
) -> Result<Resumed, Error> {
    if !app.engine.kinds().contains(&kind) {
        return Err(Error::new(Code::WorkflowUnsupported, "Unsupported workflow_type"));
    }
    let id = match id {
        Some(id) if look(app, caller, id).await?.run.kind == kind => id,
        Some(_) => return Err(unknown()),
        None => newest(app, caller, kind).await?.ok_or_else(unknown)?,
    };
    retry(app, caller, id).await?;
    let run = wait(app, caller, id, app.settings.ask.patience(wanted)).await?;
    let reason = reason_of(app, &run).await?;
    let journal = if run.status.is_final() { get(app, caller, id).await?.journal } else { Vec::new() };
    Ok(Resumed { run, journal, reason })
}

async fn newest(app: &App, caller: &Caller, kind: &str) -> Result<Option<RunId>, Error> {
    let filter = Filter {
        statuses: vec![Status::Failed, Status::Dead],
        kind: Some(kind.to_owned()),
        discarded: Some(false),
        ..Filter::default()
    };
    Ok(list(app, caller, filter, 1, None).await?.0.pop().map(|item| item.run.id))
}
