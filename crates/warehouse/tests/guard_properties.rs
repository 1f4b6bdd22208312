//! What must hold for any text: the guard never panics, never exhausts the stack, is not swayed by comments, case and
//! white space, and prints a text that it reads as the same query.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed test says where")]

#[path = "guard/common.rs"]
#[allow(dead_code, reason = "each test file uses its part")]
mod common;

use std::time::Duration;

use common::{Case, cases, catalog};
use pilothouse_domain::catalog::{Catalog, Dialect};
use pilothouse_testkit::cpu_time;
use pilothouse_warehouse::guard::access::Access;
use pilothouse_warehouse::guard::{Limits, Policy, ReasonCode, Report, Verdict, check};
use proptest::prelude::*;
use proptest::sample::select;

const ALLOW: [&str; 2] = [include_str!("guard/allow_flights.sql"), include_str!("guard/allow_shop.sql")];
const BLOCK: [&str; 2] = [include_str!("guard/block_both.sql"), include_str!("guard/block_datafusion.sql")];

/// A stack smaller than any thread of the program has.
const SMALL_STACK: usize = 1024 * 1024;

fn judge(sql: &str, catalog: &Catalog) -> Report {
    check(sql, &Policy { catalog, access: &Access::open(), limits: &Limits::default() })
}

fn all(texts: &[&str]) -> Vec<Case> {
    texts.iter().flat_map(|text| cases(text)).collect()
}

/// What an allowed statement printed must be allowed as it stands and print as itself.
fn settled(report: &Report, catalog: &Catalog) {
    let Some(query) = &report.query else {
        assert_eq!(report.verdict, Verdict::Block);
        assert!(!report.reasons.is_empty());
        return;
    };
    assert_ne!(report.verdict, Verdict::Block);
    let again = judge(query.sql(), catalog);
    assert_eq!(again.verdict, Verdict::Allow, "{}", query.sql());
    assert_eq!(again.query.as_ref(), Some(query));
}

/// Hands the pieces of a statement outside strings, quoted names and comments to `change`.
fn outside_quotes(sql: &str, change: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut plain = String::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        let end = match c {
            '\'' | '"' | '`' => c.to_string(),
            '-' if chars.peek() == Some(&'-') => "\n".to_owned(),
            '/' if chars.peek() == Some(&'*') => "*/".to_owned(),
            _ => {
                plain.push(c);
                continue;
            }
        };
        out.push_str(&change(&std::mem::take(&mut plain)));
        let mut quoted = c.to_string();
        for next in chars.by_ref() {
            quoted.push(next);
            if quoted.len() > 1 && quoted.ends_with(&end) {
                break;
            }
        }
        out.push_str(&quoted);
    }
    out + &change(&plain)
}

fn same_verdicts(texts: &[&str], what: &str, change: impl Fn(&str) -> String) {
    let catalog = catalog(Dialect::DataFusion);
    for case in all(texts) {
        let changed = change(&case.sql);
        let (before, after) = (judge(&case.sql, &catalog), judge(&changed, &catalog));
        assert_eq!(before.verdict, after.verdict, "{what}:\n{}\n{changed}\n{:?}", case.sql, after.reasons);
        if let (Some(before), Some(after)) = (before.query, after.query) {
            assert_eq!(before.fingerprint(), after.fingerprint(), "{what}: {changed}");
        }
    }
}

#[test]
fn comments_do_not_change_a_verdict() {
    same_verdicts(&[ALLOW, BLOCK].concat(), "comments", |sql| {
        outside_quotes(sql, |plain| plain.replace(' ', " /* DROP TABLE x; ' */ ").replace(',', "--\"\n,"))
    });
}

#[test]
fn case_does_not_change_a_verdict() {
    same_verdicts(&[ALLOW, BLOCK].concat(), "upper", |sql| outside_quotes(sql, |plain| plain.to_ascii_uppercase()));
    same_verdicts(&[ALLOW, BLOCK].concat(), "lower", |sql| outside_quotes(sql, |plain| plain.to_ascii_lowercase()));
}

#[test]
fn white_space_does_not_change_a_verdict() {
    same_verdicts(&[ALLOW, BLOCK].concat(), "spaces", |sql| {
        outside_quotes(sql, |plain| plain.replace(' ', " \t\r\n  ").replace('(', " ( ").replace(')', " ) "))
    });
}

#[test]
fn wrapping_does_not_change_a_verdict() {
    let catalog = catalog(Dialect::DataFusion);
    let wraps: [fn(&str) -> String; 3] = [
        |sql| format!("WITH wrapped AS (\n{sql}\n) SELECT * FROM wrapped"),
        |sql| format!("SELECT * FROM (\n{sql}\n) AS wrapped"),
        |sql| format!("SELECT 1 WHERE EXISTS (\n{sql}\n)"),
    ];
    for wrap in wraps {
        for case in all(&ALLOW) {
            let wrapped = wrap(case.sql.trim_end_matches(';'));
            let report = judge(&wrapped, &catalog);
            assert_ne!(report.verdict, Verdict::Block, "{wrapped}: {:?}", report.reasons);
        }
        for case in all(&BLOCK) {
            let wrapped = wrap(&case.sql);
            assert_eq!(judge(&wrapped, &catalog).verdict, Verdict::Block, "{wrapped}");
        }
    }
}

#[test]
fn renaming_tables_does_not_change_a_verdict() {
    let catalog = catalog(Dialect::DataFusion);
    for (sql, aliased) in [
        ("SELECT count(*) FROM flights", "SELECT count(*) FROM flights AS \"X y\""),
        ("SELECT flights.carrier FROM flights", "SELECT z.carrier FROM flights z"),
        ("SELECT customers FROM customers", "SELECT z FROM customers z"),
        ("SELECT 1 FROM flights, planes", "SELECT 1 FROM flights a, planes b"),
    ] {
        assert_eq!(judge(sql, &catalog).verdict, judge(aliased, &catalog).verdict, "{aliased}");
    }
}

/// Texts that exhaust parsers and engines: each with the number of repeats that must be refused.
fn hostile(repeat: usize) -> Vec<String> {
    let n = |text: &str| text.repeat(repeat);
    vec![
        format!("SELECT {}1{}", n("("), n(")")),
        format!("SELECT {}1{}", n("(SELECT "), n(")")),
        format!("SELECT 1 WHERE 1 = 1{}", n(" OR 1 = 1")),
        format!("SELECT 1{}", n(" + 1")),
        format!("SELECT 1{}", n(" UNION SELECT 1")),
        format!("SELECT 1{}", n("::int")),
        format!("SELECT 1{}", n(" IS NULL")),
        format!("SELECT {}1", n("NOT ")),
        format!("SELECT {}1", n("- ")),
        format!("SELECT {}1{}", n("CASE WHEN 1 = 1 THEN "), n(" END")),
        format!("SELECT {}1{}", n("abs("), n(")")),
        format!("SELECT {}1{}", n("["), n("]")),
        format!("SELECT [1]{}", n("[1]")),
        format!("SELECT a{}", n(".a")),
        format!("SELECT 1 FROM {}airlines{}", n("("), n(")")),
        format!("SELECT 1 FROM airlines{}", n(" NATURAL JOIN airlines")),
        format!("{}SELECT 1{}", n("WITH t AS ("), n(") SELECT 1 FROM t")),
        format!("SELECT 1 WHERE 1{}", n(" BETWEEN 1 AND 1")),
        format!("SELECT 1{}", n(" AT TIME ZONE 'x'")),
        format!("SELECT 1{}", n(" COLLATE c")),
        format!("SELECT 1 /* {}", n("/* ")),
        format!("SELECT CAST(1 AS INT{})", n("[]")),
        format!("SELECT INTERVAL {}", n("INTERVAL ")),
        format!("SELECT {}'x'", n("_utf8 ")),
        format!("SELECT {}'x'", n("INTERVAL _a ")),
        format!("SELECT CAST(1 AS {}INT{})", n("ARRAY<"), n(">")),
        format!("SELECT {}INT64{}[1]", n("ARRAY<"), n(">")),
        format!("SELECT {}1{}", n("ARRAY<INT64>["), n("]")),
        format!("SELECT CAST(1 AS {}INT{})", n("NULLABLE("), n(")")),
        format!("SELECT 1 FROM airlines{}", n(" PIVOT (sum(x) FOR y IN (1))")),
        format!("SELECT 1 FROM airlines {}", n("JOIN airlines ")),
        format!("SELECT {}1", n("x -> ")),
        format!("{}SELECT 1", n("EXPLAIN ")),
        format!("SELECT 1{}", n(" UNION (SELECT 1")),
        format!("SELECT 1{}", n(" INTERSECT SELECT 1 UNION SELECT 1")),
        format!("SELECT {{{}}}", n("'a': {")),
        format!("SELECT EXTRACT(DAY FROM {}", n("DATE ")),
        format!("SELECT {}", n("ARRAY ")),
        format!("SELECT {}", n("PRIOR ")),
        format!("SELECT {}1", n("x IN (")),
        format!("SELECT a{}", n(":b")),
        format!("SELECT 1 FROM {}", n("LATERAL ")),
        format!("SELECT 1 FROM a{}", n(", LATERAL (SELECT 1 FROM a")),
        format!("SELECT {}1", n("x LIKE ")),
        format!("SELECT {}1", n("x = ANY ")),
        format!("SELECT {}1", n("CONNECT_BY_ROOT ")),
        format!("SELECT {}1", n("BINARY ")),
        format!("SELECT {}1", n("~")),
        format!("SELECT {}1", n("@")),
        format!("SELECT {}", n("f(x) OVER (ORDER BY ")),
    ]
}

#[test]
fn hostile_shapes_are_refused_quickly_on_a_small_stack() {
    let thread = std::thread::Builder::new().stack_size(SMALL_STACK).spawn(|| {
        let catalog = catalog(Dialect::DataFusion);
        for repeat in [3_000, 20_000] {
            for sql in hostile(repeat) {
                let begun = cpu_time();
                let report = judge(&sql, &catalog);
                assert_eq!(report.verdict, Verdict::Block, "{repeat}: {}", &sql[..40]);
                assert!(cpu_time() - begun < Duration::from_secs(2), "{repeat}: {}", &sql[..40]);
            }
        }
        // Everything from harmless to just over the caps, where the parser does run.
        for repeat in [1, 10, 17, 24, 45, 99, 101, 250, 490, 501] {
            for sql in hostile(repeat) {
                let begun = cpu_time();
                settled(&judge(&sql, &catalog), &catalog);
                assert!(cpu_time() - begun < Duration::from_secs(2), "{repeat}: {sql}");
            }
        }
    });
    thread.unwrap().join().unwrap();
}

/// The parser tries some words twice; nested, each would double its time.
#[test]
fn no_word_makes_the_parser_try_without_end() {
    let thread = std::thread::Builder::new().stack_size(SMALL_STACK).spawn(|| {
        let catalog = catalog(Dialect::DataFusion);
        for word in PREFIXES {
            for shape in ["W ", "W (", "(W ", "W - ", "W NOT ", "W x, (", "CASE W ", "W [", "W {", "x W (", "(x, W "] {
                for repeat in [12, 16, 24] {
                    let sql = format!("SELECT {}1", shape.replace('W', word).repeat(repeat));
                    let begun = cpu_time();
                    settled(&judge(&sql, &catalog), &catalog);
                    assert!(cpu_time() - begun < Duration::from_secs(1), "{repeat}: {sql}");
                }
            }
        }
    });
    thread.unwrap().join().unwrap();
}

const PREFIXES: [&str; 40] = [
    "",
    "interval",
    "date",
    "timestamp",
    "time",
    "array",
    "struct",
    "map",
    "cast",
    "try_cast",
    "extract",
    "position",
    "substring",
    "trim",
    "overlay",
    "ceil",
    "exists",
    "not",
    "case",
    "when",
    "row",
    "any",
    "in",
    "between",
    "like",
    "is",
    "over",
    "filter",
    "x",
    "x.y",
    "prior",
    "convert",
    "lateral",
    "unnest",
    "values",
    "select",
    "from",
    "with",
    "distinct",
    "_utf8",
];

#[test]
fn doubling_ctes_are_refused() {
    let catalog = catalog(Dialect::DataFusion);
    let mut sql = "WITH t0 AS (SELECT carrier FROM airlines)".to_owned();
    for step in 1..=40 {
        let from = step - 1;
        sql += &format!(", t{step} AS (SELECT a.carrier FROM t{from} a JOIN t{from} b ON a.carrier = b.carrier)");
    }
    let begun = cpu_time();
    let report = judge(&(sql + " SELECT count(*) FROM t40"), &catalog);
    assert!(report.has(ReasonCode::CapExpansion), "{:?}", report.reasons);
    assert!(cpu_time() - begun < Duration::from_secs(1));
}

#[test]
fn a_limit_is_added_lowered_or_left() {
    let catalog = catalog(Dialect::DataFusion);
    let added = judge("SELECT carrier FROM airlines", &catalog);
    assert_eq!(added.verdict, Verdict::AllowRewritten);
    assert_eq!(added.reasons[0].message, "LIMIT auto-added");
    let query = added.query.unwrap();
    assert_eq!(query.sql(), "SELECT carrier FROM airlines LIMIT 10000");
    assert_eq!(query.limit(), 10_000);
    assert_eq!(query.tables(), ["airlines"]);
    assert_eq!(query.columns(), [("airlines".to_owned(), "carrier".to_owned())]);

    let left = judge("select Carrier from AIRLINES limit 5;", &catalog);
    assert_eq!(left.verdict, Verdict::Allow);
    assert_eq!(left.query.unwrap().sql(), "SELECT carrier FROM airlines LIMIT 5");

    let lowered = judge("SELECT carrier FROM airlines LIMIT 99999999", &catalog);
    assert!(lowered.has(ReasonCode::LimitLowered));
    assert_eq!(lowered.query.unwrap().limit(), 1_000_000);
}

#[test]
fn reasons_have_a_place_and_a_mend() {
    let catalog = catalog(Dialect::DataFusion);
    let report = judge("SELECT count(*)\nFROM flihgts WHERE pg_sleep(1) IS NULL", &catalog);
    let table = report.reasons.iter().find(|reason| reason.code == ReasonCode::TableUnknown).unwrap();
    assert_eq!((table.line, table.column), (Some(2), Some(6)));
    assert_eq!(table.suggestion.as_deref(), Some("did you mean flights?"));
    assert!(report.has(ReasonCode::FunctionForbidden), "all reasons are told: {:?}", report.reasons);
    let column = judge("SELECT carier FROM flights", &catalog);
    assert_eq!(column.reasons[0].suggestion.as_deref(), Some("did you mean carrier?"));
}

#[test]
fn half_of_the_verdicts_take_little_time() {
    let catalog = catalog(Dialect::DataFusion);
    let mut times: Vec<Duration> = all(&[ALLOW, BLOCK].concat())
        .iter()
        .map(|case| {
            let begun = cpu_time();
            judge(&case.sql, &catalog);
            cpu_time() - begun
        })
        .collect();
    times.sort();
    let p50 = times[times.len() / 2];
    println!("verdicts: p50 {p50:?}, p99 {:?}, over {}", times[times.len() * 99 / 100], times.len());
    assert!(p50 < Duration::from_millis(50));
}

const WORDS: [&str; 64] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "UNION",
    "ALL",
    "EXCEPT",
    "WITH",
    "t",
    "AS",
    "(",
    ")",
    "(",
    ")",
    ",",
    ",",
    "*",
    "=",
    "<>",
    "<",
    "+",
    "-",
    "||",
    "::int",
    "AND",
    "OR",
    "NOT",
    "IN",
    "IS NULL",
    "BETWEEN",
    "LIKE",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "JOIN",
    "ON",
    "USING",
    "CROSS JOIN",
    "LEFT JOIN",
    "flights",
    "airlines",
    "carrier",
    "flights.carrier",
    "dep_delay",
    "name",
    "count(*)",
    "sum(distance)",
    "OVER",
    "PARTITION BY",
    "FILTER",
    "1",
    "'x'",
    "NULL",
    "VALUES",
    "DISTINCT",
    "INTERVAL '1 day'",
    "EXISTS",
    ";",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_judged(text in any::<String>()) {
        for dialect in [Dialect::DataFusion, Dialect::PostgreSql, Dialect::BigQuery] {
            let catalog = catalog(dialect);
            settled(&judge(&text, &catalog), &catalog);
        }
    }

    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        let catalog = catalog(Dialect::DataFusion);
        settled(&judge(&text, &catalog), &catalog);
    }

    #[test]
    fn any_soup_of_words_is_judged(words in proptest::collection::vec(select(WORDS.to_vec()), 0..40)) {
        let text = format!("SELECT {}", words.join(" "));
        for dialect in [Dialect::DataFusion, Dialect::PostgreSql, Dialect::BigQuery] {
            let catalog = catalog(dialect);
            settled(&judge(&text, &catalog), &catalog);
        }
    }

    #[test]
    fn any_mutation_of_real_statements_is_judged(
        pick in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        length in 0_usize..12,
        paste in any::<prop::sample::Index>(),
    ) {
        let corpus = all(&[ALLOW, BLOCK].concat());
        let mut words: Vec<&str> = pick.get(&corpus).sql.split(' ').collect();
        let donor: Vec<&str> = other.get(&corpus).sql.split(' ').collect();
        let at = cut.index(words.len());
        let end = (at + length).min(words.len());
        let from = paste.index(donor.len());
        words.splice(at..end, donor.iter().skip(from).take(length).copied());
        let catalog = catalog(Dialect::DataFusion);
        settled(&judge(&words.join(" "), &catalog), &catalog);
    }
}
