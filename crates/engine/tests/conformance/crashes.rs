//! Random crashes: an engine's whole runtime is dropped between two of its turns, and another one starts.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pilothouse_domain::run::Status;
use pilothouse_domain::{RunId, TenantId};
use pilothouse_engine::{Engine, Failure, Journal, Options, Registry, Workflow};
use pilothouse_store::journal::{self, Entry, EntryKind};
use pilothouse_store::runs::Run;
use pilothouse_store::{Location, Store, tenants};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::node::Node;
use crate::support::{Counting, Hand, PATIENCE, done, request};

const NAMES: [&str; 6] = ["one", "two", "three", "four", "five", "six"];
/// The most lives that end in a crash; the one after them goes on to the end.
const MOST_CRASHES: usize = 6;
/// The most turns that the runtime gets between the chosen point and the crash: enough for a commit and more.
const MOST_TURNS: u32 = 60;
/// Cases per database: each opens up to seven stores.
const CASES: u32 = 24;

/// When a life ends: `turns` turns of the runtime after the steps have passed `points` points.
#[derive(Debug, Clone, Copy)]
struct Crash {
    points: u32,
    turns: u32,
}

/// What outlives every crash: the world outside, where each step's effect is noted.
type Effects = Arc<Mutex<Vec<(usize, String)>>>;

/// `steps` steps, each of which passes a point before its effect and one after it.
struct Steps {
    steps: usize,
    effects: Effects,
    passed: Arc<Semaphore>,
}

impl Steps {
    async fn point(&self) {
        self.passed.add_permits(1);
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl Workflow for Steps {
    fn kind(&self) -> &'static str {
        "flow"
    }

    fn version(&self) -> i64 {
        1
    }

    async fn run(&self, journal: &Journal, _: Value) -> Result<Value, Failure> {
        let mut outputs: Vec<usize> = Vec::new();
        for (index, name) in NAMES.into_iter().take(self.steps).enumerate() {
            let key = journal.idempotency_key(name);
            let work = async {
                self.point().await;
                self.effects.lock().unwrap().push((index, key));
                self.point().await;
                done(outputs.iter().sum::<usize>() + index + 1)
            };
            let output = if index + 1 == self.steps {
                journal.last_step(name, work).await
            } else {
                journal.step(name, work).await
            };
            outputs.push(output?);
        }
        Ok(json!(outputs))
    }
}

/// One life: opens the store, takes up what is there, starts the run if no life has, and ends with the crash, or with
/// the run where there is none. Returns the run where it ended.
async fn live(
    location: &Location,
    steps: usize,
    effects: &Effects,
    ids: Arc<Counting>,
    crash: Option<Crash>,
) -> Option<Run> {
    let store = opened(location).await;
    let tenant: TenantId = "acme".parse().unwrap();
    store.write(|tx| Box::pin(async { tenants::ensure(tx, &"acme".parse().unwrap(), "Acme", 1).await })).await.unwrap();
    let passed = Arc::new(Semaphore::new(0));
    let workflow = Steps { steps, effects: effects.clone(), passed: passed.clone() };
    let registry = Registry::default().with(Arc::new(workflow));
    let node = Arc::new(Node::alone(&store));
    let engine = Engine::over(node, Arc::new(Hand::default()), ids, registry, Options::default());
    let worker = engine.clone();
    tokio::spawn(async move { worker.work(CancellationToken::new()).await });
    let mut keyed = request(100);
    keyed.idempotency_key = Some("the run".into());
    let ending = async {
        let id = engine.start(&tenant, keyed).await.unwrap().id;
        engine.wait(&tenant, id, PATIENCE).await.unwrap()
    };
    let Some(crash) = crash else { return ending.await };
    let crashing = async {
        passed.acquire_many(crash.points).await.unwrap().forget();
        for _ in 0..crash.turns {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        run = ending => run,
        () = crashing => None,
    }
}

/// The store, once the threads of the life before have let go of it.
async fn opened(location: &Location) -> Store {
    loop {
        match Store::open(
            location,
            &pilothouse_store::Options { readers: 1, postgres_connections: 3, ..Default::default() },
        )
        .await
        {
            Ok(store) => return store,
            Err(pilothouse_store::Error::Locked) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn survives(location: &Location, steps: usize, crashes: &[Crash]) -> Result<usize, TestCaseError> {
    let (effects, ids) = (Effects::default(), Arc::new(Counting::default()));
    let mut ended = None;
    let mut lives = 0;
    for crash in crashes.iter().copied().map(Some).chain([None]) {
        lives += 1;
        // Dropped at the end of each turn of this loop: every task stops where it awaits.
        ended = runtime().block_on(live(location, steps, &effects, ids.clone(), crash));
        if ended.is_some() {
            break;
        }
    }
    let run = ended.expect("the last life goes on until the run has ended");
    prop_assert_eq!(run.status, Status::Succeeded);
    let expected: Vec<usize> = (0..steps).map(|index| (1 << (index + 1)) - 1).collect();
    prop_assert_eq!(run.output, Some(json!(expected).to_string()));
    let journal = runtime().block_on(journal_of(location, run.id));
    prop_assert!(journal.iter().zip(1..).all(|(entry, seq)| entry.seq == seq), "gaps: {:?}", journal);
    let journal = journal.iter().filter(|entry| entry.kind == EntryKind::Step);
    let names: Vec<_> = journal.map(|step| (step.name.as_str(), step.error.is_none())).collect();
    let wanted: Vec<_> = NAMES.into_iter().take(steps).map(|name| (name, true)).collect();
    prop_assert_eq!(names, wanted);
    let effects = effects.lock().unwrap();
    for index in 0..steps {
        let keys: Vec<_> = effects.iter().filter(|(step, _)| *step == index).map(|(_, key)| key).collect();
        prop_assert!(!keys.is_empty() && keys.iter().all(|key| *key == keys[0]), "step {}", index);
    }
    prop_assert!(effects.windows(2).all(|pair| pair[0].0 <= pair[1].0), "a finished step was repeated: {:?}", effects);
    Ok(lives)
}

async fn journal_of(location: &Location, id: RunId) -> Vec<Entry> {
    let store = opened(location).await;
    let found =
        store.read(move |tx| Box::pin(async move { journal::list(tx, &"acme".parse().unwrap(), id, 0, 1_000).await }));
    let found = found.await.unwrap();
    store.close().await;
    found
}

fn plans() -> impl Strategy<Value = (usize, Vec<Crash>)> {
    (1..=NAMES.len()).prop_flat_map(|steps| {
        let crash = (1..=2 * steps as u32, 0..=MOST_TURNS).prop_map(|(points, turns)| Crash { points, turns });
        (Just(steps), proptest::collection::vec(crash, 0..=MOST_CRASHES))
    })
}

/// Runs the property over locations that `fresh` makes, and checks that most cases did crash.
fn check(fresh: impl Fn() -> Location) {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let crashed = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner
        .run(&plans(), |(steps, crashes)| {
            let lives = survives(&fresh(), steps, &crashes)?;
            crashed.set(crashed.get() + lives - 1);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert!(crashed.get() >= CASES as usize / 2, "only {} crashes", crashed.get());
}

#[test]
fn any_crashes_on_sqlite_leave_every_step_once() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    check(|| {
        count.set(count.get() + 1);
        Location::Sqlite { path: Path::join(folder.path(), format!("{}/pilothouse.db", count.get())) }
    });
}

#[test]
fn any_crashes_on_postgres_leave_every_step_once() {
    let server = pilothouse_testkit::postgres();
    check(|| Location::Postgres { url: server.schema_url("engine_crashes") });
}
