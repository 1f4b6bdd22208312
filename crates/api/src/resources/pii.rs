//! Columns that may hold personal data, and what people decide about them; as clients of the data team autopilot know it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::Error;
use pilothouse_app::personal::{self, Decision, Finding};
use pilothouse_domain::clock::rfc3339;
use pilothouse_domain::personal::CERTAIN;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::HeaderCaller;
use crate::dto::requests::PiiDecision;
use crate::dto::word;
use crate::error::Failure;
use crate::json::JsonList;
use crate::parameters::Parameters;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(review)).routes(routes!(confirm))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is described, never made")]
struct OrgQuery {
    /// The tenant; the same as in the headers.
    org_id: String,
}

/// A column that may hold personal data.
#[derive(Serialize, ToSchema)]
struct PiiColumn {
    /// The schema that the table stands in; where there is none, the connection's name.
    dataset: String,
    /// The table.
    table: String,
    /// The column.
    column: String,
    /// How sure it is that it holds personal data, in percent; 0 where only a person says so.
    confidence: u8,
    /// Whether it is treated as personal, and so masked.
    is_pii: bool,
    /// The connection's id.
    connection_id: String,
    /// The connection's name.
    connection: String,
    /// What it is thought to hold: `email`, `phone`, `card`, `bank_account`, `national_id`, `ip_address`, `person_name`,
    /// `address` or `birth_date`; null where only a person says so.
    #[schema(required)]
    kind: Option<String>,
    /// Why.
    evidence: Vec<String>,
    /// Who has decided; null as long as nobody has.
    #[schema(required)]
    reviewed_by: Option<String>,
    /// When.
    #[schema(required, format = DateTime)]
    reviewed_at: Option<String>,
}

/// The columns of a tenant's connections that may hold personal data.
#[derive(Serialize, ToSchema)]
struct PiiReview {
    /// The tenant.
    org_id: String,
    /// Those that are taken for personal.
    auto_tagged_high_confidence: Vec<PiiColumn>,
    /// Those that only may be; they are masked until somebody has looked at them.
    needs_review_low_confidence: Vec<PiiColumn>,
    /// What a client may offer to do with many at once.
    bulk_actions: [&'static str; 2],
}

/// What became of decisions.
#[derive(Serialize, ToSchema)]
struct PiiConfirmed {
    /// The tenant.
    org_id: String,
    /// Columns that were decided upon.
    updated: usize,
    /// Those that no connection has, as `dataset.table.column`.
    unknown: Vec<String>,
}

impl From<Finding> for PiiColumn {
    fn from(found: Finding) -> Self {
        let is_pii = found.is_personal();
        Self {
            confidence: found.suspicion.as_ref().map_or(0, |suspicion| suspicion.confidence),
            kind: found.suspicion.as_ref().map(|suspicion| word(&suspicion.kind)),
            evidence: found.suspicion.map(|suspicion| suspicion.evidence).unwrap_or_default(),
            reviewed_at: found.review.as_ref().map(|review| rfc3339(review.reviewed_at)),
            reviewed_by: found.review.map(|review| review.reviewed_by),
            dataset: found.dataset,
            table: found.table,
            column: found.column,
            connection_id: found.connection.to_string(),
            connection: found.connection_name,
            is_pii,
        }
    }
}

/// Every column that is suspected of personal data or was decided upon.
#[utoipa::path(get, path = "/api/v1/pii/review", tag = "data", operation_id = "pii_review", params(OrgQuery),
    responses((status = 200, body = PiiReview)))]
async fn review(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    mut query: Parameters,
) -> Result<Json<PiiReview>, Failure> {
    let org_id = query.text("org_id");
    query.finish_in(&caller, &org_id)?;
    let found = personal::findings(&state.app, &caller).await?;
    let columns = found.into_iter().map(PiiColumn::from);
    let (high, low) = columns.partition(|column| column.confidence >= CERTAIN || column.kind.is_none());
    Ok(Json(PiiReview {
        org_id,
        auto_tagged_high_confidence: high,
        needs_review_low_confidence: low,
        bulk_actions: ["confirm_all_high_confidence", "mark_not_pii_all_low_confidence"],
    }))
}

/// Decides about columns: a list of `{"dataset", "table", "column", "is_pii"}`, and `connection_id` where two connections have
/// such a dataset. To say that one holds no personal data takes an operator.
#[utoipa::path(post, path = "/api/v1/pii/review/confirm", tag = "data", operation_id = "pii_confirm", params(OrgQuery),
    request_body = Vec<PiiDecision>, responses((status = 200, body = PiiConfirmed)))]
async fn confirm(
    FromState(state): FromState<Arc<State>>,
    HeaderCaller(caller): HeaderCaller,
    mut query: Parameters,
    JsonList(items): JsonList,
) -> Result<Json<PiiConfirmed>, Failure> {
    let org_id = query.text("org_id");
    query.finish_in(&caller, &org_id)?;
    let decisions = items.into_iter().map(decision).collect::<Result<Vec<_>, _>>()?;
    let decided = personal::decide(&state.app, &caller, &decisions).await?;
    Ok(Json(PiiConfirmed { org_id, updated: decided.updated, unknown: decided.unknown }))
}

fn decision(mut fields: crate::fields::Fields) -> Result<Decision, Error> {
    let [dataset, table, column] = ["dataset", "table", "column"].map(|name| fields.text(name, 1));
    let connection = fields.optional_text("connection_id");
    let connection = fields.parsed("connection_id", connection, "a connection's id");
    let is_personal = fields.flag("is_pii");
    fields.finish()?;
    Ok(Decision { connection, dataset, table, column, is_personal })
}
