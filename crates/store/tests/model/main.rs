//! The store against a model: sequences of all that can happen to runs are done to both, on either engine, and after
//! each operation the answers and all that can be seen must be the same. What fails is made as short as possible.
//!
//! `PILOTHOUSE_MODEL_CASES` sets how many sequences each engine goes through, for hours of it.
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

use std::collections::BTreeMap;

use pilothouse_store::Store;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::call::{ask, journals, look};
use crate::ops::{Op, sequences};
use crate::raw::Touched;
use crate::session::{Session, tenants};
use crate::state::Id;

/// The variable that sets how many sequences there are.
const CASES: &str = "PILOTHOUSE_MODEL_CASES";

/// Every table that a sequence fills.
const TABLES: [&str; 7] = ["live", "runs", "journal", "signals", "workers", "queues", "rates"];

#[test]
fn sqlite_does_what_the_model_does() {
    same_as_the_model(270, Touched::sqlite_in_memory);
}

#[test]
fn postgres_does_what_the_model_does() {
    same_as_the_model(42, Touched::postgres);
}

fn same_as_the_model(usual: u32, start: impl AsyncFn() -> Touched) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
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
        let before = session.lengths();
        let expected = session.answer(&call);
        let found = ask(store, call.clone()).await;
        prop_assert_eq!(found.as_ref(), Ok(&expected), "operation {}: {:?}", place, call);
        let seen = look(store, tenants()).await.unwrap();
        prop_assert_eq!(seen, session.state.look(), "after operation {}: {:?}", place, call);
        same_journals(store, &session, session.touched(&call, &before)).await?;
    }
    let all = session.state.runs.keys().map(|id| (id.clone(), 0)).collect();
    same_journals(store, &session, all).await
}

/// Compares the journals of runs from a number on.
async fn same_journals(store: &Store, session: &Session, after: BTreeMap<Id, i64>) -> Result<(), TestCaseError> {
    let wanted = after.iter().map(|((tenant, run), after)| (tenant.clone(), *run, *after)).collect();
    let found = journals(store, wanted).await.unwrap();
    for ((id, after), found) in after.iter().zip(found) {
        let expected = &session.state.runs[id].journal[*after as usize..];
        prop_assert_eq!(&found[..], expected, "the journal of {:?} after {}", id, after);
        prop_assert!(found.iter().zip(after + 1..).all(|(entry, seq)| entry.seq == seq), "a gap: {:?}", found);
    }
    Ok(())
}
