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
    /// How many at most.
    pub limit: u32,
    /// Only those older than this one: `created_at` and id of the last run of the page before.
    pub before: Option<(Micros, RunId)>,
}

/// The tenant's runs that the filter lets through, newest first.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId, filter: &RunFilter) -> Result<Vec<Run>, Error> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM runs WHERE tenant = $1 AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR kind = $3)
            AND ($4 IS NULL OR created_at < $4 OR (created_at = $4 AND id < $5))
          ORDER BY created_at DESC, id DESC LIMIT $6"
    );
    let values = args![
        tenant,
        filter.status.map(Status::as_str),
        filter.kind.as_deref(),
        filter.before.map(|(at, _)| at),
        filter.before.map(|(_, id)| id),
        filter.limit,
    ];
    tx.fetch_all(sql, values).await?.iter().map(read).collect()
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
        " FROM runs WHERE tenant = $1 AND conversation = $2
            AND (created_at < $3 OR (created_at = $3 AND id < $4))
          ORDER BY created_at DESC, id DESC LIMIT $5"
    );
    let (at, id) = before;
    tx.fetch_all(sql, args![tenant, conversation, at, id, limit]).await?.iter().map(read).collect()
}
