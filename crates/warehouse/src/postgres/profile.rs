//! Reads what a database holds, as far as the connection's role may read it: the tables of its search path, their
//! columns, declared keys, counts and few values.

use pilothouse_domain::Code;
use pilothouse_domain::catalog::{Catalog, Column, DataType, Dialect, Evidence, ForeignKey, MAX_LISTED_VALUES, Table};
use tokio_postgres::types::Type;
use tokio_postgres::{Row, Transaction};

use super::{cell, explain};
use crate::{Error, pii};

/// Most tables of one connection.
const MAX_TABLES: i64 = 500;
/// Rows above which a table's columns are not counted, since that would read all of it.
const MAX_ROWS_COUNTED: i64 = 20_000_000;

const TABLES: &str = "SELECT n.nspname, c.relname, c.reltuples::bigint, pg_catalog.pg_total_relation_size(c.oid), c.oid::bigint \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname = ANY(pg_catalog.current_schemas(false)) \
      AND pg_catalog.pg_table_is_visible(c.oid) AND pg_catalog.has_table_privilege(c.oid, 'SELECT') \
    ORDER BY c.relname LIMIT $1";

const COLUMNS: &str = "SELECT a.attname, a.atttypid, NOT a.attnotnull, pg_catalog.format_type(a.atttypid, a.atttypmod) \
    FROM pg_catalog.pg_attribute a \
    WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const KEYS: &str = "SELECT k.contype::text, r.relname, \
      ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY x(n, i) \
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.n ORDER BY x.i), \
      ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY x(n, i) \
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.n ORDER BY x.i) \
    FROM pg_catalog.pg_constraint k LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid \
    WHERE k.conrelid = $1::bigint::oid AND k.contype IN ('p', 'f') ORDER BY k.conname";

/// The catalog of the role's search path.
pub async fn catalog(transaction: &Transaction<'_>) -> Result<Catalog, Error> {
    let rows = transaction.query(TABLES, &[&MAX_TABLES]).await.map_err(|error| explain(&error))?;
    if rows.is_empty() {
        return Err(Error::new(Code::ConnectionFailed, "The connection's role can read no table in its search path."));
    }
    let mut tables = Vec::with_capacity(rows.len());
    for row in &rows {
        tables.push(table(transaction, row).await?);
    }
    Ok(Catalog { dialect: Dialect::PostgreSql, tables })
}

async fn table(transaction: &Transaction<'_>, row: &Row) -> Result<Table, Error> {
    let (schema, name): (String, String) = (get(row, 0)?, get(row, 1)?);
    let (estimated_rows, bytes, oid): (i64, i64, i64) = (get(row, 2)?, get(row, 3)?, get(row, 4)?);
    let from = format!("{}.{}", ident(&schema), ident(&name));
    let mut columns = Vec::new();
    for column in transaction.query(COLUMNS, &[&oid]).await.map_err(|error| explain(&error))? {
        columns.push(described(&column)?);
    }
    let countable = estimated_rows <= MAX_ROWS_COUNTED;
    let mut row_count = u64::try_from(estimated_rows).ok();
    if countable {
        row_count = Some(count(transaction, &from, &mut columns).await?);
        for column in &mut columns {
            list_values(transaction, &from, column).await?;
        }
    }
    let (primary_key, foreign_keys) = keys(transaction, oid).await?;
    let bytes = u64::try_from(bytes).ok();
    let schema = Some(schema);
    let mut table = Table { schema, name, row_count, bytes, updated_at: None, columns, primary_key, foreign_keys };
    let samples = samples(transaction, &from, &table.columns).await?;
    pii::note(&mut table, &samples);
    Ok(table)
}

/// Values of each column in some rows, as text.
async fn samples(transaction: &Transaction<'_>, from: &str, columns: &[Column]) -> Result<Vec<Vec<String>>, Error> {
    let texts: Vec<String> = columns.iter().map(|column| format!("{}::text", ident(&column.name))).collect();
    let sql = format!("SELECT {} FROM {from} LIMIT {}", texts.join(", "), pii::SAMPLE_ROWS);
    let rows = transaction.query(sql.as_str(), &[]).await.map_err(|error| explain(&error))?;
    let mut samples = vec![Vec::new(); columns.len()];
    for row in &rows {
        for (index, sample) in samples.iter_mut().enumerate() {
            sample.extend(get::<Option<String>>(row, index)?);
        }
    }
    Ok(samples)
}

fn described(row: &Row) -> Result<Column, Error> {
    let oid: u32 = get(row, 1)?;
    let data_type = Type::from_oid(oid).map_or(DataType::Other, |type_| cell::data_type(&type_));
    let (name, nullable, engine_type) = (get(row, 0)?, get(row, 2)?, get(row, 3)?);
    Ok(Column {
        name,
        data_type,
        engine_type,
        nullable,
        distinct: None,
        values: None,
        min: None,
        max: None,
        personal: None,
    })
}

/// Counts rows, and ranges and distinct values of each column, in one scan.
async fn count(transaction: &Transaction<'_>, from: &str, columns: &mut [Column]) -> Result<u64, Error> {
    let mut select = vec!["count(*)".to_owned()];
    for column in columns.iter() {
        let name = ident(&column.name);
        let ranged = column.data_type.is_numeric() || column.data_type.is_temporal();
        let counted = column.data_type != DataType::Other;
        select.push(if counted { format!("count(DISTINCT {name})") } else { "NULL::bigint".to_owned() });
        for function in ["min", "max"] {
            select.push(if ranged { format!("{function}({name})::text") } else { "NULL::text".to_owned() });
        }
    }
    let sql = format!("SELECT {} FROM {from}", select.join(", "));
    let row = transaction.query_one(sql.as_str(), &[]).await.map_err(|error| explain(&error))?;
    for (index, column) in columns.iter_mut().enumerate() {
        let at = 1 + index * 3;
        column.distinct = get::<Option<i64>>(&row, at)?.and_then(|n| u64::try_from(n).ok());
        column.min = get(&row, at + 1)?;
        column.max = get(&row, at + 2)?;
    }
    Ok(u64::try_from(get::<i64>(&row, 0)?).unwrap_or(0))
}

async fn list_values(transaction: &Transaction<'_>, from: &str, column: &mut Column) -> Result<(), Error> {
    let few = column.distinct.is_some_and(|distinct| distinct <= MAX_LISTED_VALUES as u64);
    if !few || !matches!(column.data_type, DataType::String | DataType::Boolean) {
        return Ok(());
    }
    let name = ident(&column.name);
    let sql = format!("SELECT DISTINCT {name}::text FROM {from} WHERE {name} IS NOT NULL ORDER BY 1");
    let rows = transaction.query(sql.as_str(), &[]).await.map_err(|error| explain(&error))?;
    let values = rows.iter().map(|row| get::<String>(row, 0)).collect::<Result<Vec<_>, _>>()?;
    column.values = Some(values);
    Ok(())
}

async fn keys(transaction: &Transaction<'_>, oid: i64) -> Result<(Vec<String>, Vec<ForeignKey>), Error> {
    let (mut primary, mut foreign) = (Vec::new(), Vec::new());
    for row in transaction.query(KEYS, &[&oid]).await.map_err(|error| explain(&error))? {
        let (kind, columns): (String, Vec<String>) = (get(&row, 0)?, get(&row, 2)?);
        match get::<Option<String>>(&row, 1)? {
            Some(table) if kind == "f" => {
                foreign.push(ForeignKey { columns, table, references: get(&row, 3)?, evidence: Evidence::Declared });
            }
            _ => primary = columns,
        }
    }
    Ok((primary, foreign))
}

/// A name in double quotes, so that nothing in it is read as SQL.
fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn get<'r, T: tokio_postgres::types::FromSql<'r>>(row: &'r Row, index: usize) -> Result<T, Error> {
    row.try_get(index).map_err(|error| explain(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_in_names_are_doubled() {
        assert_eq!(ident("a\"; DROP TABLE b; --"), "\"a\"\"; DROP TABLE b; --\"");
    }
}
