//! What a tenant's queries read: so many bytes in any hour, counted in the database, so that neither a restart nor another
//! node forgets them; and what each took, so that the next one like it is known before it runs.

use pilothouse_domain::clock::SECOND;
use pilothouse_domain::cost::Past;
use pilothouse_domain::{ConnectionId, Micros, RunId, TenantId};
use pilothouse_store::costs::{self, Preview, QueryRun};
use pilothouse_store::reads::{self, Reserve};
use pilothouse_store::{Error, Store};

/// What is looked back upon for limits.
const HOUR: Micros = 3600 * SECOND;
/// How long what queries took is remembered, and how long they wait for a person.
pub const REMEMBERED: Micros = 30 * 24 * HOUR;

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

    /// Whether a tenant may read so much more now. Nothing is reserved.
    pub async fn room(&self, tenant: &TenantId, bytes: u64, now: Micros) -> Result<Result<(), Full>, Error> {
        let (tenant, most) = (tenant.clone(), self.most);
        let used = self.store.read(move |tx| Box::pin(async move { reads::used(tx, &tenant, now - HOUR, None).await }));
        let remaining = most.saturating_sub(used.await?);
        Ok(if bytes > remaining { Err(Full { most, remaining }) } else { Ok(()) })
    }

    /// Notes what a query took. What it read counts for the limit, in place of what was reserved for its run.
    pub async fn settle(&self, tenant: &TenantId, query: QueryRun) -> Result<(), Error> {
        let (tenant, since) = (tenant.clone(), query.at - REMEMBERED);
        let settled = self.store.write(move |tx| {
            Box::pin(async move {
                if let Some(bytes) = query.took.bytes.filter(|bytes| *bytes > 0) {
                    reads::settle(tx, &tenant, query.run, bytes, query.at).await?;
                }
                costs::note(tx, &tenant, &query, since).await
            })
        });
        settled.await
    }

    /// What queries of a shape have taken; none where too few have run.
    pub async fn past(
        &self,
        tenant: &TenantId,
        connection: ConnectionId,
        shape: String,
        now: Micros,
    ) -> Result<Option<Past>, Error> {
        let (tenant, since) = (tenant.clone(), now - REMEMBERED);
        let taken = self
            .store
            .read(move |tx| Box::pin(async move { costs::took(tx, &tenant, connection, &shape, since).await }));
        Ok(Past::of(&taken.await?))
    }

    /// Keeps a query for the person who will let it run.
    pub async fn keep(&self, tenant: &TenantId, preview: Preview) -> Result<(), Error> {
        let (tenant, since) = (tenant.clone(), preview.created_at - REMEMBERED);
        self.store
            .write(move |tx| Box::pin(async move { costs::put_preview(tx, &tenant, &preview, since).await }))
            .await
    }

    /// A query that was kept.
    pub async fn kept(&self, tenant: &TenantId, id: RunId) -> Result<Option<Preview>, Error> {
        let tenant = tenant.clone();
        self.store.read(move |tx| Box::pin(async move { costs::preview(tx, &tenant, id).await })).await
    }
}
