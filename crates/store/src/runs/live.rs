//! Runs that have not ended: which wait for a worker, and which for a moment.

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, TenantId};

use super::Lane;
use super::settle::{Left, To, settle};
use crate::given::Rows;
use crate::{Error, Row, Tx, args, journal};

/// What a live run does, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// A worker may take it.
    Ready = 0,
    /// A worker holds it.
    Running = 1,
    /// It becomes ready at a moment.
    Delayed = 2,
    /// It waits for a signal, or for a moment.
    Waiting = 3,
}

impl State {
    pub(crate) fn parse(number: i64) -> Option<Self> {
        [Self::Ready, Self::Running, Self::Delayed, Self::Waiting].into_iter().find(|state| *state as i64 == number)
    }

    pub(crate) fn status(self) -> Status {
        match self {
            Self::Ready | Self::Delayed => Status::Queued,
            Self::Running => Status::Running,
            Self::Waiting => Status::Waiting,
        }
    }
}

/// At most `limit` lanes after `after` in which runs are ready, in order. Costs one look per lane, however many runs
/// stand in it.
pub async fn ready_lanes(tx: &mut Tx<'_>, after: Option<&Lane>, limit: u32) -> Result<Vec<Lane>, Error> {
    let sql = "WITH RECURSIVE lanes (lane) AS (
                 SELECT MIN(lane) FROM live WHERE state = 0 AND lane > $1
                 UNION ALL
                 SELECT (SELECT MIN(lane) FROM live WHERE state = 0 AND lane > lanes.lane) FROM lanes
                   WHERE lanes.lane IS NOT NULL)
               SELECT lane FROM lanes WHERE lane IS NOT NULL LIMIT $2 + 0";
    let after = after.map(Lane::to_string).unwrap_or_default();
    tx.fetch_all(sql, args![after, limit]).await?.iter().map(|row| row.parsed("lane")).collect()
}

/// Runs whose moment came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promoted {
    /// The lanes in which runs became ready.
    pub lanes: Vec<Lane>,
    /// When the next one's moment comes.
    pub next_at: Option<Micros>,
}

/// Makes at most `limit` runs ready whose moment has come: those that were delayed, and those that have waited as long
/// as they would.
pub async fn promote(tx: &mut Tx<'_>, now: Micros, limit: u32) -> Result<Promoted, Error> {
    let sql = tx.pick(
        "SELECT tenant, id, lane, state, attempt, last_attempt, epoch, seq FROM live
         WHERE wake_at <= $1 ORDER BY wake_at LIMIT $2 + 0",
        "SELECT tenant, id, lane, state, attempt, last_attempt, epoch, seq FROM live
         WHERE wake_at <= $1 ORDER BY wake_at LIMIT $2 + 0 FOR UPDATE SKIP LOCKED",
    );
    let rows = tx.fetch_all(sql, args![now, limit]).await?;
    let mut lanes: Vec<Lane> = rows.iter().map(|row| row.parsed("lane")).collect::<Result<_, _>>()?;
    lanes.sort();
    lanes.dedup();
    let woken = rows.iter().map(|row| woken(row, now)).collect::<Result<Vec<_>, _>>()?;
    settle(tx, woken, Rows::default()).await?;
    Ok(Promoted { lanes, next_at: next_wake(tx).await? })
}

/// When the next delayed or waiting run's moment comes.
pub async fn next_wake(tx: &mut Tx<'_>) -> Result<Option<Micros>, Error> {
    let next = tx.fetch_optional("SELECT MIN(wake_at) AS next FROM live WHERE wake_at IS NOT NULL", args![]).await?;
    Ok(next.map(|row| row.optional_int("next")).transpose()?.flatten())
}

fn woken(row: &Row, now: Micros) -> Result<Left, Error> {
    // A delayed run was queued all the time; only the end of a wait is news.
    let waited = row.int("state")? == State::Waiting as i64;
    Ok(Left {
        tenant: row.parsed("tenant")?,
        id: row.run("id")?,
        epoch: row.int("epoch")?,
        seq: row.int("seq")?,
        attempt: row.int("attempt")?,
        last_attempt: row.int("last_attempt")?,
        at: now,
        to: To::Ready { rank: None },
        why: None,
        told: waited.then_some(journal::NO_CLAIM),
    })
}

/// How many runs of a lane are in each state: (lane, state, how many), of one tenant or of all.
pub async fn depths(tx: &mut Tx<'_>, tenant: Option<&TenantId>) -> Result<Vec<(Lane, Status, i64)>, Error> {
    let sql = "SELECT lane, state, COUNT(*) AS runs FROM live WHERE ($1 IS NULL OR tenant = $1) GROUP BY lane, state";
    let rows = tx.fetch_all(sql, args![tenant.map(TenantId::as_str)]).await?;
    rows.iter()
        .map(|row| {
            let state = State::parse(row.int("state")?).ok_or_else(|| Error::unreadable("state"))?;
            Ok((row.parsed("lane")?, state.status(), row.int("runs")?))
        })
        .collect()
}
