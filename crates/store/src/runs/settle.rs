//! How runs leave the state that they are in: put back, delayed, parked or ended, many at once, each with its entry in
//! the journal. The caller holds the rows.

use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, RunId, TenantId};
use serde_json::json;

use super::live::State;
use crate::given::{Given, Kind, Rows};
use crate::journal::{self, Entry, EntryKind};
use crate::{Error, Tx, args};

/// A run that leaves its state.
#[derive(Debug, Clone)]
pub(crate) struct Left {
    pub tenant: TenantId,
    pub id: RunId,
    pub epoch: i64,
    /// The number of its last entry.
    pub seq: i64,
    /// The attempt that it is in from now on.
    pub attempt: i64,
    pub last_attempt: i64,
    pub at: Micros,
    pub to: To,
    /// A stable code and a message.
    pub why: Option<(String, String)>,
    /// Under which claim the journal tells of it; none where it does not.
    pub told: Option<i64>,
}

/// Where it goes.
#[derive(Debug, Clone)]
pub(crate) enum To {
    /// A worker may take it; without a rank it keeps its place.
    Ready { rank: Option<i64> },
    /// A worker may take it from `at` on.
    Delayed { at: Micros, rank: i64 },
    /// It waits for a signal after the first `seen`, at most until a moment.
    Waiting { until: Option<Micros>, seen: i64 },
    /// It has ended.
    Ended { status: Status, output: Option<String>, started_at: Option<Micros> },
}

impl Left {
    fn status(&self) -> Status {
        match &self.to {
            To::Ready { .. } | To::Delayed { .. } => Status::Queued,
            To::Waiting { .. } => Status::Waiting,
            To::Ended { status, .. } => *status,
        }
    }

    /// What the journal tells of it.
    fn entry(&self) -> Entry {
        let error = self.why.as_ref().map(|(code, message)| json!({"code": code, "message": message}).to_string());
        Entry {
            seq: self.seq + i64::from(self.told.is_some()),
            at: self.at,
            attempt: self.attempt,
            kind: EntryKind::State,
            name: self.status().as_str().to_owned(),
            path: None,
            summary: self.why.as_ref().map(|(_, message)| message.clone()).unwrap_or_default(),
            output: None,
            error,
            started_at: None,
        }
    }
}

/// Cancelled, as its reason says it.
pub(crate) fn cancelled() -> (String, String) {
    (Code::RunCancelled.as_str().to_owned(), Code::RunCancelled.cause().to_owned())
}

/// A signal that came while the worker still held the run ends a wait before it begins. Why the last attempt did not
/// end well is shown until an attempt comes as far as to wait, or the run ends.
const MOVE: Given = Given {
    columns: &[
        ("tenant", Kind::Text),
        ("id", Kind::Text),
        ("state", Kind::Int),
        ("rank", Kind::Int),
        ("wake_at", Kind::Int),
        ("seen", Kind::Int),
        ("attempt", Kind::Int),
        ("last_attempt", Kind::Int),
        ("seq", Kind::Int),
        ("error_code", Kind::Text),
        ("error_message", Kind::Text),
    ],
    sqlite: "UPDATE live SET
               state = CASE WHEN :state = 3 AND signals > :seen THEN 0 ELSE :state END,
               wake_at = CASE WHEN :state = 3 AND signals > :seen THEN NULL ELSE :wake_at END,
               rank = COALESCE(:rank, rank), attempt = :attempt, last_attempt = :last_attempt, seq = :seq,
               worker = NULL,
               error_code = CASE WHEN :error_code IS NULL AND :state <> 3 THEN error_code ELSE :error_code END,
               error_message = CASE WHEN :error_code IS NULL AND :state <> 3 THEN error_message
                               ELSE :error_message END
             WHERE tenant = :tenant AND id = :id",
    postgres: "UPDATE live SET
                 state = CASE WHEN given.state = 3 AND live.signals > given.seen THEN 0 ELSE given.state END,
                 wake_at = CASE WHEN given.state = 3 AND live.signals > given.seen THEN NULL ELSE given.wake_at END,
                 rank = COALESCE(given.rank, live.rank), attempt = given.attempt, last_attempt = given.last_attempt,
                 seq = given.seq, worker = NULL,
                 error_code = CASE WHEN given.error_code IS NULL AND given.state <> 3 THEN live.error_code
                              ELSE given.error_code END,
                 error_message = CASE WHEN given.error_code IS NULL AND given.state <> 3 THEN live.error_message
                                 ELSE given.error_message END
               FROM given WHERE live.tenant = given.tenant AND live.id = given.id",
};

const END: Given = Given {
    columns: &[
        ("tenant", Kind::Text),
        ("id", Kind::Text),
        ("outcome", Kind::Text),
        ("output", Kind::Text),
        ("error_code", Kind::Text),
        ("error_message", Kind::Text),
        ("attempt", Kind::Int),
        ("epoch", Kind::Int),
        ("started_at", Kind::Int),
        ("finished_at", Kind::Int),
    ],
    sqlite: "UPDATE runs SET outcome = :outcome, output = :output, error_code = :error_code,
               error_message = :error_message, attempt = :attempt, epoch = :epoch, started_at = :started_at,
               finished_at = :finished_at
             WHERE tenant = :tenant AND id = :id",
    postgres: "UPDATE runs SET outcome = given.outcome, output = given.output, error_code = given.error_code,
                 error_message = given.error_message, attempt = given.attempt, epoch = given.epoch,
                 started_at = given.started_at, finished_at = given.finished_at
               FROM given WHERE runs.tenant = given.tenant AND runs.id = given.id",
};

const FORGET: Given = Given {
    columns: &[("tenant", Kind::Text), ("id", Kind::Text)],
    sqlite: "DELETE FROM live WHERE tenant = :tenant AND id = :id",
    postgres: "DELETE FROM live USING given WHERE live.tenant = given.tenant AND live.id = given.id",
};

/// Writes `told` into the journal and lets the runs leave; returns what the journal tells of each, in the same order.
pub(crate) async fn settle(tx: &mut Tx<'_>, left: Vec<Left>, mut told: Rows<'_>) -> Result<Vec<Entry>, Error> {
    let entries: Vec<Entry> = left.iter().map(Left::entry).collect();
    let (mut moved, mut ended, mut gone) = (Rows::default(), Rows::default(), Rows::default());
    for (run, entry) in left.iter().zip(&entries) {
        if let Some(claim) = run.told {
            told.push(journal::row(&run.tenant, run.id, claim, entry));
        }
        let (code, message) = run.why.as_ref().map(|(code, message)| (code, message)).unzip();
        let (state, rank, wake_at, seen) = match &run.to {
            To::Ready { rank } => (State::Ready, *rank, None, 0),
            To::Delayed { at, rank } => (State::Delayed, Some(*rank), Some(*at), 0),
            To::Waiting { until, seen } => (State::Waiting, None, *until, *seen),
            To::Ended { status, output, started_at } => {
                gone.push(args![&run.tenant, run.id]);
                let (attempt, epoch, at) = (run.attempt, run.epoch, run.at);
                let (tenant, id) = (&run.tenant, run.id);
                let (status, output) = (status.as_str(), output.as_ref());
                ended.push(args![tenant, id, status, output, code, message, attempt, epoch, *started_at, at]);
                continue;
            }
        };
        moved.push(args![
            &run.tenant,
            run.id,
            state as i64,
            rank,
            wake_at,
            seen,
            run.attempt,
            run.last_attempt,
            entry.seq,
            code,
            message,
        ]);
    }
    journal::insert(tx, told).await?;
    if !moved.is_empty() {
        tx.given(&MOVE, moved).await?;
    }
    if !ended.is_empty() {
        tx.given(&END, ended).await?;
        tx.given(&FORGET, gone).await?;
    }
    Ok(entries)
}
