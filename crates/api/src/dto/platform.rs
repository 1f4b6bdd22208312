//! Runs as the clients of the data platform copilot know them.

use pilothouse_store::runs::Run;
use serde::Serialize;
use utoipa::ToSchema;

use crate::words;

/// An execution after a wish to cancel it.
#[derive(Serialize, ToSchema)]
pub struct ExecutionCancelDto {
    /// Its id.
    pub run_id: String,
    /// `PENDING`, `RUNNING`, `CANCELING`, `SUCCEEDED`, `FAILED` or `CANCELED`.
    pub status: String,
    /// Whether it was cancelled, or is about to be.
    pub cancel_requested: bool,
    /// Our word for where it stands.
    pub state: String,
}

impl From<Run> for ExecutionCancelDto {
    fn from(run: Run) -> Self {
        Self {
            run_id: run.id.to_string(),
            status: words::platform(&run).to_owned(),
            cancel_requested: run.cancel_requested || run.status == pilothouse_domain::run::Status::Cancelled,
            state: run.status.as_str().to_owned(),
        }
    }
}

/// An execution after a wish to have it tried again.
#[derive(Serialize, ToSchema)]
pub struct ExecutionRetryDto {
    /// Its id.
    pub run_id: String,
    /// Where it stands.
    pub status: String,
    /// How often somebody had it tried again.
    pub retry_count: i64,
    /// Our word for where it stands.
    pub state: String,
}

impl From<Run> for ExecutionRetryDto {
    fn from(run: Run) -> Self {
        Self {
            run_id: run.id.to_string(),
            status: words::platform(&run).to_owned(),
            retry_count: run.retries,
            state: run.status.as_str().to_owned(),
        }
    }
}

/// What was taken back from vanished workers.
#[derive(Serialize, ToSchema)]
pub struct ExecutionsReconciledDto {
    /// How many executions of the tenant.
    pub reconciled: usize,
    /// There may be more: send the same again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub more: bool,
}
