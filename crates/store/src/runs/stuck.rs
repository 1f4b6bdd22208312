//! Runs that stand still: what an operator should look at.

use pilothouse_domain::{Micros, RunId, TenantId};

use super::{Run, columns, ended_runs, live_runs, read};
use crate::{Arg, Error, Row, Tx};

/// Most runs of each reason that are looked at; more are not counted.
const MOST_LOOKED_AT: u32 = 10_000;

/// Why a run counts as standing still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StuckReason {
    /// Its worker has shown no life, and nobody has taken it back.
    NoHeartbeat,
    /// Its worker lives, and has written nothing.
    NoProgress,
    /// It is due and nobody takes it, though its queue is not paused.
    NotPickedUp,
    /// It is dead, and nobody has discarded it.
    DeadLetter,
}

impl StuckReason {
    /// The reason as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoHeartbeat => "no_heartbeat",
            Self::NoProgress => "no_progress",
            Self::NotPickedUp => "not_picked_up",
            Self::DeadLetter => "dead_letter",
        }
    }
}

/// A run that stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// The run.
    pub run: Run,
    /// Why it counts as standing still.
    pub reason: StuckReason,
    /// Since when.
    pub since: Micros,
}

/// From when on a run counts as standing still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stillness {
    /// Nothing has been written of it since.
    pub idle: Micros,
    /// Its worker has not been heard of since, so that it is taken for gone.
    pub silent: Micros,
    /// The present moment: dead letters count from their first one on.
    pub now: Micros,
}

/// The three statements of a reason: its rows, their number, and the row of one run. `$2` is the moment since which
/// they stand still.
struct Sql {
    list: &'static str,
    count: &'static str,
    one: &'static str,
}

macro_rules! still {
    ($since:literal, $runs:ident, $rest:literal) => {
        Sql {
            list: concat!(
                "SELECT ",
                columns!(),
                ", ",
                $since,
                " AS since ",
                $runs!(),
                $rest,
                " ORDER BY since, r.id LIMIT $3 + 0"
            ),
            count: concat!("SELECT COUNT(*) AS runs FROM (SELECT 1 ", $runs!(), $rest, " LIMIT $3 + 0) AS found"),
            one: concat!("SELECT ", columns!(), ", ", $since, " AS since ", $runs!(), $rest, " AND r.id = $3"),
        }
    };
}

const SILENT: Sql = still!(
    "COALESCE(w.beat_at, l.started_at, r.created_at)",
    live_runs,
    "LEFT JOIN workers w ON w.id = l.worker
     WHERE l.tenant = $1 AND l.state = 1 AND (w.id IS NULL OR w.gone = 1 OR w.beat_at <= $2)"
);
// That the first claim began stands in no row of the journal.
const IDLE: Sql = still!(
    "COALESCE((SELECT MAX(j.at) FROM journal j WHERE j.tenant = l.tenant AND j.run = l.id), l.started_at)",
    live_runs,
    "JOIN workers w ON w.id = l.worker
     WHERE l.tenant = $1 AND l.state = 1 AND w.gone = 0 AND w.beat_at > $4 AND l.started_at <= $2
       AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.tenant = l.tenant AND j.run = l.id AND j.at > $2)"
);
const LEFT: Sql = still!(
    "CASE WHEN l.state = 2 THEN l.wake_at ELSE l.rank + r.priority * 60000000 END",
    live_runs,
    "LEFT JOIN queues q ON q.name = r.queue
     WHERE l.tenant = $1 AND q.paused_at IS NULL
       AND ((l.state = 0 AND l.rank + r.priority * 60000000 <= $2) OR (l.state = 2 AND l.wake_at <= $2))
       AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.tenant = l.tenant AND j.run = l.id AND j.at > $2)"
);
const DEAD: Sql = still!(
    "e.finished_at",
    ended_runs,
    "WHERE e.tenant = $1 AND e.outcome = 'dead' AND e.discarded_at IS NULL AND e.finished_at <= $2"
);

const REASONS: [(StuckReason, Sql); 4] = [
    (StuckReason::NoHeartbeat, SILENT),
    (StuckReason::NoProgress, IDLE),
    (StuckReason::NotPickedUp, LEFT),
    (StuckReason::DeadLetter, DEAD),
];

/// The tenant's runs that stand still, those that have longest first, at most `limit` of them; and how many there are,
/// each reason counted up to a bound.
pub async fn stuck(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    stillness: Stillness,
    limit: u32,
) -> Result<(Vec<Stuck>, i64), Error> {
    let (mut found, mut count) = (Vec::new(), 0);
    for (reason, sql) in REASONS {
        for row in rows(tx, tenant, stillness, reason, sql.list, limit.into()).await? {
            found.push(of(&row, reason)?);
        }
        let counted = rows(tx, tenant, stillness, reason, sql.count, MOST_LOOKED_AT.into()).await?;
        count += counted.first().ok_or_else(|| Error::unreadable("runs"))?.int("runs")?;
    }
    found.sort_by_key(|stuck| (stuck.since, stuck.run.id));
    found.truncate(limit as usize);
    Ok((found, count))
}

/// Whether this run stands still, and why.
pub async fn stuck_one(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    stillness: Stillness,
    run: RunId,
) -> Result<Option<Stuck>, Error> {
    for (reason, sql) in REASONS {
        if let Some(row) = rows(tx, tenant, stillness, reason, sql.one, run.into()).await?.first() {
            return of(row, reason).map(Some);
        }
    }
    Ok(None)
}

async fn rows(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    stillness: Stillness,
    reason: StuckReason,
    sql: &'static str,
    third: Arg<'_>,
) -> Result<Vec<Row>, Error> {
    let Stillness { idle, silent, now } = stillness;
    match reason {
        StuckReason::NoHeartbeat => tx.fetch_all(sql, [tenant.into(), silent.into(), third]).await,
        StuckReason::NoProgress => tx.fetch_all(sql, [tenant.into(), idle.into(), third, silent.into()]).await,
        StuckReason::NotPickedUp => tx.fetch_all(sql, [tenant.into(), idle.into(), third]).await,
        StuckReason::DeadLetter => tx.fetch_all(sql, [tenant.into(), now.into(), third]).await,
    }
}

fn of(row: &Row, reason: StuckReason) -> Result<Stuck, Error> {
    Ok(Stuck { run: read(row)?, reason, since: row.int("since")? })
}
