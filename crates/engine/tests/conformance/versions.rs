//! Workflows that change while runs of theirs are under way.

use std::sync::Arc;

use async_trait::async_trait;
use pilothouse_domain::run::Status;
use pilothouse_engine::{Failure, Journal, Options, Workflow};
use pilothouse_store::Store;
use serde_json::{Value, json};

use crate::support::{Bench, LONG_LEASE, Working, done, flow, request};

/// A workflow that waits for a signal between two steps; its result tells the version of each.
fn version(own: i64) -> Arc<dyn Workflow> {
    flow(own, move |journal, _| {
        Box::pin(async move {
            let before: i64 = journal.step("before", async { done(own) }).await?;
            let _ = journal.wait_for("go", None).await?;
            let after: i64 = journal.step("after", async { done(own) }).await?;
            Ok(json!([before, after]))
        })
    })
}

pub async fn a_run_ends_in_the_version_that_it_began_with(store: &Store) {
    let bench = Bench::on(store).await;
    let old = bench.working(version(1), 2);
    let first = bench.start(&old.engine, request(1)).await.id;
    bench.until(&old.engine, first, |run| run.status == Status::Waiting).await;
    old.end().await;
    let options = Options { concurrency: 2, ..bench.options() };
    let both = Working::begin(bench.engine_with(&[version(1), version(2)], options));
    let second = bench.start(&both.engine, request(1)).await.id;
    for id in [first, second] {
        bench.signal(&both.engine, id, "go", json!(null)).await;
    }
    assert_eq!(bench.ended(&both.engine, first).await.output.as_deref(), Some("[1,1]"));
    assert_eq!(bench.ended(&both.engine, second).await.output.as_deref(), Some("[2,2]"));
    both.end().await;
}

pub async fn a_version_that_nobody_knows_is_named(store: &Store) {
    let bench = Bench::on(store).await;
    let old = bench.engine(version(1), 0);
    let id = bench.start(&old, request(3)).await.id;
    let working = bench.working(version(2), 2);
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.error_code.as_deref()), (Status::Failed, Some("run.workflow_version")));
    assert_eq!(run.error_message.as_deref(), Some("The run began with version 1 of flow and this is 2."));
    working.end().await;
}

/// A workflow of another kind.
struct Other;

#[async_trait]
impl Workflow for Other {
    fn kind(&self) -> &'static str {
        "other"
    }

    fn version(&self) -> i64 {
        1
    }

    async fn run(&self, _: &Journal, _: Value) -> Result<Value, Failure> {
        Ok(json!(null))
    }
}

pub async fn a_kind_that_nobody_knows_any_more_is_named(store: &Store) {
    let bench = Bench::on(store).await;
    let old = bench.engine(version(1), 0);
    let id = bench.start(&old, request(3)).await.id;
    let working = bench.working(Arc::new(Other), 2);
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.error_code.as_deref()), (Status::Failed, Some("run.workflow_version")));
    assert_eq!(run.error_message.as_deref(), Some("This program has no workflow flow."));
    working.end().await;
}

/// How often the clock moves where it goes with the time.
const TICK: std::time::Duration = std::time::Duration::from_millis(50);

pub async fn another_worker_ends_what_this_one_does_not_know(store: &Store) {
    let bench = Bench::on(store).await;
    let (new, _) = bench.sharing(version(2), 2, LONG_LEASE);
    let (old, _) = bench.sharing(version(1), 2, LONG_LEASE);
    let id = bench.start(&old.engine, request(1)).await.id;
    bench.until(&old.engine, id, |run| run.status == Status::Waiting).await;
    // Either may take it now; only one can go on with it.
    bench.signal(&new.engine, id, "go", json!(null)).await;
    let moving = async {
        loop {
            bench.clock.forward(TICK);
            let run = new.engine.wait(&bench.tenant, id, TICK).await.unwrap().unwrap();
            if run.status.is_final() {
                return run;
            }
        }
    };
    let run = tokio::time::timeout(crate::support::PATIENCE, moving).await.expect("the old worker gets it");
    assert_eq!((run.output.as_deref(), run.attempt), (Some("[1,1]"), 1));
    old.end().await;
    new.end().await;
}
