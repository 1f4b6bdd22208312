//! What a worker holds while many runs wait for a signal.

use std::time::Duration;

use pilothouse_domain::run::Status;
use pilothouse_engine::Backend as _;

use crate::args::Args;
use crate::report;
use crate::world::{self, Working};

/// Runs that wait.
const RUNS: u64 = 10_000;

pub async fn measure(args: &Args) {
    let store = world::store(&args.database).await;
    let (engine, _) = world::engine(&store, 64);
    let working = Working::begin(&engine);
    let began = report::begin("memory");
    world::fill(&engine, "wait", RUNS, world::tenant).await;
    loop {
        let depths = store.read(|tx| Box::pin(pilothouse_store::runs::depths(tx, None))).await.unwrap();
        let waiting: i64 =
            depths.iter().filter(|(_, status, _)| *status == Status::Waiting).map(|(_, _, runs)| runs).sum();
        if waiting == RUNS as i64 && engine.running() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(store.ready_lanes(None, 1).await.unwrap().is_empty());
    report::line("memory", RUNS, began, Vec::new());
    working.end().await;
    store.close().await;
}
