//! Runs: list, look, watch.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt};
use pilothouse_app::runs as use_cases;
use pilothouse_app::runs::{Filter, Reason};
use pilothouse_domain::clock::parse_rfc3339;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, RunId};
use pilothouse_store::journal::Lines;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::agent::told;
use crate::caller::Caller;
use crate::dto::{LogDto, Page, RunDetailDto, RunDto};
use crate::error::Failure;
use crate::extract::{Path, Query};
use crate::parameters::Parameters;
use crate::state::State;
use crate::words::run_id;

/// Runs of one page unless the caller says otherwise.
const DEFAULT_PAGE: u32 = 50;
/// Lines of one page unless the caller says otherwise.
const DEFAULT_LINES: u32 = 100;
/// The levels of lines, the least first.
const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];
/// What is said where there is no run.
pub const UNKNOWN: &str = "There is no such run.";

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(logs)).routes(routes!(events))
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    /// How many, 1 to 200.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
    /// Only runs with this status, or with one of these, separated by commas.
    status: Option<String>,
    /// Only runs of this workflow.
    kind: Option<String>,
    /// Only runs of this queue.
    queue: Option<String>,
    /// Only runs that this subject asked for.
    subject: Option<String>,
    /// Only runs of this conversation.
    conversation: Option<String>,
    /// Only runs whose last error has this code.
    error_code: Option<String>,
    /// Only runs that were asked for at this moment or later.
    created_after: Option<String>,
    /// Only runs that were asked for before this moment.
    created_before: Option<String>,
    /// `true` for discarded runs only, `false` for all others, `any` for both; where `status` is `dead` alone, `false`
    /// unless it is said.
    discarded: Option<String>,
    /// `true` for runs that stand still only, the longest first, in one page; for operators.
    stuck: Option<bool>,
}

/// The tenant's runs, newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(ListQuery),
    responses((status = 200, body = Page<RunDto>)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<RunDto>>, Failure> {
    let limit = query.limit.unwrap_or(DEFAULT_PAGE);
    if query.stuck == Some(true) {
        let after = state.app.settings.engine.stuck_after_seconds;
        let (found, _) = use_cases::stuck(&state.app, &caller, after, limit).await?;
        let mut items = Vec::with_capacity(found.len());
        for still in found {
            items.push(use_cases::item(&state.app, still.run).await?.into());
        }
        return Ok(Json(Page { items, next_cursor: None }));
    }
    let before = filled(query.cursor.clone()).map(|cursor| cursor_of(&cursor)).transpose()?;
    let (found, next) = use_cases::list(&state.app, &caller, filter(query)?, limit, before).await?;
    let items = found.into_iter().map(RunDto::from).collect();
    Ok(Json(Page { items, next_cursor: next.map(|id| id.to_string()) }))
}

fn filter(query: ListQuery) -> Result<Filter, Failure> {
    let refused = |what: &str| Failure::new(Code::QueryInvalid, what);
    let statuses = statuses(filled(query.status).iter().flat_map(|text| text.split(',')))?;
    let discarded = match filled(query.discarded).as_deref() {
        None => (statuses == [Status::Dead]).then_some(false),
        Some("any") => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(refused("`discarded` is true, false or any.")),
    };
    Ok(Filter {
        statuses,
        kind: filled(query.kind),
        queue: filled(query.queue),
        subject: filled(query.subject),
        conversation: filled(query.conversation),
        error_code: filled(query.error_code),
        created_after: moment(query.created_after, "created_after")?,
        created_before: moment(query.created_before, "created_before")?,
        discarded,
        begun_only: false,
    })
}

/// The states with these names.
pub fn statuses<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<Status>, Failure> {
    let parse = |name: &str| Status::parse(name.trim());
    names.map(|name| parse(name).ok_or_else(|| Failure::new(Code::QueryInvalid, "There is no such status."))).collect()
}

/// The moment that a text names, if there is one.
pub fn moment(text: Option<String>, name: &str) -> Result<Option<Micros>, Failure> {
    let refused = || Failure::new(Code::QueryInvalid, format!("`{name}` is a time such as 2026-11-21T09:00:00Z."));
    filled(text).map(|text| parse_rfc3339(&text).ok_or_else(refused)).transpose()
}

/// The run after which a page begins.
pub fn cursor_of(text: &str) -> Result<RunId, Failure> {
    text.parse().map_err(|_| Failure::new(Code::QueryInvalid, "The cursor is not one that this program gave."))
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// One run with its steps and attempts.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = RunDetailDto)))]
async fn show(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<RunDetailDto>, Failure> {
    let detail = use_cases::get(&state.app, &caller, run_id(&id, UNKNOWN)?).await?;
    let reason = use_cases::reason_of(&state.app, &detail.item.run).await?;
    Ok(Json(RunDetailDto::new(detail, reason.map(Reason::as_str))))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct LogsQuery {
    /// How many, 1 to 1,000; 100 unless it is said.
    limit: Option<u32>,
    /// The number of the line after which the page begins; without it, the newest lines.
    cursor: Option<i64>,
    /// The least level: `trace`, `debug`, `info`, `warn` or `error`.
    level: Option<String>,
    /// Only lines of the step at this place: the first number of its `path`.
    step: Option<i64>,
}

/// What a run logged, oldest first.
#[utoipa::path(get, path = "/api/v1/runs/{id}/logs", tag = "runs", params(("id" = String, Path), LogsQuery),
    responses((status = 200, body = Page<LogDto>)))]
async fn logs(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    mut query: Parameters,
) -> Result<Json<Page<LogDto>>, Failure> {
    let limit = query.count("limit", (1, use_cases::MAX_LINES), DEFAULT_LINES);
    let after = query.within("cursor", (-1, i64::MAX), -1);
    let level = query.word("level", &LEVELS, |word| LEVELS.iter().position(|level| *level == word)).unwrap_or(0);
    let step = query.within("step", (1, i64::MAX), 0);
    query.finish()?;
    let (after, level) = ((after >= 0).then_some(after), i64::try_from(level).unwrap_or(0));
    let lines = Lines { after, level, step: (step > 0).then_some(step), limit };
    let found = use_cases::logs(&state.app, &caller, run_id(&id, UNKNOWN)?, lines).await?;
    let whole = after.is_some() && found.len() == limit as usize;
    let next = found.last().filter(|_| whole).map(|entry| entry.seq.to_string());
    Ok(Json(Page { items: found.into_iter().map(LogDto::from).collect(), next_cursor: next }))
}

#[derive(Deserialize, IntoParams)]
struct EventsQuery {
    /// `true` tells the lines that the run logs too.
    logs: Option<bool>,
}

/// What happens in a run, as server-sent events; `Last-Event-ID` goes on where a stream broke.
#[utoipa::path(get, path = "/api/v1/runs/{id}/events", tag = "runs", params(("id" = String, Path), EventsQuery),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn events(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let after = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
    let id = run_id(&id, UNKNOWN)?;
    let events = use_cases::events(&state.app, &caller, id, after).await?;
    let told = told(state, caller, id, events, query.logs == Some(true));
    Ok(Sse::new(told.map(Ok)).keep_alive(KeepAlive::default()))
}
