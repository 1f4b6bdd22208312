//! What this process has measured of the runs that it worked on, by queue. To record something takes a few atomic
//! additions and no memory, since it is done for every run; whoever reads may be a moment behind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use pilothouse_domain::Micros;

/// How an attempt can leave its worker; `lost` is the one whose run was taken from it.
pub(crate) const OUTCOMES: [&str; 8] =
    ["succeeded", "failed", "dead", "cancelled", "retried", "waiting", "handed_back", "lost"];
/// Upper bounds of the classes of times, in microseconds: from a millisecond to an hour. What is longer is one more.
const BOUNDS: [Micros; 15] = [
    1_000,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    10_000_000,
    30_000_000,
    60_000_000,
    600_000_000,
    3_600_000_000,
];
/// Most queues that are measured apart; the others are one.
const MAX_QUEUES: usize = 100;
/// The name of the others.
const OTHERS: &str = "other";

/// What this process measures.
#[derive(Default)]
pub(crate) struct Meters {
    queues: RwLock<BTreeMap<String, Arc<QueueMeters>>>,
    fenced: AtomicU64,
}

#[derive(Default)]
struct QueueMeters {
    waits: Histogram,
    runs: Histogram,
    attempts: [AtomicU64; OUTCOMES.len()],
}

#[derive(Default)]
struct Histogram {
    classes: [AtomicU64; BOUNDS.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    fn record(&self, time: Micros) {
        let time = time.max(0);
        self.classes[BOUNDS.partition_point(|bound| *bound < time)].fetch_add(1, Relaxed);
        self.sum_us.fetch_add(time.unsigned_abs(), Relaxed);
    }

    fn read(&self) -> Times {
        let mut count = 0;
        let mut up_to = |class: &AtomicU64| {
            count += class.load(Relaxed);
            count
        };
        let buckets = BOUNDS.into_iter().zip(self.classes.iter().map(&mut up_to)).collect();
        let count = self.classes.last().map_or(0, up_to);
        Times { buckets, count, sum_us: self.sum_us.load(Relaxed) }
    }
}

/// What was measured since this process began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured {
    /// By queue; 100 of them, and `other`.
    pub queues: BTreeMap<String, QueueMeasured>,
    /// Writes that were refused because the run was another worker's by then.
    pub fenced_writes: u64,
}

/// What was measured of one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMeasured {
    /// How long runs were due before this process began them first.
    pub waits: Times,
    /// How long runs that ended here took from their first beginning on.
    pub runs: Times,
    /// How often attempts left this worker, by how they did.
    pub attempts: Vec<(&'static str, u64)>,
}

/// Times that were measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// Bounds in microseconds, ascending, each with how many times were not longer.
    pub buckets: Vec<(Micros, u64)>,
    /// How many there are.
    pub count: u64,
    /// Their sum, in microseconds.
    pub sum_us: u64,
}

impl Meters {
    /// Meters that tell of these queues from the beginning on.
    pub(crate) fn of(queues: impl IntoIterator<Item = &'static str>) -> Self {
        let meters = Self::default();
        queues.into_iter().for_each(|queue| meters.with(queue, |_| ()));
        meters
    }

    /// A run was begun for the first time, so long after it was due.
    pub(crate) fn began(&self, queue: &str, wait: Micros) {
        self.with(queue, |meters| meters.waits.record(wait));
    }

    /// An attempt has left this worker so.
    pub(crate) fn left(&self, queue: &str, outcome: &str) {
        if let Some(index) = OUTCOMES.iter().position(|known| *known == outcome) {
            self.with(queue, |meters| meters.attempts[index].fetch_add(1, Relaxed));
        }
    }

    /// A run has ended, so long after it first began.
    pub(crate) fn ended(&self, queue: &str, time: Micros) {
        self.with(queue, |meters| meters.runs.record(time));
    }

    /// A write was refused because the run is another worker's.
    pub(crate) fn fenced(&self) {
        self.fenced.fetch_add(1, Relaxed);
    }

    /// What was measured so far.
    pub(crate) fn read(&self) -> Measured {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let of = |meters: &QueueMeters| QueueMeasured {
            waits: meters.waits.read(),
            runs: meters.runs.read(),
            attempts: OUTCOMES.into_iter().zip(meters.attempts.iter().map(|count| count.load(Relaxed))).collect(),
        };
        Measured {
            queues: queues.iter().map(|(name, meters)| (name.clone(), of(meters))).collect(),
            fenced_writes: self.fenced.load(Relaxed),
        }
    }

    fn with<T>(&self, queue: &str, record: impl FnOnce(&QueueMeters) -> T) -> T {
        let known = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let full = known.len() >= MAX_QUEUES;
        if let Some(meters) = known.get(queue).or_else(|| known.get(OTHERS).filter(|_| full)) {
            return record(meters);
        }
        drop(known);
        let name = if full { OTHERS } else { queue };
        let mut known = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        record(known.entry(name.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_up_to_its_bound_and_beyond() {
        let histogram = Histogram::default();
        for time in [-5, 0, 1_000, 1_001, 3_600_000_000, 3_600_000_001] {
            histogram.record(time);
        }
        let times = histogram.read();
        let up_to = |bound| times.buckets.iter().find(|(own, _)| *own == bound).unwrap().1;
        assert_eq!((up_to(1_000), up_to(5_000), up_to(600_000_000), up_to(3_600_000_000)), (3, 4, 4, 5));
        assert_eq!((times.count, times.sum_us), (6, 7_200_002_002));
    }

    #[test]
    fn each_queue_is_counted_apart_until_there_are_too_many() {
        let meters = Meters::of(["ask"]);
        assert_eq!(meters.read().queues["ask"].runs.count, 0, "it is told of before anything has run");
        for n in 0..MAX_QUEUES + 50 {
            meters.left(&format!("queue {n:03}"), "succeeded");
        }
        meters.left("ask", "lost");
        meters.left("ask", "nonsense");
        meters.began("queue 149", 7);
        meters.ended("queue 000", 9);
        meters.fenced();
        let read = meters.read();
        assert_eq!(read.queues.len(), MAX_QUEUES + 1);
        let attempts = |queue: &str| read.queues[queue].attempts.iter().map(|(_, count)| *count).collect::<Vec<_>>();
        assert_eq!(attempts("ask"), [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(attempts("other")[0], 51);
        assert_eq!((read.queues["other"].waits.count, read.queues["queue 000"].runs.sum_us), (1, 9));
        assert_eq!(read.fenced_writes, 1);
    }
}
