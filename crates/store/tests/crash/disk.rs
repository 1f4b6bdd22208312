//! A data folder that is full, read-only or in use by another process: a clear error, and nothing is lost.

use std::path::Path;
use std::process::Command;

use pilothouse_store::{Error, Location, Options, Store};

use crate::WRITER;

/// Runs a shell script that may mount things which nobody else sees. `$1` is a folder to mount on, `$2` the writer.
fn in_own_mounts(folder: &Path, script: &str) -> String {
    let done = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-euc", script, "sh"])
        .arg(folder)
        .arg(WRITER)
        .output()
        .expect("this test needs unshare: install the Debian package util-linux");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "this test mounts a small tmpfs in a namespace of its own, which needs root or user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1): {said}"
    );
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=3m none "$1"; "$2" fill "$1/data/pilothouse.db" "$1/ballast""#;
    let said = in_own_mounts(folder.path(), script);
    assert_eq!(
        said,
        "storage.full after some\nstill full\nreads work\nping storage.full\nping ok\nkept true chain true\n"
    );
}

#[test]
fn a_read_only_folder_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
        mount -t tmpfs -o size=3m none "$1"
        "$2" write "$1/data/pilothouse.db" 0 1 2
        mount -o remount,ro "$1"
        "$2" open "$1/data/pilothouse.db"
        "$2" open "$1/new/pilothouse.db"
    "#;
    let said = in_own_mounts(folder.path(), script);
    assert_eq!(said, "ack 0\nack 1\nstorage.read_only\nstorage.read_only\n");
}

#[tokio::test]
async fn a_second_process_is_kept_out_until_the_first_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.db");
    let open = || String::from_utf8(Command::new(WRITER).arg("open").arg(&path).output().unwrap().stdout).unwrap();
    let location = Location::Sqlite { path: path.clone() };
    let store = Store::open(&location, &Options::default()).await.unwrap();
    assert_eq!(open(), "storage.locked\n");
    let second = Store::open(&location, &Options::default()).await.err();
    assert_eq!(second, Some(Error::Locked), "within one process too");
    assert_eq!(store.ping().await, Ok(()), "the first is not disturbed");
    store.close().await;
    assert_eq!(open(), "open\n");
}
