//! What is forgotten of runs that ended long ago, and what is kept.

use pilothouse_domain::run::Status;
use pilothouse_store::runs::{Horizon, Pruned};
use pilothouse_store::{Store, journal, runs};

use crate::support::{claim, claimed, end, enqueue, get, leave, names, new_run, put, read, run_id, tenant, write};

async fn prune(store: &Store, horizon: Horizon, after: Option<u128>, limit: u32) -> Pruned {
    let after = after.map(run_id);
    write!(store, |tx| async move { runs::prune(tx, &tenant("a"), horizon, after, limit).await }).unwrap()
}

async fn left(store: &Store) -> Vec<u128> {
    let all = runs::RunFilter { limit: 99, ..runs::RunFilter::default() };
    let mut left = crate::support::numbers(&read!(store, |tx| async move { runs::list(tx, &tenant("a"), &all).await }));
    left.reverse();
    left
}

pub async fn old_runs_are_forgotten_with_all_that_belongs_to_them(store: &Store) {
    let ends = [
        (Status::Succeeded, 20),
        (Status::Dead, 20),
        (Status::Dead, 20),
        (Status::Failed, 30),
        (Status::Succeeded, 60),
        (Status::Dead, 5),
    ];
    for (n, (status, at)) in (1..).zip(ends) {
        let run = claimed(store, n).await;
        let what = ("go", "{}", "ada");
        write!(store, |tx| async move { runs::signal(tx, &tenant("a"), run_id(n), what, 3).await }).unwrap();
        put(store, leave(&run, at, end(status))).await;
    }
    write!(store, |tx| async move { runs::discard(tx, &tenant("a"), run_id(3), ("ada", "known"), 25).await }).unwrap();
    claimed(store, 7).await;
    enqueue(store, "a", new_run(8, 1)).await;
    enqueue(store, "b", new_run(9, 1)).await;

    let horizon = Horizon { ended: 50, dead: 10 };
    let first = prune(store, horizon, None, 3).await;
    assert_eq!(
        first,
        Pruned { runs: 2, after: Some(run_id(3)) },
        "a dead letter waits longer, unless it was discarded"
    );
    let rest = prune(store, horizon, Some(3), 99).await;
    assert_eq!(rest, Pruned { runs: 2, after: None });
    assert_eq!(left(store).await, [2, 5, 7, 8]);
    for n in [1, 3, 4, 6] {
        assert!(read!(store, |tx| async move { journal::list(tx, &tenant("a"), run_id(n), 0, 9).await }).is_empty());
        assert!(read!(store, |tx| async move { runs::signals(tx, &tenant("a"), run_id(n)).await }).is_empty());
    }
    assert_eq!(names(store, 2).await, ["running", "dead"]);
    assert_eq!(get(store, 7).await.status, Status::Running);
    assert_eq!(claim(store, "w", &["q/a/"], 9, 4).await.runs.len(), 1);
    assert_eq!(prune(store, horizon, None, 99).await.runs, 0);
}

/// A run that is tried again is not old any more.
pub async fn what_lives_again_is_kept(store: &Store) {
    let run = claimed(store, 1).await;
    put(store, leave(&run, 3, end(Status::Failed))).await;
    write!(store, |tx| async move { runs::retry(tx, &tenant("a"), run_id(1), 90).await }).unwrap();
    assert_eq!(prune(store, Horizon { ended: 50, dead: 50 }, None, 9).await.runs, 0);
    assert_eq!(names(store, 1).await, ["running", "failed", "retried"]);
}

/// More than one list of SQLite's at once.
pub async fn many_old_runs_are_forgotten_at_once(store: &Store) {
    for n in 1..=300 {
        enqueue(store, "a", new_run(n, 1)).await;
    }
    for run in claim(store, "w", &["q/a/"], 300, 2).await.runs {
        put(store, leave(&run, 3, end(Status::Succeeded))).await;
    }
    assert_eq!(prune(store, Horizon { ended: 50, dead: 50 }, None, 299).await.runs, 299);
    assert_eq!(left(store).await, [300]);
}
