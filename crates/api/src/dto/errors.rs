//! The bodies of errors, for the OpenAPI document; `error` writes them.
#![expect(dead_code, reason = "these types are described, never made")]

use serde_json::Value;
use utoipa::ToSchema;

/// An error on the routes of the documents: the original's `detail`, with a code and the request's id.
#[derive(ToSchema)]
pub struct DetailError {
    /// The reason, or the list of fields that are wrong.
    detail: Detail,
    /// The stable code.
    code: String,
    /// The request's id.
    request_id: String,
}

/// An error on the unversioned routes of the operations document.
#[derive(ToSchema)]
pub struct OkError {
    /// `false`.
    ok: bool,
    /// The reason.
    error: String,
    /// The stable code.
    code: String,
    /// The request's id.
    request_id: String,
}

/// An error on the routes that OpenAI's clients call.
#[derive(ToSchema)]
pub struct OpenAiError {
    /// What is wrong.
    error: OpenAiFault,
}

/// What is wrong, as OpenAI's clients read it.
#[derive(ToSchema)]
pub struct OpenAiFault {
    /// The reason.
    message: String,
    /// What kind of error it is, for instance `invalid_request_error`.
    r#type: String,
    /// The field that is wrong.
    #[schema(required)]
    param: Option<String>,
    /// The stable code.
    code: String,
}

/// What an error says.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum Detail {
    /// A sentence.
    Text(String),
    /// The fields that are wrong.
    Fields(Vec<FieldError>),
}

/// What is wrong with one field.
#[derive(ToSchema)]
pub struct FieldError {
    /// A stable word for the fault.
    #[serde(rename = "type")]
    kind: String,
    /// Where it is: names, and places in lists or texts.
    loc: Vec<Value>,
    /// The fault in words.
    msg: String,
    /// What was sent.
    input: Value,
    /// Figures that belong to the fault.
    ctx: Option<Value>,
}

/// An error on every other route: problem details as RFC 9457 has them, with a code and the request's id.
#[derive(ToSchema)]
pub struct ProblemDetails {
    /// An address that names the code.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// The reason.
    detail: String,
    /// The stable code.
    code: String,
    /// The request's id.
    request_id: String,
    /// What to do about it.
    remedy: String,
    /// The fields that are wrong, where the fault is in the body.
    errors: Option<Vec<FieldError>>,
    /// The line that is wrong, where the fault is in a document.
    line: Option<u64>,
}
