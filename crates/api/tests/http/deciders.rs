//! Who may decide in somebody's place, alone in an emergency, or with changes; and what waits too long.

use pilothouse_app::approvals as use_cases;
use pilothouse_domain::Role;
use pilothouse_domain::clock::rfc3339;
use serde_json::{Value, json};

use crate::costs::{asked, sales};
use crate::support::{Database, Reply, TestApp};

const WORDS: &str = "Total amount by country";
const DAY_SECONDS: i64 = 24 * 3600;

/// An installation in which large queries need two operators.
struct Office {
    app: TestApp,
    root: String,
    ada: String,
    bob: String,
    cyd: String,
    connection: String,
}

impl Office {
    async fn open(database: Database, count: u32) -> Self {
        let app = TestApp::with(|setup| {
            setup.database = database;
            setup.warehouse.result_cache_mb = 0;
            let rules = format!("rules: [{{name: all, when: {{kinds: [query.run]}}, then: {{approvals: {{count: {count}, of: operator}}}}}}]");
            setup.settings.approval_rules = use_cases::read_rules(&rules).unwrap();
        })
        .await;
        let root = app.token("default", "root", Role::Admin).await;
        let ada = app.token("default", "ada", Role::Member).await;
        let bob = app.token("default", "bob", Role::Operator).await;
        let cyd = app.token("default", "cyd", Role::Member).await;
        let connection = sales(&app, &root).await;
        Self { app, root, ada, bob, cyd, connection }
    }

    /// A question of Ada's that waits: its run and its approval.
    async fn waiting(&self) -> (String, String) {
        let waits = asked(&self.app, &self.ada, &self.connection, WORDS, json!({})).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&waits["run_id"]), text(&waits["data"]["approval_id"]))
    }

    async fn seen(&self, token: &str, approval: &str) -> Value {
        self.app.get(&format!("/api/v1/approvals/{approval}")).token(token).send().await.expect(200).json()
    }

    async fn act(&self, token: &str, approval: &str, what: &str, body: Value) -> Reply {
        self.app.post(&format!("/api/v1/approvals/{approval}/{what}")).token(token).json(&body).send().await
    }

    /// How the run ends.
    async fn answer(&self, run: &str) -> Value {
        self.app.idle().await;
        let told = self.app.get(&format!("/api/v1/runs/{run}/events")).token(&self.ada).send().await.events();
        told.into_iter().next_back().unwrap().2
    }

    async fn hand_over(&self, token: &str, to: &str, days: i64) -> Reply {
        let ends_at = rfc3339(self.app.app.clock().now() + days * DAY_SECONDS * 1_000_000);
        let body = json!({"to": to, "ends_at": ends_at, "reason": "On leave."});
        self.app.post("/api/v1/approvals/delegations").token(token).json(&body).send().await
    }

    async fn audited(&self, action: &str) -> usize {
        let rows = self.app.audit("default").await;
        rows.into_iter().filter(|record| record.entry.action == action).count()
    }
}

async fn somebody_stands_in(database: Database) {
    let office = Office::open(database, 1).await;
    let (run, approval) = office.waiting().await;
    office.act(&office.cyd, &approval, "approve", json!({})).await.refused(404, "approval.unknown");

    office.hand_over(&office.bob, "bob", 7).await.refused(422, "body.invalid");
    office.hand_over(&office.bob, "cyd", 91).await.refused(422, "body.invalid");
    office.hand_over(&office.ada, "cyd", 7).await.refused(403, "role.insufficient");
    let handed = office.hand_over(&office.bob, "cyd", 7).await.expect(201).json();
    assert_eq!((&handed["from"], &handed["to"], &handed["role"]), (&json!("bob"), &json!("cyd"), &json!("operator")));
    let inbox = office.app.get("/api/v1/approvals").token(&office.cyd).send().await.expect(200).json();
    assert_eq!(inbox["items"][0]["id"], json!(approval), "{inbox}");
    let after = office.act(&office.cyd, &approval, "approve", json!({})).await.expect(200).json();
    let vote = &after["votes"][0];
    assert_eq!((&vote["by"], &vote["in_place_of"]), (&json!("cyd"), &json!("bob")), "{after}");
    assert_eq!(office.answer(&run).await["response_type"], "query_result");

    // It ends when it is ended, when its time is over, and when whoever gave it may not decide any more.
    let listed = |token: &str| {
        let call = office.app.get("/api/v1/approvals/delegations").token(token);
        async move { call.send().await.expect(200).json()["items"].as_array().unwrap().len() }
    };
    assert_eq!((listed(&office.cyd).await, listed(&office.ada).await, listed(&office.root).await), (1, 0, 1));
    let path = format!("/api/v1/approvals/delegations/{}", handed["id"].as_str().unwrap());
    office.app.delete(&path).token(&office.ada).send().await.refused(404, "delegation.unknown");
    office.app.delete(&path).token(&office.bob).send().await.expect(204);
    office.app.delete(&path).token(&office.bob).send().await.refused(404, "delegation.unknown");
    let (_, approval) = office.waiting().await;
    office.act(&office.cyd, &approval, "approve", json!({})).await.refused(404, "approval.unknown");
    office.hand_over(&office.bob, "cyd", 1).await.expect(201);
    assert_eq!(office.seen(&office.cyd, &approval).await["may_decide"], true);
    office.app.clock.advance_seconds(DAY_SECONDS);
    office.act(&office.cyd, &approval, "approve", json!({})).await.refused(404, "approval.unknown");
    office.hand_over(&office.bob, "cyd", 1).await.expect(201);
    assert_eq!(office.seen(&office.cyd, &approval).await["may_decide"], true);
    let tokens = office.app.get("/api/v1/tokens").token(&office.root).send().await.expect(200).json();
    let of_bob = tokens["items"].as_array().unwrap().iter().find(|token| token["subject"] == "bob").unwrap();
    let path = format!("/api/v1/tokens/{}", of_bob["id"].as_str().unwrap());
    office.app.delete(&path).token(&office.root).send().await.expect(204);
    office.act(&office.cyd, &approval, "approve", json!({})).await.refused(404, "approval.unknown");
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_stands_in_for_a_time() {
    somebody_stands_in(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_stands_in_for_a_time_on_postgres() {
    somebody_stands_in(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asked_gains_nothing_by_standing_in() {
    let office = Office::open(Database::Sqlite, 2).await;
    office.hand_over(&office.bob, "ada", 7).await.expect(201);
    let (_, approval) = office.waiting().await;
    let own = office.seen(&office.ada, &approval).await;
    assert_eq!((&own["may_decide"], &own["objection"]), (&json!(false), &json!("own_request")));
    // Nor do two hats make two people.
    office.hand_over(&office.bob, "root", 7).await.expect(201);
    office.act(&office.root, &approval, "approve", json!({})).await.expect(200);
    office.act(&office.root, &approval, "approve", json!({})).await.refused(409, "approval.closed");
    assert_eq!(office.seen(&office.root, &approval).await["state"], "pending");
    office.app.finish().await;
}

async fn glass_is_broken(database: Database) {
    let office = Office::open(database, 2).await;
    let (run, approval) = office.waiting().await;
    let reason = json!({"reason": "The month closes in ten minutes."});
    office.act(&office.bob, &approval, "break-glass", reason.clone()).await.refused(403, "role.insufficient");
    office.act(&office.root, &approval, "break-glass", json!({"reason": "Now."})).await.refused(422, "body.invalid");
    let after = office.act(&office.root, &approval, "break-glass", reason.clone()).await.expect(200).json();
    assert_eq!((&after["broken"]["by"], &after["broken"]["review"]), (&json!("root"), &Value::Null), "{after}");
    assert_eq!(office.answer(&run).await["response_type"], "query_result");
    office.act(&office.root, &approval, "break-glass", reason).await.refused(409, "approval.closed");

    let unreviewed = |token: &str| {
        let call = office.app.get("/api/v1/approvals/unreviewed").token(token);
        async move { call.send().await.expect(200).json()["items"].as_array().unwrap().len() }
    };
    assert_eq!(
        (unreviewed(&office.root).await, unreviewed(&office.ada).await, unreviewed(&office.bob).await),
        (0, 0, 1)
    );
    let words = json!({"justified": true, "words": "It was."});
    office.act(&office.root, &approval, "review", words.clone()).await.refused(403, "approval.own");
    office.act(&office.ada, &approval, "review", words.clone()).await.refused(403, "role.insufficient");
    let seen = office.act(&office.bob, &approval, "review", words.clone()).await.expect(200).json();
    assert_eq!((&seen["broken"]["review"]["by"], &seen["may_review"]), (&json!("bob"), &json!(false)), "{seen}");
    office.act(&office.bob, &approval, "review", words).await.refused(409, "approval.closed");
    assert_eq!(unreviewed(&office.bob).await, 0);
    assert_eq!((office.audited("approval.review").await, office.audited("approval.use").await), (2, 1));
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn glass_is_broken_with_a_reason_and_somebody_looks_at_that() {
    glass_is_broken(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn glass_is_broken_with_a_reason_and_somebody_looks_at_that_on_postgres() {
    glass_is_broken(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn glass_that_may_not_be_broken_is_not() {
    let app = TestApp::with(|setup| {
        setup.warehouse.query_max_bytes = 1_000;
        setup.settings.approvals.break_glass = false;
    })
    .await;
    let root = app.token("default", "root", Role::Admin).await;
    let connection = sales(&app, &root).await;
    let waits = asked(&app, &root, &connection, WORDS, json!({})).await;
    let path = format!("/api/v1/approvals/{}", waits["data"]["approval_id"].as_str().unwrap());
    assert_eq!(app.get(&path).token(&root).send().await.expect(200).json()["may_break"], false);
    let body = json!({"reason": "The month closes in ten minutes."});
    app.post(&format!("{path}/break-glass")).token(&root).json(&body).send().await.refused(403, "policy.denied");
    app.finish().await;
}

async fn approved_with_changes(database: Database) {
    let office = Office::open(database, 2).await;
    let (run, approval) = office.waiting().await;
    office.act(&office.root, &approval, "approve", json!({})).await.expect(200);
    let before = office.seen(&office.bob, &approval).await;
    let asked = before["payload"]["sql"].as_str().unwrap();
    let narrower = asked.replacen(" GROUP BY", " WHERE amount > 2000 GROUP BY", 1);
    assert_ne!(asked, narrower);

    let edit = |sql: &str| json!({"sql": sql, "payload_hash": before["payload_hash"], "comment": "The small ones do not count."});
    let refused =
        office.act(&office.bob, &approval, "approve", edit("DROP TABLE sales")).await.refused(422, "sql.blocked");
    assert!(refused.json()["detail"].as_str().unwrap().contains("DROP"), "{}", refused.text);
    let own = office.act(&office.ada, &approval, "approve", edit(&narrower)).await;
    own.refused(403, "approval.own");
    let after = office.act(&office.bob, &approval, "approve", edit(&narrower)).await.expect(200).json();
    assert_eq!((&after["state"], &after["edited_by"]), (&json!("pending"), &json!("bob")), "{after}");
    assert_eq!(after["votes"].as_array().unwrap().len(), 1, "root agreed to something else: {after}");
    assert_ne!(after["payload_hash"], before["payload_hash"]);
    assert_eq!(after["asked_payload"], before["payload"]);
    let stale = json!({"payload_hash": before["payload_hash"]});
    office.act(&office.root, &approval, "approve", stale).await.refused(409, "approval.void");
    office.act(&office.root, &approval, "approve", json!({})).await.expect(200);

    let answer = office.answer(&run).await;
    assert_eq!(answer["response_type"], "query_result", "{answer}");
    let data = &answer["data"];
    assert_eq!((&data["sql"], &data["asked_sql"]), (&after["payload"]["sql"], &json!(asked)), "{answer}");
    assert!(
        answer["warnings"][0].as_str().unwrap().starts_with("Whoever approved this query has changed it"),
        "{answer}"
    );
    let large: i64 = (0..400_i64).map(|n| n * 10).filter(|amount| *amount > 2_000).sum();
    let total: f64 = data["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row.as_object()?.values().find_map(Value::as_f64))
        .sum();
    assert_eq!(total as i64, large, "{data}");
    assert_eq!(office.audited("approval.edit").await, 2, "one that was refused, and one that was not");
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_approved_with_changes_runs_with_them() {
    approved_with_changes(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_approved_with_changes_runs_with_them_on_postgres() {
    approved_with_changes(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_sees_what_whoever_asked_may_see() {
    let office = Office::open(Database::Sqlite, 1).await;
    let (run, approval) = office.waiting().await;
    let policy = "tables:\n  sales:\n    rows: caller.subject <> 'ada' OR country = 'DE'\n";
    let path = format!("/api/v1/connections/{}/policy", office.connection);
    office.app.put(&path).token(&office.root).json(&json!({"yaml": policy})).send().await.expect(200);
    let edit = json!({"sql": "SELECT country, SUM(amount) AS total FROM sales GROUP BY country"});
    let after = office.act(&office.bob, &approval, "approve", edit).await.expect(200).json();
    let narrowed = after["payload"]["sql"].as_str().unwrap();
    assert!(narrowed.contains("'DE'"), "the rows that Ada may see: {after}");
    let answer = office.answer(&run).await;
    assert_eq!((&answer["data"]["sql"], &answer["data"]["row_count"]), (&json!(narrowed), &json!(1)), "{answer}");
    office.app.finish().await;
}

async fn what_waits_too_long(database: Database) {
    let office = Office::open(database, 1).await;
    let (_, approval) = office.waiting().await;
    assert_eq!(use_cases::escalate(&office.app.app).await.unwrap(), 0);
    office.app.clock.advance_seconds(900);
    let (_, later) = office.waiting().await;
    assert_eq!(use_cases::escalate(&office.app.app).await.unwrap(), 1);
    assert_eq!(use_cases::escalate(&office.app.app).await.unwrap(), 0, "once");
    assert!(office.seen(&office.bob, &approval).await["escalated_at"].is_string());
    assert_eq!(office.seen(&office.bob, &later).await["escalated_at"], Value::Null);
    assert_eq!(office.audited("approval.escalate").await, 1);
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_too_long_is_marked_once() {
    what_waits_too_long(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_too_long_is_marked_once_on_postgres() {
    what_waits_too_long(Database::Postgres).await;
}
