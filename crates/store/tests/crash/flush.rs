//! The page cache survives a killed process, so this one looks at the system calls: the log is flushed to the disk
//! after its last write and before the acknowledgement.

use std::process::Command;

use pilothouse_store::{Location, Options, Store, tenants};

use crate::WRITER;

const WRITES: usize = 20;

#[test]
fn the_log_is_flushed_before_the_acknowledgement() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let done = Command::new("strace")
        .args(["-f", "-y", "-e", "trace=fdatasync,fsync,pwrite64,write", "-o"])
        .arg(&trace)
        .args([WRITER, "write"])
        .arg(folder.path().join("data/pilothouse.db"))
        .args(["0", "1", &WRITES.to_string()])
        .output()
        .expect("this test needs strace: install the Debian package strace (apt-get install strace)");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let trace = std::fs::read_to_string(&trace).unwrap();
    assert_eq!(check(&trace), WRITES, "{trace}");
}

#[tokio::test]
async fn what_need_not_be_flushed_is_not_and_survives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let (trace, path) = (folder.path().join("trace"), folder.path().join("data/pilothouse.db"));
    let mut holding = Command::new("strace");
    holding.args(["-f", "-y", "-e", "trace=fdatasync,fsync,write", "-o"]).arg(&trace);
    let done = holding.args([WRITER, "hold"]).arg(&path).arg(WRITES.to_string()).output().unwrap();
    assert!(!done.status.success(), "it ends without closing the store");
    let trace = std::fs::read_to_string(&trace).unwrap();
    let (_, after) = trace.split_once("held 0").expect("the first is held");
    assert_eq!(after.matches("\"held ").count(), WRITES - 1, "{trace}");
    assert!(!after.contains("sync("), "{after}");
    let store = Store::open(&Location::Sqlite { path }, &Options::default()).await.unwrap();
    let found = store.read(|tx| Box::pin(async move { tenants::list(tx).await })).await.unwrap();
    assert_eq!(found.len(), WRITES);
    store.close().await;
}

#[test]
fn the_check_sees_an_acknowledgement_that_comes_too_early() {
    let write = "7 pwrite64(9</x/p.db-wal>, \"\", 32, 0) = 32\n";
    let flush =
        "7 fdatasync(9</x/p.db-wal> <unfinished ...>\n8 write(5<e>, \"\", 1) = 1\n7 <... fdatasync resumed>) = 0\n";
    let other = "7 fdatasync(8</x/p.db>) = 0\n";
    let acknowledge = "8 write(1<pipe:[1]>, \"ack 0\\n\", 6) = 6\n";
    assert_eq!(check(&[write, flush, acknowledge].concat()), 1);
    for early in
        [vec![write, acknowledge, flush], vec![write, other, acknowledge], vec![write, flush, write, acknowledge]]
    {
        assert!(std::panic::catch_unwind(|| check(&early.concat())).is_err(), "{early:?}");
    }
}

/// Counts the acknowledgements in a trace; fails at one that is not preceded by a write to the log and a completed
/// flush of it.
fn check(trace: &str) -> usize {
    #[derive(PartialEq, Debug)]
    enum Log {
        Untouched,
        Written,
        Flushing(String),
        Flushed,
    }
    let mut log = Log::Untouched;
    let mut acknowledged = 0;
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap_or((line, ""));
        let call = call.trim_start();
        let to_log = call.contains("-wal>");
        if call.starts_with("write(1<") && call.contains("\"ack ") {
            assert_eq!(log, Log::Flushed, "acknowledged too early: {line}");
            log = Log::Untouched;
            acknowledged += 1;
        } else if (call.starts_with("pwrite64(") || call.starts_with("write(")) && to_log {
            log = Log::Written;
        } else if (call.starts_with("fdatasync(") || call.starts_with("fsync(")) && to_log && log == Log::Written {
            log = if call.ends_with("= 0") { Log::Flushed } else { Log::Flushing(thread.to_owned()) };
        } else if call.contains("sync resumed>") && call.ends_with("= 0") && log == Log::Flushing(thread.to_owned()) {
            log = Log::Flushed;
        }
    }
    acknowledged
}
