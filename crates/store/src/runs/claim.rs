//! Taking runs: as many of each lane as the limits of its queue leave room for, the first in line first.

use std::collections::{BTreeMap, HashMap};

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId};

use super::allot::{Allotted, Usage, allot};
use super::{Lane, Run};
use crate::given::{Given, Kind, Rows};
use crate::journal::{self, Entry};
use crate::{Error, Row, Tx, args, queues};

/// What a worker asks for.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The worker.
    pub worker: String,
    /// The lanes, in the order in which it is their turn.
    pub lanes: Vec<Lane>,
    /// How many runs it can take.
    pub most: u32,
    /// How many runs of each lane are at work, where the worker knows, since it is alone.
    pub running: Option<BTreeMap<Lane, u32>>,
    /// When.
    pub now: Micros,
}

/// What it got.
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    /// The runs: see [`taken`].
    pub runs: Vec<Taken>,
    /// The lanes that had fewer runs than it would have taken: nothing is ready in them any more.
    pub empty: Vec<Lane>,
    /// The lanes that a limit or a pause keeps back.
    pub blocked: Vec<Lane>,
    /// When a rate lets the next run begin, where one does not now.
    pub retry_at: Option<Micros>,
}

/// A run that was taken: what its row in `live` says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Which.
    pub id: RunId,
    /// Where it stood.
    pub lane: Lane,
    /// Who holds it.
    pub worker: String,
    /// Which attempt begins.
    pub attempt: i64,
    /// The attempt after which it is dead.
    pub last_attempt: i64,
    /// The claim.
    pub epoch: i64,
    /// The number of its last entry.
    pub seq: i64,
    /// How many signals it was sent.
    pub signals: i64,
    /// When it was claimed first.
    pub started_at: Option<Micros>,
    /// Whether somebody wants it to stop.
    pub cancel_requested: bool,
}

/// Only one worker at a time may count what runs in queues with limits.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(1885956985)";

/// On PostgreSQL it takes what it finds; on SQLite that is what [`HOLD`] does, since a statement that changes several
/// rows or returns what it changed pays for tables of its own.
const TAKE: Given = Given {
    columns: &[("lane", Kind::Text), ("most", Kind::Int), ("worker", Kind::Text), ("now", Kind::Int)],
    sqlite: "SELECT rowid AS row, id, lane, attempt, last_attempt, epoch + 1 AS epoch, seq + 1 AS seq, signals,
               COALESCE(started_at, :now) AS started_at, cancel_requested
             FROM live WHERE state = 0 AND lane = :lane ORDER BY rank, id LIMIT :most + 0",
    postgres: "UPDATE live SET state = 1, epoch = epoch + 1, seq = seq + 1, wake_at = NULL,
                 worker = (SELECT worker FROM given LIMIT 1),
                 started_at = COALESCE(started_at, (SELECT now FROM given LIMIT 1))
               WHERE ctid = ANY (ARRAY(
                 SELECT first.ctid FROM given CROSS JOIN LATERAL (
                   SELECT live.ctid FROM live WHERE state = 0 AND lane = given.lane ORDER BY rank, id
                   LIMIT given.most FOR UPDATE SKIP LOCKED) AS first))
               RETURNING id, lane, attempt, last_attempt, epoch, seq, signals, started_at, cancel_requested",
};

const HOLD: Given = Given {
    columns: &[("row", Kind::Int), ("worker", Kind::Text), ("now", Kind::Int)],
    sqlite: "UPDATE live SET state = 1, epoch = epoch + 1, seq = seq + 1, wake_at = NULL, worker = :worker,
               started_at = COALESCE(started_at, :now) WHERE rowid = :row",
    postgres: "",
};

const LOOK: Given = Given {
    columns: &[("tenant", Kind::Text), ("id", Kind::Run)],
    sqlite:
        "SELECT id, kind, version, priority, subject, title, input, max_attempts, time_limit_ms, created_at, due_at,
               idem_key, conversation, schedule, retries FROM runs WHERE tenant = :tenant AND id = :id",
    postgres: "SELECT r.id, r.kind, r.version, r.priority, r.subject, r.title, r.input, r.max_attempts,
                 r.time_limit_ms, r.created_at, r.due_at, r.idem_key, r.conversation, r.schedule, r.retries
               FROM given JOIN runs r ON r.tenant = given.tenant AND r.id = given.id",
};

/// Takes runs for a worker.
pub async fn claim(tx: &mut Tx<'_>, claim: &Claim) -> Result<Claimed, Error> {
    let settings = queues::settings(tx).await?;
    let is_limited = |lane: &Lane| !lane.key.is_empty() || settings.get(&lane.queue).is_some_and(|l| !l.is_free());
    let limited = claim.lanes.iter().any(is_limited);
    let usage = if limited {
        let running = match &claim.running {
            Some(running) => running.clone(),
            None => counted(tx).await?,
        };
        let rated = settings.values().any(|limits| limits.rate.is_some());
        Usage { running, next_at: if rated { queues::rates(tx).await? } else { BTreeMap::new() } }
    } else {
        Usage::default()
    };
    let allotted = allot(&claim.lanes, &settings, &usage, claim.most, claim.now);
    let taken = take(tx, claim, &allotted).await?;
    let Allotted { shares, blocked, retry_at } = allotted;
    let mut got: BTreeMap<&Lane, u32> = BTreeMap::new();
    for run in &taken {
        *got.entry(&run.lane).or_default() += 1;
    }
    if limited {
        queues::spend(tx, &settings, &usage.next_at, &got, claim.now).await?;
    }
    let empty = shares.into_iter().filter(|(lane, share)| got.get(lane).copied().unwrap_or(0) < *share);
    let empty = empty.map(|(lane, _)| lane).collect();
    tell(tx, &taken, claim.now).await?;
    Ok(Claimed { runs: taken, empty, blocked, retry_at })
}

async fn take(tx: &mut Tx<'_>, claim: &Claim, allotted: &Allotted) -> Result<Vec<Taken>, Error> {
    let lanes = allotted.shares.iter().map(|(lane, share)| args![lane.to_string(), *share, &claim.worker, claim.now]);
    let rows = tx.given(&TAKE, &lanes.collect::<Rows<'_>>()).await?;
    let taken = rows.iter().map(|row| taken_as(row, claim)).collect::<Result<Vec<_>, _>>()?;
    if tx.is_sqlite() {
        let mut places = Rows::default();
        for row in &rows {
            places.push(args![row.int("row")?, &claim.worker, claim.now]);
        }
        tx.given(&HOLD, &places).await?;
    }
    Ok(taken)
}

fn taken_as(row: &Row, claim: &Claim) -> Result<Taken, Error> {
    Ok(Taken {
        id: row.run("id")?,
        lane: row.parsed("lane")?,
        worker: claim.worker.clone(),
        attempt: row.int("attempt")?,
        last_attempt: row.int("last_attempt")?,
        epoch: row.int("epoch")?,
        seq: row.int("seq")?,
        signals: row.int("signals")?,
        started_at: row.optional_int("started_at")?,
        cancel_requested: row.flag("cancel_requested")?,
    })
}

/// Tells the journal of claims, but for the first of a run where that is its first entry: see the view `entries`.
async fn tell(tx: &mut Tx<'_>, taken: &[Taken], now: Micros) -> Result<(), Error> {
    let again = taken.iter().filter(|run| (run.seq, run.started_at) != (1, Some(now)));
    let entries = again.map(|run| (run, Entry::state(run.seq, now, run.attempt, Status::Running.as_str())));
    let entries: Vec<_> = entries.collect();
    let rows = entries.iter().map(|(run, entry)| journal::row(&run.lane.tenant, run.id, run.epoch, entry));
    journal::insert(tx, rows.collect()).await
}

/// The runs that were taken, as they stand then, the first in line first; why earlier attempts failed is not told. What
/// is read here never changes, so it needs no place in the unit of the claim.
pub async fn taken(tx: &mut Tx<'_>, taken: Vec<Taken>) -> Result<Vec<Run>, Error> {
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let keys = taken.iter().map(|run| args![&run.lane.tenant, run.id]).collect::<Rows<'_>>();
    let rows = tx.given(&LOOK, &keys).await?;
    let mut taken: HashMap<RunId, Taken> = taken.into_iter().map(|run| (run.id, run)).collect();
    let mut runs = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some(live) = taken.remove(&row.run("id")?) {
            runs.push(begun(live, row)?);
        }
    }
    runs.sort_by_key(|run| (super::rank(run.due_at, run.priority), run.id));
    Ok(runs)
}

fn begun(live: Taken, row: &Row) -> Result<Run, Error> {
    let Taken { id, lane, worker, attempt, last_attempt, epoch, seq, signals, started_at, cancel_requested } = live;
    Ok(Run {
        id,
        tenant: lane.tenant,
        kind: row.text("kind")?,
        version: row.int("version")?,
        queue: lane.queue,
        key: lane.key,
        priority: row.int("priority")?,
        subject: row.text("subject")?,
        title: row.text("title")?,
        status: Status::Running,
        input: row.text("input")?,
        output: None,
        error_code: None,
        error_message: None,
        attempt,
        last_attempt,
        max_attempts: row.int("max_attempts")?,
        time_limit_ms: row.optional_int("time_limit_ms")?,
        epoch,
        seq,
        signals,
        created_at: row.int("created_at")?,
        due_at: row.int("due_at")?,
        wake_at: None,
        started_at,
        finished_at: None,
        worker: Some(worker),
        idem_key: row.optional_text("idem_key")?,
        conversation: row.optional_text("conversation")?,
        schedule: row.optional_parsed("schedule")?,
        cancel_requested,
        retries: row.int("retries")?,
        discarded_at: None,
        discarded_by: None,
        discard_reason: None,
    })
}

/// The same as [`running`]; until the unit ends nobody else counts them so.
pub(super) async fn counted(tx: &mut Tx<'_>) -> Result<BTreeMap<Lane, u32>, Error> {
    if !tx.is_sqlite() {
        tx.fetch_all(ONE_AT_A_TIME, args![]).await?;
    }
    running(tx).await
}

/// How many runs of each lane are at work, on all nodes.
pub async fn running(tx: &mut Tx<'_>) -> Result<BTreeMap<Lane, u32>, Error> {
    let sql = "SELECT lane, COUNT(*) AS runs FROM live WHERE state = 1 GROUP BY lane";
    let rows = tx.fetch_all(sql, args![]).await?;
    rows.iter().map(|row| Ok((row.parsed("lane")?, u32::try_from(row.int("runs")?).unwrap_or(u32::MAX)))).collect()
}
