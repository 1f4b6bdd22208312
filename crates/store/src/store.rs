//! The handle on an open database, the same for both engines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use pilothouse_domain::Micros;

use crate::engine::postgres::Postgres;
use crate::engine::sqlite::Sqlite;
use crate::{Error, Hints, Location, Options, Tx, args};

/// How long [`Store::ping`] waits for an answer.
const PING_TIME: Duration = Duration::from_millis(900);

/// What [`Store::ping`] reads, and what it writes: a change of nothing that reaches the disk all the same.
const PROBE_READ: &str = "SELECT version FROM schema_migrations WHERE version = 1";
const PROBE_WRITE: &str = "UPDATE schema_migrations SET version = version WHERE version = 1";

/// An open control-plane database. Clones share it.
#[derive(Clone)]
pub struct Store {
    engine: Arc<Engine>,
    /// Whether the last write met a disk that takes nothing; reads go on then, and say nothing about it.
    stuck: Arc<AtomicBool>,
}

enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Opens the database at `location`, makes it where it is missing, and brings it to this program's version.
    ///
    /// Must be called inside a tokio runtime that lives as long as the store.
    ///
    /// # Errors
    /// [`Error::Locked`] while another process has the data folder, [`Error::Newer`] where a later program has written
    /// to the database, [`Error::ReadOnly`], [`Error::Full`], [`Error::Corrupt`], [`Error::Unavailable`].
    pub async fn open(location: &Location, options: &Options) -> Result<Self, Error> {
        let engine = match location {
            Location::Sqlite { path } => Engine::Sqlite(Sqlite::open(path, options).await?),
            Location::Postgres { url } => Engine::Postgres(Postgres::open(url, options).await?),
        };
        Ok(Self { engine: Arc::new(engine), stuck: Arc::default() })
    }

    /// Whether no other process can use this database as long as this one does.
    pub fn is_exclusive(&self) -> bool {
        matches!(self.engine.as_ref(), Engine::Sqlite(_))
    }

    /// The database's own time, where other processes use it too.
    pub async fn now(&self) -> Result<Option<Micros>, Error> {
        match self.engine.as_ref() {
            Engine::Sqlite(_) => Ok(None),
            Engine::Postgres(engine) => engine.now().await.map(Some),
        }
    }

    /// Begins to hear what other processes that use this database say; none where there cannot be any.
    pub async fn hints(&self) -> Result<Option<Hints>, Error> {
        match self.engine.as_ref() {
            Engine::Sqlite(_) => Ok(None),
            Engine::Postgres(engine) => engine.hints().await.map(Some),
        }
    }

    /// Says something to every process that uses this database, this one included; at most 7,000 bytes.
    pub async fn hint(&self, word: String) -> Result<(), Error> {
        match self.engine.as_ref() {
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(engine) => engine.hint(word).await,
        }
    }

    /// One cheap read from a table, for `/ready`; and one cheap write where the last one met a full or read-only disk.
    /// Answers within a second, whatever state the database is in.
    pub async fn ping(&self) -> Result<(), Error> {
        let look = async {
            self.read(|tx| Box::pin(async move { tx.fetch_all(PROBE_READ, args![]).await.map(|_| ()) })).await?;
            if self.stuck.load(Ordering::Relaxed) {
                self.write(|tx| Box::pin(async move { tx.execute(PROBE_WRITE, args![]).await.map(|_| ()) })).await?;
            }
            Ok(())
        };
        let answered = tokio::time::timeout(PING_TIME, look).await;
        answered.unwrap_or_else(|_| Err(Error::Unavailable("it did not answer in time".into())))
    }

    /// Runs one atomic unit of work and answers after its commit has reached the disk.
    ///
    /// On SQLite the single writer commits waiting units in groups; one that fails is rolled back alone. The unit
    /// should do nothing but write: others wait for it, and there one that waits for anything else is given up. Dropping the future does not break the unit: it happens whole
    /// or not at all. Any error of a statement undoes the unit, even where `work` returns `Ok`.
    ///
    /// # Errors
    /// What `work` returns, or why it could not be committed. On PostgreSQL, a serialization failure or deadlock is
    /// [`Error::Unavailable`]; `work` can run only once, so trying again is the caller's decision.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        self.written(work, true).await
    }

    /// The same for what is of use only as long as this process lives, such as money that is held for a call that it makes. On
    /// SQLite, which ends with it, it is answered before its commit has reached the disk: it survives the end of the process,
    /// and a power cut once any later unit of [`Store::write`] that has changed something was answered. On PostgreSQL, which may end alone, it is as any
    /// other.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_unflushed<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        self.written(work, false).await
    }

    /// The same for a unit of one statement: PostgreSQL runs it without a transaction around it, so in one round trip, and what
    /// it locks is free again once it ends. There another one is refused.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_one<T, F>(&self, work: F, is_flushed: bool) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let written = match self.engine.as_ref() {
            Engine::Sqlite(engine) => engine.write(work, is_flushed).await,
            Engine::Postgres(engine) => engine.write_one(work).await,
        };
        self.noted(written)
    }

    async fn written<T, F>(&self, work: F, is_flushed: bool) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let written = match self.engine.as_ref() {
            Engine::Sqlite(engine) => engine.write(work, is_flushed).await,
            Engine::Postgres(engine) => engine.write(work).await,
        };
        self.noted(written)
    }

    /// Remembers whether the disk takes anything.
    fn noted<T>(&self, written: Result<T, Error>) -> Result<T, Error> {
        match &written {
            Ok(_) => self.stuck.store(false, Ordering::Relaxed),
            Err(Error::Full | Error::ReadOnly) => self.stuck.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        written
    }

    /// Runs `work` on one unchanging view of the database; writing in it fails.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        match self.engine.as_ref() {
            Engine::Sqlite(engine) => engine.read(work).await,
            Engine::Postgres(engine) => engine.read(work).await,
        }
    }

    /// What decides whether an acknowledged write survives a power cut, as the database itself reports it on every
    /// connection: pairs such as `reader0.synchronous` = `2` or `connection3.fsync` = `on`.
    pub async fn durability(&self) -> Result<Vec<(String, String)>, Error> {
        match self.engine.as_ref() {
            Engine::Sqlite(engine) => engine.durability().await,
            Engine::Postgres(engine) => engine.durability().await,
        }
    }

    /// Commits what waits, moves SQLite's log into the database and lets go of the folder. Later calls of this store
    /// and its clones fail with [`Error::Unavailable`].
    pub async fn close(&self) {
        match self.engine.as_ref() {
            Engine::Sqlite(engine) => engine.close().await,
            Engine::Postgres(engine) => engine.close().await,
        }
    }
}
