//! From the call that starts a job to its first instruction, on an idle system.

use std::time::{Duration, Instant};

use crate::args::Args;
use crate::report::{self, PATIENCE};
use crate::world::{self, Working};

/// The pause between two jobs.
const PAUSE: Duration = Duration::from_millis(10);
/// Jobs before the measured ones.
const WARM: u64 = 20;

pub async fn measure(args: &Args) {
    let count = args.n(500);
    let store = world::store(&args.database).await;
    let (engine, mut begun) = world::engine(&store, 16);
    let working = Working::begin(&engine);
    let mut latencies = Vec::new();
    let mut began = Instant::now();
    for number in 0..count + WARM {
        if number == WARM {
            began = report::begin("pickup");
            latencies.clear();
        }
        tokio::time::sleep(PAUSE).await;
        let asked = Instant::now();
        engine.start(&world::tenant(number), world::request("job", number)).await.unwrap();
        let at = tokio::time::timeout(PATIENCE, begun.recv()).await.expect("the job begins").unwrap();
        latencies.push((at - asked).as_secs_f64() * 1_000.0);
    }
    report::line("pickup", count, began, latencies);
    working.end().await;
    store.close().await;
}
