//! `POST /api/v1/agent/run` as the original's clients know it: the same texts, with a code and a request id added.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::support::{Call, Reply, TestApp, question};

const PATH: &str = "/api/v1/agent/run";

/// Headers, and the status, text and code that answer them.
type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str, &'a str);

fn with_headers(mut call: Call, headers: &[(&str, &str)]) -> Call {
    for (name, value) in headers {
        call = call.header(name, value);
    }
    call
}

/// The body of an error of the original, with exactly the two fields that we add.
#[track_caller]
fn is_detail(reply: &Reply, status: u16, detail: &Value, code: &str) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/json");
    let id = reply.header("x-request-id");
    assert_eq!(reply.json(), json!({"detail": detail, "code": code, "request_id": id}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_state_tenant_and_role_in_development_mode() {
    let app = TestApp::development().await;
    let good = question("org_cap", "How many flights were there?");
    let cases: [Case<'_>; 7] = [
        (&[], 400, "Missing X-Tenant-Id header", "tenant.missing"),
        (&[("x-user-role", "member")], 400, "Missing X-Tenant-Id header", "tenant.missing"),
        (&[("X-Tenant-Id", "org_cap")], 400, "Missing X-User-Role header", "role.missing"),
        (&[("X-Tenant-Id", "org_cap"), ("X-User-Role", "root")], 400, "Invalid X-User-Role header", "role.invalid"),
        (
            &[("X-Tenant-Id", "other"), ("X-User-Role", "member")],
            403,
            "Tenant boundary violation: header tenant does not match requested org",
            "tenant.mismatch",
        ),
        (
            &[("X-Tenant-Id", "org_cap"), ("X-User-Role", "viewer")],
            403,
            "Insufficient role: requires member or admin",
            "role.insufficient",
        ),
        (
            &[("X-Tenant-Id", "org_cap"), ("X-Tenant", "other"), ("X-User-Role", "member")],
            400,
            "X-Tenant and X-Tenant-Id name different tenants",
            "tenant.conflict",
        ),
    ];
    for (headers, status, detail, code) in cases {
        let reply = with_headers(app.post(PATH), headers).json(&good).send().await;
        is_detail(&reply, status, &detail.into(), code);
    }
    for role in ["member", "ADMIN", "operator"] {
        let headers = [("X-Tenant-Id", "org_cap"), ("X-User-Role", role)];
        let reply = with_headers(app.post(PATH), &headers).json(&good).send().await.expect(200);
        assert_eq!(reply.json()["response_type"], "query_result", "{}", reply.text);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_production_mode_headers_state_nothing() {
    let app = TestApp::production().await;
    let headers = [("X-Tenant-Id", "org_cap"), ("X-User-Role", "admin")];
    let reply = with_headers(app.post(PATH), &headers).json(&question("org_cap", "How many flights?")).send().await;
    is_detail(&reply, 401, &"Unauthorized".into(), "auth.required");
    let token = app.token("acme", "ada", Role::Member).await;
    let reply = app.post(PATH).token(&token).json(&question("other", "How many flights?")).send().await;
    let detail = "Tenant boundary violation: header tenant does not match requested org";
    is_detail(&reply, 403, &detail.into(), "tenant.mismatch");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_field_is_named() {
    let app = TestApp::development().await;
    let headers = [("X-Tenant-Id", "org_cap"), ("X-User-Role", "member")];
    let call = || with_headers(app.post(PATH), &headers);
    let reply = call().json(&json!({"org_id": "org_cap"})).send().await;
    let missing = |name: &str| json!({"type": "missing", "loc": ["body", name], "msg": "Field required", "input": {"org_id": "org_cap"}});
    is_detail(&reply, 422, &json!([missing("user_id"), missing("message"), missing("session_id")]), "body.invalid");

    let reply = call().json(&question("org_cap", "")).send().await;
    let empty = json!([{
        "type": "string_too_short", "loc": ["body", "message"], "msg": "String should have at least 1 character",
        "input": "", "ctx": {"min_length": 1},
    }]);
    is_detail(&reply, 422, &empty, "body.invalid");
    let reply = call().json(&question("org_cap", "   ")).send().await.refused(422, "question.empty");
    assert_eq!(reply.json()["detail"][0]["loc"], json!(["body", "message"]));

    let reply = call().raw("application/json", "{bad").send().await.refused(422, "body.malformed");
    let fault = &reply.json()["detail"][0];
    assert_eq!((&fault["type"], &fault["loc"]), (&json!("json_invalid"), &json!(["body", 1])), "{}", reply.text);
    assert_eq!((&fault["msg"], &fault["input"]), (&json!("JSON decode error"), &json!({})));
    for body in ["[]", "\"x\"", "null", "1"] {
        let reply = call().raw("application/json", body).send().await.refused(422, "body.invalid");
        assert_eq!(reply.json()["detail"][0]["type"], "model_attributes_type", "{body}");
    }
    let mut wrong = question("org_cap", "How many flights?");
    wrong["message"] = json!(7);
    wrong["connection_id"] = json!("nonsense");
    let reply = call().json(&wrong).send().await.refused(422, "body.invalid");
    let places: Vec<_> =
        reply.json()["detail"].as_array().unwrap().iter().map(|fault| fault["loc"][1].clone()).collect();
    assert_eq!(places, ["message", "connection_id"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_question_is_refused_by_length_and_by_size() {
    let app = TestApp::development().await;
    let ask = |bytes: usize| app.post(PATH).token("dev_admin_token").json(&question("default", &"x".repeat(bytes)));
    let reply = ask(2_001).send().await.refused(422, "question.too_long");
    assert_eq!(reply.json()["detail"][0]["ctx"]["max_length"], 2_000);
    assert!(reply.text.len() < 1_000, "the question is not sent back whole");
    ask(1_000_000).send().await.refused(422, "question.too_long");
    ask(1 << 20).send().await.refused(413, "body.too_large");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_have_the_originals_four_fields_and_ours() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Member).await;
    let ask = |text: &str| app.post(PATH).token(&token).json(&question("acme", text));
    let reply = ask("How many flights were there in February?").send().await.expect(200);
    let answer = reply.json();
    assert_eq!(answer["response_type"], "query_result", "{}", reply.text);
    assert!(answer["summary"].as_str().unwrap().contains("56"), "{}", reply.text);
    assert_eq!(answer["data"]["row_count"], 1);
    for field in
        ["rows", "bytes_scanned", "columns", "sql", "tables", "rows_scanned", "elapsed_ms", "understanding", "chart"]
    {
        assert!(!answer["data"][field].is_null(), "{field} is missing: {}", reply.text);
    }
    assert!(answer["warnings"].is_array() && answer["run_id"].as_str().unwrap().starts_with("run_"));
    let reply = ask("How many unicorns were there?").send().await.expect(200);
    assert_eq!(reply.json()["response_type"], "refused", "{}", reply.text);
    assert!(reply.json()["data"]["unknown_words"].as_array().unwrap().contains(&json!("unicorns")), "{}", reply.text);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_choice_answers_what_was_asked_back() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Member).await;
    let ask = question("acme", "Which carrier had the most delayed flights in February?");
    let asked = app.post(PATH).token(&token).json(&ask).send().await.expect(200).json();
    assert_eq!(asked["response_type"], "clarification", "{asked}");
    let mut reply = ask.clone();
    reply["reply_to"] = asked["run_id"].clone();
    reply["choice"] = asked["data"]["choices"][0]["id"].clone();
    let answered = app.post(PATH).token(&token).json(&reply).send().await.expect(200).json();
    assert_eq!(answered["response_type"], "query_result", "{answered}");
    reply["choice"] = json!("no such choice");
    app.post(PATH).token(&token).json(&reply).send().await.refused(422, "choice.unknown");
    app.finish().await;
}
