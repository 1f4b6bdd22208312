//! What a run tells while it goes: stored events with a number, and live ones without, merged into one stream.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::Stream;
use pilothouse_domain::{RunId, TenantId};
use pilothouse_store::{Store, events, runs};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

/// Events that a slow listener may fall behind before it reads from the store instead.
const LIVE_EVENTS_KEPT: usize = 64;
/// How often a listener looks into the store for events of runs on other nodes.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// Most events read from the store at once.
const PAGE: u32 = 100;

/// The name of the last event of every run.
pub const DONE: &str = "done";

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number in the run, from 1; none for what is only told live and not stored.
    pub seq: Option<i64>,
    /// Its kind: `step` or `done`.
    pub kind: String,
    /// Its content, a JSON object.
    pub json: String,
}

/// What this process knows of a run that it is working on.
struct Live {
    /// Which claim this is: after a lost lease, this process may claim the run anew while its old attempt still ends.
    epoch: i64,
    sender: broadcast::Sender<Event>,
    cancel: CancellationToken,
}

/// The runs that this process is working on.
#[derive(Default)]
pub(crate) struct LiveRuns {
    runs: Mutex<HashMap<RunId, Live>>,
    begun: Notify,
}

impl LiveRuns {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<RunId, Live>) -> T) -> T {
        work(&mut self.runs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins to tell of a run; an attempt under an older claim is told to stop.
    pub(crate) fn begin(&self, run: RunId, epoch: i64, cancel: CancellationToken) {
        let (sender, _) = broadcast::channel(LIVE_EVENTS_KEPT);
        if let Some(older) = self.with(|runs| runs.insert(run, Live { epoch, sender, cancel })) {
            older.cancel.cancel();
        }
        self.begun.notify_waiters();
    }

    /// Ends what `begin` began under this claim.
    pub(crate) fn end(&self, run: RunId, epoch: i64) {
        self.with(|runs| {
            if runs.get(&run).is_some_and(|live| live.epoch == epoch) {
                runs.remove(&run);
            }
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.with(|runs| runs.len())
    }

    pub(crate) fn ids(&self) -> Vec<RunId> {
        self.with(|runs| runs.keys().copied().collect())
    }

    /// Tells whoever listens; what an older claim says is not heard any more.
    pub(crate) fn tell(&self, run: RunId, epoch: i64, event: Event) {
        // Nobody listening is no fault.
        self.with(|runs| runs.get(&run).filter(|live| live.epoch == epoch).map(|live| live.sender.send(event)));
    }

    pub(crate) fn cancel(&self, run: RunId) {
        self.with(|runs| runs.get(&run).inspect(|live| live.cancel.cancel()).map(|_| ()));
    }

    fn listen(&self, run: RunId) -> Option<broadcast::Receiver<Event>> {
        self.with(|runs| runs.get(&run).map(|live| live.sender.subscribe()))
    }

    /// Listens as soon as this process begins to work on the run.
    async fn listen_when_begun(&self, run: RunId) -> broadcast::Receiver<Event> {
        loop {
            let mut begun = std::pin::pin!(self.begun.notified());
            begun.as_mut().enable();
            if let Some(receiver) = self.listen(run) {
                return receiver;
            }
            begun.await;
        }
    }
}

/// A run's events in order, from a given number on, until its last.
pub type EventStream = std::pin::Pin<Box<dyn Stream<Item = Result<Event, pilothouse_store::Error>> + Send>>;

struct Listener {
    store: Store,
    tenant: TenantId,
    run: RunId,
    live: Arc<LiveRuns>,
    receiver: Option<broadcast::Receiver<Event>>,
    after: i64,
    ready: std::collections::VecDeque<Event>,
    ended: bool,
    poll_first: bool,
}

pub(crate) fn stream(store: Store, live: Arc<LiveRuns>, tenant: TenantId, run: RunId, after: i64) -> EventStream {
    // Listening begins before the store is read, so that nothing falls between the two.
    let receiver = live.listen(run);
    let ready = std::collections::VecDeque::new();
    let listener = Listener { store, tenant, run, live, receiver, after, ready, ended: false, poll_first: true };
    Box::pin(futures::stream::try_unfold(listener, |mut listener| async move {
        Ok(listener.next().await?.map(|event| (event, listener)))
    }))
}

impl Listener {
    async fn next(&mut self) -> Result<Option<Event>, pilothouse_store::Error> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                if let Some(seq) = event.seq {
                    if seq <= self.after {
                        continue;
                    }
                    if seq > self.after + 1 {
                        // Others wrote in between; the store has it all in order.
                        self.ready.clear();
                        self.poll().await?;
                        continue;
                    }
                    self.after = seq;
                }
                self.ended = event.kind == DONE;
                return Ok(Some(event));
            }
            if self.ended {
                return Ok(None);
            }
            if self.poll_first {
                self.poll_first = false;
            } else {
                self.wait().await;
            }
            if self.ready.is_empty() {
                self.poll().await?;
            }
        }
    }

    /// Waits for a live event, or until it is time to look into the store.
    async fn wait(&mut self) {
        let Some(receiver) = &mut self.receiver else {
            self.receiver = tokio::time::timeout(POLL_EVERY, self.live.listen_when_begun(self.run)).await.ok();
            return;
        };
        match tokio::time::timeout(POLL_EVERY, receiver.recv()).await {
            Ok(Ok(event)) => self.ready.push_back(event),
            Ok(Err(broadcast::error::RecvError::Closed)) => self.receiver = None,
            // Lagging or silence: the store has what was missed.
            Ok(Err(broadcast::error::RecvError::Lagged(_))) | Err(_) => {}
        }
    }

    async fn poll(&mut self) -> Result<(), pilothouse_store::Error> {
        let (tenant, run, after) = (self.tenant.clone(), self.run, self.after);
        // Both are read in one view of the database: a run ends together with its last event, so one that has ended
        // and has no further event was told to its end before, and a listener who comes back waits for nothing.
        let (found, over) = self
            .store
            .read(move |tx| {
                Box::pin(async move {
                    let found = events::list(tx, &tenant, run, after, PAGE).await?;
                    let over =
                        found.is_empty() && runs::get(tx, &tenant, run).await?.is_none_or(|run| run.status.is_final());
                    Ok((found, over))
                })
            })
            .await?;
        self.ended = over;
        self.ready.extend(found.into_iter().map(|e| Event { seq: Some(e.seq), kind: e.kind, json: e.json }));
        Ok(())
    }
}
