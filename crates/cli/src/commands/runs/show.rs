//! One run in the terminal.

use serde_json::Value;

use super::super::text;
use crate::output::{Outcome, table};

/// The run in lines, then its steps and attempts as tables.
pub fn detail(run: &Value) -> Outcome {
    let mut lines = Vec::new();
    let named = [
        ("id", "id"),
        ("title", "title"),
        ("status", "status"),
        ("kind", "kind"),
        ("queue", "queue"),
        ("subject", "subject"),
        ("made", "created_at"),
        ("began", "started_at"),
        ("ended", "finished_at"),
        ("attempt", "attempt"),
        ("retries", "retry_count"),
        ("progress", "progress"),
        ("reason", "waiting_reason"),
    ];
    for (title, name) in named {
        if !run[name].is_null() {
            lines.push(format!("{title:<9} {}", text(&run[name])));
        }
    }
    if let Some(message) = run["error"]["message"].as_str() {
        lines.push(format!("{:<9} {message} ({})", "error", text(&run["error"]["code"])));
    }
    if let Some(reason) = run["discarded"]["reason"].as_str() {
        lines.push(format!("{:<9} by {}: {reason}", "discarded", text(&run["discarded"]["by"])));
    }
    for wait in list(run, "waits") {
        let until = wait["until"].as_str().map(|until| format!(" until {until}")).unwrap_or_default();
        lines.push(format!("{:<9} {} ({}){until}", "waits for", text(&wait["name"]), text(&wait["kind"])));
    }
    let steps: Vec<Vec<String>> = list(run, "steps").map(step).collect();
    if !steps.is_empty() {
        lines.push(String::new());
        lines.push(table(&["step", "name", "status", "attempt", "ended", "what"], &steps));
    }
    let attempts: Vec<Vec<String>> = list(run, "attempts").map(attempt).collect();
    if !attempts.is_empty() {
        lines.push(String::new());
        lines.push(table(&["attempt", "began", "ended", "outcome", "error"], &attempts));
    }
    Outcome::ok(lines.join("\n"), run.clone())
}

fn list<'a>(run: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    run[name].as_array().into_iter().flatten()
}

fn step(step: &Value) -> Vec<String> {
    let what = step["error"]["message"].as_str().or(step["summary"].as_str()).unwrap_or_default().to_owned();
    let mut cells: Vec<String> =
        ["path", "name", "status", "attempt", "finished_at"].iter().map(|name| text(&step[*name])).collect();
    cells.push(what);
    cells
}

fn attempt(attempt: &Value) -> Vec<String> {
    let mut cells: Vec<String> =
        ["attempt", "started_at", "finished_at", "outcome"].iter().map(|name| text(&attempt[*name])).collect();
    cells.push(text(&attempt["error"]["message"]));
    cells
}
