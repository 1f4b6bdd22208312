//! Accounts: for each limit and whoever it is about, what was spent and is held, by the parts of the limit's window. They can
//! be counted again from the charges at any time.

use pilothouse_domain::ledger::{Amounts, Limit, Payer, Span, Unit, Window};
use pilothouse_domain::{Micros, TenantId};
use serde::{Deserialize, Serialize};

use super::Charge;
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

/// What is wanted of an account, as JSON.
#[derive(Serialize)]
struct Wanted<'a> {
    account: &'a str,
    bucket: Micros,
    since: Micros,
    wanted: i64,
    amount: Option<i64>,
}

/// What more counts in an account, as JSON.
#[derive(Serialize)]
struct More<'a> {
    account: &'a str,
    bucket: Micros,
    more: i64,
}

/// The bucket of an account that says that it counts from the beginning.
const MARK: i64 = -1;

macro_rules! take {
    ($given:literal) => {
        concat!(
            "WITH want AS (",
            $given,
            ")
             INSERT INTO accounts (tenant, account, bucket, held)
             SELECT $1, account, bucket, wanted FROM want WHERE NOT EXISTS (
               SELECT 1 FROM want AS w WHERE NOT EXISTS (
                 SELECT 1 FROM accounts AS m WHERE m.tenant = $1 AND m.account = w.account AND m.bucket = -1)
               OR w.amount IS NOT NULL AND w.wanted + COALESCE((
                 SELECT SUM(a.held) FROM accounts AS a
                 WHERE a.tenant = $1 AND a.account = w.account AND a.bucket >= w.since), 0) > w.amount)
             ON CONFLICT (tenant, account, bucket) DO UPDATE SET held = accounts.held + excluded.held"
        )
    };
}

/// Every account in one statement, and nothing of it where one limit would be passed or one account was never counted.
const TAKE_SQLITE: &str = take!(
    "SELECT value->>'account' AS account, value->>'bucket' AS bucket, value->>'since' AS since,
       value->>'wanted' AS wanted, value->>'amount' AS amount FROM json_each($2)"
);
const TAKE_POSTGRES: &str = take!(
    "SELECT * FROM jsonb_to_recordset(($2::text)::jsonb)
       AS given (account text, bucket bigint, since bigint, wanted bigint, amount bigint)"
);

const ADD_SQLITE: &str = "UPDATE accounts SET held = held + given.more
     FROM (SELECT value->>'account' AS account, value->>'bucket' AS bucket, value->>'more' AS more FROM json_each($2)) AS given
     WHERE accounts.tenant = $1 AND accounts.account = given.account AND accounts.bucket = given.bucket";
const ADD_POSTGRES: &str = "UPDATE accounts SET held = held + given.more
     FROM jsonb_to_recordset(($2::text)::jsonb) AS given (account text, bucket bigint, more bigint)
     WHERE accounts.tenant = $1 AND accounts.account = given.account AND accounts.bucket = given.bucket";

macro_rules! balances {
    ($told:literal, $given:literal) => {
        concat!(
            "SELECT CAST(COALESCE((SELECT SUM(held) FROM accounts
                 WHERE tenant = $1 AND accounts.account = given.account AND accounts.bucket >= given.since), 0) AS BIGINT) AS used,
               (SELECT ",
            $told,
            " FROM spending_alerts AS told
                 WHERE tenant = $1 AND told.account = given.account AND told.bucket = given.since) AS told
             FROM ",
            $given,
            " ORDER BY place"
        )
    };
}

const BALANCES_SQLITE: &str = balances!(
    "group_concat(threshold)",
    "(SELECT value->>'account' AS account, value->>'since' AS since, key AS place FROM json_each($2)) AS given"
);
const BALANCES_POSTGRES: &str = balances!(
    "string_agg(threshold::text, ',')",
    "ROWS FROM (jsonb_to_recordset(($2::text)::jsonb) AS (account text, since bigint)) WITH ORDINALITY
       AS given (account, since, place)"
);

/// Holds what a charge can take in all its accounts, or in none: false where a limit would be passed or an account was never
/// counted.
pub(super) async fn take(tx: &mut Tx<'_>, tenant: &TenantId, worst: Amounts, holds: &[Hold]) -> Result<bool, Error> {
    if holds.is_empty() {
        return Ok(true);
    }
    let given = json(&wanted(worst, holds))?;
    let sql = tx.pick(TAKE_SQLITE, TAKE_POSTGRES);
    Ok(tx.execute(sql, args![tenant, given.as_str()]).await? == holds.len() as u64)
}

fn wanted(worst: Amounts, holds: &[Hold]) -> Vec<Wanted<'_>> {
    holds
        .iter()
        .map(|hold| Wanted {
            account: &hold.account,
            bucket: hold.span.bucket,
            since: hold.span.since,
            wanted: worst.of(hold.limit.unit),
            amount: hold.limit.amount,
        })
        .collect()
}

/// The accounts of a charge, as they are kept with it.
pub(super) fn held(holds: &[Hold]) -> Vec<Held> {
    let one = |hold: &Hold| Held { account: hold.account.clone(), bucket: hold.span.bucket, unit: hold.limit.unit };
    holds.iter().map(one).collect()
}

/// Which limit it is that would be passed; the first, where several would.
pub(super) async fn full(tx: &mut Tx<'_>, tenant: &TenantId, charge: &Charge, holds: &[Hold]) -> Result<Full, Error> {
    for (hold, balance) in holds.iter().zip(balances(tx, tenant, holds).await?) {
        let (used, wanted) = (balance.used, charge.worst.of(hold.limit.unit));
        if hold.limit.amount.is_some_and(|amount| used.saturating_add(wanted) > amount) {
            return Ok(Full { hold: hold.clone(), used, wanted });
        }
    }
    Err(Error::Database("a reservation was refused and no limit is full".to_owned()))
}

/// How accounts stand, in their order.
pub async fn balances(tx: &mut Tx<'_>, tenant: &TenantId, holds: &[Hold]) -> Result<Vec<Balance>, Error> {
    if holds.is_empty() {
        return Ok(Vec::new());
    }
    let given = json(&wanted(Amounts::default(), holds))?;
    let sql = tx.pick(BALANCES_SQLITE, BALANCES_POSTGRES);
    let rows = tx.fetch_all(sql, args![tenant, given.as_str()]).await?;
    let read = |row: &Row| {
        let told = row.optional_text("told")?.unwrap_or_default();
        Ok(Balance { used: row.int("used")?, told: told.split(',').filter_map(|share| share.parse().ok()).collect() })
    };
    rows.iter().map(read).collect()
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
    let more: Vec<More<'_>> = accounts
        .iter()
        .map(|Held { account, bucket, unit }| {
            let more = took.of(*unit).saturating_sub(held.of(*unit));
            More { account, bucket: *bucket, more }
        })
        .filter(|more| more.more != 0)
        .collect();
    if more.is_empty() {
        return Ok(());
    }
    let sql = tx.pick(ADD_SQLITE, ADD_POSTGRES);
    tx.execute(sql, args![tenant, json(&more)?.as_str()]).await?;
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

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| Error::unreadable("accounts"))
}
