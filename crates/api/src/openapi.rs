//! The routes and the OpenAPI document, which come from the same list.

use std::sync::{Arc, OnceLock};

use axum::Json;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::caller::Caller;
use crate::dto::errors::{DetailError, OkError, OpenAiError, OpenAiFault, ProblemDetails};
use crate::error;
use crate::resources;
use crate::state::State;

#[derive(OpenApi)]
#[openapi(
    components(schemas(DetailError, OkError, OpenAiError, OpenAiFault, ProblemDetails)),
    info(
        title = "Pilothouse",
        description = "A self-hosted control plane for AI copilots on data and DevOps work.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    )
)]
struct Skeleton;

/// Every route of the API.
pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::with_openapi(Skeleton::openapi())
        .merge(resources::health::routes())
        .merge(resources::session::routes())
        .merge(resources::agent::routes())
        .merge(resources::ai::routes())
        .merge(resources::prompts::routes())
        .merge(resources::triage::routes())
        .merge(resources::completions::routes())
        .merge(resources::llm::routes())
        .merge(resources::approval_rules::routes())
        .merge(resources::delegations::routes())
        .merge(resources::approvals::routes())
        .merge(resources::build_approvals::routes())
        .merge(resources::budgets::routes())
        .merge(resources::runs::routes())
        .merge(resources::starts::routes())
        .merge(resources::run_control::routes())
        .merge(resources::bulk::routes())
        .merge(resources::queues::routes())
        .merge(resources::schedules::routes())
        .merge(resources::workflows::routes())
        .merge(resources::executions::routes())
        .merge(resources::jobs::routes())
        .merge(resources::operations::routes())
        .merge(resources::connections::routes())
        .merge(resources::imports::routes())
        .merge(resources::documents::routes())
        .merge(resources::proposals::routes())
        .merge(resources::pii::routes())
        .merge(resources::feedback::routes())
        .merge(resources::sql::routes())
        .merge(resources::queries::routes())
        .merge(resources::tenants::routes())
        .merge(resources::tokens::routes())
        .merge(resources::audit::routes())
        .merge(resources::installation::routes())
        .route("/api/v1/openapi.json", get(|_: Caller| async { Json(document()) }))
}

/// The OpenAPI document.
pub fn document() -> Document {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    DOCUMENT.get_or_init(|| completed(routes().split_for_parts().1)).clone()
}

/// Adds what every operation has: a name of its own, and the error that refuses it, whose body the route decides.
fn completed(mut document: Document) -> Document {
    for (path, item) in &mut document.paths.paths {
        let (content_type, schema, what) = error::body_of(path);
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
        let response = ResponseBuilder::new().description(what).content(content_type, content).build();
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            // Handlers are called after what they do, which is only unique within one tag.
            let tag = operation.tags.iter().flatten().next();
            operation.operation_id = tag.zip(operation.operation_id.take()).map(|(tag, id)| format!("{tag}_{id}"));
            operation.responses.responses.insert("default".to_owned(), response.clone().into());
        }
    }
    document
}

/// The route template as a word of the program's own, for the audit log; what is no route of ours is one word.
pub fn known_route(route: Option<&str>) -> &'static str {
    static ROUTES: OnceLock<Vec<String>> = OnceLock::new();
    let routes = ROUTES.get_or_init(|| document().paths.paths.into_keys().collect());
    route.and_then(|route| routes.iter().find(|known| *known == route)).map_or("(other)", String::as_str)
}
