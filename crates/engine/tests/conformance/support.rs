//! A clock that the test moves, ids that count, workflows made of closures, and engines over a store.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use pilothouse_domain::{Clock, Ids, Micros, RunId, TenantId};
use pilothouse_engine::{Done, Engine, Event, Failure, Journal, Options, Registry, Request, Started, Workflow};
use pilothouse_store::journal::{Entry, EntryKind};
use pilothouse_store::runs::Run;
use pilothouse_store::{Location, Options as StoreOptions, Store, tenants};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::node::Node;

/// How long a test waits for what must happen; never reached in a test that passes.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The lease of a worker that soon gives up those that stand still.
pub const LEASE: Duration = Duration::from_millis(300);
/// The lease of the others, longer than a busy machine holds any of them up.
pub const LONG_LEASE: Duration = Duration::from_secs(20);
/// Longer than the pause after a first attempt.
pub const PAUSE: Duration = Duration::from_secs(1);

/// A store in a SQLite file of its own.
pub async fn sqlite() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite { path: folder.path().join("pilothouse.db") };
    (Store::open(&location, &StoreOptions::default()).await.unwrap(), folder)
}

/// A store in a PostgreSQL schema of its own.
pub async fn postgres(name: &str) -> Store {
    let url = pilothouse_testkit::postgres().schema_url(&format!("engine_{name}"));
    let options = StoreOptions { postgres_connections: 6, ..StoreOptions::default() };
    Store::open(&Location::Postgres { url }, &options).await.unwrap()
}

/// A clock that stands still until the test moves it.
pub struct Hand(AtomicI64);

impl Default for Hand {
    fn default() -> Self {
        Self(AtomicI64::new(1_000_000_000_000))
    }
}

impl Hand {
    pub fn forward(&self, by: Duration) {
        self.0.fetch_add(by.as_micros() as Micros, Ordering::SeqCst);
    }

    pub fn backward(&self, by: Duration) {
        self.0.fetch_sub(by.as_micros() as Micros, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Micros {
        self.0.load(Ordering::SeqCst)
    }
}

/// Ids in the order of their making.
#[derive(Default)]
pub struct Counting(AtomicU64);

impl Ids for Counting {
    fn uuid(&self, now: Micros) -> Uuid {
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis((now / 1000) as u64, &random).into_uuid()
    }

    fn secret(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// What the steps did to the world outside, and a gate that holds them up where a test wants it.
pub struct World {
    effects: Mutex<Vec<String>>,
    pub arrived: Semaphore,
    pub gate: Semaphore,
}

impl World {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { effects: Mutex::default(), arrived: Semaphore::new(0), gate: Semaphore::new(0) })
    }

    pub fn note(&self, what: impl Into<String>) {
        self.effects.lock().unwrap().push(what.into());
    }

    pub fn effects(&self) -> Vec<String> {
        self.effects.lock().unwrap().clone()
    }

    /// Tells that a step is here, and waits until the test lets it pass.
    pub async fn pass(&self) {
        self.arrived.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
    }

    /// Waits until `count` more steps are at the gate.
    pub async fn at_gate(&self, count: u32) {
        let arrived = tokio::time::timeout(PATIENCE, self.arrived.acquire_many(count)).await;
        arrived.expect("a step comes to the gate").unwrap().forget();
    }
}

type Body = dyn for<'j> Fn(&'j Journal, Value) -> BoxFuture<'j, Result<Value, Failure>> + Send + Sync;

/// A workflow of the kind `flow` made of a closure.
pub struct Flow {
    version: i64,
    body: Box<Body>,
}

#[async_trait]
impl Workflow for Flow {
    fn kind(&self) -> &'static str {
        "flow"
    }

    fn version(&self) -> i64 {
        self.version
    }

    async fn run(&self, journal: &Journal, input: Value) -> Result<Value, Failure> {
        (self.body)(journal, input).await
    }
}

pub fn flow<F>(version: i64, body: F) -> Arc<dyn Workflow>
where
    F: for<'j> Fn(&'j Journal, Value) -> BoxFuture<'j, Result<Value, Failure>> + Send + Sync + 'static,
{
    Arc::new(Flow { version, body: Box::new(body) })
}

/// What a step returns: its output and a few words.
pub fn done<T>(output: T) -> Result<Done<T>, Failure> {
    Ok(Done { output, summary: "well".into() })
}

/// A store, a clock and ids that several engines can share.
pub struct Bench {
    pub store: Store,
    pub clock: Arc<Hand>,
    pub ids: Arc<Counting>,
    pub tenant: TenantId,
}

impl Bench {
    pub async fn on(store: &Store) -> Self {
        let tenant: TenantId = "acme".parse().unwrap();
        let owned = tenant.clone();
        store.write(move |tx| Box::pin(async move { tenants::ensure(tx, &owned, "Acme", 1).await })).await.unwrap();
        Self { store: store.clone(), clock: Arc::default(), ids: Arc::default(), tenant }
    }

    /// An engine that does not work on the queue yet.
    pub fn engine(&self, workflow: Arc<dyn Workflow>, concurrency: usize) -> Engine {
        self.engine_with(&[workflow], Options { concurrency, ..self.options() })
    }

    pub fn engine_with(&self, workflows: &[Arc<dyn Workflow>], options: Options) -> Engine {
        let registry = workflows.iter().cloned().fold(Registry::default(), Registry::with);
        Engine::new(self.store.clone(), self.clock.clone(), self.ids.clone(), registry, options)
    }

    /// An engine that reaches the database as `node`.
    pub fn engine_on(&self, node: &Node, workflow: Arc<dyn Workflow>, concurrency: usize, lease: Duration) -> Engine {
        let options = Options { concurrency, lease, ..self.options() };
        let registry = Registry::default().with(workflow);
        Engine::over(Arc::new(node.clone()), self.clock.clone(), self.ids.clone(), registry, options)
    }

    pub fn options(&self) -> Options {
        Options { drain: PATIENCE, lease: LONG_LEASE, ..Options::default() }
    }

    pub fn working(&self, workflow: Arc<dyn Workflow>, concurrency: usize) -> Working {
        Working::begin(self.engine(workflow, concurrency))
    }

    /// The only worker of the database, be it PostgreSQL: it takes back every run of others when it begins.
    pub fn engine_alone(&self, workflow: Arc<dyn Workflow>, concurrency: usize) -> Engine {
        self.engine_on(&Node::alone(&self.store), workflow, concurrency, LONG_LEASE)
    }

    /// One of several workers of the database.
    pub fn sharing(&self, workflow: Arc<dyn Workflow>, concurrency: usize, lease: Duration) -> (Working, Node) {
        let node = Node::of(&self.store);
        (Working::begin(self.engine_on(&node, workflow, concurrency, lease)), node)
    }

    pub async fn start(&self, engine: &Engine, request: Request) -> Started {
        engine.start(&self.tenant, request).await.unwrap()
    }

    /// The run once it has ended.
    pub async fn ended(&self, engine: &Engine, id: RunId) -> Run {
        let run = engine.wait(&self.tenant, id, PATIENCE).await.unwrap().unwrap();
        assert!(run.status.is_final(), "{run:?}");
        run
    }

    /// The run as soon as `stands` says so, looking whenever the store has answered.
    pub async fn until(&self, engine: &Engine, id: RunId, stands: impl Fn(&Run) -> bool) -> Run {
        let looking = async {
            loop {
                let run = self.run(engine, id).await;
                if stands(&run) {
                    return run;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.expect("the run comes to stand so")
    }

    /// Waits until the engine works on nothing.
    pub async fn idle(&self, engine: &Engine) {
        let looking = async {
            while engine.running() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.expect("the engine comes to rest");
    }

    pub async fn run(&self, engine: &Engine, id: RunId) -> Run {
        engine.get(&self.tenant, id).await.unwrap().unwrap()
    }

    /// The run's stored events after a number, to its end.
    pub async fn events(&self, engine: &Engine, id: RunId, after: i64) -> Vec<Event> {
        let stream = engine.events(&self.tenant, id, after);
        let heard = tokio::time::timeout(PATIENCE, stream.try_collect::<Vec<_>>()).await;
        heard.expect("the stream ends").unwrap()
    }

    /// The entries of the run's steps, in the order in which they were written.
    pub async fn steps(&self, engine: &Engine, id: RunId) -> Vec<Entry> {
        let entries = engine.journal(&self.tenant, id).await.unwrap().unwrap().1;
        assert!(entries.iter().zip(1..).all(|(entry, seq)| entry.seq == seq), "without gaps: {entries:?}");
        entries.into_iter().filter(|entry| entry.kind == EntryKind::Step).collect()
    }

    pub async fn signal(&self, engine: &Engine, id: RunId, name: &str, payload: Value) -> Run {
        engine.signal(&self.tenant, id, name, &payload.to_string(), "bob").await.unwrap().unwrap()
    }
}

/// An engine that works on the queue until it is stopped.
pub struct Working {
    pub engine: Engine,
    pub stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Working {
    pub fn begin(engine: Engine) -> Self {
        let stop = CancellationToken::new();
        let (worker, stopped) = (engine.clone(), stop.clone());
        let task = tokio::spawn(async move { worker.work(stopped).await });
        Self { engine, stop, task }
    }

    /// Stops it and waits until its runs have ended.
    pub async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("the engine stops").unwrap();
    }
}

/// An event's JSON without what it does not tell.
pub fn told(event: &Event) -> Value {
    let mut json: Value = serde_json::from_str(&event.json).unwrap();
    if let Some(fields) = json.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    json
}

/// How a run's last event says that it was cancelled in its attempt.
pub fn cancelled(attempt: i64) -> Value {
    let code = pilothouse_domain::Code::RunCancelled;
    json!({"status": "cancelled", "code": code.as_str(), "message": code.cause(), "attempt": attempt})
}

pub fn request(attempts: i64) -> Request {
    Request { max_attempts: attempts, ..Request::new("flow", "ada", "a test", "{}".into()) }
}
