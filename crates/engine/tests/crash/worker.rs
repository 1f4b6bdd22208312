//! The process that the crash tests kill: an engine that takes up what others left. Usage: `LOCATION FOLDER LEASE_MS` and
//! then one of
//! - `ask FIRST`: it also starts runs of five steps, numbered from FIRST on, and prints `ack RUN INPUT` once a run is
//!   accepted and `refused CODE` where it was not, until its input ends or it is killed;
//! - `serve CONCURRENCY`: it prints `serving` and works until its input ends;
//! - `finish`: it only finishes what is there.
//!
//! Each of the five steps appends `RUN STEP ATTEMPT FENCE KEY` to the file `effects` in FOLDER, except for the fourth,
//! which makes a tenant in the commit of its entry. What spans tell is in the file `spans`.
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "a test helper that its test reads")]

mod span;
mod system;

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use pilothouse_domain::TenantId;
use pilothouse_domain::audit::{Entry, Outcome};
use pilothouse_domain::run::Status;
use pilothouse_engine::{Also, Done, Engine, Failure, Journal, Options, Registry, Request, Workflow};
use pilothouse_store::{Location, Store, runs, tenants};
use serde_json::{Value, json};
use span::{Lines, Span};
use system::{Numbers, System};
use tokio_util::sync::CancellationToken;

/// Runs asked for side by side.
const IN_FLIGHT: u64 = 4;
/// Claims that a run may lose to crashes.
const ATTEMPTS: i64 = 1_000;
/// The pause before a wish is made again that was not answered.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// How long is waited for a run until the next one is asked for all the same.
const GO_ON_AFTER: Duration = Duration::from_millis(500);
/// How long the last process may take for what is left.
const PATIENCE: Duration = Duration::from_secs(30);

/// Adds, in four steps, 1, 10, 100 and 1000 to its input.
struct Sum {
    effects: Lines,
}

impl Sum {
    fn add(&self, journal: &Journal, name: &str, key: &str, to: u64, what: u64) -> Result<Done<u64>, Failure> {
        let (run, attempt, fence) = (journal.id(), journal.attempt(), journal.fence());
        self.effects.add(&format!("{run} {name} {attempt} {fence} {key}"));
        Ok(Done { output: to + what, summary: name.to_owned() })
    }
}

#[async_trait]
impl Workflow for Sum {
    fn kind(&self) -> &'static str {
        "sum"
    }

    fn version(&self) -> i64 {
        1
    }

    async fn run(&self, journal: &Journal, input: Value) -> Result<Value, Failure> {
        let mut sum = input.as_u64().unwrap();
        for (name, what) in [("1", 1), ("2", 10), ("3", 100)] {
            let key = journal.idempotency_key(name);
            sum = journal.step(name, async { self.add(journal, name, &key, sum, what) }).await?;
        }
        // A second one would be refused, and end the run badly.
        let made = Done { output: sum + 1_000, summary: "4".to_owned() };
        sum = journal.transact("4", made, tenant_of(input.as_u64().unwrap())).await?;
        let key = journal.idempotency_key("5");
        Ok(json!(journal.last_step("5", async { self.add(journal, "5", &key, sum, 10_000) }).await?))
    }
}

/// Makes the tenant of a run.
fn tenant_of(input: u64) -> Also {
    Box::new(move |tx| {
        Box::pin(async move {
            let name = format!("made-{input}");
            let tenant = tenants::Tenant { id: name.parse().unwrap(), name, created_at: 1 };
            tenants::insert(tx, &tenant).await
        })
    })
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [location, folder, lease, verb, rest @ ..] = words.as_slice() else { panic!("too few words: {words:?}") };
    let location = if location.starts_with("postgres:") {
        Location::Postgres { url: (*location).to_owned() }
    } else {
        Location::Sqlite { path: location.into() }
    };
    let options = pilothouse_store::Options { postgres_connections: 6, ..Default::default() };
    let store = Store::open(&location, &options).await.unwrap();
    store.write(|tx| Box::pin(async { tenants::ensure(tx, &"acme".parse().unwrap(), "Acme", 1).await })).await.unwrap();
    let lines = |name: &str| Lines::open(&Path::new(folder).join(name));
    let registry = Registry::default()
        .with(Arc::new(Sum { effects: lines("effects") }))
        .with(Arc::new(Span { spans: lines("spans") }));
    // As in production: where several nodes share a database, they go by its clock.
    let options = Options {
        lease: Duration::from_millis(lease.parse().unwrap()),
        concurrency: if *verb == "serve" { rest[0].parse().unwrap() } else { Options::default().concurrency },
        database_clock: true,
        ..Options::default()
    };
    let engine = Engine::new(store.clone(), Arc::new(System), Arc::new(Numbers::default()), registry, options);
    let stop = CancellationToken::new();
    let (worker, stopped) = (engine.clone(), stop.clone());
    let work = tokio::spawn(async move { worker.work(stopped).await });
    let over = when_input_ends();
    match (*verb, rest) {
        ("ask", [first]) => ask(&engine, first.parse().unwrap(), &over).await,
        ("serve", _) => {
            println!("serving");
            over.cancelled().await;
        }
        ("finish", []) => finish(&engine, &store).await,
        _ => panic!("unknown words: {words:?}"),
    }
    stop.cancel();
    work.await.unwrap();
    store.close().await;
}

fn when_input_ends() -> CancellationToken {
    let over = CancellationToken::new();
    let tell = over.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        tell.cancel();
    });
    over
}

/// Waits for every run that has not ended.
async fn finish(engine: &Engine, store: &Store) {
    for tenant in store.read(|tx| Box::pin(tenants::list(tx))).await.unwrap() {
        for status in [Status::Running, Status::Queued, Status::Waiting] {
            let filter = runs::RunFilter { status: Some(status), limit: 1_000, ..Default::default() };
            let owned = tenant.id.clone();
            let left = store.read(move |tx| Box::pin(async move { runs::list(tx, &owned, &filter).await }));
            for run in left.await.unwrap() {
                let ended = engine.wait(&tenant.id, run.id, PATIENCE).await.unwrap().unwrap();
                assert!(ended.status.is_final(), "{ended:?}");
            }
        }
    }
}

/// Starts runs until it is over, a few at a time; each time one ends, the next begins.
async fn ask(engine: &Engine, first: u64, over: &CancellationToken) {
    let tenant: TenantId = "acme".parse().unwrap();
    let next = Arc::new(AtomicU64::new(first));
    let askers = (0..IN_FLIGHT).map(|_| {
        let (engine, tenant, next, over) = (engine.clone(), tenant.clone(), next.clone(), over.clone());
        tokio::spawn(async move {
            while !over.is_cancelled() {
                let input = next.fetch_add(1, Ordering::Relaxed);
                // Under one key, so that a wish of which it is not known what became is made again without harm.
                let started = loop {
                    match engine.start(&tenant, request(input)).await {
                        Ok(started) => break started,
                        Err(_) if over.is_cancelled() => return,
                        Err(error) => {
                            println!("refused {}", error.code());
                            tokio::time::sleep(AGAIN_AFTER).await;
                        }
                    }
                };
                println!("ack {} {input}", started.id);
                let _ = engine.wait(&tenant, started.id, GO_ON_AFTER).await;
            }
        })
    });
    for asker in askers.collect::<Vec<_>>() {
        asker.await.unwrap();
    }
}

fn request(input: u64) -> Request {
    Request {
        idempotency_key: Some(input.to_string()),
        max_attempts: ATTEMPTS,
        audit: Some(asked()),
        ..Request::new("sum", "ada", format!("sum {input}"), input.to_string())
    }
}

/// The audit row that comes with every run.
fn asked() -> Entry {
    Entry {
        scope: "acme".into(),
        at: 1,
        subject: "ada".into(),
        action: "run.start".into(),
        resource: String::new(),
        payload_hash: String::new(),
        outcome: Outcome::Allowed,
        code: String::new(),
        request_id: String::new(),
        count: 1,
    }
}
