//! The process that the crash test kills: an engine that takes up what its predecessors left and starts runs of five
//! steps. It prints `ack RUN INPUT` once a run is accepted. Usage: `LOCATION EFFECTS FIRST COUNT`; each step appends
//! `RUN STEP ATTEMPT FENCE KEY` to the file EFFECTS, except for the fourth, which makes a tenant in the commit of its
//! entry. With COUNT 0 it only finishes what is there and ends by itself.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test helper that its test reads")]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use pilothouse_domain::audit::{Entry, Outcome};
use pilothouse_domain::run::Status;
use pilothouse_domain::{Clock, Ids, Micros, TenantId};
use pilothouse_engine::{Also, Done, Engine, Failure, Journal, Options, Registry, Request, Workflow};
use pilothouse_store::{Location, Store, runs, tenants};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Runs asked for side by side.
const IN_FLIGHT: u64 = 4;
/// Claims that a run may lose to crashes.
const ATTEMPTS: i64 = 1_000;
/// Short, so that a test sees many workers given up.
const LEASE: Duration = Duration::from_millis(500);
/// The pause before a wish is made again that was not answered.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// How long the last process may take for what is left.
const PATIENCE: Duration = Duration::from_secs(30);

struct System;

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "a whole process has the system's clock")]
    fn now(&self) -> Micros {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as Micros
    }
}

/// Ids from the process and a count, so that no two processes make the same.
#[derive(Default)]
struct Numbers(AtomicU64);

impl Ids for Numbers {
    fn uuid(&self, now: Micros) -> Uuid {
        let mut random = [0; 10];
        random[..4].copy_from_slice(&std::process::id().to_be_bytes());
        random[4..].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes()[2..]);
        uuid::Builder::from_unix_timestamp_millis((now / 1000) as u64, &random).into_uuid()
    }

    fn secret(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Adds, in four steps, 1, 10, 100 and 1000 to its input.
struct Sum {
    effects: File,
}

impl Sum {
    fn add(&self, journal: &Journal, name: &str, key: &str, to: u64, what: u64) -> Result<Done<u64>, Failure> {
        let (run, attempt, fence) = (journal.id(), journal.attempt(), journal.fence());
        // One write of one line: a kill leaves it whole or out.
        (&self.effects).write_all(format!("{run} {name} {attempt} {fence} {key}\n").as_bytes()).unwrap();
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
    let (first, count): (u64, u64) = (words[2].parse().unwrap(), words[3].parse().unwrap());
    let location = if words[0].starts_with("postgres:") {
        Location::Postgres { url: words[0].clone() }
    } else {
        Location::Sqlite { path: words[0].clone().into() }
    };
    let options = pilothouse_store::Options { postgres_connections: 6, ..Default::default() };
    let store = Store::open(&location, &options).await.unwrap();
    let tenant: TenantId = "acme".parse().unwrap();
    store.write(|tx| Box::pin(async { tenants::ensure(tx, &"acme".parse().unwrap(), "Acme", 1).await })).await.unwrap();
    let effects = OpenOptions::new().create(true).append(true).open(&words[1]).unwrap();
    let registry = Registry::default().with(Arc::new(Sum { effects }));
    let ids = Arc::new(Numbers::default());
    let engine =
        Engine::new(store.clone(), Arc::new(System), ids, registry, Options { lease: LEASE, ..Options::default() });
    let stop = CancellationToken::new();
    let (worker, stopped) = (engine.clone(), stop.clone());
    let work = tokio::spawn(async move { worker.work(stopped).await });
    if count == 0 {
        finish(&engine, &store, &tenant).await;
    } else {
        ask(&engine, &tenant, first, count).await;
    }
    stop.cancel();
    work.await.unwrap();
    store.close().await;
}

/// Waits for every run that has not ended.
async fn finish(engine: &Engine, store: &Store, tenant: &TenantId) {
    for status in [Status::Running, Status::Queued, Status::Waiting] {
        let owned = tenant.clone();
        let filter = runs::RunFilter { status: Some(status), limit: 1_000, ..Default::default() };
        let left = store.read(move |tx| Box::pin(async move { runs::list(tx, &owned, &filter).await })).await.unwrap();
        for run in left {
            let ended = engine.wait(tenant, run.id, PATIENCE).await.unwrap().unwrap();
            assert!(ended.status.is_final(), "{ended:?}");
        }
    }
}

/// Starts runs until `count` are started, a few at a time; each time one ends, the next begins.
async fn ask(engine: &Engine, tenant: &TenantId, first: u64, count: u64) {
    let next = Arc::new(AtomicU64::new(first));
    let askers = (0..IN_FLIGHT).map(|_| {
        let (engine, tenant, next) = (engine.clone(), tenant.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                let input = next.fetch_add(1, Ordering::Relaxed);
                if input >= first + count {
                    return;
                }
                // Under one key, so that a wish of which it is not known what became is made again without harm.
                let started = loop {
                    match engine.start(&tenant, request(input)).await {
                        Ok(started) => break started,
                        Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
                    }
                };
                println!("ack {} {input}", started.id);
                let _ = engine.wait(&tenant, started.id, PATIENCE).await;
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
