//! Changes on their way into the database, committed in groups: what comes while a group is being committed is the next
//! one, so that a busy engine commits hundreds at once and an idle one waits for nothing. One group at a time: several
//! side by side would each be smaller, and cost PostgreSQL half as much again.

use std::sync::Arc;
use std::time::Duration;

use pilothouse_store::Error;
use pilothouse_store::runs::{Change, Outcome};
use tokio::sync::{mpsc, oneshot};

use crate::Backend;

/// Most changes of one commit.
const MOST: usize = 512;
/// Changes that may wait; more make their makers wait.
const QUEUE: usize = 4_096;
/// The pause before a group is tried again whose outcome is unknown.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How often it is tried again: together, for about as long as a lease.
const TRIES: u32 = 40;

struct Item {
    change: Change,
    reply: oneshot::Sender<Result<Outcome, Error>>,
}

/// The way in.
pub(crate) struct Groups {
    way: mpsc::Sender<Item>,
}

impl Groups {
    /// Must be called inside a tokio runtime.
    pub(crate) fn begin(backend: &Arc<dyn Backend>) -> Self {
        let (way, inbox) = mpsc::channel(QUEUE);
        tokio::spawn(commit(backend.clone(), inbox));
        Self { way }
    }

    /// Applies a change and tells what became of it, once that is on disk.
    pub(crate) async fn apply(&self, change: Change) -> Result<Outcome, Error> {
        let (reply, answer) = oneshot::channel();
        let given_up = || Error::Unavailable("the engine has stopped".into());
        self.way.send(Item { change, reply }).await.map_err(|_| given_up())?;
        answer.await.unwrap_or_else(|_| Err(given_up()))
    }
}

async fn commit(backend: Arc<dyn Backend>, mut inbox: mpsc::Receiver<Item>) {
    let mut items = Vec::with_capacity(MOST);
    while inbox.recv_many(&mut items, MOST).await > 0 {
        commit_group(backend.as_ref(), std::mem::take(&mut items)).await;
    }
}

async fn commit_group(backend: &dyn Backend, mut items: Vec<Item>) {
    for _ in 0..TRIES {
        let changes = items.iter().map(|item| item.change.clone()).collect();
        match backend.apply(changes).await {
            Ok(outcomes) => return answer(items, outcomes),
            // Whether it was committed is unknown. Writes can be made again without harm, and a worker's results are
            // worth waiting for; who asks for a run is better told at once.
            Err(error @ Error::Unavailable(_)) => {
                items = refuse_wishes(items, &error);
                if items.is_empty() {
                    return;
                }
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            Err(error) if items.len() == 1 => return refuse(items, &error),
            // One change that the database does not take must not keep the others out.
            Err(_) => {
                for item in items {
                    Box::pin(commit_group(backend, vec![item])).await;
                }
                return;
            }
        }
    }
    refuse(items, &Error::Unavailable("the database did not come back in time".into()));
}

fn answer(items: Vec<Item>, outcomes: Vec<Outcome>) {
    for (item, outcome) in items.into_iter().zip(outcomes) {
        // Whoever does not wait for the answer any more misses nothing.
        let _ = item.reply.send(Ok(outcome));
    }
}

fn refuse(items: Vec<Item>, error: &Error) {
    for item in items {
        let _ = item.reply.send(Err(error.clone()));
    }
}

fn refuse_wishes(items: Vec<Item>, error: &Error) -> Vec<Item> {
    let (wishes, writes) = items.into_iter().partition(|item| matches!(item.change, Change::Enqueue(_)));
    refuse(wishes, error);
    writes
}
