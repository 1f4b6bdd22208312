//! Who holds a run: claiming it, keeping it, losing it.
//!
//! The texts of the engines differ where many workers meet: PostgreSQL skips the rows that another is taking just now,
//! SQLite has one writer and needs nothing.

use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, RunId, TenantId};

use super::{Run, columns, read, status};
use crate::{Error, Row, Tx, args};

/// A run that was taken from its worker, and how it stands now.
pub type Released = (TenantId, RunId, Status);

/// What a claim changes: `$1` owner, `$2` now, `$3` until when.
macro_rules! claimed {
    () => {
        "UPDATE runs SET status = 'running', epoch = epoch + 1, attempt = attempt + 1, lease_owner = $1,
           lease_until = $3, started_at = COALESCE(started_at, $2) "
    };
}

/// Takes at most `limit` due runs of these `kinds`, of all tenants, the longest due first, for `owner` until
/// `lease_until`.
pub async fn claim(
    tx: &mut Tx<'_>,
    owner: &str,
    now: Micros,
    lease_until: Micros,
    kinds: &[&str],
    limit: u32,
) -> Result<Vec<Run>, Error> {
    let sql = tx.pick(
        concat!(
            claimed!(),
            "WHERE rowid IN (SELECT rowid FROM runs
               WHERE status = 'queued' AND due_at <= $2 AND kind IN (SELECT value FROM json_each($4))
               ORDER BY due_at, id LIMIT $5)
             RETURNING ",
            columns!()
        ),
        concat!(
            claimed!(),
            "WHERE ctid = ANY (ARRAY(SELECT ctid FROM runs
               WHERE status = 'queued' AND due_at <= $2
                 AND kind = ANY (ARRAY(SELECT json_array_elements_text($4::json)))
               ORDER BY due_at, id LIMIT $5 FOR UPDATE SKIP LOCKED))
             RETURNING ",
            columns!()
        ),
    );
    let kinds = serde_json::json!(kinds).to_string();
    let rows = tx.fetch_all(sql, args![owner, now, lease_until, kinds, limit]).await?;
    let mut runs = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    runs.sort_by_key(|run| (run.due_at, run.id));
    Ok(runs)
}

/// Takes one run, for instance one that the same unit has just enqueued. None where it is not queued, or not due.
pub async fn claim_one(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: RunId,
    owner: &str,
    now: Micros,
    lease_until: Micros,
) -> Result<Option<Run>, Error> {
    let sql = concat!(
        claimed!(),
        "WHERE tenant = $4 AND id = $5 AND status = 'queued' AND due_at <= $2 RETURNING ",
        columns!()
    );
    let row = tx.fetch_optional(sql, args![owner, now, lease_until, tenant, id]).await?;
    row.as_ref().map(read).transpose()
}

/// Extends the leases of `owner` on the runs `at_work` that are not over at `now`, and tells how many: a lease that is
/// over stays over, and one that nobody works under runs out.
pub async fn heartbeat(
    tx: &mut Tx<'_>,
    owner: &str,
    at_work: &[RunId],
    now: Micros,
    lease_until: Micros,
) -> Result<u64, Error> {
    let sql = tx.pick(
        "UPDATE runs SET lease_until = $3 WHERE lease_owner = $1 AND status = 'running' AND lease_until > $2
           AND id IN (SELECT value FROM json_each($4))",
        "UPDATE runs SET lease_until = $3 WHERE lease_owner = $1 AND status = 'running' AND lease_until > $2
           AND id = ANY (ARRAY(SELECT json_array_elements_text($4::json)))",
    );
    tx.execute(sql, args![owner, now, lease_until, serde_json::json!(at_work).to_string()]).await
}

/// What a release changes, where `$which` picks the runs: `$1` now, `$2` at most how many, `$7` whose are spared.
macro_rules! released {
    ($which:literal) => {
        concat!(
            "UPDATE runs SET
                   status = CASE WHEN cancel_requested = 1 THEN 'cancelled'
                                 WHEN attempt < max_attempts THEN 'queued' ELSE 'dead' END,
                   error_code = CASE WHEN cancel_requested = 1 THEN $3
                                     WHEN attempt < max_attempts THEN error_code ELSE $5 END,
                   error_message = CASE WHEN cancel_requested = 1 THEN $4
                                        WHEN attempt < max_attempts THEN error_message ELSE $6 END,
                   finished_at = CASE WHEN cancel_requested = 0 AND attempt < max_attempts THEN NULL ELSE $1 END,
                   lease_owner = NULL, lease_until = NULL ",
            $which,
            " RETURNING tenant, id, status"
        )
    };
}

/// Takes back at most `limit` runs whose lease is over at `now`. With attempts left a run is queued again, without it
/// is dead with `run.interrupted`; one that somebody wanted to stop is cancelled.
pub async fn release_expired(tx: &mut Tx<'_>, now: Micros, limit: u32) -> Result<Vec<Released>, Error> {
    let sql = tx.pick(
        released!(
            "WHERE rowid IN (SELECT rowid FROM runs WHERE status = 'running' AND lease_until <= $1
                             ORDER BY lease_until LIMIT $2)"
        ),
        released!(
            "WHERE ctid = ANY (ARRAY(SELECT ctid FROM runs WHERE status = 'running' AND lease_until <= $1
                                     ORDER BY lease_until LIMIT $2 FOR UPDATE SKIP LOCKED))"
        ),
    );
    let (cancelled, interrupted) = (Code::RunCancelled, Code::RunInterrupted);
    let values = args![now, limit, cancelled.as_str(), cancelled.cause(), interrupted.as_str(), interrupted.cause()];
    read_released(&tx.fetch_all(sql, values).await?)
}

/// The same for at most `limit` runs that anybody but `owner` holds, whether their lease is over or not: for a process
/// that knows that no other works in this database.
pub async fn release_others(tx: &mut Tx<'_>, owner: &str, now: Micros, limit: u32) -> Result<Vec<Released>, Error> {
    let sql = tx.pick(
        released!("WHERE rowid IN (SELECT rowid FROM runs WHERE status = 'running' AND lease_owner <> $7 LIMIT $2)"),
        released!(
            "WHERE ctid = ANY (ARRAY(SELECT ctid FROM runs WHERE status = 'running' AND lease_owner <> $7
                                     LIMIT $2 FOR UPDATE SKIP LOCKED))"
        ),
    );
    let (cancelled, interrupted) = (Code::RunCancelled, Code::RunInterrupted);
    let values =
        args![now, limit, cancelled.as_str(), cancelled.cause(), interrupted.as_str(), interrupted.cause(), owner];
    read_released(&tx.fetch_all(sql, values).await?)
}

fn read_released(rows: &[Row]) -> Result<Vec<Released>, Error> {
    rows.iter().map(|row| Ok((row.parsed("tenant")?, row.parsed("id")?, status(row)?))).collect()
}

/// Whether the run is running under this epoch; until the unit ends nobody else can take it away.
pub(crate) async fn fence(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId, epoch: i64) -> Result<bool, Error> {
    let sql = tx.pick(
        "SELECT id FROM runs WHERE tenant = $1 AND id = $2 AND epoch = $3 AND status = 'running'",
        "SELECT id FROM runs WHERE tenant = $1 AND id = $2 AND epoch = $3 AND status = 'running' FOR NO KEY UPDATE",
    );
    Ok(tx.fetch_optional(sql, args![tenant, id, epoch]).await?.is_some())
}
