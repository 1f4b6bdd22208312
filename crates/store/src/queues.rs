//! What an operator has set for queues: pauses, limits and rates.

use std::collections::BTreeMap;

use pilothouse_domain::{Micros, RunId, TenantId};

use crate::runs::{Lane, Limits, State, after_starts};
use crate::{Error, Row, Tx, args};

/// Microseconds in a second.
const SECOND_US: Micros = 1_000_000;

/// A queue's settings, with who paused it and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// What it allows.
    pub limits: Limits,
    /// When it was paused, and by whom.
    pub paused: Option<(Micros, String)>,
    /// Why it was paused, in the words of whoever did.
    pub paused_reason: Option<String>,
}

/// Every queue that has settings.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<Queue>, Error> {
    let sql = "SELECT name, paused_at, paused_by, paused_reason, max_running, max_running_per_tenant, max_running_per_key, rate,
                 rate_seconds FROM queues ORDER BY name";
    tx.fetch_all(sql, args![]).await?.iter().map(read).collect()
}

/// What each queue with settings allows.
pub(crate) async fn settings(tx: &mut Tx<'_>) -> Result<BTreeMap<String, Limits>, Error> {
    Ok(list(tx).await?.into_iter().map(|queue| (queue.name, queue.limits)).collect())
}

/// Sets a queue's limits; whether it is paused stays as it is. What a slower rate had used up beyond one period of the
/// new one is forgiven.
pub async fn set_limits(tx: &mut Tx<'_>, name: &str, limits: &Limits, now: Micros) -> Result<(), Error> {
    let (rate, seconds) = limits.rate.map(|(rate, period)| (rate, period / SECOND_US)).unzip();
    tx.execute(
        "INSERT INTO queues (name, max_running, max_running_per_tenant, max_running_per_key, rate, rate_seconds,
                             updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (name) DO UPDATE SET max_running = excluded.max_running,
           max_running_per_tenant = excluded.max_running_per_tenant,
           max_running_per_key = excluded.max_running_per_key, rate = excluded.rate,
           rate_seconds = excluded.rate_seconds, updated_at = excluded.updated_at",
        args![name, limits.running, limits.running_per_tenant, limits.running_per_key, rate, seconds, now],
    )
    .await?;
    if let Some((_, period)) = limits.rate {
        let sql = "UPDATE rates SET next_at = $2 WHERE queue = $1 AND next_at > $2";
        tx.execute(sql, args![name, now.saturating_add(period)]).await?;
    }
    Ok(())
}

/// Pauses a queue, or lets it go on (`by` is none). What runs goes on in any case.
pub async fn set_paused(tx: &mut Tx<'_>, name: &str, by: Option<&str>, now: Micros) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO queues (name, paused_at, paused_by, updated_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET paused_at = excluded.paused_at, paused_by = excluded.paused_by,
           updated_at = excluded.updated_at",
        args![name, by.map(|_| now), by, now],
    )
    .await?;
    Ok(())
}

/// Says why a queue is paused; one that is not paused has no reason.
pub async fn set_reason(tx: &mut Tx<'_>, name: &str, reason: Option<&str>) -> Result<(), Error> {
    let sql = "UPDATE queues SET paused_reason = $2 WHERE name = $1";
    tx.execute(sql, args![name, reason]).await.map(|_| ())
}

/// How many runs of a queue are in each state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Depth {
    /// Those that a worker may take.
    pub ready: i64,
    /// Those that become ready at a moment.
    pub delayed: i64,
    /// Those that a worker holds.
    pub running: i64,
    /// Those that wait for a signal or a moment.
    pub waiting: i64,
    /// Dead letters that nobody has discarded.
    pub dead: i64,
    /// The place of the first in line: when it was due, a minute earlier for each step of its priority.
    pub first: Option<Micros>,
}

/// The depth of every queue that has runs, of one tenant or of all.
pub async fn depths(tx: &mut Tx<'_>, tenant: Option<&TenantId>) -> Result<BTreeMap<String, Depth>, Error> {
    // A statement for each question, so that a tenant's runs are found without those of the others.
    macro_rules! by_queue {
        ($queue:literal, $rest:literal) => {
            concat!("SELECT ", $queue, " AS queue, state, COUNT(*) AS runs, MIN(rank) AS first FROM live ", $rest)
        };
    }
    let rows = match tenant {
        Some(tenant) => {
            let sql = tx.pick(
                by_queue!("substr(lane, 1, instr(lane, '/') - 1)", "WHERE tenant = $1 GROUP BY 1, state"),
                by_queue!("split_part(lane, '/', 1)", "WHERE tenant = $1 GROUP BY 1, state"),
            );
            tx.fetch_all(sql, args![tenant]).await?
        }
        None => {
            let sql = tx.pick(
                by_queue!("substr(lane, 1, instr(lane, '/') - 1)", "GROUP BY 1, state"),
                by_queue!("split_part(lane, '/', 1)", "GROUP BY 1, state"),
            );
            tx.fetch_all(sql, args![]).await?
        }
    };
    let mut depths: BTreeMap<String, Depth> = BTreeMap::new();
    for row in rows {
        let (depth, runs) = (depths.entry(row.text("queue")?).or_default(), row.int("runs")?);
        match State::parse(row.int("state")?).ok_or_else(|| Error::unreadable("state"))? {
            State::Ready => (depth.ready, depth.first) = (runs, row.optional_int("first")?),
            State::Delayed => depth.delayed = runs,
            State::Running => depth.running = runs,
            State::Waiting => depth.waiting = runs,
        }
    }
    macro_rules! dead {
        ($whose:literal) => {
            concat!(
                "SELECT r.queue, COUNT(*) AS runs FROM ends e JOIN runs r ON r.tenant = e.tenant AND r.id = e.id
                 WHERE e.outcome = 'dead' AND e.discarded_at IS NULL ",
                $whose,
                " GROUP BY r.queue"
            )
        };
    }
    let rows = match tenant {
        Some(tenant) => tx.fetch_all(dead!("AND e.tenant = $1"), args![tenant]).await?,
        None => tx.fetch_all(dead!(""), args![]).await?,
    };
    for row in rows {
        depths.entry(row.text("queue")?).or_default().dead = row.int("runs")?;
    }
    Ok(depths)
}

/// When a run was due, when it began and when it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// Its queue.
    pub queue: String,
    /// When it was to begin at the earliest.
    pub due_at: Micros,
    /// When it began.
    pub started_at: Micros,
    /// When it ended, and whether well.
    pub ended: Option<(Micros, bool)>,
}

/// The newest `limit` of the tenant's runs that were asked for since a moment and have ended.
pub async fn pace(tx: &mut Tx<'_>, tenant: &TenantId, since: Micros, limit: u32) -> Result<Vec<Pace>, Error> {
    let sql = "SELECT r.queue, r.due_at, e.started_at, e.finished_at, e.outcome
               FROM runs r JOIN ends e ON e.tenant = r.tenant AND e.id = r.id
               WHERE r.tenant = $1 AND r.id >= $2 AND e.started_at IS NOT NULL
               ORDER BY r.id DESC LIMIT $3 + 0";
    let rows = tx.fetch_all(sql, args![tenant, RunId::first_at(since), limit]).await?;
    rows.iter()
        .map(|row| {
            let well = row.optional_text("outcome")?.as_deref() == Some("succeeded");
            Ok(Pace {
                queue: row.text("queue")?,
                due_at: row.int("due_at")?,
                started_at: row.int("started_at")?,
                ended: row.optional_int("finished_at")?.map(|at| (at, well)),
            })
        })
        .collect()
}

/// When each queue with a rate may begin its next run, had each begun as late as the rate allows.
pub async fn rates(tx: &mut Tx<'_>) -> Result<BTreeMap<String, Micros>, Error> {
    let rows = tx.fetch_all("SELECT queue, next_at FROM rates", args![]).await?;
    rows.iter().map(|row| Ok((row.text("queue")?, row.int("next_at")?))).collect()
}

/// Counts the runs that begin against the rates of their queues, which stood at `before`.
pub(crate) async fn spend(
    tx: &mut Tx<'_>,
    settings: &BTreeMap<String, Limits>,
    before: &BTreeMap<String, Micros>,
    begun: &BTreeMap<&Lane, u32>,
    now: Micros,
) -> Result<(), Error> {
    for (queue, limits) in settings {
        let Some((count, period)) = limits.rate else { continue };
        let starts: u32 = begun.iter().filter(|(lane, _)| lane.queue == *queue).map(|(_, starts)| starts).sum();
        if starts == 0 {
            continue;
        }
        let next = after_starts(count, period, before.get(queue).copied().unwrap_or(0), now, starts);
        tx.execute(
            "INSERT INTO rates (queue, next_at) VALUES ($1, $2)
             ON CONFLICT (queue) DO UPDATE SET next_at = excluded.next_at",
            args![queue, next],
        )
        .await?;
    }
    Ok(())
}

fn read(row: &Row) -> Result<Queue, Error> {
    let limit = |column: &str| Ok::<_, Error>(row.optional_int(column)?.and_then(|limit| u32::try_from(limit).ok()));
    let seconds = row.optional_int("rate_seconds")?;
    let paused = row.optional_int("paused_at")?.zip(row.optional_text("paused_by")?);
    Ok(Queue {
        name: row.text("name")?,
        limits: Limits {
            paused: paused.is_some(),
            running: limit("max_running")?,
            running_per_tenant: limit("max_running_per_tenant")?,
            running_per_key: limit("max_running_per_key")?,
            rate: limit("rate")?.zip(seconds.map(|seconds| seconds * SECOND_US)),
        },
        paused,
        paused_reason: row.optional_text("paused_reason")?,
    })
}
