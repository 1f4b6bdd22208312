//! How long a quiet tenant's job waits beside a tenant that has very many.

use std::time::{Duration, Instant};

use pilothouse_domain::TenantId;
use pilothouse_engine::Engine;

use crate::args::Args;
use crate::report::{self, PATIENCE};
use crate::world::{self, Working};

/// Jobs of 5 ms worked on side by side.
const CONCURRENCY: usize = 16;
/// The pause between two jobs of the quiet tenant.
const PAUSE: Duration = Duration::from_millis(40);

pub async fn measure(args: &Args) {
    let (samples, crowd) = if args.quick { (100, 20_000) } else { (300, 100_000) };
    let store = world::store(&args.database).await;
    let (engine, _) = world::engine(&store, CONCURRENCY);
    let working = Working::begin(&engine);
    go(&engine, 20).await;
    let began = report::begin("fairness_idle");
    report::line("fairness_idle", samples, began, go(&engine, samples).await);
    world::fill(&engine, "nap", crowd, |_| "tenant-1".parse().unwrap()).await;
    let began = report::begin("fairness_busy");
    report::line("fairness_busy", samples, began, go(&engine, samples).await);
    working.abandon();
}

async fn go(engine: &Engine, count: u64) -> Vec<f64> {
    let quiet: TenantId = "tenant-2".parse().unwrap();
    let mut latencies = Vec::new();
    for number in 0..count {
        tokio::time::sleep(PAUSE).await;
        let asked = Instant::now();
        let mut request = world::request("nap", number);
        request.audit = request.audit.map(|mut entry| {
            entry.scope = quiet.to_string();
            entry
        });
        let id = engine.start(&quiet, request).await.unwrap().id;
        engine.wait(&quiet, id, PATIENCE).await.unwrap();
        latencies.push(report::ms(asked));
    }
    latencies
}
