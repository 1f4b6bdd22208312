//! What requests leave behind for whoever watches the program: the names of all metrics with the recorder that keeps
//! them, and the span of a request in a trace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry_http::HeaderExtractor;
use pilothouse_domain::TRACE;
use pilothouse_store::queues::Depth;
use tracing::{Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Requests by method, route template and status, under the name that the original's dashboards use.
const COPILOT_REQUESTS: &str = "copilot_http_requests_total";
/// The same under the usual name.
const REQUESTS: &str = "http_requests_total";
/// How long requests took, in seconds.
const DURATION: &str = "http_request_duration_seconds";
/// Runs of each queue by state, over all tenants.
const DEPTH: &str = "pilothouse_queue_depth";
/// How long the first in line of each queue has been due, in seconds.
const OLDEST_WAIT: &str = "pilothouse_queue_oldest_wait_seconds";
/// Dead letters of each queue that nobody has discarded.
const DEAD_LETTERS: &str = "pilothouse_dead_letters";
/// Runs of each queue that wait for a worker, under the name that AutoDevOps' dashboards use.
const JOB_QUEUE_LENGTH: &str = "job_queue_length";
/// Schedules that should have been decided on by now.
const SCHEDULES_LATE: &str = "pilothouse_schedule_late";
/// Most queues with a label of their own; the others are one.
const MAX_QUEUES: usize = 100;
/// The label of the others.
const OTHER_QUEUES: &str = "other";
/// The header that names the caller's span, as W3C Trace Context has it.
const CALLERS_SPAN: &str = "traceparent";
/// Bounds of the duration's buckets, in seconds.
const BUCKETS: [f64; 11] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Bounds of the buckets of calls of models, in seconds.
const CALL_BUCKETS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// The recorder of this process; made at the first call.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(install).clone()
}

fn install() -> PrometheusHandle {
    let builder = PrometheusBuilder::new();
    let builder = builder.set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &BUCKETS).unwrap_or_default();
    let calls = Matcher::Full(pilothouse_app::gateway::telemetry::DURATION.to_owned());
    let builder = builder.set_buckets_for_metric(calls, &CALL_BUCKETS).unwrap_or_default();
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another metrics recorder is in place; /metrics stays empty");
    }
    describe_counter!(COPILOT_REQUESTS, "HTTP requests by method, route and status");
    describe_counter!(REQUESTS, "HTTP requests by method, route and status");
    describe_histogram!(DURATION, metrics::Unit::Seconds, "Time from request to answer");
    describe_gauge!(DEPTH, "Runs by queue and state");
    describe_gauge!(OLDEST_WAIT, metrics::Unit::Seconds, "How long the first in line of a queue has been due");
    describe_gauge!(DEAD_LETTERS, "Dead letters by queue");
    describe_gauge!(JOB_QUEUE_LENGTH, "Runs that wait for a worker, by queue");
    describe_gauge!(SCHEDULES_LATE, "Schedules that are overdue");
    pilothouse_app::gateway::telemetry::describe();
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

/// Notes how many schedules are overdue.
pub fn schedules(late: i64) {
    gauge!(SCHEDULES_LATE).set(late as f64);
}

/// Notes how deep the queues are, each with the seconds that its first in line has been due. A queue that has been
/// noted once stays, with zeros.
pub fn queues(queues: impl IntoIterator<Item = (String, Depth, f64)>) {
    static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut now: BTreeMap<String, (Depth, f64)> = BTreeMap::new();
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    now.extend(seen.iter().map(|name| (name.clone(), (Depth::default(), 0.0))));
    for (name, depth, waits) in queues {
        let has_label = seen.contains(&name) || seen.len() < MAX_QUEUES;
        let name = if has_label { name } else { OTHER_QUEUES.to_owned() };
        seen.insert(name.clone());
        let (sum, longest) = now.entry(name).or_default();
        sum.ready += depth.ready;
        sum.delayed += depth.delayed;
        sum.running += depth.running;
        sum.waiting += depth.waiting;
        sum.dead += depth.dead;
        *longest = longest.max(waits);
    }
    for (queue, (depth, waits)) in now {
        let states = [
            ("ready", depth.ready),
            ("delayed", depth.delayed),
            ("running", depth.running),
            ("waiting", depth.waiting),
        ];
        for (state, runs) in states {
            gauge!(DEPTH, "queue" => queue.clone(), "state" => state).set(runs as f64);
        }
        gauge!(OLDEST_WAIT, "queue" => queue.clone()).set(waits);
        gauge!(DEAD_LETTERS, "queue" => queue.clone()).set(depth.dead as f64);
        gauge!(JOB_QUEUE_LENGTH, "queue" => queue).set((depth.ready + depth.delayed) as f64);
    }
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
