//! Kill -9 at a hundred random moments: every acknowledged write is found again, and the audit chain has no gap.

use std::process::Stdio;
use std::time::Duration;

use pilothouse_store::audit::verify;
use pilothouse_store::{Location, Options, Store, tenants};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::time::{Instant, timeout_at};

use crate::WRITER;

const ROUNDS: u64 = 100;

/// Numbers that one round may use.
const ROUND_NUMBERS: u64 = 100_000;

/// The longest time between the first acknowledgement and the kill.
const LONGEST_MICROS: u64 = 60_000;

/// A sequence of random moments that is the same in every run.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_micros(self.0 % LONGEST_MICROS)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_every_acknowledged_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.db");
    let location = Location::Sqlite { path: path.clone() };
    crash_and_look(path.to_str().unwrap(), &location).await;
    let check = std::process::Command::new(WRITER).arg("open").arg(&path).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&check.stdout), "open\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_every_acknowledged_write() {
    let url = pilothouse_testkit::postgres().await.schema_url("crash");
    crash_and_look(&url, &Location::Postgres { url: url.clone() }).await;
}

async fn crash_and_look(argument: &str, location: &Location) {
    let options = Options { readers: 1, postgres_connections: 2, busy_timeout_ms: 5_000 };
    let mut moments = Moments(0x9E37_79B9_7F4A_7C15);
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let first = round * ROUND_NUMBERS;
        let numbers = write_until_killed(argument, first, moments.next()).await;
        let store = Store::open(location, &options).await.unwrap();
        assert_all_stored(&store, numbers.clone()).await;
        acknowledged.extend(numbers);
        if round % 10 == 9 {
            assert_all_stored(&store, acknowledged.clone()).await;
            for report in verify(&store).await.unwrap() {
                assert_eq!(report.broken_at, None, "round {round}: {report:?}");
                assert!(report.rows >= acknowledged.len() as i64, "{report:?}");
            }
        }
        store.close().await;
    }
    eprintln!("{} writes were acknowledged in {ROUNDS} rounds", acknowledged.len());
    assert!(acknowledged.len() as u64 >= ROUNDS, "each round acknowledges at least one write");
}

/// Starts the writer, kills it `after` its first acknowledgement, and returns every number it acknowledged.
async fn write_until_killed(argument: &str, first: u64, after: Duration) -> Vec<u64> {
    let mut child = Command::new(WRITER)
        .args(["write", argument, &first.to_string(), "8", &ROUND_NUMBERS.to_string()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut numbers = vec![next_number(&mut lines).await.expect("the writer acknowledges something")];
    let moment = Instant::now() + after;
    while let Ok(Some(number)) = timeout_at(moment, next_number(&mut lines)).await {
        numbers.push(number);
    }
    child.start_kill().unwrap();
    // What it printed before it died is acknowledged too.
    while let Some(number) = next_number(&mut lines).await {
        numbers.push(number);
    }
    child.wait().await.unwrap();
    numbers
}

async fn next_number(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<u64> {
    let line = lines.next_line().await.unwrap()?;
    line.strip_prefix("ack ")?.parse().ok()
}

async fn assert_all_stored(store: &Store, numbers: Vec<u64>) {
    let lost = store
        .read(move |tx| {
            Box::pin(async move {
                let stored: std::collections::HashSet<String> =
                    tenants::list(tx).await?.into_iter().map(|tenant| tenant.id.to_string()).collect();
                Ok(numbers.into_iter().filter(|n| !stored.contains(&format!("n{n:08}"))).collect::<Vec<_>>())
            })
        })
        .await
        .unwrap();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}
