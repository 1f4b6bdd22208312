//! What each statement over runs costs as their number grows: with twenty thousand runs that live and as many that have
//! ended, whether the database has counted them or not, none reads a table from end to end.

use std::sync::Arc;

use pilothouse_domain::run::Status;
use pilothouse_domain::{RunId, TenantId};
use pilothouse_testkit::Server;
use rusqlite::Connection;

use crate::journal::{self, Entry, EntryKind, Lines};
use crate::runs::{self, Change, Claim, Enqueue, Horizon, Lane, Limits, NewRun, Outcome, RunFilter, Then, Write};
use crate::{Error, Location, Options, Store, Tx, queues, workers};

/// Runs that live; as many have ended.
const LIVE: u32 = 20_000;
const TENANTS: u32 = 50;

/// Signals that are sent.
const SIGNALS: u32 = 10;

/// Of ten runs of a tenant, seven are ready, one runs, one is delayed and one waits.
const RUNNING: u32 = 7;
const DELAYED: u32 = 8;
const WAITING: u32 = 9;

/// The tables that grow with the number of runs.
const LARGE: [&str; 5] = ["live", "runs", "ends", "journal", "signals"];

/// Fills the tables; `id` makes a run's id out of its digits.
fn filling(id: fn(&str) -> String) -> String {
    let id = id("substr('00000000000000000000000000000000', 1, 32 - length(CAST(g AS TEXT))) || CAST(g AS TEXT)");
    let numbers = |most: u32| {
        format!("WITH RECURSIVE n (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM n WHERE g < {most}) INSERT INTO")
    };
    let tenant = format!("'t' || CAST(g % {TENANTS} AS TEXT)");
    let all = numbers(2 * LIVE);
    format!(
        "{all} runs (tenant, id, kind, version, queue, queue_key, priority, subject, title, input, max_attempts,
           created_at, due_at, idem_key, conversation)
         SELECT {tenant}, {id}, 'ask', 1, 'q', '', 0, 'ada', 'title', '{{}}', 3, g, g, 'key ' || g,
           'talk ' || g % 100 FROM n;
         {all} ends (tenant, id, outcome, finished_at, started_at, attempt, epoch, seq, claim)
         SELECT {tenant}, {id}, CASE WHEN g % 9 = 0 THEN 'dead' ELSE 'succeeded' END, g, g, 1, 1, 2, 1 FROM n
         WHERE g > {LIVE};
         {all} journal SELECT {tenant}, {id}, 1, g, 1, 1, 'state', 'running', NULL, '', NULL, NULL, NULL FROM n;
         {all} signals SELECT {tenant}, {id}, 1, 'go', '{{}}', 'ada', g, NULL FROM n WHERE g > {LIVE};
         {live} live (tenant, id, lane, state, rank, wake_at, attempt, last_attempt, epoch, seq, signals, worker,
           started_at, cancel_requested)
         SELECT {tenant}, {id}, 'q/t' || CAST(g % {TENANTS} AS TEXT) || '/',
           CASE g / {TENANTS} % 10 WHEN {RUNNING} THEN 1 WHEN {DELAYED} THEN 2 WHEN {WAITING} THEN 3 ELSE 0 END, g,
           CASE g / {TENANTS} % 10 WHEN {DELAYED} THEN g END, 1, 3, 1, 1, 0,
           CASE g / {TENANTS} % 10 WHEN {RUNNING} THEN 'w' || CAST(g % 7 AS TEXT) END, g, 0 FROM n;
         INSERT INTO workers VALUES ('w0', '', 'ask@1', 4, 1, 1, 0, 0);",
        live = numbers(LIVE),
    )
}

fn tenant(g: u32) -> TenantId {
    format!("t{}", g % TENANTS).parse().unwrap()
}

fn id(g: u32) -> RunId {
    format!("run_{g:032}").parse().unwrap()
}

/// The `place`-th run of a state, counted from the thousandth run on.
fn live(state: u32, place: u32) -> u32 {
    1_000 + TENANTS * state + place % TENANTS + 10 * TENANTS * (place / TENANTS)
}

/// A wish under a name; with a bound where it goes to a lane of its own.
fn wish(g: u32, name: &str, most: Option<u32>) -> Change {
    let run = NewRun {
        id: id(g),
        kind: "ask".into(),
        version: 1,
        queue: "q".into(),
        key: most.map(|_| "alone".to_owned()).unwrap_or_default(),
        priority: 0,
        subject: "ada".into(),
        title: "title".into(),
        input: "{}".into(),
        max_attempts: 3,
        time_limit_ms: None,
        due_at: i64::from(g),
        created_at: i64::from(g),
        idem_key: Some(name.to_owned()),
        conversation: None,
        schedule: None,
    };
    Change::Enqueue(Arc::new(Enqueue {
        tenant: tenant(g),
        run,
        audit: None,
        worker: None,
        counted: false,
        max_waiting: most,
    }))
}

fn write(place: u32) -> Change {
    let g = live(RUNNING, place);
    let at = i64::from(3 * LIVE);
    let why = ("x".to_owned(), "y".to_owned());
    let then = match place % 5 {
        0 => Then::Again { due_at: at, priority: 0, why },
        1 => Then::Back { due_at: at, priority: 0 },
        2 => Then::Wait { until: Some(at), seen: 0, attempts: 3 },
        3 => Then::End { status: Status::Dead, output: None, why: Some(why) },
        _ => Then::GoOn,
    };
    let entry = Entry {
        seq: 2,
        at,
        attempt: 1,
        kind: EntryKind::Step,
        name: "step".into(),
        path: None,
        summary: String::new(),
        output: None,
        error: None,
        started_at: None,
    };
    // Some come from claims that are lost.
    let epoch = if place.is_multiple_of(7) { 9 } else { 1 };
    Change::Write(Arc::new(Write {
        tenant: tenant(g),
        run: id(g),
        epoch,
        entries: vec![entry],
        seq: 2,
        attempt: 1,
        last_attempt: 3,
        at,
        then,
    }))
}

/// Everything that workers and people do with runs, but for what counts all of them.
async fn everything(tx: &mut Tx<'_>) -> Result<(), Error> {
    let now = i64::from(3 * LIVE);
    let new = (0..50).map(|n| wish(2 * LIVE + 1 + n, &format!("new {n}"), Some(1_000)));
    let known = (0..20).map(|n| wish(3 * LIVE + n * TENANTS, &format!("key {}", TENANTS * (n + 1)), None));
    let full = (0..20).map(|n| wish(3 * LIVE + n * TENANTS, &format!("key {}", TENANTS * (n + 1)), Some(1)));
    for changes in [(0..100).map(write).collect::<Vec<_>>(), new.collect(), known.collect(), full.collect()] {
        let outcomes = runs::apply(tx, changes).await?;
        assert!(outcomes.iter().any(|outcome| *outcome != Outcome::Fenced), "{outcomes:?}");
    }
    for limits in [None, Some(Limits { running: Some(100_000), rate: Some((1_000, 1_000_000)), ..Limits::default() })] {
        if let Some(limits) = limits {
            queues::set_limits(tx, "q", &limits, now).await?;
        }
        let lanes = (0..TENANTS).map(|n| Lane { queue: "q".into(), tenant: tenant(n), key: String::new() }).collect();
        let claim = Claim { worker: "w9".into(), lanes, most: 120, running: None, now };
        let taken = runs::claim(tx, &claim).await?.runs;
        assert_eq!(runs::taken(tx, taken).await?.len(), 120);
    }
    assert!(!runs::promote(tx, now, 50).await?.lanes.is_empty());
    assert!(workers::beat(tx, "w0", now).await?.is_some());
    assert!(workers::list(tx).await?.len() > 5);
    let unsure: Vec<_> = runs::held(tx, "w9").await?.into_iter().take(50).collect();
    assert_eq!(runs::put_back(tx, unsure, now).await?.runs, 50);
    assert!(workers::give_up(tx, "w0", None).await?);
    assert_eq!(runs::release(tx, "w0", now, 50).await?.runs, 50);
    workers::forget(tx, "w0").await?;
    people(tx, now).await?;
    looks(tx).await
}

async fn people(tx: &mut Tx<'_>, now: i64) -> Result<(), Error> {
    for place in 0..SIGNALS {
        let (waiting, delayed) = (live(WAITING, place), live(DELAYED, place));
        let woken = runs::signal(tx, &tenant(waiting), id(waiting), ("go", "{}", "ada"), now).await?;
        assert_eq!(woken.map(|run| run.status), Some(Status::Queued));
        let cancelled = runs::cancel(tx, &tenant(delayed), id(delayed), now).await?;
        assert_eq!(cancelled.map(|(run, _)| run.status), Some(Status::Cancelled));
        assert!(runs::discard(tx, &tenant(delayed), id(delayed), ("ada", "known"), now).await?);
        assert!(runs::retry(tx, &tenant(delayed), id(delayed), now).await?.is_some_and(|(_, changed)| changed));
        runs::signals(tx, &tenant(waiting), id(waiting)).await?;
        runs::signal_under(tx, &tenant(waiting), id(waiting), "key").await?;
    }
    let horizon = Horizon { ended: i64::from(2 * LIVE), dead: i64::from(2 * LIVE) };
    runs::prune(tx, &tenant(1), horizon, Some(id(LIVE)), 50).await.map(|_| ())
}

async fn looks(tx: &mut Tx<'_>) -> Result<(), Error> {
    let page = RunFilter { limit: 50, ..RunFilter::default() };
    for status in [None].into_iter().chain(Status::ALL.map(Some)) {
        let before = Some(id(2 * LIVE - 500));
        assert!(runs::list(tx, &tenant(2), &RunFilter { status, before, ..page.clone() }).await?.len() <= 50);
    }
    for g in 1..10 {
        assert!(runs::get(tx, &tenant(g), id(g)).await?.is_some());
        assert!(!journal::list(tx, &tenant(g), id(g), 0, 50).await?.is_empty());
        journal::without_lines(tx, &tenant(g), id(g), 0, 50).await?;
        for after in [None, Some(1)] {
            journal::logs(tx, &tenant(g), id(g), Lines { after, step: Some(1), limit: 50, ..Lines::default() }).await?;
        }
    }
    assert!(queues::depths(tx, Some(&tenant(1))).await?["q"].ready > 0);
    let before = (i64::from(LIVE), id(LIVE));
    runs::previous_in_conversation(tx, &tenant(1), "talk 1", before, 10).await?;
    assert_eq!(runs::ready_lanes(tx, None, 20).await?.len(), 20);
    runs::next_wake(tx).await.map(|_| ())
}

#[tokio::test]
async fn sqlite_reads_no_table_from_end_to_end() {
    for counted in [false, true] {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let path = folder.path().join("pilothouse.db");
        let store = Store::open(&Location::Sqlite { path: path.clone() }, &Options::default()).await.unwrap();
        store.close().await;
        let mut connection = Connection::open(&path).unwrap();
        connection.execute_batch(&filling(|digits| format!("unhex({digits})"))).unwrap();
        if counted {
            connection.execute_batch("ANALYZE").unwrap();
        }
        let mut tx = Tx::sqlite(&mut connection);
        everything(&mut tx).await.unwrap();
        assert!(tx.plans().len() > 40, "every statement is looked at: {}", tx.plans().len());
        for (sql, plan) in tx.plans() {
            for step in plan {
                assert!(!is_scan(step), "{counted}: {step}\n{plan:#?}\n{sql}");
            }
        }
    }
}

/// Whether a step of a plan reads one of the large tables, under whichever name, from end to end. The index of what runs
/// may be: it is as long as workers are many. Of the view `entries` its parts are looked at.
fn is_scan(step: &str) -> bool {
    const SMALL: [&str; 9] =
        ["entries", "given", "CONSTANT", "counted", "queues", "rates", "workers", "lanes", "holders"];
    let scanned = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
    !step.ends_with("INDEX live_running")
        && scanned.is_some_and(|name| !SMALL.contains(&name) && !name.starts_with('(') && name.parse::<u32>().is_err())
}

#[tokio::test]
async fn postgres_reads_no_table_from_end_to_end() {
    let server = pilothouse_testkit::postgres();
    for counted in [false, true] {
        let url = server.schema_url("plans");
        let options = Options { postgres_connections: 1, ..Options::default() };
        let store = Store::open(&Location::Postgres { url: url.clone() }, &options).await.unwrap();
        let uncounted = LARGE.map(|table| format!("ALTER TABLE {table} SET (autovacuum_enabled = off);")).concat();
        server.sql(&url, &format!("{uncounted}{}", filling(|digits| format!("CAST({digits} AS UUID)"))));
        if counted {
            server.sql(&url, &LARGE.map(|table| format!("ANALYZE {table};")).concat());
        }
        let before = read_rows(server, &url, LIVE);
        store.write(|tx| Box::pin(everything(tx))).await.unwrap();
        // With its only connection, the server's count of what it did is closed.
        store.close().await;
        let after = read_rows(server, &url, LIVE + SIGNALS);
        for (table, (was, is)) in LARGE.iter().zip(before.iter().zip(&after)) {
            assert_eq!(was.scans, is.scans, "{table} was read from end to end ({counted})");
            let rows = is.rows - was.rows;
            assert!(rows < i64::from(LIVE) / 2, "{rows} rows of an index of {table} were read ({counted})");
        }
    }
}

/// What was read of a table.
struct Reads {
    scans: i64,
    /// Rows of its indexes.
    rows: i64,
}

/// What was read of the large tables, once the server has counted so many signals.
fn read_rows(server: &Server, url: &str, signals: u32) -> Vec<Reads> {
    let counted = "SELECT n_tup_ins FROM pg_stat_user_tables
                   WHERE schemaname = current_schema() AND relname = 'signals'";
    let counted = (0..1_000).any(|_| server.sql(url, counted).parse::<u32>().unwrap() >= signals);
    assert!(counted, "the server tells what it did");
    let read = |table: &&str| {
        let sql = format!(
            "SELECT t.seq_scan, SUM(i.idx_tup_read) FROM pg_stat_user_tables t JOIN pg_stat_user_indexes i USING (relid)
             WHERE t.schemaname = current_schema() AND t.relname = '{table}' GROUP BY t.seq_scan"
        );
        let row = server.sql(url, &sql);
        let (scans, rows) = row.split_once('|').unwrap();
        Reads { scans: scans.parse().unwrap(), rows: rows.parse().unwrap() }
    };
    LARGE.iter().map(read).collect()
}
