//! The ledger: what was spent, and what is held for what is under way, for each limit that it counts for.
//!
//! Read first: [`reserve`] (holds the most that something can take, where no limit would be passed), [`settle`] (puts what it
//! took in its place) and [`release`]. What is held past its time is let go by whoever finds no room, or looks. `accounts` is what
//! each limit is compared with, `usage` who has spent what.

mod accounts;
mod usage;

pub use accounts::{Alert, Balance, Full, Hold, alert, alerts, balances, begin, forget, used};
pub use usage::{Bought, By, Share, bought, usage};

use pilothouse_domain::ledger::{Amounts, Payer};
use pilothouse_domain::{ChargeId, Micros, TenantId};

use self::accounts::{Held, json};
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

/// One at a time for each tenant, until the unit ends.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(1885956987, hashtext($1))";

/// Nobody else changes what the tenant has spent until the unit ends.
pub async fn hold(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<(), Error> {
    // SQLite has one writer anyway.
    if !tx.is_sqlite() {
        tx.fetch_optional(ONE_AT_A_TIME, args![tenant]).await?;
    }
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
    accounts::forget_old(tx, tenant, holds).await?;
    if !accounts::take(tx, tenant, charge.worst, holds).await? {
        if get(tx, tenant, charge.id).await?.is_some() {
            return Ok(Ok(()));
        }
        expire(tx, tenant, charge.at).await?;
        for hold in holds {
            begin(tx, tenant, hold, &charge.payer).await?;
        }
        if !accounts::take(tx, tenant, charge.worst, holds).await? {
            let full = accounts::passed(tx, tenant, charge.worst, holds).await?;
            let nothing = || Error::Database("a reservation was refused and no limit is full".to_owned());
            return full.map(Err).ok_or_else(nothing);
        }
    }
    let accounts = accounts::held(holds);
    if !insert(tx, tenant, charge, &json(&accounts)?).await? {
        // It was there already: what was taken a second time is given back.
        accounts::add(tx, tenant, &accounts, (Amounts::default(), charge.worst)).await?;
    }
    Ok(Ok(()))
}

/// The limit that a charge would pass; none where there is room, or where it is there already.
pub async fn passed(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    (id, worst): (ChargeId, Amounts),
    holds: &[Hold],
) -> Result<Option<Full>, Error> {
    match get(tx, tenant, id).await? {
        Some(_) => Ok(None),
        None => accounts::passed(tx, tenant, worst, holds).await,
    }
}

/// False where it is there already.
async fn insert(tx: &mut Tx<'_>, tenant: &TenantId, new: &Charge, accounts: &str) -> Result<bool, Error> {
    let Payer { project, repository, token, user, task, run } = &new.payer;
    let sql = "INSERT INTO charges (tenant, id, state, at, expires_at, kind, project, repository, token, subject, task, run, step,
           provider, model, prompt, held_nano, held_tokens, nano, tokens_in, tokens_out, tokens_cached, accounts)
         VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0, 0, 0, 0, $18)
         ON CONFLICT (tenant, id) DO NOTHING";
    let args = args![
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
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// A charge as far as its end is concerned.
struct Ending {
    state: String,
    payer: Payer,
    held: Amounts,
    accounts: Vec<Held>,
}

async fn get(tx: &mut Tx<'_>, tenant: &TenantId, id: ChargeId) -> Result<Option<Ending>, Error> {
    let sql = "SELECT state, project, repository, token, subject, task, run, held_nano, held_tokens, accounts
         FROM charges WHERE tenant = $1 AND id = $2";
    tx.fetch_optional(sql, args![tenant, id]).await?.as_ref().map(ending).transpose()
}

fn ending(row: &Row) -> Result<Ending, Error> {
    let payer = Payer {
        project: row.optional_text("project")?,
        repository: row.optional_text("repository")?,
        token: row.optional_text("token")?,
        user: row.optional_text("subject")?,
        task: row.optional_text("task")?,
        run: row.optional_text("run")?,
    };
    let held = Amounts { nano_usd: row.int("held_nano")?, tokens: row.int("held_tokens")? };
    let accounts = serde_json::from_str(&row.text("accounts")?).map_err(|_| Error::unreadable("accounts"))?;
    Ok(Ending { state: row.text("state")?, payer, held, accounts })
}

/// Puts what a charge took in the place of what was held for it, and tells who pays. One that was let go meanwhile counts all
/// the same, and one that was settled already stays: none. The caller holds the ledger.
pub async fn settle(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: ChargeId,
    (used, at): (&Used, Micros),
) -> Result<Option<Payer>, Error> {
    let Some(before) = get(tx, tenant, id).await? else { return Err(Error::Missing { what: "charge" }) };
    let held = match before.state.as_str() {
        "settled" => return Ok(None),
        "open" => before.held,
        _ => Amounts::default(),
    };
    accounts::add(tx, tenant, &before.accounts, (used.amounts(), held)).await?;
    // Nothing is held any more, and two thirds of the row would say in which accounts it was.
    tx.execute(
        "UPDATE charges SET state = 'settled', ended_at = $3, nano = $4, tokens_in = $5, tokens_out = $6,
           tokens_cached = $7, latency_us = $8, error = $9, provider = COALESCE($10, provider),
           model = COALESCE($11, model), accounts = '[]' WHERE tenant = $1 AND id = $2",
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
    Ok(Some(before.payer))
}

/// Lets go what was held for a charge that took nothing; false where nothing is held. The caller holds the ledger.
pub async fn release(tx: &mut Tx<'_>, tenant: &TenantId, id: ChargeId, at: Micros) -> Result<bool, Error> {
    let Some(before) = get(tx, tenant, id).await? else { return Ok(false) };
    if before.state != "open" {
        return Ok(false);
    }
    accounts::add(tx, tenant, &before.accounts, (Amounts::default(), before.held)).await?;
    let sql = "UPDATE charges SET state = 'released', ended_at = $3 WHERE tenant = $1 AND id = $2";
    tx.execute(sql, args![tenant, id, at]).await?;
    Ok(true)
}

/// Lets go what was held past its time, for whoever is not there any more to settle it.
pub async fn expire(tx: &mut Tx<'_>, tenant: &TenantId, now: Micros) -> Result<u64, Error> {
    let sql = "UPDATE charges SET state = 'expired', ended_at = $2
         WHERE tenant = $1 AND state = 'open' AND expires_at <= $2
         RETURNING state, project, repository, token, subject, task, run, held_nano, held_tokens, accounts";
    let rows = tx.fetch_all(sql, args![tenant, now]).await?;
    for row in &rows {
        let gone = ending(row)?;
        accounts::add(tx, tenant, &gone.accounts, (Amounts::default(), gone.held)).await?;
    }
    Ok(rows.len() as u64)
}
