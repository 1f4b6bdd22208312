//! Models behind the gateway: priced, held before and settled after, and answered by the next provider where one fails.

use std::time::Duration;

use pilothouse_app::settings::Treatment;
use pilothouse_domain::{Role, TenantId};
use pilothouse_store::ledger::{self, By};
use pilothouse_testkit::{ModelServer, Turn};
use serde_json::{Value, json};

use crate::support::{Database, Document, Reply, TestApp};

const COMPLETE: &str = "/api/v2/ai/gateway/complete";
const CHAT: &str = "/v1/chat/completions";
const PROVIDERS: &str = "/api/v1/ai/providers";

/// An installation with an admin, a member and two providers; the second is asked where the first fails.
struct House {
    app: TestApp,
    root: String,
    ada: String,
    first: ModelServer,
    second: ModelServer,
}

impl House {
    async fn open(database: Database) -> Self {
        let house = Self::bare(database, None).await;
        for (name, server, rank) in [("first", &house.first, 0), ("second", &house.second, 1)] {
            let models = json!({"default": "gpt-4o-mini", "gpt-4o-mini": "gpt-4o-mini"});
            house
                .provider(
                    name,
                    json!({"wire": "openai_compatible", "base_url": server.url(), "key": format!("key of {name}"),
                "models": models, "rank": rank}),
                )
                .await
                .expect(204);
        }
        house
    }

    /// Without providers of its own; with the operator's where an address is given.
    async fn bare(database: Database, base_url: Option<String>) -> Self {
        let app = TestApp::with(|setup| {
            setup.database = database;
            setup.settings.ai.allow_private_addresses = true;
            setup.settings.ai.timeout_seconds = 1;
            setup.settings.ai.base_url = base_url;
        })
        .await;
        let root = app.token("default", "root", Role::Admin).await;
        let ada = app.token("default", "ada", Role::Member).await;
        Self { app, root, ada, first: ModelServer::start(), second: ModelServer::start() }
    }

    async fn provider(&self, name: &str, body: Value) -> Reply {
        self.app.put(&format!("{PROVIDERS}/{name}")).token(&self.root).json(&body).send().await
    }

    async fn complete(&self, more: Value) -> Reply {
        let mut body = json!({"task": "triage", "system_prompt": "Be brief.", "user_content": "ping"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.app.post(COMPLETE).token(&self.ada).json(&body).send().await
    }

    async fn chat(&self, more: Value) -> Reply {
        let mut body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "ping"}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.app.post(CHAT).token(&self.ada).json(&body).send().await
    }

    /// Charges, errors among them, nano-USD, and tokens in and out, of a provider.
    async fn spent(&self, provider: &str) -> (i64, i64, i64, i64, i64) {
        let tenant = TenantId::default_tenant();
        let all = self.app.app.store().read(move |tx| {
            Box::pin(async move { ledger::usage(tx, &tenant, (0, i64::MAX), (By::Provider, Some("ai")), 100).await })
        });
        let found = all.await.unwrap().into_iter().find(|share| share.name.as_deref() == Some(provider));
        found.map_or((0, 0, 0, 0, 0), |share| {
            (share.charges, share.errors, share.nano_usd, share.tokens_in, share.tokens_out)
        })
    }

    /// What is held and not settled.
    async fn held(&self) -> i64 {
        let summary = self.app.get("/api/v2/billing/summary").token(&self.root).send().await.expect(200).json();
        ((summary["spent_estimated_usd"].as_f64().unwrap() - summary["spent_actual_usd"].as_f64().unwrap()) * 1e9)
            as i64
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_told_as_the_original_does_and_paid_for_once() {
    for database in [Database::Sqlite, Database::Postgres] {
        let house = House::open(database).await;
        let answer = house.complete(json!({})).await.expect(200).json();
        assert_eq!(Document::published().faults_of_answer("post", COMPLETE, "200", &answer), [""; 0], "{answer}");
        assert_eq!(answer["content"], "pong");
        assert_eq!((&answer["prompt_tokens"], &answer["completion_tokens"]), (&json!(7), &json!(1)));
        // 7 times 150 and 1 time 600 nano-USD.
        assert_eq!(answer["cost_usd"], json!(1_650.0 / 1e9));
        assert_eq!((&answer["tenant"], &answer["provider"]), (&json!("default"), &json!("first")));
        assert_eq!((house.spent("first").await, house.spent("second").await), ((1, 0, 1_650, 7, 1), (0, 0, 0, 0, 0)));
        assert_eq!(house.held().await, 0);
        let heard = house.first.take_heard();
        assert_eq!(
            (heard.len(), heard[0].key.as_str(), heard[0].path.as_str()),
            (1, "key of first", "/v1/chat/completions")
        );
        assert_eq!(heard[0].body["max_tokens"], 2048, "an answer without an end has no price");
        let tasks = house.app.get("/api/v2/billing/summary").token(&house.root).send().await.expect(200).json();
        assert_eq!(tasks["ai_by_task"], json!({"ai_triage": 1_650.0 / 1e9}));
        let audited = house.app.audit("default").await;
        let asked: Vec<_> = audited.iter().filter(|row| row.entry.action == "ai.complete").collect();
        assert_eq!((asked.len(), asked[0].entry.subject.as_str()), (1, "ada"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_provider_does_the_next_one_answers_and_nothing_is_paid_twice() {
    let house = House::open(Database::Sqlite).await;
    let broken = [
        (Turn::Refuses(500, None), "server_error"),
        (Turn::Refuses(429, Some(60)), "rate_limited"),
        (Turn::Refuses(401, None), "key"),
        (Turn::Refuses(404, None), "model"),
        (Turn::HangsUp, "unreachable"),
    ];
    for (index, (turn, what)) in broken.into_iter().enumerate() {
        house.first.then([turn]);
        let answer = house.complete(json!({})).await.expect(200).json();
        assert_eq!((&answer["provider"], &answer["content"]), (&json!("second"), &json!("pong")), "{what}");
        let done = index as i64 + 1;
        assert_eq!(house.spent("second").await, (done, 0, 1_650 * done, 7 * done, done), "{what}");
        assert_eq!(house.spent("first").await, (done, done, 0, 0, 0), "{what}: nothing was done, and nothing is paid");
    }
    assert_eq!(house.held().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_may_have_read_is_counted_though_its_answer_is_lost() {
    let house = House::open(Database::Sqlite).await;
    for (turn, what) in [
        (Turn::IsSilent(Duration::from_secs(3)), "timed_out"),
        (Turn::Babbles, "malformed"),
        (Turn::BreaksOff("po".to_owned()), "unreachable"),
    ] {
        house.first.then([turn]);
        let answer = house.complete(json!({})).await.expect(200).json();
        assert_eq!(answer["provider"], "second", "{what}");
    }
    let (charges, errors, nano, input, output) = house.spent("first").await;
    assert_eq!((charges, errors, output), (3, 3, 0));
    assert!(input > 0 && nano == input * 150, "about what was sent: {input} tokens for {nano}");
    assert_eq!((house.spent("second").await, house.held().await), ((3, 0, 3 * 1_650, 21, 3), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_lies_about_what_it_used_is_not_believed() {
    let house = House::open(Database::Sqlite).await;
    for used in [None, Some((0, 0)), Some((u64::MAX / 2, u64::MAX / 2))] {
        house.first.then([Turn::Says("four words of answer".to_owned(), used)]);
        let answer = house.complete(json!({"model": "gpt-4o-mini"})).await.expect(200).json();
        let (input, output) =
            (answer["prompt_tokens"].as_u64().unwrap(), answer["completion_tokens"].as_u64().unwrap());
        assert!((1..=400).contains(&input) && (1..=2048).contains(&output), "{used:?}: {input} and {output}");
    }
    assert_eq!(house.held().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fails_five_times_is_left_alone_for_a_minute() {
    let house = House::open(Database::Sqlite).await;
    house.first.always(Turn::Refuses(500, None));
    for _ in 0..5 {
        house.complete(json!({})).await.expect(200);
    }
    assert_eq!(house.first.take_heard().len(), 5);
    house.complete(json!({})).await.expect(200);
    assert_eq!(house.first.take_heard().len(), 0, "it is left alone");
    let shown = house.app.get(PROVIDERS).token(&house.root).send().await.expect(200).json();
    assert_eq!(shown["items"][0]["breakers"], json!({"gpt-4o-mini": "open"}));
    house.second.always(Turn::Refuses(500, None));
    for _ in 0..2 {
        let failed = house.complete(json!({})).await.expect(503);
        assert_eq!(failed.json()["code"], "ai.unavailable");
        assert!(!failed.headers["retry-after"].is_empty());
    }
    house.first.always(Turn::says("back"));
    house.app.clock.advance_seconds(61);
    assert_eq!(house.complete(json!({})).await.expect(200).json()["content"], "back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_passed_on_and_settled_at_its_end() {
    let house = House::open(Database::Sqlite).await;
    let whole = house.chat(json!({"stream": true, "stream_options": {"include_usage": true}})).await.expect(200);
    let events: Vec<&str> = whole.text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    let parts: Vec<Value> = events[..events.len() - 1].iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let words: String = parts.iter().filter_map(|part| part["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!((words.as_str(), &parts[0]["choices"][0]["delta"]["role"]), ("pong", &json!("assistant")));
    assert_eq!(parts.last().unwrap()["usage"]["total_tokens"], 8);
    assert_eq!((house.spent("first").await, house.held().await), ((1, 0, 1_650, 7, 1), 0));
    house.first.then([Turn::Refuses(500, None)]);
    let next = house.chat(json!({"stream": true})).await.expect(200);
    assert!(next.text.contains("[DONE]"), "before the first word another may be asked: {}", next.text);
    house.first.then([Turn::BreaksOff("half an answer".to_owned())]);
    let cut = house.chat(json!({"stream": true})).await.expect(200);
    assert!(cut.text.contains("half an") && cut.text.contains("ai.unavailable"), "{}", cut.text);
    assert!(!cut.text.contains("[DONE]"), "it does not look like a whole one");
    let (charges, errors, nano, ..) = house.spent("first").await;
    assert_eq!((charges, errors, house.held().await), (3, 2, 0));
    assert!(nano > 1_650, "what came of it is paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_openai_read_answers_calls_and_errors() {
    let house = House::open(Database::Sqlite).await;
    let answer = house
        .chat(json!({"temperature": 0.5, "metadata": {"task": "notes", "project": "blue"}}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&answer["object"], &answer["choices"][0]["message"]["content"]),
        (&json!("chat.completion"), &json!("pong"))
    );
    assert_eq!(answer["usage"]["total_tokens"], 8);
    assert_eq!(house.first.take_heard()[0].body["temperature"], 0.5);
    let call = json!({"choices": [{"finish_reason": "tool_calls", "message": {"content": null, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":1}"}}]}}]});
    house.first.then([Turn::Answers(call)]);
    let tools = json!([{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]);
    let called = house.chat(json!({ "tools": tools })).await.expect(200).json();
    assert_eq!(called["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], "{\"at\":1}");
    assert_eq!(called["choices"][0]["finish_reason"], "tool_calls");
    for (more, status, param) in [
        (json!({"n": 3}), 422, json!("n")),
        (json!({"model": "gpt-9"}), 404, Value::Null),
        (json!({"model": "../secret"}), 422, json!("model")),
    ] {
        let refused = house.chat(more).await.expect(status).json();
        assert_eq!(refused["error"]["param"], param, "{refused}");
    }
    house.first.then([Turn::Refuses(400, None)]);
    let refused = house.chat(json!({})).await.expect(422).json();
    assert_eq!(refused["error"]["message"], "first: it refuses the request: refused with 400.");
    assert_eq!(house.second.take_heard().len(), 0, "nobody else would understand it better");
    let models = house.app.get("/v1/models").token(&house.ada).send().await.expect(200).json();
    assert_eq!(models["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_its_form_is_mended_once() {
    let house = House::open(Database::Sqlite).await;
    house.first.then([Turn::says("Sure! Here you are"), Turn::says("```json\n{\"a\": 1}\n```")]);
    let answer = house.complete(json!({"json_mode": true})).await.expect(200).json();
    assert_eq!((answer["content"].as_str(), &answer["prompt_tokens"]), (Some("{\"a\":1}"), &json!(14)));
    let heard = house.first.take_heard();
    assert_eq!((heard.len(), &heard[0].body["response_format"]), (2, &json!({"type": "json_object"})));
    assert!(heard[1].body["messages"][3]["content"].as_str().unwrap().contains("not JSON"));
    house.first.always(Turn::says("no"));
    let failed = house.complete(json!({"json_mode": true})).await.expect(422).json();
    assert_eq!(failed["detail"]["code"], "ai_output_validation_failed");
    assert!(failed["detail"]["validation_error"].as_str().unwrap().contains("not JSON"));
    let schema =
        json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "required": ["b"]}}});
    house.first.then([Turn::says("{\"a\": 1}"), Turn::says("{\"b\": 1}")]);
    let mended = house.chat(json!({ "response_format": schema })).await.expect(200).json();
    assert_eq!(mended["choices"][0]["message"]["content"], "{\"b\": 1}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_without_a_model_a_price_or_the_money() {
    let house = House::bare(Database::Sqlite, None).await;
    let none = house.complete(json!({})).await.expect(503).json();
    assert_eq!(none["detail"], "LLM_API_KEY is not configured");
    let body = |url: String| json!({"wire": "openai_compatible", "base_url": url, "models": ["strange"]});
    house.provider("own", body(house.first.url())).await.expect(204);
    let unpriced = house.complete(json!({"model": "strange"})).await.expect(409).json();
    assert_eq!((unpriced["code"].as_str(), unpriced["model"].as_str()), (Some("ai.unpriced"), Some("strange")));
    assert_eq!(house.first.take_heard().len(), 0, "nothing unpriced happens");
    let price = json!({"model": "strange", "input_usd": 1000.0, "output_usd": 1000.0});
    house.app.post("/api/v1/ai/prices").token(&house.root).json(&price).send().await.expect(201);
    let answer = house.complete(json!({"model": "strange"})).await.expect(200).json();
    assert_eq!(answer["cost_usd"], json!(0.008));
    let limit = json!({"level": "tenant", "unit": "nano_usd", "window": "month", "amount": 9_000_000});
    house.app.put("/api/v1/budgets").token(&house.root).json(&limit).send().await.expect(200);
    let full = house.complete(json!({"model": "strange"})).await.expect(429).json();
    assert_eq!((&full["detail"]["code"], &full["detail"]["limit_usd"]), (&json!("ai_budget_exceeded"), &json!(0.009)));
    assert_eq!((&full["detail"]["current_usd"], &full["detail"]["tenant"]), (&json!(0.008), &json!("default")));
    let full = house.chat(json!({"model": "strange"})).await.expect(429).json();
    assert_eq!(full["error"]["type"], "insufficient_quota");
    assert_eq!(house.first.take_heard().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_never_comes_out_and_holds_at_once_when_it_is_replaced() {
    let house = House::open(Database::Sqlite).await;
    let shown = house.app.get(PROVIDERS).token(&house.root).send().await.expect(200);
    assert!(!shown.text.contains("key of"), "{}", shown.text);
    house.complete(json!({})).await.expect(200);
    let again = json!({"wire": "openai_compatible", "base_url": house.first.url(), "key": "another",
        "models": {"*": "*", "default": "gpt-4o-mini"}});
    house.provider("first", again.clone()).await.expect(204);
    house.complete(json!({})).await.expect(200);
    let keys: Vec<String> = house.first.take_heard().into_iter().map(|heard| heard.key).collect();
    assert_eq!(keys, ["key of first", "another"]);
    let mut moved = again;
    moved["base_url"] = house.second.url().into();
    moved.as_object_mut().unwrap().remove("key");
    let refused = house.provider("first", moved).await.expect(422).json();
    assert!(
        refused["detail"].as_str().unwrap().contains("another address"),
        "a key stays where it was given for: {refused}"
    );
    house.app.delete(&format!("{PROVIDERS}/first")).token(&house.ada).send().await.expect(403);
    house.app.delete(&format!("{PROVIDERS}/first")).token(&house.root).send().await.expect(204);
    assert_eq!(house.complete(json!({})).await.expect(200).json()["provider"], "second");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_autopilots_clients_are_told_of_models_and_what_they_were_asked() {
    const USAGE: &str = "/api/v1/llm/usage";
    let document = Document::published();
    for database in [Database::Sqlite, Database::Postgres] {
        let house = House::open(database).await;
        let usage = async || house.app.get(&format!("{USAGE}?org_id=default")).token(&house.ada).send().await;
        let nothing = json!({"tenant_id": "default", "total_requests": 0, "total_input_tokens": 0,
            "total_output_tokens": 0, "total_estimated_cost_usd": 0.0, "by_provider": {}});
        assert_eq!(usage().await.expect(200).json(), nothing);
        house.first.then([Turn::Refuses(500, None)]);
        for _ in 0..2 {
            house.complete(json!({})).await.expect(200);
        }
        let told = usage().await.expect(200).json();
        assert_eq!(document.faults_of_answer("get", USAGE, "200", &told), [""; 0]);
        assert_eq!((&told["total_requests"], &told["total_input_tokens"]), (&json!(3), &json!(14)));
        assert_eq!(told["total_estimated_cost_usd"], json!(3_300.0 / 1e9));
        let asked = json!({"model": "gpt-4o-mini", "requests": 2, "input_tokens": 7, "output_tokens": 1,
            "estimated_cost_usd": 1_650.0 / 1e9, "avg_latency_ms": 0.0, "errors": 1});
        let told = &told["by_provider"];
        assert_eq!((&told["first"], &told["second"]["requests"]), (&asked, &json!(1)), "the clock stands still");
        let viewer = house.app.token("default", "vera", Role::Viewer).await;
        let refused = house.app.get(&format!("{USAGE}?org_id=default")).token(&viewer).send().await;
        assert_eq!(
            refused.refused(403, "role.insufficient").json()["detail"],
            "Insufficient role: requires member or admin"
        );
    }
    let own = |address: &str| Some(address.to_owned());
    for (base_url, mode, told) in
        [(None, "fallback", json!(null)), (own("http://127.0.0.1:9/v1"), "llm", json!("gpt-4o-mini"))]
    {
        let house = House::bare(Database::Sqlite, base_url).await;
        let status = house.app.get("/api/v1/llm/status").send().await.expect(200).json();
        assert_eq!(document.faults_of_answer("get", "/api/v1/llm/status", "200", &status), [""; 0]);
        assert_eq!((&status["mode"], &status["model"]), (&json!(mode), &told));
        assert_eq!(status["base_url"], json!(null), "where models are asked is nobody's business in production");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_cannot_reach_this_machine_and_the_operator_can() {
    let server = ModelServer::start();
    let app = TestApp::with(|setup| setup.settings.ai.base_url = Some(server.url())).await;
    let root = app.token("default", "root", Role::Admin).await;
    let body = json!({"wire": "openai_compatible", "base_url": server.url()});
    let refused = app.put(&format!("{PROVIDERS}/near")).token(&root).json(&body).send().await.expect(403).json();
    assert_eq!(refused["code"], "connection.address_forbidden");
    let body = json!({"task": "t", "system_prompt": "", "user_content": "ping"});
    let answer = app.post(COMPLETE).token(&root).json(&body).send().await.expect(200).json();
    assert_eq!((&answer["provider"], &answer["model"]), (&json!("installation"), &json!("gpt-4o-mini")));
    assert_eq!(server.take_heard()[0].key, "", "a server of one's own may want no key");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_reach_neither_the_provider_nor_whoever_asks() {
    let key = concat!("AKIA", "IOSFODNN7EXAMPLE");
    let house = House::open(Database::Sqlite).await;
    house.first.always(Turn::says(&format!("Use {key} and write to ada@example.org.")));
    let answer = house.complete(json!({"user_content": format!("Why does {key} fail?")})).await.expect(200).json();
    assert_eq!(answer["content"], "Use [aws_access_key] and write to ada@example.org.");
    let streamed = house.chat(json!({"stream": true})).await.expect(200);
    let said: String = streamed
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("data: {"))
        .map(|rest| {
            let part: Value = serde_json::from_str(&format!("{{{rest}")).unwrap();
            part["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(said, "Use [aws_access_key] and write to ada@example.org.");
    assert!(streamed.text.trim_end().ends_with("[DONE]"));
    let heard = house.first.take_heard();
    assert_eq!(heard[0].body["messages"][1]["content"], "Why does [aws_access_key] fail?");
    let audited = house.app.audit("default").await;
    let found: Vec<&str> =
        audited.iter().filter(|row| row.entry.action == "ai.finding").map(|row| row.entry.resource.as_str()).collect();
    let answered = "answer: aws_access_key 1, email 1";
    assert_eq!(found, ["prompt: aws_access_key 1", answered, answered]);
    assert!(audited.iter().all(|row| !row.entry.resource.contains("AKIA")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_blocked_is_refused_before_anything_is_sent_and_paid_where_it_was_answered() {
    let app = TestApp::with(|setup| {
        setup.settings.ai.allow_private_addresses = true;
        setup.settings.ai.personal = Treatment::Block;
    })
    .await;
    let root = app.token("default", "root", Role::Admin).await;
    let server = ModelServer::start();
    let body = json!({"wire": "openai_compatible", "base_url": server.url(), "models": ["gpt-4o-mini"]});
    app.put(&format!("{PROVIDERS}/own")).token(&root).json(&body).send().await.expect(204);
    let ask = |words: &str, stream: bool| {
        let body = json!({"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": words}]});
        app.post(CHAT).token(&root).json(&body)
    };
    let refused = ask("Write to ada@example.org", false).send().await.refused(422, "ai.blocked");
    assert_eq!((refused.json()["found"].clone(), server.take_heard().len()), (json!(["email"]), 0));
    server.always(Turn::says("It is ada@example.org."));
    ask("Who?", false).send().await.refused(422, "ai.blocked");
    let streamed = ask("Who?", true).send().await.expect(200).text;
    assert!(
        streamed.contains("ai.blocked") && !streamed.contains("ada@") && !streamed.contains("[DONE]"),
        "{streamed}"
    );
    let usage = app.get("/api/v1/usage?by=provider&kind=ai").token(&root).send().await.expect(200).json();
    assert_eq!((&usage["items"][0]["charges"], &usage["items"][0]["errors"]), (&json!(2), &json!(0)), "{usage}");
}
