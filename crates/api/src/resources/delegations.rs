//! Who decides for somebody else, and until when.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use pilothouse_app::approvals::{self as use_cases, NewDelegation};
use pilothouse_domain::Code;
use pilothouse_domain::clock::parse_rfc3339;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::approvals::DelegationDto;
use crate::error::Failure;
use crate::extract::Path;
use crate::json::JsonBody;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(end))
}

/// Those that hold, or will.
#[derive(Serialize, ToSchema)]
struct DelegationList {
    items: Vec<DelegationDto>,
}

/// Somebody's decisions to hand over.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct DelegationRequest {
    /// Who decides in one's place.
    #[schema(min_length = 1)]
    to: String,
    /// From when; now, where nothing is said.
    begins_at: Option<String>,
    /// Until when, within 90 days.
    ends_at: String,
    /// Why, 1 to 500 characters.
    #[schema(min_length = 1)]
    reason: String,
}

/// Those that have not ended and that the caller has given or holds; for admins, all.
#[utoipa::path(get, path = "/api/v1/approvals/delegations", tag = "approvals", operation_id = "delegations",
    responses((status = 200, body = DelegationList)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
) -> Result<Json<DelegationList>, Failure> {
    let all = use_cases::delegations(&state.app, &caller).await?;
    Ok(Json(DelegationList { items: all.into_iter().map(DelegationDto::from).collect() }))
}

/// Hands one's decisions over for a time.
#[utoipa::path(post, path = "/api/v1/approvals/delegations", tag = "approvals", operation_id = "delegate",
    request_body = DelegationRequest, responses((status = 201, body = DelegationDto)))]
async fn create(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<(StatusCode, Json<DelegationDto>), Failure> {
    const MOMENT: &str = "a moment as RFC 3339 has it";
    let (taker, because) = (fields.text("to", 1), fields.text("reason", 1));
    let ends = fields.text("ends_at", 1);
    let ends_at = fields.chosen("ends_at", &ends, MOMENT, parse_rfc3339);
    let begins = fields.filled_text("begins_at");
    let begins_at = begins.and_then(|text| fields.chosen("begins_at", &text, MOMENT, parse_rfc3339));
    fields.finish()?;
    let new = NewDelegation { taker, begins_at, ends_at: ends_at.unwrap_or_default(), because };
    Ok((StatusCode::CREATED, Json(use_cases::delegate(&state.app, &caller, new).await?.into())))
}

/// Ends one before its time: whoever has given or holds it, or an admin.
#[utoipa::path(delete, path = "/api/v1/approvals/delegations/{id}", tag = "approvals", operation_id = "undelegate",
    params(("id" = String, Path)), responses((status = 204)))]
async fn end(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let unknown = |_| Failure::new(Code::DelegationUnknown, "There is no such delegation that holds.");
    use_cases::undelegate(&state.app, &caller, id.parse().map_err(unknown)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
