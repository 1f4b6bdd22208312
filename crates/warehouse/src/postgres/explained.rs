//! What the server makes of a statement before it runs: its estimate, and its own reading of which tables are read.

use std::collections::BTreeSet;

use pilothouse_domain::Code;
use serde_json::Value;
use tokio_postgres::Transaction;

use super::explain;
use crate::guard::CheckedQuery;
use crate::{Error, Estimate};

/// The named tables, what their views read, and what they are made of, as `(schema, name)`.
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
    SELECT n.nspname::text, c.relname::text FROM readable JOIN pg_catalog.pg_class c ON c.oid = readable.id \
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace";

type Relation = (String, String);

/// What `query` would read, by the server's own plan.
///
/// # Errors
/// `sql.blocked` where the plan reads a table that the guard did not see, nor one that those are made of.
pub async fn estimate(transaction: &Transaction<'_>, query: &CheckedQuery) -> Result<Estimate, Error> {
    let explained = ["EXPLAIN (FORMAT JSON, VERBOSE) ", query.sql()].concat();
    let row = transaction.query_one(explained.as_str(), &[]).await.map_err(|error| explain(&error))?;
    let plan: Value = row.try_get(0).map_err(|error| explain(&error))?;
    let plan = plan.pointer("/0/Plan").unwrap_or(&Value::Null);
    let rows = transaction.query(READABLE, &[&query.tables()]).await.map_err(|error| explain(&error))?;
    let mut readable = BTreeSet::new();
    for row in rows {
        let relation: (_, _) =
            row.try_get(0).and_then(|schema| Ok((schema, row.try_get(1)?))).map_err(|e| explain(&e))?;
        readable.insert(relation);
    }
    if !read_by(plan).is_subset(&readable) {
        return Err(Error::new(Code::SqlBlocked, "The server would read other tables than the guard has seen."));
    }
    let number = |key: &str| plan.get(key).and_then(Value::as_f64);
    let rows = number("Plan Rows").map(|rows| rows as u64);
    let bytes = rows.zip(number("Plan Width")).map(|(rows, width)| rows * width as u64);
    Ok(Estimate { rows, bytes })
}

/// The relations that a plan and the plans below it read.
fn read_by(plan: &Value) -> BTreeSet<Relation> {
    let (mut found, mut open) = (BTreeSet::new(), vec![plan]);
    while let Some(node) = open.pop() {
        let text = |key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
        found.extend(text("Schema").zip(text("Relation Name")));
        open.extend(node.get("Plans").and_then(Value::as_array).into_iter().flatten());
    }
    found
}
