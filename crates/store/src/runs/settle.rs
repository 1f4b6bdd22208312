//! How runs leave the state that they are in: put back, delayed or parked, each with its entry in the journal, or ended;
//! many at once.

use std::collections::HashSet;

use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, RunId, TenantId};

use super::live::State;
use crate::given::{Given, Kind, Rows};
use crate::journal::{self, Entry};
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
    Ended { status: Status, output: Option<String> },
}

impl Left {
    fn status(&self) -> Status {
        match &self.to {
            To::Ready { .. } | To::Delayed { .. } => Status::Queued,
            To::Waiting { .. } => Status::Waiting,
            To::Ended { status, .. } => *status,
        }
    }

    /// The number of its last entry once it has left.
    fn last_seq(&self) -> i64 {
        self.seq + i64::from(self.told.is_some())
    }

    /// What is told of it.
    pub(crate) fn entry(&self) -> Entry {
        let state = Entry::state(self.last_seq(), self.at, self.attempt, self.status().as_str());
        state.because(self.why.as_ref())
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
        ("id", Kind::Run),
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

const ENDED: &[(&str, Kind)] = &[
    ("tenant", Kind::Text),
    ("id", Kind::Run),
    ("epoch", Kind::Int),
    ("held", Kind::Int),
    ("outcome", Kind::Text),
    ("finished_at", Kind::Int),
    ("attempt", Kind::Int),
    ("seq", Kind::Int),
    ("claim", Kind::Int),
    ("output", Kind::Text),
    ("error_code", Kind::Text),
    ("error_message", Kind::Text),
];

/// Under its claim (`held`) a worker ends only what it still holds; everyone else holds the row.
const END: Given = Given {
    columns: ENDED,
    sqlite: "INSERT INTO ends (tenant, id, outcome, finished_at, started_at, attempt, epoch, seq, claim, output,
               error_code, error_message)
             SELECT tenant, id, :outcome, :finished_at, started_at, :attempt, epoch, :seq, :claim, :output, :error_code,
               :error_message FROM live
             WHERE tenant = :tenant AND id = :id AND epoch = :epoch AND (:held = 0 OR state = 1)",
    // A join and no list of places: where somebody changes a run at the same moment, the row is looked at again, as it
    // stands then.
    postgres: ", gone AS (
                 DELETE FROM live USING given
                 WHERE live.tenant = given.tenant AND live.id = given.id AND live.epoch = given.epoch
                   AND (given.held = 0 OR live.state = 1)
                 RETURNING given.*, live.started_at)
               INSERT INTO ends (tenant, id, outcome, finished_at, started_at, attempt, epoch, seq, claim, output,
                 error_code, error_message)
               SELECT tenant, id, outcome, finished_at, started_at, attempt, epoch, seq, claim, output, error_code,
                 error_message FROM gone RETURNING id",
};

/// What SQLite needs besides, where no statement changes two tables.
const FORGET: Given = Given {
    columns: ENDED,
    sqlite: "DELETE FROM live
             WHERE tenant = :tenant AND id = :id AND epoch = :epoch AND (:held = 0 OR state = 1)",
    postgres: "",
};

/// Writes `told` into the journal and lets the runs leave, whose rows the caller holds; returns what is told of each, in
/// the same order.
pub(crate) async fn settle(tx: &mut Tx<'_>, left: Vec<Left>, mut told: Rows<'_>) -> Result<Vec<Entry>, Error> {
    let entries: Vec<Entry> = left.iter().map(Left::entry).collect();
    let (mut moved, mut ended) = (Rows::default(), Vec::new());
    for (run, entry) in left.iter().zip(&entries) {
        let (state, rank, wake_at, seen) = match &run.to {
            To::Ready { rank } => (State::Ready, *rank, None, 0),
            To::Delayed { at, rank } => (State::Delayed, Some(*rank), Some(*at), 0),
            To::Waiting { until, seen } => (State::Waiting, None, *until, *seen),
            To::Ended { .. } => {
                ended.push(run);
                continue;
            }
        };
        if let Some(claim) = run.told {
            told.push(journal::row(&run.tenant, run.id, claim, entry));
        }
        let (code, message) = run.why.as_ref().map(|(code, message)| (code, message)).unzip();
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
        tx.given(&MOVE, &moved).await?;
    }
    end(tx, ended, false).await?;
    Ok(entries)
}

/// Ends runs: where `held`, those that their worker still holds, else all. Returns which.
pub(crate) async fn end<'a>(
    tx: &mut Tx<'_>,
    runs: impl IntoIterator<Item = &'a Left>,
    held: bool,
) -> Result<HashSet<RunId>, Error> {
    let mut rows = Rows::default();
    for run in runs {
        let To::Ended { status, output } = &run.to else { continue };
        let (code, message) = run.why.as_ref().map(|(code, message)| (code, message)).unzip();
        rows.push(args![
            &run.tenant,
            run.id,
            run.epoch,
            held,
            status.as_str(),
            run.at,
            run.attempt,
            run.last_seq(),
            run.told.unwrap_or(journal::NO_CLAIM),
            output.as_ref(),
            code,
            message,
        ]);
    }
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    if !tx.is_sqlite() {
        return tx.changed(&END, &rows).await;
    }
    tx.given(&END, &rows).await?;
    tx.changed(&FORGET, &rows).await
}
