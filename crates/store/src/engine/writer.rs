//! SQLite's one writer: drains the waiting units and commits them in groups, so that one flush to the disk serves many.
//!
//! Each unit stands in a savepoint of its own: one that fails is rolled back alone. All are answered after the commit.

use std::collections::VecDeque;
use std::fs::File;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::mpsc;

use super::UNIT_TIME;
use super::unit::{Finished, Unit};
use crate::{Error, Tx};

/// Units that one commit takes at most.
const GROUP: usize = 512;

/// Units that may wait for the writer; more callers wait for a place.
pub(super) const QUEUE: usize = 1_024;

/// The writer's half: the connection, what waits, and the folder's lock, which is held as long as the writer lives.
pub(super) struct Writer {
    pub(super) options: SqliteConnectOptions,
    /// None after a transaction could not begin: the next group connects anew.
    pub(super) connection: Option<SqliteConnection>,
    pub(super) inbox: mpsc::Receiver<Box<dyn Unit>>,
    pub(super) lock: File,
}

impl Writer {
    /// Works until every sender is gone and all that waited is answered; then leaves the log empty and lets go of the
    /// folder.
    pub(super) async fn work(mut self) {
        let mut waiting = VecDeque::with_capacity(GROUP);
        while let Some(unit) = self.inbox.recv().await {
            waiting.push_back(unit);
            while !waiting.is_empty() {
                while waiting.len() < GROUP
                    && let Ok(unit) = self.inbox.try_recv()
                {
                    waiting.push_back(unit);
                }
                self.commit_group(&mut waiting).await;
            }
        }
        if let Some(mut connection) = self.connection.take() {
            // Not being able to shorten the log loses nothing: it is read at the next start.
            let _ = statement(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE)").await;
            let _ = connection.close().await;
        }
        drop(self.lock);
    }

    /// Commits as many of the waiting units as one transaction carries, and answers them.
    async fn commit_group(&mut self, waiting: &mut VecDeque<Box<dyn Unit>>) {
        let connection = match self.begin().await {
            Ok(connection) => connection,
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
            let (ended, verdict) = match run(connection, unit).await {
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
            if let Err(error) = statement(connection, ended).await {
                // A full disk or a broken one ends the whole transaction, with the units before this one.
                given_up = Some(verdict.unwrap_or(error));
                break;
            }
        }
        let committed = match given_up {
            None => statement(connection, "COMMIT").await,
            Some(error) => Err(error),
        };
        if committed.is_err() {
            // Fails where the engine has rolled back by itself already.
            let _ = statement(connection, "ROLLBACK").await;
        }
        refused.into_iter().for_each(|answer| answer(Ok(())));
        kept.into_iter().for_each(|answer| answer(committed.clone()));
    }

    async fn begin(&mut self) -> Result<&mut SqliteConnection, Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        statement(&mut connection, "BEGIN IMMEDIATE").await?;
        Ok(self.connection.insert(connection))
    }
}

/// Runs one unit; none where it panicked or took too long, and then its caller hears that it was given up.
async fn run(connection: &mut SqliteConnection, unit: Box<dyn Unit>) -> Option<Finished> {
    let mut tx = Tx::sqlite(connection);
    let running = AssertUnwindSafe(async { unit.run(&mut tx).await }).catch_unwind();
    tokio::time::timeout(UNIT_TIME, running).await.ok()?.ok()
}

async fn statement(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), Error> {
    sqlx::query(sql).execute(connection).await?;
    Ok(())
}
