//! SQLite's write-ahead log, which a thread of its own brings back into the database while commits go on: the disk takes
//! long for it, and nobody waits.
//!
//! A log begins anew when all of it has been brought back, and under load something is always added meanwhile. The writer
//! brings back that little itself, once the thread has done the most.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
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

/// As much as can be brought back without keeping anybody waiting.
const BRING_BACK: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// The log of a database, as its writer sees it.
pub(super) struct Log {
    /// How long it was after the last commit.
    pages: Arc<AtomicI32>,
    /// How long it may get.
    most: i32,
    is_asked: bool,
    is_done: Arc<AtomicBool>,
    ask: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Log {
    /// Begins to look after the log of a database.
    pub(super) fn keep(path: PathBuf, options: Options) -> Result<Self, Error> {
        let (ask, asked) = sync_channel(1);
        let is_done = Arc::new(AtomicBool::new(false));
        let done = is_done.clone();
        let thread = std::thread::Builder::new()
            .name("sqlite-log".into())
            .spawn(move || bring_back(&path, &options, &asked, &done))
            .map_err(|error| from_io(&error))?;
        Ok(Self { pages: Arc::default(), most: LOG_PAGES, is_asked: false, is_done, ask, thread })
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
        if self.is_asked {
            if !self.is_done.swap(false, Ordering::Acquire) {
                return;
            }
            self.is_asked = false;
            if pages >= self.most {
                tell(session.statement(BRING_BACK));
                self.most = pages.saturating_add(MORE_PAGES);
            }
        } else if pages >= self.most {
            self.is_asked = self.ask.try_send(()).is_ok();
        } else if pages < LOG_PAGES {
            self.most = LOG_PAGES;
        }
    }

    /// Waits until nobody but the writer uses the log.
    pub(super) fn let_go(self) {
        drop(self.ask);
        // It says what went wrong itself.
        let _ = self.thread.join();
    }
}

/// Brings the log back each time that it is asked to.
fn bring_back(path: &std::path::Path, options: &Options, asked: &Receiver<()>, is_done: &AtomicBool) {
    let mut session = None;
    while asked.recv().is_ok() {
        let opened = session.take().map_or_else(|| Session::open(path, options), Ok);
        tell(opened.and_then(|opened| session.insert(opened).statement(BRING_BACK)));
        is_done.store(true, Ordering::Release);
    }
}

/// Nothing is lost where the log is not brought back: it is read where it is, and gets longer.
fn tell(brought_back: Result<(), Error>) {
    if let Err(error) = brought_back {
        tracing::warn!(%error, "the log cannot be brought back into the database");
    }
}
