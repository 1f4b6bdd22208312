//! SQLite's readers: a few connections, each used by one unit at a time, on threads where waiting for a disk keeps
//! nobody else waiting.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::WAITING_TIME;
use super::connection::Session;
use super::unit::settle;
use crate::{Error, Options, Tx};

/// The connections that only read.
pub(super) struct Readers {
    path: PathBuf,
    options: Options,
    count: u32,
    places: Arc<Semaphore>,
    /// Those that nobody uses just now; the others are opened when they are needed.
    free: Arc<Mutex<Vec<Session>>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, options: Options) -> Self {
        let count = options.readers.max(1);
        let places = Arc::new(Semaphore::new(count as usize));
        Self { path, options, count, places, free: Arc::default() }
    }

    /// Runs `work` on one unchanging view of the database.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let place = self.places(1).await?;
        let session = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (free, path, options) = (self.free.clone(), self.path.clone(), self.options.clone());
        let read = tokio::task::spawn_blocking(move || {
            let mut session = session.map_or_else(|| Session::reader(&path, &options), Ok)?;
            session.statement("BEGIN")?;
            let result = session.run(|tx| Box::pin(async move { settle(work(tx).await, tx) }))?;
            session.statement("ROLLBACK")?;
            free.lock().unwrap_or_else(PoisonError::into_inner).push(session);
            drop(place);
            result
        });
        match read.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Error::Unavailable("the program is stopping".into())),
        }
    }

    /// Looks at every connection, one after the other, while none of them reads.
    pub(super) async fn look<T>(&self, look: impl Fn(&mut Session) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        let _all = self.places(self.count).await?;
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while free.len() < self.count as usize {
            free.push(Session::reader(&self.path, &self.options)?);
        }
        free.iter_mut().map(look).collect()
    }

    /// Waits until nobody reads, and closes every connection; later reads fail.
    pub(super) async fn close(&self) {
        let all = self.places.clone().acquire_many_owned(self.count).await;
        self.places.close();
        drop(all);
        self.free.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn places(&self, count: u32) -> Result<OwnedSemaphorePermit, Error> {
        let places = self.places.clone().acquire_many_owned(count);
        let places = tokio::time::timeout(WAITING_TIME, places).await;
        let places = places.map_err(|_| Error::Unavailable("no connection was free in time".into()))?;
        places.map_err(|_| Error::Unavailable("the store is closed".into()))
    }
}
