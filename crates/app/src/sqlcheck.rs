//! A look at a statement through the guard, without running it.

use pilothouse_domain::action::Tier;
use pilothouse_domain::{ConnectionId, Role};
use pilothouse_warehouse::guard::{self, Report};

use crate::{App, Caller, Error, audit, connections, gates, personal};

/// What the guard says of `sql` on a connection, or on the default one.
pub async fn check(app: &App, caller: &Caller, id: Option<ConnectionId>, sql: &str) -> Result<Report, Error> {
    gates::pass(app, caller, &audit::action("sql.check", Tier::Read, Role::Viewer, "", &sql)).await?;
    let id = match id {
        Some(id) => id,
        None => connections::default_for(app, caller).await?,
    };
    let (catalog, _) = connections::catalog(app, caller, id).await?;
    let access = personal::access_of(app, caller, id, &catalog).await?;
    let limits = app.sources.warehouse.guard_limits();
    Ok(guard::check(sql, &guard::Policy { catalog: &catalog, access: &access, limits: &limits }))
}
