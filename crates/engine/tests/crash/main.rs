//! Processes that are killed, stopped and continued at random moments, alone and several at once, and a database server
//! that goes away under load: every accepted run ends with the right output, no step is lost, none is repeated after the
//! next one began. Whole processes, which the test runner starts one at a time.
//!
//! `PILOTHOUSE_CRASH_SECONDS=600` has each test go on for so long, and `PILOTHOUSE_CRASH_SEED=7` at other moments.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests fail by a panic"
)]

mod clocks;
mod disk;
mod look;
mod pack;
mod several;
mod span;
mod spans;
mod system;

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clocks::Clocks;
use look::{Figures, look};
use pack::{Pack, accepted, assert_ended_well};
use pilothouse_domain::RunId;
use pilothouse_store::Location;
use pilothouse_testkit::{Moments, OwnServer, SmallDisk, lines_until_killed};

const WORKER: &str = env!("CARGO_BIN_EXE_engine-worker");
/// How long each test makes trouble.
const SECONDS: u64 = 10;
/// Numbers that one process may use.
const NUMBERS: u64 = 100_000;
/// The longest time between the first accepted run and the kill.
const LONGEST: Duration = Duration::from_millis(120);
/// The same where several work, so that what one leaves is found by others meanwhile.
const LONGEST_OF_PACK: Duration = Duration::from_millis(900);
/// Short, so that a test sees many workers given up.
const LEASE: Duration = Duration::from_millis(500);
/// Longer than a lease, and so is every stop.
const STOP: Duration = Duration::from_millis(700);
const SEED: u64 = 0x2545_F491_4F6C_DD1D;

/// What a test works on.
struct Scene {
    location: String,
    opened: Location,
    folder: tempfile::TempDir,
    lease: Duration,
    /// Where SQLite's file is, unless it is in the folder.
    disk: Option<SmallDisk>,
    /// The clocks of the workers, where they have their own.
    clocks: Option<Clocks>,
}

impl Scene {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/pilothouse.db");
        let location = path.to_str().unwrap().to_owned();
        Self { location, opened: Location::Sqlite { path }, folder, lease: LEASE, disk: None, clocks: None }
    }

    fn postgres(url: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            location: url.clone(),
            opened: Location::Postgres { url },
            folder,
            lease: LEASE,
            disk: None,
            clocks: None,
        }
    }

    /// What the processes told in one of their files.
    /// The whole lines of a file; those that a kill has cut were never told.
    fn told_in(&self, file: &str) -> String {
        let text = std::fs::read_to_string(self.folder.path().join(file)).unwrap();
        text.lines().filter_map(|line| line.strip_suffix(" .")).map(|line| format!("{line}\n")).collect()
    }

    /// A process that does what `words` say.
    fn process(&self, words: &[&str]) -> Command {
        let mut process = self.disk.as_ref().map_or_else(|| Command::new(WORKER), |disk| disk.command(WORKER));
        process.arg(&self.location).arg(self.folder.path()).arg(self.lease.as_millis().to_string()).args(words);
        // It stops by itself when this ends, unless it is killed before.
        process.stdin(Stdio::piped());
        process
    }

    /// The worker with this number, which asks for runs.
    fn asking(&self, number: u64) -> Command {
        let mut worker = self.process(&["ask", &(number * NUMBERS).to_string()]);
        if let Some(clocks) = &self.clocks {
            clocks.give(number, &mut worker);
        }
        worker
    }

    /// A worker that works on so many runs at once and asks for none.
    fn serving(&self, concurrency: usize) -> Command {
        self.process(&["serve", &concurrency.to_string()])
    }

    /// Has a last process finish what is left, and looks at everything.
    async fn finish(&self, told: &HashMap<RunId, u64>) -> Figures {
        assert_ended_well(self.process(&["finish"]).spawn().unwrap());
        if let (Some(disk), Location::Sqlite { path }) = (&self.disk, &self.opened) {
            // Closed, the database is in this one file.
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::copy(disk.path().join("data/pilothouse.db"), path).unwrap();
        }
        look(&self.opened, &self.told_in("effects"), told).await
    }

    /// The same after so many troubles that the processes did not survive.
    async fn end(&self, told: &HashMap<RunId, u64>, troubles: usize) {
        let figures = self.finish(told).await;
        eprintln!("{troubles} troubles: {figures:?}");
        assert!(figures.accepted >= troubles && figures.interrupted >= troubles / 2, "they must come in the middle");
        assert!((1..=figures.again).contains(&figures.repeated), "a claim repeats at most the step that it finds open");
    }
}

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

fn seconds() -> u64 {
    number("PILOTHOUSE_CRASH_SECONDS", SECONDS)
}

/// Moments up to `longest`, the same for the same seed.
fn moments(longest: Duration) -> Moments {
    Moments::new(number("PILOTHOUSE_CRASH_SEED", SEED), longest)
}

fn trouble_ends() -> Instant {
    Instant::now() + Duration::from_secs(seconds())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_runs_survive_their_process() {
    one_after_another(&Scene::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_runs_survive_their_process() {
    one_after_another(&Scene::postgres(pilothouse_testkit::postgres().schema_url("engine_crash"))).await;
}

/// One process at a time, each killed soon after it had its first run accepted.
async fn one_after_another(scene: &Scene) {
    let mut moments = moments(LONGEST);
    let (mut told, mut rounds, end) = (HashMap::new(), 0, trouble_ends());
    while Instant::now() < end {
        let mut worker = scene.asking(rounds as u64);
        let lines = lines_until_killed(&mut worker, moments.next().unwrap());
        told.extend(lines.iter().filter_map(|line| accepted(line)));
        rounds += 1;
    }
    scene.end(&told, rounds).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_workers_survive_kills_of_each_other() {
    let scene = Scene::postgres(pilothouse_testkit::postgres().schema_url("engine_pack"));
    let mut pack = Pack::asking(&scene, 2);
    let (mut moments, mut troubles, end) = (moments(LONGEST_OF_PACK), 0, trouble_ends());
    while Instant::now() < end {
        pack.wait(moments.next().unwrap());
        pack.kill(&scene, troubles % 2);
        troubles += 1;
    }
    scene.end(&pack.end(), troubles).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_stopped_past_its_lease_writes_nothing() {
    let scene = Scene::postgres(pilothouse_testkit::postgres().schema_url("engine_stop"));
    let mut pack = Pack::asking(&scene, 2);
    let (mut moments, mut troubles, end) = (moments(LONGEST_OF_PACK), 0, trouble_ends());
    while Instant::now() < end {
        pack.wait(moments.next().unwrap());
        pack.signal("STOP", troubles % 2);
        pack.wait(STOP);
        pack.signal("CONT", troubles % 2);
        troubles += 1;
    }
    scene.end(&pack.end(), troubles).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_survive_the_crash_of_the_database_server() {
    let server = OwnServer::begin();
    let scene = Scene::postgres(server.url().to_owned());
    let mut pack = Pack::asking(&scene, 2);
    let (mut moments, mut crashes, end) = (moments(LONGEST_OF_PACK), 0, trouble_ends());
    while Instant::now() < end {
        pack.wait(Duration::from_millis(300) + moments.next().unwrap());
        server.crash();
        pack.wait(moments.next().unwrap());
        server.start();
        crashes += 1;
    }
    // What was accepted last is finished by processes that have lived through it all.
    pack.wait(STOP);
    scene.end(&pack.end(), crashes).await;
}
