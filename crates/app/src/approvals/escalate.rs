//! What waits too long for people is brought before more of them.

use pilothouse_domain::Micros;
use pilothouse_domain::clock::SECOND;
use pilothouse_store::{approvals as rows, audit as audit_rows};

use crate::{App, Error, audit};

/// Most at a time; the others follow.
const MAX_AT_ONCE: u32 = 100;

/// Marks approvals that have waited longer than `approvals.escalate_seconds`; each is marked, audited and logged once.
/// Returns how many.
pub async fn escalate(app: &App) -> Result<usize, Error> {
    let seconds = app.settings.approvals.escalate_seconds;
    if seconds == 0 {
        return Ok(0);
    }
    let now = app.clock.now();
    let since = now.saturating_sub(Micros::try_from(seconds).unwrap_or(Micros::MAX).saturating_mul(SECOND));
    let marked = app.store.write(move |tx| {
        Box::pin(async move {
            let marked = rows::escalate(tx, (since, now), MAX_AT_ONCE).await?;
            for (tenant, approval) in &marked {
                let of = ("approval.escalate", approval.id.to_string());
                let entry = audit::by_itself(tenant, now, of, &approval.payload_hash);
                audit_rows::append(tx, &entry).await?;
            }
            Ok(marked)
        })
    });
    let marked = marked.await?;
    for (tenant, approval) in &marked {
        tracing::warn!(%tenant, approval = %approval.id, kind = approval.kind, "an approval waits for longer than it may");
    }
    Ok(marked.len())
}
