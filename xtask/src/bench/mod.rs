//! Benchmarks: each has a fixed list of figures with a bar for each. A figure that was not measured counts as failed.

mod databases;
pub mod engine;
pub mod eval;
pub mod gateway;
pub mod http;
mod processes;
pub mod query;
mod server;
pub mod triage;

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

/// How a benchmark is run.
pub struct Options {
    /// Less time, the same list.
    pub quick: bool,
    /// Only the last line.
    pub json: bool,
}

/// A figure and its bar.
pub struct Figure {
    /// What is measured.
    pub what: &'static str,
    /// In which unit.
    pub unit: &'static str,
    /// What it is compared with, in the same unit; the ratio is the value over this.
    pub against: f64,
    /// The bar, in words.
    pub bar: &'static str,
    /// Whether a value clears it.
    pub holds: fn(f64) -> bool,
}

impl Figure {
    /// The figure in one line of a list.
    pub const fn new(
        what: &'static str,
        unit: &'static str,
        against: f64,
        bar: &'static str,
        holds: fn(f64) -> bool,
    ) -> Self {
        Self { what, unit, against, bar, holds }
    }
}

/// The values that were measured, by `what`.
pub type Values = BTreeMap<&'static str, f64>;

/// Runs a benchmark, prints its figures, and says whether all bars hold.
pub fn run(
    name: &str,
    figures: &[Figure],
    options: &Options,
    measure: fn(&Options, &mut Values) -> Result<()>,
) -> Result<bool> {
    let mut values = Values::new();
    let measured = measure(options, &mut values);
    if let Err(error) = &measured {
        crate::report(&format!("the benchmark broke off: {error:#}"));
    }
    let rows: Vec<Value> = figures.iter().map(|figure| row(figure, values.get(figure.what).copied())).collect();
    let all_hold = rows.iter().all(|row| row["holds"] == true);
    if !options.json {
        for row in &rows {
            let sign = if row["holds"] == true { "ok  " } else { "FAIL" };
            say(&format!(
                "{sign} {}: {} {} (bar: {})",
                text(&row["what"]),
                row["value"],
                text(&row["unit"]),
                text(&row["bar"])
            ));
        }
    }
    say(&json!({"name": name, "figures": rows}).to_string());
    Ok(all_hold)
}

fn row(figure: &Figure, value: Option<f64>) -> Value {
    let holds = value.is_some_and(figure.holds);
    let rounded = value.map(|value| (value * 1000.0).round() / 1000.0);
    json!({
        "what": figure.what, "value": rounded, "unit": figure.unit, "against": figure.against,
        "ratio": value.map(|value| (value / figure.against * 10_000.0).round() / 10_000.0), "bar": figure.bar,
        "holds": holds,
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// The middle value.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::print_stdout, reason = "the figures are what a benchmark is for")]
fn say(text: &str) {
    println!("{text}");
}
