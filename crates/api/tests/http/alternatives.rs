//! Answers that are changed: the alternatives they offer, asked as queries in the place of words.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::support::{Document, TestApp, question};

const ROUTE: &str = "/api/v1/agent/run";
/// Bytes that an answer's alternatives may add to it.
const MAX_ADDED_BYTES: usize = 32 * 1024;

async fn ask(app: &TestApp, token: &str, words: &str, query: &Value) -> Value {
    let mut body = question("default", words);
    body["query"] = query.clone();
    app.post(ROUTE).token(token).json(&body).send().await.expect(200).json()
}

fn chip<'a>(answer: &'a Value, label: &str) -> &'a Value {
    let chips = answer["data"]["understanding"]["chips"].as_array().unwrap();
    chips.iter().find(|chip| chip["label"] == label).unwrap_or_else(|| panic!("no {label}: {chips:?}"))
}

fn alternative<'a>(answer: &'a Value, label: &str, named: &str) -> &'a Value {
    let offered = chip(answer, label)["alternatives"].as_array().unwrap();
    let found = offered.iter().find(|other| other["label"] == named);
    &found.unwrap_or_else(|| panic!("no {named}: {:?}", offered.iter().map(|o| &o["label"]).collect::<Vec<_>>()))["query"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_an_answer_is_changed_by_its_alternative() {
    let (app, document) = (TestApp::production().await, Document::published());
    let token = app.token("default", "ada", Role::Member).await;
    let first = ask(&app, &token, "How many flights were there in February?", &Value::Null).await;
    assert_eq!(document.faults_of_answer("post", ROUTE, "200", &first), [""; 0]);
    let size = |value: &Value| value.to_string().len();
    let mut bare = first.clone();
    for chip in bare["data"]["understanding"]["chips"].as_array_mut().unwrap() {
        chip.as_object_mut().unwrap().remove("alternatives");
    }
    assert!(size(&first) - size(&bare) < MAX_ADDED_BYTES, "{} of {}", size(&first), size(&bare));

    let query = alternative(&first, "By", "carrier");
    let mut body = question("default", "By: carrier");
    body["query"] = query.clone();
    assert_eq!(document.faults_of_request("post", ROUTE, &body), [""; 0]);
    let grouped = ask(&app, &token, "By: carrier", query).await;
    assert_eq!(grouped["response_type"], "query_result");
    assert_eq!(grouped["data"]["query"], *query);
    assert_eq!(grouped["data"]["row_count"], 3);
    let run = app.get(&format!("/api/v1/runs/{}", grouped["run_id"].as_str().unwrap()));
    let title = run.token(&token).send().await.expect(200).json()["title"].clone();
    let said = grouped["data"]["understanding"]["text"].as_str().unwrap();
    assert_eq!(title, said.trim_end_matches('.'));

    let monthly = ask(&app, &token, "x", alternative(&grouped, "By", "month of flight date")).await;
    assert_eq!(monthly["data"]["columns"][0]["grain"], "month");
    assert!(monthly["summary"].as_str().unwrap().contains("earliest first"), "{}", monthly["summary"]);
    let without = ask(&app, &token, "x", alternative(&monthly, "Period", "any time")).await;
    assert_eq!(without["data"]["row_count"], 2);
    let followed = ask(&app, &token, "only AA", &Value::Null).await;
    assert!(followed["summary"].as_str().unwrap().contains("carrier is AA"), "{}", followed["summary"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_does_not_fit_is_refused_before_it_runs() {
    let app = TestApp::production().await;
    let token = app.token("default", "ada", Role::Member).await;
    let count = json!({"dataset": "flights", "calculation": {"kind": "count_rows"}});
    let at = |field: &str| json!({"dataset": "flights", "field": field});
    for (query, code) in [
        (json!({"dataset": "unicorns", "measures": [count]}), "query.unfit"),
        (json!({"dataset": "flights", "measures": [count], "groups": [{"field": at("horn")}]}), "query.unfit"),
        (json!({"dataset": "flights"}), "query.unfit"),
        (json!({"dataset": "flights", "select": vec![at("origin"); 800]}), "query.unfit"),
        (json!({"dataset": "flights", "measure": [count]}), "body.invalid"),
        (json!({"dataset": 7}), "body.invalid"),
        (json!("flights"), "body.invalid"),
    ] {
        let mut body = question("default", "flights");
        body["query"] = query;
        app.post(ROUTE).token(&token).json(&body).send().await.refused(422, code);
    }
    let mut both = question("default", "flights");
    both["query"] = json!({"dataset": "flights", "measures": [count]});
    both["choice"] = json!("1");
    app.post(ROUTE).token(&token).json(&both).send().await.refused(422, "body.invalid");
    let runs = app.get("/api/v1/runs").token(&token).send().await.expect(200).json();
    assert_eq!(runs["items"].as_array().unwrap().len(), 0);
    app.finish().await;
}
