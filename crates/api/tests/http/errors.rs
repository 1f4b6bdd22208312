//! What goes wrong, and the body that each kind of route answers it with.

use pilothouse_domain::Role;
use serde_json::json;

use crate::support::{Reply, TestApp};

/// Nothing that belongs to the inside of the program.
#[track_caller]
fn tells_nothing_inner(app: &TestApp, reply: &Reply) {
    let folder = app.data.parent().unwrap().to_string_lossy().into_owned();
    for inner in
        [folder.as_str(), "/src/", ".rs:", "panicked", "backtrace", "SQLite", "sqlx", "SELECT ", "no such table"]
    {
        assert!(!reply.text.contains(inner), "{inner}: {}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_address_is_404_in_json_for_every_method() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    for path in ["/nope", "/api/v1/nope", "/api/v1/runs/x/nope", "/robots.txt", "/assets/nope.js"] {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            if path.starts_with("/assets") && method != "GET" {
                continue;
            }
            let reply = app.call(method, path).token(&token).send().await.refused(404, "not_found");
            assert!(reply.header("content-type").starts_with("application/"), "{method} {path}");
            assert_eq!(reply.json()["detail"], "Not Found", "{method} {path}");
        }
    }
    // The unversioned routes of the operations document have a body of their own.
    let reply = app.get("/api/jobs/nope").send().await.refused(404, "not_found");
    assert_eq!((&reply.json()["ok"], &reply.json()["error"]), (&json!(false), &json!("Not Found")));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_method_is_405_and_names_the_right_ones() {
    let app = TestApp::production().await;
    let reply = app.delete("/api/v1/agent/run").send().await.refused(405, "method_not_allowed");
    assert_eq!((reply.json()["detail"].as_str(), reply.header("allow")), (Some("Method Not Allowed"), "POST"));
    let reply = app.put("/api/v1/runs").send().await.refused(405, "method_not_allowed");
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.header("allow"), "GET,HEAD,POST");
    app.post("/health").send().await.refused(405, "method_not_allowed");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_routes_answer_problem_details() {
    let app = TestApp::production().await;
    let reply = app.get("/api/v1/runs").send().await.expect(401);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let problem = reply.json();
    for field in ["type", "title", "status", "detail", "code", "request_id"] {
        assert!(!problem[field].is_null(), "{field} is missing: {problem}");
    }
    assert_eq!((&problem["status"], &problem["request_id"]), (&json!(401), &json!(reply.header("x-request-id"))));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_404_whatever_its_id_looks_like() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    let zero = "0".repeat(32);
    for id in [format!("run_{zero}"), "nonsense".to_owned(), "%2e%2e".to_owned(), "%ff".to_owned()] {
        for (method, path, code) in [
            ("GET", format!("/api/v1/runs/{id}"), "run.unknown"),
            ("GET", format!("/api/v1/runs/{id}/events"), "run.unknown"),
            ("POST", format!("/api/v1/runs/{id}/cancel"), "run.unknown"),
            ("DELETE", format!("/api/v1/tokens/{id}"), "token.unknown"),
            ("GET", format!("/api/v1/connections/{id}/catalog"), "connection.unknown"),
            ("GET", format!("/api/v1/connections/{id}/semantic"), "connection.unknown"),
            ("POST", format!("/api/v1/connections/{id}/refresh"), "connection.unknown"),
            ("DELETE", format!("/api/v1/connections/{id}"), "connection.unknown"),
        ] {
            let code = if id == "%ff" { "not_found" } else { code };
            let reply = app.call(method, &path).token(&token).send().await.refused(404, code);
            assert_eq!(reply.header("content-type"), "application/problem+json");
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_parameters_and_bodies_are_422() {
    let app = TestApp::production().await;
    let token = app.token("default", "ada", Role::Admin).await;
    for query in ["limit=many", "limit=-1", "cursor=nonsense", "cursor=1.run_x", "status=happy"] {
        let reply = app.get(&format!("/api/v1/runs?{query}")).token(&token).send().await.refused(422, "query.invalid");
        assert_eq!(reply.header("content-type"), "application/problem+json", "{query}");
    }
    app.get("/api/v1/audit?cursor=x").token(&token).send().await.refused(422, "query.invalid");
    for (path, body) in [
        ("/api/v1/tokens", json!({"subject": "bob"})),
        ("/api/v1/tokens", json!({"subject": "bob", "role": "emperor"})),
        ("/api/v1/tokens", json!({"subject": "bob", "role": "viewer", "expires_in_days": -1})),
        ("/api/v1/tokens", json!({"subject": "bob", "role": "viewer", "expires_in_days": 0})),
        ("/api/v1/tokens", json!({"subject": " ", "role": "viewer"})),
        ("/api/v1/tenants", json!({"id": "../x", "name": "x"})),
        ("/api/v1/tenants", json!({"id": "x", "name": ""})),
        ("/api/v1/connections", json!({"name": "x", "kind": "carrier pigeon"})),
        ("/api/v1/connections", json!({"name": "x", "kind": "files"})),
        ("/api/v1/connections", json!({"name": "x", "kind": "postgres", "url": "http://x"})),
        ("/api/v1/sql/check", json!({})),
    ] {
        app.post(path).token(&token).json(&body).send().await.refused(422, "body.invalid");
        let reply = app.post(path).token(&token).raw("application/json", "{").send().await;
        assert_eq!(reply.refused(422, "body.malformed").json()["errors"][0]["loc"][0], "body");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_exists_cannot_be_made_again() {
    let app = TestApp::production().await;
    let token = app.token("default", "ada", Role::Admin).await;
    let tenant = json!({"id": "acme", "name": "Acme"});
    app.post("/api/v1/tenants").token(&token).json(&tenant).send().await.expect(201);
    app.post("/api/v1/tenants").token(&token).json(&tenant).send().await.refused(409, "tenant.exists");
    app.connect_secrets(&token, "mine", "word").await;
    for name in ["mine", "sample"] {
        let body = json!({"name": name, "kind": "files", "path": app.data.join("mine")});
        app.post("/api/v1/connections").token(&token).json(&body).send().await.refused(409, "connection.exists");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_carries_its_request_id_and_the_security_headers() {
    let app = TestApp::production().await;
    let good = app.get("/health").header("x-request-id", "abc-123_4.5:6").send().await.expect(200);
    assert_eq!(good.header("x-request-id"), "abc-123_4.5:6");
    for bad in ["two words", "<script>", &"x".repeat(129), ""] {
        let reply = app.get("/nope").header("x-request-id", bad).send().await.expect(404);
        let made = reply.header("x-request-id");
        assert!(made.len() == 32 && made.bytes().all(|byte| byte.is_ascii_hexdigit()), "{made}");
        assert_eq!(reply.json()["request_id"], made);
    }
    for (method, path, host) in [
        ("GET", "/health", "localhost"),
        ("GET", "/", "localhost"),
        ("GET", "/nope", "localhost"),
        ("PUT", "/health", "localhost"),
        ("GET", "/api/v1/runs", "localhost"),
        ("POST", "/api/v1/agent/run", "localhost"),
        ("GET", "/health", "evil.example"),
    ] {
        let reply = app.call(method, path).header("host", host).send().await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(name), value, "{method} {path} {host}");
        }
        let policy = reply.header("content-security-policy");
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{method} {path}: {policy}");
        assert!(!reply.header("x-request-id").is_empty(), "{method} {path}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_database_shows_nothing_of_itself() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    app.get("/api/v1/runs").token(&token).send().await.expect(200);
    app.app.store().close().await;
    for (method, path) in [("GET", "/api/v1/runs"), ("GET", "/api/v1/connections"), ("GET", "/api/v1/session")] {
        let call = app.call(method, path).token(&token).header("cookie", "ph_session=x");
        let reply = call.send().await.refused(503, "unavailable");
        assert!(!reply.header("retry-after").is_empty());
        tells_nothing_inner(&app, &reply);
    }
    let question = crate::support::question("acme", "How many flights were there?");
    let reply = app.post("/api/v1/agent/run").token(&token).json(&question).send().await.refused(503, "unavailable");
    tells_nothing_inner(&app, &reply);
}
