//! `pilothouse queue`: how deep queues are, pause and resume, limits, workers.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::runs::seconds;
use super::{listed, text};
use crate::args::runs::QueueCommand;
use crate::client::{Client, in_query};
use crate::output::{Outcome, UsageError, table};

/// Whether the command is about the installation and not about a tenant's runs.
pub fn is_of_installation(command: &QueueCommand) -> bool {
    !matches!(command, QueueCommand::List { all_tenants: false } | QueueCommand::Show { all_tenants: false, .. })
}

/// Does it.
pub async fn run(client: &Client, command: QueueCommand) -> Result<Outcome> {
    let at = |name: &str| format!("/api/v1/queues/{}", in_query(name));
    match command {
        QueueCommand::List { all_tenants } => {
            let found = client.get(&format!("/api/v1/queues{}", scope(all_tenants))).send().await?;
            Ok(listed(&found, &HEADER, row, Clone::clone))
        }
        QueueCommand::Show { name, all_tenants } => {
            let queue = client.get(&format!("{}{}", at(&name), scope(all_tenants))).send().await?;
            Ok(shown(queue))
        }
        QueueCommand::Pause { name, reason } => {
            let queue = client.post(&format!("{}/pause", at(&name))).json(&json!({"reason": reason})).send().await?;
            Ok(Outcome::ok(format!("{name} is paused: nothing begins in it; what runs goes on."), queue))
        }
        QueueCommand::Resume { name } => {
            let queue = client.post(&format!("{}/resume", at(&name))).json(&json!({})).send().await?;
            Ok(Outcome::ok(format!("{name} goes on."), queue))
        }
        QueueCommand::Limits { name, total, per_tenant, per_key, rate } => {
            let body = new_limits([("total", total), ("per_tenant", per_tenant), ("per_key", per_key)], rate)?;
            let queue = match body.is_empty() {
                true => client.get(&at(&name)).send().await?,
                false => client.put(&format!("{}/limits", at(&name))).json(&Value::Object(body)).send().await?,
            };
            Ok(Outcome::ok(limits(&queue["limits"]), queue["limits"].clone()))
        }
        QueueCommand::Workers => {
            let found = client.get("/api/v1/workers").send().await?;
            let row = |worker: &Value| {
                let queues = worker["queues"].as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(",");
                let queues = if queues.is_empty() { "all".to_owned() } else { queues };
                let load = format!("{}/{}", worker["running"], worker["concurrency"]);
                let alive = if worker["alive"] == true { "yes" } else { "no" }.to_owned();
                vec![text(&worker["id"]), queues, load, alive, text(&worker["started_at"]), text(&worker["beat_at"])]
            };
            Ok(listed(&found, &["worker", "queues", "running", "alive", "started", "last sign"], row, Clone::clone))
        }
    }
}

const HEADER: [&str; 9] = ["queue", "waiting", "delayed", "running", "parked", "oldest s", "dead", "workers", "paused"];

fn row(queue: &Value) -> Vec<String> {
    let names = ["name", "queued", "delayed", "running", "waiting", "oldest_wait_seconds", "dead", "workers"];
    let paused = if queue["paused"].is_null() { "no" } else { "yes" };
    names.iter().map(|name| text(&queue[*name])).chain([paused.to_owned()]).collect()
}

fn shown(queue: Value) -> Outcome {
    let mut lines = vec![table(&HEADER, &[row(&queue)])];
    if let Some(by) = queue["paused"]["by"].as_str() {
        lines.push(format!("Paused by {by} at {}: {}", text(&queue["paused"]["at"]), text(&queue["paused"]["reason"])));
    }
    lines.push(limits(&queue["limits"]));
    Outcome::ok(lines.join("\n\n"), queue)
}

fn limits(limits: &Value) -> String {
    let rate = match limits["rate"].as_object() {
        Some(rate) => format!("{}/{}s", rate["starts"], rate["per_seconds"]),
        None => "none".to_owned(),
    };
    let value = |name: &str| if limits[name].is_null() { "none".to_owned() } else { text(&limits[name]) };
    let mut rows: Vec<Vec<String>> =
        ["total", "per_tenant", "per_key"].iter().map(|name| vec![(*name).to_owned(), value(name)]).collect();
    rows.push(vec!["rate".to_owned(), rate]);
    table(&["limit", "value"], &rows)
}

fn scope(all_tenants: bool) -> &'static str {
    if all_tenants { "?scope=installation" } else { "" }
}

/// The limits to send: a number, or `none` to lift one.
fn new_limits(given: [(&str, Option<String>); 3], rate: Option<String>) -> Result<Map<String, Value>> {
    let mut body = Map::new();
    for (name, value) in given {
        let Some(value) = value else { continue };
        let limit = match value.as_str() {
            "none" => Value::Null,
            number => match number.parse::<u32>() {
                Ok(number) => number.into(),
                Err(_) => return Err(UsageError(format!("{number:?} is neither a number nor none")).into()),
            },
        };
        body.insert(name.to_owned(), limit);
    }
    if let Some(rate) = rate {
        body.insert("rate".to_owned(), rate_of(&rate)?);
    }
    Ok(body)
}

fn rate_of(text: &str) -> Result<Value> {
    if text == "none" {
        return Ok(Value::Null);
    }
    let wrong = || UsageError(format!("{text:?} is no rate such as 10/60s"));
    let (starts, time) = text.split_once('/').ok_or_else(wrong)?;
    let starts: u32 = starts.parse().map_err(|_| wrong())?;
    Ok(json!({"starts": starts, "per_seconds": seconds(time)?}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_or_none() {
        let some = |text: &str| Some(text.to_owned());
        let given = [("total", some("5")), ("per_tenant", some("none")), ("per_key", None)];
        let body = new_limits(given, some("10/1m")).unwrap();
        let rate = json!({"starts": 10, "per_seconds": 60});
        assert_eq!(Value::Object(body), json!({"total": 5, "per_tenant": null, "rate": rate}));
        for wrong in ["10", "x/60s", "10/x", "/", "-1/60s"] {
            assert!(rate_of(wrong).is_err(), "{wrong}");
        }
        assert!(new_limits([("total", some("-1")), ("per_tenant", None), ("per_key", None)], None).is_err());
    }
}
