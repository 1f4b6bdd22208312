//! Approvals of builds in advance, as the clients of the data platform copilot know them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::approvals::{self as use_cases, Plan, Remark};
use pilothouse_domain::Code;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::platform::{BuildApprovalDto, BuildApprovalsDto, BuildApprovedDto, BuildRevokedDto};
use crate::dto::requests::BuildApprovalRequest;
use crate::error::Failure;
use crate::extract::Path;
use crate::json::JsonBody;
use crate::state::State;

/// What is said where there is no approval that holds.
const UNKNOWN: &str = "approval_not_found";

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(grant)).routes(routes!(list)).routes(routes!(show, revoke))
}

/// Approves a plan in advance, by its hash; once more makes it hold anew. Who approves is the caller: `approver` is a remark.
#[utoipa::path(post, path = "/api/v2/build/approvals", tag = "builds", request_body = BuildApprovalRequest,
    responses((status = 200, body = BuildApprovedDto)))]
async fn grant(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<BuildApprovedDto>, Failure> {
    let (job, hash) = (fields.text("job_name", 1), fields.text("plan_hash", 1));
    let (approver, notes) = (fields.text("approver", 0), fields.optional_text("notes"));
    let metadata: Option<Map<String, Value>> = fields.optional_object("metadata");
    fields.finish()?;
    let (notes, metadata) = (notes.unwrap_or_default(), metadata.unwrap_or_default());
    let remark = Remark { approver, notes, metadata };
    let approval = use_cases::grant(&state.app, &caller, Plan { job, hash }, remark).await?;
    Ok(Json(BuildApprovedDto { ok: true, approval: BuildApprovalDto::from(approval) }))
}

/// The approvals of a job's plans, newest first, those that have expired or were used among them: `state` tells which hold.
#[utoipa::path(get, path = "/api/v2/build/approvals/{job_name}", tag = "builds", params(("job_name" = String, Path)),
    responses((status = 200, body = BuildApprovalsDto)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(job): Path<String>,
) -> Result<Json<BuildApprovalsDto>, Failure> {
    let approvals = use_cases::grants(&state.app, &caller, &job).await?;
    let approvals = approvals.into_iter().map(BuildApprovalDto::from).collect();
    Ok(Json(BuildApprovalsDto { ok: true, job_name: job, approvals }))
}

/// The approval of a plan that holds.
#[utoipa::path(get, path = "/api/v2/build/approvals/{job_name}/{plan_hash}", tag = "builds",
    params(("job_name" = String, Path), ("plan_hash" = String, Path)), responses((status = 200, body = BuildApprovedDto)))]
async fn show(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path((job, hash)): Path<(String, String)>,
) -> Result<Json<BuildApprovedDto>, Failure> {
    let approval = use_cases::granted(&state.app, &caller, Plan { job, hash }).await.map_err(where_unknown)?;
    Ok(Json(BuildApprovedDto { ok: true, approval: BuildApprovalDto::from(approval) }))
}

/// Takes the approval of a plan back.
#[utoipa::path(delete, path = "/api/v2/build/approvals/{job_name}/{plan_hash}", tag = "builds",
    params(("job_name" = String, Path), ("plan_hash" = String, Path)), responses((status = 200, body = BuildRevokedDto)))]
async fn revoke(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path((job, hash)): Path<(String, String)>,
) -> Result<Json<BuildRevokedDto>, Failure> {
    let plan = Plan { job: job.clone(), hash: hash.clone() };
    use_cases::ungrant(&state.app, &caller, plan).await.map_err(where_unknown)?;
    Ok(Json(BuildRevokedDto { ok: true, revoked: true, job_name: job, plan_hash: hash }))
}

fn where_unknown(error: pilothouse_app::Error) -> Failure {
    match error.code {
        Code::ApprovalUnknown => Failure::new(error.code, UNKNOWN),
        _ => Failure(error),
    }
}
