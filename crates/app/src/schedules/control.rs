//! What operators do with schedules: make, change, remove, pause, resume, run now.

use std::sync::Arc;

use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::schedule::{Jitter, MAX_UNFINISHED};
use pilothouse_domain::{Code, Micros, Role, RunId, ScheduleId};
use pilothouse_store::runs::{self, Change, Enqueue, Outcome as Enqueued, Run};
use pilothouse_store::schedules::{self as rows, FIRE, Schedule};
use pilothouse_store::{Error as StoreError, audit as audit_rows};

use super::{MAX_SCHEDULES, View, Wish, get, invalid, unknown};
use crate::{App, Caller, Error, audit, gates};

/// Makes a schedule; its first tick is the first one from now.
pub async fn create(app: &App, caller: &Caller, wish: &Wish) -> Result<View, Error> {
    let now = app.engine.now();
    let id = ScheduleId(app.ids.uuid(now));
    // What waits for people has no id yet, so that it is the same when it is sent again.
    let action = audit::action("schedule.create", Tier::Write, Role::Operator, "", wish);
    gates::pass(app, caller, &action).await?;
    let action = Action { resource: id.to_string(), ..action };
    let schedule = wished(app, caller, wish, id, now).await?;
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let made = app.store.write(move |tx| {
        Box::pin(async move {
            if rows::count(tx, &schedule.tenant).await? >= i64::from(MAX_SCHEDULES) {
                return Ok(false);
            }
            rows::insert(tx, &schedule).await?;
            audit_rows::append(tx, &entry).await.map(|_| true)
        })
    });
    if !made.await.map_err(taken)? {
        let message = format!("A tenant has at most {MAX_SCHEDULES} schedules.");
        return Err(Error::new(Code::ScheduleInvalid, message));
    }
    app.engine.schedules_changed();
    get(app, caller, id).await
}

/// Replaces what was said of a schedule. Its next tick is the first one from now, and its runs act for the caller from
/// now on, with the caller's role; what has become of its ticks so far stays.
pub async fn change(app: &App, caller: &Caller, id: ScheduleId, wish: &Wish) -> Result<View, Error> {
    get(app, caller, id).await?;
    let action = action("schedule.change", Tier::Write, id, wish);
    gates::pass(app, caller, &action).await?;
    let now = app.engine.now();
    let wanted = wished(app, caller, wish, id, now).await?;
    let keeps_pause = wish.paused.is_none();
    let changed = edit(app, caller, id, &action, move |before| {
        let paused = match (keeps_pause, &wanted.paused) {
            (true, _) | (false, Some(_)) if before.paused.is_some() => before.paused.clone(),
            (_, wanted) => wanted.clone(),
        };
        let due_at = wanted.due_at.filter(|_| paused.is_none());
        let (last, missed, created_at) = (before.last.clone(), before.missed, before.created_at);
        Some(Schedule { paused, due_at, last, missed, created_at, ..wanted })
    });
    changed.await?;
    get(app, caller, id).await
}

/// Removes a schedule; its runs stay.
pub async fn remove(app: &App, caller: &Caller, id: ScheduleId) -> Result<(), Error> {
    get(app, caller, id).await?;
    let action = action("schedule.remove", Tier::Destructive, id, &id);
    gates::pass(app, caller, &action).await?;
    let (tenant, entry) = (caller.principal.tenant.clone(), audit::entry(app, caller, &action, Outcome::Allowed, None));
    let removed = app.store.write(move |tx| {
        Box::pin(async move {
            let removed = rows::delete(tx, &tenant, id).await?;
            if removed {
                audit_rows::append(tx, &entry).await?;
            }
            Ok(removed)
        })
    });
    if removed.await? { Ok(()) } else { Err(unknown()) }
}

/// Keeps a schedule from firing. One that is paused stays so.
pub async fn pause(app: &App, caller: &Caller, id: ScheduleId) -> Result<View, Error> {
    get(app, caller, id).await?;
    let action = action("schedule.pause", Tier::Write, id, &id);
    gates::pass(app, caller, &action).await?;
    let (by, now) = (caller.principal.subject.clone(), app.engine.now());
    let paused = edit(app, caller, id, &action, move |before| {
        let runs = before.paused.is_none();
        runs.then(|| Schedule { paused: Some((now, by)), due_at: None, updated_at: now, ..before.clone() })
    });
    paused.await?;
    get(app, caller, id).await
}

/// Lets a schedule fire again. The ticks that it missed meanwhile are subject to its catch-up policy.
pub async fn resume(app: &App, caller: &Caller, id: ScheduleId) -> Result<View, Error> {
    get(app, caller, id).await?;
    let action = action("schedule.resume", Tier::Write, id, &id);
    gates::pass(app, caller, &action).await?;
    let now = app.engine.now();
    let resumed = edit(app, caller, id, &action, move |before| {
        let is_paused = before.paused.is_some();
        let due_at = before.next_at.map(|next| due(before, next));
        is_paused.then(|| Schedule { paused: None, due_at, updated_at: now, ..before.clone() })
    });
    resumed.await?;
    get(app, caller, id).await
}

/// Has a schedule run now, beside its plan and whether or not it is paused. The run waits for those of its ticks that
/// have not ended.
pub async fn run_now(app: &App, caller: &Caller, id: ScheduleId) -> Result<Run, Error> {
    let schedule = get(app, caller, id).await?.schedule;
    let action = action(FIRE, Tier::Write, id, &id);
    gates::pass(app, caller, &action).await?;
    let gone = || Error::new(Code::WorkflowUnknown, "The program no longer has the schedule's workflow.");
    let version = app.engine.version(&schedule.kind).ok_or_else(gone)?;
    let now = app.engine.now();
    let run = rows::new_run(&schedule, version, RunId(app.ids.uuid(now)), None, now);
    let (tenant, run_id) = (schedule.tenant.clone(), run.id);
    let audit = Some(audit::entry(app, caller, &action, Outcome::Allowed, None));
    let wish =
        Arc::new(Enqueue { tenant, run, audit, worker: None, counted: false, max_waiting: Some(MAX_UNFINISHED) });
    let lane = wish.lane();
    let made = app.store.write(move |tx| {
        Box::pin(async move {
            let outcomes = runs::apply(tx, vec![Change::Enqueue(wish.clone())]).await?;
            match outcomes.first() {
                Some(Enqueued::Full) => Ok(None),
                _ => runs::get(tx, &wish.tenant, run_id).await,
            }
        })
    });
    let full =
        || Error::new(Code::Overloaded, format!("As many as {MAX_UNFINISHED} runs of the schedule wait already."));
    let run = made.await?.ok_or_else(full)?;
    app.engine.enqueued(lane);
    Ok(run)
}

/// The schedule that is wanted, as a new one.
async fn wished(app: &App, caller: &Caller, wish: &Wish, id: ScheduleId, now: Micros) -> Result<Schedule, Error> {
    let (name, timing, policy) = (wish.checked_name()?, wish.when.timing()?, wish.policy()?);
    let work = wish.work(app, caller, id).await?;
    let Some(next) = timing.next_after(now) else {
        let message = "the calendar ends before its next tick";
        return Err(invalid(&["cron"], "value_error", message, wish.when.cron.clone().into()));
    };
    let subject = caller.principal.subject.clone();
    let schedule = Schedule {
        id,
        tenant: caller.principal.tenant.clone(),
        name,
        kind: wish.kind.clone(),
        queue: wish.checked_queue()?,
        title: work.title,
        input: work.input,
        max_attempts: work.max_attempts,
        timing,
        policy,
        paused: (wish.paused == Some(true)).then(|| (now, subject.clone())),
        subject,
        next_at: Some(next),
        due_at: None,
        last: None,
        missed: 0,
        created_at: now,
        updated_at: now,
    };
    let due_at = Some(due(&schedule, next)).filter(|_| schedule.paused.is_none());
    Ok(Schedule { due_at, ..schedule })
}

/// When the tick `tick` is to be decided on.
fn due(schedule: &Schedule, tick: Micros) -> Micros {
    let id = schedule.id.to_string();
    schedule.timing.due(tick, Jitter { schedule: &id, seconds: schedule.policy.jitter_seconds })
}

fn action(kind: &'static str, tier: Tier, id: ScheduleId, payload: &impl serde::Serialize) -> Action {
    audit::action(kind, tier, Role::Operator, &id.to_string(), payload)
}

/// Changes a schedule into what `change` makes of it, with the audit row; nothing where that is none.
async fn edit<F>(app: &App, caller: &Caller, id: ScheduleId, action: &Action, change: F) -> Result<(), Error>
where
    F: FnOnce(&Schedule) -> Option<Schedule> + Send + 'static,
{
    let (tenant, entry) = (caller.principal.tenant.clone(), audit::entry(app, caller, action, Outcome::Allowed, None));
    let edited = app.store.write(move |tx| {
        Box::pin(async move {
            let Some(before) = rows::hold(tx, &tenant, id).await? else { return Ok(false) };
            if let Some(after) = change(&before) {
                rows::update(tx, &after).await?;
                audit_rows::append(tx, &entry).await?;
            }
            Ok(true)
        })
    });
    if !edited.await.map_err(taken)? {
        return Err(unknown());
    }
    app.engine.schedules_changed();
    Ok(())
}

fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Conflict { what: "schedule" } => {
            Error::new(Code::ScheduleExists, "The tenant has a schedule with this name.")
        }
        other => other.into(),
    }
}
