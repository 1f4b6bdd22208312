//! Many changes in one commit: each is answered as if it had come alone, in its place.

use std::sync::Arc;
use std::time::Duration;

use pilothouse_domain::audit::{Entry as AuditEntry, Outcome as Audited};
use pilothouse_domain::run::Status;
use pilothouse_store::audit::verify;
use pilothouse_store::runs::{Change, Outcome, Run, Then};
use pilothouse_store::{Store, audit, runs};
use tokio::sync::oneshot;

use crate::support::{
    claim, claimed, end, get, leave, names, new_run, put, put_all, read, run_id, step, tenant, wish, write,
};

/// As many changes as lists are cut at, and those beside them.
const SIZES: [u128; 8] = [1, 2, 3, 127, 128, 129, 255, 300];

/// What each change of a group is, by its place.
fn change(place: u128, runs: &[Run]) -> (Change, fn(&Outcome) -> bool) {
    let entered = |outcome: &Outcome| matches!(outcome, Outcome::Written(None));
    let left = |outcome: &Outcome| matches!(outcome, Outcome::Written(Some(_)));
    let run = &runs[place as usize];
    let moved = |then| Change::Write(Arc::new(leave(run, 20, then)));
    match place % 8 {
        0 => {
            let mut write = leave(run, 20, Then::GoOn);
            (write.entries, write.seq) = (vec![step(2, "load"), step(3, "sum")], 3);
            (Change::Write(Arc::new(write)), entered)
        }
        1 => (moved(end(Status::Succeeded)), left),
        2 => (moved(Then::Again { due_at: 40, priority: 0, why: ("x".into(), "y".into()) }), left),
        3 => (moved(Then::Wait { until: Some(50), seen: 0, attempts: 2 }), left),
        4 => {
            let mut write = leave(run, 20, end(Status::Failed));
            write.epoch += 1;
            (Change::Write(Arc::new(write)), |outcome| *outcome == Outcome::Fenced)
        }
        5 => (moved(Then::Back { due_at: 20, priority: 0 }), left),
        6 => (Change::Enqueue(Arc::new(wish("a", new_run(10_000 + place, 30)))), |outcome| *outcome == Outcome::New),
        _ => {
            let mut again = wish("a", new_run(20_000 + place, 30));
            again.run.idem_key = Some("taken".into());
            (Change::Enqueue(Arc::new(again)), |outcome| *outcome == Outcome::Existing(run_id(1)))
        }
    }
}

pub async fn a_group_is_answered_in_order(store: &Store) {
    let mut first = wish("a", new_run(1, 1));
    first.run.idem_key = Some("taken".into());
    first.run.queue = "elsewhere".into();
    assert_eq!(put(store, first).await, Outcome::New);
    for (round, size) in (1..).zip(SIZES) {
        let wishes = (0..size).map(|place| {
            let mut wish = wish("a", new_run(round * 1_000_000 + place, 1));
            wish.run.queue = format!("q{round}");
            Change::Enqueue(Arc::new(wish))
        });
        assert!(put_all(store, wishes.collect()).await.iter().all(|outcome| *outcome == Outcome::New));
        let runs = claim(store, "w", &[&format!("q{round}/a/")], 1_000, 10).await.runs;
        assert_eq!(runs.len() as u128, size);
        let (mut changes, expected): (Vec<_>, Vec<_>) = (0..size).map(|place| change(place, &runs)).unzip();
        for change in &mut changes {
            if let Change::Enqueue(wish) = change {
                let wish = Arc::make_mut(wish);
                wish.run.id.0 = uuid::Uuid::from_u128(wish.run.id.0.as_u128() + round * 1_000_000);
            }
        }
        for _ in 0..2 {
            // The second time as if the answer to the first had been lost.
            let outcomes = put_all(store, changes.clone()).await;
            for (place, (outcome, expected)) in outcomes.iter().zip(&expected).enumerate() {
                assert!(expected(outcome), "{outcome:?} at {place} of {size}");
            }
        }
        for (place, run) in runs.iter().enumerate() {
            let n = run.id.0.as_u128();
            let expected = match place % 8 {
                0 => (Status::Running, vec!["running", "load", "sum"]),
                1 => (Status::Succeeded, vec!["running", "succeeded"]),
                2 | 5 => (Status::Queued, vec!["running", "queued"]),
                3 => (Status::Waiting, vec!["running", "waiting"]),
                _ => (Status::Running, vec!["running"]),
            };
            if size <= 3 || place > 110 {
                assert_eq!(
                    (get(store, n).await.status, names(store, n).await),
                    (expected.0, expected.1.into_iter().map(str::to_owned).collect()),
                    "{place} of {size}"
                );
            }
        }
    }
}

/// The worker's old and new claims of a run may meet in a group, and only the new one counts.
pub async fn an_old_claim_gains_nothing_from_a_new_one_beside_it(store: &Store) {
    let old = claimed(store, 1).await;
    crate::support::join(store, "w").await;
    crate::support::take_back(store, "w", 10, 9).await;
    let new = claim(store, "v", &["q/a/"], 1, 11).await.runs.remove(0);
    let mut late = leave(&old, 20, Then::GoOn);
    (late.entries, late.seq) = (vec![step(2, "late")], 2);
    let mut current = leave(&new, 20, Then::GoOn);
    (current.entries, current.seq) = (vec![step(new.seq + 1, "current")], new.seq + 1);
    for order in [[late.clone(), current.clone()], [current, late]] {
        let late_at = order.iter().position(|write| write.epoch == old.epoch).unwrap();
        let outcomes = put_all(store, order.map(|write| Change::Write(Arc::new(write))).into()).await;
        assert_eq!(outcomes[late_at], Outcome::Fenced);
        assert_eq!(outcomes[1 - late_at], Outcome::Written(None));
    }
    assert_eq!(names(store, 1).await, ["running", "queued", "running", "current"]);
}

/// Somebody who changes the run at the same moment, without taking it away, only makes the worker wait.
pub async fn an_end_waits_for_whoever_changes_its_run(store: &Store) {
    let run = claimed(store, 1).await;
    let ((begun, begins), (go, gone)) = (oneshot::channel(), oneshot::channel());
    let (owner, id, alone) = (run.tenant.clone(), run.id, store.is_exclusive());
    let signalling = store.write(move |tx| {
        Box::pin(async move {
            let signalled = runs::signal(tx, &owner, id, ("go", "{}", "ada"), 3).await?;
            begun.send(()).unwrap();
            // A unit of SQLite's waits for nothing, and nobody else writes beside it.
            if !alone {
                gone.await.unwrap();
            }
            Ok(signalled)
        })
    });
    let ending = async {
        begins.await.unwrap();
        let ended = put(store, leave(&run, 4, end(Status::Succeeded)));
        let (ended, ()) = tokio::join!(ended, async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let _ = go.send(());
        });
        ended
    };
    let (signalled, ended) = tokio::join!(signalling, ending);
    assert_eq!(signalled.unwrap().map(|run| run.status), Some(Status::Running));
    assert!(matches!(ended, Outcome::Written(Some(_))), "{ended:?}");
    assert_eq!(get(store, 1).await.status, Status::Succeeded);
}

pub async fn what_goes_with_a_change_happens_once(store: &Store) {
    let noted = |change: Change| {
        let store = store.clone();
        async move {
            write!(store, |tx| async move {
                runs::apply_with(tx, change, |tx| Box::pin(async move { audit::append(tx, &note()).await.map(|_| ()) }))
                    .await
            })
            .unwrap()
        }
    };
    let wish = |n, key: Option<&str>| {
        let mut wish = wish("a", new_run(n, 1));
        wish.run.idem_key = key.map(str::to_owned);
        Change::Enqueue(Arc::new(wish))
    };
    for _ in 0..2 {
        assert_eq!(noted(wish(1, Some("k"))).await, Outcome::New);
    }
    assert_eq!(noted(wish(2, Some("k"))).await, Outcome::Existing(run_id(1)));
    assert_eq!(notes(store).await, 1);

    let run = claim(store, "w", &["q/a/"], 1, 2).await.runs.remove(0);
    let mut entered = leave(&run, 3, Then::GoOn);
    (entered.entries, entered.seq) = (vec![step(2, "load")], 2);
    let mut ended = leave(&run, 3, end(Status::Succeeded));
    ended.seq = 2;
    for write in [entered, ended] {
        let mut stale = write.clone();
        stale.epoch += 1;
        assert_eq!(noted(Change::Write(Arc::new(stale))).await, Outcome::Fenced);
        let before = notes(store).await;
        let first = noted(Change::Write(Arc::new(write.clone()))).await;
        assert!(matches!(first, Outcome::Written(_)));
        assert_eq!(noted(Change::Write(Arc::new(write))).await, first, "its answer was lost");
        assert_eq!(notes(store).await, before + 1);
    }
    assert_eq!(names(store, 1).await, ["running", "load", "succeeded"]);
}

pub async fn what_goes_with_a_change_can_undo_it(store: &Store) {
    let run = claimed(store, 1).await;
    let ended = Change::Write(Arc::new(leave(&run, 3, end(Status::Succeeded))));
    let refused = write!(store, |tx| async move {
        runs::apply_with(tx, ended, |_| Box::pin(async { crate::support::conflict("test") })).await
    });
    assert_eq!(refused, crate::support::conflict("test"));
    assert_eq!(get(store, 1).await, run);
    assert_eq!(names(store, 1).await, ["running"]);
}

pub async fn a_group_lengthens_many_chains(store: &Store) {
    for size in SIZES {
        let wishes = (0..size).map(|n| {
            let scope = format!("t{}", n % 140);
            let mut wish = wish(&scope, new_run(size * 1_000 + n, 1));
            wish.audit = Some(AuditEntry { scope, resource: wish.run.id.to_string(), ..note() });
            Change::Enqueue(Arc::new(wish))
        });
        put_all(store, wishes.collect()).await;
    }
    let chains = verify(store).await.unwrap();
    assert_eq!(chains.len(), 140);
    assert!(chains.iter().all(|chain| chain.broken_at.is_none()), "{chains:?}");
    assert_eq!(chains.iter().map(|chain| chain.rows).sum::<i64>(), SIZES.iter().sum::<u128>() as i64);
    let first = read!(store, |tx| audit::scan(tx, "t0", 0, 99));
    let expected: Vec<_> = SIZES
        .iter()
        .flat_map(|size| (0..*size).step_by(140).map(move |n| run_id(size * 1_000 + n).to_string()))
        .collect();
    assert_eq!(first.into_iter().map(|row| row.entry.resource).collect::<Vec<_>>(), expected, "in their order");
}

/// Groups that audit the same tenants in other orders wait for each other and never for ever.
pub async fn groups_side_by_side_make_whole_chains(store: &Store) {
    let groups = (0..16).map(|group: u128| {
        let wishes = (0..40).map(|n| {
            let tenant = if group.is_multiple_of(2) { n % 7 } else { 6 - n % 7 };
            let scope = format!("t{tenant}");
            let mut wish = wish(&scope, new_run(group * 100 + n, 1));
            wish.audit = Some(AuditEntry { scope, ..note() });
            Change::Enqueue(Arc::new(wish))
        });
        let (store, wishes) = (store.clone(), wishes.collect());
        tokio::spawn(async move { put_all(&store, wishes).await })
    });
    for group in groups.collect::<Vec<_>>() {
        assert!(group.await.unwrap().iter().all(|outcome| *outcome == Outcome::New));
    }
    let chains = verify(store).await.unwrap();
    assert!(chains.iter().all(|chain| chain.broken_at.is_none()), "{chains:?}");
    assert_eq!(chains.iter().map(|chain| chain.rows).sum::<i64>(), 16 * 40);
}

fn note() -> AuditEntry {
    AuditEntry {
        scope: "notes".into(),
        at: 1,
        subject: "ada".into(),
        action: "run.note".into(),
        resource: "r".into(),
        payload_hash: String::new(),
        outcome: Audited::Allowed,
        code: String::new(),
        request_id: "r".into(),
        count: 1,
    }
}

async fn notes(store: &Store) -> usize {
    read!(store, |tx| audit::scan(tx, "notes", 0, 99)).len()
}

/// Where a tenant asks for the same runs on several nodes at once, one asks and the others hear of it, in whichever
/// order each asks.
pub async fn keys_asked_for_from_many_sides_make_one_run_each(store: &Store) {
    const KEYS: u128 = 150;
    let sides = (1..=8_u128).map(|side| {
        let wishes = (0..KEYS).map(|place| {
            let key = if side.is_multiple_of(2) { place } else { KEYS - 1 - place };
            let mut wish = wish("a", new_run(side * 1_000 + place, 1));
            wish.run.idem_key = Some(format!("k{key}"));
            Change::Enqueue(Arc::new(wish))
        });
        let (store, wishes) = (store.clone(), wishes.collect());
        tokio::spawn(async move { put_all(&store, wishes).await })
    });
    let mut new = 0;
    for side in sides.collect::<Vec<_>>() {
        new += side.await.unwrap().iter().filter(|outcome| **outcome == Outcome::New).count();
    }
    assert_eq!(new as u128, KEYS);
    let all = runs::RunFilter { limit: 9_999, ..runs::RunFilter::default() };
    assert_eq!(read!(store, |tx| async move { runs::list(tx, &tenant("a"), &all).await }).len() as u128, KEYS);
}
