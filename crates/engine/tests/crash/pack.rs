//! Several workers at once, whose words are gathered.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use pilothouse_domain::RunId;

use crate::{NUMBERS, Scene};

/// How long the first word of a worker may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Processes that work on one database.
pub struct Pack {
    workers: Vec<Child>,
    begun: u64,
    tell: Sender<String>,
    lines: Receiver<String>,
    told: HashMap<RunId, u64>,
}

impl Pack {
    /// So many workers, of which each has had a run accepted.
    pub fn of(scene: &Scene, count: usize) -> Self {
        let (tell, lines) = channel();
        let mut pack = Self { workers: Vec::new(), begun: 0, tell, lines, told: HashMap::new() };
        for _ in 0..count {
            let worker = pack.begin(scene);
            pack.workers.push(worker);
            let line = pack.lines.recv_timeout(PATIENCE).expect("a worker begins");
            pack.told.extend(accepted(&line));
        }
        pack
    }

    fn begin(&mut self, scene: &Scene) -> Child {
        let mut worker = scene.worker(self.begun * NUMBERS, NUMBERS).stdout(Stdio::piped()).spawn().unwrap();
        self.begun += 1;
        let (stdout, tell) = (worker.stdout.take().unwrap(), self.tell.clone());
        std::thread::spawn(move || {
            let mut source = BufReader::new(stdout);
            let mut line = String::new();
            // A line that was cut off is no line.
            while source.read_line(&mut line).is_ok() && line.ends_with('\n') {
                if tell.send(line.trim_end().to_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        worker
    }

    /// Gathers what the workers say for so long.
    pub fn wait(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.told.extend(accepted(&line)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Kills a worker and begins another in its place.
    pub fn kill(&mut self, scene: &Scene, which: usize) {
        self.workers[which].kill().unwrap();
        self.workers[which].wait().unwrap();
        self.workers[which] = self.begin(scene);
    }

    /// Sends a worker a signal of the operating system.
    pub fn signal(&self, name: &str, which: usize) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.workers[which].id().to_string()]).status();
        assert!(sent.unwrap().success(), "the worker lives");
    }

    /// Kills all of them; returns every run that they had accepted.
    pub fn end(mut self) -> HashMap<RunId, u64> {
        for worker in &mut self.workers {
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
        // The last sender is gone once every worker's words are read.
        drop(self.tell);
        self.told.extend(self.lines.iter().filter_map(|line| accepted(&line)));
        self.told
    }
}

/// What the line `ack RUN INPUT` tells.
pub fn accepted(line: &str) -> Option<(RunId, u64)> {
    let (id, input) = line.strip_prefix("ack ")?.split_once(' ')?;
    Some((id.parse().ok()?, input.parse().ok()?))
}
