//! What keeps other sites' pages out, and the page's own session.

use pilothouse_app::Mode;
use pilothouse_domain::Role;
use serde_json::json;

use crate::support::{Reply, TestApp};

const SESSION: &str = "/api/v1/session";

/// The cookie and CSRF token of a sign-in.
fn session(reply: &Reply) -> (String, String) {
    let cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
    (cookie, reply.json()["csrf_token"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_stands_for_its_token() {
    let app = TestApp::production().await;
    let admin = app.token("acme", "ada", Role::Admin).await;
    app.get(SESSION).send().await.refused(401, "auth.required");
    app.post(SESSION).json(&json!({"token": "ph_wrong"})).send().await.refused(401, "auth.invalid");
    app.post(SESSION).json(&json!({"development": true})).send().await.refused(401, "auth.required");
    let reply = app.post(SESSION).json(&json!({"token": admin})).send().await.expect(200);
    let flags = reply.header("set-cookie").to_owned();
    for flag in ["ph_session=", "; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age=604800"] {
        assert!(flags.contains(flag), "{flags}");
    }
    assert!(!flags.contains("Secure"), "without TLS a Secure cookie would never come back: {flags}");
    let (cookie, csrf) = session(&reply);
    let shown = app.get(SESSION).header("cookie", &cookie).send().await.expect(200).json();
    assert_eq!((&shown["tenant"], &shown["subject"], &shown["role"]), (&json!("acme"), &json!("ada"), &json!("admin")));
    assert_eq!(shown["tenants"].as_array().unwrap().len(), 1);
    assert_eq!(shown["mode"], "production");

    let body = json!({"subject": "bob", "role": "viewer"});
    let change = || app.post("/api/v1/tokens").header("cookie", &cookie).json(&body);
    change().send().await.refused(403, "auth.csrf");
    change().header("x-csrf-token", "wrong").send().await.refused(403, "auth.csrf");
    let made = change().header("x-csrf-token", &csrf).send().await.expect(201).json();
    app.get("/api/v1/tokens").header("cookie", &cookie).send().await.expect(200);

    app.delete(SESSION).header("cookie", &cookie).send().await.refused(403, "auth.csrf");
    let gone = app.delete(SESSION).header("cookie", &cookie).header("x-csrf-token", &csrf).send().await.expect(204);
    assert!(gone.header("set-cookie").contains("Max-Age=0"), "{}", gone.header("set-cookie"));
    app.get(SESSION).header("cookie", &cookie).send().await.refused(401, "auth.required");

    // Revoking the token ends the sessions that stand for it.
    let token = made["token"].clone();
    let (cookie, _) = session(&app.post(SESSION).json(&json!({"token": token})).send().await.expect(200));
    app.get("/api/v1/runs").header("cookie", &cookie).send().await.expect(200);
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    app.delete(&path).token(&admin).send().await.expect(204);
    app.get("/api/v1/runs").header("cookie", &cookie).send().await.refused(401, "auth.required");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_signs_itself_in_in_development_mode() {
    let app = TestApp::development().await;
    for body in [json!({}), json!({"development": false})] {
        app.post(SESSION).json(&body).send().await.refused(422, "body.invalid");
    }
    let reply = app.post(SESSION).json(&json!({"development": true})).send().await.expect(200);
    let (cookie, csrf) = session(&reply);
    let switch = |tenant: &str| {
        let call = app.post("/api/v1/session/tenant").header("cookie", &cookie).json(&json!({"tenant": tenant}));
        call.header("x-csrf-token", &csrf)
    };
    switch("acme").send().await.refused(404, "tenant.unknown");
    switch("a b").send().await.refused(400, "tenant.invalid");
    let make = app.post("/api/v1/tenants").header("cookie", &cookie).header("x-csrf-token", &csrf);
    make.json(&json!({"id": "acme", "name": "Acme"})).send().await.expect(201);
    let switched = switch("acme").send().await.expect(200).json();
    assert_eq!(switched["tenant"], "acme");
    assert_eq!(switched["tenants"].as_array().unwrap().len(), 2, "{switched}");
    app.get("/api/v1/tenants/acme/health").header("cookie", &cookie).send().await.expect(200);
    let bare = app.post("/api/v1/session/tenant").header("cookie", &cookie).json(&json!({"tenant": "default"}));
    bare.send().await.refused(403, "auth.csrf");
    app.clock.advance_days(7);
    app.get(SESSION).header("cookie", &cookie).send().await.refused(401, "auth.required");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_session_cannot_switch_to_another_tenant() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    app.token("other", "eve", Role::Admin).await;
    let (cookie, csrf) = session(&app.post(SESSION).json(&json!({"token": token})).send().await.expect(200));
    let call = app.post("/api/v1/session/tenant").header("cookie", &cookie).header("x-csrf-token", &csrf);
    call.json(&json!({"tenant": "other"})).send().await.refused(404, "tenant.unknown");
    let call = app.get("/api/v1/runs").header("cookie", &cookie).header("x-tenant", "other");
    call.send().await.refused(403, "tenant.forbidden");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cookies_are_secure_where_tls_is() {
    let app = TestApp::with(|setup| {
        setup.settings.mode = Mode::Development;
        setup.server.trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
    })
    .await;
    let reply = app.post(SESSION).json(&json!({"development": true})).send().await.expect(200);
    assert!(reply.header("set-cookie").ends_with("; Secure"), "{}", reply.header("set-cookie"));
    assert!(reply.header("strict-transport-security").starts_with("max-age="));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_its_own_host_names_are_answered() {
    let app = TestApp::with(|setup| setup.server.allowed_hosts = vec!["tools.example.com".to_owned()]).await;
    for host in
        ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "tools.example.com", "Tools.Example.com:443"]
    {
        app.get("/health").header("host", host).send().await.expect(200);
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "tools.example.com.evil", "10.0.0.1:8080", ""] {
        app.get("/health").header("host", host).send().await.refused(403, "auth.host");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_from_another_site_is_refused() {
    let app = TestApp::with(|setup| {
        setup.settings.mode = Mode::Development;
        setup.server.allowed_origins = vec!["https://tools.example.com".to_owned()];
    })
    .await;
    let body = json!({"development": true});
    for origin in ["https://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1:8080.evil.example"] {
        app.post(SESSION).header("origin", origin).json(&body).send().await.refused(403, "auth.origin");
    }
    for site in ["cross-site", "same-site"] {
        app.post(SESSION).header("sec-fetch-site", site).json(&body).send().await.refused(403, "auth.origin");
    }
    app.post(SESSION).header("origin", "http://127.0.0.1:8080").json(&body).send().await.expect(200);
    let listed = app.post(SESSION).header("origin", "https://tools.example.com").json(&body).send().await.expect(200);
    assert_eq!(listed.header("access-control-allow-origin"), "https://tools.example.com");
    let foreign = app.get("/health").header("origin", "https://evil.example").send().await.expect(200);
    assert_eq!(foreign.header("access-control-allow-origin"), "", "reading is the browser's to refuse");
    app.finish().await;

    let app = TestApp::development().await;
    let reply = app.get("/health").header("origin", "https://tools.example.com").send().await.expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), "", "CORS is off unless configured");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_needs_a_json_body() {
    let app = TestApp::development().await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        for path in [SESSION, "/api/v1/agent/run", "/api/v1/tokens", "/api/v1/sql/check"] {
            let reply =
                app.post(path).token("dev_admin_token").raw(content_type, r#"{"development": true}"#).send().await;
            reply.refused(415, "body.type");
        }
    }
    let call = app.post(SESSION).raw("application/json; charset=utf-8", r#"{"development": true}"#);
    call.send().await.expect(200);
    app.finish().await;
}
