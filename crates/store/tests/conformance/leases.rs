//! Who holds a run: never two, and nobody for ever.

use std::collections::HashSet;

use pilothouse_domain::run::Status;
use pilothouse_store::{Store, runs};

use crate::support::{claimed, enqueue, new_run, read, run_id, tenant, write};

pub async fn due_runs_are_claimed_in_order_and_by_kind(store: &Store) {
    for (n, owner, due_at, kind) in
        [(1, "a", 30, "ask"), (2, "b", 10, "ask"), (3, "a", 20, "build"), (4, "a", 20, "ask"), (5, "a", 99, "ask")]
    {
        let mut run = new_run(n, due_at);
        run.kind = kind.into();
        enqueue(store, &tenant(owner), run).await;
    }
    let none = write!(store, |tx| runs::claim(tx, "w", 50, 90, &[], 9));
    assert_eq!(none, Ok(vec![]));
    let first = write!(store, |tx| runs::claim(tx, "w", 50, 90, &["ask", "o'ther"], 2)).unwrap();
    assert_eq!(first.iter().map(|run| run.id).collect::<Vec<_>>(), [2, 4].map(run_id));
    assert!(first.iter().all(|run| run.status == Status::Running && run.epoch == 1 && run.lease_until == Some(90)));
    let rest = write!(store, |tx| runs::claim(tx, "w", 50, 90, &["ask", "build"], 9)).unwrap();
    assert_eq!(rest.iter().map(|run| run.id).collect::<Vec<_>>(), [3, 1].map(run_id));
}

pub async fn two_workers_never_hold_one_run(store: &Store) {
    const RUNS: u128 = 60;
    write!(store, |tx| async move {
        for n in 0..RUNS {
            runs::enqueue(tx, &tenant("a"), &new_run(n, 1)).await?;
        }
        Ok(())
    })
    .unwrap();
    let workers = ["w1", "w2", "w3", "w4"].map(|owner| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut held = Vec::new();
            // A skipped row can leave a claim short, so a worker goes on until nothing is queued.
            loop {
                let got = write!(store, |tx| runs::claim(tx, owner, 2, 90, &["ask"], 3)).unwrap();
                held.extend(got.iter().map(|run| run.id));
                let queued = runs::RunFilter { status: Some(Status::Queued), limit: 1, ..Default::default() };
                let left = read!(store, |tx| async move { runs::list(tx, &tenant("a"), &queued).await });
                if left.is_empty() {
                    return held;
                }
            }
        })
    });
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    assert_eq!(all.len(), RUNS as usize, "a run was claimed twice or not at all");
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), RUNS as usize);
}

pub async fn a_heartbeat_keeps_only_what_is_held(store: &Store) {
    claimed(store, &tenant("a"), 1).await;
    claimed(store, &tenant("b"), 2).await;
    claimed(store, &tenant("a"), 3).await;
    let beat = |owner: &'static str, runs: &'static [u128], now, until| {
        let store = store.clone();
        async move {
            let at_work: Vec<_> = runs.iter().copied().map(run_id).collect();
            write!(store, |tx| async move { runs::heartbeat(tx, owner, &at_work, now, until).await })
        }
    };
    assert_eq!(beat("w", &[1, 2, 9], 99, 200).await, Ok(2));
    assert_eq!(beat("w", &[], 99, 300).await, Ok(0));
    assert_eq!(beat("other", &[1, 2], 99, 300).await, Ok(0));
    assert_eq!(beat("w", &[1, 2], 200, 300).await, Ok(0), "a lease that is over stays over");
    let idle = read!(store, |tx| async move { runs::get(tx, &tenant("a"), run_id(3)).await }).unwrap();
    assert_eq!(idle.lease_until, Some(100), "nobody works on it");
    let run = read!(store, |tx| async move { runs::get(tx, &tenant("a"), run_id(1)).await }).unwrap();
    assert_eq!(run.lease_until, Some(200));
}

pub async fn every_lease_of_others_is_taken_back(store: &Store) {
    for n in 1..=3 {
        claimed(store, &tenant("a"), n).await;
    }
    enqueue(store, &tenant("a"), new_run(4, 1)).await;
    let mine = write!(store, |tx| runs::claim(tx, "me", 5, 900, &["ask"], 1)).unwrap();
    assert_eq!(mine.iter().map(|run| run.id).collect::<Vec<_>>(), [run_id(4)]);
    write!(store, |tx| async move { runs::request_cancel(tx, &tenant("a"), run_id(3), 5).await }).unwrap();
    let mut back = write!(store, |tx| runs::release_others(tx, "me", 6, 2)).unwrap();
    assert_eq!(back.len(), 2, "no more than asked for");
    back.extend(write!(store, |tx| runs::release_others(tx, "me", 6, 9)).unwrap());
    back.sort_by_key(|(_, id, _)| *id);
    let ends = back.iter().map(|(_, id, status)| (*id, *status)).collect::<Vec<_>>();
    assert_eq!(ends, [(run_id(1), Status::Queued), (run_id(2), Status::Queued), (run_id(3), Status::Cancelled)]);
    let cancelled = read!(store, |tx| async move { runs::get(tx, &tenant("a"), run_id(3)).await }).unwrap();
    assert_eq!(cancelled.finished_at, Some(6), "it ended now, not when its lease would have");
    assert_eq!(write!(store, |tx| runs::release_others(tx, "me", 7, 9)), Ok(vec![]), "its own are spared");
}

pub async fn expired_leases_are_taken_back(store: &Store) {
    let a = tenant("a");
    let stale = claimed(store, &a, 1).await;
    claimed(store, &a, 2).await;
    write!(store, |tx| async move { runs::request_cancel(tx, &tenant("a"), run_id(2), 5).await }).unwrap();
    assert_eq!(write!(store, |tx| runs::release_expired(tx, 99, 9)), Ok(vec![]), "not over yet");
    let mut back = write!(store, |tx| runs::release_expired(tx, 100, 9)).unwrap();
    back.sort_by_key(|(_, id, _)| *id);
    assert_eq!(back, [(a.clone(), run_id(1), Status::Queued), (a.clone(), run_id(2), Status::Cancelled)]);

    // The worker that was only slow cannot end what it lost, neither now nor once another holds it.
    let finish = |epoch| {
        let store = store.clone();
        async move {
            write!(store, |tx| async move {
                runs::finish(tx, &tenant("a"), run_id(1), epoch, Status::Succeeded, None, None, 150).await
            })
        }
    };
    assert_eq!(finish(stale.epoch).await, Ok(false));
    let again = write!(store, |tx| runs::claim(tx, "other", 101, 140, &["ask"], 9)).unwrap();
    assert_eq!((again.len(), again[0].attempt, again[0].epoch), (1, 2, 2));
    assert_eq!(finish(stale.epoch).await, Ok(false));

    // That was the second of two attempts.
    let back = write!(store, |tx| runs::release_expired(tx, 140, 9));
    assert_eq!(back, Ok(vec![(a, run_id(1), Status::Dead)]));
    let dead = read!(store, |tx| async move { runs::get(tx, &tenant("a"), run_id(1)).await }).unwrap();
    assert_eq!((dead.error_code.as_deref(), dead.finished_at), (Some("run.interrupted"), Some(140)));
    assert_eq!((dead.lease_owner, dead.lease_until), (None, None));
}
