//! The SQL guard: no text makes it panic, and what it lets pass it lets pass again, unchanged.

use pilothouse_domain::catalog::{Catalog, Dialect};
use pilothouse_fuzz::{SQL, catalog, sentence};
use pilothouse_warehouse::guard::access::{Access, PolicyFile};
use pilothouse_warehouse::guard::{Limits, Policy, Verdict, check};

/// Checks `sql` for every dialect.
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

const DIALECTS: [Dialect; 3] = [Dialect::DataFusion, Dialect::PostgreSql, Dialect::BigQuery];

fn catalogs() -> [Catalog; 3] {
    DIALECTS.map(catalog)
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

/// Words of statements about people of whom something is protected.
const PEOPLE: &str = "SELECT FROM people p people_v AS WHERE AND OR ( ) , . * = < > || 'a' name p.name secret p.secret phone \
    town born p.born id count(*) count( max( array_agg( count(DISTINCT GROUP BY HAVING ORDER DESC LIMIT 10 UNION ALL EXCEPT \
    INTERSECT JOIN ON USING(id) NATURAL WITH x IN EXISTS IS NULL CASE WHEN THEN END OVER (PARTITION DISTINCT 1 2 LATERAL \
    UNNEST( (SELECT FILTER (WHERE LIKE BETWEEN COALESCE( CAST( TEXT) STRUCT( ARRAY( QUALIFY WINDOW RECURSIVE";

const POLICY: &str = "
limits: {min_group: 7}
tables:
  people:
    key: [id]
    rows: \"town <> 'Atlantis'\"
    columns:
      id: integer
      name: {type: string, sensitivity: restricted}
      secret: {type: string, sensitivity: hidden}
      phone: {type: string, sensitivity: masked}
      born: {type: date, sensitivity: quasi}
      town: string
views:
  people_v: {sql: 'SELECT id, name, phone FROM people'}
";

/// What is selected from the table itself. All else of a statement reads only what these lists pass on, and may use any
/// name for it, that of a hidden column too.
fn lists_over_people(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("FROM people ").map(|(end, _)| {
        let start = text[..end].rfind("SELECT ").unwrap_or(0);
        &text[start..end]
    })
}

/// However a statement is put together: a hidden column is in no list over its table, a masked one only behind its mask,
/// every reading of the table is filtered, and what tells of persons is shown in groups alone.
#[test]
fn sql_under_a_policy() {
    let policies = DIALECTS.map(|dialect| PolicyFile::read(POLICY, dialect).expect("it is a policy"));
    bolero::check!().for_each(|picks: &[u8]| {
        let (list, rest) = picks.split_at(picks.len() / 2);
        let sql = format!("SELECT {} FROM people AS p {}", sentence(PEOPLE, list), sentence(PEOPLE, rest));
        for PolicyFile { catalog, access, limits } in &policies {
            let report = check(&sql, &Policy { catalog, access, limits });
            let Some(query) = report.query else { continue };
            let text = query.sql();
            let names = |what: &str| text.matches(what).count();
            assert!(!lists_over_people(text).any(|list| list.contains("secret")), "{sql}\n{text}");
            assert!(names("AS secret") > 0 || names("secret") == 0, "{sql}\n{text}");
            assert_eq!(names("FROM people "), names("<> 'Atlantis'"), "{sql}\n{text}");
            assert!(names("AS phone") >= names("FROM people "), "{sql}\n{text}");
        }
    });
}
