//! Changes of many runs: the wish, its preview, and what a part of it changed.

use std::collections::BTreeMap;

use pilothouse_app::runs::{Changed, Preview};
use pilothouse_domain::clock::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RunDto;

/// Which runs are meant; an empty filter is refused.
#[derive(Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub struct BulkFilter {
    /// In these states; those that the action cannot be done in are left out. None means those that it is usually done
    /// in: `dead` and `failed` for retry, all that have not ended for cancel, `dead` for discard.
    pub status: Vec<String>,
    /// Of this workflow.
    pub kind: Option<String>,
    /// Of this queue.
    pub queue: Option<String>,
    /// Asked for by this subject.
    pub subject: Option<String>,
    /// Whose last error has this code.
    pub error_code: Option<String>,
    /// Asked for at this moment or later.
    pub created_after: Option<String>,
    /// Asked for before this moment.
    pub created_before: Option<String>,
    /// Of those, only these; 1,000 at most.
    pub ids: Vec<String>,
}

/// A wish to change many runs.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
pub struct BulkRequest {
    /// `retry`, `cancel` or `discard`.
    action: String,
    /// Which runs.
    filter: BulkFilter,
    /// Why; needed to discard, not to look.
    reason: Option<String>,
    /// `true`, as it is without the field, shows what would be changed and changes nothing.
    dry_run: Option<bool>,
    /// The preview's `as_of`, at most 15 minutes old; needed to change anything.
    as_of: Option<String>,
    /// Runs that this call changes, 1 to 500.
    limit: Option<u32>,
    /// Where the part before ended.
    cursor: Option<String>,
}

/// What is answered: a preview, or what was changed.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum BulkDto {
    /// With `dry_run`.
    Preview(BulkPreviewDto),
    /// Without.
    Changed(BulkChangedDto),
}

/// What would be changed.
#[derive(Serialize, ToSchema)]
pub struct BulkPreviewDto {
    /// The action.
    pub action: String,
    /// How many runs.
    pub matched: i64,
    /// Whether there may be more: at most 10,000 of each state are counted.
    pub capped: bool,
    /// How many of each workflow.
    pub by_kind: BTreeMap<String, i64>,
    /// How many in each state.
    pub by_status: BTreeMap<String, i64>,
    /// How many with each code.
    pub by_error: BTreeMap<String, i64>,
    /// The newest of them, 10 at most.
    pub sample: Vec<RunDto>,
    /// What to send with the wish, so that nothing is changed that came to stand so after this look.
    pub as_of: String,
}

impl BulkPreviewDto {
    /// The preview of an action.
    pub fn new(action: &str, preview: Preview) -> Self {
        let Preview { matched, capped, by_kind, by_status, by_error, sample, as_of } = preview;
        let sample = sample.into_iter().map(RunDto::from).collect();
        let (action, as_of) = (action.to_owned(), rfc3339(as_of));
        Self { action, matched, capped, by_kind, by_status, by_error, sample, as_of }
    }
}

/// What a part of the wish changed.
#[derive(Serialize, ToSchema)]
pub struct BulkChangedDto {
    /// The action.
    pub action: String,
    /// How many runs it was done to.
    pub changed: usize,
    /// How many were looked at that had changed meanwhile.
    pub skipped: usize,
    /// What to send as `cursor` for the next part; null after the last.
    pub next_cursor: Option<String>,
}

impl BulkChangedDto {
    /// What an action changed.
    pub fn new(action: &str, changed: &Changed) -> Self {
        let next_cursor = changed.next.map(|id| id.to_string());
        Self { action: action.to_owned(), changed: changed.changed, skipped: changed.skipped, next_cursor }
    }
}
