//! Forgetting runs that ended long ago, a few at a time. What the audit log says of them stays.

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId, TenantId};

use crate::given::{Given, Kind, Rows};
use crate::{Error, Row, Tx, args};

/// What is old enough to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// Runs that ended before this moment.
    pub ended: Micros,
    /// Dead letters that nobody has discarded, that died before this moment.
    pub dead: Micros,
}

/// How far a pruning came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// How many runs were forgotten.
    pub runs: usize,
    /// Where the next one goes on; none when there is nothing older than the horizon any more.
    pub after: Option<RunId>,
}

const FORGET_JOURNAL: Given = Given {
    columns: &[("tenant", Kind::Text), ("id", Kind::Run)],
    sqlite: "DELETE FROM journal WHERE run = :id AND tenant = :tenant",
    // Run by run: before the server has counted the journal's rows it takes each run for a long one, and a join would
    // read all of it.
    postgres: "DELETE FROM journal WHERE ctid = ANY (ARRAY(
                 SELECT its.ctid FROM given CROSS JOIN LATERAL (
                   SELECT journal.ctid FROM journal
                   WHERE journal.tenant = given.tenant AND journal.run = given.id OFFSET 0) AS its))",
};

const FORGET_SIGNALS: Given = Given {
    columns: &[("tenant", Kind::Text), ("id", Kind::Run)],
    sqlite: "DELETE FROM signals WHERE tenant = :tenant AND run = :id",
    postgres: "DELETE FROM signals USING given WHERE signals.tenant = given.tenant AND signals.run = given.id",
};

/// A run that was let live again in the meantime has not ended so, and stays.
const FORGET_ENDS: Given = Given {
    columns: &[("tenant", Kind::Text), ("id", Kind::Run), ("finished_at", Kind::Int)],
    sqlite: "DELETE FROM ends WHERE tenant = :tenant AND id = :id AND finished_at = :finished_at RETURNING id",
    postgres: "DELETE FROM ends USING given
               WHERE ends.tenant = given.tenant AND ends.id = given.id AND ends.finished_at = given.finished_at
               RETURNING ends.id",
};

const FORGET_RUNS: Given = Given {
    columns: &[("tenant", Kind::Text), ("id", Kind::Run)],
    sqlite: "DELETE FROM runs WHERE tenant = :tenant AND id = :id",
    postgres: "DELETE FROM runs USING given WHERE runs.tenant = given.tenant AND runs.id = given.id",
};

/// Looks at the `limit` oldest runs of a tenant after the id `after`, and forgets those that are old enough.
pub async fn prune(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    horizon: Horizon,
    after: Option<RunId>,
    limit: u32,
) -> Result<Pruned, Error> {
    let sql = "SELECT r.id, r.created_at, e.outcome, e.finished_at, e.discarded_at
               FROM runs r LEFT JOIN ends e ON e.tenant = r.tenant AND e.id = r.id
               WHERE r.tenant = $1 AND r.id > $2 ORDER BY r.id LIMIT $3 + 0";
    let after = after.unwrap_or(RunId::FIRST);
    let rows = tx.fetch_all(sql, args![tenant, after, limit]).await?;
    let mut old = Rows::default();
    for row in &rows {
        if let Some(finished_at) = old_since(row, horizon)? {
            old.push(args![tenant, row.run("id")?, finished_at]);
        }
    }
    let mut forgotten = 0;
    if !old.is_empty() {
        let ended = tx.given(&FORGET_ENDS, &old).await?;
        let ids = ended.iter().map(|row| row.run("id")).collect::<Result<Vec<_>, _>>()?;
        let keys = || ids.iter().map(|id| args![tenant, *id]).collect::<Rows<'_>>();
        tx.given(&FORGET_JOURNAL, &keys()).await?;
        tx.given(&FORGET_SIGNALS, &keys()).await?;
        tx.given(&FORGET_RUNS, &keys()).await?;
        forgotten = ids.len();
    }
    // Ids rise with the moment of asking, and nothing ends before it is asked for.
    let last = rows.last().filter(|_| rows.len() == limit as usize);
    let goes_on = last.map(|row| row.int("created_at")).transpose()?.is_some_and(|at| at < horizon.ended);
    let after = last.filter(|_| goes_on).map(|row| row.run("id")).transpose()?;
    Ok(Pruned { runs: forgotten, after })
}

/// When it ended, where that is long enough ago.
fn old_since(row: &Row, horizon: Horizon) -> Result<Option<Micros>, Error> {
    let dead = row.optional_text("outcome")?.as_deref() == Some(Status::Dead.as_str());
    let open = dead && row.optional_int("discarded_at")?.is_none();
    let before = if open { horizon.dead } else { horizon.ended };
    Ok(row.optional_int("finished_at")?.filter(|finished| *finished < before))
}
