//! SQLite's one writer: drains the waiting units and commits them in groups, so that one flush to the disk serves many.
//!
//! Each unit stands in a savepoint of its own: one that fails is rolled back alone. All are answered after the commit, which is
//! flushed where one of them wants that.

use std::collections::VecDeque;
use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::connection::Session;
use super::log::Log;
use super::unit::{Finished, Unit};
use crate::{Error, Options};

/// Units that one commit takes at most.
const GROUP: usize = 512;

/// Units that may wait for the writer; more callers wait for a place.
pub(super) const QUEUE: usize = 1_024;

/// The one committer, for whoever writes; none once the writer has ended.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Option<Committer>>>);

/// What commits: the connection, and its log.
pub(super) struct Committer {
    pub(super) path: PathBuf,
    pub(super) options: Options,
    /// None after a transaction could not begin: the next group connects anew.
    pub(super) session: Option<Session>,
    pub(super) log: Log,
}

impl Shared {
    pub(super) fn new(committer: Committer) -> Self {
        Self(Arc::new(Mutex::new(Some(committer))))
    }

    /// Writes a unit that is not flushed here and now, where nobody else writes: that takes less than waking the writer. Gives
    /// it back where somebody does.
    pub(super) fn write_now(&self, unit: Box<dyn Unit>) -> Option<Box<dyn Unit>> {
        let Ok(mut held) = self.0.try_lock() else { return Some(unit) };
        let Some(committer) = held.as_mut() else { return Some(unit) };
        committer.commit_group(&mut [unit].into());
        None
    }

    /// Commits some of the waiting units, and looks after the log.
    fn write(&self, waiting: &mut VecDeque<Box<dyn Unit>>) {
        if let Some(committer) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            committer.commit_group(waiting);
            committer.tend();
        }
    }

    /// Leaves the log empty; nobody writes any more.
    fn close(&self) {
        if let Some(committer) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            committer.close();
        }
    }
}

/// The writer's half: the committer, what waits for it, and the folder's lock, which is held as long as the writer lives. It is a
/// thread of its own, since SQLite answers in the thread that asks, and waits there for the disk.
pub(super) struct Writer {
    pub(super) committer: Shared,
    pub(super) inbox: mpsc::Receiver<Box<dyn Unit>>,
    pub(super) lock: File,
    /// Let go of at the very end.
    pub(super) _end: oneshot::Sender<()>,
}

impl Writer {
    /// Works until every sender is gone and all that waited is answered; then leaves the log empty and lets go of the
    /// folder.
    pub(super) fn work(mut self) {
        let mut waiting = VecDeque::with_capacity(GROUP);
        while let Some(unit) = self.inbox.blocking_recv() {
            waiting.push_back(unit);
            while !waiting.is_empty() {
                while waiting.len() < GROUP
                    && let Ok(unit) = self.inbox.try_recv()
                {
                    waiting.push_back(unit);
                }
                self.committer.write(&mut waiting);
            }
        }
        self.committer.close();
        drop(self.lock);
    }
}

impl Committer {
    /// Commits as many of the waiting units as one transaction carries, and answers them.
    fn commit_group(&mut self, waiting: &mut VecDeque<Box<dyn Unit>>) {
        let session = match self.begin(waiting.iter().any(|unit| unit.is_flushed())) {
            Ok(session) => session,
            Err(error) => return waiting.drain(..).for_each(|unit| unit.refuse(error.clone())),
        };
        let mut kept = Vec::with_capacity(waiting.len());
        let mut refused = Vec::new();
        let mut given_up = None;
        // A savepoint makes every page cost twice. The first unit needs none: where it fails, all of the transaction
        // is undone and begun anew.
        let mut undo = "ROLLBACK; BEGIN IMMEDIATE";
        while let Some(unit) = waiting.pop_front() {
            let last = waiting.is_empty();
            let (ended, verdict) = match run(session, unit) {
                Some(Finished { verdict: Ok(()), answer }) => {
                    let first = kept.is_empty();
                    kept.push(answer);
                    undo = "ROLLBACK TO unit";
                    (if first { "SAVEPOINT unit" } else { "RELEASE unit; SAVEPOINT unit" }, None)
                }
                Some(Finished { verdict: Err(error), answer }) => {
                    refused.push(answer);
                    (undo, Some(error))
                }
                None => (undo, None),
            };
            if last && ended != undo {
                break;
            }
            if let Err(error) = session.statement(ended) {
                // A full disk or a broken one ends the whole transaction, with the units before this one.
                given_up = Some(verdict.unwrap_or(error));
                break;
            }
        }
        let committed = match given_up {
            None => session.statement("COMMIT"),
            Some(error) => Err(error),
        };
        if committed.is_err() {
            // Fails where the engine has rolled back by itself already.
            let _ = session.statement("ROLLBACK");
        }
        refused.into_iter().for_each(|answer| answer(Ok(())));
        kept.into_iter().for_each(|answer| answer(committed.clone()));
    }

    fn tend(&mut self) {
        if let Some(session) = &self.session {
            self.log.tend(session);
        }
    }

    fn close(self) {
        self.log.let_go();
        if let Some(session) = self.session {
            // Not being able to shorten the log loses nothing: it is read at the next start.
            let _ = session.statement("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }

    fn begin(&mut self, flushes: bool) -> Result<&mut Session, Error> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => {
                let mut session = Session::open(&self.path, &self.options)?;
                self.log.watch(&mut session)?;
                session
            }
        };
        session.flush_commits(flushes)?;
        session.statement("BEGIN IMMEDIATE")?;
        Ok(self.session.insert(session))
    }
}

/// Runs one unit; none where it panicked or took too long, and then its caller hears that it was given up.
fn run(session: &mut Session, unit: Box<dyn Unit>) -> Option<Finished> {
    std::panic::catch_unwind(AssertUnwindSafe(|| session.run(|tx| unit.run(tx)))).ok()?.ok()
}
