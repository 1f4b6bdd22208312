//! The audit log: who did what, with which payload, and how it ended; and the refusals of nobody in particular.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pilothouse_domain::action::Action;
use pilothouse_domain::audit::{Entry, INSTALLATION, Outcome};
use pilothouse_domain::canonical::value_hash;
use pilothouse_domain::money::NanoUsd;
use pilothouse_domain::{Code, Micros, Role, TenantId, action::Tier};
use pilothouse_store::audit::{self as rows, Record, ScopeReport};
use serde::Serialize;
use serde_json::Value;

use crate::{App, Caller, Error, gates, tenants};

/// Most rows of one page.
pub const MAX_PAGE: u32 = 200;
/// Most different kinds of refusal that are counted apart in one minute.
const MAX_REFUSAL_KINDS: usize = 64;

/// Describes an action for the gates and the audit log.
pub fn action<T: Serialize>(kind: &'static str, tier: Tier, needs: Role, resource: &str, payload: &T) -> Action {
    action_of(kind, tier, needs, resource, serde_json::to_value(payload).unwrap_or_default())
}

/// The same of a payload that is JSON already.
pub fn action_of(kind: &'static str, tier: Tier, needs: Role, resource: &str, payload: Value) -> Action {
    let payload_hash = value_hash(&payload);
    Action {
        kind,
        tier,
        needs,
        resource: resource.to_owned(),
        payload,
        payload_hash,
        worst_cost: NanoUsd(0),
        figures: Value::Null,
    }
}

/// The audit row of `action` in the caller's tenant.
pub fn entry(app: &App, caller: &Caller, action: &Action, outcome: Outcome, code: Option<Code>) -> Entry {
    Entry {
        scope: caller.principal.tenant.to_string(),
        at: app.clock.now(),
        subject: caller.principal.subject.clone(),
        action: action.kind.to_owned(),
        resource: action.resource.clone(),
        payload_hash: action.payload_hash.clone(),
        outcome,
        code: code.map_or_else(String::new, |code| code.as_str().to_owned()),
        request_id: caller.request_id.clone(),
        count: 1,
    }
}

/// The audit row of what the program does by itself in a tenant: what, and to what.
pub fn by_itself(tenant: &TenantId, at: Micros, (action, resource): (&str, String), payload_hash: &str) -> Entry {
    Entry {
        scope: tenant.to_string(),
        at,
        subject: "pilothouse".to_owned(),
        action: action.to_owned(),
        resource,
        payload_hash: payload_hash.to_owned(),
        outcome: Outcome::Allowed,
        code: String::new(),
        request_id: String::new(),
        count: 1,
    }
}

/// Writes one row.
pub async fn write(app: &App, entry: Entry) -> Result<(), Error> {
    app.store.write(move |tx| Box::pin(async move { rows::append(tx, &entry).await.map(|_| ()) })).await?;
    Ok(())
}

/// Writes down that a known caller was refused before, or outside of, any gate.
pub async fn refused(app: &App, caller: &Caller, method: &str, route: &str, code: Code) -> Result<(), Error> {
    let action = action("request", Tier::Read, Role::Viewer, &format!("{method} {route}"), &());
    write(app, entry(app, caller, &action, Outcome::Refused, Some(code))).await
}

/// The newest rows of the caller's tenant, before the row `before` if it is given.
pub async fn list(app: &App, caller: &Caller, before: Option<i64>, limit: u32) -> Result<Vec<Record>, Error> {
    let tenant = caller.principal.tenant.to_string();
    gates::pass(app, caller, &action("audit.read", Tier::Read, Role::Admin, &tenant, &())).await?;
    let limit = limit.clamp(1, MAX_PAGE);
    Ok(app.store.read(move |tx| Box::pin(async move { rows::list(tx, &tenant, before, limit).await })).await?)
}

/// Proves the chains of every tenant and of the installation: one report for each. Takes as long as reading them whole.
pub async fn verify(app: &App, caller: &Caller) -> Result<Vec<ScopeReport>, Error> {
    gates::pass(app, caller, &action("audit.verify", Tier::Read, Role::Admin, "", &())).await?;
    tenants::administers(caller)?;
    Ok(rows::verify(&app.store).await?)
}

/// Refusals before anybody is known, and by the limiter: counted here and written to the installation's own chain once
/// a minute, so that nobody can write into a tenant's chain by naming the tenant, or fill the disk by knocking.
#[derive(Default)]
pub struct Refusals {
    counts: Mutex<HashMap<(Code, &'static str), i64>>,
}

impl Refusals {
    /// Counts one refusal at `route`, a route template.
    pub fn count(&self, code: Code, route: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !counts.contains_key(&(code, route));
        let route = if is_new && counts.len() >= MAX_REFUSAL_KINDS { "other" } else { route };
        *counts.entry((code, route)).or_insert(0) += 1;
    }

    fn take(&self) -> HashMap<(Code, &'static str), i64> {
        std::mem::take(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes the refusals counted since the last call.
pub async fn flush_refusals(app: &App) -> Result<(), Error> {
    let counts = app.refusals.take();
    if counts.is_empty() {
        return Ok(());
    }
    let at = app.clock.now();
    let entries: Vec<Entry> =
        counts.into_iter().map(|((code, route), count)| refusal(at, code, route, count)).collect();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                for entry in &entries {
                    rows::append(tx, entry).await?;
                }
                Ok(())
            })
        })
        .await?;
    Ok(())
}

fn refusal(at: i64, code: Code, route: &str, count: i64) -> Entry {
    Entry {
        scope: INSTALLATION.to_owned(),
        at,
        subject: "anonymous".to_owned(),
        action: "request".to_owned(),
        resource: route.to_owned(),
        payload_hash: String::new(),
        outcome: Outcome::Refused,
        code: code.as_str().to_owned(),
        request_id: String::new(),
        count,
    }
}
