//! How runs come into the queue and out of it.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt as _;
use pilothouse_domain::run::Status;
use pilothouse_engine::{Also, QUEUE_FULL, Request, Workflow};
use pilothouse_store::{Error, Store, runs, tenants};
use serde_json::json;

use crate::support::{Bench, LONG_LEASE, World, done, flow, request};

/// One step that notes the run's title and, where `holds`, waits at the gate.
pub fn noting(world: Arc<World>, holds: bool) -> Arc<dyn Workflow> {
    flow(1, move |journal, input| {
        let world = world.clone();
        Box::pin(async move {
            let id = journal.id().to_string();
            let work = async {
                world.note(input.as_str().unwrap_or(&id));
                if holds {
                    world.pass().await;
                }
                done(())
            };
            let () = journal.last_step("note", work).await?;
            Ok(json!(id))
        })
    })
}

pub async fn several_engines_never_run_the_same_run(store: &Store) {
    const RUNS: usize = 120;
    let (bench, world) = (Bench::on(store).await, World::new());
    let idle = bench.engine(noting(world.clone(), false), 0);
    let mut ids = Vec::new();
    for _ in 0..RUNS {
        ids.push(bench.start(&idle, request(3)).await.id);
    }
    let nodes = [4, 4, 3].map(|slots| bench.sharing(noting(world.clone(), false), slots, LONG_LEASE).0);
    for id in &ids {
        let run = bench.ended(&nodes[0].engine, *id).await;
        assert_eq!((run.status, run.attempt, run.epoch), (Status::Succeeded, 1, 1));
    }
    let mut times = HashMap::new();
    for effect in world.effects() {
        *times.entry(effect).or_insert(0) += 1;
    }
    assert_eq!((times.len(), times.values().max()), (RUNS, Some(&1)));
    for node in nodes {
        node.end().await;
    }
}

pub async fn a_run_without_a_slot_waits_for_one(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(noting(world.clone(), true), 1);
    let first = bench.start(&working.engine, request(3)).await.id;
    world.at_gate(1).await;
    let second = bench.start(&working.engine, request(3)).await.id;
    assert_eq!(bench.run(&working.engine, second).await.status, Status::Queued);
    assert_eq!(working.engine.running(), 1);
    world.gate.add_permits(2);
    assert_eq!(bench.ended(&working.engine, first).await.status, Status::Succeeded);
    assert_eq!(bench.ended(&working.engine, second).await.status, Status::Succeeded);
    working.end().await;
}

pub async fn stopping_lets_the_runs_end(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    // More slots than this test fills: a run that waits then waits for nothing but the next start.
    let working = bench.working(noting(world.clone(), true), 64);
    let engine = working.engine.clone();
    let id = bench.start(&engine, request(3)).await.id;
    world.at_gate(1).await;
    working.stop.cancel();
    let ending = tokio::spawn(working.end());
    // A run that comes now is kept for the next start, although a slot is free.
    let late = loop {
        let late = bench.start(&engine, request(3)).await.id;
        if bench.run(&engine, late).await.status == Status::Queued {
            break late;
        }
        world.at_gate(1).await;
        world.gate.add_permits(1);
        tokio::task::yield_now().await;
    };
    assert!(!ending.is_finished());
    world.gate.add_permits(1);
    ending.await.unwrap();
    assert_eq!((bench.run(&engine, id).await.status, engine.running()), (Status::Succeeded, 0));
    assert_eq!(bench.run(&engine, late).await.status, Status::Queued);
}

pub async fn one_key_is_one_run(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(noting(world.clone(), false), 4);
    let mut keyed = request(3);
    keyed.idempotency_key = Some("order 7".into());
    let asked = (0..8).map(|_| bench.start(&working.engine, keyed.clone()));
    let started = futures::future::join_all(asked).await;
    assert!(started.iter().all(|answer| answer.id == started[0].id));
    assert_eq!(started.iter().filter(|answer| !answer.existed).count(), 1);
    bench.ended(&working.engine, started[0].id).await;
    let again = bench.start(&working.engine, keyed.clone()).await;
    assert_eq!((again.id, again.existed), (started[0].id, true));
    assert_eq!(world.effects().len(), 1);
    let stranger = "stranger".parse().unwrap();
    store
        .write(|tx| Box::pin(async { tenants::ensure(tx, &"stranger".parse().unwrap(), "S", 1).await }))
        .await
        .unwrap();
    let other = working.engine.start(&stranger, keyed).await.unwrap();
    assert!(!other.existed && other.id != again.id, "a key is the tenant's own");
    working.end().await;
}

/// Writes a tenant row, and fails after it where `fails`.
fn row(name: &'static str, fails: bool) -> Also {
    Box::new(move |tx| {
        async move {
            tenants::ensure(tx, &name.parse().unwrap(), "Asked", 1).await?;
            if fails { Err(Error::Conflict { what: "row" }) } else { Ok(()) }
        }
        .boxed()
    })
}

pub async fn the_row_that_asked_and_the_run_are_one_unit(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(noting(world.clone(), false), 4);
    let fails = working.engine.start_with(&bench.tenant, request(3), Some(row("asked", true)));
    assert_eq!(fails.await, Err(Error::Conflict { what: "row" }));
    let tenant = bench.tenant.clone();
    let (all, runs) = store
        .read(move |tx| {
            Box::pin(async move {
                let filter = runs::RunFilter { limit: 9, ..Default::default() };
                Ok((tenants::list(tx).await?.len(), runs::list(tx, &tenant, &filter).await?.len()))
            })
        })
        .await
        .unwrap();
    assert_eq!((runs, world.effects().len()), (0, 0));
    let well = working.engine.start_with(&bench.tenant, request(3), Some(row("asked", false)));
    let id = well.await.unwrap().id;
    assert_eq!(bench.ended(&working.engine, id).await.status, Status::Succeeded);
    assert_eq!(store.read(|tx| Box::pin(tenants::list(tx))).await.unwrap().len(), all + 1);
    working.end().await;
}

pub async fn a_caller_that_goes_away_leaves_a_working_run(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(noting(world.clone(), false), 4);
    let mut keyed = request(1);
    keyed.idempotency_key = Some("gone".into());
    let (inside, alone) = (world.clone(), store.is_exclusive());
    let also: Also = Box::new(move |_| {
        async move {
            // A unit of SQLite's waits for nothing but the database, or is given up; its thread may be held up.
            if alone {
                futures::executor::block_on(inside.pass());
            } else {
                inside.pass().await;
            }
            Ok(())
        }
        .boxed()
    });
    let start = working.engine.start_with(&bench.tenant, keyed.clone(), Some(also));
    // The caller is gone while its unit of work is under way; the unit is whole all the same.
    tokio::select! {
        started = start => panic!("the unit waits at the gate: {started:?}"),
        () = world.at_gate(1) => {}
    }
    world.gate.add_permits(1);
    let id = bench.start(&working.engine, keyed).await.id;
    assert_eq!(bench.ended(&working.engine, id).await.status, Status::Succeeded);
    assert_eq!(world.effects().len(), 1);
    working.end().await;
}

pub async fn a_delayed_run_begins_when_it_is_due(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(noting(world.clone(), false), 4);
    let day = std::time::Duration::from_secs(86_400);
    let due_at = pilothouse_domain::Clock::now(bench.clock.as_ref()) + day.as_micros() as i64;
    let delayed = bench.start(&working.engine, Request { due_at: Some(due_at), ..request(1) }).await.id;
    let other = bench.start(&working.engine, request(1)).await.id;
    bench.ended(&working.engine, other).await;
    let run = bench.run(&working.engine, delayed).await;
    assert_eq!((run.status, run.wake_at), (Status::Queued, Some(due_at)));
    bench.clock.forward(day);
    let run = bench.ended(&working.engine, delayed).await;
    assert_eq!((run.status, run.started_at), (Status::Succeeded, Some(due_at)));
    working.end().await;
}

pub async fn what_is_of_higher_priority_goes_first(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let idle = bench.engine(noting(world.clone(), false), 0);
    for (name, priority) in [("low", -1), ("usual", 0), ("high", 5), ("usual too", 0), ("highest", 99)] {
        let input = json!(name).to_string();
        bench.start(&idle, Request { priority, input, ..request(1) }).await;
    }
    let last = bench.start(&idle, Request { priority: -10, ..request(1) }).await.id;
    let working = bench.working(noting(world.clone(), false), 1);
    bench.ended(&working.engine, last).await;
    assert_eq!(world.effects()[..5], ["highest", "high", "usual", "usual too", "low"]);
    working.end().await;
}

pub async fn a_full_lane_takes_no_more(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(noting(world.clone(), true), 1);
    let bounded = Request { max_waiting: Some(2), ..request(1) };
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(bench.start(&working.engine, bounded.clone()).await.id);
    }
    let refused = working.engine.start(&bench.tenant, bounded.clone()).await;
    assert_eq!(refused, Err(Error::Conflict { what: QUEUE_FULL }), "one at work and two waiting");
    let other_key = Request { key: "other".into(), ..bounded.clone() };
    ids.push(bench.start(&working.engine, other_key).await.id);
    world.gate.add_permits(9);
    for id in ids {
        bench.ended(&working.engine, id).await;
    }
    let id = bench.start(&working.engine, bounded).await.id;
    assert_eq!(bench.ended(&working.engine, id).await.status, Status::Succeeded);
    working.end().await;
}
