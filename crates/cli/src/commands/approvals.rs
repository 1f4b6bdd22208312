//! `pilothouse approvals`: what waits for people, and by which rules; agree, disagree, take back.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::{listed, text, text_or_stdin};
use crate::args::approvals::ApprovalsCommand;
use crate::client::{Client, in_query};
use crate::output::{NEGATIVE, Outcome, table};

const ALL: &str = "/api/v1/approvals";

/// Does it.
pub async fn run(client: &Client, command: ApprovalsCommand) -> Result<Outcome> {
    match command {
        ApprovalsCommand::List { state } => {
            let found = client.get(&format!("{ALL}?state={}&limit=200", in_query(&state))).send().await?;
            Ok(listed(&found, &["id", "what", "asked by", "why", "asked", "needs"], row, Clone::clone))
        }
        ApprovalsCommand::Show { id } => Ok(shown(client.get(&path(&id)).send().await?)),
        ApprovalsCommand::Approve { id, comment, sql } => {
            // What is agreed to is what stands there now: another payload is refused.
            let seen = client.get(&path(&id)).send().await?["payload_hash"].clone();
            let mut body = Map::from_iter([("payload_hash".to_owned(), seen)]);
            body.extend(comment.map(|comment| ("comment".to_owned(), comment.into())));
            body.extend(sql.map(text_or_stdin).transpose()?.map(|sql| ("sql".to_owned(), sql.into())));
            after(client, &id, "approve", &Value::Object(body)).await
        }
        ApprovalsCommand::Reject { id, reason } => after(client, &id, "reject", &json!({"reason": reason})).await,
        ApprovalsCommand::Revoke { id, reason } => after(client, &id, "revoke", &json!({"reason": reason})).await,
        ApprovalsCommand::BreakGlass { id, reason } => {
            after(client, &id, "break-glass", &json!({"reason": reason})).await
        }
        ApprovalsCommand::Rules { check: Some(file), .. } => check(client, &file).await,
        ApprovalsCommand::Rules { put: Some(file), .. } => {
            let stored = client.put(&format!("{ALL}/rules")).json(&json!({"yaml": read(&file)?})).send().await?;
            Ok(Outcome::ok(format!("Version {} holds.", text(&stored["version"])), stored))
        }
        ApprovalsCommand::Rules { .. } => {
            let found = client.get(&format!("{ALL}/rules")).send().await?;
            let rows = ["installation", "built_in"].map(|from| rules(&found[from], from));
            let own = format!("# the tenant's own, version {}\n{}", text(&found["version"]), text(&found["yaml"]));
            let table = table(&["from", "rule", "then", "why"], &rows.concat());
            Ok(Outcome::ok(format!("{table}\n\n{}", own.trim_end()), found))
        }
    }
}

fn path(id: &str) -> String {
    format!("{ALL}/{}", in_query(id))
}

fn row(approval: &Value) -> Vec<String> {
    let names = ["id", "kind", "requested_by", "because", "requested_at"];
    names.iter().map(|name| text(&approval[*name])).chain([needs(approval)]).collect()
}

/// What becomes of an action, in words.
fn effect(effect: &Value) -> String {
    let needed = &effect["approvals"];
    if needed.is_null() { text(effect) } else { format!("{} × {}", text(&needed["count"]), text(&needed["of"])) }
}

fn needs(approval: &Value) -> String {
    format!("{} × {}", text(&approval["needs"]["count"]), text(&approval["needs"]["role"]))
}

async fn after(client: &Client, id: &str, verb: &str, body: &Value) -> Result<Outcome> {
    let approval = client.post(&format!("{}/{verb}", path(id))).json(body).send().await?;
    Ok(Outcome::ok(format!("{} is {}.", text(&approval["id"]), text(&approval["state"])), approval))
}

/// One approval in lines: what it is about, and then what would be done.
fn shown(approval: Value) -> Outcome {
    let names = ["id", "state", "kind", "requested_by", "requested_at", "rule", "because", "run_id", "expires_at"];
    let mut lines: Vec<Vec<String>> = names
        .iter()
        .filter(|name| !approval[**name].is_null())
        .map(|name| vec![name.replace('_', " "), text(&approval[*name])])
        .collect();
    lines.push(vec!["needs".to_owned(), needs(&approval)]);
    for vote in approval["votes"].as_array().into_iter().flatten() {
        let said = format!("{} {}: {}", text(&vote["decision"]), text(&vote["at"]), text(&vote["reason"]));
        lines.push(vec![text(&vote["by"]), said]);
    }
    let what = match approval["payload"]["sql"].as_str() {
        Some(sql) => sql.to_owned(),
        None => serde_json::to_string_pretty(&approval["payload"]).unwrap_or_default(),
    };
    Outcome::ok(format!("{}\n\n{what}", table(&["approval", ""], &lines)), approval)
}

fn rules(all: &Value, from: &str) -> Vec<Vec<String>> {
    let one =
        |rule: &Value| vec![from.replace('_', " "), text(&rule["name"]), effect(&rule["then"]), text(&rule["because"])];
    all.as_array().into_iter().flatten().map(one).collect()
}

async fn check(client: &Client, file: &Path) -> Result<Outcome> {
    let tried = client.post(&format!("{ALL}/rules/check")).json(&json!({"yaml": read(file)?})).send().await?;
    if tried["valid"] != true {
        let words = format!("Line {}: {}", text(&tried["line"]), text(&tried["reason"]));
        return Ok(Outcome::ok(words, tried).with_code(NEGATIVE));
    }
    let run = &tried["dry_run"];
    let changed: Vec<Vec<String>> = run["changed"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|shift| vec![text(&shift["count"]), effect(&shift["from"]), effect(&shift["to"])])
        .collect();
    let actions = text(&run["actions"]);
    let words = match changed.is_empty() {
        true => format!("Of {actions} actions in 30 days, none would have been decided otherwise."),
        false => {
            let table = table(&["how many", "was", "would be"], &changed);
            format!("Of {actions} actions in 30 days these would have been decided otherwise:\n\n{table}")
        }
    };
    Ok(Outcome::ok(words, tried))
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}
