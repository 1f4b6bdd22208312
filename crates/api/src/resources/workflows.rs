//! The workflow controls of the data team autopilot's document: runs, line, dead letters, retry, cancel, and both for all.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::HeaderMap;
use pilothouse_app::Caller as AppCaller;
use pilothouse_app::runs::{self as use_cases, Filter, MAX_PAGE};
use pilothouse_domain::RunId;
use pilothouse_domain::run::Status;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::agent::wanted_wait;
use crate::caller::HeaderCaller;
use crate::dto::autopilot::{
    AllCancelledDto, DeadLetterDto, DeadLettersDto, DrainedDto, QueuedDto, ResumedDto, WorkflowCancelledDto,
    WorkflowQueueDto, WorkflowRunDto, WorkflowRunsDto,
};
use crate::error::Failure;
use crate::extract::Path;
use crate::parameters::Parameters;
use crate::state::State;
use crate::words::{self, run_id, where_unknown};

/// Items of one page unless the caller says otherwise.
const DEFAULT_PAGE: u32 = 50;
/// How long a wish to cancel waits for the end of a running run.
const CANCEL_WAIT: Duration = Duration::from_secs(5);
/// The deepest place in line that is listed.
const MAX_POSITION: u32 = 1_000_000;
/// What is said where there is no run.
const UNKNOWN: &str = "workflow not found";

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(runs))
        .routes(routes!(queue))
        .routes(routes!(dead_letters))
        .routes(routes!(retry))
        .routes(routes!(cancel))
        .routes(routes!(process_queue))
        .routes(routes!(cancel_all))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct PageQuery {
    /// The tenant; the same as in the headers.
    org_id: String,
    /// How many, 1 to 200; 50 unless it is said.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct RunsQuery {
    /// Only runs that stand so.
    status: Option<String>,
    /// Only runs of this workflow.
    workflow_type: Option<String>,
}

/// Ends the reading of the parameters: what is wrong with them, then whether the tenant is the caller's, then its role.
async fn admitted(state: &State, caller: &AppCaller, query: Parameters, org: &str) -> Result<(), Failure> {
    query.finish_in(caller, org)?;
    Ok(use_cases::members_only(&state.app, caller).await?)
}

fn page(query: &mut Parameters) -> (u32, Option<RunId>) {
    let limit = query.count("limit", (1, MAX_PAGE), DEFAULT_PAGE);
    (limit, query.parsed("cursor", "a cursor that this program gave", |text| text.parse().ok()))
}

/// The tenant's runs that have begun, newest first.
#[utoipa::path(get, path = "/api/v1/workflows/runs", tag = "workflows", params(PageQuery, RunsQuery),
    responses((status = 200, body = WorkflowRunsDto)))]
async fn runs(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    mut query: Parameters,
) -> Result<Json<WorkflowRunsDto>, Failure> {
    let org_id = query.text("org_id");
    let statuses = query.word("status", &words::AUTOPILOT, words::autopilot_states).unwrap_or_default();
    let kind = query.optional_text("workflow_type");
    let (limit, before) = page(&mut query);
    admitted(&state, &caller, query, &org_id).await?;
    let filter = Filter { statuses, kind, begun_only: true, ..Filter::default() };
    let (found, next) = use_cases::list(&state.app, &caller, filter, limit, before).await?;
    let items = found.into_iter().map(WorkflowRunDto::from).collect();
    Ok(Json(WorkflowRunsDto { org_id, items, next_cursor: next.map(|id| id.to_string()) }))
}

/// The tenant's runs in line, in the order in which they are taken.
#[utoipa::path(get, path = "/api/v1/workflows/queue", tag = "workflows", params(PageQuery),
    responses((status = 200, body = WorkflowQueueDto)))]
async fn queue(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    mut query: Parameters,
) -> Result<Json<WorkflowQueueDto>, Failure> {
    let org_id = query.text("org_id");
    let limit = query.count("limit", (1, MAX_PAGE), DEFAULT_PAGE);
    let offset = query.count("cursor", (0, MAX_POSITION), 0);
    admitted(&state, &caller, query, &org_id).await?;
    let (found, queued_total) = use_cases::queued(&state.app, &caller, offset, limit).await?;
    let last = found.last().map_or(offset, |queued| queued.position);
    let next_cursor = (i64::from(last) < queued_total && !found.is_empty()).then(|| last.to_string());
    let items = found.into_iter().map(QueuedDto::from).collect();
    Ok(Json(WorkflowQueueDto { org_id, queued_total, items, next_cursor }))
}

/// The tenant's dead letters, newest first, with the reasons of their attempts.
#[utoipa::path(get, path = "/api/v1/workflows/dead-letters", tag = "workflows", params(PageQuery),
    responses((status = 200, body = DeadLettersDto)))]
async fn dead_letters(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    mut query: Parameters,
) -> Result<Json<DeadLettersDto>, Failure> {
    let org_id = query.text("org_id");
    let (limit, before) = page(&mut query);
    admitted(&state, &caller, query, &org_id).await?;
    let (found, next) = use_cases::dead_letters(&state.app, &caller, limit, before).await?;
    let items = found.into_iter().map(DeadLetterDto::from).collect();
    Ok(Json(DeadLettersDto { org_id, items, next_cursor: next.map(|id| id.to_string()) }))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct RetryQuery {
    /// The tenant; the same as in the headers.
    org_id: String,
    /// The workflow.
    workflow_type: String,
    /// The run; without it, the newest of the workflow that did not end well.
    workflow_id: Option<String>,
    /// `retry`; every other word means the same, as long as no workflow knows more.
    action: Option<String>,
}

/// Resumes a run that did not end well with what is missing of it, and waits for its end as a question does.
#[utoipa::path(post, path = "/api/v1/workflows/retry", tag = "workflows", params(RetryQuery),
    responses((status = 200, body = ResumedDto)))]
async fn retry(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    headers: HeaderMap,
    mut query: Parameters,
) -> Result<Json<ResumedDto>, Failure> {
    let (org_id, kind) = (query.text("org_id"), query.text("workflow_type"));
    let id = query.optional_text("workflow_id");
    admitted(&state, &caller, query, &org_id).await?;
    let id = id.map(|id| run_id(&id, UNKNOWN)).transpose()?;
    let resumed = use_cases::resume(&state.app, &caller, &kind, id, wanted_wait(&headers)).await;
    Ok(Json(resumed.map_err(where_unknown(UNKNOWN))?.into()))
}

/// Cancels a run; one that runs is waited for as long as 5 seconds.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow_id}/cancel", tag = "workflows",
    params(("workflow_id" = String, Path), ("org_id" = String, Query, description = "The tenant.")),
    responses((status = 200, body = WorkflowCancelledDto)))]
async fn cancel(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    Path(id): Path<String>,
    mut query: Parameters,
) -> Result<Json<WorkflowCancelledDto>, Failure> {
    let org_id = query.text("org_id");
    admitted(&state, &caller, query, &org_id).await?;
    let id = run_id(&id, UNKNOWN)?;
    let (mut run, _) = use_cases::cancel(&state.app, &caller, id).await.map_err(where_unknown(UNKNOWN))?;
    if run.status == Status::Running {
        run = use_cases::wait(&state.app, &caller, id, CANCEL_WAIT).await.map_err(where_unknown(UNKNOWN))?;
    }
    Ok(Json(run.into()))
}

/// Waits until what stands in line has begun and ended, as long as a question is waited for. Workers take it anyway, so
/// nobody has to call this.
#[utoipa::path(post, path = "/api/v1/workflows/process-queue", tag = "workflows",
    params(("org_id" = String, Query, description = "The tenant.")), responses((status = 200, body = DrainedDto)))]
async fn process_queue(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    headers: HeaderMap,
    mut query: Parameters,
) -> Result<Json<DrainedDto>, Failure> {
    let org_id = query.text("org_id");
    admitted(&state, &caller, query, &org_id).await?;
    Ok(Json(use_cases::drain(&state.app, &caller, wanted_wait(&headers)).await?.into()))
}

/// Cancels every run of the tenant that has not ended. Those that are at work stop at their next step.
#[utoipa::path(post, path = "/api/v1/workflows/cancel-all", tag = "workflows",
    params(("org_id" = String, Query, description = "The tenant.")), responses((status = 200, body = AllCancelledDto)))]
async fn cancel_all(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    mut query: Parameters,
) -> Result<Json<AllCancelledDto>, Failure> {
    let org_id = query.text("org_id");
    query.finish_in(&caller, &org_id)?;
    let (cancelled_runs, cancelled_queued) = use_cases::cancel_all(&state.app, &caller).await?;
    Ok(Json(AllCancelledDto { cancelled_runs, cancelled_queued }))
}
