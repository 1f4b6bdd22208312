//! What takes long: limits of time, workflows that do not listen, waits of months. Here time costs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Clock as _, RunId, TenantId};
use pilothouse_engine::{Done, Engine, Failure, Journal, Options, Registry, Request, Workflow};
use pilothouse_store::runs::Run;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::mutation::Mutation;
use crate::wire::Wire;
use crate::world::{Process, World};

const DAY: Duration = Duration::from_secs(86_400);

type Body = dyn for<'j> Fn(&'j Journal) -> BoxFuture<'j, Result<Value, Failure>> + Send + Sync;

struct Flow(Box<Body>);

#[async_trait]
impl Workflow for Flow {
    fn kind(&self) -> &'static str {
        "flow"
    }

    fn version(&self) -> i64 {
        1
    }

    async fn run(&self, journal: &Journal, _: Value) -> Result<Value, Failure> {
        (self.0)(journal).await
    }
}

/// An engine at work on a database without faults.
struct Bench {
    process: Arc<Process>,
    engine: Engine,
    tenant: TenantId,
}

impl Bench {
    fn begin<F>(options: Options, body: F) -> Self
    where
        F: for<'j> Fn(&'j Journal) -> BoxFuture<'j, Result<Value, Failure>> + Send + Sync + 'static,
    {
        let world = World::new(1, Mutation::None, false);
        world.end_faults();
        let process = Process::new("node".into(), &world, 0);
        let registry = Registry::default().with(Arc::new(Flow(Box::new(body))));
        let wire = Arc::new(Wire { process: process.clone() });
        let engine = Engine::over(wire, process.clone(), world, registry, options);
        let worker = engine.clone();
        tokio::spawn(async move { worker.work(CancellationToken::new()).await });
        Self { process, engine, tenant: "acme".parse().unwrap() }
    }

    async fn start(&self, request: Request) -> RunId {
        self.engine.start(&self.tenant, request).await.unwrap().id
    }

    async fn ended(&self, id: RunId) -> Run {
        let run = self.engine.wait(&self.tenant, id, 1_000 * DAY).await.unwrap().unwrap();
        assert!(run.status.is_final(), "{run:?}");
        run
    }
}

fn request() -> Request {
    Request::new("flow", "ada", "a test", "{}".into())
}

fn done<T>(output: T) -> Result<Done<T>, Failure> {
    Ok(Done { output, summary: String::new() })
}

#[tokio::test(start_paused = true)]
async fn a_step_that_takes_too_long_fails_and_is_tried_again() {
    let bench = Bench::begin(Options::default(), |journal| {
        Box::pin(async move {
            let attempt = journal.attempt();
            let work = async move {
                let takes = if attempt == 1 { DAY } else { Duration::from_secs(1) };
                tokio::time::sleep(takes).await;
                done(attempt)
            };
            Ok(json!(journal.step_within(Duration::from_secs(2), "slow", work).await?))
        })
    });
    let began = Instant::now();
    let id = bench.start(Request { max_attempts: 2, ..request() }).await;
    let run = bench.ended(id).await;
    assert_eq!((run.status, run.output.as_deref()), (Status::Succeeded, Some("2")));
    assert!(began.elapsed() < Duration::from_secs(6));
    let (_, entries) = bench.engine.journal(&bench.tenant, id).await.unwrap().unwrap();
    assert!(entries.iter().any(|entry| entry.summary == "The step slow took longer than 2 s."), "{entries:?}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_told_to_stop() {
    let bench = Bench::begin(Options::default(), |journal| {
        Box::pin(async move {
            let token = journal.cancel().clone();
            let () = journal.step("quick", async { done(()) }).await?;
            let work = async move {
                token.cancelled().await;
                Err(Failure::retryable(pilothouse_domain::Code::Unavailable, "told to stop"))
            };
            let () = journal.step("endless", work).await?;
            Ok(json!(null))
        })
    });
    let began = Instant::now();
    let id = bench.start(Request { max_attempts: 2, time_limit_ms: Some(3_000), ..request() }).await;
    let run = bench.ended(id).await;
    assert_eq!((run.status, run.attempt, run.error_code.as_deref()), (Status::Dead, 2, Some("run.timed_out")));
    assert!(began.elapsed() >= Duration::from_secs(6) && began.elapsed() < Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_does_not_listen_is_cut_off() {
    let dropped = Arc::new(AtomicU32::new(0));
    struct Guard(Arc<AtomicU32>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let seen = dropped.clone();
    let bench = Bench::begin(Options::default(), move |journal| {
        let guard = Guard(seen.clone());
        Box::pin(async move {
            let work = async move {
                let _guard = guard;
                tokio::time::sleep(DAY).await;
                done(())
            };
            let () = journal.step("deaf", work).await?;
            Ok(json!(null))
        })
    });
    let began = Instant::now();
    let cancelled = bench.start(request()).await;
    let timed_out = bench.start(Request { time_limit_ms: Some(1_000), ..request() }).await;
    bench.engine.cancel(&bench.tenant, cancelled).await.unwrap();
    let run = bench.ended(cancelled).await;
    assert_eq!((run.status, run.error_code.as_deref()), (Status::Cancelled, Some("run.cancelled")));
    assert!(began.elapsed() >= Duration::from_secs(5) && began.elapsed() < Duration::from_secs(6), "the grace");
    let run = bench.ended(timed_out).await;
    assert_eq!((run.status, run.error_code.as_deref()), (Status::Dead, Some("run.timed_out")));
    assert_eq!(dropped.load(Ordering::SeqCst), 2, "their work is gone");
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_months_holds_no_slot() {
    let options = Options { concurrency: 1, ..Options::default() };
    let bench = Bench::begin(options, |journal| {
        Box::pin(async move {
            let until: i64 =
                journal.step("when", async { done(journal.created_at() + (DAY * 92).as_micros() as i64) }).await?;
            let heard = journal.wait_for("approval", Some(until)).await?;
            Ok(json!(heard.map(|signal| signal.sent_by)))
        })
    });
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(bench.start(request()).await);
    }
    tokio::time::sleep(Duration::from_secs(600)).await;
    for id in &ids {
        let run = bench.engine.get(&bench.tenant, *id).await.unwrap().unwrap();
        assert_eq!((run.status, run.worker, run.epoch), (Status::Waiting, None, 1));
    }
    assert_eq!(bench.engine.running(), 0);
    // Ninety days pass for the clock on the wall.
    bench.process.set_clock((DAY * 90).as_micros() as i64);
    let due = bench.process.now();
    bench.engine.signal(&bench.tenant, ids[0], "approval", "true", "bob").await.unwrap();
    assert_eq!(bench.ended(ids[0]).await.output.as_deref(), Some("\"bob\""));
    let run = bench.engine.get(&bench.tenant, ids[1]).await.unwrap().unwrap();
    assert!(run.status == Status::Waiting && run.wake_at.unwrap() > due);
    bench.process.set_clock((DAY * 93).as_micros() as i64);
    for id in &ids[1..] {
        let run = bench.ended(*id).await;
        assert_eq!((run.status, run.output.as_deref(), run.attempt), (Status::Succeeded, Some("null"), 1));
    }
}
