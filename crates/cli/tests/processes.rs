//! The program as a user meets it: commands, the five questions of the README, kills in the middle of work.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::process::Output;

use serde_json::Value;
use support::{Server, pilothouse, repository, with_sample};

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_question_is_answered_in_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let output = with_sample(&mut pilothouse(folder.path()))
        .args(["--json", "ask", "How many flights were there in February?"])
        .output()
        .unwrap();
    let answer = json(&output);
    assert_eq!(answer["response_type"], "query_result", "{answer}");
    assert!(answer["summary"].as_str().unwrap().contains("24,951"), "{answer}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_server_answers_and_asks_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with_sample(folder.path(), &[]);
    let (status, answer) = server.ask("How many flights were there in February?", "s1").unwrap();
    assert_eq!(status, 200);
    assert_eq!(answer["data"]["rows"].as_array().unwrap().len(), 1);
    assert_eq!(answer["data"]["rows"][0].as_object().unwrap().values().next().unwrap(), 24951);
    let (_, unclear) = server.ask("Which carrier had the most delayed flights in February?", "s2").unwrap();
    assert_eq!(unclear["response_type"], "clarification", "{unclear}");
    let choices = unclear["data"]["choices"].as_array().unwrap();
    let arrived = choices.iter().find(|choice| choice.to_string().contains("arriv")).unwrap();
    let body = serde_json::json!({
        "org_id": "default", "user_id": "test", "session_id": "s2",
        "message": "Which carrier had the most delayed flights in February?",
        "reply_to": unclear["run_id"], "choice": arrived["id"],
    });
    let (_, picked) = server.post("/api/v1/agent/run", &body).unwrap();
    assert_eq!(picked["response_type"], "query_result", "{picked}");
    let data = &picked["data"];
    let compared = data["comparison"]["rows"].as_array().unwrap();
    assert_eq!((data["row_count"].as_u64(), &compared[0]), (Some(1), &data["rows"][0]), "{picked}");
    assert!(compared.len() > 5 && data["chart"]["kind"] == "bar", "the first is drawn among the next: {picked}");
    let row = picked["data"]["rows"][0].to_string();
    assert!(
        row.contains("B6") || row.contains("EV") || row.contains("JetBlue") || row.contains("ExpressJet"),
        "{picked}"
    );
}

#[test]
fn what_was_asked_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut runs: Vec<Value> = Vec::new();
    // Two kills: a run that was cut off three times is a dead letter, as it should be.
    for round in 0..2 {
        let before = runs.len();
        let mut server = Server::start_with_sample(folder.path(), &[]);
        let asking: Vec<_> = (0..4)
            .map(|n| {
                let client = server.client;
                std::thread::spawn(move || client.ask("Average departure delay by carrier", &format!("k{round}-{n}")))
            })
            .collect();
        // Wait until the runs are in the database, then kill the process whatever it is doing.
        server.until("a run is listed", || {
            server.get("/api/v1/runs").is_some_and(|(_, page)| {
                runs = page["items"].as_array().cloned().unwrap_or_default();
                runs.len() > before
            })
        });
        server.child.kill().unwrap();
        for thread in asking {
            let _ = thread.join().unwrap();
        }
    }
    let server = Server::start_with_sample(folder.path(), &[]);
    for run in &runs {
        let path = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());
        server.until("the run has ended", || server.get(&path).is_some_and(|(_, run)| run["status"] == "succeeded"));
        let (_, run) = server.get(&path).unwrap();
        assert_eq!(run["steps"].as_array().unwrap().len(), 5, "{run}");
        assert_eq!(run["output"]["data"]["row_count"], 16, "{run}");
    }
    drop(server);
    let verified = pilothouse(folder.path()).args(["--json", "audit", "verify"]).output().unwrap();
    assert_eq!(json(&verified)["whole"], true);
}

#[test]
fn an_approval_releases_once_however_the_program_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = ["query_max_bytes=100000", "result_cache_mb=0", "query_nano_usd_per_tib=5000000000000"];
    let settings = settings.map(|setting| format!("warehouse.{setting}"));
    let flags: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut asked: Vec<(String, String, bool)> = Vec::new();
    // From before the decision is read to after the answer is there.
    for after_ms in [0, 2, 4, 6, 9, 13, 20, 35] {
        let mut server = Server::start_with_sample(folder.path(), &flags);
        // Each is cut off once: one that is cut off three times is a dead letter, as it should be.
        for (run, ..) in &asked {
            let status = || text(&server.get(&format!("/api/v1/runs/{run}")).unwrap().1["status"]);
            server.until("an earlier run has gone on", || ["succeeded", "waiting"].contains(&status().as_str()));
        }
        let (_, waits) = server.ask("Average departure delay by carrier", "s").unwrap();
        assert_eq!(waits["response_type"], "approval_required", "{waits}");
        let (run, approval) = (text(&waits["run_id"]), text(&waits["data"]["approval_id"]));
        let (client, path) = (server.client, format!("/api/v1/approvals/{approval}"));
        let deciding = std::thread::spawn(move || client.post(&format!("{path}/approve"), &serde_json::json!({})));
        std::thread::sleep(std::time::Duration::from_millis(after_ms));
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        let acknowledged = deciding.join().unwrap().is_some_and(|(status, _)| status == 200);
        asked.push((run, approval, acknowledged));
    }
    let server = Server::start_with_sample(folder.path(), &flags);
    for (run, approval, acknowledged) in &asked {
        let path = format!("/api/v1/approvals/{approval}");
        let state = || text(&server.get(&path).unwrap().1["state"]);
        if state() == "pending" {
            assert!(!acknowledged, "what was acknowledged is kept");
            assert_eq!(server.post(&format!("{path}/approve"), &serde_json::json!({})).unwrap().0, 200);
        }
        let run = format!("/api/v1/runs/{run}");
        server.until("the run has ended", || !server.get(&run).unwrap().1["finished_at"].is_null());
        let (_, ended) = server.get(&run).unwrap();
        assert_eq!(ended["output"]["data"]["row_count"], 16, "{ended}");
        assert_eq!(state(), "used");
    }
    let (_, audit) = server.get("/api/v1/audit?limit=200").unwrap();
    let rows = audit["items"].as_array().unwrap();
    for (_, approval, _) in &asked {
        for action in ["approval.request", "approval.approve", "approval.use"] {
            let told = rows.iter().filter(|row| row["resource"] == approval.as_str() && row["action"] == action);
            assert_eq!(told.count(), 1, "{action} of {approval}");
        }
    }
    // Each is paid for once, whatever of it was done twice, and nothing stays held. Those that go on at one moment share what
    // is read, and but one of them pays.
    let (_, usage) = server.get("/api/v1/usage?by=run&limit=100").unwrap();
    let paid = usage["items"].as_array().unwrap();
    for (run, ..) in &asked {
        let own: Vec<_> = paid.iter().filter(|share| share["name"] == run.as_str()).collect();
        assert_eq!((own.len(), &own[0]["charges"]), (1, &1.into()), "{usage}");
        assert!([&paid[0]["nano_usd"], &0.into()].contains(&&own[0]["nano_usd"]), "{usage}");
    }
    let (_, month) = server.get("/api/v2/billing/summary").unwrap();
    assert!(month["spent_actual_usd"].as_f64().unwrap() > 0.0, "{month}");
    assert_eq!(month["spent_actual_usd"], month["spent_estimated_usd"], "{month}");
}

#[test]
fn harm_is_refused_with_its_own_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let output = with_sample(&mut pilothouse(folder.path()))
        .args(["--json", "sql", "check", "DROP TABLE flights"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(json(&output)["verdict"], "block");
}

#[test]
fn a_second_server_is_told_that_the_folder_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(folder.path(), &[]);
    let output = pilothouse(folder.path()).args(["--json", "serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["code"], "storage.locked");
}

#[test]
fn tokens_are_made_listed_and_revoked_offline() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| pilothouse(folder.path()).arg("--json").args(args).output().unwrap();
    let made = json(&run(&["token", "create", "ada@example.com", "--role", "admin"]));
    assert!(made["token"].as_str().unwrap().starts_with("ph_"));
    assert_eq!(json(&run(&["token", "revoke", made["id"].as_str().unwrap()]))["revoked"], made["id"]);
    assert_eq!(json(&run(&["token", "list"]))["items"][0]["revoked"], true);
    assert_eq!(run(&["token", "create", "x", "--role", "king"]).status.code(), Some(2));
}

#[test]
fn bad_files_are_named_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let import = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        pilothouse(folder.path()).args(["--json", "import", name]).output().unwrap()
    };
    let good = import("good.csv", b"city,people\nOslo,700000\nBergen,290000\n");
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    for (name, bytes, says) in [
        ("broken.parquet", &b"PAR1 this is not parquet"[..], "Parquet"),
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n", "fields"),
        ("latin.csv", b"name\nM\xfcnchen\n", "UTF-8"),
    ] {
        let output = import(name, bytes);
        assert_eq!(output.status.code(), Some(1), "{name}");
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(error["code"], "file.unreadable", "{error}");
        assert!(error["error"].as_str().unwrap().contains(says), "{error}");
    }
    let asked = pilothouse(folder.path()).args(["--json", "ask", "total people"]).output().unwrap();
    assert!(json(&asked)["summary"].as_str().unwrap().contains("990,000"), "{}", json(&asked));
}

#[test]
fn an_unknown_setting_names_the_nearest_known_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pilothouse.toml"), "[ask]\nwait_second = 5\n").unwrap();
    let output = pilothouse(folder.path()).args(["tenant", "list"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("wait_seconds"));
}

#[test]
fn an_address_that_others_reach_needs_production_mode_and_tls() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |more: &[&str], says: &str| {
        let output = pilothouse(folder.path()).args(["serve", "--listen", "0.0.0.0:0"]).args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(says), "{text}");
    };
    refused(&[], "TLS");
    refused(&["--set", "mode=development"], "loopback");
}

#[test]
fn generated_documents_are_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    for document in ["configuration", "errors"] {
        let output = pilothouse(folder.path()).args(["docs", document]).output().unwrap();
        let wanted = String::from_utf8(output.stdout).unwrap();
        let path = repository().join("docs").join(format!("{document}.md"));
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found.trim(), wanted.trim(), "regenerate it: cargo run -- docs {document} > docs/{document}.md");
    }
}

#[test]
fn a_worker_process_answers_what_a_server_takes_in() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let url = format!("database.url={}", pilothouse_testkit::postgres().schema_url("worker"));
    // The server takes questions in and leaves them to others.
    let server = Server::start_with_sample(here.path(), &["--set", &url, "--set", "engine.queues=none"]);
    let key = std::fs::read(here.path().join("data/encryption.key")).unwrap();
    std::fs::create_dir(there.path().join("data")).unwrap();
    std::fs::write(there.path().join("data/encryption.key"), key).unwrap();
    let (status, taken) = server.ask_with("How many flights were there?", "w1", "Prefer: wait=0").unwrap();
    assert!(status < 300, "{taken}");
    let path = format!("/api/v1/runs/{}", taken["run_id"].as_str().unwrap());
    assert_eq!(server.get(&path).unwrap().1["status"], "queued");
    let mut command = pilothouse(there.path());
    with_sample(&mut command).args(["--set", &url, "worker", "--queues", "ask", "--concurrency", "2"]);
    let mut worker = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    server.until("the worker has answered", || server.get(&path).is_some_and(|(_, run)| run["status"] == "succeeded"));
    // On a signal it ends by itself, and well.
    let pid = worker.id().to_string();
    std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(worker.wait().unwrap().success());
}
