//! The life of runs, apart from who holds them.

use pilothouse_domain::run::Status;
use pilothouse_store::runs::{Enqueued, RunFilter};
use pilothouse_store::{Store, runs};

use crate::support::{claimed, conflict, enqueue, new_run, read, run_id, tenant, write};

async fn status(store: &Store, n: u128) -> Status {
    read!(store, |tx| async move { runs::get(tx, &tenant("a"), run_id(n)).await }).unwrap().status
}

pub async fn a_run_is_enqueued_once_per_key(store: &Store) {
    let keyed = |n, key: &str, kind: &str| {
        let mut run = new_run(n, 5);
        (run.idem_key, run.kind) = (Some(key.into()), kind.into());
        run
    };
    let cases = [
        ("a", keyed(1, "k", "ask"), Enqueued::New),
        ("a", keyed(2, "k", "ask"), Enqueued::Existing(run_id(1))),
        ("a", keyed(3, "other", "ask"), Enqueued::New),
        ("a", keyed(4, "k", "build"), Enqueued::New),
        ("b", keyed(5, "k", "ask"), Enqueued::New),
        ("a", new_run(6, 5), Enqueued::New),
        ("a", new_run(7, 5), Enqueued::New),
    ];
    for (owner, run, expected) in cases {
        assert_eq!(write!(store, |tx| async move { runs::enqueue(tx, &tenant(owner), &run).await }), Ok(expected));
    }
    let same_id = write!(store, |tx| async move { runs::enqueue(tx, &tenant("a"), &new_run(6, 5)).await });
    assert_eq!(same_id, conflict("run"));
    let stored = read!(store, |tx| async move { runs::get(tx, &tenant("a"), run_id(1)).await }).unwrap();
    assert_eq!((stored.status, stored.attempt, stored.epoch), (Status::Queued, 0, 0));
    assert_eq!((stored.idem_key.as_deref(), stored.due_at, stored.cancel_requested), (Some("k"), 5, false));
    assert_eq!(read!(store, |tx| async move { runs::get(tx, &tenant("b"), run_id(1)).await }), None);
}

pub async fn runs_are_listed_in_pages_and_by_filter(store: &Store) {
    for n in 1..=5 {
        let mut run = new_run(n, 10 + (n as i64) / 2);
        run.kind = if n % 2 == 0 { "ask" } else { "build" }.into();
        enqueue(store, &tenant("a"), run).await;
    }
    enqueue(store, &tenant("b"), new_run(9, 99)).await;
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let filter = RunFilter { limit: 2, before, ..RunFilter::default() };
        let page = read!(store, |tx| async move { runs::list(tx, &tenant("a"), &filter).await });
        let Some(last) = page.last() else { break };
        before = Some((last.created_at, last.id));
        seen.extend(page.iter().map(|run| run.id));
    }
    assert_eq!(seen, [5, 4, 3, 2, 1].map(run_id));

    let of_kind = RunFilter { kind: Some("ask".into()), limit: 9, ..RunFilter::default() };
    let found = read!(store, |tx| async move { runs::list(tx, &tenant("a"), &of_kind).await });
    assert_eq!(found.iter().map(|run| run.id).collect::<Vec<_>>(), [4, 2].map(run_id));
    let ended = RunFilter { status: Some(Status::Failed), limit: 9, ..RunFilter::default() };
    assert!(read!(store, |tx| async move { runs::list(tx, &tenant("a"), &ended).await }).is_empty());
}

pub async fn a_conversation_remembers(store: &Store) {
    for (n, conversation) in [(1, "c"), (2, "d"), (3, "c"), (4, "c")] {
        let mut run = new_run(n, 7);
        run.conversation = Some(conversation.into());
        enqueue(store, &tenant("a"), run).await;
    }
    let before = (7, run_id(4));
    let found =
        read!(store, |tx| async move { runs::previous_in_conversation(tx, &tenant("a"), "c", before, 9).await });
    assert_eq!(found.iter().map(|run| run.id).collect::<Vec<_>>(), [3, 1].map(run_id));
}

pub async fn a_run_ends_once_and_only_by_its_worker(store: &Store) {
    let run = claimed(store, &tenant("a"), 1).await;
    assert_eq!((run.status, run.attempt, run.epoch), (Status::Running, 1, 1));
    assert_eq!((run.lease_owner.as_deref(), run.lease_until, run.started_at), (Some("w"), Some(100), Some(1)));
    let finish = |epoch, status| {
        let store = store.clone();
        async move {
            write!(store, |tx| async move {
                runs::finish(tx, &tenant("a"), run_id(1), epoch, status, Some("[1]"), Some(("x", "y")), 50).await
            })
        }
    };
    assert_eq!(finish(2, Status::Failed).await, Ok(false), "another epoch");
    assert_eq!(finish(1, Status::Waiting).await, conflict("run"));
    assert_eq!(finish(1, Status::Failed).await, Ok(true));
    assert_eq!(finish(1, Status::Succeeded).await, Ok(false), "it has ended");
    let ended = read!(store, |tx| async move { runs::get(tx, &tenant("a"), run_id(1)).await }).unwrap();
    assert_eq!((ended.status, ended.finished_at, ended.lease_owner), (Status::Failed, Some(50), None));
    assert_eq!((ended.output.as_deref(), ended.error_code.as_deref()), (Some("[1]"), Some("x")));
}

pub async fn a_parked_run_holds_no_worker(store: &Store) {
    let run = claimed(store, &tenant("a"), 1).await;
    let stale = write!(store, |tx| async move { runs::suspend(tx, &tenant("a"), run_id(1), 0).await });
    assert_eq!(stale, Ok(false));
    for expected in [true, false] {
        let parked = write!(store, |tx| async move { runs::suspend(tx, &tenant("a"), run_id(1), run.epoch).await });
        assert_eq!(parked, Ok(expected));
    }
    assert_eq!(status(store, 1).await, Status::Waiting);
    for expected in [true, false] {
        let resumed = write!(store, |tx| async move { runs::resume(tx, &tenant("a"), run_id(1), 70).await });
        assert_eq!(resumed, Ok(expected));
    }
    let early = write!(store, |tx| async move { runs::claim_one(tx, &tenant("a"), run_id(1), "w", 69, 100).await });
    assert_eq!(early, Ok(None), "not due yet");
    let again = write!(store, |tx| async move { runs::claim_one(tx, &tenant("a"), run_id(1), "w", 70, 100).await });
    assert_eq!(again.unwrap().unwrap().epoch, 2);
}

pub async fn cancelling_is_at_once_or_a_wish(store: &Store) {
    let a = tenant("a");
    enqueue(store, &a, new_run(1, 1)).await;
    let running = claimed(store, &a, 2).await;
    let waiting = claimed(store, &a, 3).await;
    write!(store, |tx| async move { runs::suspend(tx, &tenant("a"), run_id(3), waiting.epoch).await }).unwrap();
    for (n, expected) in [(1, Status::Cancelled), (2, Status::Running), (3, Status::Cancelled)] {
        let run = write!(store, |tx| async move { runs::request_cancel(tx, &tenant("a"), run_id(n), 8).await });
        let (run, changed) = run.unwrap().unwrap();
        assert_eq!((run.status, run.cancel_requested, changed), (expected, true, true), "run {n}");
        assert_eq!(run.finished_at, (n != 2).then_some(8));
    }
    let foreign = write!(store, |tx| async move { runs::request_cancel(tx, &tenant("b"), run_id(1), 8).await });
    assert_eq!(foreign, Ok(None));
    let again = write!(store, |tx| async move { runs::request_cancel(tx, &tenant("a"), run_id(1), 9).await });
    let (ended, changed) = again.unwrap().unwrap();
    assert_eq!((ended.finished_at, changed), (Some(8), false), "what has ended stays as it is");
    // A worker that puts a run back which somebody wants to stop ends it.
    let back = write!(store, |tx| async move {
        runs::requeue(tx, &tenant("a"), run_id(2), running.epoch, 9, Some(("unavailable", "later")), 7).await
    });
    assert_eq!(back, Ok(Some(Status::Cancelled)));
    let ended = read!(store, |tx| async move { runs::get(tx, &tenant("a"), run_id(2)).await }).unwrap();
    assert_eq!((ended.status, ended.error_code.as_deref()), (Status::Cancelled, Some("run.cancelled")));
    assert_eq!(ended.finished_at, Some(7));
}
