//! Workers that are gone, and what becomes of the runs that they held.

use pilothouse_domain::run::Status;
use pilothouse_store::runs::{Outcome, Released, Then};
use pilothouse_store::{Store, runs, workers};

use crate::support::{
    claim, claimed, end, enqueue, entries, get, join, lane, leave, names, new_run, put, read, run_id, step, take_back,
    tenant, worker, write,
};

async fn beat(store: &Store, id: &'static str, now: i64) -> Option<Vec<u128>> {
    let told = write!(store, |tx| workers::beat(tx, id, now)).unwrap();
    told.map(|runs| {
        let mut numbers: Vec<u128> = runs.into_iter().map(|(_, run)| run.0.as_u128()).collect();
        numbers.sort_unstable();
        numbers
    })
}

async fn give_up(store: &Store, id: &'static str, beats: Option<i64>) -> bool {
    write!(store, |tx| workers::give_up(tx, id, beats)).unwrap()
}

pub async fn a_worker_is_given_up_only_while_its_count_stands(store: &Store) {
    join(store, "w").await;
    join(store, "v").await;
    join(store, "w").await;
    assert_eq!(beat(store, "w", 7).await, Some(vec![]));
    assert!(!give_up(store, "w", Some(0)).await, "it has beaten since");
    assert!(give_up(store, "w", Some(1)).await);
    assert!(give_up(store, "w", Some(0)).await, "it stays given up");
    assert_eq!(beat(store, "w", 8).await, None, "and may do nothing under this name any more");
    let found = read!(store, |tx| workers::list(tx));
    let gone = workers::Worker { beat_at: 7, beats: 1, gone: true, ..worker("w") };
    assert_eq!(found, [worker("v"), gone], "those that live come first");
    write!(store, |tx| async move {
        workers::forget(tx, "w").await?;
        workers::forget(tx, "v").await
    })
    .unwrap();
    assert_eq!(read!(store, |tx| workers::list(tx)), [worker("v")], "only who was given up is forgotten");
    assert!(give_up(store, "v", None).await, "whatever its count");
}

pub async fn a_beat_tells_what_to_stop(store: &Store) {
    join(store, "w").await;
    for n in 1..=3 {
        claimed(store, n).await;
    }
    enqueue(store, "a", new_run(4, 1)).await;
    claim(store, "v", &["q/a/"], 1, 2).await;
    assert_eq!(beat(store, "w", 3).await, Some(vec![]));
    for n in [1, 3, 4] {
        write!(store, |tx| async move { runs::cancel(tx, &tenant("a"), run_id(n), 5).await }).unwrap();
    }
    assert_eq!(beat(store, "w", 4).await, Some(vec![1, 3]), "its own, not those of others");
}

pub async fn the_runs_of_a_lost_worker_are_taken_back(store: &Store) {
    join(store, "w").await;
    for n in 1..=4 {
        claimed(store, n).await;
    }
    let mut keyed = new_run(5, 1);
    (keyed.key, keyed.max_attempts) = ("x".into(), 1);
    enqueue(store, "a", keyed).await;
    claim(store, "w", &["q/a/x"], 1, 2).await;
    write!(store, |tx| async move { runs::cancel(tx, &tenant("a"), run_id(3), 5).await }).unwrap();
    let held = get(store, 4).await;
    put(store, leave(&held, 4, end(Status::Succeeded))).await;

    let first = take_back(store, "w", 10, 2).await;
    assert_eq!(first.runs, 2, "no more than asked for");
    let rest = take_back(store, "w", 10, 9).await;
    assert_eq!(rest.runs, 2, "four were held");
    let lanes: Vec<_> = first.lanes.union(&rest.lanes).cloned().collect();
    assert_eq!(lanes, [lane("q/a/")], "where runs are ready again");
    assert_eq!(take_back(store, "w", 10, 9).await, Released::default());

    for n in [1, 2] {
        let back = get(store, n).await;
        assert_eq!((back.status, back.attempt, back.last_attempt, back.epoch), (Status::Queued, 2, 2, 1));
        assert_eq!((back.worker, back.error_code.as_deref()), (None, Some("run.interrupted")));
        assert_eq!(names(store, n).await, ["running", "queued"]);
    }
    let cancelled = get(store, 3).await;
    assert_eq!((cancelled.status, cancelled.error_code.as_deref()), (Status::Cancelled, Some("run.cancelled")));
    assert_eq!((cancelled.finished_at, cancelled.started_at), (Some(10), Some(2)));
    let dead = get(store, 5).await;
    assert_eq!((dead.status, dead.error_code.as_deref()), (Status::Dead, Some("run.interrupted")));
    assert_eq!((dead.finished_at, dead.started_at, dead.attempt), (Some(10), Some(2), 1));
    assert_eq!(get(store, 4).await.status, Status::Succeeded);

    let again = claim(store, "v", &["q/a/"], 9, 11).await.runs;
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|run| (run.attempt, run.epoch, run.seq, run.started_at) == (2, 2, 3, Some(2))));
    join(store, "v").await;
    take_back(store, "v", 12, 9).await;
    let dead = get(store, 1).await;
    assert_eq!((dead.status, dead.attempt, dead.epoch), (Status::Dead, 2, 2), "that was its last attempt");
    assert_eq!(entries(store, 1).await.last().map(|entry| (entry.at, entry.attempt)), Some((12, 2)));
}

/// What a worker wrote before it was lost is kept, and the numbers go on from there.
pub async fn a_lost_worker_leaves_what_it_wrote(store: &Store) {
    join(store, "w").await;
    let run = claimed(store, 1).await;
    let mut entered = leave(&run, 4, Then::GoOn);
    (entered.entries, entered.seq) = (vec![step(2, "load"), step(3, "sum")], 3);
    put(store, entered).await;
    take_back(store, "w", 10, 9).await;
    assert_eq!(get(store, 1).await.seq, 4);
    let again = claim(store, "v", &["q/a/"], 1, 11).await.runs.remove(0);
    assert_eq!(again.seq, 5);
    assert_eq!(names(store, 1).await, ["running", "load", "sum", "queued", "running"]);
}

/// The worker that was only slow writes where those that took its run back have written since.
pub async fn a_lost_worker_is_told_that_it_lost(store: &Store) {
    join(store, "w").await;
    let old = claimed(store, 1).await;
    take_back(store, "w", 10, 9).await;
    let late = |entries: i64, then: Then| {
        let mut write = leave(&old, 20, then);
        (write.entries, write.seq) = ((2..2 + entries).map(|seq| step(seq, "late")).collect(), 1 + entries);
        write
    };
    let why = ("x".to_owned(), "y".to_owned());
    let writes = [
        late(1, Then::GoOn),
        late(2, Then::GoOn),
        late(3, Then::GoOn),
        late(0, end(Status::Succeeded)),
        late(1, end(Status::Succeeded)),
        late(0, Then::Again { due_at: 30, priority: 0, why }),
        late(0, Then::Wait { until: None, seen: 0, attempts: 2 }),
        late(0, Then::Back { due_at: 30, priority: 0 }),
    ];
    let all_fenced = async |what: &str| {
        for write in &writes {
            assert_eq!(put(store, write.clone()).await, Outcome::Fenced, "{what}: {write:?}");
        }
    };
    all_fenced("nobody holds it").await;
    let new = claim(store, "v", &["q/a/"], 1, 11).await.runs.remove(0);
    all_fenced("another holds it").await;
    put(store, leave(&new, 12, Then::Wait { until: Some(13), seen: 0, attempts: 2 })).await;
    all_fenced("it waits").await;
    write!(store, |tx| runs::promote(tx, 13, 9)).unwrap();
    write!(store, |tx| async move { runs::cancel(tx, &tenant("a"), run_id(1), 14).await }).unwrap();
    all_fenced("it was cancelled").await;
    write!(store, |tx| async move { runs::retry(tx, &tenant("a"), run_id(1), 15).await }).unwrap();
    all_fenced("it was retried").await;
    let expected = ["running", "queued", "running", "waiting", "queued", "cancelled", "retried"];
    assert_eq!(names(store, 1).await, expected);
}

/// A worker that was stopped, given up and forgotten may still take runs before its next beat tells it so. They are
/// found and taken back like those of any other lost worker.
pub async fn what_a_forgotten_worker_takes_is_found(store: &Store) {
    join(store, "w").await;
    take_back(store, "w", 10, 9).await;
    write!(store, |tx| workers::forget(tx, "w")).unwrap();
    assert_eq!(read!(store, |tx| workers::list(tx)), []);
    let run = claimed(store, 1).await;
    let found = read!(store, |tx| workers::list(tx));
    assert_eq!(found.iter().map(|worker| (worker.id.as_str(), worker.gone)).collect::<Vec<_>>(), [("w", false)]);
    assert_eq!(take_back(store, "w", 11, 9).await.runs, 1);
    assert_eq!(put(store, leave(&run, 12, end(Status::Succeeded))).await, Outcome::Fenced);
    assert_eq!(read!(store, |tx| workers::list(tx)), []);
    assert_eq!(get(store, 1).await.status, Status::Queued);
}

/// Runs that a worker was given without hearing of it go back as they came.
pub async fn what_a_worker_never_heard_of_goes_back_untouched(store: &Store) {
    join(store, "w").await;
    let runs = [claimed(store, 1).await, claimed(store, 2).await, claimed(store, 3).await];
    write!(store, |tx| async move { runs::cancel(tx, &tenant("a"), run_id(2), 5).await }).unwrap();
    let mut held = read!(store, |tx| runs::held(tx, "w"));
    held.sort();
    assert_eq!(held, runs.map(|run| (run.tenant, run.id, 1)));
    assert!(read!(store, |tx| runs::held(tx, "v")).is_empty());
    let mut unsure = held.clone();
    unsure[2].2 = 2;
    let back = write!(store, |tx| runs::put_back(tx, unsure, 6)).unwrap();
    assert_eq!((back.runs, back.lanes.into_iter().collect::<Vec<_>>()), (2, vec![lane("q/a/")]), "not a later claim");
    let again = get(store, 1).await;
    assert_eq!((again.status, again.attempt, again.last_attempt, again.error_code), (Status::Queued, 1, 2, None));
    assert_eq!(get(store, 2).await.status, Status::Cancelled, "somebody wanted to stop it");
    assert_eq!(get(store, 3).await.status, Status::Running);
    assert_eq!(names(store, 1).await, ["running", "queued"]);
    let twice = write!(store, |tx| runs::put_back(tx, held, 7)).unwrap();
    assert_eq!(twice.runs, 1, "only the third was still held");
}
