//! Accounts: for each limit and whoever it is about, what was spent and is held, by the parts of the limit's window. They can
//! be counted again from the charges at any time.

use pilothouse_domain::ledger::{Amounts, Level, Limit, Payer, Span, Unit, Window};
use pilothouse_domain::{Micros, TenantId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    pub fn is_one_row(&self) -> bool {
        self.span.since == self.span.bucket
    }

    /// The most that its row can hold already where so much more is to have room. Of several rows one cannot say that.
    pub(super) fn room(&self, more: i64) -> i64 {
        let amount = self.limit.amount.filter(|_| self.is_one_row());
        amount.map_or(i64::MAX, |amount| amount.saturating_sub(more))
    }

    /// That so much more would pass the limit, if it would.
    pub(super) fn full(&self, used: i64, more: Amounts) -> Option<Full> {
        let wanted = more.of(self.limit.unit);
        let is_passed = self.limit.amount.is_some_and(|amount| used.saturating_add(wanted) > amount);
        is_passed.then(|| Full { hold: self.clone(), used, wanted })
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

/// An account as it stands in a charge, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Held {
    pub account: String,
    pub bucket: Micros,
    pub unit: Unit,
}

/// The row of an account that something was just counted in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub account: String,
    /// The part of its window.
    pub bucket: Micros,
    /// What was spent in that part and is held, now.
    pub held: i64,
}

impl Account {
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self { account: row.text("account")?, bucket: row.int("bucket")?, held: row.int("held")? })
    }
}

/// The bucket of an account that says that it counts from the beginning.
const MARK: i64 = -1;

/// What was spent in accounts and is held.
const USED: Given = Given {
    columns: &[("tenant", Kind::Text), ("account", Kind::Text), ("since", Kind::Int)],
    sqlite: "SELECT :account AS account, COALESCE((SELECT SUM(held) FROM accounts
               WHERE tenant = :tenant AND account = :account AND bucket >= :since), 0) AS used",
    postgres:
        "SELECT given.account, CAST(COALESCE((SELECT SUM(own.held) FROM accounts AS own WHERE own.tenant = given.tenant
                 AND own.account = given.account AND own.bucket >= given.since), 0) AS BIGINT) AS used FROM given",
};

/// Counts more in accounts, or less. Those that are forgotten stay so: they are counted anew.
const CHANGE: Given = Given {
    columns: &[("tenant", Kind::Text), ("account", Kind::Text), ("bucket", Kind::Int), ("more", Kind::Int)],
    sqlite: "UPDATE accounts SET held = held + :more WHERE tenant = :tenant AND account = :account AND bucket = :bucket
             RETURNING account, bucket, held",
    postgres: ", own AS (
                 SELECT accounts.*, given.more FROM given JOIN accounts ON accounts.tenant = given.tenant
                   AND accounts.account = given.account AND accounts.bucket = given.bucket
                 ORDER BY accounts.account, accounts.bucket FOR UPDATE OF accounts
               )
               UPDATE accounts SET held = accounts.held + own.more FROM own WHERE accounts.tenant = own.tenant
                 AND accounts.account = own.account AND accounts.bucket = own.bucket
               RETURNING accounts.account, accounts.bucket, accounts.held",
};

/// What was spent in each account and is held, in their order.
pub async fn used(tx: &mut Tx<'_>, tenant: &TenantId, holds: &[Hold]) -> Result<Vec<i64>, Error> {
    let asked = holds.iter().map(|hold| args![tenant, &hold.account, hold.span.since]).collect::<Rows<'_>>();
    let mut used: BTreeMap<String, i64> = BTreeMap::new();
    for row in tx.given(&USED, &asked).await? {
        used.insert(row.text("account")?, row.int("used")?);
    }
    Ok(holds.iter().map(|hold| used.get(&hold.account).copied().unwrap_or(0)).collect())
}

/// The accounts of a charge, as they are kept with it.
pub(super) fn held(holds: &[Hold]) -> Vec<Held> {
    let one = |hold: &Hold| Held { account: hold.account.clone(), bucket: hold.span.bucket, unit: hold.limit.unit };
    holds.iter().map(one).collect()
}

/// Makes an account's row of now. One that counts for the first time takes over what was spent before there was a limit. The
/// caller holds the ledger.
pub async fn begin(tx: &mut Tx<'_>, tenant: &TenantId, hold: &Hold, payer: &Payer) -> Result<(), Error> {
    const OPEN: &str = "INSERT INTO accounts (tenant, account, bucket, held) VALUES ($1, $2, $3, 0)
         ON CONFLICT (tenant, account, bucket) DO NOTHING";
    let account = hold.account.as_str();
    if tx.execute(OPEN, args![tenant, account, MARK]).await? > 0 {
        count_again(tx, tenant, hold, payer).await?;
    }
    tx.execute(OPEN, args![tenant, account, hold.span.bucket]).await.map(|_| ())
}

/// Makes the rows of an account out of the charges. Those that are under way meanwhile count as they were held.
async fn count_again(tx: &mut Tx<'_>, tenant: &TenantId, hold: &Hold, payer: &Payer) -> Result<(), Error> {
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
            hold.account.as_str(),
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

/// Of a window that rolls, what is too old to count is forgotten; what somebody is about to change stays until the next time.
pub async fn forget_old(tx: &mut Tx<'_>, tenant: &TenantId, holds: &[Hold]) -> Result<(), Error> {
    let sql = tx.pick(
        "DELETE FROM accounts WHERE tenant = $1 AND account = $2 AND bucket < $3 AND bucket >= 0",
        "DELETE FROM accounts WHERE tenant = $1 AND account = $2 AND bucket IN (SELECT bucket FROM accounts
           WHERE tenant = $1 AND account = $2 AND bucket < $3 AND bucket >= 0 FOR UPDATE SKIP LOCKED)",
    );
    for hold in holds.iter().filter(|hold| matches!(hold.limit.window, Window::Rolling(_))) {
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

/// What is to be counted more in accounts, or less, by account and part of its window.
#[derive(Debug, Default)]
pub(super) struct Changes(BTreeMap<(String, Micros), i64>);

impl Changes {
    /// Counts `took` in the place of `held` in the accounts of a charge.
    pub fn count(&mut self, accounts: Vec<Held>, (took, held): (Amounts, Amounts)) {
        for Held { account, bucket, unit } in accounts {
            let more = took.of(unit).saturating_sub(held.of(unit));
            let sum = self.0.entry((account, bucket)).or_default();
            *sum = sum.saturating_add(more);
        }
    }

    /// Does it, and tells how the accounts stand that were changed.
    pub async fn make(&self, tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<Account>, Error> {
        let changed = self.0.iter().filter(|(_, more)| **more != 0);
        let rows = changed.map(|((account, bucket), more)| args![tenant, account, *bucket, *more]);
        tx.given(&CHANGE, &rows.collect::<Rows<'_>>()).await?.iter().map(Account::read).collect()
    }
}
