//! What the engine measured, in Prometheus' text format. The engine counts for itself, since it counts every run; here its
//! figures are only written down.

use std::fmt::{Display, Write as _};

use pilothouse_app::status::WorkerLoad;
use pilothouse_domain::clock::SECOND;
use pilothouse_engine::{Measured, Times};

/// How long runs were due before this process began them first, in seconds.
const RUN_WAIT: &str = "pilothouse_run_wait_seconds";
/// How long runs that ended in this process took from their first beginning on, in seconds.
const RUN_TIME: &str = "pilothouse_run_seconds";
/// Attempts that left this process, by how they did.
const ATTEMPTS: &str = "pilothouse_attempts_total";
/// Writes that were refused because the run was another worker's by then.
const FENCED: &str = "pilothouse_fenced_writes_total";
/// Processes that run queries.
const WORKERS: &str = "pilothouse_query_workers";
/// Queries that no process is free for.
const WAITING: &str = "pilothouse_queries_waiting";
/// What the processes at work have.
const MEMORY: &str = "pilothouse_query_memory_bytes";
/// Processes that ended with their query.
const LOST: &str = "pilothouse_query_workers_lost_total";

/// The families of everything that was measured.
pub fn families(measured: &Measured) -> String {
    let mut text = String::new();
    begin(&mut text, RUN_WAIT, "histogram", "How long runs were due before they began");
    for (queue, found) in &measured.queues {
        histogram(&mut text, RUN_WAIT, queue, &found.waits);
    }
    begin(&mut text, RUN_TIME, "histogram", "How long runs took from their first beginning to their end");
    for (queue, found) in &measured.queues {
        histogram(&mut text, RUN_TIME, queue, &found.runs);
    }
    begin(&mut text, ATTEMPTS, "counter", "Attempts at runs by how they left their worker");
    for (queue, found) in &measured.queues {
        for (outcome, count) in &found.attempts {
            line(&mut text, ATTEMPTS, &format!("queue=\"{}\",outcome=\"{outcome}\"", escaped(queue)), count);
        }
    }
    begin(&mut text, FENCED, "counter", "Writes refused because the run was another worker's");
    let _ = writeln!(text, "{FENCED} {}", measured.fenced_writes);
    text
}

/// The families of the workers that run queries.
pub fn query_workers(load: WorkerLoad) -> String {
    let mut text = String::new();
    begin(&mut text, WORKERS, "gauge", "Query workers by what they do");
    line(&mut text, WORKERS, "state=\"busy\"", load.busy);
    line(&mut text, WORKERS, "state=\"idle\"", load.idle);
    for (family, kind, help, value) in [
        (WAITING, "gauge", "Queries that wait for a worker", load.waiting),
        (MEMORY, "gauge", "Memory of the query workers at work, in bytes", load.resident_bytes),
        (LOST, "counter", "Query workers that were stopped or broke down", load.lost),
    ] {
        begin(&mut text, family, kind, help);
        let _ = writeln!(text, "{family} {value}");
    }
    text
}

// Writing to a string cannot fail.
fn begin(text: &mut String, family: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {family} {help}\n# TYPE {family} {kind}");
}

fn line(text: &mut String, name: &str, labels: &str, value: impl Display) {
    let _ = writeln!(text, "{name}{{{labels}}} {value}");
}

fn histogram(text: &mut String, family: &str, queue: &str, times: &Times) {
    let queue = format!("queue=\"{}\"", escaped(queue));
    let bucket = format!("{family}_bucket");
    for (bound, count) in &times.buckets {
        line(text, &bucket, &format!("{queue},le=\"{}\"", *bound as f64 / SECOND as f64), count);
    }
    line(text, &bucket, &format!("{queue},le=\"+Inf\""), times.count);
    line(text, &format!("{family}_sum"), &queue, times.sum_us as f64 / SECOND as f64);
    line(text, &format!("{family}_count"), &queue, times.count);
}

/// A label's value as the format wants it.
fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use pilothouse_engine::QueueMeasured;

    #[test]
    fn figures_are_written_as_they_are_read() {
        let times = Times { buckets: vec![(1_000, 1), (2_500_000, 3)], count: 4, sum_us: 7_250_000 };
        let queue = QueueMeasured { waits: times.clone(), runs: times, attempts: vec![("succeeded", 4)] };
        let queues = BTreeMap::from([("a\"b".to_owned(), queue)]);
        let text = families(&Measured { queues, fenced_writes: 2 });
        let workers = query_workers(WorkerLoad { busy: 2, idle: 1, waiting: 3, resident_bytes: 4096, lost: 5 });
        let text = text + &workers;
        for expected in [
            r#"pilothouse_query_workers{state="busy"} 2"#,
            "pilothouse_queries_waiting 3",
            "# TYPE pilothouse_query_workers_lost_total counter",
            "pilothouse_query_workers_lost_total 5",
            "# TYPE pilothouse_run_wait_seconds histogram",
            r#"pilothouse_run_wait_seconds_bucket{queue="a\"b",le="0.001"} 1"#,
            r#"pilothouse_run_wait_seconds_bucket{queue="a\"b",le="2.5"} 3"#,
            r#"pilothouse_run_wait_seconds_bucket{queue="a\"b",le="+Inf"} 4"#,
            r#"pilothouse_run_seconds_sum{queue="a\"b"} 7.25"#,
            r#"pilothouse_run_seconds_count{queue="a\"b"} 4"#,
            r#"pilothouse_attempts_total{queue="a\"b",outcome="succeeded"} 4"#,
            "pilothouse_fenced_writes_total 2",
        ] {
            assert!(text.lines().any(|line| line == expected), "{expected}: {text}");
        }
    }
}
