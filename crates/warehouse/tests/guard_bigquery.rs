//! What only BigQuery has: pipes, structs made by a query, tables told apart by their case.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test says where")]

use pilothouse_domain::catalog::Dialect;
use pilothouse_warehouse::guard::access::PolicyFile;
use pilothouse_warehouse::guard::{Policy, ReasonCode, Report, Verdict, check};

const POLICY: &str = "
schema: shop
tables:
  Orders:
    columns: {OrderId: integer, CustomerId: integer, status: string, total: number, placed: date}
    key: [OrderId]
  customers:
    columns: {cid: integer, name: string, ssn: {type: string, sensitivity: restricted}}
    key: [cid]
  Twins:
    columns: {id: integer}
  twins:
    columns: {id: integer}
";

fn checked(sql: &str) -> Report {
    let PolicyFile { catalog, access, limits } = PolicyFile::read(POLICY, Dialect::BigQuery).unwrap();
    check(sql, &Policy { catalog: &catalog, access: &access, limits: &limits })
}

/// What runs, without the LIMIT that was added.
fn written(sql: &str) -> String {
    let report = checked(sql);
    let query = report.query.unwrap_or_else(|| panic!("{sql}: {:?}", report.reasons));
    query.sql().trim_end_matches(" LIMIT 10000").to_owned()
}

#[test]
fn pipes_are_written_as_the_query_that_they_stand_for() {
    let cases = [
        (
            "FROM shop.Orders |> WHERE status = 'paid' |> WHERE total > 1 OR total < 0",
            "SELECT * FROM shop.`Orders` WHERE (status = 'paid') AND (total > 1 OR total < 0)",
        ),
        (
            "FROM Orders |> AGGREGATE SUM(total) AS revenue, COUNT(*) AS n GROUP BY status |> ORDER BY revenue DESC |> LIMIT 3",
            "SELECT status, sum(total) AS revenue, count(*) AS n FROM `Orders` GROUP BY status ORDER BY revenue DESC LIMIT 3",
        ),
        (
            "FROM Orders |> AGGREGATE COUNT(*) AS n GROUP BY status |> WHERE n > 5",
            "SELECT * FROM (SELECT status, count(*) AS n FROM `Orders` GROUP BY status) WHERE n > 5",
        ),
        (
            "FROM Orders AS o |> JOIN customers AS c ON o.CustomerId = c.cid |> SELECT c.name, o.total",
            "SELECT c.name, o.total FROM `Orders` AS o JOIN customers AS c ON o.customerid = c.cid",
        ),
        (
            "FROM Orders |> EXTEND total * 2 AS twice |> DROP total |> LIMIT 5 |> WHERE twice > 1",
            "SELECT * FROM (SELECT * EXCEPT (total) FROM (SELECT *, total * 2 AS twice FROM `Orders`) LIMIT 5) WHERE twice > 1",
        ),
        (
            "FROM Orders |> SET total = 0 |> AS o |> SELECT o.OrderId",
            "SELECT o.orderid FROM (SELECT * REPLACE (0 AS total) FROM `Orders`) AS o",
        ),
    ];
    for (piped, plain) in cases {
        assert_eq!(written(piped), plain, "{piped}");
        assert_eq!(checked(plain).verdict, checked(&written(piped)).verdict);
    }
    let union = written("SELECT orderid FROM Orders |> UNION ALL (SELECT cid FROM customers)");
    assert!(union.contains("UNION ALL"), "{union}");
}

#[test]
fn pipes_open_no_way_around_a_rule() {
    for (sql, code) in [
        ("FROM customers", ReasonCode::ColumnRestricted),
        ("FROM customers |> SELECT ssn", ReasonCode::ColumnRestricted),
        ("FROM customers |> WHERE ssn = '1' |> SELECT cid", ReasonCode::ColumnRestricted),
        ("FROM customers |> AGGREGATE MAX(ssn) AS s", ReasonCode::ColumnRestricted),
        ("FROM customers |> DROP cid |> DROP name", ReasonCode::ColumnRestricted),
        ("FROM customers |> EXTEND SESSION_USER() AS me |> SELECT me", ReasonCode::FunctionSession),
        ("FROM Orders |> JOIN customers ON TRUE |> SELECT total", ReasonCode::JoinUnconnected),
        ("FROM Orders |> LIMIT 5 |> TABLESAMPLE SYSTEM (1 PERCENT)", ReasonCode::SyntaxUnsupported),
    ] {
        let report = checked(sql);
        assert_eq!(report.verdict, Verdict::Block, "{sql}");
        assert!(report.has(code), "{sql}: {:?}", report.reasons);
    }
    let many = format!("FROM Orders {}", "|> WHERE total > 1 |> LIMIT 5 ".repeat(200));
    assert_eq!(checked(&many).verdict, Verdict::Block);
    let counted = "FROM customers |> AGGREGATE COUNT(DISTINCT ssn) AS n";
    assert_eq!(checked(counted).verdict, Verdict::AllowRewritten, "{:?}", checked(counted).reasons);
}

#[test]
fn a_query_makes_structs() {
    let sql = "SELECT c.cid, ARRAY(SELECT AS STRUCT o.orderid, o.total FROM Orders AS o WHERE o.customerid = c.cid) AS orders \
        FROM customers AS c";
    assert!(written(sql).contains("ARRAY(SELECT AS STRUCT o.orderid, o.total FROM `Orders` AS o"), "{}", written(sql));
    let restricted = "SELECT ARRAY(SELECT AS STRUCT * FROM customers) AS all_of_them";
    assert!(checked(restricted).has(ReasonCode::ColumnRestricted));
    assert_eq!(checked("SELECT AS VALUE STRUCT(ssn AS x) FROM customers").verdict, Verdict::Block);
}

#[test]
fn an_array_may_say_its_type() {
    let says = |sql: &str, text: &str| assert!(written(sql).contains(text), "{}", written(sql));
    says("SELECT ARRAY<INT64>[1, 2] AS few", "CAST([1, 2] AS ARRAY<INT64>) AS few");
    says("SELECT ARRAY<STRING>[] AS nil", "CAST([] AS ARRAY<STRING>) AS nil");
    says("SELECT ARRAY<FLOAT64>[total, total / 2][SAFE_OFFSET(1)] AS half FROM Orders", "AS ARRAY<FLOAT64>)[");
    says(
        "SELECT x FROM UNNEST(ARRAY<STRUCT<a INT64, b STRING>>[(1, 'one')]) AS x",
        "ARRAY<STRUCT<`a` INT64, `b` STRING>>",
    );
    assert_eq!(checked("SELECT ARRAY<STRING>[ssn] AS x FROM customers").verdict, Verdict::Block);
    assert_eq!(checked("SELECT ARRAY<STRING>[SESSION_USER()] AS x").verdict, Verdict::Block);
    for broken in ["SELECT ARRAY<INT64>[1", "SELECT ARRAY<INT64>", "SELECT ARRAY<[1]", "SELECT ARRAY<INT64>(1)"] {
        assert_eq!(checked(broken).verdict, Verdict::Block, "{broken}");
    }
}

#[test]
fn tables_are_found_whatever_their_case() {
    assert_eq!(written("SELECT ORDERID, customerid FROM orders"), "SELECT orderid, customerid FROM `Orders`");
    assert_eq!(
        written("SELECT `Orders`.Total FROM SHOP.`ORDERS`"),
        "SELECT `orders`.total FROM shop.`Orders`".replace("`orders`", "orders")
    );
    let twins = checked("SELECT id FROM twins");
    assert_eq!(twins.verdict, Verdict::Block, "two tables are named so");
}
