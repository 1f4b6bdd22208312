//! Models as clients of the data team autopilot ask about them: whether there is one, and what was used.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::{Mode, gateway, ledger};
use pilothouse_domain::money::NanoUsd;
use pilothouse_store::ledger::Bought;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::HeaderCaller;
use crate::error::Failure;
use crate::parameters::Parameters;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(status)).routes(routes!(usage))
}

/// Whether the installation has a model of its own.
#[derive(Serialize, ToSchema)]
struct ModelStatus {
    /// `llm`, or `fallback` where every answer is made without one.
    mode: &'static str,
    /// Whether there is one.
    configured: bool,
    /// Its name.
    #[schema(required)]
    model: Option<String>,
    /// Where it is asked; told in development mode only.
    #[schema(required)]
    base_url: Option<String>,
    /// Whether models are compared.
    eval_enabled: bool,
    /// Those that are compared, by name and model; there are none yet.
    eval_providers: Vec<Value>,
}

/// Whether the installation has a model; tenants may have others. This needs no token.
#[utoipa::path(get, path = "/api/v1/llm/status", tag = "ai", operation_id = "llm_status",
    responses((status = 200, body = ModelStatus)))]
async fn status(FromState(state): FromState<Arc<State>>) -> Json<ModelStatus> {
    let (settings, address) = (&state.app.settings, gateway::address_of_installations(&state.app));
    let configured = address.is_some();
    Json(ModelStatus {
        mode: if configured { "llm" } else { "fallback" },
        configured,
        model: configured.then(|| settings.ai.model.clone()),
        base_url: address.filter(|_| settings.mode == Mode::Development).map(str::to_owned),
        eval_enabled: false,
        eval_providers: Vec::new(),
    })
}

/// What a tenant has ever asked of models.
#[derive(Serialize, ToSchema)]
struct ModelUsage {
    /// The tenant.
    tenant_id: String,
    /// How many calls.
    total_requests: i64,
    /// Tokens that were sent,
    total_input_tokens: i64,
    /// and received.
    total_output_tokens: i64,
    /// What they cost, in US dollars.
    total_estimated_cost_usd: f64,
    /// The same by the names of the providers.
    by_provider: BTreeMap<String, ProviderUsage>,
}

/// What one provider was ever asked.
#[derive(Serialize, ToSchema)]
struct ProviderUsage {
    /// The model that was asked most.
    model: String,
    /// How many calls.
    requests: i64,
    /// Tokens that were sent,
    input_tokens: i64,
    /// and received.
    output_tokens: i64,
    /// What they cost, in US dollars.
    estimated_cost_usd: f64,
    /// How long one took, in milliseconds.
    avg_latency_ms: f64,
    /// How many failed.
    errors: i64,
}

/// What the tenant has ever asked of models, by provider.
#[utoipa::path(get, path = "/api/v1/llm/usage", tag = "ai", operation_id = "llm_usage",
    params(("org_id" = String, Query, description = "The tenant.")), responses((status = 200, body = ModelUsage)))]
async fn usage(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    mut query: Parameters,
) -> Result<Json<ModelUsage>, Failure> {
    let tenant_id = query.text("org_id");
    query.finish_in(&caller, &tenant_id)?;
    let bought = ledger::bought(&state.app, &caller).await?;
    let sum = |of| sum(&bought, of);
    Ok(Json(ModelUsage {
        total_requests: sum(|one| one.charges),
        total_input_tokens: sum(|one| one.tokens_in),
        total_output_tokens: sum(|one| one.tokens_out),
        total_estimated_cost_usd: NanoUsd(sum(|one| one.nano_usd)).usd(),
        by_provider: bought.chunk_by(|one, next| one.provider == next.provider).filter_map(of_provider).collect(),
        tenant_id,
    }))
}

fn sum(models: &[Bought], of: fn(&Bought) -> i64) -> i64 {
    models.iter().map(of).sum()
}

/// Models of one provider, the one that was asked most first.
fn of_provider(models: &[Bought]) -> Option<(String, ProviderUsage)> {
    let most = models.first()?;
    let sum = |of| sum(models, of);
    let requests = sum(|one| one.charges);
    let usage = ProviderUsage {
        model: most.model.clone(),
        requests,
        input_tokens: sum(|one| one.tokens_in),
        output_tokens: sum(|one| one.tokens_out),
        estimated_cost_usd: NanoUsd(sum(|one| one.nano_usd)).usd(),
        // Of microseconds, with two digits.
        avg_latency_ms: (sum(|one| one.latency_us) as f64 / requests.max(1) as f64 / 10.0).round() / 100.0,
        errors: sum(|one| one.errors),
    };
    Some((most.provider.clone(), usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_told_by_the_model_that_it_was_asked_for_most_and_by_the_time_of_all() {
        let of = |model: &str, charges, latency_us| Bought {
            provider: "main".to_owned(),
            model: model.to_owned(),
            charges,
            errors: 1,
            tokens_in: 10,
            tokens_out: 5,
            nano_usd: 1_000,
            latency_us,
        };
        let (name, told) = of_provider(&[of("large", 2, 600_000), of("small", 1, 161_970)]).unwrap();
        assert_eq!((name.as_str(), told.model.as_str()), ("main", "large"));
        assert_eq!((told.requests, told.errors, told.input_tokens, told.output_tokens), (3, 2, 20, 10));
        assert_eq!((told.avg_latency_ms, told.estimated_cost_usd), (253.99, 0.000_002));
    }
}
