//! `pilothouse audit verify`: proves the audit chains, offline.

use anyhow::Result;
use pilothouse_store::audit::verify;
use serde_json::json;

use crate::config::Config;
use crate::installation;
use crate::output::{NEGATIVE, Outcome};

/// Recomputes every chain.
pub async fn run(config: Config) -> Result<Outcome> {
    let store = installation::store(&config).await?;
    let reports = verify(&store).await?;
    store.close().await;
    let broken = reports.iter().any(|report| report.broken_at.is_some());
    let lines = reports.iter().map(|report| match report.broken_at {
        None => format!("{}: {} rows, whole", report.scope, report.rows),
        Some(seq) => format!("{}: BROKEN at row {seq}", report.scope),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let chains: Vec<_> = reports
        .iter()
        .map(|report| json!({"scope": report.scope, "rows": report.rows, "broken_at": report.broken_at}))
        .collect();
    let text = if chains.is_empty() { "There are no audit rows yet.".to_owned() } else { text };
    let outcome = Outcome::ok(text, json!({"whole": !broken, "chains": chains}));
    Ok(if broken { outcome.with_code(NEGATIVE) } else { outcome })
}
