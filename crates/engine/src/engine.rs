//! The engine's handle: start a run, watch it, wait for it, stop it, send it signals.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pilothouse_domain::run::Status;
use pilothouse_domain::{Clock, Ids, Micros, RunId, TenantId};
use pilothouse_store::journal::Entry;
use pilothouse_store::queues::Queue;
use pilothouse_store::runs::{Change, Enqueue, Lane, NewRun, Outcome, Run};
use pilothouse_store::{Error, Store};
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::clock::SharedClock;
use crate::events;
use crate::groups::Groups;
use crate::hints::{Hint, Mouth, speak};
use crate::known::{Known, Place, Starting};
use crate::lanes::Lanes;
use crate::live::{LiveRuns, Stop};
use crate::meters::{Measured, Meters};
use crate::{Also, Backend, EventStream, Registry, Request, Started};

/// Most bytes of a run's input.
pub const MAX_INPUT_BYTES: usize = 1 << 20;

/// How often somebody who waits for a run on another node looks at it.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Most entries of a journal that are shown at once.
const MAX_JOURNAL: u32 = 10_000;

/// How this process works on runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Runs worked on side by side.
    pub concurrency: usize,
    /// The queues that it serves; none means all.
    pub queues: Vec<String>,
    /// How long a worker may be silent before its runs are given to others.
    pub lease: Duration,
    /// How long a stopping process waits for its runs.
    pub drain: Duration,
    /// Whether moments are told by the database's clock, so that nodes whose clocks differ agree.
    pub database_clock: bool,
    /// How long runs are kept that have ended; dead letters are kept until somebody discards them, at most so long.
    pub keep: Keep,
}

/// How long runs are kept after their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Those that ended otherwise.
    pub ended: Duration,
    /// Dead letters that nobody has discarded.
    pub dead: Duration,
}

impl Default for Keep {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self { ended: 30 * DAY, dead: 90 * DAY }
    }
}

impl Default for Options {
    fn default() -> Self {
        let (lease, drain) = (Duration::from_secs(10), Duration::from_secs(10));
        Self { concurrency: 16, queues: Vec::new(), lease, drain, database_clock: false, keep: Keep::default() }
    }
}

/// What [`Engine::start`] says there is a conflict about when as many runs wait as may: then nothing was written.
pub const QUEUE_FULL: &str = "place in the queue";

/// The engine; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) groups: Arc<Groups>,
    pub(crate) clock: Arc<SharedClock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) registry: Registry,
    pub(crate) options: Options,
    pub(crate) live: Arc<LiveRuns>,
    pub(crate) slots: Arc<Semaphore>,
    /// There may be runs to take.
    pub(crate) wake: Notify,
    /// The database is to be looked at before the slow poll does.
    pub(crate) look: Notify,
    /// A sign of life is due before its time, since it tells which runs are to stop.
    pub(crate) beat: Notify,
    pub(crate) mouth: Mouth,
    pub(crate) meters: Arc<Meters>,
    pub(crate) tasks: TaskTracker,
    /// Where runs are worked on, whoever starts them.
    pub(crate) runtime: Handle,
    pub(crate) stopping: CancellationToken,
    known: Mutex<Known>,
}

impl Engine {
    /// An engine over `store` that knows the workflows of `registry`. Must be called inside a tokio runtime,
    /// on which runs are worked on, wherever they are started from.
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, registry: Registry, options: Options) -> Self {
        Self::over(Arc::new(store), clock, ids, registry, options)
    }

    /// The same over any database of runs.
    pub fn over(
        backend: Arc<dyn Backend>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        registry: Registry,
        options: Options,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(options.concurrency));
        let (mouth, words) = Mouth::new(backend.is_exclusive());
        if let Some(words) = words {
            tokio::spawn(speak(backend.clone(), words));
        }
        let inner = Inner {
            groups: Arc::new(Groups::begin(&backend)),
            backend,
            clock: Arc::new(SharedClock::new(clock)),
            meters: Arc::new(Meters::of(registry.kinds())),
            ids,
            registry,
            options,
            live: Arc::default(),
            slots,
            wake: Notify::new(),
            look: Notify::new(),
            beat: Notify::new(),
            mouth,
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
            stopping: CancellationToken::new(),
            known: Mutex::default(),
        };
        let engine = Self { inner: Arc::new(inner) };
        engine.rename();
        engine
    }

    /// Starts a run: it is in the database, together with its audit row, when this returns. Where this process has a
    /// free slot, the run is claimed in the same commit and begins at once.
    ///
    /// Dropping the future does not leave a claimed run behind without a worker: what has begun goes on.
    pub async fn start(&self, tenant: &TenantId, request: Request) -> Result<Started, Error> {
        self.start_with(tenant, request, None).await
    }

    /// The same, in one commit with what `also` writes; it is not run where the run exists already.
    pub async fn start_with(&self, tenant: &TenantId, request: Request, also: Option<Also>) -> Result<Started, Error> {
        let (engine, tenant) = (self.clone(), tenant.clone());
        let enqueued = async move { engine.enqueue(tenant, request, also).await }.in_current_span();
        let started = self.inner.tasks.spawn(enqueued);
        started.await.unwrap_or_else(|_| Err(Error::Unavailable("starting the run was given up".into())))
    }

    async fn enqueue(&self, tenant: TenantId, request: Request, also: Option<Also>) -> Result<Started, Error> {
        let mut wish = self.wish(tenant, request)?;
        if self.with(|known| !known.has_looked) {
            self.set_queues(self.inner.backend.queues().await?);
        }
        let id = wish.run.id;
        let place = self.place_for(&mut wish);
        let mut starting = place.is_some().then(|| self.starting(id));
        let wish = Arc::new(wish);
        let change = Change::Enqueue(wish.clone());
        let outcome = match also {
            Some(also) => self.inner.backend.apply_with(change, also).await?,
            None => self.inner.groups.apply(change).await?,
        };
        if let Some(starting) = &mut starting {
            starting.answered = true;
        }
        match (outcome, place) {
            (Outcome::Existing(id), _) => return Ok(Started { id, existed: true }),
            (Outcome::Full, _) => return Err(Error::Conflict { what: QUEUE_FULL }),
            (Outcome::New, Some(place)) => self.begin(claimed(&wish), place),
            (_, None) if wish.run.due_at > wish.run.created_at => self.wake_at(wish.run.due_at),
            (_, place) => {
                self.inner.live.expect(id);
                self.announce(wish.lane());
                drop(place);
            }
        }
        Ok(Started { id, existed: false })
    }

    fn wish(&self, tenant: TenantId, request: Request) -> Result<Enqueue, Error> {
        let now = self.inner.clock.now();
        let id = RunId(self.inner.ids.uuid(now));
        let version = self.inner.registry.newest(request.kind).ok_or(Error::Missing { what: "workflow" })?;
        if request.input.len() > MAX_INPUT_BYTES {
            return Err(Error::TooLarge { bytes: request.input.len(), most: MAX_INPUT_BYTES });
        }
        let run = NewRun {
            id,
            kind: request.kind.to_owned(),
            version,
            queue: request.queue,
            key: without_nul(request.key),
            priority: request.priority.clamp(-10, 10),
            subject: without_nul(request.subject),
            title: without_nul(request.title),
            input: request.input,
            max_attempts: request.max_attempts,
            time_limit_ms: request.time_limit_ms,
            due_at: request.due_at.unwrap_or(now).max(now),
            created_at: now,
            idem_key: request.idempotency_key.map(without_nul),
            conversation: request.conversation.map(without_nul),
            schedule: None,
        };
        let audit = request.audit.map(|mut entry| {
            entry.resource = id.to_string();
            entry
        });
        Ok(Enqueue { tenant, run, audit, worker: None, counted: false, max_waiting: request.max_waiting })
    }

    /// A place to begin the run in at once, where nothing stands before it and nothing that is known here keeps it back.
    fn place_for(&self, wish: &mut Enqueue) -> Option<Place> {
        let (inner, lane) = (&self.inner, wish.lane());
        if wish.run.due_at > wish.run.created_at || inner.stopping.is_cancelled() || !self.serves(&lane.queue) {
            return None;
        }
        let limited = self.with(|known| known.has_room(&lane, inner.backend.is_exclusive()))?;
        let slot = inner.slots.clone().try_acquire_owned().ok()?;
        wish.worker = Some(self.worker());
        wish.counted = limited && !inner.backend.is_exclusive();
        Some(self.place(lane, slot))
    }

    /// Takes a place in a lane, which is free again when the place is dropped.
    pub(crate) fn place(&self, lane: Lane, slot: OwnedSemaphorePermit) -> Place {
        self.with(|known| *known.running.entry(lane.clone()).or_default() += 1);
        Place { engine: self.clone(), lane, slot: Some(slot) }
    }

    /// The run, if the tenant has it.
    pub async fn get(&self, tenant: &TenantId, id: RunId) -> Result<Option<Run>, Error> {
        Ok(self.inner.backend.look(tenant, id, 0, 0).await?.map(|(run, _)| run))
    }

    /// The run with its whole journal, if the tenant has it.
    pub async fn journal(&self, tenant: &TenantId, id: RunId) -> Result<Option<(Run, Vec<Entry>)>, Error> {
        self.inner.backend.look(tenant, id, 0, MAX_JOURNAL).await
    }

    /// Waits until the run has ended, at most `patience`; returns it as it stands then.
    pub async fn wait(&self, tenant: &TenantId, id: RunId, patience: Duration) -> Result<Option<Run>, Error> {
        self.wait_until(tenant, id, patience, |run| run.status.is_final()).await
    }

    /// As [`Engine::wait`]; a run that waits for a signal and for no moment is not waited for either.
    pub async fn wait_for_somebody(
        &self,
        tenant: &TenantId,
        id: RunId,
        patience: Duration,
    ) -> Result<Option<Run>, Error> {
        let waits = |run: &Run| run.status == Status::Waiting && run.wake_at.is_none();
        self.wait_until(tenant, id, patience, |run| run.status.is_final() || waits(run)).await
    }

    async fn wait_until(
        &self,
        tenant: &TenantId,
        id: RunId,
        patience: Duration,
        is_enough: impl Fn(&Run) -> bool,
    ) -> Result<Option<Run>, Error> {
        match tokio::time::timeout(patience, self.when(tenant, id, is_enough)).await {
            Ok(run) => run,
            Err(_) => self.get(tenant, id).await,
        }
    }

    async fn when(&self, tenant: &TenantId, id: RunId, is_enough: impl Fn(&Run) -> bool) -> Result<Option<Run>, Error> {
        loop {
            // Where this process works on the run, it need not ask the database.
            if let Some(run) = self.inner.live.ended(id).await.filter(|run| run.tenant == *tenant) {
                return Ok(Some(run));
            }
            // What was just asked for here cannot have come far.
            if !self.inner.live.was_expected(id) {
                let run = self.get(tenant, id).await?;
                if run.as_ref().is_none_or(&is_enough) {
                    return Ok(run);
                }
            }
            // It may begin here, or end elsewhere.
            let _ = tokio::time::timeout(LOOK_EVERY, self.inner.live.when_begun(id)).await;
        }
    }

    /// The run's events after the number `after`, until its last one. The caller checks that the run exists.
    pub fn events(&self, tenant: &TenantId, id: RunId, after: i64) -> EventStream {
        events::stream(self.inner.backend.clone(), self.inner.live.clone(), tenant.clone(), id, after.max(0))
    }

    /// Cancels a run: at once where it waits, through its token where it runs. Returns it as it stands then, or none
    /// when the tenant has no such run; a run that has ended is returned as it is.
    pub async fn cancel(&self, tenant: &TenantId, id: RunId) -> Result<Option<Run>, Error> {
        let answer = self.inner.backend.cancel(tenant, id, self.inner.clock.now()).await?;
        // Only where the tenant has the run: whoever merely knows an id stops nothing.
        if answer.as_ref().is_some_and(|(_, changed)| *changed) {
            self.inner.live.stop(id, Stop::Cancelled);
            self.inner.mouth.say(Hint::Stop);
        }
        Ok(answer.map(|(run, _)| run))
    }

    /// Sends a signal to a run that has not ended; one that waits for it goes on. `payload` is JSON. Returns the run as
    /// it stands then, or none when the tenant has no such run; a run that has ended hears nothing.
    pub async fn signal(
        &self,
        tenant: &TenantId,
        id: RunId,
        name: &str,
        payload: &str,
        sent_by: &str,
    ) -> Result<Option<Run>, Error> {
        let signal = (without_nul(name.to_owned()), payload.to_owned(), without_nul(sent_by.to_owned()));
        let run = self.inner.backend.signal(tenant, id, signal, self.inner.clock.now()).await?;
        if let Some(run) = &run {
            self.announce(run.lane());
        }
        Ok(run)
    }

    /// The version that new runs of this workflow begin with, if this program has it.
    pub fn version(&self, kind: &str) -> Option<i64> {
        self.inner.registry.newest(kind)
    }

    /// Has a run tried again that did not end well; its finished steps are kept. Returns it as it stands then, with
    /// whether it is tried again, or none when the tenant has no such run.
    pub async fn retry(&self, tenant: &TenantId, id: RunId) -> Result<Option<(Run, bool)>, Error> {
        let answer = self.inner.backend.retry(tenant, id, self.inner.clock.now()).await?;
        if let Some((run, true)) = &answer {
            self.announce(run.lane());
        }
        Ok(answer)
    }

    /// Hears of a change that was committed to a run by a unit of work of the caller's own, and tells the other nodes
    /// what they can do about it: one that is ready is taken without waiting for the next look into the database, and
    /// work that nobody wants any more, or that was taken from this process, is stopped.
    pub fn notice(&self, run: &Run) {
        let inner = &self.inner;
        match run.status {
            Status::Running if run.cancel_requested => {
                inner.live.stop_claim(run.id, run.epoch, Stop::Cancelled);
                inner.mouth.say(Hint::Stop);
            }
            Status::Running => {}
            Status::Queued => {
                inner.live.stop_claim(run.id, run.epoch, Stop::Lost);
                match run.wake_at {
                    Some(at) => self.wake_at(at),
                    None => self.announce(run.lane()),
                }
            }
            _ => inner.live.stop_claim(run.id, run.epoch, Stop::Lost),
        }
    }

    /// The settings of queues have changed: this node reads them now, and the others as soon as they hear of it.
    pub async fn learn_queues(&self) -> Result<(), Error> {
        self.set_queues(self.inner.backend.queues().await?);
        self.queues_changed();
        Ok(())
    }

    /// The workflows that this program has, by kind.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.inner.registry.kinds()
    }

    /// How this process works on runs.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// The present moment as runs are told it: by the database's clock, where nodes go by that.
    pub fn now(&self) -> Micros {
        self.inner.clock.now()
    }

    /// What this process has measured of the runs that it worked on.
    pub fn measured(&self) -> Measured {
        self.inner.meters.read()
    }

    /// How many runs this process is working on.
    pub fn running(&self) -> usize {
        self.inner.live.len()
    }

    /// The name of this worker in the database.
    pub fn worker(&self) -> String {
        self.with(|known| known.worker.clone())
    }

    /// A new name at each start, so that a process never takes its predecessor's runs for its own.
    pub(crate) fn rename(&self) {
        let name = self.inner.ids.uuid(self.inner.clock.now()).simple().to_string();
        self.with(|known| known.worker = name);
    }

    /// What runs already, for a claim that begins now; none where only the database can know.
    pub(crate) fn begin_claim(&self) -> Option<BTreeMap<Lane, u32>> {
        let alone = self.inner.backend.is_exclusive();
        self.with(|known| {
            known.claiming = true;
            alone.then(|| known.running.clone())
        })
    }

    pub(crate) fn end_claim(&self) {
        self.with(|known| known.claiming = false);
    }

    /// The settings of queues have changed: this node looks at them, and so do the others.
    pub fn queues_changed(&self) {
        self.inner.look.notify_one();
        self.inner.wake.notify_one();
        self.inner.mouth.say(Hint::Queues);
    }

    /// A schedule was made or changed: this node looks at it, and so do the others.
    pub fn schedules_changed(&self) {
        self.queues_changed();
    }

    /// A run was enqueued in a unit of its own (see `pilothouse_store::runs::apply`): it can be taken.
    pub fn enqueued(&self, lane: Lane) {
        self.announce(lane);
    }

    /// A run has become ready by what this node did: it takes it, or tells the others where it cannot.
    pub(crate) fn announce(&self, lane: Lane) {
        if !self.serves(&lane.queue) || self.inner.slots.available_permits() == 0 {
            self.inner.mouth.say(Hint::Ready(lane.clone()));
        }
        self.ready(lane);
    }

    /// Whether a place that becomes free in this lane may be one that others wait for, as far as this process knows.
    pub(crate) fn is_limited(&self, lane: &Lane) -> bool {
        !lane.key.is_empty() || self.with(|known| known.queues.get(&lane.queue).is_some_and(|l| !l.is_free()))
    }

    /// A run in this lane can be taken.
    pub(crate) fn ready(&self, lane: Lane) {
        if self.serves(&lane.queue) {
            self.with_lanes(|lanes| lanes.add(lane));
            self.inner.wake.notify_one();
        }
    }

    /// A delayed or waiting run is to be looked at then.
    pub(crate) fn wake_at(&self, at: Micros) {
        let first = self.with(|known| {
            known.wakes.insert(at);
            known.wakes.first() == Some(&at)
        });
        if first {
            self.inner.wake.notify_one();
        }
    }

    pub(crate) fn next_wake(&self) -> Option<Micros> {
        self.with(|known| known.wakes.first().copied())
    }

    /// Forgets the moments that have come.
    pub(crate) fn forget_wake(&self, now: Micros) {
        self.with(|known| known.wakes = known.wakes.split_off(&(now + 1)));
    }

    pub(crate) fn set_queues(&self, queues: Vec<Queue>) {
        let limits = queues.into_iter().map(|queue| (queue.name, queue.limits)).collect();
        self.with(|known| (known.queues, known.has_looked) = (limits, true));
    }

    /// A claim, or the end of one, went unanswered: this worker may hold runs that it does not work on.
    pub(crate) fn unsure(&self) {
        self.with(|known| known.unsure = true);
    }

    /// Whether that is so; it is not from then on.
    pub(crate) fn take_unsure(&self) -> bool {
        self.with(|known| std::mem::take(&mut known.unsure))
    }

    /// A run was given back for those that know its workflow.
    pub(crate) fn leave_for_others(&self) {
        self.with(|known| known.left_for_others = true);
    }

    /// Whether that is so; it is not from then on.
    pub(crate) fn take_left_for_others(&self) -> bool {
        self.with(|known| std::mem::take(&mut known.left_for_others))
    }

    /// Whether this process works on the run under this claim, or is about to.
    pub(crate) fn works_on(&self, run: RunId, epoch: i64) -> bool {
        self.with(|known| known.starting.contains(&run)) || self.inner.live.has(run, epoch)
    }

    fn starting(&self, run: RunId) -> Starting {
        self.with(|known| known.starting.insert(run));
        Starting { engine: self.clone(), run, answered: false }
    }

    pub(crate) fn with_lanes<T>(&self, work: impl FnOnce(&mut Lanes) -> T) -> T {
        self.with(|known| work(&mut known.lanes))
    }

    pub(crate) fn with_seen_lane<T>(&self, work: impl FnOnce(&mut Option<Lane>) -> T) -> T {
        self.with(|known| work(&mut known.seen))
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.inner.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn serves(&self, queue: &str) -> bool {
        let options = &self.inner.options;
        options.concurrency > 0 && (options.queues.is_empty() || options.queues.iter().any(|own| own == queue))
    }
}

/// The run that a wish has become when it was claimed in the same commit.
fn claimed(wish: &Enqueue) -> Run {
    let run = wish.run.clone();
    Run {
        id: run.id,
        tenant: wish.tenant.clone(),
        kind: run.kind,
        version: run.version,
        queue: run.queue,
        key: run.key,
        priority: run.priority,
        subject: run.subject,
        title: run.title,
        status: Status::Running,
        input: run.input,
        output: None,
        error_code: None,
        error_message: None,
        attempt: 1,
        last_attempt: run.max_attempts.max(1),
        max_attempts: run.max_attempts.max(1),
        time_limit_ms: run.time_limit_ms,
        epoch: 1,
        seq: 1,
        signals: 0,
        created_at: run.created_at,
        due_at: run.due_at,
        wake_at: None,
        started_at: Some(run.created_at),
        finished_at: None,
        worker: wish.worker.clone(),
        idem_key: run.idem_key,
        conversation: run.conversation,
        schedule: run.schedule,
        cancel_requested: false,
        retries: 0,
        discarded_at: None,
        discarded_by: None,
        discard_reason: None,
    }
}

/// No database keeps this character in a text.
pub(crate) fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text }
}
