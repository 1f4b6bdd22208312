//! Changes of many runs at once: a preview first, then part after part.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::runs::{self as use_cases, Bulk, BulkAction, DEFAULT_BULK, Filter, MAX_BULK};
use pilothouse_domain::clock::parse_rfc3339;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, RunId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::runs::cursor_of;
use crate::caller::Caller;
use crate::dto::bulk::{BulkChangedDto, BulkDto, BulkFilter, BulkPreviewDto, BulkRequest};
use crate::error::Failure;
use crate::json::JsonBody;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(change))
}

/// Shows what a change of many runs would do, or does a part of it: send the same again with the answer's
/// `next_cursor` until it is null.
#[utoipa::path(post, path = "/api/v1/runs/bulk", tag = "runs", request_body = BulkRequest,
    responses((status = 200, body = BulkDto)))]
async fn change(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<BulkDto>, Failure> {
    let action = fields.text("action", 1);
    let action = fields.chosen("action", &action, "retry, cancel or discard", BulkAction::parse);
    let filter: Option<BulkFilter> = fields.optional_object("filter");
    let reason = fields.filled_text("reason");
    let dry_run = fields.optional_flag("dry_run").unwrap_or(true);
    let as_of = fields.filled_text("as_of");
    let as_of = as_of.and_then(|text| fields.chosen("as_of", &text, "the preview's moment", parse_rfc3339));
    let limit = fields.optional_within("limit", 1, i64::from(MAX_BULK));
    let after = fields.filled_text("cursor");
    if !dry_run && as_of.is_none() {
        let message = "A change needs the moment of its preview";
        fields.refuse(Some("as_of"), "missing", message, serde_json::Value::Null, None);
    }
    fields.finish()?;
    let refused = || Failure::new(Code::BodyInvalid, "The action is missing.");
    let action = action.ok_or_else(refused)?;
    let filter = filter.unwrap_or_default();
    let id = |text: &String| text.parse().map_err(|_| invalid("ids", "the ids of runs"));
    let ids = filter.ids.iter().map(id).collect::<Result<Vec<RunId>, Failure>>()?;
    let bulk = Bulk { action, ids, filter: of(filter)?, reason };
    let Some(as_of) = as_of.filter(|_| !dry_run) else {
        let preview = use_cases::preview(&state.app, &caller, bulk).await?;
        return Ok(Json(BulkDto::Preview(BulkPreviewDto::new(action.as_str(), preview))));
    };
    let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(DEFAULT_BULK);
    let after = after.map(|text| cursor_of(&text)).transpose()?;
    let changed = use_cases::bulk(&state.app, &caller, bulk, as_of, limit, after).await?;
    Ok(Json(BulkDto::Changed(BulkChangedDto::new(action.as_str(), &changed))))
}

fn of(filter: BulkFilter) -> Result<Filter, Failure> {
    let moment = |text: Option<String>, name: &str| {
        text.map(|text| parse_rfc3339(&text).ok_or_else(|| invalid(name, "a time such as 2026-11-21T09:00:00Z")))
            .transpose()
    };
    let status = |name: &String| Status::parse(name).ok_or_else(|| invalid("status", "statuses of runs"));
    Ok(Filter {
        statuses: filter.status.iter().map(status).collect::<Result<_, _>>()?,
        kind: filter.kind,
        queue: filter.queue,
        subject: filter.subject,
        error_code: filter.error_code,
        created_after: moment(filter.created_after, "created_after")?,
        created_before: moment(filter.created_before, "created_before")?,
        ..Filter::default()
    })
}

fn invalid(name: &str, takes: &str) -> Failure {
    Failure::new(Code::BodyInvalid, format!("`filter.{name}` takes {takes}."))
}
