//! Schedules: which workflow is to run by itself, and when next. What becomes of the ticks that have come due is for
//! `pilothouse_domain::schedule` to say; here the answer is written in the commit that enqueues the runs.

mod fire;

use std::collections::BTreeMap;

use pilothouse_domain::run::Status;
use pilothouse_domain::schedule::{Policy, Timing};
use pilothouse_domain::{Micros, RunId, ScheduleId, TenantId};

use crate::{Error, Row, Tx, args, runs};

pub use fire::{FIRE, Fired, fire, new_run, next_due};

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
use select;

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

/// One schedule.
pub async fn get(tx: &mut Tx<'_>, tenant: &TenantId, id: ScheduleId) -> Result<Option<Schedule>, Error> {
    let sql = select!("WHERE tenant = $1 AND id = $2");
    tx.fetch_optional(sql, args![tenant, id]).await?.as_ref().map(read).transpose()
}

/// One schedule, in a unit that changes it: until the unit ends nobody else decides on it.
pub async fn hold(tx: &mut Tx<'_>, tenant: &TenantId, id: ScheduleId) -> Result<Option<Schedule>, Error> {
    let sql = tx.pick(select!("WHERE tenant = $1 AND id = $2"), select!("WHERE tenant = $1 AND id = $2 FOR UPDATE"));
    tx.fetch_optional(sql, args![tenant, id]).await?.as_ref().map(read).transpose()
}

/// How many schedules the tenant has.
pub async fn count(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) AS schedules FROM schedules WHERE tenant = $1";
    let row = tx.fetch_optional(sql, args![tenant]).await?.ok_or_else(|| Error::unreadable("schedules"))?;
    row.int("schedules")
}

/// At most `limit` of the tenant's schedules, by name.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId, limit: u32) -> Result<Vec<Schedule>, Error> {
    let sql = select!("WHERE tenant = $1 ORDER BY name LIMIT $2 + 0");
    tx.fetch_all(sql, args![tenant, limit]).await?.iter().map(read).collect()
}

/// Where the last runs of the tenant's schedules stand, as far as they are kept.
pub async fn last_statuses(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<BTreeMap<RunId, Status>, Error> {
    let sql = "SELECT r.id, e.outcome, l.state FROM schedules s
                 JOIN runs r ON r.tenant = s.tenant AND r.id = s.last_run
                 LEFT JOIN live l ON l.tenant = r.tenant AND l.id = r.id
                 LEFT JOIN ends e ON e.tenant = r.tenant AND e.id = r.id
               WHERE s.tenant = $1";
    let rows = tx.fetch_all(sql, args![tenant]).await?;
    rows.iter().map(|row| Ok((row.run("id")?, runs::status(row)?))).collect()
}

/// How many schedules of all tenants should have been decided on before the moment `before`, and the earliest moment at
/// which one is to be.
pub async fn overdue(tx: &mut Tx<'_>, before: Micros) -> Result<(i64, Option<Micros>), Error> {
    let sql = "SELECT (SELECT COUNT(*) FROM schedules WHERE due_at < $1) AS late,
                      (SELECT MIN(due_at) FROM schedules WHERE due_at IS NOT NULL) AS due";
    let row = tx.fetch_optional(sql, args![before]).await?.ok_or_else(|| Error::unreadable("late"))?;
    Ok((row.int("late")?, row.optional_int("due")?))
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
            Some((at, outcome)) => Some(Last { at, outcome, run: row.optional_run("last_run")? }),
            None => None,
        },
        missed: row.int("missed")?,
        created_at: row.int("created_at")?,
        updated_at: row.int("updated_at")?,
    })
}
