//! The controls of the data team autopilot's and the data platform copilot's documents.

use std::sync::atomic::Ordering;

use pilothouse_app::Mode;
use pilothouse_domain::Role;
use pilothouse_domain::run::Status;
use serde_json::{Value, json};

use crate::support::{Call, Document, TestApp};

/// As the autopilot's clients call: tenant and role by header.
fn by_header(call: Call, tenant: &str, role: &str) -> Call {
    call.header("x-tenant-id", tenant).header("x-user-role", role)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_autopilots_clients_are_checked_in_the_recorded_order() {
    let (app, _) = TestApp::flowing(|setup| setup.settings.mode = Mode::Development).await;
    for path in ["/api/v1/workflows/runs", "/api/v1/workflows/queue", "/api/v1/workflows/dead-letters"] {
        let reply = app.get(path).send().await.refused(400, "tenant.missing");
        assert_eq!(reply.json()["detail"], "Missing X-Tenant-Id header");
        let reply = app.get(path).header("x-tenant-id", "acme").send().await.refused(400, "role.missing");
        assert_eq!(reply.json()["detail"], "Missing X-User-Role header");
        let reply = by_header(app.get(path), "acme", "emperor").send().await.refused(400, "role.invalid");
        assert_eq!(reply.json()["detail"], "Invalid X-User-Role header");
        let reply = by_header(app.get(path), "acme", "viewer").send().await.refused(422, "query.invalid");
        let missing = json!([{"type": "missing", "loc": ["query", "org_id"], "msg": "Field required", "input": null}]);
        assert_eq!(reply.json()["detail"], missing);
        let of = |org: &str| app.get(&format!("{path}?org_id={org}"));
        let reply = by_header(of("other"), "acme", "viewer").send().await.refused(403, "tenant.mismatch");
        let words = "Tenant boundary violation: header tenant does not match requested org";
        assert_eq!(reply.json()["detail"], words);
        let reply = by_header(of("acme"), "acme", "viewer").send().await.refused(403, "role.insufficient");
        assert_eq!(reply.json()["detail"], "Insufficient role: requires member or admin");
        by_header(of("acme"), "acme", "member").send().await.expect(200);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_autopilots_lists_show_runs_line_and_dead_letters() {
    let (app, _) = TestApp::flowing(|_| ()).await;
    let token = app.token("acme", "ada", Role::Member).await;
    let dead = app.stood("acme", "ada", "die", Status::Dead).await;
    let failed = app.stood("acme", "ada", "fail", Status::Failed).await;
    let waiting = app.stood("acme", "ada", "approval", Status::Waiting).await;
    let later = app.flow_as("acme", "ada", "succeed", |request| request.due_at = Some(i64::MAX / 2)).await;
    let get = async |path: &str, query: &str| -> Value {
        let call = app.get(&format!("/api/v1/workflows/{path}?org_id=acme{query}")).token(&token);
        let body = call.send().await.expect(200).json();
        let template = format!("/api/v1/workflows/{path}");
        assert_eq!(Document::published().faults_of_answer("get", &template, "200", &body), [""; 0]);
        body
    };
    let all = get("runs", "").await;
    let words: Vec<_> = all["items"].as_array().unwrap().iter().map(|run| (&run["status"], &run["state"])).collect();
    let (running, bad, given_up) = (json!("running"), json!("partial_failure"), json!("failed"));
    assert_eq!(words, [(&running, &json!("waiting")), (&bad, &json!("failed")), (&given_up, &json!("dead"))]);
    assert_eq!(all["items"][0]["workflow_id"], json!(waiting), "what has not begun is in the line only");
    assert_eq!(get("runs", "&status=partial_failure").await["items"][0]["workflow_id"], json!(failed));
    assert_eq!(get("runs", "&status=running&workflow_type=flow").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(get("runs", "&workflow_type=nothing").await["items"], json!([]));
    let first = get("runs", "&limit=1").await;
    let rest = get("runs", &format!("&limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (2, &Value::Null));
    for wrong in ["status=happy", "limit=0", "limit=201", "cursor=x"] {
        let call = app.get(&format!("/api/v1/workflows/runs?org_id=acme&{wrong}")).token(&token);
        let reply = call.send().await.refused(422, "query.invalid");
        assert!(reply.json()["detail"].is_array(), "{wrong}");
    }
    let line = get("queue", "").await;
    assert_eq!((&line["queued_total"], &line["items"][0]["queue_id"]), (&json!(1), &json!(later)));
    assert_eq!((&line["items"][0]["reason"], &line["items"][0]["position"]), (&json!("scheduled"), &json!(1)));
    let letters = get("dead-letters", "").await;
    assert_eq!(letters["items"].as_array().unwrap().len(), 1);
    assert_eq!(letters["items"][0]["dead_letter_id"], json!(dead));
    assert_eq!(letters["items"][0]["error_history"][0]["code"], "sql.failed");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_autopilots_retry_resumes_and_tells_how_far_it_came() {
    let (app, world) = TestApp::flowing(|_| ()).await;
    let token = app.token("acme", "ada", Role::Member).await;
    let failed = app.stood("acme", "ada", "fail", Status::Failed).await;
    let retry = |query: &str| app.post(&format!("/api/v1/workflows/retry?org_id=acme&{query}")).token(&token);
    let reply = retry("workflow_type=profile").send().await.refused(400, "workflow.unsupported");
    assert_eq!(reply.json()["detail"], "Unsupported workflow_type");
    let reply = retry("").send().await.refused(422, "query.invalid");
    assert_eq!(reply.json()["detail"][0]["loc"], json!(["query", "workflow_type"]));
    for unknown in [format!("run_{}", "0".repeat(32)), "nonsense".to_owned()] {
        let reply = retry(&format!("workflow_type=flow&workflow_id={unknown}")).send().await;
        assert_eq!(reply.refused(404, "run.unknown").json()["detail"], "workflow not found");
    }
    retry(&format!("workflow_type=ask&workflow_id={failed}")).send().await.refused(404, "run.unknown");
    retry("workflow_type=ask").send().await.refused(404, "run.unknown");
    let again = retry("workflow_type=flow&action=skip_and_continue").send().await.expect(200).json();
    let document = Document::published();
    assert_eq!(document.faults_of_answer("post", "/api/v1/workflows/retry", "200", &again), [""; 0]);
    assert_eq!((&again["workflow_status"], &again["workflow_id"]), (&json!("partial_failure"), &json!(failed)));
    assert_eq!(again["completed_steps"][0]["step"], "first");
    assert_eq!((&again["failed_step"]["step"], &again["failed_step"]["retry_count"]), (&json!("second"), &json!(1)));
    world.is_mended.store(true, Ordering::SeqCst);
    let done = retry(&format!("workflow_type=flow&workflow_id={failed}")).send().await.expect(200).json();
    assert_eq!(document.faults_of_answer("post", "/api/v1/workflows/retry", "200", &done), [""; 0]);
    assert_eq!((&done["status"], &done["resumed"]), (&json!("success"), &json!(true)));
    // One that ended well is answered as it is.
    let same = retry(&format!("workflow_type=flow&workflow_id={failed}")).send().await.expect(200).json();
    assert_eq!(same["status"], "success");
    let well = app.stood("acme", "ada", "succeed", Status::Succeeded).await;
    let same = retry(&format!("workflow_type=flow&workflow_id={well}")).send().await.expect(200).json();
    assert_eq!((&same["words"], &same["status"]), (&json!("done"), &json!("success")), "named keys stay");
    let held = app.stood("acme", "ada", "hold", Status::Running).await;
    let call = retry(&format!("workflow_type=flow&workflow_id={held}")).header("prefer", "wait=0");
    let going = call.send().await.expect(200).json();
    assert_eq!((&going["workflow_status"], &going["reason"]), (&json!("queued"), &json!("running")));
    let others = app.token("acme", "mia", Role::Member).await;
    let call = app.post(&format!("/api/v1/workflows/retry?org_id=acme&workflow_type=flow&workflow_id={failed}"));
    call.token(&others).send().await.refused(403, "role.insufficient");

    let cancel = |id: &str| app.post(&format!("/api/v1/workflows/{id}/cancel?org_id=acme")).token(&token);
    let cancelled = cancel(&held).send().await.expect(200).json();
    assert_eq!((&cancelled["status"], &cancelled["cancel_requested"]), (&json!("cancelled"), &json!(false)));
    assert_eq!(cancel(&well).send().await.expect(200).json()["status"], "success", "what has ended stays");
    assert_eq!(cancel("nonsense").send().await.refused(404, "run.unknown").json()["detail"], "workflow not found");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_autopilots_line_is_worked_off_and_everything_cancelled() {
    let (app, _) = TestApp::flowing(|_| ()).await;
    let member = app.token("acme", "ada", Role::Member).await;
    let admin = app.token("acme", "root", Role::Admin).await;
    let other = app.token("beta", "bob", Role::Admin).await;
    let document = Document::published();
    let post = async |path: &str, token: &str| {
        let path = format!("/api/v1/workflows/{path}");
        let body = app.post(&format!("{path}?org_id=acme")).token(token).send().await.expect(200).json();
        assert_eq!(document.faults_of_answer("post", &path, "200", &body), [""; 0]);
        body
    };
    let nothing =
        json!({"processed": 0, "skipped": 0, "dead_lettered": 0, "deferred_due_capacity": 0, "queued_total": 0});
    assert_eq!(post("process-queue", &member).await, nothing);
    let due = app.flow_as("acme", "ada", "succeed", |_| ()).await;
    app.flow_as("acme", "ada", "succeed", |request| request.due_at = Some(i64::MAX / 2)).await;
    let drained = post("process-queue", &member).await;
    assert_eq!((&drained["skipped"], &drained["queued_total"]), (&json!(1), &json!(1)), "its time has not come");
    app.until("acme", &due, Status::Succeeded).await;

    let held = app.stood("acme", "ada", "hold", Status::Running).await;
    let waiting = app.stood("acme", "ada", "approval", Status::Waiting).await;
    let elsewhere = app.stood("beta", "bob", "approval", Status::Waiting).await;
    let refused = app.post("/api/v1/workflows/cancel-all?org_id=acme").token(&member).send().await;
    assert_eq!(refused.refused(403, "role.insufficient").json()["detail"], "Insufficient role: requires admin");
    app.post("/api/v1/workflows/cancel-all?org_id=acme").token(&other).send().await.refused(403, "tenant.mismatch");
    assert_eq!(post("cancel-all", &admin).await, json!({"cancelled_runs": 2, "cancelled_queued": 1}));
    for run in [&held, &waiting] {
        app.until("acme", run, Status::Cancelled).await;
    }
    assert_eq!(post("cancel-all", &admin).await, json!({"cancelled_runs": 0, "cancelled_queued": 0}));
    app.until("beta", &elsewhere, Status::Waiting).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_platforms_executions_are_cancelled_and_retried_as_its_runbook_says() {
    let (app, world) = TestApp::flowing(|_| ()).await;
    let token = app.token("acme", "ada", Role::Admin).await;
    let call = |id: &str, verb: &str| app.post(&format!("/api/v1/executions/{id}/{verb}")).token(&token);
    let document = Document::published();
    let held = app.stood("acme", "ada", "hold", Status::Running).await;
    let same = call(&held, "retry").send().await.expect(200).json();
    assert_eq!(same, json!({"run_id": held, "status": "RUNNING", "retry_count": 0, "state": "running"}));
    let stopping = call(&held, "cancel").send().await.expect(200).json();
    let template = "/api/v1/executions/{run_id}/cancel";
    assert_eq!(document.faults_of_answer("post", template, "200", &stopping), [""; 0]);
    assert_eq!((&stopping["status"], &stopping["cancel_requested"]), (&json!("CANCELING"), &json!(true)));
    app.until("acme", &held, Status::Cancelled).await;
    assert_eq!(call(&held, "cancel").send().await.expect(200).json()["status"], "CANCELED");
    let waiting = app.stood("acme", "ada", "approval", Status::Waiting).await;
    assert_eq!(call(&waiting, "cancel").send().await.expect(200).json()["status"], "CANCELED");

    let dead = app.stood("acme", "ada", "die", Status::Dead).await;
    world.is_mended.store(true, Ordering::SeqCst);
    let retried = call(&dead, "retry").send().await.expect(200).json();
    assert_eq!((&retried["status"], &retried["retry_count"]), (&json!("PENDING"), &json!(1)));
    app.until("acme", &dead, Status::Succeeded).await;
    let reply = call(&dead, "retry").send().await.refused(409, "run.finished");
    assert_eq!(reply.json()["detail"], "run_not_retryable:SUCCEEDED");
    for verb in ["cancel", "retry"] {
        for id in [format!("run_{}", "0".repeat(32)), "nonsense".to_owned()] {
            let reply = call(&id, verb).send().await.refused(404, "run.unknown");
            assert_eq!(reply.json()["detail"], "run_not_found");
        }
    }
    world.is_mended.store(false, Ordering::SeqCst);
    let letter = app.stood("acme", "ada", "die", Status::Dead).await;
    let because = json!({"reason": "because"});
    app.post(&format!("/api/v1/runs/{letter}/discard")).token(&token).json(&because).send().await.expect(200);
    let reply = call(&letter, "retry").send().await.refused(409, "run.discarded");
    assert_eq!(reply.json()["detail"], "run_not_retryable:FAILED");
    // There is nothing yet that could be created.
    app.post("/api/v1/executions/create").token(&token).json(&json!({})).send().await.refused(404, "not_found");
    app.finish().await;
}
