//! What people do with approvals: look, decide, take back.

use pilothouse_domain::action::Tier;
use pilothouse_domain::approval::{Decision as Word, Event, Objection, State, Vote, tally};
use pilothouse_domain::audit::{Entry, Outcome};
use pilothouse_domain::canonical::{canonical_json, payload_hash};
use pilothouse_domain::{ApprovalId, Code, Micros, Role, RunId, TenantId};
use pilothouse_store::approval_breaks::{self, Break};
use pilothouse_store::approvals::{self as rows, Approval, Filter, Voted};
use pilothouse_store::runs::{self, Run};
use pilothouse_store::{Error as StoreError, Tx, audit as audit_rows};
use serde_json::{Value, json};

use super::change;
use super::delegations::Hats;
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
    /// Where somebody gave it alone, in an emergency: who, why, and what was thought of that afterwards.
    pub broken: Option<Break>,
    /// Whether the caller may do so.
    pub may_break: bool,
    /// Whether the caller may say what they think of it.
    pub may_review: bool,
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
    let subject = caller.principal.subject.clone();
    let role = app.approvals.hats(&caller.principal).await?.role();
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
    let Seen { approval, votes, broken, hats } = look(app, caller, id).await?;
    let own_allowed = app.approvals.own_allowed;
    let may = hats.may_decide(&approval.requested_by, approval.needs, &said(&votes), own_allowed);
    let may_break = app.approvals.may_break(&caller.principal) && approval.state == State::Pending;
    let may_review =
        broken.as_ref().is_some_and(|broken| app.approvals.may_review(&caller.principal, &approval, broken));
    Ok(Detail { approval, votes, objection: may.err(), broken, may_break, may_review })
}

/// The approval that a run waits for, if it waits for one.
pub(crate) async fn of_run(app: &App, tenant: &TenantId, run: RunId) -> Result<Option<Approval>, Error> {
    let tenant = tenant.clone();
    app.approvals.tidy(&tenant).await?;
    Ok(app.store.read(move |tx| Box::pin(async move { rows::of_run(tx, &tenant, run).await })).await?)
}

/// An approval as the caller may see it.
pub(super) struct Seen {
    pub approval: Approval,
    pub votes: Vec<Voted>,
    pub broken: Option<Break>,
    pub hats: Hats,
}

pub(super) async fn look(app: &App, caller: &Caller, id: ApprovalId) -> Result<Seen, Error> {
    gates::pass(app, caller, &audit::action("approvals.get", Tier::Read, Role::Member, &id.to_string(), &())).await?;
    let tenant = caller.principal.tenant.clone();
    app.approvals.tidy(&tenant).await?;
    let hats = app.approvals.hats(&caller.principal).await?;
    let found = app.store.read(move |tx| {
        Box::pin(async move {
            let (approval, votes) = (rows::get(tx, &tenant, id).await?, rows::votes(tx, &tenant, id).await?);
            Ok((approval, votes, approval_breaks::get(tx, &tenant, id).await?))
        })
    });
    let (approval, votes, broken) = found.await?;
    let own = &caller.principal.subject;
    let approval = approval.filter(|one| one.requested_by == *own || one.needs.of <= hats.role());
    Ok(Seen { approval: approval.ok_or_else(unknown)?, votes, broken, hats })
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
    let found = look(app, caller, id).await?;
    decided(app, caller, found, decision, seen, None).await
}

/// The same; where somebody has put something else in the place of what was asked for, that is decided about.
pub(super) async fn decided(
    app: &App,
    caller: &Caller,
    Seen { approval, hats, .. }: Seen,
    decision: Decision,
    seen: Option<&str>,
    edit: Option<Value>,
) -> Result<Approval, Error> {
    let decision = decision.checked()?;
    let (kind, word) = match (decision.approved, &edit) {
        (true, None) => ("approval.approve", Word::Approve),
        (true, Some(_)) => ("approval.edit", Word::Approve),
        (false, _) => ("approval.reject", Word::Reject),
    };
    let (id, hash) = (approval.id, approval.payload_hash);
    // Whose decision it takes is looked at below: somebody may stand in for one of that role.
    let action = audit::action(kind, Tier::Write, Role::Member, &id.to_string(), &(&hash, &decision, &edit));
    gates::pass(app, caller, &action).await?;
    if seen.is_some_and(|seen| seen != hash) {
        let message = "What was decided about is not what would be done: look again.";
        return Err(Error::new(Code::ApprovalVoid, message));
    }
    let subject = caller.principal.subject.clone();
    let (own_allowed, ttl) = (app.approvals.own_allowed, app.approvals.ttl);
    make(app, caller, action, id, move |approval, votes, now| {
        is_whole(approval)?;
        if edit.is_some() && approval.payload_hash != hash {
            return Err(Error::new(Code::ApprovalVoid, "Somebody else has changed it meanwhile: look again."));
        }
        // What was said of something else does not count.
        let mut said = if edit.is_some() { Vec::new() } else { said(votes) };
        let in_place_of =
            hats.may_decide(&approval.requested_by, approval.needs, &said, own_allowed).map_err(objected)?;
        let vote = Vote { by: subject, in_place_of, decision: word };
        said.push(vote.clone());
        let reason = decision.words.unwrap_or_default();
        let event = tally(approval.needs, &said);
        let expires_at = (event == Some(Event::Grant)).then(|| now.saturating_add(ttl));
        let vote = Some(Voted { vote, reason: reason.clone(), at: now });
        Ok(Decided { vote, event, because: reason, expires_at, broken: None, edit })
    })
    .await
}

/// That an approval is about what it says.
pub(super) fn is_whole(approval: &Approval) -> Result<(), Error> {
    let payload: Value = serde_json::from_str(&approval.payload).unwrap_or_default();
    if payload_hash(&payload) == approval.payload_hash {
        return Ok(());
    }
    Err(Error::new(Code::ApprovalVoid, "What was asked for was changed since: it cannot be approved."))
}

/// Takes an approval back before it was used: whoever asked for it, or one who may decide it.
pub async fn revoke(app: &App, caller: &Caller, id: ApprovalId, reason: &str) -> Result<Approval, Error> {
    let Seen { approval, hats, .. } = look(app, caller, id).await?;
    let reason = crate::runs::reason(reason)?;
    let may = approval.requested_by == caller.principal.subject || hats.role() >= approval.needs.of;
    let needs = if may { Role::Member } else { approval.needs.of };
    let payload = (&approval.payload_hash, &reason);
    let action = audit::action("approval.revoke", Tier::Write, needs, &id.to_string(), &payload);
    gates::pass(app, caller, &action).await?;
    make(app, caller, action, id, move |_, _, _| {
        Ok(Decided { event: Some(Event::Revoke), because: reason.clone(), ..Decided::default() })
    })
    .await
}

/// What somebody's word comes to.
#[derive(Default)]
pub(super) struct Decided {
    pub vote: Option<Voted>,
    pub event: Option<Event>,
    pub because: String,
    pub expires_at: Option<Micros>,
    /// That somebody gives it alone.
    pub broken: Option<Break>,
    /// What is put in the place of what was asked for.
    pub edit: Option<Value>,
}

/// Decides, changes, writes it down and wakes the run that waits, in one unit.
pub(super) async fn make<F>(
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
            Ok(look(app, caller, id).await?.approval)
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
    if decided.event != Some(Event::Revoke) && approval.state != State::Pending {
        return Ok(Err(closed(&approval)));
    }
    if let Some(edit) = &decided.edit {
        let (payload, hash) = (canonical_json(edit), payload_hash(edit));
        rows::edit(tx, tenant, id, (&payload, &hash, by)).await?;
    }
    if let Some(broken) = &decided.broken {
        approval_breaks::insert(tx, tenant, broken).await?;
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

/// The votes without when and why.
fn said(votes: &[Voted]) -> Vec<Vote> {
    votes.iter().map(|voted| voted.vote.clone()).collect()
}

/// There is none that the caller may know of.
pub(super) fn unknown() -> Error {
    Error::new(Code::ApprovalUnknown, "There is no such approval.")
}

pub(super) fn closed(approval: &Approval) -> Error {
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
