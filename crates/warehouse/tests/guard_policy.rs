//! Access policies as people write them: conditions on rows with words about the caller, rules that some roles are
//! exempt from, and faults that are told with their line.

#![allow(clippy::unwrap_used, reason = "a failed test says where")]

use pilothouse_domain::Role;
use pilothouse_domain::catalog::{Catalog, Dialect};
use pilothouse_warehouse::guard::access::{Access, AccessPolicy, PolicyFile};
use pilothouse_warehouse::guard::{Limits, Policy, Report, Verdict, check};
use proptest::prelude::*;

const TABLES: &str = "
tables:
  orders: {columns: {id: integer, country: string, amount: number, sold_by: string}, key: [id]}
  salaries: {columns: {name: string, amount: number}}
";

const POLICY: &str = "
min_group: 3
attributes:
  country: {ada: DE, 'o''hara': 'NO'' OR 1 = 1 --'}
tables:
  orders:
    rows: caller.role = 'admin' OR country = caller.country
    columns:
      sold_by: {sensitivity: masked, mask: initial, unless: [operator, admin]}
  salaries: {access: none, unless: [admin]}
";

fn catalog(dialect: Dialect) -> Catalog {
    PolicyFile::read(TABLES, dialect).unwrap().catalog
}

fn asked(sql: &str, subject: &str, role: Role, dialect: Dialect) -> Report {
    let catalog = catalog(dialect);
    let policy = AccessPolicy::read(POLICY, &catalog).unwrap();
    let access = policy.narrow(&Access::open(), &catalog, &policy.rights("acme", subject, role)).unwrap();
    check(sql, &Policy { catalog: &catalog, access: &access, limits: &Limits::default() })
}

const DIALECTS: [Dialect; 3] = [Dialect::DataFusion, Dialect::PostgreSql, Dialect::BigQuery];

#[test]
fn rows_follow_what_is_known_of_the_caller() {
    for dialect in DIALECTS {
        let sql = |subject, role| {
            asked("SELECT id, amount FROM orders", subject, role, dialect).canonical.unwrap().sql().to_owned()
        };
        let ada = sql("ada", Role::Member);
        assert!(ada.contains("'member' = 'admin' OR country = 'DE'") || ada.contains("country = 'DE'"), "{ada}");
        let nobody = sql("bob", Role::Member);
        assert!(nobody.contains("country = NULL"), "an unknown attribute lets no row through: {nobody}");
        // A value is a literal of the tree, whatever stands in it.
        let sly = asked("SELECT count(*) FROM orders", "o'hara", Role::Member, dialect);
        assert_eq!(sly.verdict, Verdict::AllowRewritten, "{:?}", sly.reasons);
        let text = sly.canonical.unwrap().sql().to_owned();
        assert!(text.contains("NO'' OR 1 = 1 --'") || text.contains("NO\\' OR 1 = 1 --'"), "{text}");
    }
}

#[test]
fn some_roles_are_exempt_from_some_rules() {
    for dialect in DIALECTS {
        let verdict = |sql, role| asked(sql, "ada", role, dialect).verdict;
        assert_eq!(verdict("SELECT count(*) FROM salaries", Role::Operator), Verdict::Block);
        assert_eq!(verdict("SELECT count(*) FROM salaries", Role::Admin), Verdict::AllowRewritten);
        let masked = |role| {
            let report = asked("SELECT sold_by FROM orders", "ada", role, dialect);
            report.reasons.iter().any(|reason| reason.code.as_str() == "column.masked")
        };
        assert!(masked(Role::Member) && !masked(Role::Operator));
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let catalog = catalog(Dialect::DataFusion);
    let fault = |yaml: &str| AccessPolicy::read(yaml, &catalog).unwrap_err();
    for (yaml, line, part) in [
        ("tables:\n  order: {}", 2, "there is no table `order`"),
        ("tables:\n  orders:\n    rows: countri = 'DE'", 3, "countri"),
        ("tables:\n  orders:\n    rows: country = caller.shoe", 3, "nothing is known of a caller's `shoe`"),
        ("tables:\n  orders:\n    rows: 1 = 1; DROP TABLE orders", 3, ""),
        ("tables:\n  orders:\n    rows: id IN (SELECT 1) ORDER BY 1", 3, "more than a condition"),
        ("tables:\n  orders:\n    columns:\n      shoe: {sensitivity: hidden}", 4, "no column `shoe`"),
        ("tables:\n  orders:\n    columns:\n      id: {sensitivity: secret}", 4, "no sensitivity secret"),
        ("tables:\n  orders:\n    unless: [boss]", 3, "not a role"),
        ("attributes:\n  role: {ada: admin}", 2, "known of every caller"),
        ("tables:\n  orders: {access: some}", 2, "read or none"),
    ] {
        let fault = fault(yaml);
        assert_eq!(fault.line, line, "{yaml}: {fault}");
        assert!(fault.reason.contains(part), "{yaml}: {fault}");
    }
    assert!(AccessPolicy::read("", &catalog).is_ok());
}

proptest! {
    /// Whatever a subject or an attribute holds, the statement stays one checked statement over the same table.
    #[test]
    fn no_value_changes_what_a_condition_is(value in "\\PC{0,24}", subject in "\\PC{1,12}") {
        let catalog = catalog(Dialect::PostgreSql);
        let yaml = "tables: {orders: {rows: country = caller.subject OR sold_by = caller.tenant}}";
        let policy = AccessPolicy::read(yaml, &catalog).unwrap();
        let rights = policy.rights(&value, &subject, Role::Viewer);
        let access = policy.narrow(&Access::open(), &catalog, &rights).unwrap();
        let report = check("SELECT count(*) FROM orders", &Policy { catalog: &catalog, access: &access, limits: &Limits::default() });
        prop_assert_eq!(report.query.as_ref().map(|query| query.tables().to_vec()), Some(vec!["orders".to_owned()]), "{:?}", report.reasons);
    }
}
