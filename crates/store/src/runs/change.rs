//! Changes of runs, applied many at once: each statement serves every change of its kind, so that a group of a hundred
//! costs little more than one.

use std::collections::HashMap;
use std::sync::Arc;

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId, TenantId};

use super::enqueue::{self, NewRun};
use super::settle::{Left, To, cancelled, end, settle};
use super::{Lane, get, rank};
use crate::given::{Given, Kind, Rows};
use crate::journal::{self, Entry};
use crate::{Arg, BoxFuture, Error, Tx, args, audit};

/// One change.
#[derive(Debug, Clone)]
pub enum Change {
    /// Somebody asks for a run.
    Enqueue(Arc<Enqueue>),
    /// A worker writes under its claim.
    Write(Arc<Write>),
}

/// A wish for a run.
#[derive(Debug, Clone)]
pub struct Enqueue {
    /// Whose it is to be.
    pub tenant: TenantId,
    /// The run.
    pub run: NewRun,
    /// What the audit log says of the wish, in the same commit.
    pub audit: Option<pilothouse_domain::audit::Entry>,
    /// The worker that takes it at once, if one does.
    pub worker: Option<String>,
    /// Whether the worker takes it only where the limits of its queue leave room, which a worker that is not alone cannot
    /// know. No room is left in a queue with a rate: that is for claims to spend.
    pub counted: bool,
    /// Most runs that may wait in its lane, this one included; more are refused.
    pub max_waiting: Option<u32>,
}

/// What a worker writes.
#[derive(Debug, Clone)]
pub struct Write {
    /// Whose run.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// The worker's claim.
    pub epoch: i64,
    /// New entries, numbered on from the last one.
    pub entries: Vec<Entry>,
    /// The number of the last entry, these included.
    pub seq: i64,
    /// The attempt that the worker is in.
    pub attempt: i64,
    /// The attempt after which the run is dead.
    pub last_attempt: i64,
    /// When.
    pub at: Micros,
    /// What becomes of the run.
    pub then: Then,
}

/// What becomes of a run after a write.
#[derive(Debug, Clone)]
pub enum Then {
    /// The worker goes on with it.
    GoOn,
    /// It is tried again from `due_at` on, in its next attempt. One that somebody wanted to stop is cancelled instead.
    Again {
        /// When.
        due_at: Micros,
        /// The run's priority.
        priority: i64,
        /// A stable code and a message.
        why: (String, String),
    },
    /// It goes back untouched, for another worker, from `due_at` on.
    Back {
        /// When.
        due_at: Micros,
        /// The run's priority.
        priority: i64,
    },
    /// It waits for a signal after the first `seen`, at most until a moment, and then has all its attempts again.
    Wait {
        /// The moment.
        until: Option<Micros>,
        /// How many signals the worker knew.
        seen: i64,
        /// How many attempts it has then, this one included.
        attempts: i64,
    },
    /// It has ended.
    End {
        /// How: a final status.
        status: Status,
        /// What it returned, as JSON.
        output: Option<String>,
        /// A stable code and a message, where it did not end well.
        why: Option<(String, String)>,
    },
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The run is stored, and claimed where the wish said so.
    New,
    /// The run is stored, and waits: limits keep the worker from taking it at once.
    Waits,
    /// It had been asked for before: this is the run.
    Existing(RunId),
    /// As many runs wait as may: nothing was stored.
    Full,
    /// Written; with the entry of the run's new state, where it left its worker.
    Written(Option<Entry>),
    /// The worker has lost the run: nothing was written.
    Fenced,
}

/// Applies the changes, and tells what became of each, in the same order. Two changes of one run must not meet in one
/// call.
pub async fn apply(tx: &mut Tx<'_>, changes: Vec<Change>) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = vec![Outcome::Fenced; changes.len()];
    let (mut wishes, mut writes) = (Vec::new(), Vec::new());
    for (index, change) in changes.into_iter().enumerate() {
        match change {
            Change::Enqueue(wish) => wishes.push((index, wish)),
            Change::Write(write) => writes.push((index, write)),
        }
    }
    // Whoever audits waits for the others of its tenant, so that comes last.
    write_all(tx, writes, &mut outcomes).await?;
    let entries = enqueue::all(tx, wishes, &mut outcomes).await?;
    audit::append_all(tx, entries).await?;
    Ok(outcomes)
}

/// Applies one change together with what `also` writes. Where the change was refused, or had been applied before by a
/// call whose answer was lost, `also` is not run.
pub async fn apply_with<F>(tx: &mut Tx<'_>, change: Change, also: F) -> Result<Outcome, Error>
where
    F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<(), Error>>,
{
    if let Change::Write(write) = &change
        && let Outcome::Written(entry) = written_before(tx, write).await?
    {
        return Ok(Outcome::Written(entry));
    }
    let before = match &change {
        Change::Enqueue(wish) => get(tx, &wish.tenant, wish.run.id).await?.is_some(),
        Change::Write(_) => false,
    };
    let outcome = apply(tx, vec![change]).await?.pop().ok_or(Error::Missing { what: "outcome" })?;
    if matches!(outcome, Outcome::New | Outcome::Waits | Outcome::Written(_)) && !before {
        also(tx).await?;
    }
    Ok(outcome)
}

const FENCE: Given = Given {
    columns: &[("tenant", Kind::Text), ("id", Kind::Run), ("epoch", Kind::Int)],
    sqlite: "SELECT id, epoch, cancel_requested FROM live
             WHERE tenant = :tenant AND id = :id AND epoch = :epoch AND state = 1",
    // Row by row, and the state only then: as long as few runs are at work the planner would rather read all of those.
    postgres: "SELECT held.id, held.epoch, held.cancel_requested FROM given CROSS JOIN LATERAL (
                 SELECT live.id, live.epoch, live.state, live.cancel_requested FROM live
                 WHERE live.tenant = given.tenant AND live.id = given.id OFFSET 0 FOR NO KEY UPDATE) AS held
               WHERE held.epoch = given.epoch AND held.state = 1",
};

/// The claims under which runs are still held, each with whether somebody wants its run to stop: a lost claim may come in
/// one group with the one that followed it. Until the unit ends nobody else can take these runs away.
async fn held(tx: &mut Tx<'_>, writes: &[&(usize, Arc<Write>)]) -> Result<HashMap<(RunId, i64), bool>, Error> {
    if writes.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = writes.iter().map(|(_, write)| args![&write.tenant, write.run, write.epoch]).collect::<Rows<'_>>();
    let found = tx.given(&FENCE, &rows).await?;
    found.iter().map(|row| Ok(((row.run("id")?, row.int("epoch")?), row.flag("cancel_requested")?))).collect()
}

async fn write_all(
    tx: &mut Tx<'_>,
    mut writes: Vec<(usize, Arc<Write>)>,
    outcomes: &mut [Outcome],
) -> Result<(), Error> {
    if writes.is_empty() {
        return Ok(());
    }
    // Two who take the same rows in different orders would wait for each other for ever.
    writes.sort_by(|(_, a), (_, b)| (&a.tenant, a.run, b.epoch).cmp(&(&b.tenant, b.run, a.epoch)));
    let is_end = |write: &Write| matches!(write.then, Then::End { .. });
    let (ending, going): (Vec<_>, Vec<_>) = writes.iter().partition(|(_, write)| is_end(write));
    let ends: Vec<Left> = ending.iter().filter_map(|(_, write)| leaves(write, false)).collect();
    let mut ended = end(tx, &ends, true).await?;
    let held = held(tx, &going).await?;
    let (mut entries, mut left, mut leaving, mut lost) = (Rows::default(), Vec::new(), Vec::new(), Vec::new());
    for ((index, write), end) in ending.into_iter().zip(&ends) {
        // Of two claims of one run, the newer one comes first, and is the one that may be held.
        if ended.remove(&write.run) {
            entries.extend(rows(write));
            outcomes[*index] = Outcome::Written(Some(end.entry()));
        } else {
            lost.push((*index, write));
        }
    }
    for (index, write) in going {
        let Some(is_cancelled) = held.get(&(write.run, write.epoch)) else {
            lost.push((*index, write));
            continue;
        };
        entries.extend(rows(write));
        outcomes[*index] = Outcome::Written(None);
        if let Some(leaves) = leaves(write, *is_cancelled) {
            left.push(leaves);
            leaving.push(*index);
        }
    }
    for (index, entry) in leaving.into_iter().zip(settle(tx, left, entries).await?) {
        outcomes[index] = Outcome::Written(Some(entry));
    }
    for (index, write) in lost {
        outcomes[index] = written_before(tx, write).await?;
    }
    Ok(())
}

/// The rows of its entries.
fn rows(write: &Write) -> impl Iterator<Item = [Arg<'_>; journal::WIDTH]> {
    write.entries.iter().map(|entry| journal::row(&write.tenant, write.run, write.epoch, entry))
}

/// A write whose answer was lost may have been made: then its last entry stands in the journal under its claim.
async fn written_before(tx: &mut Tx<'_>, write: &Write) -> Result<Outcome, Error> {
    let state = matches!(write.then, Then::GoOn).then_some(0).unwrap_or(1);
    let seq = write.seq + state;
    if !journal::written(tx, &write.tenant, write.run, seq, write.epoch).await? {
        return Ok(Outcome::Fenced);
    }
    let entry = journal::list(tx, &write.tenant, write.run, seq - 1, 1).await?.into_iter().next();
    Ok(Outcome::Written(entry.filter(|_| state == 1)))
}

fn leaves(write: &Write, is_cancelled: bool) -> Option<Left> {
    let mut attempt = write.attempt;
    let mut last_attempt = write.last_attempt;
    let (to, why) = match write.then.clone() {
        Then::GoOn => return None,
        Then::Again { .. } | Then::Back { .. } | Then::Wait { .. } if is_cancelled => {
            (To::Ended { status: Status::Cancelled, output: None }, Some(cancelled()))
        }
        Then::Again { due_at, priority, why } => {
            attempt += 1;
            (To::Delayed { at: due_at, rank: rank(due_at, priority) }, Some(why))
        }
        Then::Back { due_at, priority } => (To::Delayed { at: due_at, rank: rank(due_at, priority) }, None),
        Then::Wait { until, seen, attempts } => {
            last_attempt = attempt + attempts - 1;
            (To::Waiting { until, seen }, None)
        }
        Then::End { status, output, why } => (To::Ended { status, output }, why),
    };
    let &Write { run: id, epoch, seq, at, .. } = write;
    let tenant = write.tenant.clone();
    Some(Left { tenant, id, epoch, seq, attempt, last_attempt, at, to, why, told: Some(epoch) })
}

impl Enqueue {
    /// The line that the run will stand in.
    pub fn lane(&self) -> Lane {
        Lane { queue: self.run.queue.clone(), tenant: self.tenant.clone(), key: self.run.key.clone() }
    }
}
