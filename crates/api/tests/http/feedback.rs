//! What people think of answers: stored, counted, reviewed, dealt with; with the JSON that clients of the original know.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::support::{Database, Document, TestApp};

fn said(kind: &str, good: bool, more: Value) -> Value {
    let mut body = json!({
        "tenant_id": "default", "user_id": "u1", "artifact_id": "run_1", "artifact_version": 1, "artifact_type": kind,
        "feedback_type": if good { "positive" } else { "negative" },
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn marks_are_counted_and_dealt_with(database: Database) {
    let app = TestApp::with(|setup| setup.database = database).await;
    let viewer = app.token("default", "vera", Role::Viewer).await;
    let admin = app.token("default", "root", Role::Admin).await;
    let document = Document::published();
    let give = async |body: &Value| {
        let given = app.post("/api/v1/feedback").token(&viewer).json(body).send().await.expect(200).json();
        assert_eq!(document.faults_of_answer("post", "/api/v1/feedback", "200", &given), [""; 0]);
        given["id"].as_str().unwrap().to_owned()
    };
    let prompt = json!({"prompt_hash": "ph_1", "provider": "prov_a", "model": "m", "channel": "web", "comment": "c",
        "was_fallback": true, "session_id": "s", "conversation_context": [{"role": "user", "text": "x"}]});
    let bad = give(&said("memo", false, prompt.clone())).await;
    give(&said("dashboard", true, prompt)).await;
    give(&said("query", false, json!({"prompt_hash": "ph_1"}))).await;

    let get = async |path: &str, token: &str| {
        let path = format!("/api/v1/feedback/{path}");
        app.get(&path).token(token).send().await
    };
    let summary = get("summary?org_id=default", &viewer).await.expect(200).json();
    assert_eq!(
        summary,
        json!({"tenant_id": "default", "artifact_feedback": {
            "dashboard": {"positive": 1, "negative": 0}, "memo": {"positive": 0, "negative": 1},
            "query": {"positive": 0, "negative": 1}}, "negative_prompt_hashes": [{"prompt_hash": "ph_1", "count": 2}]})
    );
    let providers = get("provider-summary?org_id=default", &viewer).await.expect(200).json();
    let half = json!({"positive": 1, "negative": 1, "satisfaction_rate": 0.5});
    assert_eq!(
        (&providers["by_provider"]["prov_a"], providers["by_task"]["memo"]["negative"].as_i64()),
        (&half, Some(1))
    );

    get("review?org_id=default", &viewer).await.refused(403, "role.insufficient");
    let listed = get("review?org_id=default&status=unresolved&provider=prov_a", &admin).await.expect(200).json();
    assert_eq!((&listed["count"], &listed["items"][1]["id"]), (&json!(2), &json!(bad)), "newest first: {listed}");
    let mark = &listed["items"][1];
    assert_eq!(
        (&mark["feedback_type"], &mark["resolved"], &mark["comment"]),
        (&json!("negative"), &json!(false), &json!("c"))
    );
    let resolve = async |id: &str, token: &str| {
        let path = format!("/api/v1/feedback/{id}/resolve");
        app.post(&path).token(token).json(&json!({"resolved_by": "boss"})).send().await
    };
    resolve(&bad, &viewer).await.refused(403, "role.insufficient");
    let resolved = resolve(&bad, &admin).await.expect(200).json();
    assert_eq!(resolved["resolved"], true);
    assert_eq!(
        resolve(&bad, &admin).await.expect(200).json()["resolved_at"],
        resolved["resolved_at"],
        "once is enough"
    );
    let left = get("review?org_id=default&status=resolved", &admin).await.expect(200).json();
    assert_eq!((&left["count"], &left["items"][0]["resolved_by"]), (&json!(1), &json!("boss")));
    for id in ["fb_x", "fb_00000000000000000000000000000000"] {
        resolve(id, &admin).await.refused(404, "not_found");
    }

    let other = app.token("acme", "eve", Role::Admin).await;
    resolve(&bad, &other).await.refused(404, "not_found");
    get("summary?org_id=default", &other).await.refused(403, "tenant.mismatch");
    let theirs = get("summary?org_id=acme", &other).await.expect(200).json();
    assert_eq!(theirs["artifact_feedback"], json!({}));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_are_counted_reviewed_and_dealt_with() {
    marks_are_counted_and_dealt_with(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_are_counted_reviewed_and_dealt_with_on_postgres() {
    marks_are_counted_and_dealt_with(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_mark_is_said() {
    let app = TestApp::production().await;
    let viewer = app.token("default", "vera", Role::Viewer).await;
    let refuse = async |body: &Value, status: u16, code: &str| {
        app.post("/api/v1/feedback").token(&viewer).json(body).send().await.refused(status, code).json()
    };
    let wrong = refuse(&said("memo", true, json!({"feedback_type": "meh"})), 422, "body.invalid").await;
    assert_eq!(wrong["errors"][0]["type"], "literal_error", "{wrong}");
    let missing = refuse(&json!({"tenant_id": "default"}), 422, "body.invalid").await;
    assert_eq!(missing["errors"].as_array().unwrap().len(), 5, "{missing}");
    refuse(&said("memo", true, json!({"tenant_id": "acme"})), 403, "tenant.mismatch").await;
    app.finish().await;
}
