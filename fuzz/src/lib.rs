//! What the fuzz targets beside this file share: a catalog to check against, texts made of a vocabulary, and seeds.
//!
//! Every target is also a test: `cargo nextest run` gives each a second of random input, and with `cargo bolero` a fuzzer
//! drives the same code by coverage for as long as one likes:
//!
//! ```sh
//! cargo install cargo-bolero && cargo bolero test --package pilothouse-fuzz --rustc-bootstrap sql_words -T 10min
//! ```

use pilothouse_domain::catalog::{Catalog, Column, DataType, Dialect, Evidence, ForeignKey, Table};

/// A shop: customers with orders, two keys, a date, and a column of few values.
pub fn catalog(dialect: Dialect) -> Catalog {
    let customers = table("customers", &[("customer_id", DataType::Integer), ("segment", DataType::String)]);
    let mut orders = table(
        "orders",
        &[
            ("order_id", DataType::Integer),
            ("customer_id", DataType::Integer),
            ("ordered_at", DataType::Timestamp),
            ("total", DataType::Number),
            ("paid", DataType::Boolean),
        ],
    );
    orders.foreign_keys.push(ForeignKey {
        columns: vec!["customer_id".to_owned()],
        table: "customers".to_owned(),
        references: vec!["customer_id".to_owned()],
        evidence: Evidence::Declared,
    });
    Catalog { dialect, tables: vec![customers, orders] }
}

/// A table whose first column is its key.
fn table(name: &str, columns: &[(&str, DataType)]) -> Table {
    Table {
        schema: None,
        name: name.to_owned(),
        row_count: Some(1000),
        bytes: Some(64 << 10),
        updated_at: None,
        columns: columns.iter().map(|(name, data_type)| column(name, *data_type)).collect(),
        primary_key: columns.first().map(|(name, _)| (*name).to_owned()).into_iter().collect(),
        foreign_keys: Vec::new(),
    }
}

fn column(name: &str, data_type: DataType) -> Column {
    let values = (name == "segment").then(|| vec!["business".to_owned(), "private".to_owned()]);
    let is_key = name.ends_with("_id");
    Column {
        name: name.to_owned(),
        data_type,
        engine_type: format!("{data_type:?}"),
        nullable: !is_key,
        distinct: values.as_ref().map(|values| values.len() as u64).or(is_key.then_some(1000)),
        values,
        min: (data_type == DataType::Timestamp).then(|| "2024-01-01T00:00:00".to_owned()),
        max: (data_type == DataType::Timestamp).then(|| "2024-12-31T23:59:59".to_owned()),
        personal: None,
    }
}

/// The words of `vocabulary` that `picks` stand for, in a row: random bytes become texts that get past the first token.
pub fn sentence(vocabulary: &str, picks: &[u8]) -> String {
    let words: Vec<&str> = vocabulary.split_whitespace().collect();
    let picked = picks.iter().filter_map(|pick| words.get(usize::from(*pick) % words.len().max(1)));
    picked.copied().collect::<Vec<_>>().join(" ")
}

/// The tokens that statements are made of: what is allowed, what is not, and what confuses.
pub const SQL: &str = "SELECT FROM orders customers o c AS WHERE AND OR NOT ( ) , . * = < > <> - + / || 1 2.5 'a' '' \
    \"total\" total paid ordered_at segment customer_id order_id o.total c.segment count(*) sum( avg( date_trunc('month', \
    EXTRACT(YEAR CAST( INTEGER) DATE INTERVAL '1 day' GROUP BY HAVING ORDER DESC NULLS LAST LIMIT 10 OFFSET UNION ALL \
    EXCEPT JOIN LEFT CROSS ON USING(customer_id) WITH RECURSIVE x VALUES IN (1) EXISTS BETWEEN LIKE '%' ESCAPE IS NULL \
    CASE WHEN THEN ELSE END OVER (PARTITION ROWS UNBOUNDED PRECEDING) DISTINCT INSERT INTO UPDATE SET DELETE DROP TABLE \
    COPY TO ; -- /* */ $1 E'\\x' U&'\\0041' :: @ # [ ] { } `x` information_schema.tables pg_sleep(9) read_csv('/etc') \
    QUALIFY |> AGGREGATE EXTEND STRUCT LATERAL UNNEST( generate_series(1,9) FOR SHARE FETCH FIRST ROWS ONLY GROUPING SETS ROLLUP( TABLESAMPLE \u{0}";

/// The words that questions are made of.
pub const QUESTION: &str = "how many orders customers were there in February 2024 last month this year since before after \
    between and or not with without per by each total average highest lowest top 5 10 bottom most least share of percent \
    segment business private paid unpaid revenue what is the which who when where list show me count number sum more than \
    less 100 1,000 3.5 20:00 yesterday week quarter 2024-02-30 31/12/2024 first second every daily monthly trend over time \
    compared versus to from above below equal exactly at only except \"business\" ? ! , ; ' drop table delete it and them";

/// The fields that cron expressions are made of, good and bad.
pub const CRON: &str = "* ? 0 1 2 5 7 12 23 28 29 30 31 59 60 */2 */5 */60 1-5 22-2 0-23 10-50/7 5/15 1,15 1,,2 0,30 L LW 1W 15W 31W 5L \
    1#1 5#5 7#6 mon-fri SUN sat-sun JAN feb 2 dec 4,6,9,11 @daily @hourly @reboot -1 256 * * * * *";
