//! Who decides for somebody else, and until when.

use pilothouse_domain::{DelegationId, Micros, Role, TenantId};

use crate::{Error, Row, Tx, args};

/// Somebody's decisions in the hands of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Its id.
    pub id: DelegationId,
    /// Whose decisions.
    pub giver: String,
    /// The role that they had when they handed them over.
    pub role: Role,
    /// Who decides in their place.
    pub taker: String,
    /// Why, in their words.
    pub because: String,
    /// From when.
    pub begins_at: Micros,
    /// Until when.
    pub ends_at: Micros,
    /// When it was made.
    pub created_at: Micros,
    /// When it was ended before its time.
    pub ended_at: Option<Micros>,
    /// By whom.
    pub ended_by: Option<String>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, giver, role, taker, because, begins_at, ends_at, created_at, ended_at, ended_by FROM delegations
             WHERE tenant = $1 ",
            $rest
        )
    };
}

/// Keeps a new one.
pub async fn insert(tx: &mut Tx<'_>, tenant: &TenantId, new: &Delegation) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO delegations
           (tenant, id, giver, role, taker, because, begins_at, ends_at, created_at, ended_at, ended_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        args![
            tenant,
            new.id,
            new.giver.as_str(),
            new.role.as_str(),
            new.taker.as_str(),
            new.because.as_str(),
            new.begins_at,
            new.ends_at,
            new.created_at,
            new.ended_at,
            new.ended_by.as_deref(),
        ],
    )
    .await?;
    Ok(())
}

/// One of them.
pub async fn get(tx: &mut Tx<'_>, tenant: &TenantId, id: DelegationId) -> Result<Option<Delegation>, Error> {
    tx.fetch_optional(select!("AND id = $2"), args![tenant, id]).await?.as_ref().map(read).transpose()
}

/// Those that hold for `taker` at a moment, the oldest first.
pub async fn held(tx: &mut Tx<'_>, tenant: &TenantId, taker: &str, at: Micros) -> Result<Vec<Delegation>, Error> {
    let sql =
        select!("AND taker = $2 AND begins_at <= $3 AND ends_at > $3 AND ended_at IS NULL ORDER BY created_at, id");
    tx.fetch_all(sql, args![tenant, taker, at]).await?.iter().map(read).collect()
}

/// Those that have not ended at a moment, the newest first, up to `limit`.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId, at: Micros, limit: u32) -> Result<Vec<Delegation>, Error> {
    let sql = select!("AND ends_at > $2 AND ended_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $3 + 0");
    tx.fetch_all(sql, args![tenant, at, limit]).await?.iter().map(read).collect()
}

/// Ends one before its time; false where it has ended.
pub async fn end(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: DelegationId,
    (by, at): (&str, Micros),
) -> Result<bool, Error> {
    let sql = "UPDATE delegations SET ended_at = $3, ended_by = $4
         WHERE tenant = $1 AND id = $2 AND ended_at IS NULL AND ends_at > $3";
    Ok(tx.execute(sql, args![tenant, id, at, by]).await? == 1)
}

fn read(row: &Row) -> Result<Delegation, Error> {
    Ok(Delegation {
        id: row.parsed("id")?,
        giver: row.text("giver")?,
        role: row.parsed("role")?,
        taker: row.text("taker")?,
        because: row.text("because")?,
        begins_at: row.int("begins_at")?,
        ends_at: row.int("ends_at")?,
        created_at: row.int("created_at")?,
        ended_at: row.optional_int("ended_at")?,
        ended_by: row.optional_text("ended_by")?,
    })
}
