//! Several workers at once, whose words are gathered.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use pilothouse_domain::RunId;

use crate::Scene;

/// How long the first word of a worker may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Processes that work on one database.
pub struct Pack {
    /// Each with its number.
    workers: Vec<(u64, Child)>,
    begun: u64,
    tell: Sender<String>,
    lines: Receiver<String>,
    told: HashMap<RunId, u64>,
    /// How often each code was the answer to a wish.
    refused: BTreeMap<String, usize>,
}

impl Pack {
    /// So many workers that ask for runs, of which each has had one accepted.
    pub fn asking(scene: &Scene, count: usize) -> Self {
        let mut pack = Self::none();
        for _ in 0..count {
            let worker = scene.asking(pack.begun);
            pack.begin(worker);
            let line = pack.lines.recv_timeout(PATIENCE).expect("a worker begins");
            pack.hear(&line);
        }
        pack
    }

    /// So many workers that only work, with so many slots each.
    pub fn serving(scene: &Scene, count: usize, slots: usize) -> Self {
        let mut pack = Self::none();
        for _ in 0..count {
            pack.begin(scene.serving(slots));
            pack.wait_for("serving");
        }
        pack
    }

    fn none() -> Self {
        let (tell, lines) = channel();
        Self { workers: Vec::new(), begun: 0, tell, lines, told: HashMap::new(), refused: BTreeMap::new() }
    }

    fn begin(&mut self, mut worker: Command) {
        let mut worker = worker.stdout(Stdio::piped()).spawn().unwrap();
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
        self.workers.push((self.begun, worker));
        self.begun += 1;
    }

    fn hear(&mut self, line: &str) {
        self.told.extend(accepted(line));
        if let Some(code) = line.strip_prefix("refused ") {
            *self.refused.entry(code.to_owned()).or_default() += 1;
        }
    }

    /// Gathers what the workers say until one of them says something that begins so.
    pub fn wait_for(&mut self, beginning: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("nobody says {beginning:?}"));
            self.hear(&line);
            if line.starts_with(beginning) {
                return;
            }
        }
    }

    /// How often each code was the answer to a wish so far.
    pub fn refused(&self) -> &BTreeMap<String, usize> {
        &self.refused
    }

    /// Whether every worker lives.
    pub fn lives(&mut self) -> bool {
        self.workers.iter_mut().all(|(_, worker)| worker.try_wait().unwrap().is_none())
    }

    /// Gathers what the workers say for so long.
    pub fn wait(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.hear(&line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Kills a worker and begins another in its place.
    pub fn kill(&mut self, scene: &Scene, which: usize) {
        self.workers[which].1.kill().unwrap();
        self.workers[which].1.wait().unwrap();
        self.begin(scene.asking(self.begun));
        self.workers.swap_remove(which);
    }

    /// Sends a worker a signal of the operating system.
    pub fn signal(&self, name: &str, which: usize) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.workers[which].1.id().to_string()]).status();
        assert!(sent.unwrap().success(), "the worker lives");
    }

    /// Lets a worker end what it has begun, and begins another in its place.
    pub fn replace(&mut self, scene: &Scene, which: usize) {
        self.begin(scene.asking(self.begun));
        let (_, worker) = self.workers.swap_remove(which);
        assert_ended_well(worker);
    }

    /// How many workers there were.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// The number of a worker.
    pub fn number(&self, which: usize) -> u64 {
        self.workers[which].0
    }

    /// Kills all of them; returns every run that they had accepted.
    pub fn end(mut self) -> HashMap<RunId, u64> {
        for (_, worker) in &mut self.workers {
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
        self.all_told()
    }

    /// The same, after each has ended what it had begun.
    pub fn stop(mut self) -> HashMap<RunId, u64> {
        self.workers.drain(..).for_each(|(_, worker)| assert_ended_well(worker));
        self.all_told()
    }

    fn all_told(mut self) -> HashMap<RunId, u64> {
        // The last sender is gone once every worker's words are read.
        drop(self.tell);
        self.told.extend(self.lines.iter().filter_map(|line| accepted(&line)));
        self.told
    }
}

/// Ends a process's input and waits for its own end, which must come in time and be a good one.
pub fn assert_ended_well(mut process: Child) {
    drop(process.stdin.take());
    let (id, (tell, told)) = (process.id().to_string(), channel());
    std::thread::spawn(move || tell.send(process.wait().unwrap()));
    let Ok(ended) = told.recv_timeout(PATIENCE) else {
        // Aborted, so that it leaves a picture of itself where the system keeps such.
        let _ = Command::new("kill").args(["-ABRT", &id]).status();
        panic!("the process {id} does not end");
    };
    assert!(ended.success(), "a process ends by itself, and well: {ended}");
}

/// What the line `ack RUN INPUT` tells.
pub fn accepted(line: &str) -> Option<(RunId, u64)> {
    let (id, input) = line.strip_prefix("ack ")?.split_once(' ')?;
    Some((id.parse().ok()?, input.parse().ok()?))
}
