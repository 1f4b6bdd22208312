//! `bench triage`: how often the cause of a failure is named rightly without a language model, as a confusion matrix, over
//! failures as such systems print them. Most of them were written by somebody who has not seen the program.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use pilothouse_ai::triage::read;
use serde_json::Value;

use super::server::repository;
use super::{Figure, Options, Values};

const FAILURES: &str = "failures";
const RIGHT: &str = "failures whose cause is named rightly";

/// A file that was frozen before the first run, and what its figures are called.
struct Frozen {
    file: &'static str,
    count: &'static str,
    first: &'static str,
    now: &'static str,
}

/// The rules were tuned, on kinds of failures, between the first file's first run and the second's.
const FROZEN: [Frozen; 2] = [
    Frozen {
        file: "frozen.jsonl",
        count: "frozen failures",
        first: "frozen failures, first run, right",
        now: "frozen failures, now, right",
    },
    Frozen {
        file: "frozen-2.jsonl",
        count: "second frozen failures",
        first: "second frozen failures, first run, right",
        now: "second frozen failures, now, right",
    },
];

/// The figures of this benchmark.
pub const FIGURES: [Figure; 8] = [
    Figure::new(FAILURES, "failures", 120.0, "at least 120", |v| v >= 120.0),
    Figure::new(RIGHT, "%", 85.0, "at least 85 %", |v| v >= 85.0),
    Figure::new(FROZEN[0].count, "failures", 60.0, "at least 60", |v| v >= 60.0),
    Figure::new(FROZEN[0].first, "%", 60.0, "at least 60 %", |v| v >= 60.0),
    Figure::new(FROZEN[0].now, "%", 85.0, "at least 85 %", |v| v >= 85.0),
    Figure::new(FROZEN[1].count, "failures", 60.0, "at least 60", |v| v >= 60.0),
    Figure::new(FROZEN[1].first, "%", 85.0, "at least 85 %", |v| v >= 85.0),
    Figure::new(FROZEN[1].now, "%", 85.0, "at least 85 %", |v| v >= 85.0),
];

/// A failure and what it comes from.
struct Case {
    class: String,
    text: String,
}

/// Reads all of them.
pub fn measure(_: &Options, values: &mut Values) -> Result<()> {
    let first: Value = serde_json::from_str(&file("first-run.json")?)?;
    let mut all = cases("own.jsonl")?;
    for frozen in &FROZEN {
        let those = cases(frozen.file)?;
        values.insert(frozen.count, those.len() as f64);
        values.insert(frozen.now, right(&those));
        values.insert(frozen.first, at_first(&first, frozen.file)?);
        all.extend(those);
    }
    values.insert(FAILURES, all.len() as f64);
    values.insert(RIGHT, right(&all));
    confusion(&all);
    Ok(())
}

fn file(name: &str) -> Result<String> {
    let path = repository().join("eval/triage").join(name);
    std::fs::read_to_string(path).with_context(|| format!("eval/triage/{name}"))
}

fn cases(name: &str) -> Result<Vec<Case>> {
    file(name)?.lines().filter(|line| !line.trim().is_empty()).map(case).collect()
}

/// How many are named rightly, in percent.
fn right(cases: &[Case]) -> f64 {
    let right = cases.iter().filter(|case| read(&case.text).cause.as_str() == case.class);
    right.count() as f64 * 100.0 / cases.len() as f64
}

/// How many of a file were in its first run, in percent.
fn at_first(first: &Value, name: &str) -> Result<f64> {
    let run = first.as_array().into_iter().flatten().find(|run| run["file"] == name);
    let of = |field: &str| run.and_then(|run| run[field].as_f64());
    let (right, count) = of("right").zip(of("failures")).with_context(|| format!("first-run.json holds no {name}"))?;
    Ok(right * 100.0 / count)
}

fn case(line: &str) -> Result<Case> {
    let value: Value = serde_json::from_str(line)?;
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Ok(Case { class: text("class"), text: format!("{}\n{}", text("step"), text("text")) })
}

/// What each is, and what it was taken for.
fn confusion(cases: &[Case]) {
    let mut taken: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for case in cases {
        *taken.entry(&case.class).or_default().entry(read(&case.text).cause.as_str()).or_default() += 1;
    }
    for (class, as_what) in taken {
        let each: Vec<String> = as_what.iter().map(|(cause, count)| format!("{cause} {count}")).collect();
        crate::report(&format!("{class}: {}", each.join(", ")));
    }
}
