//! SQL that somebody brings along: what it would take first, then its rows, once, and approved where that is needed.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::costs::{asked, sales};
use crate::support::{Database, Document, Reply, Setup, TestApp};

const PREVIEW: &str = "/api/v1/queries/preview";
const RUN: &str = "/api/v1/queries/approve-run";
const SUMS: &str = "SELECT country, SUM(amount) AS total FROM sales GROUP BY country ORDER BY country";

/// People who bring SQL along.
struct Office {
    app: TestApp,
    ada: String,
    bob: String,
    connection: String,
}

impl Office {
    async fn open(change: impl FnOnce(&mut Setup)) -> Self {
        let app = TestApp::with(change).await;
        let admin = app.token("default", "root", Role::Admin).await;
        let ada = app.token("default", "ada", Role::Member).await;
        let bob = app.token("default", "bob", Role::Operator).await;
        let connection = sales(&app, &admin).await;
        Self { app, ada, bob, connection }
    }

    async fn send(&self, token: &str, path: &str, body: &Value) -> Reply {
        self.app.post(path).token(token).json(body).send().await
    }

    async fn ok(&self, token: &str, path: &str, body: &Value) -> Value {
        let document = Document::published();
        assert_eq!(document.faults_of_request("post", path, body), [""; 0]);
        let answer = self.send(token, path, body).await.expect(200).json();
        assert_eq!(document.faults_of_answer("post", path, "200", &answer), [""; 0], "{answer}");
        answer
    }

    async fn preview(&self, sql: &str) -> Value {
        let body = json!({"org_id": "default", "sql": sql, "connection_id": self.connection});
        self.ok(&self.ada, PREVIEW, &body).await
    }

    async fn run(&self, token: &str, id: &Value) -> Value {
        self.ok(token, RUN, &json!({"org_id": "default", "preview_id": id})).await
    }

    async fn audited(&self, action: &str) -> usize {
        let rows = self.app.audit("default").await;
        rows.into_iter().filter(|record| record.entry.action == action).count()
    }
}

fn sums() -> Value {
    json!([{"country": "DE", "total": 398_000}, {"country": "NO", "total": 400_000}])
}

async fn a_preview_is_run_once(database: Database) {
    let office = Office::open(|setup| {
        setup.database = database;
        setup.warehouse.result_cache_mb = 0;
        setup.warehouse.query_nano_usd_per_tib = 5_000_000_000;
    })
    .await;
    let ready = office.preview(SUMS).await;
    assert_eq!((&ready["status"], &ready["requires_approval"]), (&json!("ready"), &json!(false)), "{ready}");
    assert!(ready["sql"].as_str().unwrap().contains("LIMIT 10000"), "{ready}");
    assert!(ready["estimated_bytes"].as_u64().unwrap() > 1_000 && ready["estimated_cost_usd"].as_f64().unwrap() > 0.0);

    let id = &ready["preview_id"];
    let eight: Vec<Value> = futures::future::join_all((0..8).map(|_| office.run(&office.ada, id))).await;
    for ran in &eight {
        assert_eq!(ran, &eight[0], "one run, however many ask for it");
    }
    assert_eq!((&eight[0]["status"], &eight[0]["preview_id"]), (&json!("executed"), id), "{}", eight[0]);
    assert_eq!(eight[0]["rows"], sums(), "{}", eight[0]);
    assert_eq!(eight[0]["estimated_bytes"], ready["estimated_bytes"]);
    assert!(eight[0]["actual_bytes"].as_u64().unwrap() > 0, "{}", eight[0]);

    // It is hers.
    let body = json!({"org_id": "default", "preview_id": id});
    office.send(&office.bob, RUN, &body).await.refused(404, "preview.unknown");
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_is_run_once_however_often_it_is_asked_for() {
    a_preview_is_run_once(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_is_run_once_however_often_it_is_asked_for_on_postgres() {
    a_preview_is_run_once(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_run_is_not_kept_and_says_why() {
    let office = Office::open(|setup| {
        setup.warehouse.query_max_bytes_approved = 1_000_000;
        setup.warehouse.tenant_hourly_bytes = 2_000;
    })
    .await;
    for (sql, reason) in [
        ("DROP TABLE sales", "only queries"),
        ("SELECT 1; DROP TABLE x", "statement"),
        ("SELECT nothing FROM sales", "nothing"),
    ] {
        let blocked = office.preview(sql).await;
        assert_eq!(blocked["status"], "blocked", "{sql}: {blocked}");
        assert!(blocked["reasons"][0].as_str().unwrap().contains(reason), "{sql}: {blocked}");
        assert_eq!(blocked["preview_id"], Value::Null);
    }
    let full = office.preview(SUMS).await;
    assert_eq!((&full["status"], &full["budget"]), (&json!("blocked"), &json!(2_000)), "{full}");
    assert_eq!(full["bytes_remaining"], 2_000, "a preview reads nothing");

    let missing = |path: &'static str, body: Value, status: u16, detail: &'static str, code: &'static str| {
        let office = &office;
        async move {
            let reply = office.send(&office.ada, path, &body).await.refused(status, code);
            assert_eq!(reply.json()["detail"], detail);
        }
    };
    let org = json!({"org_id": "default"});
    missing(PREVIEW, org.clone(), 400, "sql is required", "body.required").await;
    missing(PREVIEW, json!({"org_id": "default", "sql": " "}), 400, "sql is required", "body.required").await;
    missing(RUN, org, 400, "preview_id is required", "body.required").await;
    let other = json!({"org_id": "default", "preview_id": "qry_missing"});
    missing(RUN, other, 404, "preview_id not found", "preview.unknown").await;
    let body = json!({"org_id": "default", "preview_id": format!("qry_{}", "0".repeat(32))});
    missing(RUN, body, 404, "preview_id not found", "preview.unknown").await;
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_pass_the_limit_of_its_run_needs_somebody_else() {
    let office = Office::open(|setup| {
        setup.warehouse.query_nano_usd_per_tib = 5_000_000_000;
        setup.settings.budgets.run_usd = Some(0.0);
    })
    .await;
    let waits = office.preview(SUMS).await;
    assert_eq!((&waits["status"], &waits["requires_approval"]), (&json!("approval_required"), &json!(true)), "{waits}");
    let reason = waits["reasons"][0].as_str().unwrap();
    assert!(reason.starts_with("The limit of this run would be passed"), "{reason}");
    let id = &waits["preview_id"];
    assert_eq!(office.run(&office.bob, id).await["status"], "approved");
    assert_eq!(office.run(&office.ada, id).await["rows"], sums());
    office.app.finish().await;
}

async fn a_large_one_needs_somebody(database: Database) {
    let office = Office::open(|setup| {
        setup.database = database;
        setup.warehouse.query_max_bytes = 1_000;
        setup.warehouse.result_cache_mb = 0;
    })
    .await;
    let waits = office.preview(SUMS).await;
    assert_eq!((&waits["status"], &waits["requires_approval"]), (&json!("approval_required"), &json!(true)), "{waits}");
    let id = &waits["preview_id"];
    let approval = waits["approval_id"].as_str().unwrap();
    let own = office.run(&office.ada, id).await;
    assert_eq!((&own["status"], &own["reasons"]), (&json!("approval_required"), &waits["reasons"]), "{own}");

    let agreed = office.run(&office.bob, id).await;
    assert_eq!(
        (&agreed["status"], &agreed["rows"]),
        (&json!("approved"), &Value::Null),
        "the rows are Ada's: {agreed}"
    );
    for _ in 0..2 {
        assert_eq!(office.run(&office.ada, id).await["rows"], sums());
    }
    let path = format!("/api/v1/approvals/{approval}");
    let seen = office.app.get(&path).token(&office.bob).send().await.expect(200).json();
    assert_eq!((&seen["state"], &seen["votes"][0]["by"]), (&json!("used"), &json!("bob")), "{seen}");
    assert_eq!(seen["payload"]["sql"], waits["sql"]);
    for (action, times) in [("query.preview", 1), ("approval.request", 1), ("approval.approve", 1), ("approval.use", 1)]
    {
        assert_eq!(office.audited(action).await, times, "{action}");
    }

    let waits = office.preview(SUMS).await;
    let id = &waits["preview_id"];
    let path = format!("/api/v1/approvals/{}/reject", waits["approval_id"].as_str().unwrap());
    office.send(&office.bob, &path, &json!({"reason": "Ask for less."})).await.expect(200);
    let ran = office.run(&office.ada, id).await;
    assert_eq!(ran["reasons"], json!(["bob has rejected it: Ask for less."]), "{ran}");
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_one_needs_somebody_else() {
    a_large_one_needs_somebody(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_one_needs_somebody_else_on_postgres() {
    a_large_one_needs_somebody(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_people_release_their_own_a_client_of_the_original_just_runs_it() {
    let office = Office::open(|setup| {
        setup.warehouse.query_max_bytes = 1_000;
        setup.settings.approvals.own = Some(true);
    })
    .await;
    let waits = office.preview(SUMS).await;
    assert_eq!(waits["status"], "approval_required", "{waits}");
    let ran = office.run(&office.ada, &waits["preview_id"]).await;
    assert_eq!((&ran["status"], &ran["rows"]), (&json!("executed"), &sums()), "{ran}");

    // So does one that has asked in words.
    let asked = asked(&office.app, &office.ada, &office.connection, "Total amount by country", json!({})).await;
    assert_eq!(asked["response_type"], "approval_required", "{asked}");
    let ran = office.run(&office.ada, &asked["data"]["preview_id"]).await;
    assert_eq!((&ran["status"], &ran["row_count"]), (&json!("executed"), &json!(2)), "{ran}");
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dear_question_is_run_by_its_preview() {
    let office = Office::open(|setup| setup.warehouse.query_dear_bytes = 1_000).await;
    let words = "Total amount by country";
    let waits = asked(&office.app, &office.ada, &office.connection, words, json!({"confirm_cost": true})).await;
    assert_eq!(waits["data"]["waits_for"], "asker", "{waits}");
    let ran = office.run(&office.ada, &waits["data"]["preview_id"]).await;
    assert_eq!((&ran["status"], &ran["row_count"]), (&json!("executed"), &json!(2)), "{ran}");
    office.app.finish().await;
}
