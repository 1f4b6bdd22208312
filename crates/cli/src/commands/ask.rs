//! `pilothouse ask`: one question, answered in the terminal.

use anyhow::Result;
use pilothouse_app::ask::{self, Answer, Question, ResponseType};
use pilothouse_app::connections;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{named, operator};
use crate::config::Config;
use crate::installation;
use crate::output::{NEGATIVE, Outcome, table};

/// Rows that are printed; the rest is in the JSON.
const SHOWN_ROWS: usize = 50;

/// Asks and prints.
pub async fn run(config: Config, tenant: &str, text: String, connection: Option<String>) -> Result<Outcome> {
    let app = installation::open(&config).await?;
    connections::ensure_sample(&app).await?;
    let caller = operator(tenant)?;
    let connection = named(&app, &caller, connection.as_deref()).await?;
    let stop = CancellationToken::new();
    let question = Question { text, connection, conversation: "command line".to_owned(), choice: None };
    let started = ask::ask(&app, &caller, question).await?;
    let answer = tokio::select! {
        answer = ask::wait(&app, &caller, started.id) => answer?,
        _ = tokio::signal::ctrl_c() => {
            app.engine.cancel(&caller.principal.tenant, started.id).await?;
            app.store().close().await;
            return Ok(Outcome::ok("Cancelled.", json!({"cancelled": started.id})).with_code(crate::output::INTERRUPTED));
        }
    };
    app.engine.work(already(stop), false).await;
    app.store().close().await;
    let json = json!({
        "response_type": answer.response_type, "summary": answer.summary, "data": answer.data,
        "warnings": answer.warnings, "run_id": started.id,
    });
    let code = if answer.response_type == ResponseType::QueryResult { 0 } else { NEGATIVE };
    Ok(Outcome::ok(text_of(&answer), json).with_code(code))
}

/// A token that has fired: the engine then only drains.
fn already(stop: CancellationToken) -> CancellationToken {
    stop.cancel();
    stop
}

fn text_of(answer: &Answer) -> String {
    let data = &answer.data;
    let mut parts = vec![answer.summary.clone()];
    match answer.response_type {
        ResponseType::QueryResult => {
            parts.push(rows(data));
            parts.push(format!("SQL  {}", data["sql"].as_str().unwrap_or("")));
            parts.push(match data["rows_scanned"].as_u64() {
                Some(rows) => {
                    format!("{rows} rows and {} bytes read in {} ms", data["bytes_scanned"], data["elapsed_ms"])
                }
                None => format!("{} ms; the database does not tell what it read", data["elapsed_ms"]),
            });
        }
        ResponseType::Clarification => {
            let choices = data["choices"].as_array().into_iter().flatten();
            parts.extend(choices.map(|c| format!("  • {}\n    ask: {}", text(&c["label"]), text(&c["message"]))));
        }
        ResponseType::Refused => {
            parts.extend(data["suggestions"].as_array().into_iter().flatten().map(|s| format!("  • {}", text(s))));
        }
        _ => parts.extend(data["errors"].as_array().into_iter().flatten().map(|e| format!("  {}", text(e)))),
    }
    parts.extend(answer.warnings.iter().map(|warning| format!("Note: {warning}")));
    parts.join("\n\n")
}

fn rows(data: &Value) -> String {
    let names: Vec<&str> =
        data["columns"].as_array().into_iter().flatten().filter_map(|column| column["name"].as_str()).collect();
    let rows: Vec<Vec<String>> = data["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .take(SHOWN_ROWS)
        .map(|row| names.iter().map(|name| text(&row[*name])).collect())
        .collect();
    table(&names, &rows)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}
