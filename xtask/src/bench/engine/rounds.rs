//! Rounds: each peer's measurement is followed by ours on both databases, again and again, so that whatever else the
//! machine does falls on both sides of a ratio. Figures are medians over rounds.

use std::collections::BTreeMap;

use super::contender::{Contender, Measurement, Task};
use crate::bench::median;

/// Everything that was measured in a run.
#[derive(Default)]
pub struct Ledger {
    /// By contender and by what it measured.
    measurements: BTreeMap<(&'static str, String), Vec<Measurement>>,
    /// Our rate over a peer's, by task, by our side and by the peer.
    ratios: BTreeMap<(&'static str, &'static str, &'static str), Vec<f64>>,
}

impl Ledger {
    /// One round: every peer, and after each of them every side of ours.
    pub fn round(&mut self, task: &Task, peers: &[&dyn Contender], ours: &[&dyn Contender]) {
        for peer in peers {
            let theirs = self.measure(*peer, task);
            for our in ours {
                if let (Some(own), Some(theirs)) = (self.measure(*our, task), theirs) {
                    self.ratios.entry((task.name, our.name(), peer.name())).or_default().push(own / theirs);
                }
            }
        }
    }

    /// Lets one contender do a task, and returns its rate. What fails is told and leaves its figures without values.
    pub fn measure(&mut self, contender: &dyn Contender, task: &Task) -> Option<f64> {
        let measured = contender.measure(task).unwrap_or_else(|error| {
            crate::report(&format!("{}, {}: {error:#}", contender.name(), task.name));
            Vec::new()
        });
        let rate = measured.iter().find(|one| one.what == task.name).and_then(|one| one.per_second);
        for one in measured {
            self.measurements.entry((contender.name(), one.what.clone())).or_default().push(one);
        }
        rate
    }

    /// How many times as fast as the best of `peers` our side is: the smallest of the medians of ratios. None unless
    /// every one of them was measured.
    pub fn times(&self, task: &Task, our: &'static str, peers: &[&dyn Contender]) -> Option<f64> {
        let ratios = peers.iter().map(|peer| {
            let mut ratios = self.ratios.get(&(task.name, our, peer.name()))?.clone();
            Some(median(&mut ratios))
        });
        ratios.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::min)
    }

    /// The median of a number over all measurements of a contender that have it.
    pub fn median(
        &self,
        contender: &'static str,
        what: &str,
        number: impl Fn(&Measurement) -> Option<f64>,
    ) -> Option<f64> {
        let measured = self.measurements.get(&(contender, what.to_owned()))?;
        let mut numbers: Vec<f64> = measured.iter().filter_map(number).collect();
        (!numbers.is_empty()).then(|| median(&mut numbers))
    }

    /// A line for each contender and what it measured, with medians.
    pub fn summary(&self) -> Vec<String> {
        let line = |(contender, what): &(&'static str, String)| {
            let number = |name: &str, value: Option<f64>| value.map(|value| format!(", {name} {value:.1}"));
            let median = |number: fn(&Measurement) -> Option<f64>| self.median(contender, what, number);
            let numbers = [
                number("per second", median(|one| one.per_second)),
                number("us of CPU, client", median(|one| one.cpu_us_client)),
                number("server", median(|one| one.cpu_us_server)),
                number("p50 ms", median(|one| one.p50_ms)),
                number("p99 ms", median(|one| one.p99_ms)),
                number("MB", median(|one| one.rss_mb)),
            ];
            format!("{contender}, {what}{}", numbers.into_iter().flatten().collect::<String>())
        };
        self.measurements.keys().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use anyhow::{Result, bail};

    use super::*;

    const TASK: Task = Task { name: "jobs", size: None, quick: true };

    /// Has its rates written down for it; an absent one is a failure.
    struct Scripted<'a> {
        name: &'static str,
        rates: RefCell<Vec<Option<f64>>>,
        order: &'a RefCell<Vec<&'static str>>,
    }

    impl Contender for Scripted<'_> {
        fn name(&self) -> &'static str {
            self.name
        }

        fn measure(&self, task: &Task) -> Result<Vec<Measurement>> {
            self.order.borrow_mut().push(self.name);
            let Some(rate) = self.rates.borrow_mut().remove(0) else { bail!("it broke") };
            let line = serde_json::json!({"what": task.name, "per_second": rate});
            Ok(vec![Measurement::read(&line)?])
        }
    }

    fn ledger(a: &[Option<f64>], b: &[Option<f64>], ours: &[Option<f64>]) -> (Option<f64>, Vec<&'static str>) {
        let order = RefCell::new(Vec::new());
        let scripted =
            |name, rates: &[Option<f64>]| Scripted { name, rates: RefCell::new(rates.to_vec()), order: &order };
        let (first, second, our) = (scripted("a", a), scripted("b", b), scripted("ours", ours));
        let peers: [&dyn Contender; 2] = [&first, &second];
        let mut ledger = Ledger::default();
        for _ in 0..a.len() {
            ledger.round(&TASK, &peers, &[&our]);
        }
        let times = ledger.times(&TASK, "ours", &peers);
        (times, order.take())
    }

    #[test]
    fn ours_follows_each_peer_and_ratios_are_of_neighbours() {
        // The machine is ten times slower in the second and third round: the ratios do not notice.
        let a = [100.0, 10.0, 10.0].map(Some);
        let b = [200.0, 20.0, 20.0].map(Some);
        let ours = [1000.0, 1000.0, 100.0, 100.0, 100.0, 100.0].map(Some);
        let (times, order) = ledger(&a, &b, &ours);
        assert_eq!(times, Some(5.0));
        assert_eq!(order[..4], ["a", "ours", "b", "ours"]);
    }

    #[test]
    fn a_peer_that_never_ran_leaves_no_ratio() {
        let (times, _) = ledger(&[Some(1.0)], &[None], &[Some(9.0), Some(9.0)]);
        assert_eq!(times, None);
    }
}
