//! Accounts: for each limit and whoever it is about, what was spent and is held, by the parts of the limit's window. They can
//! be counted again from the charges at any time.

use pilothouse_domain::ledger::{Amounts, Level, Limit, Payer, Span, Unit, Window};
use pilothouse_domain::{Micros, TenantId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::given::{Given, Kind, Rows};
use crate::{Error, Row, Tx, args};

/// An account that a charge counts in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its name.
    pub account: String,
    /// The limit that it is of.
    pub limit: Limit,
    /// Where the charge lies in its window.
    pub span: Span,
}

impl Hold {
    /// Whether it is a limit of single runs.
    pub fn is_of_run(&self) -> bool {
        self.limit.level == Level::Run
    }

    /// Whether its window is one part, so that one row says all that counts for the limit.
    fn is_one_row(&self) -> bool {
        self.span.since == self.span.bucket
    }

    /// The most that can be there already where so much more is to have room.
    fn room(&self, more: i64) -> i64 {
        self.limit.amount.unwrap_or(i64::MAX).saturating_sub(more)
    }

    /// Whether so much more would pass the limit.
    fn would_pass(&self, used: i64, more: Amounts) -> bool {
        self.limit.amount.is_some_and(|amount| used.saturating_add(more.of(self.limit.unit)) > amount)
    }
}

/// That a limit would be passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Full {
    /// The limit.
    pub hold: Hold,
    /// What was spent of it, and what is held.
    pub used: i64,
    /// What was wanted.
    pub wanted: i64,
}

/// How an account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// What was spent, and what is held.
    pub used: i64,
    /// The shares of the limit, in percent, that somebody was told of.
    pub told: Vec<u32>,
}

/// An account as it stands in a charge, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Held {
    pub account: String,
    pub bucket: Micros,
    pub unit: Unit,
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

/// The bucket of an account that says that it counts from the beginning.
const MARK: i64 = -1;

/// What was spent in accounts and is held, and whether they were ever counted.
const USED: Given = Given {
    columns: &[("tenant", Kind::Text), ("account", Kind::Text), ("since", Kind::Int)],
    sqlite: "SELECT :account AS account,
               COALESCE((SELECT SUM(held) FROM accounts
                 WHERE tenant = :tenant AND account = :account AND bucket >= :since), 0) AS used,
               EXISTS (SELECT 1 FROM accounts WHERE tenant = :tenant AND account = :account AND bucket = -1) AS begun",
    postgres: "SELECT given.account,
                 CAST(COALESCE((SELECT SUM(own.held) FROM accounts AS own WHERE own.tenant = given.tenant
                   AND own.account = given.account AND own.bucket >= given.since), 0) AS BIGINT) AS used,
                 CASE WHEN EXISTS (SELECT 1 FROM accounts AS own WHERE own.tenant = given.tenant
                   AND own.account = given.account AND own.bucket = -1) THEN 1::bigint ELSE 0::bigint END AS begun
               FROM given",
};

/// Holds more in accounts.
const HOLD: Given = Given {
    columns: &[("tenant", Kind::Text), ("account", Kind::Text), ("bucket", Kind::Int), ("more", Kind::Int)],
    sqlite: "INSERT INTO accounts (tenant, account, bucket, held) VALUES (:tenant, :account, :bucket, :more)
             ON CONFLICT (tenant, account, bucket) DO UPDATE SET held = accounts.held + excluded.held",
    postgres: "INSERT INTO accounts (tenant, account, bucket, held) SELECT tenant, account, bucket, more FROM given
               ON CONFLICT (tenant, account, bucket) DO UPDATE SET held = accounts.held + excluded.held",
};

/// Holds more in the accounts that are counted and have room for it, and tells which.
const TAKE: Given = Given {
    columns: &[
        ("tenant", Kind::Text),
        ("account", Kind::Text),
        ("bucket", Kind::Int),
        ("more", Kind::Int),
        ("room", Kind::Int),
    ],
    sqlite: "UPDATE accounts SET held = held + :more
             WHERE tenant = :tenant AND account = :account AND bucket = :bucket AND held <= :room RETURNING account",
    postgres: "UPDATE accounts SET held = held + given.more FROM given
               WHERE accounts.tenant = given.tenant AND accounts.account = given.account
                 AND accounts.bucket = given.bucket AND held <= given.room RETURNING accounts.account",
};

/// Counts more in accounts, or less. Those that are forgotten stay so: they are counted anew.
const CHANGE: Given = Given {
    columns: &[("tenant", Kind::Text), ("account", Kind::Text), ("bucket", Kind::Int), ("more", Kind::Int)],
    sqlite: "UPDATE accounts SET held = held + :more WHERE tenant = :tenant AND account = :account AND bucket = :bucket",
    postgres: "UPDATE accounts SET held = held + given.more FROM given WHERE accounts.tenant = given.tenant
                 AND accounts.account = given.account AND accounts.bucket = given.bucket",
};

/// Which shares of limits somebody was told of.
const TOLD: Given = Given {
    columns: &[("tenant", Kind::Text), ("account", Kind::Text), ("since", Kind::Int)],
    sqlite: "SELECT account, threshold FROM spending_alerts WHERE tenant = :tenant AND account = :account AND bucket = :since",
    postgres: "SELECT told.account, told.threshold FROM given JOIN spending_alerts AS told
               ON told.tenant = given.tenant AND told.account = given.account AND told.bucket = given.since",
};

/// Holds what a charge can take in all its accounts, or in none: false where a limit would be passed or an account was never
/// counted. The caller holds the ledger, so that nothing comes between the look and the taking.
pub(super) async fn take(tx: &mut Tx<'_>, tenant: &TenantId, worst: Amounts, holds: &[Hold]) -> Result<bool, Error> {
    if holds.iter().all(Hold::is_one_row) && take_at_once(tx, tenant, worst, holds).await? {
        return Ok(true);
    }
    let used = by_account(tx, tenant, holds).await?;
    for hold in holds {
        let Some((used, true)) = used.get(&hold.account) else { return Ok(false) };
        if hold.would_pass(*used, worst) {
            return Ok(false);
        }
    }
    let more = holds.iter().map(|hold| args![tenant, &hold.account, hold.span.bucket, worst.of(hold.limit.unit)]);
    tx.given(&HOLD, &more.collect::<Rows<'_>>()).await?;
    Ok(true)
}

/// The same in one statement, which needs a row for each account: false also where the first of a month is still to come.
async fn take_at_once(tx: &mut Tx<'_>, tenant: &TenantId, worst: Amounts, holds: &[Hold]) -> Result<bool, Error> {
    let more = |hold: &Hold| worst.of(hold.limit.unit);
    let asked =
        holds.iter().map(|hold| args![tenant, &hold.account, hold.span.bucket, more(hold), hold.room(more(hold))]);
    let taken = tx.given(&TAKE, &asked.collect::<Rows<'_>>()).await?;
    if taken.len() == holds.len() {
        return Ok(true);
    }
    let taken = taken.iter().map(|row| row.text("account")).collect::<Result<BTreeSet<_>, _>>()?;
    let mut back = held(holds);
    back.retain(|held| taken.contains(&held.account));
    add(tx, tenant, &back, (Amounts::default(), worst)).await?;
    Ok(false)
}

/// What was spent in each account and is held, in their order.
pub async fn used(tx: &mut Tx<'_>, tenant: &TenantId, holds: &[Hold]) -> Result<Vec<i64>, Error> {
    let used = by_account(tx, tenant, holds).await?;
    Ok(holds.iter().map(|hold| used.get(&hold.account).map_or(0, |(used, _)| *used)).collect())
}

/// What was spent in each account and is held, and whether it was ever counted.
async fn by_account(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    holds: &[Hold],
) -> Result<BTreeMap<String, (i64, bool)>, Error> {
    let asked = holds.iter().map(|hold| args![tenant, &hold.account, hold.span.since]).collect::<Rows<'_>>();
    let rows = tx.given(&USED, &asked).await?;
    rows.iter().map(|row| Ok((row.text("account")?, (row.int("used")?, row.int("begun")? > 0)))).collect()
}

/// The accounts of a charge, as they are kept with it.
pub(super) fn held(holds: &[Hold]) -> Vec<Held> {
    let one = |hold: &Hold| Held { account: hold.account.clone(), bucket: hold.span.bucket, unit: hold.limit.unit };
    holds.iter().map(one).collect()
}

/// Which limit so much more would pass; the first, where several would.
pub(super) async fn passed(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    more: Amounts,
    holds: &[Hold],
) -> Result<Option<Full>, Error> {
    let used = used(tx, tenant, holds).await?;
    let full = holds.iter().zip(used).find(|(hold, used)| hold.would_pass(*used, more));
    Ok(full.map(|(hold, used)| Full { hold: hold.clone(), used, wanted: more.of(hold.limit.unit) }))
}

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

/// An account that counts for the first time takes over what was spent before there was a limit.
pub async fn begin(tx: &mut Tx<'_>, tenant: &TenantId, hold: &Hold, payer: &Payer) -> Result<(), Error> {
    let account = hold.account.as_str();
    let sql = "INSERT INTO accounts (tenant, account, bucket, held) VALUES ($1, $2, $3, 0)
         ON CONFLICT (tenant, account, bucket) DO NOTHING";
    if tx.execute(sql, args![tenant, account, MARK]).await? == 0 {
        return Ok(());
    }
    let Limit { level, unit, window, .. } = &hold.limit;
    let own = payer.at(*level).unwrap_or_default();
    tx.execute(
        "INSERT INTO accounts (tenant, account, bucket, held)
         SELECT $1, $2, CASE WHEN $8 > 0 THEN at - at % $8 ELSE $3 END, SUM(CASE WHEN $4 = 'tokens'
           THEN CASE WHEN state = 'open' THEN held_tokens ELSE tokens_in + tokens_out END
           ELSE CASE WHEN state = 'open' THEN held_nano ELSE nano END END)
         FROM charges WHERE tenant = $1 AND at >= $5 AND state IN ('open', 'settled') AND CASE $6
           WHEN 'project' THEN project = $7 WHEN 'repository' THEN repository = $7 WHEN 'token' THEN token = $7
           WHEN 'user' THEN subject = $7 WHEN 'task' THEN task = $7 WHEN 'run' THEN run = $7 ELSE 1 = 1 END
         GROUP BY 3",
        args![
            tenant,
            account,
            hold.span.bucket,
            unit.as_str(),
            hold.span.since,
            level.as_str(),
            own,
            window.part().unwrap_or_default(),
        ],
    )
    .await?;
    Ok(())
}

/// Of a window that rolls, what is too old to count is forgotten.
pub(super) async fn forget_old(tx: &mut Tx<'_>, tenant: &TenantId, holds: &[Hold]) -> Result<(), Error> {
    for hold in holds.iter().filter(|hold| matches!(hold.limit.window, Window::Rolling(_))) {
        let sql = "DELETE FROM accounts WHERE tenant = $1 AND account = $2 AND bucket < $3 AND bucket >= 0";
        tx.execute(sql, args![tenant, hold.account.as_str(), hold.span.since]).await?;
    }
    Ok(())
}

/// Forgets the accounts of a limit that does not hold any more: in between nobody counts, so one that comes later counts
/// again from the charges. Without a limit, all of the tenant's.
pub async fn forget(tx: &mut Tx<'_>, tenant: &TenantId, limit: Option<&Limit>) -> Result<(), Error> {
    let begins = limit.map_or_else(String::new, |limit| limit.kind().trim_end_matches('*').to_owned());
    let sql = "DELETE FROM accounts WHERE tenant = $1 AND substr(account, 1, length($2)) = $2";
    tx.execute(sql, args![tenant, begins.as_str()]).await?;
    Ok(())
}

/// Counts `took` in the place of `held`.
pub(super) async fn add(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    accounts: &[Held],
    (took, held): (Amounts, Amounts),
) -> Result<(), Error> {
    let more = |unit: Unit| took.of(unit).saturating_sub(held.of(unit));
    let changed = accounts.iter().filter(|account| more(account.unit) != 0);
    let rows = changed.map(|own| args![tenant, &own.account, own.bucket, more(own.unit)]).collect::<Rows<'_>>();
    if !rows.is_empty() {
        tx.given(&CHANGE, &rows).await?;
    }
    Ok(())
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

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| Error::unreadable("accounts"))
}
