//! The store against a model: sequences of all that can happen to runs are done to both, on either engine, and after
//! each operation the answers and all that can be seen must be the same. What fails is made as short as possible.
//!
//! `PILOTHOUSE_MODEL_CASES=100000 cargo test -p pilothouse-store --test model` goes on for hours: the variable sets how
//! many sequences each engine goes through.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests fail the test by a panic")]

mod call;
mod changes;
mod claims;
mod ops;
#[path = "../outside/raw.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod raw;
mod session;
mod state;

use pilothouse_store::Store;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::call::{Look, ask, look};
use crate::ops::{Op, sequences};
use crate::raw::Touched;
use crate::session::{Session, tenants};

/// The variable that sets how many sequences there are.
const CASES: &str = "PILOTHOUSE_MODEL_CASES";

/// After each operation the runs are looked at that it names or changes, and after every so-many-th all.
const ALL_EVERY: usize = 4;

/// Every table that a sequence fills.
const TABLES: [&str; 8] = ["live", "runs", "ends", "journal", "signals", "workers", "queues", "rates"];

#[test]
fn sqlite_does_what_the_model_does() {
    same_as_the_model(470, Touched::sqlite);
}

#[test]
fn postgres_does_what_the_model_does() {
    same_as_the_model(66, Touched::postgres);
}

fn same_as_the_model(usual: u32, start: impl AsyncFn() -> Touched) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let touched = runtime.block_on(start());
    let cases = std::env::var(CASES).ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let done = std::cell::Cell::new(0);
    let found = TestRunner::new(config).run(&sequences(), |ops| {
        done.set(done.get() + ops.iter().map(Op::size).sum::<usize>());
        runtime.block_on(async {
            for table in TABLES {
                touched.touch(format!("DELETE FROM {table}")).await;
            }
            go_through(&touched.store, &ops).await
        })
    });
    eprintln!("{} operations in {cases} sequences", done.get());
    found.unwrap();
    runtime.block_on(touched.store.close());
}

async fn go_through(store: &Store, ops: &[Op]) -> Result<(), TestCaseError> {
    let mut session = Session::new();
    for (place, op) in ops.iter().enumerate() {
        let Some(call) = session.call(op) else { continue };
        let before = session.shown();
        let expected = session.answer(&call);
        let found = ask(store, call.clone()).await;
        prop_assert_eq!(found.as_ref(), Ok(&expected), "operation {}: {:?}", place, call);
        let wanted = Look { named: session.touched(&call, &before), all: place % ALL_EVERY == 0 };
        let seen = look(store, tenants(), wanted.clone()).await.unwrap();
        prop_assert_eq!(&seen, &session.state.look(&wanted), "after operation {}: {:?}", place, call);
    }
    let all = session.state.runs.keys().map(|(tenant, run)| (tenant.clone(), *run, 0)).collect();
    let all = Look { named: all, all: true };
    let seen = look(store, tenants(), all.clone()).await.unwrap();
    prop_assert_eq!(&seen, &session.state.look(&all), "at the end");
    for (_, entries) in &seen.named {
        prop_assert!(entries.iter().zip(1..).all(|(entry, seq)| entry.seq == seq), "a gap: {:?}", entries);
    }
    Ok(())
}
