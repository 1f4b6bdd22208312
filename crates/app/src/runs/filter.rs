//! Which runs are meant, of one state or of several.

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId, TenantId};
use pilothouse_store::runs::{self, Run, RunFilter};
use pilothouse_store::{Error, Tx};
use serde::Serialize;

/// Which runs are meant; what is not said leaves nothing out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Those in one of these states; none means all.
    pub statuses: Vec<Status>,
    /// Those of this workflow.
    pub kind: Option<String>,
    /// Those of this queue.
    pub queue: Option<String>,
    /// Those that this subject asked for.
    pub subject: Option<String>,
    /// Those of this conversation.
    pub conversation: Option<String>,
    /// Those whose end, or whose last attempt, has this code.
    pub error_code: Option<String>,
    /// Those that were asked for at this moment or later.
    pub created_after: Option<Micros>,
    /// Those that were asked for before this moment.
    pub created_before: Option<Micros>,
    /// Those that somebody let be, or only the others.
    pub discarded: Option<bool>,
    /// Those that a worker has begun.
    pub begun_only: bool,
}

impl Filter {
    /// The rows of one state that it means.
    pub(super) fn rows(&self, status: Option<Status>, limit: u32, before: Option<RunId>) -> RunFilter {
        RunFilter {
            status,
            kind: self.kind.clone(),
            queue: self.queue.clone(),
            subject: self.subject.clone(),
            conversation: self.conversation.clone(),
            error_code: self.error_code.clone(),
            created_after: self.created_after,
            created_before: self.created_before,
            as_of: None,
            open_only: self.discarded == Some(false),
            discarded_only: self.discarded == Some(true),
            begun_only: self.begun_only,
            limit,
            before,
        }
    }

    /// The states as the rows are asked for: one after the other, or all at once.
    pub(super) fn states(&self) -> Vec<Option<Status>> {
        if self.statuses.is_empty() { vec![None] } else { self.statuses.iter().copied().map(Some).collect() }
    }
}

/// At most `limit` of the tenant's runs that are meant, older than `before`, newest first.
pub(super) async fn page(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    filter: &Filter,
    limit: u32,
    before: Option<RunId>,
) -> Result<Vec<Run>, Error> {
    let mut found = Vec::new();
    for status in filter.states() {
        found.extend(runs::list(tx, tenant, &filter.rows(status, limit, before)).await?);
    }
    found.sort_by_key(|run| std::cmp::Reverse(run.id));
    found.dedup_by_key(|run| run.id);
    found.truncate(limit as usize);
    Ok(found)
}

/// The ids of the first `limit` of the tenant's runs that are meant, newest first.
pub(super) async fn ids(tx: &mut Tx<'_>, tenant: &TenantId, filter: &Filter, limit: u32) -> Result<Vec<RunId>, Error> {
    let mut found = Vec::new();
    for status in filter.states() {
        found.extend(runs::ids(tx, tenant, &filter.rows(status, limit, None)).await?);
    }
    found.sort_by_key(|id| std::cmp::Reverse(*id));
    found.dedup();
    found.truncate(limit as usize);
    Ok(found)
}
