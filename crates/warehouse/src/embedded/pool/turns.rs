//! Whose turn it is: weighted fair queueing over owners, by the time that each has used. Pure: no clock, no threads.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// What a turn counts for before it is known how long it took, in microseconds.
const FIRST_CHARGE_US: u64 = 1_000;

/// Owners that wait for one of a few places, and those that have one. An owner that has used less goes first, and none
/// may have all places, as long as there is more than one.
pub struct Turns<T> {
    places: usize,
    /// How far the owner that was served last had come: newcomers begin here, so that nobody saves up turns.
    now: u64,
    owners: HashMap<Arc<str>, Owner<T>>,
}

struct Owner<T> {
    running: usize,
    /// Time used, over the owner's weight.
    used: u64,
    waiting: VecDeque<(u32, T)>,
}

impl<T> Turns<T> {
    /// Turns at `places`.
    pub fn new(places: usize) -> Self {
        Self { places: places.max(1), now: 0, owners: HashMap::new() }
    }

    /// Puts `ticket` at the end of its owner's line. Of two owners that both want more than there is, one with twice the
    /// weight gets twice the time.
    pub fn wait(&mut self, owner: &Arc<str>, weight: u32, ticket: T) {
        let now = self.now;
        let made = || Owner { running: 0, used: now, waiting: VecDeque::new() };
        let owner = self.owners.entry(owner.clone()).or_insert_with(made);
        if owner.running == 0 && owner.waiting.is_empty() {
            owner.used = owner.used.max(now);
        }
        owner.waiting.push_back((weight.max(1), ticket));
    }

    /// The ticket whose turn it is, if there is a place for it; it has the place until [`Self::done`].
    pub fn next(&mut self) -> Option<(Arc<str>, u32, T)> {
        if self.running() >= self.places {
            return None;
        }
        let most = (self.places - 1).max(1);
        let may = self.owners.iter().filter(|(_, owner)| !owner.waiting.is_empty() && owner.running < most);
        let key = may.min_by_key(|(name, owner)| (owner.used, *name)).map(|(name, _)| name.clone())?;
        let owner = self.owners.get_mut(&key)?;
        let (weight, ticket) = owner.waiting.pop_front()?;
        self.now = self.now.max(owner.used);
        owner.used += FIRST_CHARGE_US / u64::from(weight);
        owner.running += 1;
        Some((key, weight, ticket))
    }

    /// Gives a place back after `used_us`.
    pub fn done(&mut self, key: &Arc<str>, weight: u32, used_us: u64) {
        let Some(owner) = self.owners.get_mut(key) else { return };
        owner.running = owner.running.saturating_sub(1);
        owner.used += used_us.saturating_sub(FIRST_CHARGE_US) / u64::from(weight.max(1));
        if owner.running == 0 && owner.waiting.is_empty() && owner.used <= self.now {
            self.owners.remove(key);
        } else if self.owners.values().all(|owner| owner.running == 0 && owner.waiting.is_empty()) {
            // Nobody is left to be fair to.
            self.owners.clear();
        }
    }

    /// How many have a place.
    pub fn running(&self) -> usize {
        self.owners.values().map(|owner| owner.running).sum()
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.owners.values().map(|owner| owner.waiting.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(n: usize) -> Arc<str> {
        format!("owner{n}").into()
    }

    #[test]
    fn a_line_of_one_owner_does_not_hold_up_another() {
        let mut turns = Turns::new(2);
        let (busy, quiet) = (name(1), name(2));
        for n in 0..100 {
            turns.wait(&busy, 1, n);
        }
        assert_eq!(turns.next().unwrap().2, 0);
        assert!(turns.next().is_none(), "the last place is not for who has one");
        turns.wait(&quiet, 1, 1000);
        assert_eq!(turns.next().unwrap().2, 1000);
        turns.wait(&quiet, 1, 1001);
        turns.done(&busy, 1, 5_000_000);
        assert_eq!(turns.waiting(), 100);
        turns.done(&quiet, 1, 2_000);
        assert_eq!(turns.next().unwrap().2, 1001, "who used less goes first");
    }

    #[test]
    fn time_is_shared_by_weight() {
        let mut turns = Turns::new(1);
        let (heavy, light) = (name(1), name(2));
        for _ in 0..4000 {
            turns.wait(&heavy, 3, ());
            turns.wait(&light, 1, ());
        }
        let mut served = HashMap::new();
        for _ in 0..2000 {
            let (owner, weight, ()) = turns.next().unwrap();
            *served.entry(owner.clone()).or_insert(0_u32) += 1;
            turns.done(&owner, weight, 10_000);
        }
        assert!((1450..1550).contains(&served[&heavy]), "{served:?}");
    }

    #[test]
    fn who_was_away_has_saved_nothing_up() {
        let mut turns = Turns::new(1);
        let (one, other) = (name(1), name(2));
        turns.wait(&one, 1, ());
        turns.wait(&other, 1, ());
        for _ in 0..1000 {
            let (owner, weight, ()) = turns.next().unwrap();
            if owner == one {
                turns.wait(&one, 1, ());
            }
            turns.done(&owner, weight, 10_000);
        }
        turns.wait(&other, 1, ());
        turns.wait(&other, 1, ());
        let (first, weight, ()) = turns.next().unwrap();
        turns.done(&first, weight, 10_000);
        let (second, ..) = turns.next().unwrap();
        assert_ne!(first, second);
    }

    proptest! {
        #[test]
        fn every_ticket_is_served_once_and_places_are_never_exceeded(
            places in 1_usize..5,
            moves in proptest::collection::vec((0_usize..4, 1_u32..5, any::<bool>(), 0_u64..50_000), 1..300),
        ) {
            let mut turns = Turns::new(places);
            let (mut asked, mut served, mut held) = (0, std::collections::BTreeSet::new(), Vec::new());
            for (owner, weight, ask, used) in moves {
                if ask {
                    turns.wait(&name(owner), weight, asked);
                    asked += 1;
                } else if let Some((owner, weight)) = held.pop() {
                    turns.done(&owner, weight, used);
                }
                while let Some((owner, weight, ticket)) = turns.next() {
                    prop_assert!(served.insert(ticket));
                    held.push((owner, weight));
                }
                prop_assert!(held.len() <= places && turns.running() == held.len());
                let one_has_all = held.iter().all(|(owner, _)| *owner == held[0].0) && held.len() == places;
                prop_assert!(places == 1 || held.is_empty() || !one_has_all);
            }
            while let Some((owner, weight)) = held.pop() {
                turns.done(&owner, weight, 1);
                while let Some((owner, weight, ticket)) = turns.next() {
                    prop_assert!(served.insert(ticket));
                    held.push((owner, weight));
                }
            }
            prop_assert_eq!((served.len(), turns.waiting()), (asked, 0));
        }
    }
}
