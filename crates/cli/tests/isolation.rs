//! Queries in processes of their own: whatever one does to its process, it is one failed query, and everybody else goes on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pilothouse_domain::Code;
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::catalog::Catalog;
use pilothouse_warehouse::guard::{self, CheckedQuery, Policy};
use pilothouse_warehouse::{Call, Cancel, Engine, Error, Isolation, Limits, Settings, Source, Warehouse};
use serde_json::json;

/// Rows of the table `numbers`.
const ROWS: usize = 50_000;

struct Place {
    warehouse: Warehouse,
    engine: Arc<dyn Engine>,
    catalog: Catalog,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rows: String = (0..ROWS).map(|n| format!("{n},{},text {n} of many\n", n % 10)).collect();
        std::fs::write(folder.path().join("numbers.csv"), format!("n,k,t\n{rows}")).unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_pilothouse")).to_owned();
        let isolation = Isolation::Processes { program, arguments: vec!["query-worker".to_owned()] };
        let settings = Settings { allowed_roots: vec![folder.path().to_owned()], threads: 1, ..settings };
        let warehouse = Warehouse::new(settings, isolation);
        let cancel = Cancel::new();
        let call = call("tester", warehouse.profile_limits(), &cancel);
        let source = Source::Files { path: folder.path().to_owned() };
        let engine = warehouse.open(&source, &call).await.unwrap();
        let catalog = engine.profile(&call).await.unwrap();
        Self { warehouse, engine, catalog, _folder: folder }
    }

    fn check(&self, sql: &str) -> Result<CheckedQuery, Vec<guard::Reason>> {
        let (access, limits) = (guard::access::Access::open(), guard::Limits::default());
        let report = guard::check(sql, &Policy { catalog: &self.catalog, access: &access, limits: &limits });
        report.query.ok_or(report.reasons)
    }

    async fn run(&self, sql: &str, limits: Limits) -> Result<ResultSet, Error> {
        self.run_until(sql, limits, &Cancel::new()).await
    }

    async fn run_until(&self, sql: &str, limits: Limits, cancel: &Cancel) -> Result<ResultSet, Error> {
        self.engine.execute(&self.check(sql).unwrap(), &call("tester", limits, cancel)).await
    }

    async fn counts(&self) {
        let counted = self.run("SELECT count(*) FROM numbers", self.warehouse.limits()).await.unwrap();
        assert_eq!(counted.rows, [[json!(ROWS)]]);
    }
}

fn call<'a>(owner: &str, limits: Limits, cancel: &'a Cancel) -> Call<'a> {
    Call { owner: owner.into(), weight: 1, limits, cancel }
}

/// The processes that this one has started and that still run.
fn workers() -> BTreeSet<u32> {
    let own = std::process::id().to_string();
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let mut after_name = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        if after_name.next() != Some("Z") && after_name.next() == Some(own.as_str()) {
            found.insert(id);
        }
    }
    found
}

/// A query that no machine ends in time.
const ENDLESS: &str = "SELECT sum(levenshtein(a.t, b.t)) FROM numbers a JOIN numbers b ON a.k = b.k";
/// A query that needs more memory than any machine has, and cannot write it to disk.
const GREEDY: &str = "SELECT array_agg(a.t || b.t) FROM numbers a JOIN numbers b ON a.k = b.k";

#[tokio::test(flavor = "multi_thread")]
async fn results_are_those_of_the_engine_and_a_worker_is_used_again() {
    let place = Place::with(Settings::default()).await;
    let result = place.run("SELECT n, t FROM numbers ORDER BY n LIMIT 3", place.warehouse.limits()).await.unwrap();
    assert_eq!(result.rows[2], [json!(2), json!("text 2 of many")]);
    assert_eq!((result.truncated, result.rows_scanned), (false, Some(ROWS as u64)));
    let before = workers();
    for _ in 0..20 {
        place.counts().await;
    }
    assert_eq!(workers(), before);
    let few = Limits { max_rows: 7, ..place.warehouse.limits() };
    let cut = place.run("SELECT t FROM numbers", few).await.unwrap();
    assert_eq!((cut.rows.len(), cut.truncated), (7, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_is_one_failed_query_and_a_fresh_one_is_ready() {
    let place = Place::with(Settings::default()).await;
    for _ in 0..3 {
        place.counts().await;
        let killer = tokio::spawn(async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let killed = workers();
            for worker in &killed {
                let process = rustix::process::Pid::from_raw(worker.cast_signed()).unwrap();
                let _ = rustix::process::kill_process(process, rustix::process::Signal::ABORT);
            }
            while !workers().is_disjoint(&killed) {
                tokio::task::yield_now().await;
            }
        });
        let broken = place.run(ENDLESS, place.warehouse.limits()).await.unwrap_err();
        assert_eq!((broken.code, broken.retryable), (Code::QueryCrashed, false), "{broken}");
        killer.await.unwrap();
    }
    place.counts().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_takes_too_much_memory_is_stopped_and_says_so() {
    let place = Place::with(Settings { query_memory_mb: 300, ..Settings::default() }).await;
    let greedy = place.run(GREEDY, place.warehouse.limits()).await.unwrap_err();
    assert_eq!(greedy.code, Code::QueryMemory, "{greedy}");
    place.counts().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_or_late_is_gone_within_a_second() {
    let place = Place::with(Settings::default()).await;
    place.counts().await;
    let idle = workers();
    let brief = Limits { timeout: Duration::from_millis(300), ..place.warehouse.limits() };
    let late = place.run(ENDLESS, brief).await.unwrap_err();
    assert_eq!(late.code, Code::QueryTimeout);
    assert!(late.message.contains("0.3 seconds"), "{late}");
    let cancel = Cancel::new();
    let cancelling = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel();
        Instant::now()
    };
    let (stopped, cancelled_at) = tokio::join!(place.run_until(ENDLESS, place.warehouse.limits(), &cancel), cancelling);
    assert_eq!(stopped.unwrap_err().code, Code::RunCancelled);
    assert!(cancelled_at.elapsed() < Duration::from_secs(1), "its process has ended and been waited for");
    assert!(workers().is_disjoint(&idle), "neither of the two that were stopped is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spilled_is_removed_with_its_worker() {
    let place = Place::with(Settings { query_memory_mb: 128, ..Settings::default() }).await;
    let spilling = "SELECT a.t, b.t FROM numbers a JOIN numbers b ON a.k = b.k ORDER BY a.t || b.t, b.n";
    let brief = Limits { timeout: Duration::from_secs(5), ..place.warehouse.limits() };
    assert!(place.run(spilling, brief).await.is_err());
    let own = format!("pilothouse-query-{}-", std::process::id());
    let is_own = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(&own);
    let folder = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten().find(is_own).unwrap().path();
    let mode = std::os::unix::fs::PermissionsExt::mode(&folder.metadata().unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "nobody else may read what was spilled");
    assert_eq!(bytes_below(&folder), 0, "{}", folder.display());
    drop(place);
    assert!(!folder.exists());
}

fn bytes_below(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).unwrap().flatten();
    entries.map(|one| if one.path().is_dir() { bytes_below(&one.path()) } else { one.metadata().unwrap().len() }).sum()
}

/// Statements that kill or hang an engine that runs them as they are. The guard refuses some of them; what it lets through
/// is work that an analyst might ask for, and far too much of it.
fn killers() -> Vec<String> {
    let pair = "numbers a JOIN numbers b ON a.k = b.k";
    let doubling: Vec<String> =
        (1..=40).map(|n| format!("c{n} AS (SELECT * FROM c{0} UNION ALL SELECT * FROM c{0})", n - 1)).collect();
    let chain: Vec<String> = (1..12).map(|n| format!("JOIN numbers n{n} ON n{n}.k = n{}.k", n - 1)).collect();
    let either = |n: usize| (0..n).map(|m| format!("n = {m}")).collect::<Vec<_>>().join(" OR ");
    vec![
        ENDLESS.to_owned(),
        GREEDY.to_owned(),
        format!("SELECT string_agg(a.t || b.t, ',') FROM {pair}"),
        format!("SELECT count(DISTINCT a.t || b.t) FROM {pair}"),
        format!("SELECT a.t || b.t AS both, count(*) FROM {pair} GROUP BY both ORDER BY 2 LIMIT 3"),
        format!("SELECT a.t, b.t FROM {pair} ORDER BY b.t || a.t LIMIT 9000"),
        format!("SELECT sum(x) FROM (SELECT row_number() OVER (ORDER BY b.n, a.n) AS x FROM {pair}) q"),
        format!("SELECT median(a.n * b.n) FROM {pair}"),
        format!("SELECT count(*) FROM (SELECT DISTINCT a.t, b.t FROM {pair}) q"),
        format!("SELECT max(y) FROM (SELECT lag(a.t, 5) OVER (PARTITION BY b.n ORDER BY a.n) AS y FROM {pair}) q"),
        format!("SELECT count(*) FROM numbers n0 {}", chain.join(" ")),
        format!("WITH c0 AS (SELECT n FROM numbers), {} SELECT count(*) FROM c40", doubling.join(", ")),
        "SELECT count(*) FROM numbers a CROSS JOIN numbers b CROSS JOIN numbers c".to_owned(),
        "SELECT sum(value) FROM generate_series(1, 100000000000)".to_owned(),
        "SELECT length(repeat(t, 1000000000)) FROM numbers".to_owned(),
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r".to_owned(),
        format!("SELECT n FROM numbers WHERE {}", either(20_000)),
        format!("SELECT {}n{} FROM numbers", "(".repeat(3_000), ")".repeat(3_000)),
        format!("SELECT {} FROM numbers", vec!["n"; 20_000].join(" + ")),
        vec!["SELECT n FROM numbers"; 5_000].join(" UNION "),
        format!("SELECT a.k, array_agg(b.t ORDER BY b.t || a.t) FROM {pair} GROUP BY a.k"),
        format!("SELECT corr(a.n, b.n), count(DISTINCT a.n * 50000 + b.n) FROM {pair}"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_killers_one_after_the_other_do_not_disturb_another_tenant() {
    let settings = Settings { query_memory_mb: 400, query_workers: 2, ..Settings::default() };
    let place = Arc::new(Place::with(settings).await);
    let storm = {
        let place = place.clone();
        tokio::spawn(async move {
            let brief = Limits { timeout: Duration::from_secs(3), ..place.warehouse.limits() };
            let (mut refused, mut stopped, mut ended) = (0, 0, 0);
            for sql in killers() {
                let Ok(query) = place.check(&sql) else {
                    refused += 1;
                    continue;
                };
                match place.engine.execute(&query, &call("bad neighbour", brief, &Cancel::new())).await {
                    Ok(_) => ended += 1,
                    Err(error) => {
                        let expected = [Code::QueryMemory, Code::QueryTimeout, Code::QueryFailed];
                        assert!(expected.contains(&error.code), "{error}: {sql}");
                        stopped += 1;
                    }
                }
            }
            (refused, stopped, ended)
        })
    };
    let mut asked = 0;
    while !storm.is_finished() {
        place.counts().await;
        asked += 1;
    }
    let (refused, stopped, ended) = storm.await.unwrap();
    assert!(refused >= 8 && stopped >= 8 && ended <= 4, "{refused} refused, {stopped} stopped, {ended} ended");
    assert!(asked > 2 * stopped, "{asked} questions beside {stopped} queries that were stopped");
    assert!(workers().len() <= 2);
}
