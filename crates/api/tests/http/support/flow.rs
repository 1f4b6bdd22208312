//! A workflow that does what its input says, so that runs of every state are real ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Clock as _, Code, RunId};
use pilothouse_engine::{Done, Failure, Journal, Request, Workflow};
use pilothouse_store::runs::{self, Claim, Run};
use pilothouse_store::workers::{self, Worker};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tracing::Level;

use super::TestApp;
use super::app::Setup;

/// How long a test waits for a state; never reached in a test that passes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the runs of a test do to the world.
pub struct World {
    /// A permit for each step that is let through.
    pub gate: Semaphore,
    /// Whether what was broken has been mended.
    pub is_mended: AtomicBool,
    /// How often the first step was run.
    pub first_steps: AtomicUsize,
}

/// The workflow `flow`.
pub struct Flow(Arc<World>);

#[async_trait]
impl Workflow for Flow {
    fn kind(&self) -> &'static str {
        "flow"
    }

    fn version(&self) -> i64 {
        1
    }

    async fn run(&self, journal: &Journal, input: Value) -> Result<Value, Failure> {
        let world = &self.0;
        journal.log(Level::INFO, "It begins.").await;
        journal.log(Level::WARN, "It goes on.").await;
        let first = async {
            world.first_steps.fetch_add(1, Ordering::SeqCst);
            Ok(Done { output: json!({"first": true}), summary: "The first step is done.".into() })
        };
        journal.step("first", first).await?;
        journal.progress(40, "Some of it is done.").await;
        let what = input["do"].as_str().unwrap_or_default();
        let broken = |retryable| match (world.is_mended.load(Ordering::SeqCst), retryable) {
            (true, _) => Ok(Done { output: json!(1), summary: "The second step is done.".into() }),
            (false, true) => Err(Failure::retryable(Code::QueryFailed, "The second step broke.")),
            (false, false) => Err(Failure::last(Code::QueryFailed, "The second step broke for good.")),
        };
        match what {
            "fail" => journal.step("second", async { broken(false) }).await,
            "die" => journal.step("second", async { broken(true) }).await,
            "hold" => journal.step("second", held(world, journal)).await,
            "approval" => journal.wait_for("approval", None).await.map(|signal| payload(signal.map(|s| s.payload))),
            "signal" => journal.wait_for("go", None).await.map(|signal| payload(signal.map(|s| s.payload))),
            _ => Ok(json!({"words": "done", "status": "hidden"})),
        }
    }
}

async fn held(world: &World, journal: &Journal) -> Result<Done<Value>, Failure> {
    tokio::select! {
        _ = world.gate.acquire() => Ok(Done { output: json!(1), summary: "It was let through.".into() }),
        () = journal.cancel().cancelled() => Err(Failure::last(Code::RunCancelled, "It was stopped.")),
    }
}

fn payload(text: Option<String>) -> Value {
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

impl TestApp {
    /// With the workflow `flow` and whatever `change` chooses besides.
    pub async fn flowing(change: impl FnOnce(&mut Setup)) -> (Self, Arc<World>) {
        let world = Arc::new(World {
            gate: Semaphore::new(0),
            is_mended: AtomicBool::new(false),
            first_steps: AtomicUsize::new(0),
        });
        let flow = Arc::new(Flow(world.clone()));
        let app = Self::with(|setup| {
            setup.workflows.push(flow);
            change(setup);
        });
        (app.await, world)
    }

    /// Starts a run of `flow` that does `what`, of `subject` in `tenant`.
    pub async fn flow(&self, tenant: &str, subject: &str, what: &str) -> String {
        self.flow_as(tenant, subject, what, |_| ()).await
    }

    /// The same, with what `change` chooses.
    pub async fn flow_as(&self, tenant: &str, subject: &str, what: &str, change: impl FnOnce(&mut Request)) -> String {
        let mut request = Request::new("flow", subject, format!("flow {what}"), json!({"do": what}).to_string());
        change(&mut request);
        self.app.engine.start(&tenant.parse().unwrap(), request).await.unwrap().id.to_string()
    }

    /// Waits until the application's own worker has taken back what others left: it does so once, before its first sign
    /// of life.
    async fn settled(&self) {
        let own = self.app.engine.worker();
        let settled = async {
            loop {
                let workers = self.app.store().read(|tx| Box::pin(workers::list(tx))).await.unwrap();
                if workers.iter().any(|worker| worker.id == own && worker.beats > 0) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("the worker begins to work");
    }

    /// Lets a worker that is no process take every run that is ready in the queue, of all tenants.
    pub async fn hold(&self, worker: &str, queue: &str) {
        self.settled().await;
        let now = self.clock.now();
        let station = Worker {
            id: worker.to_owned(),
            queues: String::new(),
            workflows: "flow@1".to_owned(),
            concurrency: 16,
            started_at: now,
            beat_at: now,
            beats: 0,
            gone: false,
        };
        let (worker, queue) = (worker.to_owned(), queue.to_owned());
        let held = self.app.store().write(move |tx| {
            Box::pin(async move {
                workers::join(tx, &station).await?;
                let mut lanes = runs::ready_lanes(tx, None, 100).await?;
                lanes.retain(|lane| lane.queue == queue);
                runs::claim(tx, &Claim { worker, lanes, most: 100, running: None, now })
                    .await
                    .map(|claimed| claimed.runs.len())
            })
        });
        assert!(held.await.unwrap() > 0, "there is something to hold");
    }

    /// The application's own worker shows life, by the test's clock.
    pub async fn beat(&self) {
        let (worker, now) = (self.app.engine.worker(), self.clock.now());
        let beaten = self.app.store().write(move |tx| Box::pin(async move { workers::beat(tx, &worker, now).await }));
        beaten.await.unwrap().expect("the worker lives");
    }

    /// The run as soon as it stands so.
    pub async fn until(&self, tenant: &str, id: &str, status: Status) -> Run {
        let (tenant, id): (_, RunId) = (tenant.parse().unwrap(), id.parse().unwrap());
        let reached = async {
            if status.is_final() {
                self.app.engine.wait(&tenant, id, PATIENCE).await.unwrap();
            }
            loop {
                let run = self.app.engine.get(&tenant, id).await.unwrap().unwrap();
                if run.status == status {
                    return run;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("the run is never {status:?}"))
    }

    /// Waits until nothing is worked on.
    pub async fn idle(&self) {
        let idle = async {
            while self.app.engine.running() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, idle).await.expect("what is at work ends");
    }

    /// A run of `flow` that has come to stand so, by doing `what`.
    pub async fn stood(&self, tenant: &str, subject: &str, what: &str, status: Status) -> String {
        let id = self.flow(tenant, subject, what).await;
        self.until(tenant, &id, status).await;
        id
    }
}
