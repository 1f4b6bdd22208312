//! What must hold at every moment, looked at after each call of the database, and what each step did outside of it.

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId};
use pilothouse_store::journal::{Entry, EntryKind, RETRIED};

use crate::memory::Tables;
use crate::row::{Row, State, Written};
use crate::timely::Timely;
use crate::turns::over;

/// Most faults that are told of one simulation.
const MOST: usize = 5;

/// What was seen so far.
#[derive(Default)]
pub struct Checks {
    pub broken: Vec<String>,
    seen: BTreeMap<RunId, Seen>,
    /// The key that each step was given.
    keys: BTreeMap<(RunId, String), String>,
    /// The claims under which each step had its effect.
    effects: BTreeMap<(RunId, String), BTreeSet<i64>>,
    timely: Timely,
}

/// A run as it was when it was looked at last.
#[derive(Default)]
struct Seen {
    journal: Vec<Entry>,
    epoch: i64,
    signals: i64,
}

impl Checks {
    fn fault(&mut self, what: String) {
        if self.broken.len() < MOST && !self.broken.contains(&what) {
            self.broken.push(what);
        }
    }

    /// Looks at what has changed; it is `now` by the one true clock.
    pub fn look(&mut self, tables: &mut Tables, now: Micros) {
        let touched = std::mem::take(&mut tables.touched);
        for id in &touched {
            let Some(row) = tables.rows.get(id) else {
                let forgotten = tables.forgotten.get(id).ok_or("is lost".to_owned());
                if let Err(fault) = forgotten.and_then(|row| self.timely.forgotten(tables, row, now)) {
                    self.fault(format!("{id} {fault}"));
                }
                continue;
            };
            let known = self.seen.get(id).map_or(0, |seen| seen.journal.len());
            let timely = self.timely.goes_on(tables, row, known, now);
            if let Err(fault) = whole(row).and_then(|()| self.goes_on(row)).and(timely) {
                self.fault(format!("{id}: {fault}"));
            }
            if row.state == State::Running
                && let Some(fault) = over(tables, &row.run.lane(), false)
            {
                self.fault(fault);
            }
        }
    }

    /// The run has become more than it was, and nothing of what it was has changed.
    fn goes_on(&mut self, row: &Row) -> Result<(), String> {
        let seen = self.seen.entry(row.run.id).or_default();
        let known = seen.journal.len();
        if row.journal.len() < known || row.journal.iter().zip(&seen.journal).any(|(now, then)| now.entry != *then) {
            return Err("an entry has changed or is gone".to_owned());
        }
        let begun = row.journal[known..].iter().filter(|written| begins(written)).count() as i64;
        if row.run.epoch != seen.epoch + begun {
            return Err(format!("{begun} claims led from epoch {} to {}", seen.epoch, row.run.epoch));
        }
        if row.run.signals < seen.signals {
            return Err("a signal is lost".to_owned());
        }
        (seen.epoch, seen.signals) = (row.run.epoch, row.run.signals);
        seen.journal.extend(row.journal[known..].iter().map(|written| written.entry.clone()));
        Ok(())
    }

    /// A step has its effect under a claim. `tables` tell what the database knows just then.
    pub fn effect(&mut self, tables: &Tables, id: RunId, path: &str, epoch: i64, key: &str) {
        let step = (id, path.to_owned());
        if self.keys.entry(step.clone()).or_insert_with(|| key.to_owned()) != key {
            self.fault(format!("{id}: step {path} has two keys"));
        }
        if self.keys.iter().any(|(other, known)| known == key && *other != step) {
            self.fault(format!("{id}: step {path} has the key of another one"));
        }
        // Whoever is slow may still work on what others ended long ago.
        let Some(row) = tables.rows.get(&id).or_else(|| tables.forgotten.get(&id)) else {
            return self.fault(format!("{id} is at work and not stored"));
        };
        if epoch > row.run.epoch {
            self.fault(format!("{id}: step {path} under a claim that nobody made"));
        }
        // What was stored when the claim was made is not done again.
        let before = row.journal.iter().take_while(|written| !(begins(written) && written.claim >= Some(epoch)));
        let known: Vec<&Entry> = before.map(|written| &written.entry).collect();
        if stands(&known, path) {
            self.fault(format!("{id}: step {path} was done before the claim {epoch} and is done again"));
        }
        if !self.effects.entry(step).or_default().insert(epoch) {
            self.fault(format!("{id}: step {path} is done twice under the claim {epoch}"));
        }
    }

    /// How many steps were done under more than one claim.
    pub fn repeated(&self) -> usize {
        self.effects.values().filter(|claims| claims.len() > 1).count()
    }

    /// Nodes go by the one true clock.
    pub fn share_time(&mut self) {
        self.timely.shared = true;
    }

    /// How many ticks of schedules had runs.
    pub fn ticks(&self) -> usize {
        self.timely.ticks()
    }

    /// How many effects there were.
    pub fn effects(&self) -> usize {
        self.effects.values().map(BTreeSet::len).sum()
    }

    /// Once all is over: every step that is stored as done had its effect under the claim that stored it.
    pub fn end(&mut self, tables: &Tables) {
        for fault in self.timely.end(tables) {
            self.fault(fault);
        }
        for row in tables.rows.values() {
            let steps = row.journal.iter().filter(|written| has_effect(&written.entry));
            for Written { claim, entry } in steps {
                let path = entry.path.clone().unwrap_or_default();
                let claims = self.effects.get(&(row.run.id, path.clone()));
                if !claims.is_some_and(|claims| claim.is_some_and(|claim| claims.contains(&claim))) {
                    self.fault(format!("{}: step {path} is stored and was not done", row.run.id));
                }
            }
            if row.run.status == Status::Succeeded && row.run.output != Some(results(row)) {
                self.fault(format!("{} returned {:?} and not its steps' results", row.run.id, row.run.output));
            }
        }
    }
}

pub fn begins(written: &Written) -> bool {
    written.entry.kind == EntryKind::State && written.entry.name == Status::Running.as_str()
}

fn has_effect(entry: &Entry) -> bool {
    entry.kind == EntryKind::Step && entry.name == crate::script::STEP && entry.output.is_some()
}

/// Whether the step at `path` has a result that holds: nobody had the run tried again since, or it did not follow from
/// a failure then. Only for steps that follow no failure of another, which are all but those after one.
fn stands(known: &[&Entry], path: &str) -> bool {
    let last = known.iter().rposition(|entry| entry.path.as_deref() == Some(path) && entry.output.is_some());
    last.is_some_and(|last| !known[last..].iter().any(|entry| entry.name == RETRIED))
}

/// The results of a run's steps, as its output must have them: by path.
fn results(row: &Row) -> String {
    let steps = row.journal.iter().filter(|written| has_effect(&written.entry));
    let by_path: BTreeMap<String, serde_json::Value> = steps
        .map(|Written { entry, .. }| {
            let value = serde_json::from_str(entry.output.as_deref().unwrap_or_default());
            (entry.path.clone().unwrap_or_default(), value.unwrap_or_default())
        })
        .collect();
    serde_json::json!(by_path).to_string()
}

/// A run is in one state, and its journal tells how it came there.
fn whole(row: &Row) -> Result<(), String> {
    let run = &row.run;
    let held = run.worker.is_some();
    let sound = match row.state {
        State::Ready => run.status == Status::Queued && !held && run.wake_at.is_none(),
        State::Running => run.status == Status::Running && held && run.wake_at.is_none(),
        State::Delayed => run.status == Status::Queued && !held && run.wake_at.is_some(),
        State::Waiting => run.status == Status::Waiting && !held,
        State::Ended => run.status.is_final() && !held && run.wake_at.is_none(),
    };
    if !sound {
        return Err(format!(
            "it is {:?} and {:?}, held by {:?} until {:?}",
            row.state, run.status, run.worker, run.wake_at
        ));
    }
    if run.attempt > run.last_attempt {
        return Err(format!("attempt {} of {}", run.attempt, run.last_attempt));
    }
    let (mut state, mut claim, mut progress) = (Status::Queued, 0, -1);
    for (Written { claim: under, entry }, seq) in row.journal.iter().zip(1..) {
        if entry.seq != seq {
            return Err(format!("entry {} stands at the place of {seq}", entry.seq));
        }
        if under.is_some_and(|under| under < claim) {
            return Err(format!("entry {seq} was written under {under:?} after the claim {claim}"));
        }
        claim = under.unwrap_or(claim);
        match entry.kind {
            EntryKind::State => state = after(state, entry, *under)?,
            EntryKind::Progress => {
                let percent = entry.output.as_deref().and_then(|percent| percent.parse().ok()).unwrap_or(-1);
                if percent < progress {
                    return Err(format!("progress went back from {progress} to {percent}"));
                }
                progress = percent;
            }
            _ if state != Status::Running => return Err(format!("entry {seq} was written while nobody held the run")),
            _ => {}
        }
    }
    Ok(())
}

/// The state after an entry, if it may follow.
fn after(state: Status, entry: &Entry, claim: Option<i64>) -> Result<Status, String> {
    let refused = || format!("entry {} makes {state:?} to {}", entry.seq, entry.name);
    if entry.name == RETRIED {
        let unwell = matches!(state, Status::Failed | Status::Cancelled | Status::Dead);
        return if unwell { Ok(Status::Queued) } else { Err(refused()) };
    }
    let next = Status::parse(&entry.name).ok_or_else(refused)?;
    let allowed = match (state, next) {
        // A signal that had come before ends a wait without a word.
        (Status::Queued | Status::Waiting, Status::Running) => claim.is_some(),
        (Status::Waiting, Status::Queued) | (Status::Queued | Status::Waiting, Status::Cancelled) => claim.is_none(),
        (Status::Running, next) => next != Status::Running,
        _ => false,
    };
    if allowed { Ok(next) } else { Err(refused()) }
}
