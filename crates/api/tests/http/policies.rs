//! Access policies over HTTP: who sees which rows, from the next statement on, in answers and in verdicts.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::support::{Database, Document, TestApp, question};

const ASK: &str = "/api/v1/agent/run";
const POLICY: &str = "
attributes:
  country: {ada: DE}
tables:
  sales:
    rows: caller.role = 'admin' OR country = caller.country
    columns:
      margin: {sensitivity: restricted, unless: [admin]}
";

async fn sales(app: &TestApp, token: &str) -> String {
    let folder = app.data.join("sales");
    std::fs::create_dir_all(&folder).unwrap();
    let rows: String = (0..40).map(|n| format!("{n},{},{},{}\n", ["DE", "NO", "NO", "FR"][n % 4], n * 10, n)).collect();
    std::fs::write(folder.join("sales.csv"), format!("sale_id,country,amount,margin\n{rows}")).unwrap();
    let body = json!({"name": "sales", "kind": "files", "path": folder});
    let made = app.post("/api/v1/connections").token(token).json(&body).send().await.expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

async fn counted(app: &TestApp, token: &str, connection: &str, asks: &str) -> Value {
    let mut ask = question("default", asks);
    ask["connection_id"] = json!(connection);
    let answer = app.post(ASK).token(token).json(&ask).send().await.expect(200).json();
    assert_eq!(answer["response_type"], "query_result", "{answer}");
    answer["data"]["rows"][0].as_object().unwrap().values().next().unwrap().clone()
}

async fn rows_follow_the_caller(database: Database) {
    let app = TestApp::with(|setup| setup.database = database).await;
    let admin = app.token("default", "root", Role::Admin).await;
    let ada = app.token("default", "ada", Role::Member).await;
    let bob = app.token("default", "bob", Role::Member).await;
    let connection = sales(&app, &admin).await;
    let path = format!("/api/v1/connections/{connection}/policy");
    let all = "How many sales are there?";
    assert_eq!(counted(&app, &ada, &connection, all).await, 40);

    let empty = app.get(&path).token(&admin).send().await.expect(200).json();
    assert_eq!((&empty["version"], &empty["yaml"]), (&json!(0), &json!("")));
    let put = |token: &str, yaml: &str| app.put(&path).token(token).json(&json!({"yaml": yaml}));
    put(&ada, POLICY).send().await.refused(403, "role.insufficient");
    let wrong = put(&admin, "tables:\n  sails: {}").send().await.refused(422, "policy.invalid").json();
    assert_eq!(wrong["line"], 2, "{wrong}");
    let stored = put(&admin, POLICY).send().await.expect(200).json();
    assert_eq!((&stored["version"], &stored["updated_by"]), (&json!(1), &json!("root")));

    // It holds at once, for what was kept too.
    assert_eq!(counted(&app, &admin, &connection, all).await, 40);
    assert_eq!(counted(&app, &ada, &connection, all).await, 10);
    assert_eq!(counted(&app, &bob, &connection, all).await, 0, "of whom nothing is known sees nothing");
    let verdict = async |token: &str, sql: &str| {
        let body = json!({"sql": sql, "connection_id": connection});
        app.post("/api/v1/sql/check").token(token).json(&body).send().await.expect(200).json()["verdict"].clone()
    };
    assert_eq!(verdict(&ada, "SELECT avg(margin) FROM sales").await, "block");
    assert_eq!(verdict(&ada, "SELECT count(margin) FROM sales").await, "allow_rewritten");
    assert_eq!(verdict(&admin, "SELECT avg(margin) FROM sales").await, "allow_rewritten");

    // Versions are looked back at, and an older one is put in place again.
    put(&admin, "").send().await.expect(200);
    assert_eq!(counted(&app, &bob, &connection, all).await, 40);
    let versions = app.get(&format!("{path}/versions")).token(&admin).send().await.expect(200).json();
    let numbers: Vec<&Value> = versions["items"].as_array().unwrap().iter().map(|one| &one["version"]).collect();
    assert_eq!(numbers, [2, 1]);
    let first = app.get(&format!("{path}/versions/1")).token(&admin).send().await.expect(200).json();
    assert_eq!(first["yaml"], POLICY);
    let restored = put(&admin, first["yaml"].as_str().unwrap()).send().await.expect(200).json();
    assert_eq!(restored["version"], 3);
    assert_eq!(counted(&app, &ada, &connection, all).await, 10);
    app.get(&format!("{path}/versions/9")).token(&admin).send().await.expect(404);
    app.get(&path).token(&ada).send().await.refused(403, "role.insufficient");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_follow_what_is_known_of_the_caller() {
    rows_follow_the_caller(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_follow_what_is_known_of_the_caller_on_postgres() {
    rows_follow_the_caller(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_is_checked_without_being_stored() {
    let app = TestApp::production().await;
    let admin = app.token("default", "root", Role::Admin).await;
    let connection = sales(&app, &admin).await;
    let document = Document::published();
    for (kind, good, bad) in
        [("policy", POLICY, "tables: {sails: {}}"), ("semantic", "datasets: {}", "datasets: {sails: {}}")]
    {
        let template = format!("/api/v1/connections/{{id}}/{kind}/check");
        let path = format!("/api/v1/connections/{connection}/{kind}/check");
        let check = |yaml: &str| app.post(&path).token(&admin).json(&json!({"yaml": yaml}));
        let fine = check(good).send().await.expect(200).json();
        assert_eq!((&fine["valid"], &fine["reason"]), (&json!(true), &Value::Null), "{fine}");
        let faulty = check(bad).send().await.expect(200).json();
        assert_eq!((&faulty["valid"], &faulty["line"]), (&json!(false), &json!(1)), "{faulty}");
        assert_eq!(document.faults_of_answer("post", &template, "200", &faulty), [""; 0]);
        let held = format!("/api/v1/connections/{connection}/{kind}");
        assert_eq!(app.get(&held).token(&admin).send().await.expect(200).json()["version"], 0);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_semantic_model_goes_to_the_exchange_format_and_comes_back() {
    let app = TestApp::production().await;
    let admin = app.token("default", "root", Role::Admin).await;
    let connection = sales(&app, &admin).await;
    let path = format!("/api/v1/connections/{connection}/semantic");
    let yaml = "metrics: {takings: {measure: sum(sales.amount), synonyms: [money made]}}";
    app.put(&path).token(&admin).json(&json!({"yaml": yaml})).send().await.expect(200);
    let told = app.get(&format!("{path}/ossie")).token(&admin).send().await.expect(200).json();
    let document = Document::published();
    let template = "/api/v1/connections/{id}/semantic/ossie";
    assert_eq!(document.faults_of_answer("get", template, "200", &told), [""; 0]);
    assert!(told["yaml"].as_str().unwrap().contains("SUM(sales.amount)"), "{told}");
    let back = app.post(&format!("{path}/ossie")).token(&admin).json(&json!({"yaml": told["yaml"]})).send().await;
    let back = back.expect(200).json();
    assert_eq!(back["left_out"], json!([]));
    app.put(&path).token(&admin).json(&json!({"yaml": back["yaml"]})).send().await.expect(200);
    let wrong = app.post(&format!("{path}/ossie")).token(&admin).json(&json!({"yaml": "semantic_model: 7"}));
    wrong.send().await.refused(422, "semantic.invalid");
    app.finish().await;
}
