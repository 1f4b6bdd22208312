//! Opening what is newer, changed, or no database at all; and opening it many times at once.

use pilothouse_domain::Code;
use pilothouse_store::{Error, Location, Options, Store, tenants};

use crate::raw::Touched;

async fn a_newer_database_is_refused(touched: Touched) {
    touched.touch("INSERT INTO schema_migrations (version, name, checksum) VALUES (99, 'future', 'x')".into()).await;
    let error = touched.reopen().await.err().expect("a newer database is refused");
    assert_eq!(error, Error::Newer { found: 99, known: 20 });
    assert_eq!(error.code(), Code::StorageNewer);
    touched.touch("DELETE FROM schema_migrations WHERE version = 99".into()).await;
    let store = touched.reopen().await.expect("nothing was changed");
    store.close().await;
}

async fn a_changed_migration_is_refused(touched: Touched) {
    touched.touch("UPDATE schema_migrations SET checksum = 'x'".into()).await;
    let error = touched.reopen().await.err();
    assert!(matches!(error, Some(Error::Corrupt(_))), "{error:?}");
}

#[tokio::test]
async fn sqlite_versions() {
    a_newer_database_is_refused(Touched::sqlite().await).await;
    a_changed_migration_is_refused(Touched::sqlite().await).await;
}

#[tokio::test]
async fn postgres_versions() {
    a_newer_database_is_refused(Touched::postgres().await).await;
    a_changed_migration_is_refused(Touched::postgres().await).await;
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    for touched in [Touched::sqlite().await, Touched::postgres().await] {
        touched
            .store
            .write(|tx| Box::pin(async move { tenants::ensure(tx, &"kept".parse().unwrap(), "Kept", 1).await }))
            .await
            .unwrap();
        let store = touched.reopen().await.unwrap();
        let found = store.read(|tx| Box::pin(tenants::list(tx))).await.unwrap();
        assert_eq!(found.len(), 1);
        store.close().await;
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.db");
    std::fs::write(&path, "These are not the pages of a database. ".repeat(400)).unwrap();
    let error = Store::open(&Location::Sqlite { path: path.clone() }, &Options::default()).await.err();
    assert!(matches!(error, Some(Error::Corrupt(_))), "{error:?}");
    assert!(std::fs::read(&path).unwrap().starts_with(b"These are not"), "it was not touched");
}

#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/pilothouse.db");
    let store = Store::open(&Location::Sqlite { path: path.clone() }, &Options::default()).await.unwrap();
    assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_nodes_open_an_empty_postgres_at_once() {
    let url = pilothouse_testkit::postgres().schema_url("many");
    let opens = (0..6).map(|_| {
        let location = Location::Postgres { url: url.clone() };
        tokio::spawn(async move { Store::open(&location, &Options::default()).await })
    });
    for opened in opens.collect::<Vec<_>>() {
        opened.await.unwrap().expect("all of them open it").close().await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_not_ours_is_unavailable() {
    let server = pilothouse_testkit::postgres();
    let wrong = server.url().replace("pilothouse:", "pilothouse:wrong");
    let no_schema = format!("{}?options=-csearch_path%3Dnowhere", server.url());
    for url in ["postgres://ada:hunter2@127.0.0.1:1/x", "no url at all", &wrong, &no_schema] {
        let location = Location::Postgres { url: url.into() };
        let error = Store::open(&location, &Options::default()).await.err();
        assert!(matches!(&error, Some(Error::Unavailable(_))), "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn sessions_flush_even_where_the_server_was_told_not_to() {
    let url = pilothouse_testkit::postgres().schema_url("flush");
    let url = format!("{url}%20-csynchronous_commit%3Doff");
    let store = Store::open(&Location::Postgres { url }, &Options::default()).await.unwrap();
    let found = store.durability().await.unwrap();
    let values: Vec<_> = found.iter().filter(|(name, _)| name.ends_with("synchronous_commit")).collect();
    assert_eq!(values.len(), 8);
    assert!(values.iter().all(|(_, value)| value == "on"), "{values:?}");
    store.close().await;
}
