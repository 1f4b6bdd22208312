//! The lines that are printed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// Everything is prepared: from here on time counts.
pub fn begin(what: &str) -> Instant {
    println!("{}", json!({"begin": what}));
    Instant::now()
}

/// A measurement of `n` operations that began at a moment, with the latency of each in milliseconds where that means
/// something.
pub fn line(what: &str, n: u64, began: Instant, latencies: Vec<f64>) {
    print(what, n, began.elapsed().as_secs_f64(), latencies);
}

/// The same for a known time.
pub fn print(what: &str, n: u64, seconds: f64, mut latencies: Vec<f64>) {
    latencies.sort_by(f64::total_cmp);
    let at = |share: usize| latencies.get(latencies.len() * share / 100).map_or(Value::Null, |value| json!(value));
    let per_second = n as f64 / seconds;
    println!(
        "{}",
        json!({
            "system": concat!("pilothouse ", env!("CARGO_PKG_VERSION")), "what": what, "n": n, "seconds": seconds,
            "per_second": per_second, "p50_ms": at(50), "p99_ms": at(99), "rss_mb": rss_mb(),
        })
    );
}

/// Milliseconds since a moment.
pub fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

/// Megabytes of memory that this process holds.
fn rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}
