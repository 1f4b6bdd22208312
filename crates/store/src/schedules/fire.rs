//! What becomes of the ticks that have come due: the runs, their audit rows and where the schedule stands then, in one
//! commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use pilothouse_domain::audit::{Entry as AuditEntry, Outcome as Audited};
use pilothouse_domain::canonical::payload_hash;
use pilothouse_domain::schedule::{Action, Standing, decide};
use pilothouse_domain::{Ids, Micros, RunId};

use super::{Last, Schedule, read, select};
use crate::runs::{self, Change, Enqueue, Lane, NewRun, Outcome};
use crate::{Error, Tx, args, audit};

/// What a run that a schedule asked for is called in the audit log, be it for a tick or at a person's wish.
pub const FIRE: &str = "schedule.fire";

/// The earliest moment at which a schedule of these workflows is to be decided on, of all tenants.
pub async fn next_due(tx: &mut Tx<'_>, versions: &BTreeMap<String, i64>) -> Result<Option<Micros>, Error> {
    let sql = tx.pick(
        "SELECT due_at FROM schedules WHERE due_at IS NOT NULL AND instr($1, ',' || kind || ',') > 0
           ORDER BY due_at LIMIT 1",
        "SELECT due_at FROM schedules WHERE due_at IS NOT NULL AND strpos($1, ',' || kind || ',') > 0
           ORDER BY due_at LIMIT 1",
    );
    tx.fetch_optional(sql, args![kinds(versions)]).await?.map(|row| row.int("due_at")).transpose()
}

/// The names of the workflows with a comma around each.
fn kinds(versions: &BTreeMap<String, i64>) -> String {
    versions.keys().fold(",".to_owned(), |kinds, kind| kinds + kind + ",")
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
/// the workflows that this program knows; schedules of others are left for other nodes, and so are those that another
/// node decides on at this moment.
pub async fn fire(
    tx: &mut Tx<'_>,
    versions: &BTreeMap<String, i64>,
    ids: &dyn Ids,
    now: Micros,
    limit: u32,
) -> Result<Fired, Error> {
    let sql = tx.pick(
        select!("WHERE due_at <= $1 AND instr($3, ',' || kind || ',') > 0 ORDER BY due_at LIMIT $2 + 0"),
        select!(
            "WHERE due_at <= $1 AND strpos($3, ',' || kind || ',') > 0 ORDER BY due_at LIMIT $2 + 0
               FOR UPDATE SKIP LOCKED"
        ),
    );
    let due = tx.fetch_all(sql, args![now, limit, kinds(versions)]).await?;
    let due = due.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut fired = Fired::default();
    let mut audited = Vec::new();
    for schedule in &due {
        if let Some(version) = versions.get(&schedule.kind) {
            fire_one(tx, schedule, *version, ids, now, (&mut fired, &mut audited)).await?;
        }
    }
    // What is due and not for this call is another node's at this moment: looking again at once would find the same.
    fired.next_at = next_due(tx, versions).await?.filter(|next| *next > now || !due.is_empty());
    audit::append_all(tx, audited).await?;
    Ok(fired)
}

async fn fire_one(
    tx: &mut Tx<'_>,
    schedule: &Schedule,
    version: i64,
    ids: &dyn Ids,
    now: Micros,
    (fired, audited): (&mut Fired, &mut Vec<AuditEntry>),
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
        if run.is_some() {
            audited.push(firing_of(schedule, tick.at, now));
        }
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
    tx.fetch_all(sql, args![&schedule.tenant, schedule.id]).await?.iter().map(|row| row.run("id")).collect()
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
    let wish =
        Enqueue { tenant: schedule.tenant.clone(), run, audit: None, worker: None, counted: false, max_waiting: None };
    fired.lanes.push(wish.lane());
    match runs::apply(tx, vec![Change::Enqueue(Arc::new(wish))]).await?.first() {
        Some(Outcome::Existing(existing)) => Ok(*existing),
        _ => Ok(id),
    }
}

/// The audit row of a tick that runs: in the name of whoever made the schedule.
fn firing_of(schedule: &Schedule, tick: Micros, now: Micros) -> AuditEntry {
    AuditEntry {
        scope: schedule.tenant.to_string(),
        at: now,
        subject: schedule.subject.clone(),
        action: FIRE.to_owned(),
        resource: schedule.id.to_string(),
        payload_hash: payload_hash(&(schedule.id, tick, &schedule.input)),
        outcome: Audited::Allowed,
        code: String::new(),
        request_id: String::new(),
        count: 1,
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
