//! What happened in a run, in order, for those who watch it.

use pilothouse_domain::{Micros, RunId, TenantId};

use crate::{Error, Row, Tx, args, runs};

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// 1, 2, 3 … per run, without gaps.
    pub seq: i64,
    /// What kind of thing, for instance `step.finished`.
    pub kind: String,
    /// Its details, as JSON.
    pub json: String,
    /// When.
    pub at: Micros,
}

/// Adds an event to a run and tells its number.
///
/// # Errors
/// [`Error::Missing`] where the tenant has no such run.
pub async fn append(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    run: RunId,
    kind: &str,
    json: &str,
    at: Micros,
) -> Result<i64, Error> {
    // The run is held so that two who append at once get two numbers.
    if !runs::hold(tx, tenant, run).await? {
        return Err(Error::Missing { what: "run" });
    }
    append_held(tx, tenant, run, kind, json, at).await
}

/// The same for a run that this unit has changed or fenced before, so that it holds it already.
///
/// # Errors
/// [`Error::Database`] where the tenant has no such run.
pub async fn append_held(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    run: RunId,
    kind: &str,
    json: &str,
    at: Micros,
) -> Result<i64, Error> {
    let row = tx
        .fetch_optional(
            "INSERT INTO events (tenant, run, seq, kind, json, at)
             SELECT $1, $2, COALESCE(MAX(seq), 0) + 1, $3, $4, $5 FROM events WHERE tenant = $1 AND run = $2
             RETURNING seq",
            args![tenant, run, kind, json, at],
        )
        .await?;
    row.ok_or_else(|| Error::unreadable("seq"))?.int("seq")
}

/// At most `limit` events of a run after the number `after_seq` (0: from the first), in order.
pub async fn list(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    run: RunId,
    after_seq: i64,
    limit: u32,
) -> Result<Vec<Event>, Error> {
    let sql = "SELECT seq, kind, json, at FROM events
               WHERE tenant = $1 AND run = $2 AND seq > $3 ORDER BY seq LIMIT $4";
    tx.fetch_all(sql, args![tenant, run, after_seq, limit]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Event, Error> {
    Ok(Event { seq: row.int("seq")?, kind: row.text("kind")?, json: row.text("json")?, at: row.int("at")? })
}
