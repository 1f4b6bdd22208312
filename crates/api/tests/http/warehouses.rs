//! Connections over the API, and data that cannot be read.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::support::{TestApp, question};

async fn connect(app: &TestApp, token: &str, name: &str, file: &str, content: &[u8]) -> Value {
    let folder = app.data.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(file), content).unwrap();
    let body = json!({"name": name, "kind": "files", "path": folder});
    app.post("/api/v1/connections").token(token).json(&body).send().await.expect(201).json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_cannot_be_read_says_why_and_can_be_mended() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    let broken_parquet = [b"PAR1".as_slice(), &[0; 64], b"PAR1"].concat();
    let latin1 = b"id,name\n1,Fran\xe7ois\n2,Andr\xe9\n";
    for (name, file, content, word) in [
        ("corrupt", "table.parquet", broken_parquet.as_slice(), "Parquet"),
        ("text", "table.parquet", b"not parquet at all".as_slice(), "Parquet"),
        ("ragged", "table.csv", b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n".as_slice(), "number of fields"),
        ("latin", "table.csv", latin1.as_slice(), "UTF-8"),
    ] {
        let made = connect(&app, &token, name, file, content).await;
        assert_eq!(made["status"], "failed", "{name}: {made}");
        assert_eq!(made["error"]["code"], "file.unreadable", "{name}: {made}");
        let message = made["error"]["message"].as_str().unwrap();
        assert!(message.contains(file) && message.contains(word), "{name}: {message}");
        assert!(!message.contains(&*app.data.to_string_lossy()), "{name}: {message}");
        let id = made["id"].as_str().unwrap();
        let catalog = app.get(&format!("/api/v1/connections/{id}/catalog")).token(&token).send().await;
        catalog.refused(422, "connection.failed");
        let mut ask = question("acme", "How many tables were there?");
        ask["connection_id"] = json!(id);
        let answer = app.post("/api/v1/agent/run").token(&token).json(&ask).send().await.expect(200).json();
        assert_eq!((&answer["response_type"], &answer["data"]["code"]), (&json!("error"), &json!("connection.failed")));
        assert!(answer["data"]["errors"][0].as_str().unwrap().contains(file), "{answer}");
    }
    // Once the file is mended, a refresh finds it.
    let listed = app.get("/api/v1/connections").token(&token).send().await.expect(200).json();
    let ragged = listed["items"].as_array().unwrap().iter().find(|found| found["name"] == "ragged").unwrap().clone();
    std::fs::write(app.data.join("ragged/table.csv"), "a,b\n1,2\n3,4\n").unwrap();
    let path = format!("/api/v1/connections/{}/refresh", ragged["id"].as_str().unwrap());
    let mended = app.post(&path).token(&token).send().await.expect(200).json();
    assert_eq!((&mended["status"], &mended["error"]), (&json!("ready"), &Value::Null), "{mended}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_about_an_unknown_table_is_refused_with_its_word() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Member).await;
    let ask = app.post("/api/v1/agent/run").token(&token).json(&question("acme", "How many submarines were there?"));
    let answer = ask.send().await.expect(200).json();
    assert_eq!(answer["response_type"], "refused", "{answer}");
    assert!(answer["data"]["unknown_words"].to_string().contains("submarines"), "{answer}");
    let body = json!({"sql": "SELECT * FROM submarines"});
    let report = app.post("/api/v1/sql/check").token(&token).json(&body).send().await.expect(200).json();
    assert_eq!((&report["verdict"], &report["reasons"][0]["code"]), (&json!("block"), &json!("table.unknown")));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_made_read_edited_and_removed() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    let made = connect(&app, &token, "words", "words.csv", b"word_id,word\n1,sea\n2,sky\n3,sea\n").await;
    assert_eq!((&made["status"], &made["kind"]), (&json!("ready"), &json!("files")), "{made}");
    let path = format!("/api/v1/connections/{}", made["id"].as_str().unwrap());
    let catalog = app.get(&format!("{path}/catalog")).token(&token).send().await.expect(200).json();
    assert_eq!((&catalog["tables"][0]["name"], &catalog["tables"][0]["row_count"]), (&json!("words"), &json!(3)));
    let column = &catalog["tables"][0]["columns"][1];
    assert_eq!((&column["name"], &column["values"]), (&json!("word"), &json!(["sea", "sky"])), "{column}");

    let semantic = format!("{path}/semantic");
    let model = app.get(&semantic).token(&token).send().await.expect(200).json();
    assert_eq!(model["version"], 0);
    let put = |yaml: &str| app.put(&semantic).token(&token).json(&json!({"yaml": yaml}));
    let stored = put(model["yaml"].as_str().unwrap()).send().await.expect(200).json();
    assert_eq!(stored["version"], 1);
    let wrong = put("version: 1\nnonsense: [").send().await.refused(422, "semantic.invalid");
    assert_eq!(wrong.json()["line"], wrong.json()["errors"][0]["ctx"]["line"]);
    assert!(wrong.json()["line"].is_u64(), "{}", wrong.text);

    app.delete(&path).token(&token).send().await.expect(204);
    app.get(&semantic).token(&token).send().await.refused(404, "connection.unknown");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_go_in_and_never_come_out() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    for url in ["postgres://ada:hunter2@127.0.0.1:1/x", "postgres://ada:hunter2@[::/x", "postgres://ada:hunter2@/x"] {
        let body = json!({"name": "pg", "kind": "postgres", "url": url});
        let reply = app.post("/api/v1/connections").token(&token).json(&body).send().await;
        assert!(reply.status.is_client_error() && !reply.text.contains("hunter2"), "{}", reply.text);
    }
    app.finish().await;
}
