//! Attempts that do not go well: panics, tries that run out, failures that no other try can mend.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pilothouse_domain::Code;
use pilothouse_domain::run::{Status, StepStatus};
use pilothouse_engine::Failure;
use pilothouse_store::Store;
use serde_json::json;

use crate::support::{Bench, World, done, flow, request};

pub async fn a_panic_is_a_failed_attempt(store: &Store) {
    let (bench, first) = (Bench::on(store).await, Arc::new(AtomicBool::new(true)));
    let workflow = flow(1, move |journal, _| {
        let panics = first.swap(false, Ordering::SeqCst);
        Box::pin(async move {
            let () = journal.step("before", async { done(()) }).await?;
            let () = journal.step("inside", async { if panics { panic!("a fault") } else { done(()) } }).await?;
            Ok(json!("well"))
        })
    });
    let working = bench.working(workflow, 1, true);
    let id = bench.start(&working.engine, request(2)).await.id;
    let failed = bench.until(&working.engine, id, |run| run.status == Status::Queued && run.attempt == 1).await;
    assert_eq!(failed.error_code.as_deref(), Some("internal"));
    bench.clock.forward(Duration::from_secs(1));
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.attempt, run.output.as_deref()), (Status::Succeeded, 2, Some("\"well\"")));
    assert_eq!(bench.steps(id).await.iter().map(|step| step.attempt).collect::<Vec<_>>(), [1, 2]);
    working.end().await;
}

pub async fn attempts_run_out_after_growing_pauses(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let seen = world.clone();
    let workflow = flow(1, move |journal, _| {
        let world = seen.clone();
        Box::pin(async move {
            let work = async {
                world.note("tried");
                Err(Failure::retryable(Code::Unavailable, "the other side is down"))
            };
            let () = journal.step("call", work).await?;
            Ok(json!(null))
        })
    });
    let working = bench.working(workflow, 1, true);
    let begun_at = pilothouse_domain::Clock::now(bench.clock.as_ref());
    let id = bench.start(&working.engine, request(3)).await.id;
    let first = bench.until(&working.engine, id, |run| run.status == Status::Queued).await;
    assert_eq!((first.attempt, first.due_at - begun_at), (1, 500_000));
    bench.clock.forward(Duration::from_micros(500_000));
    let second = bench.until(&working.engine, id, |run| run.status == Status::Queued && run.attempt == 2).await;
    assert_eq!(second.due_at - begun_at, 1_500_000, "the second pause is twice the first");
    bench.clock.forward(Duration::from_micros(999_999));
    // One microsecond before it is due, an engine that looks at the queue leaves it alone.
    let other = bench.start(&working.engine, request(1)).await.id;
    assert_eq!(bench.ended(&working.engine, other).await.status, Status::Dead);
    assert_eq!(bench.run(&working.engine, id).await.attempt, 2);
    bench.clock.forward(Duration::from_micros(1));
    let dead = bench.ended(&working.engine, id).await;
    assert_eq!((dead.status, dead.attempt, dead.error_code.as_deref()), (Status::Dead, 3, Some("unavailable")));
    assert_eq!(dead.error_message.as_deref(), Some("the other side is down"));
    let steps = bench.steps(id).await;
    assert_eq!((steps[0].status, steps[0].attempt, steps.len()), (StepStatus::Failed, 3, 1));
    assert!(steps[0].error.as_deref().is_some_and(|error| error.contains("the other side is down")));
    let events = bench.events(&working.engine, id, 0).await;
    let kinds: Vec<_> = events.iter().map(|event| (event.seq, event.kind.as_str())).collect();
    assert_eq!(kinds, [(Some(1), "step"), (Some(2), "step"), (Some(3), "step"), (Some(4), "done")], "the history");
    assert_eq!(events[3].json, r#"{"status":"dead","code":"unavailable"}"#);
    assert_eq!(world.effects().len(), 4);
    working.end().await;
}

pub async fn a_final_failure_is_not_tried_again(store: &Store) {
    let bench = Bench::on(store).await;
    let workflow = flow(1, |journal, _| {
        Box::pin(async move {
            let () = journal.last_step("ask", async { Err(Failure::last(Code::QueryFailed, "no such table")) }).await?;
            Ok(json!(null))
        })
    });
    let working = bench.working(workflow, 1, true);
    let id = bench.start(&working.engine, request(5)).await.id;
    let run = bench.ended(&working.engine, id).await;
    let code = Code::QueryFailed.as_str();
    assert_eq!((run.status, run.attempt, run.error_code.as_deref()), (Status::Failed, 1, Some(code)));
    assert_eq!(bench.steps(id).await[0].status, StepStatus::Failed, "its last step is written with the end");
    working.end().await;
}

pub async fn a_run_of_an_unknown_kind_fails(store: &Store) {
    let bench = Bench::on(store).await;
    let engine = bench.engine(flow(1, |_, _| Box::pin(async { Ok(json!(null)) })), 1);
    let mut unknown = request(3);
    unknown.kind = "nothing";
    let id = bench.start(&engine, unknown).await.id;
    let run = bench.ended(&engine, id).await;
    assert_eq!((run.status, run.error_code.as_deref()), (Status::Failed, Some("run.workflow_version")));
}
