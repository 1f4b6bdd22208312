//! The ledger: what was spent, and what is held for what is under way, for each limit that it counts for.
//!
//! Read first: [`reserve`] (holds the most that something can take, where no limit would be passed), [`settle`] (puts what it
//! took in its place) and [`release`]. What is held past its time is let go by whoever reserves next.

use pilothouse_domain::ledger::{Amounts, Level, Limit, Payer, Span, Unit};
use pilothouse_domain::{ChargeId, Micros, TenantId};
use serde::{Deserialize, Serialize};

use crate::{Error, Row, Tx, args};

/// Something that costs money or tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Its id; the same charge is reserved once.
    pub id: ChargeId,
    /// When.
    pub at: Micros,
    /// When it is let go unless it was settled before.
    pub expires_at: Micros,
    /// What it is, for instance `ai` or `query`.
    pub kind: String,
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
}

/// What a charge took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Used {
    /// Money, in nano-USD.
    pub nano_usd: i64,
    /// Tokens that were sent,
    pub tokens_in: i64,
    /// and received.
    pub tokens_out: i64,
    /// Of those that were sent, how many the provider had kept.
    pub tokens_cached: i64,
    /// How long it took, in microseconds.
    pub latency_us: Option<i64>,
    /// Who did it in the end, where that is not who was asked first.
    pub provider: Option<String>,
    /// And with what.
    pub model: Option<String>,
    /// Why it failed, as a code.
    pub error: Option<String>,
}

impl Used {
    fn amounts(&self) -> Amounts {
        Amounts { nano_usd: self.nano_usd, tokens: self.tokens_in.saturating_add(self.tokens_out) }
    }
}

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

/// An account as it stands in a charge, as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Held {
    account: String,
    bucket: Micros,
    unit: Unit,
}

/// The same with what is wanted of it.
#[derive(Serialize)]
struct Wanted<'a> {
    account: &'a str,
    bucket: Micros,
    since: Micros,
    wanted: i64,
    amount: Option<i64>,
}

/// The bucket of an account that says that it counts from the beginning.
const MARK: i64 = -1;
/// One at a time for each tenant, until the unit ends.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(1885956987, hashtext($1))";

macro_rules! conditional {
    ($given:literal) => {
        concat!(
            "WITH want AS (",
            $given,
            ")
             INSERT INTO accounts (tenant, account, bucket, held)
             SELECT $1, account, bucket, wanted FROM want WHERE NOT EXISTS (
               SELECT 1 FROM want AS w WHERE w.amount IS NOT NULL AND w.wanted + COALESCE((
                 SELECT SUM(a.held) FROM accounts AS a
                 WHERE a.tenant = $1 AND a.account = w.account AND a.bucket >= w.since), 0) > w.amount)
             ON CONFLICT (tenant, account, bucket) DO UPDATE SET held = accounts.held + excluded.held"
        )
    };
}

/// Every account in one statement, and nothing of it where one limit would be passed.
const RESERVE_SQLITE: &str = conditional!(
    "SELECT value->>'account' AS account, value->>'bucket' AS bucket, value->>'since' AS since,
       value->>'wanted' AS wanted, value->>'amount' AS amount FROM json_each($2)"
);
const RESERVE_POSTGRES: &str = conditional!(
    "SELECT * FROM jsonb_to_recordset(($2::text)::jsonb)
       AS given (account text, bucket bigint, since bigint, wanted bigint, amount bigint)"
);

/// Nobody else changes what the tenant has spent until the unit ends.
pub async fn hold(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<(), Error> {
    // SQLite has one writer anyway.
    let lock = tx.pick("SELECT $1", ONE_AT_A_TIME);
    tx.fetch_optional(lock, args![tenant]).await?;
    Ok(())
}

/// Holds the most that a charge can take, in every account that it counts in, or in none. The caller holds the ledger. A
/// charge that is there already stays as it is.
///
/// # Errors
/// Besides the database's: `Ok(Err(full))` where a limit would be passed.
pub async fn reserve(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    charge: &Charge,
    holds: &[Hold],
) -> Result<Result<(), Full>, Error> {
    expire(tx, tenant, charge.at).await?;
    if get(tx, tenant, charge.id).await?.is_some() {
        return Ok(Ok(()));
    }
    for hold in holds {
        begin(tx, tenant, hold, &charge.payer).await?;
    }
    let wanted = holds.iter().map(|hold| Wanted {
        account: &hold.account,
        bucket: hold.span.bucket,
        since: hold.span.since,
        wanted: charge.worst.of(hold.limit.unit),
        amount: hold.limit.amount,
    });
    let given = json(&wanted.collect::<Vec<_>>())?;
    let sql = tx.pick(RESERVE_SQLITE, RESERVE_POSTGRES);
    if tx.execute(sql, args![tenant, given.as_str()]).await? != holds.len() as u64 {
        return full(tx, tenant, charge, holds).await.map(Err);
    }
    let accounts = holds.iter().map(|hold| Held {
        account: hold.account.clone(),
        bucket: hold.span.bucket,
        unit: hold.limit.unit,
    });
    let accounts = json(&accounts.collect::<Vec<_>>())?;
    insert(tx, tenant, charge, &accounts).await.map(Ok)
}

/// Which limit it is that would be passed; the first, where several would.
async fn full(tx: &mut Tx<'_>, tenant: &TenantId, charge: &Charge, holds: &[Hold]) -> Result<Full, Error> {
    for hold in holds {
        let (used, wanted) = (used(tx, tenant, hold).await?, charge.worst.of(hold.limit.unit));
        if hold.limit.amount.is_some_and(|amount| used.saturating_add(wanted) > amount) {
            return Ok(Full { hold: hold.clone(), used, wanted });
        }
    }
    Err(Error::Database("a reservation was refused and no limit is full".to_owned()))
}

/// What was spent in an account, and what is held.
pub async fn used(tx: &mut Tx<'_>, tenant: &TenantId, hold: &Hold) -> Result<i64, Error> {
    let sql = "SELECT CAST(COALESCE(SUM(held), 0) AS BIGINT) AS used FROM accounts
         WHERE tenant = $1 AND account = $2 AND bucket >= $3";
    let row = tx.fetch_optional(sql, args![tenant, hold.account.as_str(), hold.span.since]).await?;
    row.map_or(Ok(0), |row| row.int("used"))
}

/// An account that counts for the first time takes over what was spent before there was a limit; of a window that rolls,
/// what is too old to count is forgotten.
pub async fn begin(tx: &mut Tx<'_>, tenant: &TenantId, hold: &Hold, payer: &Payer) -> Result<(), Error> {
    let account = hold.account.as_str();
    let sql = "INSERT INTO accounts (tenant, account, bucket, held) VALUES ($1, $2, $3, 0)
         ON CONFLICT (tenant, account, bucket) DO NOTHING";
    if tx.execute(sql, args![tenant, account, MARK]).await? == 0 {
        let sql = "DELETE FROM accounts WHERE tenant = $1 AND account = $2 AND bucket < $3 AND bucket >= 0";
        tx.execute(sql, args![tenant, account, hold.span.since]).await?;
        return Ok(());
    }
    let Limit { level, unit, .. } = &hold.limit;
    let own = payer.at(*level).unwrap_or_default();
    tx.execute(
        "INSERT INTO accounts (tenant, account, bucket, held)
         SELECT $1, $2, $3, COALESCE(SUM(CASE WHEN $4 = 'tokens'
           THEN CASE WHEN state = 'open' THEN held_tokens ELSE tokens_in + tokens_out END
           ELSE CASE WHEN state = 'open' THEN held_nano ELSE nano END END), 0)
         FROM charges WHERE tenant = $1 AND at >= $5 AND state IN ('open', 'settled') AND CASE $6
           WHEN 'project' THEN project = $7 WHEN 'repository' THEN repository = $7 WHEN 'token' THEN token = $7
           WHEN 'user' THEN subject = $7 WHEN 'task' THEN task = $7 WHEN 'run' THEN run = $7 ELSE 1 = 1 END",
        args![tenant, account, hold.span.bucket, unit.as_str(), hold.span.since, level.as_str(), own],
    )
    .await?;
    Ok(())
}

async fn insert(tx: &mut Tx<'_>, tenant: &TenantId, new: &Charge, accounts: &str) -> Result<(), Error> {
    let Payer { project, repository, token, user, task, run } = &new.payer;
    tx.execute(
        "INSERT INTO charges (tenant, id, state, at, expires_at, kind, project, repository, token, subject, task, run, step,
           provider, model, prompt, held_nano, held_tokens, nano, tokens_in, tokens_out, tokens_cached, accounts)
         VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0, 0, 0, 0, $18)",
        args![
            tenant,
            new.id,
            new.at,
            new.expires_at,
            new.kind.as_str(),
            project.as_deref(),
            repository.as_deref(),
            token.as_deref(),
            user.as_deref(),
            task.as_deref(),
            run.as_deref(),
            new.step.as_deref(),
            new.provider.as_deref(),
            new.model.as_deref(),
            new.prompt.as_deref(),
            new.worst.nano_usd,
            new.worst.tokens,
            accounts,
        ],
    )
    .await?;
    Ok(())
}

/// Who pays for a charge.
pub async fn payer(tx: &mut Tx<'_>, tenant: &TenantId, id: ChargeId) -> Result<Option<Payer>, Error> {
    let sql = "SELECT project, repository, token, subject, task, run FROM charges WHERE tenant = $1 AND id = $2";
    let read = |row: Row| {
        Ok(Payer {
            project: row.optional_text("project")?,
            repository: row.optional_text("repository")?,
            token: row.optional_text("token")?,
            user: row.optional_text("subject")?,
            task: row.optional_text("task")?,
            run: row.optional_text("run")?,
        })
    };
    tx.fetch_optional(sql, args![tenant, id]).await?.map(read).transpose()
}

/// A charge as far as its end is concerned.
struct Ending {
    state: String,
    held: Amounts,
    accounts: Vec<Held>,
}

async fn get(tx: &mut Tx<'_>, tenant: &TenantId, id: ChargeId) -> Result<Option<Ending>, Error> {
    let sql = "SELECT state, held_nano, held_tokens, accounts FROM charges WHERE tenant = $1 AND id = $2";
    tx.fetch_optional(sql, args![tenant, id]).await?.as_ref().map(ending).transpose()
}

fn ending(row: &Row) -> Result<Ending, Error> {
    let held = Amounts { nano_usd: row.int("held_nano")?, tokens: row.int("held_tokens")? };
    let accounts = serde_json::from_str(&row.text("accounts")?).map_err(|_| Error::unreadable("accounts"))?;
    Ok(Ending { state: row.text("state")?, held, accounts })
}

/// Puts what a charge took in the place of what was held for it. One that was let go meanwhile counts all the same, and one
/// that was settled already stays: false. The caller holds the ledger.
pub async fn settle(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: ChargeId,
    (used, at): (&Used, Micros),
) -> Result<bool, Error> {
    let Some(before) = get(tx, tenant, id).await? else { return Err(Error::Missing { what: "charge" }) };
    let held = match before.state.as_str() {
        "settled" => return Ok(false),
        "open" => before.held,
        _ => Amounts::default(),
    };
    let took = used.amounts();
    add(tx, tenant, &before.accounts, took, held).await?;
    tx.execute(
        "UPDATE charges SET state = 'settled', ended_at = $3, nano = $4, tokens_in = $5, tokens_out = $6,
           tokens_cached = $7, latency_us = $8, error = $9, provider = COALESCE($10, provider),
           model = COALESCE($11, model) WHERE tenant = $1 AND id = $2",
        args![
            tenant,
            id,
            at,
            used.nano_usd,
            used.tokens_in,
            used.tokens_out,
            used.tokens_cached,
            used.latency_us,
            used.error.as_deref(),
            used.provider.as_deref(),
            used.model.as_deref(),
        ],
    )
    .await?;
    Ok(true)
}

/// Lets go what was held for a charge that took nothing; false where nothing is held. The caller holds the ledger.
pub async fn release(tx: &mut Tx<'_>, tenant: &TenantId, id: ChargeId, at: Micros) -> Result<bool, Error> {
    let Some(before) = get(tx, tenant, id).await? else { return Ok(false) };
    if before.state != "open" {
        return Ok(false);
    }
    add(tx, tenant, &before.accounts, Amounts::default(), before.held).await?;
    let sql = "UPDATE charges SET state = 'released', ended_at = $3 WHERE tenant = $1 AND id = $2";
    tx.execute(sql, args![tenant, id, at]).await?;
    Ok(true)
}

/// Lets go what was held past its time, for whoever is not there any more to settle it.
pub async fn expire(tx: &mut Tx<'_>, tenant: &TenantId, now: Micros) -> Result<u64, Error> {
    let sql = "UPDATE charges SET state = 'expired', ended_at = $2
         WHERE tenant = $1 AND state = 'open' AND expires_at <= $2
         RETURNING state, held_nano, held_tokens, accounts";
    let rows = tx.fetch_all(sql, args![tenant, now]).await?;
    for row in &rows {
        let gone = ending(row)?;
        add(tx, tenant, &gone.accounts, Amounts::default(), gone.held).await?;
    }
    Ok(rows.len() as u64)
}

/// Counts `took` in the place of `held`.
async fn add(tx: &mut Tx<'_>, tenant: &TenantId, accounts: &[Held], took: Amounts, held: Amounts) -> Result<(), Error> {
    for Held { account, bucket, unit } in accounts {
        let more = took.of(*unit).saturating_sub(held.of(*unit));
        let sql = "UPDATE accounts SET held = held + $4 WHERE tenant = $1 AND account = $2 AND bucket = $3";
        tx.execute(sql, args![tenant, account.as_str(), *bucket, more]).await?;
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

/// What was spent by one who spends, or for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// By whom or for what; none where that was not said.
    pub name: Option<String>,
    /// Money, in nano-USD.
    pub nano_usd: i64,
    /// Tokens that were sent,
    pub tokens_in: i64,
    /// and received.
    pub tokens_out: i64,
    /// Of those that were sent, how many the provider had kept.
    pub tokens_cached: i64,
    /// How many charges.
    pub charges: i64,
    /// How many of them failed.
    pub errors: i64,
    /// The most that those can take which are under way, in nano-USD.
    pub open_nano_usd: i64,
}

/// Who or what spending is told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Who pays, at a level; the tenant's is all in one.
    Level(Level),
    /// What it is.
    Kind,
    /// Whom it is bought from.
    Provider,
    /// What is bought.
    Model,
}

impl By {
    /// The word by which it is asked for.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Level(level) => level.as_str(),
            Self::Kind => "kind",
            Self::Provider => "provider",
            Self::Model => "model",
        }
    }

    /// That with this word.
    pub fn parse(text: &str) -> Option<Self> {
        let other = [Self::Kind, Self::Provider, Self::Model].into_iter().find(|by| by.as_str() == text);
        Level::parse(text).map(Self::Level).or(other)
    }
}

/// What was spent from `from` until `to`, told apart, the most money first and then the most tokens, up to `limit`. Only what
/// is of a kind counts, where one is named.
pub async fn usage(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    (from, to): (Micros, Micros),
    (by, kind): (By, Option<&str>),
    limit: u32,
) -> Result<Vec<Share>, Error> {
    let sql = "SELECT name, CAST(SUM(nano) AS BIGINT) AS nano, CAST(SUM(tokens_in) AS BIGINT) AS tokens_in,
           CAST(SUM(tokens_out) AS BIGINT) AS tokens_out, CAST(SUM(tokens_cached) AS BIGINT) AS tokens_cached,
           COUNT(*) AS charges, COUNT(error) AS errors,
           CAST(SUM(CASE WHEN state = 'open' THEN held_nano ELSE 0 END) AS BIGINT) AS open_nano
         FROM (SELECT state, nano, tokens_in, tokens_out, tokens_cached, error, held_nano, CASE $4
             WHEN 'project' THEN project WHEN 'repository' THEN repository WHEN 'token' THEN token
             WHEN 'user' THEN subject WHEN 'task' THEN task WHEN 'run' THEN run WHEN 'kind' THEN kind
             WHEN 'provider' THEN provider WHEN 'model' THEN model END AS name
           FROM charges WHERE tenant = $1 AND at >= $2 AND at < $3 AND state IN ('open', 'settled')
             AND ($5 IS NULL OR kind = $5)) AS told
         GROUP BY name ORDER BY SUM(nano) DESC, SUM(tokens_in + tokens_out) DESC, name LIMIT $6 + 0";
    let read = |row: &Row| {
        Ok(Share {
            name: row.optional_text("name")?,
            nano_usd: row.int("nano")?,
            tokens_in: row.int("tokens_in")?,
            tokens_out: row.int("tokens_out")?,
            tokens_cached: row.int("tokens_cached")?,
            charges: row.int("charges")?,
            errors: row.int("errors")?,
            open_nano_usd: row.int("open_nano")?,
        })
    };
    let rows = tx.fetch_all(sql, args![tenant, from, to, by.as_str(), kind, limit]).await?;
    rows.iter().map(read).collect()
}

fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| Error::unreadable("accounts"))
}
