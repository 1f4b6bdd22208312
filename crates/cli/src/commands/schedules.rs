//! `pilothouse schedules`: what runs by itself, and when; make, change, pause, run and remove it.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::runs::{agrees, ended, noted, seconds};
use super::{listed, text, text_or_stdin};
use crate::args::schedules::{Plan, SchedulesCommand};
use crate::client::{Client, in_query};
use crate::output::{NEGATIVE, Outcome, UsageError, table};

const ALL: &str = "/api/v1/schedules";
/// Runs that are shown of one schedule.
const SHOWN_RUNS: u32 = 5;
/// What of a schedule is for a person to say.
const SAID: [&str; 11] = [
    "name",
    "kind",
    "input",
    "cron",
    "time_zone",
    "every_seconds",
    "anchor",
    "jitter_seconds",
    "overlap",
    "catch_up",
    "queue",
];
const HEADER: [&str; 8] = ["name", "kind", "when", "next", "last", "outcome", "status", "paused"];

/// Whether the command waits for a run, so that somebody must work on it.
pub fn works(command: &SchedulesCommand) -> bool {
    matches!(command, SchedulesCommand::Run { wait: true, .. })
}

/// Does it.
pub async fn run(client: &Client, command: SchedulesCommand) -> Result<Outcome> {
    match command {
        SchedulesCommand::List => Ok(listed(&client.get(ALL).send().await?, &HEADER, row, Clone::clone)),
        SchedulesCommand::Show { name } => show(client, &name).await,
        SchedulesCommand::Next { name, count } => {
            let path = path(client, &name).await?;
            let ticks = client.get(&format!("{path}/ticks?count={count}")).send().await?;
            Ok(listed(&ticks, &["at", "local"], |tick| vec![text(&tick["at"]), text(&tick["local"])], Clone::clone))
        }
        SchedulesCommand::Create { name, kind, plan } => {
            let mut body = Map::from_iter([("name".to_owned(), name.into()), ("kind".to_owned(), kind.into())]);
            body.extend(changes(client, plan, &Value::Null).await?);
            Ok(one(client.post(ALL).json(&Value::Object(body)).send().await?))
        }
        SchedulesCommand::Change { name, rename, plan } => change(client, &name, rename, plan).await,
        SchedulesCommand::Remove { name, yes } => remove(client, &name, yes).await,
        SchedulesCommand::Pause { names, all } => each(client, names, all, "pause").await,
        SchedulesCommand::Resume { names, all } => each(client, names, all, "resume").await,
        SchedulesCommand::Run { name, wait } => {
            let path = path(client, &name).await?;
            let run = client.post(&format!("{path}/run")).json(&json!({})).send().await?;
            if wait {
                return ended(client, run["id"].as_str().unwrap_or_default()).await;
            }
            Ok(noted(client, Outcome::ok(format!("{} {}", text(&run["id"]), text(&run["status"])), run)))
        }
        SchedulesCommand::Status => status(client).await,
    }
}

fn row(schedule: &Value) -> Vec<String> {
    let last = &schedule["last"];
    let paused = if schedule["paused"] == true { "yes" } else { "no" }.to_owned();
    let names = ["name", "kind", "when", "next_at"];
    let last = [&last["at"], &last["outcome"], &last["status"]].map(text);
    names.iter().map(|name| text(&schedule[*name])).chain(last).chain([paused]).collect()
}

/// What became of a schedule, in a line.
fn one(schedule: Value) -> Outcome {
    let (name, when) = (text(&schedule["name"]), text(&schedule["when"]));
    let next = match (&schedule["paused"], &schedule["next_at"]) {
        (Value::Bool(true), _) => "it is paused".to_owned(),
        (_, Value::Null) => "no tick is left".to_owned(),
        (_, next) => format!("next at {}", text(next)),
    };
    Outcome::ok(format!("{name}: {when}; {next}."), schedule)
}

/// The address of the schedule with this name or id.
async fn path(client: &Client, name: &str) -> Result<String> {
    if name.starts_with("sch_") {
        return Ok(format!("{ALL}/{}", in_query(name)));
    }
    let found = client.get(ALL).send().await?;
    let all: Vec<&Value> = found["items"].as_array().into_iter().flatten().collect();
    let Some(found) = all.iter().find(|schedule| schedule["name"] == name) else {
        let names: Vec<&str> = all.iter().filter_map(|schedule| schedule["name"].as_str()).collect();
        return Err(UsageError(format!("there is no schedule {name:?}; there are: {}", names.join(", "))).into());
    };
    Ok(format!("{ALL}/{}", text(&found["id"])))
}

async fn show(client: &Client, name: &str) -> Result<Outcome> {
    let path = path(client, name).await?;
    let schedule = client.get(&path).send().await?;
    let runs = client.get(&format!("{path}/runs?limit={SHOWN_RUNS}")).send().await?;
    let names = [
        "id",
        "name",
        "kind",
        "queue",
        "when",
        "next_at",
        "overlap",
        "catch_up",
        "jitter_seconds",
        "missed",
        "late",
        "subject",
        "paused_at",
        "paused_by",
        "input",
    ];
    let lines: Vec<Vec<String>> = names.iter().map(|name| vec![(*name).to_owned(), text(&schedule[*name])]).collect();
    let header = ["run", "status", "made", "ended"];
    let row = |run: &Value| ["id", "status", "created_at", "finished_at"].map(|name| text(&run[name])).to_vec();
    let runs = listed(&runs, &header, row, Clone::clone);
    let mut json = schedule.clone();
    json["runs"] = runs.json["items"].clone();
    Ok(Outcome::ok(format!("{}\n\n{}", table(&["schedule", ""], &lines), runs.text), json))
}

async fn change(client: &Client, name: &str, rename: Option<String>, plan: Plan) -> Result<Outcome> {
    let path = path(client, name).await?;
    let before = client.get(&path).send().await?;
    let mut body: Map<String, Value> = SAID.iter().map(|name| ((*name).to_owned(), before[*name].clone())).collect();
    // One kind of timing takes the place of the other as a whole.
    let other: &[&str] = if plan.cron.is_some() { &["every_seconds", "anchor"] } else { &["cron", "time_zone"] };
    if plan.cron.is_some() || plan.every.is_some() {
        other.iter().for_each(|name| drop(body.insert((*name).to_owned(), Value::Null)));
    }
    body.extend(changes(client, plan, &before["input"]).await?);
    body.extend(rename.map(|name| ("name".to_owned(), name.into())));
    Ok(one(client.put(&path).json(&Value::Object(body)).send().await?))
}

/// What a plan says, as fields of a body. `input` is what the runs are given so far.
async fn changes(client: &Client, plan: Plan, input: &Value) -> Result<Map<String, Value>> {
    let mut body = Map::new();
    let texts = [
        ("cron", plan.cron),
        ("time_zone", plan.zone),
        ("overlap", plan.overlap),
        ("catch_up", plan.catch_up),
        ("queue", plan.queue),
    ];
    body.extend(texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    for (name, time) in [("every_seconds", plan.every), ("jitter_seconds", plan.jitter)] {
        if let Some(time) = time {
            body.insert(name.to_owned(), seconds(&time)?.into());
        }
    }
    let connection = client.connection(plan.connection.as_deref()).await?;
    if let Some(text) = plan.input {
        let given = serde_json::from_str(&text_or_stdin(text)?);
        let given: Value = given.map_err(|error| UsageError(format!("--input is no JSON: {error}")))?;
        body.insert("input".to_owned(), given);
    } else if plan.question.is_some() || connection.is_some() {
        let mut fields = input.as_object().cloned().unwrap_or_default();
        fields.extend(plan.question.map(|question| ("question".to_owned(), question.into())));
        fields.extend(connection.map(|id| ("connection".to_owned(), id.into())));
        body.insert("input".to_owned(), fields.into());
    }
    Ok(body)
}

async fn remove(client: &Client, name: &str, yes: bool) -> Result<Outcome> {
    let path = path(client, name).await?;
    let schedule = client.get(&path).send().await?;
    if !yes && !agrees(&format!("{} is removed; its runs stay.", text(&schedule["name"])))? {
        return Ok(Outcome::ok("Nothing was changed.", json!({"removed": null})).with_code(NEGATIVE));
    }
    client.delete(&path).send().await?;
    let text = format!("{} is removed; its runs stay.", text(&schedule["name"]));
    Ok(Outcome::ok(text, json!({"removed": schedule["id"]})))
}

/// Asks for the same of each schedule, and lists what became of them.
async fn each(client: &Client, names: Vec<String>, all: bool, verb: &str) -> Result<Outcome> {
    let mut paths = Vec::new();
    if all {
        let found = client.get(ALL).send().await?;
        let ids = found["items"].as_array().into_iter().flatten().map(|schedule| text(&schedule["id"]));
        paths.extend(ids.map(|id| format!("{ALL}/{id}")));
    }
    for name in names {
        paths.push(path(client, &name).await?);
    }
    let mut items = Vec::with_capacity(paths.len());
    for path in paths {
        items.push(client.post(&format!("{path}/{verb}")).json(&json!({})).send().await?);
    }
    Ok(listed(&json!({"items": items}), &HEADER, row, Clone::clone))
}

async fn status(client: &Client) -> Result<Outcome> {
    let answer = client.get("/api/scheduler/status").send().await?;
    let data = &answer["data"];
    let late = data["late"].as_i64().unwrap_or(0);
    let is_well = data["running"] == true && late == 0;
    let mut words = match answer["error"].as_str() {
        Some(error) => error.trim_end_matches('.').to_owned(),
        None => "Running".to_owned(),
    };
    if late > 0 {
        words.push_str(&format!("; {late} late"));
    }
    if let Some(next) = data["next_run_at"].as_str() {
        words.push_str(&format!("; next at {next}"));
    }
    Ok(Outcome::ok(format!("{words}."), data.clone()).with_code(if is_well { 0 } else { NEGATIVE }))
}
