//! Runs that wait: for signals, for moments, and how they hold nothing meanwhile.

use std::sync::Arc;
use std::time::Duration;

use pilothouse_domain::run::Status;
use pilothouse_domain::{Clock as _, Micros};
use pilothouse_engine::Workflow;
use pilothouse_store::Store;
use serde_json::{Value, json};

use crate::support::{Bench, World, cancelled, done, flow, request, told};

/// What a signal brought, or null.
fn heard(signal: Option<pilothouse_store::runs::Signal>) -> Value {
    signal.map_or(Value::Null, |signal| serde_json::from_str(&signal.payload).unwrap())
}

/// Waits for `count` signals named `go`, one after another, with a step before each.
fn waiting(count: usize) -> Arc<dyn Workflow> {
    flow(1, move |journal, _| {
        Box::pin(async move {
            let mut all = Vec::new();
            for _ in 0..count {
                let () = journal.step("before", async { done(()) }).await?;
                all.push(heard(journal.wait_for("go", None).await?));
            }
            Ok(json!(all))
        })
    })
}

pub async fn a_signal_wakes_a_run_that_waits(store: &Store) {
    let bench = Bench::on(store).await;
    let working = bench.working(waiting(2), 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    for turn in 1..=2 {
        let run = bench.until(&working.engine, id, |run| run.status == Status::Waiting).await;
        assert_eq!((run.worker, run.wake_at), (None, None));
        // It holds no place either, once its attempt has heard that it was put away.
        bench.idle(&working.engine).await;
        let run = bench.signal(&working.engine, id, "other", json!("not this")).await;
        assert_eq!(run.status, Status::Queued, "it looks whether that is what it waits for");
        bench.until(&working.engine, id, |run| run.status == Status::Waiting).await;
        bench.signal(&working.engine, id, "go", json!({"turn": turn})).await;
        if turn == 1 {
            bench.until(&working.engine, id, |run| run.epoch >= 3 && run.status == Status::Waiting).await;
        }
    }
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.attempt), (Status::Succeeded, 1), "waiting costs no attempt");
    assert_eq!(run.output.as_deref(), Some(r#"[{"turn":1},{"turn":2}]"#));
    assert_eq!(bench.steps(&working.engine, id).await.len(), 4, "two steps and two waits, each once");
    let after = bench.signal(&working.engine, id, "go", json!(3)).await;
    assert_eq!(after, run, "who has ended hears nothing");
    working.end().await;
}

pub async fn signals_that_come_early_are_kept(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let idle = bench.engine(waiting(3), 0);
    let id = bench.start(&idle, request(1)).await.id;
    // Before it is claimed, and in the order of their coming.
    for number in 1..=2 {
        bench.signal(&idle, id, "go", json!(number)).await;
    }
    let seen = world.clone();
    let held = flow(1, move |journal, _| {
        let world = seen.clone();
        Box::pin(async move {
            let mut all = Vec::new();
            for turn in 0..3 {
                let work = async {
                    if turn == 2 {
                        world.pass().await;
                    }
                    done(())
                };
                let () = journal.step("before", work).await?;
                all.push(heard(journal.wait_for("go", None).await?));
            }
            Ok(json!(all))
        })
    });
    let working = bench.working(held, 1);
    world.at_gate(1).await;
    // While its worker holds it: the wait that follows must not sleep over it.
    let run = bench.signal(&working.engine, id, "go", json!(3)).await;
    assert_eq!(run.status, Status::Running);
    world.gate.add_permits(1);
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.output.as_deref(), run.attempt), (Some("[1,2,3]"), 1));
    working.end().await;
}

pub async fn each_signal_is_given_to_one_branch(store: &Store) {
    let bench = Bench::on(store).await;
    let workflow = flow(1, move |journal, _| {
        Box::pin(async move {
            let branches = journal.fan_out(0..3, 3, async |branch, index: i64| {
                if index == 0 {
                    // This branch comes to its wait after the others, in every attempt.
                    let () = branch.step("later", async { done(()) }).await?;
                    let _ = branch.wait_for("first", None).await?;
                }
                Ok(heard(branch.wait_for("go", None).await?))
            });
            let all: Vec<_> = branches.await.into_iter().collect::<Result<_, _>>()?;
            Ok(json!(all))
        })
    });
    let working = bench.working(workflow, 2);
    let id = bench.start(&working.engine, request(1)).await.id;
    for (name, payload) in [("go", "a"), ("first", ""), ("go", "b"), ("go", "c")] {
        bench.until(&working.engine, id, |run| run.status == Status::Waiting).await;
        bench.signal(&working.engine, id, name, json!(payload)).await;
    }
    let output = bench.ended(&working.engine, id).await.output.unwrap();
    let mut all: Vec<String> = serde_json::from_str(&output).unwrap();
    all.sort();
    assert_eq!(all, ["a", "b", "c"], "{output}");
    working.end().await;
}

pub async fn a_wait_ends_at_its_deadline(store: &Store) {
    let bench = Bench::on(store).await;
    const MONTHS: Duration = Duration::from_secs(86_400 * 90);
    let until = bench.clock.now() + MONTHS.as_micros() as Micros;
    let workflow = flow(1, move |journal, _| {
        Box::pin(async move {
            let signal = journal.wait_for("go", Some(until)).await?;
            let () = journal.sleep_until(until + 1_000_000).await?;
            Ok(heard(signal))
        })
    });
    // One slot is enough for as many waits as there are.
    let working = bench.working(workflow, 1);
    let ids = [bench.start(&working.engine, request(1)).await.id, bench.start(&working.engine, request(1)).await.id];
    for id in ids {
        let run = bench.until(&working.engine, id, |run| run.status == Status::Waiting).await;
        assert_eq!((run.wake_at, run.worker), (Some(until), None));
    }
    bench.signal(&working.engine, ids[0], "go", json!("heard")).await;
    bench.until(&working.engine, ids[0], |run| run.wake_at == Some(until + 1_000_000)).await;
    bench.clock.forward(MONTHS);
    bench.until(&working.engine, ids[1], |run| run.wake_at == Some(until + 1_000_000)).await;
    bench.clock.forward(Duration::from_secs(1));
    assert_eq!(bench.ended(&working.engine, ids[0]).await.output.as_deref(), Some("\"heard\""));
    let late = bench.ended(&working.engine, ids[1]).await;
    assert_eq!((late.output.as_deref(), late.attempt), (Some("null"), 1));
    working.end().await;
}

pub async fn a_waiting_run_is_cancelled_at_once(store: &Store) {
    let bench = Bench::on(store).await;
    let working = bench.working(waiting(1), 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    bench.until(&working.engine, id, |run| run.status == Status::Waiting).await;
    let run = working.engine.cancel(&bench.tenant, id).await.unwrap().unwrap();
    assert_eq!((run.status, run.error_code.as_deref()), (Status::Cancelled, Some("run.cancelled")));
    assert_eq!(told(bench.events(&working.engine, id, 0).await.last().unwrap()), cancelled(1));
    let after = bench.signal(&working.engine, id, "go", json!(1)).await;
    assert_eq!(after.status, Status::Cancelled);
    working.end().await;
}

pub async fn strangers_send_nothing(store: &Store) {
    let bench = Bench::on(store).await;
    let working = bench.working(waiting(1), 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    bench.until(&working.engine, id, |run| run.status == Status::Waiting).await;
    let stranger = "stranger".parse().unwrap();
    assert_eq!(working.engine.signal(&stranger, id, "go", "1", "eve").await, Ok(None));
    assert_eq!(working.engine.retry(&stranger, id).await, Ok(None));
    assert_eq!(bench.run(&working.engine, id).await.status, Status::Waiting);
    working.end().await;
}
