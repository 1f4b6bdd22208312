//! A way into the database past the store, on either engine.

use std::path::PathBuf;

use pilothouse_store::{Location, Options, Store};
use rusqlite::Connection;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, raw_sql};

/// A store, and a second connection that does what it likes.
pub struct Touched {
    pub store: Store,
    pub location: Location,
    raw: Raw,
    _folder: Option<tempfile::TempDir>,
}

enum Raw {
    Sqlite(PathBuf),
    Postgres(PgPool),
}

impl Touched {
    pub async fn sqlite() -> Self {
        Self::sqlite_after(String::new()).await
    }

    /// A database in which a script ran before the store opened it for the first time. It lies on a disk in memory,
    /// where there is one: only to be faster.
    pub async fn sqlite_after(script: String) -> Self {
        let memory = tempfile::tempdir_in("/dev/shm");
        let folder = memory.or_else(|_| tempfile::tempdir()).unwrap();
        let path = folder.path().join("pilothouse.db");
        if !script.is_empty() {
            Connection::open(&path).unwrap().execute_batch(&script).unwrap();
        }
        let location = Location::Sqlite { path: path.clone() };
        Self { store: open(&location).await, location, raw: Raw::Sqlite(path), _folder: Some(folder) }
    }

    pub async fn postgres() -> Self {
        Self::postgres_after(String::new()).await
    }

    /// As [`Touched::sqlite_after`].
    pub async fn postgres_after(script: String) -> Self {
        let url = pilothouse_testkit::postgres().schema_url("outside");
        let raw = PgPool::connect(&url).await.unwrap();
        raw_sql(AssertSqlSafe(script)).execute(&raw).await.unwrap();
        let location = Location::Postgres { url };
        Self { store: open(&location).await, location, raw: Raw::Postgres(raw), _folder: None }
    }

    /// Runs statements past the store and tells how many rows they changed.
    pub async fn touch(&self, sql: String) -> u64 {
        match &self.raw {
            Raw::Sqlite(path) => {
                let connection = Connection::open(path).unwrap();
                connection.execute_batch(&sql).unwrap();
                connection.total_changes()
            }
            Raw::Postgres(pool) => raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap().rows_affected(),
        }
    }

    /// A literal of bytes in this engine's words.
    pub fn bytes(&self, hex: &str) -> String {
        match self.raw {
            Raw::Sqlite(_) => format!("x'{hex}'"),
            Raw::Postgres(_) => format!(r"'\x{hex}'::bytea"),
        }
    }

    /// Closes the store and opens the database anew.
    pub async fn reopen(&self) -> Result<Store, pilothouse_store::Error> {
        self.store.close().await;
        Store::open(&self.location, &Options::default()).await
    }
}

async fn open(location: &Location) -> Store {
    Store::open(location, &Options::default()).await.unwrap()
}
