//! Runs that are started by the name of their workflow: what comes of them, once for each key, and what is refused.

use pilothouse_domain::Role;
use pilothouse_domain::clock::{Clock as _, rfc3339};
use pilothouse_domain::run::Status;
use serde_json::{Value, json};

use crate::support::{Database, Document, Reply, TestApp};

const ALL: &str = "/api/v1/runs";
const QUESTION: &str = "How many flights were there in February?";

async fn start(app: &TestApp, token: &str, body: &Value) -> Reply {
    app.post(ALL).token(token).json(body).send().await
}

fn asked(changes: Value) -> Value {
    let mut body = json!({"kind": "ask", "input": {"message": QUESTION}});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

async fn a_run_is_started(database: Database) {
    let app = TestApp::with(|setup| setup.database = database).await;
    let token = app.token("acme", "mia", Role::Member).await;
    let other = app.token("other", "bob", Role::Member).await;
    let document = Document::published();
    let body = asked(json!({"unique_key": "k", "title": "February", "priority": 3, "max_attempts": 5}));
    assert_eq!(document.faults_of_request("post", ALL, &body), [""; 0]);
    let run = start(&app, &token, &body).await.expect(202).json();
    assert_eq!(document.faults_of_answer("post", ALL, "202", &run), [""; 0]);
    let told = ["kind", "queue", "title", "priority", "subject", "max_attempts"].map(|name| run[name].clone());
    assert_eq!(json!(told), json!(["ask", "ask", "February", 3, "mia", 5]));
    let id = run["id"].as_str().unwrap();
    let ended = app.until("acme", id, Status::Succeeded).await;
    assert!(ended.output.unwrap().contains("query_result"));
    assert_eq!(ended.conversation, None);
    // The key stands for the run from then on, whatever else is said with it; each tenant has keys of its own.
    let again = asked(json!({"unique_key": "k", "queue": "elsewhere", "input": {"message": "Something else?"}}));
    let existing = start(&app, &token, &again).await.expect(200).json();
    assert_eq!((&existing["id"], &existing["status"]), (&run["id"], &json!("succeeded")));
    let theirs = start(&app, &other, &body).await.expect(202).json();
    assert_ne!(theirs["id"], run["id"]);
    let actions = app.audit("acme").await.into_iter().map(|row| row.entry.action);
    assert_eq!(actions.filter(|action| action == "ask.run").count(), 1, "what exists is not audited again");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_started_by_name_and_once_for_each_key_on_sqlite() {
    a_run_is_started(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_started_by_name_and_once_for_each_key_on_postgres() {
    a_run_is_started(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_waits_where_and_as_long_as_it_is_told_to() {
    let app = TestApp::production().await;
    let token = app.token("acme", "mia", Role::Member).await;
    let body = asked(json!({"queue": "night.shift", "delay_seconds": 3_600, "concurrency_key": "a/b"}));
    let run = start(&app, &token, &body).await.expect(202).json();
    let later = rfc3339(app.clock.now() + 3_600_000_000);
    assert_eq!((&run["status"], &run["due_at"]), (&json!("queued"), &json!(later)));
    assert_eq!(run["queue"], "night.shift");
    let stored = app.until("acme", run["id"].as_str().unwrap(), Status::Queued).await;
    assert_eq!(stored.key, "a/b");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_started_is_refused() {
    let (app, _) = TestApp::flowing(|setup| setup.server.max_body_bytes = 1 << 20).await;
    let token = app.token("acme", "mia", Role::Member).await;
    let viewer = app.token("acme", "vic", Role::Viewer).await;
    // A workflow that the program has, and that nobody can ask for by name, is as unknown as one that it has not.
    for kind in ["flow", "nothing", "ASK"] {
        let refused = start(&app, &token, &asked(json!({"kind": kind}))).await.refused(422, "workflow.unknown");
        assert_eq!(refused.json()["errors"][0]["loc"], json!(["body", "kind"]));
    }
    for (body, place) in [
        (asked(json!({"kind": ""})), "kind"),
        (asked(json!({"kind": 7})), "kind"),
        (json!({"kind": "ask"}), "input"),
        (asked(json!({"input": "text"})), "input"),
        (asked(json!({"input": {}})), "input.message"),
        (asked(json!({"input": {"message": 7}})), "input.message"),
        (asked(json!({"input": {"message": QUESTION, "connection_id": "x"}})), "input.connection_id"),
        (asked(json!({"input": {"message": QUESTION, "role": "admin"}})), "input.role"),
        (asked(json!({"queue": "a/b"})), "queue"),
        (asked(json!({"queue": ""})), "queue"),
        (asked(json!({"title": " "})), "title"),
        (asked(json!({"title": "x".repeat(201)})), "title"),
        (asked(json!({"unique_key": ""})), "unique_key"),
        (asked(json!({"unique_key": "a\u{0}b"})), "unique_key"),
        (asked(json!({"concurrency_key": "x".repeat(201)})), "concurrency_key"),
        (asked(json!({"priority": 11})), "priority"),
        (asked(json!({"delay_seconds": -1})), "delay_seconds"),
        (asked(json!({"delay_seconds": 31_536_001})), "delay_seconds"),
        (asked(json!({"max_attempts": 0})), "max_attempts"),
        (asked(json!({"max_attempts": 101})), "max_attempts"),
    ] {
        let refused = start(&app, &token, &body).await.refused(422, "body.invalid");
        let place: Vec<&str> = std::iter::once("body").chain(place.split('.')).collect();
        assert_eq!(refused.json()["errors"][0]["loc"], json!(place), "{body}");
    }
    let empty = start(&app, &token, &asked(json!({"input": {"message": " "}}))).await.refused(422, "question.empty");
    assert_eq!(empty.json()["errors"][0]["loc"], json!(["body", "input", "message"]));
    let long = asked(json!({"input": {"message": "x".repeat(3_000)}}));
    start(&app, &token, &long).await.refused(422, "question.too_long");
    let unknown =
        asked(json!({"input": {"message": QUESTION, "connection_id": "conn_00000000000000000000000000000001"}}));
    let refused = start(&app, &token, &unknown).await;
    assert!([404, 422].contains(&refused.status.as_u16()), "{}", refused.text);
    let huge = |bytes: usize| asked(json!({"input": {"message": "x".repeat(bytes)}}));
    start(&app, &token, &huge(256 * 1024)).await.refused(413, "run.too_large");
    start(&app, &token, &huge(1 << 20)).await.refused(413, "body.too_large");
    start(&app, &viewer, &asked(json!({}))).await.refused(403, "role.insufficient");
    app.post(ALL).json(&asked(json!({}))).send().await.refused(401, "auth.required");
    let listed = app.get(ALL).token(&token).send().await.expect(200).json();
    assert_eq!(listed["items"], json!([]), "what is refused leaves no run");
    app.finish().await;
}
