//! SQLite: one file, one process, one writer that commits in groups, and readers apart from it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::sqlite::SqliteSynchronous;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::unit::{Unit, Work, settle};
use super::writer::{QUEUE, Writer};
use super::{STATEMENT_CACHE, UNIT_TIME, WAITING_TIME};
use crate::error::from_io;
use crate::{Error, Options, Tx, migrations};

/// The file beside the database that one process locks.
const LOCK_FILE: &str = "pilothouse.lock";

/// Bytes per page of a new database: rows of a few kilobytes stay whole.
const PAGE_BYTES: u32 = 8_192;

/// Bytes that the write-ahead log keeps on disk when it has been read back into the database.
const LOG_BYTES: &str = "67108864";

/// Bytes of the file that are read without being copied.
const MAPPED_BYTES: &str = "268435456";

/// Pages that a connection keeps, in the form of SQLite: minus so many KiB.
const CACHE_KIB: &str = "-16384";

/// An open SQLite database.
pub(crate) struct Sqlite {
    /// None once the store is closed.
    units: Mutex<Option<mpsc::Sender<Box<dyn Unit>>>>,
    writer: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    readers: SqlitePool,
    /// Taken while every reader is looked at, so that two who look never wait for each other.
    looking: tokio::sync::Mutex<()>,
}

impl Sqlite {
    pub(crate) async fn open(path: &Path, options: &Options) -> Result<Self, Error> {
        let lock = take_folder(path)?;
        let writing = connect_options(path, options);
        let mut connection = writing.connect().await?;
        migrate(&mut connection).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers.max(1))
            .acquire_timeout(WAITING_TIME)
            .test_before_acquire(false)
            .connect_with(writing.clone().pragma("query_only", "ON"))
            .await?;
        let (units, inbox) = mpsc::channel(QUEUE);
        let writer = Writer { options: writing, connection: Some(connection), inbox, lock };
        let writer = tokio::spawn(writer.work());
        Ok(Self {
            units: Mutex::new(Some(units)),
            writer: tokio::sync::Mutex::new(Some(writer)),
            readers,
            looking: tokio::sync::Mutex::new(()),
        })
    }

    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let units = self.units.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let units = units.ok_or_else(|| Error::Unavailable("the store is closed".into()))?;
        let (reply, answer) = oneshot::channel();
        units
            .send_timeout(Box::new(Work { work, reply }), WAITING_TIME)
            .await
            .map_err(|_| Error::Unavailable("too many writes are waiting".into()))?;
        drop(units);
        answer.await.unwrap_or_else(|_| Err(Error::Unavailable("a unit of work was given up".into())))
    }

    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let mut transaction = self.readers.begin().await?;
        let mut tx = Tx::sqlite(&mut transaction);
        let returned = tokio::time::timeout(UNIT_TIME, work(&mut tx))
            .await
            .map_err(|_| Error::Unavailable("a read took too long".into()))?;
        let result = settle(returned, &mut tx);
        transaction.rollback().await?;
        result
    }

    /// The settings that decide whether a commit survives a power cut, read from the writer and from every reader.
    pub(crate) async fn durability(&self) -> Result<Vec<(String, String)>, Error> {
        let _alone = self.looking.lock().await;
        let mut found = vec![("engine".to_owned(), "sqlite".to_owned())];
        let written = self.write(|tx| Box::pin(settings(tx))).await?;
        found.extend(written.into_iter().map(|(name, value)| (format!("writer.{name}"), value)));
        let mut held = Vec::new();
        for index in 0..self.readers.options().get_max_connections() {
            let mut reader = self.readers.acquire().await?;
            let read = settings(&mut Tx::sqlite(&mut reader)).await?;
            found.extend(read.into_iter().map(|(name, value)| (format!("reader{index}.{name}"), value)));
            held.push(reader);
        }
        Ok(found)
    }

    pub(crate) async fn close(&self) {
        drop(self.units.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Readers first: while they hold the log, the writer cannot empty it.
        self.readers.close().await;
        let mut writer = self.writer.lock().await;
        if let Some(handle) = writer.take() {
            // The task ends by itself; where it panicked there is nothing left to drain.
            let _ = handle.await;
        }
    }
}

fn connect_options(path: &Path, options: &Options) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .page_size(PAGE_BYTES)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_millis(options.busy_timeout_ms))
        // A temporary file would need space at the very moment when the disk is full.
        .pragma("temp_store", "MEMORY")
        .pragma("journal_size_limit", LOG_BYTES)
        .pragma("mmap_size", MAPPED_BYTES)
        .pragma("cache_size", CACHE_KIB)
        .statement_cache_capacity(STATEMENT_CACHE)
        .disable_statement_logging()
}

/// Makes the folder and the file where they are missing, for their owner only, and locks the folder.
fn take_folder(path: &Path) -> Result<File, Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|error| from_io(&error))?;
    }
    let lock = private_file(&folder.join(LOCK_FILE))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::Locked),
        Err(TryLockError::Error(error)) => return Err(from_io(&error)),
    }
    private_file(path)?;
    Ok(lock)
}

fn private_file(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| from_io(&error))
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    migrations::apply(&mut Tx::sqlite(&mut transaction)).await?;
    Ok(transaction.commit().await?)
}

async fn settings(tx: &mut Tx<'_>) -> Result<Vec<(&'static str, String)>, Error> {
    let mut found = Vec::new();
    for row in tx.fetch_all("PRAGMA journal_mode", []).await? {
        found.push(("journal_mode", row.text("journal_mode")?));
    }
    for row in tx.fetch_all("PRAGMA synchronous", []).await? {
        found.push(("synchronous", row.int("synchronous")?.to_string()));
    }
    for row in tx.fetch_all("PRAGMA foreign_keys", []).await? {
        found.push(("foreign_keys", row.int("foreign_keys")?.to_string()));
    }
    for row in tx.fetch_all("PRAGMA query_only", []).await? {
        found.push(("query_only", row.int("query_only")?.to_string()));
    }
    Ok(found)
}
