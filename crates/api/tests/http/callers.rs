//! Who is calling: tokens, tenants and roles.

use pilothouse_domain::Role;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_made_over_the_api_works_until_it_is_revoked() {
    let app = TestApp::production().await;
    let admin = app.token("acme", "ada", Role::Admin).await;
    let body = json!({"subject": "bob", "role": "viewer"});
    let made = app.post("/api/v1/tokens").token(&admin).json(&body).send().await.expect(201).json();
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("ph_"), "{token}");
    app.get("/api/v1/runs").token(&token).send().await.expect(200);
    app.get("/api/v1/runs").header("x-dash-key", &token).send().await.expect(200);

    let listed = app.get("/api/v1/tokens").token(&admin).send().await.expect(200);
    assert!(!listed.text.contains(&token), "a token is shown once");
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    app.delete(&path).token(&admin).send().await.expect(204);
    app.get("/api/v1/runs").token(&token).send().await.refused(401, "auth.invalid");
    app.delete(&path).token(&admin).send().await.refused(404, "token.unknown");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_or_missing_token_is_no_caller() {
    let app = TestApp::production().await;
    let good = app.token("default", "ada", Role::Admin).await;
    let mut mistyped = good.clone();
    let last = if mistyped.pop() == Some('0') { '1' } else { '0' };
    mistyped.push(last);
    let other = TestApp::production().await;
    other.token("default", "zed", Role::Viewer).await;
    let of_another_installation = other.token("default", "eve", Role::Admin).await;
    for wrong in [mistyped.as_str(), of_another_installation.as_str(), "ph_", "", "dev_admin_token", "dev_viewer_token"]
    {
        app.get("/api/v1/runs").token(wrong).send().await.refused(401, "auth.invalid");
        app.get("/api/v1/runs").header("x-dash-key", wrong).send().await.refused(401, "auth.invalid");
    }
    app.get("/api/v1/runs").header("authorization", "Basic YWRhOmFkYQ==").send().await.refused(401, "auth.invalid");
    let reply = app.get("/api/v1/runs").send().await.refused(401, "auth.required");
    assert_eq!(reply.header("www-authenticate"), "Bearer");
    // Bearer wins over the other header, so a good key behind a bad token opens nothing.
    let both = app.get("/api/v1/runs").token("ph_nonsense").header("x-dash-key", &good);
    both.send().await.refused(401, "auth.invalid");
    other.finish().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_expires() {
    let app = TestApp::production().await;
    let admin = app.token("default", "ada", Role::Admin).await;
    let body = json!({"subject": "bob", "role": "member", "expires_in_days": 30});
    let made = app.post("/api/v1/tokens").token(&admin).json(&body).send().await.expect(201).json();
    let token = made["token"].as_str().unwrap();
    app.clock.advance_days(29);
    app.get("/api/v1/runs").token(token).send().await.expect(200);
    app.clock.advance_days(1);
    app.get("/api/v1/runs").token(token).send().await.refused(401, "auth.invalid");
    let listed = app.get("/api/v1/tokens").token(&admin).send().await.expect(200).json();
    let bob = listed["items"].as_array().unwrap().iter().find(|token| token["subject"] == "bob").unwrap().clone();
    assert!(bob["last_used_at"].is_string() && bob["expires_at"].is_string() && bob["revoked_at"].is_null(), "{bob}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_reaches_its_tenant_and_no_other() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    app.token("other", "eve", Role::Admin).await;
    for (name, value) in [("x-tenant", "acme"), ("x-tenant-id", "acme")] {
        app.get("/api/v1/runs").token(&token).header(name, value).send().await.expect(200);
    }
    for tenant in ["other", "default", "nobody"] {
        for name in ["x-tenant", "x-tenant-id"] {
            let reply = app.get("/api/v1/runs").token(&token).header(name, tenant).send().await;
            reply.refused(403, "tenant.forbidden");
        }
    }
    let conflict = app.get("/api/v1/runs").token(&token).header("x-tenant", "acme").header("x-tenant-id", "other");
    conflict.send().await.refused(400, "tenant.conflict");
    let same = app.get("/api/v1/runs").token(&token).header("x-tenant", "acme").header("x-tenant-id", "acme");
    same.send().await.expect(200);
    app.get("/api/v1/runs").token(&token).header("x-tenant", "a b").send().await.refused(400, "tenant.invalid");
    let tenants = app.app.store().read(|tx| Box::pin(pilothouse_store::tenants::list(tx))).await.unwrap();
    assert!(tenants.iter().all(|tenant| tenant.id.as_str() != "nobody"), "naming a tenant must not make it");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strictness_wants_the_tenant_named() {
    let app = TestApp::with(|setup| setup.settings.auth.tenant_strict = true).await;
    let token = app.token("default", "ada", Role::Viewer).await;
    let reply = app.get("/api/v1/runs").token(&token).send().await.refused(400, "tenant.missing");
    assert_eq!(reply.json()["detail"], "Missing X-Tenant header");
    app.get("/api/v1/runs").token(&token).header("x-tenant", "").send().await.refused(400, "tenant.missing");
    app.get("/api/v1/runs").token(&token).header("x-tenant", "default").send().await.expect(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_can_be_narrowed_and_not_widened() {
    let app = TestApp::production().await;
    let admin = app.token("acme", "ada", Role::Admin).await;
    let viewer = app.token("acme", "vic", Role::Viewer).await;
    let tokens = |token: &str, role: &str| app.get("/api/v1/tokens").token(token).header("x-user-role", role);
    tokens(&admin, "ADMIN").send().await.expect(200);
    for role in ["operator", "member", "viewer"] {
        tokens(&admin, role).send().await.refused(403, "role.insufficient");
    }
    tokens(&viewer, "admin").send().await.refused(403, "role.insufficient");
    tokens(&admin, "root").send().await.refused(400, "role.invalid");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_do_its_part() {
    let app = TestApp::production().await;
    let body = json!({"sql": "SELECT count(*) FROM flights"});
    for (role, may_ask, may_administer) in [
        (Role::Viewer, false, false),
        (Role::Member, true, false),
        (Role::Operator, true, false),
        (Role::Admin, true, true),
    ] {
        let token = app.token("acme", role.as_str(), role).await;
        app.get("/api/v1/connections").token(&token).send().await.expect(200);
        app.post("/api/v1/sql/check").token(&token).json(&body).send().await.expect(200);
        let question = crate::support::question("acme", "How many flights were there?");
        let asked = app.post("/api/v1/agent/run").token(&token).json(&question).send().await;
        if may_ask {
            asked.expect(200)
        } else {
            asked.refused(403, "role.insufficient")
        };
        let tokens = app.get("/api/v1/tokens").token(&token).send().await;
        if may_administer {
            tokens.expect(200)
        } else {
            tokens.refused(403, "role.insufficient")
        };
        // Tenants are the business of the default tenant's admins.
        app.get("/api/v1/tenants").token(&token).send().await.refused(403, "role.insufficient");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_tokens_work_in_development_mode() {
    let app = TestApp::development().await;
    app.get("/api/v1/tokens").token("dev_admin_token").send().await.expect(200);
    app.get("/api/v1/runs").token("dev_viewer_token").send().await.expect(200);
    app.get("/api/v1/tokens").token("dev_viewer_token").send().await.refused(403, "role.insufficient");
    // A tenant named with them exists from then on and sees the sample.
    let listed = app.get("/api/v1/connections").token("dev_admin_token").header("x-tenant", "fresh").send().await;
    assert_eq!(listed.expect(200).json()["items"][0]["read_only_sample"], true);
    let tenants = app.get("/api/v1/tenants").token("dev_admin_token").send().await.expect(200);
    assert!(tenants.text.contains("\"fresh\""), "{}", tenants.text);
    // Without a token nothing but the agent's route believes headers.
    let bare = app.get("/api/v1/runs").header("x-tenant", "default").header("x-user-role", "admin");
    bare.send().await.refused(401, "auth.required");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_authentication_everybody_is_admin_of_the_tenant_they_name() {
    let app = TestApp::with(|setup| {
        setup.settings.mode = pilothouse_app::Mode::Development;
        setup.settings.auth.enabled = false;
    })
    .await;
    app.get("/api/v1/tokens").send().await.expect(200);
    app.get("/api/v1/tenants").send().await.expect(200);
    app.get("/api/v1/tenants").header("x-tenant", "acme").send().await.refused(403, "role.insufficient");
    app.get("/api/v1/tokens").header("x-user-role", "viewer").send().await.refused(403, "role.insufficient");
    let question = crate::support::question("acme", "How many flights were there?");
    let asked = app.post("/api/v1/agent/run").header("x-tenant", "acme").json(&question).send().await.expect(200);
    assert_eq!(asked.json()["response_type"], "query_result", "{}", asked.text);
    app.finish().await;

    // The same setting in production mode changes nothing.
    let app = TestApp::with(|setup| setup.settings.auth.enabled = false).await;
    app.get("/api/v1/tokens").send().await.refused(401, "auth.required");
    app.post("/api/v1/agent/run").json(&question).send().await.refused(401, "auth.required");
    app.finish().await;
}
