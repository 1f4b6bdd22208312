//! Lists of runs for people, newest first, in pages; and how many there are of what.

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId, ScheduleId, TenantId};

use super::live::State;
use super::{Run, columns, ended_runs, live_runs, read, runs_with_state};
use crate::{Arg, Error, Row, Tx, args};

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those that stand so.
    pub status: Option<Status>,
    /// Only those of this workflow.
    pub kind: Option<String>,
    /// Only those of this queue.
    pub queue: Option<String>,
    /// Only those that this subject asked for.
    pub subject: Option<String>,
    /// Only those of this conversation.
    pub conversation: Option<String>,
    /// Only those whose end, or whose last attempt, has this code.
    pub error_code: Option<String>,
    /// Only those that were asked for at this moment or later.
    pub created_after: Option<Micros>,
    /// Only those that were asked for before this moment.
    pub created_before: Option<Micros>,
    /// Only those that stood so at this moment: that had ended by then, or were asked for by then and have not ended.
    pub as_of: Option<Micros>,
    /// Whether those that somebody let be are left out.
    pub open_only: bool,
    /// Whether only those that somebody let be are listed.
    pub discarded_only: bool,
    /// Whether those that no worker has begun are left out.
    pub begun_only: bool,
    /// How many at most.
    pub limit: u32,
    /// Only those older than this one: the id of the last run of the page before.
    pub before: Option<RunId>,
}

/// What every list is narrowed by, in the order of the ids `$id`; the values are those of [`values`].
macro_rules! narrowed {
    ($id:literal) => {
        concat!(
            "($2 IS NULL OR r.kind = $2) AND ($3 IS NULL OR r.queue = $3) AND ",
            $id,
            " < $4
           AND ($6 = 0 OR e.discarded_at IS NULL) AND ($7 IS NULL OR r.subject = $7)
           AND ($8 IS NULL OR COALESCE(l.error_code, e.error_code) = $8) AND ",
            $id,
            " >= $9
           AND r.created_at >= $10 AND ($11 IS NULL OR r.created_at < $11)
           AND ($12 = 0 OR e.discarded_at IS NOT NULL)
           AND ($13 = 0 OR COALESCE(l.started_at, e.started_at) IS NOT NULL)
           AND ($14 IS NULL OR COALESCE(e.finished_at, r.created_at) <= $14)
           AND ($15 IS NULL OR r.conversation = $15)
         ORDER BY ",
            $id,
            " DESC LIMIT $5 + 0"
        )
    };
}

const VALUES: usize = 15;

fn values<'a>(tenant: &'a TenantId, filter: &'a RunFilter) -> [Arg<'a>; VALUES] {
    // Where the page begins: ids are in the order of the moments they were made at.
    let before = filter.before.unwrap_or(RunId::LAST);
    let until = filter.created_before.map_or(RunId::LAST, |at| RunId::first_at(at.saturating_add(1_000)));
    let since = filter.created_after.unwrap_or(0);
    args![
        tenant,
        filter.kind.as_deref(),
        filter.queue.as_deref(),
        before.min(until),
        filter.limit,
        filter.open_only,
        filter.subject.as_deref(),
        filter.error_code.as_deref(),
        RunId::first_at(since),
        since,
        filter.created_before,
        filter.discarded_only,
        filter.begun_only,
        filter.as_of,
        filter.conversation.as_deref(),
    ]
}

/// The ways to what a filter lets through, between `$head` and `$tail`. What is rare is not looked for among what
/// is common: runs that have not ended, and those that ended badly, have an index of their own.
macro_rules! found {
    ($tx:expr, $tenant:expr, $filter:expr, $head:expr, $tail:literal) => {{
        const ALL: &str = concat!($head, runs_with_state!(), "WHERE r.tenant = $1 AND ", narrowed!("r.id"), $tail);
        const LIVE: &str = concat!(
            $head,
            live_runs!(),
            "WHERE l.tenant = $1 AND l.state BETWEEN $16 AND $17 AND (l.state <> 1 OR $16 = 1) AND ",
            narrowed!("r.id"),
            $tail
        );
        const WELL: &str = concat!(
            $head,
            runs_with_state!(),
            "WHERE r.tenant = $1 AND e.outcome = 'succeeded' AND ",
            narrowed!("r.id"),
            $tail
        );
        macro_rules! unwell {
            ($outcome:literal) => {
                concat!(
                    $head,
                    ended_runs!(),
                    "WHERE e.tenant = $1 AND e.outcome = '",
                    $outcome,
                    "' AND ",
                    narrowed!("e.id"),
                    $tail
                )
            };
        }
        let values = values($tenant, $filter);
        match $filter.status {
            None => $tx.fetch_all(ALL, values).await,
            Some(Status::Queued) => $tx.fetch_all(LIVE, between(values, 0, 2)).await,
            Some(Status::Running) => $tx.fetch_all(LIVE, between(values, 1, 1)).await,
            Some(Status::Waiting) => $tx.fetch_all(LIVE, between(values, 3, 3)).await,
            Some(Status::Succeeded) => $tx.fetch_all(WELL, values).await,
            Some(Status::Failed) => $tx.fetch_all(unwell!("failed"), values).await,
            Some(Status::Cancelled) => $tx.fetch_all(unwell!("cancelled"), values).await,
            Some(Status::Dead) => $tx.fetch_all(unwell!("dead"), values).await,
        }
    }};
}

fn between(values: [Arg<'_>; VALUES], low: i64, high: i64) -> [Arg<'_>; VALUES + 2] {
    let mut values = values.into_iter().chain([low.into(), high.into()]);
    std::array::from_fn(|_| values.next().unwrap_or(Arg::Int(None)))
}

/// The tenant's runs that the filter lets through, newest first.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId, filter: &RunFilter) -> Result<Vec<Run>, Error> {
    let rows: Vec<Row> = found!(tx, tenant, filter, concat!("SELECT ", columns!()), "")?;
    rows.iter().map(read).collect()
}

/// The ids alone of what [`list`] lists.
pub async fn ids(tx: &mut Tx<'_>, tenant: &TenantId, filter: &RunFilter) -> Result<Vec<RunId>, Error> {
    let rows: Vec<Row> = found!(tx, tenant, filter, "SELECT r.id", "")?;
    rows.iter().map(|row| row.run("id")).collect()
}

/// How many runs of a workflow ended with a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The workflow.
    pub kind: String,
    /// The code.
    pub error_code: Option<String>,
    /// How many.
    pub runs: i64,
}

/// What [`list`] would list, counted: at most the filter's `limit` runs in all.
pub async fn tally(tx: &mut Tx<'_>, tenant: &TenantId, filter: &RunFilter) -> Result<Vec<Tally>, Error> {
    let rows: Vec<Row> = found!(
        tx,
        tenant,
        filter,
        "SELECT kind, error_code, COUNT(*) AS runs FROM (
           SELECT r.kind, COALESCE(l.error_code, e.error_code) AS error_code",
        ") AS found GROUP BY kind, error_code ORDER BY kind, error_code"
    )?;
    rows.iter()
        .map(|row| {
            let (kind, runs) = (row.text("kind")?, row.int("runs")?);
            Ok(Tally { kind, error_code: row.optional_text("error_code")?, runs })
        })
        .collect()
}

/// How many of the tenant's runs are in each state; those that have ended are counted up to `cap` each.
pub async fn counts(tx: &mut Tx<'_>, tenant: &TenantId, cap: u32) -> Result<Vec<(Status, i64)>, Error> {
    const WELL: &str = "SELECT COUNT(*) AS runs FROM (
           SELECT 1 FROM runs r JOIN ends e ON e.tenant = r.tenant AND e.id = r.id
           WHERE r.tenant = $1 AND e.outcome = 'succeeded' LIMIT $2 + 0) AS found";
    macro_rules! unwell {
        ($outcome:literal) => {
            concat!(
                "SELECT COUNT(*) AS runs FROM (SELECT 1 FROM ends WHERE tenant = $1 AND outcome = '",
                $outcome,
                "' LIMIT $2 + 0) AS found"
            )
        };
    }
    let sql = "SELECT state, COUNT(*) AS runs FROM live WHERE tenant = $1 GROUP BY state";
    let mut live = Vec::new();
    for row in tx.fetch_all(sql, args![tenant]).await? {
        let state = State::parse(row.int("state")?).ok_or_else(|| Error::unreadable("state"))?;
        live.push((state.status(), row.int("runs")?));
    }
    let mut counts = Vec::with_capacity(Status::ALL.len());
    for status in Status::ALL {
        let sql = match status {
            Status::Succeeded => WELL,
            Status::Failed => unwell!("failed"),
            Status::Cancelled => unwell!("cancelled"),
            Status::Dead => unwell!("dead"),
            Status::Queued | Status::Running | Status::Waiting => {
                counts.push((status, live.iter().filter(|(own, _)| *own == status).map(|(_, runs)| runs).sum()));
                continue;
            }
        };
        let row = tx.fetch_optional(sql, args![tenant, cap]).await?.ok_or_else(|| Error::unreadable("runs"))?;
        counts.push((status, row.int("runs")?));
    }
    Ok(counts)
}

/// At most `limit` of the tenant's queued runs after the first `offset`: those that are ready, in the order in which
/// they are taken, then those that are delayed.
pub async fn queued(tx: &mut Tx<'_>, tenant: &TenantId, offset: u32, limit: u32) -> Result<Vec<Run>, Error> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        live_runs!(),
        "WHERE l.tenant = $1 AND l.state IN (0, 2)
          ORDER BY l.state, CASE l.state WHEN 0 THEN l.rank ELSE l.wake_at END, l.id LIMIT $2 + 0 OFFSET $3"
    );
    tx.fetch_all(sql, args![tenant, limit, offset]).await?.iter().map(read).collect()
}

/// At most `limit` runs of a conversation before the run `before` (its `created_at` and id), newest first.
pub async fn previous_in_conversation(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    conversation: &str,
    before: (Micros, RunId),
    limit: u32,
) -> Result<Vec<Run>, Error> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        runs_with_state!(),
        "WHERE r.tenant = $1 AND r.conversation = $2
            AND (r.created_at < $3 OR (r.created_at = $3 AND r.id < $4))
          ORDER BY r.created_at DESC, r.id DESC LIMIT $5 + 0"
    );
    let (at, id) = before;
    tx.fetch_all(sql, args![tenant, conversation, at, id, limit]).await?.iter().map(read).collect()
}

/// At most `limit` of a schedule's runs, older than `before`, newest first.
pub async fn of_schedule(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    schedule: ScheduleId,
    before: Option<RunId>,
    limit: u32,
) -> Result<Vec<Run>, Error> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        runs_with_state!(),
        "WHERE r.tenant = $1 AND r.schedule = $2 AND r.id < $3 ORDER BY r.id DESC LIMIT $4 + 0"
    );
    tx.fetch_all(sql, args![tenant, schedule, before.unwrap_or(RunId::LAST), limit]).await?.iter().map(read).collect()
}
