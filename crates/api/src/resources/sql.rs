//! A look at SQL through the guard.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::sqlcheck;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::error::Failure;
use crate::json::JsonBody;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(check))
}

/// Says whether a statement may run, and why not: `{"sql", "connection_id"?}`. Nothing is run.
#[utoipa::path(post, path = "/api/v1/sql/check", tag = "data", request_body = Value, responses((status = 200, body = Value)))]
async fn check(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<Value>, Failure> {
    let sql = fields.text("sql", 1);
    let connection = fields.optional_text("connection_id");
    let connection = fields.parsed("connection_id", connection, "a connection's id");
    fields.finish()?;
    let report = sqlcheck::check(&state.app, &caller, connection, &sql).await?;
    let query = report.query.as_ref();
    let columns =
        query.map(|q| q.columns().iter().map(|(table, column)| format!("{table}.{column}")).collect::<Vec<_>>());
    Ok(Json(json!({
        "verdict": report.verdict, "sql": query.map(|q| q.sql()), "reasons": report.reasons,
        "tables": query.map(|q| q.tables()).unwrap_or_default(), "columns": columns.unwrap_or_default(),
    })))
}
