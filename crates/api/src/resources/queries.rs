//! SQL that somebody brings along: first what it would take, then its rows, as the data team autopilot's clients ask for it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::queries as use_cases;
use pilothouse_domain::{Code, RunId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::HeaderCaller;
use crate::dto::queries::{ApproveRunRequest, PreviewDto, PreviewSqlRequest, RanDto};
use crate::error::Failure;
use crate::json::JsonBody;
use crate::parameters::in_tenant;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(preview)).routes(routes!(approve_run))
}

/// What a statement would take, and whose approval it needs. Nothing is read; what may run is kept for 30 days.
#[utoipa::path(post, path = "/api/v1/queries/preview", tag = "data", operation_id = "query_preview",
    request_body = PreviewSqlRequest, responses((status = 200, body = PreviewDto)))]
async fn preview(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<PreviewDto>, Failure> {
    let org = fields.text("org_id", 0);
    let sql = fields.optional_text("sql").unwrap_or_default();
    let connection = fields.optional_text("connection_id");
    let connection = fields.parsed("connection_id", connection, "a connection's id");
    fields.finish()?;
    in_tenant(&caller, &org)?;
    Ok(Json(use_cases::preview(&state.app, &caller, connection, &sql).await?.into()))
}

/// Runs what was previewed, once however often it is asked for. Where it needs an approval that the caller may give, this
/// gives it.
#[utoipa::path(post, path = "/api/v1/queries/approve-run", tag = "data", operation_id = "query_approve_run",
    request_body = ApproveRunRequest, responses((status = 200, body = RanDto)))]
async fn approve_run(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<RanDto>, Failure> {
    let org = fields.text("org_id", 0);
    let id = fields.optional_text("preview_id").unwrap_or_default();
    fields.finish()?;
    in_tenant(&caller, &org)?;
    if id.is_empty() {
        return Err(Failure::new(Code::FieldRequired, "preview_id is required"));
    }
    let unknown = |_| Failure::new(Code::PreviewUnknown, "preview_id not found");
    let preview = id.parse().or_else(|_| id.parse().map(|run: RunId| run.into())).map_err(unknown)?;
    let ran = use_cases::run(&state.app, &caller, preview).await?;
    Ok(Json(RanDto::new(id, ran)))
}
