//! What people correct is proposed to whoever looks after a connection's meaning, and what is accepted or vouched for is
//! answered like that from then on.

use pilothouse_domain::Role;
use serde_json::{Value, json};

use crate::support::{Database, Document, TestApp, question};

const ASK: &str = "/api/v1/agent/run";
/// Two numbers that people call turnover.
const MEANING: &str = "# Ours.
metrics:
  gross: {measure: sum(sales.amount), label: gross amount, synonyms: [turnover]}
  net: {measure: sum(sales.net), label: net amount, synonyms: [turnover]}
# The end.
";

async fn sales(app: &TestApp, token: &str) -> String {
    let folder = app.data.join("sales");
    std::fs::create_dir_all(&folder).unwrap();
    let rows: String = (0..40).map(|n| format!("{n},{},{},{}\n", ["DE", "FR"][n % 2], n * 10, n)).collect();
    std::fs::write(folder.join("sales.csv"), format!("sale_id,country,amount,net\n{rows}")).unwrap();
    let body = json!({"name": "sales", "kind": "files", "path": folder});
    let made = app.post("/api/v1/connections").token(token).json(&body).send().await.expect(201).json();
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/connections/{id}/semantic");
    app.put(&path).token(token).json(&json!({"yaml": MEANING})).send().await.expect(200);
    id
}

struct Asking<'a> {
    app: &'a TestApp,
    token: &'a str,
    connection: &'a str,
    session: &'a str,
}

impl Asking<'_> {
    async fn ask(&self, words: &str, more: Value) -> Value {
        let mut ask = question("default", words);
        (ask["connection_id"], ask["session_id"]) = (json!(self.connection), json!(self.session));
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.app.post(ASK).token(self.token).json(&ask).send().await.expect(200).json()
    }
}

async fn corrections_are_learnt(database: Database) {
    let app = TestApp::with(|setup| setup.database = database).await;
    let (steward, ada) =
        (app.token("default", "eve", Role::Operator).await, app.token("default", "ada", Role::Member).await);
    let admin = app.token("default", "root", Role::Admin).await;
    let connection = sales(&app, &admin).await;
    let asking = |session| Asking { app: &app, token: &ada, connection: &connection, session };
    let path = format!("/api/v1/connections/{connection}/proposals");
    let open = async || {
        let listed = app.get(&path).token(&steward).send().await.expect(200).json();
        let shape = "/api/v1/connections/{id}/proposals";
        assert_eq!(Document::published().faults_of_answer("get", shape, "200", &listed), [""; 0]);
        listed["items"].as_array().unwrap().clone()
    };
    assert_eq!(open().await.len(), 0);
    app.get(&path).token(&ada).send().await.refused(403, "role.insufficient");

    // A choice that is picked, twice: one proposal.
    for session in ["one", "two"] {
        let unclear = asking(session).ask("Turnover by country", json!({})).await;
        assert_eq!(unclear["response_type"], "clarification", "{unclear}");
        let choices = unclear["data"]["choices"].as_array().unwrap();
        let net = choices.iter().find(|choice| choice["label"].as_str().unwrap().contains("et amount")).unwrap();
        let picked = json!({"reply_to": unclear["run_id"], "choice": net["id"]});
        let answered = asking(session).ask("Turnover by country", picked).await;
        assert_eq!(answered["response_type"], "query_result", "{answered}");
    }
    let learnt = open().await;
    assert_eq!(learnt.len(), 1, "{learnt:?}");
    assert_eq!((&learnt[0]["question"], &learnt[0]["times"]), (&json!("Turnover by country"), &json!(2)));
    assert_eq!((&learnt[0]["learnt_from"], &learnt[0]["last_by"]), (&json!("choice"), &json!("ada")));

    // Words that are not known, and then known ones.
    let declined = asking("three").ask("Takings by country", json!({})).await;
    assert_eq!(declined["response_type"], "refused", "{declined}");
    asking("three").ask("Gross amount by country", json!({})).await;
    let learnt = open().await;
    assert_eq!(
        (&learnt[1]["question"], &learnt[1]["learnt_from"]),
        (&json!("Takings by country"), &json!("other_words"))
    );

    // Another value is no correction; another number is one.
    let gross = asking("four").ask("Gross amount by country", json!({})).await;
    let chips = gross["data"]["understanding"]["chips"].as_array().unwrap();
    let number = chips.iter().find(|chip| chip["kind"] == "metric").unwrap();
    let another = number["alternatives"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["label"].as_str().unwrap().contains("et amount"));
    asking("four").ask("-", json!({"query": another.unwrap()["query"]})).await;
    assert_eq!(open().await.len(), 3);
    asking("five").ask("Gross amount by country", json!({})).await;
    asking("five").ask("only DE", json!({})).await;
    assert_eq!(open().await.len(), 3);

    // One is accepted: the lines that people wrote stay, and the next to ask is answered.
    let key = learnt[0]["key"].as_str().unwrap();
    let decide = |key: &str, how: &str, token: &str| app.post(&format!("{path}/{key}/{how}")).token(token);
    decide(key, "accept", &ada).send().await.refused(403, "role.insufficient");
    let vouched = decide(key, "accept", &steward).send().await.expect(200).json();
    assert_eq!((&vouched["version"], &vouched["updated_by"]), (&json!(2), &json!("eve")));
    decide(key, "accept", &steward).send().await.refused(404, "not_found");
    let yaml =
        app.get(&format!("/api/v1/connections/{connection}/semantic")).token(&ada).send().await.expect(200).json();
    assert!(yaml["yaml"].as_str().unwrap().starts_with(MEANING.trim_end()), "{yaml}");
    let answered = asking("six").ask("turnover by country", json!({})).await;
    assert_eq!(answered["response_type"], "query_result", "{answered}");
    assert_eq!(answered["data"]["understanding"]["verified"]["by"], "eve");
    assert_eq!(answered["data"]["rows"][0]["country"], "FR", "the net amount is larger there: {answered}");

    let rejected = open().await;
    assert_eq!(rejected.len(), 2);
    let key = rejected[0]["key"].as_str().unwrap();
    decide(key, "reject", &steward).send().await.expect(204);
    decide(key, "reject", &steward).send().await.refused(404, "not_found");

    // An answer is vouched for as it stands.
    let plain = asking("seven").ask("How many sales were there for DE?", json!({})).await;
    let run = plain["run_id"].as_str().unwrap();
    let verify = |run: &str, token: &str| app.post(&format!("/api/v1/runs/{run}/verify")).token(token);
    verify(run, &ada).send().await.refused(403, "role.insufficient");
    assert_eq!(verify(run, &steward).send().await.expect(200).json()["version"], 3);
    let again = asking("eight").ask("How many sales were there for FR?", json!({})).await;
    assert_eq!(
        (&again["data"]["understanding"]["verified"]["by"], &again["data"]["rows"][0]["number_of_sales"]),
        (&json!("eve"), &json!(20)),
        "{again}"
    );
    let declined = declined["run_id"].as_str().unwrap();
    verify(declined, &steward).send().await.refused(422, "query.unfit");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrections_are_learnt_once_somebody_accepts_them() {
    corrections_are_learnt(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrections_are_learnt_once_somebody_accepts_them_on_postgres() {
    corrections_are_learnt(Database::Postgres).await;
}
