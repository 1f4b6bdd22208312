//! Who has spent how much, and for what.

use pilothouse_domain::ledger::Level;
use pilothouse_domain::{Micros, TenantId};

use crate::{Error, Row, Tx, args};

/// What was spent by one who spends, or for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// By whom or for what; none where that was not said.
    pub name: Option<String>,
    /// Money, in nano-USD.
    pub nano_usd: i64,
    /// Tokens that were sent,
    pub tokens_in: i64,
    /// and received.
    pub tokens_out: i64,
    /// Of those that were sent, how many the provider had kept.
    pub tokens_cached: i64,
    /// How many charges.
    pub charges: i64,
    /// How many of them failed.
    pub errors: i64,
    /// The most that those can take which are under way, in nano-USD.
    pub open_nano_usd: i64,
}

/// What was ever bought of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bought {
    /// Whom it was bought from.
    pub provider: String,
    /// The model.
    pub model: String,
    /// How many charges.
    pub charges: i64,
    /// How many of them failed.
    pub errors: i64,
    /// Tokens that were sent,
    pub tokens_in: i64,
    /// and received.
    pub tokens_out: i64,
    /// Money, in nano-USD.
    pub nano_usd: i64,
    /// How long they took all together, in microseconds.
    pub latency_us: i64,
}

/// Who or what spending is told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Who pays, at a level; the tenant's is all in one.
    Level(Level),
    /// What it is.
    Kind,
    /// Whom it is bought from.
    Provider,
    /// What is bought.
    Model,
    /// The version of the prompt.
    Prompt,
}

impl By {
    /// The word by which it is asked for.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Level(level) => level.as_str(),
            Self::Kind => "kind",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Prompt => "prompt",
        }
    }

    /// That with this word.
    pub fn parse(text: &str) -> Option<Self> {
        let other = [Self::Kind, Self::Provider, Self::Model, Self::Prompt].into_iter().find(|by| by.as_str() == text);
        Level::parse(text).map(Self::Level).or(other)
    }
}

/// What was spent from `from` until `to`, told apart, the most money first and then the most tokens, up to `limit`. Only what
/// is of a kind counts, where one is named.
pub async fn usage(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    (from, to): (Micros, Micros),
    (by, kind): (By, Option<&str>),
    limit: u32,
) -> Result<Vec<Share>, Error> {
    let sql = "SELECT name, CAST(SUM(nano) AS BIGINT) AS nano, CAST(SUM(tokens_in) AS BIGINT) AS tokens_in,
           CAST(SUM(tokens_out) AS BIGINT) AS tokens_out, CAST(SUM(tokens_cached) AS BIGINT) AS tokens_cached,
           COUNT(*) AS charges, COUNT(error) AS errors,
           CAST(SUM(CASE WHEN state = 'open' THEN held_nano ELSE 0 END) AS BIGINT) AS open_nano
         FROM (SELECT state, nano, tokens_in, tokens_out, tokens_cached, error, held_nano, CASE $4
             WHEN 'project' THEN project WHEN 'repository' THEN repository WHEN 'token' THEN token
             WHEN 'user' THEN subject WHEN 'task' THEN task WHEN 'run' THEN run WHEN 'kind' THEN kind
             WHEN 'provider' THEN provider WHEN 'model' THEN model WHEN 'prompt' THEN prompt END AS name
           FROM charges WHERE tenant = $1 AND at >= $2 AND at < $3 AND state IN ('open', 'settled')
             AND ($5 IS NULL OR kind = $5)) AS told
         GROUP BY name ORDER BY SUM(nano) DESC, SUM(tokens_in + tokens_out) DESC, name LIMIT $6 + 0";
    let read = |row: &Row| {
        Ok(Share {
            name: row.optional_text("name")?,
            nano_usd: row.int("nano")?,
            tokens_in: row.int("tokens_in")?,
            tokens_out: row.int("tokens_out")?,
            tokens_cached: row.int("tokens_cached")?,
            charges: row.int("charges")?,
            errors: row.int("errors")?,
            open_nano_usd: row.int("open_nano")?,
        })
    };
    let rows = tx.fetch_all(sql, args![tenant, from, to, by.as_str(), kind, limit]).await?;
    rows.iter().map(read).collect()
}

/// What was ever bought of each model; of a provider the one that was asked most comes first.
pub async fn bought(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<Bought>, Error> {
    let sql = "SELECT provider, model, COUNT(*) AS charges, COUNT(error) AS errors,
           CAST(SUM(tokens_in) AS BIGINT) AS tokens_in, CAST(SUM(tokens_out) AS BIGINT) AS tokens_out,
           CAST(SUM(nano) AS BIGINT) AS nano, CAST(COALESCE(SUM(latency_us), 0) AS BIGINT) AS latency_us
         FROM charges WHERE tenant = $1 AND state = 'settled' AND provider IS NOT NULL AND model IS NOT NULL
         GROUP BY provider, model ORDER BY provider, COUNT(*) DESC, model";
    let read = |row: &Row| {
        Ok(Bought {
            provider: row.text("provider")?,
            model: row.text("model")?,
            charges: row.int("charges")?,
            errors: row.int("errors")?,
            tokens_in: row.int("tokens_in")?,
            tokens_out: row.int("tokens_out")?,
            nano_usd: row.int("nano")?,
            latency_us: row.int("latency_us")?,
        })
    };
    tx.fetch_all(sql, args![tenant]).await?.iter().map(read).collect()
}
