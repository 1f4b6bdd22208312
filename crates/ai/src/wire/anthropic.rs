//! The messages of Anthropic. JSON of a schema is had by a tool that the model must call, since that works with every model.

use pilothouse_domain::price::Tokens;
use serde_json::{Map, Value, json};

use super::{FORM, Malformed, Outgoing, Said, Unsupported, arguments, data, missing, put, refuse_extra, text};
use crate::chat::{Chat, Delta, Finish, Format, Message, Reply, Role, ToolCall, ToolChoice};
use crate::sse::Event;

/// The version of the interface.
const VERSION: &str = "2023-06-01";
/// What a model without a mode for it is told, where its answer is to be JSON.
const JSON_ALONE: &str = "Answer with one JSON object and nothing else.";

pub fn request(chat: &Chat, key: &str, stream: bool) -> Result<Outgoing, Unsupported> {
    refuse_extra(chat)?;
    if chat.seed.is_some() {
        return Err(Unsupported("seed".to_owned()));
    }
    let mut body = Map::new();
    put(&mut body, "model", Some(chat.model.as_str()));
    put(&mut body, "max_tokens", Some(chat.max_tokens));
    let mut task = chat.task();
    if chat.format == Format::Json {
        task = if task.is_empty() { JSON_ALONE.to_owned() } else { format!("{task}\n\n{JSON_ALONE}") };
    }
    put(&mut body, "system", (!task.is_empty()).then_some(task));
    put(&mut body, "messages", Some(messages(&chat.messages)));
    put(&mut body, "temperature", chat.temperature);
    put(&mut body, "top_p", chat.top_p);
    put(&mut body, "stop_sequences", (!chat.stop.is_empty()).then(|| json!(chat.stop)));
    let mut tools: Vec<Value> = chat
        .tools
        .iter()
        .map(|tool| {
            json!({"name": tool.name, "description": tool.description.as_deref().unwrap_or_default(),
            "input_schema": tool.parameters})
        })
        .collect();
    if let Format::Schema { schema, .. } = &chat.format {
        tools.push(json!({"name": FORM, "description": "Gives the answer.", "input_schema": schema}));
        put(&mut body, "tool_choice", Some(json!({"type": "tool", "name": FORM})));
    } else if !tools.is_empty() {
        put(&mut body, "tool_choice", Some(choice(&chat.choice)));
    }
    put(&mut body, "tools", (!tools.is_empty()).then_some(tools));
    put(&mut body, "stream", stream.then_some(true));
    let headers = vec![("x-api-key", key.to_owned()), ("anthropic-version", VERSION.to_owned())];
    Ok(Outgoing { path: "/messages".to_owned(), headers, body: Value::Object(body) })
}

/// What was said but for the task. What tools answer is the user's to say here, all of it in one message.
fn messages(said: &[Message]) -> Vec<Value> {
    let mut told: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in said {
        let mut parts = Vec::new();
        if let Some(call) = &message.answers {
            parts.push(json!({"type": "tool_result", "tool_use_id": call, "content": message.text}));
        } else if !message.text.is_empty() {
            parts.push(json!({"type": "text", "text": message.text}));
        }
        parts.extend(
            message
                .calls
                .iter()
                .map(|call| json!({"type": "tool_use", "id": call.id, "name": call.name, "input": arguments(call)})),
        );
        let role = match message.role {
            Role::System => continue,
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        match told.last_mut() {
            Some((last, known)) if *last == role => known.extend(parts),
            _ => told.push((role, parts)),
        }
    }
    told.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect()
}

fn choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!({ "type": "auto" }),
        ToolChoice::None => json!({ "type": "none" }),
        ToolChoice::Required => json!({ "type": "any" }),
        ToolChoice::Named(name) => json!({"type": "tool", "name": name}),
    }
}

pub fn reply(chat: &Chat, body: Value) -> Result<Reply, Malformed> {
    let parts = body["content"].as_array().ok_or_else(|| missing("content"))?;
    let (mut said, mut calls) = (String::new(), Vec::new());
    for part in parts {
        match part["type"].as_str() {
            Some("text") if is_form(chat) => {}
            Some("text") => said.push_str(part["text"].as_str().unwrap_or_default()),
            Some("tool_use") if is_form(chat) && part["name"] == FORM => said = part["input"].to_string(),
            Some("tool_use") => calls.push(ToolCall {
                id: text(&part["id"]),
                name: text(&part["name"]),
                arguments: part["input"].to_string(),
            }),
            _ => {}
        }
    }
    Ok(Reply {
        model: body["model"].as_str().map(str::to_owned),
        text: said,
        finish: finish(body["stop_reason"].as_str(), !calls.is_empty()),
        calls,
        tokens: tokens(&body["usage"]),
    })
}

fn is_form(chat: &Chat) -> bool {
    matches!(chat.format, Format::Schema { .. })
}

fn finish(reason: Option<&str>, calls: bool) -> Finish {
    match reason {
        Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
        Some("refusal") => Finish::Filtered,
        Some("tool_use") if calls => Finish::ToolCalls,
        _ => Finish::Stop,
    }
}

/// What was read from what is kept counts as sent, and so does what was put there.
fn tokens(usage: &Value) -> Option<Tokens> {
    let count = |name: &str| usage[name].as_u64().unwrap_or_default();
    let cached = count("cache_read_input_tokens");
    let input = usage["input_tokens"].as_u64()?.saturating_add(cached);
    Some(Tokens {
        input: input.saturating_add(count("cache_creation_input_tokens")),
        cached,
        output: count("output_tokens"),
    })
}

/// What is known of a stream.
#[derive(Debug)]
pub struct Streamed {
    is_form: bool,
    /// Where among its parts the calls are, in their order.
    calls: Vec<u64>,
    tokens: Tokens,
}

impl Streamed {
    pub fn new(chat: &Chat) -> Self {
        Self { is_form: is_form(chat), calls: Vec::new(), tokens: Tokens::default() }
    }

    pub fn read(&mut self, event: &Event) -> Result<Said, Malformed> {
        let told = data(event)?;
        let mut said = Said::default();
        match told["type"].as_str().unwrap_or_default() {
            "message_start" => {
                let message = &told["message"];
                said.deltas.extend(message["model"].as_str().map(|model| Delta::Model(model.to_owned())));
                self.tokens = tokens(&message["usage"]).unwrap_or_default();
                said.deltas.push(Delta::Tokens(self.tokens));
            }
            "content_block_start" if told["content_block"]["type"] == "tool_use" && !self.is_form => {
                let block = &told["content_block"];
                self.calls.push(told["index"].as_u64().unwrap_or_default());
                let call = ToolCall { id: text(&block["id"]), name: text(&block["name"]), arguments: String::new() };
                said.deltas.push(Delta::Call(self.calls.len() - 1, call));
            }
            "content_block_delta" => said.deltas.extend(self.delta(&told)),
            "message_delta" => {
                if let Some(output) = told["usage"]["output_tokens"].as_u64() {
                    self.tokens.output = output;
                    said.deltas.push(Delta::Tokens(self.tokens));
                }
                if let Some(reason) = told["delta"]["stop_reason"].as_str() {
                    said.deltas.push(Delta::Finish(finish(Some(reason), !self.calls.is_empty())));
                }
            }
            "message_stop" => said.is_end = true,
            "error" => return Ok(Said::error(&told["error"])),
            _ => {}
        }
        Ok(said)
    }

    fn delta(&self, told: &Value) -> Option<Delta> {
        let delta = &told["delta"];
        match delta["type"].as_str()? {
            // Beside the form a model may say what it thinks of it.
            "text_delta" if !self.is_form => Some(Delta::Text(text(&delta["text"]))),
            "input_json_delta" if self.is_form => Some(Delta::Text(text(&delta["partial_json"]))),
            "input_json_delta" => {
                let index = told["index"].as_u64()?;
                let place = self.calls.iter().position(|known| *known == index)?;
                Some(Delta::Call(place, ToolCall { arguments: text(&delta["partial_json"]), ..ToolCall::default() }))
            }
            _ => None,
        }
    }
}
