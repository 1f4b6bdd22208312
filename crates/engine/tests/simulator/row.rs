//! A run in memory with all that belongs to it, and how it comes into and out of its states.

use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros};
use pilothouse_store::journal::{Entry, EntryKind};
use pilothouse_store::runs::{Run, Signal};
use serde_json::json;

/// What a live run does; `Ended` where it lives no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ready,
    Running,
    Delayed,
    Waiting,
    Ended,
}

/// An entry, and the claim that it was written under, where a worker wrote it.
#[derive(Debug, Clone)]
pub struct Written {
    pub claim: Option<i64>,
    pub entry: Entry,
}

/// A run with all that belongs to it.
#[derive(Debug, Clone)]
pub struct Row {
    pub run: Run,
    pub state: State,
    pub rank: i64,
    pub journal: Vec<Written>,
    pub signals: Vec<Signal>,
}

/// Where a run goes, and the rest that changes with it.
pub struct Leaving {
    pub to: State,
    pub status: Status,
    pub wake_at: Option<Micros>,
    pub rank: Option<i64>,
    pub why: Option<(String, String)>,
    pub told: bool,
    pub claim: Option<i64>,
}

pub fn rank(due_at: Micros, priority: i64) -> i64 {
    due_at - priority * 60_000_000
}

pub fn reason(code: Code) -> Option<(String, String)> {
    Some((code.as_str().to_owned(), code.cause().to_owned()))
}

impl Row {
    pub fn note(&mut self, claim: Option<i64>, at: Micros, name: &str, why: Option<&(String, String)>) -> Entry {
        let entry = Entry {
            seq: self.journal.len() as i64 + 1,
            at,
            attempt: self.run.attempt,
            kind: EntryKind::State,
            name: name.to_owned(),
            path: None,
            summary: why.map(|(_, message)| message.clone()).unwrap_or_default(),
            output: None,
            error: why.map(|(code, message)| json!({"code": code, "message": message}).to_string()),
            started_at: None,
        };
        self.journal.push(Written { claim, entry: entry.clone() });
        self.run.seq = entry.seq;
        entry
    }

    pub fn claim(&mut self, worker: &str, now: Micros) -> Run {
        self.state = State::Running;
        self.run.status = Status::Running;
        self.run.epoch += 1;
        self.run.wake_at = None;
        self.run.worker = Some(worker.to_owned());
        self.run.started_at.get_or_insert(now);
        let claim = Some(self.run.epoch);
        self.note(claim, now, Status::Running.as_str(), None);
        self.run.clone()
    }

    pub fn leave(&mut self, at: Micros, leaving: Leaving) -> Option<Entry> {
        self.state = leaving.to;
        self.run.status = leaving.status;
        self.run.worker = None;
        self.run.wake_at = leaving.wake_at;
        self.rank = leaving.rank.unwrap_or(self.rank);
        let entry = leaving.told.then(|| self.note(leaving.claim, at, leaving.status.as_str(), leaving.why.as_ref()));
        (self.run.error_code, self.run.error_message) = leaving.why.unzip();
        if leaving.to == State::Ended {
            (self.run.seq, self.run.finished_at, self.run.cancel_requested) = (0, Some(at), false);
        }
        entry
    }

    pub fn end(
        &mut self,
        at: Micros,
        status: Status,
        why: Option<(String, String)>,
        claim: Option<i64>,
    ) -> Option<Entry> {
        let (to, wake_at, rank) = (State::Ended, None, None);
        self.leave(at, Leaving { to, status, wake_at, rank, why, told: true, claim })
    }

    pub fn ready(&mut self, at: Micros, why: Option<(String, String)>, told: bool) {
        let (to, status) = (State::Ready, Status::Queued);
        self.leave(at, Leaving { to, status, wake_at: None, rank: None, why, told, claim: None });
    }

    /// The entry with this number, where it was written under this claim.
    pub fn written(&self, seq: i64, epoch: i64) -> Option<&Written> {
        self.journal.get(usize::try_from(seq - 1).ok()?).filter(|written| written.claim == Some(epoch))
    }
}
