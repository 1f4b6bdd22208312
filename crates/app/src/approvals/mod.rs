//! Approvals: what waits for people, who may release it, and that nothing is released but exactly what they saw.
//!
//! Read first: [`Approvals`], by which actions are judged, wait and go on; `control` is what people do with one: `edit` with
//! changes, `breaks` alone in an emergency, `delegations` in somebody's place, `advance` before anybody asks. By which rules
//! is `rules`, `ruleset` what a tenant writes of them, and `rulings` what they have said. The states, who may decide and how
//! rules are read are pure and stand in `pilothouse_domain::approval`.

mod advance;
mod breaks;
mod control;
mod delegations;
mod edit;
mod escalate;
mod rules;
mod ruleset;
mod rulings;

pub use advance::{Granted, Plan, Remark, grant, granted, grants, ungrant};
pub use breaks::{break_glass, review, unreviewed};
pub(crate) use control::of_run;
pub use control::{Detail, MAX_PAGE, decide, get, list, revoke};
pub use delegations::{NewDelegation, delegate, delegations, undelegate};
pub(crate) use edit::WRITTEN;
pub use edit::decide_with;
pub use escalate::escalate;
pub(crate) use rules::QUERY;
pub use rules::read as read_rules;
pub use ruleset::{Ruleset, put_rules, rule_versions, ruleset, try_rules};
pub use rulings::{DryRun, Example};

use std::sync::Arc;

use pilothouse_domain::action::Tier;
use pilothouse_domain::approval::policy::{Facts, Rule, Ruling};
use pilothouse_domain::approval::{Event, Needs, State};
use pilothouse_domain::audit::{Entry, Outcome};
use pilothouse_domain::canonical::{canonical_json, payload_hash};
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::{ApprovalId, Clock, Ids, Micros, Principal, Role, RunId, TenantId};
use pilothouse_engine::Also;
use pilothouse_store::approval_breaks::Break;
use pilothouse_store::approvals::{self as rows, Approval, Change};
use pilothouse_store::{Error as StoreError, Store, Tx, audit as audit_rows};
use serde_json::{Value, json};

use self::rules::Rules;
use self::rulings::Rulings;
use crate::Error;
use crate::settings::{self, Mode};

/// Judges actions, and lets those go on that people have agreed to.
pub struct Approvals {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    rules: Rules,
    rulings: Rulings,
    /// Where actions take effect.
    environment: &'static str,
    /// How long one holds once it is given.
    ttl: Micros,
    /// Whether people may decide what they ask for themselves.
    own_allowed: bool,
    /// Whether people prove who they are with tokens.
    proves: bool,
    /// Whether admins may give approvals alone.
    break_glass: bool,
}

/// What somebody wants to do that needs people.
pub(crate) struct Wish {
    /// By which figures it was judged.
    pub facts: Facts,
    /// More of them, for whoever decides, as a JSON object.
    pub figures: Value,
    /// Exactly what would be done.
    pub payload: Value,
    /// The run that waits.
    pub run: Option<RunId>,
    /// Whose decision it takes.
    pub needs: Needs,
    /// The rule that says so, if one does.
    pub rule: Option<String>,
    /// Why.
    pub because: String,
}

/// What an action finds that wants to go on under its approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It may be done, now.
    Released,
    /// It may not.
    Refused {
        /// Where its approval stands.
        state: State,
        /// By whom.
        by: Option<String>,
        /// Why.
        because: Option<String>,
    },
}

impl Approvals {
    pub(crate) fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        (mode, settings): (Mode, &settings::Approvals),
        rules: Vec<Rule>,
        query_max_bytes: u64,
    ) -> Self {
        let own_allowed = settings.own.unwrap_or(mode == Mode::Development);
        let built_in = rules::built_in(query_max_bytes, settings.risk_threshold, rules::approvers(own_allowed));
        let rules = Rules::new(store.clone(), rules, built_in);
        let ttl = Micros::try_from(settings.ttl_seconds).unwrap_or(Micros::MAX).saturating_mul(SECOND);
        let (rulings, environment) = (Rulings::default(), mode.as_str());
        let (proves, break_glass) = (mode == Mode::Production, settings.break_glass);
        Self { store, clock, ids, rules, rulings, environment, ttl, own_allowed, proves, break_glass }
    }

    /// An action that somebody wants to do now, without any figures.
    pub(crate) fn facts(&self, kind: &str, tier: Tier, by: (&str, Role)) -> Facts {
        Facts { environment: self.environment.to_owned(), ..Facts::new(kind, tier, by, self.clock.now()) }
    }

    /// What the rules say of an action. That is noted, but for actions that only look.
    pub(crate) async fn judge(&self, tenant: &TenantId, facts: &Facts) -> Result<Ruling, Error> {
        let ruling = self.rules.judge(tenant, facts, self.clock.now()).await?;
        if facts.tier > Tier::Read || facts.kind == QUERY {
            self.rulings.note((&self.store, self.ids.as_ref()), tenant, facts, &ruling).await?;
        }
        Ok(ruling)
    }

    /// Lets an action go on at once if somebody has agreed to it, which uses that up; or asks for it, and tells which
    /// approval it waits for.
    pub(crate) async fn claim(
        &self,
        tenant: &TenantId,
        wish: Wish,
        request_id: &str,
    ) -> Result<Result<(), Approval>, StoreError> {
        let (tenant, request_id, wanted) = (tenant.clone(), request_id.to_owned(), self.asked(wish));
        let claimed = self.store.write(move |tx| {
            Box::pin(async move {
                let (now, hash) = (wanted.requested_at, wanted.payload_hash.clone());
                rows::expire(tx, &tenant, now).await?;
                let found = rows::request(tx, &tenant, &wanted).await?;
                let action = match (found.state, found.id == wanted.id) {
                    (State::Approved, _) => "approval.use",
                    (_, true) => "approval.request",
                    _ => return Ok(Err(found)),
                };
                audit_rows::append(tx, &entry(&tenant, &found, (action, &hash, now), &request_id)).await?;
                if found.state != State::Approved {
                    return Ok(Err(found));
                }
                change(tx, &tenant, &found, Event::Use, (now, None, None, None)).await?;
                Ok(Ok(()))
            })
        });
        claimed.await
    }

    /// Whose decision it takes where nobody says whose.
    pub(crate) fn anybody(&self) -> Needs {
        Needs { count: 1, of: rules::approvers(self.own_allowed) }
    }

    /// Whether somebody may give approvals alone.
    fn may_break(&self, principal: &Principal) -> bool {
        self.break_glass && principal.role >= Role::Admin
    }

    /// Whether somebody may say what they think of an approval that somebody gave alone: one who could have decided it, and
    /// neither gave it nor asked for it. Where people may release their own, whoever asked may.
    fn may_review(&self, principal: &Principal, approval: &Approval, broken: &Break) -> bool {
        let own = &principal.subject;
        let is_other = broken.by != *own && (self.own_allowed || approval.requested_by != *own);
        broken.review.is_none() && principal.role >= approval.needs.of && is_other
    }

    /// The approval that `wish` needs, as it is asked for.
    pub(crate) fn asked(&self, wish: Wish) -> Approval {
        let Wish { facts, figures, payload, run, needs, rule, because } = wish;
        let blank = self.blank(&facts.kind, &facts.resource, &payload, needs);
        let requested_by = facts.subject.clone();
        let mut shown = json!(facts);
        if let (Some(shown), Value::Object(figures)) = (shown.as_object_mut(), figures) {
            shown.extend(figures);
        }
        Approval { requested_by, facts: shown.to_string(), rule, because, run, ..blank }
    }

    /// An approval of `payload` that nobody has asked for yet.
    fn blank(&self, kind: &str, resource: &str, payload: &Value, needs: Needs) -> Approval {
        let at = self.clock.now();
        Approval {
            id: ApprovalId(self.ids.uuid(at)),
            kind: kind.to_owned(),
            resource: resource.to_owned(),
            payload_hash: payload_hash(payload),
            payload: canonical_json(payload),
            facts: "{}".to_owned(),
            requested_by: String::new(),
            requested_at: at,
            rule: None,
            because: String::new(),
            needs,
            run: None,
            state: State::Pending,
            changed_at: at,
            changed_by: None,
            changed_because: None,
            expires_at: None,
            remark: None,
            asked_payload: None,
            edited_by: None,
            escalated_at: None,
        }
    }

    /// Ends those whose time or whose run is over, so that whoever looks next sees them as they stand.
    async fn tidy(&self, tenant: &TenantId) -> Result<(), StoreError> {
        let (now, of, own) = (self.clock.now(), tenant.clone(), tenant.clone());
        if self.store.read(move |tx| Box::pin(async move { rows::is_overdue(tx, &of, now).await })).await? {
            self.store.write(move |tx| Box::pin(async move { rows::expire(tx, &own, now).await })).await?;
        }
        Ok(())
    }

    /// Since when nothing can become of an approval any more, nor anybody wake who waits for it; none as long as it is open.
    pub(crate) async fn closed_since(&self, tenant: &TenantId, id: ApprovalId) -> Result<Option<Micros>, StoreError> {
        let tenant = tenant.clone();
        let found = self.store.read(move |tx| Box::pin(async move { rows::get(tx, &tenant, id).await })).await?;
        Ok(match found {
            Some(approval) => approval.state.is_final().then_some(approval.changed_at),
            None => Some(self.clock.now()),
        })
    }

    /// Lets the action with this payload go on, if its approval holds for exactly that; `objection` is why it may not go on
    /// although it does. A run that asks again what it was allowed already is allowed.
    pub(crate) async fn take(
        &self,
        tenant: &TenantId,
        (id, request_id): (ApprovalId, &str),
        payload: &Value,
        objection: Option<&'static str>,
    ) -> Result<Taken, StoreError> {
        let (tenant, now, hash) = (tenant.clone(), self.clock.now(), payload_hash(payload));
        let request_id = request_id.to_owned();
        let taken = self.store.write(move |tx| {
            Box::pin(async move {
                rows::expire(tx, &tenant, now).await?;
                let Some(approval) = rows::hold(tx, &tenant, id).await? else { return Ok(None) };
                let is_same = approval.payload_hash == hash;
                let (event, action, because) = match (approval.state, is_same, objection) {
                    (State::Used, true, _) => return Ok(Some(Taken::Released)),
                    (State::Approved, true, None) => (Event::Use, "approval.use", None),
                    (State::Approved, false, _) => (Event::Void, "approval.void", Some(CHANGED)),
                    (State::Approved, true, Some(objection)) => (Event::Void, "approval.void", Some(objection)),
                    _ => return Ok(Some(refused(approval))),
                };
                audit_rows::append(tx, &entry(&tenant, &approval, (action, &hash, now), &request_id)).await?;
                change(tx, &tenant, &approval, event, (now, None, because, None)).await?;
                let approval = rows::get(tx, &tenant, id).await?;
                Ok(approval.map(|now| if now.state == State::Used { Taken::Released } else { refused(now) }))
            })
        });
        taken.await?.ok_or(StoreError::Missing { what: "approval" })
    }
}

/// Asks for an approval, in the commit of the step that does.
pub(crate) fn asking(tenant: TenantId, wanted: Approval, request_id: &str) -> Also {
    let (hash, at) = (wanted.payload_hash.clone(), wanted.requested_at);
    let entry = entry(&tenant, &wanted, ("approval.request", &hash, at), request_id);
    Box::new(move |tx| {
        Box::pin(async move {
            rows::request(tx, &tenant, &wanted).await?;
            audit_rows::append(tx, &entry).await.map(|_| ())
        })
    })
}

/// The audit row of what an action does with its approval: which, with which payload, and when.
fn entry(tenant: &TenantId, of: &Approval, (action, hash, at): (&str, &str, Micros), request_id: &str) -> Entry {
    Entry {
        scope: tenant.to_string(),
        at,
        subject: of.requested_by.clone(),
        action: action.to_owned(),
        resource: of.id.to_string(),
        payload_hash: hash.to_owned(),
        outcome: Outcome::Allowed,
        code: String::new(),
        request_id: request_id.to_owned(),
        count: 1,
    }
}

/// Why an approval does not hold for what would be done.
const CHANGED: &str = "What would be done is no longer what was approved.";

fn refused(approval: Approval) -> Taken {
    Taken::Refused { state: approval.state, by: approval.changed_by, because: approval.changed_because }
}

/// Changes an approval that the unit holds: when, by whom, why, and when it expires then. Returns where it stands then;
/// none where it cannot change so.
async fn change(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    approval: &Approval,
    event: Event,
    (at, by, because, expires_at): (Micros, Option<&str>, Option<&str>, Option<Micros>),
) -> Result<Option<State>, StoreError> {
    let Ok(to) = approval.state.after(event) else { return Ok(None) };
    let change = Change { from: approval.state, to, at, by, because, expires_at };
    Ok(rows::change(tx, tenant, approval.id, change).await?.then_some(to))
}
