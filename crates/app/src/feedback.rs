//! What people think of what they were given, and what becomes of it: it is counted, and bad marks wait on a review list
//! until somebody has dealt with them.

use pilothouse_domain::action::Tier;
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::{FeedbackId, Micros, Role};
use pilothouse_store::audit as audit_rows;
use pilothouse_store::feedback;
pub use pilothouse_store::feedback::{Feedback, Said, Tally, Wanted};

use crate::{App, Caller, Error, audit, gates};

/// Most prompts that are told of as often bad.
const MAX_PROMPTS: i64 = 100;
/// Most marks on the review list.
const MAX_LISTED: i64 = 1_000;

/// Stores what somebody says.
pub async fn give(app: &App, caller: &Caller, said: Said) -> Result<(FeedbackId, Micros), Error> {
    let action = audit::action("feedback.give", Tier::Write, Role::Viewer, &said.artifact_id, &said);
    gates::pass(app, caller, &action).await?;
    let (now, tenant) = (app.clock.now(), caller.principal.tenant.clone());
    let id = FeedbackId(app.ids.uuid(now));
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let created_by = caller.principal.subject.clone();
    let new = Feedback { id, said, created_at: now, created_by, resolved_at: None, resolved_by: None };
    let stored = app.store.write(move |tx| {
        Box::pin(async move {
            feedback::insert(tx, &tenant, &new).await?;
            audit_rows::append(tx, &entry).await.map(|_| ())
        })
    });
    stored.await?;
    Ok((id, now))
}

/// How a tenant's artifacts were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// By kind of artifact.
    pub by_type: Vec<Tally>,
    /// By who made them.
    pub by_provider: Vec<Tally>,
    /// The prompts whose artifacts were found bad most often, and how often.
    pub negative_prompts: Vec<(String, i64)>,
}

/// The tallies of the tenant.
pub async fn summary(app: &App, caller: &Caller) -> Result<Summary, Error> {
    let tenant = caller.principal.tenant.clone();
    let read = app.store.read(move |tx| {
        Box::pin(async move {
            let by_type = feedback::by_type(tx, &tenant).await?;
            let by_provider = feedback::by_provider(tx, &tenant).await?;
            let negative_prompts = feedback::negative_prompts(tx, &tenant, MAX_PROMPTS).await?;
            Ok(Summary { by_type, by_provider, negative_prompts })
        })
    });
    Ok(read.await?)
}

/// The review list, newest first.
pub async fn review(app: &App, caller: &Caller, wanted: Wanted) -> Result<Vec<Feedback>, Error> {
    gates::pass(app, caller, &audit::action("feedback.review", Tier::Read, Role::Admin, "", &())).await?;
    let tenant = caller.principal.tenant.clone();
    let read =
        app.store.read(move |tx| Box::pin(async move { feedback::list(tx, &tenant, &wanted, MAX_LISTED).await }));
    Ok(read.await?)
}

/// Notes that somebody has dealt with a mark; tells when.
pub async fn resolve(app: &App, caller: &Caller, id: FeedbackId, by: Option<String>) -> Result<Micros, Error> {
    let by = by.unwrap_or_else(|| caller.principal.subject.clone());
    let action = audit::action("feedback.resolve", Tier::Write, Role::Admin, &id.to_string(), &by);
    gates::pass(app, caller, &action).await?;
    let (tenant, now) = (caller.principal.tenant.clone(), app.clock.now());
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let resolved = app.store.write(move |tx| {
        Box::pin(async move {
            let at = feedback::resolve(tx, &tenant, id, &by, now).await?;
            if at.is_some() {
                audit_rows::append(tx, &entry).await?;
            }
            Ok(at)
        })
    });
    resolved.await?.ok_or_else(|| Error::not_found("feedback"))
}
