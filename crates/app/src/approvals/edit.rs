//! Approving with changes: what somebody puts in the place of what was asked for has a hash of its own, and the guard looks at
//! it in the name of whoever has asked.

use pilothouse_domain::approval::State;
use pilothouse_domain::{ApprovalId, Code, ConnectionId, Role, TenantId};
use pilothouse_store::Error as StoreError;
use pilothouse_store::approvals::{self as rows, Approval};
use serde::Deserialize;
use serde_json::Value;

use super::control::{closed, decided, look};
use super::{Approvals, QUERY};
use crate::runs::Decision;
use crate::{App, Caller, Error};

/// The part of a changed query's payload that holds what was written, before the guard made of it what runs.
pub(crate) const WRITTEN: &str = "written";

/// What of a query's payload a change needs.
#[derive(Deserialize)]
struct Asked {
    connection: ConnectionId,
    subject: String,
    role: Role,
}

/// Approves another statement in the place of the one that was asked for.
pub async fn decide_with(
    app: &App,
    caller: &Caller,
    id: ApprovalId,
    sql: &str,
    words: Option<String>,
    seen: Option<&str>,
) -> Result<Approval, Error> {
    let found = look(app, caller, id).await?;
    if found.approval.state != State::Pending {
        return Err(closed(&found.approval));
    }
    let payload: Value = serde_json::from_str(&found.approval.payload).unwrap_or_default();
    let asked = serde_json::from_value::<Asked>(payload.clone()).ok().filter(|_| found.approval.kind == QUERY);
    let Some(Asked { connection, subject, role }) = asked else {
        return Err(Error::new(Code::ApprovalVoid, "Only queries can be changed while they are approved."));
    };
    let tenant = &caller.principal.tenant;
    let open = app.sources.open(tenant, connection).await?;
    let report = open.rights.guard(tenant, &subject, role)?.check(sql);
    let Some(canonical) = &report.canonical else {
        let reasons: Vec<&str> = report.reasons.iter().map(|reason| reason.message.as_str()).collect();
        let message = format!("The SQL guard does not let the changed statement run: {}.", reasons.join("; "));
        return Err(Error::new(Code::SqlBlocked, message).at(
            &["sql"],
            "value_error",
            &message_of(&reasons),
            sql.into(),
        ));
    };
    let mut edited = payload.clone();
    edited["sql"] = canonical.sql().into();
    // The guard makes the one of the other when it runs, as it has made it here.
    edited[WRITTEN] = sql.into();
    let is_same = canonical.sql() == payload["sql"];
    let edit = (!is_same).then_some(edited);
    decided(app, caller, found, Decision { approved: true, words }, seen, edit).await
}

fn message_of(reasons: &[&str]) -> String {
    reasons.first().map_or_else(String::new, |reason| (*reason).to_owned())
}

impl Approvals {
    /// Exactly what an approval is for, with what somebody may have written in the place of what was asked for; nothing where
    /// there is no such approval.
    pub(crate) async fn payload(&self, tenant: &TenantId, id: ApprovalId) -> Result<Value, StoreError> {
        let tenant = tenant.clone();
        let found = self.store.read(move |tx| Box::pin(async move { rows::get(tx, &tenant, id).await })).await?;
        Ok(found.and_then(|approval| serde_json::from_str(&approval.payload).ok()).unwrap_or_default())
    }
}
