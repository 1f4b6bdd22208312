//! The measurements. Each prints the fields that `benches/peers/README.md` names.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pilothouse_domain::run::Status;
use pilothouse_engine::Engine;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::world;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// What to measure, and on what.
pub struct Args {
    pub database: String,
    pub values: HashMap<String, u64>,
}

impl Args {
    fn get(&self, name: &str, default: u64) -> u64 {
        self.values.get(name).copied().unwrap_or(default)
    }
}

/// Durable workflows of three steps, so many in flight.
pub async fn workflows(args: &Args) -> Value {
    let (count, in_flight) = (args.get("n", 20_000), args.get("in_flight", 128));
    let store = world::store(&args.database).await;
    let (engine, _) = world::engine(&store, in_flight as usize * 2);
    let working = Working::begin(&engine);
    let next = Arc::new(AtomicU64::new(0));
    let (began, cpu) = (Instant::now(), cpu_us());
    let askers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (engine, next) = (engine.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let tenant = world::tenant(number);
                    let id = engine.start(&tenant, world::request("steps", number)).await.unwrap().id;
                    let run = engine.wait(&tenant, id, PATIENCE).await.unwrap().unwrap();
                    assert_eq!(run.status, Status::Succeeded, "{run:?}");
                }
            })
        })
        .collect();
    for asker in askers {
        asker.await.unwrap();
    }
    let measured = report("workflows", count, began, cpu);
    working.end().await;
    store.close().await;
    measured
}

/// Jobs that do nothing, from a queue that was filled before.
pub async fn jobs(args: &Args) -> Value {
    let (count, concurrency) = (args.get("n", 100_000), args.get("concurrency", 512));
    let store = world::store(&args.database).await;
    let (filling, _) = world::engine(&store, 0);
    let filled = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let fillers: Vec<_> = (0..512)
        .map(|_| {
            let (engine, next) = (filling.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    engine.start(&world::tenant(number), world::request("job", number)).await.unwrap();
                }
            })
        })
        .collect();
    for filler in fillers {
        filler.await.unwrap();
    }
    let filled = filled.elapsed();
    let (engine, mut begun) = world::engine(&store, concurrency as usize);
    let (began, cpu) = (Instant::now(), cpu_us());
    let working = Working::begin(&engine);
    for _ in 0..count {
        tokio::time::timeout(PATIENCE, begun.recv()).await.expect("every job begins").unwrap();
    }
    while engine.running() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut measured = report("jobs", count, began, cpu);
    measured["enqueued_per_second"] = json!(count as f64 / filled.as_secs_f64());
    working.end().await;
    store.close().await;
    measured
}

/// From the call that starts a job to its first instruction, on an idle system.
pub async fn pickup(args: &Args) -> Value {
    let count = args.get("n", 300);
    let store = world::store(&args.database).await;
    let (engine, mut begun) = world::engine(&store, 16);
    let working = Working::begin(&engine);
    let mut waits = Vec::new();
    let (began, cpu) = (Instant::now(), cpu_us());
    for number in 0..count {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let asked = Instant::now();
        engine.start(&world::tenant(number), world::request("job", number)).await.unwrap();
        let at = tokio::time::timeout(PATIENCE, begun.recv()).await.expect("the job begins").unwrap();
        waits.push((at - asked).as_secs_f64() * 1_000.0);
    }
    let mut measured = report("pickup", count, began, cpu);
    waits.sort_by(f64::total_cmp);
    measured["p50_ms"] = json!(waits[waits.len() / 2]);
    measured["p99_ms"] = json!(waits[waits.len() * 99 / 100]);
    working.end().await;
    store.close().await;
    measured
}

/// An engine at work.
struct Working {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Working {
    fn begin(engine: &Engine) -> Self {
        let stop = CancellationToken::new();
        let (worker, stopped) = (engine.clone(), stop.clone());
        Self { stop, task: tokio::spawn(async move { worker.work(stopped).await }) }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

fn report(what: &str, count: u64, began: Instant, cpu_before: u64) -> Value {
    let seconds = began.elapsed().as_secs_f64();
    json!({
        "system": "pilothouse", "what": what, "n": count, "seconds": seconds, "per_second": count as f64 / seconds,
        "cpu_us_client": (cpu_us() - cpu_before) as f64 / count as f64, "rss_mb": rss_mb(),
    })
}

/// Microseconds of processor time that this process has used.
fn cpu_us() -> u64 {
    const TICKS_PER_SECOND: u64 = 100;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks * 1_000_000 / TICKS_PER_SECOND
}

/// Megabytes of memory that this process holds.
fn rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}
