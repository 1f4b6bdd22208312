//! Runs that are started by the name of their workflow.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use pilothouse_app::runs::{self as use_cases, How, Wish};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::RunDto;
use crate::dto::requests::StartRequest;
use crate::error::Failure;
use crate::json::JsonBody;
use crate::state::State;

/// The steps of priority, either way.
const MAX_PRIORITY: i64 = 10;
/// Longest delay: a year.
const MAX_DELAY_SECONDS: i64 = 31_536_000;
/// Most tries.
const MAX_ATTEMPTS: i64 = 100;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(start))
}

/// Starts a run of a workflow: 202 with the run, or 200 with the one that has the same `unique_key`.
#[utoipa::path(post, path = "/api/v1/runs", tag = "runs", request_body = StartRequest,
    responses((status = 202, body = RunDto), (status = 200, body = RunDto)))]
async fn start(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<(StatusCode, Json<RunDto>), Failure> {
    let kind = fields.text("kind", 1);
    let how = How {
        title: fields.optional_text("title"),
        queue: fields.optional_text("queue"),
        priority: fields.optional_within("priority", -MAX_PRIORITY, MAX_PRIORITY).unwrap_or(0),
        delay_seconds: fields.optional_within("delay_seconds", 0, MAX_DELAY_SECONDS).unwrap_or(0),
        unique_key: fields.optional_text("unique_key"),
        concurrency_key: fields.optional_text("concurrency_key"),
        max_attempts: fields.optional_within("max_attempts", 1, MAX_ATTEMPTS),
    };
    let input = fields.any("input");
    fields.finish()?;
    let (run, is_new) = use_cases::start(&state.app, &caller, Wish { kind, input, how }).await?;
    let status = if is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(use_cases::item(&state.app, run).await?.into())))
}
