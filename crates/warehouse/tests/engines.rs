//! The engines through the warehouse's own door: what they read, what they refuse, and what stops them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pilothouse_domain::Code;
use pilothouse_domain::catalog::{Catalog, DataType, Evidence};
use pilothouse_warehouse::guard::{self, CheckedQuery, Policy};
use pilothouse_warehouse::{Call, Cancel, Engine, Error, Isolation, Limits, Settings, Source, Warehouse};
use serde_json::json;

const LIMITS: Limits = Limits { timeout: Duration::from_secs(30), max_rows: 1000 };

fn checked(sql: &str, catalog: &Catalog) -> CheckedQuery {
    let report = guard::check(
        sql,
        &Policy { catalog, access: &guard::access::Access::open(), limits: &guard::Limits::default() },
    );
    assert!(report.query.is_some(), "{:?}", report.reasons);
    report.query.unwrap()
}

fn warehouse(root: &Path) -> Warehouse {
    let allowed_roots = vec![root.to_path_buf()];
    let settings = Settings { allowed_roots, allow_private_addresses: true, ..Settings::default() };
    Warehouse::new(settings, Isolation::Threads)
}

fn call(limits: Limits, cancel: &Cancel) -> Call<'_> {
    Call { owner: "tester".into(), weight: 1, limits, cancel }
}

async fn open(root: &Path, source: &Source) -> Result<Arc<dyn Engine>, Error> {
    warehouse(root).open(source, &call(LIMITS, &Cancel::new())).await
}

async fn files(folder: &Path) -> (Arc<dyn Engine>, Catalog) {
    let engine = open(folder, &Source::Files { path: folder.to_path_buf() }).await.unwrap();
    let catalog = engine.profile(&call(LIMITS, &Cancel::new())).await.unwrap();
    (engine, catalog)
}

fn shop(folder: &Path) {
    let clients: String = (1..=60).map(|n| format!("{n};Client {n};{}\n", ["NO", "CL", "JP"][n % 3])).collect();
    std::fs::write(folder.join("clients.csv"), format!("client_id;name;country\n{clients}")).unwrap();
    let sales: String = (1..=5000)
        .map(|n| format!("{}\n", json!({"sale_id": n, "client_id": 1 + n % 60, "amount": f64::from(n % 100) + 0.25})))
        .collect();
    std::fs::write(folder.join("sales.jsonl"), sales).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_profiled_with_types_counts_values_and_keys() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let (_, catalog) = files(folder.path()).await;
    let (clients, sales) = (catalog.table("clients").unwrap(), catalog.table("sales").unwrap());
    assert_eq!((clients.row_count, sales.row_count), (Some(60), Some(5000)));
    assert_eq!(clients.primary_key, ["client_id"]);
    let country = clients.column("country").unwrap();
    assert_eq!(country.values.as_deref().unwrap(), ["CL", "JP", "NO"]);
    assert_eq!(sales.column("amount").unwrap().data_type, DataType::Number);
    assert_eq!(sales.column("amount").unwrap().max.as_deref(), Some("99.25"));
    let key = &sales.foreign_keys[0];
    assert_eq!((key.table.as_str(), key.columns[0].as_str()), ("clients", "client_id"));
    assert_eq!(key.evidence, Evidence::Inferred { matched_percent: 100 });
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_bounded_and_what_was_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let (engine, catalog) = files(folder.path()).await;
    let query = checked("SELECT sale_id FROM sales ORDER BY sale_id", &catalog);
    let result = engine.execute(&query, &call(Limits { max_rows: 10, ..LIMITS }, &Cancel::new())).await.unwrap();
    assert_eq!(result.rows.len(), 10);
    assert!(result.truncated);
    assert_eq!(result.rows[9], [json!(10)]);
    assert_eq!(result.rows_scanned, Some(5000));
    let size = std::fs::metadata(folder.path().join("sales.jsonl")).unwrap().len();
    assert_eq!(result.bytes_scanned, Some(size), "a format without columns is read whole");
    assert_eq!(engine.estimate(&query, &call(LIMITS, &Cancel::new())).await.unwrap().bytes, Some(size));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_stops_at_its_time_limit_and_when_it_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let (engine, catalog) = files(folder.path()).await;
    let heavy = "SELECT count(*) FROM sales a JOIN sales b ON a.client_id = b.client_id \
        JOIN sales c ON b.client_id = c.client_id JOIN sales d ON c.client_id = d.client_id WHERE a.amount + d.amount > 1";
    let query = checked(heavy, &catalog);
    let brief = Limits { timeout: Duration::from_millis(50), ..LIMITS };
    let late = engine.execute(&query, &call(brief, &Cancel::new())).await.unwrap_err();
    assert_eq!(late.code, Code::QueryTimeout);
    let cancel = Cancel::new();
    cancel.cancel();
    let cancelled = engine.execute(&query, &call(LIMITS, &cancel)).await.unwrap_err();
    assert_eq!(cancelled.code, Code::RunCancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_that_would_be_one_table_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a b.csv", "a_b.csv"] {
        std::fs::write(folder.path().join(name), "x\n1\n").unwrap();
    }
    let opened = open(folder.path(), &Source::Files { path: folder.path().to_path_buf() }).await;
    assert!(opened.err().unwrap().message.contains("would both be the table a_b"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_counts_the_columns_and_row_groups_that_are_read() {
    use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::parquet::file::properties::WriterProperties;

    let folder = tempfile::tempdir().unwrap();
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10_000));
    let texts: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..10_000).map(|n| format!("a long text number {n}"))));
    let batch = RecordBatch::try_from_iter([("n", numbers), ("t", texts)]).unwrap();
    let file = std::fs::File::create(folder.path().join("wide.parquet")).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(1_000)).build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let size = std::fs::metadata(folder.path().join("wide.parquet")).unwrap().len();
    let (engine, catalog) = files(folder.path()).await;
    let estimate = async |sql: &str| {
        let found = engine.estimate(&checked(sql, &catalog), &call(LIMITS, &Cancel::new())).await.unwrap();
        (found.rows.unwrap(), found.bytes.unwrap())
    };
    let (rows, all) = estimate("SELECT max(t), sum(n) FROM wide").await;
    assert!(rows == 10_000 && all < size && all * 10 > size * 7, "{all} of {size}");
    let (rows, narrow) = estimate("SELECT sum(n) FROM wide WHERE n % 2 = 0").await;
    assert!(rows == 10_000 && narrow * 3 < all, "{narrow} of {all}");
    let (rows, pruned) = estimate("SELECT max(t) FROM wide WHERE n BETWEEN 2500 AND 2600").await;
    assert!(rows == 1_000 && pruned * 9 < all, "{pruned} of {all}");
    let none = estimate("SELECT max(t) FROM wide WHERE n > 20000").await;
    assert_eq!(none, (0, 0));
    let query = checked("SELECT max(t) FROM wide WHERE n BETWEEN 2500 AND 2600", &catalog);
    let read = engine.execute(&query, &call(LIMITS, &Cancel::new())).await.unwrap().bytes_scanned.unwrap();
    assert!(read <= pruned && read * 2 > pruned, "{read} were read, {pruned} were expected");
}

async fn postgres(schema: &str) -> (Arc<dyn Engine>, Catalog) {
    let server = pilothouse_testkit::postgres();
    let url = server.schema_url(schema);
    server.sql(
        &url,
        "CREATE TABLE clients (id int PRIMARY KEY, name text NOT NULL, country text NOT NULL);
         CREATE TABLE sales (id int PRIMARY KEY, client_id int NOT NULL REFERENCES clients (id), sold_on date NOT NULL,
           amount numeric(10,2) NOT NULL, note text, at timestamptz, big bigint, ratio double precision, ok boolean);
         INSERT INTO clients SELECT g, 'Client ' || g, (ARRAY['NO', 'CL', 'JP'])[1 + g % 3] FROM generate_series(1, 60) g;
         INSERT INTO sales SELECT g, 1 + g % 60, DATE '2024-01-01' + g % 366, g % 100 + 0.25, NULLIF(g % 5, 0)::text,
           TIMESTAMPTZ '2024-01-01 00:00:00Z' + g * INTERVAL '1 minute', 9007199254740993, 0.5, g % 2 = 0
           FROM generate_series(1, 5000) g;",
    );
    let root = tempfile::tempdir().unwrap();
    let engine = open(root.path(), &Source::Postgres { url }).await.unwrap();
    let catalog = engine.profile(&call(LIMITS, &Cancel::new())).await.unwrap();
    (engine, catalog)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_profiled_with_its_declared_keys() {
    let (_, catalog) = postgres("engines_profile").await;
    let sales = catalog.table("sales").unwrap();
    assert_eq!(sales.row_count, Some(5000));
    assert_eq!(sales.primary_key, ["id"]);
    assert_eq!(sales.foreign_keys[0].evidence, Evidence::Declared);
    assert_eq!(sales.column("sold_on").unwrap().min.as_deref(), Some("2024-01-01"));
    assert_eq!(
        catalog.table("clients").unwrap().column("country").unwrap().values.as_deref().unwrap(),
        ["CL", "JP", "NO"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_a_database_arrives() {
    let (engine, catalog) = postgres("engines_types").await;
    let query = checked("SELECT amount, sold_on, note, at, big, ratio, ok FROM sales WHERE id = 5", &catalog);
    let estimate = engine.estimate(&query, &call(LIMITS, &Cancel::new())).await.unwrap();
    assert_eq!(estimate.rows, Some(1));
    let result = engine.execute(&query, &call(LIMITS, &Cancel::new())).await.unwrap();
    let expected = json!([5.25, "2024-01-06", null, "2024-01-01T00:05:00", 9_007_199_254_740_993_i64, 0.5, false]);
    assert_eq!(json!(result.rows[0]), expected);
    assert_eq!(result.rows_scanned, None, "the database does not tell what it read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_query_is_cancelled_in_the_server_too() {
    let (engine, catalog) = postgres("engines_cancel").await;
    let heavy = "SELECT count(*) FROM sales a JOIN sales b ON a.client_id = b.client_id \
        JOIN sales c ON b.client_id = c.client_id JOIN sales d ON c.client_id = d.client_id WHERE a.amount + d.amount > 1";
    let query = checked(heavy, &catalog);
    let cancel = Cancel::new();
    let firing = cancel.clone();
    let running = tokio::spawn(async move { engine.execute(&query, &call(LIMITS, &cancel)).await });
    let server = pilothouse_testkit::postgres();
    let at_work = || {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%amount%' \
            AND pid <> pg_backend_pid()";
        server.sql(server.url(), count).contains('1')
    };
    let begun = std::time::Instant::now();
    while !at_work() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the query never began");
        tokio::task::yield_now().await;
    }
    firing.cancel();
    assert_eq!(running.await.unwrap().unwrap_err().code, Code::RunCancelled);
    let gone = std::time::Instant::now();
    while at_work() {
        assert!(gone.elapsed() < Duration::from_secs(10), "the server went on with a cancelled query");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_said_without_its_password() {
    let root = tempfile::tempdir().unwrap();
    let url = "postgres://ada:hunter2@127.0.0.1:1/none".to_owned();
    let engine = open(root.path(), &Source::Postgres { url }).await.unwrap();
    let refused = engine.ping().await.unwrap_err();
    assert_eq!(refused.code, Code::ConnectionFailed);
    assert!(refused.retryable && !refused.message.contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_hidden_files_and_what_came_later_are_not_read() {
    let (outside, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(outside.path().join("secret.csv"), "n\n1000\n").unwrap();
    let events = folder.path().join("events");
    std::fs::create_dir(&events).unwrap();
    for (name, text) in [("a b#1.csv", "n\n1\n"), ("b[?]%20.csv", "n\n2\n"), (".hidden.csv", "n\n400\n")] {
        std::fs::write(events.join(name), text).unwrap();
    }
    std::os::unix::fs::symlink(outside.path().join("secret.csv"), events.join("link.csv")).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("linked")).unwrap();
    let (engine, catalog) = files(folder.path()).await;
    assert_eq!(catalog.tables.len(), 1);
    let query = checked("SELECT sum(n) FROM events", &catalog);
    let sum = async |engine: &Arc<dyn Engine>| {
        engine.execute(&query, &call(LIMITS, &Cancel::new())).await.map(|r| json!(r.rows))
    };
    assert_eq!(sum(&engine).await.unwrap(), json!([[3]]));
    engine.ping().await.unwrap();
    std::fs::write(events.join("c.csv"), "n\n30\n").unwrap();
    assert_eq!(engine.ping().await.unwrap_err().code, Code::ConnectionChanged);
    assert_eq!(sum(&engine).await.unwrap(), json!([[3]]), "an open connection has the files it was opened with");
    let (again, _) = files(folder.path()).await;
    assert_eq!(sum(&again).await.unwrap(), json!([[33]]), "and a new look finds the new one");
    std::fs::write(events.join("c.csv"), "n\n700\n").unwrap();
    let changed = sum(&again).await.unwrap_err();
    assert!(changed.message.contains("has changed"), "{changed}");
    std::fs::remove_file(events.join("a b#1.csv")).unwrap();
    assert_eq!(again.ping().await.unwrap_err().code, Code::ConnectionChanged);
}
