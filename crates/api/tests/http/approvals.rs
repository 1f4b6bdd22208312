//! What waits for people: one asks, another decides, and what goes on is to the byte what was decided about.

use pilothouse_domain::audit::Outcome;
use pilothouse_domain::{ApprovalId, Role};
use pilothouse_store::approvals::{self, Approval};
use serde_json::{Value, json};

use crate::costs::{asked, sales};
use crate::support::{Database, Setup, TestApp};

const WORDS: &str = "Total amount by country";

/// An installation in which large queries wait, with somebody who asks and somebody who decides.
struct Office {
    app: TestApp,
    ada: String,
    bob: String,
    connection: String,
}

impl Office {
    async fn open(database: Database) -> Self {
        Self::with(|setup| {
            setup.database = database;
            setup.warehouse.query_max_bytes = 1_000;
            setup.warehouse.query_max_bytes_approved = 1 << 30;
        })
        .await
    }

    async fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let app = TestApp::with(|setup| {
            setup.warehouse.result_cache_mb = 0;
            change(setup);
        })
        .await;
        let admin = app.token("default", "root", Role::Admin).await;
        let ada = app.token("default", "ada", Role::Operator).await;
        let bob = app.token("default", "bob", Role::Operator).await;
        let connection = sales(&app, &admin).await;
        Self { app, ada, bob, connection }
    }

    /// A question of Ada's that waits, and its approval.
    async fn waiting(&self) -> (String, String) {
        let waits = asked(&self.app, &self.ada, &self.connection, WORDS, json!({})).await;
        assert_eq!(
            (&waits["response_type"], &waits["data"]["waits_for"]),
            (&json!("approval_required"), &json!("approver"))
        );
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&waits["run_id"]), text(&waits["data"]["approval_id"]))
    }

    async fn seen(&self, token: &str, approval: &str) -> Value {
        self.app.get(&format!("/api/v1/approvals/{approval}")).token(token).send().await.expect(200).json()
    }

    async fn decide(&self, token: &str, approval: &str, what: &str, body: Value) -> crate::support::Reply {
        self.app.post(&format!("/api/v1/approvals/{approval}/{what}")).token(token).json(&body).send().await
    }

    /// How the run ends.
    async fn answer(&self, run: &str) -> Value {
        self.app.idle().await;
        let told = self.app.get(&format!("/api/v1/runs/{run}/events")).token(&self.ada).send().await.events();
        told.into_iter().next_back().unwrap().2
    }

    async fn actions(&self) -> Vec<(String, String)> {
        let rows =
            self.app.audit("default").await.into_iter().map(|record| (record.entry.subject, record.entry.action));
        rows.filter(|(_, action)| action.starts_with("approval.")).collect()
    }
}

async fn one_asks_and_another_releases(database: Database) {
    let office = Office::open(database).await;
    let (run, approval) = office.waiting().await;
    let inbox = office.app.get("/api/v1/approvals").token(&office.bob).send().await.expect(200).json();
    let first = &inbox["items"][0];
    assert_eq!(
        (&first["id"], &first["run_id"], &first["requested_by"]),
        (&json!(approval), &json!(run), &json!("ada"))
    );
    assert_eq!((&first["rule"], &first["because"]), (&json!("query-size"), &json!("Query exceeds max bytes")));
    assert!(first["payload"]["sql"].as_str().unwrap().starts_with("SELECT "), "{first}");

    let own = office.seen(&office.ada, &approval).await;
    assert_eq!((&own["may_decide"], &own["objection"]), (&json!(false), &json!("own_request")));
    office.decide(&office.ada, &approval, "approve", json!({})).await.refused(403, "approval.own");
    let by_run = office.app.post(&format!("/api/v1/runs/{run}/approve")).token(&office.ada).json(&json!({}));
    by_run.send().await.refused(403, "approval.own");
    let other = json!({"payload_hash": "00".repeat(32)});
    office.decide(&office.bob, &approval, "approve", other).await.refused(409, "approval.void");

    let seen = office.seen(&office.bob, &approval).await;
    assert_eq!(seen["may_decide"], true, "{seen}");
    let body = json!({"payload_hash": seen["payload_hash"], "comment": "It is fine."});
    let after = office.decide(&office.bob, &approval, "approve", body).await.expect(200).json();
    assert_eq!((&after["votes"][0]["by"], &after["votes"][0]["reason"]), (&json!("bob"), &json!("It is fine.")));
    let answer = office.answer(&run).await;
    assert_eq!(
        (&answer["response_type"], &answer["data"]["row_count"]),
        (&json!("query_result"), &json!(2)),
        "{answer}"
    );
    assert_eq!(answer["data"]["sql"], first["payload"]["sql"], "what ran is what was shown");
    let used = office.seen(&office.bob, &approval).await;
    assert_eq!((&used["state"], &used["objection"]), (&json!("used"), &json!("closed")));
    office.decide(&office.bob, &approval, "reject", json!({"reason": "No."})).await.refused(409, "approval.closed");
    let told = |who: &str, what: &str| (who.to_owned(), what.to_owned());
    let actions = office.actions().await;
    for wanted in [("ada", "approval.request"), ("bob", "approval.approve"), ("ada", "approval.use")] {
        assert!(actions.contains(&told(wanted.0, wanted.1)), "{wanted:?} in {actions:?}");
    }
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_asks_and_another_releases_it() {
    one_asks_and_another_releases(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_asks_and_another_releases_it_on_postgres() {
    one_asks_and_another_releases(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_rejected_or_taken_back_does_not_run() {
    let office = Office::open(Database::Sqlite).await;
    let (run, approval) = office.waiting().await;
    office.decide(&office.bob, &approval, "reject", json!({})).await.refused(422, "body.invalid");
    office.decide(&office.bob, &approval, "reject", json!({"reason": "Ask for less."})).await.expect(200);
    let answer = office.answer(&run).await;
    assert_eq!(answer["response_type"], "blocked", "{answer}");
    assert_eq!(answer["data"]["reasons"], json!(["bob has rejected it: Ask for less."]));

    let (run, approval) = office.waiting().await;
    office.decide(&office.ada, &approval, "revoke", json!({"reason": "Not needed."})).await.expect(200);
    let answer = office.answer(&run).await;
    assert_eq!(answer["data"]["reasons"], json!(["ada has taken it back: Not needed."]));

    let (run, approval) = office.waiting().await;
    office.app.post(&format!("/api/v1/runs/{run}/cancel")).token(&office.ada).send().await.expect(200);
    assert_eq!(office.seen(&office.bob, &approval).await["state"], "void", "nothing waits for it any more");
    office.app.post(&format!("/api/v1/runs/{run}/retry")).token(&office.ada).send().await.expect(200);
    let answer = office.answer(&run).await;
    assert_eq!(answer["data"]["reasons"], json!(["Its approval is void: The run has ended."]), "{answer}");
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_changed_since_is_not_released() {
    let office = Office::open(Database::Sqlite).await;
    // What may be seen is less by now than when it was shown.
    let (run, approval) = office.waiting().await;
    let admin = office.app.token("default", "root", Role::Admin).await;
    let path = format!("/api/v1/connections/{}/policy", office.connection);
    let policy = json!({"yaml": "tables:\n  sales: {rows: \"country = 'DE'\"}"});
    office.app.put(&path).token(&admin).json(&policy).send().await.expect(200);
    office.decide(&office.bob, &approval, "approve", json!({})).await.expect(200);
    let answer = office.answer(&run).await;
    assert_eq!(answer["response_type"], "blocked", "{answer}");
    let reason = answer["data"]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("no longer what was approved"), "{reason}");
    assert_eq!(office.seen(&office.bob, &approval).await["state"], "void");

    // What waits for a person whatever it reads is released like all else.
    let policy = json!({"yaml": "tables:\n  sales: {approval: true}"});
    office.app.put(&path).token(&admin).json(&policy).send().await.expect(200);
    let (run, approval) = office.waiting().await;
    office.decide(&office.bob, &approval, "approve", json!({})).await.expect(200);
    let answer = office.answer(&run).await;
    assert_eq!(
        (&answer["response_type"], &answer["data"]["row_count"]),
        (&json!("query_result"), &json!(2)),
        "{answer}"
    );

    // Somebody has changed one byte of what is shown, past the program.
    let (_, approval) = office.waiting().await;
    let (tenant, id) = ("default".parse().unwrap(), approval.parse().unwrap());
    let forged = office.app.app.store().write(move |tx| {
        Box::pin(async move {
            let shown = approvals::get(tx, &tenant, id).await?.unwrap();
            let payload = shown.payload.replacen("amount", "amounT", 1);
            assert_ne!(payload, shown.payload);
            let id = ApprovalId(uuid::Uuid::from_u128(7));
            let forged = Approval { id, payload, run: None, requested_by: "mal".into(), ..shown };
            approvals::request(tx, &tenant, &forged).await
        })
    });
    let approval = forged.await.unwrap().id.to_string();
    office.decide(&office.bob, &approval, "approve", json!({})).await.refused(409, "approval.void");
    office.app.finish().await;
}

/// What reading costs is more than a run may spend: it waits, and people may let it.
async fn a_run_that_would_pass_its_own_limit(database: Database) {
    let office = Office::with(|setup| {
        setup.database = database;
        setup.warehouse.query_nano_usd_per_tib = 5_000_000_000;
        setup.settings.budgets.run_usd = Some(0.0);
    })
    .await;
    let because = "The limit of this run would be passed";
    let (run, approval) = office.waiting().await;
    let seen = office.seen(&office.bob, &approval).await;
    assert!(seen["because"].as_str().unwrap().starts_with(because), "{seen}");
    assert_eq!(seen["payload"]["beyond_run_limit"], true, "{seen}");
    office.decide(&office.bob, &approval, "approve", json!({})).await.expect(200);
    let answer = office.answer(&run).await;
    assert_eq!(
        (&answer["response_type"], &answer["data"]["row_count"]),
        (&json!("query_result"), &json!(2)),
        "{answer}"
    );
    let admin = office.app.token("default", "root", Role::Admin).await;
    let usage = office.app.get("/api/v1/usage?by=run").token(&admin).send().await.expect(200).json();
    let spent = &usage["items"][0];
    assert!(spent["name"] == run.as_str() && spent["nano_usd"].as_i64().unwrap() > 0, "{usage}");

    let (run, approval) = office.waiting().await;
    office.decide(&office.bob, &approval, "reject", json!({"reason": "Too dear."})).await.expect(200);
    assert_eq!(office.answer(&run).await["data"]["reasons"], json!(["bob has rejected it: Too dear."]));

    // What was agreed to is that this run passes its limit, and not that the tenant passes its own.
    let (run, approval) = office.waiting().await;
    let limit = json!({"level": "tenant", "unit": "nano_usd", "window": "day", "amount": 0});
    office.app.put("/api/v1/budgets").token(&admin).json(&limit).send().await.expect(200);
    office.decide(&office.bob, &approval, "approve", json!({})).await.expect(200);
    let answer = office.answer(&run).await;
    let reason = answer["data"]["reasons"][0].as_str().unwrap();
    assert!(reason.starts_with("The limit of the tenant would be passed"), "{reason}");
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_would_pass_its_own_limit_waits() {
    a_run_that_would_pass_its_own_limit(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_would_pass_its_own_limit_waits_on_postgres() {
    a_run_that_would_pass_its_own_limit(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_see_no_approval_that_is_not_theirs() {
    let office = Office::open(Database::Sqlite).await;
    let (_, approval) = office.waiting().await;
    let eve = office.app.token("default", "eve", Role::Member).await;
    let inbox = office.app.get("/api/v1/approvals").token(&eve).send().await.expect(200).json();
    assert_eq!(inbox["items"], json!([]));
    office.app.get(&format!("/api/v1/approvals/{approval}")).token(&eve).send().await.refused(404, "approval.unknown");
    office.decide(&eve, &approval, "approve", json!({})).await.refused(404, "approval.unknown");
    let viewer = office.app.token("default", "vic", Role::Viewer).await;
    office.app.get("/api/v1/approvals").token(&viewer).send().await.refused(403, "role.insufficient");
    office.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_are_approved_in_advance_as_the_platforms_clients_do() {
    for database in [Database::Sqlite, Database::Postgres] {
        plans_are_approved_in_advance(database).await;
    }
}

async fn plans_are_approved_in_advance(database: Database) {
    let app = TestApp::with(|setup| setup.database = database).await;
    let [viewer, operator, admin] = [("vic", Role::Viewer), ("bob", Role::Operator), ("root", Role::Admin)];
    let viewer = app.token("default", viewer.0, viewer.1).await;
    let operator = app.token("default", operator.0, operator.1).await;
    let admin = app.token("default", admin.0, admin.1).await;
    let path = "/api/v2/build/approvals";
    let body = json!({"job_name": "orders", "plan_hash": "p1", "approver": "somebody else", "metadata": {"ticket": 7}});
    app.post(path).token(&viewer).json(&body).send().await.refused(403, "role.insufficient");
    let missing = app.post(path).token(&operator).json(&json!({"job_name": "orders"})).send().await.expect(422).json();
    assert_eq!(missing["detail"].as_array().unwrap().len(), 2, "{missing}");

    let granted = app.post(path).token(&operator).json(&body).send().await.expect(200).json();
    let one = &granted["approval"];
    assert_eq!((&granted["ok"], &one["approved"], &one["notes"]), (&json!(true), &json!(true), &json!("")));
    assert_eq!((&one["approver"], &one["approved_by"]), (&json!("somebody else"), &json!("bob")));
    assert_eq!(one["metadata"], json!({"ticket": 7}));
    let found = app.get(&format!("{path}/orders/p1")).token(&viewer).send().await.expect(200).json();
    assert_eq!(&found["approval"], one);
    let unknown = app.get(&format!("{path}/orders/p2")).token(&viewer).send().await.expect(404).json();
    assert_eq!(unknown["detail"], "approval_not_found");

    // Once more makes it hold anew; what is over is listed as that.
    app.clock.advance_seconds(3_000);
    let anew = app.post(path).token(&operator).json(&body).send().await.expect(200).json();
    app.clock.advance_seconds(3_000);
    let held = app.get(&format!("{path}/orders/p1")).token(&viewer).send().await.expect(200).json();
    assert_eq!(held["approval"]["approved_at"], anew["approval"]["approved_at"]);
    app.clock.advance_seconds(601);
    app.get(&format!("{path}/orders/p1")).token(&viewer).send().await.expect(404);
    let listed = app.get(&format!("{path}/orders")).token(&viewer).send().await.expect(200).json();
    let states: Vec<&Value> = listed["approvals"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!((&listed["job_name"], states), (&json!("orders"), vec![&json!("expired")]));

    app.post(path).token(&operator).json(&body).send().await.expect(200);
    let revoke = |token: &str| app.delete(&format!("{path}/orders/p1")).token(token);
    revoke(&operator).send().await.refused(403, "role.insufficient");
    let revoked = revoke(&admin).send().await.expect(200).json();
    assert_eq!(revoked, json!({"ok": true, "revoked": true, "job_name": "orders", "plan_hash": "p1"}));
    assert_eq!(revoke(&admin).send().await.expect(404).json()["detail"], "approval_not_found");
    let told = app.audit("default").await.into_iter().map(|record| (record.entry.action, record.entry.outcome));
    let granted = told.filter(|told| *told == ("approval.grant".to_owned(), Outcome::Allowed));
    assert_eq!(granted.count(), 3);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_rule_that_fits_decides_whose_word_it_takes() {
    let rules = "rules:
  - {name: no robots, when: {subjects: [robot-*], kinds: [query.run]}, then: deny, because: Robots ask nothing here}
  - {name: root is trusted, when: {subjects: [root]}, then: allow}
  - {name: two, when: {kinds: [query.*]}, then: {approvals: {count: 2, of: operator}}, because: Two have to look}
";
    let app = TestApp::with(|setup| {
        setup.settings.approval_rules = pilothouse_app::approvals::read_rules(rules).unwrap();
        setup.warehouse.query_max_bytes = 1_000;
        setup.warehouse.result_cache_mb = 0;
    })
    .await;
    let root = app.token("default", "root", Role::Admin).await;
    let connection = sales(&app, &root).await;
    let answer = asked(&app, &root, &connection, WORDS, json!({})).await;
    assert_eq!(answer["response_type"], "query_result", "its rule comes before that of large queries");
    let robot = app.token("default", "robot-7", Role::Member).await;
    let denied = asked(&app, &robot, &connection, WORDS, json!({})).await;
    assert_eq!(
        (&denied["response_type"], &denied["data"]["reasons"]),
        (&json!("blocked"), &json!(["Robots ask nothing here"]))
    );

    let [ada, bob, cyd] = ["ada", "bob", "cyd"].map(|name| app.token("default", name, Role::Operator));
    let (ada, bob, cyd) = (ada.await, bob.await, cyd.await);
    let office = Office { app, ada, bob, connection };
    let (run, approval) = office.waiting().await;
    let seen = office.seen(&cyd, &approval).await;
    assert_eq!((&seen["rule"], &seen["needs"]), (&json!("two"), &json!({"count": 2, "role": "operator"})));
    let one = office.decide(&office.bob, &approval, "approve", json!({})).await.expect(200).json();
    assert_eq!((&one["state"], &one["objection"]), (&json!("pending"), &json!("again")));
    office.decide(&office.bob, &approval, "approve", json!({})).await.refused(409, "approval.closed");
    office.decide(&cyd, &approval, "approve", json!({})).await.expect(200);
    assert_eq!(office.answer(&run).await["response_type"], "query_result");
    office.app.finish().await;
}
