//! A tenant's own rules: what they hold back waits, what they forbid is refused, and others can be tried before they hold.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::support::{Database, Document, Reply, TestApp};

const RULES: &str = "/api/v1/approvals/rules";

/// Two admins of one tenant, and one of another.
struct Office {
    app: TestApp,
    ada: String,
    bob: String,
}

impl Office {
    async fn open(database: Database) -> Self {
        let app = TestApp::with(|setup| setup.database = database).await;
        let ada = app.token("default", "ada", Role::Admin).await;
        let bob = app.token("default", "bob", Role::Admin).await;
        Self { app, ada, bob }
    }

    async fn send(&self, token: &str, method: &str, path: &str, body: &Value) -> Reply {
        self.app.call(method, path).token(token).json(body).send().await
    }

    async fn rule(&self, yaml: &str) -> Value {
        self.send(&self.ada, "PUT", RULES, &json!({"yaml": yaml})).await.expect(200).json()
    }

    async fn token_for(&self, subject: &str) -> Reply {
        self.send(&self.ada, "POST", "/api/v1/tokens", &json!({"subject": subject, "role": "viewer"})).await
    }

    /// What it waits for.
    async fn held_back(&self, reply: Reply) -> String {
        let refused = reply.refused(409, "approval.required").json();
        refused["approval_id"].as_str().unwrap().to_owned()
    }

    async fn approve(&self, id: &str) {
        let path = format!("/api/v1/approvals/{id}/approve");
        self.send(&self.bob, "POST", &path, &json!({})).await.expect(200);
    }
}

async fn what_a_rule_holds_back(database: Database) {
    let office = Office::open(database).await;
    office.token_for("eve").await.expect(201);
    let put = office
        .rule("rules:\n  - name: tokens\n    when: {kinds: [token.*]}\n    then: {approvals: {count: 1, of: admin}}\n    because: They open doors\n")
        .await;
    assert_eq!((&put["version"], &put["updated_by"]), (&json!(1), &json!("ada")));

    let refused = office.token_for("eve").await.refused(409, "approval.required").json();
    let message = refused["detail"].as_str().unwrap();
    assert!(message.starts_with("It needs the approval of one admin: They open doors."), "{message}");
    let waits = office.held_back(office.token_for("eve").await).await;
    assert_eq!(refused["approval_id"], json!(waits), "the same is the same");
    let other = office.held_back(office.token_for("mallory").await).await;
    assert_ne!(waits, other);

    let path = format!("/api/v1/approvals/{waits}");
    let seen = office.app.get(&path).token(&office.bob).send().await.expect(200).json();
    assert_eq!((&seen["kind"], &seen["rule"]), (&json!("token.create"), &json!("tokens")), "{seen}");
    assert_eq!(seen["payload"], json!(["eve", "viewer", null]));
    office.send(&office.ada, "POST", &format!("{path}/approve"), &json!({})).await.refused(403, "approval.own");
    office.approve(&waits).await;
    office.token_for("eve").await.expect(201);
    // Once.
    let again = office.held_back(office.token_for("eve").await).await;
    assert_ne!(again, waits);
    let seen = office.app.get(&path).token(&office.bob).send().await.expect(200).json();
    assert_eq!(seen["state"], "used");

    // Nothing else waits, and other tenants have rules of their own.
    office.send(&office.ada, "POST", "/api/v1/schedules/preview", &json!({"cron": "0 9 * * *"})).await.expect(200);
    let stranger = office.app.token("acme", "ada", Role::Admin).await;
    office.send(&stranger, "POST", "/api/v1/tokens", &json!({"subject": "eve", "role": "viewer"})).await.expect(201);
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rule_holds_back_is_done_once_somebody_has_agreed() {
    what_a_rule_holds_back(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rule_holds_back_is_done_once_somebody_has_agreed_on_postgres() {
    what_a_rule_holds_back(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rule_forbids_is_refused_by_its_name() {
    let office = Office::open(Database::Sqlite).await;
    office.rule("rules: [{name: no new doors, when: {kinds: [token.create]}, then: deny, because: Ask root.}]").await;
    let refused = office.token_for("eve").await.refused(403, "policy.denied").json();
    assert_eq!(refused["detail"], "The rule 'no new doors' does not allow it: Ask root.");
    let rows = office.app.audit("default").await;
    let last = rows.into_iter().rfind(|record| record.entry.action == "token.create").unwrap();
    assert_eq!(last.entry.code, "policy.denied");

    // Reading is allowed or not, and never waits.
    office.rule("rules: [{name: all, then: {approvals: {count: 1, of: admin}}}]").await;
    office.app.get("/api/v1/tokens").token(&office.ada).send().await.expect(200);
    office.rule_refused("rules: []").await;
    office.app.finish().await;
}

impl Office {
    /// Rules hold for those who change them, too.
    async fn rule_refused(&self, yaml: &str) {
        let body = json!({"yaml": yaml});
        let waits = self.held_back(self.send(&self.ada, "PUT", RULES, &body).await).await;
        self.approve(&waits).await;
        self.send(&self.ada, "PUT", RULES, &body).await.expect(200);
        self.token_for("eve").await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_belong_to_what_is_approved_and_are_not_shown() {
    let office = Office::open(Database::Sqlite).await;
    office
        .rule("rules: [{name: sources, when: {kinds: [connection.create]}, then: {approvals: {count: 1, of: admin}}}]")
        .await;
    let connect = |password: &str| {
        let url = format!("postgres://ada:{password}@db.example.com:5433/sales");
        let body = json!({"name": "sales", "kind": "postgres", "url": url});
        let office = &office;
        async move { office.held_back(office.send(&office.ada, "POST", "/api/v1/connections", &body).await).await }
    };
    let (one, other) = (connect("hunter2").await, connect("hunter3").await);
    assert_ne!(one, other);
    assert_eq!(one, connect("hunter2").await);
    let path = format!("/api/v1/approvals/{one}");
    let seen = office.app.get(&path).token(&office.bob).send().await.expect(200);
    assert!(!seen.text.contains("hunter"), "{}", seen.text);
    assert_eq!(seen.json()["payload"]["location"], "ada@db.example.com:5433/sales");
    office.app.finish().await;
}

async fn rules_are_tried(database: Database) {
    let office = Office::open(database).await;
    for subject in ["eve", "dan", "cyd"] {
        office.token_for(subject).await.expect(201);
    }
    let (document, path) = (Document::published(), format!("{RULES}/check"));
    let tried = |yaml: &str| {
        let body = json!({"yaml": yaml});
        let (office, document, path) = (&office, &document, &path);
        async move {
            let reply = office.send(&office.ada, "POST", path, &body).await.expect(200).json();
            assert_eq!(document.faults_of_answer("post", path, "200", &reply), [""; 0], "{reply}");
            reply
        }
    };
    let wrong = tried("rules:\n  - {name: a, then: perhaps}\n").await;
    assert_eq!(
        (&wrong["valid"], &wrong["line"], &wrong["dry_run"]),
        (&json!(false), &json!(2), &Value::Null),
        "{wrong}"
    );

    let run = tried("rules: [{name: tokens, when: {kinds: [token.*]}, then: deny}]").await["dry_run"].clone();
    assert_eq!(run["actions"], 3, "{run}");
    assert_eq!(run["changed"], json!([{"from": "allow", "to": "deny", "count": 3}]));
    assert_eq!(run["by_rule"], json!([{"rule": "tokens", "count": 3}]));
    assert_eq!(run["examples"][0]["facts"]["resource"], "cyd", "the newest first: {run}");
    assert_eq!((&run["examples"][0]["was"], &run["examples"][0]["would_be_by"]), (&json!("allow"), &json!("tokens")));
    let same = tried("rules: []").await["dry_run"].clone();
    assert_eq!((&same["changed"], &same["capped"]), (&json!([]), &json!(false)));
    office.app.clock.advance_seconds(31 * 24 * 3600);
    let bob = office.app.token("default", "ada", Role::Admin).await;
    let body = json!({"yaml": "rules: []"});
    let later = office.send(&bob, "POST", &path, &body).await.expect(200).json();
    assert_eq!(later["dry_run"]["actions"], 0, "only the last 30 days: {later}");
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_tried_on_what_was_done() {
    rules_are_tried(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_tried_on_what_was_done_on_postgres() {
    rules_are_tried(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_change_the_rules_the_second_learns_of_the_first() {
    let office = Office::open(Database::Sqlite).await;
    let first = office.app.get(RULES).token(&office.bob).send().await.expect(200).json();
    assert_eq!((&first["version"], &first["yaml"]), (&json!(0), &json!("rules: []\n")), "{first}");
    let names: Vec<&str> = first["built_in"].as_array().unwrap().iter().filter_map(|r| r["name"].as_str()).collect();
    assert_eq!(names, ["query-size", "high-risk", "prompt-in-force"]);
    let change = |token: &str, name: &str| {
        let yaml = format!("rules: [{{name: {name}, when: {{kinds: [x]}}, then: allow}}]");
        let (token, office) = (token.to_owned(), &office);
        async move { office.send(&token, "PUT", RULES, &json!({"yaml": yaml, "follows": 0})).await }
    };
    change(&office.ada, "a").await.expect(200);
    change(&office.bob, "b").await.refused(409, "rules.changed");
    let wrong = office.send(&office.ada, "PUT", RULES, &json!({"yaml": "rules:\n- {nam: a}\n"})).await;
    let wrong = wrong.refused(422, "rules.invalid").json();
    assert_eq!(wrong["line"], 2, "{wrong}");
    let all = office.app.get(&format!("{RULES}/versions")).token(&office.ada).send().await.expect(200).json();
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all}");
    let member = office.app.token("default", "mel", Role::Member).await;
    office.app.get(RULES).token(&member).send().await.refused(403, "role.insufficient");
    let operator = office.app.token("default", "oli", Role::Operator).await;
    office.send(&operator, "PUT", RULES, &json!({"yaml": "rules: []"})).await.refused(403, "role.insufficient");
    office.app.finish().await;
}
