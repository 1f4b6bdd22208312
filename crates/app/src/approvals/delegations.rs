//! Who decides for somebody else, and until when.

use pilothouse_domain::action::Tier;
use pilothouse_domain::approval::{Needs, Objection, Person, Vote, may_decide};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::clock::{SECOND, rfc3339};
use pilothouse_domain::{Code, DelegationId, Micros, Principal, Role, TenantId};
use pilothouse_store::delegations::{self as rows, Delegation};
use pilothouse_store::{Error as StoreError, Tx, audit as audit_rows, tokens};

use super::Approvals;
use crate::{App, Caller, Error, audit, gates};

/// How long somebody's decisions can be handed over at most, in days.
const MAX_DAYS: i64 = 90;
/// Most that are listed.
const MAX_LISTED: u32 = 500;
/// Longest subject, in characters.
const MAX_SUBJECT_CHARS: usize = 200;

/// A wish to hand one's decisions over.
#[derive(Debug, Clone)]
pub struct NewDelegation {
    /// Who decides in one's place.
    pub taker: String,
    /// From when; now, where nothing is said.
    pub begins_at: Option<Micros>,
    /// Until when.
    pub ends_at: Micros,
    /// Why.
    pub because: String,
}

/// Somebody who decides, and those in whose place they may.
pub(super) struct Hats {
    principal: Principal,
    held: Vec<Delegation>,
}

impl Hats {
    /// Whether they may decide, and in whose place: in their own, if they may; else in that of the first who has handed it
    /// over and may.
    ///
    /// # Errors
    /// Why they may not in their own.
    pub fn may_decide(
        &self,
        requester: &str,
        needs: Needs,
        votes: &[Vote],
        own_allowed: bool,
    ) -> Result<Option<String>, Objection> {
        let Principal { subject, role, .. } = &self.principal;
        let own = Person { subject, role: *role, in_place_of: None };
        let Err(objection) = may_decide(own, requester, needs, votes, own_allowed) else { return Ok(None) };
        let other = self.held.iter().find(|held| {
            let hat = Person { subject, role: held.role, in_place_of: Some(&held.giver) };
            may_decide(hat, requester, needs, votes, own_allowed).is_ok()
        });
        other.map(|held| Some(held.giver.clone())).ok_or(objection)
    }

    /// The greatest role that they have, in whoever's place.
    pub fn role(&self) -> Role {
        self.held.iter().map(|held| held.role).fold(self.principal.role, Role::max)
    }
}

impl Approvals {
    /// In whose place somebody may decide now. One whose own tokens do not reach as far any more has nothing to hand over.
    pub(super) async fn hats(&self, principal: &Principal) -> Result<Hats, StoreError> {
        let (tenant, subject, now) = (principal.tenant.clone(), principal.subject.clone(), self.clock.now());
        // In development mode people need no tokens.
        let proves = self.proves;
        let held = self.store.read(move |tx| {
            Box::pin(async move {
                let mut held = rows::held(tx, &tenant, &subject, now).await?;
                if proves {
                    held = still_valid(tx, &tenant, held, now).await?;
                }
                Ok(held)
            })
        });
        Ok(Hats { principal: principal.clone(), held: held.await? })
    }
}

async fn still_valid(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    held: Vec<Delegation>,
    now: Micros,
) -> Result<Vec<Delegation>, StoreError> {
    if held.is_empty() {
        return Ok(held);
    }
    let all = tokens::list(tx, tenant).await?;
    let lives = |token: &tokens::Token| token.revoked_at.is_none() && token.expires_at.is_none_or(|end| end > now);
    let reaches = |held: &Delegation| {
        all.iter().any(|token| token.subject == held.giver && token.role >= held.role && lives(token))
    };
    Ok(held.into_iter().filter(reaches).collect())
}

/// Hands the caller's decisions over.
pub async fn delegate(app: &App, caller: &Caller, new: NewDelegation) -> Result<Delegation, Error> {
    let payload = (&new.taker, new.begins_at, new.ends_at, &new.because);
    let deciders = app.approvals.anybody().of;
    let action = audit::action("approval.delegate", Tier::Write, deciders, &new.taker, &payload);
    gates::pass(app, caller, &action).await?;
    let (now, giver) = (app.clock.now(), caller.principal.subject.clone());
    let because = crate::runs::reason(&new.because)?;
    let taker = new.taker.trim();
    if taker.is_empty() || taker.chars().count() > MAX_SUBJECT_CHARS || taker == giver {
        return Err(Error::unfit("to", "it is somebody else", new.taker.into()));
    }
    let begins_at = new.begins_at.unwrap_or(now).max(now);
    if new.ends_at <= begins_at || new.ends_at > now + MAX_DAYS * 24 * 3600 * SECOND {
        let message = format!("it lies after the beginning, and within {MAX_DAYS} days");
        return Err(Error::unfit("ends_at", &message, rfc3339(new.ends_at).into()));
    }
    let delegation = Delegation {
        id: DelegationId(app.ids.uuid(now)),
        giver,
        role: caller.principal.role,
        taker: taker.to_owned(),
        because,
        begins_at,
        ends_at: new.ends_at,
        created_at: now,
        ended_at: None,
        ended_by: None,
    };
    let (tenant, row) = (caller.principal.tenant.clone(), delegation.clone());
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let written = app.store.write(move |tx| {
        Box::pin(async move {
            rows::insert(tx, &tenant, &row).await?;
            audit_rows::append(tx, &entry).await.map(|_| ())
        })
    });
    written.await?;
    Ok(delegation)
}

/// Those that have not ended and that the caller has given or holds; for admins, all of them.
pub async fn delegations(app: &App, caller: &Caller) -> Result<Vec<Delegation>, Error> {
    gates::pass(app, caller, &audit::action("approvals.delegations", Tier::Read, Role::Member, "", &())).await?;
    let (tenant, now) = (caller.principal.tenant.clone(), app.clock.now());
    let all = app.store.read(move |tx| Box::pin(async move { rows::list(tx, &tenant, now, MAX_LISTED).await })).await?;
    Ok(all.into_iter().filter(|one| concerns(caller, one)).collect())
}

/// Ends one before its time: whoever has given or holds it, or an admin.
pub async fn undelegate(app: &App, caller: &Caller, id: DelegationId) -> Result<(), Error> {
    let action = audit::action("approval.undelegate", Tier::Write, Role::Member, &id.to_string(), &id);
    gates::pass(app, caller, &action).await?;
    let unknown = || Error::new(Code::DelegationUnknown, "There is no such delegation that holds.");
    let (tenant, of, now) = (caller.principal.tenant.clone(), caller.principal.tenant.clone(), app.clock.now());
    let found = app.store.read(move |tx| Box::pin(async move { rows::get(tx, &of, id).await })).await?;
    found.filter(|one| concerns(caller, one)).ok_or_else(unknown)?;
    let (by, entry) = (caller.principal.subject.clone(), audit::entry(app, caller, &action, Outcome::Allowed, None));
    let ended = app.store.write(move |tx| {
        Box::pin(async move {
            let ended = rows::end(tx, &tenant, id, (&by, now)).await?;
            if ended {
                audit_rows::append(tx, &entry).await?;
            }
            Ok(ended)
        })
    });
    if ended.await? { Ok(()) } else { Err(unknown()) }
}

fn concerns(caller: &Caller, one: &Delegation) -> bool {
    let Principal { subject, role, .. } = &caller.principal;
    *role == Role::Admin || one.giver == *subject || one.taker == *subject
}
