//! Runs as the clients of the data platform copilot know them.

use pilothouse_app::approvals::Granted;
use pilothouse_domain::approval::State as ApprovalState;
use pilothouse_domain::clock::rfc3339;
use pilothouse_store::runs::Run;
use serde::Serialize;
use serde_json::{Map, Value};
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

/// An approval of a plan, given in advance.
#[derive(Serialize, ToSchema)]
pub struct BuildApprovalDto {
    /// The job's name.
    job_name: String,
    /// The plan's hash.
    plan_hash: String,
    /// Who approved, in the words of the request; `approved_by` is who did.
    approver: String,
    /// What was said of it.
    notes: String,
    /// What was sent with it.
    #[schema(value_type = Value)]
    metadata: Map<String, Value>,
    /// Whether it holds.
    approved: bool,
    /// When it was given.
    approved_at: String,
    /// Who gave it, as they were authenticated.
    approved_by: String,
    /// Until when it holds.
    expires_at: Option<String>,
    /// `approved`, `used` or `expired`.
    state: &'static str,
}

impl From<Granted> for BuildApprovalDto {
    fn from(Granted { approval, plan, remark, by }: Granted) -> Self {
        Self {
            job_name: plan.job,
            plan_hash: plan.hash,
            approver: remark.approver,
            notes: remark.notes,
            metadata: remark.metadata,
            approved: approval.state == ApprovalState::Approved,
            approved_at: rfc3339(approval.requested_at),
            approved_by: by,
            expires_at: approval.expires_at.map(rfc3339),
            state: approval.state.as_str(),
        }
    }
}

/// The approval of a plan.
#[derive(Serialize, ToSchema)]
pub struct BuildApprovedDto {
    /// `true`.
    pub ok: bool,
    /// It.
    pub approval: BuildApprovalDto,
}

/// The approvals of a job's plans.
#[derive(Serialize, ToSchema)]
pub struct BuildApprovalsDto {
    /// `true`.
    pub ok: bool,
    /// The job's name.
    pub job_name: String,
    /// They, newest first.
    pub approvals: Vec<BuildApprovalDto>,
}

/// An approval that was taken back.
#[derive(Serialize, ToSchema)]
pub struct BuildRevokedDto {
    /// `true`.
    pub ok: bool,
    /// `true`.
    pub revoked: bool,
    /// The job's name.
    pub job_name: String,
    /// The plan's hash.
    pub plan_hash: String,
}
