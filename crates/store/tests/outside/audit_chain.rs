//! Whoever changes one value of one stored audit row, removes or adds a row, or touches a head, is found out.

use pilothouse_domain::audit::{Entry, Outcome};
use pilothouse_store::audit;
use pilothouse_store::audit::verify;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::raw::Touched;

/// What somebody does to a chain of `rows` rows, the change of a row aimed at the row `at`.
#[derive(Debug, Clone)]
enum Tamper {
    Change(&'static str),
    Remove,
    CutFrom,
    AddBefore,
    AddBehind,
    HeadBack,
    HeadOn,
    HeadHash,
}

/// Every column of a row, with SQL for another value of it.
const CHANGES: [&str; 12] = [
    "scope = 'elsewhere'",
    "seq = seq + 1000",
    "at = at + 1",
    "subject = subject || 'x'",
    "action = ''",
    "resource = resource || ' '",
    "payload_hash = 'ff'",
    "outcome = CASE outcome WHEN 'allowed' THEN 'refused' ELSE 'allowed' END",
    "outcome = 'unheard of'",
    "code = 'x'",
    "request_id = request_id || request_id",
    "count = -count",
];

fn entry(scope: &str, at: i64) -> Entry {
    Entry {
        scope: scope.into(),
        at,
        subject: format!("person {at}"),
        action: "token.create".into(),
        resource: "tok".into(),
        payload_hash: "00".into(),
        outcome: [Outcome::Allowed, Outcome::Refused, Outcome::Failed][at as usize % 3],
        code: String::new(),
        request_id: "r".into(),
        count: 1,
    }
}

fn cases() -> impl Strategy<Value = (i64, i64, Tamper)> {
    let tamper = prop_oneof![
        6 => prop::sample::select(&CHANGES[..]).prop_map(Tamper::Change),
        1 => Just(Tamper::Change("hash")),
        1 => Just(Tamper::Remove),
        1 => Just(Tamper::CutFrom),
        1 => Just(Tamper::AddBefore),
        1 => Just(Tamper::AddBehind),
        1 => Just(Tamper::HeadBack),
        1 => Just(Tamper::HeadOn),
        1 => Just(Tamper::HeadHash),
    ];
    (1_i64..12)
        .prop_flat_map(|rows| (Just(rows), 1..=rows))
        .prop_flat_map(move |(rows, at)| (Just(rows), Just(at), tamper.clone()))
}

/// Tampers with a chain and returns where it must be found broken.
async fn tamper_with(touched: &Touched, scope: &str, rows: i64, at: i64, tamper: &Tamper) -> i64 {
    let row = format!("WHERE scope = '{scope}' AND seq = {at}");
    let head = format!("WHERE scope = '{scope}'");
    let other = touched.bytes(&"ab".repeat(32));
    let (sql, broken_at) = match tamper {
        Tamper::Change("hash") => (format!("UPDATE audit SET hash = {other} {row}"), at),
        Tamper::Change(set) => (format!("UPDATE audit SET {set} {row}"), at),
        Tamper::Remove => (format!("DELETE FROM audit {row}"), at),
        Tamper::CutFrom => (format!("DELETE FROM audit WHERE scope = '{scope}' AND seq >= {at}"), at),
        Tamper::AddBefore | Tamper::AddBehind => {
            let (seq, broken_at) = if matches!(tamper, Tamper::AddBefore) { (0, 1) } else { (rows + 1, rows + 1) };
            let copy = format!(
                "INSERT INTO audit SELECT scope, {seq}, at, subject, action, resource, payload_hash, outcome, code,
                   request_id, count, hash FROM audit {row}"
            );
            (copy, broken_at)
        }
        Tamper::HeadBack => (format!("UPDATE audit_heads SET seq = seq - 1 {head}"), rows),
        Tamper::HeadOn => (format!("UPDATE audit_heads SET seq = seq + 1 {head}"), rows + 1),
        Tamper::HeadHash => (format!("UPDATE audit_heads SET hash = {other} {head}"), rows + 1),
    };
    assert!(touched.touch(sql).await > 0, "nothing was tampered with");
    broken_at
}

fn tampering_is_found(start: impl AsyncFn() -> Touched) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let touched = runtime.block_on(start());
    let count = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let found = runner.run(&cases(), |(rows, at, tamper)| {
        count.set(count.get() + 1);
        let scope = format!("s{}", count.get());
        let report = runtime.block_on(async {
            let written = scope.clone();
            let append = async |written: String| {
                touched
                    .store
                    .write(move |tx| {
                        Box::pin(async move {
                            for at in 1..=rows {
                                audit::append(tx, &entry(&written, at)).await?;
                            }
                            Ok(())
                        })
                    })
                    .await
                    .unwrap();
            };
            append(written).await;
            let sound = verify(&touched.store).await.unwrap();
            assert!(sound.iter().all(|report| report.broken_at.is_none()), "before: {sound:?}");
            let broken_at = tamper_with(&touched, &scope, rows, at, &tamper).await;
            let reports = verify(&touched.store).await.unwrap();
            // The next case begins with nothing broken.
            touched.touch("DELETE FROM audit".into()).await;
            touched.touch("DELETE FROM audit_heads".into()).await;
            reports.into_iter().find(|report| report.scope == scope).map(|report| (report, broken_at))
        });
        let (report, broken_at) = report.expect("the scope is still known");
        prop_assert_eq!(report.broken_at, Some(broken_at));
        prop_assert_eq!(report.rows, broken_at - 1);
        Ok(())
    });
    found.unwrap();
}

#[test]
fn sqlite_tampering_is_found() {
    tampering_is_found(Touched::sqlite);
}

#[test]
fn postgres_tampering_is_found() {
    tampering_is_found(Touched::postgres);
}
