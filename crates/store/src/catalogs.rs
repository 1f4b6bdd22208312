//! What each connection holds, as the JSON of the domain's catalog: one row per connection, replaced at each refresh.

use pilothouse_domain::{ConnectionId, Micros, TenantId};

use crate::{Error, Tx, args, connections};

/// Stores the connection's catalog in place of the one before.
///
/// # Errors
/// [`Error::Missing`] where the tenant has no such connection.
pub async fn put(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    connection: ConnectionId,
    json: &str,
    at: Micros,
) -> Result<(), Error> {
    if !connections::hold(tx, tenant, connection).await? {
        return Err(Error::Missing { what: "connection" });
    }
    tx.execute(
        "INSERT INTO catalogs (tenant, connection, json, put_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, connection) DO UPDATE SET json = excluded.json, put_at = excluded.put_at",
        args![tenant, connection, json, at],
    )
    .await?;
    Ok(())
}

/// The connection's catalog and when it was stored.
pub async fn get(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    connection: ConnectionId,
) -> Result<Option<(String, Micros)>, Error> {
    let row = tx
        .fetch_optional(
            "SELECT json, put_at FROM catalogs WHERE tenant = $1 AND connection = $2",
            args![tenant, connection],
        )
        .await?;
    row.map(|row| Ok((row.text("json")?, row.int("put_at")?))).transpose()
}

/// Removes the connection's catalog. False where there was none.
pub async fn delete(tx: &mut Tx<'_>, tenant: &TenantId, connection: ConnectionId) -> Result<bool, Error> {
    let sql = "DELETE FROM catalogs WHERE tenant = $1 AND connection = $2";
    Ok(tx.execute(sql, args![tenant, connection]).await? == 1)
}
