//! What an operator has set for queues: pauses, limits and rates.

use std::collections::BTreeMap;

use pilothouse_domain::Micros;

use crate::runs::{Lane, Limits, after_starts};
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
}

/// Every queue that has settings.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<Queue>, Error> {
    let sql = "SELECT name, paused_at, paused_by, max_running, max_running_per_tenant, max_running_per_key, rate,
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

/// When each queue with a rate may begin its next run, had each begun as late as the rate allows.
pub(crate) async fn rates(tx: &mut Tx<'_>) -> Result<BTreeMap<String, Micros>, Error> {
    let rows = tx.fetch_all("SELECT queue, next_at FROM rates", args![]).await?;
    rows.iter().map(|row| Ok((row.text("queue")?, row.int("next_at")?))).collect()
}

/// Counts the runs that begin against the rates of their queues.
pub(crate) async fn spend(
    tx: &mut Tx<'_>,
    settings: &BTreeMap<String, Limits>,
    begun: &BTreeMap<Lane, u32>,
    now: Micros,
) -> Result<(), Error> {
    if settings.values().all(|limits| limits.rate.is_none()) {
        return Ok(());
    }
    let before = rates(tx).await?;
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
    })
}
