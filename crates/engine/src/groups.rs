//! Changes on their way into the database, committed in groups: what comes while a group is being committed is the next
//! one, so that a busy engine commits hundreds at once and an idle one waits for nothing. Where the database takes
//! several at once, what is asked for and what workers write go side by side: they touch different rows, and what is
//! asked for waits for whoever else audits or counts. More ways would make smaller groups, which cost more.

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
    wishes: mpsc::Sender<Item>,
    writes: mpsc::Sender<Item>,
}

impl Groups {
    /// Must be called inside a tokio runtime.
    pub(crate) fn begin(backend: &Arc<dyn Backend>) -> Self {
        let way = || {
            let (way, inbox) = mpsc::channel(QUEUE);
            tokio::spawn(commit(backend.clone(), inbox));
            way
        };
        let writes = way();
        Self { wishes: if backend.is_exclusive() { writes.clone() } else { way() }, writes }
    }

    /// Applies a change and tells what became of it, once that is on disk.
    pub(crate) async fn apply(&self, change: Change) -> Result<Outcome, Error> {
        let (reply, answer) = oneshot::channel();
        let given_up = || Error::Unavailable("the engine has stopped".into());
        let way = if matches!(change, Change::Enqueue(_)) { &self.wishes } else { &self.writes };
        way.send(Item { change, reply }).await.map_err(|_| given_up())?;
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
