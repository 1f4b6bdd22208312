//! What a worker looks at before it writes: in a healthy, idle database it finds nothing and leaves the writer alone.

use pilothouse_domain::{Micros, RunId};

use crate::{Error, Tx, args};

/// Whether a run of one of these `kinds` is due at `now`.
pub async fn any_due(tx: &mut Tx<'_>, now: Micros, kinds: &[&str]) -> Result<bool, Error> {
    let sql = tx.pick(
        "SELECT id FROM runs WHERE status = 'queued' AND due_at <= $1 AND kind IN (SELECT value FROM json_each($2))
         ORDER BY due_at LIMIT 1",
        "SELECT id FROM runs WHERE status = 'queued' AND due_at <= $1
           AND kind = ANY (ARRAY(SELECT json_array_elements_text($2::json))) ORDER BY due_at LIMIT 1",
    );
    let kinds = serde_json::json!(kinds).to_string();
    Ok(tx.fetch_optional(sql, args![now, kinds]).await?.is_some())
}

/// Whether any run's lease is over at `now`.
pub async fn any_expired(tx: &mut Tx<'_>, now: Micros) -> Result<bool, Error> {
    let sql = "SELECT id FROM runs WHERE status = 'running' AND lease_until <= $1 LIMIT 1";
    Ok(tx.fetch_optional(sql, args![now]).await?.is_some())
}

/// The runs that `owner` holds, each with whether somebody wants it to stop.
pub async fn owned(tx: &mut Tx<'_>, owner: &str) -> Result<Vec<(RunId, bool)>, Error> {
    let sql = "SELECT id, cancel_requested FROM runs WHERE lease_owner = $1 AND status = 'running'";
    let rows = tx.fetch_all(sql, args![owner]).await?;
    rows.iter().map(|row| Ok((row.parsed("id")?, row.int("cancel_requested")? == 1))).collect()
}
