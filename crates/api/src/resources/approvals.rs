//! Approvals: what waits for people, and what they decide. Nothing is decided by looking: no GET changes one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::Caller as AppCaller;
use pilothouse_app::approvals as use_cases;
use pilothouse_app::runs::Decision;
use pilothouse_domain::approval::State as Stands;
use pilothouse_domain::{ApprovalId, Code};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::Page;
use crate::dto::approvals::{ApprovalDetailDto, ApprovalDto, UnreviewedDto};
use crate::error::Failure;
use crate::extract::{Path, Query};
use crate::json::{JsonBody, MaybeJson};
use crate::state::State;

/// Approvals of one page unless the caller says otherwise.
const DEFAULT_PAGE: u32 = 50;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(revoke))
        .routes(routes!(break_glass))
        .routes(routes!(review))
        .routes(routes!(unreviewed))
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    /// How many, 1 to 200.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
    /// Those that stand so: `pending` unless it is said, `approved`, `rejected`, `revoked`, `expired`, `used` or `void`.
    state: Option<String>,
}

/// The approvals that the caller has asked for or may decide, newest first.
#[utoipa::path(get, path = "/api/v1/approvals", tag = "approvals", params(ListQuery),
    responses((status = 200, body = Page<ApprovalDto>)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<ApprovalDto>>, Failure> {
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let no_state = || Failure::new(Code::QueryInvalid, "There is no such state.");
    let stands = filled(query.state).map(|name| Stands::parse(&name).ok_or_else(no_state)).transpose()?;
    let no_cursor = |_| Failure::new(Code::QueryInvalid, "The cursor is not one that this program gave.");
    let before: Option<ApprovalId> =
        filled(query.cursor).map(|cursor| cursor.parse().map_err(no_cursor)).transpose()?;
    let (stands, limit) = (stands.unwrap_or(Stands::Pending), query.limit.unwrap_or(DEFAULT_PAGE));
    let (found, next) = use_cases::list(&state.app, &caller, stands, before, limit).await?;
    let items = found.into_iter().map(ApprovalDto::from).collect();
    Ok(Json(Page { items, next_cursor: next.map(|id| id.to_string()) }))
}

/// One approval, with what was said of it and whether the caller may decide it.
#[utoipa::path(get, path = "/api/v1/approvals/{id}", tag = "approvals",
    params(("id" = String, Path)), responses((status = 200, body = ApprovalDetailDto)))]
async fn show(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<ApprovalDetailDto>, Failure> {
    shown(&state, &caller, parse(&id)?).await
}

/// A person's agreement.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct ApprovalRequest {
    /// Why, at most 2,000 characters.
    comment: Option<String>,
    /// The hash of what was seen; where it is not that of what would be done, nothing is decided.
    payload_hash: Option<String>,
    /// For a query: another statement in the place of the one that was asked for. What others have said of that one does not
    /// count for this.
    sql: Option<String>,
}

/// Agrees. What waits goes on as soon as enough people have.
#[utoipa::path(post, path = "/api/v1/approvals/{id}/approve", tag = "approvals",
    params(("id" = String, Path)), request_body = ApprovalRequest, responses((status = 200, body = ApprovalDetailDto)))]
async fn approve(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    MaybeJson(mut fields): MaybeJson,
) -> Result<Json<ApprovalDetailDto>, Failure> {
    let (words, seen) = (fields.filled_text("comment"), fields.filled_text("payload_hash"));
    let sql = fields.filled_text("sql");
    fields.finish()?;
    if let Some(sql) = sql {
        let id = parse(&id)?;
        use_cases::decide_with(&state.app, &caller, id, &sql, words, seen.as_deref()).await?;
        return shown(&state, &caller, id).await;
    }
    decided(&state, &caller, &id, Decision { approved: true, words }, seen).await
}

/// Why not.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct RejectionRequest {
    /// The reason, 1 to 500 characters.
    #[schema(min_length = 1)]
    reason: String,
    /// The hash of what was seen; where it is not that of what would be done, nothing is decided.
    payload_hash: Option<String>,
}

/// Disagrees: one who may decide is enough, and nothing is done.
#[utoipa::path(post, path = "/api/v1/approvals/{id}/reject", tag = "approvals",
    params(("id" = String, Path)), request_body = RejectionRequest, responses((status = 200, body = ApprovalDetailDto)))]
async fn reject(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<ApprovalDetailDto>, Failure> {
    let (reason, seen) = (fields.text("reason", 1), fields.filled_text("payload_hash"));
    fields.finish()?;
    decided(&state, &caller, &id, Decision { approved: false, words: Some(reason) }, seen).await
}

async fn decided(
    state: &State,
    caller: &AppCaller,
    id: &str,
    decision: Decision,
    seen: Option<String>,
) -> Result<Json<ApprovalDetailDto>, Failure> {
    let id = parse(id)?;
    use_cases::decide(&state.app, caller, id, decision, seen.as_deref()).await?;
    shown(state, caller, id).await
}

/// Why it is taken back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct RevocationRequest {
    /// The reason, 1 to 500 characters.
    #[schema(min_length = 1)]
    reason: String,
}

/// Takes it back before it is used: whoever asked for it, or one who may decide it.
#[utoipa::path(post, path = "/api/v1/approvals/{id}/revoke", tag = "approvals",
    params(("id" = String, Path)), request_body = RevocationRequest,
    responses((status = 200, body = ApprovalDetailDto)))]
async fn revoke(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<ApprovalDetailDto>, Failure> {
    let reason = fields.text("reason", 1);
    fields.finish()?;
    let id = parse(&id)?;
    use_cases::revoke(&state.app, &caller, id, &reason).await?;
    shown(&state, &caller, id).await
}

/// Why somebody gives an approval alone.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct BreakRequest {
    /// The reason, 10 to 500 characters.
    #[schema(min_length = 10)]
    reason: String,
}

/// Gives it alone, in an emergency, whoever has asked for it and however many it needs. Somebody else looks at that later.
#[utoipa::path(post, path = "/api/v1/approvals/{id}/break-glass", tag = "approvals",
    operation_id = "approval_break_glass", params(("id" = String, Path)), request_body = BreakRequest,
    responses((status = 200, body = ApprovalDetailDto)))]
async fn break_glass(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<ApprovalDetailDto>, Failure> {
    let reason = fields.text("reason", 1);
    fields.finish()?;
    let id = parse(&id)?;
    use_cases::break_glass(&state.app, &caller, id, &reason).await?;
    shown(&state, &caller, id).await
}

/// What is thought of an approval that somebody gave alone.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct ReviewRequest {
    /// Whether it was right.
    justified: bool,
    /// Why, 1 to 500 characters.
    #[schema(min_length = 1)]
    words: String,
}

/// Says whether it was right to give it alone.
#[utoipa::path(post, path = "/api/v1/approvals/{id}/review", tag = "approvals", operation_id = "approval_review",
    params(("id" = String, Path)), request_body = ReviewRequest, responses((status = 200, body = ApprovalDetailDto)))]
async fn review(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<ApprovalDetailDto>, Failure> {
    let (justified, words) = (fields.flag("justified"), fields.text("words", 1));
    fields.finish()?;
    Ok(Json(use_cases::review(&state.app, &caller, parse(&id)?, justified, &words).await?.into()))
}

/// Approvals that were given alone and that nobody has looked at.
#[derive(Serialize, ToSchema)]
struct UnreviewedList {
    items: Vec<UnreviewedDto>,
}

/// Those that were given alone, and that the caller may look at, the oldest first.
#[utoipa::path(get, path = "/api/v1/approvals/unreviewed", tag = "approvals", operation_id = "approvals_unreviewed",
    responses((status = 200, body = UnreviewedList)))]
async fn unreviewed(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
) -> Result<Json<UnreviewedList>, Failure> {
    let items = use_cases::unreviewed(&state.app, &caller).await?;
    Ok(Json(UnreviewedList { items: items.into_iter().map(UnreviewedDto::from).collect() }))
}

/// An approval as it stands now.
async fn shown(state: &State, caller: &AppCaller, id: ApprovalId) -> Result<Json<ApprovalDetailDto>, Failure> {
    Ok(Json(use_cases::get(&state.app, caller, id).await?.into()))
}

fn parse(id: &str) -> Result<ApprovalId, Failure> {
    id.parse().map_err(|_| Failure::new(Code::ApprovalUnknown, "There is no such approval."))
}
