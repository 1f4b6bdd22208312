//! `bench triage`: how often the cause of a failure is named rightly without a language model, as a confusion matrix, over
//! failures as such systems print them. Half of them were written by somebody who has not seen the program.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use pilothouse_ai::triage::read;
use serde_json::Value;

use super::server::repository;
use super::{Figure, Options, Values};

const FAILURES: &str = "failures";
const FROZEN: &str = "frozen failures among them";
const RIGHT: &str = "failures whose cause is named rightly";
const FROZEN_FIRST: &str = "frozen failures, first run, right";
const FROZEN_NOW: &str = "frozen failures, now, right";

/// The figures of this benchmark.
pub const FIGURES: [Figure; 5] = [
    Figure::new(FAILURES, "failures", 120.0, "at least 120", |v| v >= 120.0),
    Figure::new(FROZEN, "failures", 60.0, "at least 60", |v| v >= 60.0),
    Figure::new(RIGHT, "%", 85.0, "at least 85 %", |v| v >= 85.0),
    Figure::new(FROZEN_FIRST, "%", 60.0, "at least 60 %", |v| v >= 60.0),
    Figure::new(FROZEN_NOW, "%", 85.0, "at least 85 %", |v| v >= 85.0),
];

/// A failure and what it comes from.
struct Case {
    class: String,
    text: String,
}

/// Reads all of them.
pub fn measure(_: &Options, values: &mut Values) -> Result<()> {
    let folder = repository().join("eval/triage");
    let cases = |name: &str| -> Result<Vec<Case>> {
        let text = std::fs::read_to_string(folder.join(name)).with_context(|| format!("eval/triage/{name}"))?;
        text.lines().filter(|line| !line.trim().is_empty()).map(case).collect()
    };
    let own = cases("own.jsonl")?;
    let frozen = cases("frozen.jsonl")?;
    let right =
        |cases: &[Case]| cases.iter().filter(|case| read(&case.text).cause.as_str() == case.class).count() as f64;
    let (own_right, frozen_right) = (right(&own), right(&frozen));
    let (count, frozen_count) = ((own.len() + frozen.len()) as f64, frozen.len() as f64);
    values.insert(FAILURES, count);
    values.insert(FROZEN, frozen_count);
    values.insert(RIGHT, (own_right + frozen_right) * 100.0 / count);
    values.insert(FROZEN_NOW, frozen_right * 100.0 / frozen_count);
    confusion(own.iter().chain(&frozen));
    let first = std::fs::read_to_string(folder.join("first-run.json")).context("eval/triage/first-run.json")?;
    let first: Value = serde_json::from_str(&first)?;
    let of = |name: &str| first[name].as_f64().context("first-run.json holds questions and right");
    values.insert(FROZEN_FIRST, of("right")? * 100.0 / of("failures")?);
    Ok(())
}

fn case(line: &str) -> Result<Case> {
    let value: Value = serde_json::from_str(line)?;
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Ok(Case { class: text("class"), text: format!("{}\n{}", text("step"), text("text")) })
}

/// What each is, and what it was taken for.
fn confusion<'a>(cases: impl Iterator<Item = &'a Case>) {
    let mut taken: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for case in cases {
        *taken.entry(&case.class).or_default().entry(read(&case.text).cause.as_str()).or_default() += 1;
    }
    for (class, as_what) in taken {
        let each: Vec<String> = as_what.iter().map(|(cause, count)| format!("{cause} {count}")).collect();
        crate::report(&format!("{class}: {}", each.join(", ")));
    }
}
