//! Prompts: what models are told, in versions; the file of the installation while it is edited, and the labels of a tenant.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use pilothouse_domain::Role;
use pilothouse_testkit::ModelServer;
use serde_json::{Value, json};

use crate::support::{Database, Document, Reply, TestApp};

const PROMPTS: &str = "/api/v1/prompts";

struct House {
    app: TestApp,
    root: String,
    /// Who agrees to what root wants.
    bob: String,
    model: ModelServer,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl House {
    /// With a file of prompts that says this.
    async fn open(database: Database, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (file, model) = (folder.path().join("prompts.yaml"), ModelServer::start());
        std::fs::write(&file, text).unwrap();
        let (path, url) = (file.clone(), model.url());
        let app = TestApp::with(|setup| {
            setup.database = database;
            setup.settings.ai.base_url = Some(url);
            setup.settings.ai.prompts_file = Some(path);
        })
        .await;
        let root = app.token("default", "root", Role::Admin).await;
        let bob = app.token("default", "bob", Role::Operator).await;
        Self { app, root, bob, model, file, _folder: folder }
    }

    /// Asks with the prompt `memo`: the version that the answer names, and what the model was told.
    async fn ask(&self) -> (String, String) {
        let body = json!({"task": "memo", "prompt": "memo", "user_content": "ping"});
        let answer = self.app.post("/api/v2/ai/gateway/complete").token(&self.root).json(&body).send().await;
        let named = answer.expect(200).json()["prompt"].as_str().unwrap().to_owned();
        let heard = self.model.take_heard().pop().unwrap().body;
        assert_eq!(heard["messages"][0]["role"], "system", "{heard}");
        (named, heard["messages"][0]["content"].as_str().unwrap().to_owned())
    }

    /// Asks until the model is told this, which is to be soon; and the version that the answer names.
    async fn told(&self, wanted: &str) -> String {
        let began = Instant::now();
        loop {
            let (named, told) = self.ask().await;
            if told == wanted {
                return named;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "it is told {told:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn get(&self, path: &str, template: &str) -> Value {
        let answer = self.app.get(path).token(&self.root).send().await.expect(200).json();
        assert_eq!(Document::published().faults_of_answer("get", template, "200", &answer), [""; 0], "{answer}");
        answer
    }

    async fn shown(&self) -> Value {
        self.get("/api/v1/prompts/memo", "/api/v1/prompts/{name}").await
    }

    /// What is wrong with the file, and in which line.
    async fn fault(&self) -> (Value, Value) {
        let file = self.get(PROMPTS, PROMPTS).await["file"].clone();
        (file["fault"].clone(), file["line"].clone())
    }

    async fn label(&self, label: &str, body: Value) -> Reply {
        self.app.put(&format!("{PROMPTS}/memo/labels/{label}")).token(&self.root).json(&body).send().await
    }

    /// Moves the label that is protected, and agrees to it; gives what whoever agrees is shown.
    async fn agree(&self, body: Value) -> Value {
        let waits = self.label("production", body.clone()).await.refused(409, "approval.required").json();
        let path = format!("/api/v1/approvals/{}", waits["approval_id"].as_str().unwrap());
        let shown = self.app.get(&path).token(&self.bob).send().await.expect(200).json();
        let seen = json!({"payload_hash": shown["payload_hash"]});
        self.app.post(&format!("{path}/approve")).token(&self.bob).json(&seen).send().await.expect(200);
        self.label("production", body).await.expect(204);
        shown
    }
}

fn file(text: &str) -> String {
    format!("prompts:\n  memo:\n    version: '1.0'\n    template: {text}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_edited_and_reverted_holds_each_time_without_a_restart() {
    for database in [Database::Sqlite, Database::Postgres] {
        let house = House::open(database, &file("Write a memo.")).await;
        let first = house.told("Write a memo.").await;
        assert_eq!(first.split('@').next(), Some("memo"));
        std::fs::write(&house.file, file("Write a short memo.")).unwrap();
        let second = house.told("Write a short memo.").await;
        assert!(first != second, "{first}");
        std::fs::write(&house.file, file("Write a memo.")).unwrap();
        assert_eq!(house.told("Write a memo.").await, first, "what is the same has the same name");
        let shown = house.shown().await;
        assert_eq!(shown["in_force"]["hash"], first.split_once('@').unwrap().1);
        assert_eq!((&shown["in_force"]["version"], &shown["in_force"]["source"]), (&json!("1.0"), &json!("file")));
        let moves: Vec<&Value> = shown["history"].as_array().unwrap().iter().map(|moved| &moved["hash"]).collect();
        assert!(moves.len() == 3 && moves[0] == moves[2] && moves[0] != moves[1], "{moves:?}");
        assert_eq!(shown["versions"].as_array().unwrap().len(), 2);
        // Charges name it as well.
        let usage = house.app.get("/api/v1/usage?by=prompt").token(&house.root).send().await.expect(200).json();
        let names: Vec<&Value> = usage["items"].as_array().unwrap().iter().map(|share| &share["name"]).collect();
        assert!(names.contains(&&json!(first)) && names.contains(&&json!(second)), "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_changes_nothing_and_says_where_it_is_broken() {
    let house = House::open(Database::Sqlite, &file("Write a memo.")).await;
    let version = house.told("Write a memo.").await;
    assert_eq!(house.fault().await, (Value::Null, Value::Null));
    std::fs::write(&house.file, format!("{}  other: [\n", file("Write nonsense."))).unwrap();
    let began = Instant::now();
    while house.fault().await.0.is_null() {
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(house.fault().await.1.as_u64().unwrap() >= 5, "{:?}", house.fault().await);
    assert_eq!(house.ask().await, (version.clone(), "Write a memo.".to_owned()));
    std::fs::remove_file(&house.file).unwrap();
    while house.fault().await.0 != "it is gone" {
        assert!(began.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(house.ask().await.0, version);
    std::fs::write(&house.file, file("Write a memo.")).unwrap();
    while !house.fault().await.0.is_null() {
        assert!(began.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Somebody who starts with a broken file goes on with what it said before.
    std::fs::write(&house.file, "prompts: [").unwrap();
    let (path, url) = (house.file.clone(), house.model.url());
    let store = house.app.app.store().clone();
    let again = TestApp::with(|setup| {
        setup.store = Some(store);
        setup.settings.ai.base_url = Some(url);
        setup.settings.ai.prompts_file = Some(path);
    })
    .await;
    let again = House { root: house.root.clone(), app: again, ..house };
    assert_eq!(again.ask().await, (version, "Write a memo.".to_owned()));
    assert_eq!(again.fault().await.1, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_everybody_is_told_changes_once_somebody_agrees_and_back_again() {
    for database in [Database::Sqlite, Database::Postgres] {
        let house = House::open(database, &file("Write a memo.")).await;
        let of_file = house.told("Write a memo.").await;
        let body = json!({"template": "Write a long memo.", "version": "2"});
        let path = format!("{PROMPTS}/memo/versions");
        let kept = house.app.post(&path).token(&house.root).json(&body).send().await.expect(201).json();
        assert_eq!((&kept["source"], &kept["created_by"]), (&json!("tenant"), &json!("root")));
        assert_eq!(house.ask().await.0, of_file, "it is not in force by that");
        let to = json!({"hash": kept["hash"], "because": "They were too short."});
        let seen = house.agree(to).await;
        assert_eq!(seen["kind"], "prompt.label");
        assert_eq!(seen["payload"]["from"]["text"], "Write a memo.");
        assert_eq!(seen["payload"]["to"]["text"], "Write a long memo.");
        assert_eq!(seen["facts"]["evaluation"]["from"]["calls"], 2, "{seen}");
        assert_eq!(seen["facts"]["evaluation"]["to"], Value::Null);
        let (named, told) = house.ask().await;
        assert_eq!((named, told.as_str()), (format!("memo@{}", kept["hash"].as_str().unwrap()), "Write a long memo."));
        // Others are told what the installation says.
        let other = house.app.token("other", "eve", Role::Admin).await;
        let theirs = house.app.get("/api/v1/prompts/memo").token(&other).send().await.expect(200).json();
        assert_eq!(theirs["in_force"]["template"], "Write a memo.");
        assert_eq!(theirs["versions"].as_array().unwrap().len(), 1, "{theirs}");
        let back = house.agree(json!({"hash": null, "because": "They are too long."})).await;
        assert_eq!(back["facts"]["evaluation"]["from"]["calls"], 1);
        assert_eq!(house.ask().await.0, of_file);
        let history = house.shown().await["history"].clone();
        let reasons: Vec<&Value> = history.as_array().unwrap().iter().map(|moved| &moved["because"]).collect();
        assert!(reasons.contains(&&json!("They were too short.")) && reasons.contains(&&json!("They are too long.")));
        let audited = house.app.audit("default").await;
        assert_eq!(
            audited.iter().filter(|row| row.entry.action == "prompt.label" && row.entry.code.is_empty()).count(),
            2
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_told_to_its_share_alone() {
    let house = House::open(Database::Sqlite, &file("Write a memo.")).await;
    house.told("Write a memo.").await;
    let path = format!("{PROMPTS}/memo/versions");
    let body = json!({"template": "Write a long memo."});
    let kept = house.app.post(&path).token(&house.root).json(&body).send().await.expect(201).json();
    for (percent, told) in [(100, "Write a long memo."), (0, "Write a memo.")] {
        house.label("canary", json!({"hash": kept["hash"], "percent": percent})).await.expect(204);
        assert_eq!(house.ask().await.1, told);
    }
    let shown = house.shown().await;
    assert_eq!(
        (&shown["in_force"]["template"], &shown["labels"][0]["label"]),
        (&json!("Write a memo."), &json!("canary"))
    );
    house.label("canary", json!({"hash": "0123456789abcdef"})).await.refused(404, "prompt.unknown");
    house.label("canary", json!({"hash": kept["hash"], "percent": 101})).await.refused(422, "body.invalid");
    house.label("staging", json!({"hash": kept["hash"]})).await.refused(422, "body.invalid");
    let viewer = house.app.token("default", "vic", Role::Viewer).await;
    house.app.post(&path).token(&viewer).json(&body).send().await.refused(403, "role.insufficient");
    let blank = house.app.post(&path).token(&house.root).json(&json!({"template": " "})).send().await;
    blank.refused(422, "prompt.invalid");
    let unknown = json!({"task": "memo", "prompt": "nothing", "user_content": "ping"});
    let asked = house.app.post("/api/v2/ai/gateway/complete").token(&house.root).json(&unknown).send().await;
    asked.refused(404, "prompt.unknown");
}
