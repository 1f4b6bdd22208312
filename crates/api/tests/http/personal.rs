//! Personal data: what is suspected is masked until somebody has looked at it, everywhere, and what was decided stays.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::support::{Database, Document, TestApp, question};

const ASK: &str = "/api/v1/agent/run";
/// What stands in the data and must stand nowhere else.
const SECRET: &str = "ada.lovelace@example.com";

async fn people(app: &TestApp, token: &str) -> String {
    let folder = app.data.join("people");
    std::fs::create_dir_all(&folder).unwrap();
    let rows: String =
        (0..40).map(|n| format!("{n},{},{},{}\n", ["NO", "CL"][n % 2], person(n), ["note", "other"][n % 2])).collect();
    std::fs::write(folder.join("clients.csv"), format!("client_id,country,email,remark\n{rows}")).unwrap();
    let body = json!({"name": "people", "kind": "files", "path": folder});
    let made = app.post("/api/v1/connections").token(token).json(&body).send().await.expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

fn person(n: usize) -> String {
    if n == 0 { SECRET.to_owned() } else { format!("person{}@example.com", n % 20) }
}

async fn review(app: &TestApp, token: &str) -> Value {
    let reply = app.get("/api/v1/pii/review?org_id=default").token(token).send().await.expect(200).json();
    let document = Document::published();
    assert_eq!(document.faults_of_answer("get", "/api/v1/pii/review", "200", &reply), [""; 0]);
    reply
}

fn decision(column: &str, is_pii: bool) -> Value {
    json!([{"dataset": "people", "table": "clients", "column": column, "is_pii": is_pii}])
}

async fn decide(app: &TestApp, token: &str, body: &Value, status: u16) -> Value {
    let call = app.post("/api/v1/pii/review/confirm?org_id=default").token(token).json(body);
    call.send().await.expect(status).json()
}

async fn is_masked_until_it_is_reviewed(database: Database) {
    let app = TestApp::with(|setup| setup.database = database).await;
    let admin = app.token("default", "root", Role::Admin).await;
    let connection = people(&app, &admin).await;
    let found = review(&app, &admin).await;
    let columns = found["auto_tagged_high_confidence"].as_array().unwrap();
    assert_eq!(columns.len(), 1, "{found}");
    let email = &columns[0];
    assert_eq!(
        (&email["dataset"], &email["table"], &email["column"], &email["kind"]),
        (&json!("people"), &json!("clients"), &json!("email"), &json!("email"))
    );
    assert!(email["is_pii"] == true && email["confidence"].as_u64().unwrap() > 95 && email["reviewed_by"].is_null());

    let catalog = format!("/api/v1/connections/{connection}/catalog");
    let held = async || app.get(&catalog).token(&admin).send().await.expect(200).text;
    assert!(!held().await.contains(SECRET), "no value of a suspect stands in the catalog");
    let verdict = async |sql: &str| {
        let body = json!({"sql": sql, "connection_id": connection});
        app.post("/api/v1/sql/check").token(&admin).json(&body).send().await.expect(200).json()
    };
    let seen = verdict("SELECT email FROM clients WHERE email LIKE 'a%' ORDER BY email").await;
    assert_eq!(seen["verdict"], "allow_rewritten");
    assert!(seen["sql"].as_str().unwrap().contains("CAST(NULL AS"), "{seen}");
    let mut body = question("default", "How many clients by email?");
    body["connection_id"] = json!(connection);
    let answered = app.post(ASK).token(&admin).json(&body).send().await.expect(200);
    assert!(!answered.text.contains(SECRET), "{}", answered.text);
    assert_eq!(answered.json()["response_type"], "refused", "{}", answered.text);
    assert!(answered.text.contains("masked"), "{}", answered.text);

    let member = app.token("default", "ada", Role::Member).await;
    decide(&app, &member, &decision("email", false), 403).await;
    let decided = decide(&app, &admin, &decision("email", false), 200).await;
    assert_eq!(decided, json!({"org_id": "default", "updated": 1, "unknown": []}));
    let unmasked = verdict("SELECT email FROM clients").await;
    assert!(!unmasked["sql"].as_str().unwrap().contains("CAST(NULL AS"), "{unmasked}");
    assert!(held().await.contains(SECRET), "its values are read again");
    let answered = app.post(ASK).token(&admin).json(&body).send().await.expect(200).json();
    assert_eq!(answered["response_type"], "query_result", "{answered}");

    app.post(&format!("/api/v1/connections/{connection}/refresh")).token(&admin).send().await.expect(200);
    let found = review(&app, &admin).await;
    let email = &found["auto_tagged_high_confidence"][0];
    assert!(email["is_pii"] == false && email["reviewed_by"] == "root", "a decision outlives the catalog: {found}");

    decide(&app, &member, &decision("remark", true), 200).await;
    decide(&app, &member, &decision("email", true), 200).await;
    assert!(!held().await.contains(SECRET));
    let seen = verdict("SELECT remark FROM clients").await;
    assert!(
        seen["sql"].as_str().unwrap().contains("CAST(NULL AS"),
        "whatever a person calls personal is masked: {seen}"
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn personal_data_is_masked_until_it_is_reviewed() {
    is_masked_until_it_is_reviewed(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn personal_data_is_masked_until_it_is_reviewed_on_postgres() {
    is_masked_until_it_is_reviewed(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_decision_is_said() {
    let app = TestApp::production().await;
    let admin = app.token("default", "root", Role::Admin).await;
    people(&app, &admin).await;
    let refused = decide(&app, &admin, &json!([{"dataset": "people", "table": "", "is_pii": "maybe"}]), 422).await;
    let fields: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|field| field["loc"].clone()).collect();
    assert_eq!(fields, [json!(["body", 0, "table"]), json!(["body", 0, "column"]), json!(["body", 0, "is_pii"])]);
    decide(&app, &admin, &json!({"dataset": "people"}), 422).await;
    let unknown = decide(&app, &admin, &decision("nothing", true), 200).await;
    assert_eq!((&unknown["updated"], &unknown["unknown"]), (&json!(0), &json!(["people.clients.nothing"])));
    app.finish().await;
}
