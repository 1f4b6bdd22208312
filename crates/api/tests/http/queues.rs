//! Queues: how deep they are, pauses, limits; and the workers.

use pilothouse_domain::Role;
use pilothouse_domain::run::Status;
use serde_json::{Value, json};

use crate::support::{Database, Document, Reply, TestApp};

async fn get(app: &TestApp, token: &str, path: &str) -> Value {
    app.get(path).token(token).send().await.expect(200).json()
}

async fn limits(app: &TestApp, token: &str, body: Value) -> Reply {
    app.put("/api/v1/queues/flow/limits").token(token).json(&body).send().await
}

async fn depths_are_shown(database: Database) {
    let (app, _) = TestApp::flowing(|setup| setup.database = database).await;
    let (acme, admin) = (app.token("acme", "ada", Role::Viewer).await, app.token("default", "ada", Role::Admin).await);
    app.stood("acme", "ada", "die", Status::Dead).await;
    app.stood("acme", "ada", "succeed", Status::Succeeded).await;
    app.stood("acme", "ada", "approval", Status::Waiting).await;
    app.stood("acme", "ada", "hold", Status::Running).await;
    app.flow_as("acme", "ada", "succeed", |request| request.due_at = Some(i64::MAX / 2)).await;
    app.stood("other", "ada", "hold", Status::Running).await;
    let queue = get(&app, &acme, "/api/v1/queues/flow").await;
    assert_eq!(Document::published().faults_of_answer("get", "/api/v1/queues/{name}", "200", &queue), [""; 0]);
    let depth = |queue: &Value| -> Vec<i64> {
        ["queued", "delayed", "running", "waiting", "dead", "workers"]
            .iter()
            .map(|name| queue[*name].as_i64().unwrap())
            .collect()
    };
    assert_eq!(depth(&queue), [0, 1, 1, 1, 1, 1]);
    assert_eq!((&queue["kinds"], &queue["per_minute"]), (&json!(["flow"]), &json!({"succeeded": 0.2, "failed": 0.2})));
    let listed = get(&app, &acme, "/api/v1/queues").await;
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|queue| queue["name"].clone()).collect();
    assert_eq!(names, [json!("ask"), json!("flow"), json!("query")]);
    let whole = get(&app, &admin, "/api/v1/queues/flow?scope=installation").await;
    assert_eq!((depth(&whole), &whole["per_minute"]), (vec![0, 1, 2, 1, 1, 1], &Value::Null));
    let refused = app.get("/api/v1/queues?scope=installation").token(&acme).send().await;
    refused.refused(403, "role.insufficient");
    app.get("/api/v1/queues?scope=world").token(&acme).send().await.refused(422, "query.invalid");
    app.get("/api/v1/queues/nothing").token(&acme).send().await.refused(404, "queue.unknown");

    let metrics = app.get("/metrics").send().await.expect(200).text;
    for line in [
        r#"pilothouse_queue_depth{queue="flow",state="running"} 2"#,
        r#"pilothouse_queue_depth{queue="ask",state="ready"} 0"#,
        r#"pilothouse_queue_oldest_wait_seconds{queue="flow"} 0"#,
        r#"pilothouse_dead_letters{queue="flow"} 1"#,
        r#"job_queue_length{queue="flow"} 1"#,
        // Five were begun here, of which two wait or are at work; the dead one had one attempt.
        r#"pilothouse_run_wait_seconds_count{queue="flow"} 5"#,
        r#"pilothouse_run_wait_seconds_bucket{queue="flow",le="+Inf"} 5"#,
        r#"pilothouse_run_wait_seconds_count{queue="ask"} 0"#,
        r#"pilothouse_run_seconds_count{queue="flow"} 2"#,
        r#"pilothouse_attempts_total{queue="flow",outcome="succeeded"} 1"#,
        r#"pilothouse_attempts_total{queue="flow",outcome="dead"} 1"#,
        r#"pilothouse_attempts_total{queue="flow",outcome="waiting"} 1"#,
        "pilothouse_fenced_writes_total 0",
        "pilothouse_schedule_late 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }

    let workers = get(&app, &admin, "/api/v1/workers").await;
    assert_eq!(Document::published().faults_of_answer("get", "/api/v1/workers", "200", &workers), [""; 0]);
    let worker = &workers["items"][0];
    assert_eq!((&worker["alive"], &worker["running"], &worker["concurrency"]), (&json!(true), &json!(2), &json!(16)));
    assert_eq!(worker["workflows"], json!(["ask@1", "flow@1", "query@1"]));
    app.get("/api/v1/workers").token(&acme).send().await.refused(403, "role.insufficient");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_shows_how_deep_it_is_to_each_tenant_its_own_on_sqlite() {
    depths_are_shown(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_shows_how_deep_it_is_to_each_tenant_its_own_on_postgres() {
    depths_are_shown(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_queue_begins_nothing_and_goes_on_when_it_is_resumed() {
    let (app, _) = TestApp::flowing(|_| ()).await;
    let admin = app.token("default", "ada", Role::Operator).await;
    let outsider = app.token("acme", "ada", Role::Admin).await;
    let pause = |token: &str, body: Value| app.post("/api/v1/queues/flow/pause").token(token).json(&body);
    pause(&outsider, json!({"reason": "mine"})).send().await.refused(403, "role.insufficient");
    for wrong in [json!({}), json!({"reason": ""}), json!({"reason": "x".repeat(501)})] {
        pause(&admin, wrong).send().await.refused(422, "body.invalid");
    }
    let paused = pause(&admin, json!({"reason": "a repair"})).send().await.expect(200).json();
    assert_eq!((&paused["paused"]["by"], &paused["paused"]["reason"]), (&json!("ada"), &json!("a repair")));
    let again = pause(&admin, json!({"reason": "another"})).send().await.expect(200).json();
    assert_eq!(again, paused, "what is paused stays so");
    let id = app.flow("acme", "ada", "succeed").await;
    let run = get(&app, &outsider, &format!("/api/v1/runs/{id}")).await;
    assert_eq!((&run["status"], &run["waiting_reason"]), (&json!("queued"), &json!("queue_paused")));
    let resumed = app.post("/api/v1/queues/flow/resume").token(&admin).send().await.expect(200).json();
    assert_eq!(resumed["paused"], Value::Null);
    app.until("acme", &id, Status::Succeeded).await;
    app.post("/api/v1/queues/nothing/resume").token(&admin).send().await.refused(404, "queue.unknown");
    let kinds: Vec<_> = app.audit("default").await.into_iter().map(|row| row.entry.action).collect();
    assert_eq!(
        kinds.iter().filter(|kind| kind.starts_with("queue.")).collect::<Vec<_>>(),
        ["queue.pause", "queue.resume"]
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_until_they_are_lifted() {
    let (app, world) = TestApp::flowing(|_| ()).await;
    let admin = app.token("default", "ada", Role::Admin).await;
    let acme = app.token("acme", "ada", Role::Admin).await;
    limits(&app, &acme, json!({"total": 1})).await.refused(403, "role.insufficient");
    for wrong in [
        json!({"total": -1}),
        json!({"total": "many"}),
        json!({"per_tenant": 10_001}),
        json!({"rate": {"starts": 0, "per_seconds": 60}}),
        json!({"rate": {"starts": 10}}),
        json!({"rate": {"starts": 10, "per_seconds": 86_401}}),
        json!({"rate": 7}),
    ] {
        limits(&app, &admin, wrong).await.refused(422, "body.invalid");
    }
    let body = json!({"total": 4, "per_tenant": 1, "rate": {"starts": 100, "per_seconds": 60}});
    assert_eq!(Document::published().faults_of_request("put", "/api/v1/queues/{name}/limits", &body), [""; 0]);
    let set = limits(&app, &admin, body).await.expect(200).json();
    assert_eq!(set["limits"]["rate"], json!({"starts": 100, "per_seconds": 60}));
    let first = app.stood("acme", "ada", "hold", Status::Running).await;
    let second = app.flow("acme", "ada", "hold").await;
    let run = get(&app, &acme, &format!("/api/v1/runs/{second}")).await;
    assert_eq!((&run["status"], &run["waiting_reason"]), (&json!("queued"), &json!("concurrency_limit")));
    let line = get(&app, &acme, "/api/v1/workflows/queue?org_id=acme").await;
    assert_eq!(line["items"][0]["reason"], "concurrency_limit");
    let lifted = limits(&app, &admin, json!({"per_tenant": null, "rate": null})).await.expect(200).json();
    let expected = json!({"total": 4, "per_tenant": null, "per_key": null, "rate": null});
    assert_eq!(lifted["limits"], expected, "what nobody names stays");
    app.until("acme", &second, Status::Running).await;
    world.gate.add_permits(2);
    app.until("acme", &first, Status::Succeeded).await;
    app.until("acme", &second, Status::Succeeded).await;
    app.finish().await;
}
