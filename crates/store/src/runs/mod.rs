//! Runs: asked for once, held by one worker at a time, ended once.
//!
//! What was asked for stands in `runs`, written once. A run that has not ended has a thin row in `live` besides, one that
//! has a row in `ends`. The states are those of `pilothouse_domain::run::Status`; each statement changes only the rows whose
//! state allows it, and a worker's writes count only under the epoch of its claim. Read first: [`Run`], [`Change`],
//! [`apply`] and [`claim`].

mod allot;
mod change;
mod claim;
mod control;
mod enqueue;
mod lane;
mod list;
mod live;
mod prune;
mod release;
mod settle;
mod stuck;

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId, ScheduleId, TenantId};

use crate::{Error, Row, Tx, args};

pub use allot::Limits;
pub(crate) use allot::after_starts;
pub use change::{Change, Enqueue, Outcome, Then, Write, apply, apply_with};
pub use claim::{Claim, Claimed, Taken, claim, running, taken};
pub use control::{NewSignal, Signal, cancel, discard, hold_waiting, retry, signal, signal_under, signals};
pub use enqueue::NewRun;
pub use lane::Lane;
pub use list::{RunFilter, Tally, counts, ids, list, of_schedule, previous_in_conversation, queued, tally};
pub(crate) use live::State;
pub use live::{Promoted, depths, next_wake, promote, ready_lanes};
pub use prune::{Horizon, Pruned, prune};
pub use release::{Released, held, put_back, release, take_one};
pub use stuck::{Stillness, Stuck, StuckReason, stuck, stuck_one};

/// A minute for each step of priority: a run of higher priority goes before those that were due up to so much earlier,
/// and none waits for ever behind later ones.
const PRIORITY_STEP_US: Micros = 60_000_000;

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
    /// The queue that it stands in.
    pub queue: String,
    /// What it shares with others that must not run beside it; empty where nothing.
    pub key: String,
    /// From -10 to 10; higher goes first.
    pub priority: i64,
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
    /// Which attempt it is in, or waits for, from 1.
    pub attempt: i64,
    /// The attempt after which it is dead.
    pub last_attempt: i64,
    /// How many attempts it was given when it was asked for, and is given anew by a retry.
    pub max_attempts: i64,
    /// How long one attempt may take.
    pub time_limit_ms: Option<i64>,
    /// Rises with each claim; what an older epoch writes is refused.
    pub epoch: i64,
    /// The number of its last journal entry when it was claimed last or left by its worker; 0 once it has ended.
    pub seq: i64,
    /// How many signals it was sent by then.
    pub signals: i64,
    /// When it was asked for.
    pub created_at: Micros,
    /// When it was to begin at the earliest.
    pub due_at: Micros,
    /// When it is looked at again, where it waits or is delayed.
    pub wake_at: Option<Micros>,
    /// When it was claimed first.
    pub started_at: Option<Micros>,
    /// When it ended.
    pub finished_at: Option<Micros>,
    /// The worker that holds it.
    pub worker: Option<String>,
    /// What its caller named it, so that asking twice makes one run.
    pub idem_key: Option<String>,
    /// The conversation it is part of.
    pub conversation: Option<String>,
    /// The schedule that asked for it.
    pub schedule: Option<ScheduleId>,
    /// Whether somebody wants it to stop.
    pub cancel_requested: bool,
    /// How often somebody had it tried again.
    pub retries: i64,
    /// When somebody decided that nothing is to be done about its end.
    pub discarded_at: Option<Micros>,
    /// Who did.
    pub discarded_by: Option<String>,
    /// Why.
    pub discard_reason: Option<String>,
}

impl Run {
    /// The line that it stands in.
    pub fn lane(&self) -> Lane {
        Lane { queue: self.queue.clone(), tenant: self.tenant.clone(), key: self.key.clone() }
    }
}

/// Every column of a run `r` with its row `l` in `live` and `e` in `ends`, for lists of columns.
macro_rules! columns {
    () => {
        "r.tenant, r.id, r.kind, r.version, r.queue, r.queue_key, r.priority, r.subject, r.title, r.input,
         r.max_attempts, r.time_limit_ms, r.created_at, r.due_at, r.idem_key, r.conversation, r.schedule, r.retries,
         e.outcome, e.output, COALESCE(l.error_code, e.error_code) AS error_code,
         COALESCE(l.error_message, e.error_message) AS error_message, COALESCE(l.attempt, e.attempt) AS attempt,
         COALESCE(l.last_attempt, e.attempt) AS last_attempt, COALESCE(l.epoch, e.epoch) AS epoch,
         COALESCE(l.started_at, e.started_at) AS started_at, e.finished_at, e.discarded_at, e.discarded_by,
         e.discard_reason, l.state, l.wake_at, l.worker, COALESCE(l.seq, 0) AS seq, COALESCE(l.signals, 0) AS signals,
         COALESCE(l.cancel_requested, 0) AS cancel_requested"
    };
}
use columns;

/// Every run `r`, with what [`columns`] needs.
macro_rules! runs_with_state {
    () => {
        " FROM runs r LEFT JOIN live l ON l.tenant = r.tenant AND l.id = r.id
          LEFT JOIN ends e ON e.tenant = r.tenant AND e.id = r.id "
    };
}
use runs_with_state;

/// The runs that have not ended: no row of `ends` stands beside them.
macro_rules! live_runs {
    () => {
        " FROM live l JOIN runs r ON r.tenant = l.tenant AND r.id = l.id
          LEFT JOIN ends e ON e.tenant = l.tenant AND e.id = l.id "
    };
}
use live_runs;

/// The runs that have ended: no row of `live` stands beside them.
macro_rules! ended_runs {
    () => {
        " FROM ends e JOIN runs r ON r.tenant = e.tenant AND r.id = e.id
          LEFT JOIN live l ON l.tenant = e.tenant AND l.id = e.id "
    };
}
use ended_runs;

/// The tenant's run with this id.
pub async fn get(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId) -> Result<Option<Run>, Error> {
    let sql = concat!("SELECT ", columns!(), runs_with_state!(), "WHERE r.tenant = $1 AND r.id = $2");
    tx.fetch_optional(sql, args![tenant, id]).await?.as_ref().map(read).transpose()
}

/// Its place in its lane.
pub(crate) fn rank(due_at: Micros, priority: i64) -> i64 {
    due_at.saturating_sub(priority.saturating_mul(PRIORITY_STEP_US))
}

fn read(row: &Row) -> Result<Run, Error> {
    Ok(Run {
        id: row.run("id")?,
        tenant: row.parsed("tenant")?,
        kind: row.text("kind")?,
        version: row.int("version")?,
        queue: row.text("queue")?,
        key: row.text("queue_key")?,
        priority: row.int("priority")?,
        subject: row.text("subject")?,
        title: row.text("title")?,
        status: status(row)?,
        input: row.text("input")?,
        output: row.optional_text("output")?,
        error_code: row.optional_text("error_code")?,
        error_message: row.optional_text("error_message")?,
        attempt: row.int("attempt")?,
        last_attempt: row.int("last_attempt")?,
        max_attempts: row.int("max_attempts")?,
        time_limit_ms: row.optional_int("time_limit_ms")?,
        epoch: row.int("epoch")?,
        seq: row.int("seq")?,
        signals: row.int("signals")?,
        created_at: row.int("created_at")?,
        due_at: row.int("due_at")?,
        wake_at: row.optional_int("wake_at")?,
        started_at: row.optional_int("started_at")?,
        finished_at: row.optional_int("finished_at")?,
        worker: row.optional_text("worker")?,
        idem_key: row.optional_text("idem_key")?,
        conversation: row.optional_text("conversation")?,
        schedule: row.optional_parsed("schedule")?,
        cancel_requested: row.flag("cancel_requested")?,
        retries: row.int("retries")?,
        discarded_at: row.optional_int("discarded_at")?,
        discarded_by: row.optional_text("discarded_by")?,
        discard_reason: row.optional_text("discard_reason")?,
    })
}

/// How it ended; how it lives where it has not.
pub(crate) fn status(row: &Row) -> Result<Status, Error> {
    match (row.optional_text("outcome")?, row.optional_int("state")?) {
        (Some(outcome), None) => Status::parse(&outcome).ok_or_else(|| Error::unreadable("outcome")),
        (None, Some(state)) => {
            live::State::parse(state).map(live::State::status).ok_or_else(|| Error::unreadable("state"))
        }
        _ => Err(Error::unreadable("outcome")),
    }
}
