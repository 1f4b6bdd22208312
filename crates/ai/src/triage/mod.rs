//! Why a run failed, as far as what it printed tells, without a model: every line is weighed by where it stands in the
//! chain of errors, every sign by how sure it is, and the cause with the most says what to do.
//!
//! Read first: [`read`].

mod lines;
mod signs;

use std::sync::LazyLock;

use pilothouse_domain::triage::{Cause, Reading};
use regex::{Regex, RegexSet};
use serde_json::json;

use self::lines::lines;
use self::signs::SIGNS;
use crate::chat::Format;
use crate::pattern::set;

/// What one sign more says beside the strongest one of its cause.
const BESIDE: f64 = 0.15;
/// Below this nothing is said.
const LEAST: f64 = 1.5;
/// As sure as words can make it.
const MOST_SURE: f64 = 0.95;

/// They are constants, and a test builds them.
static PATTERNS: LazyLock<RegexSet> = LazyLock::new(|| set(SIGNS.iter().map(|sign| sign.2)));

/// The form in which a model says why something failed.
pub fn format() -> Format {
    let text = || json!({"type": "string"});
    let causes: Vec<&str> = Cause::ALL.into_iter().chain([Cause::Unknown]).map(Cause::as_str).collect();
    let properties = json!({
        "root_cause_class": {"enum": causes},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "human_summary": text(),
        "recommended_action": text(),
        "recurrence_risk": {"enum": ["low", "medium", "high"]},
    });
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(|all| all.keys()).collect();
    let schema =
        json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties});
    Format::Schema { name: "triage".to_owned(), schema }
}

/// The cause that an error speaks for, how sure that is, and the line that says it best.
pub fn read(text: &str) -> Reading {
    let mut best: Vec<(Cause, f64, f64, String)> = Vec::new();
    for line in lines(text) {
        for index in &PATTERNS.matches(&line.lower) {
            let sign = &SIGNS[index];
            let says = sign.1 * line.weight;
            match best.iter_mut().find(|(cause, ..)| *cause == sign.0) {
                Some((_, strongest, all, words)) => {
                    *all += says;
                    if says > *strongest {
                        (*strongest, *words) = (says, line.text.clone());
                    }
                }
                None => best.push((sign.0, says, says, line.text.clone())),
            }
        }
    }
    let score =
        |(_, strongest, all, _): &(Cause, f64, f64, String)| strongest + BESIDE * (all - strongest).min(*strongest);
    best.sort_by(|one, other| score(other).total_cmp(&score(one)));
    let Some(first) = best.first().filter(|first| score(first) >= LEAST) else {
        return Reading { cause: Cause::Unknown, confidence: 0.0, line: last_words(text) };
    };
    let (won, next) = (score(first), best.get(1).map_or(0.0, score));
    let margin = (won - next) / won;
    let confidence = (0.4 + 0.35 * margin + 0.03 * won).min(MOST_SURE);
    Reading { cause: first.0, confidence: (confidence * 100.0).round() / 100.0, line: first.3.clone() }
}

fn last_words(text: &str) -> String {
    lines(text).pop().map(|line| line.text).unwrap_or_default()
}

/// Of how many words two errors are alike, from 0 to 1: the share of the words of the first that the second has. What
/// changes from run to run, such as numbers and ids, is left out.
pub fn similarity(one: &str, other: &str) -> f64 {
    let (one, other) = (words(one), words(other));
    if one.is_empty() || other.is_empty() {
        return 0.0;
    }
    let common = one.intersection(&other).count() as f64;
    common / (one.len() as f64 * other.len() as f64).sqrt()
}

fn words(text: &str) -> std::collections::BTreeSet<String> {
    static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[a-z_]{3,40}").ok());
    let lower = text.to_lowercase();
    WORD.iter().flat_map(|word| word.find_iter(&lower)).map(|found| found.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_sign_is_a_pattern() {
        for sign in SIGNS {
            Regex::new(sign.2).unwrap();
        }
        assert_eq!(PATTERNS.len(), SIGNS.len());
    }

    #[test]
    fn the_deepest_cause_says_more_than_what_is_around_it() {
        let trace =
            "org.apache.spark.SparkException: Job aborted due to stage failure: Task 3 in stage 1.0 failed 4 times
  at org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2844)
WARN  retrying after connection reset by peer
Caused by: java.lang.RuntimeException: the writer failed
Caused by: org.postgresql.util.PSQLException: ERROR: deadlock detected
  Detail: Process 1 waits for ShareLock on transaction 2";
        let found = read(trace);
        assert_eq!((found.cause, found.line.contains("deadlock")), (Cause::Database, true), "{found:?}");
        assert!(found.confidence > 0.6);
    }

    #[test]
    fn what_systems_print_is_known_by_its_cause() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../eval/triage");
        let read_file = |name| std::fs::read_to_string(folder.join(name)).unwrap();
        let text = read_file("own.jsonl") + &read_file("frozen.jsonl") + &read_file("frozen-2.jsonl");
        let (mut right, mut all) = (0, 0);
        for line in text.lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let words = format!("{}\n{}", case["step"].as_str().unwrap(), case["text"].as_str().unwrap());
            all += 1;
            right += usize::from(read(&words).cause.as_str() == case["class"]);
        }
        assert!(all >= 120 && right * 100 >= all * 85, "{right} of {all}");
    }

    #[test]
    fn what_says_nothing_is_unknown() {
        for text in ["", "\n\n", "It failed.", "step 3 of 4"] {
            assert_eq!(read(text).cause, Cause::Unknown, "{text}");
        }
    }

    #[test]
    fn errors_are_alike_whatever_their_numbers() {
        let (one, other) = ("timeout after 30 s on host db-1 (pid 4711)", "timeout after 31 s on host db-2 (pid 12)");
        assert!(similarity(one, other) > 0.99 && similarity(one, "KeyError: 'price'") < 0.2);
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "\\PC{0,400}(\n\\PC{0,80}){0,10}") {
            let found = read(&text);
            prop_assert!((0.0..=1.0).contains(&found.confidence));
            prop_assert!((0.0..=1.0 + 1e-9).contains(&similarity(&text, "connection refused")));
        }
    }
}
