//! Schedules in memory, and what becomes of their ticks.

use pilothouse_domain::schedule::{Action, Policy, Standing, Timing, decide};
use pilothouse_domain::{Ids, Micros, RunId, ScheduleId, TenantId};
use pilothouse_store::runs::{Enqueue, NewRun};
use pilothouse_store::schedules::Fired;

use crate::memory::Tables;
use crate::mutation::Mutation;
use crate::row::State;

/// How often, one in so many, a database errs that errs now and then.
const NOW_AND_THEN: i64 = 3;

/// A schedule, with what was decided so far.
#[derive(Debug, Clone)]
pub struct Ticking {
    pub id: ScheduleId,
    pub tenant: TenantId,
    pub timing: Timing,
    pub policy: Policy,
    pub input: String,
    /// Its first tick.
    pub first: Micros,
    pub next: Option<Micros>,
    pub due: Option<Micros>,
    pub missed: i64,
    pub skipped: i64,
    pub decisions: i64,
}

impl Ticking {
    /// The tick that a run is for, from its idempotency key.
    pub fn tick(key: &str) -> Option<Micros> {
        key.split_once('@')?.1.parse().ok()
    }
}

impl Tables {
    /// Decides on schedules that are due.
    pub fn fire(&mut self, ids: &dyn Ids, now: Micros, limit: u32) -> Fired {
        let mut fired = Fired::default();
        let is_due = |ticking: &&Ticking| ticking.due.is_some_and(|due| due <= now);
        let mut due: Vec<Ticking> = self.schedules.values().filter(is_due).cloned().collect();
        due.sort_by_key(|ticking| ticking.due);
        for ticking in due.into_iter().take(limit as usize) {
            let decided = self.decide(ticking, ids, now, &mut fired);
            self.schedules.insert(decided.id, decided);
        }
        fired.next_at = self.schedules.values().filter_map(|ticking| ticking.due).min();
        fired
    }

    fn decide(&mut self, mut ticking: Ticking, ids: &dyn Ids, now: Micros, fired: &mut Fired) -> Ticking {
        let Some(next) = ticking.next else { return ticking };
        let own = self.rows.values().filter(|row| row.run.schedule == Some(ticking.id) && row.state != State::Ended);
        let unfinished: Vec<RunId> = own.map(|row| row.run.id).collect();
        let standing = Standing { next, unfinished: unfinished.len() as u32 };
        let firing = decide(&ticking.timing, ticking.policy, &ticking.id.to_string(), standing, now);
        ticking.decisions += 1;
        let errs = ticking.decisions % NOW_AND_THEN == 0;
        for tick in &firing.ticks {
            if tick.action == Action::Skip {
                ticking.skipped += 1;
                continue;
            }
            if tick.action == Action::Replace {
                unfinished.iter().for_each(|run| drop(self.cancel(&ticking.tenant, *run, now)));
                fired.stopped = true;
            }
            if errs && self.mutation == Mutation::LosesTicks {
                continue;
            }
            let wish = wish(&ticking, RunId(ids.uuid(now)), tick.at, now);
            fired.lanes.push(wish.lane());
            self.enqueue(wish);
        }
        if !(errs && self.mutation == Mutation::TicksTwice) {
            (ticking.next, ticking.due) = (firing.next, firing.due);
            ticking.missed += i64::from(firing.missed);
        }
        ticking
    }
}

fn wish(ticking: &Ticking, id: RunId, tick: Micros, now: Micros) -> Enqueue {
    let run = NewRun {
        id,
        kind: crate::script::KIND.to_owned(),
        version: 1,
        // Where a key lets one run at a time.
        queue: "free".to_owned(),
        key: ticking.id.to_string(),
        priority: 0,
        subject: "ada".to_owned(),
        title: "a tick".to_owned(),
        input: ticking.input.clone(),
        max_attempts: 5,
        time_limit_ms: None,
        due_at: now,
        created_at: now,
        idem_key: Some(format!("{}@{tick}", ticking.id)),
        conversation: None,
        schedule: Some(ticking.id),
    };
    Enqueue { tenant: ticking.tenant.clone(), run, audit: None, worker: None, counted: false, max_waiting: None }
}
