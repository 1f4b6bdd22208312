//! Failures: why they happened, found again by their job and by their likeness, with what mended them.

use pilothouse_app::triage::sweep;
use pilothouse_domain::Role;
use pilothouse_domain::run::Status;
use pilothouse_testkit::{ModelServer, Turn};
use serde_json::{Value, json};

use crate::support::{Database, Document, Reply, TestApp};

const FAILURE: &str = "/api/v2/triage/failure";

async fn triage(app: &TestApp, token: &str, body: Value) -> Reply {
    app.post(FAILURE).token(token).json(&body).send().await
}

async fn reported(app: &TestApp, token: &str, job: &str, text: &str) -> Value {
    let body = json!({"job_name": job, "build_id": "b1", "error_text": text});
    let answer = triage(app, token, body).await.expect(200).json();
    assert_eq!(Document::published().faults_of_answer("post", FAILURE, "200", &answer), [""; 0], "{answer}");
    answer
}

async fn of_job(app: &TestApp, token: &str, job: &str) -> Value {
    let answer = app.get(&format!("{FAILURE}/{job}")).token(token).send().await.expect(200).json();
    let template = "/api/v2/triage/failure/{job_name}";
    assert_eq!(Document::published().faults_of_answer("get", template, "200", &answer), [""; 0], "{answer}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_as_the_original_does_and_found_by_its_job() {
    for database in [Database::Sqlite, Database::Postgres] {
        let app = TestApp::with(|setup| setup.database = database).await;
        let ada = app.token("default", "ada", Role::Viewer).await;
        let printed = "INFO loading\nCaused by: java.lang.OutOfMemoryError: Java heap space";
        let answer = reported(&app, &ada, "nightly", printed).await;
        assert_eq!(
            (&answer["job_name"], &answer["build_id"], &answer["tenant"]),
            (&json!("nightly"), &json!("b1"), &json!("default"))
        );
        let report = &answer["report"];
        assert_eq!(
            (&report["root_cause_class"], &report["cause"], &report["source"]),
            (&json!("OOM"), &json!("memory"), &json!("heuristic"))
        );
        assert!(report["confidence"].as_f64().unwrap() > 0.6, "{report}");
        assert!(report["human_summary"].as_str().unwrap().contains("Java heap space"), "{report}");
        reported(&app, &ada, "weekly", "psycopg2.errors.DeadlockDetected: deadlock detected").await;
        let found = of_job(&app, &ada, "nightly").await;
        assert_eq!(found["reports"].as_array().unwrap().len(), 1, "of the job, not by luck: {found}");
        let known = &found["reports"][0];
        assert_eq!((&known["metadata"]["root_cause_class"], &known["score"]), (&json!("OOM"), &json!(1.0)));
        assert_eq!(known["text"], printed);
        let body = |more: Value| {
            let mut body = json!({"job_name": "nightly", "build_id": "b2"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let nothing = triage(&app, &ada, body(json!({}))).await.refused(400, "triage.unfit").json();
        assert!(nothing.to_string().contains("error_text is required when no execution record exists"), "{nothing}");
        triage(&app, &ada, body(json!({"build_id": ""}))).await.refused(422, "body.invalid");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_mended_a_failure_is_told_to_whoever_meets_one_like_it() {
    let app = TestApp::production().await;
    let ada = app.token("default", "ada", Role::Member).await;
    let printed =
        |host: u32| format!("could not connect to warehouse host wh-{host}: certificate has expired (serial {host}00)");
    let first = reported(&app, &ada, "orders", &printed(1)).await;
    let path = format!("/api/v1/triage/{}/fixed", first["id"].as_str().unwrap());
    let fix = json!({"fixed_by": "renewing the certificate of the warehouse"});
    app.put(&path).token(&ada).json(&fix).send().await.expect(204);
    let second = reported(&app, &ada, "invoices", &printed(2)).await;
    let advice = second["report"]["recommended_action"].as_str().unwrap();
    assert!(advice.starts_with("This was fixed by: renewing the certificate"), "{advice}");
    assert_eq!(second["report"]["recurrence_risk"], "medium", "it has come back once");
    let found = of_job(&app, &ada, "invoices").await;
    let other = &found["reports"][1];
    assert_eq!((&other["metadata"]["job_name"], &other["metadata"]["fixed_by"]), (&json!("orders"), &fix["fixed_by"]));
    assert!(other["score"].as_f64().unwrap() > 0.9);
    app.put("/api/v1/triage/tri_0/fixed").token(&ada).json(&fix).send().await.refused(404, "not_found");
    let viewer = app.token("default", "vic", Role::Viewer).await;
    app.put(&path).token(&viewer).json(&fix).send().await.refused(403, "role.insufficient");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_failed_is_looked_at_once_in_the_background() {
    let (app, world) = TestApp::flowing(|_| ()).await;
    let root = app.token("default", "root", Role::Admin).await;
    let failed = app.stood("default", "root", "fail", Status::Failed).await;
    assert_eq!((sweep(&app.app).await.unwrap(), sweep(&app.app).await.unwrap()), (1, 0), "once");
    let run = app.get(&format!("/api/v1/runs/{failed}")).token(&root).send().await.expect(200).json();
    let job = run["kind"].as_str().unwrap();
    let found = of_job(&app, &root, job).await;
    assert_eq!(
        (&found["reports"][0]["metadata"]["build_id"], found["reports"].as_array().unwrap().len()),
        (&json!(failed), 1)
    );
    let own = app.get(&format!("/api/v1/runs/{failed}/failure")).token(&root).send().await.expect(200).json();
    assert_eq!(own, found["reports"][0]);
    // Asked for by hand it is told once more, and not remembered twice.
    let again = triage(&app, &root, json!({"job_name": job, "build_id": failed})).await.expect(200).json();
    assert_eq!(again["id"], found["reports"][0]["id"]);
    let running = app.stood("default", "root", "hold", Status::Running).await;
    let early =
        triage(&app, &root, json!({"job_name": job, "build_id": running})).await.refused(400, "triage.unfit").json();
    assert!(early.to_string().contains("triage requires FAILED state or explicit error_text"), "{early}");
    world.gate.add_permits(1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_words_it_better_and_is_not_believed_against_the_rest() {
    let model = ModelServer::start();
    let url = model.url();
    let app = TestApp::with(|setup| setup.settings.ai.base_url = Some(url)).await;
    let ada = app.token("default", "ada", Role::Member).await;
    let says = |class: &str| {
        Turn::says(
            &json!({"root_cause_class": class, "confidence": 0.9, "human_summary": "Two loads lock each other.",
            "recommended_action": "Run them one after the other.", "recurrence_risk": "medium"})
            .to_string(),
        )
    };
    let deadlock = "ERROR: deadlock detected";
    model.always(says("database"));
    let agreed = reported(&app, &ada, "a", deadlock).await["report"].clone();
    assert_eq!((&agreed["source"], &agreed["human_summary"]), (&json!("model"), &json!("Two loads lock each other.")));
    assert!(agreed["prompt"].as_str().unwrap().starts_with("triage@"));
    model.always(says("memory"));
    model.take_heard();
    let again = reported(&app, &ada, "b", deadlock).await["report"].clone();
    assert_eq!((&again["source"], model.take_heard().len()), (&json!("heuristic"), 0), "what is known costs nothing");
    let locked = "ERROR 1205 (HY000): Lock wait timeout exceeded; try restarting transaction";
    let differs = reported(&app, &ada, "b", locked).await["report"].clone();
    assert_eq!((&differs["cause"], &differs["source"]), (&json!("database"), &json!("heuristic")));
    assert!(differs["confidence"].as_f64() < agreed["confidence"].as_f64());
    let unknown = reported(&app, &ada, "c", "It went wrong in a way of its own.").await["report"].clone();
    assert_eq!(
        (&unknown["cause"], &unknown["source"]),
        (&json!("memory"), &json!("model")),
        "where nothing else is known"
    );
    model.always(Turn::Babbles);
    let alone = reported(&app, &ada, "d", "ModuleNotFoundError: No module named 'pandas'").await["report"].clone();
    assert_eq!((&alone["cause"], &alone["source"]), (&json!("code"), &json!("heuristic")));
    app.finish().await;
}
