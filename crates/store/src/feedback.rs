//! What people think of what they were given.

use pilothouse_domain::{FeedbackId, Micros, TenantId};
use serde::Serialize;

use crate::{Error, Row, Tx, args};

/// What somebody says of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Who, as their client calls them.
    pub user_id: String,
    /// What it is about: a run, a memo, a dashboard.
    pub artifact_id: String,
    /// Which version of it.
    pub artifact_version: i64,
    /// Its kind, for instance `query`.
    pub artifact_type: String,
    /// Whether it was good.
    pub is_positive: bool,
    /// In words.
    pub comment: Option<String>,
    /// What the artifact was made with.
    pub prompt_hash: Option<String>,
    /// Who made it.
    pub provider: Option<String>,
    /// With what.
    pub model: Option<String>,
    /// Where it was said.
    pub channel: Option<String>,
    /// Everything else that was said of it, as JSON.
    pub details: String,
}

/// What somebody thinks of an artifact, and whether it was dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Its id.
    pub id: FeedbackId,
    /// It.
    pub said: Said,
    /// When.
    pub created_at: Micros,
    /// By whom, as the installation knows them.
    pub created_by: String,
    /// When somebody had dealt with it.
    pub resolved_at: Option<Micros>,
    /// Who.
    pub resolved_by: Option<String>,
}

/// Stores it.
pub async fn insert(tx: &mut Tx<'_>, tenant: &TenantId, new: &Feedback) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO feedback (tenant, id, user_id, artifact_id, artifact_version, artifact_type, is_positive, comment,
           prompt_hash, provider, model, channel, details, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        args![
            tenant,
            new.id,
            new.said.user_id.as_str(),
            new.said.artifact_id.as_str(),
            new.said.artifact_version,
            new.said.artifact_type.as_str(),
            i64::from(new.said.is_positive),
            new.said.comment.as_deref(),
            new.said.prompt_hash.as_deref(),
            new.said.provider.as_deref(),
            new.said.model.as_deref(),
            new.said.channel.as_deref(),
            new.said.details.as_str(),
            new.created_at,
            new.created_by.as_str(),
        ],
    )
    .await?;
    Ok(())
}

/// What lists of feedback are narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only what has, or has not, been dealt with.
    pub resolved: Option<bool>,
    /// Only about what this provider made.
    pub provider: Option<String>,
}

/// The newest that are wanted, up to `limit`.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId, wanted: &Wanted, limit: i64) -> Result<Vec<Feedback>, Error> {
    let sql =
        "SELECT id, user_id, artifact_id, artifact_version, artifact_type, is_positive, comment, prompt_hash, provider,
           model, channel, details, created_at, created_by, resolved_at, resolved_by FROM feedback
         WHERE tenant = $1 AND ($2 < 0 OR $2 = CASE WHEN resolved_at IS NULL THEN 0 ELSE 1 END)
           AND ($3 = '' OR provider = $3)
         ORDER BY created_at DESC, id DESC LIMIT $4 + 0";
    let resolved = wanted.resolved.map_or(-1, i64::from);
    let provider = wanted.provider.as_deref().unwrap_or("");
    tx.fetch_all(sql, args![tenant, resolved, provider, limit]).await?.iter().map(read).collect()
}

/// How often artifacts of a kind, or of a provider, were found good and bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The kind or provider.
    pub of: String,
    /// How often good.
    pub positive: i64,
    /// How often bad.
    pub negative: i64,
}

/// The tallies by kind of artifact.
pub async fn by_type(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<Tally>, Error> {
    let sql = "SELECT artifact_type AS name, CAST(SUM(is_positive) AS BIGINT) AS positive,
           CAST(SUM(1 - is_positive) AS BIGINT) AS negative
         FROM feedback WHERE tenant = $1 GROUP BY artifact_type ORDER BY artifact_type";
    tx.fetch_all(sql, args![tenant]).await?.iter().map(tally).collect()
}

/// The tallies by provider, of what has one.
pub async fn by_provider(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<Tally>, Error> {
    let sql = "SELECT provider AS name, CAST(SUM(is_positive) AS BIGINT) AS positive,
           CAST(SUM(1 - is_positive) AS BIGINT) AS negative
         FROM feedback WHERE tenant = $1 AND provider IS NOT NULL GROUP BY provider ORDER BY provider";
    tx.fetch_all(sql, args![tenant]).await?.iter().map(tally).collect()
}

/// The prompts whose artifacts were found bad most often, and how often.
pub async fn negative_prompts(tx: &mut Tx<'_>, tenant: &TenantId, limit: i64) -> Result<Vec<(String, i64)>, Error> {
    let sql = "SELECT prompt_hash, COUNT(*) AS times FROM feedback
         WHERE tenant = $1 AND is_positive = 0 AND prompt_hash IS NOT NULL
         GROUP BY prompt_hash ORDER BY times DESC, prompt_hash LIMIT $2 + 0";
    let rows = tx.fetch_all(sql, args![tenant, limit]).await?;
    rows.iter().map(|row| Ok((row.text("prompt_hash")?, row.int("times")?))).collect()
}

/// Notes that somebody has dealt with it, and tells when; where that was so already, it stays. None where there is none.
pub async fn resolve(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: FeedbackId,
    by: &str,
    at: Micros,
) -> Result<Option<Micros>, Error> {
    let row = tx
        .fetch_optional(
            "UPDATE feedback SET resolved_at = COALESCE(resolved_at, $3), resolved_by = COALESCE(resolved_by, $4)
             WHERE tenant = $1 AND id = $2 RETURNING resolved_at",
            args![tenant, id, at, by],
        )
        .await?;
    row.map(|row| row.int("resolved_at")).transpose()
}

fn tally(row: &Row) -> Result<Tally, Error> {
    Ok(Tally { of: row.text("name")?, positive: row.int("positive")?, negative: row.int("negative")? })
}

fn read(row: &Row) -> Result<Feedback, Error> {
    Ok(Feedback {
        id: row.parsed("id")?,
        said: Said {
            user_id: row.text("user_id")?,
            artifact_id: row.text("artifact_id")?,
            artifact_version: row.int("artifact_version")?,
            artifact_type: row.text("artifact_type")?,
            is_positive: row.int("is_positive")? != 0,
            comment: row.optional_parsed("comment")?,
            prompt_hash: row.optional_parsed("prompt_hash")?,
            provider: row.optional_parsed("provider")?,
            model: row.optional_parsed("model")?,
            channel: row.optional_parsed("channel")?,
            details: row.text("details")?,
        },
        created_at: row.int("created_at")?,
        created_by: row.text("created_by")?,
        resolved_at: row.optional_int("resolved_at")?,
        resolved_by: row.optional_parsed("resolved_by")?,
    })
}
