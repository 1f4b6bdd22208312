//! The job routes of EchoPilot's operations document: what stands still, one job, and its retry.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::runs::{self as use_cases, MAX_PAGE, MAX_STALE_SECONDS, not_allowed};
use pilothouse_domain::clock::rfc3339;
use pilothouse_domain::run::Status;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::operations::{JobCardDto, JobDetailDto, JobRetriedDto, OkDto, StuckJobDto, StuckJobsDto};
use crate::error::Failure;
use crate::extract::Path;
use crate::parameters::Parameters;
use crate::state::State;
use crate::words::{run_id, where_unknown};

/// Jobs of one answer unless the caller says otherwise.
const DEFAULT_PAGE: u32 = 50;
/// The shortest time without a word after which a job may count as standing still.
const MIN_STALE_SECONDS: i64 = 60;
/// What is said where there is no job.
const UNKNOWN: &str = "There is no such job.";

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(stuck)).routes(routes!(show)).routes(routes!(retry))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct StuckQuery {
    /// How many, 1 to 200; 50 unless it is said.
    limit: Option<u32>,
    /// After how many seconds without a word a job stands still, 60 to 2,592,000; `engine.stuck_after_seconds` unless it
    /// is said.
    stale_after_seconds: Option<u64>,
}

/// Jobs that stand still, those that do longest first. A job that waits for a person does not; a dead letter does.
#[utoipa::path(get, path = "/api/jobs/stuck", tag = "operations", params(StuckQuery),
    responses((status = 200, body = OkDto<StuckJobsDto>)))]
async fn stuck(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    mut query: Parameters,
) -> Result<Json<OkDto<StuckJobsDto>>, Failure> {
    let most = i64::try_from(MAX_STALE_SECONDS).unwrap_or(i64::MAX);
    let usual = i64::try_from(state.app.settings.engine.stuck_after_seconds).unwrap_or(most);
    let limit = query.count("limit", (1, MAX_PAGE), DEFAULT_PAGE);
    let after = query.within("stale_after_seconds", (MIN_STALE_SECONDS, most), usual).unsigned_abs();
    query.finish()?;
    let (found, count) = use_cases::stuck(&state.app, &caller, after, limit).await?;
    let mut jobs = Vec::with_capacity(found.len());
    for still in found {
        let job = JobCardDto::new(use_cases::item(&state.app, still.run).await?, state.app.engine.now());
        let (stuck_reason, stuck_since) = (still.reason.as_str().to_owned(), rfc3339(still.since));
        jobs.push(StuckJobDto { job, stuck_reason, stuck_since });
    }
    Ok(Json(OkDto::new(StuckJobsDto { stuck_jobs_count: count, stuck_after_seconds: after, jobs })))
}

/// One job.
#[utoipa::path(get, path = "/api/job/{id}", tag = "operations", params(("id" = String, Path)),
    responses((status = 200, body = OkDto<JobDetailDto>)))]
async fn show(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<OkDto<JobDetailDto>>, Failure> {
    let id = run_id(&id, UNKNOWN)?;
    let detail = use_cases::get(&state.app, &caller, id).await.map_err(where_unknown(UNKNOWN))?;
    let stuck = use_cases::stuck_one(&state.app, &caller, id).await?;
    Ok(Json(OkDto::new(JobDetailDto::new(detail, stuck.as_ref(), state.app.engine.now()))))
}

/// Has a job tried again that did not end well, or that stands still: then it is taken from its worker.
#[utoipa::path(post, path = "/api/job/{id}/retry", tag = "operations", params(("id" = String, Path)),
    responses((status = 200, body = OkDto<JobRetriedDto>)))]
async fn retry(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<OkDto<JobRetriedDto>>, Failure> {
    let retried = use_cases::revive(&state.app, &caller, run_id(&id, UNKNOWN)?).await;
    let (run, changed) = retried.map_err(where_unknown(UNKNOWN))?;
    if !changed && run.status != Status::Queued {
        return Err(not_allowed(&run, "retried").into());
    }
    Ok(Json(OkDto::new(run.into())))
}
