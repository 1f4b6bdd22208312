//! Workers that vanish, are slow, or come back: who may write, and who takes over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pilothouse_domain::run::Status;
use pilothouse_domain::{Clock, RunId};
use pilothouse_engine::Workflow;
use pilothouse_store::{Store, runs};
use serde_json::json;

use crate::support::{Bench, LEASE, World, done, flow, request};

/// A first step, and a second one that waits at the gate of `world`; the output names the world.
fn gated(world: Arc<World>, name: &'static str) -> Arc<dyn Workflow> {
    flow(1, move |journal, _| {
        let world = world.clone();
        Box::pin(async move {
            let first: String = journal.step("first", async { done(name.to_owned()) }).await?;
            let () = journal
                .step("second", async {
                    world.pass().await;
                    world.note(name);
                    done(())
                })
                .await?;
            let work = async {
                world.note("third");
                done(())
            };
            let () = journal.step("third", work).await?;
            Ok(json!(format!("{first} then {name}")))
        })
    })
}

/// Takes every expired lease back, as the worker loop of any node does.
async fn free_expired(bench: &Bench) {
    let now = bench.clock.now();
    bench.store.write(move |tx| Box::pin(async move { runs::release_expired(tx, now, 99).await })).await.unwrap();
}

pub async fn a_fenced_worker_writes_nothing(store: &Store) {
    let (bench, slow, quick) = (Bench::on(store).await, World::new(), World::new());
    // The engine's loop does not run: nobody renews its leases.
    let stalled = bench.engine(gated(slow.clone(), "slow"), 1);
    let id = bench.start(&stalled, request(3)).await.id;
    slow.at_gate(1).await;
    bench.clock.forward(LEASE);
    free_expired(&bench).await;
    slow.gate.add_permits(1);
    // Its step is refused, and so is its end; then its slot is free again.
    bench.idle(&stalled).await;
    let run = bench.run(&stalled, id).await;
    assert_eq!((run.status, run.epoch, run.error_code), (Status::Queued, 1, None));
    assert_eq!(
        (bench.steps(id).await.len(), slow.effects()),
        (1, vec!["slow".to_owned()]),
        "its third step never began"
    );
    quick.gate.add_permits(1);
    let other = bench.working(gated(quick, "quick"), 1, false);
    let run = bench.ended(&other.engine, id).await;
    assert_eq!((run.output.as_deref(), run.epoch), (Some("\"slow then quick\""), 2));
    assert_eq!(bench.events(&stalled, id, 0).await.len(), 4);
    other.end().await;
}

pub async fn an_expired_lease_lets_another_engine_take_over(store: &Store) {
    let (bench, slow, quick) = (Bench::on(store).await, World::new(), World::new());
    let stalled = bench.engine(gated(slow.clone(), "slow"), 1);
    let id = bench.start(&stalled, request(3)).await.id;
    slow.at_gate(1).await;
    let other = bench.working(gated(quick.clone(), "quick"), 1, false);
    bench.clock.forward(LEASE - Duration::from_micros(1));
    let small = bench.start(&stalled, request(1)).await.id;
    quick.at_gate(1).await;
    assert_eq!(bench.run(&stalled, id).await.attempt, 1, "not a microsecond too early");
    quick.gate.add_permits(2);
    bench.ended(&other.engine, small).await;
    bench.clock.forward(Duration::from_micros(1));
    let run = bench.ended(&other.engine, id).await;
    assert_eq!((run.status, run.attempt, run.output.as_deref()), (Status::Succeeded, 2, Some("\"slow then quick\"")));
    slow.gate.add_permits(1);
    bench.idle(&stalled).await;
    assert_eq!(bench.run(&stalled, id).await, run, "who comes late changes nothing");
    other.end().await;
}

pub async fn a_busy_engine_still_frees_expired_leases(store: &Store) {
    let (bench, slow) = (Bench::on(store).await, World::new());
    let stalled = bench.engine(gated(slow.clone(), "slow"), 1);
    let id = bench.start(&stalled, request(3)).await.id;
    slow.at_gate(1).await;
    let quick = World::new();
    quick.gate.add_permits(1_000_000);
    let busy = bench.working(gated(quick, "quick"), 2, false);
    // The look at the start finds nothing: the lease ends while the engine is busy.
    let small = bench.start(&busy.engine, request(1)).await.id;
    bench.ended(&busy.engine, small).await;
    bench.clock.forward(LEASE);
    // Small runs without a pause: each end wakes the loop long before it would look by itself.
    let load = async {
        loop {
            let small = bench.start(&busy.engine, request(1)).await.id;
            bench.ended(&busy.engine, small).await;
        }
    };
    tokio::select! {
        () = load => {}
        run = bench.ended(&busy.engine, id) => assert_eq!((run.status, run.attempt), (Status::Succeeded, 2)),
    }
    busy.end().await;
}

pub async fn an_exclusive_start_frees_every_lease_of_others(store: &Store) {
    const RUNS: u32 = 130;
    let (bench, vanished) = (Bench::on(store).await, World::new());
    let engine = bench.engine(gated(vanished.clone(), "vanished"), RUNS as usize);
    let mut ids = Vec::new();
    for n in 0..RUNS {
        ids.push(bench.start(&engine, request(if n == 0 { 1 } else { 2 })).await.id);
    }
    vanished.at_gate(RUNS).await;
    let world = World::new();
    let next = bench.engine(gated(world.clone(), "next"), RUNS as usize + 1);
    let own = bench.start(&next, request(2)).await.id;
    world.at_gate(1).await;
    let next = crate::support::Working::begin(next, true);
    world.gate.add_permits(1 + RUNS as usize);
    // The clock has not moved: no lease is over.
    let dead = bench.ended(&next.engine, ids[0]).await;
    assert_eq!((dead.status, dead.error_code.as_deref()), (Status::Dead, Some("run.interrupted")));
    assert_eq!(dead.finished_at, Some(bench.clock.now()));
    assert_eq!(bench.events(&next.engine, ids[0], 1).await[0].json, r#"{"status":"dead","code":"run.interrupted"}"#);
    for id in &ids[1..] {
        let run = bench.ended(&next.engine, *id).await;
        assert_eq!((run.status, run.attempt), (Status::Succeeded, 2));
    }
    assert_eq!(bench.ended(&next.engine, own).await.attempt, 1, "what it had begun itself goes on");
    next.end().await;
}

pub async fn a_lease_that_nobody_works_under_runs_out(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    // The long heartbeat of the tests is a quarter of the lease; this engine beats often in real time.
    let engine = bench.engine_with_lease(gated(world.clone(), "one"), 3, Duration::from_millis(40));
    let lost = bench.engine(gated(world.clone(), "one"), 0);
    let id = bench.start(&lost, request(3)).await.id;
    let at_work = bench.start(&engine, request(3)).await.id;
    world.at_gate(1).await;
    // A claim that was committed while its answer was lost: leased to this process, and nobody works on it.
    let owner = bench.run(&engine, at_work).await.lease_owner.unwrap();
    let (tenant, now) = (bench.tenant.clone(), bench.clock.now());
    let claim = store
        .write(move |tx| Box::pin(async move { runs::claim_one(tx, &tenant, id, &owner, now, now + 40_000).await }));
    assert!(claim.await.unwrap().is_some());
    let working = crate::support::Working::begin(engine, false);
    bench.clock.forward(Duration::from_millis(30));
    // The run at work is renewed, the other is not.
    let until = bench.clock.now() + 40_000;
    bench.until(&working.engine, at_work, |run| run.lease_until == Some(until)).await;
    bench.clock.forward(Duration::from_millis(10));
    world.at_gate(1).await;
    world.gate.add_permits(2);
    assert_eq!(bench.ended(&working.engine, id).await.attempt, 2);
    assert_eq!(bench.ended(&working.engine, at_work).await.attempt, 1);
    working.end().await;
}

pub async fn an_old_attempt_does_not_disturb_the_new_one(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let (seen, attempts) = (world.clone(), Arc::new(AtomicU32::new(0)));
    let workflow = flow(1, move |journal, _| {
        let (world, attempt) = (seen.clone(), attempts.fetch_add(1, Ordering::SeqCst) + 1);
        Box::pin(async move {
            let token = journal.cancel().clone();
            let work = async {
                if attempt == 1 {
                    token.cancelled().await;
                    world.note("the old one was told to stop");
                }
                world.pass().await;
                done(attempt)
            };
            Ok(json!(journal.step("work", work).await?))
        })
    });
    let engine = bench.engine(workflow, 2);
    let id: RunId = bench.start(&engine, request(3)).await.id;
    bench.until(&engine, id, |run| run.status == Status::Running).await;
    bench.clock.forward(LEASE);
    let working = crate::support::Working::begin(engine, false);
    // Both attempts are in this process now; the old one ends first.
    world.at_gate(2).await;
    assert_eq!((world.effects().len(), working.engine.running()), (1, 1));
    let run = working.engine.cancel(&bench.tenant, id).await.unwrap().unwrap();
    assert_eq!((run.status, run.attempt), (Status::Running, 2));
    world.gate.add_permits(2);
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.output.as_deref()), (Status::Succeeded, Some("2")), "its step had begun");
    working.end().await;
}
