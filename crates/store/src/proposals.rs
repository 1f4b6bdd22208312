//! How questions are to be read, as people's corrections have it, until a steward has decided.

use pilothouse_domain::{ConnectionId, Micros, RunId, TenantId};

use crate::{Error, Row, Tx, args, connections};

/// Most proposals of one connection; beyond it those that came up last are kept.
const MOST: i64 = 500;

/// What a correction says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The same for the same question and reading.
    pub key: String,
    /// The question as it was asked.
    pub question: String,
    /// What it is to be read as: a semantic query, as JSON.
    pub query: String,
    /// The same in words.
    pub reading: String,
    /// What kind of correction it was, in a word.
    pub learnt_from: String,
    /// The run that was corrected to.
    pub run: RunId,
    /// Who corrected.
    pub by: String,
    /// When.
    pub at: Micros,
}

/// A proposal: what its last correction said, and how often it came up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The last correction.
    pub correction: Correction,
    /// How many there were.
    pub times: i64,
    /// What a steward has decided, in a word.
    pub decision: Option<String>,
    /// Who.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Micros>,
}

/// Notes a correction; the same of the same run counts once.
///
/// # Errors
/// [`Error::Missing`] where the tenant has no such connection.
pub async fn note(tx: &mut Tx<'_>, tenant: &TenantId, connection: ConnectionId, new: &Correction) -> Result<(), Error> {
    if !connections::hold(tx, tenant, connection).await? {
        return Err(Error::Missing { what: "connection" });
    }
    tx.execute(
        "INSERT INTO proposals
           (tenant, connection, key, question, query, reading, learnt_from, times, last_run, last_by, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10)
         ON CONFLICT (tenant, connection, key) DO UPDATE SET
           times = proposals.times + CASE WHEN proposals.last_run = excluded.last_run THEN 0 ELSE 1 END,
           last_run = excluded.last_run, last_by = excluded.last_by, updated_at = excluded.updated_at",
        args![
            tenant,
            connection,
            new.key.as_str(),
            new.question.as_str(),
            new.query.as_str(),
            new.reading.as_str(),
            new.learnt_from.as_str(),
            new.run,
            new.by.as_str(),
            new.at,
        ],
    )
    .await?;
    tx.execute(
        "DELETE FROM proposals WHERE tenant = $1 AND connection = $2 AND key NOT IN (
           SELECT key FROM proposals WHERE tenant = $1 AND connection = $2 ORDER BY updated_at DESC, key LIMIT $3 + 0)",
        args![tenant, connection, MOST],
    )
    .await?;
    Ok(())
}

macro_rules! open {
    ($rest:literal) => {
        concat!(
            "SELECT key, question, query, reading, learnt_from, times, last_run, last_by, updated_at, decision,
               decided_by, decided_at FROM proposals
             WHERE tenant = $1 AND connection = $2 AND decision IS NULL ",
            $rest
        )
    };
}

/// The proposals that nobody has decided yet, those that came up most often first.
pub async fn open(tx: &mut Tx<'_>, tenant: &TenantId, connection: ConnectionId) -> Result<Vec<Proposal>, Error> {
    let sql = open!("ORDER BY times DESC, updated_at DESC, key");
    tx.fetch_all(sql, args![tenant, connection]).await?.iter().map(read).collect()
}

/// One proposal that nobody has decided yet.
pub async fn get(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    connection: ConnectionId,
    key: &str,
) -> Result<Option<Proposal>, Error> {
    let row = tx.fetch_optional(open!("AND key = $3"), args![tenant, connection, key]).await?;
    row.as_ref().map(read).transpose()
}

/// Notes what a steward has decided; false where nothing waits under that key.
pub async fn decide(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    connection: ConnectionId,
    key: &str,
    (decision, by, at): (&str, &str, Micros),
) -> Result<bool, Error> {
    let sql = "UPDATE proposals SET decision = $4, decided_by = $5, decided_at = $6
         WHERE tenant = $1 AND connection = $2 AND key = $3 AND decision IS NULL";
    Ok(tx.execute(sql, args![tenant, connection, key, decision, by, at]).await? > 0)
}

fn read(row: &Row) -> Result<Proposal, Error> {
    Ok(Proposal {
        correction: Correction {
            key: row.text("key")?,
            question: row.text("question")?,
            query: row.text("query")?,
            reading: row.text("reading")?,
            learnt_from: row.text("learnt_from")?,
            run: row.run("last_run")?,
            by: row.text("last_by")?,
            at: row.int("updated_at")?,
        },
        times: row.int("times")?,
        decision: row.optional_parsed("decision")?,
        decided_by: row.optional_parsed("decided_by")?,
        decided_at: row.optional_int("decided_at")?,
    })
}
