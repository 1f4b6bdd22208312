//! Whether the program lives and can work, and what it measures.

use pilothouse_domain::Role;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_working_program_says_so_without_a_token() {
    let app = TestApp::production().await;
    let health = app.get("/health").send().await.expect(200).json();
    assert_eq!((&health["status"], &health["app"]), (&json!("ok"), &json!("Pilothouse")));
    assert!(health["version"].is_string());
    let ready = app.get("/ready").send().await.expect(200).json();
    assert_eq!((&ready["ok"], &ready["ready"]), (&json!(true), &json!(true)));
    assert_eq!(ready["checks"]["database"], json!({"ok": true, "status": "connected"}));
    assert_eq!(app.get("/api/v1/health/live").send().await.expect(200).json(), json!({"status": "alive"}));
    assert_eq!(app.get("/api/v1/health/ready").send().await.expect(200).json(), json!({"status": "ready"}));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_store_makes_it_unready_with_the_reason() {
    let app = TestApp::production().await;
    app.app.store().close().await;
    app.get("/health").send().await.expect(200);
    app.get("/api/v1/health/live").send().await.expect(200);
    let begun = std::time::Instant::now();
    let ready = app.get("/ready").send().await.expect(503).json();
    assert!(begun.elapsed().as_millis() < 1_000, "{:?}", begun.elapsed());
    assert_eq!(
        (&ready["ok"], &ready["ready"], &ready["checks"]["database"]["ok"]),
        (&json!(false), &json!(false), &json!(false))
    );
    let reason = ready["checks"]["database"]["error"].as_str().unwrap();
    assert!(reason.contains("closed"), "{reason}");
    let ready = app.get("/api/v1/health/ready").send().await.expect(503).json();
    assert_eq!(ready["status"], "not_ready");
    assert!(ready["problems"][0].as_str().unwrap().starts_with("database: "), "{ready}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_health_is_its_own_business() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Viewer).await;
    let health = app.get("/api/v1/tenants/acme/health").token(&token).send().await.expect(200).json();
    assert_eq!((&health["tenant"], &health["status"]), (&json!("acme"), &json!("ok")));
    app.get("/api/v1/tenants/acme/health").send().await.refused(401, "auth.required");
    let reply = app.get("/api/v1/tenants/other/health").token(&token).send().await.refused(403, "tenant.mismatch");
    assert_eq!(reply.json()["detail"], "Cross-tenant request denied");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_begin_at_zero_and_name_route_templates() {
    let app = TestApp::production().await;
    let first = app.get("/metrics").send().await.expect(200);
    assert!(first.header("content-type").starts_with("text/plain; version=0.0.4"));
    for family in ["copilot_http_requests_total", "http_requests_total", "http_request_duration_seconds"] {
        assert!(first.text.contains(&format!("# TYPE {family} ")), "{family}: {}", first.text);
        assert!(first.text.lines().any(|line| line.starts_with(family)), "{family} has no series: {}", first.text);
    }
    app.get("/health").send().await.expect(200);
    app.get("/very/secret/path?token=hunter2").send().await.expect(404);
    app.get("/favicon-of-mine.ico").send().await.expect(404);
    app.get(&format!("/api/v1/runs/run_{}", "feedface".repeat(4))).send().await.expect(401);
    app.call("BREW", "/health").send().await.expect(405);
    let text = app.get("/metrics").send().await.expect(200).text;
    let health = r#"copilot_http_requests_total{method="GET",path="/health",status="200"}"#;
    let line = text.lines().find(|line| line.starts_with(health)).unwrap_or_else(|| panic!("{text}"));
    assert!(line.rsplit(' ').next().unwrap().parse::<u64>().unwrap() >= 1, "{line}");
    assert!(text.contains(r#"path="/api/v1/runs/{id}""#), "{text}");
    assert!(text.contains(r#"method="OTHER""#), "{text}");
    for raw in ["secret", "hunter2", "favicon-of-mine", "feedface", "BREW"] {
        assert!(!text.contains(raw), "{raw} is in a label: {text}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_need_a_token_from_elsewhere() {
    let app = TestApp::with(|setup| setup.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let token = app.token("acme", "ada", Role::Viewer).await;
    app.get("/metrics").from([203, 0, 113, 7]).send().await.refused(401, "auth.required");
    app.get("/metrics").from([203, 0, 113, 7]).token(&token).send().await.expect(200);
    // What a declared proxy forwards comes from elsewhere too; what somebody else claims is not believed.
    let forwarded = app.get("/metrics").header("x-forwarded-for", "203.0.113.7");
    forwarded.send().await.refused(401, "auth.required");
    let claimed = app.get("/metrics").from([203, 0, 113, 7]).header("x-forwarded-for", "127.0.0.1");
    claimed.send().await.refused(401, "auth.required");
    app.get("/metrics").send().await.expect(200);
    app.finish().await;
}
