//! What may be spent and what was, as it is sent.

use std::collections::BTreeMap;

use pilothouse_app::ledger::{Budget, Budgets, Summary};
use pilothouse_domain::clock::rfc3339;
use pilothouse_domain::ledger::Limit;
use pilothouse_domain::money::NanoUsd;
use pilothouse_store::ledger::{Alert, By, Share};
use pilothouse_store::spending_limits::Stored;
use serde::Serialize;
use utoipa::ToSchema;

use super::word;

/// The limits of a tenant, and how they stand.
#[derive(Serialize, ToSchema)]
pub struct BudgetsDto {
    /// By whose clocks days and months are counted.
    time_zone: String,
    /// Whether the tenant has said so itself.
    is_own_time_zone: bool,
    /// The limits, the widest first.
    items: Vec<BudgetDto>,
}

/// A limit and how it stands.
#[derive(Serialize, ToSchema)]
pub struct BudgetDto {
    /// Its id; null where it holds by default.
    #[schema(required)]
    id: Option<String>,
    #[serde(flatten)]
    limit: LimitFields,
    /// What was spent, and what is held for what is under way; null where each has their own.
    #[schema(required)]
    used: Option<i64>,
    /// What may be spent still; null where there is no end to it.
    #[schema(required)]
    left: Option<i64>,
    /// What the window would end with if it went on like this; null where nobody can tell.
    #[schema(required)]
    forecast: Option<i64>,
    /// `ok`, `warning` or `exceeded`.
    #[schema(required)]
    status: Option<String>,
    /// Since when spending counts.
    since: String,
    /// When it begins anew; null where it rolls, or never does.
    #[schema(required)]
    resets_at: Option<String>,
}

/// What a limit is about.
#[derive(Serialize, ToSchema)]
pub struct LimitFields {
    /// Whose spending: `tenant`, `project`, `repository`, `token`, `user`, `task` or `run`.
    level: &'static str,
    /// Of whom; null means each for themselves.
    #[schema(required)]
    name: Option<String>,
    /// `nano_usd` or `tokens`.
    unit: &'static str,
    /// `day`, `month`, `for_ever`, or `rolling:` with its seconds.
    window: String,
    /// How much; null means no limit, and 0 nothing at all.
    #[schema(required)]
    amount: Option<i64>,
}

impl From<Limit> for LimitFields {
    fn from(limit: Limit) -> Self {
        let Limit { level, name, unit, window, amount } = limit;
        Self { level: level.as_str(), name, unit: unit.as_str(), window: window.to_string(), amount }
    }
}

impl From<Budget> for BudgetDto {
    fn from(budget: Budget) -> Self {
        let Budget { id, limit, standing, span } = budget;
        Self {
            id: id.map(|id| id.to_string()),
            limit: limit.into(),
            used: standing.map(|standing| standing.used),
            left: standing.and_then(|standing| standing.left()),
            forecast: standing.and_then(|standing| standing.forecast),
            status: standing.map(|standing| word(&standing.status())),
            since: rfc3339(span.since),
            resets_at: span.until.map(rfc3339),
        }
    }
}

impl From<Budgets> for BudgetsDto {
    fn from(budgets: Budgets) -> Self {
        let Budgets { time_zone, is_own_zone, items } = budgets;
        Self { time_zone, is_own_time_zone: is_own_zone, items: items.into_iter().map(BudgetDto::from).collect() }
    }
}

/// Limits that hold and held.
#[derive(Serialize, ToSchema)]
pub struct SpendingLimitsDto {
    /// The newest first.
    pub items: Vec<SpendingLimitDto>,
}

/// A limit as it was set.
#[derive(Serialize, ToSchema)]
pub struct SpendingLimitDto {
    /// Its id.
    id: String,
    #[serde(flatten)]
    limit: LimitFields,
    /// Since when it holds.
    created_at: String,
    /// Who has set it.
    created_by: String,
    /// Until when it held; null as long as it does.
    #[schema(required)]
    ended_at: Option<String>,
    /// Who has ended it, or put another in its place.
    #[schema(required)]
    ended_by: Option<String>,
}

impl From<Stored> for SpendingLimitDto {
    fn from(stored: Stored) -> Self {
        let Stored { id, limit, created_at, created_by, ended_at, ended_by } = stored;
        let (created_at, ended_at) = (rfc3339(created_at), ended_at.map(rfc3339));
        Self { id: id.to_string(), limit: limit.into(), created_at, created_by, ended_at, ended_by }
    }
}

/// Which limits have come to a share of them.
#[derive(Serialize, ToSchema)]
pub struct SpendingAlertsDto {
    /// The newest first.
    pub items: Vec<SpendingAlertDto>,
}

/// That a limit has come to a share of it.
#[derive(Serialize, ToSchema)]
pub struct SpendingAlertDto {
    #[serde(flatten)]
    limit: LimitFields,
    /// Which share, in percent: 50, 80, 95 or 100; null where it would not be enough if it went on like this.
    #[schema(required)]
    threshold: Option<u32>,
    /// What was spent then, and held.
    used: i64,
    /// Since when that counts.
    since: String,
    /// When.
    at: String,
}

impl From<Alert> for SpendingAlertDto {
    fn from(alert: Alert) -> Self {
        let Alert { limit, threshold, used, since, at } = alert;
        let threshold = (threshold > 0).then_some(threshold);
        Self { limit: limit.into(), threshold, used, since: rfc3339(since), at: rfc3339(at) }
    }
}

/// Who or what has spent how much.
#[derive(Serialize, ToSchema)]
pub struct UsageDto {
    /// What it is told apart by.
    by: &'static str,
    /// From when.
    from: String,
    /// Until when.
    to: String,
    /// The most first.
    items: Vec<ShareDto>,
}

impl UsageDto {
    /// What was spent from one moment until another.
    pub fn new(by: By, (from, to): (i64, i64), items: Vec<ShareDto>) -> Self {
        Self { by: by.as_str(), from: rfc3339(from), to: rfc3339(to), items }
    }
}

/// What was spent by one who spends, or for something.
#[derive(Serialize, ToSchema)]
pub struct ShareDto {
    /// By whom or for what; null where that was not said.
    #[schema(required)]
    name: Option<String>,
    /// Money, in nano-USD.
    nano_usd: i64,
    /// Tokens that were sent.
    tokens_in: i64,
    /// Tokens that were received.
    tokens_out: i64,
    /// Of those that were sent, how many the provider had kept.
    tokens_cached: i64,
    /// How many charges.
    charges: i64,
    /// How many of them failed.
    errors: i64,
}

impl From<Share> for ShareDto {
    fn from(share: Share) -> Self {
        let Share { name, nano_usd, tokens_in, tokens_out, tokens_cached, charges, errors, .. } = share;
        Self { name, nano_usd, tokens_in, tokens_out, tokens_cached, charges, errors }
    }
}

/// What a month has cost, in US dollars.
#[derive(Serialize, ToSchema)]
pub struct SummaryDto {
    tenant: String,
    /// Which month.
    month: String,
    /// What it may cost; null means as much as it likes.
    #[schema(required)]
    limit_usd: Option<f64>,
    /// What was spent, and the most that is under way.
    spent_estimated_usd: f64,
    /// What was spent.
    spent_actual_usd: f64,
    /// Of that for models.
    ai_spent_actual_usd: f64,
    /// Of that for anything else.
    non_ai_spent_actual_usd: f64,
    /// That for models by kinds of task.
    ai_by_task: BTreeMap<String, f64>,
    /// What is left; null where there is no end to it.
    #[schema(required)]
    remaining_estimated_usd: Option<f64>,
    /// The share that is spent, from 0 to 1; 0 where there is no limit.
    utilization_estimated: f64,
    /// What the month would cost if it went on like this.
    projected_spent_usd: f64,
    /// The share that this would be.
    projected_utilization: f64,
    /// `ok`, `warning` or `exceeded`.
    budget_status: String,
    /// How many charges.
    entries_count: i64,
}

impl SummaryDto {
    /// What a month of a tenant has cost.
    pub fn new(tenant: &str, summary: &Summary) -> Self {
        let projected = summary.standing.forecast.unwrap_or(summary.estimated);
        let share = |part: i64| match summary.limit {
            Some(limit) if limit > 0 => round(part as f64 / limit as f64),
            _ => 0.0,
        };
        Self {
            tenant: tenant.to_owned(),
            month: summary.month.to_string(),
            limit_usd: summary.limit.map(usd),
            spent_estimated_usd: usd(summary.estimated),
            spent_actual_usd: usd(summary.actual),
            ai_spent_actual_usd: usd(summary.ai),
            non_ai_spent_actual_usd: usd(summary.actual - summary.ai),
            ai_by_task: summary.ai_by_task.iter().map(|(task, nano)| (task.clone(), usd(*nano))).collect(),
            remaining_estimated_usd: summary.standing.left().map(usd),
            utilization_estimated: share(summary.estimated).min(1.0),
            projected_spent_usd: usd(projected),
            projected_utilization: share(projected),
            budget_status: word(&summary.standing.status()),
            entries_count: summary.charges,
        }
    }
}

fn usd(nano: i64) -> f64 {
    NanoUsd(nano).usd()
}

/// To six places, as the original rounds.
fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
