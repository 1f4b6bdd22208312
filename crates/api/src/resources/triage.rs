//! Triage: why something failed, as the data platform copilot's clients ask it, and what has mended it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use pilothouse_app::triage::{self as use_cases, Found, MAX_REPORTS, Wish};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::triage::{FailureDto, FailuresDto, TriageDto};
use crate::error::Failure;
use crate::extract::Path;
use crate::json::JsonBody;
use crate::parameters::Parameters;
use crate::state::State;
use crate::words::run_id;

/// Reports that are listed unless the caller says otherwise.
const DEFAULT_REPORTS: i64 = 5;
/// What is said where there is no run.
const UNKNOWN: &str = "There is no such run.";

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(triage))
        .routes(routes!(failures))
        .routes(routes!(of_run))
        .routes(routes!(fixed))
}

/// A failure to be looked at.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct TriageRequest {
    /// What failed.
    job_name: String,
    /// Which build of it; a run's id where it was one.
    build_id: String,
    /// What it printed; none means what is known of the run.
    error_text: Option<String>,
    /// Read for the original's clients, and not used: nothing is read from folders that callers name.
    workspace_dir: Option<String>,
}

/// Looks why something failed, and remembers it.
#[utoipa::path(post, path = "/api/v2/triage/failure", tag = "triage", operation_id = "triage", request_body = TriageRequest,
    responses((status = 200, body = TriageDto)))]
async fn triage(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<TriageDto>, Failure> {
    let (job, build) = (fields.text("job_name", 1), fields.text("build_id", 1));
    let text = fields.filled_text("error_text");
    fields.optional_text("workspace_dir");
    fields.finish()?;
    let (triage, report) = use_cases::triage(&state.app, &caller, Wish { job, build, text }).await?;
    Ok(Json(TriageDto::of(triage, report, caller.principal.tenant.to_string())))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct FailuresQuery {
    /// How many, 1 to 100; 5 unless it is said.
    limit: Option<u32>,
}

/// The failures of a job, the newest first, and after them those of other jobs that are like its last one.
#[utoipa::path(get, path = "/api/v2/triage/failure/{job_name}", tag = "triage", operation_id = "triages",
    params(("job_name" = String, Path, description = "The job."), FailuresQuery),
    responses((status = 200, body = FailuresDto)))]
async fn failures(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(job): Path<String>,
    mut query: Parameters,
) -> Result<Json<FailuresDto>, Failure> {
    let limit = query.within("limit", (1, i64::from(MAX_REPORTS)), DEFAULT_REPORTS);
    query.finish()?;
    let found = use_cases::of_job(&state.app, &caller, &job, u32::try_from(limit).unwrap_or(MAX_REPORTS)).await?;
    Ok(Json(FailuresDto::of(job, caller.principal.tenant.to_string(), found)))
}

/// Why a run failed, once it was looked at: a few seconds after it has ended.
#[utoipa::path(get, path = "/api/v1/runs/{id}/failure", tag = "triage", operation_id = "run_failure",
    params(("id" = String, Path, description = "The run's id.")), responses((status = 200, body = FailureDto)))]
async fn of_run(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<FailureDto>, Failure> {
    let triage = use_cases::of_run(&state.app, &caller, run_id(&id, UNKNOWN)?).await?;
    Ok(Json(Found { triage, score: 1.0 }.into()))
}

/// What mended a failure.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct FixedRequest {
    /// In a sentence, for whoever meets one like it.
    fixed_by: String,
}

/// Notes what mended a failure, so that whoever meets one like it is told.
#[utoipa::path(put, path = "/api/v1/triage/{id}/fixed", tag = "triage", operation_id = "triage_fixed",
    params(("id" = String, Path, description = "The report's id.")), request_body = FixedRequest,
    responses((status = 204)))]
async fn fixed(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<StatusCode, Failure> {
    let by = fields.text("fixed_by", 1);
    fields.finish()?;
    use_cases::fixed(&state.app, &caller, &id, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}
