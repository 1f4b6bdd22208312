//! What people think of answers and other artifacts, as clients of the data team autopilot send and read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::feedback::{self, Feedback, Said, Tally, Wanted};
use pilothouse_domain::clock::rfc3339;
use pilothouse_domain::{Code, FeedbackId};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::HeaderCaller;
use crate::dto::requests::{FeedbackRequest, ResolveRequest};
use crate::error::Failure;
use crate::extract::Path;
use crate::json::JsonBody;
use crate::parameters::Parameters;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(give))
        .routes(routes!(summary))
        .routes(routes!(provider_summary))
        .routes(routes!(review))
        .routes(routes!(resolve))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct OrgQuery {
    /// The tenant; the same as in the headers.
    org_id: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct ReviewQuery {
    /// The tenant; the same as in the headers.
    org_id: String,
    /// Only `resolved` or `unresolved` ones.
    status: Option<String>,
    /// Only about what this provider made.
    provider: Option<String>,
}

/// Feedback that was stored.
#[derive(Serialize, ToSchema)]
struct Given {
    /// Its id.
    id: String,
    /// When.
    created_at: String,
}

/// How often something was found good and bad.
#[derive(Serialize, ToSchema)]
struct Marks {
    positive: i64,
    negative: i64,
}

/// A prompt whose artifacts were found bad.
#[derive(Serialize, ToSchema)]
struct BadPrompt {
    prompt_hash: String,
    /// How often.
    count: i64,
}

/// How a tenant's artifacts were found.
#[derive(Serialize, ToSchema)]
struct FeedbackSummary {
    /// The tenant.
    tenant_id: String,
    /// By kind of artifact.
    artifact_feedback: BTreeMap<String, Marks>,
    /// The prompts that were found bad most often first.
    negative_prompt_hashes: Vec<BadPrompt>,
}

/// How often something was found good and bad, and which part was good.
#[derive(Serialize, ToSchema)]
struct Satisfaction {
    positive: i64,
    negative: i64,
    /// Good ones among all, 0 to 1, with four decimals.
    satisfaction_rate: f64,
}

/// The same by who made them and by kind.
#[derive(Serialize, ToSchema)]
struct ProviderSummary {
    by_provider: BTreeMap<String, Satisfaction>,
    by_task: BTreeMap<String, Satisfaction>,
}

/// A mark on the review list.
#[derive(Serialize, ToSchema)]
struct Listed {
    id: String,
    user_id: String,
    artifact_id: String,
    artifact_type: String,
    /// `positive` or `negative`.
    feedback_type: &'static str,
    #[schema(required)]
    comment: Option<String>,
    #[schema(required)]
    provider: Option<String>,
    #[schema(required)]
    model: Option<String>,
    #[schema(required)]
    channel: Option<String>,
    resolved: bool,
    #[schema(required)]
    resolved_by: Option<String>,
    created_at: String,
}

/// The review list, newest first.
#[derive(Serialize, ToSchema)]
struct ReviewList {
    org_id: String,
    count: usize,
    items: Vec<Listed>,
}

/// A mark that was dealt with.
#[derive(Serialize, ToSchema)]
struct Resolved {
    id: String,
    resolved: bool,
    resolved_at: String,
}

/// Says whether an answer, a memo or a dashboard was good.
#[utoipa::path(post, path = "/api/v1/feedback", tag = "data", operation_id = "feedback_give",
    request_body = FeedbackRequest, responses((status = 200, body = Given)))]
async fn give(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<Given>, Failure> {
    let tenant = fields.text("tenant_id", 0);
    let [user_id, artifact_id, artifact_type, kind] =
        ["user_id", "artifact_id", "artifact_type", "feedback_type"].map(|name| fields.text(name, 1));
    let version = fields.count("artifact_version");
    let read = |word: &str| match word {
        "positive" => Some(true),
        "negative" => Some(false),
        _ => None,
    };
    let is_positive = read(&kind);
    if is_positive.is_none() && !kind.is_empty() {
        const WORDS: &str = "'positive' or 'negative'";
        let (message, expected) = (format!("Input should be {WORDS}"), json!({"expected": WORDS}));
        fields.refuse(Some("feedback_type"), "literal_error", &message, kind.into(), Some(expected));
    }
    let [comment, prompt_hash, provider, model, channel] =
        ["comment", "prompt_hash", "provider", "model", "channel"].map(|name| fields.optional_text(name));
    let [tool_inputs_hash, session_id] = ["tool_inputs_hash", "session_id"].map(|name| fields.optional_text(name));
    let was_fallback = fields.optional_flag("was_fallback").unwrap_or_default();
    let context = match fields.any("conversation_context") {
        Value::Null => json!([]),
        context => context,
    };
    fields.finish()?;
    crate::parameters::in_tenant(&caller, &tenant)?;
    let details = json!({"tool_inputs_hash": tool_inputs_hash, "session_id": session_id, "was_fallback": was_fallback,
        "conversation_context": context})
    .to_string();
    let said = Said {
        user_id,
        artifact_id,
        artifact_version: i64::from(version),
        artifact_type,
        is_positive: is_positive.unwrap_or_default(),
        comment,
        prompt_hash,
        provider,
        model,
        channel,
        details,
    };
    let (id, at) = feedback::give(&state.app, &caller, said).await?;
    Ok(Json(Given { id: id.to_string(), created_at: rfc3339(at) }))
}

/// How a tenant's artifacts were found.
#[utoipa::path(get, path = "/api/v1/feedback/summary", tag = "data", operation_id = "feedback_summary", params(OrgQuery),
    responses((status = 200, body = FeedbackSummary)))]
async fn summary(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    mut query: Parameters,
) -> Result<Json<FeedbackSummary>, Failure> {
    let tenant_id = query.text("org_id");
    query.finish_in(&caller, &tenant_id)?;
    let found = feedback::summary(&state.app, &caller).await?;
    let marks = |tally: Tally| (tally.of, Marks { positive: tally.positive, negative: tally.negative });
    let bad = found.negative_prompts.into_iter().map(|(prompt_hash, count)| BadPrompt { prompt_hash, count });
    Ok(Json(FeedbackSummary {
        tenant_id,
        artifact_feedback: found.by_type.into_iter().map(marks).collect(),
        negative_prompt_hashes: bad.collect(),
    }))
}

/// The same by who made them, and by kind.
#[utoipa::path(get, path = "/api/v1/feedback/provider-summary", tag = "data", operation_id = "feedback_providers",
    params(OrgQuery), responses((status = 200, body = ProviderSummary)))]
async fn provider_summary(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    mut query: Parameters,
) -> Result<Json<ProviderSummary>, Failure> {
    let org = query.text("org_id");
    query.finish_in(&caller, &org)?;
    let found = feedback::summary(&state.app, &caller).await?;
    let by = |tallies: Vec<Tally>| tallies.into_iter().map(satisfaction).collect();
    Ok(Json(ProviderSummary { by_provider: by(found.by_provider), by_task: by(found.by_type) }))
}

fn satisfaction(tally: Tally) -> (String, Satisfaction) {
    let Tally { of, positive, negative } = tally;
    let all = (positive + negative).max(1);
    let satisfaction_rate = (positive as f64 / all as f64 * 10_000.0).round() / 10_000.0;
    (of, Satisfaction { positive, negative, satisfaction_rate })
}

/// The review list.
#[utoipa::path(get, path = "/api/v1/feedback/review", tag = "data", operation_id = "feedback_review", params(ReviewQuery),
    responses((status = 200, body = ReviewList)))]
async fn review(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    mut query: Parameters,
) -> Result<Json<ReviewList>, Failure> {
    let org_id = query.text("org_id");
    let resolved = query.word("status", &["resolved", "unresolved"], |word| match word {
        "resolved" => Some(true),
        "unresolved" => Some(false),
        _ => None,
    });
    let provider = query.optional_text("provider");
    query.finish_in(&caller, &org_id)?;
    let found = feedback::review(&state.app, &caller, Wanted { resolved, provider }).await?;
    let items: Vec<Listed> = found.into_iter().map(Listed::from).collect();
    Ok(Json(ReviewList { org_id, count: items.len(), items }))
}

impl From<Feedback> for Listed {
    fn from(found: Feedback) -> Self {
        let said = found.said;
        Self {
            id: found.id.to_string(),
            user_id: said.user_id,
            artifact_id: said.artifact_id,
            artifact_type: said.artifact_type,
            feedback_type: if said.is_positive { "positive" } else { "negative" },
            comment: said.comment,
            provider: said.provider,
            model: said.model,
            channel: said.channel,
            resolved: found.resolved_at.is_some(),
            resolved_by: found.resolved_by,
            created_at: rfc3339(found.created_at),
        }
    }
}

/// Takes a mark off the list of what nobody has dealt with: `{"resolved_by": "…"}`, or the caller.
#[utoipa::path(post, path = "/api/v1/feedback/{id}/resolve", tag = "data", operation_id = "feedback_resolve",
    params(("id" = String, Path)), request_body = ResolveRequest, responses((status = 200, body = Resolved)))]
async fn resolve(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    Path(id): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<Resolved>, Failure> {
    let by = fields.filled_text("resolved_by");
    fields.finish()?;
    let unknown = || Failure::new(Code::NotFound, "Feedback not found");
    let known: FeedbackId = id.parse().map_err(|_| unknown())?;
    let at = feedback::resolve(&state.app, &caller, known, by).await.map_err(|error| match error.code {
        Code::NotFound => unknown(),
        _ => error.into(),
    })?;
    Ok(Json(Resolved { id, resolved: true, resolved_at: rfc3339(at) }))
}
