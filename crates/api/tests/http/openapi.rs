//! The published OpenAPI document.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::support::{Document, TestApp, question};

const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

#[test]
fn the_document_in_docs_is_the_programs_own() {
    let text = std::fs::read_to_string(PUBLISHED).unwrap_or_default();
    let published: Value = serde_json::from_str(&text).unwrap_or_default();
    let current = serde_json::to_value(pilothouse_api::document()).unwrap();
    assert!(published == current, "docs/openapi.json is out of date: cargo run -- openapi > docs/openapi.json");
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = serde_json::to_value(pilothouse_api::document()).unwrap();
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let mut names: Vec<_> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}

#[test]
fn what_is_part_of_a_path_stands_in_it() {
    let document = serde_json::to_value(pilothouse_api::document()).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            let mut inside: Vec<String> = Vec::new();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "path" {
                    inside.push(format!("{{{}}}", parameter["name"].as_str().unwrap()));
                }
            }
            assert!(inside.iter().all(|name| path.contains(name)), "{path}: {inside:?}");
            assert_eq!(inside.len(), path.matches('{').count(), "{path}");
        }
    }
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
                let schema = schema.get("items").unwrap_or(schema);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_bodies_are_as_the_document_says() {
    let (app, document) = (TestApp::production().await, Document::published());
    let token = app.token("default", "ada", Role::Admin).await;
    let made = app.connect_secrets(&token, "mine", "word").await;
    assert_eq!(document.faults_of_answer("post", "/api/v1/connections", "201", &made), [""; 0]);
    assert_eq!(made["table_count"], 1);
    let connection = made["id"].as_str().unwrap().to_owned();
    let sample = app.get("/api/v1/connections").token(&token).send().await.expect(200).json()["items"][0]["id"].clone();
    let mut run = String::new();
    for (text, kind) in [
        ("How many flights were there in February?", "query_result"),
        ("How many flights were there per month?", "query_result"),
        ("Which carrier had the most delayed flights in February?", "clarification"),
        ("How many unicorns were there?", "refused"),
    ] {
        let mut ask = question("default", text);
        ask["connection_id"] = sample.clone();
        assert_eq!(document.faults_of_request("post", "/api/v1/agent/run", &ask), [""; 0]);
        let answer = app.post("/api/v1/agent/run").token(&token).json(&ask).send().await.expect(200).json();
        assert_eq!(answer["response_type"], kind, "{answer}");
        assert_eq!(document.faults_of_answer("post", "/api/v1/agent/run", "200", &answer), [""; 0]);
        run = answer["run_id"].as_str().unwrap().to_owned();
    }
    for (path, template) in [
        ("/health".to_owned(), "/health"),
        ("/ready".to_owned(), "/ready"),
        ("/api/v1/health/live".to_owned(), "/api/v1/health/live"),
        ("/api/v1/health/ready".to_owned(), "/api/v1/health/ready"),
        ("/api/v1/tenants/default/health".to_owned(), "/api/v1/tenants/{tenant}/health"),
        ("/api/v1/connections".to_owned(), "/api/v1/connections"),
        (format!("/api/v1/connections/{connection}/catalog"), "/api/v1/connections/{id}/catalog"),
        (format!("/api/v1/connections/{connection}/semantic"), "/api/v1/connections/{id}/semantic"),
        (format!("/api/v1/connections/{connection}/policy"), "/api/v1/connections/{id}/policy"),
        (format!("/api/v1/connections/{connection}/semantic/versions"), "/api/v1/connections/{id}/semantic/versions"),
        ("/api/v1/runs".to_owned(), "/api/v1/runs"),
        (format!("/api/v1/runs/{run}"), "/api/v1/runs/{id}"),
        ("/api/v1/tenants".to_owned(), "/api/v1/tenants"),
        ("/api/v1/tokens".to_owned(), "/api/v1/tokens"),
        ("/api/v1/audit".to_owned(), "/api/v1/audit"),
        ("/api/v1/audit/verify".to_owned(), "/api/v1/audit/verify"),
        ("/api/v1/installation".to_owned(), "/api/v1/installation"),
    ] {
        let body = app.get(&path).token(&token).send().await.expect(200).json();
        assert_eq!(document.faults_of_answer("get", template, "200", &body), [""; 0]);
    }
    for (path, status, request) in [
        ("/api/v1/session", 200, json!({"token": token})),
        ("/api/v1/tokens", 201, json!({"subject": "bob", "role": "viewer", "expires_in_days": 3})),
        ("/api/v1/tenants", 201, json!({"id": "acme", "name": "Acme"})),
        ("/api/v1/sql/check", 200, json!({"sql": "SELECT nothing FROM secrets", "connection_id": connection})),
    ] {
        assert_eq!(document.faults_of_request("post", path, &request), [""; 0]);
        let reply = app.post(path).token(&token).json(&request).send().await.expect(status);
        assert_eq!(document.faults_of_answer("post", path, &status.to_string(), &reply.json()), [""; 0]);
        let refused = app.post(path).token(&token).json(&json!({})).send().await;
        assert!(refused.status.is_client_error() && refused.json()["errors"].is_array(), "{}", refused.text);
        assert_eq!(document.faults_of_answer("post", path, "default", &refused.json()), [""; 0]);
        assert!(!document.faults_of_request("post", path, &json!({"surprise": 1})).is_empty(), "{path}");
    }
    let refused = app.post("/api/v1/agent/run").token(&token).json(&json!({})).send().await.expect(422).json();
    assert_eq!(document.faults_of_answer("post", "/api/v1/agent/run", "default", &refused), [""; 0]);
    app.finish().await;
}
