//! The jobs of the AutoDevOps platform's API: list, look, log, statistics, delete.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::runs::{self as use_cases, Filter, MAX_LINES, MAX_PAGE};
use pilothouse_domain::Code;
use pilothouse_store::journal::Lines;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::autodevops::{JobDeletedDto, JobDto, JobLogDto, JobLogsDto, JobStatsDto, JobsDto, OneJobDto};
use crate::error::Failure;
use crate::extract::Path;
use crate::parameters::Parameters;
use crate::state::State;
use crate::words::{self, run_id, where_unknown};

/// Jobs of one page, and lines, unless the caller says otherwise.
const DEFAULT_PAGE: u32 = 20;
const DEFAULT_LINES: u32 = 100;
/// The deepest page that is listed; the cursor of our own list goes further.
const MAX_OFFSET: u32 = 10_000;
/// What is said where there is no job.
const UNKNOWN: &str = "Job not found";

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(stats))
        .routes(routes!(show, delete))
        .routes(routes!(logs))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct JobsQuery {
    /// Only jobs of this repository; no job has one yet.
    repository_id: Option<String>,
    /// Only jobs that stand so.
    status: Option<String>,
    /// How many, 1 to 200; 20 unless it is said.
    limit: Option<u32>,
    /// How many to pass over, at most 10,000.
    offset: Option<u32>,
}

/// The tenant's jobs, newest first.
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(JobsQuery), responses((status = 200, body = JobsDto)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    mut query: Parameters,
) -> Result<Json<JobsDto>, Failure> {
    let repository = query.optional_text("repository_id");
    let statuses = query.word("status", &words::AUTODEVOPS, words::autodevops_states).unwrap_or_default();
    let limit = query.count("limit", (1, MAX_PAGE), DEFAULT_PAGE);
    let offset = query.count("offset", (0, MAX_OFFSET), 0);
    query.finish()?;
    let filter = Filter { statuses, ..Filter::default() };
    let found = use_cases::list_from(&state.app, &caller, filter, limit, offset).await?;
    // No run belongs to a repository, so none is left where one is asked for.
    let jobs = found.into_iter().filter(|_| repository.is_none()).map(JobDto::listed).collect();
    Ok(Json(JobsDto { jobs }))
}

/// One job.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = OneJobDto)))]
async fn show(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<OneJobDto>, Failure> {
    let item = use_cases::look(&state.app, &caller, run_id(&id, UNKNOWN)?).await.map_err(where_unknown(UNKNOWN))?;
    Ok(Json(OneJobDto { job: item.into() }))
}

/// The newest lines that a job logged, oldest first.
#[utoipa::path(get, path = "/jobs/{id}/logs", tag = "jobs",
    params(("id" = String, Path), ("limit" = Option<u32>, Query, description = "How many, 1 to 1,000; 100 unless it is said.")),
    responses((status = 200, body = JobLogsDto)))]
async fn logs(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    mut query: Parameters,
) -> Result<Json<JobLogsDto>, Failure> {
    let limit = query.count("limit", (1, MAX_LINES), DEFAULT_LINES);
    query.finish()?;
    let lines = use_cases::logs(&state.app, &caller, run_id(&id, UNKNOWN)?, Lines { limit, ..Lines::default() }).await;
    let logs = lines.map_err(where_unknown(UNKNOWN))?.into_iter().map(JobLogDto::from).collect();
    Ok(Json(JobLogsDto { logs }))
}

/// How many of the tenant's jobs stand how.
#[utoipa::path(get, path = "/jobs/queue/stats", tag = "jobs", responses((status = 200, body = JobStatsDto)))]
async fn stats(FromState(state): FromState<Arc<State>>, Caller(caller): Caller) -> Result<Json<JobStatsDto>, Failure> {
    let (counts, capped) = use_cases::counts(&state.app, &caller).await?;
    Ok(Json(JobStatsDto::new(&counts, capped)))
}

/// Cancels a job that has not begun; the job stays, as cancelled.
#[utoipa::path(delete, path = "/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = JobDeletedDto)))]
async fn delete(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<JobDeletedDto>, Failure> {
    let withdrawn = use_cases::withdraw(&state.app, &caller, run_id(&id, UNKNOWN)?).await;
    let (run, done) = withdrawn.map_err(where_unknown(UNKNOWN))?;
    if !done {
        let code = if run.status.is_final() { Code::RunFinished } else { Code::RunActive };
        let message = format!("Cannot cancel job with status: {}", words::autodevops(run.status));
        return Err(Failure::new(code, message));
    }
    let job = use_cases::item(&state.app, run).await?.into();
    Ok(Json(JobDeletedDto { status: "success".to_owned(), job }))
}
