//! How many runs of each lane may begin: a pure function of the turns, the limits and what runs already.

use std::collections::BTreeMap;

use pilothouse_domain::Micros;

use super::Lane;

/// What an operator allows a queue; none means without limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Whether nothing may begin.
    pub paused: bool,
    /// Most runs at work.
    pub running: Option<u32>,
    /// Most runs of one tenant at work.
    pub running_per_tenant: Option<u32>,
    /// Most runs of one tenant and key at work, for runs with a key; without it, one.
    pub running_per_key: Option<u32>,
    /// Most runs that begin in so many microseconds.
    pub rate: Option<(u32, Micros)>,
}

impl Limits {
    /// Whether one more run of the lane may begin at once beside those at work. A rate is for a claim to spend.
    pub fn has_room(&self, lane: &Lane, running: &BTreeMap<Lane, u32>) -> bool {
        let below = |limit: Option<u32>, wanted: &dyn Fn(&Lane) -> bool| {
            let beside = running.iter().filter(|(other, _)| other.queue == lane.queue && wanted(other));
            limit.is_none_or(|limit| beside.map(|(_, runs)| runs).sum::<u32>() < limit)
        };
        !self.paused
            && self.rate.is_none()
            && below(self.running, &|_| true)
            && below(self.running_per_tenant, &|other| other.tenant == lane.tenant)
            && (lane.key.is_empty() || below(Some(self.per_key()), &|other| other == lane))
    }

    fn per_key(&self) -> u32 {
        self.running_per_key.unwrap_or(1)
    }

    /// Whether nothing keeps runs back.
    pub fn is_free(&self) -> bool {
        *self == Self::default()
    }

    /// How many runs the rate lets begin now; none where there is no rate. `next_at` is when the next run would begin,
    /// had each begun as late as the rate allows.
    pub fn starts_left(&self, next_at: Micros, now: Micros) -> Option<u32> {
        self.rate.map(|(count, period)| starts_now(count, period, next_at, now))
    }
}

/// What is in use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// Runs at work, by lane.
    pub running: BTreeMap<Lane, u32>,
    /// By queue, when its next run would begin, had each begun as late as the rate allows.
    pub next_at: BTreeMap<String, Micros>,
}

/// What a claim may take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allotted {
    /// How many of each lane; none is 0.
    pub shares: Vec<(Lane, u32)>,
    /// The lanes that a limit keeps back.
    pub blocked: Vec<Lane>,
    /// When a rate allows the next run, where it allows none now.
    pub retry_at: Option<Micros>,
}

/// How much room is left, as it is handed out.
struct Room<'a> {
    limits: &'a BTreeMap<String, Limits>,
    queue: BTreeMap<&'a str, u32>,
    tenant: BTreeMap<(&'a str, &'a str), u32>,
    lane: BTreeMap<&'a Lane, u32>,
    starts: BTreeMap<&'a str, u32>,
}

/// Hands out `most` places to the lanes, one to each in turn, as far as limits allow.
pub(crate) fn allot(
    lanes: &[Lane],
    limits: &BTreeMap<String, Limits>,
    usage: &Usage,
    most: u32,
    now: Micros,
) -> Allotted {
    let mut room = Room::new(limits, usage, now);
    let mut shares: BTreeMap<&Lane, u32> = BTreeMap::new();
    let mut open: Vec<&Lane> = lanes.iter().collect();
    let mut left = most;
    while left > 0 && !open.is_empty() {
        let before = left;
        open.retain(|lane| {
            if left == 0 {
                return true;
            }
            let taken = room.take(lane);
            if taken {
                *shares.entry(lane).or_default() += 1;
                left -= 1;
            }
            taken
        });
        if before == left {
            break;
        }
    }
    let blocked: Vec<Lane> =
        lanes.iter().filter(|lane| !shares.contains_key(lane) && !room.has(lane)).cloned().collect();
    let waits = |lane: &&Lane| room.starts.get(lane.queue.as_str()) == Some(&0);
    let retry_at =
        blocked.iter().filter(waits).filter_map(|lane| rate_frees(limits.get(&lane.queue)?, usage, lane)).min();
    let in_turn = lanes.iter().filter_map(|lane| Some((lane.clone(), *shares.get(lane)?)));
    Allotted { shares: in_turn.collect(), blocked, retry_at }
}

impl<'a> Room<'a> {
    fn new(limits: &'a BTreeMap<String, Limits>, usage: &'a Usage, now: Micros) -> Self {
        let mut room = Self {
            limits,
            queue: BTreeMap::new(),
            tenant: BTreeMap::new(),
            lane: BTreeMap::new(),
            starts: BTreeMap::new(),
        };
        for (lane, running) in &usage.running {
            *room.queue.entry(&lane.queue).or_default() += running;
            *room.tenant.entry((&lane.queue, lane.tenant.as_str())).or_default() += running;
            *room.lane.entry(lane).or_default() += running;
        }
        for (queue, limits) in limits {
            let next = usage.next_at.get(queue).copied().unwrap_or(0);
            if let Some(starts) = limits.starts_left(next, now) {
                room.starts.insert(queue, starts);
            }
        }
        room
    }

    fn has(&self, lane: &Lane) -> bool {
        let free = Limits::default();
        let limits = self.limits.get(&lane.queue).unwrap_or(&free);
        let queue = lane.queue.as_str();
        let below =
            |limit: Option<u32>, used: Option<&u32>| limit.is_none_or(|limit| used.copied().unwrap_or(0) < limit);
        !limits.paused
            && below(limits.running, self.queue.get(queue))
            && below(limits.running_per_tenant, self.tenant.get(&(queue, lane.tenant.as_str())))
            && (lane.key.is_empty() || below(Some(limits.per_key()), self.lane.get(lane)))
            && self.starts.get(queue).is_none_or(|left| *left > 0)
    }

    fn take(&mut self, lane: &'a Lane) -> bool {
        if !self.has(lane) {
            return false;
        }
        if !lane.key.is_empty() || self.limits.contains_key(&lane.queue) {
            *self.queue.entry(&lane.queue).or_default() += 1;
            *self.tenant.entry((&lane.queue, lane.tenant.as_str())).or_default() += 1;
            *self.lane.entry(lane).or_default() += 1;
            if let Some(starts) = self.starts.get_mut(lane.queue.as_str()) {
                *starts -= 1;
            }
        }
        true
    }
}

/// How many runs a rate lets begin now (the generic cell rate algorithm, with a burst of one period).
fn starts_now(count: u32, period: Micros, next_at: Micros, now: Micros) -> u32 {
    let gap = gap(count, period);
    // What lies behind is not saved up beyond one period.
    let ahead = next_at.max(now).saturating_sub(now);
    // A rate that was slower may have gone further ahead than one period of this one.
    let free = period.saturating_sub(ahead).max(0);
    u32::try_from(free / gap).unwrap_or(u32::MAX).min(count)
}

/// When a queue's next run would begin after `begun` more have.
pub(crate) fn after_starts(count: u32, period: Micros, next_at: Micros, now: Micros, begun: u32) -> Micros {
    next_at.max(now).saturating_add(gap(count, period).saturating_mul(i64::from(begun)))
}

fn gap(count: u32, period: Micros) -> Micros {
    (period / i64::from(count.max(1))).max(1)
}

fn rate_frees(limits: &Limits, usage: &Usage, lane: &Lane) -> Option<Micros> {
    let (count, period) = limits.rate?;
    let next = usage.next_at.get(&lane.queue)?;
    Some(next - period + gap(count, period))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Micros = 1_000_000;

    fn lane(text: &str) -> Lane {
        text.parse().unwrap()
    }

    fn limits(limits: Limits) -> BTreeMap<String, Limits> {
        BTreeMap::from([("q".to_owned(), limits)])
    }

    #[test]
    fn turns_are_shared_out_one_by_one() {
        let lanes = ["q/a/", "q/b/", "q/c/"].map(lane);
        let shares = allot(&lanes, &BTreeMap::new(), &Usage::default(), 5, 0).shares;
        assert_eq!(shares.iter().map(|(_, share)| *share).collect::<Vec<_>>(), [2, 2, 1]);
        let fewer = allot(&lanes, &BTreeMap::new(), &Usage::default(), 2, 0);
        assert_eq!((fewer.shares.len(), fewer.blocked.len()), (2, 0), "whose turn did not come is not blocked");
    }

    #[test]
    fn a_paused_queue_gets_nothing() {
        let paused = limits(Limits { paused: true, ..Limits::default() });
        let found = allot(&["q/a/", "r/a/"].map(lane), &paused, &Usage::default(), 4, 0);
        assert_eq!(found.shares, [(lane("r/a/"), 4)]);
        assert_eq!(found.blocked, [lane("q/a/")]);
    }

    #[test]
    fn a_rate_spends_a_burst_and_then_says_when() {
        let rated = limits(Limits { rate: Some((10, SECOND)), ..Limits::default() });
        let lanes = [lane("q/a/")];
        let full = allot(&lanes, &rated, &Usage::default(), 99, 5 * SECOND);
        assert_eq!(full.shares, [(lane("q/a/"), 10)]);
        let next = after_starts(10, SECOND, 0, 5 * SECOND, 10);
        let spent = Usage { next_at: BTreeMap::from([("q".to_owned(), next)]), ..Usage::default() };
        let none = allot(&lanes, &rated, &spent, 99, 5 * SECOND);
        assert_eq!((none.shares.len(), none.retry_at), (0, Some(5 * SECOND + SECOND / 10)));
        assert_eq!(allot(&lanes, &rated, &spent, 99, none.retry_at.unwrap()).shares, [(lane("q/a/"), 1)]);
    }

    #[test]
    fn a_rate_that_was_slower_leaves_nothing_now() {
        assert_eq!(starts_now(10, SECOND, 9 * SECOND, 5 * SECOND), 0);
        assert_eq!(starts_now(10, SECOND, 6 * SECOND, 5 * SECOND), 0);
        assert_eq!(starts_now(10, SECOND, 6 * SECOND - SECOND / 10, 5 * SECOND), 1);
    }

    fn a_lane() -> impl Strategy<Value = Lane> {
        ("[qr]", "[abc]", prop::sample::select(vec!["", "x", "y"])).prop_map(|(queue, tenant, key)| Lane {
            queue,
            tenant: tenant.parse().unwrap(),
            key: key.to_owned(),
        })
    }

    /// Which lanes a limit counts together.
    type Scope<'a> = &'a dyn Fn(&Lane) -> bool;

    proptest! {
        #[test]
        fn no_limit_is_passed_and_no_place_wasted(
            lanes in prop::collection::btree_set(a_lane(), 0..12),
            running in prop::collection::btree_map(a_lane(), 0_u32..4, 0..8),
            (queue, tenant, key) in (prop::option::of(0_u32..9), prop::option::of(0_u32..5), prop::option::of(0_u32..3)),
            most in 0_u32..20,
        ) {
            let lanes: Vec<Lane> = lanes.into_iter().collect();
            let limits = limits(Limits {
                running: queue, running_per_tenant: tenant, running_per_key: key, ..Limits::default()
            });
            let found = allot(&lanes, &limits, &Usage { running: running.clone(), ..Usage::default() }, most, 0);
            let given: u32 = found.shares.iter().map(|(_, share)| share).sum();
            prop_assert!(given <= most);
            let mut after = running.clone();
            for (lane, share) in &found.shares {
                prop_assert!(*share > 0);
                *after.entry(lane.clone()).or_default() += share;
            }
            let sum = |of: &BTreeMap<Lane, u32>, wanted: &dyn Fn(&Lane) -> bool| {
                of.iter().filter(|(lane, _)| wanted(lane)).map(|(_, count)| *count).sum::<u32>()
            };
            for lane in &lanes {
                if lane.queue != "q" { continue; }
                let scopes: [(Option<u32>, Scope<'_>); 3] = [
                    (queue, &|other| other.queue == "q"),
                    (tenant, &|other| other.queue == "q" && other.tenant == lane.tenant),
                    (Some(key.unwrap_or(1)).filter(|_| !lane.key.is_empty()), &|other| other == lane),
                ];
                for (limit, scope) in scopes {
                    let Some(limit) = limit else { continue };
                    let (before, now) = (sum(&running, scope), sum(&after, scope));
                    prop_assert!(now <= limit.max(before), "{lane} has {now} of {limit}");
                }
            }
            let free = lanes.iter().any(|lane| lane.queue == "r" && lane.key.is_empty());
            prop_assert!(!free || given == most, "a lane without limits takes every place");
        }
    }
}
