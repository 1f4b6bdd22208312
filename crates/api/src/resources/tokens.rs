//! API tokens, for a tenant's admins.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use pilothouse_app::tokens::{self as use_cases, NewToken};
use pilothouse_domain::{Code, Role};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::requests::NewTokenRequest;
use crate::dto::{List, NewTokenDto, TokenDto};
use crate::error::Failure;
use crate::extract::Path;
use crate::json::JsonBody;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// The tenant's tokens.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", responses((status = 200, body = List<TokenDto>)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
) -> Result<Json<List<TokenDto>>, Failure> {
    let found = use_cases::list(&state.app, &caller).await?;
    Ok(Json(List { items: found.into_iter().map(TokenDto::from).collect() }))
}

/// Makes a token: `{"subject", "role", "expires_in_days"?}`.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = NewTokenRequest,
    responses((status = 201, body = NewTokenDto)))]
async fn create(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<(StatusCode, Json<NewTokenDto>), Failure> {
    let subject = fields.text("subject", 1);
    let role = fields.text("role", 1);
    let role: Option<Role> = fields.parsed("role", Some(role), "viewer, member, operator or admin");
    let expires_in_days = fields.optional_count("expires_in_days");
    fields.finish()?;
    let role = role.unwrap_or(Role::Viewer);
    let (token, about) = use_cases::create(&state.app, &caller, NewToken { subject, role, expires_in_days }).await?;
    Ok((StatusCode::CREATED, Json(NewTokenDto { token, about: about.into() })))
}

/// Revokes a token at once.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", params(("id" = String, Path)), responses((status = 204)))]
async fn revoke(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let id = id.parse().map_err(|_| Failure::new(Code::TokenUnknown, "There is no such token."))?;
    use_cases::revoke(&state.app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
