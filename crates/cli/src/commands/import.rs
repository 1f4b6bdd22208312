//! `pilothouse import`: sends a data file, and says what it became.

use std::path::Path;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use pilothouse_domain::Code;
use pilothouse_outbound::Body;

use super::connected;
use crate::client::{Client, Refusal, in_query};
use crate::output::Outcome;

/// Sends it.
pub async fn run(client: &Client, path: &Path, quiet: bool) -> Result<Outcome> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let unreadable = |why| Refusal::new(Code::FileUnreadable, why);
    let file = tokio::fs::File::open(path).await;
    let file = file.map_err(|error| unreadable(format!("The file cannot be read: {}.", error.kind())))?;
    let meta = file.metadata().await?;
    if !meta.is_file() {
        return Err(unreadable("This is no file.".to_owned()).into());
    }
    // Whoever may not is told so before much is sent.
    client.get("/api/v1/connections").send().await?;
    let bar = if quiet { ProgressBar::hidden() } else { bar(meta.len()) };
    let shown = bar.clone();
    let body = Body::read(file, meta.len(), move |bytes| shown.inc(bytes));
    let imported = client.post(&format!("/api/v1/imports?name={}", in_query(&name))).file(body).send().await;
    bar.finish_and_clear();
    Ok(connected(&imported?))
}

fn bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes} ({eta})");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
