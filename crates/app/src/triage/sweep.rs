//! Runs that have failed are looked at in the background, each once.

use std::sync::atomic::{AtomicI64, Ordering};

use pilothouse_domain::clock::SECOND;
use pilothouse_domain::{Micros, RunId, TenantId};
use pilothouse_store::{runs, triages as rows};

use super::judge::{judge, of_run};
use super::remembered;
use crate::{App, Error};

/// How far back a process that starts looks.
const FIRST_LOOK: Micros = 24 * 3600 * SECOND;
/// How long it is noticed that a failure was mended by trying it again.
const LAST_LOOK: Micros = 7 * 24 * 3600 * SECOND;
/// How far back each look goes beyond the one before: ends are not written in the order of their times.
const OVERLAP: Micros = 120 * SECOND;
/// Most failures of one look; the others follow.
const MAX_AT_ONCE: u32 = 20;

/// How far failures have been looked at.
#[derive(Debug, Default)]
pub struct Swept(AtomicI64);

/// Looks at runs that have failed and that nobody has looked at. Returns how many.
///
/// # Errors
/// The database's.
pub async fn sweep(app: &App) -> Result<usize, Error> {
    let now = app.clock.now();
    let since = app.swept.0.load(Ordering::Relaxed).max(now - FIRST_LOOK);
    let found =
        app.store.read(move |tx| Box::pin(async move { rows::untriaged(tx, since, MAX_AT_ONCE).await })).await?;
    for (tenant, run) in &found {
        if let Err(error) = look(app, tenant, *run).await {
            tracing::warn!(target: "copilot.triage", %tenant, %run, code = error.code.as_str(), "a failure could not be looked at: {error}");
        }
    }
    if (found.len() as u32) < MAX_AT_ONCE {
        app.swept.0.store(now - OVERLAP, Ordering::Relaxed);
    }
    let until = now - LAST_LOOK;
    app.store.write(move |tx| Box::pin(async move { rows::mended_by_retry(tx, (until, now)).await })).await?;
    Ok(found.len())
}

async fn look(app: &App, tenant: &TenantId, id: RunId) -> Result<(), Error> {
    let of = tenant.clone();
    let run = app.store.read(move |tx| Box::pin(async move { runs::get(tx, &of, id).await })).await?;
    let Some(run) = run else { return Ok(()) };
    let failed = of_run(app, &run).await?;
    let report = judge(app, tenant, &failed).await?;
    let (of, row) = (tenant.clone(), remembered(app, &failed, &report));
    let cause = report.cause.as_str();
    if app.store.write(move |tx| Box::pin(async move { rows::add(tx, &of, &row).await })).await? {
        tracing::info!(target: "copilot.triage", %tenant, run = %id, cause, confidence = report.confidence, "a failed run was looked at");
    }
    Ok(())
}
