//! What may be spent. A limit is never changed: another takes its place, so that it is known what held when.

use pilothouse_domain::ledger::{Level, Limit, Unit, Window};
use pilothouse_domain::{LimitId, Micros, TenantId};

use crate::{Error, Row, Tx, args};

/// A limit as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: LimitId,
    /// It.
    pub limit: Limit,
    /// Since when it holds.
    pub created_at: Micros,
    /// Who has set it.
    pub created_by: String,
    /// Until when it held; none as long as it does.
    pub ended_at: Option<Micros>,
    /// Who has ended it, or put another in its place.
    pub ended_by: Option<String>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, level, name, unit, span, amount, created_at, created_by, ended_at, ended_by FROM spending_limits
             WHERE tenant = $1 ",
            $rest
        )
    };
}

/// Puts a limit in the place of the one about the same, if there is one.
pub async fn put(tx: &mut Tx<'_>, tenant: &TenantId, new: &Stored) -> Result<(), Error> {
    let Limit { level, name, unit, window, amount } = &new.limit;
    let (level, unit, span) = (level.as_str(), unit.as_str(), window.to_string());
    let name = name.as_deref().unwrap_or_default();
    tx.execute(
        "UPDATE spending_limits SET ended_at = $6, ended_by = $7
         WHERE tenant = $1 AND level = $2 AND unit = $3 AND span = $4 AND name = $5 AND ended_at IS NULL",
        args![tenant, level, unit, span.as_str(), name, new.created_at, new.created_by.as_str()],
    )
    .await?;
    tx.execute(
        "INSERT INTO spending_limits (tenant, id, level, name, unit, span, amount, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![tenant, new.id, level, name, unit, span.as_str(), *amount, new.created_at, new.created_by.as_str()],
    )
    .await?;
    Ok(())
}

/// Ends a limit, and gives it; none where it holds no more.
pub async fn end(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: LimitId,
    (by, at): (&str, Micros),
) -> Result<Option<Limit>, Error> {
    let sql =
        "UPDATE spending_limits SET ended_at = $3, ended_by = $4 WHERE tenant = $1 AND id = $2 AND ended_at IS NULL
         RETURNING id, level, name, unit, span, amount, created_at, created_by, ended_at, ended_by";
    let ended = tx.fetch_optional(sql, args![tenant, id, at, by]).await?.as_ref().map(read).transpose()?;
    Ok(ended.map(|stored| stored.limit))
}

/// Those that hold, by what they are about.
pub async fn held(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<Stored>, Error> {
    let sql = select!("AND ended_at IS NULL ORDER BY level, unit, span, name");
    tx.fetch_all(sql, args![tenant]).await?.iter().map(read).collect()
}

/// Those that hold or held, the newest first, up to `limit`.
pub async fn history(tx: &mut Tx<'_>, tenant: &TenantId, limit: u32) -> Result<Vec<Stored>, Error> {
    let sql = select!("ORDER BY created_at DESC, id DESC LIMIT $2 + 0");
    tx.fetch_all(sql, args![tenant, limit]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Stored, Error> {
    let name = Some(row.text("name")?).filter(|name| !name.is_empty());
    let known = |column: &str| Error::unreadable(column);
    let limit = Limit {
        level: Level::parse(&row.text("level")?).ok_or_else(|| known("level"))?,
        name,
        unit: Unit::parse(&row.text("unit")?).ok_or_else(|| known("unit"))?,
        window: row.parsed::<Window>("span")?,
        amount: row.optional_int("amount")?,
    };
    Ok(Stored {
        id: row.parsed("id")?,
        limit,
        created_at: row.int("created_at")?,
        created_by: row.text("created_by")?,
        ended_at: row.optional_int("ended_at")?,
        ended_by: row.optional_text("ended_by")?,
    })
}
