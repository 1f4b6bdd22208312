//! Buckets through the warehouse's own door, over a server that checks signatures: what is read, what is refused, what
//! breaks, and that no two connections can see into each other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::parquet::arrow::ArrowWriter;
use pilothouse_domain::Code;
use pilothouse_domain::catalog::Catalog;
use pilothouse_testkit::{Mood, ObjectServer};
use pilothouse_warehouse::guard::{self, CheckedQuery, Policy};
use pilothouse_warehouse::{
    Bucket, Call, Cancel, Credentials, Engine, Error, Isolation, Limits, Settings, Source, Warehouse,
};
use serde_json::{Value, json};

const LIMITS: Limits = Limits { timeout: Duration::from_secs(60), max_rows: 1000 };
const SECRET: &str = "correct/horse+battery=staple";

fn warehouse() -> Warehouse {
    Warehouse::new(Settings { allow_private_addresses: true, ..Settings::default() }, Isolation::Threads)
}

fn keys(secret: &str) -> Credentials {
    let access_key_id = ObjectServer::ACCESS_KEY_ID.to_owned();
    Credentials::AccessKey { access_key_id, secret_access_key: secret.to_owned(), session_token: None }
}

fn bucket(server: &ObjectServer, url: &str) -> Bucket {
    let (endpoint, credentials) = (Some(server.url()), keys(server.secret()));
    Bucket { url: url.to_owned(), endpoint, region: None, account: None, credentials }
}

async fn open(bucket: Bucket) -> Result<Arc<dyn Engine>, Error> {
    warehouse().open(&Source::ObjectStore(bucket), &call(&Cancel::new())).await
}

fn call(cancel: &Cancel) -> Call<'_> {
    Call { owner: "tester".into(), weight: 1, limits: LIMITS, cancel }
}

async fn refused(bucket: Bucket) -> Error {
    match open(bucket).await {
        Ok(engine) => engine.profile(&call(&Cancel::new())).await.unwrap_err(),
        Err(error) => error,
    }
}

fn checked(sql: &str, catalog: &Catalog) -> CheckedQuery {
    let report = guard::check(
        sql,
        &Policy { catalog, access: &guard::access::Access::open(), limits: &guard::Limits::default() },
    );
    assert!(report.query.is_some(), "{:?}", report.reasons);
    report.query.unwrap()
}

async fn ask(engine: &Arc<dyn Engine>, catalog: &Catalog, sql: &str) -> Result<Vec<Vec<Value>>, Error> {
    engine.execute(&checked(sql, catalog), &call(&Cancel::new())).await.map(|result| result.rows)
}

/// Sixteen airlines as a Parquet file, with this name for the column of their names.
fn airlines(name: &str) -> Vec<u8> {
    let codes: ArrayRef = Arc::new(StringArray::from_iter_values((0..16).map(|n| format!("A{n:02}"))));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values((0..16).map(|n| format!("Airline {n}"))));
    let batch = RecordBatch::try_from_iter([("carrier", codes), (name, names)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// A Parquet file, a folder of CSV files, a JSON file, and what discovery leaves out.
fn shop() -> ObjectServer {
    let server = ObjectServer::start(SECRET);
    server.put("shop", "2024/airlines.parquet", airlines("name"));
    for part in 0..5 {
        let lines: String = (0..200).map(|n| format!("{};{}\n", part * 200 + n, n % 3)).collect();
        server.put("shop", &format!("2024/sales/part {part}#.csv"), format!("sale_id;kind\n{lines}"));
    }
    server.put("shop", "2024/notes.jsonl", "{\"note\": \"a\"}\n{\"note\": \"b\"}\n");
    server.put("shop", "2024/_temporary/x.csv", "a\n1\n");
    server.put("shop", "2024/sales/_SUCCESS.csv", "nothing\n");
    server.put("shop", "2024/sales/deep/er.csv", "a,b,c\n");
    server.put("shop", "2024/readme.txt", "no data");
    server.put("shop", "elsewhere.csv", "a\n1\n");
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_profiled_and_queried_like_a_folder() {
    let server = shop();
    let engine = open(bucket(&server, "s3://shop/2024")).await.unwrap();
    engine.ping().await.unwrap();
    let catalog = engine.profile(&call(&Cancel::new())).await.unwrap();
    let names: Vec<_> = catalog.tables.iter().map(|table| (table.name.as_str(), table.row_count)).collect();
    assert_eq!(names, [("airlines", Some(16)), ("notes", Some(2)), ("sales", Some(1000))]);
    let sales = catalog.table("sales").unwrap();
    assert_eq!(sales.updated_at, Some(1_767_593_228_000_000), "the time that the server says");
    assert_eq!(sales.primary_key, ["sale_id"]);
    assert_eq!(catalog.table("airlines").unwrap().bytes, Some(airlines("name").len() as u64));
    let rows = ask(&engine, &catalog, "SELECT kind, count(*) FROM sales GROUP BY kind ORDER BY kind").await.unwrap();
    assert_eq!(json!(rows), json!([[0, 335], [1, 335], [2, 330]]));
    let rows = ask(&engine, &catalog, "SELECT name FROM airlines WHERE carrier = 'A07'").await.unwrap();
    assert_eq!(json!(rows), json!([["Airline 7"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_may_name_one_object_and_a_query_lists_nothing() {
    let server = shop();
    let engine = open(bucket(&server, "s3://shop/2024/airlines.parquet")).await.unwrap();
    let catalog = engine.profile(&call(&Cancel::new())).await.unwrap();
    assert_eq!(catalog.tables.len(), 1);
    server.take_seen();
    ask(&engine, &catalog, "SELECT count(DISTINCT name) FROM airlines").await.unwrap();
    let seen = server.take_seen();
    assert!(!seen.is_empty() && seen.iter().all(|request| request == "GET /shop/2024/airlines.parquet"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_bucket_needs_no_credentials_and_another_one_does() {
    let server = shop();
    let anonymous = Bucket { credentials: Credentials::Anonymous, ..bucket(&server, "s3://shop/2024") };
    assert_eq!(refused(anonymous.clone()).await.code, Code::ConnectionRefused);
    server.publish("shop");
    assert_eq!(open(anonymous).await.unwrap().profile(&call(&Cancel::new())).await.unwrap().tables.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_by_its_code_and_not_repeated() {
    let server = shop();
    let error = refused(Bucket { credentials: keys("hunter2hunter2"), ..bucket(&server, "s3://shop/2024") }).await;
    assert_eq!((error.code, error.retryable), (Code::ConnectionRefused, false));
    assert!(!error.message.contains("hunter2") && !error.message.contains("AKIA"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn private_servers_are_out_of_reach_unless_allowed() {
    let server = shop();
    let closed = Warehouse::new(Settings::default(), Isolation::Threads);
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    for host in ["http://127.0.0.1", "https://127.0.0.1", "https://localhost", "https://[::ffff:127.0.0.1]"] {
        let endpoint = Some(format!("{host}:{port}"));
        let source = Source::ObjectStore(Bucket { endpoint, ..bucket(&server, "s3://shop/2024") });
        assert_eq!(
            closed.open(&source, &call(&Cancel::new())).await.err().unwrap().code,
            Code::AddressForbidden,
            "{host}"
        );
    }
    assert!(server.take_seen().is_empty(), "nothing may arrive there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let (server, other) = (shop(), shop());
    server.set_mood(Mood::Elsewhere(other.address()));
    let error = refused(bucket(&server, "s3://shop/2024")).await;
    assert_eq!((error.code, error.retryable), (Code::ConnectionFailed, false));
    assert!(error.message.contains("sends elsewhere"), "{error}");
    assert!(other.take_seen().is_empty(), "nothing may arrive there");
}

/// Google's protocol for readers is S3's but for the signature.
#[tokio::test(flavor = "multi_thread")]
async fn a_public_bucket_is_read_by_googles_protocol() {
    let server = shop();
    server.publish("shop");
    let google = Bucket { credentials: Credentials::Anonymous, ..bucket(&server, "gs://shop/2024") };
    let engine = open(google).await.unwrap();
    let catalog = engine.profile(&call(&Cancel::new())).await.unwrap();
    for (sql, value) in
        [("SELECT count(*) FROM sales", json!(1000)), ("SELECT max(name) FROM airlines", json!("Airline 9"))]
    {
        assert_eq!(json!(ask(&engine, &catalog, sql).await.unwrap()), json!([[value]]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said() {
    let server = shop();
    let missing = refused(bucket(&server, "s3://nobodys-bucket")).await;
    assert_eq!((missing.code, missing.message.as_str()), (Code::ConnectionFailed, "There is no such bucket."));
    let empty = refused(bucket(&server, "s3://shop/2023")).await;
    assert!(empty.message.contains("holds no Parquet, CSV or JSON"), "{empty}");
    server.put("shop", "2024/Sales.csv", "a\n1\n");
    let twins = refused(bucket(&server, "s3://shop/2024")).await;
    assert!(twins.message.contains("would both be the table sales"), "{twins}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_object_is_named() {
    let server = shop();
    let mut torn = airlines("name");
    torn.truncate(torn.len() - 100);
    server.put("shop", "2024/torn.parquet", torn);
    let error = refused(bucket(&server, "s3://shop/2024")).await;
    assert_eq!((error.code, error.retryable), (Code::FileUnreadable, false));
    assert!(error.message.contains("torn.parquet"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_can_be_asked_again() {
    let server = shop();
    let engine = open(bucket(&server, "s3://shop/2024")).await.unwrap();
    let catalog = engine.profile(&call(&Cancel::new())).await.unwrap();
    for mood in [Mood::Torn, Mood::Gone] {
        server.set_mood(mood);
        for sql in ["SELECT sum(sale_id) FROM sales", "SELECT max(name) FROM airlines WHERE carrier > 'A'"] {
            let error = ask(&engine, &catalog, sql).await.unwrap_err();
            assert_eq!((error.code, error.retryable), (Code::ConnectionFailed, true), "{mood:?}: {error}");
            assert!(!error.message.contains("127.0.0.1"), "{error}");
        }
    }
    assert!(engine.ping().await.unwrap_err().retryable);
    server.set_mood(Mood::Well);
    engine.ping().await.unwrap();
    assert_eq!(json!(ask(&engine, &catalog, "SELECT sum(sale_id) FROM sales").await.unwrap()), json!([[499_500]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_gone_or_was_changed_is_not_read() {
    let server = shop();
    let engine = open(bucket(&server, "s3://shop/2024")).await.unwrap();
    let catalog = engine.profile(&call(&Cancel::new())).await.unwrap();
    server.put("shop", "2024/notes.jsonl", "{\"note\": \"c\"}\n{\"note\": \"d\"}\n");
    let changed = ask(&engine, &catalog, "SELECT note FROM notes").await.unwrap_err();
    assert!(changed.message.contains("has changed"), "{changed}");
    assert_eq!((changed.code, changed.retryable), (Code::ConnectionChanged, true));
    server.remove("shop", "2024/airlines.parquet");
    let gone = engine.ping().await.unwrap_err();
    assert_eq!(gone.code, Code::ConnectionChanged);
}

/// One tenant's rows must never answer another's question: same bucket, same key, same size and time, in two stores.
#[tokio::test(flavor = "multi_thread")]
async fn two_tenants_buckets_of_one_name_stay_apart() {
    let warehouse = warehouse();
    let mut engines = Vec::new();
    let servers = [("first secret", "11"), ("other secret", "22")].map(|(secret, value)| {
        let server = ObjectServer::start(secret);
        server.put("shop", "sales.csv", format!("amount\n{value}\n"));
        server.put("shop", "airlines.parquet", airlines("name"));
        server
    });
    servers[1].put("shop", "airlines.parquet", airlines("title"));
    for server in &servers {
        let engine =
            warehouse.open(&Source::ObjectStore(bucket(server, "s3://shop")), &call(&Cancel::new())).await.unwrap();
        let catalog = engine.profile(&call(&Cancel::new())).await.unwrap();
        engines.push((engine, catalog));
    }
    for ((engine, catalog), amount) in engines.iter().zip([11, 22]) {
        assert_eq!(json!(ask(engine, catalog, "SELECT amount FROM sales").await.unwrap()), json!([[amount]]));
    }
    let columns = engines.iter().map(|(_, catalog)| catalog.table("airlines").unwrap().columns[1].name.as_str());
    assert_eq!(columns.collect::<Vec<_>>(), ["name", "title"]);
    let intruder = Bucket { credentials: keys("other secret"), ..bucket(&servers[0], "s3://shop") };
    let error = warehouse.open(&Source::ObjectStore(intruder), &call(&Cancel::new())).await.err().unwrap();
    assert_eq!(error.code, Code::ConnectionRefused, "a store that is open for one tenant is not open for another");
}
