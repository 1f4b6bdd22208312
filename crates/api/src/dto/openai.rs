//! The chat completions of OpenAI, as their clients send and read them.

use pilothouse_app::Error;
use pilothouse_app::gateway::{
    Answered, Chat, Delta, Finish, Format, Message, Question, Reply, Role, Tool, ToolCall, ToolChoice,
};
use pilothouse_domain::Micros;
use pilothouse_domain::clock::SECOND;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// What a task is called that nobody has named.
const TASK: &str = "chat";
/// What a model is asked, as OpenAI's clients do. Messages, tools and forms are those of OpenAI's documents.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
pub struct ChatRequest {
    /// The model; none means the one that is configured.
    model: Option<String>,
    /// What was said so far: `role` and `content`, of the assistant also `tool_calls`, of a tool its `tool_call_id`.
    messages: Vec<Value>,
    /// Most tokens of the answer.
    max_completion_tokens: Option<u64>,
    /// The same by its older name.
    max_tokens: Option<u64>,
    /// How freely it answers, from 0 to 2.
    temperature: Option<f64>,
    /// The share of the likeliest tokens that it chooses from, from 0 to 1.
    top_p: Option<f64>,
    /// Where it is to stop: a text or several.
    stop: Option<Value>,
    /// For answers that can be had again.
    seed: Option<i64>,
    /// The functions that it may call.
    tools: Option<Vec<Value>>,
    /// Which it is to call: `auto`, `none`, `required`, or a function.
    tool_choice: Option<Value>,
    /// `text`, `json_object`, or `json_schema` with its schema.
    response_format: Option<Value>,
    /// Whether the answer is to come bit by bit.
    stream: Option<bool>,
    /// `include_usage`: whether the last of the bits says what was used.
    stream_options: Option<Value>,
    /// `task`, `project` and `repository` that it counts for.
    metadata: Option<Value>,
}

/// A whole answer, as OpenAI's clients read it; one that comes bit by bit is a stream of `chat.completion.chunk`.
#[derive(Serialize, ToSchema)]
pub struct ChatCompletion {
    /// Its id.
    id: String,
    /// `chat.completion`.
    object: &'static str,
    /// When, in seconds since 1970.
    created: i64,
    /// The model that answered.
    model: String,
    /// The answer, alone in the list.
    choices: [ChatChoice; 1],
    /// The tokens that it took.
    usage: ChatUsage,
    /// What OpenAI's own answers do not have.
    pilothouse: ChatCharge,
}

/// One of several answers to the same; here there is but one.
#[derive(Serialize, ToSchema)]
pub struct ChatChoice {
    /// Its place among them.
    index: u32,
    /// The answer itself.
    message: ChatMessage,
    /// Why it ends: `stop`, `length`, `tool_calls` or `content_filter`.
    finish_reason: &'static str,
    /// Always null.
    #[schema(required)]
    logprobs: Option<Value>,
}

/// What a model says.
#[derive(Serialize, ToSchema)]
pub struct ChatMessage {
    /// `assistant`.
    role: &'static str,
    /// Its words; null where it only calls tools.
    #[schema(required)]
    content: Option<String>,
    /// Always null: a refusal stands in the words.
    #[schema(required)]
    refusal: Option<String>,
    /// The tools that it calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Value>,
}

/// The tokens of an answer.
#[derive(Serialize, ToSchema)]
pub struct ChatUsage {
    /// Those that were sent.
    prompt_tokens: u64,
    /// Those that were received.
    completion_tokens: u64,
    /// Both together.
    total_tokens: u64,
    /// Of those that were sent, those that the provider had kept.
    prompt_tokens_details: ChatUsageDetails,
}

/// What the tokens that were sent consist of.
#[derive(Serialize, ToSchema)]
pub struct ChatUsageDetails {
    /// Those that the provider had kept from an earlier call.
    cached_tokens: u64,
}

/// Who answered, and what it cost.
#[derive(Serialize, ToSchema)]
pub struct ChatCharge {
    /// The provider, by its name here.
    provider: String,
    /// The cost, in US dollars.
    cost_usd: f64,
    /// The charge in the ledger.
    charge_id: String,
}

/// The models that can be asked for by name, as OpenAI's clients read them.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
pub struct ModelList {
    /// `list`.
    object: String,
    /// Each with its `id`, and who answers for it first.
    data: Vec<Value>,
}

/// What is passed on as it is, to providers that understand it.
const PASSED_ON: [&str; 8] = [
    "frequency_penalty",
    "logit_bias",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning_effort",
    "service_tier",
    "verbosity",
];

/// What a client asks.
pub struct Request {
    /// The question.
    pub question: Question,
    /// Whether the answer is to come bit by bit.
    pub stream: bool,
    /// Whether the last of the bits is to say what was used.
    pub include_usage: bool,
}

/// Reads a request. What cannot be kept to is refused by name, and nothing is passed over in silence but `user`.
///
/// # Errors
/// [`pilothouse_domain::Code::BodyInvalid`] with the field.
pub fn request(mut body: Map<String, Value>) -> Result<Request, Error> {
    let mut take = |name: &str| body.remove(name).filter(|value| !value.is_null());
    let model = text(take("model"), "model")?.unwrap_or_default();
    let messages = take("messages").ok_or_else(|| unfit("messages", "it is missing", Value::Null))?;
    let messages = list(&messages, "messages")?.iter().map(message).collect::<Result<_, _>>()?;
    let most = match (take("max_completion_tokens"), take("max_tokens")) {
        (Some(most), _) => count(&most, "max_completion_tokens")?,
        (None, Some(most)) => count(&most, "max_tokens")?,
        (None, None) => 0,
    };
    let mut chat = Chat::new(model, messages, most);
    chat.temperature = take("temperature").map(|value| number(&value, "temperature")).transpose()?;
    chat.top_p = take("top_p").map(|value| number(&value, "top_p")).transpose()?;
    chat.seed = take("seed")
        .map(|value| value.as_i64().ok_or_else(|| unfit("seed", "it is a whole number", value)))
        .transpose()?;
    chat.stop = match take("stop") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(several) => list(&several, "stop")?.iter().map(|one| owned(one, "stop")).collect::<Result<_, _>>()?,
    };
    if let Some(tools) = take("tools") {
        chat.tools = list(&tools, "tools")?.iter().map(tool).collect::<Result<_, _>>()?;
    }
    chat.choice = take("tool_choice").map_or(Ok(ToolChoice::Auto), choice)?;
    chat.format = take("response_format").map_or(Ok(Format::Text), format)?;
    let stream = flag(take("stream"), "stream")?;
    let include_usage = take("stream_options").is_some_and(|options| options["include_usage"] == true);
    if take("n").is_some_and(|n| n != 1) {
        return Err(unfit("n", "one answer at a time", Value::Null));
    }
    if flag(take("store"), "store")? {
        return Err(unfit("store", "nothing is kept at providers", Value::Null));
    }
    // Who asks is known by the token.
    take("user");
    let (task, project, repository, prompt) = match take("metadata") {
        Some(Value::Object(mut told)) => {
            let mut name = |name: &str| text(told.remove(name), "metadata");
            (name("task")?, name("project")?, name("repository")?, name("prompt")?)
        }
        Some(other) => return Err(unfit("metadata", "it is an object", other)),
        None => (None, None, None, None),
    };
    for name in PASSED_ON {
        if let Some(value) = take(name) {
            chat.extra.insert(name.to_owned(), value);
        }
    }
    if let Some((name, value)) = body.into_iter().find(|(_, value)| !value.is_null()) {
        return Err(unfit(&name, "it is not understood here", value));
    }
    let task = task.unwrap_or_else(|| TASK.to_owned());
    Ok(Request { question: Question { task, chat, prompt, project, repository }, stream, include_usage })
}

fn unfit(name: &str, why: &str, input: Value) -> Error {
    Error::unfit(name, why, input)
}

fn list<'a>(value: &'a Value, name: &str) -> Result<&'a [Value], Error> {
    let items = value.as_array().filter(|items| !items.is_empty() && items.len() <= 2_000);
    items.map(Vec::as_slice).ok_or_else(|| unfit(name, "it is a list of 1 to 2000", Value::Null))
}

fn owned(value: &Value, name: &str) -> Result<String, Error> {
    value.as_str().map(str::to_owned).ok_or_else(|| unfit(name, "it is a text", Value::Null))
}

fn text(value: Option<Value>, name: &str) -> Result<Option<String>, Error> {
    value.filter(|value| !value.is_null()).map(|value| owned(&value, name)).transpose()
}

fn count(value: &Value, name: &str) -> Result<u64, Error> {
    value
        .as_u64()
        .filter(|count| *count > 0)
        .ok_or_else(|| unfit(name, "it is a whole number of at least 1", value.clone()))
}

fn number(value: &Value, name: &str) -> Result<f64, Error> {
    value.as_f64().ok_or_else(|| unfit(name, "it is a number", value.clone()))
}

fn flag(value: Option<Value>, name: &str) -> Result<bool, Error> {
    match value {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(other) => Err(unfit(name, "it is true or false", other)),
    }
}

fn message(told: &Value) -> Result<Message, Error> {
    let role = match told["role"].as_str() {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool") => Role::Tool,
        _ => {
            return Err(unfit(
                "messages",
                "a role is system, developer, user, assistant or tool",
                told["role"].clone(),
            ));
        }
    };
    let mut message = Message::new(role, content(&told["content"])?);
    for call in told["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        message.calls.push(ToolCall {
            id: owned(&call["id"], "messages")?,
            name: owned(&function["name"], "messages")?,
            arguments: owned(&function["arguments"], "messages")?,
        });
    }
    if role == Role::Tool {
        message.answers = Some(owned(&told["tool_call_id"], "messages")?);
    }
    Ok(message)
}

fn content(told: &Value) -> Result<String, Error> {
    match told {
        Value::Null => Ok(String::new()),
        Value::String(words) => Ok(words.clone()),
        Value::Array(parts) => parts.iter().map(part).collect(),
        other => Err(unfit("messages", "content is a text or a list of parts", other.clone())),
    }
}

fn part(part: &Value) -> Result<String, Error> {
    match part["type"].as_str() {
        Some("text") => owned(&part["text"], "messages"),
        kind => {
            let why = format!(
                "parts are texts here: what a {} costs is not known before",
                kind.unwrap_or("part without a type")
            );
            Err(unfit("messages", &why, Value::Null))
        }
    }
}

fn tool(told: &Value) -> Result<Tool, Error> {
    let function = &told["function"];
    let parameters =
        if function["parameters"].is_null() { json!({"type": "object"}) } else { function["parameters"].clone() };
    Ok(Tool {
        name: owned(&function["name"], "tools")?,
        description: text(Some(function["description"].clone()), "tools")?,
        parameters,
        strict: function["strict"].as_bool(),
    })
}

fn choice(told: Value) -> Result<ToolChoice, Error> {
    match (told.as_str(), told["function"]["name"].as_str()) {
        (Some("auto"), _) => Ok(ToolChoice::Auto),
        (Some("none"), _) => Ok(ToolChoice::None),
        (Some("required"), _) => Ok(ToolChoice::Required),
        (None, Some(name)) => Ok(ToolChoice::Named(name.to_owned())),
        _ => Err(unfit("tool_choice", "it is auto, none, required or a function", told)),
    }
}

fn format(told: Value) -> Result<Format, Error> {
    match told["type"].as_str() {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::Json),
        Some("json_schema") => {
            let form = &told["json_schema"];
            let name = form["name"].as_str().unwrap_or("answer").to_owned();
            Ok(Format::Schema { name, schema: form["schema"].clone() })
        }
        _ => Err(unfit("response_format", "its type is text, json_object or json_schema", told)),
    }
}

/// A whole answer.
pub fn completion(answered: Answered, at: Micros) -> ChatCompletion {
    let (usage, cost_usd, charge_id) = (usage(&answered), answered.cost.usd(), answered.charge.to_string());
    let Answered { reply: Reply { text, calls, finish, .. }, model, provider, .. } = answered;
    let content = Some(text).filter(|text| calls.is_empty() || !text.is_empty());
    let tool_calls = calls.iter().map(call).collect();
    let message = ChatMessage { role: Role::Assistant.as_str(), content, refusal: None, tool_calls };
    ChatCompletion {
        id: format!("chatcmpl-{charge_id}"),
        object: "chat.completion",
        created: at / SECOND,
        model,
        choices: [ChatChoice { index: 0, message, finish_reason: finish.as_str(), logprobs: None }],
        usage,
        pilothouse: ChatCharge { provider, cost_usd, charge_id },
    }
}

fn call(call: &ToolCall) -> Value {
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
}

fn usage(answered: &Answered) -> ChatUsage {
    let tokens = answered.tokens;
    ChatUsage {
        prompt_tokens: tokens.input,
        completion_tokens: tokens.output,
        total_tokens: tokens.total(),
        prompt_tokens_details: ChatUsageDetails { cached_tokens: tokens.cached },
    }
}

/// What all parts of one answer have in common.
pub struct Chunks {
    id: String,
    at: Micros,
    model: String,
    has_begun: bool,
    calls: usize,
}

impl Chunks {
    /// Those of the answer `id`, begun at a moment; the model is told as soon as it is known.
    pub fn new(id: &str, at: Micros, model: &str) -> Self {
        Self { id: format!("chatcmpl-{id}"), at, model: model.to_owned(), has_begun: false, calls: 0 }
    }

    /// What a client is told of a part; nothing where it is none of its concern.
    pub fn chunk(&mut self, part: &Delta) -> Option<Value> {
        let (mut delta, reason) = match part {
            Delta::Text(words) => (json!({"content": words}), None),
            Delta::Call(place, part) => (json!({"tool_calls": [self.call(*place, part)]}), None),
            Delta::Finish(reason) => (json!({}), Some(*reason)),
            Delta::Model(model) => {
                self.model.clone_from(model);
                return None;
            }
            Delta::Tokens(_) => return None,
        };
        if !std::mem::replace(&mut self.has_begun, true) {
            delta["role"] = "assistant".into();
        }
        Some(self.of(json!([{"index": 0, "delta": delta, "finish_reason": reason.map(Finish::as_str)}])))
    }

    /// A call's name and id come with its first part alone.
    fn call(&mut self, place: usize, part: &ToolCall) -> Value {
        if place >= self.calls {
            self.calls = place + 1;
            let mut first = call(part);
            first["index"] = place.into();
            return first;
        }
        json!({"index": place, "function": {"arguments": part.arguments}})
    }

    /// What was used, as the last part says it.
    pub fn usage(&self, answered: &Answered) -> Value {
        let mut last = self.of(json!([]));
        last["usage"] = json!(usage(answered));
        last
    }

    fn of(&self, choices: Value) -> Value {
        json!({"id": self.id, "object": "chat.completion.chunk", "created": self.at / SECOND, "model": self.model,
            "choices": choices})
    }
}

/// An error, as clients of OpenAI read it.
pub fn error(error: &Error, status: u16) -> Value {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "insufficient_quota",
        400..500 => "invalid_request_error",
        _ => "server_error",
    };
    let param =
        error.fields.first().and_then(|field| field.location.last()).and_then(|name| name.as_str().map(str::to_owned));
    json!({"error": {"message": error.message, "type": kind, "param": param, "code": error.code}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<Request, Error> {
        request(body.as_object().cloned().unwrap_or_default())
    }

    #[test]
    fn a_request_is_read_as_clients_send_it() {
        let read = read(json!({
            "model": "gpt-4o-mini", "stream": true, "stream_options": {"include_usage": true}, "n": 1, "user": "x",
            "messages": [{"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief"}]},
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "c", "content": "1"}],
            "max_tokens": 7, "stop": "\n", "reasoning_effort": "low", "metadata": {"task": "triage", "repository": "a/b", "prompt": "triage"},
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
        }));
        let Request { question, stream, include_usage } = read.unwrap();
        let Question { task, chat, prompt, project, repository } = question;
        assert_eq!((task.as_str(), project, repository.as_deref()), ("triage", None, Some("a/b")));
        assert_eq!(prompt.as_deref(), Some("triage"));
        assert_eq!(
            (chat.messages[0].text.as_str(), chat.max_tokens, stream, include_usage),
            ("Be brief", 7, true, true)
        );
        assert_eq!((chat.messages[2].calls.len(), chat.messages[3].answers.as_deref()), (1, Some("c")));
        assert_eq!((chat.stop, chat.extra.len()), (vec!["\n".to_owned()], 1));
    }

    #[test]
    fn what_cannot_be_kept_to_is_refused_by_name() {
        let hi = json!([{"role": "user", "content": "Hi"}]);
        for (name, value) in [
            ("n", json!(2)),
            ("store", json!(true)),
            ("logprobs", json!(true)),
            ("stream", json!("yes")),
            ("max_tokens", json!(0)),
            ("tool_choice", json!("perhaps")),
            ("response_format", json!({})),
            ("messages", json!([{"role": "user", "content": [{"type": "image_url"}]}])),
            ("messages", json!([])),
            ("messages", json!([{"role": "king", "content": ""}])),
        ] {
            let mut body = json!({ "messages": hi });
            body[name] = value;
            let refused = read(body).err().unwrap();
            assert_eq!(error(&refused, 422)["error"]["param"], name);
        }
    }
}
