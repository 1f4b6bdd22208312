//! What a query takes is known before it runs: what is dear, too much, or needs approval, waits or is refused.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::support::{Database, Document, TestApp, question};

const ASK: &str = "/api/v1/agent/run";

pub async fn sales(app: &TestApp, token: &str) -> String {
    let folder = app.data.join("sales");
    std::fs::create_dir_all(&folder).unwrap();
    let rows: String = (0..400).map(|n| format!("{n},{},{}\n", ["DE", "NO"][n % 2], n * 10)).collect();
    std::fs::write(folder.join("sales.csv"), format!("sale_id,country,amount\n{rows}")).unwrap();
    let body = json!({"name": "sales", "kind": "files", "path": folder});
    let made = app.post("/api/v1/connections").token(token).json(&body).send().await.expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

pub async fn asked(app: &TestApp, token: &str, connection: &str, words: &str, more: Value) -> Value {
    let mut ask = question("default", words);
    ask["connection_id"] = json!(connection);
    ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = app.post(ASK).token(token).json(&ask).send().await.expect(200).json();
    assert_eq!(Document::published().faults_of_answer("post", ASK, "200", &answer), [""; 0], "{answer}");
    answer
}

async fn what_is_dear_waits(database: Database) {
    let app = TestApp::with(|setup| {
        setup.database = database;
        setup.warehouse.query_dear_bytes = 1_000;
        setup.warehouse.query_nano_usd_per_tib = 5_000_000_000;
        setup.warehouse.result_cache_mb = 0;
    })
    .await;
    let ada = app.token("default", "ada", Role::Admin).await;
    let connection = sales(&app, &ada).await;
    let words = "Total amount by country";

    let waits = asked(&app, &ada, &connection, words, json!({"confirm_cost": true})).await;
    assert_eq!(waits["response_type"], "approval_required", "{waits}");
    let data = &waits["data"];
    assert_eq!((&data["waits_for"], &data["preview_id"]), (&json!("asker"), &waits["run_id"]));
    let bytes = data["estimated_bytes"].as_u64().unwrap();
    assert!((1_000..100_000).contains(&bytes), "{data}");
    assert!(data["estimated_cost_usd"].as_f64().unwrap() > 0.0, "{data}");
    assert_eq!((&data["cost"]["basis"], &data["cost"]["confidence"]), (&json!("files"), &json!("medium")));
    assert_eq!(data["cost"]["estimated_ms"], Value::Null, "nothing like it has run");
    assert!(data["sql"].as_str().unwrap().starts_with("SELECT "), "{data}");

    // Clients that know nothing of it are answered at once, and whoever has seen the cost sends the query back.
    let plain = asked(&app, &ada, &connection, words, json!({})).await;
    assert_eq!(plain["response_type"], "query_result");
    for _ in 0..2 {
        let run = asked(&app, &ada, &connection, words, json!({"query": data["query"]})).await;
        assert_eq!((&run["response_type"], &run["data"]["rows"]), (&json!("query_result"), &plain["data"]["rows"]));
    }
    // By now it is known what the like of it takes, whatever its values.
    let again = asked(&app, &ada, &connection, "Total amount by country for DE", json!({})).await;
    assert_eq!(again["response_type"], "query_result", "{again}");
    let known = asked(&app, &ada, &connection, words, json!({"confirm_cost": true})).await;
    assert!(known["data"]["cost"]["estimated_ms"].is_u64(), "{known}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dear_waits_for_whoever_asks() {
    what_is_dear_waits(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dear_waits_for_whoever_asks_on_postgres() {
    what_is_dear_waits(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_approval_waits_and_nothing_runs() {
    let app = TestApp::with(|setup| {
        setup.warehouse.query_max_bytes = 1_000;
        setup.warehouse.query_max_bytes_approved = 1 << 30;
    })
    .await;
    let ada = app.token("default", "ada", Role::Admin).await;
    let connection = sales(&app, &ada).await;
    let large = asked(&app, &ada, &connection, "Total amount by country", json!({})).await;
    assert_eq!(large["response_type"], "approval_required", "{large}");
    assert_eq!(
        (&large["data"]["waits_for"], &large["data"]["reasons"][0]),
        (&json!("approver"), &json!("Query exceeds max bytes"))
    );

    let path = format!("/api/v1/connections/{connection}/policy");
    let policy = json!({"yaml": "tables:\n  sales: {approval: true}"});
    app.put(&path).token(&ada).json(&policy).send().await.expect(200);
    let guarded = asked(&app, &ada, &connection, "How many sales are there?", json!({})).await;
    assert_eq!(
        (&guarded["response_type"], &guarded["data"]["waits_for"]),
        (&json!("approval_required"), &json!("approver"))
    );
    let reason = guarded["data"]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("sales may be read once a person has agreed"), "{reason}");
    let run = guarded["run_id"].as_str().unwrap();
    let steps = app.get(&format!("/api/v1/runs/{run}")).token(&ada).send().await.expect(200).json();
    let names: Vec<&Value> = steps["steps"].as_array().unwrap().iter().map(|step| &step["name"]).collect();
    assert_eq!(names, ["planner", "validator", "critic", "approver"], "nothing was executed");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_more_than_anybody_may_approve_is_refused() {
    let app = TestApp::with(|setup| {
        setup.warehouse.query_max_bytes = 500;
        setup.warehouse.query_max_bytes_approved = 1_000;
    })
    .await;
    let ada = app.token("default", "ada", Role::Admin).await;
    let connection = sales(&app, &ada).await;
    let refused = asked(&app, &ada, &connection, "Total amount by country", json!({})).await;
    assert_eq!(
        (&refused["response_type"], &refused["data"]["gate"]["next_action"]),
        (&json!("blocked"), &json!("narrow_scope"))
    );
    app.finish().await;
}
