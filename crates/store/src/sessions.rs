//! Browser sessions. The cookie's value is stored as its SHA-256 only.

use pilothouse_domain::{Micros, Role, TenantId, TokenId};

use crate::{Error, Row, Tx, args};

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the cookie's value.
    pub id_hash: [u8; 32],
    /// The tenant that it looks at now.
    pub tenant: TenantId,
    /// Who signed in.
    pub subject: String,
    /// What it may do.
    pub role: Role,
    /// The token it signed in with; none in development mode. Revoking that token ends the session.
    pub token_id: Option<TokenId>,
    /// What a change must carry beside the cookie.
    pub csrf: String,
    /// When it began.
    pub created_at: Micros,
    /// When it ends.
    pub expires_at: Micros,
}

/// Stores a new session.
///
/// # Errors
/// [`Error::Conflict`] where the hash is taken.
pub async fn insert(tx: &mut Tx<'_>, session: &Session) -> Result<(), Error> {
    let made = tx
        .execute(
            "INSERT INTO sessions (id_hash, tenant, subject, role, token_id, csrf, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            args![
                &session.id_hash,
                &session.tenant,
                &session.subject,
                session.role.as_str(),
                session.token_id,
                &session.csrf,
                session.created_at,
                session.expires_at,
            ],
        )
        .await?;
    if made == 1 { Ok(()) } else { Err(Error::Conflict { what: "session" }) }
}

/// The session with this hash, even where its time is over: the caller compares `expires_at`.
pub async fn get(tx: &mut Tx<'_>, id_hash: &[u8; 32]) -> Result<Option<Session>, Error> {
    let row = tx
        .fetch_optional(
            "SELECT id_hash, tenant, subject, role, token_id, csrf, created_at, expires_at
             FROM sessions WHERE id_hash = $1",
            args![id_hash],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

/// Ends a session. False where there was none.
pub async fn delete(tx: &mut Tx<'_>, id_hash: &[u8; 32]) -> Result<bool, Error> {
    Ok(tx.execute("DELETE FROM sessions WHERE id_hash = $1", args![id_hash]).await? == 1)
}

/// Turns a session to another tenant. False where there is no such session. Whether it may go there is the caller's
/// decision.
pub async fn set_tenant(tx: &mut Tx<'_>, id_hash: &[u8; 32], tenant: &TenantId) -> Result<bool, Error> {
    Ok(tx.execute("UPDATE sessions SET tenant = $2 WHERE id_hash = $1", args![id_hash, tenant]).await? == 1)
}

/// Removes at most `limit` sessions whose time is over at `now`, and tells how many.
pub async fn delete_expired(tx: &mut Tx<'_>, now: Micros, limit: u32) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM sessions WHERE id_hash IN
           (SELECT id_hash FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 + 0)",
        args![now, limit],
    )
    .await
}

fn read(row: &Row) -> Result<Session, Error> {
    Ok(Session {
        id_hash: row.hash("id_hash")?,
        tenant: row.parsed("tenant")?,
        subject: row.text("subject")?,
        role: row.parsed("role")?,
        token_id: row.optional_parsed("token_id")?,
        csrf: row.text("csrf")?,
        created_at: row.int("created_at")?,
        expires_at: row.int("expires_at")?,
    })
}
