//! Requests over the limit, and questions over what can wait.

use pilothouse_domain::Role;
use pilothouse_domain::audit::INSTALLATION;

use crate::support::{TestApp, question};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_over_the_limit_waits_and_others_do_not() {
    let app = TestApp::with(|setup| {
        setup.settings.limits.enabled = true;
        setup.settings.limits.requests = 3;
        setup.settings.limits.window_seconds = 3_600;
    })
    .await;
    let ada = app.token("acme", "ada", Role::Admin).await;
    let bob = app.token("acme", "bob", Role::Viewer).await;
    for _ in 0..3 {
        app.get("/api/v1/runs").token(&ada).send().await.expect(200);
    }
    for _ in 0..2 {
        let reply = app.get("/api/v1/runs").token(&ada).send().await.refused(429, "rate.limited");
        let seconds: u64 = reply.header("retry-after").parse().unwrap();
        assert!((1..=1_200).contains(&seconds), "{seconds}");
    }
    let reply = app.post("/api/v1/agent/run").token(&ada).json(&question("acme", "How many flights?")).send().await;
    assert_eq!(reply.refused(429, "rate.limited").json()["detail"], "Rate limit exceeded");
    app.get("/api/v1/runs").token(&bob).send().await.expect(200);
    app.get("/health").send().await.expect(200);

    // Another token of the same person has a limit of its own.
    let second = app.token("acme", "ada", Role::Viewer).await;
    app.get("/api/v1/runs").token(&second).send().await.expect(200);

    let rows = app.audit(INSTALLATION).await;
    let counted: Vec<_> = rows.iter().filter(|row| row.entry.code == "rate.limited").collect();
    let of_runs = counted.iter().find(|row| row.entry.resource == "/api/v1/runs").unwrap();
    assert_eq!(of_runs.entry.count, 2, "a minute's refusals are one row");
    assert!(app.audit("acme").await.iter().all(|row| row.entry.code != "rate.limited"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_questions_at_once_are_answered_or_turned_away() {
    let app = TestApp::with(|setup| {
        setup.settings.engine.concurrency = 2;
        setup.settings.ask.max_waiting = 5;
    })
    .await;
    let token = app.token("acme", "ada", Role::Member).await;
    let asked = (0..100).map(|_| {
        let call = app.post("/api/v1/agent/run").token(&token).json(&question("acme", "How many flights were there?"));
        tokio::spawn(call.send())
    });
    let (mut answered, mut turned_away) = (0, 0);
    for reply in asked.collect::<Vec<_>>() {
        let reply = reply.await.unwrap();
        match reply.status.as_u16() {
            200 => {
                assert_eq!(reply.json()["response_type"], "query_result", "{}", reply.text);
                answered += 1;
            }
            503 => {
                assert_eq!(reply.json()["code"], "overloaded");
                assert_eq!(reply.header("retry-after"), "2");
                turned_away += 1;
            }
            other => panic!("{other}: {}", reply.text),
        }
    }
    assert!(answered >= 7 && turned_away > 0, "{answered} answered, {turned_away} turned away");
    let runs = app.get("/api/v1/runs?limit=200").token(&token).send().await.expect(200).json();
    let runs = runs["items"].as_array().unwrap();
    assert_eq!(runs.len(), answered, "who is turned away leaves no run, and no run is lost");
    assert!(runs.iter().all(|run| run["status"] == "succeeded"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_over_the_limit_are_told_when_to_come_back() {
    let app = TestApp::with(|setup| {
        setup.settings.limits.enabled = true;
        setup.settings.limits.requests = 10;
        setup.settings.limits.window_seconds = 3_600;
    })
    .await;
    let token = app.token("acme", "ada", Role::Member).await;
    let calls = (0..100).map(|_| {
        let call = app.post("/api/v1/agent/run").token(&token).json(&question("acme", "How many flights were there?"));
        tokio::spawn(call.send())
    });
    let mut statuses = Vec::new();
    for reply in calls.collect::<Vec<_>>() {
        let reply = reply.await.unwrap();
        assert!(reply.status.as_u16() != 429 || !reply.header("retry-after").is_empty());
        statuses.push(reply.status.as_u16());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 10);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 90);
    app.finish().await;
}
