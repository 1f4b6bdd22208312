//! Schedules: which workflow is to run by itself, and when next. What becomes of the ticks that have come due is for
//! `pilothouse_domain::schedule` to say; here the answer is written in the commit that enqueues the runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use pilothouse_domain::schedule::{Action, Policy, Standing, Timing, decide};
use pilothouse_domain::{Ids, Micros, RunId, ScheduleId, TenantId};

use crate::runs::{self, Change, Enqueue, Lane, NewRun, Outcome};
use crate::{Error, Row, Tx, args};

/// A schedule as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// Which workflow.
    pub kind: String,
    /// The queue of its runs.
    pub queue: String,
    /// What its runs are called in lists.
    pub title: String,
    /// The workflow's input, as JSON.
    pub input: String,
    /// Who made it, and in whose name its runs are.
    pub subject: String,
    /// Tries of each run.
    pub max_attempts: i64,
    /// When it ticks.
    pub timing: Timing,
    /// What becomes of ticks that overlap or were missed.
    pub policy: Policy,
    /// When it was paused, and by whom.
    pub paused: Option<(Micros, String)>,
    /// The first tick that was not decided on.
    pub next_at: Option<Micros>,
    /// When to decide on it; none while it is paused, or when no tick is left.
    pub due_at: Option<Micros>,
    /// The last tick that was decided on, what became of it, and its run.
    pub last: Option<Last>,
    /// How many ticks were dropped by its catch-up policy.
    pub missed: i64,
    /// When it was made.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

/// A tick that was decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// The tick.
    pub at: Micros,
    /// `started`, `skipped` or `replaced`.
    pub outcome: String,
    /// Its run.
    pub run: Option<RunId>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT tenant, id, name, kind, queue, title, input, subject, max_attempts, timing, overlap, catch_up,
               jitter_seconds, paused_at, paused_by, next_at, due_at, last_at, last_run, last_outcome, missed,
               created_at, updated_at FROM schedules ",
            $rest
        )
    };
}

/// Stores a new schedule.
///
/// # Errors
/// [`Error::Conflict`] where the tenant has one with this name.
pub async fn insert(tx: &mut Tx<'_>, schedule: &Schedule) -> Result<(), Error> {
    let made = tx
        .execute(
            "INSERT INTO schedules (tenant, id, name, kind, queue, title, input, subject, max_attempts, timing, overlap,
               catch_up, jitter_seconds, paused_at, paused_by, next_at, due_at, missed, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
             ON CONFLICT DO NOTHING",
            args![
                &schedule.tenant,
                schedule.id,
                &schedule.name,
                &schedule.kind,
                &schedule.queue,
                &schedule.title,
                &schedule.input,
                &schedule.subject,
                schedule.max_attempts,
                timing(schedule)?,
                schedule.policy.overlap.as_str(),
                schedule.policy.catch_up.to_string(),
                schedule.policy.jitter_seconds,
                schedule.paused.as_ref().map(|(at, _)| *at),
                schedule.paused.as_ref().map(|(_, by)| by.as_str()),
                schedule.next_at,
                schedule.due_at,
                schedule.missed,
                schedule.created_at,
                schedule.updated_at,
            ],
        )
        .await?;
    if made == 1 { Ok(()) } else { Err(Error::Conflict { what: "schedule" }) }
}

/// Replaces what a person says of a schedule; what has become of its ticks stays. False where there is none.
///
/// # Errors
/// [`Error::Conflict`] where the tenant has another one with this name.
pub async fn update(tx: &mut Tx<'_>, schedule: &Schedule) -> Result<bool, Error> {
    let other = "SELECT id FROM schedules WHERE tenant = $1 AND name = $2 AND id <> $3";
    if tx.fetch_optional(other, args![&schedule.tenant, &schedule.name, schedule.id]).await?.is_some() {
        return Err(Error::Conflict { what: "schedule" });
    }
    let changed = tx
        .execute(
            "UPDATE schedules SET name = $3, kind = $4, queue = $5, title = $6, input = $7, subject = $8,
               max_attempts = $9, timing = $10, overlap = $11, catch_up = $12, jitter_seconds = $13, paused_at = $14,
               paused_by = $15, next_at = $16, due_at = $17, updated_at = $18
             WHERE tenant = $1 AND id = $2",
            args![
                &schedule.tenant,
                schedule.id,
                &schedule.name,
                &schedule.kind,
                &schedule.queue,
                &schedule.title,
                &schedule.input,
                &schedule.subject,
                schedule.max_attempts,
                timing(schedule)?,
                schedule.policy.overlap.as_str(),
                schedule.policy.catch_up.to_string(),
                schedule.policy.jitter_seconds,
                schedule.paused.as_ref().map(|(at, _)| *at),
                schedule.paused.as_ref().map(|(_, by)| by.as_str()),
                schedule.next_at,
                schedule.due_at,
                schedule.updated_at,
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Removes a schedule; its runs stay. False where there is none.
pub async fn delete(tx: &mut Tx<'_>, tenant: &TenantId, id: ScheduleId) -> Result<bool, Error> {
    Ok(tx.execute("DELETE FROM schedules WHERE tenant = $1 AND id = $2", args![tenant, id]).await? == 1)
}

/// One schedule. Until the unit ends nobody else decides on it.
pub async fn get(tx: &mut Tx<'_>, tenant: &TenantId, id: ScheduleId) -> Result<Option<Schedule>, Error> {
    let sql = select!("WHERE tenant = $1 AND id = $2");
    tx.fetch_optional(sql, args![tenant, id]).await?.as_ref().map(read).transpose()
}

/// At most `limit` of the tenant's schedules, by name.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId, limit: u32) -> Result<Vec<Schedule>, Error> {
    let sql = select!("WHERE tenant = $1 ORDER BY name LIMIT $2 + 0");
    tx.fetch_all(sql, args![tenant, limit]).await?.iter().map(read).collect()
}

/// The earliest moment at which a schedule is to be decided on, of all tenants.
pub async fn next_due(tx: &mut Tx<'_>) -> Result<Option<Micros>, Error> {
    let sql = "SELECT MIN(due_at) AS due FROM schedules WHERE due_at IS NOT NULL";
    let row = tx.fetch_optional(sql, args![]).await?;
    Ok(row.map(|row| row.optional_int("due")).transpose()?.flatten())
}

/// What schedules have brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fired {
    /// The lanes in which runs became ready.
    pub lanes: Vec<Lane>,
    /// Whether running runs were told to stop.
    pub stopped: bool,
    /// When to look again.
    pub next_at: Option<Micros>,
}

/// Decides on at most `limit` schedules that are due at `now` and enqueues their runs, in one commit. `versions` are
/// the workflows that this program knows; schedules of others are left for other nodes.
pub async fn fire(
    tx: &mut Tx<'_>,
    versions: &BTreeMap<String, i64>,
    ids: &dyn Ids,
    now: Micros,
    limit: u32,
) -> Result<Fired, Error> {
    let sql = tx.pick(
        select!("WHERE due_at <= $1 ORDER BY due_at LIMIT $2 + 0"),
        select!("WHERE due_at <= $1 ORDER BY due_at LIMIT $2 + 0 FOR UPDATE SKIP LOCKED"),
    );
    let due = tx.fetch_all(sql, args![now, limit]).await?.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut fired = Fired::default();
    for schedule in due {
        if let Some(version) = versions.get(&schedule.kind) {
            fire_one(tx, &schedule, *version, ids, now, &mut fired).await?;
        }
    }
    fired.next_at = next_due(tx).await?;
    Ok(fired)
}

async fn fire_one(
    tx: &mut Tx<'_>,
    schedule: &Schedule,
    version: i64,
    ids: &dyn Ids,
    now: Micros,
    fired: &mut Fired,
) -> Result<(), Error> {
    let Some(next) = schedule.next_at else { return Ok(()) };
    let unfinished = unfinished(tx, schedule).await?;
    let standing = Standing { next, unfinished: u32::try_from(unfinished.len()).unwrap_or(u32::MAX) };
    let firing = decide(&schedule.timing, schedule.policy, &schedule.id.to_string(), standing, now);
    let mut last = None;
    for tick in firing.ticks {
        let (outcome, run) = match tick.action {
            Action::Skip => ("skipped", None),
            Action::Fire => ("started", Some(start(tx, schedule, version, ids, (tick.at, now), fired).await?)),
            Action::Replace => {
                for run in &unfinished {
                    runs::cancel(tx, &schedule.tenant, *run, now).await?;
                }
                fired.stopped = true;
                ("replaced", Some(start(tx, schedule, version, ids, (tick.at, now), fired).await?))
            }
        };
        last = Some(Last { at: tick.at, outcome: outcome.to_owned(), run });
    }
    let last = last.or_else(|| schedule.last.clone());
    tx.execute(
        "UPDATE schedules SET next_at = $3, due_at = $4, last_at = $5, last_outcome = $6, last_run = $7,
           missed = missed + $8 WHERE tenant = $1 AND id = $2",
        args![
            &schedule.tenant,
            schedule.id,
            firing.next,
            firing.due,
            last.as_ref().map(|last| last.at),
            last.as_ref().map(|last| last.outcome.as_str()),
            last.as_ref().and_then(|last| last.run),
            firing.missed,
        ],
    )
    .await?;
    Ok(())
}

/// The schedule's runs that have not ended.
async fn unfinished(tx: &mut Tx<'_>, schedule: &Schedule) -> Result<Vec<RunId>, Error> {
    let sql = "SELECT id FROM live WHERE tenant = $1 AND schedule = $2 ORDER BY id LIMIT 200";
    tx.fetch_all(sql, args![&schedule.tenant, schedule.id]).await?.iter().map(|row| row.parsed("id")).collect()
}

/// Enqueues the run of a tick. Its key keeps the schedule's runs one after the other, and the tick makes it one run.
async fn start(
    tx: &mut Tx<'_>,
    schedule: &Schedule,
    version: i64,
    ids: &dyn Ids,
    (tick, now): (Micros, Micros),
    fired: &mut Fired,
) -> Result<RunId, Error> {
    let run = new_run(schedule, version, RunId(ids.uuid(now)), Some(tick), now);
    let id = run.id;
    let wish = Enqueue { tenant: schedule.tenant.clone(), run, audit: None, worker: None, max_waiting: None };
    fired.lanes.push(wish.lane());
    match runs::apply(tx, vec![Change::Enqueue(Arc::new(wish))]).await?.first() {
        Some(Outcome::Existing(existing)) => Ok(*existing),
        _ => Ok(id),
    }
}

/// The run of a schedule's tick, or of a person's wish that it run now.
pub fn new_run(schedule: &Schedule, version: i64, id: RunId, tick: Option<Micros>, now: Micros) -> NewRun {
    NewRun {
        id,
        kind: schedule.kind.clone(),
        version,
        queue: schedule.queue.clone(),
        key: schedule.id.to_string(),
        priority: 0,
        subject: schedule.subject.clone(),
        title: schedule.title.clone(),
        input: schedule.input.clone(),
        max_attempts: schedule.max_attempts,
        time_limit_ms: None,
        due_at: now,
        created_at: now,
        idem_key: tick.map(|tick| format!("{}@{tick}", schedule.id)),
        conversation: None,
        schedule: Some(schedule.id),
    }
}

fn timing(schedule: &Schedule) -> Result<String, Error> {
    serde_json::to_string(&schedule.timing).map_err(|_| Error::Database("a timing could not be written".into()))
}

fn read(row: &Row) -> Result<Schedule, Error> {
    let last = row.optional_int("last_at")?.zip(row.optional_text("last_outcome")?);
    Ok(Schedule {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        name: row.text("name")?,
        kind: row.text("kind")?,
        queue: row.text("queue")?,
        title: row.text("title")?,
        input: row.text("input")?,
        subject: row.text("subject")?,
        max_attempts: row.int("max_attempts")?,
        timing: serde_json::from_str(&row.text("timing")?).map_err(|_| Error::unreadable("timing"))?,
        policy: Policy {
            overlap: row.parsed("overlap")?,
            catch_up: row.parsed("catch_up")?,
            jitter_seconds: u32::try_from(row.int("jitter_seconds")?)
                .map_err(|_| Error::unreadable("jitter_seconds"))?,
        },
        paused: row.optional_int("paused_at")?.zip(row.optional_text("paused_by")?),
        next_at: row.optional_int("next_at")?,
        due_at: row.optional_int("due_at")?,
        last: match last {
            Some((at, outcome)) => Some(Last { at, outcome, run: row.optional_parsed("last_run")? }),
            None => None,
        },
        missed: row.int("missed")?,
        created_at: row.int("created_at")?,
        updated_at: row.int("updated_at")?,
    })
}
