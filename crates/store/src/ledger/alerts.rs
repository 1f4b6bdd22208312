//! Who was told that a limit has come to a share of it: each share once in each window.

use std::collections::BTreeMap;

use pilothouse_domain::ledger::Limit;
use pilothouse_domain::{Micros, TenantId};

use super::{Hold, used};
use crate::given::{Given, Kind, Rows};
use crate::{Error, Row, Tx, args};

/// How an account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// What was spent, and what is held.
    pub used: i64,
    /// The shares of the limit, in percent, that somebody was told of.
    pub told: Vec<u32>,
}

/// That a limit has come to a share of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The limit, with the one whose it is named, as it was then.
    pub limit: Limit,
    /// Which share, in percent; 0 is that it would not be enough if it went on like this.
    pub threshold: u32,
    /// What was spent then, and held.
    pub used: i64,
    /// Since when that counts.
    pub since: Micros,
    /// When.
    pub at: Micros,
}

/// Which shares of limits somebody was told of.
const TOLD: Given = Given {
    columns: &[("tenant", Kind::Text), ("account", Kind::Text), ("since", Kind::Int)],
    sqlite: "SELECT account, threshold FROM spending_alerts WHERE tenant = :tenant AND account = :account AND bucket = :since",
    postgres: "SELECT told.account, told.threshold FROM given JOIN spending_alerts AS told
               ON told.tenant = given.tenant AND told.account = given.account AND told.bucket = given.since",
};

/// How accounts stand, in their order.
pub async fn balances(tx: &mut Tx<'_>, tenant: &TenantId, holds: &[Hold]) -> Result<Vec<Balance>, Error> {
    let used = used(tx, tenant, holds).await?;
    let asked = holds.iter().map(|hold| args![tenant, &hold.account, hold.span.since]).collect::<Rows<'_>>();
    let mut told: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for row in tx.given(&TOLD, &asked).await? {
        let share = u32::try_from(row.int("threshold")?).map_err(|_| Error::unreadable("threshold"))?;
        told.entry(row.text("account")?).or_default().push(share);
    }
    let one = |(hold, used): (&Hold, i64)| Balance { used, told: told.remove(&hold.account).unwrap_or_default() };
    Ok(holds.iter().zip(used).map(one).collect())
}

/// Notes that a share of a limit was reached; false where that was noted before.
pub async fn alert(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    hold: &Hold,
    (threshold, used, at): (u32, i64, Micros),
) -> Result<bool, Error> {
    let noted = tx
        .execute(
            "INSERT INTO spending_alerts (tenant, account, bucket, threshold, used, amount, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, account, bucket, threshold) DO NOTHING",
            args![
                tenant,
                hold.account.as_str(),
                hold.span.since,
                threshold,
                used,
                hold.limit.amount.unwrap_or_default(),
                at,
            ],
        )
        .await?;
    Ok(noted == 1)
}

/// Which shares of limits were reached, the newest first, up to `limit`.
pub async fn alerts(tx: &mut Tx<'_>, tenant: &TenantId, limit: u32) -> Result<Vec<Alert>, Error> {
    let sql = "SELECT account, bucket, threshold, used, amount, at FROM spending_alerts
         WHERE tenant = $1 ORDER BY at DESC, account, threshold DESC LIMIT $2 + 0";
    let rows = tx.fetch_all(sql, args![tenant, limit]).await?;
    let read = |row: &Row| {
        let of = Limit::of_account(&row.text("account")?).ok_or_else(|| Error::unreadable("account"))?;
        Ok(Alert {
            limit: Limit { amount: Some(row.int("amount")?), ..of },
            threshold: u32::try_from(row.int("threshold")?).map_err(|_| Error::unreadable("threshold"))?,
            used: row.int("used")?,
            since: row.int("bucket")?,
            at: row.int("at")?,
        })
    };
    rows.iter().map(read).collect()
}
