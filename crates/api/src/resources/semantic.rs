//! The semantic model of a connection: read and edit.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::semantics::{self, Versioned};
use pilothouse_domain::clock::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::connections::parse;
use crate::caller::Caller;
use crate::dto::requests::SemanticRequest;
use crate::error::Failure;
use crate::extract::Path;
use crate::json::JsonBody;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(show, put))
}

/// A semantic model.
#[derive(Serialize, ToSchema)]
struct SemanticDto {
    /// The model as YAML.
    yaml: String,
    /// Its version; 0 is inferred and not stored yet.
    version: i64,
    /// When it was stored.
    updated_at: String,
}

impl From<Versioned> for SemanticDto {
    fn from(model: Versioned) -> Self {
        Self { yaml: model.yaml, version: model.version, updated_at: rfc3339(model.updated_at) }
    }
}

/// The present model.
#[utoipa::path(get, path = "/api/v1/connections/{id}/semantic", tag = "data", params(("id" = String, Path)),
    responses((status = 200, body = SemanticDto)))]
async fn show(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<SemanticDto>, Failure> {
    Ok(Json(semantics::get(&state.app, &caller, parse(&id)?).await?.into()))
}

/// Stores a new version: `{"yaml": "…"}`.
#[utoipa::path(put, path = "/api/v1/connections/{id}/semantic", tag = "data", params(("id" = String, Path)),
    request_body = SemanticRequest, responses((status = 200, body = SemanticDto)))]
async fn put(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<SemanticDto>, Failure> {
    let yaml = fields.text("yaml", 1);
    fields.finish()?;
    Ok(Json(semantics::put(&state.app, &caller, parse(&id)?, &yaml).await?.into()))
}
