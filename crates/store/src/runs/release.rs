//! Runs whose worker is gone: taken back, so that others can go on with them.

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, RunId, TenantId};

use super::settle::{Left, To, cancelled, settle};
use super::{Lane, Run, get};
use crate::given::{Given, Kind, Rows};
use crate::{Error, Row, Tx, args, journal};

/// What was taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Released {
    /// How many runs.
    pub runs: usize,
    /// How many of each tenant.
    pub tenants: BTreeMap<TenantId, usize>,
    /// The lanes in which runs are ready again.
    pub lanes: BTreeSet<Lane>,
}

/// The runs that a worker holds, each with its claim.
pub async fn held(tx: &mut Tx<'_>, worker: &str) -> Result<Vec<(TenantId, RunId, i64)>, Error> {
    let sql = "SELECT tenant, id, epoch FROM live WHERE state = 1 AND worker = $1";
    let rows = tx.fetch_all(sql, args![worker]).await?;
    rows.iter().map(|row| Ok((row.parsed("tenant")?, row.run("id")?, row.int("epoch")?))).collect()
}

/// Takes back at most `limit` runs of a worker that was given up. With attempts left a run is ready again, without it
/// is dead with `run.interrupted`; one that somebody wanted to stop is cancelled.
pub async fn release(tx: &mut Tx<'_>, worker: &str, now: Micros, limit: u32) -> Result<Released, Error> {
    let sql = tx.pick(
        "SELECT tenant, id, lane, attempt, last_attempt, epoch, cancel_requested FROM live
         WHERE state = 1 AND worker = $1 LIMIT $2 + 0",
        "SELECT tenant, id, lane, attempt, last_attempt, epoch, cancel_requested FROM live
         WHERE state = 1 AND worker = $1 LIMIT $2 + 0 FOR UPDATE SKIP LOCKED",
    );
    let rows = tx.fetch_all(sql, args![worker, limit]).await?;
    take_back(tx, &rows, now, Because::Interrupted).await
}

const HELD: Given = Given {
    columns: &[("tenant", Kind::Text), ("id", Kind::Run), ("epoch", Kind::Int)],
    sqlite: "SELECT tenant, id, lane, attempt, last_attempt, epoch, cancel_requested FROM live
             WHERE tenant = :tenant AND id = :id AND epoch = :epoch AND state = 1",
    postgres: "SELECT held.* FROM given CROSS JOIN LATERAL (
                 SELECT live.tenant, live.id, lane, state, attempt, last_attempt, live.epoch, cancel_requested
                 FROM live WHERE live.tenant = given.tenant AND live.id = given.id OFFSET 0 FOR NO KEY UPDATE) AS held
               WHERE held.epoch = given.epoch AND held.state = 1",
};

/// Puts runs back that are held under these claims and that nobody works on, since an answer was lost. No attempt of
/// theirs has failed.
pub async fn put_back(tx: &mut Tx<'_>, runs: Vec<(TenantId, RunId, i64)>, now: Micros) -> Result<Released, Error> {
    let mut runs: Vec<_> = runs.iter().collect();
    runs.sort();
    let runs = runs.into_iter().map(|(tenant, id, epoch)| args![tenant, *id, *epoch]).collect::<Rows<'_>>();
    let rows = tx.given(&HELD, &runs).await?;
    take_back(tx, &rows, now, Because::Unsure).await
}

/// Why runs are taken from their worker.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Because {
    /// It vanished in the middle of an attempt.
    Interrupted,
    /// Nobody knows whether it was told that it holds them.
    Unsure,
}

async fn take_back(tx: &mut Tx<'_>, rows: &[Row], now: Micros, because: Because) -> Result<Released, Error> {
    let mut left = Vec::with_capacity(rows.len());
    let (mut lanes, mut tenants) = (BTreeSet::new(), BTreeMap::new());
    for row in rows {
        let run = taken_back(tx, row, now, because).await?;
        if matches!(run.to, To::Ready { .. }) {
            lanes.insert(row.parsed("lane")?);
        }
        *tenants.entry(run.tenant.clone()).or_insert(0) += 1;
        left.push(run);
    }
    settle(tx, left, Rows::default()).await?;
    Ok(Released { runs: rows.len(), tenants, lanes })
}

/// Takes one run from its worker, whatever that does, as [`release`] does: what it still writes is refused. Returns the
/// run as it stands then; none where no worker holds it.
pub async fn take_one(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId, now: Micros) -> Result<Option<Run>, Error> {
    let sql = tx.pick(
        "SELECT tenant, id, lane, attempt, last_attempt, epoch, cancel_requested FROM live
         WHERE state = 1 AND tenant = $1 AND id = $2",
        "SELECT tenant, id, lane, attempt, last_attempt, epoch, cancel_requested FROM live
         WHERE state = 1 AND tenant = $1 AND id = $2 FOR UPDATE",
    );
    let rows = tx.fetch_all(sql, args![tenant, id]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    take_back(tx, &rows, now, Because::Interrupted).await?;
    get(tx, tenant, id).await
}

async fn taken_back(tx: &mut Tx<'_>, row: &Row, now: Micros, because: Because) -> Result<Left, Error> {
    let (tenant, id): (TenantId, RunId) = (row.parsed("tenant")?, row.run("id")?);
    let (attempt, last_attempt) = (row.int("attempt")?, row.int("last_attempt")?);
    let ended = |status| To::Ended { status, output: None };
    let interrupted = (Code::RunInterrupted.as_str().to_owned(), Code::RunInterrupted.cause().to_owned());
    let (to, attempt, why) = if row.flag("cancel_requested")? {
        (ended(Status::Cancelled), attempt, Some(cancelled()))
    } else if because == Because::Unsure {
        (To::Ready { rank: None }, attempt, None)
    } else if attempt < last_attempt {
        (To::Ready { rank: None }, attempt + 1, Some(interrupted))
    } else {
        (ended(Status::Dead), attempt, Some(interrupted))
    };
    let seq = journal::last_seq(tx, &tenant, id).await?;
    let epoch = row.int("epoch")?;
    Ok(Left { tenant, id, epoch, seq, attempt, last_attempt, at: now, to, why, told: Some(journal::NO_CLAIM) })
}
