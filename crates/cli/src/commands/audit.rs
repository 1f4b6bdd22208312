//! `pilothouse audit verify`: proves the audit chains.

use anyhow::Result;
use serde_json::Value;

use super::text;
use crate::client::Client;
use crate::output::{NEGATIVE, Outcome};

/// Has every chain computed anew.
pub async fn run(client: &Client) -> Result<Outcome> {
    let proof = client.get("/api/v1/audit/verify").send().await?;
    let lines = proof["chains"].as_array().into_iter().flatten().map(|chain| match &chain["broken_at"] {
        Value::Null => format!("{}: {} rows, whole", text(&chain["scope"]), chain["rows"]),
        row => format!("{}: BROKEN at row {row}", text(&chain["scope"])),
    });
    let told = lines.collect::<Vec<_>>().join("\n");
    let told = if told.is_empty() { "There are no audit rows yet.".to_owned() } else { told };
    let code = if proof["whole"] == true { 0 } else { NEGATIVE };
    Ok(Outcome::ok(told, proof).with_code(code))
}
