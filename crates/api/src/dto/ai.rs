//! Models: what the gateway answers, and the providers and prices of a tenant.

use std::collections::BTreeMap;

use pilothouse_app::gateway::{Answered, Prices, ProviderShown};
use pilothouse_domain::clock::rfc3339;
use pilothouse_domain::money::NanoUsd;
use pilothouse_domain::price::{Dated, Price};
use pilothouse_store::ai::DatedPrice;
use serde::Serialize;
use utoipa::ToSchema;

/// A model's answer, as the data platform copilot's clients know it.
#[derive(Serialize, ToSchema)]
pub struct CompletionDto {
    /// What it says.
    pub content: String,
    /// The model that answered.
    pub model: String,
    /// Tokens that were sent.
    pub prompt_tokens: u64,
    /// Tokens that were received.
    pub completion_tokens: u64,
    /// What it cost, in US dollars.
    pub cost_usd: f64,
    /// The tenant that pays.
    pub tenant: String,
    /// The month in which it counts.
    pub month: String,
    /// Who answered.
    pub provider: String,
    /// The charge in the ledger.
    pub charge_id: String,
    /// The version of the prompt that was named, as `name@hash`; null where none was.
    #[schema(required)]
    pub prompt: Option<String>,
}

impl CompletionDto {
    /// What was answered, for a tenant in a month.
    pub fn of(answered: Answered, tenant: String, month: String) -> Self {
        let Answered { reply, value, provider, model, tokens, cost, charge, prompt } = answered;
        Self {
            content: value.map_or(reply.text, |value| value.to_string()),
            model,
            prompt_tokens: tokens.input,
            completion_tokens: tokens.output,
            cost_usd: cost.usd(),
            tenant,
            month,
            provider,
            charge_id: charge.to_string(),
            prompt,
        }
    }
}

/// Somebody whom models are asked of.
#[derive(Serialize, ToSchema)]
pub struct ProviderDto {
    /// Its name.
    pub name: String,
    /// Its language: `openai`, `openai_compatible`, `openai_responses`, `anthropic` or `gemini`.
    pub wire: String,
    /// Its address.
    pub base_url: String,
    /// What it is asked for, and what that is called there; `*` stands for any model, and `default` for the one that is
    /// meant where none is named.
    pub models: BTreeMap<String, String>,
    /// The lowest is asked first.
    pub rank: i64,
    /// Those of one rank are asked by their weights.
    pub weight: i64,
    /// Whether it has a key. The key itself is never shown.
    pub has_key: bool,
    /// Whether the operator of the machine named it, so that it cannot be changed here.
    pub read_only: bool,
    /// How its circuit breakers stand on the node that answers, by model: `closed`, `open` or `half_open`.
    pub breakers: BTreeMap<String, &'static str>,
    /// When it was last changed; null for the operator's.
    #[schema(required)]
    pub changed_at: Option<String>,
    /// By whom.
    #[schema(required)]
    pub changed_by: Option<String>,
}

impl From<ProviderShown> for ProviderDto {
    fn from(shown: ProviderShown) -> Self {
        let (changed_at, changed_by) = shown.changed.map(|(at, by)| (rfc3339(at), by)).unzip();
        Self {
            name: shown.name,
            wire: shown.wire,
            base_url: shown.base_url,
            models: shown.models,
            rank: shown.rank,
            weight: shown.weight,
            has_key: shown.has_key,
            read_only: shown.is_installations,
            breakers: shown.breakers.into_iter().collect(),
            changed_at,
            changed_by,
        }
    }
}

/// What a million tokens of a model cost from a day on, in US dollars.
#[derive(Serialize, ToSchema)]
pub struct PriceDto {
    /// Of which provider; null means of whichever.
    #[schema(required)]
    pub provider: Option<String>,
    /// Of which model, as its provider calls it.
    pub model: String,
    /// Since when.
    pub since: String,
    /// Tokens that are sent.
    pub input_usd: f64,
    /// Tokens that are sent and were kept by the provider; null where that is not cheaper, or not known.
    #[schema(required)]
    pub cached_usd: Option<f64>,
    /// Tokens that are received.
    pub output_usd: f64,
    /// Who wrote it down; null for the makers' lists.
    #[schema(required)]
    pub created_by: Option<String>,
}

/// What models cost.
#[derive(Serialize, ToSchema)]
pub struct PricesDto {
    /// The tenant's own prices, which come first.
    pub own: Vec<PriceDto>,
    /// Those of the makers' lists.
    pub listed: Vec<PriceDto>,
}

impl From<Prices> for PricesDto {
    fn from(prices: Prices) -> Self {
        let own = |row: DatedPrice| {
            let provider = Some(row.provider).filter(|name| !name.is_empty());
            PriceDto { provider, created_by: Some(row.created_by), ..price(row.model, row.since, row.price) }
        };
        let listed = |(model, Dated { since, price: listed }): (&str, Dated)| price(model.to_owned(), since, listed);
        Self { own: prices.own.into_iter().map(own).collect(), listed: prices.listed.into_iter().map(listed).collect() }
    }
}

fn price(model: String, since: i64, Price { input, cached, output }: Price) -> PriceDto {
    let usd = |nano| NanoUsd(nano).usd();
    PriceDto {
        provider: None,
        model,
        since: rfc3339(since),
        input_usd: usd(input),
        cached_usd: cached.map(usd),
        output_usd: usd(output),
        created_by: None,
    }
}
