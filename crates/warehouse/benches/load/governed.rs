//! What a governed query adds to the same SQL on the bare engine: the guard's check, the estimate, the way to the worker
//! process and back, and rows as JSON. Both sides run in turn, with the same threads and the same memory.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use pilothouse_domain::catalog::Catalog;
use pilothouse_testkit::processes::cpu_us;
use pilothouse_warehouse::guard::access::Access;
use pilothouse_warehouse::guard::{self, Policy};
use pilothouse_warehouse::{Call, Cancel, Engine, Isolation, Limits, Settings, Source, Warehouse};
use serde_json::json;

use crate::{WORKER, orders, quantile, report};

/// Memory of all workers together, in megabytes, and of one worker's queries, in bytes.
const MEMORY_MB: u64 = 16_384;
const WORKER_BYTES: usize = (MEMORY_MB as usize / 4) << 20;
const WORKERS: usize = 2;
/// A query that takes longer on the bare engine, in milliseconds, runs fewer times.
const SHORT_MS: f64 = 1_000.0;
/// Milliseconds on the bare engine that the runs of one short query may take together, and most of its runs.
const MS_OF_ONE: f64 = 4_000.0;
const MOST_RUNS: usize = 40;
/// One whose own time is next to nothing, so that what is added can be seen to the last percent.
const TINY: &str = "SELECT count(*) AS n FROM customers";
const TINY_RUNS: usize = 1_000;

/// `FOLDER QUERIES SHORT_RUNS LONG_RUNS`: the data is made in the folder if it is not there.
pub async fn measure(args: &[String]) {
    let folder = Path::new(&args[0]).join("orders");
    orders::make(&folder).await;
    let queries = std::fs::read_to_string(&args[1]).unwrap();
    let (short, long): (usize, usize) = (args[2].parse().unwrap(), args[3].parse().unwrap());
    let both = Both::over(&folder).await;
    both.compare("tiny", TINY, |_| TINY_RUNS).await;
    for (name, sql) in parts(&queries) {
        both.compare(name, sql, |bare_ms| if bare_ms < SHORT_MS { runs_of(bare_ms, short) } else { long }).await;
    }
}

/// How often a short query runs: the shorter it is the more often, since what it adds is lost in it the less. At least
/// `least` times, and as often in either order.
fn runs_of(bare_ms: f64, least: usize) -> usize {
    let affordable = (MS_OF_ONE / bare_ms) as usize;
    affordable.clamp(least, MOST_RUNS) & !1
}

/// The statements of the file, each under its name.
fn parts(text: &str) -> Vec<(&str, &str)> {
    let named = text.split("-- q").skip(1).filter_map(|part| part.split_once('\n'));
    named.map(|(name, sql)| (name.trim(), sql.trim().trim_end_matches(';'))).collect()
}

struct Both {
    bare: SessionContext,
    engine: Arc<dyn Engine>,
    catalog: Catalog,
    limits: Limits,
    _warehouse: Warehouse,
}

impl Both {
    async fn over(folder: &Path) -> Self {
        let pool = Arc::new(FairSpillPool::new(WORKER_BYTES));
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().unwrap();
        let bare = SessionContext::new_with_config_rt(SessionConfig::new(), runtime);
        for table in ["orders", "customers"] {
            let path = folder.join(format!("{table}.parquet"));
            bare.register_parquet(table, path.to_str().unwrap(), ParquetReadOptions::default()).await.unwrap();
        }
        let settings = Settings {
            allowed_roots: vec![folder.to_owned()],
            query_memory_mb: MEMORY_MB,
            query_workers: WORKERS,
            query_timeout_seconds: 600,
            ..Settings::default()
        };
        let isolation = Isolation::Processes { program: "/proc/self/exe".into(), arguments: vec![WORKER.to_owned()] };
        let warehouse = Warehouse::new(settings, isolation);
        let cancel = Cancel::new();
        let call = Call { owner: "bench".into(), weight: 1, limits: warehouse.profile_limits(), cancel: &cancel };
        let engine = warehouse.open(&Source::Files { path: folder.to_owned() }, &call).await.unwrap();
        let catalog = engine.profile(&call).await.unwrap();
        Self { bare, engine, catalog, limits: warehouse.limits(), _warehouse: warehouse }
    }

    async fn bare(&self, sql: &str) -> usize {
        let batches = self.bare.sql(sql).await.unwrap().collect().await.unwrap();
        batches.iter().map(|batch| batch.num_rows()).sum()
    }

    async fn governed(&self, sql: &str) -> usize {
        let (access, limits) = (Access::open(), guard::Limits::default());
        let report = guard::check(sql, &Policy { catalog: &self.catalog, access: &access, limits: &limits });
        let query = report.query.unwrap_or_else(|| panic!("{:?}", report.reasons));
        let cancel = Cancel::new();
        let call = Call { owner: "bench".into(), weight: 1, limits: self.limits, cancel: &cancel };
        self.engine.estimate(&query, &call).await.unwrap();
        self.engine.execute(&query, &call).await.unwrap().rows.len()
    }

    /// Runs the query on both sides, in turn, as often as its time on the bare engine says.
    async fn compare(&self, name: &str, sql: &str, runs: impl Fn(f64) -> usize) {
        assert_eq!(self.bare(sql).await, self.governed(sql).await, "{name}");
        let began = Instant::now();
        self.bare(sql).await;
        let runs = runs(ms(began.elapsed()));
        let mut sides = [Side::default(), Side::default()];
        for run in 0..runs {
            for turn in 0..2 {
                let side = (run + turn) % 2;
                let (cpu, began) = (cpu_ms(), Instant::now());
                if side == 0 {
                    self.bare(sql).await
                } else {
                    self.governed(sql).await
                };
                sides[side].wall_ms.push(ms(began.elapsed()));
                sides[side].cpu_ms.push(cpu_ms() - cpu);
            }
        }
        let [bare, governed] = &mut sides;
        let pairs: Vec<f64> = governed.wall_ms.iter().zip(&bare.wall_ms).map(|(ours, bare)| ours - bare).collect();
        // Whoever runs right after the other side is slower by up to a tenth. Two pairs in a row, in either order, even it out.
        let balanced: Vec<f64> = pairs.chunks_exact(2).map(|two| two.iter().sum::<f64>() / 2.0).collect();
        let mut added = pairs;
        report(&json!({
            "what": "governed", "query": name, "runs": runs, "added_p50_ms": quantile(&mut added, 0.5),
            "added_p99_ms": quantile(&mut added, 0.99), "bare_ms": quantile(&mut bare.wall_ms, 0.5),
            "governed_ms": quantile(&mut governed.wall_ms, 0.5), "bare_cpu_ms": quantile(&mut bare.cpu_ms, 0.5),
            "governed_cpu_ms": quantile(&mut governed.cpu_ms, 0.5), "added_ms": balanced,
        }));
    }
}

#[derive(Default)]
struct Side {
    wall_ms: Vec<f64>,
    cpu_ms: Vec<f64>,
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Milliseconds of CPU that this process and the workers it has started have used, in steps of ten.
fn cpu_ms() -> f64 {
    cpu_us(std::process::id()).unwrap() / 1000.0
}
