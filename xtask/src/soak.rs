//! `cargo xtask soak [HOURS]`: the tests that minutes are enough for in the usual command, for hours: seeds of the
//! simulator, kills of real processes on both databases, and operations of the model beside both.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Hours without a word of the caller.
pub const USUAL_HOURS: f64 = 8.0;

/// One test that can go on for long: what it is called, and how it is told to.
struct Soak {
    what: &'static str,
    args: &'static [&'static str],
    /// The variable that says how much.
    variable: &'static str,
    /// How much takes about ten minutes on two cores.
    much: u64,
}

const SOAKS: [Soak; 3] = [
    Soak {
        what: "seeds of the simulator",
        args: &["--package", "pilothouse-engine", "--features", "simulator", "--test", "simulator"],
        variable: "PILOTHOUSE_SIM_SEEDS",
        much: 30_000,
    },
    Soak {
        what: "seconds of kills",
        args: &["--package", "pilothouse-engine", "--test", "crash"],
        variable: "PILOTHOUSE_CRASH_SECONDS",
        much: 150,
    },
    Soak {
        what: "cases of the model",
        args: &["--package", "pilothouse-store", "--test", "model"],
        variable: "PILOTHOUSE_MODEL_CASES",
        much: 2_000,
    },
];

/// Runs them in turn until the time is over, or one of them fails.
pub fn run(hours: f64) -> Result<()> {
    let (began, whole) = (Instant::now(), Duration::from_secs_f64(hours * 3_600.0));
    for round in 1.. {
        for soak in &SOAKS {
            if began.elapsed() >= whole {
                return Ok(());
            }
            crate::report(&format!("round {round}: {} {}", soak.much, soak.what));
            let status = Command::new("cargo")
                .args(["test", "--locked"])
                .args(soak.args)
                .env(soak.variable, soak.much.to_string())
                // Another round, other seeds.
                .env("PILOTHOUSE_SIM_FIRST", (round * soak.much).to_string())
                .status()
                .context("cargo cannot be started")?;
            if !status.success() {
                bail!("{} failed in round {round}; its output says how to replay it", soak.what);
            }
        }
    }
    Ok(())
}
