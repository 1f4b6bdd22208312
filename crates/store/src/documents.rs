//! What people write about a connection, as YAML, in versions that are never changed.

use pilothouse_domain::{ConnectionId, Micros, TenantId};

use crate::{Error, Row, Tx, args, connections};

/// What a document is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What the connection's tables and columns mean.
    Semantic,
    /// Who may see what of them.
    Access,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Semantic => "semantic",
            Self::Access => "access",
        }
    }
}

/// One version of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The connection that it is about.
    pub connection: ConnectionId,
    /// 1, 2, 3 … per connection and kind.
    pub version: i64,
    /// The text as its author wrote it.
    pub yaml: String,
    /// When it was stored.
    pub created_at: Micros,
    /// Who stored it.
    pub created_by: String,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT connection, version, yaml, created_at, created_by FROM documents
             WHERE tenant = $1 AND connection = $2 AND kind = $3 ",
            $rest
        )
    };
}

/// A version that is to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewVersion<'a> {
    /// What it is about.
    pub kind: Kind,
    /// The text.
    pub yaml: &'a str,
    /// When it is stored.
    pub created_at: Micros,
    /// Who stores it.
    pub created_by: &'a str,
    /// The version that it is a change of, where it is of one: 0 where there was none.
    pub follows: Option<i64>,
}

/// Stores a new version and tells its number.
///
/// # Errors
/// [`Error::Missing`] where the tenant has no such connection; [`Error::Conflict`] where there is a newer version than the
/// one it follows.
pub async fn put(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    connection: ConnectionId,
    new: NewVersion<'_>,
) -> Result<i64, Error> {
    // The connection is held so that two who store at once get two versions.
    if !connections::hold(tx, tenant, connection).await? {
        return Err(Error::Missing { what: "connection" });
    }
    if let Some(follows) = new.follows {
        let newest = latest(tx, tenant, connection, new.kind).await?.map_or(0, |document| document.version);
        if newest != follows {
            return Err(Error::Conflict { what: "version" });
        }
    }
    let row = tx
        .fetch_optional(
            "INSERT INTO documents (tenant, connection, kind, version, yaml, created_at, created_by)
             SELECT $1, $2, $3, COALESCE(MAX(version), 0) + 1, $4, $5, $6
             FROM documents WHERE tenant = $1 AND connection = $2 AND kind = $3
             RETURNING version",
            args![tenant, connection, new.kind.as_str(), new.yaml, new.created_at, new.created_by],
        )
        .await?;
    row.ok_or_else(|| Error::unreadable("version"))?.int("version")
}

/// The newest version.
pub async fn latest(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    connection: ConnectionId,
    kind: Kind,
) -> Result<Option<Document>, Error> {
    let sql = select!("ORDER BY version DESC LIMIT 1");
    let row = tx.fetch_optional(sql, args![tenant, connection, kind.as_str()]).await?;
    row.as_ref().map(read).transpose()
}

/// Every version, newest first.
pub async fn list(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    connection: ConnectionId,
    kind: Kind,
) -> Result<Vec<Document>, Error> {
    let sql = select!("ORDER BY version DESC");
    tx.fetch_all(sql, args![tenant, connection, kind.as_str()]).await?.iter().map(read).collect()
}

/// One version.
pub async fn get(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    connection: ConnectionId,
    kind: Kind,
    version: i64,
) -> Result<Option<Document>, Error> {
    let sql = select!("AND version = $4");
    let row = tx.fetch_optional(sql, args![tenant, connection, kind.as_str(), version]).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Document, Error> {
    Ok(Document {
        connection: row.parsed("connection")?,
        version: row.int("version")?,
        yaml: row.text("yaml")?,
        created_at: row.int("created_at")?,
        created_by: row.text("created_by")?,
    })
}
