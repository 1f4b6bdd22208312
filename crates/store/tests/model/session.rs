//! A sequence of operations as it goes on: what each means, now that it is known what was claimed and wished for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pilothouse_domain::{Micros, RunId, TenantId};
use pilothouse_store::journal::{Entry, EntryKind};
use pilothouse_store::runs::{Change, Claim, Enqueue, Lane, Limits, NewRun, Outcome, Run, Then, Write};
use pilothouse_store::workers::Worker;
use uuid::Uuid;

use crate::call::{Answer, Call};
use crate::ops::{Item, Op, Wanted, What, Which};
use crate::state::{Id, Kept, State};

/// When each sequence begins.
const START: Micros = 1_000_000_000_000;
const MILLISECOND: Micros = 1_000;
const SECOND: Micros = 1_000_000;

/// A run in a worker's hands, as far as the worker knows.
#[derive(Debug, Clone)]
struct Hold {
    run: Run,
    seq: i64,
    /// Whether the worker has let it go.
    left: bool,
}

/// What was asked so far.
pub struct Session {
    pub state: State,
    /// Each change takes a microsecond, so that no two moments are the same.
    now: Micros,
    ids: u128,
    /// The oldest first.
    order: Vec<Id>,
    holds: Vec<Hold>,
    wishes: Vec<Enqueue>,
    writes: Vec<Write>,
}

impl Session {
    pub fn new() -> Self {
        Self {
            state: State::default(),
            now: START,
            ids: 0,
            order: Vec::new(),
            holds: Vec::new(),
            wishes: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// What the operation asks of a database; none where there is nothing to ask it of.
    pub fn call(&mut self, op: &Op) -> Option<Call> {
        self.now += 1;
        let now = self.now;
        Some(match op {
            Op::Apply(items) => {
                let mut touched = BTreeSet::new();
                let changes: Vec<Change> = items.iter().filter_map(|item| self.change(item, &mut touched)).collect();
                Call::Apply(changes)
            }
            Op::Claim { worker, lanes, most } => {
                let lanes = lanes.iter().map(|number| lane(*number)).collect();
                Call::Claim(Claim { worker: name(*worker), lanes, most: u32::from(*most), running: None, now })
            }
            Op::Tick(by) => {
                self.now += Micros::from(*by) * MILLISECOND;
                return None;
            }
            Op::Promote { limit } => Call::Promote { now, limit: u32::from(*limit) },
            Op::Cancel(which) => self.of(which).map(|(tenant, run)| Call::Cancel(tenant, run, now))?,
            Op::Signal(which) => self.of(which).map(|(tenant, run)| Call::Signal(tenant, run, now))?,
            Op::TakeOne(which) => self.of(which).map(|(tenant, run)| Call::TakeOne(tenant, run, now))?,
            Op::Retry(which) => self.of(which).map(|(tenant, run)| Call::Retry(tenant, run, now))?,
            Op::Discard(which) => self.of(which).map(|(tenant, run)| Call::Discard(tenant, run, now))?,
            Op::Join(worker) => Call::Join(joined(name(*worker), now)),
            Op::Beat(worker) => Call::Beat(name(*worker), now),
            Op::GiveUp { worker, stale } => {
                let beats = self.state.workers.get(&name(*worker)).map_or(0, |worker| worker.beats);
                Call::GiveUp(name(*worker), Some(beats - i64::from(*stale)))
            }
            Op::Release(worker) => Call::Release(name(*worker), now),
            Op::Forget(worker) => Call::Forget(name(*worker)),
            Op::Limits { queue, running, per_tenant, per_key, rate } => {
                let limits = Limits {
                    paused: false,
                    running: running.map(u32::from),
                    running_per_tenant: per_tenant.map(u32::from),
                    running_per_key: per_key.map(u32::from),
                    rate: rate.map(|(count, seconds)| (u32::from(count), Micros::from(seconds) * SECOND)),
                };
                Call::Limits(queue_name(*queue), limits, now)
            }
            Op::Pause { queue, on } => Call::Pause(queue_name(*queue), *on, now),
        })
    }

    /// Asks the model, and notes what workers know by its answer.
    pub fn answer(&mut self, call: &Call) -> Answer {
        let answer = self.state.ask(call);
        match (call, &answer) {
            (Call::Claim(_), Answer::Claimed { runs, .. }) => runs.iter().for_each(|run| self.hold(run.clone())),
            (Call::Apply(changes), Answer::Outcomes(outcomes)) => {
                for (change, outcome) in changes.iter().zip(outcomes) {
                    self.note(change, outcome);
                }
            }
            _ => {}
        }
        answer
    }

    /// The runs that a call named or changed, each with the number of its last entry before.
    pub fn touched(&self, call: &Call, before: &BTreeMap<Id, (Run, i64)>) -> Vec<(TenantId, RunId, i64)> {
        let mut touched: BTreeSet<Id> = match call {
            Call::Apply(changes) => changes.iter().map(id_of).collect(),
            Call::Cancel(tenant, run, _)
            | Call::Signal(tenant, run, _)
            | Call::Retry(tenant, run, _)
            | Call::Discard(tenant, run, _) => BTreeSet::from([(tenant.clone(), *run)]),
            _ => BTreeSet::new(),
        };
        let changed = self.state.runs.iter().filter(|(id, kept)| before.get(id).map(|(run, _)| run) != Some(&kept.run));
        touched.extend(changed.map(|(id, _)| id.clone()));
        let was = |id: &Id| before.get(id).map_or(0, |(_, length)| *length);
        touched.into_iter().map(|id| (id.0.clone(), id.1, was(&id))).collect()
    }

    fn note(&mut self, change: &Change, outcome: &Outcome) {
        match change {
            Change::Enqueue(wish) if matches!(outcome, Outcome::New | Outcome::Waits) => {
                let id = id_of(change);
                if self.order.contains(&id) {
                    return;
                }
                if wish.worker.is_some() && *outcome == Outcome::New {
                    self.hold(self.state.runs[&id].run.clone());
                }
                self.order.push(id);
            }
            Change::Write(write) if *outcome != Outcome::Fenced => {
                let same = |hold: &&mut Hold| hold.run.id == write.run && hold.run.epoch == write.epoch;
                if let Some(hold) = self.holds.iter_mut().find(same) {
                    hold.seq = hold.seq.max(write.seq);
                    hold.left |= !matches!(write.then, Then::GoOn);
                }
            }
            _ => {}
        }
    }

    fn hold(&mut self, run: Run) {
        let seq = run.seq;
        self.holds.push(Hold { run, seq, left: false });
    }

    fn of(&self, which: &Which) -> Option<Id> {
        let (tenant, run) = ago(&self.order, which.ago)?.clone();
        Some(if which.foreign { (other(&tenant), run) } else { (tenant, run) })
    }

    /// A change of a run that is not in the group yet.
    fn change(&mut self, item: &Item, touched: &mut BTreeSet<Id>) -> Option<Change> {
        self.now += 1;
        let change = match item {
            Item::Enqueue(wanted) => Change::Enqueue(Arc::new(self.wish(wanted))),
            Item::AskAgain(which) => Change::Enqueue(Arc::new(ago(&self.wishes, *which)?.clone())),
            Item::Write { ago: which, entries, then } => {
                let hold = ago(&self.holds, *which)?.clone();
                Change::Write(Arc::new(self.write(&hold, *entries, then)?))
            }
            Item::WriteAgain(which) => Change::Write(Arc::new(ago(&self.writes, *which)?.clone())),
        };
        if !touched.insert(id_of(&change)) {
            return None;
        }
        match &change {
            Change::Enqueue(wish) => self.wishes.push(wish.as_ref().clone()),
            Change::Write(write) => self.writes.push(write.as_ref().clone()),
        }
        Some(change)
    }

    fn wish(&mut self, wanted: &Wanted) -> Enqueue {
        let Lane { queue, tenant, key } = lane(wanted.lane);
        // Ids do not come in the order of moments.
        self.ids += 1;
        let id = RunId(Uuid::from_u128((self.ids * 7_919) % 10_007));
        let run = NewRun {
            id,
            kind: queue.clone(),
            version: 1,
            queue,
            key,
            priority: wanted.priority,
            subject: "ada".into(),
            title: format!("run {}", self.ids),
            input: "{}".into(),
            max_attempts: wanted.attempts,
            time_limit_ms: None,
            due_at: self.now + wanted.delay.map_or(0, |delay| Micros::from(delay) * MILLISECOND),
            created_at: self.now,
            idem_key: wanted.name.map(|name| format!("name {name}")),
            schedule: None,
            conversation: None,
        };
        let (worker, max_waiting) = (wanted.worker.map(name), wanted.most.map(u32::from));
        Enqueue { tenant, run, audit: None, worker, counted: wanted.counted, max_waiting }
    }

    fn write(&self, hold: &Hold, entries: u8, then: &What) -> Option<Write> {
        if hold.left {
            return None;
        }
        let at = self.now;
        let later = |delay: u32| at + Micros::from(delay) * MILLISECOND;
        let then = match then {
            What::GoOn => Then::GoOn,
            What::Again { delay, priority } => {
                Then::Again { due_at: later(*delay), priority: *priority, why: ("x".into(), format!("at {at}")) }
            }
            What::Back { delay } => Then::Back { due_at: later(*delay), priority: hold.run.priority },
            What::Wait { until, more_seen, attempts } => Then::Wait {
                until: until.map(later),
                seen: hold.run.signals + i64::from(*more_seen),
                attempts: *attempts,
            },
            What::End(status) => Then::End {
                status: *status,
                output: Some(format!("[{at}]")),
                why: (!matches!(status, pilothouse_domain::run::Status::Succeeded)).then(|| ("x".into(), "y".into())),
            },
        };
        // A worker that goes on writes because it has something to write.
        let count = i64::from(entries).max(i64::from(matches!(then, Then::GoOn)));
        let run = &hold.run;
        Some(Write {
            tenant: run.tenant.clone(),
            run: run.id,
            epoch: run.epoch,
            entries: (1..=count).map(|next| entry(hold.seq + next, at, run.attempt)).collect(),
            seq: hold.seq + count,
            attempt: run.attempt,
            last_attempt: run.last_attempt,
            at,
            then,
        })
    }

    /// What is shown of each run, and how many entries it has, for what is compared next.
    pub fn shown(&self) -> BTreeMap<Id, (Run, i64)> {
        let shown = |(id, kept): (&Id, &Kept)| (id.clone(), (kept.run.clone(), kept.journal.len() as i64));
        self.state.runs.iter().map(shown).collect()
    }
}

/// The so-many-newest.
fn ago<T>(all: &[T], ago: u8) -> Option<&T> {
    if all.is_empty() { None } else { all.get(all.len() - 1 - usize::from(ago) % all.len()) }
}

fn id_of(change: &Change) -> Id {
    match change {
        Change::Enqueue(wish) => (wish.tenant.clone(), wish.run.id),
        Change::Write(write) => (write.tenant.clone(), write.run),
    }
}

fn entry(seq: i64, at: Micros, attempt: i64) -> Entry {
    let kind = EntryKind::ALL[seq as usize % EntryKind::ALL.len()];
    Entry {
        seq,
        at,
        attempt,
        kind,
        name: format!("entry {seq}"),
        path: (kind == EntryKind::Step).then(|| seq.to_string()),
        summary: format!("at {at}"),
        output: Some("1".into()),
        error: None,
        started_at: None,
    }
}

fn joined(id: String, now: Micros) -> Worker {
    Worker {
        id,
        queues: String::new(),
        workflows: "q0@1,q1@1".into(),
        concurrency: 4,
        started_at: now,
        beat_at: now,
        beats: 0,
        gone: false,
    }
}

fn name(worker: u8) -> String {
    format!("worker-{worker}")
}

fn queue_name(number: u8) -> String {
    format!("q{number}")
}

pub fn tenants() -> Vec<TenantId> {
    ["a", "b"].map(|id| id.parse().unwrap()).into()
}

fn other(tenant: &TenantId) -> TenantId {
    tenants().into_iter().find(|other| other != tenant).unwrap()
}

/// One of eight lanes: two queues, two tenants, with and without a key.
fn lane(number: u8) -> Lane {
    let key = if number & 4 == 0 { "" } else { "k/1" };
    let tenant = tenants().swap_remove(usize::from(number >> 1 & 1));
    Lane { queue: queue_name(number & 1), tenant, key: key.into() }
}
