//! Breaking the glass: in an emergency an admin gives an approval alone, says why, and somebody else looks at that later.

use pilothouse_domain::action::Tier;
use pilothouse_domain::approval::Event;
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::{ApprovalId, Code, Role};
use pilothouse_store::approval_breaks::{self as rows, Break, Review};
use pilothouse_store::approvals::{self, Approval};
use pilothouse_store::audit as audit_rows;

use super::control::{Decided, Detail, Seen, get, is_whole, look, make};
use crate::{App, Caller, Error, audit, gates};

/// Shortest reason, in characters: a word is none.
const MIN_REASON_CHARS: usize = 10;
/// Most that are listed of those that nobody has looked at.
const MAX_LISTED: u32 = 200;

/// Gives an approval alone, whoever has asked for it and however many it needs.
pub async fn break_glass(app: &App, caller: &Caller, id: ApprovalId, reason: &str) -> Result<Approval, Error> {
    look(app, caller, id).await?;
    let reason = crate::runs::reason(reason)?;
    let action = audit::action("approval.break_glass", Tier::Write, Role::Admin, &id.to_string(), &reason);
    gates::pass(app, caller, &action).await?;
    if !app.approvals.may_break(&caller.principal) {
        let message = "Nobody gives approvals alone here: the setting approvals.break_glass is off.";
        return Err(Error::new(Code::PolicyDenied, message));
    }
    if reason.chars().count() < MIN_REASON_CHARS {
        let message = format!("it has at least {MIN_REASON_CHARS} characters");
        let error = Error::new(Code::BodyInvalid, format!("reason: {message}."));
        return Err(error.at(&["reason"], "string_too_short", &message, reason.into()));
    }
    let (by, ttl) = (caller.principal.subject.clone(), app.approvals.ttl);
    make(app, caller, action, id, move |approval, _, now| {
        is_whole(approval)?;
        let broken = Break { approval: approval.id, by, because: reason.clone(), at: now, review: None };
        let (event, expires_at) = (Some(Event::Grant), Some(now.saturating_add(ttl)));
        Ok(Decided { event, because: reason, expires_at, broken: Some(broken), ..Decided::default() })
    })
    .await
}

/// Says whether it was right to give an approval alone, and why.
pub async fn review(app: &App, caller: &Caller, id: ApprovalId, justified: bool, words: &str) -> Result<Detail, Error> {
    let Seen { approval, broken, .. } = look(app, caller, id).await?;
    let words = crate::runs::reason(words)?;
    let payload = (justified, &words);
    let action = audit::action("approval.review", Tier::Write, approval.needs.of, &id.to_string(), &payload);
    gates::pass(app, caller, &action).await?;
    let broken = broken.ok_or_else(|| {
        Error::new(Code::ApprovalClosed, "Nobody gave this approval alone: there is nothing to be looked at.")
    })?;
    if broken.review.is_some() {
        return Err(Error::new(Code::ApprovalClosed, "Somebody has looked at this already."));
    }
    if !app.approvals.may_review(&caller.principal, &approval, &broken) {
        let message = "Somebody else has to look at this: you gave it or asked for it.";
        return Err(Error::new(Code::ApprovalOwn, message));
    }
    let (tenant, entry) = (caller.principal.tenant.clone(), audit::entry(app, caller, &action, Outcome::Allowed, None));
    let review = Review { by: caller.principal.subject.clone(), at: app.clock.now(), justified, words };
    let reviewed = app.store.write(move |tx| {
        Box::pin(async move {
            let reviewed = rows::review(tx, &tenant, id, &review).await?;
            if reviewed {
                audit_rows::append(tx, &entry).await?;
            }
            Ok(reviewed)
        })
    });
    if reviewed.await? {
        return get(app, caller, id).await;
    }
    Err(Error::new(Code::ApprovalClosed, "Somebody has looked at this already."))
}

/// Those that were given alone and that nobody has looked at, the oldest first, as far as the caller may look at them.
pub async fn unreviewed(app: &App, caller: &Caller) -> Result<Vec<(Approval, Break)>, Error> {
    gates::pass(app, caller, &audit::action("approvals.list", Tier::Read, Role::Member, "", &())).await?;
    let tenant = caller.principal.tenant.clone();
    let found = app.store.read(move |tx| {
        Box::pin(async move {
            let mut found = Vec::new();
            for broken in rows::unreviewed(tx, &tenant, MAX_LISTED).await? {
                if let Some(approval) = approvals::get(tx, &tenant, broken.approval).await? {
                    found.push((approval, broken));
                }
            }
            Ok(found)
        })
    });
    let mut found = found.await?;
    found.retain(|(approval, broken)| app.approvals.may_review(&caller.principal, approval, broken));
    Ok(found)
}
