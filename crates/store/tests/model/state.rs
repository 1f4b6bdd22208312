//! Runs as the store's documentation describes them, in memory and without any cleverness: what the database is
//! compared with. It shares no rule with the store but the words.

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, RunId, TenantId};
use pilothouse_store::journal::{Entry, EntryKind, RETRIED};
use pilothouse_store::runs::{Change, Lane, Limits, Outcome, Run};
use pilothouse_store::workers::Worker;

use crate::call::{All, Answer, Call, Look, Seen, summed};

/// What one step of priority is worth.
const STEP: Micros = 60_000_000;

pub type Id = (TenantId, RunId);

/// A run with what is not seen of it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// As the store must show it.
    pub run: Run,
    pub rank: Micros,
    /// Whether its queue may give it to a worker now.
    pub ready: bool,
    /// Signals that it was ever sent.
    pub sent: i64,
    pub journal: Vec<Entry>,
    /// The writes that were made, as (epoch, number of the last entry), each with the entry of how the run left.
    pub made: BTreeMap<(i64, i64), Option<Entry>>,
}

/// All there is.
#[derive(Debug, Default)]
pub struct State {
    pub runs: BTreeMap<Id, Kept>,
    pub workers: BTreeMap<String, Worker>,
    pub limits: BTreeMap<String, Limits>,
    pub next_at: BTreeMap<String, Micros>,
}

pub fn rank(due_at: Micros, priority: i64) -> Micros {
    due_at - priority * STEP
}

pub fn why(code: Code) -> (String, String) {
    (code.as_str().to_owned(), code.cause().to_owned())
}

impl Kept {
    fn lives(&self) -> bool {
        !self.run.status.is_final()
    }

    pub fn tell(&mut self, at: Micros, name: &str, why: Option<&(String, String)>) -> Entry {
        let entry = Entry {
            seq: self.journal.len() as i64 + 1,
            at,
            attempt: self.run.attempt,
            kind: EntryKind::State,
            name: name.to_owned(),
            path: None,
            summary: why.map(|(_, message)| message.clone()).unwrap_or_default(),
            output: None,
            error: why.map(|(code, message)| serde_json::json!({"code": code, "message": message}).to_string()),
            started_at: None,
        };
        self.journal.push(entry.clone());
        self.run.seq = entry.seq;
        entry
    }

    /// Nobody holds it any more; it is ready from a moment on, or at once.
    pub fn queue(&mut self, from: Option<Micros>) {
        self.run.status = Status::Queued;
        (self.run.worker, self.run.wake_at, self.ready) = (None, from, from.is_none());
    }

    /// Shows why the last attempt did not end well.
    pub fn blame(&mut self, why: Option<(String, String)>) {
        (self.run.error_code, self.run.error_message) = why.unzip();
    }

    pub fn end(&mut self, at: Micros, status: Status, output: Option<String>, why: Option<(String, String)>) -> Entry {
        let entry = self.tell(at, status.as_str(), why.as_ref());
        self.blame(why);
        let run = &mut self.run;
        (run.status, run.output, run.finished_at) = (status, output, Some(at));
        (run.worker, run.wake_at, run.seq, run.signals) = (None, None, 0, 0);
        (run.last_attempt, run.cancel_requested) = (run.attempt, false);
        self.ready = false;
        entry
    }

    pub fn begin(&mut self, worker: &str, now: Micros) {
        let run = &mut self.run;
        (run.status, run.worker, run.wake_at) = (Status::Running, Some(worker.to_owned()), None);
        run.epoch += 1;
        run.started_at = run.started_at.or(Some(now));
        self.ready = false;
        self.tell(now, "running", None);
    }
}

impl State {
    /// Does what is asked and tells what the store must answer.
    pub fn ask(&mut self, call: &Call) -> Answer {
        match call {
            Call::Apply(changes) => Answer::Outcomes(self.apply(changes)),
            Call::Claim(claim) => self.claim(claim),
            Call::Promote { now, limit } => self.promote(*now, *limit),
            Call::Cancel(tenant, run, now) => Answer::Changed(self.cancel(&(tenant.clone(), *run), *now)),
            Call::Signal(tenant, run, now) => Answer::Signalled(self.signal(&(tenant.clone(), *run), *now)),
            Call::TakeOne(tenant, run, now) => Answer::Signalled(self.take_one(&(tenant.clone(), *run), *now)),
            Call::Retry(tenant, run, now) => Answer::Changed(self.retry(&(tenant.clone(), *run), *now)),
            Call::Discard(tenant, run, now) => Answer::Flag(self.discard(&(tenant.clone(), *run), *now)),
            Call::Join(worker) => {
                self.workers.entry(worker.id.clone()).or_insert_with(|| worker.clone());
                Answer::Done
            }
            Call::Beat(id, now) => Answer::Beaten(self.beat(id, *now)),
            Call::GiveUp(id, beats) => Answer::Flag(self.give_up(id, *beats)),
            Call::Release(id, now) => self.release(id, *now),
            Call::Forget(id) => {
                let holds = self.held_by(id).next().is_some();
                if !holds && self.workers.get(id).is_some_and(|worker| worker.gone) {
                    self.workers.remove(id);
                }
                Answer::Done
            }
            Call::Limits(queue, limits, now) => {
                let paused = self.limits.get(queue).is_some_and(|limits| limits.paused);
                self.limits.insert(queue.clone(), Limits { paused, ..limits.clone() });
                if let (Some((_, period)), Some(next)) = (limits.rate, self.next_at.get_mut(queue)) {
                    *next = (*next).min(now + period);
                }
                Answer::Done
            }
            Call::Pause(queue, on, _) => {
                self.limits.entry(queue.clone()).or_default().paused = *on;
                Answer::Done
            }
        }
    }

    /// What can be seen of it.
    pub fn look(&self, look: &Look) -> Seen {
        let named = |(tenant, run, after): &(TenantId, RunId, i64)| {
            let found = self.runs.get(&(tenant.clone(), *run));
            let entries = found.map(|kept| kept.journal[*after as usize..].to_vec());
            (found.map(|kept| kept.run.clone()), entries.unwrap_or_default())
        };
        let live = || self.runs.values().filter(|kept| kept.lives());
        Seen {
            named: look.named.iter().map(named).collect(),
            depths: summed(live().map(|kept| (kept.run.lane(), kept.run.status, 1)).collect()),
            next_wake: live().filter_map(|kept| kept.run.wake_at).min(),
            all: look.all.then(|| self.look_at_all()),
        }
    }

    fn look_at_all(&self) -> All {
        let mut runs: Vec<Run> = self.runs.values().map(|kept| kept.run.clone()).collect();
        runs.sort_by(|a, b| (&a.tenant, b.id).cmp(&(&b.tenant, a.id)));
        let ready: BTreeSet<String> =
            self.runs.values().filter(|kept| kept.ready).map(|kept| kept.run.lane().to_string()).collect();
        let ready = ready.into_iter().map(|lane| lane.parse().unwrap()).collect();
        All { runs, ready, workers: self.all_workers() }
    }

    fn all_workers(&self) -> Vec<Worker> {
        let mut all: Vec<Worker> = self.workers.values().cloned().collect();
        let holders: BTreeSet<&String> = self.runs.values().filter_map(|kept| kept.run.worker.as_ref()).collect();
        all.extend(holders.into_iter().filter(|id| !self.workers.contains_key(*id)).map(|id| Worker {
            id: id.clone(),
            queues: String::new(),
            workflows: String::new(),
            concurrency: 0,
            started_at: 0,
            beat_at: 0,
            beats: 0,
            gone: false,
        }));
        all.sort_by(|a, b| (a.gone, b.beat_at, &a.id).cmp(&(b.gone, a.beat_at, &b.id)));
        all
    }

    fn apply(&mut self, changes: &[Change]) -> Vec<Outcome> {
        // All that workers write goes before all that is wished for.
        let written: Vec<_> = changes
            .iter()
            .map(|change| if let Change::Write(write) = change { Some(self.write(write)) } else { None })
            .collect();
        // A group's wishes with limits count those that were ready before it, and one another.
        let mut waiting: BTreeMap<Lane, u32> = BTreeMap::new();
        for kept in self.runs.values().filter(|kept| kept.ready) {
            *waiting.entry(kept.run.lane()).or_default() += 1;
        }
        // Those that are counted are judged first, beside what ran before them.
        let places = self.within_limits(changes);
        let answer = |(outcome, change): (Option<Outcome>, &Change)| match change {
            Change::Write(_) => outcome.unwrap(),
            Change::Enqueue(wish) => self.enqueue(wish, places.contains(&wish.run.id), &mut waiting),
        };
        let mut outcomes: Vec<Outcome> = written.into_iter().zip(changes).map(answer).collect();
        // Whoever found no room may have asked for a run that stands there by now.
        for (outcome, change) in outcomes.iter_mut().zip(changes) {
            if let (Outcome::Full, Change::Enqueue(wish)) = (&outcome, change) {
                *outcome = self.known(wish).unwrap_or(Outcome::Full);
            }
        }
        outcomes
    }

    fn promote(&mut self, now: Micros, limit: u32) -> Answer {
        let mut due: Vec<(Micros, Id)> = self
            .runs
            .iter()
            .filter_map(|(id, kept)| Some((kept.run.wake_at.filter(|at| *at <= now)?, id.clone())))
            .collect();
        due.sort();
        due.truncate(limit as usize);
        let mut lanes = BTreeSet::new();
        for (_, id) in due {
            let kept = self.runs.get_mut(&id).unwrap();
            let waited = kept.run.status == Status::Waiting;
            kept.queue(None);
            if waited {
                kept.tell(now, "queued", None);
            }
            lanes.insert(kept.run.lane());
        }
        let next_at = self.runs.values().filter_map(|kept| kept.run.wake_at).min();
        Answer::Promoted { lanes: lanes.into_iter().collect(), next_at }
    }

    fn cancel(&mut self, id: &Id, now: Micros) -> Option<(Run, bool)> {
        let kept = self.runs.get_mut(id)?;
        let lives = kept.lives();
        if kept.run.status == Status::Running {
            kept.run.cancel_requested = true;
        } else if lives {
            kept.end(now, Status::Cancelled, None, Some(why(Code::RunCancelled)));
        }
        Some((kept.run.clone(), lives))
    }

    fn signal(&mut self, id: &Id, now: Micros) -> Option<Run> {
        let kept = self.runs.get_mut(id)?;
        if kept.lives() {
            kept.sent += 1;
            kept.run.signals = kept.sent;
            if kept.run.status == Status::Waiting {
                kept.queue(None);
                kept.tell(now, "queued", None);
            }
        }
        Some(kept.run.clone())
    }

    fn retry(&mut self, id: &Id, now: Micros) -> Option<(Run, bool)> {
        let kept = self.runs.get_mut(id)?;
        if kept.lives() || kept.run.status == Status::Succeeded {
            return Some((kept.run.clone(), false));
        }
        kept.queue(None);
        kept.blame(None);
        kept.rank = rank(now, kept.run.priority);
        let run = &mut kept.run;
        run.last_attempt = run.attempt + run.max_attempts;
        run.attempt += 1;
        (run.output, run.finished_at, run.signals) = (None, None, kept.sent);
        (run.discarded_at, run.discarded_by, run.discard_reason) = (None, None, None);
        run.retries += 1;
        kept.tell(now, RETRIED, None);
        Some((kept.run.clone(), true))
    }

    fn discard(&mut self, id: &Id, now: Micros) -> bool {
        let Some(kept) = self.runs.get_mut(id) else { return false };
        let open = !kept.lives() && kept.run.status != Status::Succeeded && kept.run.discarded_at.is_none();
        if open {
            kept.run.discarded_at = Some(now);
            kept.run.discarded_by = Some("ada".to_owned());
            kept.run.discard_reason = Some("known".to_owned());
        }
        open
    }

    fn held_by(&self, worker: &str) -> impl Iterator<Item = &Id> {
        self.runs.iter().filter(move |(_, kept)| kept.run.worker.as_deref() == Some(worker)).map(|(id, _)| id)
    }

    fn beat(&mut self, id: &str, now: Micros) -> Option<BTreeSet<Id>> {
        let worker = self.workers.get_mut(id).filter(|worker| !worker.gone)?;
        (worker.beats, worker.beat_at) = (worker.beats + 1, now);
        Some(self.held_by(id).filter(|id| self.runs[*id].run.cancel_requested).cloned().collect())
    }

    fn give_up(&mut self, id: &str, beats: Option<i64>) -> bool {
        let Some(worker) = self.workers.get_mut(id) else { return true };
        worker.gone |= beats.is_none_or(|beats| beats == worker.beats);
        worker.gone
    }

    fn release(&mut self, worker: &str, now: Micros) -> Answer {
        let held: Vec<Id> = self.held_by(worker).cloned().collect();
        let (mut lanes, mut tenants) = (BTreeSet::new(), BTreeMap::new());
        for id in &held {
            lanes.extend(self.take_back(id, now));
            *tenants.entry(id.0.clone()).or_insert(0) += 1;
        }
        Answer::Released { runs: held.len(), lanes, tenants }
    }

    fn take_one(&mut self, id: &Id, now: Micros) -> Option<Run> {
        self.runs.get(id).filter(|kept| kept.run.status == Status::Running)?;
        self.take_back(id, now);
        Some(self.runs[id].run.clone())
    }

    /// Takes a run from its worker, and tells its lane where it is ready again.
    fn take_back(&mut self, id: &Id, now: Micros) -> Option<Lane> {
        let kept = self.runs.get_mut(id).unwrap();
        let interrupted = Some(why(Code::RunInterrupted));
        if kept.run.cancel_requested {
            kept.end(now, Status::Cancelled, None, Some(why(Code::RunCancelled)));
        } else if kept.run.attempt < kept.run.last_attempt {
            kept.run.attempt += 1;
            kept.queue(None);
            kept.tell(now, "queued", interrupted.as_ref());
            kept.blame(interrupted);
            return Some(kept.run.lane());
        } else {
            kept.end(now, Status::Dead, None, interrupted);
        }
        None
    }
}
