//! What the server makes of a statement before it runs: its estimate, and its own reading of which tables are read.

use std::collections::BTreeMap;

use pilothouse_domain::Code;
use pilothouse_domain::cost::{Basis, Estimate};
use serde_json::Value;
use tokio_postgres::{Row, Transaction};

use super::explain;
use crate::Error;
use crate::guard::CanonicalQuery;

/// The named tables, what their views read, and what they are made of, as `(schema, name, rows, bytes)`: rows as of the
/// last ANALYZE, -1 where there was none.
const READABLE: &str = "WITH RECURSIVE readable(id) AS ( \
      SELECT c.oid FROM pg_catalog.pg_class c \
      WHERE c.relname = ANY($1) AND pg_catalog.pg_table_is_visible(c.oid) \
    UNION \
      SELECT below.id FROM readable, LATERAL ( \
        SELECT d.refobjid FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_depend d \
          ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid \
            AND d.refclassid = 'pg_catalog.pg_class'::regclass \
        WHERE w.ev_class = readable.id \
      UNION ALL \
        SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = readable.id) below(id)) \
    SELECT n.nspname::text, c.relname::text, c.reltuples::float8, coalesce(pg_catalog.pg_relation_size(c.oid), 0) \
      FROM readable JOIN pg_catalog.pg_class c ON c.oid = readable.id \
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace";

/// A schema and a table in it.
type Relation = (String, String);

/// How large a table is.
#[derive(Clone, Copy)]
struct Size {
    rows: Option<u64>,
    bytes: u64,
}

/// What `query` would read, by the server's own plan: whole tables that it goes through, and the expected rows of what it
/// looks up.
///
/// # Errors
/// `sql.blocked` where the plan reads a table that the guard did not see, nor one that those are made of.
pub async fn estimate(transaction: &Transaction<'_>, query: &CanonicalQuery) -> Result<Estimate, Error> {
    let explained = ["EXPLAIN (FORMAT JSON, VERBOSE) ", query.sql()].concat();
    let row = transaction.query_one(explained.as_str(), &[]).await.map_err(|error| explain(&error))?;
    let plan: Value = row.try_get(0).map_err(|error| explain(&error))?;
    let plan = plan.pointer("/0/Plan").unwrap_or(&Value::Null);
    let rows = transaction.query(READABLE, &[&query.tables()]).await.map_err(|error| explain(&error))?;
    let sizes = rows.iter().map(size).collect::<Result<BTreeMap<_, _>, _>>().map_err(|error| explain(&error))?;
    let mut total = Estimate::nothing(Basis::Planner);
    for (relation, node) in scans(plan) {
        let Some(size) = sizes.get(&relation) else {
            return Err(Error::new(Code::SqlBlocked, "The server would read other tables than the guard has seen."));
        };
        total = total.and(read_by(node, *size));
    }
    Ok(total)
}

fn size(row: &Row) -> Result<(Relation, Size), tokio_postgres::Error> {
    let (rows, bytes): (f64, i64) = (row.try_get(2)?, row.try_get(3)?);
    let rows = (rows >= 0.0).then_some(rows as u64);
    Ok(((row.try_get(0)?, row.try_get(1)?), Size { rows, bytes: bytes.unsigned_abs() }))
}

/// What one node reads of its table.
fn read_by(node: &Value, size: Size) -> Estimate {
    let number = |key: &str| node.get(key).and_then(Value::as_f64).map(|number| number as u64);
    let expected = number("Plan Rows");
    if node.get("Node Type").and_then(Value::as_str) == Some("Seq Scan") {
        return Estimate { rows: size.rows.or(expected), bytes: Some(size.bytes), basis: Basis::Planner };
    }
    let bytes = expected.zip(number("Plan Width")).map(|(rows, width)| rows.saturating_mul(width).min(size.bytes));
    Estimate { rows: expected, bytes, basis: Basis::Planner }
}

/// The nodes of a plan that read a table.
fn scans(plan: &Value) -> Vec<(Relation, &Value)> {
    let (mut found, mut open) = (Vec::new(), vec![plan]);
    while let Some(node) = open.pop() {
        let text = |key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
        found.extend(text("Schema").zip(text("Relation Name")).map(|relation| (relation, node)));
        open.extend(node.get("Plans").and_then(Value::as_array).into_iter().flatten());
    }
    found
}
