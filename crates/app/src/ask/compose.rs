//! The composer: says a result in a sentence and puts the answer together.

use pilothouse_domain::answer::{ColumnRole, ResultColumn, ResultSet, Understanding};
use pilothouse_domain::catalog::Catalog;
use pilothouse_domain::clock::rfc3339;
use pilothouse_domain::cost::Forecast;
use pilothouse_domain::format::{self, spoken};
use pilothouse_domain::money::NanoUsd;
use pilothouse_domain::semantic::Query;
use pilothouse_domain::{ApprovalId, RunId};
use serde_json::{Map, Value, json};

use super::answer::{Answer, ResponseType};
use super::chart;
use super::plan::{Choice, Validated};
use crate::queries::{Executed, Judged, WaitsFor};

/// What the reader of a changed query's rows has to know.
const EDITED: &str = "Whoever approved this query has changed it: these are the rows of the changed one.";

/// Everything an answer with rows is made of.
pub struct Material<'a> {
    /// The reading.
    pub query: &'a Query,
    /// The reading in words.
    pub understanding: &'a Understanding,
    /// The SQL and its columns.
    pub validated: &'a Validated,
    /// The estimate.
    pub judged: &'a Judged,
    /// The rows.
    pub executed: &'a Executed,
    /// Where the freshness stands.
    pub catalog: &'a Catalog,
    /// The connection's id.
    pub connection: String,
    /// The semantic model's version.
    pub model_version: i64,
    /// Where whoever approved the query has changed it: the SQL that was asked for.
    pub asked_sql: Option<&'a str>,
}

/// Everything an answer is made of whose query waits for somebody.
pub struct Waiting<'a> {
    /// Its run, and the id of what waits.
    pub id: RunId,
    /// Why, and what it is expected to take.
    pub judged: &'a Judged,
    /// What would run.
    pub validated: &'a Validated,
    /// The reading in words.
    pub understanding: &'a Understanding,
    /// The reading.
    pub query: &'a Query,
    /// The connection's id.
    pub connection: String,
}

/// The answer with rows.
pub fn rows(material: &Material<'_>) -> Answer {
    let Material { executed, validated, understanding, .. } = material;
    let Executed { result, comparison, kept_at } = executed;
    let columns = columns(validated, result);
    let compared = compared(material.query, &columns, &result.rows, understanding);
    let summary = compared.unwrap_or_else(|| sentence(&columns, &result.rows, understanding));
    let all = |rows: &[Vec<Value>]| -> Vec<Value> { rows.iter().map(|row| named(&columns, row)).collect() };
    let drawn = comparison.as_ref().map_or(&result.rows, |comparison| &comparison.rows);
    let chart = chart::choose(&columns, drawn.len(), understanding.text.trim_end_matches('.'));
    let data = json!({
        "rows": all(&result.rows),
        // The original's clients read a number here: what was measured, else what was expected.
        "bytes_scanned": result.bytes_scanned.or(material.judged.forecast.bytes).unwrap_or(0),
        "columns": columns,
        "row_count": result.rows.len(),
        "truncated": result.truncated,
        "sql": validated.sql,
        "connection_id": material.connection,
        "tables": tables(validated, material.catalog),
        "rows_scanned": result.rows_scanned,
        "elapsed_ms": result.elapsed_us / 1000,
        "cached": kept_at.is_some(),
        "computed_at": kept_at.map(rfc3339),
        "cost": cost(&material.judged.forecast, result.bytes_scanned),
        "understanding": understanding,
        "chart": chart,
        "comparison": comparison.as_ref().map(|comparison| json!({"sql": comparison.sql, "rows": all(&comparison.rows)})),
        "query": material.query,
        "semantic_version": material.model_version,
        "asked_sql": material.asked_sql,
    });
    let mut answer = Answer::new(ResponseType::QueryResult, summary, data);
    if material.asked_sql.is_some() {
        answer.warnings.push(EDITED.to_owned());
    }
    if result.rows.is_empty() {
        answer.warnings.push("No data returned".to_owned());
    }
    if result.truncated {
        answer.warnings.push(format!("Only the first {} rows are shown.", counted(&result.rows)));
    }
    answer
}

/// The answer that asks back.
pub fn clarification(question: &str, choices: &[Choice]) -> Answer {
    let data = json!({"question": question, "choices": choices});
    Answer::new(ResponseType::Clarification, question, data)
}

/// The answer that declines.
pub fn refused(reasons: &[String], unknown_words: &[String], suggestions: &[String]) -> Answer {
    let summary = reasons.first().cloned().unwrap_or_else(|| "The question cannot be answered from this data.".into());
    let data = json!({"reasons": reasons, "unknown_words": unknown_words, "suggestions": suggestions});
    Answer::new(ResponseType::Refused, summary, data)
}

/// The answer of a query that may not run.
pub fn blocked(judged: &Judged) -> Answer {
    let data = json!({
        "reasons": judged.reasons,
        "gate": {
            "approval_required": false,
            "next_action": judged.next_action,
            "estimated_bytes": judged.forecast.bytes,
            "estimated_cost_usd": usd(&judged.forecast),
            "budget": judged.budget,
            "bytes_remaining": judged.bytes_remaining,
        },
    });
    Answer::new(ResponseType::Blocked, "The query was not run.", data)
}

/// The answer of a query that waits for somebody: exactly what would run, and what that takes. Where it waits for an
/// approval: which, and the text that would run under it.
pub fn waiting(waits: &Waiting<'_>, waits_for: WaitsFor, approval: Option<(ApprovalId, &str)>) -> Answer {
    let Waiting { id, judged, validated, understanding, query, connection } = waits;
    let forecast = &judged.forecast;
    let (summary, instructions) = match waits_for {
        WaitsFor::Approver => (
            "A person has to agree before this runs.",
            "Nothing was run. The question waits, and goes on by itself once a person who may approve it has done so.",
        ),
        WaitsFor::Asker => (
            "This is a dear query. Shall it run?",
            "Nothing was run. Ask again without `confirm_cost` to run it, or ask for less.",
        ),
    };
    let data = json!({
        "preview_id": id,
        "waits_for": waits_for,
        "estimated_bytes": forecast.bytes.unwrap_or(0),
        "estimated_cost_usd": usd(forecast),
        "sql": approval.map_or(validated.sql.as_deref(), |(_, sql)| Some(sql)),
        "approval_id": approval.map(|(id, _)| id),
        "instructions": instructions,
        "reasons": judged.reasons,
        "expectation": format!("It {}.", forecast.in_words()),
        "cost": cost(forecast, None),
        "connection_id": connection,
        "understanding": understanding,
        "query": query,
    });
    Answer::new(ResponseType::ApprovalRequired, summary, data)
}

fn cost(forecast: &Forecast, bytes_scanned: Option<u64>) -> Value {
    json!({
        "bytes_scanned": bytes_scanned,
        "estimated_bytes": forecast.bytes,
        "estimated_rows": forecast.rows,
        "estimated_ms": forecast.elapsed_us.map(|us| us / 1_000),
        "estimated_usd": forecast.cost.map(|cost| cost.to_string()),
        "confidence": forecast.confidence,
        "basis": forecast.basis,
    })
}

/// The original's clients read a number here, 0 where it is not known.
fn usd(forecast: &Forecast) -> f64 {
    forecast.cost.map_or(0.0, NanoUsd::usd)
}

/// The answer of a reading that could not be made into a query.
pub fn invalid(errors: &[String]) -> Answer {
    Answer::new(ResponseType::Error, "Plan validation failed", json!({ "errors": errors }))
}

fn columns(validated: &Validated, result: &ResultSet) -> Vec<ResultColumn> {
    let meanings = &validated.columns;
    let described = result.columns.iter().enumerate().map(|(index, (name, data_type))| {
        let meaning = meanings.get(index);
        let role = meaning.map_or(ColumnRole::Dimension, |meaning| meaning.role);
        let unit = meaning.and_then(|meaning| meaning.unit.clone());
        let grain = meaning.and_then(|meaning| meaning.grain);
        ResultColumn { name: name.clone(), data_type: *data_type, unit, role, grain }
    });
    described.collect()
}

fn named(columns: &[ResultColumn], row: &[Value]) -> Value {
    let cells: Map<String, Value> =
        columns.iter().zip(row).map(|(column, value)| (column.name.clone(), value.clone())).collect();
    Value::Object(cells)
}

fn tables(validated: &Validated, catalog: &Catalog) -> Vec<Value> {
    let known = validated.tables.iter().map(|name| {
        let table = catalog.tables.iter().find(|table| table.name == *name);
        let updated_at = table.and_then(|table| table.updated_at).map(rfc3339);
        json!({"name": name, "rows": table.and_then(|table| table.row_count), "updated_at": updated_at})
    });
    known.collect()
}

/// A change in a sentence: what it was, what it is, by how much it moved, and what moved it most.
fn compared(
    query: &Query,
    columns: &[ResultColumn],
    rows: &[Vec<Value>],
    understanding: &Understanding,
) -> Option<String> {
    let asked = understanding.text.trim_end_matches('.');
    let say = |row: &[Value], at: usize| row.get(at).zip(columns.get(at)).map(|(value, column)| spoken(value, column));
    let moved = |row: &[Value], at: usize| Some(format!("from {} to {}", say(row, at)?, say(row, at + 1)?));
    match (rows, query.measures.iter().any(|measure| measure.compared().is_some())) {
        ([first, ..], true) if !query.drivers.is_empty() => {
            let (driver, value, change) = (say(first, 0)?, say(first, 1)?, say(first, 4)?);
            Some(format!("{asked}: {driver} {value} most, {} (change {change}).", moved(first, 2)?))
        }
        ([only], true) if query.groups.is_empty() && columns.len() == 4 => {
            Some(format!("{asked}: {}, a change of {} ({}).", moved(only, 0)?, say(only, 2)?, say(only, 3)?))
        }
        _ => None,
    }
}

/// The result in a sentence that begins with what was asked and states the number with its unit.
fn sentence(columns: &[ResultColumn], rows: &[Vec<Value>], understanding: &Understanding) -> String {
    let asked = understanding.text.trim_end_matches('.');
    let measure = columns.iter().position(|column| column.role == ColumnRole::Measure);
    let label = columns.iter().position(|column| column.role != ColumnRole::Measure);
    match (rows, measure, label) {
        ([], _, _) => format!("{asked}: there is no such data."),
        ([row], Some(_), None) => {
            let values: Vec<String> = columns.iter().zip(row).map(|(column, value)| spoken(value, column)).collect();
            format!("{asked}: {}.", values.join(", "))
        }
        ([row], _, Some(_)) => {
            let values: Vec<String> = columns.iter().zip(row).map(|(column, value)| spoken(value, column)).collect();
            format!("{asked}: {}.", values.join(", "))
        }
        (_, Some(measure), Some(label)) => match extremes(rows, measure) {
            Some((low, high)) if columns.len() == 2 => {
                let within = if columns[label].role == ColumnRole::Time { "in " } else { "" };
                let say = |row: &[Value]| {
                    format!(
                        "{within}{} ({})",
                        spoken(&row[label], &columns[label]),
                        spoken(&row[measure], &columns[measure])
                    )
                };
                format!("{asked}: {} rows, highest {}, lowest {}.", counted(rows), say(high), say(low))
            }
            _ => format!("{asked}: {} rows.", counted(rows)),
        },
        _ => format!("{asked}: {} rows.", counted(rows)),
    }
}

fn counted(rows: &[Vec<Value>]) -> String {
    format::count(rows.len() as u64)
}

fn extremes(rows: &[Vec<Value>], measure: usize) -> Option<(&Vec<Value>, &Vec<Value>)> {
    let number = |row: &Vec<Value>| row.get(measure).and_then(Value::as_f64);
    let with_numbers = || rows.iter().filter_map(|row| number(row).map(|value| (value, row)));
    let low = with_numbers().min_by(|a, b| a.0.total_cmp(&b.0))?.1;
    let high = with_numbers().max_by(|a, b| a.0.total_cmp(&b.0))?.1;
    Some((low, high))
}
