//! The engine against a database in memory, in time that only the simulation moves, with everything drawn from one
//! number that can go wrong: late, lost and doubtful answers, hints that come late, twice or never, processes that stand
//! still or die, clocks that jump.
//!
//! `PILOTHOUSE_SIM_SEED=7` replays one simulation and tells its course; `PILOTHOUSE_SIM_SEEDS=1000000` simulates so many,
//! from `PILOTHOUSE_SIM_FIRST` on.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests fail by a panic")]

mod calendar;
mod chance;
mod check;
mod drive;
mod hints;
mod memory;
mod mutation;
mod past;
mod row;
mod script;
mod timed;
mod timely;
mod trouble;
mod turns;
mod wire;
mod world;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use drive::{Figures, simulate};
use mutation::Mutation;

/// Simulations of one run of the tests.
const SEEDS: u64 = 2_000;
/// Simulations in which each fault of the database must have been found.
const SEEDS_TO_FIND: u64 = 200;
/// Simulations at once.
const SIDE_BY_SIDE: u64 = 2;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Simulates so many seeds from `first` on until one fails. Returns that one, else what all of them were like together.
fn all(first: u64, seeds: u64) -> Result<Figures, (u64, String)> {
    let (next, failed) = (AtomicU64::new(first), AtomicBool::new(false));
    let work = || {
        let mut sum = Figures::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds || failed.load(Ordering::Relaxed) {
                return Ok(sum);
            }
            let figures = simulate(seed, Mutation::None, false).map_err(|fault| {
                failed.store(true, Ordering::Relaxed);
                (seed, fault)
            })?;
            sum = add(sum, figures);
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..SIDE_BY_SIDE).map(|_| scope.spawn(work)).collect();
        let parts: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        parts.into_iter().try_fold(Figures::default(), |sum, part| Ok(add(sum, part?)))
    })
}

fn add(one: Figures, other: Figures) -> Figures {
    Figures {
        runs: one.runs + other.runs,
        effects: one.effects + other.effects,
        repeated: one.repeated + other.repeated,
        faults: one.faults + other.faults,
        ticks: one.ticks + other.ticks,
        forgotten: one.forgotten + other.forgotten,
        trace: one.trace ^ other.trace,
    }
}

#[test]
fn every_promise_is_kept_whatever_happens() {
    if let Some(seed) = number("PILOTHOUSE_SIM_SEED") {
        eprintln!("{:?}", simulate(seed, Mutation::None, true).unwrap_or_else(|fault| panic!("seed {seed}: {fault}")));
        return;
    }
    let (seeds, began) = (number("PILOTHOUSE_SIM_SEEDS").unwrap_or(SEEDS), Instant::now());
    let figures = all(number("PILOTHOUSE_SIM_FIRST").unwrap_or(0), seeds)
        .unwrap_or_else(|(seed, fault)| panic!("seed {seed}: {fault}\nPILOTHOUSE_SIM_SEED={seed} replays it"));
    let rate = seeds as f64 / began.elapsed().as_secs_f64();
    eprintln!("{seeds} seeds, {rate:.0} a second: {figures:?}");
    // Were nothing to go wrong, nothing would have been proved.
    assert!(figures.runs as u64 > 5 * seeds && figures.faults > 10 * seeds, "{figures:?}");
    assert!(figures.repeated as u64 > seeds / 4, "{figures:?}");
    assert!(figures.ticks as u64 > seeds && figures.forgotten as u64 > seeds / 4, "{figures:?}");
}

#[test]
fn a_seed_is_always_the_same_simulation() {
    for seed in 0..25 {
        assert_eq!(simulate(seed, Mutation::None, false), simulate(seed, Mutation::None, false), "seed {seed}");
    }
}

fn is_found(mutation: Mutation) -> String {
    // One after the other, so that it is always the same one that finds it.
    let found = (0..SEEDS_TO_FIND).find_map(|seed| Some((seed, simulate(seed, mutation, false).err()?)));
    let (seed, fault) = found.unwrap_or_else(|| panic!("{mutation:?} was not found"));
    eprintln!("{mutation:?} was found by seed {seed}: {fault}");
    fault
}

#[test]
fn a_database_that_lets_anybody_write_is_found() {
    assert!(is_found(Mutation::SkipsFence).contains("after the claim"));
}

#[test]
fn a_database_that_leaves_runs_with_the_dead_is_found() {
    assert!(is_found(Mutation::ForgetsToTakeBack).contains("these runs go nowhere"));
}

#[test]
fn a_database_that_loses_writes_is_found() {
    is_found(Mutation::LosesWrites);
}

#[test]
fn a_database_that_knows_no_limits_is_found() {
    assert!(is_found(Mutation::IgnoresLimits).contains("under Limits"));
}

#[test]
fn a_database_that_lets_waiting_runs_sleep_is_found() {
    is_found(Mutation::LosesWakeUps);
}

#[test]
fn a_database_that_knows_no_rates_is_found() {
    assert!(is_found(Mutation::IgnoresRates).contains("at a rate of"));
}

#[test]
fn a_database_that_tells_nobody_is_found() {
    assert!(is_found(Mutation::LosesHints).contains("although the others were told"));
}

#[test]
fn a_database_that_ticks_twice_is_found() {
    let fault = is_found(Mutation::TicksTwice);
    assert!(["has another run", "were skipped"].iter().any(|told| fault.contains(told)), "run twice, or skipped twice");
}

#[test]
fn a_database_that_loses_ticks_is_found() {
    assert!(is_found(Mutation::LosesTicks).contains("were skipped"));
}

#[test]
fn a_database_that_forgets_the_living_is_found() {
    assert!(is_found(Mutation::ForgetsTheLiving).contains("was forgotten while"));
}

#[test]
fn a_database_that_forgets_what_the_audit_log_says_is_found() {
    assert!(is_found(Mutation::ForgetsAudit).contains("by the audit log too"));
}
