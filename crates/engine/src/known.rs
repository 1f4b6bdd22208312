//! What a process knows of the database without asking it, and the places that its runs take.

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::{Micros, RunId};
use pilothouse_store::runs::{Lane, Limits};
use tokio::sync::OwnedSemaphorePermit;

use crate::Engine;
use crate::lanes::Lanes;

/// What this process knows of the database without asking it. All of it may be behind; a slow poll mends that.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) worker: String,
    pub(crate) lanes: Lanes,
    pub(crate) queues: BTreeMap<String, Limits>,
    /// Whether the settings of queues were ever read.
    pub(crate) has_looked: bool,
    /// Runs that are being claimed together with their start.
    pub(crate) starting: BTreeSet<RunId>,
    /// Whether this worker may hold runs that it does not work on.
    pub(crate) unsure: bool,
    /// Whether a run was given back that this worker does not know and another one does.
    pub(crate) left_for_others: bool,
    /// How many runs of each lane this process works on, or is about to.
    pub(crate) running: BTreeMap<Lane, u32>,
    /// Whether a claim is under way, so that what is free is for it to say.
    pub(crate) claiming: bool,
    /// Moments at which delayed or waiting runs are to be looked at.
    pub(crate) wakes: BTreeSet<Micros>,
    /// Where the last look at the database's lanes stopped.
    pub(crate) seen: Option<Lane>,
}

impl Known {
    /// Whether one more run of the lane may begin at once, as far as is known here, and then whether there are limits to
    /// it. Runs that stand in line go first, and only a process that is alone knows what limits leave.
    pub(crate) fn has_room(&self, lane: &Lane, alone: bool) -> Option<bool> {
        let free = Limits::default();
        let limits = self.queues.get(&lane.queue).unwrap_or(&free);
        let limited = !lane.key.is_empty() || !limits.is_free();
        if self.lanes.has(lane) || (limited && self.lanes.has_any_of(&lane.queue)) {
            return None;
        }
        let has_room = !limited || (!(alone && self.claiming) && limits.has_room(lane, &self.running));
        has_room.then_some(limited)
    }
}

/// A run's place among those at work: a slot of this process, and one in its lane's count.
pub(crate) struct Place {
    pub(crate) engine: Engine,
    pub(crate) lane: Lane,
    pub(crate) slot: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.slot.take());
        self.engine.with(|known| {
            if let Some(running) = known.running.get_mut(&self.lane) {
                *running -= 1;
                if *running == 0 {
                    known.running.remove(&self.lane);
                }
            }
        });
        self.engine.freed(&self.lane);
    }
}

/// A run that is being claimed together with its start, until it is known what became of it.
pub(crate) struct Starting {
    pub(crate) engine: Engine,
    pub(crate) run: RunId,
    pub(crate) answered: bool,
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.engine.with(|known| known.starting.remove(&self.run));
        if !self.answered {
            self.engine.unsure();
        }
    }
}
