//! Runs that a person has tried again, and work side by side of which a part fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt as _;
use pilothouse_domain::Code;
use pilothouse_domain::run::Status;
use pilothouse_engine::{Also, Failure, Workflow};
use pilothouse_store::{Error, Store, tenants};
use serde_json::json;

use crate::support::{Bench, PAUSE, World, done, flow, request};

fn unavailable() -> Failure {
    Failure::retryable(Code::Unavailable, "not now")
}

/// Three steps, the second of which fails as long as `broken` says so.
fn breaking(world: Arc<World>, broken: Arc<AtomicBool>) -> Arc<dyn Workflow> {
    flow(1, move |journal, _| {
        let (world, broken) = (world.clone(), broken.clone());
        Box::pin(async move {
            for name in ["first", "second", "third"] {
                let work = async {
                    world.note(name);
                    let fails = name == "second" && broken.load(Ordering::SeqCst);
                    if fails { Err(unavailable()) } else { done(()) }
                };
                let () = journal.step(name, work).await?;
            }
            Ok(json!("whole"))
        })
    })
}

pub async fn a_dead_run_that_is_tried_again_keeps_what_it_has(store: &Store) {
    let (bench, world, broken) = (Bench::on(store).await, World::new(), Arc::new(AtomicBool::new(true)));
    let working = bench.working(breaking(world.clone(), broken.clone()), 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    assert_eq!(bench.ended(&working.engine, id).await.status, Status::Dead);
    broken.store(false, Ordering::SeqCst);
    let (run, again) = working.engine.retry(&bench.tenant, id).await.unwrap().unwrap();
    assert!(again);
    assert_eq!((run.status, run.attempt, run.last_attempt), (Status::Queued, 2, 2));
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.attempt, run.error_code), (Status::Succeeded, 2, None));
    assert_eq!(world.effects(), ["first", "second", "second", "third"]);
    assert!(!working.engine.retry(&bench.tenant, id).await.unwrap().unwrap().1, "who has ended well stays so");
    working.end().await;
}

pub async fn a_cancelled_run_can_be_tried_again(store: &Store) {
    let (bench, world, broken) = (Bench::on(store).await, World::new(), Arc::new(AtomicBool::new(false)));
    let idle = bench.engine(breaking(world.clone(), broken.clone()), 0);
    let id = bench.start(&idle, request(2)).await.id;
    assert!(!idle.retry(&bench.tenant, id).await.unwrap().unwrap().1, "it waits anyway");
    idle.cancel(&bench.tenant, id).await.unwrap();
    assert!(idle.retry(&bench.tenant, id).await.unwrap().unwrap().1);
    let working = bench.working(breaking(world.clone(), broken), 1);
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.cancel_requested), (Status::Succeeded, false));
    working.end().await;
}

/// Four branches of two steps, of which the third fails as long as `broken` says so; then a step with what came back.
fn branching(world: Arc<World>, broken: Arc<AtomicBool>) -> Arc<dyn Workflow> {
    flow(1, move |journal, _| {
        let (world, broken) = (world.clone(), broken.clone());
        Box::pin(async move {
            let branches = journal.fan_out(0..4, 2, async |branch, index: i64| {
                let doubled: i64 = branch.step("double", async { done(2 * index) }).await?;
                let key = branch.idempotency_key("send");
                let work = async {
                    world.note(format!("{index} {key}"));
                    if index == 2 && broken.load(Ordering::SeqCst) { Err(unavailable()) } else { done(doubled + 1) }
                };
                branch.step("send", work).await
            });
            let all: Vec<i64> = branches.await.into_iter().collect::<Result<_, _>>()?;
            let sum: i64 = journal.last_step("sum", async { done(all.iter().sum()) }).await?;
            Ok(json!(sum))
        })
    })
}

pub async fn only_the_missing_part_of_a_fan_out_is_done_again(store: &Store) {
    let (bench, world, broken) = (Bench::on(store).await, World::new(), Arc::new(AtomicBool::new(true)));
    let working = bench.working(branching(world.clone(), broken.clone()), 1);
    let id = bench.start(&working.engine, request(2)).await.id;
    bench.until(&working.engine, id, |run| run.attempt == 2 && run.status == Status::Queued).await;
    assert_eq!(world.effects().len(), 4, "the others were done although one failed");
    // By another attempt, and then by a person, until it goes well.
    bench.clock.forward(PAUSE);
    assert_eq!(bench.ended(&working.engine, id).await.status, Status::Dead);
    broken.store(false, Ordering::SeqCst);
    working.engine.retry(&bench.tenant, id).await.unwrap();
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.output.as_deref(), run.attempt), (Status::Succeeded, Some("16"), 3));
    let effects = world.effects();
    assert_eq!(effects.len(), 6);
    assert!(effects[4..].iter().all(|effect| *effect == effects[2] && effect.starts_with('2')), "{effects:?}");
    assert_eq!(effects[..4].iter().collect::<std::collections::HashSet<_>>().len(), 4, "each branch has its own keys");
    let steps = bench.steps(&working.engine, id).await;
    let mut well: Vec<_> =
        steps.iter().filter(|step| step.error.is_none()).filter_map(|step| step.path.clone()).collect();
    well.sort();
    let wanted = ["1/0/1", "1/0/2", "1/1/1", "1/1/2", "1/2/1", "1/2/2", "1/3/1", "1/3/2", "2"];
    assert_eq!(well, wanted, "each once");
    working.end().await;
}

/// Inserts a tenant, which only works once.
fn insert(name: String) -> Also {
    Box::new(move |tx| {
        async move {
            let tenant = tenants::Tenant { id: name.parse().unwrap(), name, created_at: 1 };
            tenants::insert(tx, &tenant).await
        }
        .boxed()
    })
}

pub async fn what_is_written_with_a_step_is_written_once(store: &Store) {
    let (bench, fails) = (Bench::on(store).await, Arc::new(AtomicBool::new(true)));
    let workflow = flow(1, move |journal, _| {
        let fails = fails.clone();
        Box::pin(async move {
            let made = pilothouse_engine::Done { output: 7, summary: "made".into() };
            let made: i64 = journal.transact("make", made, insert("made".into())).await?;
            let work = async { if fails.swap(false, Ordering::SeqCst) { Err(unavailable()) } else { done(()) } };
            let () = journal.step("after", work).await?;
            Ok(json!(made))
        })
    });
    let working = bench.working(workflow, 1);
    let before = store.read(|tx| Box::pin(tenants::list(tx))).await.unwrap().len();
    let id = bench.start(&working.engine, request(2)).await.id;
    bench.until(&working.engine, id, |run| run.attempt == 2).await;
    bench.clock.forward(PAUSE);
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.output.as_deref(), run.attempt), (Status::Succeeded, Some("7"), 2));
    assert_eq!(store.read(|tx| Box::pin(tenants::list(tx))).await.unwrap().len(), before + 1);
    working.end().await;
}

pub async fn what_could_not_be_written_with_a_step_leaves_no_trace(store: &Store) {
    let bench = Bench::on(store).await;
    let workflow = flow(1, move |journal, _| {
        Box::pin(async move {
            journal.log(tracing::Level::INFO, "a line before").await;
            let made = || pilothouse_engine::Done { output: 7, summary: "made".into() };
            // The tenant is there already: the step fails, and the workflow goes on without it.
            let refused: Result<i64, Failure> = journal.transact("make", made(), insert("acme".into())).await;
            let instead: i64 = journal.step("instead", async { done(8) }).await?;
            Ok(json!([refused.is_err(), instead]))
        })
    });
    let working = bench.working(workflow, 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.output.as_deref()), (Status::Succeeded, Some("[true,8]")));
    // No number is missing, so that whoever listens comes to the end.
    let events = bench.events(&working.engine, id, 0).await;
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["state", "log", "step", "step", "done"]);
    let steps = bench.steps(&working.engine, id).await;
    assert!(steps[0].error.is_some() && steps[0].output.is_none(), "what the workflow saw is what is kept: {steps:?}");
    working.end().await;
}

pub async fn a_taken_row_is_told_as_such(store: &Store) {
    let bench = Bench::on(store).await;
    let working = bench.working(flow(1, |_, _| Box::pin(async { Ok(json!(null)) })), 1);
    let taken = working.engine.start_with(&bench.tenant, request(1), Some(insert("acme".into()))).await;
    assert_eq!(taken, Err(Error::Conflict { what: "tenant" }));
    working.end().await;
}
