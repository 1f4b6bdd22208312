//! A look at a statement through the guard, without running it.

use pilothouse_domain::action::Tier;
use pilothouse_domain::{ConnectionId, Role};
use pilothouse_warehouse::guard::Report;
use std::sync::Arc;

use crate::{App, Caller, Error, audit, connections, gates};

/// What the guard says of `sql` on a connection, or on the default one.
pub async fn check(app: &App, caller: &Caller, id: Option<ConnectionId>, sql: &str) -> Result<Arc<Report>, Error> {
    gates::pass(app, caller, &audit::action("sql.check", Tier::Read, Role::Viewer, "", &sql)).await?;
    let id = connections::meant(app, caller, id).await?;
    let principal = &caller.principal;
    let open = app.sources.open(&principal.tenant, id).await?;
    Ok(open.rights.guard(&principal.tenant, &principal.subject, principal.role)?.check(sql))
}
