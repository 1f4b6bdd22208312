//! Many runs at once: shown first, then asked about, then changed part by part until none is left.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::Result;
use serde_json::{Value, json};

use super::super::text;
use super::ago;
use crate::args::runs::Which;
use crate::client::Client;
use crate::output::{NEGATIVE, Outcome, UsageError};

/// Changes the runs that are meant, once somebody has agreed.
pub async fn change(
    client: &Client,
    action: &str,
    which: &Which,
    status: Vec<String>,
    reason: Option<String>,
    agreed: bool,
) -> Result<Outcome> {
    let filter = json!({
        "status": status, "kind": which.kind, "queue": which.queue, "subject": which.subject,
        "error_code": which.error, "created_after": ago(which.since.as_deref())?,
        "created_before": ago(which.older_than.as_deref())?,
    });
    let is_empty = filter.as_object().into_iter().flatten().all(|(_, value)| value.is_null() || *value == json!([]));
    if is_empty {
        return Err(UsageError("say which runs: ids, or a filter such as --queue or --kind".to_owned()).into());
    }
    let mut wish = json!({"action": action, "filter": filter, "reason": reason, "dry_run": true});
    let look = client.post("/api/v1/runs/bulk").json(&wish).send().await?;
    let shown = preview(&look);
    if look["matched"] == 0 {
        return Ok(Outcome::ok("No run is meant.", look));
    }
    if !agreed && !agrees(&shown)? {
        return Ok(Outcome::ok(format!("{shown}\n\nNothing was changed."), look).with_code(NEGATIVE));
    }
    wish["dry_run"] = false.into();
    wish["as_of"] = look["as_of"].clone();
    let (mut changed, mut skipped) = (0, 0);
    loop {
        let part = client.post("/api/v1/runs/bulk").json(&wish).send().await?;
        changed += part["changed"].as_u64().unwrap_or(0);
        skipped += part["skipped"].as_u64().unwrap_or(0);
        wish["cursor"] = part["next_cursor"].clone();
        if part["next_cursor"].is_null() {
            break;
        }
    }
    let json = json!({"action": action, "matched": look["matched"], "changed": changed, "skipped": skipped});
    let rest = if skipped > 0 { format!("; {skipped} had changed meanwhile") } else { String::new() };
    Ok(Outcome::ok(format!("{shown}\n\nDone with {changed} runs{rest}."), json))
}

/// What would be changed, for people.
fn preview(look: &Value) -> String {
    let parts = |name: &str| {
        let counts = look[name].as_object().into_iter().flatten();
        counts.map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
    };
    let most = if look["capped"] == true { "at least " } else { "" };
    let mut lines = vec![format!("{} {most}{} runs:", text(&look["action"]), look["matched"])];
    for (title, name) in [("states", "by_status"), ("kinds", "by_kind"), ("errors", "by_error")] {
        let counts = parts(name);
        if !counts.is_empty() {
            lines.push(format!("  {title:<7} {counts}"));
        }
    }
    for run in look["sample"].as_array().into_iter().flatten() {
        lines.push(format!("  {}  {}  {}", text(&run["id"]), text(&run["status"]), text(&run["title"])));
    }
    lines.join("\n")
}

/// Asks the person at the terminal; without one, nobody agrees.
#[expect(clippy::print_stderr, reason = "the question is for the person at the terminal")]
pub fn agrees(shown: &str) -> Result<bool> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Ok(false);
    }
    eprint!("{shown}\n\nDo it? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
