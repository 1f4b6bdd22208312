//! The runs that this process is working on: who listens to them, and how they are told to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use pilothouse_domain::RunId;
use pilothouse_store::runs::Run;
use tokio::sync::{Notify, broadcast, oneshot};
use tokio_util::sync::CancellationToken;

use crate::Event;

/// Events that a slow listener may fall behind before it reads from the database instead.
const EVENTS_KEPT: usize = 64;

/// Runs that are known to be on their way here or elsewhere; of more, the oldest are asked for in the database.
const MOST_EXPECTED: usize = 10_000;

/// Why an attempt is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Somebody cancelled the run.
    Cancelled,
    /// The attempt has taken too long.
    TimedOut,
    /// This process stops; another one may go on.
    HandedBack,
    /// The run is somebody else's by now: nothing may be written.
    Lost,
}

/// What this process knows of a run that it is working on.
struct Live {
    /// Which claim this is: after a lost lease, this process may claim the run anew while its old attempt still ends.
    epoch: i64,
    /// There from the first listener on.
    sender: Option<broadcast::Sender<Event>>,
    cancel: CancellationToken,
    stop: Option<Stop>,
    /// Those who wait for its end and nothing else.
    waiting: Vec<oneshot::Sender<Run>>,
}

/// The runs that this process is working on.
#[derive(Default)]
pub(crate) struct LiveRuns {
    runs: Mutex<BTreeMap<RunId, Live>>,
    coming: Mutex<Coming>,
}

/// The runs that this process does not work on, but may soon.
#[derive(Default)]
struct Coming {
    /// Those that it has just asked for, and that have begun nowhere as far as it knows.
    expected: BTreeSet<RunId>,
    /// Those whose beginning somebody waits for, and how many do.
    awaited: BTreeMap<RunId, (usize, Arc<Notify>)>,
}

/// Somebody who waits for a run's beginning.
struct Awaiting<'l> {
    live: &'l LiveRuns,
    run: RunId,
    begun: Arc<Notify>,
}

impl Drop for Awaiting<'_> {
    fn drop(&mut self) {
        self.live.with_coming(|coming| {
            if let Some((others, _)) = coming.awaited.get_mut(&self.run) {
                *others -= 1;
                if *others == 0 {
                    coming.awaited.remove(&self.run);
                }
            }
        });
    }
}

impl LiveRuns {
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<RunId, Live>) -> T) -> T {
        work(&mut self.runs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_coming<T>(&self, work: impl FnOnce(&mut Coming) -> T) -> T {
        work(&mut self.coming.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A run that was just stored will begin, here or elsewhere.
    pub(crate) fn expect(&self, run: RunId) {
        self.with_coming(|coming| {
            coming.expected.insert(run);
            if coming.expected.len() > MOST_EXPECTED {
                coming.expected.pop_first();
            }
        });
    }

    /// Whether the run was expected and has not begun here; from now on it is not expected any more.
    pub(crate) fn was_expected(&self, run: RunId) -> bool {
        self.with_coming(|coming| coming.expected.remove(&run))
    }

    /// Begins to tell of a run; an attempt under an older claim is told to stop.
    pub(crate) fn begin(&self, run: RunId, epoch: i64, cancel: CancellationToken) {
        let live = Live { epoch, sender: None, cancel, stop: None, waiting: Vec::new() };
        if let Some(older) = self.with(|runs| runs.insert(run, live)) {
            older.cancel.cancel();
        }
        self.with_coming(|coming| {
            coming.expected.remove(&run);
            if let Some((_, begun)) = coming.awaited.get(&run) {
                begun.notify_waiters();
            }
        });
    }

    /// Ends what `begin` began under this claim. Where the run itself has ended, those who wait for that are told how.
    pub(crate) fn end(&self, run: RunId, epoch: i64, ended: Option<Run>) {
        let live = self.with(|runs| match runs.get(&run) {
            Some(live) if live.epoch == epoch => runs.remove(&run),
            _ => None,
        });
        for waiting in live.into_iter().flat_map(|live| live.waiting) {
            // Whoever is not told, because the run goes on elsewhere or later, looks for itself.
            if let Some(ended) = ended.clone() {
                let _ = waiting.send(ended);
            }
        }
    }

    /// Whether the attempt under this claim goes on here.
    pub(crate) fn has(&self, run: RunId, epoch: i64) -> bool {
        self.with(|runs| runs.get(&run).is_some_and(|live| live.epoch == epoch))
    }

    /// Waits for the end of a run that this process works on: how it stands then, or none where it only leaves this
    /// process. None at once where this process does not work on it.
    pub(crate) async fn ended(&self, run: RunId) -> Option<Run> {
        let (told, waiting) = oneshot::channel();
        self.with(|runs| runs.get_mut(&run).map(|live| live.waiting.push(told)))?;
        waiting.await.ok()
    }

    /// Waits until this process begins to work on the run.
    pub(crate) async fn when_begun(&self, run: RunId) {
        let begun = self.with_coming(|coming| {
            let (waiting, begun) = coming.awaited.entry(run).or_default();
            *waiting += 1;
            begun.clone()
        });
        let awaiting = Awaiting { live: self, run, begun };
        loop {
            let mut begun = std::pin::pin!(awaiting.begun.notified());
            begun.as_mut().enable();
            if self.with(|runs| runs.contains_key(&run)) {
                return;
            }
            begun.await;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.with(|runs| runs.len())
    }

    /// Tells whoever listens; what an older claim says is not heard any more.
    pub(crate) fn tell(&self, run: RunId, epoch: i64, event: impl FnOnce() -> Event) {
        let sender = self.with(|runs| {
            let live = runs.get(&run).filter(|live| live.epoch == epoch)?;
            live.sender.clone()
        });
        // Nobody listening any more is no fault.
        sender.map(|sender| sender.send(event()));
    }

    /// Tells a run to stop, and why; the first reason counts.
    pub(crate) fn stop(&self, run: RunId, why: Stop) {
        self.with(|runs| runs.get_mut(&run).map(|live| live.halt(why)));
    }

    /// Tells the attempt under this claim to stop; one under another claim is not meant.
    pub(crate) fn stop_claim(&self, run: RunId, epoch: i64, why: Stop) {
        self.with(|runs| runs.get_mut(&run).filter(|live| live.epoch == epoch).map(|live| live.halt(why)));
    }

    /// Tells every run to stop.
    pub(crate) fn stop_all(&self, why: Stop) {
        self.with(|runs| runs.values_mut().for_each(|live| live.halt(why)));
    }

    /// Why the attempt under this claim was told to stop. One whose place a newer claim has taken has lost the run.
    pub(crate) fn stopped(&self, run: RunId, epoch: i64) -> Option<Stop> {
        self.with(|runs| match runs.get(&run) {
            Some(live) if live.epoch == epoch => live.stop,
            _ => Some(Stop::Lost),
        })
    }

    pub(crate) fn listen(&self, run: RunId) -> Option<broadcast::Receiver<Event>> {
        self.with(|runs| {
            let live = runs.get_mut(&run)?;
            Some(live.sender.get_or_insert_with(|| broadcast::channel(EVENTS_KEPT).0).subscribe())
        })
    }

    /// Listens as soon as this process begins to work on the run.
    pub(crate) async fn listen_when_begun(&self, run: RunId) -> broadcast::Receiver<Event> {
        loop {
            self.when_begun(run).await;
            if let Some(receiver) = self.listen(run) {
                return receiver;
            }
        }
    }
}

impl Live {
    fn halt(&mut self, why: Stop) {
        self.stop.get_or_insert(why);
        self.cancel.cancel();
    }
}
