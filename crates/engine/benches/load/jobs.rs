//! Jobs that do nothing, from a queue that was filled before.

use std::time::Duration;

use crate::args::Args;
use crate::report::{self, PATIENCE};
use crate::world::{self, Working};

/// Jobs that one worker process works on side by side.
const CONCURRENCY: usize = 2_048;

pub async fn measure(args: &Args) {
    let count = args.n(100_000);
    let store = world::store(&args.database).await;
    let (filling, _) = world::engine(&store, 0);
    world::fill(&filling, "job", count, world::tenant).await;
    let (engine, mut begun) = world::engine(&store, CONCURRENCY);
    let began = report::begin("jobs");
    let working = Working::begin(&engine);
    for _ in 0..count {
        tokio::time::timeout(PATIENCE, begun.recv()).await.expect("every job begins").unwrap();
    }
    while engine.running() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    report::line("jobs", count, began, Vec::new());
    working.end().await;
    store.close().await;
}
