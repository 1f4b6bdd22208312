//! What is done with one run: cancel, retry, discard, signal, approve, reject; and with those of vanished workers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::HeaderMap;
use pilothouse_app::runs::{self as use_cases, Decision, MAX_STALE_SECONDS, not_allowed};
use pilothouse_store::runs::Run;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::runs::UNKNOWN;
use crate::caller::Caller;
use crate::dto::RunDto;
use crate::error::Failure;
use crate::extract::Path;
use crate::json::{JsonBody, MaybeJson};
use crate::state::State;
use crate::words::run_id;

/// `stale_after_seconds` unless the caller says otherwise.
const DEFAULT_STALE_SECONDS: i64 = 60;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(discard))
        .routes(routes!(signal))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(reconcile))
}

async fn told(state: &State, run: Run) -> Result<Json<RunDto>, Failure> {
    Ok(Json(use_cases::item(&state.app, run).await?.into()))
}

/// Cancels a run: at once where it waits, through its worker where it runs.
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancel", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = RunDto)))]
async fn cancel(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<RunDto>, Failure> {
    let (run, changed) = use_cases::cancel(&state.app, &caller, run_id(&id, UNKNOWN)?).await?;
    if !changed && run.status.is_final() {
        return Err(not_allowed(&run, "cancelled").into());
    }
    told(&state, run).await
}

/// Has a run tried again that did not end well; what it has done stays done.
#[utoipa::path(post, path = "/api/v1/runs/{id}/retry", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = RunDto)))]
async fn retry(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<RunDto>, Failure> {
    let (run, changed) = use_cases::retry(&state.app, &caller, run_id(&id, UNKNOWN)?).await?;
    if !changed {
        return Err(not_allowed(&run, "retried").into());
    }
    told(&state, run).await
}

/// Why nothing is to be done.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct DiscardRequest {
    /// The reason, 1 to 500 characters.
    #[schema(min_length = 1)]
    reason: String,
}

/// Decides that nothing is to be done about a dead letter; it leaves the lists of dead letters and cannot be retried.
#[utoipa::path(post, path = "/api/v1/runs/{id}/discard", tag = "runs", params(("id" = String, Path)),
    request_body = DiscardRequest, responses((status = 200, body = RunDto)))]
async fn discard(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<RunDto>, Failure> {
    let reason = fields.text("reason", 1);
    fields.finish()?;
    let run = use_cases::discard(&state.app, &caller, run_id(&id, UNKNOWN)?, &reason).await?;
    told(&state, run).await
}

/// What a signal carries.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct SignalRequest {
    /// Any JSON, at most 64 KiB.
    payload: Option<Value>,
}

/// Sends a signal to a run that has not ended. It is kept until the run looks for it. With an `Idempotency-Key` it is sent
/// once, however often it is asked for.
#[utoipa::path(post, path = "/api/v1/runs/{id}/signals/{name}", tag = "runs",
    params(("id" = String, Path), ("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = SignalRequest,
    responses((status = 200, body = RunDto)))]
async fn signal(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
    MaybeJson(mut fields): MaybeJson,
) -> Result<Json<RunDto>, Failure> {
    let payload = fields.any("payload");
    fields.finish()?;
    // What is no text cannot have been meant as no key.
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default().to_owned());
    let run = use_cases::signal(&state.app, &caller, run_id(&id, UNKNOWN)?, (&name, &payload), key).await?;
    told(&state, run).await
}

/// A person's words on an approval.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct ApproveRequest {
    /// At most 2,000 characters.
    comment: Option<String>,
}

/// Approves a run that waits for it. The first decision counts.
#[utoipa::path(post, path = "/api/v1/runs/{id}/approve", tag = "runs", params(("id" = String, Path)),
    request_body = ApproveRequest, responses((status = 200, body = RunDto)))]
async fn approve(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    MaybeJson(mut fields): MaybeJson,
) -> Result<Json<RunDto>, Failure> {
    let words = fields.filled_text("comment");
    fields.finish()?;
    let decision = Decision { approved: true, words };
    told(&state, use_cases::decide(&state.app, &caller, run_id(&id, UNKNOWN)?, decision).await?).await
}

/// Rejects a run that waits for an approval; the workflow decides what comes of that.
#[utoipa::path(post, path = "/api/v1/runs/{id}/reject", tag = "runs", params(("id" = String, Path)),
    request_body = DiscardRequest, responses((status = 200, body = RunDto)))]
async fn reject(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<RunDto>, Failure> {
    let reason = fields.text("reason", 1);
    fields.finish()?;
    let decision = Decision { approved: false, words: Some(reason) };
    told(&state, use_cases::decide(&state.app, &caller, run_id(&id, UNKNOWN)?, decision).await?).await
}

/// After which silence a worker's runs are taken back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct ReconcileRequest {
    /// Seconds, 1 to 2,592,000; 60 unless it is said. No worker that shows life loses a run, whatever it is.
    stale_after_seconds: Option<u64>,
}

/// What was taken back.
#[derive(Serialize, ToSchema)]
struct ReconciledDto {
    /// How many of the tenant's runs.
    reconciled: usize,
    /// Whether there may be more: then send the same again.
    more: bool,
}

/// Takes back at once what vanished workers hold, instead of when they have been silent for a lease.
#[utoipa::path(post, path = "/api/v1/runs/reconcile", tag = "runs", request_body = ReconcileRequest,
    responses((status = 200, body = ReconciledDto)))]
async fn reconcile(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    MaybeJson(mut fields): MaybeJson,
) -> Result<Json<ReconciledDto>, Failure> {
    let most = i64::try_from(MAX_STALE_SECONDS).unwrap_or(i64::MAX);
    let seconds = fields.optional_within("stale_after_seconds", 1, most).unwrap_or(DEFAULT_STALE_SECONDS);
    fields.finish()?;
    let (reconciled, more) = use_cases::reconcile(&state.app, &caller, seconds.unsigned_abs()).await?;
    Ok(Json(ReconciledDto { reconciled, more }))
}
