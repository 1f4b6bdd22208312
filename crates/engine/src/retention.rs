//! Runs that ended long ago are forgotten, in small commits between those of the others.

use std::time::Duration;

use pilothouse_domain::{Micros, TenantId};
use pilothouse_store::Error;
use pilothouse_store::runs::Horizon;

use crate::Engine;

/// How often old runs are looked for, and how long a new process waits with it.
const EVERY: Duration = Duration::from_secs(600);
const FIRST_AFTER: Duration = Duration::from_secs(60);
/// Runs looked at in one commit, and the pause after it.
const BATCH: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

impl Engine {
    /// Forgets old runs for as long as the task lives. Several nodes may do so at once.
    pub(crate) async fn prune_for_ever(self) {
        tokio::time::sleep(FIRST_AFTER).await;
        loop {
            let pruned = self.prune().await;
            if let Some(runs @ 1..) = self.report("forget old runs", pruned) {
                tracing::info!(runs, "forgot runs that ended long ago");
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Forgets every run that ended longer ago than runs are kept, and tells how many.
    pub async fn prune(&self) -> Result<usize, Error> {
        let (now, keep) = (self.moment().await?, self.inner.options.keep);
        let before = |age: Duration| now.saturating_sub(Micros::try_from(age.as_micros()).unwrap_or(Micros::MAX));
        let horizon = Horizon { ended: before(keep.ended), dead: before(keep.dead) };
        let mut forgotten = 0;
        for tenant in self.inner.backend.tenants().await? {
            forgotten += self.prune_tenant(&tenant, horizon).await?;
        }
        Ok(forgotten)
    }

    async fn prune_tenant(&self, tenant: &TenantId, horizon: Horizon) -> Result<usize, Error> {
        let (mut after, mut forgotten) = (None, 0);
        loop {
            let pruned = self.inner.backend.prune(tenant, horizon, after, BATCH).await?;
            forgotten += pruned.runs;
            after = pruned.after;
            if after.is_none() {
                return Ok(forgotten);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
