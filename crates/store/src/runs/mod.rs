//! Durable runs: what was asked, where it stands, who holds it. The state machine is the domain's; what a run does is
//! the engine's business.
//!
//! A worker that claims a run gets a new *epoch*. Whatever it writes names that epoch, and is refused (*fenced*) once
//! the run is no longer running under it. Read first: [`Run`], [`enqueue`], [`claim`], [`finish`].

mod end;
mod enqueue;
mod lease;
mod list;
mod look;

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId, TenantId};

use crate::{Error, Row, Tx, args};

pub use end::{finish, request_cancel, requeue, resume, suspend};
pub use enqueue::{Enqueued, NewRun, enqueue};
pub(crate) use lease::fence;
pub use lease::{Released, claim, claim_one, heartbeat, release_expired, release_others};
pub use list::{RunFilter, list, previous_in_conversation};
pub use look::{any_due, any_expired, owned};

/// A run as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Which workflow, for instance `ask`.
    pub kind: String,
    /// Which version of that workflow it began with.
    pub version: i64,
    /// Who asked for it.
    pub subject: String,
    /// What it is about, in a line for people.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// What was asked, as JSON.
    pub input: String,
    /// What came of it, as JSON.
    pub output: Option<String>,
    /// Why it did not end well, or why its last attempt did not: a stable code.
    pub error_code: Option<String>,
    /// The same for people.
    pub error_message: Option<String>,
    /// How many times it was claimed.
    pub attempt: i64,
    /// How many times it may be claimed before it is dead.
    pub max_attempts: i64,
    /// Rises with each claim; what an older epoch writes is refused.
    pub epoch: i64,
    /// When it was asked for.
    pub created_at: Micros,
    /// When it may be claimed at the earliest.
    pub due_at: Micros,
    /// When it was claimed first.
    pub started_at: Option<Micros>,
    /// When it ended.
    pub finished_at: Option<Micros>,
    /// The worker that holds it.
    pub lease_owner: Option<String>,
    /// Until when that worker holds it, unless it sends a heartbeat.
    pub lease_until: Option<Micros>,
    /// What its caller named it, so that asking twice makes one run.
    pub idem_key: Option<String>,
    /// The conversation it is part of.
    pub conversation: Option<String>,
    /// Whether somebody wants it to stop.
    pub cancel_requested: bool,
}

/// Every column of a run, for lists of columns.
macro_rules! columns {
    () => {
        "tenant, id, kind, version, subject, title, status, input, output, error_code, error_message, attempt,
         max_attempts, epoch, created_at, due_at, started_at, finished_at, lease_owner, lease_until, idem_key,
         conversation, cancel_requested"
    };
}
use columns;

/// The tenant's run with this id.
pub async fn get(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId) -> Result<Option<Run>, Error> {
    let sql = concat!("SELECT ", columns!(), " FROM runs WHERE tenant = $1 AND id = $2");
    tx.fetch_optional(sql, args![tenant, id]).await?.as_ref().map(read).transpose()
}

/// Whether the run exists; until the unit ends nobody else can change it.
pub(crate) async fn hold(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId) -> Result<bool, Error> {
    let sql = tx.pick(
        "SELECT id FROM runs WHERE tenant = $1 AND id = $2",
        "SELECT id FROM runs WHERE tenant = $1 AND id = $2 FOR NO KEY UPDATE",
    );
    Ok(tx.fetch_optional(sql, args![tenant, id]).await?.is_some())
}

fn read(row: &Row) -> Result<Run, Error> {
    Ok(Run {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        kind: row.text("kind")?,
        version: row.int("version")?,
        subject: row.text("subject")?,
        title: row.text("title")?,
        status: status(row)?,
        input: row.text("input")?,
        output: row.optional_text("output")?,
        error_code: row.optional_text("error_code")?,
        error_message: row.optional_text("error_message")?,
        attempt: row.int("attempt")?,
        max_attempts: row.int("max_attempts")?,
        epoch: row.int("epoch")?,
        created_at: row.int("created_at")?,
        due_at: row.int("due_at")?,
        started_at: row.optional_int("started_at")?,
        finished_at: row.optional_int("finished_at")?,
        lease_owner: row.optional_text("lease_owner")?,
        lease_until: row.optional_int("lease_until")?,
        idem_key: row.optional_text("idem_key")?,
        conversation: row.optional_text("conversation")?,
        cancel_requested: row.flag("cancel_requested")?,
    })
}

fn status(row: &Row) -> Result<Status, Error> {
    Status::parse(&row.text("status")?).ok_or_else(|| Error::unreadable("status"))
}
