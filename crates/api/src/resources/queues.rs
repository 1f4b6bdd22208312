//! Queues: how deep they are, pause and resume, limits; and the workers that serve them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::queues::{self as use_cases, NewLimits, Scope};
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::queues::{LimitsRequest, PauseRequest};
use crate::dto::{List, QueueDto, WorkerDto};
use crate::error::Failure;
use crate::extract::Path;
use crate::fields::Fields;
use crate::json::JsonBody;
use crate::parameters::Parameters;
use crate::state::State;

/// Limits as wide as the body can say them; the use case has its own bounds.
const MOST: i64 = u32::MAX as i64;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(limits))
        .routes(routes!(workers))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct ScopeQuery {
    /// `tenant`, as it is unless it is said, counts the tenant's runs; `installation` those of all, for who administers
    /// it.
    scope: Option<String>,
}

fn scope(mut query: Parameters) -> Result<Scope, Failure> {
    let read = |word: &str| match word {
        "tenant" => Some(Scope::Tenant),
        "installation" => Some(Scope::Installation),
        _ => None,
    };
    let scope = query.word("scope", &["tenant", "installation"], read);
    query.finish()?;
    Ok(scope.unwrap_or(Scope::Tenant))
}

/// Every queue, by name.
#[utoipa::path(get, path = "/api/v1/queues", tag = "queues", params(ScopeQuery),
    responses((status = 200, body = List<QueueDto>)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    query: Parameters,
) -> Result<Json<List<QueueDto>>, Failure> {
    let found = use_cases::list(&state.app, &caller, scope(query)?).await?;
    Ok(Json(List { items: found.into_iter().map(QueueDto::from).collect() }))
}

/// One queue.
#[utoipa::path(get, path = "/api/v1/queues/{name}", tag = "queues", params(("name" = String, Path), ScopeQuery),
    responses((status = 200, body = QueueDto)))]
async fn show(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    query: Parameters,
) -> Result<Json<QueueDto>, Failure> {
    Ok(Json(use_cases::get(&state.app, &caller, &name, scope(query)?).await?.into()))
}

/// Keeps the queue's runs from beginning, in all tenants: those at work end, and new ones are still taken in.
#[utoipa::path(post, path = "/api/v1/queues/{name}/pause", tag = "queues", params(("name" = String, Path)),
    request_body = PauseRequest, responses((status = 200, body = QueueDto)))]
async fn pause(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<QueueDto>, Failure> {
    let reason = fields.text("reason", 1);
    fields.finish()?;
    Ok(Json(use_cases::set_paused(&state.app, &caller, &name, Some(&reason)).await?.into()))
}

/// Lets the queue's runs begin again.
#[utoipa::path(post, path = "/api/v1/queues/{name}/resume", tag = "queues", params(("name" = String, Path)),
    responses((status = 200, body = QueueDto)))]
async fn resume(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(name): Path<String>,
) -> Result<Json<QueueDto>, Failure> {
    Ok(Json(use_cases::set_paused(&state.app, &caller, &name, None).await?.into()))
}

/// Changes what the queue allows, in all tenants and on all nodes.
#[utoipa::path(put, path = "/api/v1/queues/{name}/limits", tag = "queues", params(("name" = String, Path)),
    request_body = LimitsRequest, responses((status = 200, body = QueueDto)))]
async fn limits(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<QueueDto>, Failure> {
    let mut limit = |name: &str| {
        let sent = fields.is_sent(name);
        sent.then(|| fields.optional_within(name, 0, MOST).and_then(|limit| u32::try_from(limit).ok()))
    };
    let (total, per_tenant, per_key) = (limit("total"), limit("per_tenant"), limit("per_key"));
    let rate = rate(&mut fields);
    fields.finish()?;
    let new = NewLimits { total, per_tenant, per_key, rate };
    Ok(Json(use_cases::set_limits(&state.app, &caller, &name, &new).await?.into()))
}

fn rate(fields: &mut Fields) -> Option<Option<(u32, i64)>> {
    const SHAPE: &str = "Input should be {\"starts\", \"per_seconds\"} or null";
    if !fields.is_sent("rate") {
        return None;
    }
    let sent = fields.any("rate");
    if sent == Value::Null {
        return Some(None);
    }
    let starts = sent["starts"].as_u64().and_then(|starts| u32::try_from(starts).ok());
    let rate = starts.zip(sent["per_seconds"].as_i64());
    if rate.is_none() {
        fields.refuse(Some("rate"), "model_type", SHAPE, sent, None);
    }
    Some(rate)
}

/// Every worker of the installation, the liveliest first.
#[utoipa::path(get, path = "/api/v1/workers", tag = "queues", responses((status = 200, body = List<WorkerDto>)))]
async fn workers(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
) -> Result<Json<List<WorkerDto>>, Failure> {
    let found = use_cases::workers(&state.app, &caller).await?;
    Ok(Json(List { items: found.into_iter().map(WorkerDto::from).collect() }))
}
