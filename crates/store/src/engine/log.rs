//! SQLite's write-ahead log, which a thread of its own brings back into the database while commits go on: the disk takes
//! long for it, and nobody waits.
//!
//! A log begins anew when all of it has been brought back, and under load something is always added meanwhile. The thread
//! goes after that too, and the writer brings back the little that is left itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::connection::Session;
use crate::error::from_io;
use crate::{Error, Options};

/// Pages of the log after which it is brought back. With more, a page that changes all the time is brought back less often,
/// and reading the log after a crash takes longer.
const LOG_PAGES: i32 = 10_000;

/// Pages that a log which cannot be brought back as a whole, for somebody reads an older view, grows by before the next try.
const MORE_PAGES: i32 = 1_000;

/// Pages that the writer brings back itself without keeping anybody waiting for long.
const FEW_PAGES: i32 = 200;

/// How often the thread goes after a log that grows as fast as it is brought back, before the writer does what is left.
const PASSES: u32 = 4;

/// That the thread is still at it.
const AT_WORK: i32 = -1;

/// The log of a database, as its writer sees it.
pub(super) struct Log {
    /// How long it was after the last commit.
    pages: Arc<AtomicI32>,
    /// How long it may get.
    most: i32,
    /// How often the thread was asked since.
    passes: u32,
    /// How many of its pages the thread has brought back.
    done: Arc<AtomicI32>,
    ask: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Log {
    /// Begins to look after the log of a database.
    pub(super) fn keep(path: PathBuf, options: Options) -> Result<Self, Error> {
        let (ask, asked) = sync_channel(1);
        let done = Arc::new(AtomicI32::new(AT_WORK));
        let told = done.clone();
        let thread = std::thread::Builder::new()
            .name("sqlite-log".into())
            .spawn(move || bring_back(&path, &options, &asked, &told))
            .map_err(|error| from_io(&error))?;
        Ok(Self { pages: Arc::default(), most: LOG_PAGES, passes: 0, done, ask, thread })
    }

    /// Lets the writer's connection say how long the log is, in the place of bringing it back itself.
    pub(super) fn watch(&self, session: &mut Session) -> Result<(), Error> {
        let pages = self.pages.clone();
        let hook = move |_: &mut rusqlite::hooks::Wal, count| {
            pages.store(count, Ordering::Relaxed);
            Ok(())
        };
        Ok(session.connection.wal_hook(Some(hook))?)
    }

    /// Looks after a commit whether the log is to be brought back.
    pub(super) fn tend(&mut self, session: &Session) {
        let pages = self.pages.load(Ordering::Relaxed);
        let is_long = pages >= self.most;
        if self.passes == 0 {
            if is_long {
                self.ask();
            } else if pages < LOG_PAGES {
                self.most = LOG_PAGES;
            }
            return;
        }
        let done = self.done.swap(AT_WORK, Ordering::Acquire);
        if done == AT_WORK {
            return;
        }
        if is_long && pages - done > FEW_PAGES && self.passes < PASSES {
            return self.ask();
        }
        self.passes = 0;
        if is_long {
            tell(session.bring_back());
            self.most = pages.saturating_add(MORE_PAGES);
        }
    }

    fn ask(&mut self) {
        self.passes += u32::from(self.ask.try_send(()).is_ok());
    }

    /// Waits until nobody but the writer uses the log.
    pub(super) fn let_go(self) {
        drop(self.ask);
        // It says what went wrong itself.
        let _ = self.thread.join();
    }
}

/// Brings the log back each time that it is asked to.
fn bring_back(path: &std::path::Path, options: &Options, asked: &Receiver<()>, done: &AtomicI32) {
    let mut session = None;
    while asked.recv().is_ok() {
        let opened = session.take().map_or_else(|| Session::open(path, options), Ok);
        done.store(tell(opened.and_then(|opened| session.insert(opened).bring_back())), Ordering::Release);
    }
}

/// How many pages are brought back. Nothing is lost where they are not: they are read where they are, and the log gets longer.
fn tell(brought_back: Result<i32, Error>) -> i32 {
    brought_back.unwrap_or_else(|error| {
        tracing::warn!(%error, "the log cannot be brought back into the database");
        0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_begin_is_not_still_at_work() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pilothouse.db");
        let session = Session::open(&path, &Options::default()).unwrap();
        session.statement("CREATE TABLE t (a)").unwrap();
        assert!(session.bring_back().unwrap() > 0);
        session.connection.pragma_update(None, "journal_mode", "DELETE").unwrap();
        assert_eq!(session.bring_back(), Ok(0), "there is no log, which SQLite says by -1");
    }
}
