//! The audit log: one hash chain per tenant, and one for the installation. Rows are added and never changed.
//!
//! Each scope has a head row with the last number and hash. It orders those who append at once, and it shows when rows
//! were cut off the end. Who could rewrite rows *and* head could hide it: only a copy of a head kept elsewhere would
//! tell. Read first: [`append`] and [`verify`].

mod verify;

use std::collections::BTreeMap;

use pilothouse_domain::audit::{Entry, Outcome, chain_hash, entry_bytes};

use crate::given::{Given, Kind, Rows};
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

/// PostgreSQL's words for adding the row of a table `entry`, where it has one, to the chain of its scope: one statement, which
/// others can be part of, so that a head is locked for no round trip. Their own table `noted` has the row's number.
macro_rules! append_entry {
    () => {
        "head AS (
           INSERT INTO audit_heads AS own (scope, seq, hash)
           SELECT scope, 1, sha256(decode(repeat('00', 32), 'hex') || int8send(1) || bytes) FROM entry
           ON CONFLICT (scope) DO UPDATE SET seq = own.seq + 1,
             hash = sha256(own.hash || int8send(own.seq + 1) || (SELECT bytes FROM entry)) RETURNING own.seq, own.hash
         ), noted AS (
           INSERT INTO audit (scope, seq, at, subject, action, resource, payload_hash, outcome, code, request_id, count, hash)
           SELECT scope, seq, at, subject, action, resource, payload_hash, outcome, code, request_id, count, hash
           FROM entry CROSS JOIN head RETURNING seq
         )"
    };
}
pub(crate) use append_entry;

const APPEND: &str = concat!(
    "WITH entry (scope, at, subject, action, resource, payload_hash, outcome, code, request_id, count, bytes) AS (
       SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
     ), ",
    append_entry!(),
    " SELECT seq FROM noted"
);

/// Adds an entry to the chain of its scope, and tells its number.
pub async fn append(tx: &mut Tx<'_>, entry: &Entry) -> Result<i64, Error> {
    let unread = || Error::unreadable("seq");
    if tx.is_sqlite() {
        return append_all(tx, vec![entry.clone()]).await?.first().copied().ok_or_else(unread);
    }
    tx.fetch_optional(APPEND, entry_args(Some(entry), Some(&entry_bytes(entry)))).await?.ok_or_else(unread)?.int("seq")
}

/// The values of a row of the table `entry`, or of none.
pub(crate) fn entry_args<'a>(entry: Option<&'a Entry>, bytes: Option<&'a [u8]>) -> [crate::Arg<'a>; 11] {
    args![
        entry.map(|entry| &entry.scope),
        entry.map(|entry| entry.at),
        entry.map(|entry| &entry.subject),
        entry.map(|entry| &entry.action),
        entry.map(|entry| &entry.resource),
        entry.map(|entry| &entry.payload_hash),
        entry.map(|entry| entry.outcome.as_str()),
        entry.map(|entry| &entry.code),
        entry.map(|entry| &entry.request_id),
        entry.map(|entry| entry.count),
        bytes,
    ]
}

/// Raising the heads' numbers first makes others that append to these chains wait until this unit ends; the scopes come
/// in order, so that two who wait never wait for each other.
const LENGTHEN: Given = Given {
    columns: &[("scope", Kind::Text), ("more", Kind::Int), ("hash", Kind::Bytes)],
    sqlite: "INSERT INTO audit_heads (scope, seq, hash) VALUES (:scope, :more, :hash)
             ON CONFLICT (scope) DO UPDATE SET seq = audit_heads.seq + excluded.seq RETURNING scope, seq, hash",
    postgres: "INSERT INTO audit_heads (scope, seq, hash) SELECT * FROM given
               ON CONFLICT (scope) DO UPDATE SET seq = audit_heads.seq + excluded.seq RETURNING scope, seq, hash",
};

const HEAD: Given = Given {
    columns: &[("scope", Kind::Text), ("hash", Kind::Bytes)],
    sqlite: "UPDATE audit_heads SET hash = :hash WHERE scope = :scope",
    postgres: "UPDATE audit_heads SET hash = given.hash FROM given WHERE audit_heads.scope = given.scope",
};

const ADD: Given = Given {
    columns: &[
        ("scope", Kind::Text),
        ("seq", Kind::Int),
        ("at", Kind::Int),
        ("subject", Kind::Text),
        ("action", Kind::Text),
        ("resource", Kind::Text),
        ("payload_hash", Kind::Text),
        ("outcome", Kind::Text),
        ("code", Kind::Text),
        ("request_id", Kind::Text),
        ("count", Kind::Int),
        ("hash", Kind::Bytes),
    ],
    sqlite: "INSERT INTO audit (scope, seq, at, subject, action, resource, payload_hash, outcome, code, request_id,
             count, hash) VALUES (:scope, :seq, :at, :subject, :action, :resource, :payload_hash, :outcome, :code,
             :request_id, :count, :hash)",
    postgres: "INSERT INTO audit (scope, seq, at, subject, action, resource, payload_hash, outcome, code, request_id,
               count, hash) SELECT * FROM given",
};

/// Adds entries to the chains of their scopes, in their order, and tells their numbers.
pub(crate) async fn append_all(tx: &mut Tx<'_>, entries: Vec<Entry>) -> Result<Vec<i64>, Error> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut more: BTreeMap<&str, i64> = BTreeMap::new();
    for entry in &entries {
        *more.entry(&entry.scope).or_default() += 1;
    }
    let heads = more.iter().map(|(scope, more)| args![*scope, *more, [0_u8; 32]]).collect::<Rows<'_>>();
    let mut chains: BTreeMap<String, (i64, [u8; 32])> = BTreeMap::new();
    for row in tx.given(&LENGTHEN, &heads).await? {
        let scope = row.text("scope")?;
        let before = row.int("seq")? - more.get(scope.as_str()).copied().unwrap_or(0);
        chains.insert(scope, (before, row.hash("hash")?));
    }
    let (mut rows, mut numbers) = (Rows::default(), Vec::with_capacity(entries.len()));
    for entry in &entries {
        let (seq, hash) = chains.get_mut(&entry.scope).ok_or_else(|| Error::unreadable("scope"))?;
        *seq += 1;
        *hash = chain_hash(hash, *seq, entry);
        numbers.push(*seq);
        rows.push(row(entry, *seq, *hash));
    }
    tx.given(&HEAD, &chains.iter().map(|(scope, (_, hash))| args![scope, hash]).collect::<Rows<'_>>()).await?;
    tx.given(&ADD, &rows).await?;
    Ok(numbers)
}

fn row(entry: &Entry, seq: i64, hash: [u8; 32]) -> [crate::Arg<'_>; 12] {
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
        hash,
    ]
}

/// At most `limit` records of a scope with a number below `before` (none: from the end), newest first.
pub async fn list(tx: &mut Tx<'_>, scope: &str, before: Option<i64>, limit: u32) -> Result<Vec<Record>, Error> {
    let sql = select!("WHERE scope = $1 AND ($2 IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3 + 0");
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
    let sql = select!("WHERE scope = $1 AND seq > $2 ORDER BY seq LIMIT $3 + 0");
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
