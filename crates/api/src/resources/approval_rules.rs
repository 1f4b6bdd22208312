//! A tenant's rules about what waits for people.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::approvals as use_cases;
use pilothouse_app::approvals::{DryRun, Example};
use pilothouse_domain::clock::rfc3339;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::documents::{DocumentDto, VersionsDto};
use crate::caller::Caller;
use crate::dto::requests::YamlRequest;
use crate::error::Failure;
use crate::json::JsonBody;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(show, put)).routes(routes!(check)).routes(routes!(versions))
}

/// The rules that hold, in the order in which they are asked: the installation's, the tenant's own, and those built in.
#[derive(Serialize, ToSchema)]
struct RulesetDto {
    /// The installation's.
    installation: Vec<Value>,
    /// The tenant's own.
    #[serde(flatten)]
    own: DocumentDto,
    /// Those that come last.
    built_in: Vec<Value>,
}

/// Rules to store.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct RulesRequest {
    /// The text as YAML.
    #[schema(min_length = 1)]
    yaml: String,
    /// The version that it is a change of; where there is a newer one, nothing is stored.
    follows: Option<u32>,
}

/// Whether rules could be stored, and what they would have said of what was done in the last 30 days.
#[derive(Serialize, ToSchema)]
struct TriedDto {
    /// Whether they could.
    valid: bool,
    /// The line that is wrong, counted from 1; 0 where it is the whole text.
    #[schema(required)]
    line: Option<u64>,
    /// What is wrong there.
    #[schema(required)]
    reason: Option<String>,
    /// What they would have said.
    #[schema(required)]
    dry_run: Option<DryRunDto>,
}

/// What rules would have said.
#[derive(Serialize, ToSchema)]
struct DryRunDto {
    /// Since when actions were looked at.
    since: String,
    /// How many.
    actions: usize,
    /// Whether there were more.
    capped: bool,
    /// How many would have been decided otherwise.
    changed: Vec<ShiftDto>,
    /// How many each rule would have decided, the most first; null where none is about them.
    by_rule: Vec<RuleShareDto>,
    /// Some of those that would have been decided otherwise, the newest first.
    examples: Vec<ExampleDto>,
}

/// Actions of which other rules would have said something else.
#[derive(Serialize, ToSchema)]
struct ShiftDto {
    /// What was said: `allow`, `deny`, or `{"approvals": {"count", "of"}}`.
    from: Value,
    /// What would have been.
    to: Value,
    /// Of how many.
    count: usize,
}

/// How many a rule would have decided.
#[derive(Serialize, ToSchema)]
struct RuleShareDto {
    #[schema(required)]
    rule: Option<String>,
    count: usize,
}

/// An action that would have been decided otherwise.
#[derive(Serialize, ToSchema)]
struct ExampleDto {
    /// Its figures.
    facts: Value,
    /// What was said.
    was: Value,
    /// By which rule.
    #[schema(required)]
    was_by: Option<String>,
    /// What would have been.
    would_be: Value,
    /// By which rule.
    #[schema(required)]
    would_be_by: Option<String>,
}

impl From<DryRun> for DryRunDto {
    fn from(run: DryRun) -> Self {
        let DryRun { since, actions, capped, changed, by_rule, examples } = run;
        let shift = |(from, to, count)| ShiftDto { from: json!(from), to: json!(to), count };
        Self {
            since: rfc3339(since),
            actions,
            capped,
            changed: changed.into_iter().map(shift).collect(),
            by_rule: by_rule.into_iter().map(|(rule, count)| RuleShareDto { rule, count }).collect(),
            examples: examples.into_iter().map(ExampleDto::from).collect(),
        }
    }
}

impl From<Example> for ExampleDto {
    fn from(example: Example) -> Self {
        let Example { facts, was: (was, was_by), would_be } = example;
        Self {
            facts: json!(facts),
            was: json!(was),
            was_by,
            would_be: json!(would_be.effect),
            would_be_by: would_be.rule,
        }
    }
}

/// The rules that hold for the tenant.
#[utoipa::path(get, path = "/api/v1/approvals/rules", tag = "approvals", operation_id = "approval_rules",
    responses((status = 200, body = RulesetDto)))]
async fn show(FromState(state): FromState<Arc<State>>, Caller(caller): Caller) -> Result<Json<RulesetDto>, Failure> {
    let found = use_cases::ruleset(&state.app, &caller).await?;
    let shown = |rules: Vec<_>| rules.iter().map(|rule| json!(rule)).collect();
    let (installation, built_in) = (shown(found.installation), shown(found.built_in));
    Ok(Json(RulesetDto { installation, own: found.own.into(), built_in }))
}

/// Stores the tenant's own rules.
#[utoipa::path(put, path = "/api/v1/approvals/rules", tag = "approvals", operation_id = "approval_rules_put",
    request_body = RulesRequest, responses((status = 200, body = DocumentDto)))]
async fn put(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<DocumentDto>, Failure> {
    let (yaml, follows) = (fields.text("yaml", 1), fields.optional_count("follows"));
    fields.finish()?;
    Ok(Json(use_cases::put_rules(&state.app, &caller, &yaml, follows.map(i64::from)).await?.into()))
}

/// What is wrong with rules, or what they would have said of what was done in the last 30 days. Nothing is stored.
#[utoipa::path(post, path = "/api/v1/approvals/rules/check", tag = "approvals", operation_id = "approval_rules_check",
    request_body = YamlRequest, responses((status = 200, body = TriedDto)))]
async fn check(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<TriedDto>, Failure> {
    let yaml = fields.text("yaml", 1);
    fields.finish()?;
    Ok(Json(match use_cases::try_rules(&state.app, &caller, &yaml).await? {
        Ok(run) => TriedDto { valid: true, line: None, reason: None, dry_run: Some(run.into()) },
        Err(fault) => TriedDto { valid: false, line: Some(fault.line), reason: Some(fault.reason), dry_run: None },
    }))
}

/// Every version of the tenant's own rules, newest first, without their texts.
#[utoipa::path(get, path = "/api/v1/approvals/rules/versions", tag = "approvals",
    operation_id = "approval_rules_versions", responses((status = 200, body = VersionsDto)))]
async fn versions(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
) -> Result<Json<VersionsDto>, Failure> {
    Ok(Json(use_cases::rule_versions(&state.app, &caller).await?.into()))
}
