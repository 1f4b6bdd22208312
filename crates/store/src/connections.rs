//! A tenant's connections to its warehouses. Credentials arrive here sealed, and leave it sealed.

use pilothouse_domain::{ConnectionId, Micros, TenantId};

use crate::{Error, Row, Tx, args};

/// A connection to a warehouse.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// `files`, `object_store` or `postgres`.
    pub kind: String,
    /// Where the data is, without any secret.
    pub location: String,
    /// The credentials, encrypted; none where there are none.
    pub sealed: Option<Vec<u8>>,
    /// The id of the key that `sealed` is encrypted with.
    pub key_id: Option<String>,
    /// How the last look at it went, in the caller's words.
    pub status: String,
    /// Why it went badly: a stable code.
    pub error_code: Option<String>,
    /// Why it went badly, for people.
    pub error_message: Option<String>,
    /// Whether it is the sample data, which nobody changes.
    pub sample: bool,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last looked at.
    pub checked_at: Option<Micros>,
}

impl std::fmt::Debug for Connection {
    /// Sealed credentials are not shown: they do not belong in a log, not even encrypted.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT tenant, id, name, kind, location, sealed, key_id, status, error_code, error_message, sample,
                    created_at, checked_at
             FROM connections ",
            $rest
        )
    };
}

/// Stores a new connection.
///
/// # Errors
/// [`Error::Conflict`] where the tenant has one with this name, [`Error::Missing`] where the tenant does not exist.
pub async fn insert(tx: &mut Tx<'_>, connection: &Connection) -> Result<(), Error> {
    let made = tx
        .execute(
            "INSERT INTO connections (tenant, id, name, kind, location, sealed, key_id, status, error_code,
                                      error_message, sample, created_at, checked_at)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM tenants WHERE id = $1
             ON CONFLICT DO NOTHING",
            args![
                &connection.tenant,
                connection.id,
                &connection.name,
                &connection.kind,
                &connection.location,
                connection.sealed.as_deref(),
                connection.key_id.as_deref(),
                &connection.status,
                connection.error_code.as_deref(),
                connection.error_message.as_deref(),
                connection.sample,
                connection.created_at,
                connection.checked_at,
            ],
        )
        .await?;
    match made {
        1 => Ok(()),
        _ if crate::tenants::get(tx, &connection.tenant).await?.is_none() => Err(Error::Missing { what: "tenant" }),
        _ => Err(Error::Conflict { what: "connection" }),
    }
}

/// The tenant's connection with this id.
pub async fn get(tx: &mut Tx<'_>, tenant: &TenantId, id: ConnectionId) -> Result<Option<Connection>, Error> {
    let row = tx.fetch_optional(select!("WHERE tenant = $1 AND id = $2"), args![tenant, id]).await?;
    row.as_ref().map(read).transpose()
}

/// The tenant's connection with this name.
pub async fn by_name(tx: &mut Tx<'_>, tenant: &TenantId, name: &str) -> Result<Option<Connection>, Error> {
    let row = tx.fetch_optional(select!("WHERE tenant = $1 AND name = $2"), args![tenant, name]).await?;
    row.as_ref().map(read).transpose()
}

/// The tenant's connections, by name.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<Connection>, Error> {
    let rows = tx.fetch_all(select!("WHERE tenant = $1 ORDER BY name"), args![tenant]).await?;
    rows.iter().map(read).collect()
}

/// Notes how a look at the connection went: `error` is a stable code and a message. False where there is no such
/// connection.
pub async fn set_status(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: ConnectionId,
    status: &str,
    error: Option<(&str, &str)>,
    checked_at: Micros,
) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "UPDATE connections SET status = $3, error_code = $4, error_message = $5, checked_at = $6
             WHERE tenant = $1 AND id = $2",
            args![tenant, id, status, error.map(|(code, _)| code), error.map(|(_, message)| message), checked_at],
        )
        .await?;
    Ok(changed == 1)
}

/// Removes a connection with its catalog and semantic models. False where there was none.
pub async fn delete(tx: &mut Tx<'_>, tenant: &TenantId, id: ConnectionId) -> Result<bool, Error> {
    Ok(tx.execute("DELETE FROM connections WHERE tenant = $1 AND id = $2", args![tenant, id]).await? == 1)
}

/// Whether the connection exists; until the unit ends nobody else can change or remove it.
pub(crate) async fn hold(tx: &mut Tx<'_>, tenant: &TenantId, id: ConnectionId) -> Result<bool, Error> {
    let sql = tx.pick(
        "SELECT id FROM connections WHERE tenant = $1 AND id = $2",
        "SELECT id FROM connections WHERE tenant = $1 AND id = $2 FOR NO KEY UPDATE",
    );
    Ok(tx.fetch_optional(sql, args![tenant, id]).await?.is_some())
}

fn read(row: &Row) -> Result<Connection, Error> {
    Ok(Connection {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        name: row.text("name")?,
        kind: row.text("kind")?,
        location: row.text("location")?,
        sealed: row.optional_bytes("sealed")?,
        key_id: row.optional_text("key_id")?,
        status: row.text("status")?,
        error_code: row.optional_text("error_code")?,
        error_message: row.optional_text("error_message")?,
        sample: row.flag("sample")?,
        created_at: row.int("created_at")?,
        checked_at: row.optional_int("checked_at")?,
    })
}
