//! What goes over the wire: the shapes of requests and answers, and how ours become them. Times are RFC 3339 in UTC.
//! These types are what the OpenAPI document is made of.

mod accounts;
pub mod ai;
pub mod answers;
pub mod approvals;
pub mod autodevops;
pub mod autopilot;
pub mod budgets;
pub mod bulk;
mod connections;
pub mod errors;
pub mod health;
pub mod openai;
pub mod operations;
pub mod platform;
pub mod prompts;
pub mod queries;
pub mod queues;
pub mod requests;
mod runs;
pub mod schedules;
pub mod sql;
pub mod triage;

pub use accounts::{AuditDto, AuditProofDto, NewTokenDto, TenantDto, TokenDto};
pub use connections::{CatalogDto, ConnectionDto};
pub use queues::{QueueDto, WorkerDto};
pub use runs::{LogDto, RunDetailDto, RunDto};

use pilothouse_domain::Micros;
use pilothouse_domain::clock::rfc3339;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A list that is complete.
#[derive(Serialize, ToSchema)]
pub struct List<T> {
    /// The things.
    pub items: Vec<T>,
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    /// The things.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A stable code and the reason in words.
#[derive(Serialize, ToSchema)]
pub struct Problem {
    /// The stable code.
    pub code: String,
    /// The reason for a person.
    pub message: String,
}

impl Problem {
    fn of(code: Option<String>, message: Option<String>) -> Option<Self> {
        code.map(|code| Self { code, message: message.unwrap_or_default() })
    }
}

/// A time that may be absent.
pub fn time(at: Option<Micros>) -> Option<String> {
    at.map(rfc3339)
}

fn json_or_null(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// The word that an enumeration without fields is written as.
pub fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
