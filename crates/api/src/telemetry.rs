//! What requests leave behind for whoever watches the program: the names of all metrics with the recorder that keeps
//! them, and the span of a request in a trace.

use std::sync::OnceLock;
use std::time::Duration;

use axum::http::HeaderMap;
use metrics::{counter, describe_counter, describe_histogram, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry_http::HeaderExtractor;
use pilothouse_domain::TRACE;
use tracing::{Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Requests by method, route template and status, under the name that the original's dashboards use.
const COPILOT_REQUESTS: &str = "copilot_http_requests_total";
/// The same under the usual name.
const REQUESTS: &str = "http_requests_total";
/// How long requests took, in seconds.
const DURATION: &str = "http_request_duration_seconds";
/// The header that names the caller's span, as W3C Trace Context has it.
const CALLERS_SPAN: &str = "traceparent";
/// Bounds of the duration's buckets, in seconds.
const BUCKETS: [f64; 11] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The recorder of this process; made at the first call.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(install).clone()
}

fn install() -> PrometheusHandle {
    let builder = PrometheusBuilder::new();
    let builder = builder.set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &BUCKETS).unwrap_or_default();
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another metrics recorder is in place; /metrics stays empty");
    }
    describe_counter!(COPILOT_REQUESTS, "HTTP requests by method, route and status");
    describe_counter!(REQUESTS, "HTTP requests by method, route and status");
    describe_histogram!(DURATION, metrics::Unit::Seconds, "Time from request to answer");
    // A family that has never counted is absent from the text; dashboards and alerts want a zero instead.
    for name in [COPILOT_REQUESTS, REQUESTS] {
        counter!(name, "method" => "GET", "path" => "/health", "status" => "200").absolute(0);
    }
    let _ = histogram!(DURATION, "method" => "GET", "path" => "/health");
    handle
}

/// Counts one request. `path` is a route template, never what a client sent, so that labels stay few.
pub fn request(method: &'static str, path: String, status: u16, elapsed: Duration) {
    let status = status.to_string();
    for name in [COPILOT_REQUESTS, REQUESTS] {
        counter!(name, "method" => method, "path" => path.clone(), "status" => status.clone()).increment(1);
    }
    histogram!(DURATION, "method" => method, "path" => path).record(elapsed.as_secs_f64());
}

/// The span of one request, below the span that the caller's `traceparent` names. Every line that is logged on the way,
/// by whichever part of the program, carries its id.
pub fn span(method: &'static str, route: &str, request_id: &str, headers: &HeaderMap) -> Span {
    let span = tracing::error_span!(
        target: TRACE, "request", otel.name = format_args!("{method} {route}"), otel.kind = "server",
        otel.status_code = field::Empty, http.request.method = method, http.route = route,
        http.response.status_code = field::Empty, request_id,
    );
    if headers.contains_key(CALLERS_SPAN) {
        let caller = opentelemetry::global::get_text_map_propagator(|format| format.extract(&HeaderExtractor(headers)));
        // Fails only where traces are not exported.
        let _ = span.set_parent(caller);
    }
    span
}

/// Notes in a request's span how it ended. As the conventions for servers have it, only a fault of ours is an error.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}
