//! Models: the gateway as the data platform copilot's clients know it, and a tenant's providers and prices.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use pilothouse_app::Error;
use pilothouse_app::gateway::{
    self as use_cases, ANY, Chat, Format, Message, NewPrice, NewProvider, Question, Role, Wire,
};
use pilothouse_app::ledger::this_month;
use pilothouse_domain::Code;
use pilothouse_domain::clock::parse_rfc3339;
use pilothouse_domain::money::{NANO_USD_PER_USD, NanoUsd};
use pilothouse_domain::price::Price;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::List;
use crate::dto::ai::{CompletionDto, PricesDto, ProviderDto};
use crate::error::Failure;
use crate::extract::Path;
use crate::fields::Fields;
use crate::json::JsonBody;
use crate::state::State;

/// How much a provider weighs where nobody says.
const DEFAULT_WEIGHT: i64 = 1;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(complete))
        .routes(routes!(providers))
        .routes(routes!(put_provider, delete_provider))
        .routes(routes!(prices, add_price))
}

/// What a model is asked.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct CompletionRequest {
    /// For which kind of task; what it costs is told apart by it.
    task: String,
    /// The model; none means the one that is configured.
    model: Option<String>,
    /// The task in words; it may be missing where a prompt is named.
    system_prompt: String,
    /// The name of a prompt that stands before it; the answer says which version that was.
    prompt: Option<String>,
    /// What it is about.
    user_content: String,
    /// Whether the answer is to be a JSON object.
    json_mode: Option<bool>,
}

/// Asks a model: priced, held in the budget before, settled after.
#[utoipa::path(post, path = "/api/v2/ai/gateway/complete", tag = "models", request_body = CompletionRequest,
    responses((status = 200, body = CompletionDto)))]
async fn complete(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<CompletionDto>, Failure> {
    let task = task_name(&fields.text("task", 1));
    let model = fields.filled_text("model").unwrap_or_default();
    let prompt = fields.filled_text("prompt");
    let system = match prompt {
        Some(_) => fields.filled_text("system_prompt").unwrap_or_default(),
        None => fields.text("system_prompt", 0),
    };
    let user = fields.text("user_content", 0);
    let is_json = fields.optional_flag("json_mode").unwrap_or_default();
    fields.finish()?;
    let system = Some(system).filter(|text| !text.is_empty()).map(|text| Message::new(Role::System, text));
    let messages = system.into_iter().chain([Message::new(Role::User, user)]).collect();
    let mut chat = Chat::new(model, messages, 0);
    chat.format = if is_json { Format::Json } else { Format::Text };
    let question = Question { task, chat, prompt, project: None, repository: None };
    let tenant = &caller.principal.tenant;
    let month = this_month(&state.app, tenant).await?.to_string();
    match use_cases::ask(&state.app, &caller, question).await {
        Ok(answered) => Ok(Json(CompletionDto::of(answered, tenant.to_string(), month))),
        Err(error) => Err(as_told(error, tenant.as_str(), &month).into()),
    }
}

/// A task's name as the original keeps it.
fn task_name(task: &str) -> String {
    let fit = |char: char| if char.is_ascii_alphanumeric() || "-_".contains(char) { char } else { '_' };
    let name: String = task.chars().map(fit).take(61).collect();
    if name.starts_with("ai_") { name } else { format!("ai_{name}") }
}

/// Errors that the original has an object for, with its names.
fn as_told(error: Error, tenant: &str, month: &str) -> Error {
    let detail = |name: &str| error.details.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let told = match error.code {
        Code::BudgetExceeded => {
            let usd = |name| {
                let is_money = detail("unit") == Some(json!("nano_usd"));
                detail(name).filter(|_| is_money).and_then(|nano| nano.as_i64()).map(|nano| NanoUsd(nano).usd())
            };
            json!({"code": "ai_budget_exceeded", "tenant": tenant, "month": month, "limit_usd": usd("limit"),
                "current_usd": usd("used"), "message": error.message})
        }
        Code::AiOutputInvalid => {
            json!({"code": "ai_output_validation_failed", "validation_error": detail("validation_error")})
        }
        _ => return error,
    };
    let code = if error.code == Code::BudgetExceeded { Code::AiBudgetExceeded } else { error.code };
    Error { code, ..error }.with("detail", told)
}

/// Whom models are asked of, in the order in which they are asked.
#[utoipa::path(get, path = "/api/v1/ai/providers", tag = "models", operation_id = "providers",
    responses((status = 200, body = List<ProviderDto>)))]
async fn providers(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
) -> Result<Json<List<ProviderDto>>, Failure> {
    let shown = use_cases::list_providers(&state.app, &caller).await?;
    Ok(Json(List { items: shown.into_iter().map(ProviderDto::from).collect() }))
}

/// Where models answer.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct ProviderRequest {
    /// Its language: `openai`, `openai_compatible`, `openai_responses`, `anthropic` or `gemini`.
    wire: String,
    /// Its address; none means where those who made the language answer.
    base_url: Option<String>,
    /// Its key, which is sealed and never shown; none keeps the one that is there.
    key: Option<String>,
    /// What it is asked for, and what that is called there: an object, or a list where both have one name. `*` stands for any
    /// model and `default` for the one that is meant where none is named. None means any.
    models: Option<Value>,
    /// The lowest is asked first, from 0 (which is meant where none is given) to 999.
    rank: Option<i64>,
    /// Those of one rank are asked by their weights, from 0 to 999; none means 1.
    weight: Option<i64>,
}

/// Puts a provider in the place of the one with its name. It holds within a second, without a restart.
#[utoipa::path(put, path = "/api/v1/ai/providers/{name}", tag = "models", operation_id = "provider_put",
    params(("name" = String, Path, description = "Its name, unique in the tenant.")), request_body = ProviderRequest,
    responses((status = 204)))]
async fn put_provider(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    JsonBody(mut fields): JsonBody,
) -> Result<StatusCode, Failure> {
    fields.hide(&["key"]);
    let wire = fields.text("wire", 1);
    let names = Wire::ALL.map(Wire::as_str).join(", ");
    let wire = fields.chosen("wire", &wire, &names, Wire::parse);
    let (base_url, key) = (fields.filled_text("base_url"), fields.filled_text("key"));
    let models = models(&mut fields);
    let rank = fields.optional_within("rank", 0, 999).unwrap_or_default();
    let weight = fields.optional_within("weight", 0, 999).unwrap_or(DEFAULT_WEIGHT);
    fields.finish()?;
    let Some(wire) = wire else { return Err(Failure::new(Code::BodyInvalid, "wire: it is missing.")) };
    let new = NewProvider { name, wire, base_url, key, models, rank, weight };
    use_cases::put_provider(&state.app, &caller, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn models(fields: &mut Fields) -> BTreeMap<String, String> {
    let any = || BTreeMap::from([(ANY.to_owned(), ANY.to_owned())]);
    let given = fields.any("models");
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let read: Option<BTreeMap<String, String>> = match &given {
        Value::Null => Some(any()),
        Value::Array(names) => names.iter().map(|name| text(name).map(|name| (name.clone(), name))).collect(),
        Value::Object(names) => names.iter().map(|(asked, there)| Some((asked.clone(), text(there)?))).collect(),
        _ => None,
    };
    read.unwrap_or_else(|| {
        fields.refuse(Some("models"), "model_type", "Input should be an object or a list of names", given, None);
        BTreeMap::new()
    })
}

/// Removes a provider with its key.
#[utoipa::path(delete, path = "/api/v1/ai/providers/{name}", tag = "models", operation_id = "provider_delete",
    params(("name" = String, Path, description = "Its name.")), responses((status = 204)))]
async fn delete_provider(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Failure> {
    use_cases::delete_provider(&state.app, &caller, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What models cost.
#[utoipa::path(get, path = "/api/v1/ai/prices", tag = "models", operation_id = "prices",
    responses((status = 200, body = PricesDto)))]
async fn prices(FromState(state): FromState<Arc<State>>, Caller(caller): Caller) -> Result<Json<PricesDto>, Failure> {
    Ok(Json(use_cases::list_prices(&state.app, &caller).await?.into()))
}

/// What a million tokens cost, in US dollars.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct PriceRequest {
    /// Of which provider; none means of whichever.
    provider: Option<String>,
    /// Of which model, as its provider calls it.
    model: String,
    /// Since when, RFC 3339; none means from now on.
    since: Option<String>,
    /// Tokens that are sent.
    input_usd: f64,
    /// Tokens that are sent and were kept by the provider; none where that is not cheaper.
    cached_usd: Option<f64>,
    /// Tokens that are received.
    output_usd: f64,
}

/// Writes a price down. It holds for calls that are made from then on; what was settled stays as it was.
#[utoipa::path(post, path = "/api/v1/ai/prices", tag = "models", operation_id = "price_add", request_body = PriceRequest,
    responses((status = 201)))]
async fn add_price(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<StatusCode, Failure> {
    let (provider, model) = (fields.filled_text("provider"), fields.text("model", 1));
    let since = fields.filled_text("since").unwrap_or_default();
    let since = fields.chosen("since", &since, "an RFC 3339 time", parse_rfc3339);
    let (input, cached, output) =
        (nano(&mut fields, "input_usd"), nano(&mut fields, "cached_usd"), nano(&mut fields, "output_usd"));
    for (name, given) in [("input_usd", input), ("output_usd", output)] {
        if given.is_none() {
            fields.refuse(Some(name), "missing", "Field required", Value::Null, None);
        }
    }
    fields.finish()?;
    let price = Price { input: input.unwrap_or_default(), cached, output: output.unwrap_or_default() };
    use_cases::add_price(&state.app, &caller, NewPrice { provider, model, since, price }).await?;
    Ok(StatusCode::CREATED)
}

/// Dollars of a million tokens as nano-USD.
fn nano(fields: &mut Fields, name: &'static str) -> Option<i64> {
    let given = fields.any(name);
    if given.is_null() {
        return None;
    }
    let usd = given.as_f64().filter(|usd| (0.0..=1e6).contains(usd));
    if usd.is_none() {
        fields.refuse(Some(name), "float_type", "Input should be a number from 0 to 1000000", given, None);
    }
    usd.map(|usd| (usd * NANO_USD_PER_USD as f64).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::task_name;

    #[test]
    fn tasks_are_named_as_the_original_names_them() {
        assert_eq!(task_name("triage"), "ai_triage");
        assert_eq!(task_name("ai_triage"), "ai_triage");
        assert_eq!(task_name("a b/ü"), "ai_a_b__");
        assert_eq!(task_name(&"x".repeat(100)).len(), 64);
    }
}
