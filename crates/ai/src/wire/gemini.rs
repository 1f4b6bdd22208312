//! The Gemini API of Google.

use pilothouse_domain::price::Tokens;
use serde_json::{Map, Value, json};

use super::{Malformed, Outgoing, Said, Unsupported, arguments, data, missing, put, refuse_extra, text};
use crate::chat::{Chat, Delta, Finish, Format, Message, Reply, Role, ToolCall, ToolChoice};
use crate::sse::Event;

pub fn request(chat: &Chat, key: &str, stream: bool) -> Result<Outgoing, Unsupported> {
    refuse_extra(chat)?;
    let mut body = Map::new();
    let task = chat.task();
    put(&mut body, "systemInstruction", (!task.is_empty()).then(|| json!({"parts": [{"text": task}]})));
    put(&mut body, "contents", Some(contents(&chat.messages)));
    let mut settings = Map::new();
    put(&mut settings, "maxOutputTokens", Some(chat.max_tokens));
    put(&mut settings, "temperature", chat.temperature);
    put(&mut settings, "topP", chat.top_p);
    put(&mut settings, "stopSequences", (!chat.stop.is_empty()).then(|| json!(chat.stop)));
    put(&mut settings, "seed", chat.seed);
    let is_json = chat.format != Format::Text;
    put(&mut settings, "responseMimeType", is_json.then_some("application/json"));
    if let Format::Schema { schema, .. } = &chat.format {
        put(&mut settings, "responseJsonSchema", Some(schema.clone()));
    }
    put(&mut body, "generationConfig", Some(settings));
    if !chat.tools.is_empty() {
        let tools = chat.tools.iter().map(|tool| {
            json!({"name": tool.name, "description": tool.description.as_deref().unwrap_or_default(),
                "parametersJsonSchema": tool.parameters})
        });
        put(&mut body, "tools", Some(json!([{"functionDeclarations": tools.collect::<Vec<_>>()}])));
        put(&mut body, "toolConfig", Some(json!({ "functionCallingConfig": choice(&chat.choice) })));
    }
    let verb = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    let path = format!("/models/{}:{verb}", chat.model);
    Ok(Outgoing { path, headers: vec![("x-goog-api-key", key.to_owned())], body: Value::Object(body) })
}

fn contents(said: &[Message]) -> Vec<Value> {
    // A tool's answer names the tool here, and everywhere else the call.
    let name_of = |id: &str| {
        let calls = said.iter().flat_map(|message| &message.calls);
        calls.into_iter().find(|call| call.id == id).map_or(id, |call| call.name.as_str()).to_owned()
    };
    let one = |message: &Message| {
        let role = match message.role {
            Role::System => return None,
            Role::User | Role::Tool => "user",
            Role::Assistant => "model",
        };
        let mut parts = Vec::new();
        if let Some(call) = &message.answers {
            let answer = serde_json::from_str(&message.text).ok().filter(Value::is_object);
            let answer = answer.unwrap_or_else(|| json!({ "result": message.text }));
            parts.push(json!({"functionResponse": {"name": name_of(call), "response": answer}}));
        } else if !message.text.is_empty() || message.calls.is_empty() {
            parts.push(json!({ "text": message.text }));
        }
        let call = |call: &ToolCall| json!({"functionCall": {"name": call.name, "args": arguments(call)}});
        parts.extend(message.calls.iter().map(call));
        Some(json!({"role": role, "parts": parts}))
    };
    said.iter().filter_map(one).collect()
}

fn choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!({ "mode": "AUTO" }),
        ToolChoice::None => json!({ "mode": "NONE" }),
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Named(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
    }
}

pub fn reply(body: Value) -> Result<Reply, Malformed> {
    let mut stream = Streamed::default();
    let deltas = stream.told(&body);
    if !stream.has_ended() {
        return Err(missing("candidates"));
    }
    let model = body["modelVersion"].as_str().map(str::to_owned);
    let mut reply =
        Reply { model, text: String::new(), calls: Vec::new(), finish: Finish::Stop, tokens: tokens(&body) };
    for delta in deltas {
        match delta {
            Delta::Text(words) => reply.text.push_str(&words),
            Delta::Call(_, call) => reply.calls.push(call),
            Delta::Finish(finish) => reply.finish = finish,
            Delta::Model(_) | Delta::Tokens(_) => {}
        }
    }
    Ok(reply)
}

fn finish(reason: &str, calls: bool) -> Finish {
    match reason {
        "MAX_TOKENS" => Finish::Length,
        "STOP" if calls => Finish::ToolCalls,
        "STOP" => Finish::Stop,
        // Safety, recitation, a list of forbidden words and the like.
        _ => Finish::Filtered,
    }
}

fn tokens(body: &Value) -> Option<Tokens> {
    let usage = &body["usageMetadata"];
    let count = |name: &str| usage[name].as_u64().unwrap_or_default();
    Some(Tokens {
        input: usage["promptTokenCount"].as_u64()?,
        cached: count("cachedContentTokenCount"),
        output: count("candidatesTokenCount").saturating_add(count("thoughtsTokenCount")),
    })
}

/// What is known of a stream.
#[derive(Debug, Default)]
pub struct Streamed {
    model_is_known: bool,
    calls: usize,
    is_finished: bool,
}

impl Streamed {
    pub fn has_ended(&self) -> bool {
        self.is_finished
    }

    pub fn read(&mut self, event: &Event) -> Result<Said, Malformed> {
        let told = data(event)?;
        if !told["error"].is_null() {
            return Ok(Said::error(&told["error"]));
        }
        Ok(Said { deltas: self.told(&told), ..Said::default() })
    }

    fn told(&mut self, told: &Value) -> Vec<Delta> {
        let mut deltas = Vec::new();
        if let (false, Some(model)) = (self.model_is_known, told["modelVersion"].as_str()) {
            self.model_is_known = true;
            deltas.push(Delta::Model(model.to_owned()));
        }
        let first = &told["candidates"][0];
        for part in first["content"]["parts"].as_array().into_iter().flatten() {
            // What it thinks is not what it says.
            if part["thought"] == true {
                continue;
            }
            deltas.extend(part["text"].as_str().filter(|words| !words.is_empty()).map(|w| Delta::Text(w.to_owned())));
            if let Some(call) = part["functionCall"].as_object() {
                let name = text(&part["functionCall"]["name"]);
                let arguments = call.get("args").map_or_else(|| "{}".to_owned(), Value::to_string);
                let id = format!("call_{}_{name}", self.calls);
                deltas.push(Delta::Call(self.calls, ToolCall { id, name, arguments }));
                self.calls += 1;
            }
        }
        let held_back = told["promptFeedback"]["blockReason"].as_str();
        if let Some(reason) = first["finishReason"].as_str().or(held_back) {
            self.is_finished = true;
            deltas.push(Delta::Finish(finish(reason, self.calls > 0)));
        }
        deltas.extend(tokens(told).map(Delta::Tokens));
        deltas
    }
}
