//! SQLite: one file, one process, one writer that commits in groups, and readers apart from it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::WAITING_TIME;
use super::connection::Session;
use super::log::Log;
use super::readers::Readers;
use super::unit::{Unit, Work};
use super::writer::{Committer, QUEUE, Shared, Writer};
use crate::error::from_io;
use crate::{Error, Options, Tx, migrations};

/// The file beside the database that one process locks.
const LOCK_FILE: &str = "pilothouse.lock";

/// An open SQLite database.
pub(crate) struct Sqlite {
    /// None once the store is closed.
    units: Mutex<Option<mpsc::Sender<Box<dyn Unit>>>>,
    /// Says when the writer has ended; none once somebody has waited for it.
    ended: tokio::sync::Mutex<Option<oneshot::Receiver<()>>>,
    committer: Shared,
    readers: Readers,
}

impl Sqlite {
    pub(crate) async fn open(path: &Path, options: &Options) -> Result<Self, Error> {
        let (path, options) = (path.to_owned(), options.clone());
        let opening = tokio::task::spawn_blocking(move || Self::begin(&path, &options));
        opening.await.unwrap_or_else(|_| Err(Error::Unavailable("the database could not be opened".into())))
    }

    fn begin(path: &Path, options: &Options) -> Result<Self, Error> {
        let lock = take_folder(path)?;
        let mut session = Session::open(path, options)?;
        session.statement("BEGIN IMMEDIATE")?;
        session.run(|tx| Box::pin(migrations::apply(tx)))??;
        session.statement("COMMIT")?;
        let log = Log::keep(path.to_owned(), options.clone())?;
        log.watch(&mut session)?;
        let (units, inbox) = mpsc::channel(QUEUE);
        let (end, ended) = oneshot::channel();
        let committer = Committer { path: path.to_owned(), options: options.clone(), session: Some(session), log };
        let committer = Shared::new(committer);
        let writer = Writer { committer: committer.clone(), inbox, lock, _end: end };
        std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || writer.work())
            .map_err(|error| from_io(&error))?;
        let readers = Readers::new(path.to_owned(), options.clone());
        Ok(Self { units: Mutex::new(Some(units)), ended: tokio::sync::Mutex::new(Some(ended)), committer, readers })
    }

    pub(crate) async fn write<T, F>(&self, work: F, is_flushed: bool) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let units = self.units.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let units = units.ok_or_else(|| Error::Unavailable("the store is closed".into()))?;
        let (reply, answer) = oneshot::channel();
        let unit: Box<dyn Unit> = Box::new(Work { work, is_flushed, reply });
        let waits = if is_flushed { Some(unit) } else { self.committer.write_now(unit) };
        if let Some(unit) = waits {
            let sent = units.send_timeout(unit, WAITING_TIME).await;
            sent.map_err(|_| Error::Unavailable("too many writes are waiting".into()))?;
        }
        drop(units);
        answer.await.unwrap_or_else(|_| Err(Error::Unavailable("a unit of work was given up".into())))
    }

    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        self.readers.read(work).await
    }

    /// The settings that decide whether a commit survives a power cut, read from the writer and from every reader.
    pub(crate) async fn durability(&self) -> Result<Vec<(String, String)>, Error> {
        let mut found = vec![("engine".to_owned(), "sqlite".to_owned())];
        let written = self.write(|tx| Box::pin(settings(tx)), true).await?;
        found.extend(written.into_iter().map(|(name, value)| (format!("writer.{name}"), value)));
        let read = self.readers.look(|session| session.run(|tx| Box::pin(settings(tx)))?).await?;
        for (index, settings) in read.into_iter().enumerate() {
            found.extend(settings.into_iter().map(|(name, value)| (format!("reader{index}.{name}"), value)));
        }
        Ok(found)
    }

    pub(crate) async fn close(&self) {
        drop(self.units.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Readers first: while they hold the log, the writer cannot empty it.
        self.readers.close().await;
        if let Some(ended) = self.ended.lock().await.take() {
            // The writer says nothing, and lets go of its end when it is over.
            let _ = ended.await;
        }
    }
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
