//! What a run tells while it goes, to those who are there, who come later, and who look from another node.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use pilothouse_domain::Code;
use pilothouse_domain::run::Status;
use pilothouse_engine::{Event, Failure, Workflow};
use pilothouse_store::Store;
use serde_json::{Value, json};

use crate::support::{Bench, PATIENCE, PAUSE, World, done, flow, request};

/// Two steps that each wait at the gate.
fn two_gates(world: Arc<World>) -> Arc<dyn Workflow> {
    flow(1, move |journal, _| {
        let world = world.clone();
        Box::pin(async move {
            for name in ["first", "second"] {
                let work = async {
                    world.pass().await;
                    done(())
                };
                let () = journal.step(name, work).await?;
            }
            Ok(json!("end"))
        })
    })
}

/// Number, kind, and the step's name and status or the run's status.
fn told(event: &Event) -> (Option<i64>, String) {
    let json: Value = serde_json::from_str(&event.json).unwrap();
    let words = [&json["name"], &json["status"]].map(|word| word.as_str().unwrap_or("run").to_owned());
    (event.seq, format!("{}: {} {}", event.kind, words[0], words[1]))
}

fn told_all(events: &[Event]) -> Vec<(Option<i64>, String)> {
    events.iter().map(told).collect()
}

fn stored() -> Vec<(Option<i64>, String)> {
    ["state: run running", "step: first succeeded", "step: second succeeded", "done: run succeeded"]
        .iter()
        .zip(1..)
        .map(|(words, seq)| (Some(seq), (*words).to_owned()))
        .collect()
}

pub async fn events_are_numbered_and_live_ones_are_not(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(two_gates(world.clone()), 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    world.at_gate(1).await;
    let mut stream = working.engine.events(&bench.tenant, id, 0);
    let mut heard = vec![told(&stream.next().await.unwrap().unwrap())];
    world.gate.add_permits(1);
    while heard.last().is_some_and(|(seq, _)| seq.is_some()) {
        heard.push(told(&stream.next().await.unwrap().unwrap()));
    }
    world.gate.add_permits(1);
    let rest = tokio::time::timeout(PATIENCE, stream.collect::<Vec<_>>()).await.unwrap();
    heard.extend(rest.into_iter().map(|event| told(&event.unwrap())));
    let numbered: Vec<_> = heard.iter().filter(|(seq, _)| seq.is_some()).cloned().collect();
    assert_eq!(numbered, stored());
    let live: Vec<_> = heard.iter().filter(|(seq, _)| seq.is_none()).map(|(_, words)| words.as_str()).collect();
    assert_eq!(live, ["step: second started"], "the first had begun before anybody listened");
    assert_eq!(told(&bench.events(&working.engine, id, 0).await[0]), stored()[0], "live ones are not kept");
    working.end().await;
}

pub async fn a_stream_goes_on_after_a_number_and_ends(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    world.gate.add_permits(2);
    let working = bench.working(two_gates(world), 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    bench.ended(&working.engine, id).await;
    for after in 0..=5 {
        // Also one who has heard the end already, or asks for what never was, is let go.
        let heard = bench.events(&working.engine, id, after).await;
        assert_eq!(told_all(&heard), stored()[(after as usize).min(4)..], "after {after}");
    }
    let unknown = "run_00000000000000000000000000000001".parse().unwrap();
    assert_eq!(bench.events(&working.engine, unknown, 0).await, []);
    working.end().await;
}

pub async fn another_engine_sees_the_same_events(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(two_gates(world.clone()), 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    world.at_gate(1).await;
    let elsewhere = bench.engine(two_gates(world.clone()), 0);
    let stream = elsewhere.events(&bench.tenant, id, 0);
    world.gate.add_permits(2);
    let heard = tokio::time::timeout(PATIENCE, stream.collect::<Vec<_>>()).await.unwrap();
    let heard: Vec<_> = heard.into_iter().map(|event| told(&event.unwrap())).collect();
    assert_eq!(heard, stored());
    assert_eq!(bench.ended(&elsewhere, id).await.status, Status::Succeeded);
    working.end().await;
}

pub async fn a_stream_goes_on_across_attempts(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let seen = world.clone();
    let workflow = flow(1, move |journal, _| {
        let world = seen.clone();
        Box::pin(async move {
            let () = journal.step("first", async { done(()) }).await?;
            let fails = journal.attempt() == 1;
            let work = async {
                world.pass().await;
                if fails { Err(Failure::retryable(Code::Unavailable, "not now")) } else { done(()) }
            };
            let () = journal.step("second", work).await?;
            Ok(json!(null))
        })
    });
    let working = bench.working(workflow, 1);
    let id = bench.start(&working.engine, request(2)).await.id;
    world.at_gate(1).await;
    let stream = working.engine.events(&bench.tenant, id, 0);
    world.gate.add_permits(2);
    bench.until(&working.engine, id, |run| run.status == Status::Queued).await;
    bench.clock.forward(PAUSE);
    let heard = tokio::time::timeout(PATIENCE, stream.collect::<Vec<_>>()).await.unwrap();
    let heard: Vec<_> = heard.into_iter().map(|event| told(&event.unwrap())).filter(|(seq, _)| seq.is_some()).collect();
    let words: Vec<_> = heard.iter().map(|(_, words)| words.as_str()).collect();
    let wanted = [
        "state: run running",
        "step: first succeeded",
        "step: second failed",
        "state: run queued",
        "state: run running",
        "step: second succeeded",
        "done: run succeeded",
    ];
    assert_eq!(words, wanted);
    // Whoever lost the connection goes on behind what was heard, be it in the attempt before.
    for after in 0..=7 {
        assert_eq!(told_all(&bench.events(&working.engine, id, after).await), heard[after as usize..], "after {after}");
    }
    working.end().await;
}

pub async fn a_run_that_is_tried_again_is_told_on(store: &Store) {
    let bench = Bench::on(store).await;
    let fails = Arc::new(AtomicBool::new(true));
    let workflow = flow(1, move |journal, _| {
        let fails = fails.swap(false, Ordering::SeqCst);
        Box::pin(async move {
            let work = async { if fails { Err(Failure::last(Code::QueryFailed, "no")) } else { done(()) } };
            let () = journal.step("only", work).await?;
            Ok(json!(null))
        })
    });
    let working = bench.working(workflow, 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    bench.ended(&working.engine, id).await;
    let before = told_all(&bench.events(&working.engine, id, 0).await);
    assert_eq!(before.last().unwrap(), &(Some(3), "done: run failed".to_owned()));
    assert!(working.engine.retry(&bench.tenant, id).await.unwrap().unwrap().1);
    let after = told_all(&bench.events(&working.engine, id, 3).await);
    let words: Vec<_> = after.iter().filter(|(seq, _)| seq.is_some()).map(|(_, words)| words.as_str()).collect();
    assert_eq!(words, ["state: run retried", "state: run running", "step: only succeeded", "done: run succeeded"]);
    working.end().await;
}

pub async fn nothing_that_others_wrote_is_skipped(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let seen = world.clone();
    let workflow = flow(1, move |journal, _| {
        let world = seen.clone();
        Box::pin(async move {
            let _ = journal.wait_for("go", None).await?;
            let work = async {
                world.pass().await;
                done(())
            };
            let () = journal.step("step", work).await?;
            Ok(json!(null))
        })
    });
    let working = bench.working(workflow.clone(), 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    let mut stream = working.engine.events(&bench.tenant, id, 0);
    let mut heard = Vec::new();
    while heard.last().is_none_or(|(seq, _)| *seq != Some(3)) {
        heard.push(told(&stream.next().await.unwrap().unwrap()));
    }
    // Another process wakes the run: this one does not hear of that entry, and hears of those after it.
    let elsewhere = bench.engine(workflow, 0);
    bench.signal(&elsewhere, id, "go", json!(1)).await;
    world.at_gate(1).await;
    world.gate.add_permits(1);
    let rest = tokio::time::timeout(PATIENCE, stream.collect::<Vec<_>>()).await.unwrap();
    heard.extend(rest.into_iter().map(|event| told(&event.unwrap())));
    let numbers: Vec<_> = heard.iter().filter_map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
    working.end().await;
}

pub async fn waiting_ends_with_patience(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(two_gates(world.clone()), 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    world.at_gate(1).await;
    let run = working.engine.wait(&bench.tenant, id, Duration::from_millis(20)).await.unwrap().unwrap();
    assert_eq!((run.status, run.output), (Status::Running, None));
    world.gate.add_permits(2);
    assert_eq!(bench.ended(&working.engine, id).await.output.as_deref(), Some("\"end\""));
    working.end().await;
}
