//! What people look at: how the limits stand, what a month has cost, and who has spent the most.

use pilothouse_domain::action::Tier;
use pilothouse_domain::ledger::{Level, Limit, Month, Payer, Span, Standing, Unit, Window, read_zone};
use pilothouse_domain::{Code, LimitId, Micros, Role, TenantId};
use pilothouse_store::ledger::{self as rows, Bought, By, Hold, Share};
use pilothouse_store::{spending_limits, tenants};

use super::Books;
use crate::{App, Caller, Error, audit, gates};

/// What charges of models are called.
pub const AI: &str = "ai";
/// Most alerts that are shown.
const MAX_ALERTS: u32 = 100;
/// Most names that usage is told apart by.
pub const MAX_SHARES: u32 = 1_000;

/// A limit and how it stands.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Its id; none where it holds by default.
    pub id: Option<LimitId>,
    /// It.
    pub limit: Limit,
    /// How it stands; none where each has their own.
    pub standing: Option<Standing>,
    /// The time that it counts.
    pub span: Span,
}

/// The limits of a tenant.
#[derive(Debug, Clone)]
pub struct Budgets {
    /// By whose clocks they are counted.
    pub time_zone: String,
    /// Whether the tenant has said so itself.
    pub is_own_zone: bool,
    /// The limits, those of the tenant first.
    pub items: Vec<Budget>,
}

/// The limits that hold for the caller's tenant, and how they stand.
pub async fn budgets(app: &App, caller: &Caller) -> Result<Budgets, Error> {
    gates::pass(app, caller, &audit::action("budgets.get", Tier::Read, Role::Viewer, "", &())).await?;
    let (tenant, now) = (caller.principal.tenant.clone(), app.clock.now());
    let (defaults, zone) = (app.ledger.defaults.clone(), app.ledger.zone.clone());
    let found = app.store.write(move |tx| {
        Box::pin(async move {
            rows::hold(tx, &tenant).await?;
            rows::expire(tx, &tenant, now).await?;
            let own = spending_limits::held(tx, &tenant).await?;
            let named = tenants::time_zone(tx, &tenant).await?;
            let books = Books::read(tx, &tenant, &defaults, &zone).await?;
            let mut items = Vec::with_capacity(books.limits.len());
            for limit in &books.limits {
                let span = limit.window.at(now, &books.zone);
                let standing = match holds_of(limit, span) {
                    Some((hold, payer)) => {
                        rows::begin(tx, &tenant, &hold, &payer).await?;
                        let balance = rows::balances(tx, &tenant, &[hold]).await?.pop();
                        balance.map(|balance| Standing::new(limit.amount, balance.used, now, span))
                    }
                    None => None,
                };
                let id = own.iter().find(|stored| stored.limit == *limit).map(|stored| stored.id);
                items.push(Budget { id, limit: limit.clone(), standing, span });
            }
            items.sort_by_key(|item| (item.limit.level, item.limit.unit, item.limit.window, item.limit.name.clone()));
            let time_zone = books.zone.iana_name().unwrap_or("UTC").to_owned();
            Ok(Budgets { time_zone, is_own_zone: named.is_some(), items })
        })
    });
    Ok(found.await?)
}

/// The one account of a limit, and whose it is; none where each has their own.
fn holds_of(limit: &Limit, span: Span) -> Option<(Hold, Payer)> {
    let name = limit.name.clone();
    let payer = match limit.level {
        Level::Tenant => Payer::default(),
        Level::Project => Payer { project: Some(name?), ..Payer::default() },
        Level::Repository => Payer { repository: Some(name?), ..Payer::default() },
        Level::Token => Payer { token: Some(name?), ..Payer::default() },
        Level::User => Payer { user: Some(name?), ..Payer::default() },
        Level::Task => Payer { task: Some(name?), ..Payer::default() },
        Level::Run => Payer { run: Some(name?), ..Payer::default() },
    };
    let account = limit.account(&payer)?;
    Some((Hold { account, limit: limit.clone(), span }, payer))
}

/// Which limits of the caller's tenant have come to a share of them, the newest first.
pub async fn alerts(app: &App, caller: &Caller) -> Result<Vec<rows::Alert>, Error> {
    gates::pass(app, caller, &audit::action("budgets.alerts", Tier::Read, Role::Operator, "", &())).await?;
    let tenant = caller.principal.tenant.clone();
    Ok(app.store.read(move |tx| Box::pin(async move { rows::alerts(tx, &tenant, MAX_ALERTS).await })).await?)
}

/// What a month has cost, in nano-USD.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Which month.
    pub month: Month,
    /// What the month may cost; none means as much as it likes.
    pub limit: Option<i64>,
    /// What was spent, and the most that is under way.
    pub estimated: i64,
    /// What was spent.
    pub actual: i64,
    /// Of that for models.
    pub ai: i64,
    /// That by kinds of task, the most first.
    pub ai_by_task: Vec<(String, i64)>,
    /// How the month stands: of the present month with where it would end if it went on like this.
    pub standing: Standing,
    /// How many charges.
    pub charges: i64,
}

/// The month that it is, by a tenant's clocks.
pub async fn this_month(app: &App, tenant: &TenantId) -> Result<Month, Error> {
    let of = tenant.clone();
    let named = app.store.read(move |tx| Box::pin(async move { tenants::time_zone(tx, &of).await })).await?;
    let zone = named.as_deref().and_then(read_zone).unwrap_or_else(|| app.ledger.zone.clone());
    Ok(Month::of(app.clock.now(), &zone))
}

/// What a month of the caller's tenant has cost; the present one, unless another is named.
pub async fn summary(app: &App, caller: &Caller, month: Option<&str>) -> Result<Summary, Error> {
    gates::pass(app, caller, &audit::action("billing.get", Tier::Read, Role::Viewer, "", &())).await?;
    let wrong =
        |error: pilothouse_domain::ledger::InvalidMonth| Error::new(Code::QueryInvalid, format!("month: {error}."));
    let named: Option<Month> = month.map(|text| text.parse().map_err(wrong)).transpose()?;
    let (tenant, now) = (caller.principal.tenant.clone(), app.clock.now());
    let (defaults, zone) = (app.ledger.defaults.clone(), app.ledger.zone.clone());
    let found = app.store.write(move |tx| {
        Box::pin(async move {
            rows::hold(tx, &tenant).await?;
            rows::expire(tx, &tenant, now).await?;
            let books = Books::read(tx, &tenant, &defaults, &zone).await?;
            let month = named.unwrap_or_else(|| Month::of(now, &books.zone));
            let bounds = month.bounds(&books.zone);
            let kinds = rows::usage(tx, &tenant, bounds, (By::Kind, None), MAX_SHARES).await?;
            let tasks = rows::usage(tx, &tenant, bounds, (By::Level(Level::Task), Some(AI)), MAX_SHARES).await?;
            let of_month = |limit: &&Limit| {
                (limit.level, limit.unit, limit.window) == (Level::Tenant, Unit::NanoUsd, Window::Month)
            };
            let limit = books.limits.iter().find(of_month).and_then(|limit| limit.amount);
            let sum = |of: fn(&Share) -> i64| kinds.iter().map(of).fold(0_i64, i64::saturating_add);
            let actual = sum(|share| share.nano_usd);
            let estimated = actual.saturating_add(sum(|share| share.open_nano_usd));
            let ai = kinds.iter().filter(|share| share.name.as_deref() == Some(AI)).map(|share| share.nano_usd).sum();
            let span = Span { bucket: bounds.0, since: bounds.0, until: Some(bounds.1) };
            let standing = Standing::new(limit, estimated, now.min(bounds.1), span);
            let ai_by_task = tasks.into_iter().map(|share| (share.name.unwrap_or_default(), share.nano_usd)).collect();
            Ok(Summary {
                month,
                limit,
                estimated,
                actual,
                ai,
                ai_by_task,
                standing,
                charges: sum(|share| share.charges),
            })
        })
    });
    Ok(found.await?)
}

/// Who or what has spent how much, the most first.
pub async fn usage(
    app: &App,
    caller: &Caller,
    within: (Micros, Micros),
    (by, kind): (By, Option<String>),
    limit: u32,
) -> Result<Vec<Share>, Error> {
    gates::pass(app, caller, &audit::action("usage.get", Tier::Read, Role::Operator, by.as_str(), &())).await?;
    let tenant = caller.principal.tenant.clone();
    let limit = limit.clamp(1, MAX_SHARES);
    let found = app
        .store
        .read(move |tx| Box::pin(async move { rows::usage(tx, &tenant, within, (by, kind.as_deref()), limit).await }));
    Ok(found.await?)
}

/// What the caller's tenant has ever bought of each model; of a provider the one that was asked most comes first.
pub async fn bought(app: &App, caller: &Caller) -> Result<Vec<Bought>, Error> {
    gates::pass(app, caller, &audit::action("usage.get", Tier::Read, Role::Member, "model", &())).await?;
    let tenant = caller.principal.tenant.clone();
    Ok(app.store.read(move |tx| Box::pin(async move { rows::bought(tx, &tenant).await })).await?)
}
