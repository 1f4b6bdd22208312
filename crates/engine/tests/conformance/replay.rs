//! What happens to the steps of a run that is tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pilothouse_domain::Code;
use pilothouse_domain::run::Status;
use pilothouse_engine::{Failure, Workflow};
use pilothouse_store::Store;
use serde_json::json;

use crate::support::{Bench, PAUSE, World, done, flow, request};

fn unavailable() -> Failure {
    Failure::retryable(Code::Unavailable, "not now")
}

/// Three steps; the second one fails `failures` times after it had its effect.
fn three_steps(world: Arc<World>, failures: u32) -> Arc<dyn Workflow> {
    let left = Arc::new(AtomicU32::new(failures));
    flow(1, move |journal, _| {
        let (world, left) = (world.clone(), left.clone());
        Box::pin(async move {
            let mut outputs = Vec::new();
            for name in ["first", "second", "third"] {
                let key = journal.idempotency_key(name);
                let output = journal.step(name, async {
                    world.note(format!("{name} {key}"));
                    let fails = name == "second"
                        && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
                    if fails { Err(unavailable()) } else { done(world.effects().len()) }
                });
                outputs.push(output.await?);
            }
            Ok(json!(outputs))
        })
    })
}

pub async fn a_finished_step_is_not_repeated_and_an_unfinished_one_keeps_its_key(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(three_steps(world.clone(), 1), 2);
    let id = bench.start(&working.engine, request(3)).await.id;
    bench.until(&working.engine, id, |run| run.status == Status::Queued).await;
    let failed = bench.run(&working.engine, id).await;
    assert_eq!((failed.attempt, failed.error_code.as_deref()), (2, Some("unavailable")));
    bench.clock.forward(PAUSE);
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.attempt), (Status::Succeeded, 2));
    assert_eq!(run.output.as_deref(), Some("[1,3,4]"), "the first step's old result, the others' new ones");
    let effects = world.effects();
    let names: Vec<_> = effects.iter().map(|effect| effect.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["first", "second", "second", "third"]);
    assert_eq!(effects[1], effects[2], "the same key in both attempts");
    assert!(effects[0] != effects[1] && effects[3] != effects[1]);
    let steps = bench.steps(&working.engine, id).await;
    let found: Vec<_> =
        steps.iter().map(|step| (step.seq, step.name.as_str(), step.attempt, step.error.is_none())).collect();
    let wanted = [(2, "first", 1, true), (3, "second", 1, false), (6, "second", 2, true), (7, "third", 2, true)];
    assert_eq!(found, wanted, "between them it was claimed, put back and claimed again");
    working.end().await;
}

pub async fn another_name_at_a_finished_steps_place_ends_the_run(store: &Store) {
    let (bench, tried) = (Bench::on(store).await, Arc::new(AtomicU32::new(0)));
    let workflow = flow(1, move |journal, _| {
        let first = tried.fetch_add(1, Ordering::SeqCst) == 0;
        Box::pin(async move {
            let () = journal.step(if first { "old" } else { "new" }, async { done(()) }).await?;
            Err(unavailable())
        })
    });
    let working = bench.working(workflow, 2);
    let id = bench.start(&working.engine, request(3)).await.id;
    bench.until(&working.engine, id, |run| run.status == Status::Queued).await;
    bench.clock.forward(PAUSE);
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.error_code.as_deref()), (Status::Failed, Some("run.workflow_version")));
    assert_eq!(bench.steps(&working.engine, id).await[0].name, "old");
    working.end().await;
}

pub async fn a_failure_that_the_workflow_went_past_is_a_result(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let seen = world.clone();
    let workflow = flow(1, move |journal, _| {
        let world = seen.clone();
        Box::pin(async move {
            let tried: Result<i64, Failure> = journal
                .step("fast way", async {
                    world.note("fast");
                    // It would go well the second time.
                    if world.effects().len() == 1 { Err(unavailable()) } else { done(1) }
                })
                .await;
            let value = match tried {
                Ok(value) => value,
                Err(failure) if failure == unavailable() => journal.step("slow way", async { done(2) }).await?,
                Err(other) => return Err(other),
            };
            let stumbled = world.effects().len() < 2;
            world.note("end");
            if stumbled { Err(unavailable()) } else { Ok(json!(value)) }
        })
    });
    let working = bench.working(workflow, 2);
    let id = bench.start(&working.engine, request(3)).await.id;
    bench.until(&working.engine, id, |run| run.status == Status::Queued).await;
    bench.clock.forward(PAUSE);
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.output.as_deref()), (Status::Succeeded, Some("2")));
    assert_eq!(world.effects(), ["fast", "end", "end"]);
    working.end().await;
}

pub async fn a_step_after_the_last_one_loses_nothing(store: &Store) {
    let bench = Bench::on(store).await;
    let workflow = flow(1, |journal, _| {
        Box::pin(async move {
            let one: i64 = journal.last_step("one", async { done(1) }).await?;
            let two: i64 = journal.step("two", async { done(2) }).await?;
            let three: i64 = journal.last_step("three", async { done(3) }).await?;
            Ok(json!([one, two, three]))
        })
    });
    let working = bench.working(workflow, 2);
    let id = bench.start(&working.engine, request(1)).await.id;
    assert_eq!(bench.ended(&working.engine, id).await.output.as_deref(), Some("[1,2,3]"));
    let steps = bench.steps(&working.engine, id).await;
    assert_eq!(steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["one", "two", "three"]);
    working.end().await;
}
