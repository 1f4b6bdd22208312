//! `bench http`: what a newcomer feels. The cost of a request, the start, the memory, an answer.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use super::server::{Installation, Server, binary};
use super::{Figure, Options, Values, median};

const HEALTH: &str = "CPU per GET /health";
const START: &str = "start of the release binary to first 200";
const MEMORY: &str = "idle memory with the sample data registered";
const ASK: &str = "ask on the flights, request to answer";
const START_POSTGRES: &str = "start to first 200, records in PostgreSQL";
const ASK_POSTGRES: &str = "ask on the flights, records in PostgreSQL";

/// The figures of this benchmark.
pub const FIGURES: [Figure; 6] = [
    Figure {
        what: HEALTH,
        unit: "us",
        against: 400.0,
        bar: "at most 60 us (the originals: 400 to 11,800)",
        holds: |v| v <= 60.0,
    },
    Figure { what: START, unit: "ms", against: 200.0, bar: "under 200 ms", holds: |v| v < 200.0 },
    Figure { what: MEMORY, unit: "MB", against: 80.0, bar: "under 80 MB", holds: |v| v < 80.0 },
    Figure { what: ASK, unit: "ms", against: 150.0, bar: "under 150 ms", holds: |v| v < 150.0 },
    Figure { what: START_POSTGRES, unit: "ms", against: 200.0, bar: "under 200 ms", holds: |v| v < 200.0 },
    Figure { what: ASK_POSTGRES, unit: "ms", against: 150.0, bar: "under 150 ms", holds: |v| v < 150.0 },
];

/// How long the machine is left alone before memory is read.
const SETTLE: Duration = Duration::from_secs(3);
/// Longest wait for the sample data to be read.
const PROFILE_PATIENCE: Duration = Duration::from_secs(60);
const QUESTION: &str = "How many flights were there in February?";
const ANSWER: &str = "24,951";

/// Measures all of it.
pub fn measure(options: &Options, values: &mut Values) -> Result<()> {
    let binary = binary()?;
    let installation =
        Installation { binary: &binary, data: tempfile::tempdir()?, database: None, keeps_results: false };
    let server = started(&installation, options, values, START)?;
    std::thread::sleep(SETTLE);
    values.insert(MEMORY, server.resident_mb()?);
    values.insert(HEALTH, health(&server, if options.quick { 20_000 } else { 100_000 })?);
    values.insert(ASK, ask(&server, asks(options))?);
    drop(server);
    let database = Some(pilothouse_testkit::postgres().schema_url("bench"));
    let installation = Installation { binary: &binary, data: tempfile::tempdir()?, database, keeps_results: false };
    let server = started(&installation, options, values, START_POSTGRES)?;
    values.insert(ASK_POSTGRES, ask(&server, asks(options))?);
    Ok(())
}

fn asks(options: &Options) -> u32 {
    if options.quick { 10 } else { 40 }
}

/// Measures the start, and returns a server. The first start reads the sample data; the figure is of every later one.
fn started(
    installation: &Installation<'_>,
    options: &Options,
    values: &mut Values,
    what: &'static str,
) -> Result<Server> {
    until_ready(&installation.start()?)?;
    let rounds = if options.quick { 3 } else { 9 };
    let mut starts = Vec::new();
    for _ in 0..rounds {
        starts.push(installation.start()?.first_answer_ms);
    }
    values.insert(what, median(&mut starts));
    installation.start()
}

/// Waits until the sample data can be asked.
pub fn until_ready(server: &Server) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < PROFILE_PATIENCE {
        if ask(server, 1).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("the sample data was not read in time")
}

fn health(server: &Server, requests: u32) -> Result<f64> {
    let mut client = server.connect()?;
    for _ in 0..1000 {
        client.get("/health")?;
    }
    let before = server.cpu_us()?;
    for _ in 0..requests {
        let (status, _) = client.get("/health")?;
        if status != 200 {
            bail!("/health answered {status}");
        }
    }
    Ok((server.cpu_us()? - before) / f64::from(requests))
}

/// The median time of an ask.
fn ask(server: &Server, times: u32) -> Result<f64> {
    Ok(median(&mut asked(server, times)?))
}

/// The times of asks, each in a conversation of its own, each checked.
pub fn asked(server: &Server, times: u32) -> Result<Vec<f64>> {
    let mut client = server.connect()?;
    let mut elapsed = Vec::new();
    for round in 0..times {
        let body = serde_json::json!({"org_id": "default", "user_id": "bench", "message": QUESTION, "session_id": format!("bench-{round}")});
        let started = Instant::now();
        let (status, answer) = client.post("/api/v1/agent/run", &body.to_string())?;
        elapsed.push(started.elapsed().as_secs_f64() * 1000.0);
        let answer: Value = serde_json::from_slice(&answer)?;
        if status != 200 || !answer["summary"].as_str().unwrap_or("").contains(ANSWER) {
            bail!("the answer was {status} {answer}");
        }
    }
    Ok(elapsed)
}
