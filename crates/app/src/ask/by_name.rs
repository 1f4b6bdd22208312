//! Questions that are asked by starting the workflow by its name: from what a person gives it to the use case.

use pilothouse_domain::{Code, ConnectionId};
use pilothouse_engine::Started;
use serde_json::{Map, Value};

use super::{Asked, Question, ask_as};
use crate::runs::How;
use crate::{App, Caller, Error};

/// Starts answering `{"message", "connection_id"}`. Such a question belongs to no conversation.
pub(crate) async fn start(app: &App, caller: &Caller, input: &Value, how: How) -> Result<Started, Error> {
    let Some(fields) = input.as_object() else {
        let message =
            "Input should be an object with \"message\", and \"connection_id\" where it is not the default one";
        return Err(invalid(&["input"], "model_type", message, input));
    };
    if let Some((name, value)) = fields.iter().find(|(name, _)| !["message", "connection_id"].contains(&name.as_str()))
    {
        return Err(invalid(&["input", name], "extra_forbidden", "Extra inputs are not permitted", value));
    }
    let (text, connection) = (message(fields)?, connection(fields)?);
    let question = Question { text, connection, conversation: None, reading: None, confirm_cost: false };
    let Asked { id, existed, .. } = ask_as(app, caller, question, how).await.map_err(within_input)?;
    Ok(Started { id, existed })
}

fn message(fields: &Map<String, Value>) -> Result<String, Error> {
    const PLACE: [&str; 2] = ["input", "message"];
    match fields.get("message") {
        Some(Value::String(text)) => Ok(text.clone()),
        None | Some(Value::Null) => Err(invalid(&PLACE, "missing", "Field required", &Value::Null)),
        Some(other) => Err(invalid(&PLACE, "string_type", "Input should be a valid string", other)),
    }
}

fn connection(fields: &Map<String, Value>) -> Result<Option<ConnectionId>, Error> {
    let refuse = |sent: &Value| invalid(&["input", "connection_id"], "enum", "Input should be a connection's id", sent);
    match fields.get("connection_id") {
        None | Some(Value::Null) => Ok(None),
        Some(sent) => sent.as_str().and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| refuse(sent)),
    }
}

/// The question's own faults, where its words stand one level down in the body.
fn within_input(mut error: Error) -> Error {
    for field in &mut error.fields {
        field.location.insert(1.min(field.location.len()), "input".into());
    }
    error
}

fn invalid(place: &[&str], kind: &'static str, message: &str, sent: &Value) -> Error {
    Error::new(Code::BodyInvalid, format!("{}: {message}.", place.join("."))).at(place, kind, message, sent.clone())
}
