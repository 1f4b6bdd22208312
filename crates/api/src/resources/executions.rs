//! The execution controls of the data platform copilot's runbook: cancel, retry, reconcile.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::runs::{self as use_cases, MAX_STALE_SECONDS};
use pilothouse_domain::Code;
use pilothouse_domain::run::Status;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::platform::{ExecutionCancelDto, ExecutionRetryDto, ExecutionsReconciledDto};
use crate::error::Failure;
use crate::extract::Path;
use crate::parameters::Parameters;
use crate::state::State;
use crate::words::{run_id, where_unknown};

/// `stale_after_seconds` unless the caller says otherwise.
const DEFAULT_STALE_SECONDS: i64 = 60;
/// What is said where there is no run.
const UNKNOWN: &str = "run_not_found";

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(reconcile)).routes(routes!(cancel)).routes(routes!(retry))
}

/// Cancels an execution; one that has ended stays as it is.
#[utoipa::path(post, path = "/api/v1/executions/{run_id}/cancel", tag = "executions",
    params(("run_id" = String, Path)), responses((status = 200, body = ExecutionCancelDto)))]
async fn cancel(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<ExecutionCancelDto>, Failure> {
    let cancelled = use_cases::cancel(&state.app, &caller, run_id(&id, UNKNOWN)?).await;
    Ok(Json(cancelled.map_err(where_unknown(UNKNOWN))?.0.into()))
}

/// Has an execution tried again that did not end well; one that has not ended stays as it is.
#[utoipa::path(post, path = "/api/v1/executions/{run_id}/retry", tag = "executions",
    params(("run_id" = String, Path)), responses((status = 200, body = ExecutionRetryDto)))]
async fn retry(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<ExecutionRetryDto>, Failure> {
    let retried = use_cases::retry(&state.app, &caller, run_id(&id, UNKNOWN)?).await;
    let (run, _) = retried.map_err(|error| match error.code {
        Code::RunDiscarded => Failure::new(error.code, "run_not_retryable:FAILED"),
        _ => where_unknown(UNKNOWN)(error),
    })?;
    if run.status == Status::Succeeded {
        return Err(Failure::new(Code::RunFinished, "run_not_retryable:SUCCEEDED"));
    }
    Ok(Json(run.into()))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct ReconcileQuery {
    /// Seconds of silence after which a worker's executions are taken back, 1 to 2,592,000; 60 unless it is said.
    stale_after_seconds: Option<u64>,
}

/// Takes back what vanished workers hold. An execution whose worker shows life is never touched, however long it takes.
#[utoipa::path(post, path = "/api/v1/executions/reconcile", tag = "executions", params(ReconcileQuery),
    responses((status = 200, body = ExecutionsReconciledDto)))]
async fn reconcile(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    mut query: Parameters,
) -> Result<Json<ExecutionsReconciledDto>, Failure> {
    let most = i64::try_from(MAX_STALE_SECONDS).unwrap_or(i64::MAX);
    let seconds = query.within("stale_after_seconds", (1, most), DEFAULT_STALE_SECONDS);
    query.finish()?;
    let (reconciled, more) = use_cases::reconcile(&state.app, &caller, seconds.unsigned_abs()).await?;
    Ok(Json(ExecutionsReconciledDto { reconciled, more }))
}
