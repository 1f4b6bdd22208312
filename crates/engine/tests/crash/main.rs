//! Kill -9 at random moments: every accepted run ends with the right output, no step is lost, and none is repeated after
//! the next one began. Whole processes, which the test runner starts one at a time.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "helpers of tests fail by a panic")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pilothouse_domain::run::{Status, StepStatus};
use pilothouse_domain::{RunId, TenantId};
use pilothouse_store::runs::{Run, RunFilter};
use pilothouse_store::{Location, Options, Store, audit, events, runs, steps};
use pilothouse_testkit::{Moments, lines_until_killed};

const WORKER: &str = env!("CARGO_BIN_EXE_engine-worker");
const ROUNDS: u64 = 50;
/// Numbers that one round may use.
const ROUND_NUMBERS: u64 = 10_000;
/// The longest time between the first accepted run and the kill.
const LONGEST: Duration = Duration::from_millis(120);
/// Runs read at once.
const PAGE: u32 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_runs_survive_their_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/pilothouse.db");
    crash_and_look(path.to_str().unwrap(), &Location::Sqlite { path: path.clone() }, folder.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_runs_survive_their_process() {
    let folder = tempfile::tempdir().unwrap();
    let url = pilothouse_testkit::postgres().schema_url("engine_crash");
    crash_and_look(&url, &Location::Postgres { url: url.clone() }, folder.path()).await;
}

async fn crash_and_look(location: &str, opened: &Location, folder: &Path) {
    let effects = folder.join("effects");
    let effects_path = effects.to_str().unwrap();
    let mut moments = Moments::new(0x2545_F491_4F6C_DD1D, LONGEST);
    let mut accepted = HashMap::new();
    for round in 0..ROUNDS {
        accepted.extend(work_until_killed(location, effects_path, round * ROUND_NUMBERS, moments.next().unwrap()));
    }
    let last = Command::new(WORKER).args([location, effects_path, "0", "0"]).status().unwrap();
    assert!(last.success(), "the last process finishes what is left");
    let store = Store::open(opened, &Options { postgres_connections: 2, ..Options::default() }).await.unwrap();
    let runs = all_runs(&store).await;
    for run in &runs {
        assert_sound(&store, run).await;
    }
    for (id, input) in &accepted {
        let run = runs.iter().find(|run| run.id == *id).expect("every accepted run is there");
        assert_eq!(run.input, input.to_string());
    }
    assert_audited(&store, runs.len()).await;
    let repeated = assert_effects(&std::fs::read_to_string(&effects).unwrap(), &runs);
    let interrupted = runs.iter().filter(|run| run.attempt > 1).count();
    eprintln!("{} accepted, {interrupted} interrupted, {repeated} steps repeated", accepted.len());
    assert!(accepted.len() as u64 >= ROUNDS && interrupted as u64 >= ROUNDS / 2, "the kills must come in the middle");
    store.close().await;
}

/// Starts a worker, kills it `after` its first accepted run, and returns what it had accepted.
fn work_until_killed(location: &str, effects: &str, first: u64, after: Duration) -> Vec<(RunId, u64)> {
    let mut worker = Command::new(WORKER);
    worker.args([location, effects, &first.to_string(), &ROUND_NUMBERS.to_string()]);
    let lines = lines_until_killed(&mut worker, after);
    lines.iter().filter_map(|line| accepted(line)).collect()
}

/// What the line `ack RUN INPUT` tells.
fn accepted(line: &str) -> Option<(RunId, u64)> {
    let (id, input) = line.strip_prefix("ack ")?.split_once(' ')?;
    Some((id.parse().ok()?, input.parse().ok()?))
}

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

async fn all_runs(store: &Store) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    loop {
        let before = found.last().map(|run| (run.created_at, run.id));
        let filter = RunFilter { limit: PAGE, before, ..Default::default() };
        let page =
            store.read(move |tx| Box::pin(async move { runs::list(tx, &tenant(), &filter).await })).await.unwrap();
        let more = page.len() == PAGE as usize;
        found.extend(page);
        if !more {
            return found;
        }
    }
}

/// The run has ended well, with four steps and five events.
async fn assert_sound(store: &Store, run: &Run) {
    let input: u64 = run.input.parse().unwrap();
    assert_eq!((run.status, run.output.clone()), (Status::Succeeded, Some((input + 1_111).to_string())), "{run:?}");
    let id = run.id;
    let (steps, events) = store
        .read(move |tx| {
            Box::pin(async move {
                Ok((steps::list(tx, &tenant(), id).await?, events::list(tx, &tenant(), id, 0, PAGE).await?))
            })
        })
        .await
        .unwrap();
    let names: Vec<_> = steps.iter().map(|step| (step.seq, step.name.as_str(), step.status)).collect();
    let well = StepStatus::Succeeded;
    assert_eq!(names, [(1, "1", well), (2, "2", well), (3, "3", well), (4, "4", well)], "{id}");
    assert!(steps.windows(2).all(|pair| pair[0].attempt <= pair[1].attempt), "{steps:?}");
    let told: Vec<_> = events.iter().map(|event| (event.seq, event.kind.as_str())).collect();
    assert_eq!(told, [(1, "step"), (2, "step"), (3, "step"), (4, "step"), (5, "done")], "{id}");
}

/// One audit row per run, in a chain that is whole.
async fn assert_audited(store: &Store, runs: usize) {
    let reports = audit::verify(store).await.unwrap();
    assert!(reports.iter().all(|report| report.broken_at.is_none()), "{reports:?}");
    assert_eq!(reports.iter().map(|report| report.rows).sum::<i64>(), runs as i64);
}

/// Every step had its effect; one that was repeated had the same key, and none came after the next step had begun.
/// Returns how many were repeated.
fn assert_effects(effects: &str, runs: &[Run]) -> usize {
    let mut of_run: BTreeMap<&str, Vec<(u64, &str)>> = BTreeMap::new();
    for line in effects.lines() {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap();
        let (run, step, key) = (word(), word().parse().unwrap(), word());
        of_run.entry(run).or_default().push((step, key));
    }
    let mut repeated = 0;
    for run in runs {
        let id = run.id.to_string();
        let effects = of_run.remove(id.as_str()).expect("a run that ended had effects");
        assert!(
            effects.windows(2).all(|pair| pair[0].0 <= pair[1].0),
            "a finished step was repeated: {id} {effects:?}"
        );
        let keys: BTreeMap<_, _> = effects.iter().copied().collect();
        assert_eq!(keys.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4], "{id}");
        assert!(effects.iter().all(|(step, key)| keys[step] == *key), "one step, two keys: {id} {effects:?}");
        repeated += effects.len() - keys.len();
    }
    assert!(of_run.is_empty(), "effects without a run: {of_run:?}");
    repeated
}
