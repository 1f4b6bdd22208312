//! SQL that somebody brings along: what it would take, and what it has found.

use pilothouse_app::queries::{Blocked, Previewed, Ran, Rows};
use pilothouse_domain::cost::Forecast;
use pilothouse_domain::money::NanoUsd;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A statement to look at before it runs.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
pub struct PreviewSqlRequest {
    /// The tenant; the same as in the headers.
    org_id: String,
    /// The statement.
    sql: String,
    /// The connection it is for; without one, the tenant's default.
    connection_id: Option<String>,
}

/// A preview to run.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
pub struct ApproveRunRequest {
    /// The tenant; the same as in the headers.
    org_id: String,
    /// The preview's id, or that of a question that waits for an approval.
    preview_id: String,
}

/// What would become of a statement.
#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum PreviewDto {
    /// It runs when whoever previewed it says so.
    Ready(KeptDto),
    /// It runs once somebody has approved it.
    ApprovalRequired(KeptDto),
    /// It does not run.
    Blocked(BlockedDto),
}

/// A statement that may run.
#[derive(Serialize, ToSchema)]
pub struct KeptDto {
    /// The id to run it by.
    preview_id: String,
    /// What would run: the statement with its limit, and with what the caller's rights add.
    sql: String,
    /// Bytes it would read; 0 where that is not known.
    estimated_bytes: u64,
    /// What it would cost, in US dollars; 0 where that is not known.
    estimated_cost_usd: f64,
    /// Whether somebody has to approve it.
    requires_approval: bool,
    /// Why.
    reasons: Vec<String>,
    /// The approval it waits for.
    #[schema(required)]
    approval_id: Option<String>,
    /// What it is expected to take, in a sentence.
    expectation: String,
    /// The connection it is for.
    connection_id: String,
}

/// Why a statement does not run.
#[derive(Serialize, ToSchema)]
pub struct BlockedDto {
    /// The reasons.
    reasons: Vec<String>,
    /// Bytes that the tenant may read in an hour, where it has read as many.
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<u64>,
    /// What is left of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_remaining: Option<u64>,
}

/// What has become of a preview.
#[derive(Serialize, ToSchema)]
pub struct RanDto {
    /// Its id.
    preview_id: String,
    #[serde(flatten)]
    ran: RanKind,
}

#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
enum RanKind {
    /// It has run.
    Executed(RowsDto),
    /// It does not run.
    Blocked(BlockedDto),
    /// Its run goes on: ask again.
    Running { run_id: String },
    /// It waits for others to approve it.
    ApprovalRequired { approval_id: String, reasons: Vec<String> },
    /// Whoever previewed it may run it now.
    Approved { approval_id: String },
}

/// What a query has found.
#[derive(Serialize, ToSchema)]
struct RowsDto {
    /// Its run.
    run_id: String,
    /// Bytes it was expected to read; 0 where that was not known.
    estimated_bytes: u64,
    /// Bytes it has read; 0 where it was answered from what was kept, or the engine does not tell.
    actual_bytes: u64,
    /// The rows, by the names of their columns.
    rows: Vec<Value>,
    /// How many they are.
    row_count: usize,
    /// Whether more were left out.
    truncated: bool,
}

impl From<Previewed> for PreviewDto {
    fn from(previewed: Previewed) -> Self {
        let (id, connection, sql, judged, approval) = match previewed {
            Previewed::Blocked(blocked) => return Self::Blocked(blocked.into()),
            Previewed::Kept { id, connection, sql, judged, approval } => (id, connection, sql, judged, approval),
        };
        let Forecast { bytes, cost, .. } = judged.forecast;
        let kept = KeptDto {
            preview_id: id.to_string(),
            sql,
            estimated_bytes: bytes.unwrap_or(0),
            estimated_cost_usd: cost.map_or(0.0, NanoUsd::usd),
            requires_approval: approval.is_some(),
            expectation: format!("It {}.", judged.forecast.in_words()),
            reasons: judged.reasons,
            approval_id: approval.map(|id| id.to_string()),
            connection_id: connection.to_string(),
        };
        if approval.is_some() { Self::ApprovalRequired(kept) } else { Self::Ready(kept) }
    }
}

impl From<Blocked> for BlockedDto {
    fn from(blocked: Blocked) -> Self {
        let Blocked { reasons, budget, bytes_remaining } = blocked;
        Self { reasons, budget, bytes_remaining }
    }
}

impl RanDto {
    /// What has become of the preview with this id.
    pub fn new(preview_id: String, ran: Ran) -> Self {
        let ran = match ran {
            Ran::Executed(Rows { run, rows, truncated, estimated_bytes, actual_bytes }) => RanKind::Executed(RowsDto {
                run_id: run.to_string(),
                estimated_bytes: estimated_bytes.unwrap_or(0),
                actual_bytes: actual_bytes.unwrap_or(0),
                row_count: rows.len(),
                rows,
                truncated,
            }),
            Ran::Blocked(blocked) => RanKind::Blocked(blocked.into()),
            Ran::Goes(run) => RanKind::Running { run_id: run.to_string() },
            Ran::Waits { approval, reasons } => {
                RanKind::ApprovalRequired { approval_id: approval.to_string(), reasons }
            }
            Ran::Agreed(approval) => RanKind::Approved { approval_id: approval.to_string() },
        };
        Self { preview_id, ran }
    }
}
