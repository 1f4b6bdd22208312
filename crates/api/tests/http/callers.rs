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
