//! The end of a charge: what it took takes the place of what was held, or what was held is let go.

use pilothouse_domain::audit::{Entry, entry_bytes};
use pilothouse_domain::ledger::{Amounts, Payer};
use pilothouse_domain::{ChargeId, Micros, TenantId};

use super::Used;
use super::accounts::{Account, Changes, Held};
use crate::args::joined;
use crate::audit::{append, append_entry, entry_args};
use crate::{Arg, Error, Row, Tx, args};

/// A charge that was settled just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Who pays.
    pub payer: Payer,
    /// How the accounts stand that this has changed.
    pub accounts: Vec<Account>,
}

/// A charge as far as its end is concerned.
struct Ending {
    state: String,
    payer: Payer,
    held: Amounts,
    accounts: Vec<Held>,
}

impl Ending {
    /// What is held for it still.
    fn still_held(&self) -> Amounts {
        if self.state == "open" { self.held } else { Amounts::default() }
    }
}

macro_rules! ending {
    () => {
        "state, held_nano, held_tokens, accounts, project, repository, token, subject, task, run"
    };
}

fn payer(row: &Row) -> Result<Payer, Error> {
    Ok(Payer {
        project: row.optional_text("project")?,
        repository: row.optional_text("repository")?,
        token: row.optional_text("token")?,
        user: row.optional_text("subject")?,
        task: row.optional_text("task")?,
        run: row.optional_text("run")?,
    })
}

fn ending(row: &Row) -> Result<Ending, Error> {
    let held = Amounts { nano_usd: row.int("held_nano")?, tokens: row.int("held_tokens")? };
    let accounts = serde_json::from_str(&row.text("accounts")?).map_err(|_| Error::unreadable("accounts"))?;
    Ok(Ending { state: row.text("state")?, payer: payer(row)?, held, accounts })
}

const GET: &str = concat!("SELECT ", ending!(), " FROM charges WHERE tenant = $1 AND id = $2");
const GET_LOCKED: &str = concat!("SELECT ", ending!(), " FROM charges WHERE tenant = $1 AND id = $2 FOR UPDATE");

/// A charge, which nobody else ends until the unit does.
async fn lock(tx: &mut Tx<'_>, tenant: &TenantId, id: ChargeId) -> Result<Option<Ending>, Error> {
    let row = tx.fetch_optional(tx.pick(GET, GET_LOCKED), args![tenant, id]).await?;
    row.as_ref().map(ending).transpose()
}

/// Whether a charge was made.
pub(super) async fn is_there(tx: &mut Tx<'_>, tenant: &TenantId, id: ChargeId) -> Result<bool, Error> {
    let sql = "SELECT state FROM charges WHERE tenant = $1 AND id = $2";
    Ok(tx.fetch_optional(sql, args![tenant, id]).await?.is_some())
}

/// Puts what a charge took in the place of what was held for it, and adds an entry to the audit log. One that was let go
/// meanwhile counts all the same; of one that was settled before nothing changes: none. On PostgreSQL it is one statement.
///
/// # Errors
/// Besides the database's, [`Error::Missing`].
pub async fn settle(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: ChargeId,
    (used, at): (&Used, Micros),
    entry: Option<&Entry>,
) -> Result<Option<Settled>, Error> {
    let args = settled_args(tenant, id, (used, at));
    if !tx.is_sqlite() {
        return settle_at_once(tx, args, entry).await;
    }
    let before = lock(tx, tenant, id).await?.ok_or(Error::Missing { what: "charge" })?;
    if before.state == "settled" {
        return Ok(None);
    }
    let held = before.still_held();
    let mut changes = Changes::default();
    changes.count(before.accounts, (used.amounts(), held));
    let accounts = changes.make(tx, tenant).await?;
    tx.execute(SETTLE, args).await?;
    if let Some(entry) = entry {
        append(tx, entry).await?;
    }
    Ok(Some(Settled { payer: before.payer, accounts }))
}

/// Nothing is held any more, and two thirds of the row would say in which accounts it was.
macro_rules! settled {
    () => {
        "UPDATE charges SET state = 'settled', ended_at = $3, nano = $4, tokens_in = $5, tokens_out = $6, tokens_cached = $7,
           latency_us = $8, error = $9, provider = COALESCE($10, provider), model = COALESCE($11, model), accounts = '[]' "
    };
}

const SETTLE: &str = concat!(settled!(), "WHERE tenant = $1 AND id = $2");

fn settled_args<'a>(tenant: &'a TenantId, id: ChargeId, (used, at): (&'a Used, Micros)) -> [Arg<'a>; 11] {
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
    ]
}

/// Locks the charge, then the rows of its accounts in their order, then the head of the audit log.
const SETTLE_AT_ONCE: &str = concat!(
    "WITH own AS (
       SELECT ",
    ending!(),
    "  FROM charges WHERE tenant = $1 AND id = $2 AND state <> 'settled' FOR UPDATE
     ), ended AS (",
    settled!(),
    " FROM own WHERE charges.tenant = $1 AND charges.id = $2
     ), counted AS (
       SELECT accounts.account, accounts.bucket, CASE of.unit
           WHEN 'tokens' THEN $5 + $6 - CASE own.state WHEN 'open' THEN own.held_tokens ELSE 0 END
           ELSE $4 - CASE own.state WHEN 'open' THEN own.held_nano ELSE 0 END END AS more
       FROM own CROSS JOIN jsonb_to_recordset(own.accounts::jsonb) AS of (account text, bucket bigint, unit text)
         JOIN accounts ON accounts.tenant = $1 AND accounts.account = of.account AND accounts.bucket = of.bucket
       ORDER BY accounts.account, accounts.bucket FOR UPDATE OF accounts
     ), changed AS (
       UPDATE accounts SET held = accounts.held + counted.more FROM counted
       WHERE accounts.tenant = $1 AND accounts.account = counted.account AND accounts.bucket = counted.bucket
       RETURNING accounts.account, accounts.bucket, accounts.held
     ), entry (scope, at, subject, action, resource, payload_hash, outcome, code, request_id, count, bytes) AS (
       SELECT $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22 FROM own
       WHERE $12 IS NOT NULL AND (SELECT count(*) FROM changed) >= 0
     ), ",
    append_entry!(),
    " SELECT own.*, changed.account, changed.bucket, changed.held
      FROM (SELECT 1 FROM charges WHERE tenant = $1 AND id = $2) AS charge
        LEFT JOIN own ON true LEFT JOIN changed ON true"
);

/// On PostgreSQL.
async fn settle_at_once(tx: &mut Tx<'_>, args: [Arg<'_>; 11], entry: Option<&Entry>) -> Result<Option<Settled>, Error> {
    let bytes = entry.map(entry_bytes);
    let args: [Arg<'_>; 22] = joined(args, entry_args(entry, bytes.as_deref()));
    let rows = tx.fetch_all(SETTLE_AT_ONCE, args).await?;
    let first = rows.first().ok_or(Error::Missing { what: "charge" })?;
    if first.optional_text("state")?.is_none() {
        return Ok(None);
    }
    let changed = rows.iter().filter(|row| !matches!(row.optional_text("account"), Ok(None)));
    Ok(Some(Settled { payer: payer(first)?, accounts: changed.map(Account::read).collect::<Result<_, _>>()? }))
}

/// Lets go what was held for a charge that took nothing; false where nothing is held.
pub async fn release(tx: &mut Tx<'_>, tenant: &TenantId, id: ChargeId, at: Micros) -> Result<bool, Error> {
    let Some(before) = lock(tx, tenant, id).await?.filter(|before| before.state == "open") else { return Ok(false) };
    let mut changes = Changes::default();
    changes.count(before.accounts, (Amounts::default(), before.held));
    changes.make(tx, tenant).await?;
    let sql = "UPDATE charges SET state = 'released', ended_at = $3 WHERE tenant = $1 AND id = $2";
    tx.execute(sql, args![tenant, id, at]).await?;
    Ok(true)
}

const EXPIRE: &str = concat!(
    "UPDATE charges SET state = 'expired', ended_at = $2
     WHERE tenant = $1 AND state = 'open' AND expires_at <= $2 RETURNING ",
    ending!()
);

/// Lets go what was held past its time, for whoever is not there any more to settle it, and tells how many charges that were. The
/// caller holds the ledger.
pub async fn expire(tx: &mut Tx<'_>, tenant: &TenantId, now: Micros) -> Result<u64, Error> {
    let rows = tx.fetch_all(EXPIRE, args![tenant, now]).await?;
    let mut changes = Changes::default();
    for row in &rows {
        let gone = ending(row)?;
        changes.count(gone.accounts, (Amounts::default(), gone.held));
    }
    changes.make(tx, tenant).await?;
    Ok(rows.len() as u64)
}
