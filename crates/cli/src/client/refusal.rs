//! A refusal or failure as the API tells it, in any of the bodies that its routes have.

use http::StatusCode;
use pilothouse_domain::Code;
use serde_json::Value;

/// What was answered instead of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The stable code, where the answer has one; one of a newer server may be unknown here.
    pub code: Option<String>,
    /// The reason for a person.
    pub message: String,
}

impl Refusal {
    /// One of this side's own.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code: Some(code.as_str().to_owned()), message: message.into() }
    }

    /// The refusal in an answer with this status and body.
    pub fn of(status: StatusCode, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let refusal = Self::in_body(&body);
        match refusal.message.is_empty() {
            true => Self { message: format!("the server answered {status}"), ..refusal },
            false => refusal,
        }
    }

    /// The refusal that a body or an event of the API holds.
    pub fn in_body(body: &Value) -> Self {
        let code = body["code"].as_str().map(str::to_owned);
        let message = match (&body["detail"], &body["error"]) {
            (Value::String(reason), _) | (_, Value::String(reason)) => reason.clone(),
            (Value::Array(fields), _) => {
                let cause = code.as_deref().and_then(Code::parse).map_or("", Code::cause);
                let wrong: Vec<String> = fields.iter().map(field).collect();
                format!("{cause} ({})", wrong.join("; ")).trim().to_owned()
            }
            _ => String::new(),
        };
        Self { code, message }
    }

    /// What to do about it, where this program knows the code.
    pub fn remedy(&self) -> Option<&'static str> {
        self.code.as_deref().and_then(Code::parse).map(Code::remedy)
    }
}

/// What is wrong with one field of a body.
fn field(wrong: &Value) -> String {
    let place = wrong["loc"].as_array().and_then(|place| place.last()?.as_str()).unwrap_or("body");
    format!("{place}: {}", wrong["msg"].as_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_body_of_the_api_is_read() {
        let read = |body: Value| Refusal::of(StatusCode::CONFLICT, body.to_string().as_bytes());
        let coded = |message: &str| Refusal::new(Code::QuestionEmpty, message);
        let code = "question.empty";
        assert_eq!(read(json!({"detail": "No.", "code": code, "title": "Conflict"})), coded("No."));
        assert_eq!(read(json!({"ok": false, "error": "No.", "code": code})), coded("No."));
        let fields = json!([{"loc": ["body", "message"], "msg": "Too short"}]);
        let expected = coded("The question holds no words. (message: Too short)");
        assert_eq!(read(json!({"detail": fields, "code": code})), expected);
        assert_eq!(expected.remedy(), Some("Ask something."));
    }

    #[test]
    fn what_no_server_of_ours_says_is_told_by_its_status() {
        let refusal = Refusal::of(StatusCode::BAD_GATEWAY, b"<html>");
        assert_eq!(refusal, Refusal { code: None, message: "the server answered 502 Bad Gateway".to_owned() });
        assert_eq!(Refusal::in_body(&json!({"code": "later.code", "detail": "New."})).remedy(), None);
    }
}
