//! Kill -9 at a hundred random moments: every acknowledged write is found again, and the audit chain has no gap.

use std::process::Command;
use std::time::Duration;

use pilothouse_store::audit::verify;
use pilothouse_store::{Location, Options, Store, tenants};
use pilothouse_testkit::{Moments, lines_until_killed};

use crate::WRITER;

const ROUNDS: u64 = 100;

/// Numbers that one round may use.
const ROUND_NUMBERS: u64 = 100_000;

/// The longest time between the first acknowledgement and the kill.
const LONGEST: Duration = Duration::from_millis(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_every_acknowledged_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.db");
    let location = Location::Sqlite { path: path.clone() };
    crash_and_look(path.to_str().unwrap(), &location).await;
    let check = Command::new(WRITER).arg("open").arg(&path).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&check.stdout), "open\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_every_acknowledged_write() {
    let url = pilothouse_testkit::postgres().schema_url("crash");
    crash_and_look(&url, &Location::Postgres { url: url.clone() }).await;
}

async fn crash_and_look(argument: &str, location: &Location) {
    let options = Options { readers: 1, postgres_connections: 2, busy_timeout_ms: 5_000 };
    let mut moments = Moments::new(0x9E37_79B9_7F4A_7C15, LONGEST);
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let first = round * ROUND_NUMBERS;
        let numbers = write_until_killed(argument, first, moments.next().unwrap());
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
fn write_until_killed(argument: &str, first: u64, after: Duration) -> Vec<u64> {
    let mut writer = Command::new(WRITER);
    writer.args(["write", argument, &first.to_string(), "8", &ROUND_NUMBERS.to_string()]);
    let lines = lines_until_killed(&mut writer, after);
    lines.iter().filter_map(|line| line.strip_prefix("ack ")?.parse().ok()).collect()
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
