//! The worker: takes runs in turn, begins them, shows that it lives, and takes back the runs of workers that do not.

use std::collections::HashMap;
use std::time::Duration;

use pilothouse_domain::{Clock as _, Micros, TenantId};
use pilothouse_store::Error;
use pilothouse_store::runs::{Claim, Lane, Run};
use pilothouse_store::workers::Worker;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::Engine;
use crate::attempt;
use crate::hints::Hint;
use crate::known::Place;
use crate::lanes::Found;
use crate::live::Stop;

/// The slow poll behind the wake-ups.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Most runs taken in one commit.
const MOST_TAKEN: usize = 512;
/// Most lanes that one claim looks into.
const MOST_LANES: usize = 512;
/// Lanes read from the database at once, and most that one look learns of.
const LANES_PAGE: u32 = 500;
/// Most runs made ready, or taken back, in one commit.
const BATCH: u32 = 500;
/// Most schedules decided on in one commit.
const MOST_SCHEDULES: u32 = 50;

/// Runs of a tenant after which one call takes back no more.
const MOST_RECONCILED: usize = 10_000;

/// Workers that are watched: the count that each stood at, and since when by this process's clock.
type Watched = HashMap<String, (i64, Instant)>;

impl Engine {
    /// Works on runs until `stop` fires, then lets those at work end within the drain time.
    pub async fn work(&self, stop: CancellationToken) {
        let joined = self.join().await;
        self.report("announce itself", joined);
        if self.inner.backend.is_exclusive() {
            let released = self.take_back_all().await;
            self.report("take back the runs of an earlier process", released);
        }
        let ended = CancellationToken::new();
        let beating = tokio::spawn(self.clone().beat_until(ended.clone()));
        let listening = tokio::spawn(self.clone().listen());
        let pruning = tokio::spawn(self.clone().prune_for_ever());
        self.dispatch(&stop).await;
        self.drain().await;
        ended.cancel();
        // A task that panicked has nothing left to say.
        let _ = beating.await;
        listening.abort();
        pruning.abort();
        // Only now: whoever still showed that it lives would take itself for given up, and announce itself anew.
        let left = self.inner.backend.give_up(&self.worker(), None, self.inner.clock.now(), BATCH).await;
        self.report("sign off", left);
    }

    async fn dispatch(&self, stop: &CancellationToken) {
        let mut next_look = Instant::now();
        while !stop.is_cancelled() {
            if Instant::now() >= next_look {
                next_look = Instant::now() + POLL_EVERY;
                // What was left for others is theirs to find: each of them looks before this worker does again.
                if !self.take_left_for_others() {
                    let looked = self.look().await;
                    self.report("look for runs", looked);
                }
            }
            let promoted = self.promote().await;
            self.report("wake runs", promoted);
            let taken = self.take().await;
            if self.report("take runs", taken).unwrap_or(0) > 0 {
                continue;
            }
            let until = self.next_moment().map_or(next_look, |moment| next_look.min(moment));
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.inner.look.notified() => next_look = Instant::now(),
                () = self.inner.wake.notified() => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    /// Lets the runs at work end; those that do not in time go back, for others.
    async fn drain(&self) {
        self.inner.stopping.cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(self.inner.options.drain, self.inner.tasks.wait()).await.is_err() {
            tracing::warn!(runs = self.running(), "stopping with runs at work; they go on at the next start");
            self.inner.live.stop_all(Stop::HandedBack);
            let _ = tokio::time::timeout(self.inner.options.lease, self.inner.tasks.wait()).await;
        }
    }

    pub(crate) fn report<T>(&self, what: &str, result: Result<T, Error>) -> Option<T> {
        result
            .inspect_err(|error| tracing::warn!(code = error.code().as_str(), "the engine could not {what}: {error}"))
            .ok()
    }

    /// Takes as many runs as there is room for, and begins them. Returns how many.
    async fn take(&self) -> Result<usize, Error> {
        let inner = &self.inner;
        let free = inner.slots.available_permits().min(MOST_TAKEN);
        if free == 0 || self.with_lanes(|lanes| lanes.is_empty()) {
            return Ok(0);
        }
        let Ok(mut slots) = inner.slots.clone().try_acquire_many_owned(u32::try_from(free).unwrap_or(1)) else {
            return Ok(0);
        };
        let lanes = self.with_lanes(|lanes| lanes.take(MOST_LANES));
        let (worker, now) = (self.worker(), inner.clock.now());
        let most = u32::try_from(free).unwrap_or(u32::MAX);
        let running = self.begin_claim();
        let claimed = inner.backend.claim(Claim { worker, lanes: lanes.clone(), most, running, now }).await;
        let claimed = match claimed {
            Ok(claimed) => claimed,
            Err(error) => {
                self.end_claim();
                self.unsure();
                self.with_lanes(|all| all.give_back(lanes, Found::default()));
                return Err(error);
            }
        };
        let served = claimed.runs.iter().map(|run| run.lane.clone()).collect();
        let found = Found { served, empty: claimed.empty, blocked: claimed.blocked };
        self.with_lanes(|all| all.give_back(lanes, found));
        if let Some(at) = claimed.retry_at {
            self.wake_at(at);
        }
        let runs = inner.backend.taken(claimed.runs).await.inspect_err(|_| {
            self.end_claim();
            self.unsure();
        })?;
        let count = runs.len();
        for run in runs {
            if let Some(slot) = slots.split(1) {
                let place = self.place(run.lane(), slot);
                self.begin(run, place);
            }
        }
        self.end_claim();
        Ok(count)
    }

    /// Begins to work on a claimed run.
    pub(crate) fn begin(&self, run: Run, place: Place) {
        let engine = self.clone();
        if let (1, Some(began)) = (run.epoch, run.started_at) {
            self.inner.meters.began(&run.queue, began - run.due_at);
        }
        // Before the task has its turn, so that whoever started the run hears it from its first event on.
        let cancel = CancellationToken::new();
        self.inner.live.begin(run.id, run.epoch, cancel.clone());
        let span = attempt::span(&run);
        // Boxed, since it is large and goes through several hands.
        let work = Box::pin(async move {
            engine.attempt(run, cancel).await;
            drop(place);
        });
        self.inner.tasks.spawn_on(work.instrument(span), &self.inner.runtime);
    }

    /// A run of this lane has left its place.
    pub(crate) fn freed(&self, lane: &Lane) {
        self.with_lanes(|lanes| lanes.unblock(Some(&lane.queue)));
        self.inner.wake.notify_one();
        if self.is_limited(lane) {
            self.inner.mouth.say(Hint::Freed(lane.queue.clone()));
        }
    }

    /// The present moment. Where nodes go by the database's time, nobody acts by another one before it was told.
    pub(crate) async fn moment(&self) -> Result<Micros, Error> {
        if !self.inner.clock.is_told() {
            self.learn_time().await?;
        }
        Ok(self.inner.clock.now())
    }

    /// Learns the time that nodes share.
    async fn learn_time(&self) -> Result<(), Error> {
        let shared = self.inner.options.database_clock && !self.inner.backend.is_exclusive();
        if shared && let Some(now) = self.inner.backend.now().await? {
            self.inner.clock.set(now);
        }
        Ok(())
    }

    /// Makes runs ready whose moment has come.
    async fn promote(&self) -> Result<(), Error> {
        let now = self.moment().await?;
        if self.next_wake().is_none_or(|at| at > now) {
            return Ok(());
        }
        self.forget_wake(now);
        self.with_lanes(|lanes| lanes.unblock(None));
        let promoted = self.inner.backend.promote(now, BATCH).await?;
        promoted.lanes.into_iter().for_each(|lane| self.announce(lane));
        if let Some(next) = promoted.next_at {
            self.wake_at(next);
        }
        self.fire(now).await
    }

    /// Enqueues what schedules want.
    async fn fire(&self, now: Micros) -> Result<(), Error> {
        let inner = &self.inner;
        let fired =
            inner.backend.fire_schedules(inner.registry.versions(), inner.ids.clone(), now, MOST_SCHEDULES).await?;
        fired.lanes.into_iter().for_each(|lane| self.announce(lane));
        if let Some(next) = fired.next_at {
            self.wake_at(next);
        }
        if fired.stopped {
            inner.beat.notify_one();
            inner.mouth.say(Hint::Stop);
        }
        Ok(())
    }

    /// The slow poll: what other nodes, or a lost wake-up, left to be found.
    async fn look(&self) -> Result<(), Error> {
        let backend = &self.inner.backend;
        self.set_queues(backend.queues().await?);
        self.put_back_strays().await?;
        self.with_lanes(|lanes| lanes.unblock(None));
        let now = self.moment().await?;
        self.fire(now).await?;
        let promoted = backend.promote(now, BATCH).await?;
        if let Some(next) = promoted.next_at {
            self.wake_at(next);
        }
        let after = self.with_seen_lane(|seen| seen.take());
        let lanes = backend.ready_lanes(after, LANES_PAGE).await?;
        if lanes.len() == LANES_PAGE as usize {
            self.with_seen_lane(|seen| *seen = lanes.last().cloned());
        }
        lanes.into_iter().chain(promoted.lanes).for_each(|lane| self.ready(lane));
        Ok(())
    }

    /// Puts back what this worker holds and does not work on, where an answer of the database was lost. Claims come from
    /// the task that this is called in, so none is under way.
    async fn put_back_strays(&self) -> Result<(), Error> {
        if !self.take_unsure() {
            return Ok(());
        }
        let strays = async {
            // First what is held, then what is worked on: a run that begins in between is in the second.
            let held = self.inner.backend.held(&self.worker()).await?;
            let strays: Vec<_> = held.into_iter().filter(|(_, run, epoch)| !self.works_on(*run, *epoch)).collect();
            if strays.is_empty() {
                return Ok(());
            }
            tracing::warn!(runs = strays.len(), "putting back runs whose claim was never answered");
            let released = self.inner.backend.put_back(strays, self.inner.clock.now()).await?;
            released.lanes.into_iter().for_each(|lane| self.announce(lane));
            Ok(())
        };
        strays.await.inspect_err(|_| self.unsure())
    }

    async fn join(&self) -> Result<(), Error> {
        let (options, now) = (&self.inner.options, self.moment().await?);
        let worker = Worker {
            id: self.worker(),
            queues: options.queues.join(","),
            workflows: self.inner.registry.names().join(","),
            concurrency: i64::try_from(options.concurrency).unwrap_or(i64::MAX),
            started_at: now,
            beat_at: now,
            beats: 0,
            gone: false,
        };
        self.inner.backend.join(worker).await
    }

    /// Shows that this worker lives, and watches the others.
    async fn beat_until(self, stop: CancellationToken) {
        let lease = self.inner.options.lease;
        let (mut alive_at, mut watched) = (Instant::now(), Watched::new());
        let mut beats = tokio::time::interval(lease / 5);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.inner.beat.notified() => {}
                _ = beats.tick() => {}
            }
            let beaten = self.beat().await;
            if self.report("show that it lives", beaten).is_some() {
                alive_at = Instant::now();
            } else if !self.inner.backend.is_exclusive() && alive_at.elapsed() >= lease {
                // Others must take this worker for gone by now.
                self.inner.live.stop_all(Stop::Lost);
            }
            let watching = self.watch(&mut watched).await;
            self.report("watch the other workers", watching);
        }
    }

    async fn beat(&self) -> Result<(), Error> {
        self.learn_time().await?;
        let (worker, now) = (self.worker(), self.inner.clock.now());
        match self.inner.backend.beat(&worker, now).await? {
            Some(cancelled) => {
                cancelled.into_iter().for_each(|(_, run)| self.inner.live.stop(run, Stop::Cancelled));
                Ok(())
            }
            None => {
                tracing::warn!("this worker was given up by the others; it goes on under another name");
                self.inner.live.stop_all(Stop::Lost);
                self.rename();
                self.join().await
            }
        }
    }

    /// Takes back the runs of workers whose count has stood still for as long as a lease, by this process's clock.
    async fn watch(&self, watched: &mut Watched) -> Result<(), Error> {
        let (own, now, lease) = (self.worker(), Instant::now(), self.inner.options.lease);
        let others: Vec<Worker> = self.inner.backend.workers().await?;
        let others: Vec<Worker> = others.into_iter().filter(|worker| worker.id != own).collect();
        watched.retain(|id, _| others.iter().any(|worker| worker.id == *id));
        for worker in others {
            let (beats, since) = watched.entry(worker.id.clone()).or_insert((worker.beats, now));
            if *beats != worker.beats {
                (*beats, *since) = (worker.beats, now);
            }
            if worker.gone || now.duration_since(*since) >= lease {
                self.take_back(&worker.id, Some(worker.beats)).await?;
            }
        }
        Ok(())
    }

    /// Takes back, at once, the runs of workers whose last sign of life is older than `stale_after` by this process's
    /// clock, instead of when they have been watched for a lease. No worker that beats loses anything: where the clock
    /// alone speaks against one that may still live, its count is looked at again after two beats. Returns how many of
    /// the tenant's runs were taken back, and whether there may be more.
    pub async fn reconcile(&self, tenant: &TenantId, stale_after: Duration) -> Result<(usize, bool), Error> {
        let (backend, lease) = (&self.inner.backend, self.inner.options.lease);
        let age = Micros::try_from(stale_after.max(lease).as_micros()).unwrap_or(Micros::MAX);
        let own = self.worker();
        let silent_since = self.inner.clock.now().saturating_sub(age);
        let mut stale = backend.workers().await?;
        stale.retain(|worker| worker.id != own && (worker.gone || worker.beat_at <= silent_since));
        if stale.iter().any(|worker| !worker.gone) && !backend.is_exclusive() {
            tokio::time::sleep(lease * 2 / 5).await;
            let now = backend.workers().await?;
            let beats = |id: &str| now.iter().find(|worker| worker.id == id).map(|worker| worker.beats);
            stale.retain(|worker| worker.gone || beats(&worker.id) == Some(worker.beats));
        }
        let mut taken = 0;
        for worker in stale {
            while let Some(released) =
                backend.give_up(&worker.id, Some(worker.beats), self.inner.clock.now(), BATCH).await?
            {
                taken += released.tenants.get(tenant).copied().unwrap_or(0);
                let over = released.runs == 0;
                released.lanes.into_iter().for_each(|lane| self.ready(lane));
                if taken >= MOST_RECONCILED {
                    return Ok((taken, true));
                }
                if over {
                    break;
                }
            }
        }
        Ok((taken, false))
    }

    async fn take_back_all(&self) -> Result<(), Error> {
        let own = self.worker();
        for worker in self.inner.backend.workers().await? {
            if worker.id != own {
                self.take_back(&worker.id, None).await?;
            }
        }
        Ok(())
    }

    async fn take_back(&self, worker: &str, beats: Option<i64>) -> Result<(), Error> {
        let mut taken = 0;
        while let Some(released) = self.inner.backend.give_up(worker, beats, self.inner.clock.now(), BATCH).await? {
            if released.runs == 0 {
                break;
            }
            taken += released.runs;
            released.lanes.into_iter().for_each(|lane| self.announce(lane));
        }
        if taken > 0 {
            tracing::info!(runs = taken, "took back the runs of a worker that vanished");
        }
        Ok(())
    }

    /// When the next delayed run's moment comes, by the clock of tasks.
    fn next_moment(&self) -> Option<Instant> {
        let wait: Micros = self.next_wake()? - self.inner.clock.now();
        Some(Instant::now() + Duration::from_micros(u64::try_from(wait).unwrap_or(0)))
    }
}
