//! How a run leaves its worker: ended, put back, parked or cancelled.

use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, RunId, TenantId};

use super::{Run, columns, get, read, status};
use crate::{Error, Tx, args};

/// Ends a running run. `output` is JSON, `error` a stable code and a message. False where the worker is fenced.
///
/// # Errors
/// [`Error::Conflict`] where `status` is not a final one.
#[expect(clippy::too_many_arguments, reason = "one value per column; a struct would only rename them")]
pub async fn finish(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: RunId,
    epoch: i64,
    status: Status,
    output: Option<&str>,
    error: Option<(&str, &str)>,
    now: Micros,
) -> Result<bool, Error> {
    if !status.is_final() {
        return Err(Error::Conflict { what: "run" });
    }
    let ended = tx
        .execute(
            "UPDATE runs SET status = $4, output = $5, error_code = $6, error_message = $7, finished_at = $8,
               lease_owner = NULL, lease_until = NULL
             WHERE tenant = $1 AND id = $2 AND epoch = $3 AND status = 'running'",
            args![
                tenant,
                id,
                epoch,
                status.as_str(),
                output,
                error.map(|(code, _)| code),
                error.map(|(_, message)| message),
                now,
            ],
        )
        .await?;
    Ok(ended == 1)
}

/// Puts a running run back into the queue until `due_at`, with why. One that somebody wanted to stop is cancelled
/// instead: returns how it stands then, or none where the worker is fenced.
pub async fn requeue(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: RunId,
    epoch: i64,
    due_at: Micros,
    error: Option<(&str, &str)>,
    now: Micros,
) -> Result<Option<Status>, Error> {
    let cancelled = Code::RunCancelled;
    let requeued = tx
        .fetch_optional(
            "UPDATE runs SET status = CASE WHEN cancel_requested = 1 THEN 'cancelled' ELSE 'queued' END,
               finished_at = CASE WHEN cancel_requested = 1 THEN $9 ELSE NULL END,
               error_code = CASE WHEN cancel_requested = 1 THEN $7 ELSE $5 END,
               error_message = CASE WHEN cancel_requested = 1 THEN $8 ELSE $6 END,
               due_at = $4, lease_owner = NULL, lease_until = NULL
             WHERE tenant = $1 AND id = $2 AND epoch = $3 AND status = 'running' RETURNING status",
            args![
                tenant,
                id,
                epoch,
                due_at,
                error.map(|(code, _)| code),
                error.map(|(_, message)| message),
                cancelled.as_str(),
                cancelled.cause(),
                now,
            ],
        )
        .await?;
    requeued.as_ref().map(status).transpose()
}

/// Parks a running run that waits for something outside; it holds no worker. False where the worker is fenced.
pub async fn suspend(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId, epoch: i64) -> Result<bool, Error> {
    let parked = tx
        .execute(
            "UPDATE runs SET status = 'waiting', lease_owner = NULL, lease_until = NULL
             WHERE tenant = $1 AND id = $2 AND epoch = $3 AND status = 'running'",
            args![tenant, id, epoch],
        )
        .await?;
    Ok(parked == 1)
}

/// Puts a parked run into the queue, for a worker from `due_at` on. False where it is not parked.
pub async fn resume(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId, due_at: Micros) -> Result<bool, Error> {
    let resumed = tx
        .execute(
            "UPDATE runs SET status = 'queued', due_at = $3 WHERE tenant = $1 AND id = $2 AND status = 'waiting'",
            args![tenant, id, due_at],
        )
        .await?;
    Ok(resumed == 1)
}

/// Cancels a run: at once where no worker holds it, else by telling its worker. Returns the run as it stands then, and
/// whether this call changed it; one that has ended is returned as it is. None where the tenant has no such run.
pub async fn request_cancel(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: RunId,
    now: Micros,
) -> Result<Option<(Run, bool)>, Error> {
    let code = Code::RunCancelled;
    let sql = concat!(
        "UPDATE runs SET cancel_requested = 1,
           status = CASE WHEN status = 'running' THEN status ELSE 'cancelled' END,
           finished_at = CASE WHEN status = 'running' THEN finished_at ELSE $3 END,
           error_code = CASE WHEN status = 'running' THEN error_code ELSE $4 END,
           error_message = CASE WHEN status = 'running' THEN error_message ELSE $5 END
         WHERE tenant = $1 AND id = $2 AND status IN ('queued', 'running', 'waiting') RETURNING ",
        columns!()
    );
    let changed = tx.fetch_optional(sql, args![tenant, id, now, code.as_str(), code.cause()]).await?;
    match changed {
        Some(row) => Ok(Some((read(&row)?, true))),
        None => Ok(get(tx, tenant, id).await?.map(|run| (run, false))),
    }
}
