//! What goes wrong, over HTTP: one table from code to status, and the three bodies that clients know.
//!
//! A handler returns a [`Failure`]; which body it gets depends on the route, and is decided in one place ([`render`]):
//! routes of the documents keep the original's, our own answer RFC 9457 problem details.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use pilothouse_app::{Error, Field};
use pilothouse_domain::Code;
use serde_json::{Value, json};

use crate::dto::openai;

/// An error on its way out. The body is written by [`render`], which knows the route.
#[derive(Debug, Clone)]
pub struct Failure(pub Error);

impl Failure {
    /// An error with a code and a sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Error::new(code, message))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = status(self.0.code).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The status of each code. This is the only such table.
pub fn status(code: Code) -> StatusCode {
    match code {
        Code::AuthRequired | Code::AuthInvalid => StatusCode::UNAUTHORIZED,
        Code::CsrfMissing
        | Code::OriginForeign
        | Code::HostForeign
        | Code::RoleInsufficient
        | Code::TenantMismatch
        | Code::TenantForbidden
        | Code::ConnectionReadOnly
        | Code::ApprovalOwn
        | Code::PolicyDenied
        | Code::PathForbidden
        | Code::AddressForbidden => StatusCode::FORBIDDEN,
        Code::RoleMissing
        | Code::RoleInvalid
        | Code::TenantMissing
        | Code::TenantInvalid
        | Code::TenantConflict
        | Code::FieldRequired
        | Code::TriageUnfit
        | Code::WorkflowUnsupported => StatusCode::BAD_REQUEST,
        Code::NotFound
        | Code::ConnectionUnknown
        | Code::RunUnknown
        | Code::PreviewUnknown
        | Code::DelegationUnknown
        | Code::LimitUnknown
        | Code::AiModelUnknown
        | Code::PromptUnknown
        | Code::ApprovalUnknown
        | Code::ScheduleUnknown
        | Code::QueueUnknown
        | Code::TokenUnknown
        | Code::TenantUnknown => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::BodyTooLarge | Code::RunTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::BodyType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::TenantExists
        | Code::ScheduleExists
        | Code::ConnectionExists
        | Code::RunFinished
        | Code::RunCancelled
        | Code::RunActive
        | Code::RunDiscarded
        | Code::RunNotWaiting
        | Code::ApprovalClosed
        | Code::ApprovalVoid
        | Code::ApprovalRequired
        | Code::RulesChanged
        | Code::PromptChanged
        | Code::BudgetExceeded
        | Code::AiUnpriced
        | Code::BulkTooOld => StatusCode::CONFLICT,
        Code::BodyMalformed
        | Code::BodyInvalid
        | Code::QueryInvalid
        | Code::SemanticInvalid
        | Code::PolicyInvalid
        | Code::RulesInvalid
        | Code::PromptInvalid
        | Code::AiBlocked
        | Code::AiRefused
        | Code::AiOutputInvalid
        | Code::QuestionEmpty
        | Code::QuestionTooLong
        | Code::ChoiceUnknown
        | Code::WorkflowUnknown
        | Code::ScheduleInvalid
        | Code::QueryUnfit
        | Code::SqlBlocked
        | Code::SqlInvalid
        | Code::QueryTooExpensive
        | Code::FileUnreadable
        | Code::ConnectionFailed
        | Code::ConnectionRefused
        | Code::ConnectionChanged
        | Code::QueryFailed
        | Code::QueryMemory
        | Code::QueryCrashed
        | Code::QueryTimeout => StatusCode::UNPROCESSABLE_ENTITY,
        Code::RateLimited | Code::AiBudgetExceeded => StatusCode::TOO_MANY_REQUESTS,
        Code::Overloaded
        | Code::Unavailable
        | Code::AiUnconfigured
        | Code::AiUnavailable
        | Code::StorageLocked
        | Code::StorageReadOnly => StatusCode::SERVICE_UNAVAILABLE,
        Code::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        Code::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        Code::StorageNewer
        | Code::RunInterrupted
        | Code::RunTimedOut
        | Code::WorkflowVersion
        | Code::CredentialsUnreadable
        | Code::ConfigInvalid
        | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The status of a code as a number, for the documentation.
pub fn status_of(code: Code) -> u16 {
    status(code).as_u16()
}

/// Which body a route's errors have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `{"detail": …}`: the routes of the documents that come from FastAPI.
    Detail,
    /// `{"ok": false, "error": …}`: the unversioned routes of the operations document.
    OkError,
    /// `{"error": {"message": …}}`: the routes that OpenAI's clients call.
    OpenAi,
    /// RFC 9457.
    Problem,
}

/// Routes of the documents, whose errors keep the original's body. Unknown addresses count to them too, since clients
/// of the originals expect `{"detail": "Not Found"}`.
const DETAIL_ROUTES: [&str; 25] = [
    "/api/v1/agent/run",
    "/api/v1/executions/reconcile",
    "/api/v1/executions/{run_id}/cancel",
    "/api/v1/executions/{run_id}/retry",
    "/api/v1/health/live",
    "/api/v1/health/ready",
    "/api/v1/queries/approve-run",
    "/api/v1/queries/preview",
    "/api/v1/tenants/{tenant}/health",
    "/api/v1/workflows/dead-letters",
    "/api/v1/workflows/queue",
    "/api/v1/workflows/retry",
    "/api/v1/workflows/runs",
    "/api/v1/workflows/{workflow_id}/cancel",
    "/api/v2/ai/gateway/complete",
    "/api/v2/billing/summary",
    "/api/v2/build/approvals",
    "/api/v2/build/approvals/{job_name}",
    "/api/v2/build/approvals/{job_name}/{plan_hash}",
    "/health",
    "/jobs",
    "/jobs/queue/stats",
    "/jobs/{id}",
    "/jobs/{id}/logs",
    "/ready",
];

/// Routes of the operations document.
const OK_ROUTES: [&str; 4] = ["/api/job/{id}", "/api/job/{id}/retry", "/api/jobs/stuck", "/api/scheduler/status"];

/// Routes that OpenAI's clients call.
const OPENAI_ROUTES: [&str; 2] = ["/v1/chat/completions", "/v1/models"];

/// The body of the errors of a route template, for the documentation: content type, schema, and what it is.
pub fn body_of(route: &str) -> (&'static str, &'static str, &'static str) {
    match shape(Some(route), route) {
        Shape::Detail => ("application/json", "DetailError", "An error, in the original's shape."),
        Shape::OkError => ("application/json", "OkError", "An error, in the original's shape."),
        Shape::OpenAi => ("application/json", "OpenAiError", "An error, as OpenAI's clients read it."),
        Shape::Problem => ("application/problem+json", "ProblemDetails", "An error (RFC 9457)."),
    }
}

fn shape(route: Option<&str>, path: &str) -> Shape {
    match route {
        Some(route) if DETAIL_ROUTES.contains(&route) => Shape::Detail,
        Some(route) if OK_ROUTES.contains(&route) => Shape::OkError,
        Some(route) if OPENAI_ROUTES.contains(&route) => Shape::OpenAi,
        Some(_) => Shape::Problem,
        None if path.starts_with("/api/") && !path.starts_with("/api/v") => Shape::OkError,
        None => Shape::Detail,
    }
}

/// The body of an error, for a request to `path` that the route template `route` took (none: no route did).
pub fn render(failure: &Failure, route: Option<&str>, path: &str, request_id: &str) -> Response {
    let error = &failure.0;
    let status = status(error.code);
    let (mut body, content_type) = match shape(route, path) {
        Shape::Detail => (detail(error, request_id), "application/json"),
        Shape::OkError => {
            let body = json!({"ok": false, "error": error.message, "code": error.code, "request_id": request_id});
            (body, "application/json")
        }
        Shape::OpenAi => (openai::error(error, status.as_u16()), "application/json"),
        Shape::Problem => (problem(error, status, request_id), "application/problem+json"),
    };
    for (name, value) in &error.details {
        body[*name] = value.clone();
    }
    let mut response = (status, Body::from(body.to_string())).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(seconds) = error.retry_after_seconds.or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(1)) {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn detail(error: &Error, request_id: &str) -> Value {
    let detail = match (error.fields.is_empty(), error.code) {
        (false, _) => error.fields.iter().map(field).collect(),
        (true, Code::NotFound) => "Not Found".into(),
        (true, Code::MethodNotAllowed) => "Method Not Allowed".into(),
        (true, Code::AuthRequired | Code::AuthInvalid) => "Unauthorized".into(),
        (true, Code::Internal) => "Internal Server Error".into(),
        (true, _) => Value::from(error.message.as_str()),
    };
    json!({"detail": detail, "code": error.code, "request_id": request_id})
}

fn problem(error: &Error, status: StatusCode, request_id: &str) -> Value {
    let mut body = json!({
        "type": format!("https://pilothouse.invalid/errors#{}", error.code),
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": if error.code == Code::Internal { "A fault of this program." } else { &error.message },
        "code": error.code,
        "request_id": request_id,
        "remedy": error.code.remedy(),
    });
    if !error.fields.is_empty() {
        body["errors"] = error.fields.iter().map(field).collect();
        // A document that is refused at one line is shown with that line marked.
        if let Some(line) = error.fields.iter().find_map(|field| field.context.as_ref()?.get("line")) {
            body["line"] = line.clone();
        }
    }
    body
}

fn field(field: &Field) -> Value {
    let mut value = json!({"type": field.kind, "loc": field.location, "msg": field.message, "input": field.input});
    if let Some(context) = &field.context {
        value["ctx"] = context.clone();
    }
    value
}

/// The answer where the route has other methods.
pub async fn wrong_method() -> Failure {
    Failure::new(Code::MethodNotAllowed, "Method Not Allowed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_error_status() {
        for code in Code::ALL {
            assert!(status(*code).is_client_error() || status(*code).is_server_error(), "{code}");
        }
    }

    #[test]
    fn the_route_decides_the_body() {
        assert_eq!(shape(Some("/api/v1/agent/run"), "/api/v1/agent/run"), Shape::Detail);
        assert_eq!(shape(Some("/api/v1/runs"), "/api/v1/runs"), Shape::Problem);
        assert_eq!(shape(Some("/api/jobs/stuck"), "/api/jobs/stuck"), Shape::OkError);
        assert_eq!(shape(None, "/api/jobs/nope"), Shape::OkError);
        assert_eq!(shape(None, "/nope"), Shape::Detail);
    }
}
