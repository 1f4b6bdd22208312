//! Holding the most that something can take, in every account that it counts in or in none.

use pilothouse_domain::ledger::{Amounts, Payer};
use pilothouse_domain::{ChargeId, TenantId};
use serde::Serialize;

use super::accounts::{Changes, Full, Hold, begin, forget_old, held, used};
use super::{Charge, settling};
use crate::given::{Given, Kind, Rows};
use crate::{Arg, Error, Row, Tx, args};

/// What became of the wish to hold something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is held, now or since before.
    Held,
    /// It would pass this limit; the first, where there are several.
    Full(Full),
    /// An account has no row of now, or has several that count: [`begin_and_take`] knows more.
    Unsure,
}

/// Holds the most that a charge can take, in every account that it counts in, or in none. A charge that is there already stays as
/// it is. On PostgreSQL it is one statement.
pub async fn take(tx: &mut Tx<'_>, tenant: &TenantId, charge: &Charge, holds: &[Hold]) -> Result<Taken, Error> {
    if !holds.iter().all(Hold::is_one_row) {
        return Ok(Taken::Unsure);
    }
    take_rows(tx, tenant, charge, holds).await
}

/// The same where accounts may be new, or are of windows that roll. The caller holds the ledger.
pub async fn begin_and_take(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    charge: &Charge,
    holds: &[Hold],
) -> Result<Taken, Error> {
    for hold in holds {
        begin(tx, tenant, hold, &charge.payer).await?;
    }
    let rolling: Vec<Hold> = holds.iter().filter(|hold| !hold.is_one_row()).cloned().collect();
    if let Some(full) = passed(tx, tenant, (charge.id, charge.worst), &rolling).await? {
        return Ok(Taken::Full(full));
    }
    let taken = take_rows(tx, tenant, charge, holds).await?;
    forget_old(tx, tenant, &rolling).await?;
    Ok(taken)
}

/// The limit that a charge would pass; none where there is room, or where it is there already.
pub async fn passed(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    (id, worst): (ChargeId, Amounts),
    holds: &[Hold],
) -> Result<Option<Full>, Error> {
    if holds.is_empty() || settling::is_there(tx, tenant, id).await? {
        return Ok(None);
    }
    let used = used(tx, tenant, holds).await?;
    Ok(holds.iter().zip(used).find_map(|(hold, used)| hold.full(used, worst)))
}

/// Takes what has room in the rows of now.
async fn take_rows(tx: &mut Tx<'_>, tenant: &TenantId, charge: &Charge, holds: &[Hold]) -> Result<Taken, Error> {
    let (is_held, rows) = match tx.is_sqlite() {
        true => take_one_by_one(tx, tenant, charge, holds).await?,
        false => take_at_once(tx, tenant, charge, holds).await?,
    };
    if is_held {
        return Ok(Taken::Held);
    }
    for hold in holds {
        let Some((_, held)) = rows.iter().find(|(account, _)| *account == hold.account) else {
            return Ok(Taken::Unsure);
        };
        if let Some(full) = hold.full(*held, charge.worst).filter(|_| hold.is_one_row()) {
            return Ok(Taken::Full(full));
        }
    }
    Err(Error::Database("a reservation was refused and no limit is full".to_owned()))
}

/// Whether something is held, and where it is not, how the accounts stand that have a row.
type Outcome = (bool, Vec<(String, i64)>);

/// A row of an account in which more is wanted, as JSON.
#[derive(Serialize)]
struct Wanted<'a> {
    account: &'a str,
    bucket: i64,
    more: i64,
    /// The most that the row can hold before.
    room: i64,
}

fn wanted<'a>(charge: &Charge, holds: &'a [Hold]) -> Vec<Wanted<'a>> {
    let one = |hold: &'a Hold| {
        let more = charge.worst.of(hold.limit.unit);
        Wanted { account: &hold.account, bucket: hold.span.bucket, more, room: hold.room(more) }
    };
    holds.iter().map(one).collect()
}

macro_rules! insert_charge {
    ($from:literal) => {
        concat!(
            "INSERT INTO charges (tenant, id, state, at, expires_at, kind, project, repository, token, subject, task, run, step,
               provider, model, prompt, held_nano, held_tokens, nano, tokens_in, tokens_out, tokens_cached, accounts)
             SELECT $1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0, 0, 0, 0, $18 ",
            $from,
            " ON CONFLICT (tenant, id) DO NOTHING"
        )
    };
}

/// The values of a new charge, and one more.
fn charge_args<'a>(tenant: &'a TenantId, new: &'a Charge, accounts: String, last: String) -> [Arg<'a>; 19] {
    let Payer { project, repository, token, user, task, run } = &new.payer;
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
        last,
    ]
}

/// Locks the rows in their order before anything is decided, and changes them only where the charge is new.
const TAKE_AT_ONCE: &str = concat!(
    "WITH wanted AS (
       SELECT * FROM jsonb_to_recordset($19::jsonb) AS of (account text, bucket bigint, more bigint, room bigint)
     ), own AS (
       SELECT accounts.account, accounts.bucket, accounts.held, wanted.more, wanted.room FROM wanted JOIN accounts
         ON accounts.tenant = $1 AND accounts.account = wanted.account AND accounts.bucket = wanted.bucket
       ORDER BY accounts.account, accounts.bucket FOR UPDATE OF accounts
     ), free AS (
       SELECT 1 WHERE (SELECT count(*) FROM own WHERE held <= room) = (SELECT count(*) FROM wanted)
     ), put AS (",
    insert_charge!("FROM free"),
    " RETURNING 1), taken AS (
       UPDATE accounts SET held = accounts.held + own.more FROM own CROSS JOIN put
       WHERE accounts.tenant = $1 AND accounts.account = own.account AND accounts.bucket = own.bucket
     )
     SELECT own.account, own.held, CASE WHEN EXISTS (SELECT 1 FROM free) THEN 1::bigint
       WHEN EXISTS (SELECT 1 FROM charges WHERE tenant = $1 AND id = $2) THEN 1::bigint ELSE 0::bigint END AS is_held
     FROM (SELECT 1) AS one LEFT JOIN own ON true"
);

/// On PostgreSQL.
async fn take_at_once(tx: &mut Tx<'_>, tenant: &TenantId, charge: &Charge, holds: &[Hold]) -> Result<Outcome, Error> {
    let args = charge_args(tenant, charge, json(&held(holds))?, json(&wanted(charge, holds))?);
    let rows = tx.fetch_all(TAKE_AT_ONCE, args).await?;
    let is_held = rows.first().ok_or_else(|| Error::unreadable("is_held"))?.flag("is_held")?;
    let read = |row: &Row| Ok(row.optional_text("account")?.zip(row.optional_int("held")?));
    let stand = rows.iter().filter_map(|row| read(row).transpose()).collect::<Result<_, Error>>()?;
    Ok((is_held, stand))
}

const ACCOUNT: [(&str, Kind); 3] = [("tenant", Kind::Text), ("account", Kind::Text), ("bucket", Kind::Int)];

/// Holds more in an account that has room for it.
const TAKE: Given = Given {
    columns: &[ACCOUNT[0], ACCOUNT[1], ACCOUNT[2], ("more", Kind::Int), ("room", Kind::Int)],
    sqlite: "UPDATE accounts SET held = held + :more
             WHERE tenant = :tenant AND account = :account AND bucket = :bucket AND held <= :room RETURNING account",
    postgres: "",
};

/// How an account stands.
const LOOK: Given = Given {
    columns: &ACCOUNT,
    sqlite: "SELECT account, held FROM accounts WHERE tenant = :tenant AND account = :account AND bucket = :bucket",
    postgres: "",
};

/// On SQLite, where nothing comes in between.
async fn take_one_by_one(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    charge: &Charge,
    holds: &[Hold],
) -> Result<Outcome, Error> {
    const INSERT: &str = insert_charge!("WHERE true");
    let wanted = wanted(charge, holds);
    let rows = wanted.iter().map(|own| args![tenant, own.account, own.bucket, own.more, own.room]);
    let taken = tx.given(&TAKE, &rows.collect::<Rows<'_>>()).await?;
    let mut back = held(holds);
    if taken.len() == holds.len() {
        let args: [Arg<'_>; 19] = charge_args(tenant, charge, json(&back)?, String::new());
        if tx.execute(INSERT, args).await? == 1 {
            return Ok((true, Vec::new()));
        }
    } else {
        let taken = taken.iter().map(|row| row.text("account")).collect::<Result<Vec<_>, _>>()?;
        back.retain(|held| taken.contains(&held.account));
    }
    let mut changes = Changes::default();
    changes.count(back, (Amounts::default(), charge.worst));
    changes.make(tx, tenant).await?;
    if settling::is_there(tx, tenant, charge.id).await? {
        return Ok((true, Vec::new()));
    }
    let rows = wanted.iter().map(|own| args![tenant, own.account, own.bucket]);
    let stand = tx.given(&LOOK, &rows.collect::<Rows<'_>>()).await?;
    Ok((false, stand.iter().map(|row| Ok((row.text("account")?, row.int("held")?))).collect::<Result<_, Error>>()?))
}

fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| Error::unreadable("accounts"))
}
