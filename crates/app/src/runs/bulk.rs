//! What people do with many runs at once: look first, then in bounded parts, each one commit with one audit row.

use std::collections::BTreeMap;

use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, Role, RunId, TenantId};
use pilothouse_store::runs::{self, Run};
use pilothouse_store::{Error as StoreError, Tx, audit as audit_rows};
use serde::Serialize;

use super::control::words;
use super::filter::Filter;
use super::{Item, with_progress};
use crate::{App, Caller, Error, audit, gates};

/// Runs that one call changes, unless the caller says otherwise, and at most.
pub const DEFAULT_BULK: u32 = 200;
pub const MAX_BULK: u32 = 500;
/// Most ids that one filter names.
pub const MAX_BULK_IDS: usize = 1_000;
/// Up to how many runs of a state a preview counts.
const PREVIEW_CAP: u32 = 10_000;
/// Runs that a preview shows.
const SAMPLE: u32 = 10;
/// How old a preview may be that a change goes by.
const MAX_AGE_US: Micros = 15 * 60 * SECOND;
/// How far the node that made the preview may be ahead of this one.
const MAX_AHEAD_US: Micros = 60 * SECOND;
/// Longest reason, in characters.
const MAX_REASON_CHARS: usize = 500;

/// What is done with the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BulkAction {
    /// They are tried again.
    Retry,
    /// They are cancelled.
    Cancel,
    /// Nothing is to be done about them.
    Discard,
}

impl BulkAction {
    /// The action with this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Retry, Self::Cancel, Self::Discard].into_iter().find(|action| action.as_str() == text)
    }

    /// The action as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::Discard => "discard",
        }
    }

    /// The states that it can be done in; the first `usual` ones are meant where nobody names any.
    fn states(self) -> (&'static [Status], usize) {
        match self {
            Self::Retry => (&[Status::Dead, Status::Failed, Status::Cancelled], 2),
            Self::Cancel => (&[Status::Queued, Status::Running, Status::Waiting], 3),
            Self::Discard => (&[Status::Dead], 1),
        }
    }
}

/// A wish to change many runs.
#[derive(Debug, Clone, Serialize)]
pub struct Bulk {
    /// What is done with them.
    pub action: BulkAction,
    /// Which they are.
    pub filter: Filter,
    /// Of those, only these; none means all.
    pub ids: Vec<RunId>,
    /// Why, where they are discarded; a look at them needs none.
    pub reason: Option<String>,
}

/// What a wish would change.
#[derive(Debug, Clone)]
pub struct Preview {
    /// How many runs.
    pub matched: i64,
    /// Whether there may be more than were counted.
    pub capped: bool,
    /// How many of each workflow, in each state, and with each code.
    pub by_kind: BTreeMap<String, i64>,
    pub by_status: BTreeMap<String, i64>,
    pub by_error: BTreeMap<String, i64>,
    /// The newest of them.
    pub sample: Vec<Item>,
    /// The moment it is a picture of: what comes later is not changed by a wish that names it.
    pub as_of: Micros,
}

/// What a part of a wish has changed.
#[derive(Debug, Clone)]
pub struct Changed {
    /// How many runs.
    pub changed: usize,
    /// How many were looked at that had changed meanwhile.
    pub skipped: usize,
    /// After which run the next part begins; none after the last part.
    pub next: Option<RunId>,
}

/// Tells what the wish would change, and changes nothing.
pub async fn preview(app: &App, caller: &Caller, bulk: Bulk) -> Result<Preview, Error> {
    let bulk = meaning(bulk)?;
    gates::pass(app, caller, &action(&bulk, None)).await?;
    let (tenant, as_of) = (caller.principal.tenant.clone(), app.engine.now());
    let seen = app.store.read(move |tx| Box::pin(async move { seen(tx, &tenant, &bulk, as_of).await }));
    Ok(seen.await?)
}

async fn seen(tx: &mut Tx<'_>, tenant: &TenantId, bulk: &Bulk, as_of: Micros) -> Result<Preview, StoreError> {
    let empty = BTreeMap::new;
    let mut preview = Preview {
        matched: 0,
        capped: false,
        by_kind: empty(),
        by_status: empty(),
        by_error: empty(),
        sample: Vec::new(),
        as_of,
    };
    let mut count = |status: Status, kind: String, error: Option<String>, runs: i64| {
        preview.matched += runs;
        *preview.by_status.entry(status.as_str().to_owned()).or_default() += runs;
        *preview.by_kind.entry(kind).or_default() += runs;
        if let Some(error) = error {
            *preview.by_error.entry(error).or_default() += runs;
        }
    };
    if bulk.ids.is_empty() {
        let mut most = 0;
        for status in &bulk.filter.statuses {
            let filter = runs::RunFilter { as_of: Some(as_of), ..bulk.filter.rows(Some(*status), PREVIEW_CAP, None) };
            let tallies = runs::tally(tx, tenant, &filter).await?;
            most = most.max(tallies.iter().map(|tally| tally.runs).sum());
            tallies.into_iter().for_each(|tally| count(*status, tally.kind, tally.error_code, tally.runs));
        }
        preview.capped = most >= i64::from(PREVIEW_CAP);
    } else {
        for id in &bulk.ids {
            if let Some(run) = meant(tx, tenant, bulk, *id, as_of).await? {
                count(run.status, run.kind, run.error_code, 1);
            }
        }
    }
    let (sample, _) = part(tx, tenant, bulk, as_of, SAMPLE, None).await?;
    let mut found = Vec::new();
    for id in sample {
        found.extend(runs::get(tx, tenant, id).await?);
    }
    preview.sample = with_progress(tx, found).await?;
    Ok(preview)
}

/// Changes at most `limit` of the runs that stood in the filter's states at `as_of`, the newest first, those after the
/// run `after`.
pub async fn bulk(
    app: &App,
    caller: &Caller,
    bulk: Bulk,
    as_of: Micros,
    limit: u32,
    after: Option<RunId>,
) -> Result<Changed, Error> {
    let mut bulk = meaning(bulk)?;
    if bulk.action == BulkAction::Discard {
        bulk.reason = Some(words(bulk.reason.as_deref().unwrap_or_default(), MAX_REASON_CHARS, "reason")?);
    }
    let action = action(&bulk, Some(as_of));
    gates::pass(app, caller, &action).await?;
    let now = app.engine.now();
    if as_of > now + MAX_AHEAD_US || now - as_of > MAX_AGE_US {
        let message = format!("A bulk change goes by a preview of the last {} minutes.", MAX_AGE_US / SECOND / 60);
        return Err(Error::new(Code::BulkTooOld, message));
    }
    let (tenant, by) = (caller.principal.tenant.clone(), caller.principal.subject.clone());
    let mut entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let written = app.store.write(move |tx| {
        Box::pin(async move {
            let (found, next) = part(tx, &tenant, &bulk, as_of, limit.clamp(1, MAX_BULK), after).await?;
            let mut changed = Vec::new();
            for id in &found {
                changed.extend(one(tx, &tenant, &bulk, *id, &by, now).await?);
            }
            if !changed.is_empty() {
                entry.count = i64::try_from(changed.len()).unwrap_or(i64::MAX);
                audit_rows::append(tx, &entry).await?;
            }
            Ok((found.len(), changed, next))
        })
    });
    let (looked_at, changed, next) = written.await?;
    changed.iter().for_each(|run| app.engine.notice(run));
    Ok(Changed { changed: changed.len(), skipped: looked_at - changed.len(), next })
}

/// Changes one run, and returns it without what it holds.
async fn one(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    bulk: &Bulk,
    id: RunId,
    by: &str,
    now: Micros,
) -> Result<Option<Run>, StoreError> {
    let changed = match bulk.action {
        BulkAction::Retry => runs::retry(tx, tenant, id, now).await?,
        BulkAction::Cancel => runs::cancel(tx, tenant, id, now).await?,
        BulkAction::Discard => {
            let reason = bulk.reason.as_deref().unwrap_or_default();
            let changed = runs::discard(tx, tenant, id, (by, reason), now).await?;
            runs::get(tx, tenant, id).await?.map(|run| (run, changed))
        }
    };
    Ok(changed.filter(|(_, changed)| *changed).map(|(run, _)| Run { input: String::new(), output: None, ..run }))
}

/// The next part of what the wish means, and the id after which the one after it begins.
async fn part(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    bulk: &Bulk,
    as_of: Micros,
    limit: u32,
    after: Option<RunId>,
) -> Result<(Vec<RunId>, Option<RunId>), StoreError> {
    let mut found = Vec::new();
    if bulk.ids.is_empty() {
        for status in &bulk.filter.statuses {
            let rows = bulk.filter.rows(Some(*status), limit + 1, after);
            found.extend(runs::ids(tx, tenant, &runs::RunFilter { as_of: Some(as_of), ..rows }).await?);
        }
    } else {
        for id in bulk.ids.iter().filter(|id| after.is_none_or(|after| **id < after)) {
            found.extend(meant(tx, tenant, bulk, *id, as_of).await?.map(|run| run.id));
        }
    }
    found.sort_by_key(|id| std::cmp::Reverse(*id));
    found.dedup();
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().copied().filter(|_| more);
    Ok((found, next))
}

/// The run with this id, if the wish means it.
async fn meant(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    bulk: &Bulk,
    id: RunId,
    as_of: Micros,
) -> Result<Option<Run>, StoreError> {
    let Filter { kind, queue, subject, conversation, error_code, .. } = &bulk.filter;
    let is = |wanted: &Option<String>, own: Option<&str>| wanted.as_deref().is_none_or(|wanted| own == Some(wanted));
    Ok(runs::get(tx, tenant, id).await?.filter(|run| {
        bulk.filter.statuses.contains(&run.status)
            && is(kind, Some(&run.kind))
            && is(queue, Some(&run.queue))
            && is(subject, Some(&run.subject))
            && is(conversation, run.conversation.as_deref())
            && is(error_code, run.error_code.as_deref())
            && bulk.filter.created_after.is_none_or(|after| run.created_at >= after)
            && bulk.filter.created_before.is_none_or(|before| run.created_at < before)
            && run.discarded_at.is_none()
            && run.finished_at.unwrap_or(run.created_at) <= as_of
    }))
}

/// The wish with the states that its action can be done in, if it means anything in particular.
fn meaning(mut bulk: Bulk) -> Result<Bulk, Error> {
    let invalid = |message: String| Error::new(Code::BodyInvalid, message);
    if bulk.filter == Filter::default() && bulk.ids.is_empty() {
        return Err(invalid("The filter is empty: say which runs are meant.".to_owned()));
    }
    if bulk.ids.len() > MAX_BULK_IDS {
        return Err(invalid(format!("A filter names at most {MAX_BULK_IDS} ids.")));
    }
    let (states, usual) = bulk.action.states();
    if bulk.filter.statuses.is_empty() {
        bulk.filter.statuses = states[..usual].to_vec();
    } else {
        bulk.filter.statuses.retain(|status| states.contains(status));
    }
    bulk.filter.discarded = Some(false);
    Ok(bulk)
}

fn action(bulk: &Bulk, as_of: Option<Micros>) -> Action {
    let tier = if bulk.action == BulkAction::Retry { Tier::Write } else { Tier::Destructive };
    audit::action("run.bulk", tier, Role::Operator, bulk.action.as_str(), &(bulk, as_of))
}
