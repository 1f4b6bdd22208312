//! API tokens: who may call, in which tenant, with which role. Secrets are stored as their SHA-256 only.

use pilothouse_domain::{Micros, Role, TenantId, TokenId};

use crate::{Error, Row, Tx, args};

/// An API token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// The one tenant that it reaches.
    pub tenant: TenantId,
    /// The part of the token's text by which it is found; unique in the installation.
    pub public_id: String,
    /// SHA-256 of the secret part.
    pub secret_hash: [u8; 32],
    /// The person or service that it belongs to.
    pub subject: String,
    /// What its bearer may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Micros,
    /// Who made it.
    pub created_by: String,
    /// From when on it is worth nothing; none: it does not expire.
    pub expires_at: Option<Micros>,
    /// When it was last used, to the precision with which the caller reports it.
    pub last_used_at: Option<Micros>,
    /// When it was revoked.
    pub revoked_at: Option<Micros>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT tenant, id, public_id, secret_hash, subject, role, created_at, created_by, expires_at,
                    last_used_at, revoked_at
             FROM tokens ",
            $rest
        )
    };
}

/// Stores a new token.
///
/// # Errors
/// [`Error::Conflict`] where its id or public id is taken, [`Error::Missing`] where its tenant does not exist.
pub async fn insert(tx: &mut Tx<'_>, token: &Token) -> Result<(), Error> {
    let made = tx
        .execute(
            "INSERT INTO tokens (tenant, id, public_id, secret_hash, subject, role, created_at, created_by, expires_at,
                                 last_used_at, revoked_at)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM tenants WHERE id = $1
             ON CONFLICT DO NOTHING",
            args![
                &token.tenant,
                token.id,
                &token.public_id,
                &token.secret_hash,
                &token.subject,
                token.role.as_str(),
                token.created_at,
                &token.created_by,
                token.expires_at,
                token.last_used_at,
                token.revoked_at,
            ],
        )
        .await?;
    match made {
        1 => Ok(()),
        _ if crate::tenants::get(tx, &token.tenant).await?.is_none() => Err(Error::Missing { what: "tenant" }),
        _ => Err(Error::Conflict { what: "token" }),
    }
}

/// The token that carries this public id, whatever its tenant and state: authentication begins here.
pub async fn by_public_id(tx: &mut Tx<'_>, public_id: &str) -> Result<Option<Token>, Error> {
    let row = tx.fetch_optional(select!("WHERE public_id = $1"), args![public_id]).await?;
    row.as_ref().map(read).transpose()
}

/// The tenant's token with this id.
pub async fn get(tx: &mut Tx<'_>, tenant: &TenantId, id: TokenId) -> Result<Option<Token>, Error> {
    let row = tx.fetch_optional(select!("WHERE tenant = $1 AND id = $2"), args![tenant, id]).await?;
    row.as_ref().map(read).transpose()
}

/// The tenant's tokens, revoked and expired ones too, oldest first.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<Token>, Error> {
    let rows = tx.fetch_all(select!("WHERE tenant = $1 ORDER BY created_at, id"), args![tenant]).await?;
    rows.iter().map(read).collect()
}

/// Revokes a token, and ends every session that was begun with it. False where there is no such token or it was
/// revoked before.
pub async fn revoke(tx: &mut Tx<'_>, tenant: &TenantId, id: TokenId, at: Micros) -> Result<bool, Error> {
    let revoked = tx
        .execute(
            "UPDATE tokens SET revoked_at = $3 WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL",
            args![tenant, id, at],
        )
        .await?;
    if revoked == 0 {
        return Ok(false);
    }
    tx.execute("DELETE FROM sessions WHERE token_id = $1", args![id]).await?;
    Ok(true)
}

/// Notes that the token was used. An older moment than the one that is stored changes nothing.
pub async fn touch(tx: &mut Tx<'_>, tenant: &TenantId, id: TokenId, at: Micros) -> Result<(), Error> {
    tx.execute(
        "UPDATE tokens SET last_used_at = $3
         WHERE tenant = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < $3)",
        args![tenant, id, at],
    )
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Token, Error> {
    Ok(Token {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        public_id: row.text("public_id")?,
        secret_hash: row.hash("secret_hash")?,
        subject: row.text("subject")?,
        role: row.parsed("role")?,
        created_at: row.int("created_at")?,
        created_by: row.text("created_by")?,
        expires_at: row.optional_int("expires_at")?,
        last_used_at: row.optional_int("last_used_at")?,
        revoked_at: row.optional_int("revoked_at")?,
    })
}
