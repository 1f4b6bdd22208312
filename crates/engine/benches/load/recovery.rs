//! How soon work goes on after a worker was killed: on SQLite after the next start, on PostgreSQL on another node.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::args::Args;
use crate::report;
use crate::world::{self, Working};

/// The task of the processes that are killed.
pub const NODE: &str = "node";
/// Runs that are at work when the worker is killed.
const RUNS: u64 = 20;
/// How often the ledger is looked at.
const LOOK: Duration = Duration::from_millis(1);

pub async fn measure(args: &Args) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger");
    let store = world::store(&args.database).await;
    let (filling, _) = world::engine(&store, 0);
    world::fill(&filling, "long", RUNS, world::tenant).await;
    drop(filling);
    store.close().await;
    let mut first = spawn(args, &ledger);
    until(&ledger, RUNS as usize).await;
    // Another node has been there for a while, as it would.
    let mut second = if args.is_sqlite() { None } else { Some(spawn(args, &ledger)) };
    if second.is_some() {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    let began = report::begin("recovery");
    first.kill().await.unwrap();
    let mut since = Instant::now();
    if second.is_none() {
        since = Instant::now();
        second = Some(spawn(args, &ledger));
    }
    until(&ledger, RUNS as usize + 1).await;
    report::print("recovery", 1, since.elapsed().as_secs_f64(), Vec::new());
    let _ = began;
    if let Some(mut node) = second {
        node.kill().await.unwrap();
    }
}

/// A worker that notes each run that it begins, and never ends one.
pub async fn node(args: &Args) {
    let ledger = args.ledger.clone().expect("a ledger");
    let store = world::store(&args.database).await;
    let (engine, mut begun) = world::engine(&store, RUNS as usize);
    let working = Working::begin(&engine);
    while begun.recv().await.is_some() {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&ledger).unwrap();
        std::io::Write::write_all(&mut file, b"begun\n").unwrap();
    }
    working.end().await;
}

fn spawn(args: &Args, ledger: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([NODE, "--database", &args.database, "--ledger"])
        .arg(ledger)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Waits until the ledger has so many lines.
async fn until(ledger: &Path, lines: usize) {
    let looking = async {
        while std::fs::read_to_string(ledger).unwrap_or_default().lines().count() < lines {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(report::PATIENCE, looking).await.expect("the work goes on");
}
