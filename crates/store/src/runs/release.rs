//! Runs whose worker is gone: taken back, so that others can go on with them.

use std::collections::BTreeSet;

use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, RunId, TenantId};

use super::Lane;
use super::settle::{Left, To, cancelled, settle};
use crate::given::Rows;
use crate::{Error, Row, Tx, args, journal};

/// What was taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Released {
    /// How many runs.
    pub runs: usize,
    /// The lanes in which runs are ready again.
    pub lanes: BTreeSet<Lane>,
}

/// Takes back at most `limit` runs of a worker that was given up. With attempts left a run is ready again, without it
/// is dead with `run.interrupted`; one that somebody wanted to stop is cancelled.
pub async fn release(tx: &mut Tx<'_>, worker: &str, now: Micros, limit: u32) -> Result<Released, Error> {
    let sql = tx.pick(
        "SELECT tenant, id, lane, attempt, last_attempt, epoch, started_at, cancel_requested FROM live
         WHERE state = 1 AND worker = $1 LIMIT $2",
        "SELECT tenant, id, lane, attempt, last_attempt, epoch, started_at, cancel_requested FROM live
         WHERE state = 1 AND worker = $1 LIMIT $2 FOR UPDATE SKIP LOCKED",
    );
    let rows = tx.fetch_all(sql, args![worker, limit]).await?;
    let mut left = Vec::with_capacity(rows.len());
    let mut lanes = BTreeSet::new();
    for row in &rows {
        let run = taken_back(tx, row, now).await?;
        if matches!(run.to, To::Ready { .. }) {
            lanes.insert(row.parsed("lane")?);
        }
        left.push(run);
    }
    settle(tx, left, Rows::default()).await?;
    Ok(Released { runs: rows.len(), lanes })
}

async fn taken_back(tx: &mut Tx<'_>, row: &Row, now: Micros) -> Result<Left, Error> {
    let (tenant, id): (TenantId, RunId) = (row.parsed("tenant")?, row.parsed("id")?);
    let (attempt, last_attempt) = (row.int("attempt")?, row.int("last_attempt")?);
    let started_at = row.optional_int("started_at")?;
    let ended = |status| To::Ended { status, output: None, started_at };
    let interrupted = (Code::RunInterrupted.as_str().to_owned(), Code::RunInterrupted.cause().to_owned());
    let (to, attempt, why) = if row.flag("cancel_requested")? {
        (ended(Status::Cancelled), attempt, cancelled())
    } else if attempt < last_attempt {
        (To::Ready { rank: None }, attempt + 1, interrupted)
    } else {
        (ended(Status::Dead), attempt, interrupted)
    };
    let seq = journal::last_seq(tx, &tenant, id).await?;
    let epoch = row.int("epoch")?;
    Ok(Left {
        tenant,
        id,
        epoch,
        seq,
        attempt,
        last_attempt,
        at: now,
        to,
        why: Some(why),
        told: Some(journal::NO_CLAIM),
    })
}
