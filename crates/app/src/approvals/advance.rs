//! Approvals that are given before anybody asks: of a build's plan, by the plan's hash. Whoever builds that plan later finds
//! one, once; another plan finds none.

use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::approval::{Decision, Event, Needs, State, Vote};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::canonical::payload_hash;
use pilothouse_domain::{Code, Role, TenantId};
use pilothouse_store::approvals::{self as rows, Approval, Voted};
use pilothouse_store::{Error as StoreError, Tx, audit as audit_rows};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::change;
use super::control::unknown;
use crate::{App, Caller, Error, audit, gates};

/// The name of a build, as an action.
const BUILD: &str = "build.run";
/// Most approvals of one job that are listed.
const MAX_LISTED: u32 = 200;
/// Longest name of a job and longest hash of a plan, in characters.
const MAX_CHARS: usize = 200;
/// Most bytes of what is said of one besides, as JSON.
const MAX_REMARK_BYTES: usize = 16 * 1024;
/// Why an approval gives way to the next of the same plan.
const GRANTED_ANEW: &str = "It was granted anew.";

/// A plan of a job.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The job's name.
    pub job: String,
    /// The plan's hash.
    pub hash: String,
}

impl Plan {
    fn payload(&self) -> Value {
        json!({"job_name": self.job, "plan_hash": self.hash})
    }

    fn action(&self, kind: &'static str, tier: Tier, needs: Role) -> Action {
        audit::action(kind, tier, needs, &self.job, &self.payload())
    }

    fn check(&self) -> Result<(), Error> {
        let is_fit = |text: &str| !text.trim().is_empty() && text.chars().count() <= MAX_CHARS && !text.contains('\0');
        if is_fit(&self.job) && is_fit(&self.hash) {
            return Ok(());
        }
        let message = format!("A job's name and a plan's hash have 1 to {MAX_CHARS} characters.");
        Err(Error::new(Code::BodyInvalid, message))
    }
}

/// What is said of an approval that is given in advance.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Remark {
    /// Who approves, in the words of whoever asks for it. Who does is the caller.
    pub approver: String,
    /// Anything else in words.
    pub notes: String,
    /// And in any other form.
    pub metadata: Map<String, Value>,
}

/// A remark as it is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    remark: Remark,
    granted_by: String,
}

/// An approval of a plan, given in advance.
#[derive(Debug, Clone)]
pub struct Granted {
    /// It.
    pub approval: Approval,
    /// Of which plan.
    pub plan: Plan,
    /// What was said of it.
    pub remark: Remark,
    /// Who gave it.
    pub by: String,
}

impl From<Approval> for Granted {
    fn from(approval: Approval) -> Self {
        let payload: Value = serde_json::from_str(&approval.payload).unwrap_or_default();
        let hash = payload["plan_hash"].as_str().unwrap_or_default().to_owned();
        let kept = approval.remark.as_deref().and_then(|remark| serde_json::from_str(remark).ok());
        let Kept { remark, granted_by } = kept.unwrap_or_default();
        let plan = Plan { job: approval.resource.clone(), hash };
        Self { approval, plan, remark, by: granted_by }
    }
}

/// Approves a plan in advance; one that was approved already holds anew from now on.
pub async fn grant(app: &App, caller: &Caller, plan: Plan, remark: Remark) -> Result<Granted, Error> {
    let action = plan.action("approval.grant", Tier::Write, Role::Operator);
    gates::pass(app, caller, &action).await?;
    plan.check()?;
    let by = caller.principal.subject.clone();
    let new = app.approvals.granted(&plan, &Kept { remark, granted_by: by.clone() });
    if new.remark.as_ref().is_some_and(|kept| kept.len() > MAX_REMARK_BYTES) {
        let message = format!("What is said of an approval has at most {MAX_REMARK_BYTES} bytes.");
        return Err(Error::new(Code::BodyTooLarge, message));
    }
    let (tenant, now) = (caller.principal.tenant.clone(), new.requested_at);
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let granted = app.store.write(move |tx| {
        Box::pin(async move {
            rows::expire(tx, &tenant, now).await?;
            if let Some(held) = holding(tx, &tenant, &plan).await? {
                change(tx, &tenant, &held, Event::Revoke, (now, Some(&by), Some(GRANTED_ANEW), None)).await?;
            }
            let granted = rows::request(tx, &tenant, &new).await?;
            if granted.id != new.id {
                // Somebody else has granted it at the same moment.
                return Ok(granted);
            }
            let vote = Vote { by, in_place_of: None, decision: Decision::Approve };
            rows::vote(tx, &tenant, granted.id, &Voted { vote, reason: String::new(), at: now }).await?;
            audit_rows::append(tx, &entry).await?;
            Ok(granted)
        })
    });
    Ok(granted.await?.into())
}

/// The approval of a plan that holds.
pub async fn granted(app: &App, caller: &Caller, plan: Plan) -> Result<Granted, Error> {
    gates::pass(app, caller, &plan.action("approvals.get", Tier::Read, Role::Viewer)).await?;
    let tenant = caller.principal.tenant.clone();
    app.approvals.tidy(&tenant).await?;
    let found = app.store.read(move |tx| Box::pin(async move { holding(tx, &tenant, &plan).await }));
    found.await?.map(Granted::from).ok_or_else(unknown)
}

/// The approvals of a job's plans, newest first: those that hold, were used or have expired.
pub async fn grants(app: &App, caller: &Caller, job: &str) -> Result<Vec<Granted>, Error> {
    gates::pass(app, caller, &audit::action("approvals.list", Tier::Read, Role::Viewer, job, &())).await?;
    let (tenant, job) = (caller.principal.tenant.clone(), job.to_owned());
    app.approvals.tidy(&tenant).await?;
    let found = app
        .store
        .read(move |tx| Box::pin(async move { rows::of_resource(tx, &tenant, (BUILD, &job), MAX_LISTED).await }));
    let is_shown = |one: &Approval| matches!(one.state, State::Approved | State::Used | State::Expired);
    Ok(found.await?.into_iter().filter(is_shown).map(Granted::from).collect())
}

/// Takes the approval of a plan back.
pub async fn ungrant(app: &App, caller: &Caller, plan: Plan) -> Result<(), Error> {
    let action = plan.action("approval.revoke", Tier::Write, Role::Admin);
    gates::pass(app, caller, &action).await?;
    let (tenant, now, by) = (caller.principal.tenant.clone(), app.clock.now(), caller.principal.subject.clone());
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let revoked = app.store.write(move |tx| {
        Box::pin(async move {
            rows::expire(tx, &tenant, now).await?;
            let Some(held) = holding(tx, &tenant, &plan).await? else { return Ok(false) };
            let revoked = change(tx, &tenant, &held, Event::Revoke, (now, Some(&by), None, None)).await?.is_some();
            if revoked {
                audit_rows::append(tx, &entry).await?;
            }
            Ok(revoked)
        })
    });
    if revoked.await? { Ok(()) } else { Err(unknown()) }
}

/// The approval of a plan that holds.
async fn holding(tx: &mut Tx<'_>, tenant: &TenantId, plan: &Plan) -> Result<Option<Approval>, StoreError> {
    let hash = payload_hash(&plan.payload());
    let all = rows::of_resource(tx, tenant, (BUILD, &plan.job), MAX_LISTED).await?;
    Ok(all.into_iter().find(|one| one.state == State::Approved && one.payload_hash == hash))
}

impl super::Approvals {
    /// An approval of `plan` that holds from now on.
    fn granted(&self, plan: &Plan, kept: &Kept) -> Approval {
        let blank = self.blank(BUILD, &plan.job, &plan.payload(), Needs { count: 1, of: Role::Operator });
        Approval {
            because: "It was granted in advance.".to_owned(),
            state: State::Approved,
            changed_by: Some(kept.granted_by.clone()),
            expires_at: Some(blank.requested_at.saturating_add(self.ttl)),
            remark: Some(json!(kept).to_string()),
            ..blank
        }
    }
}
