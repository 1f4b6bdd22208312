//! Connections with their catalogs and semantic models.

use pilothouse_domain::RunId;
use pilothouse_domain::cost::Took;
use pilothouse_store::connections::Connection;
use pilothouse_store::costs::{self, Preview, QueryRun};
use pilothouse_store::documents::{self, Kind, NewVersion};
use pilothouse_store::proposals::{self, Correction};
use pilothouse_store::reads::{self, Reserve};
use pilothouse_store::{Error, Store, catalogs, connections};

use crate::support::{conflict, connection_id, make_tenant, read, tenant, write};

pub fn connection(tenant_id: &str, n: u128, name: &str) -> Connection {
    Connection {
        id: connection_id(n),
        tenant: tenant(tenant_id),
        name: name.into(),
        kind: "files".into(),
        location: "/data/flights".into(),
        sealed: Some(vec![0, 1, 255]),
        key_id: Some("k1".into()),
        status: "new".into(),
        error_code: None,
        error_message: None,
        sample: true,
        created_at: 3,
        checked_at: None,
    }
}

async fn made(store: &Store) {
    make_tenant(store, "a").await;
    make_tenant(store, "b").await;
    write!(store, |tx| async move {
        connections::insert(tx, &connection("a", 1, "flights")).await?;
        connections::insert(tx, &connection("a", 2, "Shop")).await?;
        connections::insert(tx, &connection("b", 3, "flights")).await
    })
    .unwrap();
}

pub async fn connections_are_named_once_per_tenant(store: &Store) {
    made(store).await;
    let taken = write!(store, |tx| async move { connections::insert(tx, &connection("a", 4, "flights")).await });
    assert_eq!(taken, conflict("connection"));
    let nobodys = write!(store, |tx| async move { connections::insert(tx, &connection("nobody", 4, "x")).await });
    assert_eq!(nobodys, Err(Error::Missing { what: "tenant" }));

    let found = read!(store, |tx| async move { connections::by_name(tx, &tenant("b"), "flights").await });
    assert_eq!(found, Some(connection("b", 3, "flights")));
    assert_eq!(read!(store, |tx| async move { connections::get(tx, &tenant("b"), connection_id(1)).await }), None);

    let error = Some(("connection.failed", "no such folder"));
    let set = write!(store, |tx| async move {
        connections::set_status(tx, &tenant("a"), connection_id(1), "failed", error, 9).await
    });
    assert_eq!(set, Ok(true));
    let list = read!(store, |tx| async move { connections::list(tx, &tenant("a")).await });
    let failed = Connection {
        status: "failed".into(),
        error_code: Some("connection.failed".into()),
        error_message: Some("no such folder".into()),
        checked_at: Some(9),
        ..connection("a", 1, "flights")
    };
    assert_eq!(list, [connection("a", 2, "Shop"), failed], "by name, by bytes");
    let other = write!(store, |tx| async move { connections::delete(tx, &tenant("b"), connection_id(1)).await });
    assert_eq!(other, Ok(false), "another tenant's connection");
}

pub async fn catalogs_are_replaced(store: &Store) {
    made(store).await;
    let (a, id) = (tenant("a"), connection_id(1));
    for (json, at) in [("{}", 4), (r#"{"tables":[]}"#, 5)] {
        let a = a.clone();
        write!(store, |tx| async move { catalogs::put(tx, &a, id, json, at).await }).unwrap();
    }
    let foreign = write!(store, |tx| async move { catalogs::put(tx, &tenant("b"), id, "{}", 6).await });
    assert_eq!(foreign, Err(Error::Missing { what: "connection" }));
    let found = read!(store, |tx| async move { catalogs::get(tx, &tenant("a"), connection_id(1)).await });
    assert_eq!(found, Some((r#"{"tables":[]}"#.to_owned(), 5)));
    for expected in [true, false] {
        let gone = write!(store, |tx| async move { catalogs::delete(tx, &tenant("a"), connection_id(1)).await });
        assert_eq!(gone, Ok(expected));
    }
}

pub async fn documents_have_versions(store: &Store) {
    made(store).await;
    let id = connection_id(1);
    let new = |kind, yaml, created_at| NewVersion { kind, yaml, created_at, created_by: "ada", follows: None };
    for kind in [Kind::Semantic, Kind::Access] {
        for (yaml, version) in [("a: 1", 1), ("a: 2", 2)] {
            let stored =
                write!(store, |tx| async move { documents::put(tx, &tenant("a"), id, new(kind, yaml, version)).await });
            assert_eq!(stored, Ok(version), "versions count per connection and kind");
        }
        let elsewhere = write!(store, |tx| async move {
            documents::put(tx, &tenant("a"), connection_id(2), new(kind, "b: 1", 1)).await
        });
        assert_eq!(elsewhere, Ok(1), "versions count per connection");
        let latest = read!(store, |tx| async move { documents::latest(tx, &tenant("a"), id, kind).await }).unwrap();
        assert_eq!((latest.version, latest.yaml.as_str(), latest.created_by.as_str()), (2, "a: 2", "ada"));
        let first = read!(store, |tx| async move { documents::get(tx, &tenant("a"), id, kind, 1).await });
        let list = read!(store, |tx| async move { documents::list(tx, &tenant("a"), id, kind).await });
        assert_eq!(list, [latest, first.unwrap()]);
        assert_eq!(read!(store, |tx| async move { documents::latest(tx, &tenant("b"), id, kind).await }), None);
    }
    let gone = write!(store, |tx| async move { connections::delete(tx, &tenant("a"), id).await });
    assert_eq!(gone, Ok(true));
    let left = read!(store, |tx| async move { documents::list(tx, &tenant("a"), id, Kind::Access).await });
    assert!(left.is_empty(), "they go with their connection");
}

/// Up to a thousand bytes in the hundred microseconds before `at`.
fn wish(n: u128, bytes: u64, at: i64) -> Reserve {
    Reserve { run: RunId(uuid::Uuid::from_u128(n)), bytes, at, since: at - 100, most: 1_000 }
}

async fn reserve(store: &Store, tenant_id: &'static str, wish: Reserve) -> Result<(), u64> {
    write!(store, |tx| async move { reads::reserve(tx, &tenant(tenant_id), wish).await }).unwrap()
}

pub async fn what_is_read_is_counted_by_the_hour(store: &Store) {
    for tenant in ["a", "b"] {
        make_tenant(store, tenant).await;
    }
    assert_eq!(reserve(store, "a", wish(1, 600, 1_000)).await, Ok(()));
    assert_eq!(reserve(store, "a", wish(2, 401, 1_010)).await, Err(600));
    assert_eq!(reserve(store, "b", wish(2, 1_000, 1_010)).await, Ok(()), "another tenant's hour is its own");
    assert_eq!(
        reserve(store, "a", wish(1, 900, 1_020)).await,
        Ok(()),
        "a run that reserves again replaces what it had"
    );
    write!(store, |tx| async move { reads::settle(tx, &tenant("a"), wish(1, 0, 0).run, 300, 1_025).await }).unwrap();
    assert_eq!(reserve(store, "a", wish(2, 700, 1_030)).await, Ok(()), "what was read counts, not what was expected");
    assert_eq!(reserve(store, "a", wish(3, 1, 1_119)).await, Err(1_000));
    assert_eq!(reserve(store, "a", wish(3, 300, 1_120)).await, Ok(()), "what is older counts no more");
    let used = read!(store, |tx| async move { reads::used(tx, &tenant("a"), 1_020, None).await });
    assert_eq!(used, 1_000);
}

pub async fn a_tenant_reads_no_more_than_it_may_however_many_ask_at_once(store: &Store) {
    make_tenant(store, "a").await;
    let asked = (1..=50).map(|n| reserve(store, "a", wish(n, 100, 1_000)));
    let granted = futures::future::join_all(asked).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(granted, 10);
}

fn query_run(n: u128, shape: &str, at: i64) -> QueryRun {
    let took = Took { bytes: Some(n as u64), elapsed_us: n as u64 * 10 };
    QueryRun { connection: connection_id(1), shape: shape.into(), run: RunId(uuid::Uuid::from_u128(n)), at, took }
}

pub async fn the_newest_runs_of_a_shape_are_remembered(store: &Store) {
    made(store).await;
    write!(store, |tx| async move {
        for n in 1..=25 {
            costs::note(tx, &tenant("a"), &query_run(n, "s", n as i64), 0).await?;
        }
        costs::note(tx, &tenant("a"), &query_run(25, "s", 26), 0).await?;
        costs::note(tx, &tenant("a"), &query_run(1, "other", 1), 0).await
    })
    .unwrap();
    let took = async |tenant_id: &'static str, shape: &'static str, since| {
        read!(store, |tx| async move { costs::took(tx, &tenant(tenant_id), connection_id(1), shape, since).await })
    };
    let newest = took("a", "s", 0).await;
    assert_eq!((newest.len(), newest[0], newest[19].bytes), (20, Took { bytes: Some(25), elapsed_us: 250 }, Some(6)));
    assert_eq!(took("a", "s", 24).await.len(), 1, "what is older does not count");
    assert_eq!((took("a", "other", 0).await.len(), took("b", "s", 0).await.len()), (1, 0));
    write!(store, |tx| async move { costs::note(tx, &tenant("a"), &query_run(30, "new", 40), 25).await }).unwrap();
    assert_eq!((took("a", "s", 0).await.len(), took("a", "other", 0).await.len()), (1, 0), "the old are forgotten");
}

pub async fn a_query_that_waits_is_kept_as_it_was(store: &Store) {
    made(store).await;
    let preview = Preview {
        id: RunId(uuid::Uuid::from_u128(7)),
        connection: connection_id(1),
        asked_by: "ada".into(),
        waits_for: "approver".into(),
        sql: "SELECT 1".into(),
        reasons: "[]".into(),
        forecast: "{}".into(),
        created_at: 10,
    };
    let changed = Preview { sql: "SELECT 2".into(), ..preview.clone() };
    let (first, second) = (preview.clone(), changed);
    write!(store, |tx| async move {
        costs::put_preview(tx, &tenant("a"), &first, 0).await?;
        costs::put_preview(tx, &tenant("a"), &second, 0).await
    })
    .unwrap();
    let (id, later) = (preview.id, Preview { id: RunId(uuid::Uuid::from_u128(8)), created_at: 30, ..preview.clone() });
    let found = async |tenant_id: &'static str| {
        read!(store, |tx| async move { costs::preview(tx, &tenant(tenant_id), id).await })
    };
    assert_eq!(found("a").await, Some(preview));
    assert_eq!(found("b").await, None, "another tenant's");
    write!(store, |tx| async move { costs::put_preview(tx, &tenant("a"), &later, 10).await }).unwrap();
    assert_eq!(found("a").await, None, "old ones are forgotten");
}

pub async fn corrections_add_up_until_somebody_decides(store: &Store) {
    made(store).await;
    let correction = |key: &str, run: u128| Correction {
        key: key.into(),
        question: "turnover by month".into(),
        query: "{}".into(),
        reading: "Revenue by month.".into(),
        learnt_from: "choice".into(),
        run: RunId(uuid::Uuid::from_u128(run)),
        by: "ada".into(),
        at: run as i64,
    };
    write!(store, |tx| async move {
        for (key, run) in [("k", 1), ("k", 1), ("other", 2), ("k", 3)] {
            proposals::note(tx, &tenant("a"), connection_id(1), &correction(key, run)).await?;
        }
        Ok(())
    })
    .unwrap();
    let nobodys =
        write!(
            store,
            |tx| async move { proposals::note(tx, &tenant("b"), connection_id(1), &correction("k", 9)).await }
        );
    assert_eq!(nobodys, Err(Error::Missing { what: "connection" }));
    let open = async || read!(store, |tx| async move { proposals::open(tx, &tenant("a"), connection_id(1)).await });
    let found = open().await;
    assert_eq!(
        found.iter().map(|p| (p.correction.key.as_str(), p.times)).collect::<Vec<_>>(),
        [("k", 2), ("other", 1)]
    );
    assert_eq!(found[0].correction, correction("k", 3));
    let decided = async |tenant_id: &'static str| {
        write!(store, |tx| async move {
            proposals::decide(tx, &tenant(tenant_id), connection_id(1), "k", ("accepted", "eve", 9)).await
        })
    };
    assert_eq!((decided("b").await, decided("a").await, decided("a").await), (Ok(false), Ok(true), Ok(false)));
    assert_eq!(open().await.len(), 1);
}
