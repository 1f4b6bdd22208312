//! Who gets the next run: each lane in turn, as long as limits and rates allow.

use std::collections::BTreeSet;

use pilothouse_domain::Micros;
use pilothouse_store::runs::{Claim, Claimed, Lane, Limits, Run, Taken};

use crate::memory::Tables;
use crate::mutation::Mutation;

/// Hands out runs one by one.
pub fn take(tables: &mut Tables, claim: &Claim) -> Claimed {
    let mut claimed = Claimed::default();
    let mut open: Vec<&Lane> = claim.lanes.iter().collect();
    let (mut empty, mut served): (BTreeSet<&Lane>, BTreeSet<&Lane>) = (BTreeSet::new(), BTreeSet::new());
    while claimed.runs.len() < claim.most as usize && !open.is_empty() {
        open.retain(|lane| {
            if claimed.runs.len() == claim.most as usize {
                return true;
            }
            if !has_room(tables, lane, claim.now) {
                return false;
            }
            match tables.take_first(lane, &claim.worker, claim.now) {
                Some(run) => {
                    served.insert(lane);
                    claimed.runs.push(taken(&run, lane));
                    spend(tables, &lane.queue, claim.now);
                    true
                }
                None => {
                    empty.insert(lane);
                    false
                }
            }
        });
    }
    let untouched = |lane: &&Lane| !served.contains(lane) && !empty.contains(lane);
    let blocked = claim.lanes.iter().filter(untouched).filter(|lane| !has_room(tables, lane, claim.now));
    claimed.blocked = blocked.cloned().collect();
    claimed.retry_at = claimed.blocked.iter().filter_map(|lane| rate_frees(tables, &lane.queue, claim.now)).min();
    claimed.empty = empty.into_iter().cloned().collect();
    claimed
}

fn taken(run: &Run, lane: &Lane) -> Taken {
    Taken {
        id: run.id,
        lane: lane.clone(),
        worker: run.worker.clone().unwrap_or_default(),
        attempt: run.attempt,
        last_attempt: run.last_attempt,
        epoch: run.epoch,
        seq: run.seq,
        signals: run.signals,
        started_at: run.started_at,
        cancel_requested: run.cancel_requested,
    }
}

fn has_room(tables: &Tables, lane: &Lane, now: Micros) -> bool {
    let paused = tables.limits.get(&lane.queue).is_some_and(|limits| limits.paused);
    let limited = paused || over(tables, lane, true).is_some();
    let rated = starts_left(tables, &lane.queue, now) == Some(0);
    (!limited || tables.mutation == Mutation::IgnoresLimits) && (!rated || tables.mutation == Mutation::IgnoresRates)
}

fn starts_left(tables: &Tables, queue: &str, now: Micros) -> Option<u32> {
    let next_at = tables.rates.get(queue).copied().unwrap_or(0);
    tables.limits.get(queue)?.starts_left(next_at, now)
}

fn spend(tables: &mut Tables, queue: &str, now: Micros) {
    if let Some((count, period)) = tables.limits.get(queue).and_then(|limits| limits.rate) {
        let next_at = tables.rates.entry(queue.to_owned()).or_insert(0);
        *next_at = (*next_at).max(now) + period / Micros::from(count);
    }
}

/// When a queue's rate lets the next run begin, where it lets none now.
fn rate_frees(tables: &Tables, queue: &str, now: Micros) -> Option<Micros> {
    let (count, period) = tables.limits.get(queue)?.rate?;
    let waits = starts_left(tables, queue, now) == Some(0);
    waits.then(|| tables.rates.get(queue).map(|next_at| next_at - period + period / Micros::from(count))).flatten()
}

/// Which limit of a lane's queue is passed, or would be by one run more.
pub fn over(tables: &Tables, lane: &Lane, one_more: bool) -> Option<String> {
    let (more, free) = (u32::from(one_more), Limits::default());
    let limits = tables.limits.get(&lane.queue).unwrap_or(&free);
    let of_queue = tables.running(|run| run.queue == lane.queue);
    let of_tenant = tables.running(|run| run.queue == lane.queue && run.tenant == lane.tenant);
    let of_key = tables.running(|run| run.lane() == *lane);
    let passed = |limit: Option<u32>, used: u32| limit.is_some_and(|limit| used + more > limit);
    let any = passed(limits.running, of_queue)
        || passed(limits.running_per_tenant, of_tenant)
        || (!lane.key.is_empty() && passed(Some(limits.running_per_key.unwrap_or(1)), of_key));
    any.then(|| format!("{lane} runs {of_queue}, {of_tenant}, {of_key} under {limits:?}"))
}
