//! How providers speak: what a [`Chat`] is on their wire, and what their answers are in our words. Pure: nothing is sent here.
//!
//! Read first: [`Wire`], then `openai`, which most providers speak or imitate.

mod anthropic;
mod gemini;
mod openai;
mod responses;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::chat::{Chat, Delta, Reply, ToolCall};
use crate::sse::Event;

/// The name under which an answer's form is told to providers that want one.
const FORM: &str = "answer";
/// Most characters of a provider's own words that are passed on.
const MAX_WORDS: usize = 300;

/// A provider's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// The chat completions of OpenAI.
    OpenAi,
    /// The same, as many others imitate it.
    Compatible,
    /// The responses of OpenAI.
    Responses,
    /// The messages of Anthropic.
    Anthropic,
    /// The Gemini API of Google.
    Gemini,
}

impl Wire {
    /// Every language.
    pub const ALL: [Self; 5] = [Self::OpenAi, Self::Compatible, Self::Responses, Self::Anthropic, Self::Gemini];

    /// The language as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Compatible => "openai_compatible",
            Self::Responses => "openai_responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// The language with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wire| wire.as_str() == text)
    }

    /// Where those who made it answer; of those who imitate it everybody has their own address.
    pub fn base_url(self) -> Option<&'static str> {
        match self {
            Self::OpenAi | Self::Responses => Some("https://api.openai.com/v1"),
            Self::Compatible => None,
            Self::Anthropic => Some("https://api.anthropic.com/v1"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1beta"),
        }
    }

    /// The request that asks `chat`, with the answer whole or as a stream.
    ///
    /// # Errors
    /// [`Unsupported`] where something is asked that this provider does not understand.
    pub fn request(self, chat: &Chat, key: &str, stream: bool) -> Result<Outgoing, Unsupported> {
        match self {
            Self::OpenAi | Self::Compatible => Ok(openai::request(chat, key, stream, self == Self::OpenAi)),
            Self::Responses => responses::request(chat, key, stream),
            Self::Anthropic => anthropic::request(chat, key, stream),
            Self::Gemini => gemini::request(chat, key, stream),
        }
    }

    /// What a whole answer says.
    ///
    /// # Errors
    /// [`Malformed`] where it is not of this language.
    pub fn reply(self, chat: &Chat, body: &[u8]) -> Result<Reply, Malformed> {
        match self {
            Self::OpenAi | Self::Compatible => openai::reply(read(body)?),
            Self::Responses => responses::reply(read(body)?),
            Self::Anthropic => anthropic::reply(chat, read(body)?),
            Self::Gemini => gemini::reply(read(body)?),
        }
    }

    /// A reader of an answer that comes as a stream.
    pub fn stream(self, chat: &Chat) -> Stream {
        match self {
            Self::OpenAi | Self::Compatible => Stream::OpenAi(openai::Streamed::default()),
            Self::Responses => Stream::Responses(responses::Streamed::default()),
            Self::Anthropic => Stream::Anthropic(anthropic::Streamed::new(chat)),
            Self::Gemini => Stream::Gemini(gemini::Streamed::default()),
        }
    }
}

/// A request as it goes out.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Behind the provider's address.
    pub path: String,
    /// Names and values; one of them holds the key.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent.
    pub body: Value,
}

/// That a provider does not understand what was asked of it; the parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this provider does not understand {0:?}")]
pub struct Unsupported(pub String);

/// That an answer is not what the provider's documents promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// What an event of a stream says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What is new.
    pub deltas: Vec<Delta>,
    /// Whether that was all.
    pub is_end: bool,
    /// What went wrong, in the provider's words, where it broke off by itself.
    pub error: Option<String>,
}

impl Said {
    fn error(words: &Value) -> Self {
        Self { error: Some(brief(words["message"].as_str().unwrap_or("no reason given"))), ..Self::default() }
    }
}

/// Reads the events of one answer.
#[derive(Debug)]
pub enum Stream {
    /// See [`Wire::OpenAi`].
    OpenAi(openai::Streamed),
    /// See [`Wire::Responses`].
    Responses(responses::Streamed),
    /// See [`Wire::Anthropic`].
    Anthropic(anthropic::Streamed),
    /// See [`Wire::Gemini`].
    Gemini(gemini::Streamed),
}

impl Stream {
    /// What the next event says.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn read(&mut self, event: &Event) -> Result<Said, Malformed> {
        match self {
            Self::OpenAi(stream) => stream.read(event),
            Self::Responses(stream) => stream.read(event),
            Self::Anthropic(stream) => stream.read(event),
            Self::Gemini(stream) => stream.read(event),
        }
    }

    /// Whether the answer may end here, where its stream just ends.
    pub fn may_end(&self) -> bool {
        match self {
            // It says nothing else at its end.
            Self::Gemini(stream) => stream.has_ended(),
            Self::OpenAi(stream) => stream.has_ended(),
            Self::Responses(_) | Self::Anthropic(_) => false,
        }
    }
}

/// What a provider says of a request that it refuses, shortened.
pub fn refusal(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: Value,
    }
    let told = serde_json::from_slice::<Refusal>(body).ok().map(|refusal| refusal.error);
    let words = told.as_ref().and_then(|error| error["message"].as_str().or(error.as_str()));
    brief(words.unwrap_or("It gives no reason."))
}

/// Words that are short enough to pass on, without what breaks lines.
fn brief(words: &str) -> String {
    let clean: String = words.chars().map(|char| if char.is_control() { ' ' } else { char }).take(MAX_WORDS).collect();
    clean.trim().to_owned()
}

fn read(body: &[u8]) -> Result<Value, Malformed> {
    serde_json::from_slice(body).map_err(|_| Malformed("its answer is not JSON".to_owned()))
}

fn data(event: &Event) -> Result<Value, Malformed> {
    serde_json::from_str(&event.data).map_err(|_| Malformed("an event of its stream is not JSON".to_owned()))
}

fn missing(what: &str) -> Malformed {
    Malformed(format!("its answer has no {what}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Puts a value in where there is one.
fn put(body: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        body.insert(name.to_owned(), value.into());
    }
}

/// The arguments of a call as an object; those that are none are given as they are, under a name.
fn arguments(call: &ToolCall) -> Value {
    match serde_json::from_str(&call.arguments) {
        Ok(object @ Value::Object(_)) => object,
        _ if call.arguments.trim().is_empty() => json!({}),
        _ => json!({ "arguments": call.arguments }),
    }
}

fn refuse_extra(chat: &Chat) -> Result<(), Unsupported> {
    chat.extra.keys().next().map_or(Ok(()), |name| Err(Unsupported(name.clone())))
}

#[cfg(test)]
mod tests;
