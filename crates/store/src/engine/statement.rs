//! One statement on SQLite: its values bound, its rows read. Statements stay prepared by their text.

use std::sync::Arc;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Statement};
use smol_str::SmolStr;

use crate::{Arg, Error, Row};

/// Runs a statement and tells how many rows it changed; `$3` is the third of its values.
pub(crate) fn execute(connection: &Connection, sql: &str, args: &[Arg<'_>]) -> Result<u64, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let places = places(&statement, numbered)?;
    bind(&mut statement, &places, args)?;
    Ok(statement.raw_execute()? as u64)
}

/// Runs a statement to its end and returns its rows; `$3` is the third of its values.
pub(crate) fn fetch(connection: &Connection, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
    for_each(connection, sql, numbered, std::iter::once(args))
}

/// Runs a statement once for each row of values, and returns all that it returns. `place` says which of the values a
/// parameter's name stands for.
pub(crate) fn for_each<'a>(
    connection: &Connection,
    sql: &str,
    place: impl Fn(&str) -> Option<usize>,
    rows: impl Iterator<Item = &'a [Arg<'a>]>,
) -> Result<Vec<Row>, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let places = places(&statement, place)?;
    let mut columns: Option<Arc<[SmolStr]>> = None;
    let mut found = Vec::new();
    for args in rows {
        bind(&mut statement, &places, args)?;
        let mut answered = statement.raw_query();
        while let Some(row) = answered.next()? {
            let columns = columns.get_or_insert_with(|| row.as_ref().column_names().map(SmolStr::new).collect());
            let values = columns.iter().enumerate().map(|(index, column)| owned(row.get_ref(index)?, column));
            let values = values.collect::<Result<_, Error>>()?;
            found.push(Row::Sqlite { columns: columns.clone(), values });
        }
    }
    Ok(found)
}

/// The same for a statement that returns nothing: how many rows it changed for each row of values.
pub(crate) fn count_each<'a>(
    connection: &Connection,
    sql: &str,
    place: impl Fn(&str) -> Option<usize>,
    rows: impl Iterator<Item = &'a [Arg<'a>]>,
) -> Result<Vec<usize>, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let places = places(&statement, place)?;
    rows.map(|args| {
        bind(&mut statement, &places, args)?;
        Ok(statement.raw_execute()?)
    })
    .collect()
}

fn numbered(name: &str) -> Option<usize> {
    name.parse::<usize>().ok()?.checked_sub(1)
}

/// The place among the values that each parameter of a statement stands for.
fn places(statement: &Statement<'_>, place: impl Fn(&str) -> Option<usize>) -> Result<Vec<usize>, Error> {
    let names = (1..=statement.parameter_count()).map(|number| statement.parameter_name(number));
    let places = names.map(|name| place(name?.get(1..)?));
    places.collect::<Option<_>>().ok_or_else(|| Error::Database("a parameter has no name".into()))
}

fn bind(statement: &mut Statement<'_>, places: &[usize], args: &[Arg<'_>]) -> Result<(), Error> {
    for (index, place) in places.iter().enumerate() {
        match args.get(*place).ok_or_else(|| Error::Database("a value is missing".into()))? {
            Arg::Int(value) => statement.raw_bind_parameter(index + 1, value),
            Arg::Text(value) => statement.raw_bind_parameter(index + 1, value.as_deref()),
            Arg::Bytes(value) => statement.raw_bind_parameter(index + 1, value.as_deref()),
            Arg::Run(value) => {
                statement.raw_bind_parameter(index + 1, value.as_ref().map(|run| run.0.as_bytes().as_slice()))
            }
        }?;
    }
    Ok(())
}

fn owned(value: ValueRef<'_>, column: &str) -> Result<Value, Error> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).map_err(|_| Error::unreadable(column))?),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}
