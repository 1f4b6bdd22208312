//! `bench gateway`: what stands between a caller and a model. Calls come at their times whether or not the ones before are
//! answered (open loop), and each is timed from when it was due; a local double answers at once.
//!
//! Interleaved in one run: the double called directly, Pilothouse with budget, audit and metrics on, with its records in its
//! own database and in PostgreSQL, and two writes to disk one after the other, as a call waits for (its money held, its money
//! settled). For CPU time, litellm's proxy from PyPI, with one worker and no database, at the rate that it can keep up with;
//! what PostgreSQL's own processes take is told beside it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use pilothouse_testkit::{ModelServer, processes};
use serde_json::json;

use super::databases::Postgres;
use super::processes::{Group, python};
use super::server::{Client, Installation, Server, binary, repository};
use super::{Figure, Options, Values, median};

const OVERHEAD: &str = "p99 beyond the double and two writes to disk, at 500 calls a second";
const OVERHEAD_POSTGRES: &str = "the same with the records in PostgreSQL";
const TIMES_LITELLM: &str = "CPU per call, times less than litellm's proxy";
const TIMES_LITELLM_POSTGRES: &str = "CPU per call, times less, with the records in PostgreSQL";

/// The figures of this benchmark.
pub const FIGURES: [Figure; 4] =
    [overhead(OVERHEAD), overhead(OVERHEAD_POSTGRES), times_less(TIMES_LITELLM), times_less(TIMES_LITELLM_POSTGRES)];

const fn overhead(what: &'static str) -> Figure {
    Figure::new(what, "ms", 3.0, "under 3 ms", |v| v < 3.0)
}

const fn times_less(what: &'static str) -> Figure {
    Figure::new(what, "times", 20.0, "at least 20 times", |v| v >= 20.0)
}

/// Calls a second.
const RATE: u32 = 500;
/// Calls a second of litellm.
const RATE_OF_LITELLM: u32 = 50;
/// Connections of the caller.
const CONNECTIONS: u32 = 32;
const PACKAGES: [&str; 1] = ["litellm[proxy]==1.106.2"];
const CONFIG: &str = "benches/peers/litellm.yaml";
/// Longest wait for litellm to answer, which takes long to start.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of one write to disk: a page and its frame.
const WRITTEN: usize = 4096 + 24;

/// Measures all of it.
pub fn measure(options: &Options, values: &mut Values) -> Result<()> {
    let binary = binary()?;
    let double = ModelServer::start();
    let postgres = Postgres::start()?;
    let database = postgres.database("gateway");
    let own = Installation { binary: &binary, data: tempfile::tempdir()?, database: None, keeps_results: false };
    let outside = Some(database.url());
    let outside = Installation { binary: &binary, data: tempfile::tempdir()?, database: outside, keeps_results: false };
    let mut subjects = [Subject::start("its own", &own, &double)?, Subject::start("PostgreSQL", &outside, &double)?];
    let litellm = Litellm::start(&double)?;
    let (rounds, seconds) = if options.quick { (5, 3) } else { (9, 10) };
    let direct: SocketAddr = double.url().trim_start_matches("http://").trim_end_matches("/v1").parse()?;
    calls(litellm.address, RATE_OF_LITELLM, 2)?;
    for round in 0..rounds {
        let bare = p99(&mut calls(direct, RATE, seconds)?);
        let disk = p99(&mut writes(own.data.path(), 200)?);
        let id = litellm.group.id();
        let cpu_of = || Ok(processes::cpu_us(id)?);
        let (mut times, cpu) = with_cpu(cpu_of, || calls(litellm.address, RATE_OF_LITELLM, seconds))?;
        let theirs = cpu / times.len() as f64;
        crate::report(&format!(
            "round {round}: the double p99 {bare:.2} ms, two writes p99 {disk:.2} ms; litellm p50 {:.2} ms, CPU {theirs:.0} us",
            median(&mut times)
        ));
        for subject in &mut subjects {
            let before = processes::cpu_us(postgres.process)?;
            let (mut times, cpu) =
                with_cpu(|| subject.server.cpu_us(), || calls(subject.server.address, RATE, seconds))?;
            let count = times.len() as f64;
            let (of_postgres, ours) = ((processes::cpu_us(postgres.process)? - before) / count, cpu / count);
            let (p50, p99) = (median(&mut times), p99(&mut times));
            crate::report(&format!(
                "  {}: p50 {p50:.2} ms, p99 {p99:.2} ms; CPU {ours:.0} us, PostgreSQL's {of_postgres:.0} us",
                subject.name
            ));
            subject.beyond.push(p99 - bare - disk);
            subject.times_less.push(theirs / ours);
        }
    }
    let [own, outside] = &mut subjects;
    values.insert(OVERHEAD, median(&mut own.beyond));
    values.insert(OVERHEAD_POSTGRES, median(&mut outside.beyond));
    values.insert(TIMES_LITELLM, median(&mut own.times_less));
    values.insert(TIMES_LITELLM_POSTGRES, median(&mut outside.times_less));
    Ok(())
}

/// Pilothouse on one database, and what was measured of it.
struct Subject {
    name: &'static str,
    server: Server,
    /// Of each round: the p99 beyond the double and two writes, in milliseconds,
    beyond: Vec<f64>,
    /// and how many times less CPU time than litellm.
    times_less: Vec<f64>,
}

impl Subject {
    /// Starts it, and makes it warm.
    fn start(name: &'static str, on: &Installation<'_>, double: &ModelServer) -> Result<Self> {
        let server = on.start_with(&[
            format!("ai.base_url={}", double.url()),
            "budgets.user_day_tokens=1000000000".to_owned(),
            "budgets.user_month_tokens=1000000000".to_owned(),
            "budgets.tenant_month_tokens=1000000000".to_owned(),
        ])?;
        calls(server.address, RATE, 2)?;
        Ok(Self { name, server, beyond: Vec::new(), times_less: Vec::new() })
    }
}

/// What `work` gives, and the CPU time that was used meanwhile, in microseconds.
fn with_cpu<T>(cpu: impl Fn() -> Result<f64>, work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let before = cpu()?;
    let done = work()?;
    Ok((done, cpu()? - before))
}

/// Calls so many times a second, and gives how long each took from when it was due, in milliseconds.
fn calls(address: SocketAddr, rate: u32, seconds: u32) -> Result<Vec<f64>> {
    let body = json!({"model": "gpt-4o-mini", "max_tokens": 100, "messages": [
        {"role": "system", "content": "You name the root cause of failed jobs, in one line."},
        {"role": "user", "content": "java.lang.OutOfMemoryError: Java heap space ".repeat(20)}]})
    .to_string();
    let begin = Instant::now() + Duration::from_millis(50);
    let callers: Vec<_> = (0..CONNECTIONS)
        .map(|caller| {
            let body = body.clone();
            thread::spawn(move || -> Result<Vec<f64>> {
                let mut client = Client::to(address)?;
                let mut times = Vec::new();
                for number in (caller..rate * seconds).step_by(CONNECTIONS as usize) {
                    let due = begin + Duration::from_secs(1) * number / rate;
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let (status, answer) = client.post("/v1/chat/completions", &body)?;
                    times.push(due.elapsed().as_secs_f64() * 1000.0);
                    if status != 200 {
                        bail!("the answer was {status} {}", String::from_utf8_lossy(&answer));
                    }
                }
                Ok(times)
            })
        })
        .collect();
    let mut all = Vec::new();
    for caller in callers {
        all.extend(caller.join().map_err(|_| anyhow::anyhow!("a caller broke down"))??);
    }
    Ok(all)
}

/// How long two writes to disk take one after the other, in milliseconds.
fn writes(folder: &Path, count: u32) -> Result<Vec<f64>> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(folder.join("written-by-the-benchmark"))?;
    let page = vec![7; WRITTEN];
    let mut times = Vec::new();
    for _ in 0..count {
        let began = Instant::now();
        for _ in 0..2 {
            file.write_all(&page)?;
            file.sync_data()?;
        }
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        thread::sleep(Duration::from_millis(2));
    }
    Ok(times)
}

/// All but one in a hundred are no longer.
fn p99(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() * 99 / 100).copied().unwrap_or(f64::NAN)
}

/// litellm's proxy.
struct Litellm {
    group: Group,
    address: SocketAddr,
}

impl Litellm {
    fn start(double: &ModelServer) -> Result<Self> {
        let python = python("bench-litellm", &PACKAGES)?;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(python.with_file_name("litellm"));
        command.arg("--config").arg(repository().join(CONFIG));
        command.args(["--host", "127.0.0.1", "--port", &address.port().to_string(), "--num_workers", "1"]);
        command.env("DOUBLE_URL", double.url()).env("LITELLM_LOG", "ERROR").env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
        // It looks at no key: less work than ours, which looks at one.
        command.env("LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY", "true");
        let group = Group::start(&command, Stdio::null())?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if calls(address, 1, 1).is_ok() {
                return Ok(Self { group, address });
            }
            thread::sleep(Duration::from_millis(500));
        }
        bail!("litellm's proxy did not answer within {} seconds", PATIENCE.as_secs())
    }
}
