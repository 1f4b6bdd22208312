//! The semantic layer on its own: what is inferred, what the file may say, and the SQL that queries become.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Statement, Value, visit_expressions};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use pilothouse_domain::catalog::{Catalog, Column, DataType, Dialect, Evidence, ForeignKey, Table};
use pilothouse_domain::semantic::{
    Aggregate, Calculation, Calendar, Compare, Direction, FieldKind, FieldRef, Filter, Grain, Group, Having, Measure,
    Model, Order, Query, Scalar,
};
use pilothouse_warehouse::semantic::{compile, infer, result_columns, yaml};
use proptest::prelude::*;

fn column(name: &str, data_type: DataType, range: Option<(&str, &str)>) -> Column {
    Column {
        name: name.to_owned(),
        data_type,
        engine_type: "x".to_owned(),
        nullable: true,
        distinct: Some(10),
        values: None,
        min: range.map(|(low, _)| low.to_owned()),
        max: range.map(|(_, high)| high.to_owned()),
        personal: None,
    }
}

fn table(name: &str, key: Option<&str>, columns: Vec<Column>, foreign_keys: Vec<ForeignKey>) -> Table {
    Table {
        schema: None,
        name: name.to_owned(),
        row_count: Some(10),
        bytes: None,
        updated_at: None,
        columns,
        primary_key: key.map(str::to_owned).into_iter().collect(),
        foreign_keys,
    }
}

fn refers(column: &str, to: &str, key: &str) -> ForeignKey {
    ForeignKey {
        columns: vec![column.to_owned()],
        table: to.to_owned(),
        references: vec![key.to_owned()],
        evidence: Evidence::Inferred { matched_percent: 96 },
    }
}

fn catalog() -> Catalog {
    let ports = vec![
        column("code", DataType::String, None),
        column("name", DataType::String, None),
        column("Alt_ft", DataType::Integer, None),
    ];
    let trips = vec![
        column("month", DataType::Integer, Some(("1", "12"))),
        column("dep_time", DataType::Integer, Some(("1", "2400"))),
        column("dep_delay_minutes", DataType::Integer, Some(("-20", "900"))),
        column("orig", DataType::String, None),
        column("dest", DataType::String, None),
        column("fare_usd", DataType::Number, None),
        column("booked_at", DataType::Timestamp, Some(("2024-01-01T00:00:00", "2024-12-31T00:00:00"))),
    ];
    let keys = vec![refers("orig", "ports", "code"), refers("dest", "ports", "code")];
    Catalog {
        dialect: Dialect::DataFusion,
        tables: vec![table("ports", Some("code"), ports, vec![]), table("trips", None, trips, keys)],
    }
}

fn at(field: &str) -> FieldRef {
    FieldRef { dataset: "trips".to_owned(), field: field.to_owned(), via: None }
}

fn count() -> Measure {
    Measure::new("trips", Calculation::CountRows)
}

fn sql(query: &Query) -> String {
    compile(query, &infer(&catalog()), Dialect::DataFusion).expect("compiles")
}

fn base() -> Query {
    Query { dataset: "trips".to_owned(), measures: vec![count()], ..Query::default() }
}

#[test]
fn labels_kinds_units_and_joins_are_inferred() {
    let model = infer(&catalog());
    let trips = model.dataset("trips").expect("trips");
    let field = |name: &str| trips.field(name).expect("field");
    assert_eq!(field("dep_delay_minutes").label, "departure delay");
    assert_eq!(field("dep_delay_minutes").unit.as_deref(), Some("minutes"));
    assert_eq!(field("dep_delay_minutes").default_aggregate, Some(Aggregate::Avg));
    assert_eq!(field("fare_usd").default_aggregate, Some(Aggregate::Sum));
    assert_eq!(field("month").calendar, Some(Calendar::Month));
    assert_eq!(field("dep_time").calendar, Some(Calendar::Hhmm));
    assert_eq!(field("orig").kind, FieldKind::Key);
    assert_eq!(trips.default_time.as_deref(), Some("booked_at"));
    assert_eq!(model.dataset("ports").and_then(|ports| ports.display.as_deref()), Some("name"));
    let roles: Vec<_> = model.joins.iter().filter_map(|join| join.role.as_deref()).collect();
    assert_eq!(roles, ["origin", "destination"]);
}

#[test]
fn conditions_become_literals_and_never_text() {
    let filters = vec![
        Filter::Compare {
            field: at("orig"),
            op: Compare::Eq,
            values: vec![Scalar::Text("O'Hare'; drop table trips".to_owned())],
        },
        Filter::Compare {
            field: at("booked_at"),
            op: Compare::Ge,
            values: vec![Scalar::Timestamp("2024-02-01T00:00:00".to_owned())],
        },
        Filter::Part { field: at("booked_at"), part: Grain::Weekday, op: Compare::Eq, values: vec![6, 7] },
    ];
    assert_eq!(
        sql(&Query { filters, ..base() }),
        "SELECT count(*) AS number_of_trips FROM trips WHERE trips.orig = 'O''Hare''; drop table trips' AND \
         trips.booked_at >= TIMESTAMP '2024-02-01 00:00:00' AND \
         ((CAST(date_part('dow', trips.booked_at) AS BIGINT) + 6) % 7 + 1) IN (6, 7)"
    );
}

#[test]
fn groups_shares_and_order() {
    let groups = vec![Group::by(at("booked_at"), Grain::Month)];
    let order = vec![
        Order::Measure { index: 0, direction: Direction::Descending },
        Order::Group { index: 0, direction: Direction::Ascending },
    ];
    let of =
        vec![Filter::Compare { field: at("dep_delay_minutes"), op: Compare::Gt, values: vec![Scalar::Integer(15)] }];
    let share = Measure { calculation: Calculation::ShareOfRows { of, fraction: false }, ..count() };
    let query = Query { measures: vec![share], groups, order, limit: Some(3), ..base() };
    let text = sql(&query);
    assert!(text.contains("nullif(CAST(count(*) AS DOUBLE PRECISION), 0)"), "{text}");
    assert!(text.contains("GROUP BY CAST(date_trunc('month', trips.booked_at) AS DATE)"), "{text}");
    assert!(text.ends_with("NULLS LAST, \"month\" ASC NULLS LAST LIMIT 3"), "{text}");
    let columns = result_columns(&query, &infer(&catalog()));
    assert_eq!((columns[0].name.as_str(), columns[1].unit.as_deref()), ("month", Some("%")));
}

#[test]
fn a_table_joined_twice_needs_its_role() {
    let name = |via: Option<&str>| FieldRef {
        dataset: "ports".to_owned(),
        field: "name".to_owned(),
        via: via.map(str::to_owned),
    };
    let by = Group::of;
    let both = Query { groups: vec![by(name(Some("origin"))), by(name(Some("destination")))], ..base() };
    let text = sql(&both);
    assert!(text.contains("INNER JOIN ports AS origin_ports ON trips.orig = origin_ports.code"), "{text}");
    assert!(text.contains("INNER JOIN ports AS destination_ports ON trips.dest = destination_ports.code"), "{text}");
    let none = Query { groups: vec![by(name(None))], ..base() };
    let error = compile(&none, &infer(&catalog()), Dialect::DataFusion).expect_err("two ways");
    assert_eq!(error.to_string(), "no single way leads from `trips` to `ports`");
}

#[test]
fn averages_over_groups_and_counts_of_groups_nest() {
    let per = Group::by(at("booked_at"), Grain::Day);
    let average =
        Measure { calculation: Calculation::AveragePer { measure: Box::new(count()), per: Box::new(per) }, ..count() };
    let text = sql(&Query { measures: vec![average], ..base() });
    assert!(text.starts_with("SELECT avg(CAST(parts.value_0 AS DOUBLE PRECISION)) AS"), "{text}");
    let having = vec![Having { measure: 0, op: Compare::Gt, value: Scalar::Integer(5) }];
    let groups = vec![Group::of(at("orig"))];
    let text = sql(&Query { groups, having, count_groups: true, ..base() });
    assert!(text.starts_with("SELECT count(*) AS number FROM (SELECT trips.orig"), "{text}");
}

#[test]
fn rows_are_told_by_how_many_refer_to_them() {
    let refers = FieldRef { dataset: "trips".to_owned(), field: "orig".to_owned(), via: None };
    let group = Group { counted: true, ..Group::of(refers) };
    let ports = Query {
        dataset: "ports".to_owned(),
        measures: vec![Measure::new("ports", Calculation::CountRows)],
        groups: vec![group.clone()],
        ..Query::default()
    };
    assert_eq!(
        sql(&ports),
        "SELECT coalesce(trips_counted.number, 0) AS number_of_trips, count(*) AS number_of_ports FROM ports \
         LEFT JOIN (SELECT trips.orig AS owner, count(*) AS number FROM trips WHERE trips.orig IS NOT NULL \
         GROUP BY trips.orig) AS trips_counted ON trips_counted.owner = ports.code \
         GROUP BY coalesce(trips_counted.number, 0)"
    );
    // Nothing refers to the rows of trips.
    let none = Query { groups: vec![group], ..base() };
    let error = compile(&none, &infer(&catalog()), Dialect::DataFusion).expect_err("no way");
    assert_eq!(error.to_string(), "no single way leads from `trips` to `trips`");
}

#[test]
fn rows_that_nothing_refers_to_are_found() {
    let model = Model { joins: infer(&catalog()).joins.into_iter().take(1).collect(), ..infer(&catalog()) };
    let none =
        Filter::Related { dataset: "trips".to_owned(), via: None, filters: Vec::new(), op: Compare::Eq, count: 0 };
    let name = FieldRef { dataset: "ports".to_owned(), field: "name".to_owned(), via: None };
    let query = Query { dataset: "ports".to_owned(), select: vec![name], filters: vec![none], ..Query::default() };
    assert_eq!(
        compile(&query, &model, Dialect::DataFusion).expect("compiles"),
        "SELECT ports.name AS port_name FROM ports WHERE ports.code NOT IN \
         (SELECT DISTINCT trips.orig FROM trips WHERE trips.orig IS NOT NULL)"
    );
}

#[test]
fn what_does_not_exist_is_named() {
    let unknown = Query { groups: vec![Group::of(at("colour"))], ..base() };
    let error = compile(&unknown, &infer(&catalog()), Dialect::DataFusion).expect_err("no field");
    assert_eq!(error.to_string(), "dataset `trips` has no field `colour`");
}

const FILE: &str = "\
datasets:
  trips:
    label: journeys
    synonyms: [rides]
    fields:
      dep_delay_minutes: {label: lateness, unit: minutes, aggregate: max}
      orig: {words: {home: [AAA, BBB]}}
segments:
  late: {dataset: trips, where: [dep_delay_minutes > 0], synonyms: [delayed]}
metrics:
  income: {measure: sum(trips.fare_usd) / count(trips), unit: USD}
  late_share: {measure: share(trips), where: [dep_delay_minutes > 15]}
";

#[test]
fn a_file_is_read_onto_what_was_inferred_and_written_again() {
    let model = yaml::read(FILE, &catalog()).expect("reads");
    let trips = model.dataset("trips").expect("trips");
    assert_eq!((trips.label.as_str(), trips.synonyms.as_slice()), ("journeys", &["rides".to_owned()][..]));
    assert_eq!(trips.field("orig").expect("orig").value_synonyms.len(), 2);
    assert_eq!(model.metrics.len(), 2);
    let written = yaml::write(&model).expect("writes");
    assert_eq!(yaml::read(&written, &catalog()).expect("reads again"), model);
}

#[test]
fn errors_of_a_file_say_the_line_and_the_nearest_name() {
    for (text, line, part) in [
        ("datasets:\n  tripz: {label: x}\n", 2, "there is no table `tripz` (do you mean `trips`?)"),
        (
            "datasets:\n  trips:\n    fields:\n      fare_us: {unit: USD}\n",
            4,
            "has no column `fare_us` (do you mean `fare_usd`?)",
        ),
        ("datasets:\n  trips:\n    default_time: booked\n", 3, "has no field `booked`"),
        ("metrics:\n  a:\n    measure: total(trips.fare_usd)\n", 3, "is not a measure"),
        ("segments:\n  a:\n    dataset: trips\n    where:\n      - fare_usd > cheap\n", 5, "`cheap` is not a number"),
        ("datasets:\n  trips:\n    colour: red\n", 3, "colour"),
        ("joins:\n  - {from: ports, columns: [code], to: ports, references: [code]}\n", 2, "needs a role"),
        ("datasets: [", 1, ""),
    ] {
        let error = yaml::read(text, &catalog()).expect_err(text);
        assert_eq!(error.line, line, "{error}");
        assert!(error.reason.contains(part), "{error}");
    }
}

fn scalars() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        any::<i64>().prop_map(Scalar::Integer),
        (-1e12f64..1e12).prop_map(Scalar::Number),
        ".{0,12}".prop_map(Scalar::Text),
        any::<bool>().prop_map(Scalar::Boolean),
        Just(Scalar::Date("2024-02-29".to_owned())),
    ]
}

fn fields() -> impl Strategy<Value = FieldRef> {
    prop::sample::select(vec!["month", "dep_delay_minutes", "orig", "dest", "fare_usd", "booked_at"]).prop_map(at)
}

fn filters() -> impl Strategy<Value = Filter> {
    let ops = prop::sample::select(vec![
        Compare::Eq,
        Compare::Ne,
        Compare::Lt,
        Compare::Le,
        Compare::Gt,
        Compare::Ge,
        Compare::Contains,
        Compare::StartsWith,
    ]);
    let leaf = (fields(), ops, prop::collection::vec(scalars(), 1..4))
        .prop_map(|(field, op, values)| Filter::Compare { field, op, values });
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|of| Filter::Any { of }),
            prop::collection::vec(inner, 0..3).prop_map(|of| Filter::All { of }),
        ]
    })
}

/// The texts that stand in a statement.
fn texts_in(statement: &Statement) -> Vec<String> {
    let mut found = Vec::new();
    let _: ControlFlow<()> = visit_expressions(statement, |expr| {
        if let Expr::Value(value) = expr
            && let Value::SingleQuotedString(text) = &value.value
        {
            found.push(text.clone());
        }
        ControlFlow::Continue(())
    });
    found
}

proptest! {
    #[test]
    fn what_compiles_parses_as_one_statement(
        filters in prop::collection::vec(filters(), 0..4),
        groups in prop::collection::vec(fields(), 0..3),
        limit in prop::option::of(0u32..50),
    ) {
        let groups = groups.into_iter().map(Group::of).collect();
        let text = sql(&Query { filters, groups, limit, ..base() });
        let parsed = Parser::parse_sql(&GenericDialect {}, &text).expect("parses");
        prop_assert_eq!(parsed.len(), 1);
    }

    #[test]
    fn a_text_stays_one_text(value in r"[a-z'\\ =-]{0,12}") {
        let values = vec![Scalar::Text(value.clone())];
        let filters = vec![Filter::Compare { field: at("orig"), op: Compare::Eq, values }];
        let text = sql(&Query { filters, ..base() });
        let parsed = Parser::parse_sql(&GenericDialect {}, &text).expect("parses");
        prop_assert_eq!(parsed.len(), 1);
        prop_assert_eq!(texts_in(&parsed[0]), [value], "{}", text);
    }
}
