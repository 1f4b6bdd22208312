//! The journal of a run: one row per step. A step that succeeded is never begun again, and a worker whose epoch is over
//! cannot write.

use pilothouse_domain::run::StepStatus;
use pilothouse_domain::{Micros, RunId, TenantId};

use crate::{Error, Row, Tx, args, runs};

/// A journalled step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The run it is part of.
    pub run: RunId,
    /// Its place in the run.
    pub seq: i64,
    /// What it does, for instance `planner`.
    pub name: String,
    /// The run's attempt that began it last.
    pub attempt: i64,
    /// Where it stands.
    pub status: StepStatus,
    /// SHA-256, in hexadecimal, of what it was given; a replay that gives it something else can be told.
    pub input_hash: String,
    /// What it returned, as JSON.
    pub output: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// When that attempt began it.
    pub started_at: Micros,
    /// When it ended.
    pub finished_at: Option<Micros>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT run, seq, name, attempt, status, input_hash, output, error, started_at, finished_at FROM steps ",
            $rest
        )
    };
}

/// Writes down that a step begins. False where the worker is fenced: the run has another epoch or is not running.
///
/// # Errors
/// [`Error::Conflict`] where the step has succeeded already, or the journal has another step at this place.
#[expect(clippy::too_many_arguments, reason = "one value per column; a struct would only rename them")]
pub async fn start(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    run: RunId,
    epoch: i64,
    seq: i64,
    name: &str,
    attempt: i64,
    input_hash: &str,
    at: Micros,
) -> Result<bool, Error> {
    if !runs::fence(tx, tenant, run, epoch).await? {
        return Ok(false);
    }
    let begun = tx
        .execute(
            "INSERT INTO steps (tenant, run, seq, name, attempt, status, input_hash, started_at)
             VALUES ($1, $2, $3, $4, $5, 'running', $6, $7)
             ON CONFLICT (tenant, run, seq) DO UPDATE SET attempt = excluded.attempt, status = 'running',
               input_hash = excluded.input_hash, output = NULL, error = NULL, started_at = excluded.started_at,
               finished_at = NULL
             WHERE steps.status <> 'succeeded' AND steps.name = excluded.name",
            args![tenant, run, seq, name, attempt, input_hash, at],
        )
        .await?;
    if begun == 1 { Ok(true) } else { Err(Error::Conflict { what: "step" }) }
}

/// Writes down how a running step ended. False where the worker is fenced.
///
/// # Errors
/// [`Error::Conflict`] where the step is not running.
#[expect(clippy::too_many_arguments, reason = "one value per column; a struct would only rename them")]
pub async fn finish(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    run: RunId,
    epoch: i64,
    seq: i64,
    status: StepStatus,
    output: Option<&str>,
    error: Option<&str>,
    at: Micros,
) -> Result<bool, Error> {
    if !runs::fence(tx, tenant, run, epoch).await? {
        return Ok(false);
    }
    let ended = tx
        .execute(
            "UPDATE steps SET status = $4, output = $5, error = $6, finished_at = $7
             WHERE tenant = $1 AND run = $2 AND seq = $3 AND status = 'running'",
            args![tenant, run, seq, status.as_str(), output, error, at],
        )
        .await?;
    if ended == 1 { Ok(true) } else { Err(Error::Conflict { what: "step" }) }
}

/// A step that has ended, on its way into the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its place in the run.
    pub seq: i64,
    /// What it does.
    pub name: String,
    /// How it ended.
    pub status: StepStatus,
    /// SHA-256, in hexadecimal, of what it was given.
    pub input_hash: String,
    /// What it returned, as JSON.
    pub output: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it began.
    pub started_at: Micros,
    /// When it ended.
    pub finished_at: Micros,
}

/// Writes down a step that has begun and ended since the last write, in one statement: what [`start`] and [`finish`]
/// would do together. False where the worker is fenced.
///
/// # Errors
/// [`Error::Conflict`] where the step has succeeded already, or the journal has another step at this place.
pub async fn record(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    run: RunId,
    epoch: i64,
    attempt: i64,
    step: &Ended,
) -> Result<bool, Error> {
    macro_rules! record {
        ($lock:literal) => {
            concat!(
                "INSERT INTO steps (tenant, run, seq, name, attempt, status, input_hash, output, error, started_at,
                                    finished_at)
                 SELECT tenant, id, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM runs
                 WHERE tenant = $1 AND id = $2 AND epoch = $3 AND status = 'running'",
                $lock,
                " ON CONFLICT (tenant, run, seq) DO UPDATE SET attempt = excluded.attempt, status = excluded.status,
                    input_hash = excluded.input_hash, output = excluded.output, error = excluded.error,
                    started_at = excluded.started_at, finished_at = excluded.finished_at
                  WHERE steps.status <> 'succeeded' AND steps.name = excluded.name"
            )
        };
    }
    let sql = tx.pick(record!(""), record!(" FOR NO KEY UPDATE"));
    let values = args![
        tenant,
        run,
        epoch,
        step.seq,
        &step.name,
        attempt,
        step.status.as_str(),
        &step.input_hash,
        step.output.as_deref(),
        step.error.as_deref(),
        step.started_at,
        step.finished_at,
    ];
    if tx.execute(sql, values).await? == 1 {
        return Ok(true);
    }
    // Nothing written: either the run is somebody else's, or the place in the journal is taken.
    if runs::fence(tx, tenant, run, epoch).await? { Err(Error::Conflict { what: "step" }) } else { Ok(false) }
}

/// The run's steps in their order.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId, run: RunId) -> Result<Vec<Step>, Error> {
    let sql = select!("WHERE tenant = $1 AND run = $2 ORDER BY seq");
    tx.fetch_all(sql, args![tenant, run]).await?.iter().map(read).collect()
}

/// One step.
pub async fn get(tx: &mut Tx<'_>, tenant: &TenantId, run: RunId, seq: i64) -> Result<Option<Step>, Error> {
    let sql = select!("WHERE tenant = $1 AND run = $2 AND seq = $3");
    tx.fetch_optional(sql, args![tenant, run, seq]).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Step, Error> {
    Ok(Step {
        run: row.parsed("run")?,
        seq: row.int("seq")?,
        name: row.text("name")?,
        attempt: row.int("attempt")?,
        status: StepStatus::parse(&row.text("status")?).ok_or_else(|| Error::unreadable("status"))?,
        input_hash: row.text("input_hash")?,
        output: row.optional_text("output")?,
        error: row.optional_text("error")?,
        started_at: row.int("started_at")?,
        finished_at: row.optional_int("finished_at")?,
    })
}
