//! The SQL guard: no text makes it panic, and what it lets pass it lets pass again, unchanged.

use pilothouse_domain::catalog::{Catalog, Dialect};
use pilothouse_fuzz::{SQL, catalog, sentence};
use pilothouse_warehouse::guard::access::Access;
use pilothouse_warehouse::guard::{Limits, Policy, Verdict, check};

/// Checks `sql` for both engines.
fn settles(sql: &str, catalogs: &[Catalog]) {
    for catalog in catalogs {
        let limits = Limits::default();
        let policy = Policy { catalog, access: &Access::open(), limits: &limits };
        let report = check(sql, &policy);
        let Some(query) = report.query else {
            assert!(report.verdict == Verdict::Block && !report.reasons.is_empty(), "blocked without a reason: {sql}");
            continue;
        };
        let again = check(query.sql(), &policy);
        assert_eq!(again.verdict, Verdict::Allow, "{sql}\n{}", query.sql());
        assert_eq!(again.query.as_ref(), Some(&query), "{sql}");
    }
}

fn catalogs() -> [Catalog; 2] {
    [Dialect::DataFusion, Dialect::PostgreSql].map(catalog)
}

#[test]
fn sql_bytes() {
    let catalogs = catalogs();
    bolero::check!().for_each(|bytes: &[u8]| settles(&String::from_utf8_lossy(bytes), &catalogs));
}

#[test]
fn sql_words() {
    let catalogs = catalogs();
    bolero::check!().for_each(|picks: &[u8]| settles(&sentence(SQL, picks), &catalogs));
}

/// Half of a statement that is allowed, and then anything: what follows `SELECT` is looked at far more closely than
/// what does not begin with it.
#[test]
fn sql_after_select() {
    let catalogs = catalogs();
    bolero::check!().for_each(|picks: &[u8]| {
        let (list, rest) = picks.split_at(picks.len() / 2);
        settles(&format!("SELECT {} FROM orders AS o {}", sentence(SQL, list), sentence(SQL, rest)), &catalogs);
    });
}
