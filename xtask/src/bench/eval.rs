//! `bench eval`: how many questions are answered rightly without a language model, over a curated and over an inferred
//! model, and that what has no answer gets none. The first runs over the frozen questions stand beside today's.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::server::{binary, repository};
use super::{Figure, Options, Values};

const ANSWERABLE: &str = "curated layer: answerable questions answered rightly";
const ANSWERS: &str = "curated layer: given answers that are right";
const DECLINED: &str = "curated layer: unanswerable questions refused or asked back";
const UNANSWERABLE: &str = "unanswerable questions";
const QUESTIONS: &str = "questions";
const FROZEN: &str = "frozen questions among them";
const FROZEN_FIRST: &str = "frozen questions, first run, right";
const FROZEN_NOW: &str = "frozen questions, now, right";
const BARE_ANSWERS: &str = "inferred layer: given answers that are right";
const BARE_DECLINED: &str = "inferred layer: unanswerable questions refused or asked back";

/// The figures of this benchmark.
pub const FIGURES: [Figure; 10] = [
    Figure::new(ANSWERABLE, "%", 90.0, "at least 90 %", |v| v >= 90.0),
    Figure::new(ANSWERS, "%", 97.0, "at least 97 %", |v| v >= 97.0),
    Figure::new(DECLINED, "%", 100.0, "all", |v| v >= 100.0),
    Figure::new(UNANSWERABLE, "questions", 50.0, "at least 50", |v| v >= 50.0),
    Figure::new(QUESTIONS, "questions", 200.0, "at least 200", |v| v >= 200.0),
    Figure::new(FROZEN, "questions", 100.0, "at least 100", |v| v >= 100.0),
    Figure::new(FROZEN_FIRST, "%", 60.0, "at least 60 %", |v| v >= 60.0),
    Figure::new(FROZEN_NOW, "%", 80.0, "at least 80 %", |v| v >= 80.0),
    Figure::new(BARE_ANSWERS, "%", 97.0, "at least 97 %", |v| v >= 97.0),
    Figure::new(BARE_DECLINED, "%", 100.0, "all", |v| v >= 100.0),
];

/// Questions over tables with a curated model.
struct Set {
    questions: &'static str,
    data: &'static str,
    model: &'static str,
    frozen: bool,
}

const SAMPLE: (&str, &str) = ("sample/data", "sample/semantic.yaml");
const WHOLESALE: (&str, &str) = ("eval/wholesale/data", "eval/wholesale/semantic.yaml");

const SETS: [Set; 5] = [
    set("eval/own.jsonl", SAMPLE, false),
    set("eval/frozen.jsonl", SAMPLE, true),
    set("eval/frozen-2.jsonl", SAMPLE, true),
    set("eval/wholesale/own.jsonl", WHOLESALE, false),
    set("eval/wholesale/frozen.jsonl", WHOLESALE, true),
];

const fn set(questions: &'static str, over: (&'static str, &'static str), frozen: bool) -> Set {
    Set { questions, data: over.0, model: over.1, frozen }
}

/// Asks all of them, with the curated models and without.
pub fn measure(_: &Options, values: &mut Values) -> Result<()> {
    let binary = binary()?;
    let (mut curated, mut inferred, mut frozen) = (Counts::default(), Counts::default(), Counts::default());
    for set in &SETS {
        let with = evaluate(&binary, set, true)?;
        curated.add(&with)?;
        if set.frozen {
            frozen.add(&with)?;
        }
        inferred.add(&evaluate(&binary, set, false)?)?;
    }
    values.insert(ANSWERABLE, curated.percent("answerable_right", "answerable"));
    values.insert(ANSWERS, curated.percent("answered_right", "answered"));
    values.insert(DECLINED, curated.percent("unanswerable_declined", "unanswerable"));
    values.insert(UNANSWERABLE, curated.of("unanswerable"));
    values.insert(QUESTIONS, curated.of("questions"));
    values.insert(FROZEN, frozen.of("questions"));
    values.insert(FROZEN_NOW, frozen.percent("right", "questions"));
    values.insert(BARE_ANSWERS, inferred.percent("answered_right", "answered"));
    values.insert(BARE_DECLINED, inferred.percent("unanswerable_declined", "unanswerable"));
    let first = std::fs::read_to_string(repository().join("eval/first-run.json")).context("eval/first-run.json")?;
    let first: Value = serde_json::from_str(&first)?;
    let mut runs = Counts::default();
    for run in first["runs"].as_array().into_iter().flatten().filter(|run| run["model"] == "curated") {
        runs.add(run)?;
    }
    values.insert(FROZEN_FIRST, runs.percent("right", "questions"));
    Ok(())
}

/// Sums of what evaluations count.
#[derive(Default)]
struct Counts(Vec<(&'static str, f64)>);

impl Counts {
    const NAMES: [&'static str; 8] = [
        "questions",
        "right",
        "answerable",
        "answerable_right",
        "answered",
        "answered_right",
        "unanswerable",
        "unanswerable_declined",
    ];

    fn add(&mut self, result: &Value) -> Result<()> {
        for name in Self::NAMES {
            let Some(value) = result[name].as_f64() else {
                // What was recorded of a first run is less.
                if ["questions", "right"].contains(&name) {
                    bail!("no {name}");
                }
                continue;
            };
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += value,
                None => self.0.push((name, value)),
            }
        }
        Ok(())
    }

    fn of(&self, name: &str) -> f64 {
        self.0.iter().find(|(known, _)| *known == name).map_or(0.0, |(_, sum)| *sum)
    }

    fn percent(&self, part: &str, whole: &str) -> f64 {
        if self.of(whole) > 0.0 { self.of(part) * 100.0 / self.of(whole) } else { 0.0 }
    }
}

fn evaluate(binary: &Path, set: &Set, curated: bool) -> Result<Value> {
    let root = repository();
    let mut command = Command::new(binary);
    command
        .args(["--json", "eval", "--data"])
        .arg(root.join(set.data))
        .arg("--questions")
        .arg(root.join(set.questions));
    if curated {
        command.arg("--semantic").arg(root.join(set.model));
    }
    let output = command.output()?;
    if !output.status.success() {
        bail!("eval failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let result: Value = serde_json::from_slice(&output.stdout)?;
    let layer = if curated { "curated" } else { "inferred" };
    for one in result["results"].as_array().into_iter().flatten().filter(|one| one["outcome"] == "wrong") {
        let question = one["question"].as_str().unwrap_or_default();
        crate::report(&format!("wrong ({layer}, {}): {question}", set.questions));
    }
    Ok(result)
}
