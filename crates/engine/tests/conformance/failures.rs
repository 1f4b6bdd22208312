//! Attempts that do not go well: panics, tries that run out, failures that no other try can mend.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pilothouse_domain::Code;
use pilothouse_domain::run::Status;
use pilothouse_engine::{Failure, MAX_INPUT_BYTES, Request};
use pilothouse_store::{Error, Store};
use serde_json::json;

use crate::support::{Bench, World, done, flow, request, told};

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
    let working = bench.working(workflow, 1);
    let id = bench.start(&working.engine, request(2)).await.id;
    let failed = bench.until(&working.engine, id, |run| run.status == Status::Queued && run.attempt == 2).await;
    assert_eq!(failed.error_code.as_deref(), Some("internal"));
    bench.clock.forward(Duration::from_secs(1));
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.attempt, run.output.as_deref()), (Status::Succeeded, 2, Some("\"well\"")));
    let steps = bench.steps(&working.engine, id).await;
    assert_eq!(steps.iter().map(|step| step.attempt).collect::<Vec<_>>(), [1, 2]);
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
    let working = bench.working(workflow, 1);
    let begun_at = pilothouse_domain::Clock::now(bench.clock.as_ref());
    let id = bench.start(&working.engine, request(3)).await.id;
    let first = bench.until(&working.engine, id, |run| run.status == Status::Queued).await;
    let pause = first.wake_at.unwrap() - begun_at;
    assert_eq!((first.attempt, first.error_code.as_deref()), (2, Some("unavailable")));
    assert!((375_000..=500_000).contains(&pause), "half a second, less at most a quarter: {pause}");
    bench.clock.forward(Duration::from_micros(pause as u64));
    let second = bench.until(&working.engine, id, |run| run.status == Status::Queued && run.attempt == 3).await;
    let pause = second.wake_at.unwrap() - begun_at - pause;
    assert!((750_000..=1_000_000).contains(&pause), "the second pause is about twice the first: {pause}");
    bench.clock.forward(Duration::from_micros(pause as u64 - 1));
    // One microsecond before it is due, an engine that looks at the queue leaves it alone.
    let other = bench.start(&working.engine, request(1)).await.id;
    assert_eq!(bench.ended(&working.engine, other).await.status, Status::Dead);
    assert_eq!(bench.run(&working.engine, id).await.status, Status::Queued);
    bench.clock.forward(Duration::from_micros(1));
    let dead = bench.ended(&working.engine, id).await;
    assert_eq!((dead.status, dead.attempt, dead.error_code.as_deref()), (Status::Dead, 3, Some("unavailable")));
    assert_eq!(dead.error_message.as_deref(), Some("the other side is down"));
    let steps = bench.steps(&working.engine, id).await;
    assert_eq!(steps.iter().map(|step| step.attempt).collect::<Vec<_>>(), [1, 2, 3], "the history");
    assert!(steps.iter().all(|step| step.error.as_ref().is_some_and(|error| error.contains("the other side is down"))));
    let events = bench.events(&working.engine, id, 0).await;
    let kinds: String = events.iter().map(|event| &event.kind[..2]).collect::<Vec<_>>().join(" ");
    assert_eq!(kinds, "st st st st st st st st do", "a claim, a step and what becomes of it, three times");
    let end = json!({"status": "dead", "code": "unavailable", "message": "the other side is down", "attempt": 3});
    assert_eq!(told(events.last().unwrap()), end);
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
    let working = bench.working(workflow, 1);
    let id = bench.start(&working.engine, request(5)).await.id;
    let run = bench.ended(&working.engine, id).await;
    let code = Code::QueryFailed.as_str();
    assert_eq!((run.status, run.attempt, run.error_code.as_deref()), (Status::Failed, 1, Some(code)));
    let steps = bench.steps(&working.engine, id).await;
    assert!(steps[0].error.is_some() && steps.len() == 1, "it is written before the end");
    working.end().await;
}

pub async fn a_run_of_an_unknown_kind_is_refused(store: &Store) {
    let bench = Bench::on(store).await;
    let engine = bench.engine(flow(1, |_, _| Box::pin(async { Ok(json!(null)) })), 1);
    let unknown = Request { kind: "nothing", ..request(3) };
    assert_eq!(engine.start(&bench.tenant, unknown).await, Err(Error::Missing { what: "workflow" }));
}

pub async fn an_input_that_is_too_large_is_refused(store: &Store) {
    let bench = Bench::on(store).await;
    let working = bench.working(flow(1, |_, input| Box::pin(async move { Ok(json!(input.to_string().len())) })), 1);
    let input = |bytes: usize| json!("x".repeat(bytes - 2)).to_string();
    let large = Request { input: input(MAX_INPUT_BYTES + 1), ..request(1) };
    let refused = working.engine.start(&bench.tenant, large).await;
    assert_eq!(refused, Err(Error::TooLarge { bytes: MAX_INPUT_BYTES + 1, most: MAX_INPUT_BYTES }));
    let largest = Request { input: input(MAX_INPUT_BYTES), ..request(1) };
    let id = bench.start(&working.engine, largest).await.id;
    assert_eq!(bench.ended(&working.engine, id).await.output, Some(MAX_INPUT_BYTES.to_string()));
    working.end().await;
}

pub async fn a_result_that_is_too_large_is_a_final_failure(store: &Store) {
    let bench = Bench::on(store).await;
    let workflow = flow(1, |journal, _| {
        Box::pin(async move {
            let text: String = journal.step("write", async { done("x".repeat(16 << 20)) }).await?;
            Ok(json!(text.len()))
        })
    });
    let working = bench.working(workflow, 1);
    let id = bench.start(&working.engine, request(3)).await.id;
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.error_code.as_deref()), (Status::Failed, Some(Code::RunTooLarge.as_str())));
    working.end().await;
}
