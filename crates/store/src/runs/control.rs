//! What people do with runs: cancel, signal, try again, let be.

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId, TenantId};

use super::settle::{Left, To, cancelled, settle};
use super::{Run, get, rank};
use crate::given::Rows;
use crate::journal::{self, Entry};
use crate::{Error, Row, Tx, args};

/// Cancels a run: at once where no worker holds it, else by telling its worker. Returns the run as it stands then, and
/// whether this call changed it; one that has ended is returned as it is. None where the tenant has no such run.
pub async fn cancel(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId, now: Micros) -> Result<Option<(Run, bool)>, Error> {
    // The first statement takes the row, so that what is read of it then stays true until the unit ends.
    let sql = "UPDATE live SET cancel_requested = 1 WHERE tenant = $1 AND id = $2";
    let lives = tx.execute(sql, args![tenant, id]).await? == 1;
    let Some(run) = get(tx, tenant, id).await? else { return Ok(None) };
    if !lives || run.status == Status::Running {
        return Ok(Some((run, lives)));
    }
    let to = To::Ended { status: Status::Cancelled, output: None };
    settle(tx, vec![leaving(&run, now, to, Some(cancelled()))], Rows::default()).await?;
    Ok(get(tx, tenant, id).await?.map(|run| (run, true)))
}

/// A signal to a run, kept until the run looks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// 1, 2, 3 … per run.
    pub seq: i64,
    /// What it is about, for instance `approval`.
    pub name: String,
    /// Its content, as JSON.
    pub payload: String,
    /// Who sent it.
    pub sent_by: String,
    /// When.
    pub at: Micros,
}

/// A signal that is to be sent.
#[derive(Debug, Clone, Copy)]
pub struct NewSignal<'a> {
    /// What it is about.
    pub name: &'a str,
    /// Its content, as JSON.
    pub payload: &'a str,
    /// Who sends it.
    pub sent_by: &'a str,
    /// The sender's own key for it; the run hears each key once (see [`signal_under`]).
    pub key: Option<&'a str>,
}

/// Name, payload and sender of a signal without a key.
impl<'a, N, P, S> From<(&'a N, &'a P, &'a S)> for NewSignal<'a>
where
    N: AsRef<str> + ?Sized,
    P: AsRef<str> + ?Sized,
    S: AsRef<str> + ?Sized,
{
    fn from((name, payload, sent_by): (&'a N, &'a P, &'a S)) -> Self {
        Self { name: name.as_ref(), payload: payload.as_ref(), sent_by: sent_by.as_ref(), key: None }
    }
}

/// The signal that the run was sent under this key, if it was. As long as the run has not ended, it hears no other until
/// the unit ends.
pub async fn signal_under(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId, key: &str) -> Result<Option<Signal>, Error> {
    tx.execute("UPDATE live SET signals = signals WHERE tenant = $1 AND id = $2", args![tenant, id]).await?;
    let sql = "SELECT seq, name, payload, sent_by, at FROM signals WHERE tenant = $1 AND run = $2 AND idem_key = $3";
    tx.fetch_optional(sql, args![tenant, id, key]).await?.as_ref().map(read_signal).transpose()
}

/// Sends a signal to a run that has not ended, and wakes it where it waits. Returns the run as it stands then; none
/// where the tenant has no such run, and a run that has ended as it is. A key must be a new one.
pub async fn signal(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: RunId,
    signal: impl Into<NewSignal<'_>>,
    now: Micros,
) -> Result<Option<Run>, Error> {
    let NewSignal { name, payload, sent_by, key } = signal.into();
    let counted = tx
        .fetch_optional(
            "UPDATE live SET signals = signals + 1 WHERE tenant = $1 AND id = $2 RETURNING signals",
            args![tenant, id],
        )
        .await?;
    let run = get(tx, tenant, id).await?;
    let (Some(counted), Some(run)) = (counted, run.clone()) else { return Ok(run) };
    tx.execute(
        "INSERT INTO signals (tenant, run, seq, name, payload, sent_by, at, idem_key)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![tenant, id, counted.int("signals")?, name, payload, sent_by, now, key],
    )
    .await?;
    if run.status == Status::Waiting {
        settle(tx, vec![leaving(&run, now, To::Ready { rank: None }, None)], Rows::default()).await?;
    }
    get(tx, tenant, id).await
}

/// The signals that a run was sent, in order.
pub async fn signals(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId) -> Result<Vec<Signal>, Error> {
    let sql = "SELECT seq, name, payload, sent_by, at FROM signals WHERE tenant = $1 AND run = $2 ORDER BY seq";
    tx.fetch_all(sql, args![tenant, id]).await?.iter().map(read_signal).collect()
}

fn read_signal(row: &Row) -> Result<Signal, Error> {
    Ok(Signal {
        seq: row.int("seq")?,
        name: row.text("name")?,
        payload: row.text("payload")?,
        sent_by: row.text("sent_by")?,
        at: row.int("at")?,
    })
}

/// Lets a run that did not end well be tried again: with all its attempts, its finished steps kept and its failed ones
/// forgotten. Returns the run as it stands then, and whether this call changed it: one that has not ended, or that
/// ended well, stays as it is. None where the tenant has no such run.
pub async fn retry(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId, now: Micros) -> Result<Option<(Run, bool)>, Error> {
    let sql = "DELETE FROM ends WHERE tenant = $1 AND id = $2 AND outcome IN ('failed', 'cancelled', 'dead')
               RETURNING outcome, finished_at, started_at, attempt, epoch, seq, claim, error_code, error_message";
    let Some(ended) = tx.fetch_optional(sql, args![tenant, id]).await? else {
        return Ok(get(tx, tenant, id).await?.map(|run| (run, false)));
    };
    if let Some(seq) = ended.optional_int("seq")? {
        let entry = told_by(&ended, seq)?;
        let row = journal::row(tenant, id, ended.int("claim")?, &entry);
        journal::insert(tx, [row].into_iter().collect()).await?;
    }
    let seq = journal::last_seq(tx, tenant, id).await? + 1;
    tx.execute("UPDATE runs SET retries = retries + 1 WHERE tenant = $1 AND id = $2", args![tenant, id]).await?;
    tx.execute(
        "INSERT INTO live (tenant, id, lane, state, rank, attempt, last_attempt, epoch, seq, signals, started_at,
                           cancel_requested, schedule)
         SELECT tenant, id, queue || '/' || tenant || '/' || queue_key, 0, $3 - priority * $4, $6 + 1,
           $6 + max_attempts, $7, $5,
           (SELECT COUNT(*) FROM signals WHERE signals.tenant = runs.tenant AND signals.run = runs.id), $8, 0, schedule
         FROM runs WHERE tenant = $1 AND id = $2",
        args![
            tenant,
            id,
            rank(now, 0),
            super::PRIORITY_STEP_US,
            seq,
            ended.int("attempt")?,
            ended.int("epoch")?,
            ended.optional_int("started_at")?,
        ],
    )
    .await?;
    let run = get(tx, tenant, id).await?.ok_or(Error::Missing { what: "run" })?;
    let entry = Entry::state(seq, now, run.attempt, journal::RETRIED);
    journal::insert(tx, [journal::row(tenant, id, journal::NO_CLAIM, &entry)].into_iter().collect()).await?;
    Ok(Some((run, true)))
}

/// What the journal tells of an end, once its row is gone.
fn told_by(ended: &Row, seq: i64) -> Result<Entry, Error> {
    let why = ended.optional_text("error_code")?.zip(ended.optional_text("error_message")?);
    let entry = Entry::state(seq, ended.int("finished_at")?, ended.int("attempt")?, &ended.text("outcome")?);
    Ok(entry.because(why.as_ref()))
}

/// Notes that nothing is to be done about a run that did not end well, by whom and why. Returns whether there was such
/// a run.
pub async fn discard(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: RunId,
    (by, reason): (&str, &str),
    now: Micros,
) -> Result<bool, Error> {
    let sql = "UPDATE ends SET discarded_at = $3, discarded_by = $4, discard_reason = $5
               WHERE tenant = $1 AND id = $2 AND discarded_at IS NULL
                 AND outcome IN ('failed', 'cancelled', 'dead')";
    Ok(tx.execute(sql, args![tenant, id, now, by, reason]).await? == 1)
}

/// Whether the run waits; where it does, nobody else changes it until the unit ends.
pub async fn hold_waiting(tx: &mut Tx<'_>, tenant: &TenantId, id: RunId) -> Result<bool, Error> {
    let sql = "UPDATE live SET signals = signals WHERE tenant = $1 AND id = $2 AND state = 3";
    Ok(tx.execute(sql, args![tenant, id]).await? == 1)
}

fn leaving(run: &Run, at: Micros, to: To, why: Option<(String, String)>) -> Left {
    let Run { tenant, id, epoch, seq, attempt, last_attempt, .. } = run.clone();
    Left { tenant, id, epoch, seq, attempt, last_attempt, at, to, why, told: Some(journal::NO_CLAIM) }
}
