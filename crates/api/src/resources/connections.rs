//! Connections: list, make, refresh, remove, and what they hold.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use pilothouse_app::connections::{self as use_cases, NewConnection};
use pilothouse_domain::{Code, ConnectionId};
use pilothouse_store::connections::Connection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::requests::NewConnectionRequest;
use crate::dto::{CatalogDto, ConnectionDto, List};
use crate::error::Failure;
use crate::extract::Path;
use crate::json::JsonBody;
use crate::resources::targets;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(delete))
        .routes(routes!(refresh))
        .routes(routes!(catalog))
}

/// The tenant's connections.
#[utoipa::path(get, path = "/api/v1/connections", tag = "data", responses((status = 200, body = List<ConnectionDto>)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
) -> Result<Json<List<ConnectionDto>>, Failure> {
    let found = use_cases::list(&state.app, &caller).await?;
    let counts = use_cases::table_counts(&state.app, &found).await?;
    let items = found.into_iter().zip(counts).map(|(connection, tables)| ConnectionDto::new(connection, tables));
    Ok(Json(List { items: items.collect() }))
}

/// The connection with the number of its tables.
pub async fn described(state: &State, connection: Connection) -> Result<Json<ConnectionDto>, Failure> {
    let counts = use_cases::table_counts(&state.app, std::slice::from_ref(&connection)).await?;
    Ok(Json(ConnectionDto::new(connection, counts.first().copied().unwrap_or(0))))
}

/// Makes a connection: `{"name", "kind": "files", "path"}`, `{"name", "kind": "postgres", "url"}`, or
/// `{"name", "kind": "object_store", "url"}` with the server and the credentials that the bucket needs.
#[utoipa::path(post, path = "/api/v1/connections", tag = "data", request_body = NewConnectionRequest,
    responses((status = 201, body = ConnectionDto)))]
async fn create(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<(StatusCode, Json<ConnectionDto>), Failure> {
    fields.hide(targets::SECRETS);
    let name = fields.text("name", 1);
    let source = targets::read(&mut fields);
    fields.finish()?;
    let made = use_cases::create(&state.app, &caller, NewConnection { name, source }).await?;
    Ok((StatusCode::CREATED, described(&state, made).await?))
}

/// Removes a connection and its credentials.
#[utoipa::path(delete, path = "/api/v1/connections/{id}", tag = "data", params(("id" = String, Path)), responses((status = 204)))]
async fn delete(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    use_cases::delete(&state.app, &caller, parse(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads again what a connection holds.
#[utoipa::path(post, path = "/api/v1/connections/{id}/refresh", tag = "data", params(("id" = String, Path)),
    responses((status = 200, body = ConnectionDto)))]
async fn refresh(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<ConnectionDto>, Failure> {
    described(&state, use_cases::refresh(&state.app, &caller, parse(&id)?).await?).await
}

/// The tables and columns of a connection.
#[utoipa::path(get, path = "/api/v1/connections/{id}/catalog", tag = "data", params(("id" = String, Path)),
    responses((status = 200, body = CatalogDto)))]
async fn catalog(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<CatalogDto>, Failure> {
    let (catalog, at) = use_cases::catalog(&state.app, &caller, parse(&id)?).await?;
    Ok(Json(CatalogDto::new(catalog, at)))
}

/// What is no id cannot be the id of anything the caller may know of.
pub fn parse(id: &str) -> Result<ConnectionId, Failure> {
    id.parse().map_err(|_| Failure::new(Code::ConnectionUnknown, "There is no such connection."))
}
