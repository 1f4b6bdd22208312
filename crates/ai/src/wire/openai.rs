//! The chat completions of OpenAI, and of those who imitate them.

use pilothouse_domain::price::Tokens;
use serde_json::{Map, Value, json};

use super::{Malformed, Outgoing, Said, data, missing, put, text};
use crate::chat::{Chat, Delta, Finish, Format, Message, Reply, Tool, ToolCall, ToolChoice};
use crate::sse::Event;

/// The last event of a stream.
const DONE: &str = "[DONE]";

/// `is_own`: whether it is OpenAI itself, whose newer models want another name for the most tokens of an answer.
pub fn request(chat: &Chat, key: &str, stream: bool, is_own: bool) -> Outgoing {
    let mut body = chat.extra.clone();
    put(&mut body, "model", Some(chat.model.as_str()));
    put(&mut body, "messages", Some(chat.messages.iter().map(message).collect::<Vec<_>>()));
    let most = if is_own { "max_completion_tokens" } else { "max_tokens" };
    put(&mut body, most, Some(chat.max_tokens));
    put(&mut body, "temperature", chat.temperature);
    put(&mut body, "top_p", chat.top_p);
    put(&mut body, "stop", (!chat.stop.is_empty()).then(|| json!(chat.stop)));
    put(&mut body, "seed", chat.seed);
    if !chat.tools.is_empty() {
        put(&mut body, "tools", Some(chat.tools.iter().map(tool).collect::<Vec<_>>()));
        put(&mut body, "tool_choice", Some(choice(&chat.choice)));
    }
    put(&mut body, "response_format", format(&chat.format));
    if stream {
        put(&mut body, "stream", Some(true));
        put(&mut body, "stream_options", Some(json!({ "include_usage": true })));
    }
    Outgoing { path: "/chat/completions".to_owned(), headers: bearer(key), body: Value::Object(body) }
}

/// The key, where there is one: a server of one's own may want none.
pub fn bearer(key: &str) -> Vec<(&'static str, String)> {
    if key.is_empty() { Vec::new() } else { vec![("authorization", format!("Bearer {key}"))] }
}

fn message(message: &Message) -> Value {
    let mut told = Map::new();
    put(&mut told, "role", Some(message.role.as_str()));
    put(&mut told, "content", Some(message.text.as_str()));
    put(&mut told, "tool_call_id", message.answers.as_deref());
    if !message.calls.is_empty() {
        let calls = message.calls.iter().map(|call| {
            json!({"id": call.id, "type": "function",
                "function": {"name": call.name, "arguments": call.arguments}})
        });
        put(&mut told, "tool_calls", Some(calls.collect::<Vec<_>>()));
    }
    Value::Object(told)
}

fn tool(tool: &Tool) -> Value {
    let mut function = Map::new();
    put(&mut function, "name", Some(tool.name.as_str()));
    put(&mut function, "description", tool.description.as_deref());
    put(&mut function, "parameters", Some(tool.parameters.clone()));
    put(&mut function, "strict", tool.strict);
    json!({ "type": "function", "function": function })
}

fn choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
    }
}

fn format(format: &Format) -> Option<Value> {
    match format {
        Format::Text => None,
        Format::Json => Some(json!({ "type": "json_object" })),
        Format::Schema { name, schema } => {
            Some(json!({"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": true}}))
        }
    }
}

pub fn reply(body: Value) -> Result<Reply, Malformed> {
    let first = &body["choices"][0];
    let message = first["message"].as_object().ok_or_else(|| missing("message"))?;
    let call = |call: &Value| ToolCall {
        id: text(&call["id"]),
        name: text(&call["function"]["name"]),
        arguments: text(&call["function"]["arguments"]),
    };
    let calls: Vec<ToolCall> =
        message.get("tool_calls").and_then(Value::as_array).into_iter().flatten().map(call).collect();
    let said = message.get("content").and_then(Value::as_str);
    let refused = message.get("refusal").and_then(Value::as_str);
    if said.or(refused).is_none() && calls.is_empty() {
        return Err(missing("content"));
    }
    Ok(Reply {
        model: body["model"].as_str().map(str::to_owned),
        text: said.or(refused).unwrap_or_default().to_owned(),
        finish: finish(first["finish_reason"].as_str(), !calls.is_empty()),
        calls,
        tokens: tokens(&body["usage"]),
    })
}

fn finish(reason: Option<&str>, calls: bool) -> Finish {
    match reason {
        Some("length") => Finish::Length,
        Some("content_filter") => Finish::Filtered,
        Some("tool_calls" | "function_call") => Finish::ToolCalls,
        _ if calls => Finish::ToolCalls,
        _ => Finish::Stop,
    }
}

fn tokens(usage: &Value) -> Option<Tokens> {
    Some(Tokens {
        input: usage["prompt_tokens"].as_u64()?,
        cached: usage["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap_or_default(),
        output: usage["completion_tokens"].as_u64()?,
    })
}

/// What is known of a stream.
#[derive(Debug, Default)]
pub struct Streamed {
    model_is_known: bool,
    is_finished: bool,
}

impl Streamed {
    /// Some who imitate it do not say the last word.
    pub fn has_ended(&self) -> bool {
        self.is_finished
    }

    pub fn read(&mut self, event: &Event) -> Result<Said, Malformed> {
        if event.data.trim() == DONE {
            return Ok(Said { is_end: true, ..Said::default() });
        }
        let told = data(event)?;
        if !told["error"].is_null() {
            return Ok(Said::error(&told["error"]));
        }
        let mut deltas = Vec::new();
        if let (false, Some(model)) = (self.model_is_known, told["model"].as_str()) {
            self.model_is_known = true;
            deltas.push(Delta::Model(model.to_owned()));
        }
        let first = &told["choices"][0];
        let words = first["delta"]["content"].as_str().or(first["delta"]["refusal"].as_str());
        deltas.extend(words.filter(|words| !words.is_empty()).map(|words| Delta::Text(words.to_owned())));
        for (place, call) in first["delta"]["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let place = call["index"].as_u64().map_or(place, |index| index as usize);
            let (name, arguments) = (text(&call["function"]["name"]), text(&call["function"]["arguments"]));
            deltas.push(Delta::Call(place, ToolCall { id: text(&call["id"]), name, arguments }));
        }
        if let Some(reason) = first["finish_reason"].as_str() {
            self.is_finished = true;
            deltas.push(Delta::Finish(finish(Some(reason), false)));
        }
        deltas.extend(tokens(&told["usage"]).map(Delta::Tokens));
        Ok(Said { deltas, ..Said::default() })
    }
}
