//! Whether the program is alive, and whether it can do its work. These need no token.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State as FromState};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::{Json, RequestPartsExt};
use pilothouse_app::status::{self, checks};
use pilothouse_app::{Error, queues, schedules};
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::{Code, TenantId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::health::{CheckDto, HealthDto, LiveDto, ReadyDto, TenantHealthDto, VersionedReadyDto};
use crate::dto::word;
use crate::error::Failure;
use crate::exposition;
use crate::extract::Path;
use crate::state::State;
use crate::telemetry;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(live))
        .routes(routes!(versioned_ready))
        .routes(routes!(tenant_health))
        .routes(routes!(metrics))
}

/// Whether the process answers.
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, body = HealthDto)))]
async fn health(FromState(state): FromState<Arc<State>>) -> Json<HealthDto> {
    Json(HealthDto {
        status: "ok",
        app: state.settings.name.clone(),
        service: "pilothouse",
        version: env!("CARGO_PKG_VERSION"),
        environment: word(&state.app.settings.mode),
    })
}

/// Whether every part that requests need works; 503 with the reasons when one does not.
#[utoipa::path(get, path = "/ready", tag = "health", responses((status = 200, body = ReadyDto), (status = 503, body = ReadyDto)))]
async fn ready(FromState(state): FromState<Arc<State>>) -> Response {
    let (status, checks) = parts(&state).await;
    let ready = status == StatusCode::OK;
    (status, Json(ReadyDto { ok: ready, ready, checks })).into_response()
}

async fn parts(state: &State) -> (StatusCode, BTreeMap<String, CheckDto>) {
    let checks = checks(&state.app).await;
    let ready = checks.iter().all(|check| check.problem.is_none());
    let described = checks.into_iter().map(|check| {
        let ok = check.problem.is_none();
        let status = if ok { "connected" } else { "error" };
        (check.name.to_owned(), CheckDto { ok, status, error: check.problem })
    });
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, described.collect())
}

/// Whether the process answers, as the data platform copilot's clients ask it.
#[utoipa::path(get, path = "/api/v1/health/live", tag = "health", responses((status = 200, body = LiveDto)))]
async fn live() -> Json<LiveDto> {
    Json(LiveDto { status: "alive" })
}

/// Whether the program can work, as the data platform copilot's clients ask it.
#[utoipa::path(get, path = "/api/v1/health/ready", tag = "health",
    responses((status = 200, body = VersionedReadyDto), (status = 503, body = VersionedReadyDto)))]
async fn versioned_ready(FromState(state): FromState<Arc<State>>) -> Response {
    let (status, checks) = parts(&state).await;
    let problems =
        checks.iter().filter_map(|(name, check)| check.error.as_ref().map(|error| format!("{name}: {error}")));
    let word = if status == StatusCode::OK { "ready" } else { "not_ready" };
    (status, Json(VersionedReadyDto { status: word, problems: problems.collect() })).into_response()
}

/// Whether a tenant can be served.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/health", tag = "health", params(("tenant" = String, Path)),
    responses((status = 200, body = TenantHealthDto)))]
async fn tenant_health(Caller(caller): Caller, Path(tenant): Path<String>) -> Result<Json<TenantHealthDto>, Failure> {
    let named: Result<TenantId, _> = tenant.parse();
    if named.as_ref() != Ok(&caller.principal.tenant) {
        return Err(Failure::new(Code::TenantMismatch, "Cross-tenant request denied"));
    }
    Ok(Json(TenantHealthDto { tenant, status: "ok", kind: "tenant_health" }))
}

/// Longest time that the queues are asked for how deep they are; the other metrics do not wait longer.
const MEASURE_TIME: Duration = Duration::from_secs(1);

/// Notes how deep the queues are now and how many schedules are overdue; where the database does not answer, they stay as
/// they were.
async fn measure(state: &State) {
    let asked =
        async { Ok::<_, Error>((queues::depths(&state.app).await?, schedules::health(&state.app).await?.late)) };
    let Ok(Ok((found, late))) = tokio::time::timeout(MEASURE_TIME, asked).await else {
        tracing::warn!("the depths of the queues could not be measured");
        return;
    };
    telemetry::schedules(late);
    let seconds = |us: i64| us as f64 / SECOND as f64;
    telemetry::queues(found.into_iter().map(|(name, (depth, waits))| (name, depth, seconds(waits))));
}

/// Everything measured, in Prometheus' text format. From a loopback address without a token, else with one.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String)))]
async fn metrics(FromState(state): FromState<Arc<State>>, request: Request) -> Result<Response, Failure> {
    let from_loopback = crate::middleware::sender(&state.settings, &request).is_some_and(|ip| ip.is_loopback());
    let (mut parts, _) = request.into_parts();
    if !from_loopback {
        parts.extract_with_state::<Caller, _>(&state).await?;
    }
    measure(&state).await;
    let text = state.metrics.render()
        + &exposition::families(&state.app.engine.measured())
        + &exposition::query_workers(status::query_workers(&state.app));
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
