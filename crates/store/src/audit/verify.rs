//! Proof that no audit row was changed, removed or added from outside: every chain is computed anew, page by page.

use pilothouse_domain::audit::chain_hash;

use super::{read, rows_after, scopes};
use crate::{Error, Row, Store, args};

/// Rows that are read at a time.
const PAGE: u32 = 1_000;

/// What the check of one chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeReport {
    /// The tenant's id, or that of the installation.
    pub scope: String,
    /// How many sound rows stand before the break, or in all.
    pub rows: i64,
    /// The number of the first row that is changed, missing or too many; none where the chain is whole.
    pub broken_at: Option<i64>,
}

/// Computes every chain anew and compares each row, and the head behind the last one. Chains may grow meanwhile.
///
/// # Errors
/// Only where the database cannot be read: a broken chain is a report.
pub async fn verify(store: &Store) -> Result<Vec<ScopeReport>, Error> {
    let mut reports = Vec::new();
    for scope in store.read(|tx| Box::pin(scopes(tx))).await? {
        reports.push(verify_scope(store, scope).await?);
    }
    Ok(reports)
}

async fn verify_scope(store: &Store, scope: String) -> Result<ScopeReport, Error> {
    let mut chain = Chain { seq: 0, hash: [0; 32] };
    // From the least number on, so that a row that was slipped in before the first is seen.
    let mut after = i64::MIN;
    loop {
        let wanted = scope.clone();
        let (page, head) = store
            .read(move |tx| {
                Box::pin(async move {
                    let page = rows_after(tx, &wanted, after, PAGE).await?;
                    let head =
                        tx.fetch_optional("SELECT seq, hash FROM audit_heads WHERE scope = $1", args![&wanted]).await?;
                    Ok((page, head))
                })
            })
            .await?;
        let whole = page.iter().all(|row| chain.follows(row));
        if !whole {
            return Ok(ScopeReport { scope, rows: chain.seq, broken_at: Some(chain.seq + 1) });
        }
        if page.len() < PAGE as usize {
            // The page and the head are one view of the database, so they must agree.
            let broken_at = chain.break_before(head.as_ref());
            return Ok(ScopeReport { scope, rows: broken_at.map_or(chain.seq, |seq| seq - 1), broken_at });
        }
        after = chain.seq;
    }
}

/// The last row that was found sound.
struct Chain {
    seq: i64,
    hash: [u8; 32],
}

impl Chain {
    /// Goes on to `row` if it is the sound next one. A row that cannot be read is not sound.
    fn follows(&mut self, row: &Row) -> bool {
        let Ok(record) = read(row) else { return false };
        let expected = chain_hash(&self.hash, self.seq + 1, &record.entry);
        if record.seq != self.seq + 1 || record.hash != expected {
            return false;
        }
        *self = Self { seq: record.seq, hash: record.hash };
        true
    }

    /// Where the chain breaks, given its head: behind the last row if rows are missing there or it is not the head's.
    fn break_before(&self, head: Option<&Row>) -> Option<i64> {
        let head = head.and_then(|row| Some((row.int("seq").ok()?, row.hash("hash").ok()?)));
        match head {
            Some((seq, hash)) if seq == self.seq && hash == self.hash => None,
            Some((seq, _)) if seq < self.seq => Some(seq.max(0) + 1),
            _ => Some(self.seq + 1),
        }
    }
}
