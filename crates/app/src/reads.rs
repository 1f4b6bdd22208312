//! How much a tenant's queries may read: so many bytes in any hour, counted in the database, so that neither a restart nor
//! another node forgets them.

use pilothouse_domain::clock::SECOND;
use pilothouse_domain::{Micros, RunId, TenantId};
use pilothouse_store::reads::{self, Reserve};
use pilothouse_store::{Error, Store};

/// What is looked back upon.
const HOUR: Micros = 3600 * SECOND;

/// Counts what is read.
pub struct Reads {
    store: Store,
    most: u64,
}

/// No room for what somebody wanted to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// What the tenant may read in an hour, in bytes.
    pub most: u64,
    /// What is left of it.
    pub remaining: u64,
}

impl Reads {
    /// Each tenant may read `most` bytes in an hour.
    pub fn new(store: Store, most: u64) -> Self {
        Self { store, most }
    }

    /// Reserves `bytes` for a run.
    pub async fn reserve(
        &self,
        tenant: &TenantId,
        run: RunId,
        bytes: u64,
        now: Micros,
    ) -> Result<Result<(), Full>, Error> {
        if bytes == 0 {
            return Ok(Ok(()));
        }
        let (tenant, most) = (tenant.clone(), self.most);
        let wish = Reserve { run, bytes, at: now, since: now - HOUR, most };
        let reserved = self.store.write(move |tx| Box::pin(async move { reads::reserve(tx, &tenant, wish).await }));
        Ok(reserved.await?.map_err(|used| Full { most, remaining: most.saturating_sub(used) }))
    }

    /// Notes that a run has read `bytes`.
    pub async fn settle(&self, tenant: &TenantId, run: RunId, bytes: u64, now: Micros) -> Result<(), Error> {
        let tenant = tenant.clone();
        self.store.write(move |tx| Box::pin(async move { reads::settle(tx, &tenant, run, bytes, now).await })).await
    }
}
