//! Money and tokens: what may be spent, what is held for what is under way, and what was spent.
//!
//! Read first: [`Ledger`]: whoever is about to spend holds the most that it can take ([`Ledger::reserve`]), then puts what it
//! took in its place ([`Ledger::settle`]). `limits` is what people set, `summary` what they look at,
//! `telling` what they are told.

mod limits;
mod summary;
mod telling;

pub use limits::{NewLimit, end_limit, history, put_limit, set_time_zone};
pub use summary::{AI, Budget, Budgets, MAX_SHARES, Summary, alerts, bought, budgets, summary, this_month, usage};

use std::sync::Arc;

use jiff::tz::TimeZone;
use pilothouse_domain::audit::Entry;
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::ledger::{Amounts, Level, Limit, Payer, Unit, Window, applying, read_zone};
use pilothouse_domain::money::NANO_USD_PER_USD;
use pilothouse_domain::{ChargeId, Clock, Code, Ids, Micros, TenantId};
use pilothouse_store::ledger::{self as rows, Charge, Full, Hold, Taken, Used};
use pilothouse_store::{Error as StoreError, Store, Tx, spending_limits, tenants};

use self::telling::Told;
use crate::lately::Lately;
use crate::{Error, settings};

/// How long what is held stays held without a word, unless the caller says otherwise.
const LEASE: Micros = 600 * SECOND;

/// Somebody's wish to spend.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Its id, where it is the same wish when it comes again.
    pub id: Option<ChargeId>,
    /// What it is, for instance `ai` or `query`.
    pub kind: &'static str,
    /// Who pays.
    pub payer: Payer,
    /// The step of the run.
    pub step: Option<String>,
    /// Whom it is bought from.
    pub provider: Option<String>,
    /// What.
    pub model: Option<String>,
    /// The version of the prompt.
    pub prompt: Option<String>,
    /// The most that it can take.
    pub worst: Amounts,
    /// How long it can take, where that is longer than ten minutes.
    pub lease: Option<Micros>,
    /// Whether people have agreed that it passes the limits of its run.
    pub beyond_run: bool,
}

/// Holds and settles what is spent.
pub struct Ledger {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    /// The limits of those who have set none of their own.
    defaults: Vec<Limit>,
    /// By whose clocks days are counted of those who have not said.
    zone: TimeZone,
    books: Lately<Books>,
    told: Told,
}

impl Ledger {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, settings: &settings::Budgets) -> Self {
        let zone = read_zone(&settings.time_zone).unwrap_or(TimeZone::UTC);
        Self { store, clock, ids, defaults: defaults(settings), zone, books: Lately::default(), told: Told::default() }
    }

    /// Holds the most that something can take, in one step for every limit that it counts for, or tells which limit it would
    /// pass. It is let go by itself when its time is over.
    pub async fn reserve(&self, tenant: &TenantId, wish: Wish) -> Result<Result<ChargeId, Full>, StoreError> {
        let now = self.clock.now();
        let id = wish.id.unwrap_or_else(|| ChargeId(self.ids.uuid(now)));
        let lease = wish.lease.map_or(LEASE, |lease| lease.max(LEASE));
        let charge = Charge {
            id,
            at: now,
            expires_at: now.saturating_add(lease),
            kind: wish.kind.to_owned(),
            payer: wish.payer,
            step: wish.step,
            provider: wish.provider,
            model: wish.model,
            prompt: wish.prompt,
            worst: wish.worst,
        };
        let books = self.books(tenant, now).await?;
        if let Some(full) = books.passed_alone(&charge, now) {
            return Ok(Err(full));
        }
        let mut holds = books.holds(&charge.payer, now);
        if wish.beyond_run {
            holds.iter_mut().filter(|hold| hold.is_of_run()).for_each(|hold| hold.limit.amount = None);
        }
        let wanted = Arc::new((charge, holds));
        let mut taken = self.take(tenant, &wanted).await?;
        if taken == Taken::Unsure {
            taken = self.begin_and_take(tenant, &wanted).await?;
        }
        if matches!(taken, Taken::Full(_)) && self.expire(tenant, now).await? > 0 {
            taken = self.begin_and_take(tenant, &wanted).await?;
        }
        match taken {
            Taken::Held => Ok(Ok(id)),
            Taken::Full(full) => Ok(Err(full)),
            Taken::Unsure => Err(StoreError::Database("an account that was begun has no row".to_owned())),
        }
    }

    /// The usual way. What is held for a call ends with this process, and its settling is flushed.
    async fn take(&self, tenant: &TenantId, wanted: &Arc<(Charge, Vec<Hold>)>) -> Result<Taken, StoreError> {
        let (of, wanted) = (tenant.clone(), wanted.clone());
        let take = self
            .store
            .write_one(move |tx| Box::pin(async move { rows::take(tx, &of, &wanted.0, &wanted.1).await }), false);
        take.await
    }

    /// The way of those who begin an account, or who look at a window that rolls.
    async fn begin_and_take(&self, tenant: &TenantId, wanted: &Arc<(Charge, Vec<Hold>)>) -> Result<Taken, StoreError> {
        let (of, wanted) = (tenant.clone(), wanted.clone());
        let take = self.store.write_unflushed(move |tx| {
            Box::pin(async move {
                rows::hold(tx, &of).await?;
                rows::begin_and_take(tx, &of, &wanted.0, &wanted.1).await
            })
        });
        take.await
    }

    /// Lets go what is held past its time, and tells how many charges that were.
    async fn expire(&self, tenant: &TenantId, now: Micros) -> Result<u64, StoreError> {
        let of = tenant.clone();
        let gone = self.store.write_unflushed(move |tx| {
            Box::pin(async move {
                rows::hold(tx, &of).await?;
                rows::expire(tx, &of, now).await
            })
        });
        gone.await
    }

    /// The limit of its run itself that a charge would pass; none where there is room, or where it is held already.
    pub async fn beyond_run(
        &self,
        tenant: &TenantId,
        payer: &Payer,
        charge: (ChargeId, Amounts),
    ) -> Result<Option<Full>, StoreError> {
        let (of, now) = (tenant.clone(), self.clock.now());
        let mut holds = self.books(tenant, now).await?.holds(payer, now);
        holds.retain(Hold::is_of_run);
        if holds.is_empty() {
            return Ok(None);
        }
        self.store.read(move |tx| Box::pin(async move { rows::passed(tx, &of, charge, &holds).await })).await
    }

    /// Puts what something took in the place of what was held for it; false where that was done before.
    pub async fn settle(&self, tenant: &TenantId, id: ChargeId, used: Used) -> Result<bool, StoreError> {
        self.settle_with(tenant, id, used, None).await
    }

    /// The same, with an audit row that is written where it was not done before.
    pub async fn settle_with(
        &self,
        tenant: &TenantId,
        id: ChargeId,
        used: Used,
        entry: Option<Entry>,
    ) -> Result<bool, StoreError> {
        let (of, now) = (tenant.clone(), self.clock.now());
        let settled = self.store.write_one(
            move |tx| Box::pin(async move { rows::settle(tx, &of, id, (&used, now), entry.as_ref()).await }),
            true,
        );
        let Some(settled) = settled.await? else { return Ok(false) };
        // It is settled, whoever could not be told: the next one tells it.
        if let Err(error) = self.tell(tenant, &settled, now).await {
            tracing::error!(%error, %tenant, "that a limit has come to a share of it could not be written down");
        }
        Ok(true)
    }

    /// Lets go what was held for something that took nothing.
    pub async fn release(&self, tenant: &TenantId, id: ChargeId) -> Result<bool, StoreError> {
        let (of, now) = (tenant.clone(), self.clock.now());
        self.store.write(move |tx| Box::pin(async move { rows::release(tx, &of, id, now).await })).await
    }

    /// Somebody has set what holds for a tenant.
    fn changed(&self, tenant: &TenantId) {
        self.books.forget(tenant);
    }

    /// What holds for a tenant at the moment `now`.
    async fn books(&self, tenant: &TenantId, now: Micros) -> Result<Arc<Books>, StoreError> {
        let read = async {
            let (of, defaults, zone) = (tenant.clone(), self.defaults.clone(), self.zone.clone());
            let books =
                self.store.read(move |tx| Box::pin(async move { Books::read(tx, &of, &defaults, &zone).await }));
            books.await
        };
        self.books.get(tenant, now, read).await
    }
}

/// What holds for a tenant.
struct Books {
    limits: Vec<Limit>,
    zone: TimeZone,
}

impl Books {
    async fn read(tx: &mut Tx<'_>, tenant: &TenantId, defaults: &[Limit], zone: &TimeZone) -> Result<Self, StoreError> {
        let own = spending_limits::held(tx, tenant).await?.into_iter().map(|stored| stored.limit);
        let named = tenants::time_zone(tx, tenant).await?;
        let zone = named.as_deref().and_then(read_zone).unwrap_or_else(|| zone.clone());
        Ok(Self { limits: merged(own, defaults), zone })
    }

    /// The accounts that what somebody spends now counts in.
    fn holds(&self, payer: &Payer, now: Micros) -> Vec<Hold> {
        applying(&self.limits, payer).into_iter().map(|(account, limit)| self.hold(account, limit, now)).collect()
    }

    fn hold(&self, account: String, limit: &Limit, now: Micros) -> Hold {
        Hold { account, span: limit.window.at(now, &self.zone), limit: limit.clone() }
    }

    /// The limit of each run that a charge outside of any run, which stands for a run of its own, would pass.
    fn passed_alone(&self, charge: &Charge, now: Micros) -> Option<Full> {
        let wanted = |limit: &Limit| charge.worst.of(limit.unit);
        let of_runs = |limit: &&Limit| limit.level == Level::Run && limit.name.is_none();
        let passed = |limit: &&Limit| limit.amount.is_some_and(|amount| wanted(limit) > amount);
        let mut limits = self.limits.iter().filter(|_| charge.payer.run.is_none()).filter(of_runs);
        let limit = limits.find(passed)?;
        Some(Full { hold: self.hold(String::new(), limit, now), used: 0, wanted: wanted(limit) })
    }
}

/// A tenant's own limits, and those by default that it has not replaced.
fn merged(own: impl Iterator<Item = Limit>, defaults: &[Limit]) -> Vec<Limit> {
    let mut limits: Vec<Limit> = own.collect();
    let replaced: Vec<String> = limits.iter().map(Limit::kind).collect();
    limits.extend(defaults.iter().filter(|limit| !replaced.contains(&limit.kind())).cloned());
    limits
}

fn defaults(settings: &settings::Budgets) -> Vec<Limit> {
    let one = |level, unit, window, amount: Option<i64>| {
        amount.map(|amount| Limit { level, name: None, unit, window, amount: Some(amount) })
    };
    let tokens = |count: Option<u64>| count.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    let usd = |usd: Option<f64>| usd.map(|usd| (usd * NANO_USD_PER_USD as f64) as i64);
    [
        one(Level::Tenant, Unit::NanoUsd, Window::Month, usd(settings.month_usd)),
        one(Level::Tenant, Unit::NanoUsd, Window::Day, usd(settings.day_usd)),
        one(Level::Run, Unit::NanoUsd, Window::ForEver, usd(settings.run_usd)),
        one(Level::Run, Unit::Tokens, Window::ForEver, tokens(settings.run_tokens)),
        one(Level::User, Unit::Tokens, Window::Day, tokens(settings.user_day_tokens)),
        one(Level::User, Unit::Tokens, Window::Month, tokens(settings.user_month_tokens)),
        one(Level::Repository, Unit::Tokens, Window::Day, tokens(settings.repository_day_tokens)),
        one(Level::Tenant, Unit::Tokens, Window::Month, tokens(settings.tenant_month_tokens)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// That a limit would be passed, as an error with the figures.
pub fn exceeded(full: &Full) -> Error {
    let Full { hold, used, wanted } = full;
    let Limit { level, name, unit, window, amount } = &hold.limit;
    let whose = match (level, name) {
        (Level::Tenant, _) => "the tenant".to_owned(),
        (level, Some(name)) => format!("the {} {name}", level.as_str()),
        (level, None) => format!("this {}", level.as_str()),
    };
    let amount = amount.unwrap_or_default();
    let message = format!(
        "The limit of {whose} would be passed: it is {} {}, {} of it spent or held, and {} would be needed.",
        unit.in_words(amount),
        window.in_words(),
        unit.in_words(*used),
        unit.in_words(*wanted)
    );
    Error::new(Code::BudgetExceeded, message)
        .with("limit", amount)
        .with("used", *used)
        .with("wanted", *wanted)
        .with("unit", unit.as_str())
        .with("level", level.as_str())
        .with("window", window.to_string())
        .with("resets_at", hold.span.until.map(pilothouse_domain::clock::rfc3339))
}
