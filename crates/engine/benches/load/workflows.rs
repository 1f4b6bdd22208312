//! Durable workflows of three steps, so many in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use pilothouse_domain::run::Status;
use pilothouse_engine::Engine;

use crate::args::Args;
use crate::report::{self, PATIENCE};
use crate::world::{self, Working};

pub async fn measure(args: &Args) {
    let (count, in_flight) = (args.n(20_000), args.in_flight(128));
    let store = world::store(&args.database).await;
    let (engine, _) = world::engine(&store, in_flight as usize * 2);
    let working = Working::begin(&engine);
    go(&engine, in_flight * 4, in_flight).await;
    let began = report::begin("workflows");
    let latencies = go(&engine, count, in_flight).await;
    report::line("workflows", count, began, latencies);
    working.end().await;
    store.close().await;
}

async fn go(engine: &Engine, count: u64, in_flight: u64) -> Vec<f64> {
    let next = Arc::new(AtomicU64::new(0));
    let askers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (engine, next) = (engine.clone(), next.clone());
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return latencies;
                    }
                    let (asked, tenant) = (Instant::now(), world::tenant(number));
                    let id = engine.start(&tenant, world::request("steps", number)).await.unwrap().id;
                    let run = engine.wait(&tenant, id, PATIENCE).await.unwrap().unwrap();
                    assert_eq!(run.status, Status::Succeeded, "{run:?}");
                    latencies.push(report::ms(asked));
                }
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for asker in askers {
        latencies.extend(asker.await.unwrap());
    }
    latencies
}
