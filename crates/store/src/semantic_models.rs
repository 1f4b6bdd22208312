//! What a connection's tables and columns mean, as YAML, in versions that are never changed.

use pilothouse_domain::{ConnectionId, Micros, TenantId};

use crate::{Error, Row, Tx, args, connections};

/// One version of a connection's semantic model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SemanticModel {
    /// Whose meaning it is.
    pub connection: ConnectionId,
    /// 1, 2, 3 … per connection.
    pub version: i64,
    /// The model as its author wrote it.
    pub yaml: String,
    /// When it was stored.
    pub created_at: Micros,
    /// Who stored it.
    pub created_by: String,
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT connection, version, yaml, created_at, created_by FROM semantic_models ", $rest)
    };
}

/// Stores a new version and tells its number.
///
/// # Errors
/// [`Error::Missing`] where the tenant has no such connection.
pub async fn put(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    connection: ConnectionId,
    yaml: &str,
    created_at: Micros,
    created_by: &str,
) -> Result<i64, Error> {
    // The connection is held so that two who store at once get two versions.
    if !connections::hold(tx, tenant, connection).await? {
        return Err(Error::Missing { what: "connection" });
    }
    let row = tx
        .fetch_optional(
            "INSERT INTO semantic_models (tenant, connection, version, yaml, created_at, created_by)
             SELECT $1, $2, COALESCE(MAX(version), 0) + 1, $3, $4, $5
             FROM semantic_models WHERE tenant = $1 AND connection = $2
             RETURNING version",
            args![tenant, connection, yaml, created_at, created_by],
        )
        .await?;
    row.ok_or_else(|| Error::unreadable("version"))?.int("version")
}

/// The newest version.
pub async fn latest(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    connection: ConnectionId,
) -> Result<Option<SemanticModel>, Error> {
    let sql = select!("WHERE tenant = $1 AND connection = $2 ORDER BY version DESC LIMIT 1");
    let row = tx.fetch_optional(sql, args![tenant, connection]).await?;
    row.as_ref().map(read).transpose()
}

/// Every version, newest first.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId, connection: ConnectionId) -> Result<Vec<SemanticModel>, Error> {
    let sql = select!("WHERE tenant = $1 AND connection = $2 ORDER BY version DESC");
    tx.fetch_all(sql, args![tenant, connection]).await?.iter().map(read).collect()
}

/// One version.
pub async fn get(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    connection: ConnectionId,
    version: i64,
) -> Result<Option<SemanticModel>, Error> {
    let sql = select!("WHERE tenant = $1 AND connection = $2 AND version = $3");
    let row = tx.fetch_optional(sql, args![tenant, connection, version]).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<SemanticModel, Error> {
    Ok(SemanticModel {
        connection: row.parsed("connection")?,
        version: row.int("version")?,
        yaml: row.text("yaml")?,
        created_at: row.int("created_at")?,
        created_by: row.text("created_by")?,
    })
}
