//! The tenant's audit log, for its admins, and the proof of every chain, for those of the installation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::audit as use_cases;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::{AuditDto, AuditProofDto, Page};
use crate::error::Failure;
use crate::extract::Query;
use crate::state::State;

/// Rows of one page unless the caller says otherwise.
const DEFAULT_PAGE: u32 = 50;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verify))
}

#[derive(Deserialize, IntoParams)]
struct Filter {
    /// How many, 1 to 200.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<i64>,
}

/// The newest rows.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(Filter), responses((status = 200, body = Page<AuditDto>)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<AuditDto>>, Failure> {
    let limit = filter.limit.unwrap_or(DEFAULT_PAGE).clamp(1, use_cases::MAX_PAGE);
    let found = use_cases::list(&state.app, &caller, filter.cursor, limit).await?;
    // A chain begins at 1, so a page that reaches it is the last.
    let last = found.last().map(|row| row.seq).filter(|seq| *seq > 1 && found.len() == limit as usize);
    let items = found.into_iter().map(AuditDto::from).collect();
    Ok(Json(Page { items, next_cursor: last.map(|seq| seq.to_string()) }))
}

/// Proves that no row of any chain was changed or removed, by computing all of them anew; it takes as long as that.
#[utoipa::path(get, path = "/api/v1/audit/verify", tag = "audit", responses((status = 200, body = AuditProofDto)))]
async fn verify(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
) -> Result<Json<AuditProofDto>, Failure> {
    Ok(Json(use_cases::verify(&state.app, &caller).await?.into()))
}
