//! An answer as every surface gives it: the original's four fields first, richer ones inside `data`.

use pilothouse_domain::Code;
use pilothouse_domain::run::Status;
use pilothouse_store::journal::EntryKind;
use pilothouse_store::runs::Run;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::plan::AskedFor;
use crate::{App, Error};

/// The kinds of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseType {
    /// Rows.
    QueryResult,
    /// A question back, with choices.
    Clarification,
    /// The question cannot be answered from the data, and why.
    Refused,
    /// The guard or a gate does not let the query run.
    Blocked,
    /// The query runs once somebody has agreed to it.
    ApprovalRequired,
    /// The question could not be worked on.
    Error,
    /// A step failed after every try.
    PartialFailure,
    /// The run goes on; its id tells where to look.
    Queued,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What kind it is.
    pub response_type: ResponseType,
    /// It, in a sentence.
    pub summary: String,
    /// It, in full; the fields depend on the kind.
    pub data: Value,
    /// What the reader should know besides.
    pub warnings: Vec<String>,
}

impl Answer {
    /// An answer without warnings.
    pub fn new(response_type: ResponseType, summary: impl Into<String>, data: Value) -> Self {
        Self { response_type, summary: summary.into(), data, warnings: Vec::new() }
    }
}

/// The step that asks for an approval.
pub(super) const ASKED_FOR: &str = "approver";

/// As [`answer_of`]; where the question waits for people, what it waits for.
pub async fn answer(app: &App, run: &Run) -> Result<Answer, Error> {
    if run.status != Status::Waiting {
        return Ok(answer_of(run));
    }
    let journal = app.engine.journal(&run.tenant, run.id).await?;
    let mut entries = journal.into_iter().flat_map(|(_, entries)| entries).rev();
    let asked = entries.find(|entry| entry.kind == EntryKind::Step && entry.name == ASKED_FOR);
    let asked = asked.and_then(|entry| serde_json::from_str::<AskedFor>(entry.output.as_deref()?).ok());
    Ok(asked.map_or_else(|| answer_of(run), |asked| asked.answer))
}

/// The answer that a run has come to, or that it has none yet.
pub fn answer_of(run: &Run) -> Answer {
    if let Some(output) = &run.output {
        return serde_json::from_str(output).unwrap_or_else(|_| {
            let errors = json!({"errors": ["The stored answer is of another version."]});
            Answer::new(ResponseType::Error, "The stored answer cannot be read.", errors)
        });
    }
    let message = run.error_message.clone().unwrap_or_default();
    match run.status {
        Status::Dead => {
            let data =
                json!({"step": "executor", "retry_count": run.attempt, "code": run.error_code, "errors": [message]});
            Answer::new(ResponseType::PartialFailure, "The question could not be finished after several tries.", data)
        }
        Status::Failed => {
            let data = json!({"errors": [message], "code": run.error_code});
            Answer::new(ResponseType::Error, message_or(run, "The question could not be answered."), data)
        }
        Status::Cancelled => {
            let data = json!({"errors": ["The question was cancelled."], "code": Code::RunCancelled});
            Answer::new(ResponseType::Error, "The question was cancelled.", data)
        }
        Status::Queued | Status::Running | Status::Waiting | Status::Succeeded => {
            let data = json!({
                "workflow_status": "queued", "queue_id": run.id, "queue_position": 1, "reason": "still_running",
                "message": "Request queued.", "run_id": run.id, "status": run.status,
            });
            Answer::new(ResponseType::Queued, "The question is still being worked on.", data)
        }
    }
}

fn message_or(run: &Run, otherwise: &str) -> String {
    run.error_message.clone().filter(|message| !message.is_empty()).unwrap_or_else(|| otherwise.to_owned())
}
