//! The body of a request as JSON: bounded, of the right content type, and with the place of a syntax error.

use std::sync::Arc;

use axum::body::{Bytes, HttpBody as _, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use pilothouse_app::{Error, Field};
use pilothouse_domain::Code;
use serde_json::{Map, Value, json};

use crate::error::Failure;
use crate::fields::Fields;
use crate::state::State;

/// A JSON body, read and parsed.
pub struct JsonBody(pub Fields);

impl FromRequest<Arc<State>> for JsonBody {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, Failure> {
        Ok(Self(Fields::of(read(request, state).await?)))
    }
}

/// A JSON body that is an object, for whoever reads its fields by its own rules.
pub struct JsonObject(pub Map<String, Value>);

impl FromRequest<Arc<State>> for JsonObject {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, Failure> {
        match read(request, state).await? {
            Value::Object(object) => Ok(Self(object)),
            other => Err(faults(Fields::of(other))),
        }
    }
}

async fn read(request: Request, state: &Arc<State>) -> Result<Value, Failure> {
    let declared = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = declared.split(';').next().unwrap_or("").trim();
    let is_json = media_type.eq_ignore_ascii_case("application/json") || media_type.ends_with("+json");
    // A form or plain text can be sent across sites without the browser asking first; JSON cannot.
    if !is_json {
        return Err(Failure::new(Code::BodyType, "A JSON body with Content-Type: application/json is needed."));
    }
    let most = state.settings.max_body_bytes;
    let too_large = || Failure::new(Code::BodyTooLarge, format!("The body is larger than {most} bytes."));
    let bytes = to_bytes(request.into_body(), most).await.map_err(|_| too_large())?;
    parse(&bytes)
}

/// A JSON body that may be absent: then it has no fields.
pub struct MaybeJson(pub Fields);

impl FromRequest<Arc<State>> for MaybeJson {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, Failure> {
        if !request.headers().contains_key(CONTENT_TYPE) && request.body().is_end_stream() {
            return Ok(Self(Fields::of(json!({}))));
        }
        let JsonBody(fields) = JsonBody::from_request(request, state).await?;
        Ok(Self(fields))
    }
}

/// A JSON body that is a list of objects.
pub struct JsonList(pub Vec<Fields>);

/// Most objects of such a list.
const MAX_LISTED: usize = 1_000;

impl FromRequest<Arc<State>> for JsonList {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, Failure> {
        match read(request, state).await? {
            Value::Array(items) if items.len() <= MAX_LISTED => {
                Ok(Self(items.into_iter().enumerate().map(|(index, item)| Fields::of_item(index, item)).collect()))
            }
            Value::Array(_) => {
                Err(Failure::new(Code::BodyInvalid, format!("The list has at most {MAX_LISTED} items.")))
            }
            other => {
                let mut fields = Fields::of(json!({}));
                fields.refuse(None, "list_type", "Input should be a valid list", other, None);
                Err(faults(fields))
            }
        }
    }
}

/// What is wrong with a body that is of another shape than it should be.
fn faults(fields: Fields) -> Failure {
    let unfit = || Error::new(Code::BodyInvalid, "The body is of another shape than it should be.");
    fields.finish().err().unwrap_or_else(unfit).into()
}

fn parse(bytes: &Bytes) -> Result<Value, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        let place = offset(bytes, error.line(), error.column());
        let reason = error.to_string();
        let reason = reason.split(" at line").next().unwrap_or("invalid").to_owned();
        let mut refused = Error::new(Code::BodyMalformed, format!("The body is not valid JSON: {reason}."));
        refused.fields.push(Field {
            location: vec!["body".into(), place.into()],
            kind: "json_invalid",
            message: "JSON decode error".into(),
            input: json!({}),
            context: Some(json!({ "error": reason })),
        });
        Failure(refused)
    })
}

/// The offset in bytes of a 1-based line and column.
fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let before: usize =
        bytes.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (before + column).saturating_sub(1).min(bytes.len())
}
