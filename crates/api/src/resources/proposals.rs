//! Verified questions: proposals learnt from corrections, and vouching for an answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::proposals::{self, Proposal};
use pilothouse_domain::Code;
use pilothouse_domain::clock::rfc3339;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::connections::parse;
use super::documents::VersionDto;
use crate::caller::Caller;
use crate::error::Failure;
use crate::extract::Path;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(accept)).routes(routes!(reject)).routes(routes!(verify))
}

/// How a question might be read, by what people corrected.
#[derive(Serialize, ToSchema)]
struct ProposalDto {
    /// What it is decided under.
    key: String,
    /// The question as it was asked.
    question: String,
    /// What it was meant as, in words.
    reading: String,
    /// The same as a semantic query.
    query: Value,
    /// What was corrected: `choice` (one of several readings was picked), `change` (another number was asked for) or
    /// `other_words` (it was declined, and asked again in words that are known).
    learnt_from: String,
    /// How often.
    times: i64,
    /// Who corrected it last.
    last_by: String,
    /// The run of that answer.
    last_run: String,
    /// When.
    updated_at: String,
}

/// The proposals that wait, those that came up most often first.
#[derive(Serialize, ToSchema)]
struct ProposalsDto {
    items: Vec<ProposalDto>,
}

impl From<Proposal> for ProposalDto {
    fn from(proposal: Proposal) -> Self {
        let (correction, times) = (proposal.correction, proposal.times);
        Self {
            key: correction.key,
            question: correction.question,
            reading: correction.reading,
            query: serde_json::from_str(&correction.query).unwrap_or_default(),
            learnt_from: correction.learnt_from,
            times,
            last_by: correction.by,
            last_run: correction.run.to_string(),
            updated_at: rfc3339(correction.at),
        }
    }
}

/// The proposals for a connection that wait for somebody.
#[utoipa::path(get, path = "/api/v1/connections/{id}/proposals", tag = "data", operation_id = "proposals_list",
    params(("id" = String, Path)), responses((status = 200, body = ProposalsDto)))]
async fn list(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<ProposalsDto>, Failure> {
    let found = proposals::list(&state.app, &caller, parse(&id)?).await?;
    Ok(Json(ProposalsDto { items: found.into_iter().map(ProposalDto::from).collect() }))
}

/// Makes a proposal a verified question, in a new version of the semantic model.
#[utoipa::path(post, path = "/api/v1/connections/{id}/proposals/{key}/accept", tag = "data",
    operation_id = "proposals_accept", params(("id" = String, Path), ("key" = String, Path)),
    responses((status = 200, body = VersionDto)))]
async fn accept(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path((id, key)): Path<(String, String)>,
) -> Result<Json<VersionDto>, Failure> {
    Ok(Json(proposals::accept(&state.app, &caller, parse(&id)?, &key).await?.into()))
}

/// Lets a proposal be; it does not come up again.
#[utoipa::path(post, path = "/api/v1/connections/{id}/proposals/{key}/reject", tag = "data",
    operation_id = "proposals_reject", params(("id" = String, Path), ("key" = String, Path)), responses((status = 204)))]
async fn reject(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path((id, key)): Path<(String, String)>,
) -> Result<axum::http::StatusCode, Failure> {
    proposals::reject(&state.app, &caller, parse(&id)?, &key).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// Vouches for the answer of a run: its question is read like that from now on, also with other periods and values.
#[utoipa::path(post, path = "/api/v1/runs/{id}/verify", tag = "data", operation_id = "run_verify",
    params(("id" = String, Path)), responses((status = 200, body = VersionDto)))]
async fn verify(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<VersionDto>, Failure> {
    let run = id.parse().map_err(|_| Failure::new(Code::RunUnknown, "There is no such run."))?;
    Ok(Json(proposals::verify(&state.app, &caller, run).await?.into()))
}
