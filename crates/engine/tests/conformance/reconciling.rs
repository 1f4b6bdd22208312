//! Runs of vanished workers, taken back on demand: from whoever is silent, and from nobody who lives.

use std::sync::Arc;
use std::time::Duration;

use pilothouse_domain::run::Status;
use pilothouse_engine::{Engine, Options, Registry};
use pilothouse_store::Store;

use crate::fairness::tenant;
use crate::leases::gated;
use crate::node::Node;
use crate::support::{Bench, Hand, LEASE, LONG_LEASE, Working, World, request};

const MINUTE: Duration = Duration::from_secs(60);

pub async fn a_silent_workers_runs_are_taken_back_on_demand(store: &Store) {
    let (bench, slow, quick) = (Bench::on(store).await, World::new(), World::new());
    let other = tenant(store, "other").await;
    let (silent, node) = bench.sharing(gated(slow.clone(), "slow"), 2, LONG_LEASE);
    let id = bench.start(&silent.engine, request(3)).await.id;
    let others = silent.engine.start(&other, request(3)).await.unwrap().id;
    slow.at_gate(2).await;
    bench.announced(&silent.engine).await;
    node.stall();
    // Whoever asks does not work, so that nothing is taken back without having been asked for.
    let asking = bench.engine_on(&Node::of(store), gated(quick.clone(), "quick"), 2, LEASE);
    let reconcile = async |after| asking.reconcile(&bench.tenant, after).await.unwrap();
    assert_eq!(reconcile(Duration::ZERO).await, (0, false), "nobody is silent for less than a lease");
    bench.clock.forward(MINUTE * 10);
    assert_eq!(reconcile(MINUTE * 60).await, (0, false), "not so long");
    assert_eq!(bench.run(&asking, id).await.status, Status::Running);
    assert_eq!(reconcile(MINUTE).await, (1, false), "of another tenant's runs nothing is told");
    let run = bench.run(&asking, id).await;
    assert_eq!((run.status, run.attempt, run.worker), (Status::Queued, 2, None));
    assert_eq!(asking.get(&other, others).await.unwrap().unwrap().status, Status::Queued, "it is taken back as well");
    assert_eq!(reconcile(MINUTE).await, (0, false), "once");
    // Others go on with them; the one that was silent writes nothing more.
    quick.gate.add_permits(2);
    let working = Working::begin(asking);
    let ended = bench.ended(&working.engine, id).await;
    assert_eq!((ended.output.as_deref(), ended.epoch), (Some("\"slow then quick\""), 2));
    node.go_on();
    slow.gate.add_permits(2);
    bench.idle(&silent.engine).await;
    assert_eq!(bench.run(&working.engine, id).await, ended);
    working.end().await;
    silent.end().await;
}

pub async fn a_worker_that_beats_loses_nothing_on_demand(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let (holder, _) = bench.sharing(gated(world.clone(), "holder"), 1, LONG_LEASE);
    let id = bench.start(&holder.engine, request(3)).await.id;
    world.at_gate(1).await;
    bench.announced(&holder.engine).await;
    // By the clock of whoever asks, each beat of the holder is a day old.
    let ahead = Arc::new(Hand::default());
    ahead.forward(MINUTE * 24 * 60);
    let registry = Registry::default().with(gated(World::new(), "asking"));
    let options = Options { lease: LONG_LEASE, ..bench.options() };
    let asking = Engine::over(Arc::new(Node::of(store)), ahead, bench.ids.clone(), registry, options);
    assert_eq!(asking.reconcile(&bench.tenant, MINUTE).await.unwrap(), (0, false));
    world.gate.add_permits(1);
    let run = bench.ended(&holder.engine, id).await;
    assert_eq!((run.output.as_deref(), run.attempt, run.epoch), (Some("\"holder then holder\""), 1, 1));
    holder.end().await;
}
