//! Whose turn it is: tenants take turns, and within a tenant its lanes do. Pure; the database says what is in a lane.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use pilothouse_domain::TenantId;
use pilothouse_store::runs::Lane;

/// The lanes that may have ready runs, as far as this process knows.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    /// The tenants with lanes, the one whose turn it is first.
    turns: VecDeque<TenantId>,
    /// How many of them, at the front, came without having had a turn in this round.
    fresh: usize,
    /// The tenants that have had a turn in this round, which ends when one of them has another.
    served: HashSet<TenantId>,
    lanes: HashMap<TenantId, VecDeque<Lane>>,
    /// The lanes that a claim is looking into just now, each with whether a run has come into it since.
    taken: HashMap<Lane, bool>,
    /// The lanes that a limit keeps back.
    blocked: BTreeSet<Lane>,
    /// Every lane in `lanes`.
    known: HashSet<Lane>,
}

/// What a claim found in the lanes that it was given.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Lanes that gave runs, in the order of their turns.
    pub served: Vec<Lane>,
    /// Lanes without ready runs.
    pub empty: Vec<Lane>,
    /// Lanes that a limit keeps back.
    pub blocked: Vec<Lane>,
}

impl Lanes {
    /// A run came into a lane.
    pub(crate) fn add(&mut self, lane: Lane) {
        if let Some(again) = self.taken.get_mut(&lane) {
            *again = true;
        } else if !self.blocked.contains(&lane) && self.known.insert(lane.clone()) {
            self.last(lane);
        }
    }

    /// Whether nothing can be taken just now.
    pub(crate) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Whether runs stand in this lane already, as far as is known.
    pub(crate) fn has(&self, lane: &Lane) -> bool {
        self.known.contains(lane) || self.blocked.contains(lane) || self.taken.contains_key(lane)
    }

    /// Whether runs stand in any lane of this queue, as far as is known.
    pub(crate) fn has_any_of(&self, queue: &str) -> bool {
        self.known.iter().chain(&self.blocked).chain(self.taken.keys()).any(|lane| lane.queue == queue)
    }

    /// Takes out at most `most` lanes in the order of their turns: one of each tenant, then a second one, and so on.
    pub(crate) fn take(&mut self, most: usize) -> Vec<Lane> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(tenant) = self.turns.pop_front() else { break };
            self.fresh = self.fresh.saturating_sub(1);
            let Some(lane) = self.lanes.get_mut(&tenant).and_then(VecDeque::pop_front) else { continue };
            if self.lanes.get(&tenant).is_some_and(VecDeque::is_empty) {
                self.lanes.remove(&tenant);
            } else {
                self.turns.push_back(tenant);
            }
            self.known.remove(&lane);
            self.taken.insert(lane.clone(), false);
            taken.push(lane);
        }
        taken
    }

    /// Gives back what [`Lanes::take`] took: who was served goes to the end, who was not keeps its turn.
    pub(crate) fn give_back(&mut self, taken: Vec<Lane>, found: Found) {
        let (served, empty): (HashSet<_>, HashSet<_>) =
            (found.served.into_iter().collect(), found.empty.into_iter().collect());
        let kept_back: HashSet<_> = found.blocked.into_iter().collect();
        for lane in taken.iter().filter(|lane| served.contains(*lane)) {
            if !self.served.insert(lane.tenant.clone()) {
                self.served = HashSet::from([lane.tenant.clone()]);
            }
        }
        let mut first = Vec::new();
        for lane in taken {
            let again = self.taken.remove(&lane).unwrap_or(false);
            if kept_back.contains(&lane) {
                self.blocked.insert(lane);
            } else if empty.contains(&lane) && !again {
                // Nothing is lost: the next run that comes adds it anew.
            } else if served.contains(&lane) || empty.contains(&lane) {
                self.known.insert(lane.clone());
                self.last(lane);
            } else {
                first.push(lane);
            }
        }
        for lane in first.into_iter().rev() {
            self.known.insert(lane.clone());
            let lanes = self.lanes.entry(lane.tenant.clone()).or_default();
            let had_none = lanes.is_empty();
            let tenant = lane.tenant.clone();
            lanes.push_front(lane);
            if had_none {
                self.turns.push_front(tenant);
                self.fresh += 1;
            }
        }
    }

    /// Lets the lanes of a queue try again that a limit kept back; of every queue, without one. Tells whether any did.
    pub(crate) fn unblock(&mut self, queue: Option<&str>) -> bool {
        let free: Vec<Lane> =
            self.blocked.extract_if(.., |lane| queue.is_none_or(|queue| lane.queue == queue)).collect();
        let any = !free.is_empty();
        for lane in free {
            self.add(lane);
        }
        any
    }

    /// Puts a lane behind the others of its tenant. A tenant that comes anew has its turn before those that have had
    /// theirs in this round, so that it waits for no more than what has begun.
    fn last(&mut self, lane: Lane) {
        let lanes = self.lanes.entry(lane.tenant.clone()).or_default();
        if lanes.is_empty() && self.served.contains(&lane.tenant) {
            self.turns.push_back(lane.tenant.clone());
        } else if lanes.is_empty() {
            self.turns.insert(self.fresh, lane.tenant.clone());
            self.fresh += 1;
        }
        lanes.push_back(lane);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lane(text: &str) -> Lane {
        text.parse().unwrap()
    }

    fn texts(lanes: &[Lane]) -> Vec<String> {
        lanes.iter().map(Lane::to_string).collect()
    }

    fn with(lanes: &[&str]) -> Lanes {
        let mut with = Lanes::default();
        lanes.iter().for_each(|text| with.add(lane(text)));
        with
    }

    #[test]
    fn a_new_tenant_comes_next_beside_one_with_many_lanes() {
        let mut lanes = with(&["q/big/a", "q/big/b", "q/big/c"]);
        lanes.add(lane("q/small/"));
        assert_eq!(texts(&lanes.take(2)), ["q/big/a", "q/small/"]);
    }

    #[test]
    fn who_was_served_goes_to_the_end_and_who_was_not_keeps_its_turn() {
        let mut lanes = with(&["q/a/", "q/b/", "q/c/"]);
        let taken = lanes.take(2);
        lanes.give_back(taken, Found { served: vec![lane("q/a/")], ..Found::default() });
        assert_eq!(texts(&lanes.take(9)), ["q/b/", "q/c/", "q/a/"]);
    }

    #[test]
    fn a_run_that_comes_while_its_lane_is_found_empty_is_not_forgotten() {
        let mut lanes = with(&["q/a/"]);
        let taken = lanes.take(1);
        lanes.add(lane("q/a/"));
        lanes.give_back(taken, Found { empty: vec![lane("q/a/")], ..Found::default() });
        assert_eq!(texts(&lanes.take(1)), ["q/a/"]);
    }

    #[test]
    fn who_comes_anew_goes_before_who_has_had_a_turn_once_a_round() {
        let mut lanes = with(&["q/big/"]);
        let serve = |lanes: &mut Lanes| {
            let taken = lanes.take(9);
            let first = taken[0].clone();
            lanes.give_back(taken, Found { served: vec![first.clone()], ..Found::default() });
            first.to_string()
        };
        assert_eq!(serve(&mut lanes), "q/big/");
        lanes.add(lane("q/quiet/"));
        lanes.add(lane("q/calm/"));
        let turns: Vec<_> = (0..6).map(|_| serve(&mut lanes)).collect();
        assert_eq!(turns, ["q/quiet/", "q/calm/", "q/big/", "q/quiet/", "q/calm/", "q/big/"]);
    }

    #[test]
    fn a_blocked_lane_waits_until_it_is_let_go() {
        let mut lanes = with(&["q/a/", "r/a/"]);
        let taken = lanes.take(2);
        lanes.give_back(taken, Found { blocked: vec![lane("q/a/")], empty: vec![lane("r/a/")], ..Found::default() });
        lanes.add(lane("q/a/"));
        assert!(lanes.is_empty() && lanes.has(&lane("q/a/")));
        assert!(!lanes.unblock(Some("r")) && lanes.unblock(Some("q")));
        assert_eq!(texts(&lanes.take(9)), ["q/a/"]);
    }

    proptest! {
        #[test]
        fn no_lane_is_lost_and_none_stands_twice(
            steps in prop::collection::vec((0_usize..12, 0_usize..5, 0_u8..4), 1..60),
        ) {
            let mut lanes = Lanes::default();
            // What must be in there, whatever is done.
            let mut expected: HashSet<Lane> = HashSet::new();
            for (which, most, what) in steps {
                let one = lane(&format!("q/t{}/k{}", which % 4, which / 4));
                match what {
                    0 => {
                        expected.insert(one.clone());
                        lanes.add(one);
                    }
                    1 => { lanes.unblock(None); }
                    _ => {
                        let taken = lanes.take(most);
                        let mut found = Found::default();
                        for (index, lane) in taken.iter().enumerate() {
                            match (index + which) % 4 {
                                0 => found.served.push(lane.clone()),
                                1 => {
                                    found.empty.push(lane.clone());
                                    expected.remove(lane);
                                }
                                2 => found.blocked.push(lane.clone()),
                                _ => {}
                            }
                        }
                        lanes.give_back(taken, found);
                    }
                }
                prop_assert!(expected.iter().all(|lane| lanes.has(lane)));
            }
            lanes.unblock(None);
            let all = lanes.take(usize::MAX);
            prop_assert_eq!(all.len(), all.iter().collect::<HashSet<_>>().len());
            prop_assert_eq!(all.into_iter().collect::<HashSet<_>>(), expected);
        }
    }
}
