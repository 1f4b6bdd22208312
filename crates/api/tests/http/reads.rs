//! What questions read: what is kept is not read again, and what a tenant may read in an hour is bounded.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::support::{Database, Document, TestApp, question};

const ROUTE: &str = "/api/v1/agent/run";

async fn ask(app: &TestApp, token: &str, tenant: &str, words: &str) -> Value {
    app.post(ROUTE).token(token).json(&question(tenant, words)).send().await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_result_says_when_it_was_computed_and_reads_nothing() {
    let (app, document) = (TestApp::production().await, Document::published());
    let token = app.token("default", "ada", Role::Member).await;
    let words = "How many flights were there in February?";
    let first = ask(&app, &token, "default", words).await;
    assert_eq!((&first["data"]["cached"], &first["data"]["computed_at"]), (&json!(false), &Value::Null));
    assert!(first["data"]["bytes_scanned"].as_u64().unwrap() > 0);

    let again = ask(&app, &token, "default", words).await;
    assert_eq!(document.faults_of_answer("post", ROUTE, "200", &again), [""; 0]);
    assert_eq!(again["data"]["rows"], first["data"]["rows"]);
    assert_eq!((&again["data"]["cached"], &again["data"]["bytes_scanned"]), (&json!(true), &json!(0)));
    assert!(again["data"]["computed_at"].is_string());

    let theirs = app.token("other", "eve", Role::Member).await;
    let elsewhere = ask(&app, &theirs, "other", words).await;
    assert_eq!(elsewhere["data"]["cached"], false, "what one tenant has asked is kept for it alone");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_file_is_read_anew() {
    let app = TestApp::production().await;
    let token = app.token("default", "ada", Role::Member).await;
    let folder = app.data.join("shop");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("visits.csv"), "visit_id,place\n1,a\n2,b\n").unwrap();
    let body = json!({"name": "shop", "kind": "files", "path": folder});
    let made = app.post("/api/v1/connections").token(&token_of_admin(&app).await).json(&body).send().await.json();
    let mut body = question("default", "How many visits were there?");
    body["connection_id"] = made["id"].clone();
    let count = async || {
        let answer = app.post(ROUTE).token(&token).json(&body).send().await.expect(200).json();
        (
            answer["data"]["rows"][0].as_object().unwrap().values().next().unwrap().clone(),
            answer["data"]["cached"].clone(),
        )
    };
    assert_eq!(count().await, (json!(2), json!(false)));
    assert_eq!(count().await, (json!(2), json!(true)));
    std::fs::write(folder.join("visits.csv"), "visit_id,place\n1,a\n2,b\n3,c\n").unwrap();
    app.clock.advance_days(1);
    assert_eq!(count().await, (json!(3), json!(false)), "as soon as the files are looked at again");
    app.finish().await;
}

async fn token_of_admin(app: &TestApp) -> String {
    app.token("default", "root", Role::Admin).await
}

async fn an_hour_is_bounded(database: Database) {
    let app = TestApp::with(|setup| {
        setup.database = database;
        setup.warehouse.tenant_hourly_bytes = 1;
    })
    .await;
    let token = app.token("default", "ada", Role::Member).await;
    let refused = ask(&app, &token, "default", "How many flights were there in February?").await;
    assert_eq!(refused["response_type"], "blocked", "{refused}");
    assert_eq!(refused["data"]["reasons"], json!(["Hourly byte budget exceeded"]));
    let gate = &refused["data"]["gate"];
    assert_eq!(gate["next_action"], "wait_or_reduce_cost");
    assert_eq!((&gate["budget"], &gate["bytes_remaining"]), (&json!(1), &json!(1)));
    assert_eq!(Document::published().faults_of_answer("post", ROUTE, "200", &refused), [""; 0]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_tenant_reads_in_an_hour_is_bounded() {
    an_hour_is_bounded(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_tenant_reads_in_an_hour_is_bounded_on_postgres() {
    an_hour_is_bounded(Database::Postgres).await;
}
