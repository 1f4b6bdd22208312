//! `pilothouse sql check`: what the guard says of a statement.

use anyhow::Result;
use serde_json::{Value, json};

use super::{text, text_or_stdin};
use crate::client::Client;
use crate::output::{NEGATIVE, Outcome};

/// Checks a statement without running it.
pub async fn check(client: &Client, sql: String, connection: Option<&str>) -> Result<Outcome> {
    let connection = client.connection(connection).await?;
    let body = json!({"sql": text_or_stdin(sql)?, "connection_id": connection});
    let report = client.post("/api/v1/sql/check").json(&body).send().await?;
    let verdict = report["verdict"].as_str().unwrap_or_default();
    let reasons = report["reasons"].as_array().into_iter().flatten().map(reason);
    let canonical = report["sql"].as_str().map(str::to_owned);
    let told = std::iter::once(verdict.replace('_', " ")).chain(reasons).chain(canonical);
    let told = told.collect::<Vec<_>>().join("\n");
    let code = if matches!(verdict, "allow" | "allow_rewritten") { 0 } else { NEGATIVE };
    let json = json!({"verdict": report["verdict"], "reasons": report["reasons"], "sql": report["sql"]});
    Ok(Outcome::ok(told, json).with_code(code))
}

fn reason(reason: &Value) -> String {
    let place = reason["line"].as_u64().zip(reason["column"].as_u64());
    let place = place.map(|(line, column)| format!("{line}:{column} ")).unwrap_or_default();
    let mend = reason["suggestion"].as_str().map(|mend| format!("\n    {mend}")).unwrap_or_default();
    format!("  {place}{} ({}){mend}", text(&reason["message"]), text(&reason["code"]))
}
