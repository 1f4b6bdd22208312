//! One file per command.

pub mod approvals;
pub mod ask;
pub mod audit;
pub mod connect;
pub mod doctor;
pub mod eval;
pub mod import;
pub mod queue;
pub mod runs;
pub mod schedules;
pub mod serve;
pub mod sql;
pub mod tenant;
pub mod token;
pub mod worker;

use std::io::Read;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::args::{AuditCommand, Call, Global, SqlCommand};
use crate::client::{Client, Way};
use crate::config::Config;
use crate::output::{INTERRUPTED, NEGATIVE, Outcome};

/// Longest text read from standard input, in bytes.
const MAX_STDIN_BYTES: u64 = 1 << 20;
/// The tenant whose admins administer the installation.
pub const HOME: &str = "default";

/// Asks the API for what the command wants, and prints its answer.
pub async fn call(config: &Config, global: &Global, call: Call) -> Result<Outcome> {
    let of_installation = match &call {
        Call::Tenant { .. } | Call::Audit { .. } => true,
        Call::Queue { command } => queue::is_of_installation(command),
        _ => false,
    };
    let tenant = if of_installation { HOME } else { &global.tenant };
    // A question is a run: somebody must work on it, and to stop it is to cancel it, which it sees to itself.
    let is_question = matches!(call, Call::Ask { .. });
    let works = match &call {
        Call::Runs { command } => runs::works(command),
        Call::Schedules { command } => schedules::works(command),
        _ => is_question,
    };
    let way = Way::find(config, global, works).await?;
    let client = Client::new(way, tenant)?;
    let outcome = tokio::select! {
        outcome = answered(&client, call, global.json) => outcome,
        _ = tokio::signal::ctrl_c(), if !is_question => Ok(Outcome::ok("Stopped.", json!({"stopped": true})).with_code(INTERRUPTED)),
    };
    client.close().await;
    outcome
}

async fn answered(client: &Client, call: Call, quiet: bool) -> Result<Outcome> {
    match call {
        Call::Ask { question, connection, confirm_cost } => {
            ask::run(client, &question, connection.as_deref(), confirm_cost).await
        }
        Call::Connect { name, target, bucket } => connect::run(client, &name, target, &bucket).await,
        Call::Import { file } => import::run(client, &file, quiet).await,
        Call::Sql { command: SqlCommand::Check { sql, connection, policy: _, dialect: _ } } => {
            sql::check(client, sql.unwrap_or_default(), connection.as_deref()).await
        }
        Call::Tenant { command } => tenant::run(client, command).await,
        Call::Token { command } => token::run(client, command).await,
        Call::Runs { command } => runs::run(client, command, quiet).await,
        Call::Queue { command } => queue::run(client, command).await,
        Call::Schedules { command } => schedules::run(client, command).await,
        Call::Approvals { command } => approvals::run(client, command).await,
        Call::Audit { command: AuditCommand::Verify } => audit::run(client).await,
    }
}

/// The text itself, or standard input where it is `-`.
pub fn text_or_stdin(text: String) -> Result<String> {
    if text != "-" {
        return Ok(text);
    }
    let mut read = String::new();
    std::io::stdin().take(MAX_STDIN_BYTES).read_to_string(&mut read).context("standard input cannot be read")?;
    Ok(read.trim().to_owned())
}

/// What became of a connection that was made or read anew.
pub fn connected(connection: &Value) -> Outcome {
    let (name, status) = (text(&connection["name"]), text(&connection["status"]));
    let (reason, code) = (&connection["error"]["message"], &connection["error"]["code"]);
    let json = json!({
        "id": connection["id"], "name": connection["name"], "kind": connection["kind"], "status": connection["status"],
        "error": reason, "code": code,
    });
    if status == "ready" && reason.is_null() {
        return Outcome::ok(format!("{name} is ready to be asked."), json);
    }
    let reason = reason.as_str().unwrap_or_default();
    Outcome::ok(format!("{name} is {status}: {reason}"), json).with_code(NEGATIVE)
}

/// A value as a cell of a table or a part of a sentence.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

/// The things of a list, each as a row of a table and as an item of the JSON.
pub fn listed(
    answer: &Value,
    header: &[&str],
    row: impl Fn(&Value) -> Vec<String>,
    item: impl Fn(&Value) -> Value,
) -> Outcome {
    let found = || answer["items"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = found().map(row).collect();
    let items: Vec<Value> = found().map(item).collect();
    Outcome::ok(crate::output::table(header, &rows), json!({ "items": items }))
}
