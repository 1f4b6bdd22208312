//! The responses of OpenAI. Nothing is kept there (`store` is false).

use pilothouse_domain::price::Tokens;
use serde_json::{Map, Value, json};

use super::{FORM, Malformed, Outgoing, Said, Unsupported, data, missing, openai, put, text};
use crate::chat::{Chat, Delta, Finish, Format, Message, Reply, Role, ToolCall, ToolChoice};
use crate::sse::Event;

/// Fewer tokens of an answer are refused.
const MIN_TOKENS: u64 = 16;

pub fn request(chat: &Chat, key: &str, stream: bool) -> Result<Outgoing, Unsupported> {
    let mut body = Map::new();
    put(&mut body, "model", Some(chat.model.as_str()));
    put(&mut body, "input", Some(chat.messages.iter().flat_map(items).collect::<Vec<_>>()));
    put(&mut body, "max_output_tokens", Some(chat.max_tokens.max(MIN_TOKENS)));
    put(&mut body, "temperature", chat.temperature);
    put(&mut body, "top_p", chat.top_p);
    put(&mut body, "store", Some(false));
    if !chat.stop.is_empty() {
        return Err(Unsupported("stop".to_owned()));
    }
    for (name, value) in &chat.extra {
        match name.as_str() {
            "reasoning_effort" => put(&mut body, "reasoning", Some(json!({ "effort": value }))),
            "parallel_tool_calls" | "prompt_cache_key" => put(&mut body, name, Some(value.clone())),
            _ => return Err(Unsupported(name.clone())),
        }
    }
    if !chat.tools.is_empty() {
        let tools = chat.tools.iter().map(|tool| {
            json!({"type": "function", "name": tool.name, "description": tool.description,
                "parameters": tool.parameters, "strict": tool.strict.unwrap_or(false)})
        });
        put(&mut body, "tools", Some(tools.collect::<Vec<_>>()));
        put(&mut body, "tool_choice", Some(choice(&chat.choice)));
    }
    let format = match &chat.format {
        Format::Text => None,
        Format::Json => Some(json!({ "type": "json_object" })),
        Format::Schema { name, schema } => {
            let name = if name.is_empty() { FORM } else { name };
            Some(json!({"type": "json_schema", "name": name, "schema": schema, "strict": true}))
        }
    };
    put(&mut body, "text", format.map(|format| json!({ "format": format })));
    put(&mut body, "stream", stream.then_some(true));
    Ok(Outgoing { path: "/responses".to_owned(), headers: openai::bearer(key), body: Value::Object(body) })
}

fn items(message: &Message) -> Vec<Value> {
    if message.role == Role::Tool {
        let call = message.answers.as_deref().unwrap_or_default();
        return vec![json!({"type": "function_call_output", "call_id": call, "output": message.text})];
    }
    let mut items = Vec::new();
    if !message.text.is_empty() || message.calls.is_empty() {
        items.push(json!({"role": message.role.as_str(), "content": message.text}));
    }
    items.extend(message.calls.iter().map(
        |call| json!({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}),
    ));
    items
}

fn choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => json!({"type": "function", "name": name}),
    }
}

pub fn reply(body: Value) -> Result<Reply, Malformed> {
    let items = body["output"].as_array().ok_or_else(|| missing("output"))?;
    let (mut said, mut calls) = (String::new(), Vec::new());
    for item in items {
        match item["type"].as_str() {
            Some("message") => {
                for part in item["content"].as_array().into_iter().flatten() {
                    said.push_str(part["text"].as_str().or(part["refusal"].as_str()).unwrap_or_default());
                }
            }
            Some("function_call") => calls.push(ToolCall {
                id: text(&item["call_id"]),
                name: text(&item["name"]),
                arguments: text(&item["arguments"]),
            }),
            _ => {}
        }
    }
    let finish = finish(&body, !calls.is_empty())?;
    if said.is_empty() && calls.is_empty() && finish == Finish::Stop {
        return Err(missing("message"));
    }
    Ok(Reply {
        model: body["model"].as_str().map(str::to_owned),
        text: said,
        finish,
        calls,
        tokens: tokens(&body["usage"]),
    })
}

fn finish(body: &Value, calls: bool) -> Result<Finish, Malformed> {
    match (body["status"].as_str(), body["incomplete_details"]["reason"].as_str()) {
        (Some("incomplete"), Some("content_filter")) => Ok(Finish::Filtered),
        (Some("incomplete"), _) => Ok(Finish::Length),
        (Some("completed"), _) => Ok(if calls { Finish::ToolCalls } else { Finish::Stop }),
        (status, _) => Err(Malformed(format!("its answer is {:?}", status.unwrap_or("without a status")))),
    }
}

fn tokens(usage: &Value) -> Option<Tokens> {
    Some(Tokens {
        input: usage["input_tokens"].as_u64()?,
        cached: usage["input_tokens_details"]["cached_tokens"].as_u64().unwrap_or_default(),
        output: usage["output_tokens"].as_u64()?,
    })
}

/// What is known of a stream: where among its parts the calls are.
#[derive(Debug, Default)]
pub struct Streamed {
    calls: Vec<u64>,
}

impl Streamed {
    pub fn read(&mut self, event: &Event) -> Result<Said, Malformed> {
        let told = data(event)?;
        let mut said = Said::default();
        match told["type"].as_str().unwrap_or(&event.name) {
            "response.output_text.delta" | "response.refusal.delta" => {
                said.deltas.push(Delta::Text(text(&told["delta"])));
            }
            "response.output_item.added" if told["item"]["type"] == "function_call" => {
                let item = &told["item"];
                let call = ToolCall { id: text(&item["call_id"]), name: text(&item["name"]), arguments: String::new() };
                said.deltas.push(Delta::Call(self.place(&told), call));
            }
            "response.function_call_arguments.delta" => {
                let call = ToolCall { arguments: text(&told["delta"]), ..ToolCall::default() };
                said.deltas.push(Delta::Call(self.place(&told), call));
            }
            "response.completed" | "response.incomplete" => {
                let response = &told["response"];
                said.deltas.extend(response["model"].as_str().map(|model| Delta::Model(model.to_owned())));
                said.deltas.extend(tokens(&response["usage"]).map(Delta::Tokens));
                said.deltas.push(Delta::Finish(finish(response, !self.calls.is_empty())?));
                said.is_end = true;
            }
            "response.failed" => return Ok(Said::error(&told["response"]["error"])),
            "error" => return Ok(Said::error(if told["error"].is_null() { &told } else { &told["error"] })),
            _ => {}
        }
        Ok(said)
    }

    fn place(&mut self, told: &Value) -> usize {
        let index = told["output_index"].as_u64().unwrap_or_default();
        self.calls.iter().position(|known| *known == index).unwrap_or_else(|| {
            self.calls.push(index);
            self.calls.len() - 1
        })
    }
}
