//! The routes and the OpenAPI document, which come from the same list.

use std::sync::{Arc, OnceLock};

use axum::Json;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;

use crate::caller::Caller;
use crate::resources;
use crate::state::State;

#[derive(OpenApi)]
#[openapi(info(
    title = "Pilothouse",
    description = "A self-hosted control plane for AI copilots on data and DevOps work.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Skeleton;

/// Every route of the API.
pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::with_openapi(Skeleton::openapi())
        .merge(resources::health::routes())
        .merge(resources::session::routes())
        .merge(resources::agent::routes())
        .merge(resources::runs::routes())
        .merge(resources::connections::routes())
        .merge(resources::semantic::routes())
        .merge(resources::sql::routes())
        .merge(resources::tenants::routes())
        .merge(resources::tokens::routes())
        .merge(resources::audit::routes())
        .route("/api/v1/openapi.json", get(|_: Caller| async { Json(document()) }))
}

/// The OpenAPI document.
pub fn document() -> Document {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    DOCUMENT.get_or_init(|| routes().split_for_parts().1).clone()
}

/// The route template as a word of the program's own, for the audit log; what is no route of ours is one word.
pub fn known_route(route: Option<&str>) -> &'static str {
    static ROUTES: OnceLock<Vec<String>> = OnceLock::new();
    let routes = ROUTES.get_or_init(|| document().paths.paths.into_keys().collect());
    route.and_then(|route| routes.iter().find(|known| *known == route)).map_or("(other)", String::as_str)
}
