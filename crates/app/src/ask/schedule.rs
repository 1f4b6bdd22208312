//! Questions that a schedule asks: from what a person says of one to the workflow's input, and back.

use pilothouse_domain::{ConnectionId, ScheduleId};
use serde_json::{Map, Value, json};

use super::{Input, MAX_ATTEMPTS, TITLE_CHARS, check_words};
use crate::schedules::{Work, invalid};
use crate::{App, Caller, Error, connections};

/// What the runs of the schedule `id` are given. They act for the caller, with the role it has now, and stand in a
/// conversation of their own, so that none follows up on another.
pub(crate) async fn scheduled(app: &App, caller: &Caller, id: ScheduleId, said: &Value) -> Result<Work, Error> {
    let Some(fields) = said.as_object() else {
        let message = "Input should be an object with \"question\", and \"connection\" where it is not the default one";
        return Err(invalid(&["input"], "model_type", message, said.clone()));
    };
    if let Some((name, value)) = fields.iter().find(|(name, _)| !["question", "connection"].contains(&name.as_str())) {
        return Err(invalid(&["input", name], "extra_forbidden", "Extra inputs are not permitted", value.clone()));
    }
    let question = question(app, fields)?;
    let connection = connection(app, caller, fields.get("connection")).await?;
    let input = Input {
        connection,
        question: question.to_owned(),
        conversation: Some(id.to_string()),
        role: caller.principal.role,
        request_id: caller.request_id.clone(),
        picked: None,
        settled: None,
        confirm_cost: false,
    };
    let title = question.chars().take(TITLE_CHARS).collect();
    let input = serde_json::to_string(&input)
        .map_err(|_| invalid(&["input"], "model_type", "The question cannot be stored", said.clone()))?;
    Ok(Work { input, title, max_attempts: MAX_ATTEMPTS })
}

/// What a person said, of the input that came of it; null where it is of another version.
pub(crate) fn said(input: &str) -> Value {
    let input: Option<Input> = serde_json::from_str(input).ok();
    input.map_or(Value::Null, |input| json!({"connection": input.connection, "question": input.question}))
}

fn question<'a>(app: &App, fields: &'a Map<String, Value>) -> Result<&'a str, Error> {
    const PLACE: [&str; 2] = ["input", "question"];
    let sent = fields.get("question").cloned().unwrap_or_default();
    let question = match fields.get("question") {
        Some(Value::String(question)) => question,
        None | Some(Value::Null) => return Err(invalid(&PLACE, "missing", "Field required", sent)),
        Some(_) => return Err(invalid(&PLACE, "string_type", "Input should be a valid string", sent)),
    };
    check_words(app, question).map_err(|error| {
        let kind = error.fields.first().map_or("value_error", |field| field.kind);
        invalid(&PLACE, kind, error.message.trim_end_matches('.'), sent)
    })?;
    Ok(question)
}

async fn connection(app: &App, caller: &Caller, sent: Option<&Value>) -> Result<ConnectionId, Error> {
    const PLACE: [&str; 2] = ["input", "connection"];
    let unknown = |sent: &Value| invalid(&PLACE, "value_error", "The tenant has no such connection", sent.clone());
    match sent {
        None | Some(Value::Null) => connections::default_for(app, caller).await,
        Some(sent) => {
            let id = sent.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| unknown(sent))?;
            match connections::get(app, caller, id).await {
                Ok(connection) => Ok(connection.id),
                Err(error) if error.code == pilothouse_domain::Code::ConnectionUnknown => Err(unknown(sent)),
                Err(error) => Err(error),
            }
        }
    }
}
