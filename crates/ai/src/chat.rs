//! What is asked of a model and what it answers, in the words of none of the providers.

use pilothouse_domain::price::Tokens;
use serde_json::{Map, Value};

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Whoever sets the task.
    System,
    /// Whoever asks.
    User,
    /// The model.
    Assistant,
    /// A tool that the model has called.
    Tool,
}

impl Role {
    /// Its name, as OpenAI writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// A model's wish to call a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// Its id, by which the tool's answer names it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it is given, as the text of a JSON object.
    pub arguments: String,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What.
    pub text: String,
    /// The tools that the model wishes to call.
    pub calls: Vec<ToolCall>,
    /// The call that a tool answers.
    pub answers: Option<String>,
}

impl Message {
    /// A message of words alone.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into(), calls: Vec::new(), answers: None }
    }
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The JSON schema of what it is given.
    pub parameters: Value,
    /// Whether the provider is to hold the model to the schema.
    pub strict: Option<bool>,
}

/// Which tools the model is to call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it likes.
    #[default]
    Auto,
    /// None.
    None,
    /// One of them.
    Required,
    /// This one.
    Named(String),
}

/// The form of the answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Format {
    /// Words.
    #[default]
    Text,
    /// Any JSON object.
    Json,
    /// JSON of this schema.
    Schema {
        /// The schema's name.
        name: String,
        /// It.
        schema: Value,
    },
}

/// What is asked of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Chat {
    /// The model, as its provider calls it.
    pub model: String,
    /// What was said so far.
    pub messages: Vec<Message>,
    /// The tools that it may call.
    pub tools: Vec<Tool>,
    /// Which it is to call.
    pub choice: ToolChoice,
    /// The form of the answer.
    pub format: Format,
    /// Most tokens of the answer.
    pub max_tokens: u64,
    /// How freely it answers, from 0.
    pub temperature: Option<f64>,
    /// The share of the likeliest tokens that it chooses from.
    pub top_p: Option<f64>,
    /// Where it is to stop.
    pub stop: Vec<String>,
    /// For answers that can be had again.
    pub seed: Option<i64>,
    /// More that only some providers understand; those that do not refuse it.
    pub extra: Map<String, Value>,
}

impl Chat {
    /// A question to a model, with its task.
    pub fn new(model: impl Into<String>, messages: Vec<Message>, max_tokens: u64) -> Self {
        Self {
            model: model.into(),
            messages,
            tools: Vec::new(),
            choice: ToolChoice::Auto,
            format: Format::Text,
            max_tokens,
            temperature: None,
            top_p: None,
            stop: Vec::new(),
            seed: None,
            extra: Map::new(),
        }
    }

    /// What whoever sets the task says, all of it.
    pub(crate) fn task(&self) -> String {
        let said = self.messages.iter().filter(|message| message.role == Role::System);
        said.map(|message| message.text.as_str()).collect::<Vec<_>>().join("\n\n")
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model had said all.
    Stop,
    /// It had no tokens left.
    Length,
    /// It wishes to call tools.
    ToolCalls,
    /// The provider held it back.
    Filtered,
}

impl Finish {
    /// The reason as the chat interface of OpenAI names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::Filtered => "content_filter",
        }
    }
}

/// What a model answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The model that answered, where the provider says so.
    pub model: Option<String>,
    /// What it says.
    pub text: String,
    /// The tools that it wishes to call.
    pub calls: Vec<ToolCall>,
    /// Why it ended.
    pub finish: Finish,
    /// The tokens that the provider counted.
    pub tokens: Option<Tokens>,
}

/// A part of an answer that comes bit by bit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    /// More words.
    Text(String),
    /// More of a call: its place among the calls, and what of it is new.
    Call(usize, ToolCall),
    /// The model that answers.
    Model(String),
    /// The tokens that the provider has counted so far.
    Tokens(Tokens),
    /// Why it ended.
    Finish(Finish),
}
