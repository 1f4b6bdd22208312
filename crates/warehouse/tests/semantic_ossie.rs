//! The exchange format of Apache Ossie: what we write comes back whole, what others write is taken as far as it goes, and
//! what does not go is told.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use pilothouse_warehouse::semantic::yaml::{from_ossie, read, to_ossie};
use support::Schema;

/// As another program would write it; invented for this test.
const FOREIGN: &str = r#"
version: 0.2.0.dev0
semantic_model:
  - name: shop
    description: What the shop sells
    datasets:
      - name: sales
        source: warehouse.public.orders
        primary_key: [order_id]
        ai_context: "purchases, buys"
        fields:
          - name: order_id
            expression: {dialects: [{dialect: ANSI_SQL, expression: order_id}]}
          - name: bought_at
            expression: {dialects: [{dialect: SNOWFLAKE, expression: "sales.ordered_at"}]}
            dimension: {is_time: true}
            ai_context: {synonyms: [time of purchase], instructions: none}
          - name: shouted
            expression: {dialects: [{dialect: ANSI_SQL, expression: UPPER(status)}]}
      - name: people
        source: customers
      - name: ghosts
        source: public.ghosts
    relationships:
      - {name: sales_to_people, from: sales, to: people, from_columns: [customer_id], to_columns: [customer_id]}
      - {name: sales_to_ghosts, from: sales, to: ghosts, from_columns: [customer_id], to_columns: [id]}
    metrics:
      - name: takings
        expression: {dialects: [{dialect: ANSI_SQL, expression: SUM(sales.total_amount)}]}
        ai_context: {synonyms: [money made]}
      - name: takings_each
        expression: {dialects: [{dialect: ANSI_SQL, expression: "SUM(sales.total_amount) / NULLIF(COUNT(DISTINCT sales.customer_id), 0)"}]}
      - name: spread
        expression: {dialects: [{dialect: ANSI_SQL, expression: STDDEV(sales.total_amount)}]}
"#;

#[tokio::test]
async fn what_we_write_comes_back_whole() {
    for schema in Schema::ALL {
        let catalog = support::catalog(&support::open(&schema.data()).await).await;
        let model = read(&schema.model(), &catalog).expect("our model");
        let told = to_ossie(&model, "shop").expect("it can be told");
        let back = from_ossie(&told.yaml, &catalog).expect("it can be read");
        assert_eq!(back.left_out, [""; 0], "{schema:?}");
        let again = read(&back.yaml, &catalog).expect("our own file");
        for (known, found) in model.datasets.iter().zip(&again.datasets) {
            assert_eq!(known, found);
        }
        let names = |metrics: &[pilothouse_domain::semantic::Metric]| {
            let mut all: Vec<String> = metrics.iter().map(|metric| format!("{metric:?}")).collect();
            all.sort();
            all
        };
        assert_eq!(names(&model.metrics), names(&again.metrics));
        assert_eq!((&model.segments, &model.verified), (&again.segments, &again.verified));
        assert_eq!(model.joins.len(), again.joins.len());
        assert!(model.joins.iter().all(|join| again.joins.contains(join)), "{schema:?}");
        if matches!(schema, Schema::Wholesale) {
            assert!(told.yaml.contains("SUM(CASE WHEN invoices.status <> 'void' THEN invoices.net_total END)"));
            assert!(told.left_out.iter().any(|line| line.contains("stock_on_hand")), "{:?}", told.left_out);
        }
    }
}

#[tokio::test]
async fn what_others_write_is_taken_as_far_as_it_goes() {
    let catalog = support::catalog(&support::open(&Schema::Sample.data()).await).await;
    let taken = from_ossie(FOREIGN, &catalog).expect("it can be read");
    let model = read(&taken.yaml, &catalog).expect("our own file");
    let sales = model.dataset("sales").expect("renamed");
    assert_eq!(
        (sales.table.as_str(), sales.synonyms.as_slice()),
        ("orders", ["purchases".to_owned(), "buys".to_owned()].as_slice())
    );
    assert_eq!(sales.field("bought_at").expect("renamed").column, "ordered_at");
    let metrics: Vec<&str> = model.metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(metrics, ["takings", "takings_each"]);
    for part in ["ghosts", "sales_to_ghosts", "shouted", "spread"] {
        assert!(taken.left_out.iter().any(|line| line.contains(part)), "{part} is told: {:?}", taken.left_out);
    }
    assert_eq!(taken.left_out.len(), 4, "{:?}", taken.left_out);
    let fault = from_ossie("semantic_model:\n  - name: x\n    datasets: 7", &catalog).expect_err("no list");
    assert_eq!(fault.line, 3, "{fault}");
}
