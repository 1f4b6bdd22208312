//! The life of runs: how they come to be, leave their worker, and end.

use std::sync::Arc;

use pilothouse_domain::audit::{Entry as AuditEntry, Outcome as Audited};
use pilothouse_domain::run::Status;
use pilothouse_store::audit::verify;
use pilothouse_store::runs::{Change, Enqueue, Outcome, RunFilter, Then};
use pilothouse_store::{Store, runs};

use crate::support::{
    claim, claimed, end, enqueue, entries, get, lane, leave, names, new_run, numbers, put, put_all, read, run_id,
    tenant, wish, write,
};

fn audited(mut wish: Enqueue, scope: &str) -> Enqueue {
    wish.audit = Some(AuditEntry {
        scope: scope.into(),
        at: wish.run.created_at,
        subject: "ada".into(),
        action: "run.create".into(),
        resource: wish.run.id.to_string(),
        payload_hash: String::new(),
        outcome: Audited::Allowed,
        code: String::new(),
        request_id: "r".into(),
        count: 1,
    });
    wish
}

pub async fn a_run_is_enqueued_once_per_key(store: &Store) {
    let keyed = |n, key: &str, kind: &str| {
        let mut run = new_run(n, 5);
        (run.idem_key, run.kind) = (Some(key.into()), kind.into());
        run
    };
    let cases = [
        ("a", keyed(1, "k", "ask"), Outcome::New),
        ("a", keyed(2, "k", "ask"), Outcome::Existing(run_id(1))),
        ("a", keyed(3, "other", "ask"), Outcome::New),
        ("a", keyed(4, "k", "build"), Outcome::New),
        ("b", keyed(5, "k", "ask"), Outcome::New),
        ("a", new_run(6, 5), Outcome::New),
        ("a", new_run(7, 5), Outcome::New),
        // The answer was lost, and the same wish comes again.
        ("a", new_run(6, 5), Outcome::New),
        ("a", keyed(1, "k", "ask"), Outcome::New),
    ];
    for (owner, run, expected) in cases {
        assert_eq!(put(store, audited(wish(owner, run), owner)).await, expected);
    }
    let stored = get(store, 1).await;
    assert_eq!((stored.status, stored.attempt, stored.last_attempt, stored.epoch), (Status::Queued, 1, 2, 0));
    assert_eq!((stored.idem_key.as_deref(), stored.due_at, stored.cancel_requested), (Some("k"), 5, false));
    assert_eq!((stored.wake_at, stored.worker, stored.seq), (None, None, 0));
    assert_eq!(read!(store, |tx| async move { runs::get(tx, &tenant("b"), run_id(1)).await }), None);
    let chains: Vec<_> = verify(store).await.unwrap().into_iter().map(|chain| (chain.scope, chain.rows)).collect();
    assert_eq!(chains, [("a".to_owned(), 5), ("b".to_owned(), 1)], "what was stored is audited once");
    let waiting = claim(store, "w", &["q/a/"], 99, 6).await.runs;
    assert_eq!(numbers(&waiting), [1, 3, 4, 6, 7], "and waits once");
}

pub async fn a_key_is_taken_once_within_a_group(store: &Store) {
    let changes = (1..=200).map(|n| {
        let mut run = new_run(n, 5);
        run.idem_key = Some(format!("k{}", n % 50));
        Change::Enqueue(Arc::new(audited(wish("a", run), "a")))
    });
    let outcomes = put_all(store, changes.collect()).await;
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let n = index as u128 + 1;
        let first = if n.is_multiple_of(50) { 50 } else { n % 50 };
        let expected = if n <= 50 { Outcome::New } else { Outcome::Existing(run_id(first)) };
        assert_eq!(outcome, expected, "run {n}");
    }
    assert_eq!(verify(store).await.unwrap()[0].rows, 50);
}

pub async fn a_full_lane_takes_no_more(store: &Store) {
    let limited = |n, key: &str, most| {
        let mut wish = wish("a", new_run(n, 5));
        wish.run.key = key.into();
        wish.run.idem_key = Some(format!("name {n}"));
        wish.max_waiting = Some(most);
        wish
    };
    assert_eq!(put(store, limited(1, "", 2)).await, Outcome::New);
    let group = [limited(2, "", 2), limited(3, "", 2), limited(4, "x", 2), limited(5, "", 3), limited(6, "", 3)];
    let outcomes = put_all(store, group.map(|wish| Change::Enqueue(Arc::new(wish))).into()).await;
    let (new, full) = (Outcome::New, Outcome::Full);
    assert_eq!(outcomes, [&new, &full, &new, &new, &full].map(Outcome::clone), "a group counts its own");
    assert_eq!(read!(store, |tx| async move { runs::get(tx, &tenant("a"), run_id(3)).await }), None);

    // Whoever asks again for a run that waits there already hears of it, full or not.
    assert_eq!(put(store, limited(1, "", 2)).await, new);
    let mut renamed = limited(7, "", 2);
    renamed.run.idem_key = Some("name 2".into());
    assert_eq!(put(store, renamed).await, Outcome::Existing(run_id(2)));

    let mut taken = limited(8, "", 2);
    taken.worker = Some("w".into());
    assert_eq!(put(store, taken).await, new, "what a worker takes at once does not wait");
    assert_eq!(put(store, limited(9, "", 2)).await, full);
    claim(store, "w", &["q/a/"], 2, 6).await;
    assert_eq!(put(store, limited(9, "", 2)).await, new, "there is room again");
}

pub async fn a_worker_may_take_a_run_as_it_comes(store: &Store) {
    let mut taken = wish("a", new_run(1, 5));
    taken.worker = Some("w".into());
    assert_eq!(put(store, taken.clone()).await, Outcome::New);
    let run = get(store, 1).await;
    assert_eq!((run.status, run.epoch, run.seq, run.attempt), (Status::Running, 1, 1, 1));
    assert_eq!((run.worker.as_deref(), run.started_at), (Some("w"), Some(5)));
    assert_eq!(names(store, 1).await, ["running"]);
    assert_eq!(put(store, taken).await, Outcome::New, "its answer was lost");
    assert_eq!(get(store, 1).await, run);
    assert!(claim(store, "v", &["q/a/"], 9, 6).await.runs.is_empty());
    let ended = put(store, leave(&run, 9, end(Status::Succeeded))).await;
    assert!(matches!(ended, Outcome::Written(Some(_))), "{ended:?}");
}

pub async fn a_delayed_run_becomes_ready_at_its_moment(store: &Store) {
    for (n, due_at) in [(1, 40), (2, 20), (3, 30)] {
        let mut run = new_run(n, due_at);
        run.created_at = 5;
        enqueue(store, "a", run).await;
    }
    let run = get(store, 2).await;
    assert_eq!((run.status, run.wake_at), (Status::Queued, Some(20)));
    assert!(claim(store, "w", &["q/a/"], 9, 10).await.runs.is_empty());
    assert_eq!(read!(store, |tx| runs::next_wake(tx)), Some(20));
    let none = write!(store, |tx| runs::promote(tx, 19, 9)).unwrap();
    assert_eq!((none.lanes, none.next_at), (vec![], Some(20)));
    let one = write!(store, |tx| runs::promote(tx, 99, 1)).unwrap();
    assert_eq!((one.lanes, one.next_at), (vec![lane("q/a/")], Some(30)), "the earliest first, no more than asked for");
    assert_eq!(numbers(&claim(store, "w", &["q/a/"], 9, 20).await.runs), [2]);
    let rest = write!(store, |tx| runs::promote(tx, 40, 9)).unwrap();
    assert_eq!((rest.lanes, rest.next_at), (vec![lane("q/a/")], None));
    assert_eq!(numbers(&claim(store, "w", &["q/a/"], 9, 40).await.runs), [3, 1]);
    assert_eq!(names(store, 3).await, ["running"], "becoming ready is no news: it was queued all the time");
}

pub async fn runs_are_listed_in_pages_and_by_filter(store: &Store) {
    for n in 1..=9 {
        let mut run = new_run(n, 10);
        run.kind = if n % 2 == 0 { "ask" } else { "build" }.into();
        run.queue = format!("q{n}");
        (run.created_at, run.due_at) = (10, if n == 9 { 99 } else { 10 });
        enqueue(store, "a", run).await;
    }
    enqueue(store, "b", new_run(20, 99)).await;
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let filter = RunFilter { limit: 2, before, ..RunFilter::default() };
        let page = read!(store, |tx| async move { runs::list(tx, &tenant("a"), &filter).await });
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(numbers(&page));
    }
    assert_eq!(seen, [9, 8, 7, 6, 5, 4, 3, 2, 1]);

    // 1 runs, 2 to 6 end in each way and one of them is let be, 7 waits for a signal, 8 and 9 wait for a worker.
    let endings = [Status::Succeeded, Status::Failed, Status::Cancelled, Status::Dead, Status::Dead];
    for n in 1..=7 {
        let run = claim(store, "w", &[&format!("q{n}/a/")], 1, 11).await.runs.remove(0);
        let then = match n {
            1 => Then::GoOn,
            7 => Then::Wait { until: None, seen: 0, attempts: 2 },
            n => end(endings[n as usize - 2]),
        };
        put(store, leave(&run, 12, then)).await;
    }
    assert_eq!(
        write!(store, |tx| async move { runs::discard(tx, &tenant("a"), run_id(5), ("ada", "known"), 13).await }),
        Ok(true)
    );
    let listed = |filter: RunFilter| {
        let store = store.clone();
        async move { numbers(&read!(store, |tx| async move { runs::list(tx, &tenant("a"), &filter).await })) }
    };
    let by_status = |status, open_only| RunFilter { status: Some(status), open_only, limit: 9, ..RunFilter::default() };
    let cases = [
        (by_status(Status::Queued, false), vec![9, 8]),
        (by_status(Status::Running, false), vec![1]),
        (by_status(Status::Waiting, true), vec![7]),
        (by_status(Status::Succeeded, true), vec![2]),
        (by_status(Status::Failed, false), vec![3]),
        (by_status(Status::Cancelled, false), vec![4]),
        (by_status(Status::Dead, false), vec![6, 5]),
        (by_status(Status::Dead, true), vec![6]),
        (RunFilter { before: Some(run_id(6)), ..by_status(Status::Dead, false) }, vec![5]),
        (RunFilter { kind: Some("ask".into()), limit: 9, ..RunFilter::default() }, vec![8, 6, 4, 2]),
        (RunFilter { kind: Some("ask".into()), limit: 9, ..by_status(Status::Dead, false) }, vec![6]),
        (RunFilter { queue: Some("q8".into()), limit: 9, ..RunFilter::default() }, vec![8]),
        (RunFilter { queue: Some("q8".into()), ..by_status(Status::Queued, false) }, vec![8]),
        (RunFilter { open_only: true, limit: 3, before: Some(run_id(7)), ..RunFilter::default() }, vec![6, 4, 3]),
    ];
    for (filter, expected) in cases {
        assert_eq!(listed(filter.clone()).await, expected, "{filter:?}");
    }
}

pub async fn a_conversation_remembers(store: &Store) {
    for (n, conversation) in [(1, "c"), (2, "d"), (3, "c"), (4, "c")] {
        let mut run = new_run(n, 7);
        run.conversation = Some(conversation.into());
        enqueue(store, "a", run).await;
    }
    let before = (7, run_id(4));
    let found =
        read!(store, |tx| async move { runs::previous_in_conversation(tx, &tenant("a"), "c", before, 9).await });
    assert_eq!(numbers(&found), [3, 1]);
}

pub async fn a_run_ends_once_and_only_by_its_worker(store: &Store) {
    let run = claimed(store, 1).await;
    assert_eq!((run.status, run.attempt, run.epoch, run.seq), (Status::Running, 1, 1, 1));
    assert_eq!((run.worker.as_deref(), run.started_at), (Some("w"), Some(2)));
    let failed = leave(&run, 50, end(Status::Failed));
    let mut stale = failed.clone();
    stale.epoch = 2;
    assert_eq!(put(store, stale).await, Outcome::Fenced, "another epoch");
    let mut foreign = failed.clone();
    foreign.tenant = tenant("b");
    assert_eq!(put(store, foreign).await, Outcome::Fenced, "another tenant");
    let Outcome::Written(Some(entry)) = put(store, failed).await else { panic!("it was held") };
    assert_eq!((entry.seq, entry.name.as_str(), entry.summary.as_str()), (2, "failed", "y"));
    assert_eq!(entries(store, 1).await.last(), Some(&entry));
    let mut late = leave(&run, 51, end(Status::Succeeded));
    late.seq = 2;
    assert_eq!(put(store, late).await, Outcome::Fenced, "it has ended");
    let ended = get(store, 1).await;
    assert_eq!((ended.status, ended.finished_at, ended.started_at), (Status::Failed, Some(50), Some(2)));
    assert_eq!((ended.output.as_deref(), ended.error_code.as_deref()), (Some("[1]"), Some("x")));
    assert_eq!((ended.worker, ended.epoch, ended.attempt, ended.seq), (None, 1, 1, 0));
}

pub async fn a_failed_attempt_is_followed_by_another(store: &Store) {
    let run = claimed(store, 1).await;
    let again = Then::Again { due_at: 60, priority: 0, why: ("unavailable".into(), "later".into()) };
    let Outcome::Written(Some(entry)) = put(store, leave(&run, 50, again)).await else { panic!("it was held") };
    assert_eq!((entry.name.as_str(), entry.attempt, entry.summary.as_str()), ("queued", 2, "later"));
    let delayed = get(store, 1).await;
    assert_eq!((delayed.status, delayed.attempt, delayed.last_attempt, delayed.seq), (Status::Queued, 2, 2, 2));
    assert_eq!((delayed.wake_at, delayed.worker.as_deref()), (Some(60), None));
    assert_eq!(delayed.error_code.as_deref(), Some("unavailable"));
    assert!(claim(store, "w", &["q/a/"], 1, 59).await.runs.is_empty(), "not before its moment");
    write!(store, |tx| runs::promote(tx, 60, 9)).unwrap();
    let run = claim(store, "w", &["q/a/"], 1, 60).await.runs.remove(0);
    assert_eq!((run.attempt, run.epoch, run.seq, run.started_at), (2, 2, 3, Some(2)));
    let shown = get(store, 1).await;
    assert_eq!(shown.error_code.as_deref(), Some("unavailable"), "why its last attempt did not end well");

    let back = put(store, leave(&run, 61, Then::Back { due_at: 61, priority: 0 })).await;
    assert!(matches!(back, Outcome::Written(Some(_))));
    write!(store, |tx| runs::promote(tx, 61, 9)).unwrap();
    let run = claim(store, "w", &["q/a/"], 1, 62).await.runs.remove(0);
    assert_eq!((run.attempt, run.epoch, run.seq), (2, 3, 5), "untouched, so in the same attempt");
    assert_eq!(get(store, 1).await.error_code.as_deref(), Some("unavailable"));
    put(store, leave(&run, 63, end(Status::Succeeded))).await;
    let ended = get(store, 1).await;
    assert_eq!((ended.status, ended.error_code, ended.attempt), (Status::Succeeded, None, 2));
    assert_eq!(names(store, 1).await, ["running", "queued", "running", "queued", "running", "succeeded"]);
}

pub async fn what_somebody_wants_to_stop_does_not_go_back(store: &Store) {
    let thens = [
        Then::Again { due_at: 60, priority: 0, why: ("unavailable".into(), "later".into()) },
        Then::Back { due_at: 60, priority: 0 },
        Then::Wait { until: None, seen: 0, attempts: 2 },
    ];
    for (n, then) in (1..).zip(thens) {
        let run = claimed(store, n).await;
        write!(store, |tx| async move { runs::cancel(tx, &tenant("a"), run_id(n), 5).await }).unwrap();
        let write = leave(&run, 50, then);
        let Outcome::Written(Some(entry)) = put(store, write.clone()).await else { panic!("it was held") };
        assert_eq!((entry.name.as_str(), entry.attempt), ("cancelled", 1));
        let ended = get(store, n).await;
        assert_eq!((ended.status, ended.error_code.as_deref()), (Status::Cancelled, Some("run.cancelled")));
        assert_eq!((ended.finished_at, ended.started_at), (Some(50), Some(2)), "it had begun");
        assert_eq!(put(store, write).await, Outcome::Written(Some(entry)), "its answer was lost");
    }
    let run = claimed(store, 9).await;
    write!(store, |tx| async move { runs::cancel(tx, &tenant("a"), run_id(9), 5).await }).unwrap();
    put(store, leave(&run, 50, end(Status::Succeeded))).await;
    assert_eq!(get(store, 9).await.status, Status::Succeeded, "what was done before the wish came is done");
}
