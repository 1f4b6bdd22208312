//! What each tenant's queries have read lately, in bytes: reserved as it is expected, then settled as it was.

use pilothouse_domain::{Micros, RunId, TenantId};

use crate::{Error, Tx, args};

/// A wish to read.
#[derive(Debug, Clone, Copy)]
pub struct Reserve {
    /// For this run; what it reserved before is replaced.
    pub run: RunId,
    /// As many bytes.
    pub bytes: u64,
    /// Now.
    pub at: Micros,
    /// What was read after this counts; what was read before is forgotten.
    pub since: Micros,
    /// The most that the tenant may read in that time, in bytes.
    pub most: u64,
}

/// One at a time for each tenant, until the unit ends.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(1885956986, hashtext($1))";

/// Reserves what a run is about to read.
///
/// # Errors
/// Besides the database's: `Ok(Err(used))` where it would be more than the tenant may; `used` bytes are.
pub async fn reserve(tx: &mut Tx<'_>, tenant: &TenantId, wish: Reserve) -> Result<Result<(), u64>, Error> {
    // SQLite has one writer anyway.
    let lock = tx.pick("SELECT $1", ONE_AT_A_TIME);
    tx.fetch_optional(lock, args![tenant]).await?;
    tx.execute("DELETE FROM reads WHERE tenant = $1 AND at <= $2", args![tenant, wish.since]).await?;
    let used = used(tx, tenant, wish.since, Some(wish.run)).await?;
    if used.saturating_add(wish.bytes) > wish.most {
        return Ok(Err(used));
    }
    tx.execute(
        "INSERT INTO reads (tenant, run, at, bytes) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, run) DO UPDATE SET at = excluded.at, bytes = excluded.bytes",
        args![tenant, wish.run, wish.at, bytes(wish.bytes)],
    )
    .await?;
    Ok(Ok(()))
}

/// Notes what a run has read until `at`, in place of what was expected.
pub async fn settle(tx: &mut Tx<'_>, tenant: &TenantId, run: RunId, read: u64, at: Micros) -> Result<(), Error> {
    let sql = "INSERT INTO reads (tenant, run, at, bytes) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, run) DO UPDATE SET bytes = excluded.bytes";
    tx.execute(sql, args![tenant, run, at, bytes(read)]).await?;
    Ok(())
}

/// What the tenant's runs have read since, but for one of them, in bytes.
pub async fn used(tx: &mut Tx<'_>, tenant: &TenantId, since: Micros, but: Option<RunId>) -> Result<u64, Error> {
    let sql = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS used FROM reads
         WHERE tenant = $1 AND at > $2 AND ($3 IS NULL OR run <> $3)";
    let row = tx.fetch_optional(sql, args![tenant, since, but]).await?;
    let used = row.map(|row| row.int("used")).transpose()?.unwrap_or(0);
    Ok(u64::try_from(used).unwrap_or(0))
}

fn bytes(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
