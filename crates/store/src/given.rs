//! Statements over many rows at once. PostgreSQL gets the rows in one statement as a table named `given`, one array per
//! column. SQLite answers in the calling thread, so it gets them one after the other.

use std::borrow::Cow;
use std::collections::HashSet;

use futures::{StreamExt as _, TryStreamExt as _};
use pilothouse_domain::RunId;
use rusqlite::Connection;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{Arguments as _, AssertSqlSafe, Executor as _, SqlSafeStr as _, query_with};

use crate::engine::statement;
use crate::{Arg, Error, Row};

/// The type of a column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Int,
    Text,
    Bytes,
    Run,
}

/// A statement over rows.
pub(crate) struct Given {
    /// The columns, in the order of the values.
    pub columns: &'static [(&'static str, Kind)],
    /// The statement for one row: `:name` is its column of that name, `:*` stands for all of them.
    pub sqlite: &'static str,
    /// The statement for all rows: it reads from `given`. With a comma before it, it begins with more such tables;
    /// empty where another statement does its work there.
    pub postgres: &'static str,
}

/// The values, row after row.
#[derive(Debug, Default)]
pub(crate) struct Rows<'a> {
    values: Vec<Arg<'a>>,
}

impl<'a> Rows<'a> {
    pub(crate) fn push<const N: usize>(&mut self, row: [Arg<'a>; N]) {
        self.values.extend(row);
    }

    pub(crate) fn extend<const N: usize>(&mut self, rows: impl IntoIterator<Item = [Arg<'a>; N]>) {
        self.values.extend(rows.into_iter().flatten());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<'a, const N: usize> FromIterator<[Arg<'a>; N]> for Rows<'a> {
    fn from_iter<I: IntoIterator<Item = [Arg<'a>; N]>>(rows: I) -> Self {
        Self { values: rows.into_iter().flatten().collect() }
    }
}

pub(crate) fn sqlite(connection: &Connection, statement: &Given, rows: &Rows<'_>) -> Result<Vec<Row>, Error> {
    let place = |name: &str| statement.columns.iter().position(|(column, _)| *column == name);
    let rows = rows.values.chunks(statement.columns.len().max(1));
    statement::for_each(connection, &sqlite_text(statement), place, rows)
}

/// The runs of the rows for which the statement changed something, by their column `id`.
pub(crate) fn sqlite_changed(
    connection: &Connection,
    statement: &Given,
    rows: &Rows<'_>,
) -> Result<HashSet<RunId>, Error> {
    let place = |name: &str| statement.columns.iter().position(|(column, _)| *column == name);
    let id = place("id").ok_or_else(|| Error::unreadable("id"))?;
    let rows: Vec<_> = rows.values.chunks(statement.columns.len().max(1)).collect();
    let changes = statement::count_each(connection, &sqlite_text(statement), place, rows.iter().copied())?;
    let changed = rows.iter().zip(changes).filter(|(_, changes)| *changes > 0);
    changed.map(|(row, _)| row[id].run().ok_or_else(|| Error::unreadable("id"))).collect()
}

pub(crate) async fn postgres(
    connection: &mut PgConnection,
    statement: &Given,
    rows: &Rows<'_>,
) -> Result<Vec<Row>, sqlx::Error> {
    let width = statement.columns.len();
    if rows.values.is_empty() {
        return Ok(Vec::new());
    }
    let mut arguments = PgArguments::default();
    for (place, (_, kind)) in statement.columns.iter().enumerate() {
        let column = rows.values.iter().skip(place).step_by(width);
        match kind {
            Kind::Int => arguments.add(column.map(Arg::int).collect::<Vec<_>>()),
            Kind::Text => arguments.add(column.map(Arg::text).collect::<Vec<_>>()),
            Kind::Bytes => arguments.add(column.map(Arg::bytes).collect::<Vec<_>>()),
            Kind::Run => arguments.add(column.map(|arg| arg.run().map(|run| run.0)).collect::<Vec<_>>()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    let text = AssertSqlSafe(postgres_text(statement)).into_sql_str();
    let answered = connection.fetch_many(query_with(text, arguments));
    answered.try_filter_map(|part| async move { Ok(part.right().map(Row::Postgres)) }).boxed().try_collect().await
}

fn names(statement: &Given) -> String {
    statement.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

pub(crate) fn sqlite_text(statement: &Given) -> Cow<'static, str> {
    if !statement.sqlite.contains(":*") {
        return Cow::Borrowed(statement.sqlite);
    }
    let all = statement.columns.iter().map(|(name, _)| format!(":{name}")).collect::<Vec<_>>();
    Cow::Owned(statement.sqlite.replace(":*", &all.join(", ")))
}

fn postgres_text(statement: &Given) -> String {
    let arrays = statement.columns.iter().enumerate().map(|(index, (_, kind))| {
        let of = match kind {
            Kind::Int => "bigint",
            Kind::Text => "text",
            Kind::Bytes => "bytea",
            Kind::Run => "uuid",
        };
        format!("${}::{of}[]", index + 1)
    });
    let arrays = arrays.collect::<Vec<_>>().join(", ");
    format!("WITH given ({}) AS (SELECT * FROM unnest({arrays})) {}", names(statement), statement.postgres)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: Given = Given {
        columns: &[("id", Kind::Run), ("at", Kind::Int)],
        sqlite: "SELECT id FROM runs WHERE (id, at) = (:*)",
        postgres: "SELECT id FROM given",
    };

    #[test]
    fn each_engine_gets_the_rows_in_its_own_way() {
        assert_eq!(sqlite_text(&STATEMENT), "SELECT id FROM runs WHERE (id, at) = (:id, :at)");
        let arrays = "WITH given (id, at) AS (SELECT * FROM unnest($1::uuid[], $2::bigint[])) SELECT id FROM given";
        assert_eq!(postgres_text(&STATEMENT), arrays);
    }
}
