//! Processes that are killed, stopped and continued at random moments, alone and several at once, and a database server
//! that goes away under load: every accepted run ends with the right output, no step is lost, none is repeated after the
//! next one began. Whole processes, which the test runner starts one at a time.
//!
//! `PILOTHOUSE_CRASH_SECONDS=600` has each test go on for so long.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "helpers of tests fail by a panic")]

mod look;
mod pack;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use look::look;
use pack::{Pack, accepted};
use pilothouse_domain::RunId;
use pilothouse_store::Location;
use pilothouse_testkit::{Moments, OwnServer, lines_until_killed};

const WORKER: &str = env!("CARGO_BIN_EXE_engine-worker");
/// How long each test makes trouble.
const SECONDS: u64 = 10;
/// Numbers that one process may use.
const NUMBERS: u64 = 100_000;
/// The longest time between the first accepted run and the kill.
const LONGEST: Duration = Duration::from_millis(120);
/// The same where several work, so that what one leaves is found by others meanwhile.
const LONGEST_OF_PACK: Duration = Duration::from_millis(900);
/// Longer than a lease, and so is every stop.
const STOP: Duration = Duration::from_millis(700);
const SEED: u64 = 0x2545_F491_4F6C_DD1D;

/// What a test works on.
struct Scene {
    location: String,
    opened: Location,
    folder: tempfile::TempDir,
}

impl Scene {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/pilothouse.db");
        Self { location: path.to_str().unwrap().to_owned(), opened: Location::Sqlite { path }, folder }
    }

    fn postgres(url: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { location: url.clone(), opened: Location::Postgres { url }, folder }
    }

    fn effects(&self) -> PathBuf {
        Path::new(self.folder.path()).join("effects")
    }

    /// A worker that asks for runs from the number `first` on.
    fn worker(&self, first: u64, count: u64) -> Command {
        let mut worker = Command::new(WORKER);
        worker.arg(&self.location).arg(self.effects()).args([first.to_string(), count.to_string()]);
        worker
    }

    /// Has a last process finish what is left, and looks at everything.
    async fn end(&self, told: &HashMap<RunId, u64>, troubles: usize) {
        let last = self.worker(0, 0).status().unwrap();
        assert!(last.success(), "the last process finishes what is left");
        let figures = look(&self.opened, &std::fs::read_to_string(self.effects()).unwrap(), told).await;
        eprintln!("{troubles} troubles: {figures:?}");
        assert!(figures.accepted >= troubles && figures.interrupted >= troubles / 2, "they must come in the middle");
        assert!((1..=figures.again).contains(&figures.repeated), "a claim repeats at most the step that it finds open");
    }
}

fn trouble_ends() -> Instant {
    let seconds = std::env::var("PILOTHOUSE_CRASH_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Instant::now() + Duration::from_secs(seconds.unwrap_or(SECONDS))
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
    let mut moments = Moments::new(SEED, LONGEST);
    let (mut told, mut rounds, end) = (HashMap::new(), 0, trouble_ends());
    while Instant::now() < end {
        let mut worker = scene.worker(rounds as u64 * NUMBERS, NUMBERS);
        let lines = lines_until_killed(&mut worker, moments.next().unwrap());
        told.extend(lines.iter().filter_map(|line| accepted(line)));
        rounds += 1;
    }
    scene.end(&told, rounds).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_workers_survive_kills_of_each_other() {
    let scene = Scene::postgres(pilothouse_testkit::postgres().schema_url("engine_pack"));
    let mut pack = Pack::of(&scene, 2);
    let (mut moments, mut troubles, end) = (Moments::new(SEED, LONGEST_OF_PACK), 0, trouble_ends());
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
    let mut pack = Pack::of(&scene, 2);
    let (mut moments, mut troubles, end) = (Moments::new(SEED, LONGEST_OF_PACK), 0, trouble_ends());
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
    let mut pack = Pack::of(&scene, 2);
    let (mut moments, mut crashes, end) = (Moments::new(SEED, LONGEST_OF_PACK), 0, trouble_ends());
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
