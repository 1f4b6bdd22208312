//! The operator's own way in: who comes by it needs no proof, and no header stands for it.

use axum::body::Body;
use axum::http::Request;
use pilothouse_api::{InProcess, State};
use pilothouse_domain::Role;
use pilothouse_domain::audit::Outcome;
use serde_json::{Value, json};

use crate::support::{TestApp, question};

/// Status and body of a request by the operator's way.
async fn by_operator(app: &TestApp, request: Request<Body>) -> (u16, Value) {
    let server = pilothouse_api::Settings::default();
    let answer = InProcess::new(State::new(app.app.clone(), server)).answer(request).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
}

fn get(path: &str) -> axum::http::request::Builder {
    Request::get(path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_needs_no_proof_and_is_not_limited() {
    let app = TestApp::with(|setup| {
        setup.settings.limits.enabled = true;
        setup.settings.limits.requests = 1;
        setup.settings.auth.tenant_strict = true;
    })
    .await;
    for _ in 0..5 {
        let (status, body) = by_operator(&app, get("/api/v1/tenants").body(Body::empty()).unwrap()).await;
        assert_eq!((status, &body["items"][0]["id"]), (200, &json!("default")), "{body}");
    }
    // What keeps browsers and strangers out has no meaning here, and a token adds and takes nothing.
    let odd = get("/api/v1/tokens").header("host", "evil.example").header("authorization", "Bearer ph_wrong");
    let (status, body) = by_operator(&app, odd.header("x-tenant", "default").body(Body::empty()).unwrap()).await;
    assert_eq!(status, 200, "{body}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_does_and_is_refused_is_written_down() {
    let app = TestApp::production().await;
    app.token("acme", "ada", Role::Admin).await;
    let post = Request::post("/api/v1/tokens").header("x-tenant", "acme").header("origin", "https://evil.example");
    let post = post.header("content-type", "application/json").header("x-request-id", "the-request");
    let body = json!({"subject": "bob", "role": "viewer"}).to_string();
    let (status, made) = by_operator(&app, post.body(Body::from(body)).unwrap()).await;
    assert_eq!((status, &made["tenant"]), (201, &json!("acme")), "{made}");
    let elsewhere = get("/api/v1/tenants").header("x-tenant", "acme").body(Body::empty()).unwrap();
    let (status, refused) = by_operator(&app, elsewhere).await;
    assert_eq!((status, &refused["code"]), (403, &json!("role.insufficient")));
    let rows = app.audit("acme").await;
    let told = |row: usize| {
        let entry = &rows[rows.len() - row].entry;
        (entry.subject.clone(), entry.action.clone(), entry.outcome)
    };
    let operator = "command line".to_owned();
    assert_eq!(told(2), (operator.clone(), "token.create".to_owned(), Outcome::Allowed));
    assert_eq!(told(1), (operator, "request".to_owned(), Outcome::Refused));
    assert_eq!(rows[rows.len() - 2].entry.request_id, "the-request");
    let mistyped = Request::delete("/api/v1/tokens/x").header("x-tenant", "acne").body(Body::empty()).unwrap();
    let (status, refused) = by_operator(&app, mistyped).await;
    assert_eq!((status, &refused["code"]), (404, &json!("tenant.unknown")), "{refused}");
    assert_eq!(app.audit("acne").await.len(), 0, "a tenant of nobody has no log");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_header_makes_an_operator() {
    let app = TestApp::production().await;
    for (name, value) in [
        ("operator", "1"),
        ("x-operator", "true"),
        ("x-pilothouse-operator", "command line"),
        ("x-user-role", "admin"),
        ("x-forwarded-for", "unix:"),
        ("forwarded", "for=unix;by=pilothouse.sock"),
        ("x-dash-key", "command line"),
        ("authorization", "Operator command line"),
        ("cookie", "ph_session=operator"),
    ] {
        let reply =
            app.get("/api/v1/tenants").header(name, value).header("x-tenant", "default").send().await.expect(401);
        assert!(["auth.required", "auth.invalid"].contains(&reply.json()["code"].as_str().unwrap()), "{}", reply.text);
    }
    app.get("/api/v1/tenants").header("host", "pilothouse.sock").send().await.refused(403, "auth.host");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proof_and_the_settings_are_for_the_installations_admins() {
    let app = TestApp::production().await;
    let (home, acme) = (app.token("default", "ada", Role::Admin).await, app.token("acme", "bob", Role::Admin).await);
    let proof = app.get("/api/v1/audit/verify").token(&home).send().await.expect(200).json();
    assert_eq!(proof["whole"], true);
    let scopes: Vec<_> = proof["chains"].as_array().unwrap().iter().map(|chain| &chain["scope"]).collect();
    assert!(scopes.contains(&&json!("acme")) && scopes.contains(&&json!("default")), "{scopes:?}");
    let settings = app.get("/api/v1/installation").token(&home).send().await.expect(200).json();
    let durable = json!({"name": "writer.synchronous", "value": "2"});
    assert!(settings["durability"].as_array().unwrap().contains(&durable), "{settings}");
    for path in ["/api/v1/audit/verify", "/api/v1/installation"] {
        app.get(path).token(&acme).send().await.refused(403, "role.insufficient");
        app.get(path).token(&home).header("x-user-role", "operator").send().await.refused(403, "role.insufficient");
        app.get(path).send().await.refused(401, "auth.required");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_prefers_not_to_wait_is_told_the_run() {
    let app = TestApp::with(|setup| setup.settings.engine.concurrency = 1).await;
    let token = app.token("default", "ada", Role::Member).await;
    let mut runs = Vec::new();
    for _ in 0..8 {
        let ask = app.post("/api/v1/agent/run").token(&token).header("prefer", "respond-async, wait=0");
        let told = ask.json(&question("default", "How many flights were there in February?")).send().await;
        runs.push(told.expect(200).json());
    }
    // One worker cannot have ended all of them meanwhile.
    assert!(runs.iter().any(|told| told["response_type"] == "queued"), "{runs:?}");
    for told in &runs {
        let path = format!("/api/v1/runs/{}/events", told["run_id"].as_str().unwrap());
        let (_, kind, answer) = app.get(&path).token(&token).send().await.expect(200).events().pop().unwrap();
        assert_eq!((kind.as_str(), &answer["response_type"]), ("answer", &json!("query_result")), "{answer}");
        assert_eq!(answer["run_id"], told["run_id"]);
    }
    app.finish().await;
}
