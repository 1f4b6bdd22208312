//! Units of work: whole or not at all, on the disk before they are answered, and apart from one another.

use std::sync::mpsc;

use pilothouse_store::{Error, Store, tenants};
use tokio::sync::oneshot;

use crate::support::{conflict, make_tenant, read, tenant, write};

async fn names(store: &Store) -> Vec<String> {
    let found = read!(store, |tx| async move { tenants::list(tx).await });
    found.into_iter().map(|tenant| tenant.id.to_string()).collect()
}

pub async fn a_failed_unit_leaves_nothing_and_its_neighbours_stay(store: &Store) {
    let units = (0..20).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .write(move |tx| {
                    Box::pin(async move {
                        tenants::ensure(tx, &tenant(&format!("t{n:02}")), "", n).await?;
                        if n % 3 == 0 { conflict("test") } else { Ok(n) }
                    })
                })
                .await
        })
    });
    let answers = futures::future::join_all(units).await;
    for (n, answer) in (0_i64..).zip(answers) {
        assert_eq!(answer.unwrap(), if n % 3 == 0 { conflict("test") } else { Ok(n) });
    }
    let kept: Vec<_> = (0..20).filter(|n| n % 3 != 0).map(|n| format!("t{n:02}")).collect();
    assert_eq!(names(store).await, kept);
}

pub async fn an_error_that_the_unit_hides_still_undoes_it(store: &Store) {
    make_tenant(store, "first").await;
    let answer = store
        .write(|tx| {
            Box::pin(async move {
                tenants::ensure(tx, &tenant("second"), "", 1).await?;
                // A kind that the table does not allow: the statement fails, and the unit does not care.
                let mut connection = crate::warehouses::connection("first", 1, "x");
                connection.kind = "unheard of".into();
                let _ = pilothouse_store::connections::insert(tx, &connection).await;
                let _ = tenants::ensure(tx, &tenant("third"), "", 1).await;
                Ok(())
            })
        })
        .await;
    assert!(matches!(answer, Err(Error::Database(_))), "{answer:?}");
    assert_eq!(names(store).await, ["first"]);
}

pub async fn a_panic_is_one_failed_unit(store: &Store) {
    let panicking = store.clone();
    let answer = tokio::spawn(async move {
        panicking
            .write(|tx| {
                Box::pin(async move {
                    tenants::ensure(tx, &tenant("lost"), "", 1).await?;
                    if tenants::get(tx, &tenant("lost")).await?.is_some() {
                        panic!("on purpose");
                    }
                    Ok(())
                })
            })
            .await
    })
    .await;
    assert!(matches!(answer, Err(_) | Ok(Err(Error::Unavailable(_)))), "{answer:?}");
    make_tenant(store, "after").await;
    assert_eq!(names(store).await, ["after"]);
}

pub async fn a_dropped_caller_leaves_the_unit_whole(store: &Store) {
    let (inside, entered) = oneshot::channel();
    let (release, released) = mpsc::channel();
    let writer = store.clone();
    let caller = tokio::spawn(async move {
        let unit = writer.write(move |tx| {
            Box::pin(async move {
                tenants::ensure(tx, &tenant("one"), "", 1).await?;
                inside.send(()).unwrap();
                tokio::task::block_in_place(|| released.recv()).unwrap();
                tenants::ensure(tx, &tenant("two"), "", 1).await
            })
        });
        unit.await
    });
    entered.await.unwrap();
    caller.abort();
    release.send(()).unwrap();
    make_tenant(store, "zz").await;
    let found = names(store).await;
    assert!(found == ["one", "two", "zz"] || found == ["zz"], "half a unit: {found:?}");
}

/// On SQLite the writer would wait with it, and everybody with the writer.
pub async fn a_unit_waits_for_nothing_but_the_database(store: &Store) {
    if store.is_exclusive() {
        let waiting = store.write(|tx| {
            Box::pin(async move {
                tenants::ensure(tx, &tenant("one"), "", 1).await?;
                std::future::pending().await
            })
        });
        let answer: Result<(), Error> = waiting.await;
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    }
    make_tenant(store, "zz").await;
    assert_eq!(names(store).await, ["zz"]);
}

pub async fn a_read_cannot_write(store: &Store) {
    let answer = store.read(|tx| Box::pin(async move { tenants::ensure(tx, &tenant("x"), "", 1).await })).await;
    assert_eq!(answer, Err(Error::ReadOnly));
    assert!(names(store).await.is_empty());
}

pub async fn a_read_sees_one_moment(store: &Store) {
    let (inside, entered) = oneshot::channel();
    let (release, released) = mpsc::channel();
    let reader = store.clone();
    let seen = tokio::spawn(async move {
        let unit = reader.read(move |tx| {
            Box::pin(async move {
                let before = tenants::list(tx).await?.len();
                inside.send(()).unwrap();
                tokio::task::block_in_place(|| released.recv()).unwrap();
                Ok((before, tenants::list(tx).await?.len()))
            })
        });
        unit.await
    });
    entered.await.unwrap();
    make_tenant(store, "meanwhile").await;
    release.send(()).unwrap();
    assert_eq!(seen.await.unwrap(), Ok((0, 0)));
    assert_eq!(names(store).await, ["meanwhile"]);
}

pub async fn a_read_that_is_given_up_leaves_nothing_behind(store: &Store) {
    for number in 0..300_u64 {
        let mut reading = Box::pin(store.read(|tx| Box::pin(async move { tenants::list(tx).await })));
        // Each time at another of the moments at which somebody may go away.
        for _ in 0..number % 5 {
            if futures::poll!(&mut reading).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(reading);
        let id = tenant(&format!("t{number}"));
        let written = write!(store, |tx| async move { tenants::ensure(tx, &id, "", 1).await });
        assert_eq!(written, Ok(true), "after {number}");
    }
}

pub async fn every_connection_commits_to_the_disk(store: &Store) {
    let found = store.durability().await.unwrap();
    let expected: &[(&str, &str, usize)] = match found[0].1.as_str() {
        "sqlite" => {
            &[("journal_mode", "wal", 5), ("synchronous", "2", 5), ("foreign_keys", "1", 5), ("query_only", "1", 4)]
        }
        _ => &[("fsync", "on", 4), ("synchronous_commit", "on", 4), ("full_page_writes", "on", 4)],
    };
    for (name, value, connections) in expected {
        let with_value = found.iter().filter(|(found, is)| found.ends_with(name) && is == value).count();
        assert_eq!(with_value, *connections, "{name} in {found:?}");
    }
}

pub async fn a_closed_store_says_so(store: &Store) {
    store.close().await;
    let written = write!(store, |tx| async move { tenants::ensure(tx, &tenant("x"), "", 1).await });
    assert!(matches!(written, Err(Error::Unavailable(_))), "{written:?}");
    assert!(matches!(store.ping().await, Err(Error::Unavailable(_))));
}

pub async fn the_store_answers_a_ping(store: &Store) {
    assert_eq!(store.ping().await, Ok(()));
}
