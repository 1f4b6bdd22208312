//! A unit of work on either engine: the one thing that entity modules run statements on.

use std::collections::HashSet;

use pilothouse_domain::RunId;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{Arguments as _, AssertSqlSafe, query_with, raw_sql};

use crate::engine::statement;
use crate::given::{self, Given, Rows};
use crate::{Arg, Error, Row};

/// A transaction of [`crate::Store::write`] or [`crate::Store::read`], handed to the entity modules.
///
/// Once a statement has failed, the unit is lost as a whole, even where the caller went on: a commit after an error
/// would keep half of what was asked on one engine and nothing on the other.
pub struct Tx<'c> {
    connection: Connection<'c>,
    failed: Option<Error>,
    /// How many more statements it may run; none where there is no bound.
    left: Option<u32>,
    /// How SQLite would run each statement that was run.
    #[cfg(test)]
    plans: std::collections::BTreeMap<String, Vec<String>>,
}

enum Connection<'c> {
    Sqlite(&'c mut rusqlite::Connection),
    Postgres(&'c mut PgConnection),
}

impl<'c> Tx<'c> {
    pub(crate) fn sqlite(connection: &'c mut rusqlite::Connection) -> Self {
        Self {
            connection: Connection::Sqlite(connection),
            failed: None,
            left: None,
            #[cfg(test)]
            plans: Default::default(),
        }
    }

    pub(crate) fn postgres(connection: &'c mut PgConnection) -> Self {
        Self {
            connection: Connection::Postgres(connection),
            failed: None,
            left: None,
            #[cfg(test)]
            plans: Default::default(),
        }
    }

    /// The same without a transaction around it, so for one statement.
    pub(crate) fn postgres_once(connection: &'c mut PgConnection) -> Self {
        Self { left: Some(1), ..Self::postgres(connection) }
    }

    /// The first error of a statement, if there was one: then the unit must not be committed.
    pub(crate) fn take_failure(&mut self) -> Option<Error> {
        self.failed.take()
    }

    /// The text for this engine, where one text does not do for both.
    pub(crate) fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        if self.is_sqlite() { sqlite } else { postgres }
    }

    /// Which of the two engines this is.
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.connection, Connection::Sqlite(_))
    }

    /// Runs a statement and tells how many rows it changed.
    pub(crate) async fn execute<const N: usize>(
        &mut self,
        sql: &'static str,
        args: [Arg<'_>; N],
    ) -> Result<u64, Error> {
        self.sound()?;
        #[cfg(test)]
        self.explain(sql);
        let done = match &mut self.connection {
            Connection::Sqlite(connection) => statement::execute(connection, sql, &args),
            Connection::Postgres(connection) => query_with(sql, bind(args)?)
                .execute(&mut **connection)
                .await
                .map(|done| done.rows_affected())
                .map_err(Error::from),
        };
        self.noted(done)
    }

    /// Runs a statement and returns all its rows: the statement bounds how many.
    ///
    /// A bound is written `LIMIT $1 + 0`: where a parameter stands alone, SQLite prepares the statement anew each time.
    pub(crate) async fn fetch_all<const N: usize>(
        &mut self,
        sql: &'static str,
        args: [Arg<'_>; N],
    ) -> Result<Vec<Row>, Error> {
        self.sound()?;
        #[cfg(test)]
        self.explain(sql);
        let rows = match &mut self.connection {
            Connection::Sqlite(connection) => statement::fetch(connection, sql, &args),
            Connection::Postgres(connection) => query_with(sql, bind(args)?)
                .fetch_all(&mut **connection)
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect())
                .map_err(Error::from),
        };
        self.noted(rows)
    }

    /// Runs a statement that has one row or none. It is run to its end, so that what it changes is changed whole.
    pub(crate) async fn fetch_optional<const N: usize>(
        &mut self,
        sql: &'static str,
        args: [Arg<'_>; N],
    ) -> Result<Option<Row>, Error> {
        Ok(self.fetch_all(sql, args).await?.into_iter().next())
    }

    /// Runs a statement over many rows that are handed in, in one round trip, and returns what it returns.
    pub(crate) async fn given(&mut self, statement: &Given, rows: &Rows<'_>) -> Result<Vec<Row>, Error> {
        self.sound()?;
        #[cfg(test)]
        self.explain(&given::sqlite_text(statement));
        let answered = match &mut self.connection {
            Connection::Sqlite(connection) => given::sqlite(connection, statement, rows),
            Connection::Postgres(connection) => given::postgres(connection, statement, rows).await.map_err(Error::from),
        };
        self.noted(answered)
    }

    /// Runs a statement over many rows, each of which names a run in the column `id`, and tells for which of those it
    /// changed something. On PostgreSQL the statement returns them; SQLite counts, since there whatever a statement
    /// returns is kept in a table made for it.
    pub(crate) async fn changed(&mut self, statement: &Given, rows: &Rows<'_>) -> Result<HashSet<RunId>, Error> {
        self.sound()?;
        #[cfg(test)]
        self.explain(&given::sqlite_text(statement));
        let Connection::Sqlite(connection) = &mut self.connection else {
            return self.given(statement, rows).await?.iter().map(|row| row.run("id")).collect();
        };
        let changed = given::sqlite_changed(connection, statement, rows);
        self.noted(changed)
    }

    /// Runs a whole script of statements without values: migrations.
    pub(crate) async fn script(&mut self, sql: String) -> Result<(), Error> {
        self.sound()?;
        let done = match &mut self.connection {
            Connection::Sqlite(connection) => connection.execute_batch(&sql).map_err(Error::from),
            Connection::Postgres(connection) => {
                raw_sql(AssertSqlSafe(sql)).execute(&mut **connection).await.map(|_| ()).map_err(Error::from)
            }
        };
        self.noted(done)
    }

    #[cfg(test)]
    fn explain(&mut self, sql: &str) {
        if let Connection::Sqlite(connection) = &mut self.connection
            && !self.plans.contains_key(sql)
        {
            let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = explained.raw_query().mapped(|row| row.get("detail")).map(Result::unwrap).collect();
            self.plans.insert(sql.to_owned(), steps);
        }
    }

    /// How SQLite would run each statement that was run so far.
    #[cfg(test)]
    pub(crate) fn plans(&self) -> &std::collections::BTreeMap<String, Vec<String>> {
        &self.plans
    }

    /// Nothing runs after a failure: SQLite may have ended the transaction, and then the statement would stand alone. Nor does a
    /// second statement where there is no transaction.
    fn sound(&mut self) -> Result<(), Error> {
        if let Some(left) = &mut self.left {
            let more = || Error::Database("a unit of one statement has run a second one".to_owned());
            *left = left.checked_sub(1).ok_or_else(more)?;
        }
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn noted<T>(&mut self, done: Result<T, Error>) -> Result<T, Error> {
        done.inspect_err(|error| {
            self.failed.get_or_insert_with(|| error.clone());
        })
    }
}

fn bind<const N: usize>(args: [Arg<'_>; N]) -> Result<PgArguments, Error> {
    let mut bound = PgArguments::default();
    bound.reserve(N, 0);
    for arg in args {
        match arg {
            Arg::Int(value) => bound.add(value),
            Arg::Text(value) => bound.add(value.as_deref()),
            Arg::Bytes(value) => bound.add(value.as_deref()),
            Arg::Run(value) => bound.add(value.map(|run| run.0)),
        }
        .map_err(|_| Error::Database("a value could not be sent".into()))?;
    }
    Ok(bound)
}
