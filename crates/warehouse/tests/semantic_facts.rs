//! Numbers of different rows side by side are the numbers that each gives alone: nothing is counted twice, whatever the
//! groups and conditions. Held over every metric of the wholesaler, run in the embedded engine.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use datafusion::prelude::SessionContext;
use pilothouse_domain::catalog::Dialect;
use pilothouse_domain::semantic::{
    Calculation, Compare, Fact, FieldRef, Filter, Grain, Group, Measure, Model, Query, Scalar,
};
use pilothouse_warehouse::semantic::{compile, yaml};
use serde_json::Value;
use support::Schema;

struct Wholesale {
    context: SessionContext,
    model: Model,
}

async fn wholesale() -> Wholesale {
    let context = support::open(&Schema::Wholesale.data()).await;
    let catalog = support::catalog(&context).await;
    Wholesale { model: yaml::read(&Schema::Wholesale.model(), &catalog).expect("model"), context }
}

fn at(dataset: &str, field: &str) -> FieldRef {
    FieldRef { dataset: dataset.to_owned(), field: field.to_owned(), via: None }
}

impl Wholesale {
    fn measure(&self, metric: &str) -> Measure {
        self.model.metrics.iter().find(|known| known.name == metric).expect("metric").measure.clone()
    }

    async fn rows(&self, query: &Query) -> Vec<Vec<Value>> {
        let sql = compile(query, &self.model, Dialect::DataFusion).expect("it compiles");
        support::run(&self.context, &sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}")).rows
    }

    /// The measure's value in each group, told alone.
    async fn alone(
        &self,
        measure: &Measure,
        root: &Fact,
        groups: &[Group],
        filters: &[Filter],
    ) -> BTreeMap<String, f64> {
        let fact = Fact::of(measure, &self.model);
        let query = Query {
            dataset: measure.dataset.clone(),
            measures: vec![measure.clone()],
            groups: groups.iter().map(|group| fact.group(group, root, &self.model).expect("a group")).collect(),
            filters: filters.iter().map(|filter| fact.filter(filter, root, &self.model).expect("a filter")).collect(),
            ..Query::default()
        };
        by_group(&self.rows(&query).await, groups.len(), 0)
    }
}

fn by_group(rows: &[Vec<Value>], groups: usize, column: usize) -> BTreeMap<String, f64> {
    rows.iter().filter_map(|row| Some((format!("{:?}", &row[..groups]), row[groups + column].as_f64()?))).collect()
}

#[tokio::test]
async fn numbers_side_by_side_are_those_that_each_gives_alone() {
    let wholesale = wholesale().await;
    let month = Group::by(at("invoices", "issued_on"), Grain::Month);
    let region = Group::of(at("accounts", "region"));
    let bound = |op, day: &str| Filter::Compare {
        field: at("invoices", "issued_on"),
        op,
        values: vec![Scalar::Date(day.to_owned())],
    };
    let in_2025 = vec![bound(Compare::Ge, "2025-01-01"), bound(Compare::Lt, "2026-01-01")];
    let north = vec![Filter::Compare {
        field: at("accounts", "region"),
        op: Compare::Eq,
        values: vec![Scalar::Text("North".to_owned())],
    }];
    let names = ["net_revenue", "collected", "refunded", "freight", "target"];
    let measures: Vec<Measure> = names.iter().map(|name| wholesale.measure(name)).collect();
    for groups in [vec![], vec![month.clone()], vec![region.clone()], vec![month, region]] {
        for filters in [vec![], in_2025.clone(), north.clone(), [in_2025.clone(), north.clone()].concat()] {
            let query = Query {
                dataset: "invoices".to_owned(),
                measures: measures.clone(),
                groups: groups.clone(),
                filters: filters.clone(),
                ..Query::default()
            };
            let root = query.root(&wholesale.model);
            let together = wholesale.rows(&query).await;
            for (column, measure) in measures.iter().enumerate() {
                let alone = wholesale.alone(measure, &root, &groups, &filters).await;
                assert!(!alone.is_empty());
                assert_eq!(by_group(&together, groups.len(), column), alone, "{} {groups:?}", names[column]);
            }
        }
    }
}

#[tokio::test]
async fn what_moved_a_number_adds_up_to_its_change() {
    let wholesale = wholesale().await;
    let month = |day: &str, next: &str| {
        let bound = |op, day: &str| Filter::Compare {
            field: at("invoices", "issued_on"),
            op,
            values: vec![Scalar::Date(day.to_owned())],
        };
        vec![bound(Compare::Ge, day), bound(Compare::Lt, next)]
    };
    let (from, to) = (month("2025-11-01", "2025-12-01"), month("2025-12-01", "2026-01-01"));
    let of = wholesale.measure("net_revenue");
    let drivers = wholesale.model.drivers(&of);
    assert!(drivers.len() >= 3, "{drivers:?}");
    let change = Calculation::Change { measure: Box::new(of.clone()), from, to, relative: false };
    let query =
        Query { dataset: of.dataset.clone(), measures: vec![Measure::new(&of.dataset, change)], ..Query::default() };
    let whole = wholesale.rows(&query).await[0][0].as_f64().expect("a number");
    let parts = wholesale.rows(&Query { drivers: drivers.clone(), ..query }).await;
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for row in &parts {
        *sums.entry(row[0].to_string()).or_default() += row[4].as_f64().expect("a change");
    }
    assert_eq!(sums.len(), drivers.len(), "{sums:?}");
    assert!(sums.values().all(|sum| (sum - whole).abs() < 0.01), "{sums:?} is not {whole}");
}

#[tokio::test]
async fn growth_looks_back_past_the_first_period_asked_about_and_never_over_a_gap() {
    let wholesale = wholesale().await;
    let of = wholesale.measure("refunded");
    let growth = |year| {
        let calculation = Calculation::Growth { measure: Box::new(of.clone()), year, relative: false };
        Measure::new(&of.dataset, calculation)
    };
    let days = Query {
        dataset: of.dataset.clone(),
        measures: vec![of.clone(), growth(false)],
        groups: vec![Group::by(at("refunds", "refunded_on"), Grain::Day)],
        ..Query::default()
    };
    let rows = wholesale.rows(&days).await;
    let known: BTreeMap<String, f64> = by_group(&rows, 1, 0);
    let mut gaps = 0;
    for row in &rows {
        let day: jiff::civil::Date = row[0].as_str().expect("a day").parse().expect("a day");
        let before = known.get(&format!("{:?}", [Value::from(day.yesterday().expect("a day").to_string())]));
        let expected = before.map(|before| row[1].as_f64().expect("a number") - before);
        gaps += usize::from(expected.is_none());
        let near = match (row[2].as_f64(), expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 0.001,
            (found, expected) => found == expected,
        };
        assert!(near, "{day}: {row:?} is not {expected:?}");
    }
    assert!(gaps > 10, "most days have no refund the day before");
}
