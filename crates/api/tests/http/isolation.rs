//! Tenant isolation: every route of the API, called by one tenant with another one's ids, on both databases.

use std::collections::BTreeSet;

use pilothouse_domain::Role;
use pilothouse_domain::clock::rfc3339;
use serde_json::{Value, json};

use crate::support::{Call, Database, Reply, TestApp, question};

/// What must never be seen by anybody else: A's tenant, subject, connection, and the words in its data.
const MARKS: [&str; 4] = ["acme-alpha", "alice@alpha", "alpha-vault", "xyzzy"];

/// Every route, as the document has it, and what it answers B who asks with A's ids. A new route fails the test until it
/// stands here.
const ROUTES: [(&str, &str, &[u16]); 145] = [
    ("get", "/health", &[200]),
    ("get", "/ready", &[200]),
    ("get", "/metrics", &[200]),
    ("get", "/api/v1/health/live", &[200]),
    ("get", "/api/v1/health/ready", &[200]),
    ("get", "/api/v1/tenants/{tenant}/health", &[403]),
    ("get", "/api/v1/session", &[200]),
    ("post", "/api/v1/session", &[200]),
    ("delete", "/api/v1/session", &[204]),
    ("post", "/api/v1/session/tenant", &[404]),
    ("post", "/api/v1/agent/run", &[403, 404, 422]),
    ("get", "/api/v1/runs", &[200]),
    ("post", "/api/v1/runs", &[202, 404]),
    ("get", "/api/v1/runs/{id}", &[404]),
    ("get", "/api/v1/runs/{id}/events", &[404]),
    ("get", "/api/v1/runs/{id}/logs", &[404]),
    ("post", "/api/v1/runs/{id}/cancel", &[404]),
    ("post", "/api/v1/runs/{id}/retry", &[404]),
    ("post", "/api/v1/runs/{id}/discard", &[404]),
    ("post", "/api/v1/runs/{id}/signals/{name}", &[404]),
    ("post", "/api/v1/runs/{id}/approve", &[404]),
    ("post", "/api/v1/runs/{id}/reject", &[404]),
    ("get", "/api/v1/budgets", &[200]),
    ("put", "/api/v1/budgets", &[422]),
    ("delete", "/api/v1/budgets/{id}", &[404]),
    ("get", "/api/v1/budgets/alerts", &[200]),
    ("get", "/api/v1/budgets/history", &[200]),
    ("put", "/api/v1/budgets/time-zone", &[422]),
    ("get", "/api/v1/usage", &[200]),
    ("get", "/api/v2/billing/summary", &[200]),
    ("post", "/api/v2/ai/gateway/complete", &[503]),
    ("get", "/api/v1/ai/providers", &[200]),
    ("put", "/api/v1/ai/providers/{name}", &[422]),
    ("delete", "/api/v1/ai/providers/{name}", &[404]),
    ("get", "/api/v1/ai/prices", &[200]),
    ("post", "/api/v1/ai/prices", &[422]),
    ("post", "/api/v2/triage/failure", &[400]),
    ("get", "/api/v2/triage/failure/{job_name}", &[200]),
    ("put", "/api/v1/triage/{id}/fixed", &[404]),
    ("get", "/api/v1/runs/{id}/failure", &[404]),
    ("get", "/api/v1/prompts", &[200]),
    ("get", "/api/v1/prompts/{name}", &[200]),
    ("post", "/api/v1/prompts/{name}/versions", &[422]),
    ("put", "/api/v1/prompts/{name}/labels/{label}", &[422]),
    ("post", "/v1/chat/completions", &[503]),
    ("get", "/v1/models", &[200]),
    ("get", "/api/v1/llm/status", &[200]),
    ("get", "/api/v1/llm/usage", &[200, 403]),
    ("get", "/api/v1/approvals/unreviewed", &[200]),
    ("post", "/api/v1/approvals/{id}/break-glass", &[404]),
    ("post", "/api/v1/approvals/{id}/review", &[404]),
    ("get", "/api/v1/approvals/delegations", &[200]),
    ("post", "/api/v1/approvals/delegations", &[422]),
    ("delete", "/api/v1/approvals/delegations/{id}", &[404]),
    ("get", "/api/v1/approvals/rules", &[200]),
    ("put", "/api/v1/approvals/rules", &[422]),
    ("post", "/api/v1/approvals/rules/check", &[200]),
    ("get", "/api/v1/approvals/rules/versions", &[200]),
    ("get", "/api/v1/approvals", &[200]),
    ("get", "/api/v1/approvals/{id}", &[404]),
    ("post", "/api/v1/approvals/{id}/approve", &[404]),
    ("post", "/api/v1/approvals/{id}/reject", &[404]),
    ("post", "/api/v1/approvals/{id}/revoke", &[404]),
    ("post", "/api/v2/build/approvals", &[200]),
    ("get", "/api/v2/build/approvals/{job_name}", &[200]),
    ("get", "/api/v2/build/approvals/{job_name}/{plan_hash}", &[404]),
    ("delete", "/api/v2/build/approvals/{job_name}/{plan_hash}", &[404]),
    ("post", "/api/v1/runs/reconcile", &[200]),
    ("post", "/api/v1/runs/bulk", &[200]),
    ("get", "/api/v1/queues", &[200]),
    ("get", "/api/v1/queues/{name}", &[200]),
    ("post", "/api/v1/queues/{name}/pause", &[403]),
    ("post", "/api/v1/queues/{name}/resume", &[403]),
    ("put", "/api/v1/queues/{name}/limits", &[403]),
    ("get", "/api/v1/workers", &[200]),
    ("get", "/api/v1/schedules", &[200]),
    ("post", "/api/v1/schedules", &[201, 422]),
    ("post", "/api/v1/schedules/preview", &[200]),
    ("get", "/api/v1/schedules/{id}", &[404]),
    ("put", "/api/v1/schedules/{id}", &[404]),
    ("delete", "/api/v1/schedules/{id}", &[404]),
    ("post", "/api/v1/schedules/{id}/pause", &[404]),
    ("post", "/api/v1/schedules/{id}/resume", &[404]),
    ("post", "/api/v1/schedules/{id}/run", &[404]),
    ("get", "/api/v1/schedules/{id}/ticks", &[404]),
    ("get", "/api/v1/schedules/{id}/runs", &[404]),
    ("get", "/api/scheduler/status", &[200]),
    ("get", "/api/v1/workflows/runs", &[200, 403]),
    ("get", "/api/v1/workflows/queue", &[200, 403]),
    ("get", "/api/v1/workflows/dead-letters", &[200, 403]),
    ("post", "/api/v1/workflows/retry", &[403, 404]),
    ("post", "/api/v1/workflows/{workflow_id}/cancel", &[403, 404]),
    ("post", "/api/v1/workflows/process-queue", &[200, 403]),
    ("post", "/api/v1/workflows/cancel-all", &[200, 403]),
    ("post", "/api/v1/executions/{run_id}/cancel", &[404]),
    ("post", "/api/v1/executions/{run_id}/retry", &[404]),
    ("post", "/api/v1/executions/reconcile", &[200]),
    ("get", "/jobs", &[200]),
    ("get", "/jobs/{id}", &[404]),
    ("delete", "/jobs/{id}", &[404]),
    ("get", "/jobs/{id}/logs", &[404]),
    ("get", "/jobs/queue/stats", &[200]),
    ("get", "/api/jobs/stuck", &[200]),
    ("get", "/api/job/{id}", &[404]),
    ("post", "/api/job/{id}/retry", &[404]),
    ("get", "/api/v1/connections", &[200]),
    ("post", "/api/v1/connections", &[201]),
    ("delete", "/api/v1/connections/{id}", &[404]),
    ("post", "/api/v1/connections/{id}/refresh", &[404]),
    ("get", "/api/v1/connections/{id}/catalog", &[404]),
    ("get", "/api/v1/connections/{id}/semantic", &[404]),
    ("put", "/api/v1/connections/{id}/semantic", &[404]),
    ("post", "/api/v1/connections/{id}/semantic/check", &[404]),
    ("get", "/api/v1/connections/{id}/semantic/ossie", &[404]),
    ("post", "/api/v1/connections/{id}/semantic/ossie", &[404]),
    ("get", "/api/v1/connections/{id}/semantic/versions", &[404]),
    ("get", "/api/v1/connections/{id}/semantic/versions/{version}", &[404]),
    ("get", "/api/v1/connections/{id}/policy", &[404]),
    ("put", "/api/v1/connections/{id}/policy", &[404]),
    ("post", "/api/v1/connections/{id}/policy/check", &[404]),
    ("get", "/api/v1/connections/{id}/policy/versions", &[404]),
    ("get", "/api/v1/connections/{id}/policy/versions/{version}", &[404]),
    ("post", "/api/v1/sql/check", &[404]),
    ("post", "/api/v1/queries/preview", &[404]),
    ("post", "/api/v1/queries/approve-run", &[404]),
    ("get", "/api/v1/pii/review", &[200, 403]),
    ("post", "/api/v1/pii/review/confirm", &[200, 403]),
    ("get", "/api/v1/connections/{id}/proposals", &[404]),
    ("post", "/api/v1/connections/{id}/proposals/{key}/accept", &[404]),
    ("post", "/api/v1/connections/{id}/proposals/{key}/reject", &[404]),
    ("post", "/api/v1/runs/{id}/verify", &[404]),
    ("post", "/api/v1/feedback", &[200, 403]),
    ("get", "/api/v1/feedback/summary", &[200, 403]),
    ("get", "/api/v1/feedback/provider-summary", &[200, 403]),
    ("get", "/api/v1/feedback/review", &[200, 403]),
    ("post", "/api/v1/feedback/{id}/resolve", &[404]),
    ("get", "/api/v1/tenants", &[403]),
    ("post", "/api/v1/tenants", &[403]),
    ("get", "/api/v1/tokens", &[200]),
    ("post", "/api/v1/tokens", &[201]),
    ("delete", "/api/v1/tokens/{id}", &[404]),
    ("get", "/api/v1/audit", &[200]),
    ("get", "/api/v1/audit/verify", &[403]),
    ("post", "/api/v1/imports", &[201]),
    ("get", "/api/v1/installation", &[403]),
];

/// What A has.
struct Alpha {
    token: String,
    connection: String,
    run: String,
    token_id: String,
    schedule: String,
    approval: String,
}

impl Alpha {
    async fn settle(app: &TestApp) -> Self {
        let token = app.token("acme-alpha", "alice@alpha", Role::Admin).await;
        let connection = app.connect_secrets(&token, "alpha-vault", "xyzzy").await["id"].as_str().unwrap().to_owned();
        let mut ask = question("acme-alpha", "How many secrets are there?");
        ask["connection_id"] = json!(connection);
        let answer = app.post("/api/v1/agent/run").token(&token).json(&ask).send().await.expect(200).json();
        let listed = app.get("/api/v1/tokens").token(&token).send().await.expect(200).json();
        let token_id = listed["items"][0]["id"].as_str().unwrap().to_owned();
        let schedule = json!({
            "name": "xyzzy", "kind": "ask", "cron": "@yearly",
            "input": {"question": "How many secrets are there?", "connection": connection},
        });
        let made = app.post("/api/v1/schedules").token(&token).json(&schedule).send().await.expect(201).json();
        let schedule = made["id"].as_str().unwrap().to_owned();
        let policy = json!({"yaml": "tables:\n  secrets: {approval: true}"});
        let path = format!("/api/v1/connections/{connection}/policy");
        app.put(&path).token(&token).json(&policy).send().await.expect(200);
        let waits = app.post("/api/v1/agent/run").token(&token).json(&ask).send().await.expect(200).json();
        let approval = waits["data"]["approval_id"].as_str().unwrap().to_owned();
        let plan =
            json!({"job_name": "orders", "plan_hash": "alpha-plan", "approver": "alice@alpha", "notes": "xyzzy"});
        app.post("/api/v2/build/approvals").token(&token).json(&plan).send().await.expect(200);
        let provider = json!({"wire": "openai", "key": "xyzzy", "models": ["xyzzy"]});
        let path = "/api/v1/ai/providers/ask";
        app.put(path).token(&token).json(&provider).send().await.expect(204);
        let failure = json!({"job_name": "orders", "build_id": "1", "error_text": "xyzzy: connection refused"});
        app.post("/api/v2/triage/failure").token(&token).json(&failure).send().await.expect(200);
        let version = json!({"template": "xyzzy"});
        app.post("/api/v1/prompts/ask/versions").token(&token).json(&version).send().await.expect(201);
        Self { token, connection, run: answer["run_id"].as_str().unwrap().to_owned(), token_id, schedule, approval }
    }

    /// Everything that A can see of its own.
    async fn view(&self, app: &TestApp) -> Vec<Value> {
        let mut seen = Vec::new();
        let (connection, run) =
            (format!("/api/v1/connections/{}", self.connection), format!("/api/v1/runs/{}", self.run));
        for path in [
            "/api/v1/runs",
            "/api/v1/connections",
            "/api/v1/tokens",
            "/api/v1/audit",
            "/api/v1/queues",
            "/api/v1/schedules",
            "/api/v1/approvals",
            "/api/v2/build/approvals/orders",
            "/api/v1/ai/providers",
            "/api/v1/prompts/ask",
            "/api/v2/triage/failure/orders",
            "/jobs",
            &run,
            &format!("{connection}/catalog"),
            &format!("{connection}/semantic"),
            &format!("{connection}/policy"),
        ] {
            seen.push(app.get(path).token(&self.token).send().await.expect(200).json());
        }
        seen
    }
}

/// What B sends to a route, with every id of A that fits.
async fn calls(app: &TestApp, method: &str, template: &str, alpha: &Alpha, token: &str, number: usize) -> Vec<Call> {
    let id = match template {
        path if ["/runs/", "/jobs/", "/api/job/"].iter().any(|part| path.contains(part)) => &alpha.run,
        path if path.contains("/schedules/") => &alpha.schedule,
        path if path.contains("/tokens/") => &alpha.token_id,
        path if path.contains("/approvals/") => &alpha.approval,
        _ => &alpha.connection,
    };
    let path = template.replace("{id}", id).replace("{tenant}", "acme-alpha");
    let path = path
        .replace("{run_id}", &alpha.run)
        .replace("{workflow_id}", &alpha.run)
        .replace("{name}", "ask")
        .replace("{version}", "1")
        .replace("{key}", "0123456789abcdef")
        .replace("{job_name}", "orders")
        .replace("{plan_hash}", "alpha-plan");
    let call = || app.call(&method.to_uppercase(), &path).token(token);
    let ask = |tenant: &str, extra: Value| {
        let mut body = question(tenant, "How many secrets are there?");
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        call().json(&body)
    };
    match (method, template) {
        ("post", "/api/v1/agent/run") => vec![
            ask("acme-alpha", json!({})),
            ask("beta", json!({"connection_id": alpha.connection})),
            ask("beta", json!({"reply_to": alpha.run, "choice": "1"})),
        ],
        // A key is the tenant's own, and so is a connection.
        ("post", "/api/v1/runs") => {
            let body = |connection: Option<&str>| {
                let input = json!({"message": "How many secrets are there?", "connection_id": connection});
                call().json(&json!({"kind": "ask", "input": input, "unique_key": "xyzzy-key"}))
            };
            vec![body(None), body(Some(&alpha.connection))]
        }
        // A job's name is the tenant's own.
        ("post", "/api/v2/build/approvals") => {
            vec![call().json(&json!({"job_name": "orders", "plan_hash": "own", "approver": "bob"}))]
        }
        ("post", "/api/v1/session") => vec![app.post(&path).json(&json!({"token": token}))],
        (_, "/api/v1/session" | "/api/v1/session/tenant") => {
            let session = app.post("/api/v1/session").json(&json!({"token": token})).send().await.expect(200);
            let cookie = session.header("set-cookie").split(';').next().unwrap().to_owned();
            let csrf = session.json()["csrf_token"].as_str().unwrap().to_owned();
            let call = app.call(&method.to_uppercase(), &path).header("cookie", &cookie).header("x-csrf-token", &csrf);
            vec![if method == "post" { call.json(&json!({"tenant": "acme-alpha"})) } else { call }]
        }
        // The same name as A's, over data of its own: names are a tenant's own too.
        ("post", "/api/v1/connections") => {
            std::fs::create_dir_all(app.data.join("own")).unwrap();
            std::fs::write(app.data.join("own/plain.csv"), "id,word\n1,plain\n").unwrap();
            vec![call().json(&json!({"name": format!("own{number}"), "kind": "files", "path": app.data.join("own")}))]
        }
        ("post", "/api/v1/imports") => {
            let import = app.post("/api/v1/imports?name=plain.csv").token(token);
            vec![import.raw("application/octet-stream", "id,word\n1,plain\n")]
        }
        ("post", "/api/v1/schedules") | ("put", "/api/v1/schedules/{id}") => {
            let body = |name: &str, connection: Option<&str>| {
                let input = json!({"question": "How many secrets are there?", "connection": connection});
                call().json(&json!({"name": name, "kind": "ask", "cron": "@yearly", "input": input}))
            };
            // A name is the tenant's own, and so is a connection.
            vec![body(&format!("own{number}"), None), body("other", Some(&alpha.connection))]
        }
        ("post", "/api/v1/schedules/preview") => vec![call().json(&json!({"cron": "@yearly"}))],
        ("put", "/api/v1/queues/{name}/limits") => vec![call().json(&json!({"total": 1}))],
        (
            "post",
            "/api/v1/queues/{name}/pause"
            | "/api/v1/runs/{id}/discard"
            | "/api/v1/runs/{id}/reject"
            | "/api/v1/approvals/{id}/reject"
            | "/api/v1/approvals/{id}/revoke"
            | "/api/v1/approvals/{id}/break-glass",
        ) => {
            vec![call().json(&json!({"reason": "because"}))]
        }
        ("post", "/api/v2/ai/gateway/complete") => {
            vec![call().json(&json!({"task": "t", "system_prompt": "", "user_content": "?"}))]
        }
        ("post", "/v1/chat/completions") => {
            vec![call().json(&json!({"messages": [{"role": "user", "content": "?"}]}))]
        }
        ("put", "/api/v1/ai/providers/{name}") | ("post", "/api/v1/ai/prices") => {
            vec![call().json(&json!({"wire": "x"}))]
        }
        ("post", "/api/v2/triage/failure") => vec![call().json(&json!({"job_name": "orders", "build_id": "1"}))],
        ("put", "/api/v1/triage/{id}/fixed") => vec![call().json(&json!({"fixed_by": "luck"}))],
        ("post", "/api/v1/prompts/{name}/versions") => vec![call().json(&json!({"template": ""}))],
        ("put", "/api/v1/prompts/{name}/labels/{label}") => vec![call().json(&json!({"hash": "xyzzy"}))],
        ("put", "/api/v1/budgets" | "/api/v1/budgets/time-zone") => vec![call().json(&json!({"time_zone": "here"}))],
        ("post", "/api/v1/approvals/delegations") => {
            vec![call().json(&json!({"to": "bob", "ends_at": "never", "reason": "because"}))]
        }
        ("post", "/api/v1/approvals/{id}/review") => {
            vec![call().json(&json!({"justified": true, "words": "because"}))]
        }
        ("post", "/api/v1/runs/bulk") => vec![
            call().json(&json!({"action": "cancel", "filter": {"ids": [alpha.run]}})),
            call().json(&json!({
                "action": "retry", "filter": {"ids": [alpha.run], "kind": "ask"}, "dry_run": false,
                "as_of": rfc3339(app.app.engine.now()),
            })),
        ],
        (_, path) if path.starts_with("/api/v1/workflows/") => {
            let named = |org: &str| {
                let path = path.replace("{workflow_id}", &alpha.run);
                let query = format!("{path}?org_id={org}&workflow_type=ask&workflow_id={}", alpha.run);
                app.call(&method.to_uppercase(), &query).token(token)
            };
            vec![named("beta"), named("acme-alpha")]
        }
        ("post", "/api/v1/feedback") => {
            let said = |org: &str| {
                call()
                    .json(&json!({"tenant_id": org, "user_id": "bob", "artifact_id": alpha.run, "artifact_version": 1,
                    "artifact_type": "query", "feedback_type": "negative"}))
            };
            vec![said("beta"), said("acme-alpha")]
        }
        ("post", "/api/v1/feedback/{id}/resolve") => vec![call().json(&json!({}))],
        (_, path) if path.starts_with("/api/v1/feedback/") || path == "/api/v1/llm/usage" => {
            let named = |org: &str| app.get(&format!("{path}?org_id={org}")).token(token);
            vec![named("beta"), named("acme-alpha")]
        }
        (_, path) if path.starts_with("/api/v1/pii/") => {
            let body = json!([{
                "dataset": "secrets", "table": "secrets", "column": "word", "is_pii": true,
                "connection_id": alpha.connection,
            }]);
            let named =
                |org: &str| app.call(&method.to_uppercase(), &format!("{path}?org_id={org}")).token(token).json(&body);
            vec![named("beta"), named("acme-alpha")]
        }
        ("put", _)
        | (
            "post",
            "/api/v1/connections/{id}/semantic/check"
            | "/api/v1/connections/{id}/semantic/ossie"
            | "/api/v1/connections/{id}/policy/check"
            | "/api/v1/approvals/rules/check",
        ) => {
            vec![call().json(&json!({"yaml": "version: 1"}))]
        }
        ("post", "/api/v1/sql/check") => {
            vec![call().json(&json!({"sql": "SELECT word FROM secrets", "connection_id": alpha.connection}))]
        }
        ("post", "/api/v1/queries/preview") => {
            let body = json!({"org_id": "beta", "sql": "SELECT word FROM secrets", "connection_id": alpha.connection});
            vec![call().json(&body)]
        }
        ("post", "/api/v1/queries/approve-run") => {
            vec![call().json(&json!({"org_id": "beta", "preview_id": alpha.approval}))]
        }
        ("post", "/api/v1/tenants") => vec![call().json(&json!({"id": "gamma", "name": "Gamma"}))],
        ("post", "/api/v1/tokens") => vec![call().json(&json!({"subject": "bob", "role": "viewer"}))],
        _ => vec![call(), call().header("x-user-role", "admin")],
    }
}

fn look(method: &str, template: &str, reply: &Reply, expected: &[u16]) {
    let status = reply.status.as_u16();
    assert!(expected.contains(&status), "{method} {template}: {status} {}", reply.text);
    for mark in MARKS {
        assert!(!reply.text.contains(mark), "{method} {template} shows {mark}: {}", reply.text);
    }
}

async fn nothing_crosses(database: Database) {
    let app = TestApp::with(|setup| setup.database = database).await;
    let alpha = Alpha::settle(&app).await;
    let beta = app.token("beta", "bea@beta", Role::Admin).await;
    let document = serde_json::to_value(pilothouse_api::document()).unwrap();
    let published: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, operations)| {
            operations.as_object().unwrap().keys().map(|method| (method.clone(), path.clone()))
        })
        .collect();
    let known = ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(published, known, "every route needs a row in the table of this test");

    let before = alpha.view(&app).await;
    for (number, (method, template, expected)) in ROUTES.iter().enumerate() {
        for call in calls(&app, method, template, &alpha, &beta, number).await {
            look(method, template, &call.send().await, expected);
        }
        // With A's tenant named, B's token opens nothing at all.
        let open = [
            "/health",
            "/ready",
            "/metrics",
            "/api/v1/health/",
            "/api/v1/session",
            "/api/scheduler/",
            "/api/v1/llm/status",
        ];
        if !open.iter().any(|prefix| template.starts_with(prefix)) {
            for call in calls(&app, method, template, &alpha, &beta, number).await {
                let reply = call.header("x-tenant", "acme-alpha").send().await;
                look(method, template, &reply.refused(403, "tenant.forbidden"), &[403]);
            }
        }
    }
    // Reading its own writes no audit row, so A's view is the same to the letter.
    assert_eq!(alpha.view(&app).await, before, "nothing of A may change");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_crosses_on_sqlite() {
    nothing_crosses(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_crosses_on_postgres() {
    nothing_crosses(Database::Postgres).await;
}
