//! The data of the ten queries: 10,000,000 orders of 1,000,000 customers in Parquet, the same in every run.

use std::path::Path;

use datafusion::config::TableParquetOptions;
use datafusion::dataframe::DataFrameWriteOptions;
use datafusion::prelude::SessionContext;

const ORDERS: &str = "SELECT value AS order_id, CAST(value * 7919 % 1000003 % 1000000 AS INT) AS customer_id,
    CAST(value * 104729 % 10007 % 10000 AS INT) AS product_id,
    arrow_cast(['US','DE','FR','GB','BR','IN','JP','CN','CA','AU','NL','SE','ES','IT','PL','MX','ZA','NG','KE','EG']
      [CAST(1 + pow(value * 1299709 % 1000003 / 1000003.0, 2) * 20 AS BIGINT) % 20 + 1], 'Utf8View') AS country,
    arrow_cast(['web','mobile','store','partner','phone','marketplace'][value * 15485863 % 6151 % 6 + 1], 'Utf8View')
      AS channel,
    arrow_cast(['completed','completed','completed','completed','shipped','returned','cancelled','pending']
      [value * 32452843 % 12289 % 8 + 1], 'Utf8View') AS status,
    CAST(value * 49979687 % 24593 % 9 + 1 AS INT) AS quantity,
    round(1 + value * 67867967 % 50021 % 50000 / 100.0, 2) AS unit_price,
    round(value * 86028121 % 6151 % 30 / 100.0, 2) AS discount,
    arrow_cast(1672531200000000 + value * 122949823 % 94608011 * 1000000, 'Timestamp(Microsecond, None)') AS ordered_at,
    'user' || (value * 7919 % 1000003 % 1000000) || '@example.com' AS email
  FROM generate_series(1, 10000000)";

const CUSTOMERS: &str = "SELECT CAST(value AS INT) AS customer_id, 'Customer ' || value AS name,
    arrow_cast(['consumer','smb','enterprise','public'][value * 141650939 % 6151 % 4 + 1], 'Utf8View') AS segment,
    arrow_cast(CAST(17532 + value * 160481183 % 12289 % 2500 AS INT), 'Date32') AS signup_date,
    CAST(value * 179424673 % 6151 % 100 AS INT) AS score
  FROM generate_series(0, 999999)";

/// Writes both tables to `folder`, unless they are there.
pub async fn make(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for (name, sql) in [("orders", ORDERS), ("customers", CUSTOMERS)] {
        let path = folder.join(format!("{name}.parquet"));
        if path.exists() {
            continue;
        }
        // Half a file must not be taken for a whole one.
        let unfinished = folder.join(format!(".{name}"));
        let mut options = TableParquetOptions::default();
        options.global.max_row_group_size = 122_880;
        let frame = SessionContext::new().sql(sql).await.unwrap();
        let single = DataFrameWriteOptions::new().with_single_file_output(true);
        frame.write_parquet(unfinished.to_str().unwrap(), single, Some(options)).await.unwrap();
        std::fs::rename(unfinished, path).unwrap();
    }
}
