//! Files that are sent: they become tables whole or not at all.

use std::io;
use std::path::Path;

use axum::body::Body;
use futures::channel::mpsc;
use pilothouse_domain::Role;
use serde_json::json;

use crate::support::{Call, Document, TestApp, question};

const BINARY: &str = "application/octet-stream";

fn import(app: &TestApp, token: &str, name: &str, body: impl Into<Body>) -> Call {
    app.post(&format!("/api/v1/imports?name={name}")).token(token).raw(BINARY, body)
}

/// What stands in the tenant's folder of imports, hidden files too.
fn kept(app: &TestApp, tenant: &str) -> Vec<String> {
    let entries = std::fs::read_dir(app.data.join("imports").join(tenant)).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_becomes_a_table_that_can_be_asked_about() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    let made = import(&app, &token, "cities.csv", "city,people\nOslo,700000\nBergen,290000\n").send().await;
    let made = made.expect(201).json();
    assert_eq!((&made["name"], &made["table_count"]), (&json!("imports"), &json!(1)), "{made}");
    assert_eq!(Document::published().faults_of_answer("post", "/api/v1/imports", "201", &made), [""; 0]);
    let ask = app.post("/api/v1/agent/run").token(&token).json(&question("acme", "total people"));
    let answer = ask.send().await.expect(200).json();
    assert!(answer["summary"].as_str().unwrap().contains("990,000"), "{answer}");
    let more = import(&app, &token, "rivers.csv", "river,length\nGlomma,621\n").send().await.expect(201).json();
    assert_eq!(more["table_count"], 2);
    let rows = app.audit("acme").await;
    let import = rows.iter().find(|row| row.entry.action == "import.create").unwrap();
    assert_eq!((import.entry.subject.as_str(), import.entry.resource.as_str()), ("ada", "cities.csv"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_taken_leaves_nothing_behind() {
    let app = TestApp::with(|setup| setup.settings.imports.max_bytes = 100).await;
    let token = app.token("acme", "ada", Role::Admin).await;
    import(&app, &token, "good.csv", "a,b\n1,2\n").send().await.expect(201);
    let send = |name: &str, body: &str| import(&app, &token, name, body.to_owned()).send();
    send("good.csv", "a,b\n3,4\n").await.refused(409, "connection.exists");
    send("ragged.csv", "a,b\n1,2\n1,2,3\n").await.refused(422, "file.unreadable");
    send("notes.txt", "hello").await.refused(422, "file.unreadable");
    for name in ["..%2Fup.csv", ".hidden.csv", "a%2Fb.csv", "", "a%00.csv", &format!("{}.csv", "x".repeat(200))] {
        send(name, "a,b\n1,2\n").await.refused(422, "query.invalid");
    }
    app.post("/api/v1/imports").token(&token).raw(BINARY, "a").send().await.refused(422, "query.invalid");
    let form = app.post("/api/v1/imports?name=form.csv").token(&token).raw("text/plain", "a,b\n1,2\n");
    form.send().await.refused(415, "body.type");
    import(&app, &token, "declared.csv", "a")
        .header("content-length", "101")
        .send()
        .await
        .refused(413, "body.too_large");
    let parts = futures::stream::iter((0..20).map(|_| Ok::<_, io::Error>("1,2,3,4,5\n")));
    import(&app, &token, "long.csv", Body::from_stream(parts)).send().await.refused(413, "body.too_large");
    let broken = futures::stream::iter([Ok("a,b\n1,2\n"), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    import(&app, &token, "cut.csv", Body::from_stream(broken)).send().await.refused(422, "file.unreadable");
    let viewer = import(&app, &token, "viewer.csv", "a,b\n1,2\n").header("x-user-role", "member");
    viewer.send().await.refused(403, "role.insufficient");
    assert_eq!(kept(&app, "acme"), ["good.csv"]);
    let listed = app.get("/api/v1/connections").token(&token).send().await.expect(200).json();
    let imports = listed["items"].as_array().unwrap().iter().find(|found| found["name"] == "imports").unwrap();
    assert_eq!((&imports["status"], &imports["table_count"]), (&json!("ready"), &json!(1)), "{imports}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_files_of_one_name_do_not_mix() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    let (parts, body) = mpsc::unbounded::<Result<&'static str, io::Error>>();
    parts.unbounded_send(Ok("a,b\n")).unwrap();
    let first = tokio::spawn(import(&app, &token, "same.csv", Body::from_stream(body)).send());
    let hidden = app.data.join("imports/acme/.same.csv.part");
    while !Path::new(&hidden).exists() {
        tokio::task::yield_now().await;
    }
    import(&app, &token, "same.csv", "a,b\n9,9\n").send().await.refused(409, "connection.exists");
    parts.unbounded_send(Ok("1,2\n")).unwrap();
    drop(parts);
    first.await.unwrap().expect(201);
    assert_eq!(kept(&app, "acme"), ["same.csv"]);
    assert_eq!(std::fs::read_to_string(app.data.join("imports/acme/same.csv")).unwrap(), "a,b\n1,2\n");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_leaves_nothing_behind() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    let (parts, body) = mpsc::unbounded::<Result<&'static str, io::Error>>();
    parts.unbounded_send(Ok("a,b\n1,2\n")).unwrap();
    let sending = tokio::spawn(import(&app, &token, "gone.csv", Body::from_stream(body)).send());
    while kept(&app, "acme").is_empty() {
        tokio::task::yield_now().await;
    }
    sending.abort();
    assert!(sending.await.unwrap_err().is_cancelled());
    while !kept(&app, "acme").is_empty() {
        tokio::task::yield_now().await;
    }
    import(&app, &token, "gone.csv", "a,b\n1,2\n").send().await.expect(201);
    app.finish().await;
}
