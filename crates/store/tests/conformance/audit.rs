//! The audit chains, while nobody tampers with them.

use pilothouse_domain::audit::{Entry, INSTALLATION, Outcome};
use pilothouse_store::audit::{ScopeReport, verify};
use pilothouse_store::{Error, Store, audit};

use crate::support::{read, write};

fn entry(scope: &str, at: i64) -> Entry {
    Entry {
        scope: scope.into(),
        at,
        subject: "ada".into(),
        action: "connection.create".into(),
        resource: "conn_1".into(),
        payload_hash: "00".into(),
        outcome: if at % 2 == 0 { Outcome::Allowed } else { Outcome::Refused },
        code: String::new(),
        request_id: "r".into(),
        count: 1,
    }
}

pub async fn chains_are_separate_and_whole(store: &Store) {
    assert_eq!(verify(store).await, Ok(vec![]));
    for (scope, seq) in [("a", 1), (INSTALLATION, 1), ("a", 2), ("b", 1), ("a", 3)] {
        assert_eq!(write!(store, |tx| async move { audit::append(tx, &entry(scope, seq)).await }), Ok(seq));
    }
    let whole = |scope: &str, rows| ScopeReport { scope: scope.into(), rows, broken_at: None };
    assert_eq!(verify(store).await, Ok(vec![whole(INSTALLATION, 1), whole("a", 3), whole("b", 1)]));
    assert_eq!(read!(store, |tx| audit::scopes(tx)), [INSTALLATION, "a", "b"]);
}

pub async fn many_who_append_make_one_chain(store: &Store) {
    // More than one page of the check, some of it undone.
    let many = (0..1_100).map(|n| {
        let store = store.clone();
        async move {
            store
                .write(move |tx| {
                    Box::pin(async move {
                        audit::append(tx, &entry("a", n)).await?;
                        if n % 10 == 0 { Err(Error::Conflict { what: "test" }) } else { Ok(()) }
                    })
                })
                .await
        }
    });
    let answers =
        futures::StreamExt::collect::<Vec<_>>(futures::StreamExt::buffer_unordered(futures::stream::iter(many), 16))
            .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 990);
    assert_eq!(verify(store).await, Ok(vec![ScopeReport { scope: "a".into(), rows: 990, broken_at: None }]));
}

pub async fn lists_page_from_both_ends(store: &Store) {
    write!(store, |tx| async move {
        for at in 1..=5 {
            audit::append(tx, &entry("a", at)).await?;
        }
        Ok(())
    })
    .unwrap();
    let seqs = |records: Vec<audit::Record>| records.into_iter().map(|record| record.seq).collect::<Vec<_>>();
    assert_eq!(seqs(read!(store, |tx| audit::list(tx, "a", None, 2))), [5, 4]);
    assert_eq!(seqs(read!(store, |tx| audit::list(tx, "a", Some(4), 9))), [3, 2, 1]);
    assert_eq!(seqs(read!(store, |tx| audit::scan(tx, "a", 3, 9))), [4, 5]);
    let first = read!(store, |tx| audit::scan(tx, "a", 0, 1)).remove(0);
    assert_eq!(first.entry, entry("a", 1));
    assert_ne!(first.hash, [0; 32]);
}
