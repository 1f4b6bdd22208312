//! The audit log: one hash chain per tenant, and one for the installation. Rows are added and never changed.
//!
//! Each scope has a head row with the last number and hash. It orders those who append at once, and it shows when rows
//! were cut off the end. Who could rewrite rows *and* head could hide it: only a copy of a head kept elsewhere would
//! tell. Read first: [`append`] and [`verify`].

mod verify;

use pilothouse_domain::audit::{Entry, Outcome, chain_hash};

use crate::{Error, Row, Tx, args};

pub use verify::{ScopeReport, verify};

/// An entry in its place in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// 1, 2, 3 … per scope.
    pub seq: i64,
    /// What happened.
    pub entry: Entry,
    /// The hash over the row before and this one.
    pub hash: [u8; 32],
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT scope, seq, at, subject, action, resource, payload_hash, outcome, code, request_id, count, hash
             FROM audit ",
            $rest
        )
    };
}

/// Adds an entry to the chain of its scope, and tells its number.
pub async fn append(tx: &mut Tx<'_>, entry: &Entry) -> Result<i64, Error> {
    // Raising the head's number first makes others that append to this chain wait until this unit ends.
    let head = tx
        .fetch_optional(
            "INSERT INTO audit_heads (scope, seq, hash) VALUES ($1, 1, $2)
             ON CONFLICT (scope) DO UPDATE SET seq = audit_heads.seq + 1
             RETURNING seq, hash",
            args![&entry.scope, &[0_u8; 32]],
        )
        .await?
        .ok_or_else(|| Error::unreadable("seq"))?;
    let seq = head.int("seq")?;
    let hash = chain_hash(&head.hash("hash")?, seq, entry);
    tx.execute("UPDATE audit_heads SET hash = $2 WHERE scope = $1", args![&entry.scope, &hash]).await?;
    tx.execute(
        "INSERT INTO audit (scope, seq, at, subject, action, resource, payload_hash, outcome, code, request_id, count,
                            hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        args![
            &entry.scope,
            seq,
            entry.at,
            &entry.subject,
            &entry.action,
            &entry.resource,
            &entry.payload_hash,
            entry.outcome.as_str(),
            &entry.code,
            &entry.request_id,
            entry.count,
            &hash,
        ],
    )
    .await?;
    Ok(seq)
}

/// At most `limit` records of a scope with a number below `before` (none: from the end), newest first.
pub async fn list(tx: &mut Tx<'_>, scope: &str, before: Option<i64>, limit: u32) -> Result<Vec<Record>, Error> {
    let sql = select!("WHERE scope = $1 AND ($2 IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3");
    tx.fetch_all(sql, args![scope, before, limit]).await?.iter().map(read).collect()
}

/// At most `limit` records of a scope with a number above `after_seq` (0: from the first), in order.
pub async fn scan(tx: &mut Tx<'_>, scope: &str, after_seq: i64, limit: u32) -> Result<Vec<Record>, Error> {
    rows_after(tx, scope, after_seq, limit).await?.iter().map(read).collect()
}

/// Every scope that has a chain, or rows without one.
pub async fn scopes(tx: &mut Tx<'_>) -> Result<Vec<String>, Error> {
    let sql = "SELECT scope FROM audit_heads UNION SELECT DISTINCT scope FROM audit ORDER BY scope";
    tx.fetch_all(sql, args![]).await?.iter().map(|row| row.text("scope")).collect()
}

async fn rows_after(tx: &mut Tx<'_>, scope: &str, after_seq: i64, limit: u32) -> Result<Vec<Row>, Error> {
    let sql = select!("WHERE scope = $1 AND seq > $2 ORDER BY seq LIMIT $3");
    tx.fetch_all(sql, args![scope, after_seq, limit]).await
}

fn read(row: &Row) -> Result<Record, Error> {
    Ok(Record {
        seq: row.int("seq")?,
        entry: Entry {
            scope: row.text("scope")?,
            at: row.int("at")?,
            subject: row.text("subject")?,
            action: row.text("action")?,
            resource: row.text("resource")?,
            payload_hash: row.text("payload_hash")?,
            outcome: outcome(&row.text("outcome")?).ok_or_else(|| Error::unreadable("outcome"))?,
            code: row.text("code")?,
            request_id: row.text("request_id")?,
            count: row.int("count")?,
        },
        hash: row.hash("hash")?,
    })
}

fn outcome(text: &str) -> Option<Outcome> {
    [Outcome::Allowed, Outcome::Refused, Outcome::Failed].into_iter().find(|outcome| outcome.as_str() == text)
}
