//! The published OpenAPI document.

use pilothouse_domain::Role;
use serde_json::Value;

use crate::support::TestApp;

const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

#[test]
fn the_document_in_docs_is_the_programs_own() {
    let text = std::fs::read_to_string(PUBLISHED).unwrap_or_default();
    let published: Value = serde_json::from_str(&text).unwrap_or_default();
    let current = serde_json::to_value(pilothouse_api::document()).unwrap();
    assert!(published == current, "docs/openapi.json is out of date: cargo run -- openapi > docs/openapi.json");
}

#[test]
fn every_json_body_has_a_schema() {
    let document = serde_json::to_value(pilothouse_api::document()).unwrap();
    let mut without = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let named = responses.iter().map(|(status, response)| (status.as_str(), response));
            for (what, body) in named.chain([("request", &operation["requestBody"])]) {
                let schema = &body["content"]["application/json"]["schema"];
                let is_empty = schema.is_object() && schema.get("$ref").is_none() && schema.get("oneOf").is_none();
                if is_empty {
                    without.push(format!("{method} {path} {what}"));
                }
            }
        }
    }
    assert!(without.is_empty(), "{without:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_served_to_callers() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Viewer).await;
    let served = app.get("/api/v1/openapi.json").token(&token).send().await.expect(200).json();
    assert_eq!(served, serde_json::to_value(pilothouse_api::document()).unwrap());
    app.get("/api/v1/openapi.json").send().await.refused(401, "auth.required");
    app.finish().await;
}
