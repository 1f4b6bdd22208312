//! From a reading to rows: compiled, checked by the guard, priced, and run, or taken from what was kept.

use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::format::counted;
use pilothouse_domain::semantic::{Order, Query};
use pilothouse_domain::{Clock, Code, ConnectionId, Micros, RunId, TenantId};
use pilothouse_engine::{Done, Failure};
use pilothouse_warehouse::guard::{CheckedQuery, Guard, ReasonCode};
use pilothouse_warehouse::{Call, Estimate, semantic};
use serde_json::{Value, json};

use super::plan::{ColumnMeaning, Comparison, Executed, Judged, Validated};
use crate::results::{Kept, Key};
use crate::sources::{Open, Sources};

/// How many a question for the first one is shown beside.
const COMPARED: u32 = 10;

/// One question's way to its rows.
pub(super) struct Asking<'a> {
    pub sources: &'a Sources,
    pub clock: &'a dyn Clock,
    pub open: &'a Open,
    pub guard: &'a Guard,
    pub tenant: &'a TenantId,
    pub run: RunId,
    pub connection: ConnectionId,
    pub call: Call<'a>,
}

/// Turns a reading into SQL and lets the guard look at it.
pub(super) fn validate(open: &Open, guard: &Guard, query: &Query) -> Done<Validated> {
    let rejected = |reasons: Vec<String>, verdict: Value| Done {
        summary: reasons.first().cloned().unwrap_or_default(),
        output: Validated { sql: None, columns: Vec::new(), tables: Vec::new(), verdict, reasons, masked: false },
    };
    let sql = match semantic::compile(query, &open.model, open.catalog.dialect) {
        Ok(sql) => sql,
        Err(error) => return rejected(vec![error.to_string()], Value::Null),
    };
    let report = guard.check(&sql);
    let verdict = json!({"verdict": report.verdict, "reasons": report.reasons});
    let reasons: Vec<String> = report.reasons.iter().map(|reason| reason.message.clone()).collect();
    let Some(checked) = &report.query else { return rejected(reasons, verdict) };
    if report.has(ReasonCode::ColumnMasked) {
        // A number made of masked values would be wrong, and look right.
        let masked = report.reasons.iter().filter(|reason| reason.code == ReasonCode::ColumnMasked);
        let mut rejected = rejected(masked.map(|reason| unanswered(&reason.message)).collect(), verdict);
        rejected.output.masked = true;
        return rejected;
    }
    let columns = semantic::result_columns(query, &open.model).into_iter();
    let columns = columns.map(|c| ColumnMeaning { name: c.name, role: c.role, unit: c.unit, grain: c.grain }).collect();
    let tables = checked.tables().to_vec();
    let summary = format!("Read-only SQL over {}.", tables.join(", "));
    Done {
        summary,
        output: Validated { sql: Some(checked.sql().to_owned()), columns, tables, verdict, reasons, masked: false },
    }
}

fn unanswered(why: &str) -> String {
    format!("The answer would be made of masked values: {why}. What holds personal data is reviewed on the page Data.")
}

/// Whether a query can be asked of the connection: it compiles over its model, and the guard lets it run.
///
/// # Errors
/// With the reasons, when it cannot.
pub(super) fn askable(open: &Open, guard: &Guard, query: &Query) -> Result<(), String> {
    let validated = validate(open, guard, query).output;
    if validated.sql.is_some() { Ok(()) } else { Err(validated.reasons.join("; ")) }
}

impl Asking<'_> {
    /// Estimates what the query reads, and refuses what reads more than one query, or one tenant in an hour, may.
    pub async fn judge(&self, sql: &str) -> Result<Done<Judged>, Failure> {
        let query = self.recheck(sql)?;
        let is_kept = self.key(&query).is_some_and(|key| self.sources.results.has(&key));
        let estimate = match is_kept {
            true => Estimate { rows: Some(0), bytes: Some(0) },
            false => self.open.engine.estimate(&query, &self.call).await.map_err(of_engine)?,
        };
        let most = self.sources.warehouse.settings().query_max_bytes;
        let mut judged = Judged::allowed(estimate.rows, estimate.bytes);
        if estimate.bytes.is_some_and(|bytes| bytes > most) {
            judged.refuse("Query exceeds max bytes", "narrow_scope");
            return Ok(Done { summary: "The query would read more than one query may.".to_owned(), output: judged });
        }
        let asked = estimate.bytes.unwrap_or(0);
        if let Err(full) = self.sources.reads.reserve(self.tenant, self.run, asked, self.clock.now()).await? {
            judged.refuse("Hourly byte budget exceeded", "wait_or_reduce_cost");
            (judged.budget, judged.bytes_remaining) = (Some(full.most), Some(full.remaining));
            return Ok(Done { summary: "The tenant has read what it may in an hour.".to_owned(), output: judged });
        }
        let summary = match estimate.rows {
            _ if is_kept => "The result is there already.".to_owned(),
            Some(rows) => format!("Reads at most {}, within the limits.", counted(rows, "row")),
            None => "Within the limits.".to_owned(),
        };
        Ok(Done { summary, output: judged })
    }

    /// Runs the query, and the wider one that its answer is shown beside.
    pub async fn execute(&self, sql: &str, query: &Query) -> Result<Done<Executed>, Failure> {
        let (mut result, kept_at) = self.fetch(&self.recheck(sql)?).await.map_err(of_engine)?;
        let mut comparison = None;
        if let Some(wider) = self.compared(query) {
            // The answer is whole without it, so its failure is not the question's.
            if let Ok((found, _)) = self.fetch(&wider).await {
                let sum = |one: Option<u64>, other: Option<u64>| one.zip(other).map(|(one, other)| one + other);
                result.rows_scanned = sum(result.rows_scanned, found.rows_scanned);
                result.bytes_scanned = sum(result.bytes_scanned, found.bytes_scanned);
                result.elapsed_us += found.elapsed_us;
                comparison = Some(Comparison { sql: wider.sql().to_owned(), rows: found.rows });
            }
        }
        if let Some(bytes) = result.bytes_scanned.filter(|bytes| *bytes > 0) {
            self.sources.reads.settle(self.tenant, self.run, bytes, self.clock.now()).await?;
        }
        let rows = counted(result.rows.len() as u64, "row");
        let summary = match kept_at {
            Some(_) => format!("{rows}, kept from an earlier question."),
            None => format!("{rows} in {} ms.", result.elapsed_us / 1000),
        };
        Ok(Done { summary, output: Executed { result, comparison, kept_at } })
    }

    /// The rows of `query`, and when they were computed where that was for an earlier question: nothing was read for this
    /// one then.
    async fn fetch(&self, query: &CheckedQuery) -> Result<(ResultSet, Option<Micros>), pilothouse_warehouse::Error> {
        let running = async {
            let result = self.open.engine.execute(query, &self.call).await?;
            Ok::<_, pilothouse_warehouse::Error>(Kept { result, at: self.clock.now() })
        };
        let Some(key) = self.key(query) else { return Ok((running.await?.result, None)) };
        let (kept, was_kept) = tokio::select! {
            found = self.sources.results.get_or_run(&key, running) => found?,
            // Somebody else may be computing it, who has no reason to stop.
            () = self.call.cancel.cancelled() => return Err(pilothouse_warehouse::Error::cancelled()),
        };
        let result = kept.result.clone();
        if !was_kept {
            return Ok((result, None));
        }
        let unread = ResultSet { rows_scanned: Some(0), bytes_scanned: Some(0), elapsed_us: 0, ..result };
        Ok((unread, Some(kept.at)))
    }

    /// What the result of `query` is kept under; none where nobody can tell for how long it is right.
    fn key(&self, query: &CheckedQuery) -> Option<Key> {
        let ttl = self.sources.warehouse.settings().result_ttl_seconds * SECOND;
        let data = match self.open.engine.version() {
            Some(version) => version.to_owned(),
            None if ttl > 0 => format!("period {}", self.clock.now() / ttl),
            None => return None,
        };
        Some(Key::of(self.tenant, self.connection, data, query, self.call.limits.max_rows))
    }

    /// The query that finds what the first one is the first of; none where the question is not for the first of several. It
    /// reads what the query itself reads.
    fn compared(&self, query: &Query) -> Option<CheckedQuery> {
        let by_measure = matches!(query.order.first(), Some(Order::Measure { .. }));
        if query.limit != Some(1) || query.groups.len() != 1 || !by_measure {
            return None;
        }
        let wider = Query { limit: Some(COMPARED), ..query.clone() };
        let sql = semantic::compile(&wider, &self.open.model, self.open.catalog.dialect).ok()?;
        self.guard.check(&sql).query.clone()
    }

    /// Only the guard can make what an engine takes, so the text from the journal passes it again.
    fn recheck(&self, sql: &str) -> Result<CheckedQuery, Failure> {
        let blocked = || Failure::last(Code::SqlBlocked, "The SQL guard no longer lets this statement run.");
        self.guard.check(sql).query.clone().ok_or_else(blocked)
    }
}

fn of_engine(error: pilothouse_warehouse::Error) -> Failure {
    Failure { retryable: error.retryable, code: error.code.as_str().to_owned(), message: error.message }
}
