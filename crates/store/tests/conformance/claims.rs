//! Who takes which runs: in their order, by lane, within limits, and never two the same.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use pilothouse_domain::run::Status;
use pilothouse_store::runs::{Change, Lane, Limits, Outcome, RunFilter, Then};
use pilothouse_store::{Store, queues, runs};

use crate::support::{
    claim, claimed, end, enqueue, get, got, lane, leave, names, new_run, numbers, put, put_all, read, run_id, tenant,
    wish, write,
};

const MINUTE: i64 = 60_000_000;
const SECOND: i64 = 1_000_000;

pub async fn runs_of_a_lane_go_in_order_of_moment_and_priority(store: &Store) {
    // (number, due at, priority): a step of priority is worth a minute.
    for (n, due_at, priority) in [
        (1, 3 * MINUTE, 0),
        (2, 3 * MINUTE, 1),
        (3, 5 * MINUTE, 2),
        (4, 5 * MINUTE - 1, 2),
        (5, MINUTE, -10),
        (6, 3 * MINUTE, 0),
        (7, 13 * MINUTE - 2, 10),
    ] {
        let mut run = new_run(n, due_at);
        run.priority = priority;
        enqueue(store, "a", run).await;
    }
    let first = claim(store, "w", &["q/a/"], 3, 14 * MINUTE).await;
    assert_eq!((numbers(&first.runs), first.empty), (vec![2, 7, 4], vec![]));
    let rest = claim(store, "w", &["q/a/"], 9, 14 * MINUTE).await;
    assert_eq!((numbers(&rest.runs), rest.empty), (vec![1, 3, 6, 5], vec![lane("q/a/")]));
    for run in rest.runs {
        assert_eq!((run.status, run.epoch, run.seq), (Status::Running, 1, 1));
        assert_eq!((run.worker.as_deref(), run.started_at), (Some("w"), Some(14 * MINUTE)));
        assert_eq!(names(store, run.id.0.as_u128()).await, ["running"]);
        assert_eq!(get(store, run.id.0.as_u128()).await, run);
    }
}

/// What comes back stands where its new moment puts it, and a priority still counts.
pub async fn what_comes_back_stands_in_line_again(store: &Store) {
    for n in 1..=3 {
        let mut run = new_run(n, n as i64);
        run.priority = 1;
        enqueue(store, "a", run).await;
    }
    let run = claim(store, "w", &["q/a/"], 1, 10).await.runs.remove(0);
    let why = ("x".to_owned(), "y".to_owned());
    put(store, leave(&run, 11, Then::Again { due_at: 2, priority: 1, why })).await;
    write!(store, |tx| runs::promote(tx, 11, 9)).unwrap();
    let mut order = Vec::new();
    for _ in 0..3 {
        order.extend(numbers(&claim(store, "w", &["q/a/"], 1, 12).await.runs));
    }
    assert_eq!(order, [1, 2, 3], "the same moment as run 2, and the lower id");
    let run = get(store, 2).await;
    put(store, leave(&run, 13, end(Status::Failed))).await;
    write!(store, |tx| async move { runs::retry(tx, &tenant("a"), run_id(2), 30).await }).unwrap();
    enqueue(store, "a", new_run(4, 30 - MINUTE - 1)).await;
    enqueue(store, "a", new_run(5, 30 - MINUTE + 1)).await;
    assert_eq!(numbers(&claim(store, "w", &["q/a/"], 2, 31).await.runs).len(), 2);
    assert_eq!(get(store, 5).await.status, Status::Queued, "run 4 and the retried one were before it");
}

pub async fn lanes_take_turns(store: &Store) {
    for (first, owner, count) in [(0, "a", 50), (100, "b", 3), (200, "c", 1)] {
        for n in first..first + count {
            enqueue(store, owner, new_run(n, 1)).await;
        }
    }
    enqueue(store, "d", new_run(300, 1)).await;
    let got = claim(store, "w", &["q/a/", "q/b/", "q/c/", "q/e/"], 10, 2).await;
    let mut shares: BTreeMap<String, usize> = BTreeMap::new();
    for run in &got.runs {
        *shares.entry(run.lane().to_string()).or_default() += 1;
    }
    let expected = [("q/a/", 3), ("q/b/", 3), ("q/c/", 1)].map(|(lane, share)| (lane.to_owned(), share));
    assert_eq!(shares, BTreeMap::from(expected), "ten places for four lanes, and no lane that was not named");
    assert_eq!(got.empty, [lane("q/c/"), lane("q/e/")]);
    assert!(got.blocked.is_empty() && got.retry_at.is_none());
    let none = claim(store, "w", &[], 10, 2).await;
    assert!(none.runs.is_empty());
    assert!(claim(store, "w", &["q/a/"], 0, 2).await.runs.is_empty());
}

/// A wish that a worker takes at once where limits leave room.
fn counted(owner: &str, n: u128, key: &str) -> Change {
    let mut wish = wish(owner, new_run(n, 1));
    (wish.run.key, wish.worker, wish.counted) = (key.into(), Some(format!("w{n}")), true);
    Change::Enqueue(Arc::new(wish))
}

pub async fn a_counted_wish_is_taken_within_limits_only(store: &Store) {
    let limits = Limits { running: Some(3), running_per_tenant: Some(2), ..Limits::default() };
    write!(store, |tx| async move { queues::set_limits(tx, "q", &limits, 1).await }).unwrap();
    let (new, waits) = (Outcome::New, Outcome::Waits);
    let group =
        [counted("a", 1, "k"), counted("a", 2, "k"), counted("a", 3, ""), counted("a", 4, ""), counted("b", 5, "")];
    let outcomes = put_all(store, group.into()).await;
    assert_eq!(outcomes, [&new, &waits, &new, &waits, &new].map(Outcome::clone), "a group counts its own");
    assert_eq!(put_all(store, vec![counted("c", 6, "")]).await, std::slice::from_ref(&waits));
    for (n, status) in [(1, Status::Running), (2, Status::Queued), (3, Status::Running), (4, Status::Queued)] {
        let run = get(store, n).await;
        assert_eq!((run.status, run.worker.is_some()), (status, status == Status::Running), "{n}");
    }

    let rate = Limits { rate: Some((9, SECOND)), ..Limits::default() };
    write!(store, |tx| async move { queues::set_limits(tx, "q", &rate, 1).await }).unwrap();
    assert_eq!(put_all(store, vec![counted("d", 7, "")]).await, [waits], "a rate is for claims to spend");
}

/// Many at once, each in a group of its own.
pub async fn limits_hold_however_many_come_counted_at_once(store: &Store) {
    let limits = Limits { running: Some(5), ..Limits::default() };
    write!(store, |tx| async move { queues::set_limits(tx, "q", &limits, 1).await }).unwrap();
    let puts = (1..=40).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { put_all(&store, vec![counted("a", n, "")]).await.remove(0) })
    });
    let outcomes: Vec<Outcome> = futures::future::join_all(puts).await.into_iter().map(Result::unwrap).collect();
    let taken = outcomes.iter().filter(|outcome| **outcome == Outcome::New).count();
    assert_eq!((taken, outcomes.iter().filter(|outcome| **outcome == Outcome::Waits).count()), (5, 35));
    let running = read!(store, |tx| runs::running(tx));
    assert_eq!(running, BTreeMap::from([(lane("q/a/"), 5)]));
}

/// Lets many runs of one key run side by side.
async fn widen(store: &Store, queue: &'static str) {
    let limits = Limits { running_per_key: Some(999), ..Limits::default() };
    write!(store, |tx| async move { queues::set_limits(tx, queue, &limits, 1).await }).unwrap();
}

pub async fn a_key_is_one_runs_at_a_time_unless_its_queue_says_otherwise(store: &Store) {
    for n in 1..=3 {
        let mut run = new_run(n, 1);
        run.key = "repository".into();
        enqueue(store, "a", run).await;
    }
    let got = claim(store, "w", &["q/a/repository"], 9, 2).await;
    assert_eq!((numbers(&got.runs), claim(store, "w", &["q/a/repository"], 9, 2).await.runs.len()), (vec![1], 0));
    widen(store, "q").await;
    assert_eq!(numbers(&claim(store, "w", &["q/a/repository"], 9, 2).await.runs), [2, 3]);
}

/// With keys that look like other lanes.
pub async fn many_lanes_are_claimed_at_once(store: &Store) {
    widen(store, "q").await;
    let lanes: Vec<Lane> = (0..300).map(|n| lane(&format!("q/t{}/k/{n}", n % 7))).collect();
    let wishes = (0..900_u128).map(|n| {
        let lane = &lanes[n as usize % 300];
        let mut wish = wish(lane.tenant.as_str(), new_run(n, 1));
        wish.run.key = lane.key.clone();
        Change::Enqueue(Arc::new(wish))
    });
    put_all(store, wishes.collect()).await;
    let wanted = runs::Claim { worker: "w".into(), lanes: lanes.clone(), most: 450, running: None, now: 2 };
    let got = got(store, wanted).await;
    let mut shares: BTreeMap<Lane, u32> = BTreeMap::new();
    for run in &got.runs {
        *shares.entry(run.lane()).or_default() += 1;
    }
    let expected = lanes.iter().enumerate().map(|(place, lane)| (lane.clone(), if place < 150 { 2 } else { 1 }));
    assert_eq!(shares, expected.collect::<BTreeMap<_, _>>());
    let ids: HashSet<u128> = numbers(&got.runs).into_iter().collect();
    assert_eq!(ids.iter().filter(|n| **n < 450).count(), 450, "of each lane those with the lowest ids");
}

pub async fn two_workers_never_hold_one_run(store: &Store) {
    const RUNS: u128 = 600;
    widen(store, "q").await;
    let wishes = (0..RUNS).map(|n| {
        let mut wish = wish("a", new_run(n, 1));
        wish.run.key = format!("k{}", n % 3);
        Change::Enqueue(Arc::new(wish))
    });
    put_all(store, wishes.collect()).await;
    let workers = ["w1", "w2", "w3", "w4"].map(|owner| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut held = Vec::new();
            // A skipped row can leave a claim short, so a worker goes on until nothing is queued.
            loop {
                let got = claim(&store, owner, &["q/a/k0", "q/a/k1", "q/a/k2"], 7, 2).await.runs;
                assert!(got.iter().all(|run| run.worker.as_deref() == Some(owner) && run.epoch == 1));
                held.extend(numbers(&got));
                let queued = RunFilter { status: Some(Status::Queued), limit: 1, ..RunFilter::default() };
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
    assert_eq!(names(store, 5).await, ["running"]);
}

/// Four workers at once, each free to take more than the queue allows in all.
pub async fn limits_hold_however_many_claim_at_once(store: &Store) {
    let limits = Limits { running: Some(5), running_per_tenant: Some(3), ..Limits::default() };
    write!(store, |tx| async move { queues::set_limits(tx, "q", &limits, 1).await }).unwrap();
    for owner in ["a", "b", "c"] {
        let first = u128::from(owner.as_bytes()[0]) * 100;
        let wishes = (0..20).map(|n| Change::Enqueue(Arc::new(wish(owner, new_run(first + n, 1)))));
        put_all(store, wishes.collect()).await;
    }
    let workers = ["w1", "w2", "w3", "w4"].map(|owner| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut worked = 0;
            for _ in 0..12 {
                let got = claim(&store, owner, &["q/a/", "q/b/", "q/c/"], 9, 2).await.runs;
                let running = read!(store, |tx| runs::depths(tx, None));
                let mut at_work = BTreeMap::new();
                for (lane, status, count) in running {
                    if status == Status::Running {
                        *at_work.entry(lane.tenant).or_insert(0) += count;
                    }
                }
                assert!(at_work.values().sum::<i64>() <= 5, "{at_work:?}");
                assert!(at_work.values().all(|count| *count <= 3), "{at_work:?}");
                worked += got.len();
                for run in &got {
                    put(&store, leave(run, 3, end(Status::Succeeded))).await;
                }
            }
            worked
        })
    });
    let mut worked = 0;
    for worker in workers {
        worked += worker.await.unwrap();
    }
    assert!(worked >= 12, "somebody always gets some: {worked}");
}

pub async fn limits_keep_lanes_back(store: &Store) {
    let mut n = 0;
    for (owner, key) in [("a", ""), ("a", "x"), ("a", "y"), ("b", "x"), ("b", "")] {
        for _ in 0..4 {
            n += 1;
            let mut run = new_run(n, 1);
            run.key = key.into();
            enqueue(store, owner, run).await;
        }
    }
    let lanes = ["q/a/", "q/a/x", "q/a/y", "q/b/x", "q/b/"];
    let set = |limits: Limits| {
        let store = store.clone();
        async move { write!(store, |tx| async move { queues::set_limits(tx, "q", &limits, 5).await }).unwrap() }
    };
    let shares =
        |runs: &[runs::Run]| lanes.map(|lane| runs.iter().filter(|run| run.lane().to_string() == lane).count());
    set(Limits { running_per_key: Some(1), running_per_tenant: Some(4), ..Limits::default() }).await;
    let got = claim(store, "w", &lanes, 99, 2).await;
    assert_eq!(shares(&got.runs), [2, 1, 1, 1, 3], "one of each key, four of each tenant");
    assert_eq!(got.empty, []);
    assert_eq!(got.blocked, [], "blocked is only who got nothing");
    let none = claim(store, "w", &lanes, 99, 2).await;
    assert_eq!((none.runs.len(), none.blocked), (0, lanes.map(lane).into()));

    let wide = Limits { running_per_key: Some(9), ..Limits::default() };
    set(Limits { running: Some(9), ..wide.clone() }).await;
    assert_eq!(claim(store, "w", &lanes, 99, 2).await.runs.len(), 1, "eight run already");
    let ended = got.runs.into_iter().next().unwrap();
    put(store, leave(&ended, 3, end(Status::Succeeded))).await;
    assert_eq!(claim(store, "w", &lanes, 99, 2).await.runs.len(), 1, "one ended");

    let by = |by: Option<&'static str>, at| {
        let store = store.clone();
        async move { write!(store, |tx| async move { queues::set_paused(tx, "q", by, at).await }).unwrap() }
    };
    set(Limits::default()).await;
    by(Some("ada"), 7).await;
    let settings = read!(store, |tx| queues::list(tx));
    assert_eq!((settings.len(), settings[0].paused.clone()), (1, Some((7, "ada".to_owned()))));
    set(Limits { running: Some(99), ..wide }).await;
    let paused = claim(store, "w", &lanes, 99, 2).await;
    assert_eq!((paused.runs.len(), paused.blocked.len()), (0, 5), "limits do not end a pause");
    by(None, 8).await;
    assert_eq!(claim(store, "w", &lanes, 99, 2).await.runs.len(), 10, "all that is left");
    let settings = read!(store, |tx| queues::list(tx));
    assert_eq!((settings[0].limits.running, settings[0].paused.clone()), (Some(99), None), "nor a pause limits");
}

pub async fn a_rate_lets_so_many_begin(store: &Store) {
    for n in 0..40 {
        enqueue(store, "a", new_run(n, 1)).await;
    }
    enqueue(store, "a", {
        let mut run = new_run(99, 1);
        run.queue = "free".into();
        run
    })
    .await;
    let limits = Limits { rate: Some((10, 2 * SECOND)), ..Limits::default() };
    write!(store, |tx| async move { queues::set_limits(tx, "q", &limits, 5).await }).unwrap();
    assert_eq!(read!(store, |tx| queues::list(tx))[0].limits.rate, Some((10, 2 * SECOND)));
    let lanes = ["q/a/", "free/a/"];
    let first = claim(store, "w", &lanes, 14, 10 * SECOND).await;
    assert_eq!((first.runs.len(), first.retry_at), (8, None), "seven, and the one of the free queue");
    let second = claim(store, "w", &lanes[..1], 8, 10 * SECOND).await;
    assert_eq!(second.runs.len(), 3, "the burst is used up");
    let none = claim(store, "w", &lanes[..1], 8, 10 * SECOND).await;
    assert_eq!((none.runs.len(), none.blocked.len()), (0, 1));
    assert_eq!(none.retry_at, Some(10 * SECOND + SECOND / 5));
    assert_eq!(claim(store, "w", &lanes[..1], 8, 10 * SECOND + SECOND / 5 - 1).await.runs.len(), 0);
    assert_eq!(claim(store, "w", &lanes[..1], 8, 10 * SECOND + SECOND / 5).await.runs.len(), 1);
    assert_eq!(claim(store, "w", &lanes[..1], 99, 1_000 * SECOND).await.runs.len(), 10, "nothing is saved up");
}

pub async fn ready_lanes_are_found_in_pages(store: &Store) {
    widen(store, "q0").await;
    let mut expected: Vec<String> = (0..250).map(|n| format!("q{}/t{}/k{}", n % 3, n % 5, n / 15)).collect();
    let wishes = (0..500_u128).map(|n| {
        let lane = lane(&expected[n as usize % 250]);
        let mut wish = wish(lane.tenant.as_str(), new_run(n, 1));
        (wish.run.queue, wish.run.key) = (lane.queue, lane.key);
        Change::Enqueue(Arc::new(wish))
    });
    put_all(store, wishes.collect()).await;
    let mut later = new_run(9_999, 50);
    (later.created_at, later.queue) = (1, "later".into());
    enqueue(store, "a", later).await;
    expected.sort();
    let mut seen: Vec<Lane> = Vec::new();
    loop {
        let after = seen.last().cloned();
        let page = read!(store, |tx| async move { runs::ready_lanes(tx, after.as_ref(), 60).await });
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 60);
        seen.extend(page);
    }
    assert_eq!(seen.iter().map(Lane::to_string).collect::<Vec<_>>(), expected);
    claim(store, "w", &[&expected[0]], 9, 2).await;
    let next = read!(store, |tx| runs::ready_lanes(tx, None, 1));
    assert_eq!(next, [lane(&expected[1])], "the first has none left");
}

pub async fn depths_count_what_lives(store: &Store) {
    for (n, owner, key) in [(1, "a", ""), (2, "a", ""), (3, "a", "x"), (4, "b", ""), (5, "a", "")] {
        let mut run = new_run(n, 1);
        run.key = key.into();
        enqueue(store, owner, run).await;
    }
    let mut later = new_run(6, 50);
    later.created_at = 1;
    enqueue(store, "a", later).await;
    let got = claim(store, "w", &["q/a/"], 3, 2).await.runs;
    put(store, leave(&got[0], 3, Then::Wait { until: None, seen: 0, attempts: 1 })).await;
    put(store, leave(&got[1], 3, end(Status::Succeeded))).await;
    let depths = |owner: Option<&'static str>| {
        let store = store.clone();
        async move {
            let found = read!(store, |tx| async move { runs::depths(tx, owner.map(tenant).as_ref()).await });
            let mut sums: BTreeMap<(String, &str), i64> = BTreeMap::new();
            for (lane, status, count) in found {
                *sums.entry((lane.to_string(), status.as_str())).or_default() += count;
            }
            sums.into_iter().map(|((lane, status), count)| (lane, status, count)).collect::<Vec<_>>()
        }
    };
    let a = [("q/a/", "queued", 1), ("q/a/", "running", 1), ("q/a/", "waiting", 1), ("q/a/x", "queued", 1)];
    let named = |(lane, status, count): (&str, &'static str, i64)| (lane.to_owned(), status, count);
    assert_eq!(depths(Some("a")).await, a.map(named));
    let all: Vec<_> = a.into_iter().chain([("q/b/", "queued", 1)]).map(named).collect();
    assert_eq!(depths(None).await, all);
    assert_eq!(depths(Some("c")).await, []);
}

/// A run that is held is nobody else's to take.
pub async fn a_claimed_run_is_not_claimed_again(store: &Store) {
    let run = claimed(store, 1).await;
    let none = claim(store, "v", &["q/a/"], 9, 3).await;
    assert_eq!((none.runs.len(), none.empty), (0, vec![lane("q/a/")]));
    assert_eq!(get(store, 1).await, run);
}
