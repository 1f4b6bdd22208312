//! A database of runs in memory: what the store promises, as plainly as it can be said. It is the reference that the
//! simulator's checks look into, and it can be made to err on purpose.

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, RunId, ScheduleId, TenantId};
use pilothouse_store::journal::RETRIED;
use pilothouse_store::queues::Queue;
use pilothouse_store::runs::{
    Change, Enqueue, Lane, Limits, Outcome, Promoted, Released, Run, Signal, Taken, Then, Write,
};
use pilothouse_store::workers::Worker;

use crate::calendar::Ticking;
use crate::hints::Ear;
use crate::mutation::Mutation;
use crate::row::{Leaving, Row, State, Written, rank, reason};

/// Everything.
pub struct Tables {
    pub rows: BTreeMap<RunId, Row>,
    pub workers: BTreeMap<String, Worker>,
    pub limits: BTreeMap<String, Limits>,
    /// By queue with a rate, when its next run would begin, had each begun as late as the rate allows.
    pub rates: BTreeMap<String, Micros>,
    pub schedules: BTreeMap<ScheduleId, Ticking>,
    /// The runs that the audit log tells of.
    pub audited: BTreeSet<RunId>,
    /// The runs that were forgotten, as they stood then.
    pub forgotten: BTreeMap<RunId, Row>,
    /// Those who listen to hints.
    pub ears: Vec<Ear>,
    /// The runs that changed since they were checked.
    pub touched: BTreeSet<RunId>,
    pub mutation: Mutation,
    writes: u64,
}

impl Tables {
    pub fn new(mutation: Mutation) -> Self {
        Self {
            rows: BTreeMap::new(),
            workers: BTreeMap::new(),
            limits: BTreeMap::new(),
            rates: BTreeMap::new(),
            schedules: BTreeMap::new(),
            audited: BTreeSet::new(),
            forgotten: BTreeMap::new(),
            ears: Vec::new(),
            touched: BTreeSet::new(),
            mutation,
            writes: 0,
        }
    }

    fn row(&mut self, tenant: &TenantId, id: RunId) -> Option<&mut Row> {
        let row = self.rows.get_mut(&id).filter(|row| row.run.tenant == *tenant)?;
        self.touched.insert(id);
        Some(row)
    }

    pub fn get(&self, tenant: &TenantId, id: RunId) -> Option<&Row> {
        self.rows.get(&id).filter(|row| row.run.tenant == *tenant)
    }

    pub fn apply(&mut self, change: Change) -> Outcome {
        match change {
            Change::Enqueue(wish) => self.enqueue(wish.as_ref().clone()),
            Change::Write(write) => self.write(write.as_ref().clone()),
        }
    }

    pub fn enqueue(&mut self, mut wish: Enqueue) -> Outcome {
        let lane = wish.lane();
        let waits = wish.counted && wish.worker.is_some() && !self.has_room(&lane);
        if waits {
            wish.worker = None;
        }
        let run = wish.run;
        if let (Some(most), None) = (wish.max_waiting, &wish.worker)
            && self.ready_in(&lane) >= most as usize
        {
            return Outcome::Full;
        }
        if self.rows.contains_key(&run.id) {
            return Outcome::New;
        }
        let same =
            |row: &&Row| row.run.tenant == wish.tenant && row.run.kind == run.kind && row.run.idem_key == run.idem_key;
        let twice = self.mutation == Mutation::TicksTwice && run.schedule.is_some();
        if run.idem_key.is_some()
            && !twice
            && let Some(row) = self.rows.values().find(same)
        {
            return Outcome::Existing(row.run.id);
        }
        let delayed = run.due_at > run.created_at;
        let state = if delayed { State::Delayed } else { State::Ready };
        let stored = Run {
            id: run.id,
            tenant: wish.tenant,
            kind: run.kind,
            version: run.version,
            queue: run.queue,
            key: run.key,
            priority: run.priority,
            subject: run.subject,
            title: run.title,
            status: Status::Queued,
            input: run.input,
            output: None,
            error_code: None,
            error_message: None,
            attempt: 1,
            last_attempt: run.max_attempts.max(1),
            max_attempts: run.max_attempts.max(1),
            time_limit_ms: run.time_limit_ms,
            epoch: 0,
            seq: 0,
            signals: 0,
            created_at: run.created_at,
            due_at: run.due_at,
            wake_at: delayed.then_some(run.due_at),
            started_at: None,
            finished_at: None,
            worker: None,
            idem_key: run.idem_key,
            conversation: run.conversation,
            schedule: run.schedule,
            cancel_requested: false,
            retries: 0,
            discarded_at: None,
            discarded_by: None,
            discard_reason: None,
        };
        let rank = rank(run.due_at, run.priority);
        let mut row = Row { run: stored, state, rank, journal: Vec::new(), signals: Vec::new() };
        if let Some(worker) = &wish.worker {
            row.claim(worker, run.created_at);
        }
        if wish.audit.is_some() {
            self.audited.insert(run.id);
        }
        self.touched.insert(run.id);
        self.rows.insert(run.id, row);
        if waits { Outcome::Waits } else { Outcome::New }
    }

    /// Whether limits let one more run of the lane begin beside those at work.
    fn has_room(&self, lane: &Lane) -> bool {
        let mut running: BTreeMap<Lane, u32> = BTreeMap::new();
        for row in self.rows.values().filter(|row| row.state == State::Running) {
            *running.entry(row.run.lane()).or_default() += 1;
        }
        let free = Limits::default();
        self.mutation == Mutation::IgnoresLimits
            || self.limits.get(&lane.queue).unwrap_or(&free).has_room(lane, &running)
    }

    fn write(&mut self, write: Write) -> Outcome {
        self.writes += 1;
        let (mutation, lost) = (self.mutation, self.writes.is_multiple_of(7));
        let Some(row) = self.row(&write.tenant, write.run) else { return Outcome::Fenced };
        let holds = row.state == State::Running && row.run.epoch == write.epoch;
        let unfenced = mutation == Mutation::SkipsFence && row.state == State::Running;
        if !holds && !unfenced {
            let leaves = !matches!(write.then, Then::GoOn);
            let before = row.written(write.seq + i64::from(leaves), write.epoch);
            return before.map_or(Outcome::Fenced, |before| Outcome::Written(leaves.then(|| before.entry.clone())));
        }
        let claim = Some(write.epoch);
        for entry in write.entries {
            // What stands there already stays; that nothing else may stand there is checked elsewhere.
            if entry.seq as usize > row.journal.len() && !(mutation == Mutation::LosesWrites && lost) {
                row.journal.push(Written { claim, entry });
            }
        }
        let at = write.at;
        let status = Status::Queued;
        let moved = |to, wake_at, rank| Leaving { to, status, wake_at, rank, why: None, told: true, claim };
        let entry = match write.then {
            Then::GoOn => return Outcome::Written(None),
            Then::Again { .. } | Then::Back { .. } | Then::Wait { .. } if row.run.cancel_requested => {
                row.end(at, Status::Cancelled, reason(Code::RunCancelled), claim)
            }
            Then::Again { due_at, priority, why } => {
                row.run.attempt = write.attempt + 1;
                let leaving = moved(State::Delayed, Some(due_at), Some(rank(due_at, priority)));
                row.leave(at, Leaving { why: Some(why), ..leaving })
            }
            Then::Back { due_at, priority } => {
                row.leave(at, moved(State::Delayed, Some(due_at), Some(rank(due_at, priority))))
            }
            Then::Wait { until, seen, attempts } => {
                row.run.last_attempt = write.attempt + attempts - 1;
                let entry = row.leave(at, Leaving { status: Status::Waiting, ..moved(State::Waiting, until, None) });
                if row.run.signals > seen && mutation != Mutation::LosesWakeUps {
                    (row.state, row.run.status, row.run.wake_at) = (State::Ready, Status::Queued, None);
                }
                entry
            }
            Then::End { status, output, why } => {
                row.run.output = output;
                row.end(at, status, why, claim)
            }
        };
        Outcome::Written(entry)
    }

    pub fn ready_in(&self, lane: &Lane) -> usize {
        self.rows.values().filter(|row| row.state == State::Ready && row.run.lane() == *lane).count()
    }

    pub fn ready_lanes(&self, after: Option<&Lane>, limit: u32) -> Vec<Lane> {
        let ready = self.rows.values().filter(|row| row.state == State::Ready).map(|row| row.run.lane());
        let mut lanes: BTreeMap<String, Lane> = ready.map(|lane| (lane.to_string(), lane)).collect();
        if let Some(after) = after {
            lanes = lanes.split_off(&format!("{after}\0"));
        }
        lanes.into_values().take(limit as usize).collect()
    }

    /// Takes the first in a lane's line.
    pub fn take_first(&mut self, lane: &Lane, worker: &str, now: Micros) -> Option<Run> {
        let ready = self.rows.values_mut().filter(|row| row.state == State::Ready && row.run.lane() == *lane);
        let row = ready.min_by_key(|row| (row.rank, row.run.id))?;
        self.touched.insert(row.run.id);
        Some(row.claim(worker, now))
    }

    /// The runs that were taken, as they were then.
    pub fn taken(&self, runs: Vec<Taken>) -> Vec<Run> {
        let as_then = |was: Taken| {
            let run = self.rows[&was.id].run.clone();
            Run {
                status: Status::Running,
                worker: Some(was.worker),
                attempt: was.attempt,
                last_attempt: was.last_attempt,
                epoch: was.epoch,
                seq: was.seq,
                signals: was.signals,
                cancel_requested: was.cancel_requested,
                ..run
            }
        };
        runs.into_iter().map(as_then).collect()
    }

    /// How many runs are at work, of those that `counts`.
    pub fn running(&self, counts: impl Fn(&Run) -> bool) -> u32 {
        self.rows.values().filter(|row| row.state == State::Running && counts(&row.run)).count() as u32
    }

    pub fn promote(&mut self, now: Micros, limit: u32) -> Promoted {
        let mut due: Vec<(Micros, RunId)> =
            self.rows.values().filter_map(|row| Some((row.run.wake_at?, row.run.id))).collect();
        due.sort();
        let mut lanes = BTreeSet::new();
        for (_, id) in due.iter().take_while(|(at, _)| *at <= now).take(limit as usize) {
            if let Some(row) = self.rows.get_mut(id) {
                let (waited, why) = (row.state == State::Waiting, None);
                row.ready(now, why, waited);
                lanes.insert(row.run.lane());
                self.touched.insert(*id);
            }
        }
        let next_at = self.rows.values().filter_map(|row| row.run.wake_at).min();
        Promoted { lanes: lanes.into_iter().collect(), next_at }
    }

    pub fn queues(&self) -> Vec<Queue> {
        let queue = |(name, limits): (&String, &Limits)| Queue {
            name: name.clone(),
            limits: limits.clone(),
            paused: limits.paused.then(|| (0, "ada".to_owned())),
            paused_reason: None,
        };
        self.limits.iter().map(queue).collect()
    }

    pub fn beat(&mut self, worker: &str, now: Micros) -> Option<Vec<(TenantId, RunId)>> {
        let found = self.workers.get_mut(worker).filter(|worker| !worker.gone)?;
        (found.beats, found.beat_at) = (found.beats + 1, now);
        let own = self.held_by(worker).filter(|row| row.run.cancel_requested);
        Some(own.map(|row| (row.run.tenant.clone(), row.run.id)).collect())
    }

    fn held_by<'a>(&'a self, worker: &'a str) -> impl Iterator<Item = &'a Row> {
        self.rows.values().filter(move |row| row.state == State::Running && row.run.worker.as_deref() == Some(worker))
    }

    /// Those that have announced themselves, and those that hold runs all the same.
    pub fn workers(&self) -> Vec<Worker> {
        let mut all = self.workers.clone();
        for name in self.rows.values().filter_map(|row| row.run.worker.as_ref()) {
            all.entry(name.clone()).or_insert_with(|| Worker {
                id: name.clone(),
                queues: String::new(),
                workflows: String::new(),
                concurrency: 0,
                started_at: 0,
                beat_at: 0,
                beats: 0,
                gone: false,
            });
        }
        all.into_values().collect()
    }

    pub fn give_up(&mut self, worker: &str, beats: Option<i64>, now: Micros, limit: u32) -> Option<Released> {
        if let Some(found) = self.workers.get_mut(worker) {
            if !found.gone && beats.is_some_and(|beats| beats != found.beats) {
                return None;
            }
            found.gone = true;
        }
        let forgets = self.mutation == Mutation::ForgetsToTakeBack;
        let held: Vec<RunId> = self.held_by(worker).map(|row| row.run.id).take(limit as usize).collect();
        if held.is_empty() || forgets {
            self.workers.remove(worker);
            return Some(Released::default());
        }
        let (mut lanes, mut tenants) = (BTreeSet::new(), BTreeMap::new());
        for id in &held {
            self.touched.insert(*id);
            let Some(row) = self.rows.get_mut(id) else { continue };
            let why = reason(Code::RunInterrupted);
            *tenants.entry(row.run.tenant.clone()).or_insert(0) += 1;
            if row.run.cancel_requested {
                row.end(now, Status::Cancelled, reason(Code::RunCancelled), None);
            } else if row.run.attempt < row.run.last_attempt {
                row.run.attempt += 1;
                row.ready(now, why, true);
                lanes.insert(row.run.lane());
            } else {
                row.end(now, Status::Dead, why, None);
            }
        }
        Some(Released { runs: held.len(), tenants, lanes })
    }

    pub fn held(&self, worker: &str) -> Vec<(TenantId, RunId, i64)> {
        self.held_by(worker).map(|row| (row.run.tenant.clone(), row.run.id, row.run.epoch)).collect()
    }

    pub fn put_back(&mut self, runs: Vec<(TenantId, RunId, i64)>, now: Micros) -> Released {
        let mut released = Released::default();
        for (tenant, id, epoch) in runs {
            let Some(row) = self.row(&tenant, id) else { continue };
            if row.state != State::Running || row.run.epoch != epoch {
                continue;
            }
            if row.run.cancel_requested {
                row.end(now, Status::Cancelled, reason(Code::RunCancelled), None);
            } else {
                row.ready(now, None, true);
                released.lanes.insert(row.run.lane());
            }
            released.runs += 1;
        }
        released
    }

    pub fn cancel(&mut self, tenant: &TenantId, id: RunId, now: Micros) -> Option<(Run, bool)> {
        let row = self.row(tenant, id)?;
        let lives = row.state != State::Ended;
        row.run.cancel_requested = lives;
        if lives && row.state != State::Running {
            row.end(now, Status::Cancelled, reason(Code::RunCancelled), None);
        }
        Some((row.run.clone(), lives))
    }

    pub fn signal(
        &mut self,
        tenant: &TenantId,
        id: RunId,
        signal: (String, String, String),
        at: Micros,
    ) -> Option<Run> {
        let mutation = self.mutation;
        let row = self.row(tenant, id)?;
        if row.state != State::Ended {
            row.run.signals += 1;
            let (name, payload, sent_by) = signal;
            row.signals.push(Signal { seq: row.run.signals, name, payload, sent_by, at });
            if row.state == State::Waiting && mutation != Mutation::LosesWakeUps {
                row.ready(at, None, true);
            }
        }
        Some(row.run.clone())
    }

    pub fn retry(&mut self, tenant: &TenantId, id: RunId, now: Micros) -> Option<(Run, bool)> {
        let row = self.row(tenant, id)?;
        let unwell = matches!(row.run.status, Status::Failed | Status::Cancelled | Status::Dead);
        if unwell {
            row.run.last_attempt = row.run.attempt + row.run.max_attempts;
            row.run.attempt += 1;
            row.run.retries += 1;
            (row.state, row.run.status, row.rank) = (State::Ready, Status::Queued, rank(now, row.run.priority));
            (row.run.output, row.run.error_code, row.run.error_message) = (None, None, None);
            (row.run.finished_at, row.run.discarded_at) = (None, None);
            row.run.signals = row.signals.len() as i64;
            row.note(None, now, RETRIED, None);
        }
        Some((row.run.clone(), unwell))
    }
}
