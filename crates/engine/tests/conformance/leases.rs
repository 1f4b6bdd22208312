//! Workers that vanish, are slow, or come back: who may write, and who takes over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pilothouse_domain::run::Status;
use pilothouse_domain::{Clock as _, RunId};
use pilothouse_engine::{Engine, Options, Workflow};
use pilothouse_store::{Store, workers};
use serde_json::json;

use crate::node::Node;
use crate::support::{Bench, LEASE, LONG_LEASE, PATIENCE, Working, World, done, flow, request, told};

/// A first step, and a second one that waits at the gate of `world`; the output names the world.
pub fn gated(world: Arc<World>, name: &'static str) -> Arc<dyn Workflow> {
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

impl Bench {
    /// Waits until the others know that this engine works.
    pub async fn announced(&self, engine: &Engine) {
        beaten(self, engine, 1).await;
    }
}

/// Waits until the engine has shown that it lives so many times more.
async fn beaten(bench: &Bench, engine: &Engine, times: i64) {
    let own = engine.worker();
    let count = async || {
        let all = bench.store.read(|tx| Box::pin(workers::list(tx))).await.unwrap();
        all.iter().find(|worker| worker.id == own && !worker.gone).map_or(0, |worker| worker.beats)
    };
    let wanted = count().await + times;
    let beating = async {
        while count().await < wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, beating).await.expect("the engine lives");
}

pub async fn a_fenced_worker_writes_nothing(store: &Store) {
    let (bench, slow, quick) = (Bench::on(store).await, World::new(), World::new());
    let (stalled, node) = bench.sharing(gated(slow.clone(), "slow"), 1, LONG_LEASE);
    let id = bench.start(&stalled.engine, request(3)).await.id;
    slow.at_gate(1).await;
    let name = stalled.engine.worker();
    beaten(&bench, &stalled.engine, 1).await;
    node.stall();
    let (other, _) = bench.sharing(gated(quick.clone(), "quick"), 1, LEASE);
    quick.at_gate(1).await;
    // Both work on it now; the one that lost it is the first to end its step.
    slow.gate.add_permits(1);
    node.go_on();
    bench.idle(&stalled.engine).await;
    assert_eq!(slow.effects(), ["slow"], "its third step never began");
    assert_eq!(bench.steps(&stalled.engine, id).await.len(), 1);
    quick.gate.add_permits(1);
    let run = bench.ended(&other.engine, id).await;
    assert_eq!((run.output.as_deref(), run.epoch, run.attempt), (Some("\"slow then quick\""), 2, 2));
    // It goes on under another name.
    slow.gate.add_permits(1);
    other.end().await;
    let renamed = async {
        while stalled.engine.worker() == name {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, renamed).await.expect("it learns that it was given up");
    let next = bench.start(&stalled.engine, request(3)).await.id;
    assert_eq!(bench.ended(&stalled.engine, next).await.output.as_deref(), Some("\"slow then slow\""));
    assert_eq!(bench.run(&stalled.engine, id).await, run);
    stalled.end().await;
}

pub async fn a_worker_that_lives_keeps_its_runs(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    // Long enough that a busy machine, which may hold up a beat, does not take a living worker for a dead one.
    const PATIENT_LEASE: Duration = Duration::from_secs(3);
    let (holder, _) = bench.sharing(gated(world.clone(), "holder"), 1, PATIENT_LEASE);
    let id = bench.start(&holder.engine, request(3)).await.id;
    world.at_gate(1).await;
    let (other, _) = bench.sharing(gated(World::new(), "other"), 1, PATIENT_LEASE);
    // Ten beats are two leases; a jump of the clock is none.
    bench.clock.forward(PATIENT_LEASE * 100_000);
    beaten(&bench, &other.engine, 10).await;
    world.gate.add_permits(1);
    let run = bench.ended(&holder.engine, id).await;
    assert_eq!((run.output.as_deref(), run.attempt, run.epoch), (Some("\"holder then holder\""), 1, 1));
    other.end().await;
    holder.end().await;
}

pub async fn a_busy_engine_still_takes_over(store: &Store) {
    let (bench, slow, quick) = (Bench::on(store).await, World::new(), World::new());
    let (stalled, node) = bench.sharing(gated(slow.clone(), "slow"), 1, LONG_LEASE);
    let id = bench.start(&stalled.engine, request(3)).await.id;
    slow.at_gate(1).await;
    node.stall();
    quick.gate.add_permits(1_000_000);
    let (busy, _) = bench.sharing(gated(quick, "quick"), 2, LEASE);
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
    node.go_on();
    slow.gate.add_permits(1);
    stalled.end().await;
}

pub async fn an_exclusive_start_takes_every_run_of_others(store: &Store) {
    const RUNS: u32 = 130;
    let (bench, vanished) = (Bench::on(store).await, World::new());
    // A process that took runs and died before it had announced itself.
    let engine = bench.engine_alone(gated(vanished.clone(), "vanished"), RUNS as usize);
    let mut ids = Vec::new();
    for n in 0..RUNS {
        ids.push(bench.start(&engine, request(if n == 0 { 1 } else { 2 })).await.id);
    }
    vanished.at_gate(RUNS).await;
    let world = World::new();
    let next = bench.engine_alone(gated(world.clone(), "next"), RUNS as usize + 1);
    let own = bench.start(&next, request(2)).await.id;
    world.at_gate(1).await;
    let next = Working::begin(next);
    world.gate.add_permits(1 + RUNS as usize);
    let dead = bench.ended(&next.engine, ids[0]).await;
    assert_eq!((dead.status, dead.error_code.as_deref()), (Status::Dead, Some("run.interrupted")));
    assert_eq!(dead.finished_at, Some(bench.clock.now()));
    let end = told(bench.events(&next.engine, ids[0], 1).await.last().unwrap());
    assert_eq!((&end["status"], &end["code"]), (&json!("dead"), &json!("run.interrupted")));
    for id in &ids[1..] {
        let run = bench.ended(&next.engine, *id).await;
        assert_eq!((run.status, run.attempt), (Status::Succeeded, 2));
    }
    assert_eq!(bench.ended(&next.engine, own).await.attempt, 1, "what it had begun itself goes on");
    next.end().await;
}

pub async fn a_claim_whose_answer_was_lost_is_made_again(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    world.gate.add_permits(9);
    let idle = bench.engine(gated(world.clone(), "idle"), 0);
    let id = bench.start(&idle, request(1)).await.id;
    let node = Node::of(store);
    node.lose_next_claim();
    let working = Working::begin(bench.engine_on(&node, gated(world.clone(), "one"), 1, LONG_LEASE));
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.attempt, run.epoch), (Status::Succeeded, 1, 2), "no attempt was begun");
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
    let (working, node) = bench.sharing(workflow.clone(), 2, LONG_LEASE);
    let id: RunId = bench.start(&working.engine, request(3)).await.id;
    bench.until(&working.engine, id, |run| run.status == Status::Running).await;
    beaten(&bench, &working.engine, 1).await;
    node.stall();
    // Another worker, without slots of its own, gives the stalled one up.
    let (watcher, _) = bench.sharing(workflow, 0, LEASE);
    bench.until(&watcher.engine, id, |run| run.status == Status::Queued).await;
    watcher.end().await;
    node.go_on();
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

pub async fn a_stopping_worker_hands_its_runs_back(store: &Store) {
    let (bench, slow, quick) = (Bench::on(store).await, World::new(), World::new());
    let workflow = |world: Arc<World>, name: &'static str| {
        flow(1, move |journal, _| {
            let world = world.clone();
            Box::pin(async move {
                let first: String = journal.step("first", async { done(name.to_owned()) }).await?;
                let token = journal.cancel().clone();
                let work = async {
                    tokio::select! {
                        () = world.pass() => done(name.to_owned()),
                        () = token.cancelled() => Err(pilothouse_engine::Failure::last(
                            pilothouse_domain::Code::RunCancelled,
                            "stopped",
                        )),
                    }
                };
                let second: String = journal.step("second", work).await?;
                Ok(json!([first, second]))
            })
        })
    };
    let node = Arc::new(Node::of(store));
    let options = Options { drain: LEASE, ..bench.options() };
    let registry = pilothouse_engine::Registry::default().with(workflow(slow.clone(), "slow"));
    let engine = Engine::over(node, bench.clock.clone(), bench.ids.clone(), registry, options);
    let stopping = Working::begin(engine.clone());
    let id = bench.start(&engine, request(1)).await.id;
    slow.at_gate(1).await;
    stopping.end().await;
    let run = bench.run(&engine, id).await;
    assert_eq!((run.status, run.attempt, run.worker), (Status::Queued, 1, None), "it is nobody's fault");
    quick.gate.add_permits(1);
    let (other, _) = bench.sharing(workflow(quick, "quick"), 1, LONG_LEASE);
    let run = bench.ended(&other.engine, id).await;
    assert_eq!((run.status, run.output.as_deref()), (Status::Succeeded, Some("[\"slow\",\"quick\"]")));
    other.end().await;
}
