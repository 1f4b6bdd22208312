//! What people do with approvals: look, decide, take back.

use pilothouse_domain::action::Tier;
use pilothouse_domain::approval::{Decision as Word, Event, Objection, Person, State, Vote, may_decide, tally};
use pilothouse_domain::audit::{Entry, Outcome};
use pilothouse_domain::canonical::payload_hash;
use pilothouse_domain::{ApprovalId, Code, Micros, Principal, Role, RunId, TenantId};
use pilothouse_store::approvals::{self as rows, Approval, Filter, Voted};
use pilothouse_store::runs::{self, Run};
use pilothouse_store::{Error as StoreError, Tx, audit as audit_rows};
use serde_json::{Value, json};

use super::change;
use crate::runs::{APPROVAL, Decision};
use crate::{App, Caller, Error, audit, gates};

/// Most approvals of one page.
pub const MAX_PAGE: u32 = 200;

/// An approval with what was said of it.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The approval.
    pub approval: Approval,
    /// Who has said what.
    pub votes: Vec<Voted>,
    /// Why the caller may not decide it; none where they may.
    pub objection: Option<Objection>,
}

/// The approvals that stand so and that the caller has asked for or may decide, newest first; with where the next page
/// begins.
pub async fn list(
    app: &App,
    caller: &Caller,
    state: State,
    before: Option<ApprovalId>,
    limit: u32,
) -> Result<(Vec<Approval>, Option<ApprovalId>), Error> {
    gates::pass(app, caller, &audit::action("approvals.list", Tier::Read, Role::Member, "", &())).await?;
    let limit = limit.clamp(1, MAX_PAGE);
    let tenant = caller.principal.tenant.clone();
    app.approvals.tidy(&tenant).await?;
    let (subject, role) = (caller.principal.subject.clone(), caller.principal.role);
    let found = app.store.read(move |tx| {
        Box::pin(async move {
            let before = match before {
                Some(id) => rows::get(tx, &tenant, id).await?.map(|last| (last.requested_at, id)),
                None => None,
            };
            rows::list(tx, &tenant, &Filter { state, subject, role, before }, limit + 1).await
        })
    });
    let mut found = found.await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| last.id);
    Ok((found, next))
}

/// One approval that the caller has asked for or may decide.
pub async fn get(app: &App, caller: &Caller, id: ApprovalId) -> Result<Detail, Error> {
    let (approval, votes) = look(app, caller, id).await?;
    let person = person(&caller.principal);
    let may = may_decide(person, &approval.requested_by, approval.needs, &said(&votes), app.approvals.own_allowed);
    Ok(Detail { approval, votes, objection: may.err() })
}

/// The approval that a run waits for, if it waits for one.
pub(crate) async fn of_run(app: &App, tenant: &TenantId, run: RunId) -> Result<Option<Approval>, Error> {
    let tenant = tenant.clone();
    app.approvals.tidy(&tenant).await?;
    Ok(app.store.read(move |tx| Box::pin(async move { rows::of_run(tx, &tenant, run).await })).await?)
}

async fn look(app: &App, caller: &Caller, id: ApprovalId) -> Result<(Approval, Vec<Voted>), Error> {
    gates::pass(app, caller, &audit::action("approvals.get", Tier::Read, Role::Member, &id.to_string(), &())).await?;
    let tenant = caller.principal.tenant.clone();
    app.approvals.tidy(&tenant).await?;
    let found = app.store.read(move |tx| {
        Box::pin(async move { Ok((rows::get(tx, &tenant, id).await?, rows::votes(tx, &tenant, id).await?)) })
    });
    let (approval, votes) = found.await?;
    let principal = &caller.principal;
    let approval = approval.filter(|one| one.requested_by == principal.subject || one.needs.of <= principal.role);
    Ok((approval.ok_or_else(unknown)?, votes))
}

/// Approves or rejects. What was shown to the caller is what is decided: who has a hash sends it, and a decision about
/// another payload is refused.
pub async fn decide(
    app: &App,
    caller: &Caller,
    id: ApprovalId,
    decision: Decision,
    seen: Option<&str>,
) -> Result<Approval, Error> {
    let (approval, _) = look(app, caller, id).await?;
    let decision = decision.checked()?;
    let (kind, word) = match decision.approved {
        true => ("approval.approve", Word::Approve),
        false => ("approval.reject", Word::Reject),
    };
    let hash = approval.payload_hash.clone();
    let needs = approval.needs.of;
    let action = audit::action(kind, Tier::Write, needs, &id.to_string(), &(&hash, &decision));
    gates::pass(app, caller, &action).await?;
    if seen.is_some_and(|seen| seen != hash) {
        let message = "What was decided about is not what would be done: look again.";
        return Err(Error::new(Code::ApprovalVoid, message));
    }
    let principal = caller.principal.clone();
    let (own_allowed, ttl) = (app.approvals.own_allowed, app.approvals.ttl);
    make(app, caller, action, id, move |approval, votes, now| {
        if payload_hash(&serde_json::from_str::<Value>(&approval.payload).unwrap_or_default()) != approval.payload_hash
        {
            return Err(Error::new(Code::ApprovalVoid, "What was asked for was changed since: it cannot be approved."));
        }
        let mut said = said(votes);
        may_decide(person(&principal), &approval.requested_by, approval.needs, &said, own_allowed).map_err(objected)?;
        let vote = Vote { by: principal.subject, in_place_of: None, decision: word };
        said.push(vote.clone());
        let reason = decision.words.unwrap_or_default();
        let event = tally(approval.needs, &said);
        let expires_at = (event == Some(Event::Grant)).then(|| now.saturating_add(ttl));
        Ok(Decided { vote: Some(Voted { vote, reason: reason.clone(), at: now }), event, because: reason, expires_at })
    })
    .await
}

/// Takes an approval back before it was used: whoever asked for it, or one who may decide it.
pub async fn revoke(app: &App, caller: &Caller, id: ApprovalId, reason: &str) -> Result<Approval, Error> {
    let (approval, _) = look(app, caller, id).await?;
    let reason = crate::runs::reason(reason)?;
    let is_own = approval.requested_by == caller.principal.subject;
    let needs = if is_own { Role::Member } else { approval.needs.of };
    let payload = (&approval.payload_hash, &reason);
    let action = audit::action("approval.revoke", Tier::Write, needs, &id.to_string(), &payload);
    gates::pass(app, caller, &action).await?;
    make(app, caller, action, id, move |_, _, _| {
        Ok(Decided { vote: None, event: Some(Event::Revoke), because: reason.clone(), expires_at: None })
    })
    .await
}

/// What somebody's word comes to.
struct Decided {
    vote: Option<Voted>,
    event: Option<Event>,
    because: String,
    expires_at: Option<Micros>,
}

/// Decides, changes, writes it down and wakes the run that waits, in one unit.
async fn make<F>(
    app: &App,
    caller: &Caller,
    action: pilothouse_domain::action::Action,
    id: ApprovalId,
    decide: F,
) -> Result<Approval, Error>
where
    F: FnOnce(&Approval, &[Voted], Micros) -> Result<Decided, Error> + Send + 'static,
{
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let (tenant, by) = (caller.principal.tenant.clone(), caller.principal.subject.clone());
    let (now, woken_at) = (app.clock.now(), app.engine.now());
    let made = app
        .store
        .write(move |tx| Box::pin(async move { apply(tx, &tenant, id, (&by, now, woken_at), &entry, decide).await }));
    match made.await? {
        Ok(waiting) => {
            if let Some(run) = waiting {
                app.engine.notice(&run);
            }
            Ok(look(app, caller, id).await?.0)
        }
        Err(error) => {
            let refused = audit::entry(app, caller, &action, Outcome::Refused, Some(error.code));
            audit::write(app, refused).await?;
            Err(Error { audited: true, ..error })
        }
    }
}

/// The run that waits, if one does, as it stands then; or why nothing was changed.
async fn apply<F>(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: ApprovalId,
    (by, now, woken_at): (&str, Micros, Micros),
    entry: &Entry,
    decide: F,
) -> Result<Result<Option<Run>, Error>, StoreError>
where
    F: FnOnce(&Approval, &[Voted], Micros) -> Result<Decided, Error>,
{
    rows::expire(tx, tenant, now).await?;
    let Some(approval) = rows::hold(tx, tenant, id).await? else { return Ok(Err(unknown())) };
    let votes = rows::votes(tx, tenant, id).await?;
    if approval.state.is_final() {
        return Ok(Err(closed(&approval)));
    }
    let decided = match decide(&approval, &votes, now) {
        Ok(decided) => decided,
        Err(error) => return Ok(Err(error)),
    };
    if decided.vote.is_some() && approval.state != State::Pending {
        return Ok(Err(closed(&approval)));
    }
    if let Some(vote) = &decided.vote {
        rows::vote(tx, tenant, id, vote).await?;
    }
    audit_rows::append(tx, entry).await?;
    let Some(event) = decided.event else { return Ok(Ok(None)) };
    let because = Some(decided.because.as_str()).filter(|because| !because.is_empty());
    let Some(to) = change(tx, tenant, &approval, event, (now, Some(by), because, decided.expires_at)).await? else {
        return Ok(Err(closed(&approval)));
    };
    let Some(run) = approval.run else { return Ok(Ok(None)) };
    let payload = json!({"approved": to == State::Approved, "by": by, "words": because}).to_string();
    Ok(Ok(runs::signal(tx, tenant, run, (APPROVAL, &payload, by), woken_at).await?))
}

fn person(principal: &Principal) -> Person<'_> {
    Person { subject: &principal.subject, role: principal.role, in_place_of: None }
}

/// The votes without when and why.
fn said(votes: &[Voted]) -> Vec<Vote> {
    votes.iter().map(|voted| voted.vote.clone()).collect()
}

/// There is none that the caller may know of.
pub(super) fn unknown() -> Error {
    Error::new(Code::ApprovalUnknown, "There is no such approval.")
}

fn closed(approval: &Approval) -> Error {
    let message = format!("The approval is {}: nothing more is decided about it.", approval.state.as_str());
    Error::new(Code::ApprovalClosed, message)
}

fn objected(objection: Objection) -> Error {
    match objection {
        Objection::OwnRequest => {
            let message = "Somebody else has to decide: you asked for it yourself.";
            Error::new(Code::ApprovalOwn, message)
        }
        Objection::Role => Error::new(Code::RoleInsufficient, "Your role does not decide this."),
        Objection::Again => Error::new(Code::ApprovalClosed, "You have decided about this already."),
    }
}
