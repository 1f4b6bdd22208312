//! The jobs of AutoDevOps and of EchoPilot's operations document.

use std::sync::atomic::Ordering;

use pilothouse_domain::Role;
use pilothouse_domain::run::Status;
use serde_json::{Value, json};

use crate::support::{Document, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn autodevops_clients_list_look_log_and_count() {
    let (app, _) = TestApp::flowing(|_| ()).await;
    let token = app.token("acme", "ada", Role::Viewer).await;
    let document = Document::published();
    let dead = app.stood("acme", "ada", "die", Status::Dead).await;
    let well = app.stood("acme", "ada", "succeed", Status::Succeeded).await;
    let waiting = app.stood("acme", "ada", "approval", Status::Waiting).await;
    let later = app.flow_as("acme", "ada", "succeed", |request| request.due_at = Some(i64::MAX / 2)).await;
    app.stood("other", "ada", "succeed", Status::Succeeded).await;
    let get = async |path: &str, template: &str| -> Value {
        let body = app.get(path).token(&token).send().await.expect(200).json();
        assert_eq!(document.faults_of_answer("get", template, "200", &body), [""; 0], "{path}");
        body
    };
    let of =
        |jobs: &Value| -> Vec<Value> { jobs["jobs"].as_array().unwrap().iter().map(|job| job["id"].clone()).collect() };
    let all = get("/jobs", "/jobs").await;
    assert_eq!(of(&all), [json!(later), json!(waiting), json!(well), json!(dead)]);
    assert_eq!(all["jobs"][1]["status"], "processing");
    assert_eq!((&all["jobs"][2]["progress"], &all["jobs"][3]["progress"]), (&json!(100), &json!(40)));
    assert_eq!(
        (&all["jobs"][2]["error_message"], &all["jobs"][3]["error_message"]),
        (&Value::Null, &json!("The second step broke."))
    );
    assert_eq!(of(&get("/jobs?status=failed", "/jobs").await), [json!(dead)]);
    assert_eq!(of(&get("/jobs?status=queued", "/jobs").await), [json!(later)]);
    assert_eq!(of(&get("/jobs?limit=2&offset=1", "/jobs").await), [json!(waiting), json!(well)]);
    assert_eq!(of(&get("/jobs?offset=10000", "/jobs").await), [Value::Null; 0]);
    assert_eq!(of(&get("/jobs?repository_id=r1", "/jobs").await), [Value::Null; 0]);
    for (wrong, kind) in [
        ("offset=-1", "greater_than_equal"),
        ("offset=10001", "less_than_equal"),
        ("limit=0", "greater_than_equal"),
        ("limit=x", "int_parsing"),
        ("status=happy", "enum"),
    ] {
        let reply = app.get(&format!("/jobs?{wrong}")).token(&token).send().await.refused(422, "query.invalid").json();
        assert_eq!(reply["detail"][0]["type"], kind, "{wrong}");
    }
    assert_eq!(get(&format!("/jobs/{well}"), "/jobs/{id}").await["job"]["result_data"]["words"], "done");
    let lines = get(&format!("/jobs/{well}/logs"), "/jobs/{id}/logs").await;
    assert_eq!((&lines["logs"][0]["level"], &lines["logs"][1]["level"]), (&json!("info"), &json!("warning")));
    let newest = get(&format!("/jobs/{well}/logs?limit=1"), "/jobs/{id}/logs").await;
    assert_eq!(newest["logs"], json!([lines["logs"][1]]));
    app.get(&format!("/jobs/{well}/logs?limit=1001")).token(&token).send().await.refused(422, "query.invalid");
    let stats = get("/jobs/queue/stats", "/jobs/queue/stats").await;
    let counts = json!({"queued": 1, "processing": 1, "completed": 1, "failed": 1});
    assert_eq!(stats, json!({"queue_length": 1, "status_counts": counts}));
    for path in ["/jobs/nonsense", "/jobs/queue", "/jobs/nonsense/logs"] {
        let reply = app.get(path).token(&token).send().await.refused(404, "run.unknown");
        assert_eq!(reply.json()["detail"], "Job not found", "{path}");
    }
    app.get("/jobs").send().await.refused(401, "auth.required");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_job_that_has_not_begun_is_deleted() {
    let (app, _) = TestApp::flowing(|_| ()).await;
    let token = app.token("acme", "ada", Role::Member).await;
    let delete = |id: &str| app.delete(&format!("/jobs/{id}")).token(&token);
    let later = app.flow_as("acme", "ada", "succeed", |request| request.due_at = Some(i64::MAX / 2)).await;
    let gone = delete(&later).send().await.expect(200).json();
    assert_eq!(Document::published().faults_of_answer("delete", "/jobs/{id}", "200", &gone), [""; 0]);
    assert_eq!((&gone["status"], &gone["job"]["status"]), (&json!("success"), &json!("failed")));
    assert_eq!(
        (&gone["job"]["error_message"], &gone["job"]["state"]),
        (&json!("Job cancelled by user"), &json!("cancelled"))
    );
    for (what, status, words, code) in [
        ("hold", Status::Running, "processing", "run.active"),
        ("approval", Status::Waiting, "processing", "run.active"),
        ("succeed", Status::Succeeded, "completed", "run.finished"),
        ("die", Status::Dead, "failed", "run.finished"),
    ] {
        let id = app.stood("acme", "ada", what, status).await;
        let reply = delete(&id).send().await.refused(409, code);
        assert_eq!(reply.json()["detail"], format!("Cannot cancel job with status: {words}"));
    }
    let others = app.flow_as("acme", "bob", "succeed", |request| request.due_at = Some(i64::MAX / 2)).await;
    delete(&others).send().await.refused(403, "role.insufficient");
    delete("nonsense").send().await.refused(404, "run.unknown");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_what_stands_still_and_why() {
    let (app, world) = TestApp::flowing(|_| ()).await;
    let token = app.token("acme", "ada", Role::Operator).await;
    let document = Document::published();
    let get = async |path: &str| -> Value { app.get(path).token(&token).send().await.expect(200).json() };
    let waiting = app.stood("acme", "ada", "approval", Status::Waiting).await;
    let held = app.stood("acme", "ada", "hold", Status::Running).await;
    let none = get("/api/jobs/stuck").await;
    assert_eq!((&none["ok"], &none["data"]["stuck_jobs_count"]), (&json!(true), &json!(0)), "{none}");
    assert_eq!(none["data"]["stuck_after_seconds"], 1800);
    let dead = app.stood("acme", "ada", "die", Status::Dead).await;
    app.stood("other", "ada", "die", Status::Dead).await;
    let stuck = get("/api/jobs/stuck").await;
    assert_eq!(document.faults_of_answer("get", "/api/jobs/stuck", "200", &stuck), [""; 0]);
    let first = &stuck["data"]["jobs"][0];
    assert_eq!((&first["job_id"], &first["stuck_reason"]), (&json!(dead), &json!("dead_letter")));
    assert_eq!(stuck["data"]["stuck_jobs_count"], 1);

    // The clock goes on; the worker shows life again, its run still says nothing.
    app.clock.advance_seconds(3600);
    app.beat().await;
    let stuck = get("/api/jobs/stuck?stale_after_seconds=600").await;
    let mut reasons: Vec<_> = stuck["data"]["jobs"].as_array().unwrap().iter().collect();
    reasons.sort_by_key(|job| job["stuck_reason"].as_str().unwrap().to_owned());
    let reasons: Vec<_> = reasons.iter().map(|job| (&job["job_id"], &job["stuck_reason"])).collect();
    assert_eq!(reasons, [(&json!(dead), &json!("dead_letter")), (&json!(held), &json!("no_progress"))], "{waiting}");
    assert_eq!(get("/api/jobs/stuck?stale_after_seconds=7200").await["data"]["stuck_jobs_count"], 1);
    let listed = get("/api/v1/runs?stuck=true").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);

    let detail = get(&format!("/api/job/{held}")).await;
    assert_eq!(document.faults_of_answer("get", "/api/job/{id}", "200", &detail), [""; 0]);
    assert_eq!((&detail["data"]["stuck"], &detail["data"]["status"]), (&json!(true), &json!("Processing")));
    assert_eq!(get(&format!("/api/job/{waiting}")).await["data"]["status"], "Waiting Human");

    let retry = |id: &str| app.post(&format!("/api/job/{id}/retry")).token(&token);
    world.is_mended.store(true, Ordering::SeqCst);
    let retried = retry(&dead).send().await.expect(200).json();
    assert_eq!(document.faults_of_answer("post", "/api/job/{id}/retry", "200", &retried), [""; 0]);
    assert_eq!((&retried["data"]["status"], &retried["data"]["retry_count"]), (&json!("New"), &json!(1)));
    app.until("acme", &dead, Status::Succeeded).await;
    for (id, code) in [(&waiting, "run.active"), (&dead, "run.finished")] {
        let reply = retry(id).send().await.refused(409, code).json();
        assert_eq!((&reply["ok"], reply["error"].is_string()), (&json!(false), true));
    }
    // The run that stands still is taken from its worker; it had one attempt, so that it is dead and can be retried.
    let taken = retry(&held).send().await.expect(200).json();
    assert_eq!(taken["data"]["state"], "dead", "{taken}");
    // Its attempt is stopped.
    app.idle().await;
    world.gate.add_permits(1);
    assert_eq!(retry(&held).send().await.expect(200).json()["data"]["state"], "queued");
    app.until("acme", &held, Status::Succeeded).await;
    for (query, said) in [
        ("limit=0", "limit: Input should be greater than or equal to 1"),
        ("stale_after_seconds=59", "stale_after_seconds: Input should be greater than or equal to 60"),
        ("stale_after_seconds=-1", "stale_after_seconds: Input should be greater than or equal to 60"),
    ] {
        let reply = app.get(&format!("/api/jobs/stuck?{query}")).token(&token).send().await;
        assert_eq!(reply.refused(422, "query.invalid").json()["error"], said);
    }
    for id in [format!("run_{}", "0".repeat(32)), "nonsense".to_owned()] {
        let reply = app.get(&format!("/api/job/{id}")).header("x-dash-key", &token).send().await;
        assert_eq!(reply.refused(404, "run.unknown").json()["error"], "There is no such job.");
        retry(&id).send().await.refused(404, "run.unknown");
    }
    let member = app.token("acme", "mia", Role::Member).await;
    app.get("/api/jobs/stuck").token(&member).send().await.refused(403, "role.insufficient");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_nobody_takes_and_one_whose_worker_is_gone_stand_still() {
    let (app, _) = TestApp::flowing(|setup| setup.settings.engine.concurrency = 0).await;
    let token = app.token("acme", "ada", Role::Operator).await;
    let held = app.flow_as("acme", "ada", "hold", |request| request.max_attempts = 2).await;
    app.hold("ghost", "flow").await;
    let left = app.flow("acme", "ada", "succeed").await;
    app.clock.advance_seconds(1801);
    let stuck = app.get("/api/jobs/stuck").token(&token).send().await.expect(200).json();
    let reasons: Vec<_> =
        stuck["data"]["jobs"].as_array().unwrap().iter().map(|job| (&job["job_id"], &job["stuck_reason"])).collect();
    assert_eq!(reasons, [(&json!(held), &json!("no_heartbeat")), (&json!(left), &json!("not_picked_up"))]);
    // Paused, it waits as it should.
    let admin = app.token("default", "ada", Role::Admin).await;
    let pause = app.post("/api/v1/queues/flow/pause").token(&admin).json(&json!({"reason": "a test"}));
    pause.send().await.expect(200);
    let stuck = app.get("/api/jobs/stuck").token(&token).send().await.expect(200).json();
    assert_eq!(stuck["data"]["stuck_jobs_count"], 1, "{stuck}");
    let retried = app.post(&format!("/api/job/{held}/retry")).token(&token).send().await.expect(200).json();
    assert_eq!((&retried["data"]["state"], &retried["data"]["status"]), (&json!("queued"), &json!("New")));
    app.finish().await;
}
