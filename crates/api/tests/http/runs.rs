//! Our own routes of runs: look, log, cancel, retry, discard, signal, decide, many at once, reconcile.

use std::sync::atomic::Ordering;

use pilothouse_domain::Role;
use pilothouse_domain::clock::{parse_rfc3339, rfc3339};
use pilothouse_domain::run::Status;
use serde_json::{Value, json};

use crate::support::{Database, Document, Reply, TestApp};

async fn post(app: &TestApp, token: &str, path: &str, body: Value) -> Reply {
    app.post(path).token(token).json(&body).send().await
}

async fn show(app: &TestApp, token: &str, id: &str) -> Value {
    app.get(&format!("/api/v1/runs/{id}")).token(token).send().await.expect(200).json()
}

async fn ids(app: &TestApp, token: &str, query: &str) -> Vec<String> {
    let page = app.get(&format!("/api/v1/runs?{query}")).token(token).send().await.expect(200).json();
    page["items"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_shows_its_attempts_steps_and_lines() {
    let (app, world) = TestApp::flowing(|_| ()).await;
    let token = app.token("acme", "ada", Role::Operator).await;
    let id = app.stood("acme", "ada", "die", Status::Dead).await;
    let run = show(&app, &token, &id).await;
    assert_eq!(Document::published().faults_of_answer("get", "/api/v1/runs/{id}", "200", &run), [""; 0]);
    assert_eq!((&run["status"], &run["queue"], &run["progress"]), (&json!("dead"), &json!("flow"), &json!(40)));
    assert_eq!((&run["error"]["code"], &run["retry_count"]), (&json!("sql.failed"), &json!(0)));
    let steps: Vec<_> = run["steps"].as_array().unwrap().iter().map(|step| step["status"].clone()).collect();
    assert_eq!(steps, [json!("succeeded"), json!("failed")]);
    let attempt = &run["attempts"][0];
    assert_eq!((&attempt["outcome"], &attempt["error"]["code"]), (&json!("failed"), &json!("sql.failed")), "{run}");

    let logs = |query: &str| app.get(&format!("/api/v1/runs/{id}/logs?{query}")).token(&token);
    let lines = |reply: &Value| -> Vec<String> {
        reply["items"].as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(lines(&logs("").send().await.expect(200).json()), ["It begins.", "It goes on."]);
    assert_eq!(lines(&logs("level=warn").send().await.expect(200).json()), ["It goes on."]);
    assert_eq!(lines(&logs("limit=1").send().await.expect(200).json()), ["It goes on."], "the newest");
    let first = logs("limit=1&cursor=0").send().await.expect(200).json();
    assert_eq!(lines(&first), ["It begins."]);
    let rest = logs(&format!("cursor={}", first["next_cursor"].as_str().unwrap())).send().await.expect(200).json();
    assert_eq!((lines(&rest), &rest["next_cursor"]), (vec!["It goes on.".to_owned()], &Value::Null));
    for wrong in ["level=loud", "limit=0", "limit=many", "cursor=x", "step=0"] {
        logs(wrong).send().await.refused(422, "query.invalid");
    }

    // Tried again, it goes on with what is missing.
    world.is_mended.store(true, Ordering::SeqCst);
    let retried = post(&app, &token, &format!("/api/v1/runs/{id}/retry"), json!({})).await.expect(200).json();
    assert_eq!(retried["retry_count"], 1);
    app.until("acme", &id, Status::Succeeded).await;
    let run = show(&app, &token, &id).await;
    let outcomes: Vec<_> = run["attempts"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!((outcomes, &run["progress"]), (vec![json!("failed"), json!("succeeded")], &json!(100)));
    assert_eq!(world.first_steps.load(Ordering::SeqCst), 1, "a finished step is not repeated");
    let rows = app.audit("acme").await;
    assert_eq!(rows.iter().filter(|row| row.entry.action == "run.retry" && row.entry.resource == id).count(), 1);

    // The stream tells all of it, and its end as any other run's.
    let path = format!("/api/v1/runs/{id}/events?logs=true");
    let events = app.get(&path).token(&token).send().await.expect(200).events();
    let (last, done) = (events.last().unwrap(), &events.last().unwrap().2);
    assert_eq!((last.1.as_str(), &done["status"], &done["output"]), ("done", &json!("succeeded"), &json!(1)));
    let resumed = app.get(&path).token(&token).header("last-event-id", "2");
    assert_eq!(resumed.send().await.expect(200).events(), events[2..]);
    for odd in ["-7", "99999999999999999999", "x"] {
        let call = app.get(&path).token(&token).header("last-event-id", odd);
        assert_eq!(call.send().await.expect(200).events().len(), events.len(), "{odd}");
    }
    app.finish().await;
}

async fn runs_are_found(database: Database) {
    let (app, _) = TestApp::flowing(|setup| setup.database = database).await;
    let token = app.token("acme", "ada", Role::Operator).await;
    let dead = app.stood("acme", "ada", "die", Status::Dead).await;
    let failed = app.stood("acme", "bob", "fail", Status::Failed).await;
    let well = app.stood("acme", "ada", "succeed", Status::Succeeded).await;
    let held = app.stood("acme", "ada", "hold", Status::Running).await;
    let waiting = app.stood("acme", "ada", "approval", Status::Waiting).await;
    let later = app.flow_as("acme", "ada", "succeed", |request| request.due_at = Some(i64::MAX / 2)).await;
    app.flow("other", "ada", "succeed").await;
    assert_eq!(ids(&app, &token, "").await.len(), 6);
    assert_eq!(ids(&app, &token, "status=dead").await, [dead.as_str()]);
    assert_eq!(ids(&app, &token, "status=failed,dead").await, [failed.clone(), dead.clone()]);
    assert_eq!(
        ids(&app, &token, "status=queued,running,waiting").await,
        [later.clone(), waiting.clone(), held.clone()]
    );
    assert_eq!(ids(&app, &token, "subject=bob").await, [failed.as_str()]);
    assert_eq!(ids(&app, &token, "error_code=sql.failed&subject=ada").await, [dead.as_str()]);
    assert_eq!(ids(&app, &token, "kind=flow&queue=flow&status=succeeded").await, [well.as_str()]);
    assert_eq!(ids(&app, &token, "kind=ask").await, [""; 0]);
    let first = show(&app, &token, &dead).await["created_at"].as_str().unwrap().to_owned();
    let next = rfc3339(parse_rfc3339(&first).unwrap() + 1);
    assert_eq!(ids(&app, &token, &format!("created_after={first}")).await.len(), 6);
    assert_eq!(ids(&app, &token, &format!("created_before={first}")).await, [""; 0]);
    assert!(ids(&app, &token, &format!("created_before={next}")).await.contains(&dead));
    let (mut query, mut seen) = ("limit=2&status=dead,failed,succeeded,running".to_owned(), Vec::new());
    loop {
        let page = app.get(&format!("/api/v1/runs?{query}")).token(&token).send().await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("limit=2&status=dead,failed,succeeded,running&cursor={cursor}");
    }
    assert_eq!(seen, [held, well, failed, dead]);
    for wrong in ["status=dead,happy", "created_after=yesterday", "discarded=maybe", "stuck=perhaps", "cursor=1"] {
        app.get(&format!("/api/v1/runs?{wrong}")).token(&token).send().await.refused(422, "query.invalid");
    }
    let shown = show(&app, &token, &later).await;
    assert_eq!((&shown["waiting_reason"], &shown["status"]), (&json!("scheduled"), &json!("queued")));
    let shown = show(&app, &token, &waiting).await;
    assert_eq!((&shown["waits"][0]["kind"], &shown["waits"][0]["name"]), (&json!("approval"), &json!("approval")));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_are_found_by_what_they_are_on_sqlite() {
    runs_are_found(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_are_found_by_what_they_are_on_postgres() {
    runs_are_found(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_allows_what_it_allows() {
    let (app, _) = TestApp::flowing(|_| ()).await;
    let token = app.token("acme", "ada", Role::Operator).await;
    let viewer = app.token("acme", "vic", Role::Viewer).await;
    let member = app.token("acme", "mia", Role::Member).await;
    let dead = app.stood("acme", "ada", "die", Status::Dead).await;
    let well = app.stood("acme", "ada", "succeed", Status::Succeeded).await;
    let held = app.stood("acme", "mia", "hold", Status::Running).await;
    let waiting = app.stood("acme", "ada", "signal", Status::Waiting).await;
    let because = json!({"reason": "because"});
    for (id, verb, body, code) in [
        (&well, "cancel", json!({}), "run.finished"),
        (&dead, "cancel", json!({}), "run.finished"),
        (&well, "retry", json!({}), "run.finished"),
        (&held, "retry", json!({}), "run.active"),
        (&waiting, "retry", json!({}), "run.active"),
        (&held, "discard", because.clone(), "run.active"),
        (&well, "discard", because.clone(), "run.finished"),
        (&well, "signals/go", json!({"payload": 1}), "run.finished"),
        (&held, "approve", json!({}), "run.not_waiting"),
        (&waiting, "approve", json!({}), "run.not_waiting"),
        (&well, "reject", because.clone(), "run.not_waiting"),
    ] {
        let reply = post(&app, &token, &format!("/api/v1/runs/{id}/{verb}"), body).await.refused(409, code);
        assert_eq!(reply.header("content-type"), "application/problem+json", "{verb}");
    }
    // Members do so with their own runs, viewers with none.
    for verb in ["cancel", "retry", "signals/go"] {
        for (who, id) in [(&viewer, &held), (&viewer, &dead), (&member, &dead), (&member, &waiting)] {
            let reply = post(&app, who, &format!("/api/v1/runs/{id}/{verb}"), json!({})).await;
            reply.refused(403, "role.insufficient");
        }
    }
    for verb in ["approve", "discard", "reject"] {
        let reply = post(&app, &member, &format!("/api/v1/runs/{held}/{verb}"), because.clone()).await;
        reply.refused(403, "role.insufficient");
    }
    // A cancelled run stops at once, and is told so once.
    let cancel = |id: &str| format!("/api/v1/runs/{id}/cancel");
    assert_eq!(post(&app, &member, &cancel(&held), json!({})).await.expect(200).json()["cancel_requested"], true);
    app.until("acme", &held, Status::Cancelled).await;
    assert_eq!(post(&app, &token, &cancel(&waiting), json!({})).await.expect(200).json()["status"], "cancelled");
    // A dead letter that was discarded is left alone.
    let discard = format!("/api/v1/runs/{dead}/discard");
    for wrong in [json!({}), json!({"reason": ""}), json!({"reason": "  "}), json!({"reason": "x".repeat(501)})] {
        post(&app, &token, &discard, wrong).await.refused(422, "body.invalid");
    }
    let discarded = post(&app, &token, &discard, because.clone()).await.expect(200).json();
    assert_eq!((&discarded["status"], &discarded["discarded"]["reason"]), (&json!("dead"), &json!("because")));
    assert_eq!(discarded["discarded"]["by"], "ada");
    post(&app, &token, &discard, because).await.refused(409, "run.discarded");
    post(&app, &token, &format!("/api/v1/runs/{dead}/retry"), json!({})).await.refused(409, "run.discarded");
    assert_eq!(ids(&app, &token, "status=dead").await, [""; 0]);
    assert_eq!(ids(&app, &token, "status=dead&discarded=any").await, [dead.as_str()]);
    assert_eq!(ids(&app, &token, "discarded=true").await, [dead]);
    app.finish().await;
}

async fn a_person_decides(database: Database) {
    let (app, _) = TestApp::flowing(|setup| setup.database = database).await;
    let token = app.token("acme", "ada", Role::Operator).await;
    for (verb, body, approved) in
        [("approve", json!({"comment": "fine"}), true), ("reject", json!({"reason": "too dear"}), false)]
    {
        let id = app.stood("acme", "mia", "approval", Status::Waiting).await;
        let path = format!("/api/v1/runs/{id}/{verb}");
        if !approved {
            post(&app, &token, &path, json!({})).await.refused(422, "body.invalid");
        }
        // No signal of anybody's may stand for a decision.
        let forged = post(&app, &token, &format!("/api/v1/runs/{id}/signals/approval"), json!({})).await;
        forged.refused(422, "query.invalid");
        post(&app, &token, &path, body.clone()).await.expect(200);
        app.until("acme", &id, Status::Succeeded).await;
        let output = show(&app, &token, &id).await["output"].clone();
        assert_eq!((&output["approved"], &output["by"]), (&json!(approved), &json!("ada")), "{output}");
        post(&app, &token, &path, body).await.refused(409, "run.not_waiting");
    }
    let rows = app.audit("acme").await;
    let decided: Vec<_> = rows.iter().map(|row| row.entry.action.as_str()).filter(|a| a.starts_with("run.")).collect();
    assert_eq!(decided, ["run.approve", "run.reject"]);

    let id = app.stood("acme", "ada", "signal", Status::Waiting).await;
    let signal = |name: &str| format!("/api/v1/runs/{id}/signals/{name}");
    for name in ["GO", "g%20o", &"x".repeat(65)] {
        post(&app, &token, &signal(name), json!({})).await.refused(422, "query.invalid");
    }
    let huge = json!({"payload": "x".repeat(64 * 1024)});
    post(&app, &token, &signal("go"), huge).await.refused(413, "run.too_large");
    // One key is one signal, however often it is sent, and whatever has become of the run by then.
    let keyed = |key: &str, payload: Value| {
        let call = app.post(&signal("go")).token(&token).header("idempotency-key", key);
        call.json(&json!({"payload": payload})).send()
    };
    for key in ["", " ", &"x".repeat(201)] {
        let refused = keyed(key, json!(1)).await.refused(422, "body.invalid");
        assert_eq!(refused.json()["errors"][0]["loc"], json!(["header", "Idempotency-Key"]));
    }
    let (one, other) = tokio::join!(keyed("k", json!({"n": 7})), keyed("k", json!({"n": 7})));
    assert_eq!((one.expect(200).json()["id"].clone(), other.expect(200).json()["id"].clone()), (json!(id), json!(id)));
    app.until("acme", &id, Status::Succeeded).await;
    assert_eq!(show(&app, &token, &id).await["output"], json!({"n": 7}));
    assert_eq!(keyed("k", json!({"n": 7})).await.expect(200).json()["status"], "succeeded");
    keyed("k", json!({"n": 8})).await.refused(422, "body.invalid");
    keyed("l", json!({"n": 7})).await.refused(409, "run.finished");
    let rows = app.audit("acme").await;
    assert_eq!(rows.iter().filter(|row| row.entry.action == "run.signal").count(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_decides_about_a_run_that_waits_and_the_first_decision_counts_on_sqlite() {
    a_person_decides(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_decides_about_a_run_that_waits_and_the_first_decision_counts_on_postgres() {
    a_person_decides(Database::Postgres).await;
}

async fn many_are_changed(database: Database) {
    let (app, world) = TestApp::flowing(|setup| setup.database = database).await;
    let token = app.token("acme", "ada", Role::Operator).await;
    let member = app.token("acme", "mia", Role::Member).await;
    for _ in 0..5 {
        app.stood("acme", "ada", "die", Status::Dead).await;
    }
    let failed = app.stood("acme", "ada", "fail", Status::Failed).await;
    app.stood("other", "ada", "die", Status::Dead).await;
    let bulk = |body: Value| post(&app, &token, "/api/v1/runs/bulk", body);
    let look = bulk(json!({"action": "retry", "filter": {"kind": "flow"}})).await.expect(200).json();
    assert_eq!(Document::published().faults_of_answer("post", "/api/v1/runs/bulk", "200", &look), [""; 0]);
    assert_eq!((&look["matched"], &look["by_status"]), (&json!(6), &json!({"dead": 5, "failed": 1})), "{look}");
    assert_eq!((&look["by_error"], &look["capped"]), (&json!({"sql.failed": 6}), &json!(false)));
    assert_eq!(look["sample"][0]["id"], json!(failed));
    let as_of = look["as_of"].clone();
    // What dies after the look is not swept along.
    app.clock.advance_seconds(1);
    let late = app.stood("acme", "ada", "die", Status::Dead).await;
    world.is_mended.store(true, Ordering::SeqCst);
    let mut cursor = Value::Null;
    let mut changed = 0;
    loop {
        let wish = json!({"action": "retry", "filter": {"kind": "flow", "status": ["dead"]}, "dry_run": false,
                          "as_of": as_of, "limit": 2, "cursor": cursor});
        let part = bulk(wish).await.expect(200).json();
        changed += part["changed"].as_u64().unwrap();
        cursor = part["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(changed, 5);
    assert_eq!(show(&app, &token, &late).await["retry_count"], 0);
    let rows = app.audit("acme").await;
    let counts: Vec<_> = rows.iter().filter(|row| row.entry.action == "run.bulk").map(|row| row.entry.count).collect();
    assert_eq!(counts, [2, 2, 1]);
    let mut wish = json!({"action": "discard", "filter": {"ids": [late, failed]}});
    let look = bulk(wish.clone()).await.expect(200).json();
    (wish["dry_run"], wish["as_of"], wish["reason"]) = (json!(false), look["as_of"].clone(), json!("old"));
    assert_eq!(bulk(wish).await.expect(200).json()["changed"], 1, "only dead letters are discarded");
    for wrong in [
        json!({}),
        json!({"action": "delete", "filter": {"kind": "flow"}}),
        json!({"action": "retry"}),
        json!({"action": "retry", "filter": {}}),
        json!({"action": "retry", "filter": {"kindd": "flow"}}),
        json!({"action": "retry", "filter": {"status": ["happy"]}}),
        json!({"action": "retry", "filter": {"ids": ["nonsense"]}}),
        json!({"action": "retry", "filter": {"created_after": "yesterday"}}),
        json!({"action": "discard", "filter": {"kind": "flow"}, "dry_run": false, "as_of": as_of}),
        json!({"action": "retry", "filter": {"kind": "flow"}, "dry_run": false}),
        json!({"action": "retry", "filter": {"kind": "flow"}, "dry_run": false, "as_of": "soon"}),
        json!({"action": "retry", "filter": {"kind": "flow"}, "limit": 0}),
        json!({"action": "retry", "filter": {"kind": "flow"}, "limit": -1}),
    ] {
        bulk(wrong).await.refused(422, "body.invalid");
    }
    let old = json!({"action": "retry", "filter": {"kind": "flow"}, "dry_run": false, "as_of": "2026-11-21T01:00:00Z"});
    bulk(old).await.refused(409, "bulk.too_old");
    let wish = json!({"action": "cancel", "filter": {"kind": "flow"}});
    post(&app, &member, "/api/v1/runs/bulk", wish).await.refused(403, "role.insufficient");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_runs_are_changed_after_a_look_and_part_by_part_on_sqlite() {
    many_are_changed(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_runs_are_changed_after_a_look_and_part_by_part_on_postgres() {
    many_are_changed(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_vanished_workers_hold_is_taken_back() {
    // Nobody works here, so that the runs stay as the test makes them.
    let (app, _) = TestApp::flowing(|setup| setup.settings.engine.concurrency = 0).await;
    let token = app.token("acme", "ada", Role::Operator).await;
    let id = app.flow("acme", "ada", "succeed").await;
    app.flow_as("other", "ada", "succeed", |request| request.max_attempts = 2).await;
    app.hold("ghost", "flow").await;
    let reconcile = |seconds: Value| post(&app, &token, "/api/v1/runs/reconcile", seconds);
    for wrong in [json!(0), json!(-5), json!(2_592_001), json!("x"), json!(1.5)] {
        reconcile(json!({"stale_after_seconds": wrong})).await.refused(422, "body.invalid");
    }
    let query = |text: &str| app.post(&format!("/api/v1/executions/reconcile?{text}")).token(&token);
    for (wrong, kind) in [
        ("stale_after_seconds=0", "greater_than_equal"),
        ("stale_after_seconds=-300", "greater_than_equal"),
        ("stale_after_seconds=99999999999999", "less_than_equal"),
        ("stale_after_seconds=soon", "int_parsing"),
        ("stale_after_seconds=1e3", "int_parsing"),
    ] {
        let reply = query(wrong).send().await.refused(422, "query.invalid").json();
        assert_eq!(reply["detail"][0]["type"], kind, "{wrong}");
        assert_eq!(reply["detail"][0]["loc"], json!(["query", "stale_after_seconds"]));
    }
    // The worker has been heard of just now.
    assert_eq!(query("").send().await.expect(200).json(), json!({"reconciled": 0}));
    app.clock.advance_seconds(301);
    assert_eq!(query("stale_after_seconds=600").send().await.expect(200).json(), json!({"reconciled": 0}));
    let taken = query("stale_after_seconds=300").send().await.expect(200).json();
    assert_eq!(taken, json!({"reconciled": 1}), "the other tenant's is not told of");
    // It had one attempt, which is over.
    assert_eq!(show(&app, &token, &id).await["error"]["code"], "run.interrupted");
    let rows = app.audit("acme").await;
    let row = rows.iter().find(|row| row.entry.action == "run.reconcile").unwrap();
    assert_eq!(row.entry.count, 1);
    assert_eq!(reconcile(json!({})).await.expect(200).json(), json!({"reconciled": 0, "more": false}));
    let member = app.token("acme", "mia", Role::Member).await;
    app.post("/api/v1/executions/reconcile").token(&member).send().await.refused(403, "role.insufficient");
    app.finish().await;
}
