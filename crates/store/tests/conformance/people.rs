//! What people do with runs: cancel, signal, try again, let be.

use pilothouse_domain::run::Status;
use pilothouse_store::runs::{Outcome, Run, Then};
use pilothouse_store::{Store, journal, runs};

use crate::support::{
    claim, claimed, end, enqueue, entries, get, join, lane, leave, names, new_run, put, read, run_id, step, take_back,
    tenant, write,
};

async fn cancel(store: &Store, owner: &'static str, n: u128, now: i64) -> Option<(Run, bool)> {
    write!(store, |tx| async move { runs::cancel(tx, &tenant(owner), run_id(n), now).await }).unwrap()
}

async fn retry(store: &Store, owner: &'static str, n: u128, now: i64) -> Option<(Run, bool)> {
    write!(store, |tx| async move { runs::retry(tx, &tenant(owner), run_id(n), now).await }).unwrap()
}

async fn discard(store: &Store, owner: &'static str, n: u128, now: i64) -> bool {
    write!(store, |tx| async move { runs::discard(tx, &tenant(owner), run_id(n), ("ada", "known"), now).await })
        .unwrap()
}

async fn signal(store: &Store, owner: &'static str, n: u128, now: i64) -> Option<Run> {
    let what = ("approval", "{\"yes\":true}", "ada");
    write!(store, |tx| async move { runs::signal(tx, &tenant(owner), run_id(n), what, now).await }).unwrap()
}

pub async fn cancelling_is_at_once_or_a_wish(store: &Store) {
    let running = claimed(store, 1).await;
    let waiting = claimed(store, 2).await;
    put(store, leave(&waiting, 3, Then::Wait { until: Some(99), seen: 0, attempts: 2 })).await;
    enqueue(store, "a", new_run(3, 1)).await;
    let mut delayed = new_run(4, 50);
    delayed.created_at = 1;
    enqueue(store, "a", delayed).await;
    for (n, expected) in [(1, Status::Running), (2, Status::Cancelled), (3, Status::Cancelled), (4, Status::Cancelled)]
    {
        let (run, changed) = cancel(store, "a", n, 8).await.unwrap();
        assert_eq!((run.status, changed), (expected, true), "run {n}");
        assert_eq!(run.finished_at, (n != 1).then_some(8));
        assert_eq!(run.cancel_requested, n == 1);
        assert_eq!(get(store, n).await, run);
    }
    assert_eq!(get(store, 2).await.started_at, Some(2));
    assert_eq!(get(store, 3).await.started_at, None);
    assert_eq!(names(store, 2).await, ["running", "waiting", "cancelled"]);
    assert_eq!(names(store, 3).await, ["cancelled"]);
    assert_eq!(names(store, 1).await, ["running"]);
    assert_eq!(cancel(store, "b", 1, 8).await, None);
    assert_eq!(cancel(store, "a", 77, 8).await, None);
    let (ended, changed) = cancel(store, "a", 2, 9).await.unwrap();
    assert_eq!((ended.finished_at, changed), (Some(8), false), "what has ended stays as it is");
    assert_eq!(read!(store, |tx| runs::next_wake(tx)), None, "and is not woken");
    put(store, leave(&running, 10, end(Status::Cancelled))).await;
    assert_eq!(get(store, 1).await.status, Status::Cancelled);
}

pub async fn a_waiting_run_holds_no_worker_and_is_woken(store: &Store) {
    let run = claimed(store, 1).await;
    let wait = Then::Wait { until: None, seen: 0, attempts: 2 };
    assert!(matches!(put(store, leave(&run, 3, wait)).await, Outcome::Written(Some(_))));
    let waiting = get(store, 1).await;
    assert_eq!((waiting.status, waiting.worker, waiting.wake_at), (Status::Waiting, None, None));
    assert!(claim(store, "w", &["q/a/"], 1, 4).await.runs.is_empty());
    assert_eq!(signal(store, "b", 1, 5).await, None, "another tenant's");
    assert_eq!(signal(store, "a", 9, 5).await, None);
    let woken = signal(store, "a", 1, 5).await.unwrap();
    assert_eq!((woken.status, woken.signals, woken.seq), (Status::Queued, 1, 3));
    assert_eq!(names(store, 1).await, ["running", "waiting", "queued"]);
    let run = claim(store, "w", &["q/a/"], 1, 6).await.runs.remove(0);
    assert_eq!((run.attempt, run.last_attempt, run.epoch, run.signals), (1, 2, 2, 1));
    let found = read!(store, |tx| async move { runs::signals(tx, &tenant("a"), run_id(1)).await });
    let sent = runs::Signal {
        seq: 1,
        name: "approval".into(),
        payload: "{\"yes\":true}".into(),
        sent_by: "ada".into(),
        at: 5,
    };
    assert_eq!(found, [sent]);
    assert!(read!(store, |tx| async move { runs::signals(tx, &tenant("b"), run_id(1)).await }).is_empty());

    // A wait for what it has heard of already goes on; one more signal ends it.
    put(store, leave(&run, 7, Then::Wait { until: Some(50), seen: 1, attempts: 2 })).await;
    assert_eq!(get(store, 1).await.status, Status::Waiting);
    assert_eq!(signal(store, "a", 1, 8).await.unwrap().status, Status::Queued);
    assert_eq!(signal(store, "a", 1, 9).await.unwrap().signals, 3, "one that is queued is only told");
    assert_eq!(read!(store, |tx| runs::next_wake(tx)), None);
    let run = claim(store, "w", &["q/a/"], 1, 10).await.runs.remove(0);
    put(store, leave(&run, 11, end(Status::Succeeded))).await;
    let ended = signal(store, "a", 1, 12).await.unwrap();
    assert_eq!((ended.status, ended.signals), (Status::Succeeded, 0), "nobody will look for it any more");
    assert_eq!(read!(store, |tx| async move { runs::signals(tx, &tenant("a"), run_id(1)).await }).len(), 3);
}

pub async fn a_signal_is_found_under_its_key(store: &Store) {
    let under = async |owner: &'static str, n: u128, key: &'static str| {
        write!(store, |tx| async move { runs::signal_under(tx, &tenant(owner), run_id(n), key).await }).unwrap()
    };
    let send = async |n: u128, key: Option<&'static str>| {
        let what = runs::NewSignal { name: "go", payload: "1", sent_by: "ada", key };
        write!(store, |tx| async move { runs::signal(tx, &tenant("a"), run_id(n), what, 3).await })
    };
    let run = claimed(store, 1).await;
    claimed(store, 2).await;
    assert_eq!(under("a", 1, "k").await, None);
    assert_eq!(under("a", 1, "k").await, None, "looking for it sends nothing");
    assert_eq!(send(1, Some("k")).await.unwrap().unwrap().signals, 1);
    assert_eq!(send(1, None).await.unwrap().unwrap().signals, 2);
    assert_eq!(send(1, None).await.unwrap().unwrap().signals, 3, "without a key each is one of its own");
    let found = under("a", 1, "k").await.unwrap();
    assert_eq!((found.seq, found.name.as_str(), found.payload.as_str()), (1, "go", "1"));
    assert_eq!((under("a", 1, "other").await, under("b", 1, "k").await, under("a", 2, "k").await), (None, None, None));
    assert!(send(1, Some("k")).await.is_err(), "no unit sends a second one under it");
    assert_eq!(get(store, 1).await.signals, 3);
    assert_eq!(send(2, Some("k")).await.unwrap().unwrap().signals, 1, "each run has keys of its own");
    put(store, leave(&run, 4, end(Status::Succeeded))).await;
    assert!(under("a", 1, "k").await.is_some(), "it is known after the end");
}

pub async fn an_early_signal_ends_a_wait_before_it_begins(store: &Store) {
    let run = claimed(store, 1).await;
    assert_eq!(signal(store, "a", 1, 3).await.unwrap().status, Status::Running, "its worker goes on");
    let wait = leave(&run, 4, Then::Wait { until: Some(50), seen: 0, attempts: 2 });
    assert!(matches!(put(store, wait.clone()).await, Outcome::Written(Some(_))));
    let ready = get(store, 1).await;
    assert_eq!((ready.status, ready.wake_at, ready.seq), (Status::Queued, None, 2));
    assert!(matches!(put(store, wait).await, Outcome::Written(Some(_))), "its answer was lost");
    let run = claim(store, "w", &["q/a/"], 1, 5).await.runs.remove(0);
    assert_eq!((run.seq, run.signals), (3, 1));
    entries(store, 1).await;
}

pub async fn a_wait_ends_at_its_moment(store: &Store) {
    let run = claimed(store, 1).await;
    put(store, leave(&run, 3, Then::Wait { until: Some(50), seen: 0, attempts: 3 })).await;
    let waiting = get(store, 1).await;
    assert_eq!((waiting.wake_at, waiting.attempt, waiting.last_attempt), (Some(50), 1, 3));
    assert!(write!(store, |tx| runs::promote(tx, 49, 9)).unwrap().lanes.is_empty());
    let woken = write!(store, |tx| runs::promote(tx, 50, 9)).unwrap();
    assert_eq!((woken.lanes, woken.next_at), (vec![lane("q/a/")], None));
    let ready = get(store, 1).await;
    assert_eq!((ready.status, ready.seq, ready.wake_at), (Status::Queued, 3, None));
    let last = entries(store, 1).await.pop().unwrap();
    assert_eq!((last.name.as_str(), last.at, last.attempt), ("queued", 50, 1));
    assert_eq!(claim(store, "w", &["q/a/"], 1, 51).await.runs.remove(0).seq, 4);
}

pub async fn what_did_not_end_well_is_tried_again(store: &Store) {
    join(store, "w").await;
    let run = claimed(store, 1).await;
    let mut failed = leave(&run, 3, end(Status::Failed));
    (failed.entries, failed.seq) = (vec![step(2, "load")], 2);
    put(store, failed).await;
    signal(store, "a", 1, 4).await;
    assert!(discard(store, "a", 1, 4).await);
    assert_eq!(retry(store, "b", 1, 5).await, None);
    assert_eq!(retry(store, "a", 9, 5).await, None);

    let (again, changed) = retry(store, "a", 1, 5).await.unwrap();
    assert!(changed);
    assert_eq!((again.status, again.attempt, again.last_attempt), (Status::Queued, 2, 3), "all its attempts anew");
    assert_eq!((again.epoch, again.seq, again.started_at), (1, 4, Some(2)));
    assert_eq!((again.output.clone(), again.error_code.clone(), again.finished_at), (None, None, None));
    assert_eq!((again.discarded_at, again.cancel_requested, again.signals), (None, false, 0));
    assert_eq!(get(store, 1).await, again);
    assert_eq!(retry(store, "a", 1, 6).await, Some((again, false)), "it has not ended");
    assert_eq!(names(store, 1).await, ["running", "load", "failed", journal::RETRIED]);

    let run = claim(store, "w", &["q/a/"], 1, 7).await.runs.remove(0);
    assert_eq!((run.epoch, run.attempt, run.seq), (2, 2, 5));
    signal(store, "a", 1, 7).await;
    take_back(store, "w", 8, 9).await;
    let run = claim(store, "w", &["q/a/"], 1, 9).await.runs.remove(0);
    assert_eq!((run.attempt, run.last_attempt, run.signals), (3, 3, 1));
    take_back(store, "w", 10, 9).await;
    assert_eq!(get(store, 1).await.status, Status::Dead);
    let (again, changed) = retry(store, "a", 1, 11).await.unwrap();
    assert!(changed);
    assert_eq!((again.attempt, again.last_attempt, again.epoch, again.signals), (4, 5, 3, 1), "signals are kept");
    let run = claim(store, "w", &["q/a/"], 1, 12).await.runs.remove(0);
    put(store, leave(&run, 13, end(Status::Succeeded))).await;
    let (ended, changed) = retry(store, "a", 1, 14).await.unwrap();
    assert_eq!((ended.status, changed), (Status::Succeeded, false), "it ended well");
    entries(store, 1).await;

    enqueue(store, "a", new_run(2, 1)).await;
    cancel(store, "a", 2, 2).await;
    let (again, changed) = retry(store, "a", 2, 3).await.unwrap();
    assert_eq!((again.status, again.cancel_requested, changed), (Status::Queued, false, true));
    assert_eq!(names(store, 2).await, ["cancelled", "retried"]);
    assert_eq!(claim(store, "w", &["q/a/"], 1, 4).await.runs.len(), 1);
}

pub async fn a_dead_run_is_let_be_once(store: &Store) {
    let run = claimed(store, 1).await;
    assert!(!discard(store, "a", 1, 3).await, "it has not ended");
    put(store, leave(&run, 3, end(Status::Dead))).await;
    assert!(!discard(store, "b", 1, 4).await);
    assert!(discard(store, "a", 1, 4).await);
    assert!(!discard(store, "a", 1, 5).await);
    assert_eq!(get(store, 1).await.discarded_at, Some(4));
    let well = claimed(store, 2).await;
    put(store, leave(&well, 6, end(Status::Succeeded))).await;
    assert!(!discard(store, "a", 2, 7).await, "it ended well");
    assert!(!discard(store, "a", 9, 7).await);
}

pub async fn only_a_waiting_run_is_held_for_its_signal(store: &Store) {
    let run = claimed(store, 1).await;
    let waits = |owner: &'static str| {
        let store = store.clone();
        async move { write!(store, |tx| async move { runs::hold_waiting(tx, &tenant(owner), run_id(1)).await }).unwrap() }
    };
    assert!(!waits("a").await, "a worker has it");
    put(store, leave(&run, 3, Then::Wait { until: Some(50), seen: 0, attempts: 2 })).await;
    assert!(waits("a").await && !waits("b").await);
    assert_eq!(get(store, 1).await.signals, 0, "holding it tells it nothing");
}
