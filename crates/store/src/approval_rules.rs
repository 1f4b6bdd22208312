//! The rules of each tenant about what waits for people, in versions that never change; and what rules have said lately.

use pilothouse_domain::{Micros, TenantId};

use crate::{Error, Row, Tx, args, tenants};

/// One version of a tenant's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// 1, 2, 3 …
    pub version: i64,
    /// The text as its author wrote it.
    pub yaml: String,
    /// When it was stored.
    pub created_at: Micros,
    /// Who stored it.
    pub created_by: String,
}

/// Stores the version after `follows` (0: the first), and tells its number.
///
/// # Errors
/// [`Error::Conflict`] where somebody else has stored one since.
pub async fn put(tx: &mut Tx<'_>, tenant: &TenantId, follows: i64, new: &Version) -> Result<i64, Error> {
    // The tenant is held so that of two who store at once the second one learns of the first.
    if !tenants::hold(tx, tenant).await? {
        return Err(Error::Missing { what: "tenant" });
    }
    let newest = latest(tx, tenant).await?.map_or(0, |stored| stored.version);
    if newest != follows {
        return Err(Error::Conflict { what: "version" });
    }
    tx.execute(
        "INSERT INTO approval_rules (tenant, version, yaml, created_at, created_by) VALUES ($1, $2, $3, $4, $5)",
        args![tenant, newest + 1, new.yaml.as_str(), new.created_at, new.created_by.as_str()],
    )
    .await?;
    Ok(newest + 1)
}

/// The newest version.
pub async fn latest(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Option<Version>, Error> {
    let sql = "SELECT version, yaml, created_at, created_by FROM approval_rules WHERE tenant = $1
         ORDER BY version DESC LIMIT 1";
    tx.fetch_optional(sql, args![tenant]).await?.as_ref().map(read).transpose()
}

/// Every version, newest first.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<Version>, Error> {
    let sql =
        "SELECT version, yaml, created_at, created_by FROM approval_rules WHERE tenant = $1 ORDER BY version DESC";
    tx.fetch_all(sql, args![tenant]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Version, Error> {
    Ok(Version {
        version: row.int("version")?,
        yaml: row.text("yaml")?,
        created_at: row.int("created_at")?,
        created_by: row.text("created_by")?,
    })
}

/// What rules have said of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Tells it from others of the same moment.
    pub id: String,
    /// When.
    pub at: Micros,
    /// The figures of the action, as JSON.
    pub facts: String,
    /// What was said, as JSON.
    pub effect: String,
    /// By which rule; none where none was about it.
    pub rule: Option<String>,
}

/// Notes rulings; one that is there already stays. What is older than `since` is forgotten.
pub async fn note(tx: &mut Tx<'_>, tenant: &TenantId, new: &[Ruling], since: Micros) -> Result<(), Error> {
    tx.execute("DELETE FROM rulings WHERE tenant = $1 AND at <= $2", args![tenant, since]).await?;
    for one in new {
        let (facts, effect) = (one.facts.as_str(), one.effect.as_str());
        tx.execute(
            "INSERT INTO rulings (tenant, at, id, facts, effect, rule) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (tenant, at, id) DO NOTHING",
            args![tenant, one.at, one.id.as_str(), facts, effect, one.rule.as_deref()],
        )
        .await?;
    }
    Ok(())
}

/// The rulings since then, newest first, up to `limit`.
pub async fn rulings(tx: &mut Tx<'_>, tenant: &TenantId, since: Micros, limit: u32) -> Result<Vec<Ruling>, Error> {
    let sql = "SELECT id, at, facts, effect, rule FROM rulings WHERE tenant = $1 AND at > $2
         ORDER BY at DESC, id DESC LIMIT $3 + 0";
    let read = |row: &Row| {
        Ok(Ruling {
            id: row.text("id")?,
            at: row.int("at")?,
            facts: row.text("facts")?,
            effect: row.text("effect")?,
            rule: row.optional_text("rule")?,
        })
    };
    tx.fetch_all(sql, args![tenant, since, limit]).await?.iter().map(read).collect()
}
