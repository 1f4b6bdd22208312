//! Databases that earlier versions left behind: what is in them is there after the upgrade, and goes on.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use pilothouse_domain::canonical::sha256;
use pilothouse_domain::ledger::Level;
use pilothouse_domain::run::Status;
use pilothouse_domain::{ChargeId, RunId, ScheduleId, TenantId};
use pilothouse_store::journal::Entry;
use pilothouse_store::ledger::{self, By, Used};
use pilothouse_store::runs::{Change, Claim, Enqueue, NewRun, Outcome, Run, Then, Write};
use pilothouse_store::{Store, catalogs, connections, journal, runs, schedules};
use uuid::Uuid;

use crate::raw::Touched;

const FIRST: &str = include_str!("../../migrations/0001_foundation.sql");
const SECOND: &str = include_str!("../../migrations/0002_object_stores.sql");
const THIRD: &str = include_str!("../../migrations/0003_engine.sql");
const FOURTH: &str = include_str!("../../migrations/0004_signal_keys.sql");
const LEDGER: &str = include_str!("../../migrations/0015_ledger.sql");

/// Rows as version 1 wrote them; `kind` of a connection is the same word in version 2.
const ROWS: &str = "
    INSERT INTO tenants VALUES ('acme', 'Acme', 1);
    INSERT INTO connections (tenant, id, name, kind, location, status, sample, created_at)
      VALUES ('acme', 'conn_00000000000070008000000000000001', 'shop', 'postgres', 'x', 'ready', 0, 1);
    INSERT INTO catalogs VALUES ('acme', 'conn_00000000000070008000000000000001', '{}', 1);";

/// Runs of every status: (number, status, attempt, of, epoch, cancel requested, steps with their status).
type Before = (u128, &'static str, i64, i64, i64, i64, &'static [(i64, &'static str)]);
const RUNS: [Before; 12] = [
    (1, "queued", 0, 3, 0, 0, &[]),
    (2, "queued", 1, 3, 1, 0, &[(1, "succeeded"), (2, "failed")]),
    (3, "running", 1, 3, 1, 0, &[(1, "succeeded"), (2, "running")]),
    // Two steps side by side, of which the first had not ended.
    (4, "running", 1, 3, 2, 0, &[(1, "running"), (2, "succeeded"), (3, "succeeded")]),
    (5, "running", 3, 3, 4, 0, &[]),
    (6, "running", 1, 3, 1, 1, &[]),
    (7, "waiting", 1, 3, 1, 0, &[(1, "succeeded")]),
    (8, "succeeded", 1, 3, 1, 0, &[(1, "succeeded"), (2, "succeeded")]),
    (9, "failed", 2, 3, 2, 0, &[(1, "succeeded"), (2, "failed")]),
    (10, "cancelled", 0, 3, 0, 1, &[]),
    (11, "cancelled", 1, 3, 1, 1, &[(1, "running")]),
    (12, "dead", 3, 3, 3, 0, &[(1, "failed")]),
];

fn id(n: u128) -> RunId {
    RunId(Uuid::from_u128(n))
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

/// Everything in the database of version 2.
fn rows() -> String {
    let mut sql = ROWS.to_owned();
    for (n, status, attempt, most, epoch, cancel, steps) in RUNS {
        let run = id(n);
        let (finished, lease) = match status {
            "running" => ("NULL", "'node', 99"),
            "queued" | "waiting" => ("NULL", "NULL, NULL"),
            _ => ("70", "NULL, NULL"),
        };
        let started = if attempt > 0 { "20" } else { "NULL" };
        let why = if matches!(status, "failed" | "cancelled" | "dead") { "'x', 'Because.'" } else { "NULL, NULL" };
        let output = if status == "succeeded" { "'[1]'" } else { "NULL" };
        writeln!(
            sql,
            "INSERT INTO runs VALUES ('acme', '{run}', 'ask', 1, 'ada', 'question {n}', '{status}', '{{\"q\":{n}}}',
               {output}, {why}, {attempt}, {most}, {epoch}, {n}, {n}, {started}, {finished}, {lease}, 'key {n}', 'talk',
               {cancel});
             INSERT INTO events VALUES ('acme', '{run}', 1, 'run.queued', '{{}}', {n});"
        )
        .unwrap();
        for (seq, status) in steps {
            let (output, error, finished) = match *status {
                "succeeded" => (format!("'[{seq}]'"), "NULL", "60"),
                "failed" => ("NULL".to_owned(), "'{\"code\":\"x\"}'", "60"),
                _ => ("NULL".to_owned(), "NULL", "NULL"),
            };
            writeln!(
                sql,
                "INSERT INTO steps VALUES ('acme', '{run}', {seq}, 'step {seq}', 1, '{status}', 'h', {output}, {error},
                   50, {finished});"
            )
            .unwrap();
        }
    }
    sql
}

/// What the store notes of the scripts that it ran.
fn noted(scripts: &[&str]) -> String {
    let mut sql = "CREATE TABLE schema_migrations
        (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL);\n"
        .to_owned();
    for (version, script) in (1..).zip(scripts) {
        let hex = sha256(script.as_bytes()).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        writeln!(sql, "INSERT INTO schema_migrations VALUES ({version}, 'earlier', '{hex}');").unwrap();
    }
    sql
}

/// The scripts in SQLite's words.
fn for_sqlite(script: &str) -> String {
    let script =
        script.replace("/* STRICT */", "STRICT").replace("/* STRICT, WITHOUT ROWID */", "STRICT, WITHOUT ROWID");
    script.replace(" BIGINT", " INTEGER").replace(" BYTEA", " BLOB").replace(" COLLATE \"C\"", "")
}

async fn connections_are_kept(store: &Store) {
    let read = store.read(|tx| {
        Box::pin(async move {
            let found = connections::list(tx, &acme()).await?.remove(0);
            let catalog = catalogs::get(tx, &acme(), found.id).await?;
            Ok((found.kind, catalog))
        })
    });
    assert_eq!(read.await.unwrap(), ("postgres".to_owned(), Some(("{}".to_owned(), 1))));
}

async fn look(store: &Store, n: u128) -> (Run, Vec<Entry>) {
    let looked = store.read(move |tx| {
        Box::pin(async move {
            let run = runs::get(tx, &acme(), id(n)).await?.expect("it is kept");
            Ok((run, journal::list(tx, &acme(), id(n), 0, 99).await?))
        })
    });
    looked.await.unwrap()
}

async fn runs_are_kept(store: &Store) {
    for (n, status, attempt, most, epoch, _, steps) in RUNS {
        let (run, entries) = look(store, n).await;
        let ended = ["succeeded", "failed", "cancelled", "dead"].contains(&status);
        assert_eq!(run.status, if ended { Status::parse(status).unwrap() } else { Status::Queued }, "run {n}");
        assert_eq!((run.kind.as_str(), run.queue.as_str(), run.key.as_str(), run.priority), ("ask", "ask", "", 0));
        assert_eq!((run.title.clone(), run.input.clone()), (format!("question {n}"), format!("{{\"q\":{n}}}")));
        assert_eq!((run.idem_key, run.conversation), (Some(format!("key {n}")), Some("talk".to_owned())));
        assert_eq!((run.created_at, run.due_at, run.max_attempts), (n as i64, n as i64, most));
        assert_eq!(run.started_at, (attempt > 0).then_some(20));
        assert_eq!(run.finished_at, ended.then_some(70));
        assert_eq!(run.output.as_deref(), (status == "succeeded").then_some("[1]"));
        assert_eq!(run.error_code.as_deref(), ["failed", "cancelled", "dead"].contains(&status).then_some("x"));
        if ended {
            assert_eq!((run.attempt, run.epoch), (attempt, epoch), "run {n}");
        } else {
            assert_eq!((run.attempt, run.last_attempt), (attempt + 1, most.max(attempt + 1)), "run {n}");
            assert_eq!((run.epoch, run.seq), (epoch + 1, entries.len() as i64), "run {n}");
        }
        // The steps that had ended, in their order and without gaps, and how the run ended.
        let mut names: Vec<String> =
            steps.iter().filter(|(_, status)| *status != "running").map(|(seq, _)| format!("step {seq}")).collect();
        names.extend(ended.then(|| status.to_owned()));
        assert_eq!(entries.iter().map(|entry| entry.name.clone()).collect::<Vec<_>>(), names, "run {n}");
        assert!(entries.iter().zip(1..).all(|(entry, seq)| entry.seq == seq), "a gap in run {n}: {entries:?}");
        for entry in entries.iter().filter(|entry| entry.name.starts_with("step")) {
            let place = entry.name.strip_prefix("step ");
            assert_eq!((entry.path.as_deref(), entry.started_at, entry.at), (place, Some(50), 60));
            assert!(entry.output.is_some() != entry.error.is_some());
        }
    }
}

/// What had not ended is taken up, in the old order, and what ended badly can be tried again.
async fn runs_go_on(store: &Store) {
    let claim =
        Claim { worker: "w".into(), lanes: vec!["ask/acme/".parse().unwrap()], most: 99, running: None, now: 80 };
    let got = store.write(move |tx| Box::pin(async move { runs::claim(tx, &claim).await })).await.unwrap().runs;
    let got = store.read(move |tx| Box::pin(runs::taken(tx, got))).await.unwrap();
    assert_eq!(got.iter().map(|run| run.id.0.as_u128()).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    let wish = |n: u128, key: &str| {
        let run = NewRun {
            id: id(n),
            kind: "ask".into(),
            version: 1,
            queue: "ask".into(),
            key: String::new(),
            priority: 0,
            subject: "ada".into(),
            title: String::new(),
            input: "{}".into(),
            max_attempts: 1,
            time_limit_ms: None,
            due_at: 81,
            created_at: 81,
            idem_key: Some(key.to_owned()),
            conversation: None,
            schedule: None,
        };
        Change::Enqueue(
            Enqueue { tenant: acme(), run, audit: None, worker: None, counted: false, max_waiting: None }.into(),
        )
    };
    let wishes = vec![wish(50, "key 8"), wish(51, "key 3"), wish(52, "new")];
    let outcomes = store.write(move |tx| Box::pin(runs::apply(tx, wishes))).await.unwrap();
    assert_eq!(outcomes, [Outcome::Existing(id(8)), Outcome::Existing(id(3)), Outcome::New]);
    let changed: BTreeMap<u128, bool> = store
        .write(|tx| {
            Box::pin(async move {
                let mut changed = BTreeMap::new();
                for n in 8..=12 {
                    let (_, again) = runs::retry(tx, &acme(), id(n), 90).await?.expect("it is kept");
                    changed.insert(n, again);
                }
                Ok(changed)
            })
        })
        .await
        .unwrap();
    assert_eq!(changed, BTreeMap::from([(8, false), (9, true), (10, true), (11, true), (12, true)]));
    for (n, ..) in RUNS {
        let (_, entries) = look(store, n).await;
        assert!(entries.iter().zip(1..).all(|(entry, seq)| entry.seq == seq), "a gap in run {n}: {entries:?}");
    }
}

async fn upgraded(touched: Touched) {
    connections_are_kept(&touched.store).await;
    runs_are_kept(&touched.store).await;
    runs_go_on(&touched.store).await;
    let store = touched.reopen().await.unwrap();
    connections_are_kept(&store).await;
    store.close().await;
}

#[tokio::test]
async fn sqlite_databases_of_the_first_versions_are_upgraded() {
    let (first, second, rows) = (for_sqlite(FIRST), for_sqlite(SECOND), rows());
    upgraded(Touched::sqlite_after(format!("{}{first}{rows}", noted(&[FIRST]))).await).await;
    upgraded(Touched::sqlite_after(format!("{}{first}{second}{rows}", noted(&[FIRST, SECOND]))).await).await;
}

#[tokio::test]
async fn postgres_databases_of_the_first_versions_are_upgraded() {
    let rows = rows();
    upgraded(Touched::postgres_after(format!("{}{FIRST}{rows}", noted(&[FIRST]))).await).await;
    upgraded(Touched::postgres_after(format!("{}{FIRST}{SECOND}{rows}", noted(&[FIRST, SECOND]))).await).await;
}

fn schedule() -> ScheduleId {
    ScheduleId(Uuid::from_u128(7))
}

/// Runs as version 4 wrote them: one that is at work, one that ended well, a dead letter that was let be, and one that was
/// cancelled before it began. The journal says of each that it began and how it ended.
fn rows_of_version_4() -> String {
    let (running, well, dead, early) = (id(1), id(2), id(3), id(4));
    let run = |run: RunId, ended: &str| {
        format!(
            "INSERT INTO runs VALUES ('acme', '{run}', 'ask', 1, 'ask', '', 0, 'ada', 'title', '{{}}', 3, NULL, 1, 1, NULL,
               'talk', NULL, {ended});"
        )
    };
    let state = |run: RunId, seq: u32, epoch: u32, name: &str, error: &str| {
        format!(
            "INSERT INTO journal VALUES ('acme', '{run}', {seq}, {seq}0, 1, {epoch}, 'state', '{name}', NULL, '', NULL, {error}, NULL);"
        )
    };
    [
        "INSERT INTO tenants VALUES ('acme', 'Acme', 1);".to_owned(),
        run(running, "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL"),
        format!(
            "INSERT INTO live (tenant, id, lane, state, rank, attempt, last_attempt, epoch, seq, signals, worker,
               started_at, cancel_requested) VALUES ('acme', '{running}', 'ask/acme/', 1, 1, 1, 3, 1, 1, 0, 'w', 10, 0);"
        ),
        state(running, 1, 1, "running", "NULL"),
        run(well, "'succeeded', '[1]', NULL, NULL, 1, 1, 10, 20, 0, NULL, NULL, NULL"),
        state(well, 1, 1, "running", "NULL") + &state(well, 2, 1, "succeeded", "NULL"),
        run(dead, "'dead', NULL, 'x', 'Because.', 3, 4, 10, 20, 2, 30, 'ada', 'known'"),
        state(dead, 1, 1, "running", "NULL") + &state(dead, 2, 1, "dead", "'{\"code\":\"x\"}'"),
        run(early, "'cancelled', NULL, 'x', 'Because.', 1, 0, NULL, 10, 0, NULL, NULL, NULL"),
        state(early, 1, 0, "cancelled", "'{\"code\":\"x\"}'"),
        format!("INSERT INTO signals VALUES ('acme', '{running}', 1, 'go', '{{}}', 'ada', 15, 'once');"),
        format!(
            "INSERT INTO schedules VALUES ('acme', '{}', 'weekly', 'ask', 'ask', '', '{{}}', 'ada', 3,
               '{{\"every_seconds\":60}}', 'skip', 'none', 0, NULL, NULL, NULL, NULL, 20, '{well}', 'ran', 0, 1, 1);",
            schedule()
        ),
    ]
    .concat()
}

/// Each run is told of as before, no entry twice and none missing; what is done with it from now on goes on from there.
async fn ends_are_kept(touched: Touched) {
    let store = &touched.store;
    let names = |entries: &[Entry]| entries.iter().map(|entry| (entry.seq, entry.name.clone())).collect::<Vec<_>>();
    let told = |names: &[&str]| (1..).zip(names.iter().map(|name| (*name).to_owned())).collect::<Vec<(i64, String)>>();
    let before =
        [(1, vec!["running"]), (2, vec!["running", "succeeded"]), (3, vec!["running", "dead"]), (4, vec!["cancelled"])];
    for (n, expected) in &before {
        assert_eq!(names(&look(store, *n).await.1), told(expected), "run {n}");
    }
    let (heard, last) = store
        .read(|tx| {
            Box::pin(async move {
                let heard = runs::signals(tx, &acme(), id(1)).await?;
                let found = schedules::get(tx, &acme(), schedule()).await?.expect("it is kept");
                Ok((heard, found.last))
            })
        })
        .await
        .unwrap();
    assert_eq!(heard.iter().map(|signal| signal.name.as_str()).collect::<Vec<_>>(), ["go"]);
    assert_eq!(last.and_then(|last| last.run), Some(id(2)));
    let (well, dead) = (look(store, 2).await.0, look(store, 3).await.0);
    assert_eq!((well.status, well.output.as_deref(), well.finished_at), (Status::Succeeded, Some("[1]"), Some(20)));
    assert_eq!((dead.attempt, dead.epoch, dead.retries, dead.discarded_by.as_deref()), (3, 4, 2, Some("ada")));
    let ended = Change::Write(Arc::new(Write {
        tenant: acme(),
        run: id(1),
        epoch: 1,
        seq: 1,
        entries: Vec::new(),
        attempt: 1,
        last_attempt: 3,
        at: 40,
        then: Then::End { status: Status::Succeeded, output: Some("[2]".to_owned()), why: None },
    }));
    let written = store.write(|tx| Box::pin(runs::apply(tx, vec![ended]))).await.unwrap();
    assert!(matches!(&written[..], [Outcome::Written(Some(entry))] if entry.seq == 2), "{written:?}");
    for n in [3, 4] {
        let retried = store.write(move |tx| Box::pin(async move { runs::retry(tx, &acme(), id(n), 50).await }));
        assert!(retried.await.unwrap().is_some_and(|(_, changed)| changed));
    }
    assert_eq!(names(&look(store, 1).await.1), told(&["running", "succeeded"]));
    assert_eq!(names(&look(store, 3).await.1), told(&["running", "dead", "retried"]));
    assert_eq!(names(&look(store, 4).await.1), told(&["cancelled", "retried"]));
    store.close().await;
}

#[tokio::test]
async fn sqlite_databases_of_version_4_are_upgraded() {
    let scripts = [FIRST, SECOND, THIRD, FOURTH];
    let filled = scripts.map(for_sqlite).concat() + &rows_of_version_4();
    ends_are_kept(Touched::sqlite_after(noted(&scripts) + &filled).await).await;
}

#[tokio::test]
async fn postgres_databases_of_version_4_are_upgraded() {
    let scripts = [FIRST, SECOND, THIRD, FOURTH];
    ends_are_kept(Touched::postgres_after(noted(&scripts) + &scripts.concat() + &rows_of_version_4()).await).await;
}

/// A database in which charges lie as version 19 kept them, with one that is open.
async fn charges_are_moved(touched: Touched, words: impl Fn(&str) -> String) {
    let before = LEDGER.split_once("CREATE TABLE charges (").expect("it makes them").1;
    let before = before.split_once("-- What is held").expect("accounts come after").0;
    let id = ChargeId(Uuid::from_u128(7));
    let sql = format!(
        "DROP VIEW ai_usage; DROP TABLE charges; CREATE TABLE charges ({}
         CREATE VIEW ai_usage AS SELECT id FROM charges;
         DELETE FROM schema_migrations WHERE version >= 20;
         INSERT INTO tenants (id, name, created_at) VALUES ('acme', 'Acme', 1);
         INSERT INTO charges (tenant, id, state, at, expires_at, kind, subject, task, held_nano, held_tokens, nano, tokens_in,
             tokens_out, tokens_cached, accounts)
           VALUES ('acme', '{id}', 'open', 5, 99, 'ai', 'ada', 'chat', 700, 70, 0, 0, 0, 0, '[]');",
        words(before)
    );
    touched.touch(sql).await;
    let store = touched.reopen().await.unwrap();
    let used = Used { nano_usd: 300, tokens_in: 20, tokens_out: 10, ..Used::default() };
    let settled =
        store.write(move |tx| Box::pin(async move { ledger::settle(tx, &acme(), id, (&used, 6), None).await }));
    let payer = settled.await.unwrap().expect("it is open").payer;
    assert_eq!((payer.user.as_deref(), payer.task.as_deref()), (Some("ada"), Some("chat")));
    let usage = store.read(|tx| {
        Box::pin(async move { ledger::usage(tx, &acme(), (0, 9), (By::Level(Level::User), None), 9).await })
    });
    let ada = usage.await.unwrap().remove(0);
    assert_eq!((ada.name.as_deref(), ada.nano_usd, ada.tokens_in, ada.tokens_out), (Some("ada"), 300, 20, 10));
    store.close().await;
}

#[tokio::test]
async fn sqlite_charges_are_kept_when_they_are_moved() {
    charges_are_moved(Touched::sqlite().await, for_sqlite).await;
}

#[tokio::test]
async fn postgres_charges_are_kept_when_they_are_moved() {
    charges_are_moved(Touched::postgres().await, str::to_owned).await;
}
