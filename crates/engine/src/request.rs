//! What is asked of the engine.

use pilothouse_domain::audit::Entry as AuditEntry;
use pilothouse_domain::{Micros, RunId};

/// A wish for a run. Made with [`Request::new`]; the other fields have a default.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which workflow.
    pub kind: &'static str,
    /// Who asks.
    pub subject: String,
    /// What the run is called in lists.
    pub title: String,
    /// The workflow's input, as JSON.
    pub input: String,
    /// The queue; the workflow's name by default.
    pub queue: String,
    /// What it shares with others that must not run beside it; empty where nothing.
    pub key: String,
    /// From -10 to 10; higher goes first.
    pub priority: i64,
    /// When it may begin at the earliest; at once by default.
    pub due_at: Option<Micros>,
    /// The conversation it belongs to, if any.
    pub conversation: Option<String>,
    /// Runs of one tenant and kind with the same key are the same run.
    pub idempotency_key: Option<String>,
    /// Tries before it is a dead letter; 1 by default.
    pub max_attempts: i64,
    /// How long one attempt may take, in milliseconds.
    pub time_limit_ms: Option<i64>,
    /// Most runs of its lane that may wait for a worker, this one included; none means any number.
    pub max_waiting: Option<u32>,
    /// What the audit log says of the wish; its resource becomes the run's id.
    pub audit: Option<AuditEntry>,
}

impl Request {
    /// A wish for a run of a workflow.
    pub fn new(kind: &'static str, subject: impl Into<String>, title: impl Into<String>, input: String) -> Self {
        Self {
            kind,
            subject: subject.into(),
            title: title.into(),
            input,
            queue: kind.to_owned(),
            key: String::new(),
            priority: 0,
            due_at: None,
            conversation: None,
            idempotency_key: None,
            max_attempts: 1,
            time_limit_ms: None,
            max_waiting: None,
            audit: None,
        }
    }
}

/// A run that is in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Its id.
    pub id: RunId,
    /// Whether it was there already, under the same idempotency key.
    pub existed: bool,
}
