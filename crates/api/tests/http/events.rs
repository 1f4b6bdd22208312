//! Streams of events: live, resumed, and of runs that have ended; and the answer of a question that goes on.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::support::{TestApp, question};

fn kinds(events: &[(Option<i64>, String, Value)]) -> Vec<&str> {
    events.iter().map(|(_, kind, _)| kind.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_question_tells_its_steps_and_ends_with_the_answer() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Member).await;
    let call = app.post("/api/v1/agent/run").token(&token).header("accept", "text/event-stream");
    let reply = call.json(&question("acme", "How many flights were there in February?")).send().await.expect(200);
    assert_eq!(reply.header("content-type"), "text/event-stream");
    let events = reply.events();
    assert_eq!(kinds(&events).first(), Some(&"run"));
    let run = events[0].2["run_id"].as_str().unwrap().to_owned();
    let (id, kind, answer) = events.last().unwrap();
    assert_eq!((kind.as_str(), &answer["response_type"]), ("answer", &json!("query_result")), "{answer}");
    assert!(id.is_some() && answer["run_id"] == run.as_str());
    let finished = events.iter().filter(|(_, kind, data)| kind == "step" && data["status"] == "succeeded");
    let names: Vec<_> = finished.map(|(_, _, data)| data["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["planner", "validator", "critic", "executor", "composer"]);

    // The whole run again, from any place, and from its end.
    let path = format!("/api/v1/runs/{run}/events");
    let all = app.get(&path).token(&token).send().await.expect(200).events();
    assert_eq!(kinds(&all), ["state", "step", "step", "step", "step", "step", "answer"]);
    let ids: Vec<_> = all.iter().map(|(id, _, _)| id.unwrap()).collect();
    assert!(ids.is_sorted() && ids[0] == 1, "{ids:?}");
    let resume = |after: i64| app.get(&path).token(&token).header("last-event-id", &after.to_string());
    let rest = resume(ids[2]).send().await.expect(200).events();
    assert_eq!(rest, all[3..]);
    assert_eq!(resume(ids[6]).send().await.expect(200).events(), [], "there is nothing to wait for after the end");
    // Lines are told where they are wanted, each with the step that logged it.
    let whole = app.get(&format!("{path}?logs=true")).token(&token).send().await.expect(200).events();
    let steps: Vec<_> = whole.iter().filter(|(_, kind, _)| kind == "log").map(|(_, _, line)| &line["step"]).collect();
    assert_eq!(json!(steps), json!([1, 2, 2, 3, 4, 5]));
    assert_eq!(whole.into_iter().filter(|(_, kind, _)| kind != "log").collect::<Vec<_>>(), all);
    app.get(&format!("{path}?logs=perhaps")).token(&token).send().await.refused(422, "query.invalid");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_can_be_refused_too() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Viewer).await;
    let call = app.post("/api/v1/agent/run").token(&token).header("accept", "text/event-stream");
    let reply = call.json(&question("acme", "How many flights?")).send().await.refused(403, "role.insufficient");
    assert_eq!(reply.header("content-type"), "application/json");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_outlasts_the_wait_is_queued_and_can_be_cancelled() {
    let app = TestApp::with(|setup| {
        setup.settings.ask.wait_seconds = 0;
        // Nobody works on it, so that it waits for certain.
        setup.settings.engine.concurrency = 0;
    })
    .await;
    let token = app.token("acme", "ada", Role::Member).await;
    let ask = app.post("/api/v1/agent/run").token(&token).json(&question("acme", "How many flights were there?"));
    let answer = ask.send().await.expect(200).json();
    assert_eq!(answer["response_type"], "queued", "{answer}");
    let run = answer["run_id"].as_str().unwrap().to_owned();
    assert_eq!((&answer["data"]["workflow_status"], &answer["data"]["queue_id"]), (&json!("queued"), &json!(run)));
    let path = format!("/api/v1/runs/{run}");
    assert_eq!(app.get(&path).token(&token).send().await.expect(200).json()["status"], "queued");
    let others = app.token("acme", "mia", Role::Member).await;
    let cancel = |token: &str| app.post(&format!("{path}/cancel")).token(token);
    cancel(&others).send().await.refused(403, "role.insufficient");
    assert_eq!(cancel(&token).send().await.expect(200).json()["status"], "cancelled");
    cancel(&token).send().await.refused(409, "run.finished");
    let events = app.get(&format!("{path}/events")).token(&token).send().await.expect(200).events();
    assert_eq!(kinds(&events), ["answer"]);
    assert_eq!(events[0].2["data"]["code"], "run.cancelled", "{events:?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_are_listed_in_pages() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Member).await;
    for _ in 0..5 {
        let ask = app.post("/api/v1/agent/run").token(&token).json(&question("acme", "How many flights were there?"));
        ask.send().await.expect(200);
    }
    let (mut path, mut seen) = ("/api/v1/runs?limit=2".to_owned(), Vec::new());
    loop {
        let page = app.get(&path).token(&token).send().await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/runs?limit=2&cursor={cursor}");
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!((seen.len(), once.len()), (5, 5));
    let detail = app.get(&format!("/api/v1/runs/{}", seen[0])).token(&token).send().await.expect(200).json();
    assert_eq!(detail["steps"].as_array().unwrap().len(), 5, "{detail}");
    assert_eq!(app.get("/api/v1/runs?status=failed").token(&token).send().await.expect(200).json()["items"], json!([]));
    app.finish().await;
}
