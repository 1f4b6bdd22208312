//! What surrounds every route: request id, access rules for browsers, security headers, error bodies, metrics, log.

mod browser;
mod proxy;

pub use proxy::sender;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State as FromState};
use axum::http::header::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use pilothouse_domain::Code;

use crate::error::{self, Failure};
use crate::state::State;
use crate::telemetry;

/// The id of a request, taken from its `X-Request-Id` or made.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is taken from a client, in bytes.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// Nothing from elsewhere, nothing inline, no frames.
const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (HeaderName::from_static("content-security-policy"), CONTENT_POLICY),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("x-frame-options"), "DENY"),
    (HeaderName::from_static("referrer-policy"), "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Puts the surroundings around `routes`.
pub fn around(routes: Router<Arc<State>>, state: &Arc<State>) -> Router<Arc<State>> {
    routes.layer(from_fn_with_state(state.clone(), surround))
}

async fn surround(FromState(state): FromState<Arc<State>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&state, &request);
    let method = method_name(request.method().as_str());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = match browser::check(&state, &request) {
        Ok(()) => guarded(next, request).await,
        Err(failure) => failure.into_response(),
    };
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        count_refusal(&state, &failure, route.as_deref());
        response = error::render(&failure, route.as_deref(), &path, &id);
    }
    finish(&state, &mut response, &id);
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    let route = route.unwrap_or_else(|| "(none)".to_owned());
    tracing::info!(request_id = id, method, route, status, elapsed_us = elapsed.as_micros() as u64, "request");
    telemetry::request(method, route, status, elapsed);
    response
}

/// Runs the handler; a panic in it is one failed request.
async fn guarded(next: Next, request: Request) -> Response {
    let handled = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind().await;
    handled.unwrap_or_else(|_| {
        tracing::error!("a request handler panicked");
        Failure::new(Code::Internal, "The request met a fault of this program.").into_response()
    })
}

fn finish(state: &State, response: &mut Response, id: &str) {
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if state.settings.is_secure() {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(HeaderName::from_static("strict-transport-security"), value);
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
}

/// Refusals of callers who are not known, and of the limiter, are summed in the installation's audit chain; those of
/// known callers were written by the gate that refused them.
fn count_refusal(state: &State, failure: &Failure, route: Option<&str>) {
    let code = failure.0.code;
    let counted = matches!(
        code,
        Code::AuthRequired | Code::AuthInvalid | Code::CsrfMissing | Code::OriginForeign | Code::HostForeign
            | Code::RateLimited | Code::TenantForbidden | Code::TenantConflict | Code::RoleInvalid
    );
    if counted {
        state.app.refusals.count(code, crate::openapi::known_route(route));
    }
}

fn request_id(state: &State, request: &Request) -> String {
    let sent = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let usable = sent.filter(|id| {
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        plain && !id.is_empty() && id.len() <= MAX_REQUEST_ID_BYTES
    });
    usable.map_or_else(|| state.app.ids().uuid(state.app.clock().now()).simple().to_string(), str::to_owned)
}

/// The method as a label; methods that nobody serves are one label.
fn method_name(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"].into_iter().find(|known| *known == method).unwrap_or("OTHER")
}
