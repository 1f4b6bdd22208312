//! `pilothouse ask`: one question, answered in the terminal.

use anyhow::Result;
use pilothouse_domain::answer::ResultColumn;
use pilothouse_domain::{Code, format};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::text;
use crate::client::{Client, Refusal};
use crate::output::{INTERRUPTED, NEGATIVE, Outcome, table};

/// Rows that are printed; the rest is in the JSON.
const SHOWN_ROWS: usize = 50;

/// Asks, follows the run to its end, and prints its answer. Ctrl-C cancels the run.
pub async fn run(client: &Client, question: &str, connection: Option<&str>, confirm_cost: bool) -> Result<Outcome> {
    if question.trim().is_empty() {
        return Err(Refusal::new(Code::QuestionEmpty, Code::QuestionEmpty.cause()).into());
    }
    let connection = client.connection(connection).await?;
    let body = json!({
        "org_id": client.tenant(), "user_id": "command line", "session_id": "command line", "message": question,
        "connection_id": connection, "confirm_cost": confirm_cost,
    });
    // Listened for from here on, so that a Ctrl-C while the question is on its way is not lost.
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Only who knows the run can cancel it, so the answer is not waited for here.
    let asked = client.post("/api/v1/agent/run").header("prefer", "wait=0").json(&body).send().await?;
    if asked["response_type"] != "queued" {
        return Ok(outcome(asked));
    }
    let run = format!("/api/v1/runs/{}", text(&asked["run_id"]));
    tokio::select! {
        answer = followed(client, &run) => Ok(outcome(answer?)),
        _ = interrupt.recv() => match client.post(&format!("{run}/cancel")).send().await {
            // It came to its end in this very moment.
            Err(error) if error.downcast_ref().is_some_and(is_finished) => Ok(outcome(followed(client, &run).await?)),
            cancelled => {
                cancelled?;
                Ok(Outcome::ok("Cancelled.", json!({"cancelled": asked["run_id"]})).with_code(INTERRUPTED))
            }
        },
    }
}

/// The answer that a run comes to: the last of its events.
async fn followed(client: &Client, run: &str) -> Result<Value> {
    let events = client.get(&format!("{run}/events")).events().await?;
    match events.into_iter().next_back() {
        Some((kind, answer)) if kind == "answer" => Ok(answer),
        Some((kind, problem)) if kind == "error" => Err(Refusal::in_body(&problem).into()),
        _ => anyhow::bail!("the server ended before the answer; the question is still worked on"),
    }
}

fn is_finished(refusal: &Refusal) -> bool {
    refusal.code.as_deref() == Some(Code::RunFinished.as_str())
}

fn outcome(answer: Value) -> Outcome {
    let code = if answer["response_type"] == "query_result" { 0 } else { NEGATIVE };
    Outcome::ok(text_of(&answer), answer).with_code(code)
}

fn text_of(answer: &Value) -> String {
    let data = &answer["data"];
    let mut parts = vec![text(&answer["summary"])];
    match answer["response_type"].as_str().unwrap_or_default() {
        "query_result" => {
            parts.push(rows(data));
            parts.push(format!("SQL  {}", data["sql"].as_str().unwrap_or("")));
            parts.push(match data["rows_scanned"].as_u64() {
                Some(rows) => {
                    format!("{rows} rows and {} bytes read in {} ms", data["cost"]["bytes_scanned"], data["elapsed_ms"])
                }
                None => format!("{} ms; the database does not tell what it read", data["elapsed_ms"]),
            });
        }
        "clarification" => {
            let choices = data["choices"].as_array().into_iter().flatten();
            parts.extend(choices.map(|c| format!("  • {}\n    ask: {}", text(&c["label"]), text(&c["message"]))));
        }
        "refused" => {
            parts.extend(data["suggestions"].as_array().into_iter().flatten().map(|s| format!("  • {}", text(s))));
        }
        "approval_required" => {
            parts.extend(lines(&data["reasons"]));
            parts.push(text(&data["expectation"]));
            parts.push(format!("SQL  {}", text(&data["sql"])));
            parts.push(text(&data["instructions"]));
        }
        "blocked" => parts.extend(lines(&data["reasons"])),
        _ => parts.extend(lines(&data["errors"])),
    }
    let warnings = answer["warnings"].as_array().into_iter().flatten();
    parts.extend(warnings.map(|warning| format!("Note: {}", text(warning))));
    parts.join("\n\n")
}

fn lines(list: &Value) -> impl Iterator<Item = String> {
    list.as_array().into_iter().flatten().map(|line| format!("  {}", text(line)))
}

fn rows(data: &Value) -> String {
    let columns: Vec<ResultColumn> = serde_json::from_value(data["columns"].clone()).unwrap_or_default();
    let heads: Vec<String> = columns.iter().map(head).collect();
    // Of a question for the first of several, the next ones stand below it.
    let shown = data["comparison"].get("rows").unwrap_or(&data["rows"]);
    let rows: Vec<Vec<String>> = shown
        .as_array()
        .into_iter()
        .flatten()
        .take(SHOWN_ROWS)
        .map(|row| columns.iter().map(|column| cell(&row[&column.name], column)).collect())
        .collect();
    table(&heads.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
}

/// The column's name, with its unit where the name does not say it.
fn head(column: &ResultColumn) -> String {
    match &column.unit {
        Some(unit) if !column.name.contains(unit.as_str()) => format!("{} ({unit})", column.name),
        _ => column.name.clone(),
    }
}

fn cell(value: &Value, column: &ResultColumn) -> String {
    format::cell(value, column).unwrap_or_else(|| "–".to_owned())
}
