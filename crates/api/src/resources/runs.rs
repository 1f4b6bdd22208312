//! Runs: list, look, watch, cancel.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt};
use pilothouse_app::runs as use_cases;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, RunId};
use pilothouse_store::runs::RunFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::agent::told;
use crate::caller::Caller;
use crate::dto::{Page, RunDetailDto, RunDto};
use crate::error::Failure;
use crate::extract::{Path, Query};
use crate::state::State;

/// Runs of one page unless the caller says otherwise.
const DEFAULT_PAGE: u32 = 50;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(events)).routes(routes!(cancel))
}

#[derive(Deserialize, IntoParams)]
struct Filter {
    /// How many, 1 to 200.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
    /// Only runs with this status.
    status: Option<String>,
}

/// The tenant's runs, newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(Filter), responses((status = 200, body = Page<RunDto>)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<RunDto>>, Failure> {
    let unknown = || Failure::new(Code::QueryInvalid, "There is no such status.");
    let status = filter.status.filter(|text| !text.is_empty());
    let status = status.map(|text| Status::parse(&text).ok_or_else(unknown)).transpose()?;
    let cursor = filter.cursor.filter(|text| !text.is_empty());
    let foreign = |_| Failure::new(Code::QueryInvalid, "The cursor is not one that this program gave.");
    let before = cursor.map(|text| text.parse().map_err(foreign)).transpose()?;
    let filter = RunFilter { status, limit: filter.limit.unwrap_or(DEFAULT_PAGE), before, ..RunFilter::default() };
    let (runs, next) = use_cases::list(&state.app, &caller, filter).await?;
    let items = runs.into_iter().map(RunDto::from).collect();
    Ok(Json(Page { items, next_cursor: next.map(|id| id.to_string()) }))
}

/// One run with its steps.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = RunDetailDto)))]
async fn show(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<RunDetailDto>, Failure> {
    let (run, steps) = use_cases::get(&state.app, &caller, parse(&id)?).await?;
    Ok(Json(RunDetailDto::new(run, steps)))
}

/// What happens in a run, as server-sent events; `Last-Event-ID` goes on where a stream broke.
#[utoipa::path(get, path = "/api/v1/runs/{id}/events", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn events(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let after = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
    let id = parse(&id)?;
    let events = use_cases::events(&state.app, &caller, id, after).await?;
    Ok(Sse::new(told(state, caller, id, events).map(Ok)).keep_alive(KeepAlive::default()))
}

/// Cancels a run.
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancel", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = RunDto)))]
async fn cancel(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<RunDto>, Failure> {
    Ok(Json(use_cases::cancel(&state.app, &caller, parse(&id)?).await?.into()))
}

/// What is no id cannot be the id of anything the caller may know of.
fn parse(id: &str) -> Result<RunId, Failure> {
    id.parse().map_err(|_| Failure::new(Code::RunUnknown, "There is no such run."))
}
