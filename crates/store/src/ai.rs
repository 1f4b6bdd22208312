//! Models of a tenant: where they answer, and what they cost.

use pilothouse_domain::price::Price;
use pilothouse_domain::{Micros, TenantId};

use crate::{Error, Row, Tx, args};

/// Where models answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name, unique in the tenant.
    pub name: String,
    /// Its language.
    pub wire: String,
    /// Its address.
    pub base_url: String,
    /// What it is asked for, and what that is called there, as a JSON object.
    pub models: String,
    /// The lowest is asked first.
    pub rank: i64,
    /// Those of one rank are asked by their weights.
    pub weight: i64,
    /// The sealed key; none where it wants none.
    pub sealed: Option<Vec<u8>>,
    /// The key that it is sealed with.
    pub key_id: Option<String>,
    /// When it was last changed.
    pub changed_at: Micros,
    /// By whom.
    pub changed_by: String,
}

/// A price from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedPrice {
    /// Of which provider; empty means of whichever.
    pub provider: String,
    /// Of which model, as its provider calls it.
    pub model: String,
    /// Since when.
    pub since: Micros,
    /// How much.
    pub price: Price,
    /// When it was written down.
    pub created_at: Micros,
    /// By whom.
    pub created_by: String,
}

/// The tenant's providers, by name.
pub async fn providers(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<Provider>, Error> {
    let sql = "SELECT name, wire, base_url, models, rank, weight, sealed, key_id, changed_at, changed_by
         FROM ai_providers WHERE tenant = $1 ORDER BY name";
    tx.fetch_all(sql, args![tenant]).await?.iter().map(provider).collect()
}

/// Puts a provider in the place of the one with its name. One without a sealed key keeps the one that is there.
pub async fn put_provider(tx: &mut Tx<'_>, tenant: &TenantId, new: &Provider) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO ai_providers
           (tenant, name, wire, base_url, models, rank, weight, sealed, key_id, changed_at, changed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (tenant, name) DO UPDATE SET wire = excluded.wire, base_url = excluded.base_url,
           models = excluded.models, rank = excluded.rank, weight = excluded.weight,
           sealed = COALESCE(excluded.sealed, ai_providers.sealed),
           key_id = COALESCE(excluded.key_id, ai_providers.key_id),
           changed_at = excluded.changed_at, changed_by = excluded.changed_by",
        args![
            tenant,
            new.name.as_str(),
            new.wire.as_str(),
            new.base_url.as_str(),
            new.models.as_str(),
            new.rank,
            new.weight,
            new.sealed.as_deref(),
            new.key_id.as_deref(),
            new.changed_at,
            new.changed_by.as_str(),
        ],
    )
    .await?;
    Ok(())
}

/// Removes a provider with its key; false where there is none of that name.
pub async fn delete_provider(tx: &mut Tx<'_>, tenant: &TenantId, name: &str) -> Result<bool, Error> {
    Ok(tx.execute("DELETE FROM ai_providers WHERE tenant = $1 AND name = $2", args![tenant, name]).await? == 1)
}

/// The tenant's own prices, the newest of each first.
pub async fn prices(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<DatedPrice>, Error> {
    let sql = "SELECT provider, model, since, input, cached, output, created_at, created_by
         FROM ai_prices WHERE tenant = $1 ORDER BY model, provider, since DESC";
    tx.fetch_all(sql, args![tenant]).await?.iter().map(price).collect()
}

/// Writes a price down.
///
/// # Errors
/// [`Error::Conflict`] where there is one of that model and day.
pub async fn add_price(tx: &mut Tx<'_>, tenant: &TenantId, new: &DatedPrice) -> Result<(), Error> {
    let Price { input, cached, output } = new.price;
    let added = tx
        .execute(
            "INSERT INTO ai_prices (tenant, provider, model, since, input, cached, output, created_at, created_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
            args![
                tenant,
                new.provider.as_str(),
                new.model.as_str(),
                new.since,
                input,
                cached,
                output,
                new.created_at,
                new.created_by.as_str(),
            ],
        )
        .await?;
    if added == 1 { Ok(()) } else { Err(Error::Conflict { what: "price" }) }
}

fn provider(row: &Row) -> Result<Provider, Error> {
    Ok(Provider {
        name: row.text("name")?,
        wire: row.text("wire")?,
        base_url: row.text("base_url")?,
        models: row.text("models")?,
        rank: row.int("rank")?,
        weight: row.int("weight")?,
        sealed: row.optional_bytes("sealed")?,
        key_id: row.optional_text("key_id")?,
        changed_at: row.int("changed_at")?,
        changed_by: row.text("changed_by")?,
    })
}

fn price(row: &Row) -> Result<DatedPrice, Error> {
    Ok(DatedPrice {
        provider: row.text("provider")?,
        model: row.text("model")?,
        since: row.int("since")?,
        price: Price { input: row.int("input")?, cached: row.optional_int("cached")?, output: row.int("output")? },
        created_at: row.int("created_at")?,
        created_by: row.text("created_by")?,
    })
}
