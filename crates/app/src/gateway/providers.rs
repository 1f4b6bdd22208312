//! A tenant's own providers and prices: keys go in and never come out.

use std::collections::BTreeMap;

use pilothouse_ai::prices;
use pilothouse_ai::wire::Wire;
use pilothouse_domain::action::Tier;
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::price::{Dated, Price};
use pilothouse_domain::{Code, Micros, Role};
use pilothouse_outbound::Error as Unreachable;
use pilothouse_store::Error as StoreError;
use pilothouse_store::ai as rows;
use pilothouse_store::ai::DatedPrice;
use pilothouse_store::audit as audit_rows;
use serde_json::json;

use super::known::{INSTALLATION, models, place};
use super::uses::MAX_MODEL_CHARS;
use crate::{App, Caller, Error, audit, gates};

/// Longest name of a provider, in characters.
const MAX_NAME_CHARS: usize = 64;
/// Longest key and address, in bytes.
const MAX_KEY_BYTES: usize = 4_096;
/// Most providers of a tenant, and models of one.
const MAX_PROVIDERS: usize = 50;
const MAX_MODELS: usize = 200;
/// Largest rank and weight.
const MAX_RANK: i64 = 999;

/// What is wanted of a provider.
#[derive(Clone)]
pub struct NewProvider {
    /// Its name, unique in the tenant.
    pub name: String,
    /// Its language.
    pub wire: Wire,
    /// Its address; none means where those who made the language answer.
    pub base_url: Option<String>,
    /// Its key; none keeps the one that is there.
    pub key: Option<String>,
    /// What it is asked for, and what that is called there.
    pub models: BTreeMap<String, String>,
    /// The lowest is asked first.
    pub rank: i64,
    /// Those of one rank are asked by their weights.
    pub weight: i64,
}

/// A provider as it is shown.
#[derive(Debug, Clone)]
pub struct ProviderShown {
    /// Its name.
    pub name: String,
    /// Its language.
    pub wire: String,
    /// Its address.
    pub base_url: String,
    /// What it is asked for, and what that is called there.
    pub models: BTreeMap<String, String>,
    /// The lowest is asked first.
    pub rank: i64,
    /// Those of one rank are asked by their weights.
    pub weight: i64,
    /// Whether it has a key.
    pub has_key: bool,
    /// Whether the operator of the machine named it, so that it cannot be changed here.
    pub is_installations: bool,
    /// How its breakers stand in this process, by model: `closed`, `open` or `half_open`; of those that were never used none.
    pub breakers: Vec<(String, &'static str)>,
    /// When it was last changed, and by whom; none for the operator's.
    pub changed: Option<(Micros, String)>,
}

/// Whom the tenant's models are asked of, in the order in which they are asked.
pub async fn list_providers(app: &App, caller: &Caller) -> Result<Vec<ProviderShown>, Error> {
    gates::pass(app, caller, &audit::action("ai.providers", Tier::Read, Role::Viewer, "", &())).await?;
    let tenant = caller.principal.tenant.clone();
    let of = tenant.clone();
    let kept = app.store.read(move |tx| Box::pin(async move { rows::providers(tx, &of).await })).await?;
    let breakers = |name: &str, is_own: bool| app.gateway.breakers_of(is_own.then_some(&tenant), name);
    let mut shown = kept
        .into_iter()
        .map(|row| {
            Ok(ProviderShown {
                models: models(&row)?,
                breakers: breakers(&row.name, true),
                name: row.name,
                wire: row.wire,
                base_url: row.base_url,
                rank: row.rank,
                weight: row.weight,
                has_key: row.sealed.is_some(),
                is_installations: false,
                changed: Some((row.changed_at, row.changed_by)),
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    shown.extend(app.gateway.known.installations().map(|open| ProviderShown {
        name: open.name.clone(),
        wire: open.provider.wire.as_str().to_owned(),
        base_url: open.provider.base_url.clone(),
        models: open.models.clone(),
        rank: open.rank,
        weight: open.weight,
        has_key: !open.provider.key.is_empty(),
        is_installations: true,
        breakers: breakers(&open.name, false),
        changed: None,
    }));
    shown.sort_by(|one, other| (one.rank, &one.name).cmp(&(other.rank, &other.name)));
    Ok(shown)
}

/// The address of the operator's provider, where there is one.
pub fn address_of_installations(app: &App) -> Option<&str> {
    app.gateway.known.installations().map(|open| open.provider.base_url.as_str())
}

/// Puts a provider in the place of the one with its name. It holds within a second on every node.
pub async fn put_provider(app: &App, caller: &Caller, new: NewProvider) -> Result<(), Error> {
    let mark = new.key.as_ref().map(|key| app.sealer.mark(key.as_bytes()));
    let payload = json!({"name": new.name, "wire": new.wire.as_str(), "base_url": new.base_url, "key": mark,
        "models": new.models, "rank": new.rank, "weight": new.weight});
    let action = audit::action("ai.provider.put", Tier::Write, Role::Admin, &new.name, &payload);
    gates::pass(app, caller, &action).await?;
    check(&new)?;
    let base_url = new.base_url.as_deref().or_else(|| new.wire.base_url());
    let base_url =
        base_url.ok_or_else(|| Error::unfit("base_url", "this language has an address of its own", json!(null)))?;
    let base_url = base_url.trim_end_matches('/').to_owned();
    app.gateway.outside.check(&base_url).map_err(|error| match error {
        Unreachable::Forbidden { .. } => Error::new(Code::AddressForbidden, format!("{error}.")),
        other => Error::unfit("base_url", &other.to_string(), base_url.as_str().into()),
    })?;
    let (tenant, now) = (caller.principal.tenant.clone(), app.clock.now());
    let seal = |key: &String| app.sealer.seal(app.ids.as_ref(), place(tenant.as_str(), &new.name), key.as_bytes());
    let row = rows::Provider {
        sealed: new.key.as_ref().map(seal).transpose()?,
        key_id: new.key.as_ref().map(|_| app.sealer.key_id().to_owned()),
        name: new.name,
        wire: new.wire.as_str().to_owned(),
        base_url,
        models: json!(new.models).to_string(),
        rank: new.rank,
        weight: new.weight,
        changed_at: now,
        changed_by: caller.principal.subject.clone(),
    };
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let of = tenant.clone();
    let put = app.store.write(move |tx| {
        Box::pin(async move {
            let kept = rows::providers(tx, &of).await?;
            let before = kept.iter().find(|known| known.name == row.name);
            // A key belongs to where it was given for: elsewhere it would be told to a stranger.
            if row.sealed.is_none()
                && before.is_some_and(|known| known.sealed.is_some() && known.base_url != row.base_url)
            {
                return Ok(Err("a key is needed with another address"));
            }
            if before.is_none() && kept.len() >= MAX_PROVIDERS {
                return Ok(Err("there are as many providers as there may be"));
            }
            rows::put_provider(tx, &of, &row).await?;
            audit_rows::append(tx, &entry).await?;
            Ok(Ok(()))
        })
    });
    put.await?.map_err(|why| Error::unfit("key", why, json!(null)))?;
    app.gateway.known.forget(&tenant);
    Ok(())
}

/// Removes a provider with its key.
pub async fn delete_provider(app: &App, caller: &Caller, name: &str) -> Result<(), Error> {
    let action = audit::action("ai.provider.delete", Tier::Destructive, Role::Admin, name, &name);
    gates::pass(app, caller, &action).await?;
    let (of, name) = (caller.principal.tenant.clone(), name.to_owned());
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let deleted = app.store.write(move |tx| {
        Box::pin(async move {
            let deleted = rows::delete_provider(tx, &of, &name).await?;
            if deleted {
                audit_rows::append(tx, &entry).await?;
            }
            Ok(deleted)
        })
    });
    if !deleted.await? {
        return Err(Error::new(Code::NotFound, "There is no such provider."));
    }
    app.gateway.known.forget(&caller.principal.tenant);
    Ok(())
}

fn check(new: &NewProvider) -> Result<(), Error> {
    let is_name = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    let (name, long) = (&new.name, new.name.chars().count());
    if long == 0 || long > MAX_NAME_CHARS || !name.chars().all(is_name) || name == INSTALLATION {
        let message =
            format!("it has 1 to {MAX_NAME_CHARS} letters, digits, '-', '_' or '.', and is not '{INSTALLATION}'");
        return Err(Error::unfit("name", &message, name.as_str().into()));
    }
    if new.key.as_ref().is_some_and(|key| key.is_empty() || key.len() > MAX_KEY_BYTES || !key.is_ascii()) {
        return Err(Error::unfit("key", "it is not a key", json!(null)));
    }
    if new.base_url.as_ref().is_some_and(|url| url.len() > MAX_KEY_BYTES || url.contains(['?', '#', '@'])) {
        return Err(Error::unfit("base_url", "it is an address without a password or a question", json!(null)));
    }
    if new.models.is_empty() || new.models.len() > MAX_MODELS {
        let message = format!("it names 1 to {MAX_MODELS} models; '*' stands for any");
        return Err(Error::unfit("models", &message, json!(new.models)));
    }
    let bounds = [("rank", new.rank), ("weight", new.weight)];
    match bounds.into_iter().find(|(_, number)| !(0..=MAX_RANK).contains(number)) {
        Some((name, number)) => Err(Error::unfit(name, &format!("it is from 0 to {MAX_RANK}"), number.into())),
        None => Ok(()),
    }
}

/// What models cost.
#[derive(Debug, Clone)]
pub struct Prices {
    /// The tenant's own prices, which come first.
    pub own: Vec<DatedPrice>,
    /// Those of the makers' lists, each with its model.
    pub listed: Vec<(&'static str, Dated)>,
}

/// What models cost the tenant.
pub async fn list_prices(app: &App, caller: &Caller) -> Result<Prices, Error> {
    gates::pass(app, caller, &audit::action("ai.prices", Tier::Read, Role::Viewer, "", &())).await?;
    let of = caller.principal.tenant.clone();
    let own = app.store.read(move |tx| Box::pin(async move { rows::prices(tx, &of).await })).await?;
    Ok(Prices { own, listed: prices::all().collect() })
}

/// A price that is to hold.
#[derive(Debug, Clone, serde::Serialize)]
pub struct NewPrice {
    /// Of which provider; none means of whichever.
    pub provider: Option<String>,
    /// Of which model, as its provider calls it.
    pub model: String,
    /// Since when; none means from now on.
    pub since: Option<Micros>,
    /// What a million tokens cost, in nano-USD.
    pub price: Price,
}

/// Writes a price down. It holds within a second on every node, for calls that are made from then on.
pub async fn add_price(app: &App, caller: &Caller, new: NewPrice) -> Result<(), Error> {
    let action = audit::action("ai.price.add", Tier::Write, Role::Admin, &new.model, &new);
    gates::pass(app, caller, &action).await?;
    if new.model.is_empty() || new.model.len() > MAX_MODEL_CHARS {
        return Err(Error::unfit("model", "it is the name of a model", new.model.as_str().into()));
    }
    let Price { input, cached, output } = new.price;
    if [Some(input), cached, Some(output)].into_iter().flatten().any(|price| price < 0) {
        return Err(Error::unfit("price", "it is at least 0", json!(new.price)));
    }
    let (tenant, now) = (caller.principal.tenant.clone(), app.clock.now());
    let row = DatedPrice {
        provider: new.provider.unwrap_or_default(),
        model: new.model,
        since: new.since.unwrap_or(now),
        price: new.price,
        created_at: now,
        created_by: caller.principal.subject.clone(),
    };
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let of = tenant.clone();
    let added = app.store.write(move |tx| {
        Box::pin(async move {
            rows::add_price(tx, &of, &row).await?;
            audit_rows::append(tx, &entry).await.map(|_| ())
        })
    });
    added.await.map_err(|error| match error {
        StoreError::Conflict { .. } => {
            Error::unfit("since", "there is a price of that model from that moment on", json!(null))
        }
        other => other.into(),
    })?;
    app.gateway.known.forget(&tenant);
    Ok(())
}
