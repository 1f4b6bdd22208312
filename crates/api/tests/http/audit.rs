//! The audit log: a row for every change and every refusal, in the right chain.

use pilothouse_domain::Role;
use pilothouse_domain::audit::{INSTALLATION, Outcome};
use pilothouse_domain::canonical::payload_hash;
use serde_json::{Value, json};

use crate::support::{Call, TestApp, question};

/// Sends `call` and looks at the row that it adds to the tenant's chain.
async fn adds(app: &TestApp, call: Call, status: u16, action: &str, outcome: Outcome, code: &str) -> (Value, String) {
    let before = app.audit("acme").await.len();
    let reply = call.header("x-request-id", "the-request").send().await.expect(status);
    let rows = app.audit("acme").await;
    assert_eq!(rows.len(), before + 1, "{action}: {}", reply.text);
    let row = &rows.last().unwrap().entry;
    assert_eq!((row.action.as_str(), row.outcome, row.code.as_str()), (action, outcome, code), "{row:?}");
    assert_eq!((row.subject.as_str(), row.request_id.as_str(), row.count), ("ada", "the-request", 1), "{row:?}");
    assert_eq!(row.payload_hash.len(), 64, "{row:?}");
    let body = if reply.text.is_empty() { Value::Null } else { reply.json() };
    (body, row.payload_hash.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_writes_a_row() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    let allowed = |call: Call, status, action| adds(&app, call, status, action, Outcome::Allowed, "");

    let body = json!({"subject": "bob", "role": "viewer"});
    let (made, hash) = allowed(app.post("/api/v1/tokens").token(&token).json(&body), 201, "token.create").await;
    assert_eq!(hash, payload_hash(&("bob", Role::Viewer, None::<u32>)));
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    allowed(app.delete(&path).token(&token), 204, "token.revoke").await;

    std::fs::create_dir_all(app.data.join("own")).unwrap();
    std::fs::write(app.data.join("own/words.csv"), "id,word\n1,a\n2,b\n").unwrap();
    let body = json!({"name": "own", "kind": "files", "path": app.data.join("own")});
    let call = app.post("/api/v1/connections").token(&token).json(&body);
    let (made, _) = allowed(call, 201, "connection.create").await;
    let path = format!("/api/v1/connections/{}", made["id"].as_str().unwrap());
    allowed(app.post(&format!("{path}/refresh")).token(&token), 200, "connection.refresh").await;
    let semantic = format!("{path}/semantic");
    let model = app.get(&semantic).token(&token).send().await.expect(200).json();
    let body = json!({"yaml": model["yaml"]});
    let (_, hash) = allowed(app.put(&semantic).token(&token).json(&body), 200, "semantic.put").await;
    assert_eq!(hash, payload_hash(&model["yaml"]));
    allowed(app.delete(&path).token(&token), 204, "connection.delete").await;

    let ask = app.post("/api/v1/agent/run").token(&token).json(&question("acme", "How many flights were there?"));
    let (_, hash) = allowed(ask, 200, "ask.run").await;
    assert_eq!(hash, payload_hash(&"How many flights were there?"));

    let sign_in = app.post("/api/v1/session").json(&json!({"token": token}));
    let (session, _) = allowed(sign_in, 200, "session.begin").await;
    let again = app.post("/api/v1/session").json(&json!({"token": token})).send().await.expect(200);
    let cookie = again.header("set-cookie").split(';').next().unwrap().to_owned();
    let csrf = again.json()["csrf_token"].as_str().unwrap().to_owned();
    assert_ne!(session["csrf_token"], csrf.as_str(), "every session has its own");
    let by_cookie = |call: Call| call.header("cookie", &cookie).header("x-csrf-token", &csrf);
    let switch = by_cookie(app.post("/api/v1/session/tenant")).json(&json!({"tenant": "acme"}));
    allowed(switch, 200, "session.switch").await;
    allowed(by_cookie(app.delete("/api/v1/session")), 204, "session.end").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refusal_of_a_known_caller_writes_a_row_in_its_own_chain() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    app.token("other", "eve", Role::Admin).await;
    let others = app.audit("other").await.len();
    let refused = |call: Call, status, action, code| adds(&app, call, status, action, Outcome::Refused, code);

    let as_viewer = |call: Call| call.token(&token).header("x-user-role", "viewer");
    refused(as_viewer(app.get("/api/v1/tokens")), 403, "token.list", "role.insufficient").await;
    refused(as_viewer(app.get("/api/v1/audit")), 403, "audit.read", "role.insufficient").await;
    let ask = as_viewer(app.post("/api/v1/agent/run")).json(&question("acme", "How many flights?"));
    refused(ask, 403, "ask.run", "role.insufficient").await;
    refused(app.get("/api/v1/tenants").token(&token), 403, "request", "role.insufficient").await;
    let foreign = app.get("/api/v1/runs").token(&token).header("x-tenant", "other");
    refused(foreign, 403, "request", "tenant.forbidden").await;
    let contradicting = app.post("/api/v1/agent/run").token(&token).json(&question("other", "How many flights?"));
    refused(contradicting, 403, "request", "tenant.mismatch").await;
    refused(app.get("/api/v1/tenants/other/health").token(&token), 403, "request", "tenant.mismatch").await;

    let listed = app.get("/api/v1/connections").token(&token).send().await.expect(200).json();
    let sample = format!("/api/v1/connections/{}", listed["items"][0]["id"].as_str().unwrap());
    refused(app.delete(&sample).token(&token), 403, "request", "connection.read_only").await;
    let put = app.put(&format!("{sample}/semantic")).token(&token).json(&json!({"yaml": "x"}));
    refused(put, 403, "request", "connection.read_only").await;
    let outside = json!({"name": "outside", "kind": "files", "path": "/etc"});
    let outside = app.post("/api/v1/connections").token(&token).json(&outside);
    refused(outside, 403, "request", "connection.path_forbidden").await;
    let private = json!({"name": "inside", "kind": "postgres", "url": "postgres://a:b@127.0.0.1/x"});
    let private = app.post("/api/v1/connections").token(&token).json(&private);
    refused(private, 403, "request", "connection.address_forbidden").await;
    let unknown = format!("/api/v1/tokens/tok_{}", "0".repeat(32));
    refused(app.delete(&unknown).token(&token), 404, "request", "token.unknown").await;

    let signed_in = app.post("/api/v1/session").json(&json!({"token": token})).send().await.expect(200);
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let bare = app.post("/api/v1/tokens").header("cookie", &cookie).json(&json!({}));
    refused(bare, 403, "request", "auth.csrf").await;
    assert_eq!(app.audit("other").await.len(), others, "naming a tenant must not write into its chain");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_strangers_are_summed_in_the_installations_chain() {
    let app = TestApp::production().await;
    app.token("acme", "ada", Role::Admin).await;
    let before = app.audit("acme").await.len();
    for _ in 0..7 {
        app.get("/api/v1/runs").header("x-tenant", "acme").send().await.expect(401);
        app.get("/api/v1/runs").header("x-tenant", "acme").token("ph_wrong").send().await.expect(401);
    }
    app.post("/api/v1/session").json(&json!({"token": "ph_wrong"})).send().await.expect(401);
    app.get("/health").header("host", "evil.example").send().await.expect(403);
    let rows = app.audit(INSTALLATION).await;
    let count = |code: &str, route: &str| {
        let found = rows.iter().filter(|row| row.entry.code == code && row.entry.resource == route);
        found.map(|row| row.entry.count).collect::<Vec<_>>()
    };
    assert_eq!(count("auth.required", "/api/v1/runs"), [7]);
    assert_eq!(count("auth.invalid", "/api/v1/runs"), [7]);
    assert_eq!(count("auth.invalid", "/api/v1/session"), [1]);
    assert_eq!(count("auth.host", "/health"), [1]);
    assert!(rows.iter().filter(|row| row.entry.action == "request").all(|row| row.entry.subject == "anonymous"));
    assert_eq!(app.audit("acme").await.len(), before);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_reads_the_log_in_pages() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    for number in 0..5 {
        let body = json!({"subject": format!("bob{number}"), "role": "viewer"});
        app.post("/api/v1/tokens").token(&token).json(&body).send().await.expect(201);
    }
    let first = app.get("/api/v1/audit?limit=4").token(&token).send().await.expect(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second =
        app.get(&format!("/api/v1/audit?limit=4&cursor={cursor}")).token(&token).send().await.expect(200).json();
    assert_eq!(second["next_cursor"], Value::Null);
    let pages = [&first, &second];
    let seqs: Vec<_> =
        pages.iter().flat_map(|page| page["items"].as_array().unwrap()).map(|row| row["seq"].as_i64()).collect();
    assert_eq!(seqs, (1..=6).rev().map(Some).collect::<Vec<_>>());
    assert_eq!(first["items"][0]["action"], "token.create");
    app.finish().await;
}
