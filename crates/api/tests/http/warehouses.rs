//! Connections over the API, and data that cannot be read.

use pilothouse_domain::Role;
use pilothouse_testkit::ObjectServer;
use serde_json::{Value, json};

use crate::support::{Document, TestApp, question};

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
async fn files_that_change_are_found_by_the_next_question() {
    let app = TestApp::production().await;
    let token = app.token("acme", "ada", Role::Admin).await;
    let made = connect(&app, &token, "shop", "sales.csv", b"sale_id,amount\n1,10\n2,20\n").await;
    let count = async |session: &str| {
        let mut ask = question("acme", "How many sales were there?");
        (ask["connection_id"], ask["session_id"]) = (made["id"].clone(), json!(session));
        let answer = app.post("/api/v1/agent/run").token(&token).json(&ask).send().await.expect(200).json();
        answer["data"]["rows"][0].as_object().and_then(|row| row.values().next().cloned()).unwrap_or(answer)
    };
    assert_eq!(count("before").await, json!(2));
    std::fs::write(app.data.join("shop/sales.csv"), "sale_id,amount\n1,10\n2,20\n3,30\n").unwrap();
    std::fs::write(app.data.join("shop/refunds.csv"), "refund_id\n1\n").unwrap();
    app.clock.advance_days(1);
    assert_eq!(count("after").await, json!(3));
    let path = format!("/api/v1/connections/{}/catalog", made["id"].as_str().unwrap());
    let catalog = app.get(&path).token(&token).send().await.expect(200).json();
    assert_eq!(catalog["tables"].as_array().unwrap().len(), 2, "{catalog}");
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
    let secrets = json!({"access_key_id": "AKIAhunter2", "secret_access_key": "hunter2", "session_token": ["hunter2"]});
    for (url, more) in [
        ("s3://sales", json!({})),
        ("s3://hunter2:hunter2@sales", json!({"name": "x"})),
        ("s3://sales", json!({"name": "x", "endpoint": "https://ada:hunter2@example.com", "session_token": null})),
        ("gs://sales", json!({"name": "x", "session_token": null})),
        ("s3://sales", json!({"name": "x", "account_key": "hunter2", "session_token": null})),
    ] {
        let mut body = json!({"kind": "object_store", "url": url});
        for part in [&secrets, &more] {
            body.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        }
        let reply = app.post("/api/v1/connections").token(&token).json(&body).send().await;
        let reply = reply.refused(422, "body.invalid");
        assert!(!reply.text.contains("hunter2"), "{}", reply.text);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_connected_asked_and_its_keys_stay_sealed() {
    let server = ObjectServer::start("hunter2");
    server.put("lake", "in/words.csv", "word_id,word\n1,sea\n2,sky\n3,sea\n");
    let app = TestApp::with(|setup| setup.warehouse.allow_private_addresses = true).await;
    let token = app.token("acme", "ada", Role::Admin).await;
    let body = |name: &str, secret: &str| {
        json!({"name": name, "kind": "object_store", "url": "s3://lake/in", "endpoint": server.url(),
            "access_key_id": ObjectServer::ACCESS_KEY_ID, "secret_access_key": secret})
    };
    let document = Document::published();
    assert_eq!(document.faults_of_request("post", "/api/v1/connections", &body("lake", "hunter2")), [""; 0]);
    let made = app.post("/api/v1/connections").token(&token).json(&body("lake", "hunter2")).send().await.expect(201);
    let made = made.json();
    assert_eq!(
        (&made["status"], &made["kind"], &made["table_count"]),
        (&json!("ready"), &json!("object_store"), &json!(1))
    );
    let host = server.url().replace("http://", "");
    assert_eq!(made["location"], format!("s3://lake/in at {host}"), "where it is, and nothing of its keys");
    let wrong = app.post("/api/v1/connections").token(&token).json(&body("wrong", "hunter3")).send().await.expect(201);
    let wrong = wrong.json();
    assert_eq!(
        (&wrong["status"], &wrong["error"]["code"]),
        (&json!("failed"), &json!("connection.refused")),
        "{wrong}"
    );
    let listed = app.get("/api/v1/connections").token(&token).send().await.expect(200);
    assert!(!listed.text.contains("hunter") && !listed.text.contains("AKIA"), "{}", listed.text);
    let rows = app.audit("acme").await;
    assert!(rows.iter().any(|row| row.entry.action == "connection.create"));
    assert!(!format!("{rows:?}").contains("hunter"));
    let mut ask = question("acme", "How many words are there?");
    ask["connection_id"] = made["id"].clone();
    let answer = app.post("/api/v1/agent/run").token(&token).json(&ask).send().await.expect(200).json();
    assert_eq!(answer["data"]["rows"][0]["number_of_words"], 3, "{answer}");
    app.finish().await;
}
