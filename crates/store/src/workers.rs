//! The workers that take runs from this database, each with a count that rises as long as it lives. Whoever watches a
//! count stand still, by a clock of its own, knows that the worker is gone; no two clocks are compared.

use std::collections::BTreeMap;

use pilothouse_domain::{Micros, RunId, TenantId};

use crate::{Error, Row, Tx, args};

/// A worker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Worker {
    /// Fresh at each start, and after each time that it was given up.
    pub id: String,
    /// The queues that it serves, separated by commas; empty means all.
    pub queues: String,
    /// The workflows that it knows, as `kind@version`, separated by commas.
    pub workflows: String,
    /// How many runs it works on side by side.
    pub concurrency: i64,
    /// When it started.
    pub started_at: Micros,
    /// Its last sign of life, by its own clock.
    pub beat_at: Micros,
    /// How many signs of life it gave.
    pub beats: i64,
    /// Whether others have given it up: it may not take or write anything under this id.
    pub gone: bool,
}

/// Stores a new worker.
pub async fn join(tx: &mut Tx<'_>, worker: &Worker) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO workers (id, queues, workflows, concurrency, started_at, beat_at, beats, gone)
         VALUES ($1, $2, $3, $4, $5, $6, 0, 0) ON CONFLICT DO NOTHING",
        args![&worker.id, &worker.queues, &worker.workflows, worker.concurrency, worker.started_at, worker.beat_at],
    )
    .await?;
    Ok(())
}

/// A sign of life. Returns the runs of the worker that somebody wants to stop, or none when it was given up.
pub async fn beat(tx: &mut Tx<'_>, id: &str, now: Micros) -> Result<Option<Vec<(TenantId, RunId)>>, Error> {
    let beaten = "UPDATE workers SET beats = beats + 1, beat_at = $2 WHERE id = $1 AND gone = 0";
    if tx.execute(beaten, args![id, now]).await? == 0 {
        return Ok(None);
    }
    let sql = "SELECT tenant, id FROM live WHERE state = 1 AND worker = $1 AND cancel_requested = 1";
    let rows = tx.fetch_all(sql, args![id]).await?;
    rows.iter().map(|row| Ok((row.parsed("tenant")?, row.run("id")?))).collect::<Result<_, _>>().map(Some)
}

/// Gives a worker up, provided that its count still stands at `beats` (none: whatever it is). Returns whether it is
/// given up now; one that is not known is.
pub async fn give_up(tx: &mut Tx<'_>, id: &str, beats: Option<i64>) -> Result<bool, Error> {
    let sql = "UPDATE workers SET gone = 1 WHERE id = $1 AND ($2 IS NULL OR beats = $2 OR gone = 1)";
    if tx.execute(sql, args![id, beats]).await? == 1 {
        return Ok(true);
    }
    Ok(tx.fetch_optional("SELECT id FROM workers WHERE id = $1", args![id]).await?.is_none())
}

/// Every worker, the liveliest first; with those that hold runs without being one. Such a worker took runs after it had
/// been forgotten, as whoever was stopped for long may do before its next beat tells it, or before it had announced
/// itself: then it may live, and is watched like any other. Costs one look per worker that holds runs.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<Worker>, Error> {
    let sql = "WITH RECURSIVE holders (id) AS (
                 SELECT MIN(worker) FROM live WHERE state = 1
                 UNION ALL
                 SELECT (SELECT MIN(worker) FROM live WHERE state = 1 AND worker > holders.id) FROM holders
                   WHERE holders.id IS NOT NULL)
               SELECT id, queues, workflows, concurrency, started_at, beat_at, beats, gone FROM workers
               UNION ALL
               SELECT id, '', '', 0, 0, 0, 0, 0 FROM holders
                 WHERE id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM workers WHERE workers.id = holders.id)
               ORDER BY gone, beat_at DESC, id";
    tx.fetch_all(sql, args![]).await?.iter().map(read).collect()
}

/// How many runs each worker holds.
pub async fn loads(tx: &mut Tx<'_>) -> Result<BTreeMap<String, i64>, Error> {
    let sql = "SELECT worker, COUNT(*) AS runs FROM live WHERE state = 1 AND worker IS NOT NULL GROUP BY worker";
    tx.fetch_all(sql, args![]).await?.iter().map(|row| Ok((row.text("worker")?, row.int("runs")?))).collect()
}

/// Forgets a worker that was given up and holds nothing.
pub async fn forget(tx: &mut Tx<'_>, id: &str) -> Result<(), Error> {
    let sql = "DELETE FROM workers WHERE id = $1 AND gone = 1
               AND NOT EXISTS (SELECT 1 FROM live WHERE state = 1 AND worker = $1)";
    tx.execute(sql, args![id]).await.map(|_| ())
}

fn read(row: &Row) -> Result<Worker, Error> {
    Ok(Worker {
        id: row.text("id")?,
        queues: row.text("queues")?,
        workflows: row.text("workflows")?,
        concurrency: row.int("concurrency")?,
        started_at: row.int("started_at")?,
        beat_at: row.int("beat_at")?,
        beats: row.int("beats")?,
        gone: row.flag("gone")?,
    })
}
