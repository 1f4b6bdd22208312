//! A look at SQL through the guard.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::sqlcheck;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::requests::SqlCheckRequest;
use crate::dto::sql::{ReasonDto, SqlReportDto};
use crate::dto::word;
use crate::error::Failure;
use crate::json::JsonBody;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(check))
}

/// Says whether a statement may run, and why not: `{"sql", "connection_id"?}`. Nothing is run.
#[utoipa::path(post, path = "/api/v1/sql/check", tag = "data", request_body = SqlCheckRequest,
    responses((status = 200, body = SqlReportDto)))]
async fn check(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<SqlReportDto>, Failure> {
    let sql = fields.text("sql", 1);
    let connection = fields.optional_text("connection_id");
    let connection = fields.parsed("connection_id", connection, "a connection's id");
    fields.finish()?;
    let report = sqlcheck::check(&state.app, &caller, connection, &sql).await?;
    let query = report.query.as_ref();
    let columns = query.map(|q| q.columns().iter().map(|(table, column)| format!("{table}.{column}")).collect());
    let reasons = report.reasons.iter().map(|reason| ReasonDto {
        code: reason.code.as_str().to_owned(),
        message: reason.message.clone(),
        line: reason.line,
        column: reason.column,
        suggestion: reason.suggestion.clone(),
    });
    Ok(Json(SqlReportDto {
        verdict: word(&report.verdict),
        sql: report.canonical.as_ref().map(|canonical| canonical.sql().to_owned()),
        reasons: reasons.collect(),
        tables: query.map(|q| q.tables().to_vec()).unwrap_or_default(),
        columns: columns.unwrap_or_default(),
    }))
}
