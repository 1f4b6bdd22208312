//! Kill -9 in the middle of work: a child process tells what it has promised, line by line, and dies at a moment that
//! comes from a seed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A sequence of random moments that is the same in every run.
pub struct Moments {
    state: u64,
    longest: Duration,
}

impl Moments {
    /// The sequence of `seed`, which is not 0; each moment is shorter than `longest`.
    pub fn new(seed: u64, longest: Duration) -> Self {
        Self { state: seed, longest }
    }
}

impl Iterator for Moments {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        // Xorshift: good enough to spread the moments, and the same on every machine.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        Some(Duration::from_micros(self.state % self.longest.as_micros() as u64))
    }
}

/// Starts `command`, kills it `after` its first line, and returns every whole line that it printed before it died. The
/// calling thread waits.
pub fn lines_until_killed(command: &mut Command, after: Duration) -> Vec<String> {
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => panic!("the child cannot be started: {error}"),
    };
    let Some(stdout) = child.stdout.take() else { panic!("the child has no standard output") };
    let lines = whole_lines(BufReader::new(stdout));
    let mut told: Vec<String> = lines.recv().into_iter().collect();
    let moment = Instant::now() + after;
    while let Ok(line) = lines.recv_timeout(moment.saturating_duration_since(Instant::now())) {
        told.push(line);
    }
    if let Err(error) = child.kill() {
        panic!("the child cannot be killed: {error}");
    }
    // What it printed before it died counts too.
    told.extend(lines);
    let _ = child.wait();
    told
}

/// The lines of `source` as they come; one that was cut off is no line.
fn whole_lines(mut source: impl BufRead + Send + 'static) -> Receiver<String> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while source.read_line(&mut line).is_ok() && line.ends_with('\n') {
            if tell.send(line.trim_end().to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    told
}
