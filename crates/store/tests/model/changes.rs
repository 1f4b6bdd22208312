//! The model's side of wishes and writes.

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, RunId};
use pilothouse_store::runs::{Change, Enqueue, Lane, Outcome, Run, Then, Write};

use crate::state::{Kept, State, rank, why};

impl State {
    /// The runs of wishes that their worker takes at once.
    pub fn within_limits(&self, changes: &[Change]) -> BTreeSet<RunId> {
        let mut places: BTreeMap<Lane, u32> = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for change in changes {
            let Change::Enqueue(wish) = change else { continue };
            let rated = self.limits.get(&wish.run.queue).is_some_and(|limits| limits.rate.is_some());
            let fits = !wish.counted || (!rated && self.may_begin(&wish.lane(), &places, 0));
            if wish.worker.is_some() && fits {
                taken.insert(wish.run.id);
                if wish.counted {
                    *places.entry(wish.lane()).or_default() += 1;
                }
            }
        }
        taken
    }

    pub fn enqueue(&mut self, wish: &Enqueue, taken: bool, waiting: &mut BTreeMap<Lane, u32>) -> Outcome {
        let known = self.known(wish);
        let waits = wish.worker.is_some() && !taken;
        let wish = &Enqueue { worker: wish.worker.clone().filter(|_| taken), ..wish.clone() };
        if let (Some(most), None) = (wish.max_waiting, &wish.worker) {
            let before = waiting.entry(wish.lane()).or_default();
            if *before >= most {
                return Outcome::Full;
            }
            *before += 1;
        }
        known.unwrap_or_else(|| {
            self.store(wish);
            if waits { Outcome::Waits } else { Outcome::New }
        })
    }

    pub fn known(&self, wish: &Enqueue) -> Option<Outcome> {
        if self.runs.contains_key(&(wish.tenant.clone(), wish.run.id)) {
            return Some(Outcome::New);
        }
        let same = |run: &Run| {
            (&run.tenant, &run.kind) == (&wish.tenant, &wish.run.kind)
                && run.idem_key.is_some()
                && run.idem_key == wish.run.idem_key
        };
        self.runs.values().find(|kept| same(&kept.run)).map(|kept| Outcome::Existing(kept.run.id))
    }

    fn store(&mut self, wish: &Enqueue) {
        let new = wish.run.clone();
        let delayed = (new.due_at > new.created_at).then_some(new.due_at);
        let run = Run {
            id: new.id,
            tenant: wish.tenant.clone(),
            kind: new.kind,
            version: new.version,
            queue: new.queue,
            key: new.key,
            priority: new.priority,
            subject: new.subject,
            title: new.title,
            status: Status::Queued,
            input: new.input,
            output: None,
            error_code: None,
            error_message: None,
            attempt: 1,
            last_attempt: new.max_attempts,
            max_attempts: new.max_attempts,
            time_limit_ms: new.time_limit_ms,
            epoch: 0,
            seq: 0,
            signals: 0,
            created_at: new.created_at,
            due_at: new.due_at,
            wake_at: delayed,
            started_at: None,
            finished_at: None,
            worker: None,
            idem_key: new.idem_key,
            schedule: None,
            conversation: new.conversation,
            cancel_requested: false,
            discarded_at: None,
            discarded_by: None,
            discard_reason: None,
            retries: 0,
        };
        let rank = rank(run.due_at, run.priority);
        let ready = delayed.is_none();
        let mut kept = Kept { run, rank, ready, sent: 0, journal: Vec::new(), made: BTreeMap::new() };
        if let Some(worker) = &wish.worker {
            kept.begin(worker, wish.run.created_at);
        }
        self.runs.insert((wish.tenant.clone(), wish.run.id), kept);
    }

    pub fn write(&mut self, write: &Write) -> Outcome {
        let Some(kept) = self.runs.get_mut(&(write.tenant.clone(), write.run)) else { return Outcome::Fenced };
        let last = (write.epoch, write.seq + i64::from(!matches!(write.then, Then::GoOn)));
        if let Some(made) = kept.made.get(&last) {
            // Its answer was lost; it is made once.
            return Outcome::Written(made.clone());
        }
        if kept.run.status != Status::Running || kept.run.epoch != write.epoch {
            return Outcome::Fenced;
        }
        let shown = kept.run.seq;
        kept.journal.extend(write.entries.iter().cloned());
        assert_eq!(kept.journal.len() as i64, write.seq, "a worker numbers its entries on");
        let left = kept.leave(write);
        if left.is_none() {
            // The row of a run that is held does not move with its journal.
            kept.run.seq = shown;
        }
        kept.made.insert(last, left.clone());
        Outcome::Written(left)
    }
}

impl Kept {
    fn leave(&mut self, write: &Write) -> Option<pilothouse_store::journal::Entry> {
        let at = write.at;
        let goes_back = matches!(write.then, Then::Again { .. } | Then::Back { .. } | Then::Wait { .. });
        if goes_back && self.run.cancel_requested {
            return Some(self.end(at, Status::Cancelled, None, Some(why(Code::RunCancelled))));
        }
        match &write.then {
            Then::GoOn => None,
            Then::Again { due_at, priority, why } => {
                self.run.attempt += 1;
                self.queue(Some(*due_at));
                self.rank = rank(*due_at, *priority);
                self.blame(Some(why.clone()));
                Some(self.tell(at, "queued", Some(why)))
            }
            Then::Back { due_at, priority } => {
                self.queue(Some(*due_at));
                self.rank = rank(*due_at, *priority);
                Some(self.tell(at, "queued", None))
            }
            Then::Wait { until, seen, attempts } => {
                self.queue(None);
                if self.sent <= *seen {
                    (self.run.status, self.run.wake_at, self.ready) = (Status::Waiting, *until, false);
                }
                self.run.last_attempt = self.run.attempt + attempts - 1;
                self.blame(None);
                Some(self.tell(at, "waiting", None))
            }
            Then::End { status, output, why } => Some(self.end(at, *status, output.clone(), why.clone())),
        }
    }
}
