//! What a query is expected to read, take and cost before it runs, and how far that can be relied upon.

use serde::{Deserialize, Serialize};

use crate::format;
use crate::money::NanoUsd;

/// Bytes that a price is for.
const TEBIBYTE: u128 = 1 << 40;
/// Earlier runs from which on they say something about the next one.
const MIN_RUNS: usize = 3;

/// What an expectation rests on, the firmest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The result is there already: nothing is read.
    Kept,
    /// What the files say of themselves: no more than that can be read.
    Footers,
    /// The sizes of whole files, of which only a part may be read.
    Files,
    /// The planner of a database, by its statistics.
    Planner,
    /// Nothing is known.
    #[default]
    Nothing,
}

/// How far an expectation can be relied upon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// It may be wrong by much.
    #[default]
    Low,
    /// It is of the right order.
    Medium,
    /// It is a bound, or was so several times.
    High,
}

/// What one run of a query took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// Bytes read, where the engine tells.
    pub bytes: Option<u64>,
    /// Time, in microseconds.
    pub elapsed_us: u64,
}

/// What runs of queries of the same shape took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// How many.
    pub runs: usize,
    /// Half took less, in microseconds.
    pub elapsed_us_p50: u64,
    /// One in twenty took longer, in microseconds.
    pub elapsed_us_p95: u64,
    /// One in twenty read more, in bytes; none where that is not known of each.
    pub bytes_p95: Option<u64>,
}

impl Past {
    /// What these runs say about the next one; none where they are too few.
    pub fn of(runs: &[Took]) -> Option<Self> {
        if runs.len() < MIN_RUNS {
            return None;
        }
        let times = runs.iter().map(|run| run.elapsed_us).collect();
        let bytes: Option<Vec<u64>> = runs.iter().map(|run| run.bytes).collect();
        let [elapsed_us_p50, elapsed_us_p95] = quantiles(times);
        Some(Self {
            runs: runs.len(),
            elapsed_us_p50,
            elapsed_us_p95,
            bytes_p95: bytes.map(|bytes| quantiles(bytes)[1]),
        })
    }

    /// Whether the runs were alike.
    fn is_steady(&self) -> bool {
        self.elapsed_us_p95 <= self.elapsed_us_p50.saturating_mul(2)
    }
}

/// The median, and what one in twenty is above.
fn quantiles(mut values: Vec<u64>) -> [u64; 2] {
    values.sort_unstable();
    let last = values.len().saturating_sub(1);
    [last / 2, (values.len() * 19).div_ceil(20).saturating_sub(1).min(last)]
        .map(|index| values.get(index).copied().unwrap_or_default())
}

/// What a query is expected to read, take and cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Rows read.
    pub rows: Option<u64>,
    /// Bytes read.
    pub bytes: Option<u64>,
    /// Time, in microseconds; none where nothing like it has run yet.
    pub elapsed_us: Option<u64>,
    /// Money; none where it depends on bytes that are not known.
    pub cost: Option<NanoUsd>,
    /// What it rests on.
    pub basis: Basis,
    /// How far it can be relied upon.
    pub confidence: Confidence,
    /// Earlier runs of queries of the same shape that were looked at.
    pub runs: usize,
}

impl Forecast {
    /// It in words that follow on "It" or "The query".
    pub fn in_words(&self) -> String {
        let about = if self.basis >= Basis::Planner { "about" } else { "at most" };
        let mut words = match (self.rows, self.bytes) {
            (Some(rows), Some(bytes)) => {
                format!("reads {about} {} ({})", format::counted(rows, "row"), format::bytes(bytes))
            }
            (Some(rows), None) => format!("reads {about} {}", format::counted(rows, "row")),
            (None, Some(bytes)) => format!("reads {about} {}", format::bytes(bytes)),
            (None, None) => "reads an unknown amount".to_owned(),
        };
        if let Some(us) = self.elapsed_us {
            words += &format!(", takes about {}", format::duration(us));
        }
        if let Some(cost) = self.cost.filter(|cost| *cost > NanoUsd(0)) {
            words += &format!(", costs {about} {cost} USD");
        }
        words
    }
}

/// What an engine says that a query would read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Rows.
    pub rows: Option<u64>,
    /// Bytes of the columns that are read, as stored.
    pub bytes: Option<u64>,
    /// What it says that by.
    pub basis: Basis,
}

impl Estimate {
    /// Nothing is read.
    pub fn nothing(basis: Basis) -> Self {
        Self { rows: Some(0), bytes: Some(0), basis }
    }

    /// What both together read.
    pub fn and(self, other: Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| one.zip(other).map(|(one, other)| one.saturating_add(other));
        let (rows, bytes) = (sum(self.rows, other.rows), sum(self.bytes, other.bytes));
        Self { rows, bytes, basis: self.basis.max(other.basis) }
    }
}

/// What is expected of a query of which an engine says `estimate`, after `past` runs of its shape, where the engine's
/// owner takes `nano_usd_per_tib` for each tebibyte read.
///
/// What files say of themselves is a bound and stands; a planner's guess gives way to what was seen.
pub fn forecast(estimate: Estimate, past: Option<Past>, nano_usd_per_tib: u64) -> Forecast {
    let Estimate { rows, bytes, basis } = estimate;
    let seen = past.and_then(|past| past.bytes_p95);
    let bytes = if basis >= Basis::Planner { seen.or(bytes) } else { bytes };
    let by_basis = match basis {
        Basis::Kept | Basis::Footers => Confidence::High,
        Basis::Files => Confidence::Medium,
        Basis::Planner | Basis::Nothing => Confidence::Low,
    };
    let by_past = past.map(|past| if past.is_steady() { Confidence::High } else { Confidence::Medium });
    let cost = match nano_usd_per_tib {
        0 => Some(NanoUsd(0)),
        price => bytes.map(|bytes| price_of(bytes, price)),
    };
    let elapsed_us = if basis == Basis::Kept { Some(0) } else { past.map(|past| past.elapsed_us_p50) };
    let confidence = by_past.map_or(by_basis, |by_past| by_past.max(by_basis));
    Forecast { rows, bytes, elapsed_us, cost, basis, confidence, runs: past.map_or(0, |past| past.runs) }
}

/// The price of reading, rounded up.
pub fn price_of(bytes: u64, nano_usd_per_tib: u64) -> NanoUsd {
    let nano = (u128::from(bytes) * u128::from(nano_usd_per_tib)).div_ceil(TEBIBYTE);
    NanoUsd(i64::try_from(nano).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(times: &[u64]) -> Vec<Took> {
        times.iter().map(|time| Took { bytes: Some(time * 10), elapsed_us: *time }).collect()
    }

    #[test]
    fn a_few_runs_say_nothing_and_more_say_what_is_usual() {
        assert_eq!(Past::of(&runs(&[5, 6])), None);
        let past = Past::of(&runs(&[30, 10, 20])).unwrap();
        assert_eq!((past.runs, past.elapsed_us_p50, past.elapsed_us_p95, past.bytes_p95), (3, 20, 30, Some(300)));
        let many: Vec<u64> = (1..=100).collect();
        let past = Past::of(&runs(&many)).unwrap();
        assert_eq!((past.elapsed_us_p50, past.elapsed_us_p95), (50, 95));
        let mut some_unknown = runs(&[1, 2, 3]);
        some_unknown[1].bytes = None;
        assert_eq!(Past::of(&some_unknown).unwrap().bytes_p95, None);
    }

    #[test]
    fn a_bound_stands_and_a_guess_gives_way() {
        let past = Past::of(&runs(&[100, 110, 120]));
        let by = |basis| forecast(Estimate { rows: Some(1), bytes: Some(7), basis }, past, 0);
        assert_eq!((by(Basis::Footers).bytes, by(Basis::Footers).confidence), (Some(7), Confidence::High));
        assert_eq!((by(Basis::Files).bytes, by(Basis::Files).confidence), (Some(7), Confidence::High));
        assert_eq!((by(Basis::Planner).bytes, by(Basis::Planner).elapsed_us), (Some(1_200), Some(110)));
        let first = forecast(Estimate { rows: Some(1), bytes: Some(7), basis: Basis::Planner }, None, 0);
        assert_eq!((first.bytes, first.confidence, first.elapsed_us), (Some(7), Confidence::Low, None));
        let scattered = forecast(Estimate::default(), Past::of(&runs(&[1, 2, 90])), 0);
        assert_eq!(scattered.confidence, Confidence::Medium);
    }

    #[test]
    fn it_is_told_in_words() {
        let past = Past::of(&runs(&[12_000_000, 12_000_000, 12_400_000]));
        let dear = Estimate { rows: Some(12_000_000), bytes: Some(3_400_000_000), basis: Basis::Footers };
        let told = forecast(dear, past, 5_000_000_000).in_words();
        assert_eq!(told, "reads at most 12,000,000 rows (3.4 GB), takes about 12 s, costs at most 0.01546141 USD");
        assert_eq!(Forecast::default().in_words(), "reads an unknown amount");
    }

    #[test]
    fn money_follows_bytes_and_rounds_up() {
        let five = 5_000_000_000;
        assert_eq!(price_of(1 << 40, five), NanoUsd(5_000_000_000));
        assert_eq!(price_of(1, five), NanoUsd(1));
        assert_eq!(price_of(0, five), NanoUsd(0));
        assert_eq!(price_of(u64::MAX, u64::MAX), NanoUsd(i64::MAX));
        let unknown = Estimate { rows: None, bytes: None, basis: Basis::Nothing };
        assert_eq!(forecast(unknown, None, five).cost, None);
        assert_eq!(forecast(unknown, None, 0).cost, Some(NanoUsd(0)));
    }
}
