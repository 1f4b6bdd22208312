//! What takes part in the comparison: anything that does a task and prints a measurement of it. The lines that programs
//! print are described in `benches/peers/README.md`; CPU time is read here, in the same way for every program.

use std::io::{self, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use pilothouse_testkit::processes::cpu_us;
use serde_json::Value;

use crate::bench::processes::Group;

/// Longest silence of a program before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is measured.
#[derive(Clone, Copy)]
pub struct Task {
    /// The word that programs know it by.
    pub name: &'static str,
    /// How much of it; none where the bar itself says how much.
    pub size: Option<Size>,
    /// Whether less time matters more than steady figures.
    pub quick: bool,
}

/// How much is done.
#[derive(Clone, Copy)]
pub struct Size {
    /// Operations of our side.
    pub ours: u32,
    /// Operations of a peer, which may be slower and has to end too.
    pub theirs: u32,
    /// Operations at the same time.
    pub in_flight: u32,
}

/// One who takes part.
pub trait Contender {
    /// The name under which its measurements are kept.
    fn name(&self) -> &'static str;
    /// Does the task once, on an empty database.
    fn measure(&self, task: &Task) -> Result<Vec<Measurement>>;
}

/// One line that a program printed, with the CPU time that was used meanwhile.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// What was measured: the task's name, or one of several things that the task measures.
    pub what: String,
    /// Operations in a second.
    pub per_second: Option<f64>,
    /// From the first operation to the last one's durable end.
    pub seconds: Option<f64>,
    /// CPU time of an operation in the program and what it started, in microseconds.
    pub cpu_us_client: Option<f64>,
    /// CPU time of an operation in the servers that it uses, in microseconds.
    pub cpu_us_server: Option<f64>,
    /// Latency, in milliseconds.
    pub p50_ms: Option<f64>,
    /// Latency that one in a hundred exceeds, in milliseconds.
    pub p99_ms: Option<f64>,
    /// Resident memory of the program, in megabytes.
    pub rss_mb: Option<f64>,
}

impl Measurement {
    /// CPU time of an operation in all processes, in microseconds.
    pub fn cpu_us(&self) -> Option<f64> {
        Some(self.cpu_us_client? + self.cpu_us_server?)
    }

    /// Reads a line that a program printed.
    pub fn read(line: &Value) -> Result<Self> {
        let number = |name: &str| line[name].as_f64();
        Ok(Self {
            what: line["what"].as_str().context("a measurement without what")?.to_owned(),
            per_second: number("per_second"),
            seconds: number("seconds"),
            cpu_us_client: number("cpu_us_client"),
            cpu_us_server: number("cpu_us_server"),
            p50_ms: number("p50_ms"),
            p99_ms: number("p99_ms"),
            rss_mb: number("rss_mb"),
        })
    }
}

/// Runs a program to its end and returns its measurements. `servers` are the roots of the process trees that work for it.
pub fn run(command: &Command, servers: &[u32]) -> Result<Vec<Measurement>> {
    let mut group = Group::start(command, Stdio::piped())?;
    let output = group.child().stdout.take().context("no output")?;
    let mut input = group.child().stdin.take().context("no input")?;
    let lines = lines_of(BufReader::new(output));
    let mut clock = CpuClock { client: group.id(), servers, begun: None };
    let mut measurements = Vec::new();
    loop {
        let line = match lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                bail!("{:?} said nothing for {} seconds", command.get_program(), PATIENCE.as_secs())
            }
        };
        match serde_json::from_str::<Value>(&line) {
            Ok(begin) if begin["begin"].is_string() => clock.start()?,
            Ok(mut line) if line["what"].is_string() => {
                clock.fill(&mut line)?;
                crate::report(&line.to_string());
                measurements.push(Measurement::read(&line)?);
                // The program waits for this before it ends anything whose CPU time was to be read.
                input.write_all(b"\n").or_else(ended)?;
            }
            _ => crate::report(&format!("({line})")),
        }
    }
    let status = group.child().wait()?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(measurements)
}

/// Reads the CPU time between `begin` and a measurement.
struct CpuClock<'a> {
    client: u32,
    servers: &'a [u32],
    begun: Option<[f64; 2]>,
}

impl CpuClock<'_> {
    fn now(&self) -> Result<[f64; 2]> {
        let servers: io::Result<Vec<f64>> = self.servers.iter().map(|id| cpu_us(*id)).collect();
        Ok([cpu_us(self.client)?, servers?.iter().sum()])
    }

    fn start(&mut self) -> Result<()> {
        self.begun = Some(self.now()?);
        Ok(())
    }

    /// Adds the CPU time of an operation to a measurement that has begun.
    fn fill(&mut self, line: &mut Value) -> Result<()> {
        let (Some(begun), Some(n)) = (self.begun.take(), line["n"].as_f64()) else { return Ok(()) };
        let now = self.now()?;
        for (index, name) in ["cpu_us_client", "cpu_us_server"].into_iter().enumerate() {
            line[name] = Value::from(((now[index] - begun[index]) / n * 10.0).round() / 10.0);
        }
        Ok(())
    }
}

/// A program that has ended already reads nothing.
fn ended(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

fn lines_of(source: impl io::BufRead + Send + 'static) -> Receiver<String> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for line in source.lines() {
            let Ok(line) = line else { return };
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    const LINE: &str = r#"echo '{"system":"s","what":"jobs","n":1000,"seconds":2,"per_second":500,"p50_ms":null}'"#;

    fn quoted(text: &str) -> String {
        format!("'{}'", text.replace('\'', r"'\''"))
    }

    #[test]
    fn cpu_time_counts_from_begin_to_the_measurement() {
        const BURN: &str = "i=0; while [ $i -lt 600000 ]; do i=$((i+1)); done";
        const BEGIN: &str = r#"echo '{"begin":"jobs"}'"#;
        let measured = |script: String| run(&shell(&script), &[]).unwrap().remove(0);
        let idle = measured(format!("{BURN}; {BEGIN}; {LINE}")).cpu_us().unwrap();
        let busy = measured(format!("{BEGIN}; {BURN}; {LINE}")).cpu_us().unwrap();
        assert!(busy > 30.0 && idle < busy / 2.0, "idle {idle}, busy {busy}");
        // The child's time counts too, though nobody has waited for it yet: it ends only when the line was read.
        let child = measured(format!("{BEGIN}; sh -c {}; true", quoted(&format!("{BURN}; {LINE}; read -r read"))));
        assert!(child.cpu_us().unwrap() > 30.0);
        let unbegun = measured(LINE.to_owned());
        assert_eq!((unbegun.per_second, unbegun.cpu_us(), unbegun.p50_ms), (Some(500.0), None, None));
    }

    #[test]
    fn a_program_that_fails_has_measured_nothing() {
        let error = run(&shell(&format!("{LINE}; exit 3")), &[]).unwrap_err();
        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }
}
