//! The process that the crash tests kill: it writes numbered rows and prints each number once its write is
//! acknowledged. Usage: `write LOCATION FIRST IN_FLIGHT COUNT`, `hold LOCATION COUNT`, `open LOCATION`,
//! `fill PATH BALLAST`.
#![expect(clippy::print_stdout, clippy::panic, clippy::unwrap_used, reason = "a test helper that its test reads")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pilothouse_domain::audit::{Entry, Outcome};
use pilothouse_store::{Error, Location, Options, Store, audit, tenants};

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["write", location, first, in_flight, count] => {
            let (first, in_flight, count) =
                (first.parse().unwrap(), in_flight.parse().unwrap(), count.parse().unwrap());
            write_all(location, first, in_flight, count).await;
        }
        ["hold", location, count] => hold(location, count.parse().unwrap()).await,
        ["open", location] => match open(location).await {
            Ok(store) => {
                store.close().await;
                println!("open");
            }
            Err(error) => println!("{}", error.code()),
        },
        ["fill", path, ballast] => fill(path, Path::new(ballast)).await,
        _ => panic!("unknown words: {words:?}"),
    }
}

async fn open(location: &str) -> Result<Store, Error> {
    let location = if location.starts_with("postgres:") {
        Location::Postgres { url: location.into() }
    } else {
        Location::Sqlite { path: location.into() }
    };
    Store::open(&location, &Options::default()).await
}

/// One unit: a tenant named after the number, with `text` as its name, and an audit row.
async fn put(store: &Store, number: u64, text: String) -> Result<(), Error> {
    store
        .write(move |tx| {
            Box::pin(async move {
                let id = format!("n{number:08}").parse().map_err(|_| Error::Conflict { what: "number" })?;
                if !tenants::ensure(tx, &id, &text, 1).await? {
                    return Err(Error::Conflict { what: "number" });
                }
                let entry = Entry {
                    scope: "default".into(),
                    at: 1,
                    subject: "writer".into(),
                    action: "tenant.create".into(),
                    resource: id.to_string(),
                    payload_hash: String::new(),
                    outcome: Outcome::Allowed,
                    code: String::new(),
                    request_id: String::new(),
                    count: 1,
                };
                audit::append(tx, &entry).await?;
                Ok(())
            })
        })
        .await
}

async fn write_all(location: &str, first: u64, in_flight: u64, count: u64) {
    let store = open(location).await.unwrap();
    let next = Arc::new(AtomicU64::new(first));
    let writers = (0..in_flight).map(|_| {
        let (store, next) = (store.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= first.saturating_add(count) {
                    return;
                }
                put(&store, number, String::new()).await.unwrap();
                println!("ack {number}");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    store.close().await;
}

/// Writes tenants that need not be flushed, and ends without closing anything.
async fn hold(location: &str, count: u64) {
    let store = open(location).await.unwrap();
    for number in 0..count {
        let id = format!("n{number:08}").parse().unwrap();
        let held = store.write_unflushed(move |tx| Box::pin(async move { tenants::ensure(tx, &id, "", 1).await }));
        assert!(held.await.unwrap());
        println!("held {number}");
    }
    std::process::abort();
}

/// Fills the disk, makes room by removing the ballast, goes on, and opens the database anew.
async fn fill(path: &str, ballast: &Path) {
    const TEXT_BYTES: usize = 2_000;
    std::fs::write(ballast, vec![1; 1 << 20]).unwrap();
    let store = open(path).await.unwrap();
    let mut number = 0;
    let error = loop {
        match put(&store, number, "x".repeat(TEXT_BYTES)).await {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
    };
    println!("{} after {}", error.code(), if number > 0 { "some" } else { "none" });
    let many = (1_000..1_020).map(|number| put(&store, number, "x".repeat(TEXT_BYTES)));
    let refused = futures::future::join_all(many).await.into_iter().filter(|answer| answer.is_err()).count();
    println!("{}", if refused > 0 { "still full" } else { "not full" });
    println!("reads {}", if found(&store).await >= number { "work" } else { "fail" });
    println!("ping {}", last_ping(&store).await);
    std::fs::remove_file(ballast).unwrap();
    println!("ping {}", if store.ping().await.is_ok() { "ok" } else { "failed" });
    let before = found(&store).await;
    for more in 2_000..2_010 {
        put(&store, more, String::new()).await.unwrap();
    }
    store.close().await;
    let store = open(path).await.unwrap();
    let whole = audit::verify(&store).await.unwrap().iter().all(|report| report.broken_at.is_none());
    println!("kept {} chain {whole}", found(&store).await == before + 10);
}

/// What the ping says once there is no room for its own small write either.
async fn last_ping(store: &Store) -> String {
    const MOST: usize = 1_000;
    for number in 3_000..3_000 + MOST as u64 {
        let refused = put(store, number, "x".repeat(2_000)).await.is_err();
        if let (true, Err(error)) = (refused, store.ping().await) {
            return error.code().to_string();
        }
    }
    "ok".to_owned()
}

async fn found(store: &Store) -> u64 {
    store.read(|tx| Box::pin(tenants::list(tx))).await.unwrap().len() as u64
}
