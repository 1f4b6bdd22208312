//! What stands still, and since when that is too long.

use std::time::Duration;

use pilothouse_domain::action::Tier;
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::{Micros, Role, RunId};
use pilothouse_store::runs::{self, Stillness, Stuck};

use super::MAX_PAGE;
use crate::{App, Caller, Error, audit, gates};

/// Leases of silence after which a worker is taken for gone where nobody has taken its runs back.
const SILENT_LEASES: u32 = 3;

/// The tenant's runs that stand still, those that have longest first, and how many there are in all. `after_seconds` is
/// how long nothing may have been written of a run.
pub async fn stuck(app: &App, caller: &Caller, after_seconds: u64, limit: u32) -> Result<(Vec<Stuck>, i64), Error> {
    gates::pass(app, caller, &audit::action("run.stuck", Tier::Read, Role::Operator, "", &())).await?;
    let (tenant, since) = (caller.principal.tenant.clone(), since(app, after_seconds));
    let limit = limit.clamp(1, MAX_PAGE);
    let found = app.store.read(move |tx| Box::pin(async move { runs::stuck(tx, &tenant, since, limit).await }));
    Ok(found.await?)
}

/// Whether this run stands still, and why, by the setting's time.
pub async fn stuck_one(app: &App, caller: &Caller, id: RunId) -> Result<Option<Stuck>, Error> {
    let (tenant, since) = (caller.principal.tenant.clone(), since(app, app.settings.engine.stuck_after_seconds));
    let found = app.store.read(move |tx| Box::pin(async move { runs::stuck_one(tx, &tenant, since, id).await }));
    Ok(found.await?)
}

fn since(app: &App, after_seconds: u64) -> Stillness {
    let now = app.engine.now();
    let after = Micros::try_from(after_seconds).unwrap_or(Micros::MAX / SECOND).saturating_mul(SECOND);
    Stillness { idle: now.saturating_sub(after), silent: silent_since(app, now), now }
}

/// A worker whose last sign of life is not after this moment is taken for gone.
pub(crate) fn silent_since(app: &App, now: Micros) -> Micros {
    let lease: Duration = app.engine.options().lease * SILENT_LEASES;
    now.saturating_sub(Micros::try_from(lease.as_micros()).unwrap_or(Micros::MAX))
}
