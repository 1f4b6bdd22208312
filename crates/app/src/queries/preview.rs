//! What would become of a query: whether it may run, what it would take, and whose approval it needs.

use pilothouse_domain::action::Tier;
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::{ApprovalId, Code, ConnectionId, PreviewId, Role, RunId};
use pilothouse_store::{approvals as approval_rows, audit as audit_rows, costs};
use pilothouse_warehouse::Cancel;

use super::asking::Asking;
use super::judged::{Judged, WaitsFor};
use super::workflow::Blocked;
use crate::{App, Caller, Error, approvals, audit, connections, gates, reads};

/// What would become of a query.
#[derive(Debug, Clone)]
pub enum Previewed {
    /// It does not run, for these reasons.
    Blocked(Blocked),
    /// It runs when somebody says so.
    Kept {
        /// Under which id.
        id: PreviewId,
        /// Over which connection.
        connection: ConnectionId,
        /// What would run.
        sql: String,
        /// What is thought of it.
        judged: Box<Judged>,
        /// The approval that it waits for.
        approval: Option<ApprovalId>,
    },
}

/// Says what would become of a statement, and keeps it if it may run. Nothing is read.
pub async fn preview(
    app: &App,
    caller: &Caller,
    connection: Option<ConnectionId>,
    sql: &str,
) -> Result<Previewed, Error> {
    let action = audit::action("query.preview", Tier::Read, Role::Member, "", &sql);
    gates::pass(app, caller, &action).await?;
    if sql.trim().is_empty() {
        return Err(Error::new(Code::FieldRequired, "sql is required"));
    }
    let principal = &caller.principal;
    let connection = connections::meant(app, caller, connection).await?;
    let open = app.sources.open(&principal.tenant, connection).await?;
    let guard = open.rights.guard(&principal.tenant, &principal.subject, principal.role)?;
    let report = guard.check(sql);
    let Some(canonical) = &report.canonical else {
        let reasons = report.reasons.iter().map(|reason| reason.message.clone()).collect();
        return Ok(Previewed::Blocked(Blocked { reasons, ..Blocked::default() }));
    };
    let (id, cancel) = (PreviewId(app.ids.uuid(app.clock.now())), Cancel::new());
    let asking = Asking {
        sources: &app.sources,
        clock: app.clock.as_ref(),
        open: &open,
        guard: &guard,
        tenant: &principal.tenant,
        run: RunId(id.0),
        preview: Some(id),
        connection,
        call: app.sources.call(&principal.tenant, app.sources.warehouse.limits(), &cancel),
        approvals: &app.approvals,
        ledger: &app.ledger,
        subject: &principal.subject,
        role: principal.role,
    };
    let judged = asking.preview(sql).await?;
    if !judged.may_run() {
        return Ok(Previewed::Blocked(judged.into()));
    }
    let waits_for = judged.waits_for.unwrap_or(WaitsFor::Asker);
    let row = asking.previewed(RunId(id.0), waits_for, (sql.to_owned(), &judged));
    // The approval of a preview has its id, so that either is found by the other.
    let wanted = judged.needed.clone().map(|needed| asking.wanted(needed, &judged.reasons));
    let wanted = wanted.map(|wanted| approval_rows::Approval { id: ApprovalId(id.0), ..wanted });
    let approval = wanted.as_ref().map(|wanted| wanted.id);
    let action = audit::action(action.kind, action.tier, action.needs, &id.to_string(), &sql);
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let (tenant, since) = (principal.tenant.clone(), row.created_at - reads::REMEMBERED);
    let asked = wanted.map(|wanted| approvals::asking(tenant.clone(), wanted, &caller.request_id));
    let kept = app.store.write(move |tx| {
        Box::pin(async move {
            costs::put_preview(tx, &tenant, &row, since).await?;
            audit_rows::append(tx, &entry).await?;
            match asked {
                Some(asked) => asked(tx).await,
                None => Ok(()),
            }
        })
    });
    kept.await?;
    Ok(Previewed::Kept { id, connection, sql: canonical.sql().to_owned(), judged: Box::new(judged), approval })
}
