//! `bench gateway`: what stands between a caller and a model. Calls come at their times whether or not the ones before are
//! answered (open loop), and each is timed from when it was due; a local double answers at once.
//!
//! Interleaved in one run: the double called directly, Pilothouse with budget, audit and metrics on, and two writes to disk
//! one after the other, as a call waits for (its money held, its money settled). For CPU time, litellm's proxy from PyPI,
//! with one worker and no database, at the rate that it can keep up with.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use pilothouse_testkit::{ModelServer, processes};
use serde_json::json;

use super::processes::{Group, python};
use super::server::{Client, Installation, binary, repository};
use super::{Figure, Options, Values, median};

const OVERHEAD: &str = "p99 beyond the double and two writes to disk, at 500 calls a second";
const TIMES_LITELLM: &str = "CPU per call, times less than litellm's proxy";

/// The figures of this benchmark.
pub const FIGURES: [Figure; 2] = [
    Figure::new(OVERHEAD, "ms", 3.0, "under 3 ms", |v| v < 3.0),
    Figure::new(TIMES_LITELLM, "times", 20.0, "at least 20 times", |v| v >= 20.0),
];

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
    let installation =
        Installation { binary: &binary, data: tempfile::tempdir()?, database: None, keeps_results: false };
    let settings = [
        format!("ai.base_url={}", double.url()),
        "budgets.user_day_tokens=1000000000".to_owned(),
        "budgets.user_month_tokens=1000000000".to_owned(),
        "budgets.tenant_month_tokens=1000000000".to_owned(),
    ];
    let server = installation.start_with(&settings)?;
    let litellm = Litellm::start(&double)?;
    let (rounds, seconds) = if options.quick { (5, 3) } else { (9, 10) };
    let direct: SocketAddr = double.url().trim_start_matches("http://").trim_end_matches("/v1").parse()?;
    let (mut beyond, mut times_less) = (Vec::new(), Vec::new());
    calls(server.address, RATE, 2)?;
    calls(litellm.address, RATE_OF_LITELLM, 2)?;
    for round in 0..rounds {
        let bare = p99(&mut calls(direct, RATE, seconds)?);
        let (times, cpu) = with_cpu(|| server.cpu_us(), || calls(server.address, RATE, seconds))?;
        let disk = p99(&mut writes(installation.data.path(), 200)?);
        let ours = cpu / times.len() as f64;
        let own = p99(&mut { times });
        crate::report(&format!(
            "round {round}: p99 {own:.2} ms, the double {bare:.2} ms, two writes {disk:.2} ms; CPU {ours:.0} us"
        ));
        beyond.push(own - bare - disk);
        let id = litellm.group.id();
        let cpu_of = || Ok(processes::cpu_us(id)?);
        let (times, cpu) = with_cpu(cpu_of, || calls(litellm.address, RATE_OF_LITELLM, seconds))?;
        let theirs = cpu / times.len() as f64;
        crate::report(&format!("litellm: p50 {:.2} ms; CPU {theirs:.0} us", median(&mut { times })));
        times_less.push(theirs / ours);
    }
    values.insert(OVERHEAD, median(&mut beyond));
    values.insert(TIMES_LITELLM, median(&mut times_less));
    Ok(())
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
