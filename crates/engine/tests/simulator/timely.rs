//! What must hold of time: no more begin than a rate allows, each tick has one run and none before its time, and nothing
//! is forgotten too early.

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId};
use pilothouse_engine::Keep;

use crate::calendar::Ticking;
use crate::check::begins;
use crate::memory::Tables;
use crate::row::{Row, State};

/// How long runs are kept.
pub const KEEP: Keep = Keep { ended: std::time::Duration::from_secs(2), dead: std::time::Duration::from_secs(4) };

/// What was seen so far.
#[derive(Default)]
pub struct Timely {
    /// When runs began in each queue with a rate, by the clocks that they were claimed by.
    starts: BTreeMap<String, Vec<Micros>>,
    /// The runs of ticks, by their keys.
    ticks: BTreeMap<String, RunId>,
    /// The runs that asked for an audit row.
    audited: BTreeSet<RunId>,
    /// Whether nodes go by the one true clock.
    pub shared: bool,
}

impl Timely {
    /// A run is there, and `known` of its entries were seen before.
    pub fn goes_on(&mut self, tables: &Tables, row: &Row, known: usize, now: Micros) -> Result<(), String> {
        if known == 0 {
            self.comes(tables, row, now)?;
        }
        let Some((count, period)) = tables.limits.get(&row.run.queue).and_then(|limits| limits.rate) else {
            return Ok(());
        };
        let starts = self.starts.entry(row.run.queue.clone()).or_default();
        for written in row.journal.iter().skip(known).filter(|written| begins(written)) {
            starts.push(written.entry.at);
            starts.sort_unstable();
            // With a burst of one period: so many in any time, and as many more as it has periods.
            for (index, from) in starts.iter().enumerate() {
                for (begun, to) in starts[index..].iter().zip(1..).map(|(to, begun)| (begun, to)) {
                    if begun * period > Micros::from(count) * (period + to - from) {
                        return Err(format!("{begun} began in {} µs at a rate of {count} in {period}", to - from));
                    }
                }
            }
        }
        Ok(())
    }

    /// A run that was not there before.
    fn comes(&mut self, tables: &Tables, row: &Row, now: Micros) -> Result<(), String> {
        if tables.audited.contains(&row.run.id) {
            self.audited.insert(row.run.id);
        }
        let Some(key) = row.run.idem_key.as_ref().filter(|_| row.run.schedule.is_some()) else { return Ok(()) };
        let tick = Ticking::tick(key).unwrap_or(Micros::MAX);
        if row.run.created_at < tick || (self.shared && now < tick) {
            return Err(format!("the tick {key} ran before its time, at {now}"));
        }
        match self.ticks.insert(key.clone(), row.run.id) {
            Some(other) if other != row.run.id => Err(format!("the tick {key} has another run: {other}")),
            _ => Ok(()),
        }
    }

    /// A run was forgotten, and stood so before.
    pub fn forgotten(&self, tables: &Tables, row: &Row, now: Micros) -> Result<(), String> {
        if row.state != State::Ended {
            return Err(format!("was forgotten while it was {:?}", row.run.status));
        }
        let open = row.run.status == Status::Dead && row.run.discarded_at.is_none();
        let keep = if open { KEEP.dead } else { KEEP.ended };
        let finished = row.run.finished_at.unwrap_or(Micros::MAX);
        if self.shared && finished > now - keep.as_micros() as Micros {
            return Err(format!("ended at {finished} and was forgotten at {now}"));
        }
        if self.audited.contains(&row.run.id) && !tables.audited.contains(&row.run.id) {
            return Err("is forgotten by the audit log too".to_owned());
        }
        Ok(())
    }

    /// Once nothing is due any more: every tick so far has its run, was skipped, or was counted as missed.
    pub fn end(&self, tables: &Tables) -> Vec<String> {
        let mut faults = Vec::new();
        for ticking in tables.schedules.values() {
            let ticks = std::iter::successors(Some(ticking.first), |tick| ticking.timing.next_after(*tick));
            let decided = ticks.take_while(|tick| ticking.next.is_none_or(|next| *tick < next)).count() as i64;
            let own = format!("{}@", ticking.id);
            let runs = self.ticks.keys().filter(|key| key.starts_with(&own)).count() as i64;
            if decided != runs + ticking.skipped + ticking.missed {
                let Ticking { missed, skipped, .. } = ticking;
                faults.push(format!("{own} of {decided} ticks {runs} ran, {skipped} were skipped, {missed} missed"));
            }
        }
        faults
    }

    /// How many ticks had runs.
    pub fn ticks(&self) -> usize {
        self.ticks.len()
    }
}
