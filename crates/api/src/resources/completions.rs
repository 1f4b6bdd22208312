//! Chat completions as OpenAI's clients ask for them, so that a team's other programs have the same budgets and audit.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use futures::stream::unfold;
use pilothouse_app::Error;
use pilothouse_app::gateway::{self as use_cases, ANY, DEFAULT, Part, Parts};
use pilothouse_domain::Code;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::openai::{self, ChatCompletion, ChatRequest, Chunks, ModelList, Request};
use crate::error::{Failure, status_of};
use crate::json::JsonObject;
use crate::state::State;

/// The last event of a stream.
const DONE: &str = "[DONE]";

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(complete)).routes(routes!(models))
}

/// Asks a model, as OpenAI's chat completions are asked: `model`, `messages`, `max_tokens` or `max_completion_tokens`,
/// `temperature`, `top_p`, `stop`, `seed`, `tools`, `tool_choice`, `response_format`, `stream` and `stream_options`. In
/// `metadata`, `task`, `project` and `repository` say what it counts for. What cannot be kept to is refused by name.
#[utoipa::path(post, path = "/v1/chat/completions", tag = "models", operation_id = "chat_completions",
    request_body = ChatRequest, responses((status = 200, body = ChatCompletion)))]
async fn complete(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonObject(body): JsonObject,
) -> Result<Response, Failure> {
    let Request { question, stream, include_usage } = openai::request(body)?;
    let at = state.app.clock().now();
    if !stream {
        let answered = use_cases::ask(&state.app, &caller, question).await.map_err(as_told)?;
        return Ok(Json(openai::completion(answered, at)).into_response());
    }
    let chunks = Chunks::new(&state.app.ids().uuid(at).to_string(), at, &question.chat.model);
    let parts = use_cases::stream(&state.app, &caller, question).await.map_err(as_told)?;
    Ok(Sse::new(told(parts, chunks, include_usage)).keep_alive(KeepAlive::default()).into_response())
}

/// Clients of OpenAI know no other status for a limit.
fn as_told(error: Error) -> Error {
    let code = if error.code == Code::BudgetExceeded { Code::AiBudgetExceeded } else { error.code };
    Error { code, ..error }
}

/// The events of an answer. After one that broke off there is an error, and no last word.
fn told(parts: Parts, chunks: Chunks, include_usage: bool) -> impl Stream<Item = Result<Event, Infallible>> {
    let event = |value: &Value| Event::default().data(value.to_string());
    unfold((Some(parts), chunks, Vec::<Event>::new()), move |(mut parts, mut chunks, mut ready)| async move {
        loop {
            if let Some(next) = ready.pop() {
                return Some((Ok(next), (parts, chunks, ready)));
            }
            match parts.as_mut()?.next().await? {
                Part::More(delta) => ready.extend(chunks.chunk(&delta).map(|chunk| event(&chunk))),
                Part::Ended(answered) => {
                    ready.push(Event::default().data(DONE));
                    ready.extend(include_usage.then(|| event(&chunks.usage(&answered))));
                    parts = None;
                }
                Part::Failed(error) => {
                    ready.push(event(&openai::error(&error, status_of(error.code))));
                    parts = None;
                }
            }
        }
    })
}

/// The models that can be asked for by name.
#[utoipa::path(get, path = "/v1/models", tag = "models", operation_id = "models",
    responses((status = 200, body = ModelList)))]
async fn models(FromState(state): FromState<Arc<State>>, Caller(caller): Caller) -> Result<Json<Value>, Failure> {
    let providers = use_cases::list_providers(&state.app, &caller).await?;
    let mut items: Vec<Value> = Vec::new();
    for provider in &providers {
        for (asked, there) in &provider.models {
            let name = if asked == DEFAULT { there } else { asked };
            if name != ANY && !items.iter().any(|item| item["id"] == *name) {
                items.push(json!({"id": name, "object": "model", "created": 0, "owned_by": provider.name}));
            }
        }
    }
    Ok(Json(json!({"object": "list", "data": items})))
}
