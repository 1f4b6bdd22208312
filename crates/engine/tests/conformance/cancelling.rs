//! Stopping runs: queued ones, running ones, those that have ended, and those of others.

use std::sync::Arc;

use pilothouse_domain::Code;
use pilothouse_domain::run::Status;
use pilothouse_engine::{Failure, Workflow};
use pilothouse_store::{Store, runs};
use serde_json::json;

use crate::support::{Bench, World, cancelled, done, flow, request, told};

/// One step that waits at the gate, and stops when the run's token fires.
pub fn stoppable(world: Arc<World>) -> Arc<dyn Workflow> {
    flow(1, move |journal, _| {
        let world = world.clone();
        Box::pin(async move {
            let token = journal.cancel().clone();
            let work = async {
                tokio::select! {
                    () = world.pass() => done("passed".to_owned()),
                    () = token.cancelled() => Err(Failure::retryable(Code::Unavailable, "stopped")),
                }
            };
            let output: String = journal.step("wait", work).await?;
            Ok(json!(output))
        })
    })
}

pub async fn a_queued_run_is_cancelled_at_once(store: &Store) {
    let bench = Bench::on(store).await;
    let idle = bench.engine(stoppable(World::new()), 0);
    let id = bench.start(&idle, request(3)).await.id;
    let run = idle.cancel(&bench.tenant, id).await.unwrap().unwrap();
    assert_eq!((run.status, run.error_code.as_deref()), (Status::Cancelled, Some("run.cancelled")));
    let again = idle.cancel(&bench.tenant, id).await.unwrap().unwrap();
    assert_eq!(again, run);
    let events = bench.events(&idle, id, 0).await;
    assert_eq!(events.iter().map(told).collect::<Vec<_>>(), [cancelled(1)], "one end");
}

pub async fn a_running_run_hears_its_token(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(stoppable(world.clone()), 1);
    let id = bench.start(&working.engine, request(3)).await.id;
    world.at_gate(1).await;
    let run = working.engine.cancel(&bench.tenant, id).await.unwrap().unwrap();
    assert_eq!((run.status, run.cancel_requested), (Status::Running, true));
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.attempt, run.error_code.as_deref()), (Status::Cancelled, 1, Some("run.cancelled")));
    assert_eq!(told(bench.events(&working.engine, id, 1).await.last().unwrap()), cancelled(1));
    working.end().await;
}

pub async fn a_run_that_has_ended_stays_as_it_is(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    world.gate.add_permits(1);
    let working = bench.working(stoppable(world), 1);
    let id = bench.start(&working.engine, request(3)).await.id;
    let ended = bench.ended(&working.engine, id).await;
    let events = bench.events(&working.engine, id, 0).await;
    assert_eq!(working.engine.cancel(&bench.tenant, id).await.unwrap(), Some(ended));
    assert_eq!(bench.events(&working.engine, id, 0).await, events);
    working.end().await;
}

pub async fn another_tenant_cannot_cancel(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let working = bench.working(stoppable(world.clone()), 1);
    let id = bench.start(&working.engine, request(3)).await.id;
    world.at_gate(1).await;
    let stranger = "stranger".parse().unwrap();
    assert_eq!(working.engine.cancel(&stranger, id).await.unwrap(), None);
    assert_eq!(working.engine.get(&stranger, id).await.unwrap(), None);
    world.gate.add_permits(1);
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.cancel_requested), (Status::Succeeded, false));
    working.end().await;
}

pub async fn a_wish_that_comes_after_the_workers_last_look_still_ends_the_run(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let seen = world.clone();
    let workflow = flow(1, move |_, _| {
        let world = seen.clone();
        Box::pin(async move {
            world.pass().await;
            Err(Failure::retryable(Code::Unavailable, "again"))
        })
    });
    let working = bench.working(workflow, 1);
    let id = bench.start(&working.engine, request(3)).await.id;
    world.at_gate(1).await;
    // Another node asks for it, and this one has not heard yet when its attempt ends.
    let tenant = bench.tenant.clone();
    let wish = store.write(move |tx| Box::pin(async move { runs::cancel(tx, &tenant, id, 5).await }));
    assert!(wish.await.unwrap().is_some_and(|(run, changed)| changed && run.status == Status::Running));
    world.gate.add_permits(1);
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.attempt), (Status::Cancelled, 1));
    let events = bench.events(&working.engine, id, 0).await;
    assert_eq!(events.iter().skip(1).map(told).collect::<Vec<_>>(), [cancelled(1)]);
    working.end().await;
}
