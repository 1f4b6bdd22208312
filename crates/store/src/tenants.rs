//! Tenants: the organisations that everything else belongs to.

use pilothouse_domain::{Micros, TenantId};

use crate::{Error, Row, Tx, args};

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id, which others name it by.
    pub id: TenantId,
    /// Its name for people.
    pub name: String,
    /// When it was made.
    pub created_at: Micros,
}

/// Makes a tenant.
///
/// # Errors
/// [`Error::Conflict`] where the id is taken.
pub async fn insert(tx: &mut Tx<'_>, tenant: &Tenant) -> Result<(), Error> {
    if ensure(tx, &tenant.id, &tenant.name, tenant.created_at).await? {
        Ok(())
    } else {
        Err(Error::Conflict { what: "tenant" })
    }
}

/// Makes a tenant unless it exists; an existing one stays as it is. Tells whether it was made.
pub async fn ensure(tx: &mut Tx<'_>, id: &TenantId, name: &str, at: Micros) -> Result<bool, Error> {
    let made = tx
        .execute(
            "INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            args![id, name, at],
        )
        .await?;
    Ok(made == 1)
}

/// The tenant with this id.
pub async fn get(tx: &mut Tx<'_>, id: &TenantId) -> Result<Option<Tenant>, Error> {
    let row = tx.fetch_optional("SELECT id, name, created_at FROM tenants WHERE id = $1", args![id]).await?;
    row.as_ref().map(read).transpose()
}

/// Whether there is such a tenant. Nobody else who holds it goes on until the unit ends.
pub(crate) async fn hold(tx: &mut Tx<'_>, id: &TenantId) -> Result<bool, Error> {
    Ok(tx.execute("UPDATE tenants SET name = name WHERE id = $1", args![id]).await? == 1)
}

/// By whose clocks a tenant's days are counted; none where nobody has said.
pub async fn time_zone(tx: &mut Tx<'_>, id: &TenantId) -> Result<Option<String>, Error> {
    let row = tx.fetch_optional("SELECT time_zone FROM tenants WHERE id = $1", args![id]).await?;
    row.map_or(Ok(None), |row| row.optional_text("time_zone"))
}

/// Says by whose clocks a tenant's days are counted.
pub async fn set_time_zone(tx: &mut Tx<'_>, id: &TenantId, zone: Option<&str>) -> Result<bool, Error> {
    Ok(tx.execute("UPDATE tenants SET time_zone = $2 WHERE id = $1", args![id, zone]).await? == 1)
}

/// Every tenant, by id.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<Tenant>, Error> {
    let rows = tx.fetch_all("SELECT id, name, created_at FROM tenants ORDER BY id", args![]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Tenant, Error> {
    Ok(Tenant { id: row.parsed("id")?, name: row.text("name")?, created_at: row.int("created_at")? })
}
