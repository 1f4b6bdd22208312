//! What may be spent, what was, and by whom.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use pilothouse_app::ledger as use_cases;
use pilothouse_domain::clock::{SECOND, parse_rfc3339};
use pilothouse_domain::ledger::{Level, Limit, Unit, Window};
use pilothouse_domain::{Code, LimitId};
use pilothouse_store::ledger::By;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::budgets::{
    BudgetsDto, ShareDto, SpendingAlertDto, SpendingAlertsDto, SpendingLimitDto, SpendingLimitsDto, SummaryDto,
    UsageDto,
};
use crate::error::Failure;
use crate::extract::{Path, Query};
use crate::json::JsonBody;
use crate::state::State;

/// How far usage is looked back unless the caller says otherwise: a day.
const LOOK_BACK: i64 = 24 * 3600 * SECOND;
/// Names that usage is told apart by unless the caller says otherwise.
const DEFAULT_SHARES: u32 = 10;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(list, put))
        .routes(routes!(end))
        .routes(routes!(history))
        .routes(routes!(alerts))
        .routes(routes!(time_zone))
        .routes(routes!(usage))
        .routes(routes!(summary))
}

/// The limits that hold, and how they stand.
#[utoipa::path(get, path = "/api/v1/budgets", tag = "budgets", operation_id = "budgets",
    responses((status = 200, body = BudgetsDto)))]
async fn list(FromState(state): FromState<Arc<State>>, Caller(caller): Caller) -> Result<Json<BudgetsDto>, Failure> {
    Ok(Json(use_cases::budgets(&state.app, &caller).await?.into()))
}

/// How much may be spent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct LimitRequest {
    /// Whose spending: `tenant`, `project`, `repository`, `token`, `user`, `task` or `run`.
    level: String,
    /// Of whom; none means each for themselves. Of the tenant there is but one.
    name: Option<String>,
    /// `nano_usd` or `tokens`.
    unit: String,
    /// `day`, `month`, `for_ever`, or `rolling:` with its seconds.
    window: String,
    /// How much; null means no limit, and 0 nothing at all.
    #[schema(required)]
    amount: Option<u64>,
}

/// Sets a limit, in the place of the one about the same.
#[utoipa::path(put, path = "/api/v1/budgets", tag = "budgets", operation_id = "budget_set", request_body = LimitRequest,
    responses((status = 200, body = SpendingLimitDto)))]
async fn put(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<SpendingLimitDto>, Failure> {
    let (level, unit, window) = (fields.text("level", 1), fields.text("unit", 1), fields.text("window", 1));
    let level = fields.chosen("level", &level, "tenant, project, repository, token, user, task or run", Level::parse);
    let unit = fields.chosen("unit", &unit, "nano_usd or tokens", Unit::parse);
    let read = |text: &str| text.parse::<Window>().ok();
    let window = fields.chosen("window", &window, "day, month, for_ever, or rolling: with its seconds", read);
    let name = fields.filled_text("name");
    if !fields.is_sent("amount") {
        fields.refuse(Some("amount"), "missing", "Field required", Value::Null, None);
    }
    let amount = fields.optional_within("amount", 0, i64::MAX);
    fields.finish()?;
    let (Some(level), Some(unit), Some(window)) = (level, unit, window) else {
        return Err(Failure::new(Code::Internal, "The limit could not be read."));
    };
    let limit = Limit { level, name, unit, window, amount };
    Ok(Json(use_cases::put_limit(&state.app, &caller, limit).await?.into()))
}

/// Ends a limit: what is set by default holds again.
#[utoipa::path(delete, path = "/api/v1/budgets/{id}", tag = "budgets", operation_id = "budget_end",
    params(("id" = String, Path)), responses((status = 204)))]
async fn end(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let unknown = |_| Failure::new(Code::LimitUnknown, "There is no such limit that holds.");
    let id: LimitId = id.parse().map_err(unknown)?;
    use_cases::end_limit(&state.app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The limits that hold and held, the newest first.
#[utoipa::path(get, path = "/api/v1/budgets/history", tag = "budgets", operation_id = "budgets_history",
    responses((status = 200, body = SpendingLimitsDto)))]
async fn history(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
) -> Result<Json<SpendingLimitsDto>, Failure> {
    let all = use_cases::history(&state.app, &caller).await?;
    Ok(Json(SpendingLimitsDto { items: all.into_iter().map(SpendingLimitDto::from).collect() }))
}

/// Which limits have come to 50, 80, 95 or 100 percent, or would not be enough: the newest first, up to 100.
#[utoipa::path(get, path = "/api/v1/budgets/alerts", tag = "budgets", operation_id = "budgets_alerts",
    responses((status = 200, body = SpendingAlertsDto)))]
async fn alerts(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
) -> Result<Json<SpendingAlertsDto>, Failure> {
    let all = use_cases::alerts(&state.app, &caller).await?;
    Ok(Json(SpendingAlertsDto { items: all.into_iter().map(SpendingAlertDto::from).collect() }))
}

/// By whose clocks days and months are counted.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is described, never made")]
struct TimeZoneRequest {
    /// The name of a time zone, for instance `Europe/Berlin`; null means the installation's.
    time_zone: Option<String>,
}

/// Says by whose clocks the tenant's days and months are counted.
#[utoipa::path(put, path = "/api/v1/budgets/time-zone", tag = "budgets", operation_id = "budgets_time_zone",
    request_body = TimeZoneRequest, responses((status = 200, body = BudgetsDto)))]
async fn time_zone(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    JsonBody(mut fields): JsonBody,
) -> Result<Json<BudgetsDto>, Failure> {
    let zone = fields.filled_text("time_zone");
    fields.finish()?;
    use_cases::set_time_zone(&state.app, &caller, zone).await?;
    Ok(Json(use_cases::budgets(&state.app, &caller).await?.into()))
}

#[derive(Deserialize, IntoParams)]
struct UsageQuery {
    /// Told apart by `user` unless it is said, `project`, `repository`, `token`, `task`, `run`, `kind`, `provider` or `model`.
    by: Option<String>,
    /// Only `ai`, or another kind.
    kind: Option<String>,
    /// From when, as RFC 3339 has it; a day ago unless it is said.
    from: Option<String>,
    /// Until when; now unless it is said.
    to: Option<String>,
    /// How many, 1 to 1000.
    limit: Option<u32>,
}

/// Who or what has spent how much, the most first.
#[utoipa::path(get, path = "/api/v1/usage", tag = "budgets", operation_id = "usage", params(UsageQuery),
    responses((status = 200, body = UsageDto)))]
async fn usage(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Query(query): Query<UsageQuery>,
) -> Result<Json<UsageDto>, Failure> {
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let wrong = |what: &str| Failure::new(Code::QueryInvalid, what.to_owned());
    let moment = |text: Option<String>, otherwise: i64| match filled(text) {
        Some(text) => parse_rfc3339(&text).ok_or_else(|| wrong("A moment is written as RFC 3339 has it.")),
        None => Ok(otherwise),
    };
    let now = state.app.clock().now();
    let (from, to) = (moment(query.from, now - LOOK_BACK)?, moment(query.to, now + 1)?);
    let by = filled(query.by).unwrap_or_else(|| "user".to_owned());
    let by = By::parse(&by).ok_or_else(|| wrong("There is nothing of this name to tell usage apart by."))?;
    let limit = query.limit.unwrap_or(DEFAULT_SHARES);
    let shares = use_cases::usage(&state.app, &caller, (from, to), (by, filled(query.kind)), limit).await?;
    let items = shares.into_iter().map(ShareDto::from).collect();
    Ok(Json(UsageDto::new(by, (from, to), items)))
}

#[derive(Deserialize, IntoParams)]
struct MonthQuery {
    /// Which month, for instance `2026-11`; the present one unless it is said.
    month: Option<String>,
}

/// What a month has cost, as the data platform copilot's clients read it.
#[utoipa::path(get, path = "/api/v2/billing/summary", tag = "budgets", operation_id = "billing_summary",
    params(MonthQuery), responses((status = 200, body = SummaryDto)))]
async fn summary(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Query(query): Query<MonthQuery>,
) -> Result<Json<SummaryDto>, Failure> {
    let month = query.month.filter(|month| !month.is_empty());
    let found = use_cases::summary(&state.app, &caller, month.as_deref()).await?;
    Ok(Json(SummaryDto::new(caller.principal.tenant.as_str(), &found)))
}
