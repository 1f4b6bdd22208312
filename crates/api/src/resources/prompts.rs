//! Prompts: what models are told, in versions that never change, and the labels that put them in force.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use pilothouse_app::Error;
use pilothouse_app::prompts::{self as use_cases, MoveWish, NewVersion};
use pilothouse_domain::Code;
use pilothouse_domain::prompt::Label;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::prompts::{PromptDetailDto, PromptVersionDto, PromptsDto};
use crate::error::Failure;
use crate::extract::Path;
use crate::json::JsonBody;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(prompts)).routes(routes!(prompt)).routes(routes!(add)).routes(routes!(label))
}

/// What models are told, and which versions of it are in force.
#[utoipa::path(get, path = "/api/v1/prompts", tag = "prompts", operation_id = "prompts",
    responses((status = 200, body = PromptsDto)))]
async fn prompts(FromState(state): FromState<Arc<State>>, Caller(caller): Caller) -> Result<Json<PromptsDto>, Failure> {
    Ok(Json(use_cases::list_prompts(&state.app, &caller).await?.into()))
}

/// One prompt with its versions and how its labels were moved.
#[utoipa::path(get, path = "/api/v1/prompts/{name}", tag = "prompts", operation_id = "prompt",
    params(("name" = String, Path, description = "Its name.")), responses((status = 200, body = PromptDetailDto)))]
async fn prompt(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(name): Path<String>,
) -> Result<Json<PromptDetailDto>, Failure> {
    Ok(Json(use_cases::show_prompt(&state.app, &caller, &name).await?.into()))
}

/// A version to keep.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct PromptVersionRequest {
    /// What the model is told.
    template: String,
    /// The version as its author calls it.
    version: Option<String>,
}

/// Keeps a version. It is not in force by that: a label has to be moved to it.
#[utoipa::path(post, path = "/api/v1/prompts/{name}/versions", tag = "prompts", operation_id = "prompt_add",
    params(("name" = String, Path, description = "The prompt's name; it need not be there yet.")),
    request_body = PromptVersionRequest, responses((status = 201, body = PromptVersionDto)))]
async fn add(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<(StatusCode, Json<PromptVersionDto>), Failure> {
    let (text, version) = (fields.text("template", 1), fields.filled_text("version").unwrap_or_default());
    fields.finish()?;
    let kept = use_cases::add_version(&state.app, &caller, NewVersion { name, version, text }).await?;
    Ok((StatusCode::CREATED, Json(kept.into())))
}

/// Where a label is to stand.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct PromptLabelRequest {
    /// At which version; null takes it away, so that what the installation says holds again.
    hash: Option<String>,
    /// Of a canary, for how many in a hundred; none means 10.
    percent: Option<i64>,
    /// Why.
    because: Option<String>,
}

/// How many get a canary where nobody says.
const CANARY_PERCENT: i64 = 10;

/// Moves a label. It holds within a second, and moving it back rolls back. `production` is protected: somebody has to agree.
#[utoipa::path(put, path = "/api/v1/prompts/{name}/labels/{label}", tag = "prompts", operation_id = "prompt_label",
    params(("name" = String, Path, description = "The prompt's name."),
        ("label" = String, Path, description = "`production` or `canary`.")),
    request_body = PromptLabelRequest, responses((status = 204)))]
async fn label(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path((name, label)): Path<(String, String)>,
    JsonBody(mut fields): JsonBody,
) -> Result<StatusCode, Failure> {
    let (hash, because) = (fields.filled_text("hash"), fields.filled_text("because").unwrap_or_default());
    let percent = fields.optional_within("percent", 0, 100);
    fields.finish()?;
    let label = Label::parse(&label)
        .ok_or_else(|| Error::unfit("label", "it is production or canary", Value::from(label.as_str())))?;
    let percent = match label {
        Label::Production => percent.unwrap_or(100),
        Label::Canary => percent.unwrap_or(CANARY_PERCENT),
    };
    let percent =
        u32::try_from(percent).map_err(|_| Failure::new(Code::BodyInvalid, "percent: it is from 0 to 100."))?;
    use_cases::move_label(&state.app, &caller, MoveWish { name, label, hash, percent, because }).await?;
    Ok(StatusCode::NO_CONTENT)
}
