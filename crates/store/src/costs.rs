//! What queries took, by their shape, and queries that wait for a person with what they are expected to take.

use pilothouse_domain::cost::Took;
use pilothouse_domain::{ConnectionId, Micros, RunId, TenantId};

use crate::{Error, Row, Tx, args};

/// Runs of one shape that are kept.
const KEPT: i64 = 20;

/// One run of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryRun {
    /// Over this connection.
    pub connection: ConnectionId,
    /// The shape of the query.
    pub shape: String,
    /// For this run; what was noted for it before is replaced.
    pub run: RunId,
    /// When it was done.
    pub at: Micros,
    /// What it took.
    pub took: Took,
}

/// Notes what a query took. What is older than `since` is forgotten, and all but the newest few of its shape.
pub async fn note(tx: &mut Tx<'_>, tenant: &TenantId, new: &QueryRun, since: Micros) -> Result<(), Error> {
    let QueryRun { connection, shape, run, at, took } = new;
    let bytes = took.bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    let elapsed = i64::try_from(took.elapsed_us).unwrap_or(i64::MAX);
    tx.execute(
        "INSERT INTO query_runs (tenant, connection, shape, run, at, bytes, elapsed_us) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant, connection, shape, run)
           DO UPDATE SET at = excluded.at, bytes = excluded.bytes, elapsed_us = excluded.elapsed_us",
        args![tenant, *connection, shape.as_str(), *run, *at, bytes, elapsed],
    )
    .await?;
    tx.execute("DELETE FROM query_runs WHERE tenant = $1 AND at <= $2", args![tenant, since]).await?;
    tx.execute(
        "DELETE FROM query_runs WHERE tenant = $1 AND connection = $2 AND shape = $3 AND run NOT IN (
           SELECT run FROM query_runs WHERE tenant = $1 AND connection = $2 AND shape = $3
           ORDER BY at DESC, run DESC LIMIT $4 + 0)",
        args![tenant, *connection, shape.as_str(), KEPT],
    )
    .await?;
    Ok(())
}

/// What the newest runs of a shape took, of those since then.
pub async fn took(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    connection: ConnectionId,
    shape: &str,
    since: Micros,
) -> Result<Vec<Took>, Error> {
    let sql = "SELECT bytes, elapsed_us FROM query_runs
         WHERE tenant = $1 AND connection = $2 AND shape = $3 AND at > $4 ORDER BY at DESC LIMIT $5 + 0";
    tx.fetch_all(sql, args![tenant, connection, shape, since, KEPT]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Took, Error> {
    let bytes = row.optional_int("bytes")?.map(i64::unsigned_abs);
    Ok(Took { bytes, elapsed_us: row.int("elapsed_us")?.unsigned_abs() })
}

/// A query that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The run that would have run it.
    pub id: RunId,
    /// Over this connection.
    pub connection: ConnectionId,
    /// Who asked.
    pub asked_by: String,
    /// Whom it waits for, in a word.
    pub waits_for: String,
    /// What would run.
    pub sql: String,
    /// Why it waits, as a JSON list of words.
    pub reasons: String,
    /// What it is expected to take, as JSON.
    pub forecast: String,
    /// When it was asked.
    pub created_at: Micros,
}

/// Stores a query that waits; one that is there already stays. What is older than `since` is forgotten.
pub async fn put_preview(tx: &mut Tx<'_>, tenant: &TenantId, new: &Preview, since: Micros) -> Result<(), Error> {
    tx.execute("DELETE FROM query_previews WHERE tenant = $1 AND created_at <= $2", args![tenant, since]).await?;
    tx.execute(
        "INSERT INTO query_previews (tenant, id, connection, asked_by, waits_for, sql, reasons, forecast, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant, id) DO NOTHING",
        args![
            tenant,
            new.id,
            new.connection,
            new.asked_by.as_str(),
            new.waits_for.as_str(),
            new.sql.as_str(),
            new.reasons.as_str(),
            new.forecast.as_str(),
            new.created_at,
        ],
    )
    .await?;
    Ok(())
}

/// A query that waits, if there is one of that id.
pub async fn preview(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId) -> Result<Option<Preview>, Error> {
    let sql = "SELECT id, connection, asked_by, waits_for, sql, reasons, forecast, created_at FROM query_previews
         WHERE tenant = $1 AND id = $2";
    let row = tx.fetch_optional(sql, args![tenant, id]).await?;
    row.map(|row| {
        Ok(Preview {
            id: row.run("id")?,
            connection: row.parsed("connection")?,
            asked_by: row.text("asked_by")?,
            waits_for: row.text("waits_for")?,
            sql: row.text("sql")?,
            reasons: row.text("reasons")?,
            forecast: row.text("forecast")?,
            created_at: row.int("created_at")?,
        })
    })
    .transpose()
}
