//! `cargo xtask soak [HOURS]`: the tests that seconds are enough for in the usual command, for hours and with seeds that
//! no run before had: the simulator, real processes that are killed, stopped, starved of disk and given other clocks,
//! and operations of the model beside both databases.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Hours without a word of the caller.
pub const USUAL_HOURS: f64 = 8.0;
/// How long one of them has its turn, in minutes; in a short soak less, so that each has several.
const TURN_MINUTES: f64 = 10.0;
const TURNS: f64 = 9.0;
/// Seeds are drawn below this, so that they are easy to read and to type.
const SEEDS: u64 = 1_000_000_000_000;

/// One test that can go on for long: what it is called, and how it is told to.
struct Soak {
    what: &'static str,
    args: &'static [&'static str],
    /// The variable that says how much.
    variable: &'static str,
    /// How much takes about a minute on two cores.
    a_minute: u64,
    /// The variable with the seed, where it does not draw its own.
    seed: Option<&'static str>,
}

const SOAKS: [Soak; 3] = [
    Soak {
        what: "seeds of the simulator",
        args: &["--package", "pilothouse-engine", "--features", "simulator", "--test", "simulator"],
        variable: "PILOTHOUSE_SIM_SEEDS",
        a_minute: 2_500,
        seed: Some("PILOTHOUSE_SIM_FIRST"),
    },
    Soak {
        what: "seconds of each trouble of real processes",
        args: &["--package", "pilothouse-engine", "--test", "crash"],
        variable: "PILOTHOUSE_CRASH_SECONDS",
        a_minute: 5,
        seed: Some("PILOTHOUSE_CRASH_SEED"),
    },
    Soak {
        what: "cases of the model",
        args: &["--package", "pilothouse-store", "--test", "model"],
        variable: "PILOTHOUSE_MODEL_CASES",
        a_minute: 200,
        seed: None,
    },
];

/// Runs them in turn until the time is over, or one of them fails; then tells what was done.
pub fn run(hours: f64) -> Result<()> {
    let (began, whole) = (Instant::now(), Duration::try_from_secs_f64(hours * 3_600.0)?);
    let minutes = (hours * 60.0 / TURNS).clamp(1.0, TURN_MINUTES);
    let mut done = [0_u64; SOAKS.len()];
    let turns = (0..SOAKS.len()).cycle().take_while(|_| began.elapsed() < whole);
    for turn in turns {
        let (soak, much) = (&SOAKS[turn], (SOAKS[turn].a_minute as f64 * minutes) as u64);
        let passed = soak.turn(much)?;
        done[turn] += much;
        if !passed {
            bail!("{} failed after {}; the output says how to replay it", soak.what, told(&done, began));
        }
    }
    crate::report(&format!("nothing failed in {}", told(&done, began)));
    Ok(())
}

impl Soak {
    /// Runs it once; tells whether it passed.
    fn turn(&self, much: u64) -> Result<bool> {
        let seed = RandomState::new().build_hasher().finish() % SEEDS + 1;
        let mut test = Command::new("cargo");
        test.args(["test", "--locked"]).args(self.args).args(["--", "--test-threads=1", "--nocapture"]);
        test.env(self.variable, much.to_string());
        let mut words = format!("{much} {}", self.what);
        if let Some(variable) = self.seed {
            test.env(variable, seed.to_string());
            words += &format!(", {variable}={seed}");
        }
        crate::report(&words);
        Ok(test.status().context("cargo cannot be started")?.success())
    }
}

fn told(done: &[u64; SOAKS.len()], began: Instant) -> String {
    let parts = SOAKS.iter().zip(done).map(|(soak, much)| format!("{much} {}", soak.what));
    format!("{:.1} hours: {}", began.elapsed().as_secs_f64() / 3_600.0, parts.collect::<Vec<_>>().join(", "))
}
