//! What people write about a connection: the semantic model and the access policy, each read, checked, stored and looked
//! back at in the same way.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::documents::{self, Exchanged, Kind, Versioned};
use pilothouse_domain::clock::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::connections::parse;
use crate::caller::Caller;
use crate::dto::requests::YamlRequest;
use crate::error::Failure;
use crate::extract::Path;
use crate::json::JsonBody;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(semantic, put_semantic))
        .routes(routes!(check_semantic))
        .routes(routes!(semantic_versions))
        .routes(routes!(to_ossie, from_ossie))
        .routes(routes!(semantic_version))
        .routes(routes!(policy, put_policy))
        .routes(routes!(check_policy))
        .routes(routes!(policy_versions))
        .routes(routes!(policy_version))
}

/// A document in one of its versions.
#[derive(Serialize, ToSchema)]
pub(super) struct DocumentDto {
    /// The text as YAML.
    yaml: String,
    /// Its version; 0 is what holds where nobody has written anything.
    version: i64,
    /// When it was stored.
    updated_at: String,
    /// Who stored it; null where nobody did.
    updated_by: Option<String>,
}

impl From<Versioned> for DocumentDto {
    fn from(document: Versioned) -> Self {
        let Versioned { yaml, version, updated_at, updated_by } = document;
        Self { yaml, version, updated_at: rfc3339(updated_at), updated_by }
    }
}

/// Stored versions, newest first, without their texts.
#[derive(Serialize, ToSchema)]
pub(super) struct VersionsDto {
    items: Vec<VersionDto>,
}

impl From<Vec<Versioned>> for VersionsDto {
    fn from(all: Vec<Versioned>) -> Self {
        Self { items: all.into_iter().map(VersionDto::from).collect() }
    }
}

/// A version without its text.
#[derive(Serialize, ToSchema)]
pub(super) struct VersionDto {
    /// 1, 2, 3 ….
    version: i64,
    /// When it was stored.
    updated_at: String,
    /// Who stored it.
    updated_by: Option<String>,
}

impl From<Versioned> for VersionDto {
    fn from(document: Versioned) -> Self {
        let Versioned { yaml: _, version, updated_at, updated_by } = document;
        Self { version, updated_at: rfc3339(updated_at), updated_by }
    }
}

/// Whether a text could be stored.
#[derive(Serialize, ToSchema)]
struct CheckedDto {
    /// Whether it could.
    valid: bool,
    /// The line that is wrong, counted from 1; 0 where it is the whole text.
    line: Option<u64>,
    /// What is wrong there.
    reason: Option<String>,
}

/// A semantic model in another format.
#[derive(Serialize, ToSchema)]
struct ExchangedDto {
    /// The text as YAML.
    yaml: String,
    /// What could not be said in it, in sentences.
    left_out: Vec<String>,
}

impl From<Exchanged> for ExchangedDto {
    fn from(file: Exchanged) -> Self {
        Self { yaml: file.yaml, left_out: file.left_out }
    }
}

type Held = FromState<Arc<State>>;

async fn shown(state: Held, caller: Caller, id: &str, kind: Kind) -> Result<Json<DocumentDto>, Failure> {
    Ok(Json(documents::get(&state.app, &caller.0, parse(id)?, kind).await?.into()))
}

async fn stored(
    state: Held,
    caller: Caller,
    id: &str,
    kind: Kind,
    mut fields: JsonBody,
) -> Result<Json<DocumentDto>, Failure> {
    let yaml = text(&mut fields, kind);
    fields.0.finish()?;
    Ok(Json(documents::put(&state.app, &caller.0, parse(id)?, kind, &yaml).await?.into()))
}

async fn checked(
    state: Held,
    caller: Caller,
    id: &str,
    kind: Kind,
    mut fields: JsonBody,
) -> Result<Json<CheckedDto>, Failure> {
    let yaml = text(&mut fields, kind);
    fields.0.finish()?;
    let fault = documents::check(&state.app, &caller.0, parse(id)?, kind, &yaml).await?;
    let (line, reason) = fault.map(|fault| (fault.line, fault.reason)).unzip();
    Ok(Json(CheckedDto { valid: reason.is_none(), line, reason }))
}

/// A policy may be emptied; a model without a word would be a mistake.
fn text(fields: &mut JsonBody, kind: Kind) -> String {
    fields.0.text("yaml", usize::from(kind == Kind::Semantic))
}

async fn listed(state: Held, caller: Caller, id: &str, kind: Kind) -> Result<Json<VersionsDto>, Failure> {
    let all = documents::versions(&state.app, &caller.0, parse(id)?, kind).await?;
    Ok(Json(all.into()))
}

async fn one(state: Held, caller: Caller, at: (String, i64), kind: Kind) -> Result<Json<DocumentDto>, Failure> {
    let (id, version) = at;
    Ok(Json(documents::version(&state.app, &caller.0, parse(&id)?, kind, version).await?.into()))
}

/// The present semantic model.
#[utoipa::path(get, path = "/api/v1/connections/{id}/semantic", tag = "data", params(("id" = String, Path)),
    responses((status = 200, body = DocumentDto)))]
async fn semantic(state: Held, caller: Caller, Path(id): Path<String>) -> Result<Json<DocumentDto>, Failure> {
    shown(state, caller, &id, Kind::Semantic).await
}

/// Stores a new version of the semantic model: `{"yaml": "…"}`.
#[utoipa::path(put, path = "/api/v1/connections/{id}/semantic", tag = "data", params(("id" = String, Path)),
    request_body = YamlRequest, responses((status = 200, body = DocumentDto)))]
async fn put_semantic(
    state: Held,
    caller: Caller,
    Path(id): Path<String>,
    fields: JsonBody,
) -> Result<Json<DocumentDto>, Failure> {
    stored(state, caller, &id, Kind::Semantic, fields).await
}

/// Whether a text could be the semantic model; nothing is stored.
#[utoipa::path(post, path = "/api/v1/connections/{id}/semantic/check", tag = "data", params(("id" = String, Path)),
    request_body = YamlRequest, responses((status = 200, body = CheckedDto)))]
async fn check_semantic(
    state: Held,
    caller: Caller,
    Path(id): Path<String>,
    fields: JsonBody,
) -> Result<Json<CheckedDto>, Failure> {
    checked(state, caller, &id, Kind::Semantic, fields).await
}

/// The stored versions of the semantic model.
#[utoipa::path(get, path = "/api/v1/connections/{id}/semantic/versions", tag = "data", params(("id" = String, Path)),
    responses((status = 200, body = VersionsDto)))]
async fn semantic_versions(state: Held, caller: Caller, Path(id): Path<String>) -> Result<Json<VersionsDto>, Failure> {
    listed(state, caller, &id, Kind::Semantic).await
}

/// One stored version of the semantic model.
#[utoipa::path(get, path = "/api/v1/connections/{id}/semantic/versions/{version}", tag = "data",
    params(("id" = String, Path), ("version" = i64, Path)), responses((status = 200, body = DocumentDto)))]
async fn semantic_version(
    state: Held,
    caller: Caller,
    Path(at): Path<(String, i64)>,
) -> Result<Json<DocumentDto>, Failure> {
    one(state, caller, at, Kind::Semantic).await
}

/// The present semantic model in the exchange format of Apache Ossie.
#[utoipa::path(get, path = "/api/v1/connections/{id}/semantic/ossie", tag = "data", params(("id" = String, Path)),
    responses((status = 200, body = ExchangedDto)))]
async fn to_ossie(state: Held, caller: Caller, Path(id): Path<String>) -> Result<Json<ExchangedDto>, Failure> {
    Ok(Json(documents::to_ossie(&state.app, &caller.0, parse(&id)?).await?.into()))
}

/// Our own text for a model in that format. Nothing is stored: it is looked at, and then put.
#[utoipa::path(post, path = "/api/v1/connections/{id}/semantic/ossie", tag = "data", params(("id" = String, Path)),
    request_body = YamlRequest, responses((status = 200, body = ExchangedDto)))]
async fn from_ossie(
    state: Held,
    caller: Caller,
    Path(id): Path<String>,
    mut fields: JsonBody,
) -> Result<Json<ExchangedDto>, Failure> {
    let yaml = fields.0.text("yaml", 1);
    fields.0.finish()?;
    Ok(Json(documents::from_ossie(&state.app, &caller.0, parse(&id)?, &yaml).await?.into()))
}

/// The present access policy.
#[utoipa::path(get, path = "/api/v1/connections/{id}/policy", tag = "data", params(("id" = String, Path)),
    responses((status = 200, body = DocumentDto)))]
async fn policy(state: Held, caller: Caller, Path(id): Path<String>) -> Result<Json<DocumentDto>, Failure> {
    shown(state, caller, &id, Kind::Access).await
}

/// Stores a new version of the access policy: `{"yaml": "…"}`. It holds from the next statement on.
#[utoipa::path(put, path = "/api/v1/connections/{id}/policy", tag = "data", params(("id" = String, Path)),
    request_body = YamlRequest, responses((status = 200, body = DocumentDto)))]
async fn put_policy(
    state: Held,
    caller: Caller,
    Path(id): Path<String>,
    fields: JsonBody,
) -> Result<Json<DocumentDto>, Failure> {
    stored(state, caller, &id, Kind::Access, fields).await
}

/// Whether a text could be the access policy; nothing is stored.
#[utoipa::path(post, path = "/api/v1/connections/{id}/policy/check", tag = "data", params(("id" = String, Path)),
    request_body = YamlRequest, responses((status = 200, body = CheckedDto)))]
async fn check_policy(
    state: Held,
    caller: Caller,
    Path(id): Path<String>,
    fields: JsonBody,
) -> Result<Json<CheckedDto>, Failure> {
    checked(state, caller, &id, Kind::Access, fields).await
}

/// The stored versions of the access policy.
#[utoipa::path(get, path = "/api/v1/connections/{id}/policy/versions", tag = "data", params(("id" = String, Path)),
    responses((status = 200, body = VersionsDto)))]
async fn policy_versions(state: Held, caller: Caller, Path(id): Path<String>) -> Result<Json<VersionsDto>, Failure> {
    listed(state, caller, &id, Kind::Access).await
}

/// One stored version of the access policy.
#[utoipa::path(get, path = "/api/v1/connections/{id}/policy/versions/{version}", tag = "data",
    params(("id" = String, Path), ("version" = i64, Path)), responses((status = 200, body = DocumentDto)))]
async fn policy_version(
    state: Held,
    caller: Caller,
    Path(at): Path<(String, i64)>,
) -> Result<Json<DocumentDto>, Failure> {
    one(state, caller, at, Kind::Access).await
}
