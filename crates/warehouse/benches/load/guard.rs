//! What the guard's verdicts cost: over a file of statements, over statements that come again, and over bombs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pilothouse_domain::catalog::Dialect;
use pilothouse_testkit::cpu_time;
use pilothouse_warehouse::guard::access::PolicyFile;
use pilothouse_warehouse::guard::{Guard, Policy, Verdict, check, judge};
use serde_json::{Value, json};

use crate::report;

/// `POLICY STATEMENTS SECONDS`: each measurement takes so many seconds.
pub fn measure(args: &[String]) {
    let policy = std::fs::read_to_string(&args[0]).unwrap();
    let statements = std::fs::read_to_string(&args[1]).unwrap();
    let seconds: f64 = args[2].parse().unwrap();
    let policies: HashMap<Dialect, PolicyFile> = [Dialect::DataFusion, Dialect::PostgreSql, Dialect::BigQuery]
        .map(|dialect| (dialect, PolicyFile::read(&policy, dialect).unwrap()))
        .into();
    let statements: Vec<(Dialect, String)> = statements.lines().map(statement).collect();
    let under = |dialect: &Dialect| {
        let PolicyFile { catalog, access, limits } = &policies[dialect];
        Policy { catalog, access, limits }
    };
    let rounds = |what: &str, each: &dyn Fn(&Dialect, &str)| {
        statements.iter().for_each(|(dialect, sql)| each(dialect, sql));
        let (began, mut count) = (cpu_time(), 0_u64);
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        while Instant::now() < until {
            statements.iter().for_each(|(dialect, sql)| each(dialect, sql));
            count += statements.len() as u64;
        }
        let spent = (cpu_time() - began).as_secs_f64();
        report(&json!({"what": what, "n": count, "cpu_seconds": spent, "per_second": count as f64 / spent}));
    };
    rounds("verdicts", &|dialect, sql| {
        std::hint::black_box(judge(sql, &under(dialect)));
    });
    rounds("checks", &|dialect, sql| {
        std::hint::black_box(check(sql, &under(dialect)));
    });
    let guards: HashMap<Dialect, Guard> = policies
        .iter()
        .map(|(dialect, file)| {
            (*dialect, Guard::new(Arc::new(file.catalog.clone()), file.access.clone(), file.limits.clone()))
        })
        .collect();
    rounds("repeated", &|dialect, sql| {
        std::hint::black_box(guards[dialect].check(sql));
    });
    for (what, sql) in bombs() {
        refused(what, &sql, &under(&Dialect::DataFusion));
    }
}

fn statement(line: &str) -> (Dialect, String) {
    let line: Value = serde_json::from_str(line).unwrap();
    (line["dialect"].as_str().unwrap().parse().unwrap(), line["sql"].as_str().unwrap().to_owned())
}

/// Texts that exhaust engines and parsers.
fn bombs() -> [(&'static str, String); 5] {
    let doubling: Vec<String> =
        (1..=40).map(|n| format!("c{n} AS (SELECT * FROM c{0} UNION ALL SELECT * FROM c{0})", n - 1)).collect();
    [
        ("parentheses", format!("SELECT {}1{}", "(".repeat(3_000), ")".repeat(3_000))),
        ("or", format!("SELECT 1 FROM orders WHERE {}", vec!["total = 1"; 20_000].join(" OR "))),
        ("plus", format!("SELECT {}", vec!["1"; 20_000].join(" + "))),
        ("union", vec!["SELECT 1"; 5_000].join(" UNION ")),
        (
            "doubling",
            format!("WITH c0 AS (SELECT order_id FROM orders), {} SELECT count(*) FROM c40", doubling.join(", ")),
        ),
    ]
}

/// The median time, in milliseconds, in which a text is refused.
fn refused(what: &str, sql: &str, policy: &Policy<'_>) {
    let once = || {
        let began = Instant::now();
        let report = check(sql, policy);
        assert_eq!(report.verdict, Verdict::Block, "{what}: {:?}", report.reasons);
        began.elapsed().as_secs_f64() * 1_000.0
    };
    let mut times: Vec<f64> = (0..51).map(|_| once()).collect();
    times.sort_by(f64::total_cmp);
    report(&json!({"what": what, "p50_ms": times[25], "max_ms": times[50]}));
}
