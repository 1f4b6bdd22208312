//! What a measurement stands on: a clock, ids, a database with tenants and limits, and workflows that do nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use pilothouse_domain::audit::{Entry, Outcome};
use pilothouse_domain::{Clock, Ids, Micros, TenantId};
use pilothouse_engine::{Done, Engine, Failure, Journal, Options, Registry, Request, Workflow};
use pilothouse_store::runs::Limits;
use pilothouse_store::{Location, Store, queues, tenants};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a job of the fairness measurement takes.
const NAP: Duration = Duration::from_millis(5);
/// Callers that fill a queue side by side.
const FILLERS: u64 = 512;

/// The system's clock.
pub struct System;

impl Clock for System {
    fn now(&self) -> Micros {
        #[expect(clippy::disallowed_methods, reason = "the edge of a program of its own")]
        let now = SystemTime::now();
        now.duration_since(UNIX_EPOCH).unwrap().as_micros() as Micros
    }
}

/// Ids in the order of their making.
#[derive(Default)]
pub struct Numbers(AtomicU64);

impl Ids for Numbers {
    fn uuid(&self, now: Micros) -> Uuid {
        let mut random = [0; 10];
        random[..2].copy_from_slice(&std::process::id().to_be_bytes()[2..]);
        random[2..].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis((now / 1000) as u64, &random).into_uuid()
    }

    fn secret(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Three steps whose results are kept.
struct Steps;

#[async_trait]
impl Workflow for Steps {
    fn kind(&self) -> &'static str {
        "steps"
    }

    fn version(&self) -> i64 {
        1
    }

    async fn run(&self, journal: &Journal, input: Value) -> Result<Value, Failure> {
        let mut sum = input.as_u64().unwrap_or(0);
        for name in ["first", "second"] {
            sum = journal.step(name, async { Ok(Done { output: sum + 1, summary: String::new() }) }).await?;
        }
        let last = journal.last_step("third", async { Ok(Done { output: sum + 1, summary: String::new() }) });
        Ok(json!(last.await?))
    }
}

/// Lets a server do at once what it would do in the minutes after a database was filled: figures of a system at rest do not
/// hold the fillers' debts.
pub fn at_rest(database: &str) {
    if database.starts_with("postgres") {
        let done =
            std::process::Command::new("psql").args([database, "-qc", "VACUUM ANALYZE", "-c", "CHECKPOINT"]).status();
        assert!(done.unwrap().success(), "the server tidies up");
    }
}

/// A job that says when it began, and then does what its kind does.
struct Job {
    kind: &'static str,
    begun: mpsc::UnboundedSender<Instant>,
}

#[async_trait]
impl Workflow for Job {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn version(&self) -> i64 {
        1
    }

    async fn run(&self, journal: &Journal, _: Value) -> Result<Value, Failure> {
        let _ = self.begun.send(Instant::now());
        match self.kind {
            "nap" => tokio::time::sleep(NAP).await,
            "long" => std::future::pending().await,
            "wait" => journal.wait_for("approval", None).await.map(|_| ())?,
            _ => {}
        }
        Ok(Value::Null)
    }
}

/// A database with limits that are far away, so that they are looked at and keep nothing back.
pub async fn store(database: &str) -> Store {
    let location = match database.strip_prefix("sqlite:") {
        Some(path) => Location::Sqlite { path: path.into() },
        None => Location::Postgres { url: database.to_owned() },
    };
    let store = Store::open(&location, &pilothouse_store::Options::default()).await.unwrap();
    store
        .write(|tx| {
            Box::pin(async move {
                for number in 0..10 {
                    tenants::ensure(tx, &tenant(number), "Tenant", 1).await?;
                }
                let far = Limits {
                    running: Some(9_000),
                    running_per_tenant: Some(8_000),
                    running_per_key: Some(10),
                    ..Limits::default()
                };
                for queue in ["steps", "job", "nap", "wait", "long"] {
                    queues::set_limits(tx, queue, &far, 1).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
    store
}

/// An engine with the workflows of the measurements, and what its jobs tell.
pub fn engine(store: &Store, concurrency: usize) -> (Engine, mpsc::UnboundedReceiver<Instant>) {
    let (begun, hear) = mpsc::unbounded_channel();
    let mut registry = Registry::default().with(Arc::new(Steps));
    for kind in ["job", "nap", "wait", "long"] {
        registry = registry.with(Arc::new(Job { kind, begun: begun.clone() }));
    }
    let options = Options { concurrency, ..Options::default() };
    (Engine::new(store.clone(), Arc::new(System), Arc::new(Numbers::default()), registry, options), hear)
}

/// One of ten tenants.
pub fn tenant(number: u64) -> TenantId {
    format!("tenant-{}", number % 10).parse().unwrap()
}

/// A wish for a run, audited.
pub fn request(kind: &'static str, number: u64) -> Request {
    let audit = Entry {
        scope: tenant(number).to_string(),
        at: 1,
        subject: "ada".into(),
        action: "run.start".into(),
        resource: String::new(),
        payload_hash: "0".repeat(64),
        outcome: Outcome::Allowed,
        code: String::new(),
        request_id: "req".into(),
        count: 1,
    };
    Request { audit: Some(audit), max_attempts: 3, ..Request::new(kind, "ada", "a run", number.to_string()) }
}

/// Asks for so many runs, each audited, as many callers would.
pub async fn fill(engine: &Engine, kind: &'static str, count: u64, tenant: fn(u64) -> TenantId) {
    let next = Arc::new(AtomicU64::new(0));
    let fillers: Vec<_> = (0..FILLERS)
        .map(|_| {
            let (engine, next) = (engine.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    engine.start(&tenant(number), request(kind, number)).await.unwrap();
                }
            })
        })
        .collect();
    for filler in fillers {
        filler.await.unwrap();
    }
}

/// An engine at work.
pub struct Working {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Working {
    pub fn begin(engine: &Engine) -> Self {
        let stop = CancellationToken::new();
        let (worker, stopped) = (engine.clone(), stop.clone());
        Self { stop, task: tokio::spawn(async move { worker.work(stopped).await }) }
    }

    pub async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Leaves the rest of the work undone.
    pub fn abandon(self) {
        self.task.abort();
    }
}
