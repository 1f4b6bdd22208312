//! `pilothouse sql check`: what the guard says of a statement.

use anyhow::Result;
use pilothouse_app::{connections, sqlcheck};
use pilothouse_warehouse::guard::Verdict;
use serde_json::json;

use super::{named, operator, text_or_stdin};
use crate::config::Config;
use crate::installation;
use crate::output::{NEGATIVE, Outcome};

/// Checks a statement without running it.
pub async fn check(config: Config, tenant: &str, sql: String, connection: Option<String>) -> Result<Outcome> {
    let app = installation::open(&config).await?;
    connections::ensure_sample(&app).await?;
    let caller = operator(tenant)?;
    let connection = named(&app, &caller, connection.as_deref()).await?;
    let report = sqlcheck::check(&app, &caller, connection, &text_or_stdin(sql)?).await?;
    app.store().close().await;
    let canonical = report.query.as_ref().map(|query| query.sql().to_owned());
    let verdict = json!(report.verdict).as_str().unwrap_or_default().replace('_', " ");
    let reasons = report.reasons.iter().map(|reason| {
        let place =
            reason.line.zip(reason.column).map(|(line, column)| format!("{line}:{column} ")).unwrap_or_default();
        let mend = reason.suggestion.as_ref().map(|mend| format!("\n    {mend}")).unwrap_or_default();
        format!("  {place}{} ({}){mend}", reason.message, reason.code.as_str())
    });
    let text = std::iter::once(verdict).chain(reasons).chain(canonical.clone()).collect::<Vec<_>>().join("\n");
    let code = if matches!(report.verdict, Verdict::Allow | Verdict::AllowRewritten) { 0 } else { NEGATIVE };
    let json = json!({"verdict": report.verdict, "reasons": report.reasons, "sql": canonical});
    Ok(Outcome::ok(text, json).with_code(code))
}
