//! The names of all metrics, and the recorder that keeps them.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{counter, describe_counter, describe_histogram, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Requests by method, route template and status, under the name that the original's dashboards use.
const COPILOT_REQUESTS: &str = "copilot_http_requests_total";
/// The same under the usual name.
const REQUESTS: &str = "http_requests_total";
/// How long requests took, in seconds.
const DURATION: &str = "http_request_duration_seconds";
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
