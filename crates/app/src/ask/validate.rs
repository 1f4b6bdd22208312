//! From a reading to SQL that the guard lets run, or why there is none.

use pilothouse_domain::semantic::Query;
use pilothouse_engine::Done;
use pilothouse_warehouse::guard::{Guard, ReasonCode};
use pilothouse_warehouse::semantic;
use serde_json::{Value, json};

use super::plan::{ColumnMeaning, Validated};
use crate::sources::Open;

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
    let Some(checked) = &report.canonical else { return rejected(reasons, verdict) };
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
