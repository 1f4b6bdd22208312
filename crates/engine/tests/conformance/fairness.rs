//! Who waits for whom: turns between tenants, and what an operator allows a queue.

use std::sync::Arc;
use std::time::Duration;

use pilothouse_domain::TenantId;
use pilothouse_domain::run::Status;
use pilothouse_engine::{Engine, Request};
use pilothouse_store::runs::Limits;
use pilothouse_store::{Store, queues, tenants};
use serde_json::json;

use crate::queue::noting;
use crate::support::{Bench, World, request};

pub async fn tenant(store: &Store, name: &'static str) -> TenantId {
    store
        .write(move |tx| Box::pin(async move { tenants::ensure(tx, &name.parse().unwrap(), "T", 1).await }))
        .await
        .unwrap();
    name.parse().unwrap()
}

async fn limit(store: &Store, limits: Limits) {
    store.write(move |tx| Box::pin(async move { queues::set_limits(tx, "flow", &limits, 1).await })).await.unwrap();
}

fn named(name: &str, key: &str) -> Request {
    Request { input: json!(name).to_string(), key: key.into(), ..request(1) }
}

pub async fn a_quiet_tenant_waits_for_no_more_than_one_job(store: &Store) {
    const JOBS: usize = 10_000;
    let (bench, world) = (Bench::on(store).await, World::new());
    let quiet = tenant(store, "quiet").await;
    let idle = bench.engine(noting(world.clone(), true), 0);
    let asked = futures::stream::iter((0..JOBS).map(|_| bench.start(&idle, named("big", ""))));
    futures::StreamExt::collect::<Vec<_>>(futures::StreamExt::buffer_unordered(asked, 512)).await;
    let working = bench.working(noting(world.clone(), true), 2);
    world.at_gate(2).await;
    let id = working.engine.start(&quiet, named("quiet", "")).await.unwrap().id;
    let before = world.effects().len();
    // One job ends, and the place goes to whoever has waited for a turn.
    world.gate.add_permits(1);
    world.at_gate(1).await;
    assert_eq!(world.effects()[before..], ["quiet"], "begun in between");
    // A second one has had its turn: now the others are next.
    world.gate.add_permits(2);
    let run = working.engine.wait(&quiet, id, crate::support::PATIENCE).await.unwrap().unwrap();
    assert_eq!(run.status, Status::Succeeded);
    working.stop.cancel();
    world.gate.add_permits(JOBS);
    working.end().await;
}

pub async fn a_paused_queue_begins_nothing(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let pause = async |by: Option<&'static str>| {
        store.write(move |tx| Box::pin(queues::set_paused(tx, "flow", by, 1))).await.unwrap();
    };
    pause(Some("ada")).await;
    let working = bench.working(noting(world.clone(), false), 4);
    let other = Request { queue: "other".into(), ..request(1) };
    let other = bench.start(&working.engine, other).await.id;
    let id = bench.start(&working.engine, request(1)).await.id;
    bench.ended(&working.engine, other).await;
    let late = bench.start(&working.engine, Request { queue: "other".into(), ..request(1) }).await.id;
    bench.ended(&working.engine, late).await;
    assert_eq!((bench.run(&working.engine, id).await.status, world.effects().len()), (Status::Queued, 2));
    pause(None).await;
    assert_eq!(bench.ended(&working.engine, id).await.status, Status::Succeeded);
    working.end().await;
}

/// Starts these runs, of (tenant, key), and tells which are at work once no more can be.
async fn at_work(world: &Arc<World>, engine: &Engine, asked: &[(&TenantId, &str)], expected: u32) -> Vec<String> {
    for (tenant, key) in asked {
        engine.start(tenant, named(&format!("{tenant}{key}"), key)).await.unwrap();
    }
    world.at_gate(expected).await;
    let mut names = world.effects();
    names.sort();
    names
}

pub async fn limits_hold_for_queue_tenant_and_key(store: &Store) {
    let bench = Bench::on(store).await;
    let (a, b) = (tenant(store, "a").await, tenant(store, "b").await);
    let asked = [(&a, "x"), (&a, "x"), (&a, "y"), (&a, ""), (&a, ""), (&b, "x"), (&b, "x"), (&b, "")];
    let limits = |running, running_per_tenant, running_per_key| Limits {
        running,
        running_per_tenant,
        running_per_key,
        ..Limits::default()
    };
    let cases: [(Limits, &[&str]); 3] = [
        (limits(None, None, Some(1)), &["a", "a", "ax", "ay", "b", "bx"]),
        (limits(None, Some(1), None), &["ax", "bx"]),
        (limits(Some(3), Some(2), Some(1)), &["ax", "ay", "bx"]),
    ];
    for (limits, expected) in cases {
        limit(store, limits).await;
        let world = World::new();
        let working = bench.working(noting(world.clone(), true), 16);
        // The limits are known from the first look on.
        let first =
            working.engine.start(&bench.tenant, Request { queue: "other".into(), ..named("", "") }).await.unwrap();
        world.at_gate(1).await;
        let mut names = at_work(&world, &working.engine, &asked, expected.len() as u32).await;
        assert_eq!(working.engine.running(), expected.len() + 1);
        names.retain(|name| !name.is_empty());
        assert_eq!(names.len(), expected.len(), "{names:?}");
        if expected.len() != 3 {
            assert_eq!(names, expected);
        }
        world.gate.add_permits(99);
        for _ in expected.len()..asked.len() {
            world.at_gate(1).await;
        }
        working.engine.wait(&bench.tenant, first.id, crate::support::PATIENCE).await.unwrap();
        working.end().await;
    }
}

pub async fn a_rate_lets_only_so_many_begin(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    limit(store, Limits { rate: Some((3, 60_000_000)), ..Limits::default() }).await;
    let idle = bench.engine(noting(world.clone(), false), 0);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(bench.start(&idle, request(1)).await.id);
    }
    let working = bench.working(noting(world.clone(), false), 8);
    for id in &ids[..3] {
        bench.ended(&working.engine, *id).await;
    }
    for (count, id) in [(3, ids[3]), (4, ids[4])] {
        let free = bench.start(&working.engine, Request { queue: "other".into(), ..request(1) }).await.id;
        bench.ended(&working.engine, free).await;
        assert_eq!(bench.run(&working.engine, id).await.status, Status::Queued, "{count} were enough");
        bench.clock.forward(Duration::from_secs(20));
        bench.ended(&working.engine, id).await;
    }
    working.end().await;
}
