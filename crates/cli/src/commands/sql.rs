//! `pilothouse sql check`: what the guard says of a statement.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{BufRead, Write};
use std::path::Path;

use anyhow::{Context, Result};
use pilothouse_domain::Code;
use pilothouse_domain::catalog::Dialect;
use pilothouse_warehouse::guard::access::PolicyFile;
use pilothouse_warehouse::guard::{self, Policy};
use serde_json::{Map, Value, json};

use super::{text, text_or_stdin};
use crate::args::{Call, SqlCommand};
use crate::client::Client;
use crate::output::{NEGATIVE, OK, Outcome, UsageError};

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

/// The policy file and the dialect that a call wants a corpus judged by.
pub fn corpus(call: &Call) -> Option<(&Path, Dialect)> {
    match call {
        Call::Sql { command: SqlCommand::Check { policy: Some(policy), dialect, .. } } => Some((policy, *dialect)),
        _ => None,
    }
}

/// Judges the statements on standard input, one JSON object a line. A line that is no such object gets an error in its
/// place, and the exit code says so.
pub fn judge(policy: &Path, dialect: Dialect) -> Result<Outcome> {
    let text = std::fs::read_to_string(policy).with_context(|| format!("{} cannot be read", policy.display()))?;
    let read = |dialect| {
        PolicyFile::read(&text, dialect).map_err(|fault| UsageError(format!("{}, {fault}", policy.display())))
    };
    let mut policies = HashMap::from([(dialect, read(dialect)?)]);
    let (mut out, mut faults) = (std::io::stdout().lock(), 0);
    for line in std::io::stdin().lock().lines() {
        let line = line.context("standard input cannot be read")?;
        if line.trim().is_empty() {
            continue;
        }
        let judged = match statement(&line, dialect) {
            Ok((asked, sql, dialect)) => {
                let policy = match policies.entry(dialect) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(read(dialect)?),
                };
                with_verdict(asked, &sql, policy)
            }
            Err(message) => {
                faults += 1;
                json!({"error": {"code": Code::BodyInvalid.as_str(), "message": message}, "line": line})
            }
        };
        match writeln!(out, "{judged}") {
            // Whoever reads has enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => break,
            written => written?,
        }
    }
    Ok(Outcome::ok("", Value::Null).with_code(if faults == 0 { OK } else { NEGATIVE }))
}

/// What a line asks: the object, its statement, its dialect.
fn statement(line: &str, dialect: Dialect) -> Result<(Map<String, Value>, String, Dialect), String> {
    let asked: Map<String, Value> = serde_json::from_str(line).map_err(|wrong| format!("no JSON object: {wrong}"))?;
    let sql = asked.get("sql").and_then(Value::as_str).ok_or("there is no text in `sql`")?.to_owned();
    let dialect = match asked.get("dialect") {
        None | Some(Value::Null) => dialect,
        Some(Value::String(word)) => word.parse().map_err(|unknown| format!("{unknown}"))?,
        Some(_) => return Err("`dialect` is no text".to_owned()),
    };
    Ok((asked, sql, dialect))
}

fn with_verdict(mut asked: Map<String, Value>, sql: &str, policy: &PolicyFile) -> Value {
    let PolicyFile { catalog, access, limits } = policy;
    let report = guard::check(sql, &Policy { catalog, access, limits });
    asked.insert("verdict".to_owned(), json!(report.verdict));
    asked.insert("reasons".to_owned(), json!(report.reasons));
    asked.insert("canonical".to_owned(), json!(report.canonical.as_ref().map(|canonical| canonical.sql())));
    asked.into()
}
