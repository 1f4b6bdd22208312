//! What a policy protects: masked, hidden, restricted and quasi-identifying columns, rows, tables, views.

#![allow(clippy::unwrap_used, reason = "a failed test says where")]

use pilothouse_domain::catalog::Dialect;
use pilothouse_warehouse::guard::access::PolicyFile;
use pilothouse_warehouse::guard::{Policy, Report, Verdict, check};

const POLICY: &str = include_str!("corpus/policy.yaml");

fn judged(sql: &str, dialect: Dialect) -> Report {
    let PolicyFile { catalog, access, limits } = PolicyFile::read(POLICY, dialect).unwrap();
    check(sql, &Policy { catalog: &catalog, access: &access, limits: &limits })
}

/// The codes of the reasons; of a statement that is blocked, those that block it.
fn codes(report: &Report) -> Vec<&'static str> {
    let told = report.reasons.iter().map(|reason| reason.code);
    let told = told.filter(|code| report.verdict != Block || code.blocks());
    told.map(|code| code.as_str()).filter(|code| *code != "limit.added").collect()
}

/// Statements, each with its verdict and the codes of its reasons.
fn judge(cases: &[(&str, Verdict, &[&str])]) {
    for dialect in [Dialect::DataFusion, Dialect::PostgreSql] {
        for (sql, verdict, expected) in cases {
            let report = judged(sql, dialect);
            assert_eq!((report.verdict, codes(&report)), (*verdict, expected.to_vec()), "{sql}\n{:#?}", report.reasons);
        }
    }
}

use Verdict::{AllowRewritten as Rewritten, Block, NeedsApproval};

#[test]
fn a_restricted_column_is_counted_and_nothing_else() {
    const ONLY: &[&str] = &["column.restricted"];
    judge(&[
        ("SELECT count(email) FROM customers", Rewritten, &[]),
        ("SELECT country, count(DISTINCT email) FROM customers GROUP BY country", Rewritten, &[]),
        ("SELECT count(*) FROM customers WHERE email IS NULL", Rewritten, &[]),
        ("SELECT count(e) FROM (SELECT email AS e FROM customers) AS t", Rewritten, &[]),
        ("WITH c AS (SELECT * FROM customers) SELECT count(c.full_name) FROM c", Rewritten, &["column.masked"]),
        ("SELECT email FROM customers", Block, ONLY),
        ("SELECT c.email AS x FROM customers c", Block, ONLY),
        ("SELECT email FROM customers UNION ALL SELECT country FROM customers", Block, ONLY),
        ("SELECT e FROM (SELECT email AS e FROM customers) t", Block, ONLY),
        ("SELECT x FROM (SELECT email FROM customers) AS t (x)", Block, ONLY),
        ("WITH c (a, b) AS (SELECT customer_id, email FROM customers) SELECT b FROM c", Block, ONLY),
        ("SELECT count(*) FROM customers WHERE email LIKE 'a%'", Block, ONLY),
        ("SELECT country FROM customers ORDER BY email", Block, ONLY),
        ("SELECT country FROM (SELECT country, email AS e FROM customers ORDER BY 2 LIMIT 5) t", Block, ONLY),
        ("SELECT count(*) FROM customers GROUP BY email", Block, ONLY),
        ("SELECT max(email) FROM customers", Block, ONLY),
        ("SELECT md5(full_name) FROM customers", Block, ONLY),
        ("SELECT count(*) FILTER (WHERE email = 'x') FROM customers", Block, ONLY),
        ("SELECT count(email) OVER (ORDER BY email) FROM customers", Block, ONLY),
        ("SELECT count(*) FROM (SELECT DISTINCT email FROM customers) t", Block, ONLY),
        ("SELECT count(*) FROM (SELECT email FROM customers EXCEPT SELECT country FROM customers) t", Block, ONLY),
        ("SELECT (SELECT email FROM customers LIMIT 1)", Block, ONLY),
        ("SELECT count(*) FROM products WHERE name IN (SELECT full_name FROM customers)", Block, ONLY),
        ("SELECT 1 FROM customers a JOIN customers b USING (email)", Block, ONLY),
        ("SELECT CASE WHEN salary > 100 THEN 1 END FROM employees", Block, ONLY),
        ("SELECT avg(salary) FROM employees", Block, ONLY),
        ("SELECT full_name FROM customer_contact", Block, ONLY),
        ("SELECT count(full_name) FROM customer_contact", Rewritten, &[]),
    ]);
}

#[test]
fn a_star_over_restricted_columns_is_refused_and_names_the_way_out() {
    let report = judged("SELECT * FROM employees", Dialect::PostgreSql);
    assert_eq!(codes(&report), ["column.restricted"]);
    let report = judged("SELECT * EXCEPT (name, salary) FROM employees", Dialect::DataFusion);
    assert_eq!(report.verdict, Rewritten, "{:?}", report.reasons);
    for sql in [
        "SELECT * EXCEPT (name, salary) REPLACE (name AS department) FROM employees",
        "SELECT d FROM (SELECT * EXCEPT (salary) RENAME (name AS d) FROM employees) t",
    ] {
        assert_eq!(codes(&judged(sql, Dialect::DataFusion)), ["column.restricted"], "{sql}");
    }
}

#[test]
fn what_is_hidden_does_not_exist() {
    judge(&[
        ("SELECT internal_note FROM customers", Block, &["column.unknown"]),
        ("SELECT count(ssn) FROM employees", Block, &["column.unknown"]),
        ("SELECT count(*) FROM audit_log", Block, &["table.unknown"]),
    ]);
    for (sql, secret) in [("SELECT internal_nota FROM customers", "note"), ("SELECT 1 FROM audit_logs", "audit_log\"")]
    {
        let told = format!("{:?}", judged(sql, Dialect::PostgreSql).reasons);
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn what_is_masked_is_read_masked_wherever_it_stands() {
    let report = judged("SELECT phone FROM customers WHERE phone = '1'", Dialect::PostgreSql);
    assert_eq!((report.verdict, codes(&report)), (Rewritten, vec!["column.masked"]));
    let sql = report.query.unwrap().sql().to_owned();
    assert!(sql.contains("CAST(NULL AS VARCHAR) AS phone") && !sql.contains("internal_note"), "{sql}");
    let report = judged("SELECT right(card_number, 2) FROM shop.payments", Dialect::DataFusion);
    let sql = report.query.unwrap().sql().to_owned();
    assert!(sql.contains("right(card_number, 4)") && sql.ends_with("AS payments LIMIT 1000"), "{sql}");
    judge(&[("SELECT customers.country FROM customers", Rewritten, &[])]);
}

#[test]
fn rows_are_filtered_for_every_name_of_a_table() {
    let one = ["rows.filtered"];
    judge(&[
        ("SELECT count(*) FROM orders", Rewritten, &one),
        ("SELECT count(*) FROM shop.orders", Rewritten, &one),
        ("SELECT shop.orders.status, count(*) FROM shop.orders GROUP BY 1", Rewritten, &one),
        ("SELECT o.status FROM orders AS o WHERE o.total > 5", Rewritten, &one),
        ("WITH orders AS (SELECT * FROM orders) SELECT count(*) FROM orders", Rewritten, &one),
        ("SELECT count(*) FROM orders a JOIN orders b ON a.order_id = b.order_id", Rewritten, &one),
        ("SELECT order_id, card_brand FROM paid_orders", Rewritten, &one),
    ]);
    let sql = "WITH orders AS (SELECT 1 AS order_id) SELECT p.order_id FROM paid_orders p JOIN orders USING (order_id)";
    let sql = judged(sql, Dialect::DataFusion).query.unwrap().sql().to_owned();
    assert!(sql.contains("FROM shop.orders WHERE status <> 'test'"), "{sql}");
}

#[test]
fn groups_that_tell_of_persons_are_shown_from_a_size_on() {
    let (threshold, quasi) = (["group.threshold"], ["column.quasi"]);
    judge(&[
        ("SELECT postal_code, count(*) FROM customers GROUP BY postal_code", Rewritten, &threshold),
        ("SELECT gender, avg(credit_limit) FROM customers GROUP BY 1 HAVING count(*) > 2", Rewritten, &threshold),
        ("SELECT count(*) FROM customers WHERE birth_date < DATE '1980-01-01'", Rewritten, &threshold),
        (
            "SELECT x, n FROM (SELECT gender AS x, count(*) AS n FROM customers GROUP BY gender) t",
            Rewritten,
            &threshold,
        ),
        ("SELECT avg(n) FROM (SELECT gender, count(*) AS n FROM customers GROUP BY 1) t", Rewritten, &threshold),
        ("SELECT country, count(*) FROM customers GROUP BY country", Rewritten, &[]),
        ("SELECT postal_code FROM customers", Block, &quasi),
        ("SELECT DISTINCT gender FROM customers", Block, &quasi),
        ("SELECT customer_id FROM customers WHERE postal_code = '1010'", Block, &quasi),
        ("SELECT customer_id FROM customers ORDER BY birth_date LIMIT 1", Block, &quasi),
        ("SELECT customer_id, upper(gender) FROM customers", Block, &quasi),
        (
            "SELECT event_id FROM (SELECT customer_id FROM customers WHERE gender = 'f') c JOIN events USING (customer_id)",
            Block,
            &quasi,
        ),
        (
            "SELECT event_id FROM events WHERE customer_id IN (SELECT customer_id FROM customers WHERE gender = 'f')",
            Block,
            &quasi,
        ),
        ("SELECT gender, max(birth_date) FROM customers GROUP BY gender", Block, &quasi),
        ("SELECT country, count(DISTINCT postal_code) FROM customers GROUP BY 1", Rewritten, &threshold),
        // Groups within groups, which nobody counts.
        ("SELECT count(*) FILTER (WHERE postal_code = '1010') FROM customers", Block, &quasi),
        ("SELECT country, sum(CASE WHEN gender = 'f' THEN 1 END) FROM customers GROUP BY 1", Block, &quasi),
        ("SELECT count(country) FILTER (WHERE birth_date < DATE '1930-01-01') FROM customers", Block, &quasi),
        ("SELECT count(*) OVER (PARTITION BY postal_code) FROM customers", Block, &quasi),
    ]);
    let sql = "SELECT gender, count(*) FROM customers JOIN events USING (customer_id) GROUP BY gender";
    let sql = judged(sql, Dialect::PostgreSql).query.unwrap().sql().to_owned();
    assert!(sql.contains("HAVING count(DISTINCT customers.customer_id) >= 10"), "{sql}");
}

#[test]
fn a_table_that_needs_approval_makes_the_query_wait() {
    let report = judged("SELECT sum(amount) FROM refunds", Dialect::PostgreSql);
    assert_eq!((report.verdict, codes(&report)), (NeedsApproval, vec!["approval.table"]));
    assert!(report.query.is_none() && report.canonical.is_some());
    let report = judged("SELECT sum(nothing) FROM refunds", Dialect::PostgreSql);
    assert_eq!(report.verdict, Block);
}

#[test]
fn a_policy_file_says_where_it_is_wrong() {
    for (text, line, reason) in [
        ("tables:\n  t:\n    columns:\n      a: integr\n", 4, "there is no type integr"),
        (
            "tables:\n  t:\n    columns:\n      a: {type: string, sensitivity: secret}\n",
            4,
            "there is no sensitivity secret",
        ),
        ("tables:\n  t:\n    key: [b]\n    columns: {a: string}\n", 3, "t has no column b"),
        ("tables:\n  t:\n    rows: 'a ='\n    columns: {a: string}\n", 3, ""),
        ("tables:\n  t:\n    colums: {a: string}\n", 3, "colums"),
        ("tables:\n  t:\n    rows: '1 = 1; DROP TABLE t'\n    columns: {a: string}\n", 3, "one statement"),
    ] {
        let fault = PolicyFile::read(text, Dialect::PostgreSql).unwrap_err();
        assert_eq!(fault.line, line, "{fault}");
        assert!(fault.reason.contains(reason), "{fault}");
    }
}

#[test]
fn a_recursive_query_counts_its_rounds() {
    const ENDLESS: &[&str] = &["query.recursive"];
    let tree = "WITH RECURSIVE t AS (SELECT employee_id, 1 AS n FROM employees WHERE manager_id IS NULL UNION ALL
                SELECT e.employee_id, t.n + 1 FROM employees e JOIN t ON e.manager_id = t.employee_id WHERE t.n < 8)
                SELECT n, count(*) FROM t GROUP BY n";
    judge(&[
        (
            "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 12) SELECT n FROM t",
            Rewritten,
            &[],
        ),
        (
            "WITH RECURSIVE t (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE 12 >= n) SELECT n FROM t",
            Rewritten,
            &[],
        ),
        (tree, Rewritten, &[]),
        ("WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT n FROM t", Block, ENDLESS),
        ("WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n FROM t WHERE n < 12) SELECT n FROM t", Block, ENDLESS),
        (
            "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n - 1 FROM t WHERE n < 12) SELECT n FROM t",
            Block,
            ENDLESS,
        ),
        (
            "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 12 OR n > 0) SELECT n FROM t",
            Block,
            ENDLESS,
        ),
        (
            "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 9999999) SELECT n FROM t",
            Block,
            ENDLESS,
        ),
        (
            "WITH RECURSIVE t AS (SELECT -9999999 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 1) SELECT n FROM t",
            Block,
            ENDLESS,
        ),
        (
            "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT a.n + 1 FROM t a, t b WHERE a.n < 40) SELECT n FROM t",
            Block,
            ENDLESS,
        ),
        // A name that another engine would read as the later query.
        (
            "WITH RECURSIVE a AS (SELECT name FROM products), products AS (SELECT email AS name FROM customers)
          SELECT name FROM a",
            Block,
            ENDLESS,
        ),
        ("WITH RECURSIVE products AS (SELECT * FROM products) SELECT name FROM products", Block, ENDLESS),
    ]);
    let restricted = "WITH RECURSIVE t AS (SELECT 'x' AS v, 1 AS n UNION ALL SELECT e.name, t.n + 1 FROM employees e
                      JOIN t ON e.department = t.v WHERE t.n < 8) SELECT count(*) FROM t";
    assert_eq!(judged(restricted, Dialect::PostgreSql).verdict, Block);
}
