//! Schedules: made, changed, paused, run and removed over HTTP; what is refused; and whether they are looked after.

use pilothouse_domain::Role;
use pilothouse_domain::clock::{Clock as _, rfc3339};
use pilothouse_domain::run::Status;
use serde_json::{Value, json};

use crate::support::{Document, Reply, TestApp};

const ALL: &str = "/api/v1/schedules";

fn wish(name: &str) -> Value {
    json!({"name": name, "kind": "ask", "input": {"question": "How many flights were there?"}, "cron": "30 7 * * 1-5",
        "time_zone": "Europe/Berlin"})
}

fn with(mut body: Value, changes: Value) -> Value {
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

async fn create(app: &TestApp, token: &str, body: &Value) -> Reply {
    app.post(ALL).token(token).json(body).send().await
}

async fn made(app: &TestApp, token: &str, body: &Value) -> (String, Value) {
    let schedule = create(app, token, body).await.expect(201).json();
    (format!("{ALL}/{}", schedule["id"].as_str().unwrap()), schedule)
}

async fn post(app: &TestApp, token: &str, path: &str) -> Reply {
    app.post(path).token(token).json(&json!({})).send().await
}

async fn get(app: &TestApp, token: &str, path: &str) -> Value {
    app.get(path).token(token).send().await.expect(200).json()
}

/// The schedule once the worker has decided on every tick that is due.
async fn decided(app: &TestApp, token: &str, path: &str) -> Value {
    app.app.engine.schedules_changed();
    let decided = async {
        loop {
            let schedule = get(app, token, path).await;
            if schedule["next_at"].as_str().unwrap() > rfc3339(app.clock.now()).as_str() {
                return schedule;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), decided).await.expect("the tick is decided on")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_is_made_listed_changed_and_removed() {
    let app = TestApp::production().await;
    let (operator, viewer) =
        (app.token("acme", "ada", Role::Operator).await, app.token("acme", "vic", Role::Viewer).await);
    let document = Document::published();
    assert_eq!(document.faults_of_request("post", ALL, &wish("daily")), [""; 0]);
    let (path, schedule) = made(&app, &operator, &wish("daily")).await;
    assert_eq!(document.faults_of_answer("post", ALL, "201", &schedule), [""; 0]);
    // 2026-11-21 is a Saturday, so that Monday is next, by Berlin's clocks.
    assert_eq!(schedule["next_at"], "2026-11-23T06:30:00.000000Z");
    let told =
        ["queue", "subject", "overlap", "catch_up", "paused", "late", "missed"].map(|name| schedule[name].clone());
    assert_eq!(json!(told), json!(["ask", "ada", "skip", "last", false, false, 0]));
    assert_eq!(schedule["when"], "Monday to Friday at 07:30, Europe/Berlin");
    assert_eq!(schedule["input"]["question"], "How many flights were there?");
    assert_eq!(get(&app, &viewer, &path).await, schedule);
    create(&app, &operator, &wish("daily")).await.refused(409, "schedule.exists");

    let ticks = get(&app, &viewer, &format!("{path}/ticks?count=2&after=2026-10-23T00:00:00Z")).await;
    assert_eq!(
        ticks["items"],
        json!([
            {"at": "2026-10-23T05:30:00.000000Z", "local": "2026-10-23T07:30:00+02:00"},
            {"at": "2026-10-26T06:30:00.000000Z", "local": "2026-10-26T07:30:00+01:00"},
        ])
    );
    let preview = json!({"every_seconds": 3600, "count": 1});
    let preview = app.post(&format!("{ALL}/preview")).token(&operator).json(&preview).send().await.expect(200).json();
    assert_eq!(preview["items"][0]["local"], "2026-11-21T10:00:00+00:00");

    let body = with(
        wish("hourly"),
        json!({"cron": null, "time_zone": null, "every_seconds": 3600, "overlap": "queue",
        "catch_up": "bounded:3", "jitter_seconds": 0, "paused": true}),
    );
    let changed = app.put(&path).token(&operator).json(&body).send().await.expect(200).json();
    let told = ["name", "cron", "every_seconds", "overlap", "catch_up", "paused", "paused_by", "created_at"];
    let created = &schedule["created_at"];
    assert_eq!(
        json!(told.map(|name| changed[name].clone())),
        json!(["hourly", null, 3600, "queue", "bounded:3", true, "ada", created])
    );
    let body = with(body, json!({"name": "two-hourly", "every_seconds": 7200}));
    let mut kept = body.clone();
    kept.as_object_mut().unwrap().remove("paused");
    let changed = app.put(&path).token(&operator).json(&kept).send().await.expect(200).json();
    assert_eq!((&changed["paused"], &changed["every_seconds"]), (&json!(true), &json!(7200)), "the pause stays");
    made(&app, &operator, &wish("another")).await;
    app.put(&path)
        .token(&operator)
        .json(&with(body, json!({"name": "another"})))
        .send()
        .await
        .refused(409, "schedule.exists");
    let names = async |query: &str| -> Value {
        let listed = get(&app, &viewer, &format!("{ALL}{query}")).await;
        listed["items"].as_array().unwrap().iter().map(|schedule| schedule["name"].clone()).collect()
    };
    assert_eq!(names("").await, json!(["another", "two-hourly"]));
    assert_eq!(names("?paused=true").await, json!(["two-hourly"]));
    assert_eq!(names("?kind=other").await, json!([]));
    app.get(&format!("{ALL}?paused=perhaps")).token(&viewer).send().await.refused(422, "query.invalid");

    app.delete(&path).token(&operator).send().await.expect(204);
    app.delete(&path).token(&operator).send().await.refused(404, "schedule.unknown");
    let rows = app.audit("acme").await.into_iter().map(|row| row.entry.action);
    let changes: Vec<_> = rows.filter(|action| action.starts_with("schedule.")).collect();
    assert_eq!(
        changes,
        ["schedule.create", "schedule.change", "schedule.change", "schedule.create", "schedule.remove"]
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_a_schedule_names_the_field() {
    let app = TestApp::production().await;
    let operator = app.token("acme", "ada", Role::Operator).await;
    for (change, field) in [
        (json!({"cron": "61 7 * * *"}), "cron"),
        (json!({"cron": "0 0 30 2 *"}), "cron"),
        (json!({"cron": "every day"}), "cron"),
        (json!({"cron": null, "time_zone": null}), "cron"),
        (json!({"every_seconds": 60}), "cron"),
        (json!({"time_zone": "Europe/Nowhere"}), "time_zone"),
        (json!({"cron": null, "time_zone": null, "every_seconds": 0}), "every_seconds"),
        (json!({"overlap": "often"}), "overlap"),
        (json!({"catch_up": "bounded:0"}), "catch_up"),
        (json!({"jitter_seconds": -1}), "jitter_seconds"),
        (json!({"queue": "a/b"}), "queue"),
        (json!({"name": " "}), "name"),
        (json!({"input": null}), "input"),
        (json!({"input": {"question": " "}}), "input.question"),
        (json!({"input": {"question": "x".repeat(5_000)}}), "input.question"),
        (json!({"input": {"question": "How many?", "connection": "conn_1"}}), "input.connection"),
        (json!({"input": {"question": "How many?", "colour": "red"}}), "input.colour"),
    ] {
        let reply = create(&app, &operator, &with(wish("wrong"), change.clone())).await;
        let body = reply.refused(422, "schedule.invalid").json();
        let place: Vec<_> = body["errors"][0]["loc"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(place.join("."), format!("body.{field}"), "{change}: {body}");
        assert!(body["detail"].as_str().unwrap().starts_with(&format!("{field}: ")), "{body}");
    }
    create(&app, &operator, &with(wish("wrong"), json!({"kind": "flow"}))).await.refused(422, "workflow.unknown");
    for wrong in [json!({}), with(wish("wrong"), json!({"cron": 7})), with(wish("wrong"), json!({"anchor": "noon"}))] {
        create(&app, &operator, &wrong).await.refused(422, "body.invalid");
    }
    let preview = |body: Value| app.post(&format!("{ALL}/preview")).token(&operator).json(&body);
    preview(json!({"cron": "* * *"})).send().await.refused(422, "schedule.invalid");
    preview(json!({"cron": "@daily", "count": 101})).send().await.refused(422, "body.invalid");
    assert_eq!(get(&app, &operator, ALL).await["items"], json!([]), "nothing was made");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_operators_of_the_tenant_change_its_schedules() {
    let app = TestApp::production().await;
    let operator = app.token("acme", "ada", Role::Operator).await;
    let (path, schedule) = made(&app, &operator, &wish("daily")).await;
    let member = app.token("acme", "mo", Role::Member).await;
    create(&app, &member, &wish("mine")).await.refused(403, "role.insufficient");
    let stranger = app.token("other", "eve", Role::Admin).await;
    for (token, status, code) in [(&member, 403, "role.insufficient"), (&stranger, 404, "schedule.unknown")] {
        for verb in ["pause", "resume", "run"] {
            post(&app, token, &format!("{path}/{verb}")).await.refused(status, code);
        }
        app.put(&path).token(token).json(&wish("mine")).send().await.refused(status, code);
        app.delete(&path).token(token).send().await.refused(status, code);
    }
    for part in ["", "/ticks", "/runs"] {
        app.get(&format!("{path}{part}")).token(&stranger).send().await.refused(404, "schedule.unknown");
    }
    app.get(&format!("{ALL}/sch_1")).token(&operator).send().await.refused(404, "schedule.unknown");
    assert_eq!(get(&app, &member, &path).await, schedule);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_fires_pauses_resumes_and_runs_at_a_wish() {
    let app = TestApp::production().await;
    let operator = app.token("acme", "ada", Role::Operator).await;
    let every = with(wish("hourly"), json!({"cron": null, "time_zone": null, "every_seconds": 3600}));
    let (path, _) = made(&app, &operator, &every).await;
    app.clock.advance_seconds(3_600);
    let fired = decided(&app, &operator, &path).await;
    let run = fired["last"]["run_id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&fired["last"]["at"], &fired["last"]["outcome"]),
        (&json!("2026-11-21T10:00:00.000000Z"), &json!("started"))
    );
    app.until("acme", &run, Status::Succeeded).await;
    assert_eq!(get(&app, &operator, &path).await["last"]["status"], "succeeded");
    let detail = get(&app, &operator, &format!("/api/v1/runs/{run}")).await;
    assert_eq!((&detail["subject"], &detail["output"]["response_type"]), (&json!("ada"), &json!("query_result")));

    let paused = post(&app, &operator, &format!("{path}/pause")).await.expect(200).json();
    assert_eq!((&paused["paused"], &paused["paused_by"]), (&json!(true), &json!("ada")));
    assert_eq!(post(&app, &operator, &format!("{path}/pause")).await.expect(200).json(), paused, "it stays so");
    app.clock.advance_seconds(3 * 3_600);
    let wished = post(&app, &operator, &format!("{path}/run")).await.expect(202).json();
    assert_eq!(Document::published().faults_of_answer("post", "/api/v1/schedules/{id}/run", "202", &wished), [""; 0]);
    let wished = wished["id"].as_str().unwrap().to_owned();
    app.until("acme", &wished, Status::Succeeded).await;
    let runs = get(&app, &operator, &format!("{path}/runs?limit=1")).await;
    assert_eq!((&runs["items"][0]["id"], &runs["next_cursor"]), (&json!(wished), &json!(wished)));
    let runs = get(&app, &operator, &format!("{path}/runs?cursor={wished}")).await;
    assert_eq!((&runs["items"][0]["id"], &runs["next_cursor"]), (&json!(run), &Value::Null));

    let resumed = post(&app, &operator, &format!("{path}/resume")).await.expect(200).json();
    assert_eq!((&resumed["paused"], &resumed["paused_at"]), (&json!(false), &Value::Null));
    // Of the three ticks that it missed, the last one is made up for.
    let caught_up = decided(&app, &operator, &path).await;
    assert_eq!((&caught_up["last"]["at"], &caught_up["missed"]), (&json!("2026-11-21T13:00:00.000000Z"), &json!(2)));
    let last = caught_up["last"]["run_id"].as_str().unwrap();
    app.until("acme", last, Status::Succeeded).await;
    let rows = app.audit("acme").await.into_iter().map(|row| row.entry.action);
    let told: Vec<_> = rows.filter(|action| action.starts_with("schedule.")).collect();
    let fire = "schedule.fire";
    assert_eq!(told, ["schedule.create", fire, "schedule.pause", fire, "schedule.resume", fire]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anybody_sees_whether_the_schedules_are_looked_after() {
    let app = TestApp::production().await;
    let operator = app.token("acme", "ada", Role::Operator).await;
    made(&app, &operator, &wish("daily")).await;
    let status = async || app.get("/api/scheduler/status").send().await.expect(200);
    let running = async {
        // The worker announces itself in its own time.
        while status().await.json()["data"]["running"] == false {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), running).await.expect("the worker lives");
    let answer = status().await.json();
    assert_eq!(Document::published().faults_of_answer("get", "/api/scheduler/status", "200", &answer), [""; 0]);
    let told = json!({"status": "running", "running": true, "pid": null, "last_activity": rfc3339(app.clock.now()),
        "late": 0, "next_run_at": "2026-11-23T06:30:00.000000Z"});
    assert_eq!(answer, json!({"ok": true, "data": told, "error": null}));
    let text = status().await.text;
    for name in ["acme", "ada", "daily"] {
        assert!(!text.contains(name), "{text}");
    }
    app.finish().await;
}
