//! The guard over a corpus of statements that must be refused, each for a known reason, and of real analysis that must
//! not be. What is allowed must also plan in the embedded engine, since the printed text is what runs.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed test says where")]

#[path = "guard/common.rs"]
#[allow(dead_code, reason = "each test file uses its part")]
mod common;

use std::sync::Arc;

use common::{Case, cases, catalog, verdict};
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, Schema, TimeUnit};
use datafusion::datasource::MemTable;
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::SessionContext;
use pilothouse_domain::catalog::{DataType, Dialect};
use pilothouse_warehouse::guard::{Report, Verdict};

const ALLOW: [&str; 2] = [include_str!("guard/allow_flights.sql"), include_str!("guard/allow_shop.sql")];

fn codes(report: &Report) -> String {
    let all = report.reasons.iter().map(|reason| format!("{}: {}", reason.code.as_str(), reason.message));
    all.collect::<Vec<_>>().join("; ")
}

/// What is wrong with the verdict on a case, if anything.
fn miss(case: &Case, dialect: Dialect) -> Option<String> {
    let report = verdict(&case.sql, dialect);
    let good = match case.expected.split_once(' ') {
        None => report.verdict != Verdict::Block && report.query.is_some(),
        Some((_, code)) => {
            report.verdict == Verdict::Block
                && report.query.is_none()
                && report.reasons.iter().any(|reason| reason.code.as_str() == code)
        }
    };
    (!good)
        .then(|| format!("expected {}, got {:?} ({})\n    {}", case.expected, report.verdict, codes(&report), case.sql))
}

fn run(texts: &[&str], dialect: Dialect, at_least: usize) {
    let cases: Vec<Case> = texts.iter().flat_map(|text| cases(text)).collect();
    let misses: Vec<String> = cases.iter().filter_map(|case| miss(case, dialect)).collect();
    println!("{} statements, {} missed", cases.len(), misses.len());
    assert!(misses.is_empty(), "{} of {} missed:\n{}", misses.len(), cases.len(), misses.join("\n"));
    assert!(cases.len() >= at_least, "the corpus shrank to {}", cases.len());
}

#[test]
fn analysis_is_allowed_for_datafusion() {
    run(&ALLOW, Dialect::DataFusion, 200);
}

#[test]
fn analysis_is_allowed_for_postgres() {
    run(&[include_str!("guard/allow_postgres.sql"), include_str!("guard/allow_shop.sql")], Dialect::PostgreSql, 85);
}

#[test]
fn what_is_dangerous_is_refused_for_datafusion() {
    run(&[include_str!("guard/block_both.sql"), include_str!("guard/block_datafusion.sql")], Dialect::DataFusion, 150);
}

#[test]
fn what_is_dangerous_is_refused_for_postgres() {
    run(&[include_str!("guard/block_both.sql"), include_str!("guard/block_postgres.sql")], Dialect::PostgreSql, 150);
}

/// In BigQuery double quotes make a string, and a few of these are no SQL at all: what matters is that none runs.
#[test]
fn what_is_dangerous_is_refused_for_bigquery() {
    let cases = cases(include_str!("guard/block_both.sql"));
    let cases: Vec<&Case> = cases.iter().filter(|case| !case.sql.contains('"')).collect();
    for case in &cases {
        let report = verdict(&case.sql, Dialect::BigQuery);
        assert_eq!(report.verdict, Verdict::Block, "{}", case.sql);
    }
    assert!(cases.len() >= 240, "the corpus shrank to {}", cases.len());
}

fn engine() -> SessionContext {
    let context = SessionContext::new();
    for table in catalog(Dialect::DataFusion).tables {
        let fields: Vec<Field> = table
            .columns
            .iter()
            .map(|column| {
                let ty = match column.data_type {
                    DataType::Integer => ArrowType::Int64,
                    DataType::Number => ArrowType::Float64,
                    DataType::String => ArrowType::Utf8,
                    DataType::Boolean => ArrowType::Boolean,
                    DataType::Date => ArrowType::Date32,
                    DataType::Timestamp | DataType::Other => ArrowType::Timestamp(TimeUnit::Microsecond, None),
                };
                Field::new(&column.name, ty, true)
            })
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let empty = MemTable::try_new(schema, vec![vec![]]).unwrap();
        context.register_table(table.name.as_str(), Arc::new(empty)).unwrap();
    }
    context
}

#[tokio::test]
async fn the_printed_text_plans_in_the_engine_and_is_printed_again_the_same() {
    let state = engine().state();
    let mut misses = Vec::new();
    for case in ALLOW.iter().flat_map(|text| cases(text)) {
        let report = verdict(&case.sql, Dialect::DataFusion);
        let Some(query) = report.query else { continue };
        let reads_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let planned = state.create_logical_plan(query.sql()).await.and_then(|plan| reads_only.verify_plan(&plan));
        if let Err(error) = planned {
            misses.push(format!("{error}\n    {}\n    {}", case.sql, query.sql()));
        }
        let again = verdict(query.sql(), Dialect::DataFusion);
        assert_eq!(again.verdict, Verdict::Allow, "{}", query.sql());
        assert_eq!(again.query.as_ref(), Some(&query));
    }
    assert!(misses.is_empty(), "{} do not plan:\n{}", misses.len(), misses.join("\n"));
}
