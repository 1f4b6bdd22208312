//! What surrounds every route: request id, access rules for browsers, security headers, error bodies, metrics, log.

mod browser;
mod proxy;

pub use proxy::sender;

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State as FromState};
use axum::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use pilothouse_app::{Caller, audit};
use pilothouse_domain::Code;
use tower_http::cors::CorsLayer;
use tracing::Instrument;

use crate::error::{self, Failure};
use crate::state::State;
use crate::telemetry;

/// The id of a request, taken from its `X-Request-Id` or made.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Who turned out to be calling, told by the extractors to the surroundings of the request.
#[derive(Debug, Clone, Default)]
pub struct KnownCaller(Arc<OnceLock<Caller>>);

impl KnownCaller {
    /// Notes the caller; the first one noted stays.
    pub fn set(&self, caller: Caller) {
        self.0.get_or_init(|| caller);
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What an address that no route serves is called in logs, metrics and traces.
const NO_ROUTE: &str = "(none)";
/// Longest request id that is taken from a client, in bytes.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// The headers that the pages of other origins may send.
const ALLOWED_HEADERS: [HeaderName; 8] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    HeaderName::from_static("x-dash-key"),
    HeaderName::from_static("x-tenant"),
    HeaderName::from_static("x-tenant-id"),
    HeaderName::from_static("x-user-role"),
    HeaderName::from_static("last-event-id"),
    REQUEST_ID,
];

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
    let routes = match cors(state) {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    routes.layer(from_fn_with_state(state.clone(), surround))
}

/// What lets the pages of the listed origins read answers; none where no origin is listed. They send tokens, never our
/// cookie, so credentials are not allowed.
fn cors(state: &State) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = state.settings.allowed_origins.iter().filter_map(|o| o.parse().ok()).collect();
    let layer = CorsLayer::new()
        .allow_origin(origins.clone())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(ALLOWED_HEADERS)
        .expose_headers([REQUEST_ID]);
    (!origins.is_empty()).then_some(layer)
}

async fn surround(FromState(state): FromState<Arc<State>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&state, &request);
    let method = method_name(request.method().as_str());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let path = request.uri().path().to_owned();
    let span = telemetry::span(method, route.as_deref().unwrap_or(NO_ROUTE), &id, request.headers());
    let known = KnownCaller::default();
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(known.clone());
    let mut response = match browser::check(&state, &request) {
        Ok(()) => guarded(next, request).instrument(span.clone()).await,
        Err(failure) => failure.into_response(),
    };
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        note_refusal(&state, &failure, &known, method, route.as_deref()).await;
        let allow = response.headers_mut().remove(ALLOW);
        response = error::render(&failure, route.as_deref(), &path, &id);
        // Only the router knows which methods an address has.
        if let Some(allow) = allow {
            response.headers_mut().insert(ALLOW, allow);
        }
    }
    finish(&state, &mut response, &id);
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    telemetry::answered(&span, status);
    let route = route.unwrap_or_else(|| NO_ROUTE.to_owned());
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

/// Writes down who was refused what. Callers who are not known, and those whom the limiter holds back, are summed in
/// the installation's audit chain; the refusal of a known caller is a row in its own tenant's.
async fn note_refusal(state: &State, failure: &Failure, known: &KnownCaller, method: &str, route: Option<&str>) {
    let (error, route) = (&failure.0, crate::openapi::known_route(route));
    match known.0.get() {
        _ if error.code == Code::RateLimited => state.app.refusals.count(error.code, route),
        Some(caller) => {
            let is_change = !matches!(method, "GET" | "HEAD" | "OPTIONS");
            let hidden = is_change && error::status(error.code) == StatusCode::NOT_FOUND;
            if error.audited || !(hidden || error::status(error.code) == StatusCode::FORBIDDEN) {
                return;
            }
            if let Err(error) = audit::refused(&state.app, caller, method, route, failure.0.code).await {
                tracing::error!(code = error.code.as_str(), "a refusal could not be written to the audit log: {error}");
            }
        }
        None => {
            let counted = matches!(
                error.code,
                Code::AuthRequired
                    | Code::AuthInvalid
                    | Code::OriginForeign
                    | Code::HostForeign
                    | Code::TenantConflict
                    | Code::TenantMismatch
                    | Code::RoleInvalid
            );
            if counted && !error.audited {
                state.app.refusals.count(error.code, route);
            }
        }
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
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("OTHER")
}
