//! The model's side of claims: places are handed out one by one, and before each all is counted anew.

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::Micros;
use pilothouse_domain::run::Status;
use pilothouse_store::runs::{Claim, Lane, Limits, Run};

use crate::call::Answer;
use crate::state::{Id, State, rank};

impl State {
    pub fn claim(&mut self, claim: &Claim) -> Answer {
        let mut places: BTreeMap<Lane, u32> = BTreeMap::new();
        let mut stopped: BTreeSet<&Lane> = BTreeSet::new();
        while places.values().sum::<u32>() < claim.most && stopped.len() < claim.lanes.len() {
            for lane in &claim.lanes {
                let full = places.values().sum::<u32>() >= claim.most;
                if full || stopped.contains(lane) {
                    continue;
                }
                if self.may_begin(lane, &places, claim.now) {
                    *places.entry(lane.clone()).or_default() += 1;
                } else {
                    stopped.insert(lane);
                }
            }
        }
        let without = |lane: &&Lane| !places.contains_key(*lane);
        let blocked: Vec<Lane> = claim
            .lanes
            .iter()
            .filter(without)
            .filter(|lane| !self.may_begin(lane, &places, claim.now))
            .cloned()
            .collect();
        let rated = |lane: &&Lane| self.starts_left(&lane.queue, &places, claim.now) == Some(0);
        let retry_at = blocked.iter().filter(rated).filter_map(|lane| self.rate_frees(&lane.queue)).min();
        let (runs, empty) = self.take(claim, &places);
        self.spend(&runs, claim.now);
        Answer::Claimed { runs, empty, blocked, retry_at }
    }

    fn take(&mut self, claim: &Claim, places: &BTreeMap<Lane, u32>) -> (Vec<Run>, Vec<Lane>) {
        let (mut runs, mut empty) = (Vec::new(), Vec::new());
        for lane in &claim.lanes {
            let Some(share) = places.get(lane) else { continue };
            let mut line: Vec<(Micros, Id)> = self
                .runs
                .iter()
                .filter(|(_, kept)| kept.ready && kept.run.lane() == *lane)
                .map(|(id, kept)| (kept.rank, id.clone()))
                .collect();
            line.sort_by_key(|(rank, (_, run))| (*rank, *run));
            line.truncate(*share as usize);
            if (line.len() as u32) < *share {
                empty.push(lane.clone());
            }
            for (_, id) in line {
                let kept = self.runs.get_mut(&id).unwrap();
                kept.begin(&claim.worker, claim.now);
                // Whoever takes a run is not told why it failed before.
                runs.push(Run { error_code: None, error_message: None, ..kept.run.clone() });
            }
        }
        runs.sort_by_key(|run| (rank(run.due_at, run.priority), run.id));
        (runs, empty)
    }

    /// Whether one more run of the lane may begin, beside those that run and those that have places.
    pub fn may_begin(&self, lane: &Lane, places: &BTreeMap<Lane, u32>, now: Micros) -> bool {
        let free = Limits::default();
        let limits = self.limits.get(&lane.queue).unwrap_or(&free);
        let used = |wanted: &dyn Fn(&Lane) -> bool| {
            let running = self.runs.values().filter(|kept| kept.run.status == Status::Running);
            let running = running.filter(|kept| wanted(&kept.run.lane())).count() as u32;
            running + places.iter().filter(|(lane, _)| wanted(lane)).map(|(_, places)| places).sum::<u32>()
        };
        let below = |most: Option<u32>, wanted: &dyn Fn(&Lane) -> bool| most.is_none_or(|most| used(wanted) < most);
        !limits.paused
            && below(limits.running, &|other| other.queue == lane.queue)
            && below(limits.running_per_tenant, &|other| (&other.queue, &other.tenant) == (&lane.queue, &lane.tenant))
            && (lane.key.is_empty() || below(Some(limits.running_per_key.unwrap_or(1)), &|other| other == lane))
            && self.starts_left(&lane.queue, places, now) != Some(0)
    }

    /// How many more of a queue may begin now by its rate: as many as fit before the moment one period ahead, if each
    /// begins as late as the rate allows.
    fn starts_left(&self, queue: &str, places: &BTreeMap<Lane, u32>, now: Micros) -> Option<u32> {
        let (count, period) = self.limits.get(queue)?.rate?;
        let taken: u32 = places.iter().filter(|(lane, _)| lane.queue == queue).map(|(_, places)| places).sum();
        let mut next = self.next_at.get(queue).copied().unwrap_or(0).max(now);
        let mut starts = 0;
        while starts < count && next + gap(count, period) <= now + period {
            next += gap(count, period);
            starts += 1;
        }
        Some(starts - taken)
    }

    fn rate_frees(&self, queue: &str) -> Option<Micros> {
        let Limits { rate: Some((count, period)), .. } = self.limits.get(queue)? else { return None };
        Some(self.next_at.get(queue)? + gap(*count, *period) - period)
    }

    fn spend(&mut self, begun: &[Run], now: Micros) {
        for run in begun {
            let Some((count, period)) = self.limits.get(&run.queue).and_then(|limits| limits.rate) else { continue };
            let next = self.next_at.entry(run.queue.clone()).or_insert(0);
            *next = (*next).max(now) + gap(count, period);
        }
    }
}

fn gap(count: u32, period: Micros) -> Micros {
    period / i64::from(count)
}
