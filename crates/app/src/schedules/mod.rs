//! Schedules: what a tenant has run by itself, and when. Operators make and change them, everybody looks.
//!
//! Read first: [`Wish`] (what a person says of one) and [`View`] (what is told of it). A change and its audit row are
//! one commit; what changes nothing writes no row. The ticks themselves are the engine's business.

mod control;
mod wish;

use std::collections::BTreeMap;

use pilothouse_domain::action::Tier;
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::run::Status;
use pilothouse_domain::schedule::Timing;
use pilothouse_domain::{Code, Micros, Role, RunId, ScheduleId};
use pilothouse_store::runs::Run;
use pilothouse_store::schedules::{self as rows, Schedule};
use pilothouse_store::{runs, workers};
use serde_json::Value;

use crate::runs::{MAX_PAGE, silent_since};
use crate::{App, Caller, Error, ask, audit, gates};

pub use control::{change, create, pause, remove, resume, run_now};
pub(crate) use wish::invalid;
pub use wish::{When, Wish, Work};

/// Most schedules of a tenant.
pub const MAX_SCHEDULES: u32 = 1_000;
/// How long after it was due a schedule that nobody has decided on is late.
const LATE: Micros = 60 * SECOND;

/// A schedule as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// What is stored of it.
    pub schedule: Schedule,
    /// Where the run of its last tick stands, as long as that is kept.
    pub last_status: Option<Status>,
    /// Whether it should have been decided on by now.
    pub is_late: bool,
}

impl View {
    fn new(schedule: Schedule, statuses: &BTreeMap<RunId, Status>, now: Micros) -> Self {
        let last = schedule.last.as_ref().and_then(|last| last.run);
        Self {
            last_status: last.and_then(|run| statuses.get(&run).copied()),
            is_late: schedule.due_at.is_some_and(|due| due < now - LATE),
            schedule,
        }
    }

    /// What its runs are given, in the words of whoever made it.
    pub fn input(&self) -> Value {
        match self.schedule.kind.as_str() {
            ask::KIND => ask::said(&self.schedule.input),
            _ => serde_json::from_str(&self.schedule.input).unwrap_or_default(),
        }
    }
}

/// The tenant's schedules by name; only those of this workflow, or that are paused or not, where that is said.
pub async fn list(app: &App, caller: &Caller, kind: Option<&str>, paused: Option<bool>) -> Result<Vec<View>, Error> {
    gates::pass(app, caller, &audit::action("schedule.list", Tier::Read, Role::Viewer, "", &())).await?;
    let (tenant, now) = (caller.principal.tenant.clone(), app.engine.now());
    let found = app.store.read(move |tx| {
        Box::pin(
            async move { Ok((rows::list(tx, &tenant, MAX_SCHEDULES).await?, rows::last_statuses(tx, &tenant).await?)) },
        )
    });
    let (mut schedules, statuses) = found.await?;
    schedules.retain(|schedule| kind.is_none_or(|kind| schedule.kind == kind));
    schedules.retain(|schedule| paused.is_none_or(|paused| schedule.paused.is_some() == paused));
    Ok(schedules.into_iter().map(|schedule| View::new(schedule, &statuses, now)).collect())
}

/// One schedule.
pub async fn get(app: &App, caller: &Caller, id: ScheduleId) -> Result<View, Error> {
    gates::pass(app, caller, &audit::action("schedule.read", Tier::Read, Role::Viewer, "", &())).await?;
    let (tenant, now) = (caller.principal.tenant.clone(), app.engine.now());
    let found = app.store.read(move |tx| {
        Box::pin(async move {
            let Some(schedule) = rows::get(tx, &tenant, id).await? else { return Ok(None) };
            let last = match schedule.last.as_ref().and_then(|last| last.run) {
                Some(run) => runs::get(tx, &tenant, run).await?,
                None => None,
            };
            let statuses = last.into_iter().map(|run| (run.id, run.status)).collect();
            Ok(Some(View::new(schedule, &statuses, now)))
        })
    });
    found.await?.ok_or_else(unknown)
}

/// A tick, and how the clocks of the schedule's time zone show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// When.
    pub at: Micros,
    /// The same by those clocks, in the form of RFC 3339.
    pub local: String,
}

/// The schedule's next `count` ticks after a moment, or after the present one, without jitter. That it is paused does not
/// matter.
pub async fn ticks(
    app: &App,
    caller: &Caller,
    id: ScheduleId,
    after: Option<Micros>,
    count: u32,
) -> Result<Vec<Tick>, Error> {
    let view = get(app, caller, id).await?;
    Ok(upcoming(&view.schedule.timing, after.unwrap_or_else(|| app.engine.now()), count))
}

/// The next `count` ticks of a schedule that is yet to be made.
pub async fn preview(app: &App, caller: &Caller, when: &When, count: u32) -> Result<Vec<Tick>, Error> {
    gates::pass(app, caller, &audit::action("schedule.preview", Tier::Read, Role::Member, "", &())).await?;
    Ok(upcoming(&when.timing()?, app.engine.now(), count))
}

fn upcoming(timing: &Timing, after: Micros, count: u32) -> Vec<Tick> {
    let ticks = timing.upcoming(after, usize::try_from(count).unwrap_or(usize::MAX));
    ticks.into_iter().map(|at| Tick { at, local: timing.local(at) }).collect()
}

/// A page of the schedule's runs, newest first, and the id after which the next one begins.
pub async fn runs_of(
    app: &App,
    caller: &Caller,
    id: ScheduleId,
    limit: u32,
    before: Option<RunId>,
) -> Result<(Vec<Run>, Option<RunId>), Error> {
    get(app, caller, id).await?;
    let (tenant, limit) = (caller.principal.tenant.clone(), limit.clamp(1, MAX_PAGE));
    let found = app.store.read(move |tx| {
        // One more than wanted tells whether there is a next page.
        Box::pin(async move { runs::of_schedule(tx, &tenant, id, before, limit + 1).await })
    });
    let mut found = found.await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|run| run.id);
    Ok((found, next))
}

/// Whether somebody looks after the schedules of all tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether a worker lives: every worker looks at the schedules.
    pub is_running: bool,
    /// The last sign of life of any worker.
    pub last_activity: Option<Micros>,
    /// How many schedules should have been decided on by now.
    pub late: i64,
    /// When the next one is to be.
    pub next_at: Option<Micros>,
}

/// Whether somebody looks after the schedules. Anybody may know that, so it names nobody.
pub async fn health(app: &App) -> Result<Health, Error> {
    let now = app.engine.now();
    let found = app
        .store
        .read(move |tx| Box::pin(async move { Ok((workers::list(tx).await?, rows::overdue(tx, now - LATE).await?)) }));
    let (workers, (late, next_at)) = found.await?;
    let silent = silent_since(app, now);
    Ok(Health {
        is_running: workers.iter().any(|worker| !worker.gone && worker.beat_at > silent),
        last_activity: workers.iter().map(|worker| worker.beat_at).filter(|at| *at > 0).max(),
        late,
        next_at,
    })
}

fn unknown() -> Error {
    Error::new(Code::ScheduleUnknown, "There is no such schedule.")
}
