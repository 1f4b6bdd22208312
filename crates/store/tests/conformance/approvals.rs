//! What waits for people, and what they have decided.

use pilothouse_domain::approval::{Decision, Needs, State, Vote};
use pilothouse_domain::{ApprovalId, Role};
use pilothouse_store::approvals::{self, Approval, Change, Filter, Voted};
use pilothouse_store::{Error, Store, runs};
use uuid::Uuid;

use crate::support::{enqueue, make_tenant, new_run, read, run_id, tenant, write};

fn id(n: u128) -> ApprovalId {
    ApprovalId(Uuid::from_u128(n))
}

fn wanted(n: u128, by: &str) -> Approval {
    Approval {
        id: id(n),
        kind: "query.run".into(),
        resource: "conn_1".into(),
        payload_hash: "ab".repeat(32),
        payload: r#"{"sql":"SELECT 1"}"#.into(),
        facts: "{}".into(),
        requested_by: by.into(),
        requested_at: n as i64,
        rule: Some("dear".into()),
        because: "It is dear.".into(),
        needs: Needs { count: 2, of: Role::Operator },
        run: None,
        state: State::Pending,
        changed_at: n as i64,
        changed_by: None,
        changed_because: None,
        expires_at: None,
        remark: None,
        asked_payload: None,
        edited_by: None,
        escalated_at: None,
    }
}

async fn asked(store: &Store, n: u128, by: &'static str) -> Approval {
    write!(store, |tx| async move { approvals::request(tx, &tenant("a"), &wanted(n, by)).await }).unwrap()
}

async fn changed(store: &Store, n: u128, from: State, to: State, expires_at: Option<i64>) -> bool {
    let change = Change { from, to, at: 50, by: Some("bob"), because: Some("fine"), expires_at };
    write!(store, |tx| async move { approvals::change(tx, &tenant("a"), id(n), change).await }).unwrap()
}

async fn found(store: &Store, whose: &'static str, n: u128) -> Option<Approval> {
    read!(store, |tx| async move { approvals::get(tx, &tenant(whose), id(n)).await })
}

pub async fn asking_again_finds_the_approval_that_is_open(store: &Store) {
    make_tenant(store, "a").await;
    make_tenant(store, "b").await;
    assert_eq!(asked(store, 1, "ada").await, wanted(1, "ada"));
    assert_eq!(asked(store, 2, "ada").await.id, id(1), "the same payload, and the same who asks");
    assert_eq!(asked(store, 3, "eve").await.id, id(3), "somebody else asks for themselves");
    assert!(changed(store, 1, State::Pending, State::Approved, Some(90)).await);
    assert_eq!(asked(store, 4, "ada").await.state, State::Approved);
    assert!(changed(store, 1, State::Approved, State::Used, None).await);
    assert_eq!(asked(store, 5, "ada").await.id, id(5), "one that was used is not open");
    assert_eq!(found(store, "b", 1).await, None, "another tenant's");
    let nobodys = write!(store, |tx| async move { approvals::request(tx, &tenant("c"), &wanted(9, "ada")).await });
    assert!(matches!(nobodys, Err(Error::Missing { .. })), "{nobodys:?}");
}

pub async fn an_approval_is_used_once_however_many_come_at_once(store: &Store) {
    make_tenant(store, "a").await;
    asked(store, 1, "ada").await;
    assert!(!changed(store, 1, State::Approved, State::Used, None).await, "it is not approved yet");
    assert!(changed(store, 1, State::Pending, State::Approved, None).await);
    let uses = (0..8).map(|_| changed(store, 1, State::Approved, State::Used, None));
    let used = futures::future::join_all(uses).await;
    assert_eq!(used.iter().filter(|used| **used).count(), 1);
    let after = found(store, "a", 1).await.unwrap();
    assert_eq!((after.state, after.changed_at, after.changed_by.as_deref()), (State::Used, 50, Some("bob")));
}

pub async fn time_ends_what_is_open(store: &Store) {
    make_tenant(store, "a").await;
    for n in 1..=3 {
        asked(store, n, ["ada", "bob", "eve"][n as usize - 1]).await;
    }
    changed(store, 1, State::Pending, State::Approved, Some(90)).await;
    changed(store, 2, State::Pending, State::Approved, Some(91)).await;
    let expire = async |now| write!(store, |tx| async move { approvals::expire(tx, &tenant("a"), now).await }).unwrap();
    let overdue = async |now| read!(store, |tx| async move { approvals::is_overdue(tx, &tenant("a"), now).await });
    assert!(!overdue(89).await && overdue(90).await);
    assert_eq!((expire(89).await, expire(90).await, expire(90).await), (0, 1, 0));
    let over = found(store, "a", 1).await.unwrap();
    assert_eq!((over.state, over.changed_at, over.changed_by), (State::Expired, 90, None));
    assert_eq!(found(store, "a", 2).await.unwrap().state, State::Approved);
    assert_eq!(found(store, "a", 3).await.unwrap().state, State::Pending, "it has all the time");
}

pub async fn an_approval_ends_with_its_run(store: &Store) {
    make_tenant(store, "a").await;
    enqueue(store, "a", new_run(1, 0)).await;
    let of_run = Approval { run: Some(run_id(1)), ..wanted(1, "ada") };
    let expected = of_run.clone();
    let asked = write!(store, |tx| async move { approvals::request(tx, &tenant("a"), &of_run).await }).unwrap();
    let waiting = async || read!(store, |tx| async move { approvals::of_run(tx, &tenant("a"), run_id(1)).await });
    assert_eq!((&asked, waiting().await), (&expected, Some(expected.clone())));
    let expire = async || write!(store, |tx| async move { approvals::expire(tx, &tenant("a"), 9).await }).unwrap();
    assert_eq!(expire().await, 0);
    write!(store, |tx| async move { runs::cancel(tx, &tenant("a"), run_id(1), 5).await }).unwrap();
    let overdue = async || read!(store, |tx| async move { approvals::is_overdue(tx, &tenant("a"), 9).await });
    assert!(overdue().await);
    assert_eq!((expire().await, expire().await, overdue().await), (1, 0, false));
    let after = found(store, "a", 1).await.unwrap();
    assert_eq!((after.state, after.changed_at, waiting().await), (State::Void, 9, None));
}

pub async fn approvals_are_listed_in_pages(store: &Store) {
    make_tenant(store, "a").await;
    for (n, by) in [(1, "ada"), (2, "bob"), (3, "eve"), (4, "dan")] {
        asked(store, n, by).await;
    }
    changed(store, 3, State::Pending, State::Rejected, None).await;
    let page = async |state, (subject, role): (&'static str, _), before| {
        let filter = Filter { state, subject: subject.into(), role, before };
        let found = read!(store, |tx| async move { approvals::list(tx, &tenant("a"), &filter, 2).await });
        found.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let operator = ("oda", Role::Operator);
    assert_eq!(page(State::Pending, operator, None).await, [id(4), id(2)]);
    assert_eq!(page(State::Pending, operator, Some((2, id(2)))).await, [id(1)]);
    assert_eq!(page(State::Rejected, ("oda", Role::Admin), None).await, [id(3)]);
    assert_eq!(page(State::Pending, ("bob", Role::Member), None).await, [id(2)], "those that one has asked for");
    assert_eq!(page(State::Pending, ("oda", Role::Member), None).await, []);
    let of = |resource: &'static str| async move {
        read!(store, |tx| async move { approvals::of_resource(tx, &tenant("a"), ("query.run", resource), 10).await })
    };
    assert_eq!((of("conn_1").await.len(), of("conn_2").await.len()), (4, 0));
}

pub async fn a_vote_is_cast_once(store: &Store) {
    make_tenant(store, "a").await;
    asked(store, 1, "ada").await;
    let vote = |by: &str, at| {
        let vote = Vote { by: by.into(), in_place_of: Some("dan".into()), decision: Decision::Approve };
        Voted { vote, reason: "fine".into(), at }
    };
    let cast = async |voted: Voted| {
        write!(store, |tx| async move {
            assert!(approvals::hold(tx, &tenant("a"), id(1)).await?.is_some());
            approvals::vote(tx, &tenant("a"), id(1), &voted).await
        })
    };
    assert_eq!(cast(vote("eve", 5)).await, Ok(()));
    assert_eq!(cast(vote("bob", 4)).await, Ok(()));
    assert!(cast(vote("eve", 6)).await.is_err());
    let votes = read!(store, |tx| async move { approvals::votes(tx, &tenant("a"), id(1)).await });
    assert_eq!(votes, [vote("bob", 4), vote("eve", 5)]);
    let none = read!(store, |tx| async move { approvals::votes(tx, &tenant("b"), id(1)).await });
    assert_eq!(none, []);
}
