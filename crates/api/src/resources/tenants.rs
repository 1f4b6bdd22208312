//! Tenants, for whoever administers the installation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use pilothouse_app::tenants as use_cases;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::requests::NewTenantRequest;
use crate::dto::{List, TenantDto};
use crate::error::Failure;
use crate::json::JsonBody;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(list, create))
}

/// Every tenant.
#[utoipa::path(get, path = "/api/v1/tenants", tag = "tenants", responses((status = 200, body = List<TenantDto>)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
) -> Result<Json<List<TenantDto>>, Failure> {
    let found = use_cases::list(&state.app, &caller).await?;
    Ok(Json(List { items: found.into_iter().map(TenantDto::from).collect() }))
}

/// Makes a tenant: `{"id", "name"}`.
#[utoipa::path(post, path = "/api/v1/tenants", tag = "tenants", request_body = NewTenantRequest,
    responses((status = 201, body = TenantDto)))]
async fn create(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<(StatusCode, Json<TenantDto>), Failure> {
    let id = fields.text("id", 1);
    let id = fields.parsed("id", Some(id), "1 to 64 letters, digits, '_', '-' or '.'");
    let name = fields.text("name", 1);
    fields.finish()?;
    let id = id.ok_or_else(|| Failure::new(pilothouse_domain::Code::BodyInvalid, "The id is not valid."))?;
    Ok((StatusCode::CREATED, Json(use_cases::create(&state.app, &caller, id, &name).await?.into())))
}
