//! Which shares of limits were reached: written down once in each window, with one that will not be enough.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use pilothouse_domain::ledger::Standing;
use pilothouse_domain::{Micros, TenantId};
use pilothouse_store::ledger::{self as rows, Balance, Hold, Settled};
use pilothouse_store::{Error as StoreError, Tx, audit as audit_rows};

use super::Ledger;
use crate::audit;

/// The share that stands for a limit that will not be enough if it goes on like this.
const FORECAST: u32 = 0;
/// Shares that are remembered; beyond it they are read again.
const MAX_REMEMBERED: usize = 10_000;

/// What this process knows to be told already, so that it need not look each time.
#[derive(Default)]
pub(super) struct Told(Mutex<HashSet<(TenantId, String, Micros, u32)>>);

impl Told {
    fn has(&self, tenant: &TenantId, hold: &Hold, share: u32) -> bool {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.contains(&(tenant.clone(), hold.account.clone(), hold.span.since, share))
    }

    fn remember(&self, tenant: &TenantId, hold: &Hold, shares: &[u32]) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MAX_REMEMBERED {
            told.clear();
        }
        told.extend(shares.iter().map(|share| (tenant.clone(), hold.account.clone(), hold.span.since, *share)));
    }
}

impl Ledger {
    /// Writes down what is new about the limits of whoever has just paid.
    pub(super) async fn tell(&self, tenant: &TenantId, settled: &Settled, now: Micros) -> Result<(), StoreError> {
        let mut holds = self.books(tenant, now).await?.holds(&settled.payer, now);
        holds.retain(|hold| hold.limit.amount.is_some() && self.may_be_news(tenant, hold, settled, now));
        if holds.is_empty() {
            return Ok(());
        }
        let (of, looked_at) = (tenant.clone(), holds.clone());
        let balances = self.store.read(move |tx| Box::pin(async move { rows::balances(tx, &of, &looked_at).await }));
        let mut untold = Vec::new();
        for (hold, balance) in holds.into_iter().zip(balances.await?) {
            self.told.remember(tenant, &hold, &balance.told);
            if reached(&hold, balance.used, now).iter().any(|share| !balance.told.contains(share)) {
                untold.push(hold);
            }
        }
        if untold.is_empty() {
            return Ok(());
        }
        let of = tenant.clone();
        self.store.write(move |tx| Box::pin(async move { write_down(tx, &of, &untold, now).await })).await
    }

    /// Whether a limit has come to a share that nobody was told of, as far as the payment itself says.
    fn may_be_news(&self, tenant: &TenantId, hold: &Hold, settled: &Settled, now: Micros) -> bool {
        let is_own = |row: &&rows::Account| row.account == hold.account && row.bucket == hold.span.bucket;
        match settled.accounts.iter().find(is_own).filter(|_| hold.is_one_row()) {
            Some(row) => reached(hold, row.held, now).into_iter().any(|share| !self.told.has(tenant, hold, share)),
            None => true,
        }
    }
}

async fn write_down(tx: &mut Tx<'_>, tenant: &TenantId, holds: &[Hold], now: Micros) -> Result<(), StoreError> {
    rows::hold(tx, tenant).await?;
    // What is held past its time does not count.
    rows::expire(tx, tenant, now).await?;
    let balances = rows::balances(tx, tenant, holds).await?;
    for (hold, Balance { used, told }) in holds.iter().zip(balances) {
        for threshold in reached(hold, used, now).into_iter().filter(|share| !told.contains(share)) {
            if !rows::alert(tx, tenant, hold, (threshold, used, now)).await? {
                continue;
            }
            let account = &hold.account;
            tracing::warn!(%tenant, account, threshold, used, "a limit has come to a share of it");
            let entry = audit::by_itself(tenant, now, ("budget.threshold", format!("{account} {threshold}")), "");
            audit_rows::append(tx, &entry).await?;
        }
    }
    Ok(())
}

/// The shares of a limit that it has come to, with the one that stands for more than there is.
fn reached(hold: &Hold, used: i64, now: Micros) -> Vec<u32> {
    let standing = Standing::new(hold.limit.amount, used, now, hold.span);
    standing.reached().chain(standing.will_exceed().then_some(FORECAST)).collect()
}
