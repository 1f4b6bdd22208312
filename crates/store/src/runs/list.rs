//! Lists of runs for people, newest first, in pages.

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId, TenantId};

use super::{Run, columns, read};
use crate::{Error, Tx, args};

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those that stand so.
    pub status: Option<Status>,
    /// Only those of this workflow.
    pub kind: Option<String>,
    /// Only those of this queue.
    pub queue: Option<String>,
    /// Whether those that somebody let be are left out.
    pub open_only: bool,
    /// How many at most.
    pub limit: u32,
    /// Only those older than this one: the id of the last run of the page before.
    pub before: Option<RunId>,
}

/// What every list is narrowed by: `$2` kind, `$3` queue, `$4` the run before, `$5` at most, `$6` open ones only.
macro_rules! narrowed {
    () => {
        "($2 IS NULL OR r.kind = $2) AND ($3 IS NULL OR r.queue = $3) AND r.id < $4
           AND ($6 = 0 OR r.discarded_at IS NULL)
         ORDER BY r.id DESC LIMIT $5 + 0"
    };
}

/// The tenant's runs that the filter lets through, newest first. What is rare is not looked for among what is common:
/// runs that have not ended, and those that ended badly, have an index of their own.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId, filter: &RunFilter) -> Result<Vec<Run>, Error> {
    const ALL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM runs r LEFT JOIN live l ON l.tenant = r.tenant AND l.id = r.id WHERE r.tenant = $1 AND ",
        narrowed!()
    );
    const LIVE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM live l JOIN runs r ON r.tenant = l.tenant AND r.id = l.id
          WHERE l.tenant = $1 AND l.state BETWEEN $7 AND $8 AND (l.state <> 1 OR $7 = 1) AND ",
        narrowed!()
    );
    macro_rules! ended {
        ($outcome:literal) => {
            concat!(
                "SELECT ",
                columns!(),
                " FROM runs r LEFT JOIN live l ON l.tenant = r.tenant AND l.id = r.id
                  WHERE r.tenant = $1 AND r.outcome = '",
                $outcome,
                "' AND ",
                narrowed!()
            )
        };
    }
    // Where the page begins: no id is above this text.
    let before = filter.before.map_or("z".to_owned(), |id| id.to_string());
    let (kind, queue) = (filter.kind.as_deref(), filter.queue.as_deref());
    let narrowed = args![tenant, kind, queue, before, filter.limit, filter.open_only];
    let [tenant, kind, queue, before, limit, open] = narrowed;
    let between = |low: i64, high: i64| args![low, high];
    let states = match filter.status {
        Some(Status::Queued) => Some(between(0, 2)),
        Some(Status::Running) => Some(between(1, 1)),
        Some(Status::Waiting) => Some(between(3, 3)),
        _ => None,
    };
    let rows = match (states, filter.status) {
        (Some([low, high]), _) => tx.fetch_all(LIVE, [tenant, kind, queue, before, limit, open, low, high]).await?,
        (None, Some(status)) => {
            let sql = match status {
                Status::Succeeded => ended!("succeeded"),
                Status::Failed => ended!("failed"),
                Status::Cancelled => ended!("cancelled"),
                _ => ended!("dead"),
            };
            tx.fetch_all(sql, [tenant, kind, queue, before, limit, open]).await?
        }
        (None, None) => tx.fetch_all(ALL, [tenant, kind, queue, before, limit, open]).await?,
    };
    rows.iter().map(read).collect()
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
        " FROM runs r LEFT JOIN live l ON l.tenant = r.tenant AND l.id = r.id
          WHERE r.tenant = $1 AND r.conversation = $2
            AND (r.created_at < $3 OR (r.created_at = $3 AND r.id < $4))
          ORDER BY r.created_at DESC, r.id DESC LIMIT $5 + 0"
    );
    let (at, id) = before;
    tx.fetch_all(sql, args![tenant, conversation, at, id, limit]).await?.iter().map(read).collect()
}
