//! Schedules: make, change, remove, pause, resume, run now; their ticks and runs; and whether they are looked after.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use pilothouse_app::runs as run_cases;
use pilothouse_app::schedules::{self as use_cases, Tick, When, Wish};
use pilothouse_domain::clock::parse_rfc3339;
use pilothouse_domain::schedule::MAX_UPCOMING;
use pilothouse_domain::{Code, ScheduleId};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::runs::cursor_of;
use crate::caller::Caller;
use crate::dto::operations::OkDto;
use crate::dto::schedules::{PreviewRequest, ScheduleDto, ScheduleRequest, SchedulerDto, TickDto};
use crate::dto::{List, Page, RunDto};
use crate::error::Failure;
use crate::extract::Path;
use crate::fields::Fields;
use crate::json::JsonBody;
use crate::parameters::Parameters;
use crate::state::State;

/// Ticks that are told unless the caller says otherwise, and runs of one page.
const DEFAULT_TICKS: u32 = 5;
const DEFAULT_PAGE: u32 = 50;
/// What a moment looks like.
const MOMENT: &str = "a time such as 2026-11-21T09:00:00Z";

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(preview))
        .routes(routes!(show, change, remove))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(run))
        .routes(routes!(ticks))
        .routes(routes!(runs))
        .routes(routes!(status))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct ListQuery {
    /// Only schedules of this workflow.
    kind: Option<String>,
    /// `true` for paused ones only, `false` for the others only.
    paused: Option<bool>,
}

/// The tenant's schedules, by name.
#[utoipa::path(get, path = "/api/v1/schedules", tag = "schedules", params(ListQuery),
    responses((status = 200, body = List<ScheduleDto>)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    mut query: Parameters,
) -> Result<Json<List<ScheduleDto>>, Failure> {
    let kind = query.optional_text("kind");
    let paused = query.word("paused", &["true", "false"], |word| word.parse().ok());
    query.finish()?;
    let found = use_cases::list(&state.app, &caller, kind.as_deref(), paused).await?;
    Ok(Json(List { items: found.into_iter().map(ScheduleDto::from).collect() }))
}

/// Makes a schedule. Its runs act for whoever makes it, with the role that they have now.
#[utoipa::path(post, path = "/api/v1/schedules", tag = "schedules", request_body = ScheduleRequest,
    responses((status = 201, body = ScheduleDto)))]
async fn create(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(fields): JsonBody,
) -> Result<(StatusCode, Json<ScheduleDto>), Failure> {
    let made = use_cases::create(&state.app, &caller, &wish(fields)?).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// One schedule.
#[utoipa::path(get, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = String, Path)),
    responses((status = 200, body = ScheduleDto)))]
async fn show(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<ScheduleDto>, Failure> {
    Ok(Json(use_cases::get(&state.app, &caller, schedule_id(&id)?).await?.into()))
}

/// Replaces what was said of a schedule. Its next tick is the first one from now, and its runs act for the caller from
/// now on.
#[utoipa::path(put, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = String, Path)),
    request_body = ScheduleRequest, responses((status = 200, body = ScheduleDto)))]
async fn change(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    JsonBody(fields): JsonBody,
) -> Result<Json<ScheduleDto>, Failure> {
    let id = schedule_id(&id)?;
    Ok(Json(use_cases::change(&state.app, &caller, id, &wish(fields)?).await?.into()))
}

/// Removes a schedule. Its runs stay.
#[utoipa::path(delete, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = String, Path)),
    responses((status = 204)))]
async fn remove(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    use_cases::remove(&state.app, &caller, schedule_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps a schedule from firing.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/pause", tag = "schedules", params(("id" = String, Path)),
    responses((status = 200, body = ScheduleDto)))]
async fn pause(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<ScheduleDto>, Failure> {
    Ok(Json(use_cases::pause(&state.app, &caller, schedule_id(&id)?).await?.into()))
}

/// Lets a schedule fire again; its catch-up policy says what becomes of the ticks that it missed.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/resume", tag = "schedules", params(("id" = String, Path)),
    responses((status = 200, body = ScheduleDto)))]
async fn resume(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<ScheduleDto>, Failure> {
    Ok(Json(use_cases::resume(&state.app, &caller, schedule_id(&id)?).await?.into()))
}

/// Has a schedule run now, beside its plan. The run waits for those of its ticks that have not ended.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/run", tag = "schedules", params(("id" = String, Path)),
    responses((status = 202, body = RunDto)))]
async fn run(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<RunDto>), Failure> {
    let run = use_cases::run_now(&state.app, &caller, schedule_id(&id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(run_cases::item(&state.app, run).await?.into())))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct TicksQuery {
    /// How many, 1 to 100; 5 unless it is said.
    count: Option<u32>,
    /// The moment after which the first one is looked for; now unless it is said.
    after: Option<String>,
}

/// The schedule's next ticks, before jitter.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/ticks", tag = "schedules", params(("id" = String, Path), TicksQuery),
    responses((status = 200, body = List<TickDto>)))]
async fn ticks(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    mut query: Parameters,
) -> Result<Json<List<TickDto>>, Failure> {
    let count = query.count("count", (1, most_ticks()), DEFAULT_TICKS);
    let after = query.parsed("after", MOMENT, parse_rfc3339);
    query.finish()?;
    Ok(told(use_cases::ticks(&state.app, &caller, schedule_id(&id)?, after, count).await?))
}

/// The next ticks of a schedule that is yet to be made; nothing is stored.
#[utoipa::path(post, path = "/api/v1/schedules/preview", tag = "schedules", request_body = PreviewRequest,
    responses((status = 200, body = List<TickDto>)))]
async fn preview(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<List<TickDto>>, Failure> {
    let when = when(&mut fields);
    let count = fields.optional_within("count", 1, most_ticks().into()).and_then(|count| u32::try_from(count).ok());
    fields.finish()?;
    Ok(told(use_cases::preview(&state.app, &caller, &when, count.unwrap_or(DEFAULT_TICKS)).await?))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct RunsQuery {
    /// How many, 1 to 200; 50 unless it is said.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// The schedule's runs, newest first.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/runs", tag = "schedules", params(("id" = String, Path), RunsQuery),
    responses((status = 200, body = Page<RunDto>)))]
async fn runs(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    mut query: Parameters,
) -> Result<Json<Page<RunDto>>, Failure> {
    let limit = query.count("limit", (1, run_cases::MAX_PAGE), DEFAULT_PAGE);
    let before = query.optional_text("cursor").map(|cursor| cursor_of(&cursor)).transpose()?;
    query.finish()?;
    let (found, next) = use_cases::runs_of(&state.app, &caller, schedule_id(&id)?, limit, before).await?;
    let items = run_cases::items(&state.app, found).await?.into_iter().map(RunDto::from).collect();
    Ok(Json(Page { items, next_cursor: next.map(|id| id.to_string()) }))
}

/// Whether the schedules are looked after. Needs no token, and names nobody.
#[utoipa::path(get, path = "/api/scheduler/status", tag = "operations",
    responses((status = 200, body = OkDto<SchedulerDto>)))]
async fn status(FromState(state): FromState<Arc<State>>) -> Result<Json<OkDto<SchedulerDto>>, Failure> {
    let health = use_cases::health(&state.app).await?;
    let data = SchedulerDto::from(&health);
    let error = (!health.is_running).then(|| match data.last_activity.as_str() {
        "" => "No worker has looked at the schedules yet.".to_owned(),
        last => format!("No worker has looked at the schedules since {last}."),
    });
    Ok(Json(OkDto { error, ..OkDto::new(data) }))
}

fn wish(mut fields: Fields) -> Result<Wish, Failure> {
    let wish = Wish {
        name: fields.text("name", 1),
        kind: fields.text("kind", 1),
        input: fields.any("input"),
        when: when(&mut fields),
        jitter_seconds: fields.optional_within("jitter_seconds", i64::MIN, i64::MAX).unwrap_or(0),
        overlap: fields.filled_text("overlap"),
        catch_up: fields.filled_text("catch_up"),
        queue: fields.filled_text("queue"),
        paused: fields.optional_flag("paused"),
    };
    fields.finish()?;
    Ok(wish)
}

/// When a schedule is to tick; whether it can is for the use case to say.
fn when(fields: &mut Fields) -> When {
    let anchor = fields.filled_text("anchor");
    When {
        cron: fields.optional_text("cron"),
        time_zone: fields.filled_text("time_zone"),
        every_seconds: fields.optional_within("every_seconds", i64::MIN, i64::MAX),
        anchor: anchor.and_then(|text| fields.chosen("anchor", &text, MOMENT, parse_rfc3339)),
    }
}

/// The most ticks that are told at once.
fn most_ticks() -> u32 {
    u32::try_from(MAX_UPCOMING).unwrap_or(u32::MAX)
}

fn told(ticks: Vec<Tick>) -> Json<List<TickDto>> {
    Json(List { items: ticks.into_iter().map(TickDto::from).collect() })
}

/// The id of a schedule in an address; what is none cannot be the id of anything the caller may know of.
fn schedule_id(text: &str) -> Result<ScheduleId, Failure> {
    text.parse().map_err(|_| Failure::new(Code::ScheduleUnknown, "There is no such schedule."))
}
