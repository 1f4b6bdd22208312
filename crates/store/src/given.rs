//! Statements over many rows at once: the rows are handed in as a table named `given`.
//!
//! PostgreSQL gets one array per column, SQLite a list of values. A list's length is a power of two, so that the few
//! texts that come of it stay prepared.

use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe, Executor as _, SqlSafeStr as _, query_with};

use crate::{Arg, Row};

/// Most rows of one SQLite statement; a power of two.
const MOST_ROWS: usize = 128;

/// The type of a column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Int,
    Text,
    Bytes,
}

/// A statement over a table of rows.
pub(crate) struct Given {
    /// The columns of the table, in the order of the values.
    pub columns: &'static [(&'static str, Kind)],
    /// The statement; it reads from `given`.
    pub sqlite: &'static str,
    /// The same in PostgreSQL's words.
    pub postgres: &'static str,
}

/// The values, row after row.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    values: Vec<Arg>,
}

impl Rows {
    pub(crate) fn push<const N: usize>(&mut self, row: [Arg; N]) {
        self.values.extend(row);
    }

    pub(crate) fn extend<const N: usize>(&mut self, rows: impl IntoIterator<Item = [Arg; N]>) {
        self.values.extend(rows.into_iter().flatten());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<const N: usize> FromIterator<[Arg; N]> for Rows {
    fn from_iter<I: IntoIterator<Item = [Arg; N]>>(rows: I) -> Self {
        Self { values: rows.into_iter().flatten().collect() }
    }
}

pub(crate) async fn sqlite(
    connection: &mut SqliteConnection,
    statement: &Given,
    rows: Rows,
) -> Result<Vec<Row>, sqlx::Error> {
    let width = statement.columns.len();
    let mut values = rows.values.into_iter();
    let mut left = values.len() / width.max(1);
    let mut found = Vec::new();
    while left > 0 {
        let count = power_of_two_below(left).min(MOST_ROWS);
        left -= count;
        let mut arguments = SqliteArguments::default();
        for value in values.by_ref().take(count * width) {
            match value {
                Arg::Int(value) => arguments.add(value),
                Arg::Text(value) => arguments.add(value),
                Arg::Bytes(value) => arguments.add(value),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        let text = AssertSqlSafe(sqlite_text(statement, count)).into_sql_str();
        let answered = connection.fetch_many(query_with(text, arguments));
        found.extend(
            answered
                .try_filter_map(|part| async move { Ok(part.right().map(Row::Sqlite)) })
                .try_collect::<Vec<_>>()
                .await?,
        );
    }
    Ok(found)
}

pub(crate) async fn postgres(
    connection: &mut PgConnection,
    statement: &Given,
    rows: Rows,
) -> Result<Vec<Row>, sqlx::Error> {
    let width = statement.columns.len();
    if rows.values.is_empty() {
        return Ok(Vec::new());
    }
    let mut columns: Vec<Vec<Arg>> = (0..width).map(|_| Vec::with_capacity(rows.values.len() / width)).collect();
    for (index, value) in rows.values.into_iter().enumerate() {
        columns[index % width].push(value);
    }
    let mut arguments = PgArguments::default();
    for (column, (_, kind)) in columns.into_iter().zip(statement.columns) {
        match kind {
            Kind::Int => arguments.add(column.into_iter().map(Arg::int).collect::<Vec<_>>()),
            Kind::Text => arguments.add(column.into_iter().map(Arg::text).collect::<Vec<_>>()),
            Kind::Bytes => arguments.add(column.into_iter().map(Arg::bytes).collect::<Vec<_>>()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    let text = AssertSqlSafe(postgres_text(statement)).into_sql_str();
    let answered = connection.fetch_many(query_with(text, arguments));
    answered.try_filter_map(|part| async move { Ok(part.right().map(Row::Postgres)) }).boxed().try_collect().await
}

/// The highest power of two that is not above `count`, which is above zero.
fn power_of_two_below(count: usize) -> usize {
    1 << count.ilog2()
}

fn names(statement: &Given) -> String {
    statement.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

pub(crate) fn sqlite_text(statement: &Given, rows: usize) -> String {
    let row = format!("({})", vec!["?"; statement.columns.len()].join(","));
    // A statement that fails undoes its whole unit, so SQLite need not be able to undo it alone, which costs it a copy
    // of every page.
    let kind = statement.sqlite.split(' ').next().unwrap_or_default();
    let rest = statement.sqlite.strip_prefix(kind).unwrap_or_default();
    let kind = match kind {
        "INSERT" => "INSERT OR FAIL",
        "UPDATE" => "UPDATE OR FAIL",
        other => other,
    };
    format!("WITH given ({}) AS (VALUES {}) {kind}{rest}", names(statement), vec![row; rows].join(","))
}

fn postgres_text(statement: &Given) -> String {
    let arrays = statement.columns.iter().enumerate().map(|(index, (_, kind))| {
        let of = match kind {
            Kind::Int => "bigint",
            Kind::Text => "text",
            Kind::Bytes => "bytea",
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
        columns: &[("id", Kind::Text), ("at", Kind::Int)],
        sqlite: "SELECT id FROM given",
        postgres: "SELECT id FROM given",
    };

    #[test]
    fn each_engine_gets_the_rows_in_its_own_way() {
        assert_eq!(sqlite_text(&STATEMENT, 2), "WITH given (id, at) AS (VALUES (?,?),(?,?)) SELECT id FROM given");
        let arrays = "WITH given (id, at) AS (SELECT * FROM unnest($1::text[], $2::bigint[])) SELECT id FROM given";
        assert_eq!(postgres_text(&STATEMENT), arrays);
    }

    #[test]
    fn lists_are_cut_into_powers_of_two() {
        assert_eq!([1, 2, 3, 64, 100].map(power_of_two_below), [1, 2, 2, 64, 64]);
    }
}
