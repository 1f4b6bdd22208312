//! What a run tells while it goes, to those who are there, who come later, and who look from another node.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use pilothouse_domain::run::Status;
use pilothouse_engine::{Event, Workflow};
use pilothouse_store::{Store, events};
use serde_json::{Value, json};

use crate::support::{Bench, World, done, flow, request};

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
    [(1, "step: first succeeded"), (2, "step: second succeeded"), (3, "done: run succeeded")]
        .map(|(seq, words)| (Some(seq), words.to_owned()))
        .to_vec()
}

pub async fn events_are_numbered_and_live_ones_are_not(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(two_gates(world.clone()), 1, true);
    let id = bench.start(&working.engine, request(1)).await.id;
    world.at_gate(1).await;
    let stream = working.engine.events(&bench.tenant, id, 0);
    world.gate.add_permits(2);
    let heard = tokio::time::timeout(crate::support::PATIENCE, stream.collect::<Vec<_>>()).await.unwrap();
    let heard: Vec<_> = heard.into_iter().map(|event| told(&event.unwrap())).collect();
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
    let working = bench.working(two_gates(world), 1, true);
    let id = bench.start(&working.engine, request(1)).await.id;
    bench.ended(&working.engine, id).await;
    for after in 0..=4 {
        // Also one who has heard the end already, or asks for what never was, is let go.
        let heard = bench.events(&working.engine, id, after).await;
        assert_eq!(told_all(&heard), stored()[(after as usize).min(3)..], "after {after}");
    }
    let unknown = "run_00000000000000000000000000000001".parse().unwrap();
    assert_eq!(bench.events(&working.engine, unknown, 0).await, []);
    working.end().await;
}

pub async fn another_engine_sees_the_same_events(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(two_gates(world.clone()), 1, true);
    let id = bench.start(&working.engine, request(1)).await.id;
    world.at_gate(1).await;
    let elsewhere = bench.engine(two_gates(world.clone()), 0);
    let stream = elsewhere.events(&bench.tenant, id, 0);
    world.gate.add_permits(2);
    let heard = tokio::time::timeout(crate::support::PATIENCE, stream.collect::<Vec<_>>()).await.unwrap();
    let heard: Vec<_> = heard.into_iter().map(|event| told(&event.unwrap())).collect();
    assert_eq!(heard, stored());
    assert_eq!(bench.ended(&elsewhere, id).await.status, Status::Succeeded);
    working.end().await;
}

pub async fn nothing_that_others_wrote_is_skipped(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(two_gates(world.clone()), 1, true);
    let id = bench.start(&working.engine, request(1)).await.id;
    world.at_gate(1).await;
    let mut stream = working.engine.events(&bench.tenant, id, 0);
    let mut heard = Vec::new();
    world.gate.add_permits(1);
    while heard.last().is_none_or(|(seq, _)| *seq != Some(1)) {
        heard.push(told(&stream.next().await.unwrap().unwrap()));
    }
    world.at_gate(1).await;
    // Another worker's event comes between two of this process, which does not hear of it.
    let tenant = bench.tenant.clone();
    let other = store.write(move |tx| {
        Box::pin(async move { events::append(tx, &tenant, id, "step", r#"{"status":"elsewhere"}"#, 1).await })
    });
    assert_eq!(other.await, Ok(2));
    world.gate.add_permits(1);
    let rest = tokio::time::timeout(crate::support::PATIENCE, stream.collect::<Vec<_>>()).await.unwrap();
    heard.extend(rest.into_iter().map(|event| told(&event.unwrap())));
    let numbers: Vec<_> = heard.iter().filter_map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    working.end().await;
}

pub async fn waiting_ends_with_patience(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(two_gates(world.clone()), 1, true);
    let id = bench.start(&working.engine, request(1)).await.id;
    world.at_gate(1).await;
    let run = working.engine.wait(&bench.tenant, id, Duration::from_millis(20)).await.unwrap().unwrap();
    assert_eq!((run.status, run.output), (Status::Running, None));
    world.gate.add_permits(2);
    assert_eq!(bench.ended(&working.engine, id).await.output.as_deref(), Some("\"end\""));
    working.end().await;
}
