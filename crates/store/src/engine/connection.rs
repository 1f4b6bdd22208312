//! One SQLite connection: how it is set up, and how a unit of work runs on it. SQLite answers in the calling thread, so
//! a unit runs from end to end without ever giving way to another task.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rusqlite::{Connection, OpenFlags};

use super::{STATEMENT_CACHE, UNIT_TIME};
use crate::{Error, Options, Tx};

/// Bytes per page of a new database. What changes is written page by page, and changes lie apart.
const PAGE_BYTES: i64 = 4_096;

/// Bytes that the write-ahead log keeps on disk when it has been read back into the database.
const LOG_BYTES: i64 = 64 << 20;

/// Pages that a connection keeps, in the form of SQLite: minus so many KiB.
const CACHE_KIB: i64 = -16_384;

/// How many instructions of SQLite pass between two looks at the clock: some hundred microseconds.
const INSTRUCTIONS: i32 = 20_000;

/// A connection, and the moment when what runs on it is given up.
pub(super) struct Session {
    pub(super) connection: Connection,
    deadline: Arc<Deadline>,
    /// Whether commits are flushed to the disk.
    flushes: bool,
}

/// Milliseconds after `begun`.
struct Deadline {
    begun: Instant,
    at: AtomicU64,
}

impl Deadline {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Session {
    pub(super) fn open(path: &Path, options: &Options) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_millis(options.busy_timeout_ms))?;
        for (name, value) in [
            ("page_size", PAGE_BYTES),
            ("foreign_keys", 1),
            ("journal_size_limit", LOG_BYTES),
            ("cache_size", CACHE_KIB),
        ] {
            connection.pragma_update(None, name, value)?;
        }
        // A temporary file would need space at the very moment when the disk is full.
        for (name, value) in [("journal_mode", "WAL"), ("synchronous", "FULL"), ("temp_store", "MEMORY")] {
            connection.pragma_update(None, name, value)?;
        }
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        let deadline = Arc::new(Deadline { begun: Instant::now(), at: AtomicU64::new(u64::MAX) });
        let watched = deadline.clone();
        let is_over = move || watched.now() > watched.at.load(Ordering::Relaxed);
        connection.progress_handler(INSTRUCTIONS, Some(is_over))?;
        Ok(Self { connection, deadline, flushes: true })
    }

    pub(super) fn reader(path: &Path, options: &Options) -> Result<Self, Error> {
        let session = Self::open(path, options)?;
        session.connection.pragma_update(None, "query_only", true)?;
        Ok(session)
    }

    /// Says whether commits are flushed from now on; one that is flushes all those before it.
    pub(super) fn flush_commits(&mut self, flushes: bool) -> Result<(), Error> {
        if self.flushes != flushes {
            // Such a statement works while it is prepared, so it is prepared each time.
            let sql = if flushes { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            self.connection.execute_batch(sql)?;
            self.flushes = flushes;
        }
        Ok(())
    }

    /// Runs what a unit does, which is given up where it takes too long or waits for anything but the database.
    pub(super) fn run<T>(&mut self, work: impl for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, T>) -> Result<T, Error> {
        let at = self.deadline.now() + u64::try_from(UNIT_TIME.as_millis()).unwrap_or(u64::MAX);
        self.deadline.at.store(at, Ordering::Relaxed);
        let done = work(&mut Tx::sqlite(&mut self.connection)).now_or_never();
        self.deadline.at.store(u64::MAX, Ordering::Relaxed);
        done.ok_or_else(|| Error::Unavailable("a unit of work was given up".into()))
    }

    /// Brings back as much of the log as can be without keeping anybody waiting, and tells how many of its pages are back in all:
    /// 0 where another program is at it.
    pub(super) fn bring_back(&self) -> Result<i32, Error> {
        let mut checkpoint = self.connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
        // Where it could not begin, SQLite says -1 (sqlite.org/pragma.html#pragma_wal_checkpoint).
        Ok(checkpoint.query_row([], |row| row.get::<_, i32>(2))?.max(0))
    }

    /// Runs statements without values, apart by `; `, whatever they answer. They are prepared once.
    pub(super) fn statement(&self, sql: &'static str) -> Result<(), Error> {
        for one in sql.split("; ") {
            let mut prepared = self.connection.prepare_cached(one)?;
            let mut rows = prepared.query([])?;
            while rows.next()?.is_some() {}
        }
        Ok(())
    }
}
