//! The guard over statements that were written by eyes that had not seen it, and frozen before their first run. Each
//! figure is printed beside that of the first run, which stands in `corpus/README.md`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed test says where")]

use std::collections::BTreeMap;

use pilothouse_domain::catalog::Dialect;
use pilothouse_warehouse::guard::access::PolicyFile;
use pilothouse_warehouse::guard::{Policy, Verdict, check};
use serde::Deserialize;

const POLICY: &str = include_str!("corpus/policy.yaml");
const FRESH: &str = include_str!("corpus/fresh.jsonl");

#[derive(Deserialize)]
struct Case {
    id: String,
    dialect: String,
    tier: String,
    sql: String,
    expect: String,
}

/// How many of a tier there are, and how many were judged as expected.
type Scores = BTreeMap<(String, String), (usize, usize)>;

fn is_right(expect: &str, verdict: Verdict) -> bool {
    match expect {
        "allow" => matches!(verdict, Verdict::Allow | Verdict::AllowRewritten),
        "approval" => verdict == Verdict::NeedsApproval,
        _ => verdict == Verdict::Block,
    }
}

/// The scores, and what was judged otherwise.
fn scores() -> (Scores, Vec<String>) {
    let (mut scores, mut misses) = (Scores::new(), Vec::new());
    for line in FRESH.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let Ok(dialect) = case.dialect.parse::<Dialect>() else { continue };
        let PolicyFile { catalog, access, limits } = PolicyFile::read(POLICY, dialect).unwrap();
        let report = check(&case.sql, &Policy { catalog: &catalog, access: &access, limits: &limits });
        let right = is_right(&case.expect, report.verdict);
        let score = scores.entry((case.tier.clone(), case.dialect.clone())).or_default();
        score.0 += 1;
        score.1 += usize::from(right);
        if !right {
            let why = report.reasons.iter().map(|reason| format!("{}: {}", reason.code.as_str(), reason.message));
            let why = why.collect::<Vec<_>>().join("; ");
            misses.push(format!("{} {} {:?} {why}\n    {}", case.id, case.expect, report.verdict, case.sql));
        }
    }
    (scores, misses)
}

#[test]
fn fresh_statements_are_judged_as_they_should_be() {
    let (scores, misses) = scores();
    for ((tier, dialect), (all, right)) in &scores {
        println!("{tier:9} {dialect:11} {right:3} of {all:3}");
    }
    println!("{}", misses.join("\n"));
    let of = |tier: &str| {
        let found = scores.iter().filter(|((of, _), _)| of == tier).map(|(_, score)| *score);
        found.fold((0, 0), |sum, score| (sum.0 + score.0, sum.1 + score.1))
    };
    for (tier, percent) in [("effect", 100), ("access", 99), ("resource", 97), ("lexer", 97), ("valid", 99)] {
        let (all, right) = of(tier);
        assert!(right * 100 >= all * percent, "{tier}: {right} of {all}\n{}", misses.join("\n"));
    }
}
