//! The command line beside a running server, alone, and before a server that is named: the same answers everywhere.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "each test binary uses its own part of the support")]
mod support;

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use support::{Server, pilothouse, with_sample};

/// The words of a command that has the sample data and may read `folder`.
fn command(folder: &Path) -> Command {
    let mut command = pilothouse(folder);
    with_sample(&mut command).args(["--set", &format!("warehouse.allowed_roots={}", folder.display())]).arg("--json");
    command
}

fn printed(output: &Output) -> Value {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(if out.trim().is_empty() { err.trim() } else { out.trim() })
        .unwrap_or_else(|error| panic!("{error}: {out}{err}"))
}

/// What a command prints, after looking at its exit code.
#[track_caller]
fn run(folder: &Path, words: &[&str], code: i32) -> Value {
    let output = command(folder).args(words).output().unwrap();
    let printed = printed(&output);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {printed}");
    printed
}

fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap().success());
}

fn runs_and_queues_are_looked_after(folder: &Path, id: &str) {
    let shown = run(folder, &["runs", "show", id], 0);
    assert_eq!((&shown["status"], &shown["attempts"][0]["outcome"]), (&json!("succeeded"), &json!("succeeded")));
    let listed = run(folder, &["runs", "list", "--status", "succeeded", "--kind", "ask", "--since", "2h"], 0);
    assert!(listed["items"].as_array().unwrap().iter().any(|item| item["id"] == id), "{listed}");
    assert_eq!(run(folder, &["runs", "list", "--older-than", "2h"], 0)["items"], json!([]));
    assert_eq!(run(folder, &["run", "watch", id], 0)["status"], "succeeded");
    let logged = run(folder, &["runs", "logs", id, "--step", "4", "--level", "info"], 0);
    let lines = logged["items"].as_array().unwrap();
    assert!(
        lines.len() == 1 && lines[0]["step"] == 4 && lines[0]["message"].as_str().unwrap().contains(" ms"),
        "{logged}"
    );
    assert_eq!(run(folder, &["runs", "retry", id], 1)["code"], "run.finished");
    assert_eq!(run(folder, &["runs", "cancel", "nonsense"], 1)["code"], "run.unknown");
    run(folder, &["runs", "cancel"], 2);
    run(folder, &["runs", "discard", "--reason", "old"], 2);
    run(folder, &["runs", "list", "--since", "yesterday"], 2);
    assert_eq!(run(folder, &["runs", "retry", "--dead", "--kind", "ask"], 0)["matched"], 0);
    assert_eq!(run(folder, &["runs", "dead"], 0)["items"], json!([]));
    assert_eq!(run(folder, &["runs", "stuck"], 0)["stuck_jobs_count"], 0);
    assert_eq!(run(folder, &["runs", "reconcile"], 0), json!({"reconciled": 0, "more": false}));

    let input = r#"{"message": "How many flights were there in February?"}"#;
    let started = run(folder, &["runs", "start", "ask", "--input", input, "--key", "feb", "--wait"], 0);
    assert!(started["output"]["summary"].as_str().unwrap().contains("24,951"), "{started}");
    let again = run(folder, &["runs", "start", "ask", "--input", input, "--key", "feb"], 0);
    assert_eq!((&again["id"], &again["status"]), (&started["id"], &json!("succeeded")));
    let later = run(folder, &["runs", "start", "ask", "--input", input, "--in", "2h"], 0);
    assert_eq!((&later["status"], &later["subject"]), (&json!("queued"), &json!("command line")));
    assert_eq!(run(folder, &["runs", "cancel", later["id"].as_str().unwrap()], 0)["items"][0]["status"], "cancelled");
    assert_eq!(run(folder, &["runs", "start", "nothing"], 1)["code"], "workflow.unknown");
    assert_eq!(run(folder, &["runs", "start", "ask"], 1)["code"], "body.invalid");
    run(folder, &["runs", "start", "ask", "--input", "{"], 2);
    run(folder, &["runs", "start", "ask", "--in", "soon"], 2);

    let paused = run(folder, &["queue", "pause", "ask", "--reason", "a test"], 0);
    assert_eq!(paused["paused"]["reason"], "a test");
    assert!(run(folder, &["queue", "show", "ask"], 0)["paused"].is_object());
    assert_eq!(run(folder, &["queue", "resume", "ask"], 0)["paused"], Value::Null);
    assert_eq!(run(folder, &["queue", "pause", "nothing", "--reason", "a test"], 1)["code"], "queue.unknown");
    let limits = run(folder, &["queue", "limits", "ask", "--total", "5", "--rate", "10/60s"], 0);
    assert_eq!((&limits["total"], &limits["rate"]["starts"]), (&json!(5), &json!(10)));
    run(folder, &["queue", "limits", "ask", "--total", "some"], 2);
    let lifted = run(folder, &["queue", "limits", "ask", "--total", "none", "--rate", "none"], 0);
    assert_eq!((&lifted["total"], &lifted["rate"]), (&Value::Null, &Value::Null));
    assert_eq!(run(folder, &["queues", "list", "--all-tenants"], 0)["items"][0]["name"], "ask");
    assert!(run(folder, &["queue", "workers"], 0)["items"].is_array());
}

fn schedules_are_looked_after(folder: &Path) {
    let question = "How many flights were there in February?";
    let words = ["schedules", "create", "daily", "--cron", "30 7 * * *", "--zone", "Europe/Berlin"];
    let made = run(folder, &[&words[..], &["--question", question, "--connection", "sample"]].concat(), 0);
    assert_eq!((&made["name"], &made["kind"], &made["overlap"]), (&json!("daily"), &json!("ask"), &json!("skip")));
    let id = made["id"].as_str().unwrap();
    assert_eq!(run(folder, &[&words[..], &["--question", question]].concat(), 1)["code"], "schedule.exists");
    let wrong = ["schedules", "create", "wrong", "--cron", "99 * * * *", "--question", question];
    assert_eq!(run(folder, &wrong, 1)["code"], "schedule.invalid");
    run(folder, &["schedules", "create", "wrong", "--every", "often", "--question", question], 2);
    assert_eq!(run(folder, &["schedule", "list"], 0)["items"][0]["id"], id);
    assert_eq!(run(folder, &["schedules", "show", "daily"], 0)["runs"], json!([]));
    let ticks = run(folder, &["schedules", "next", id, "--count", "2"], 0);
    assert!(ticks["items"][1]["local"].as_str().unwrap().contains("T07:30:00+0"), "{ticks}");
    run(folder, &["schedules", "show", "nothing"], 2);
    let changed = run(folder, &["schedules", "change", "daily", "--every", "2h", "--rename", "often"], 0);
    let told = ["name", "cron", "every_seconds"].map(|name| changed[name].clone());
    assert_eq!((json!(told), &changed["input"]), (json!(["often", null, 7_200]), &made["input"]));
    assert_eq!(run(folder, &["schedules", "pause", "often"], 0)["items"][0]["paused"], true);
    let changed = run(folder, &["schedules", "change", "often", "--overlap", "queue", "--jitter", "1m"], 0);
    let told = ["overlap", "jitter_seconds", "every_seconds", "paused"].map(|name| changed[name].clone());
    assert_eq!(json!(told), json!(["queue", 60, 7_200, true]));
    assert_eq!(run(folder, &["schedules", "resume", "--all"], 0)["items"][0]["paused"], false);
    let fired = run(folder, &["schedules", "run", "often", "--wait"], 0);
    assert_eq!((&fired["status"], &fired["title"]), (&json!("succeeded"), &json!(question)));
    assert_eq!(run(folder, &["schedules", "show", "often"], 0)["runs"][0]["id"], fired["id"]);
    assert_eq!(run(folder, &["schedules", "remove", "often"], 3), json!({"removed": null}));
    assert_eq!(run(folder, &["schedules", "remove", "often", "--yes"], 0), json!({"removed": id}));
    assert_eq!(run(folder, &["schedules", "list"], 0)["items"], json!([]));
    assert_eq!(run(folder, &["runs", "show", fired["id"].as_str().unwrap()], 0)["status"], "succeeded");
}

fn approvals_are_looked_after(folder: &Path) {
    assert_eq!(run(folder, &["approvals", "list"], 0)["items"], json!([]));
    assert_eq!(run(folder, &["approvals", "show", "apr_nothing"], 1)["code"], "approval.unknown");
    assert_eq!(run(folder, &["approvals", "approve", "apr_nothing"], 1)["code"], "approval.unknown");
    for verb in ["reject", "revoke", "break-glass"] {
        let words = ["approvals", verb, "apr_nothing", "--reason", "it is a test"];
        assert_eq!(run(folder, &words, 1)["code"], "approval.unknown");
    }
    let file = folder.join("rules.yaml");
    let name = file.to_str().unwrap();
    std::fs::write(&file, "rules:\n  - {name: a, then: perhaps}\n").unwrap();
    assert_eq!(run(folder, &["approvals", "rules", "--check", name], 3)["line"], 2);
    assert_eq!(run(folder, &["approvals", "rules", "--put", name], 1)["code"], "rules.invalid");
    std::fs::write(&file, "rules:\n  - {name: a, when: {kinds: [nothing]}, then: allow}\n").unwrap();
    assert_eq!(run(folder, &["approvals", "rules", "--check", name], 0)["dry_run"]["changed"], json!([]));
    assert_eq!(run(folder, &["approvals", "rules", "--put", name], 0)["version"], 1);
    assert_eq!(run(folder, &["approvals", "rules"], 0)["version"], 1);
}

fn every_command_works(folder: &Path) {
    let answer = run(folder, &["ask", "How many flights were there in February?"], 0);
    assert!(answer["summary"].as_str().unwrap().contains("24,951"), "{answer}");
    assert_eq!(answer["response_type"], "query_result");
    let unclear = run(folder, &["ask", "Which carrier had the most delayed flights in February?"], 3);
    assert_eq!(unclear["response_type"], "clarification", "{unclear}");
    assert_eq!(run(folder, &["ask", " "], 1)["code"], "question.empty");
    assert_eq!(run(folder, &["ask", &"x ".repeat(2_000)], 1)["code"], "question.too_long");
    run(folder, &["ask", "How many?", "--connection", "nope"], 2);

    runs_and_queues_are_looked_after(folder, answer["run_id"].as_str().unwrap());
    schedules_are_looked_after(folder);
    approvals_are_looked_after(folder);

    assert_eq!(run(folder, &["tenant", "create", "acme", "--name", "Acme"], 0), json!({"id": "acme", "name": "Acme"}));
    assert_eq!(run(folder, &["tenant", "create", "acme"], 1)["code"], "tenant.exists");
    run(folder, &["tenant", "create", "a b"], 2);
    assert_eq!(run(folder, &["tenant", "list"], 0)["items"].as_array().unwrap().len(), 2);

    let made = run(folder, &["--tenant", "acme", "token", "create", "ada", "--expires-in-days", "3"], 0);
    assert!(made["token"].as_str().unwrap().starts_with("ph_"), "{made}");
    assert_eq!((&made["tenant"], &made["role"]), (&json!("acme"), &json!("member")));
    let id = made["id"].as_str().unwrap();
    assert_eq!(run(folder, &["--tenant", "acne", "token", "list"], 1)["code"], "tenant.unknown");
    assert_eq!(run(folder, &["token", "revoke", id], 1)["code"], "token.unknown", "it is another tenant's");
    assert_eq!(run(folder, &["--tenant", "acme", "token", "revoke", id], 0), json!({"revoked": id}));
    let listed = run(folder, &["--tenant", "acme", "token", "list"], 0);
    assert_eq!(listed["items"], json!([{"id": id, "subject": "ada", "role": "member", "revoked": true}]));

    let good = run(folder, &["sql", "check", "SELECT count(*) FROM flights"], 0);
    assert!(good["verdict"].as_str().unwrap().starts_with("allow") && good["sql"].is_string(), "{good}");
    let blocked = run(folder, &["sql", "check", "DROP TABLE flights", "--connection", "sample"], 3);
    assert_eq!((&blocked["verdict"], &blocked["sql"]), (&json!("block"), &Value::Null));

    std::fs::create_dir_all(folder.join("shop")).unwrap();
    std::fs::write(folder.join("shop/towns.csv"), "town,people\nOslo,5\nBergen,3\n").unwrap();
    // A path is meant from where the command is, not from where the server is.
    let shop = run(folder, &["connect", "shop", "shop"], 0);
    assert_eq!((&shop["kind"], &shop["status"], &shop["error"]), (&json!("files"), &json!("ready"), &Value::Null));
    assert_eq!(run(folder, &["connect", "shop", "shop"], 1)["code"], "connection.exists");
    assert_eq!(run(folder, &["connect", "etc", "/etc"], 1)["code"], "connection.path_forbidden");
    let answer = run(folder, &["ask", "total people", "--connection", "shop"], 0);
    assert!(answer["summary"].as_str().unwrap().contains('8'), "{answer}");

    std::fs::write(folder.join("big.csv"), big()).unwrap();
    assert_eq!(run(folder, &["import", "big.csv"], 0)["name"], "imports");
    assert_eq!(run(folder, &["import", "big.csv"], 1)["code"], "connection.exists");
    assert_eq!(run(folder, &["import", "none.csv"], 1)["code"], "file.unreadable");
    let answer = run(folder, &["ask", "total weight", "--connection", "imports"], 0);
    assert!(answer["summary"].as_str().unwrap().contains("300,000"), "{answer}");

    let proof = run(folder, &["--tenant", "acme", "audit", "verify"], 0);
    assert_eq!(proof["whole"], true);
    assert!(proof["chains"].as_array().unwrap().iter().any(|chain| chain["scope"] == "acme"), "{proof}");
    let output = command(folder).arg("doctor").output().unwrap();
    let findings = printed(&output)["findings"].to_string();
    assert!(findings.contains("(SQLite) keeps what it acknowledged"), "{findings}");
    assert!(findings.contains("every node seals credentials with the same key"), "{findings}");
}

/// A table of some megabytes.
fn big() -> String {
    let row = format!("{},1\n", "parcel ".repeat(3).trim());
    format!("parcel,weight\n{}", row.repeat(300_000))
}

#[test]
fn every_command_works_beside_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let roots = format!("warehouse.allowed_roots={}", folder.path().display());
    let server = Server::start_with_sample(folder.path(), &["--set", &roots]);
    every_command_works(folder.path());
    let findings = printed(&command(folder.path()).arg("doctor").output().unwrap())["findings"].to_string();
    assert!(findings.contains("a server runs on this data folder"), "{findings}");
    // The server itself has answered, so it knows of everything without being started anew.
    let (_, tenants) = server.get("/api/v1/tenants").unwrap();
    assert!(tenants["items"].as_array().unwrap().iter().any(|tenant| tenant["id"] == "acme"), "{tenants}");
}

#[test]
fn a_server_on_postgres_is_reached_the_same_way() {
    let url = pilothouse_testkit::postgres().schema_url("line");
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--set", &format!("database.url={url}")]);
    // It answers before its worker has said that it is there.
    let works = || command(folder.path()).args(["schedules", "status"]).output().unwrap().status.success();
    server.until("a worker", works);
    let status = run(folder.path(), &["schedules", "status"], 0);
    assert_eq!((&status["running"], &status["late"]), (&json!(true), &json!(0)));
    run(folder.path(), &["tenant", "create", "acme"], 0);
    // The command was not told where the database is: only the server can have answered.
    assert!(!folder.path().join("data/pilothouse.db").exists());
    let output = command(folder.path()).arg("doctor").output().unwrap();
    let findings = printed(&output)["findings"].to_string();
    assert!(findings.contains("(PostgreSQL)"), "{findings}");
    let alone = tempfile::tempdir().unwrap();
    let listed = run(alone.path(), &["--set", &format!("database.url={url}"), "tenant", "list"], 0);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "{listed}");
}

#[test]
fn every_command_works_alone() {
    let folder = tempfile::tempdir().unwrap();
    every_command_works(folder.path());
}

#[test]
fn the_socket_is_the_owners_alone_and_goes_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("data/pilothouse.sock");
    let mut killed = Server::start(folder.path(), &[]);
    let meta = std::fs::metadata(&socket).unwrap();
    assert!(meta.file_type().is_socket());
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert!(socket.exists(), "a killed server cannot clean up");
    // What it left behind is in nobody's way.
    run(folder.path(), &["tenant", "list"], 0);
    let mut stopped = Server::start(folder.path(), &[]);
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    run(folder.path(), &["tenant", "list"], 0);
    signal("TERM", stopped.child.id());
    assert!(stopped.child.wait().unwrap().success());
    assert!(!socket.exists());
}

#[test]
fn a_named_server_wants_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let url = format!("http://{}", server.address);
    let elsewhere = tempfile::tempdir().unwrap();
    let ask = |token: Option<&str>, words: &[&str]| {
        let mut command = command(elsewhere.path());
        command.args(["--server", &url]).args(words);
        let output = token.into_iter().fold(&mut command, |command, token| command.env("PILOTHOUSE_TOKEN", token));
        let output = output.output().unwrap();
        (output.status.code(), printed(&output))
    };
    let (code, good) = ask(Some("dev_admin_token"), &["tenant", "list"]);
    assert_eq!((code, &good["items"][0]["id"]), (Some(0), &json!("default")), "{good}");
    let (code, wrong) = ask(Some("ph_wrong"), &["tenant", "list"]);
    assert_eq!((code, &wrong["code"]), (Some(1), &json!("auth.invalid")), "{wrong}");
    let (code, wrong) = ask(Some("ph_wrong"), &["ask", "How many flights were there?"]);
    assert_eq!((code, &wrong["code"]), (Some(1), &json!("auth.invalid")), "{wrong}");
    let (code, none) = ask(None, &["token", "list"]);
    assert_eq!((code, &none["code"]), (Some(1), &json!("auth.required")), "{none}");
    let file = elsewhere.path().join("token");
    std::fs::write(&file, "dev_viewer_token\n").unwrap();
    let (code, viewer) = ask(None, &["--token-file", file.to_str().unwrap(), "token", "list"]);
    assert_eq!((code, &viewer["code"]), (Some(1), &json!("role.insufficient")), "{viewer}");
    std::fs::write(elsewhere.path().join("far.csv"), "a,b\n1,2\n").unwrap();
    let (code, far) = ask(Some("dev_admin_token"), &["import", "far.csv"]);
    assert_eq!((code, &far["status"]), (Some(0), &json!("ready")), "{far}");
    assert!(folder.path().join("data/imports/default/far.csv").exists() && !elsewhere.path().join("data").exists());
    let nobody = run(elsewhere.path(), &["--server", "http://127.0.0.1:1", "connect", "a", "b"], 1);
    assert_eq!(nobody["code"], "unavailable");
    run(elsewhere.path(), &["--server", "localhost:8080", "tenant", "list"], 2);
}

#[test]
fn a_file_that_is_cut_off_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let mut socket = UnixStream::connect(folder.path().join("data/pilothouse.sock")).unwrap();
    let head = "POST /api/v1/imports?name=cut.csv HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n";
    let text = big();
    socket.write_all(format!("{head}Content-Length: {}\r\n\r\n", text.len()).as_bytes()).unwrap();
    socket.write_all(&text.as_bytes()[..text.len() / 2]).unwrap();
    let imports = folder.path().join("data/imports/default");
    let kept = || std::fs::read_dir(&imports).map_or(0, |entries| entries.count());
    server.until("the file is being written", || kept() == 1);
    drop(socket);
    server.until("the part of it is gone", || kept() == 0);
    std::fs::write(folder.path().join("cut.csv"), text).unwrap();
    run(folder.path(), &["import", "cut.csv"], 0);
}

#[test]
fn commands_wait_for_each_other_and_not_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let make = |n: usize| {
        let mut command = command(folder.path());
        command.args(["token", "create", &format!("s{n}")]).stdout(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = (0..3).map(make).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(run(folder.path(), &["token", "list"], 0)["items"].as_array().unwrap().len(), 3);
    let held = File::open(folder.path().join("data/pilothouse.lock")).unwrap();
    held.lock().unwrap();
    assert_eq!(run(folder.path(), &["token", "list"], 1)["code"], "storage.locked");
}

#[test]
fn a_path_too_long_for_a_socket_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("d".repeat(100));
    std::fs::create_dir(&deep).unwrap();
    let _server = Server::start(&deep, &[]);
    let log = std::fs::read_to_string(deep.join("serve.log")).unwrap();
    assert!(log.contains("too long for the operating system"), "{log}");
    let refused = run(&deep, &["tenant", "list"], 1);
    assert_eq!(refused["code"], "storage.locked");
    assert!(refused["error"].as_str().unwrap().contains("shorter --data-dir"), "{refused}");
}

#[test]
fn ctrl_c_cancels_the_question() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::start_with_sample(folder.path(), &["--set", "engine.concurrency=1", "--set", "ask.max_waiting=2000"]);
    // One worker and many questions before ours: ours waits.
    let askers: Vec<_> = (0..16)
        .map(|n| {
            let client = server.client;
            std::thread::spawn(move || client.ask("Average departure delay by carrier", &format!("c{n}")))
        })
        .collect();
    let queued = |title: &str| {
        let (_, page) = server.get("/api/v1/runs?status=queued&limit=200").unwrap();
        let found = page["items"].as_array().unwrap().iter().find(|run| run["title"] == title).cloned();
        found.map(|run| run["id"].as_str().unwrap().to_owned())
    };
    server.until("a question waits", || queued("Average departure delay by carrier").is_some());
    let mut asking = command(folder.path());
    let asking = asking.args(["ask", "Number of planes"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut id = None;
    server.until("our question waits", || {
        id = queued("Number of planes");
        id.is_some()
    });
    signal("INT", asking.id());
    let output = asking.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(printed(&output), json!({"cancelled": id}));
    let (_, run) = server.get(&format!("/api/v1/runs/{}", id.unwrap())).unwrap();
    assert_eq!(run["status"], "cancelled");
    for asker in askers {
        assert_eq!(asker.join().unwrap().unwrap().0, 200);
    }
}

/// What `sql check --policy` prints for these lines, and its exit code.
fn judged(folder: &Path, words: &[&str], lines: &str) -> (Vec<Value>, Option<i32>) {
    std::fs::write(folder.join("lines.jsonl"), lines).unwrap();
    let lines = std::fs::File::open(folder.join("lines.jsonl")).unwrap();
    let output = command(folder).args(["sql", "check", "--policy", "policy.yaml"]).args(words).stdin(lines).output();
    let output = output.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    (printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.code())
}

#[test]
fn a_corpus_is_judged_by_a_policy_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let policy =
        "tables:\n  people:\n    columns:\n      name: {type: string, sensitivity: restricted}\n      town: string\n";
    std::fs::write(folder.join("policy.yaml"), policy).unwrap();
    let lines = concat!(
        "{\"id\": 7, \"sql\": \"SELECT name FROM people\"}\n\n",
        "{\"sql\": \"SELECT town FROM people LIMIT 5\", \"dialect\": \"postgresql\"}\n"
    );
    let (verdicts, code) = judged(folder, &["--dialect", "datafusion"], lines);
    assert_eq!(code, Some(0));
    assert_eq!((&verdicts[0]["id"], &verdicts[0]["verdict"]), (&json!(7), &json!("block")));
    assert_eq!(verdicts[0]["reasons"][0]["code"], "column.restricted");
    assert_eq!((&verdicts[1]["verdict"], verdicts.len()), (&json!("allow"), 2));
    assert_eq!(verdicts[1]["canonical"], "SELECT town FROM people LIMIT 5");

    let (verdicts, code) = judged(folder, &[], "nothing\n{\"sql\": 5}\n{\"sql\": \"x\", \"dialect\": \"klingon\"}\n");
    assert_eq!((verdicts.len(), code), (3, Some(3)));
    assert!(verdicts.iter().all(|line| line["error"]["code"] == "body.invalid"), "{verdicts:?}");

    std::fs::write(folder.join("policy.yaml"), "tables:\n  people:\n    colums: {}\n").unwrap();
    let (verdicts, code) = judged(folder, &[], "");
    assert_eq!((verdicts.len(), code), (0, Some(2)));
}
