//! What the SQL guard says.

use serde::Serialize;
use utoipa::ToSchema;

/// What may happen with a statement.
#[derive(Serialize, ToSchema)]
pub struct SqlReportDto {
    /// `allow`, `allow_rewritten`, `needs_approval` or `block`.
    pub verdict: String,
    /// The statement that would run; null where none may.
    pub sql: Option<String>,
    /// Every reason for the verdict.
    pub reasons: Vec<ReasonDto>,
    /// The tables it reads.
    pub tables: Vec<String>,
    /// The columns it reads, as `table.column`.
    pub columns: Vec<String>,
}

/// One reason.
#[derive(Serialize, ToSchema)]
pub struct ReasonDto {
    /// The stable code, for instance `table.unknown`.
    pub code: String,
    /// Plain words.
    pub message: String,
    /// The line in the statement, from 1.
    pub line: Option<u32>,
    /// The column in the line, from 1.
    pub column: Option<u32>,
    /// What might have been meant, or how to mend it.
    pub suggestion: Option<String>,
}
