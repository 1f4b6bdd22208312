//! What must be true of every run once the last process has finished what the killed ones left.

use std::collections::{BTreeMap, HashMap};

use pilothouse_domain::run::Status;
use pilothouse_domain::{RunId, TenantId};
use pilothouse_store::journal::{self, EntryKind};
use pilothouse_store::runs::{Run, RunFilter};
use pilothouse_store::{Location, Options, Store, audit, runs, tenants};

/// Runs read at once, and entries of a run.
const PAGE: u32 = 500;
/// The steps that append to the ledger.
const TOLD: [u64; 4] = [1, 2, 3, 5];

/// What the ledger tells of one step's effect.
#[derive(Debug)]
struct Effect<'l> {
    step: u64,
    attempt: i64,
    fence: i64,
    key: &'l str,
}

/// What a test went through.
#[derive(Debug)]
pub struct Figures {
    pub accepted: usize,
    pub interrupted: usize,
    /// Claims after the first, of all runs together.
    pub again: i64,
    pub repeated: i64,
}

/// Looks at everything: the runs that were accepted, their journals, the ledger of effects, and the audit chain.
pub async fn look(opened: &Location, effects: &str, accepted: &HashMap<RunId, u64>) -> Figures {
    let store = Store::open(opened, &Options { postgres_connections: 2, ..Options::default() }).await.unwrap();
    let runs = all_runs(&store).await;
    for run in &runs {
        assert_sound(&store, run).await;
    }
    for (id, input) in accepted {
        let run = runs.iter().find(|run| run.id == *id).expect("every accepted run is there");
        assert_eq!(run.input, input.to_string());
    }
    assert_audited(&store, runs.len()).await;
    let made = store.read(|tx| Box::pin(tenants::list(tx))).await.unwrap();
    let made = made.iter().filter(|tenant| tenant.id.as_str().starts_with("made-")).count();
    assert_eq!(made, runs.len(), "each run has made its tenant once");
    let repeated = assert_effects(effects, &runs);
    let interrupted = runs.iter().filter(|run| run.epoch > 1).count();
    let again = runs.iter().map(|run| run.epoch - 1).sum();
    store.close().await;
    Figures { accepted: accepted.len(), interrupted, again, repeated }
}

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

async fn all_runs(store: &Store) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    loop {
        let before = found.last().map(|run| run.id);
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

/// The run has ended well; its journal has no gaps, each step once, and as many claims as the run counts.
async fn assert_sound(store: &Store, run: &Run) {
    let input: u64 = run.input.parse().unwrap();
    assert_eq!((run.status, run.output.clone()), (Status::Succeeded, Some((input + 11_111).to_string())), "{run:?}");
    let id = run.id;
    let entries = store.read(move |tx| Box::pin(async move { journal::list(tx, &tenant(), id, 0, PAGE).await }));
    let entries = entries.await.unwrap();
    assert!(entries.iter().zip(1..).all(|(entry, seq)| entry.seq == seq), "{id}: {entries:?}");
    let steps: Vec<_> = entries.iter().filter(|entry| entry.kind == EntryKind::Step && entry.error.is_none()).collect();
    let names: Vec<_> = steps.iter().map(|entry| (entry.path.as_deref().unwrap(), entry.name.as_str())).collect();
    assert_eq!(names, ["1", "2", "3", "4", "5"].map(|name| (name, name)), "{id}: {entries:?}");
    assert!(entries.windows(2).all(|pair| pair[0].attempt <= pair[1].attempt), "{id}: {entries:?}");
    let states: Vec<_> = entries.iter().filter(|entry| entry.kind == EntryKind::State).collect();
    let claims = states.iter().filter(|entry| entry.name == "running").count() as i64;
    assert_eq!(claims, run.epoch, "{id}: {entries:?}");
    let last = entries.last().unwrap();
    assert_eq!((last.kind, last.name.as_str()), (EntryKind::State, "succeeded"), "{id}");
    let ends = states.iter().filter(|entry| Status::parse(&entry.name).is_some_and(Status::is_final)).count();
    assert_eq!(ends, 1, "{id}: {entries:?}");
}

/// One audit row per run, in a chain that is whole.
async fn assert_audited(store: &Store, runs: usize) {
    let reports = audit::verify(store).await.unwrap();
    assert!(reports.iter().all(|report| report.broken_at.is_none()), "{reports:?}");
    let rows = reports.iter().find(|report| report.scope == tenant().as_str()).map(|report| report.rows);
    assert_eq!(rows, Some(runs as i64));
}

/// Every step had its effect, under one key; none was repeated under the same claim, and none under a later claim once
/// the next step had begun, since its result was stored then. Returns how many were repeated.
fn assert_effects(effects: &str, runs: &[Run]) -> i64 {
    let mut of_run: BTreeMap<&str, Vec<Effect<'_>>> = BTreeMap::new();
    for line in effects.lines() {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap();
        let run = word();
        let (step, attempt, fence) = (word().parse().unwrap(), word().parse().unwrap(), word().parse().unwrap());
        of_run.entry(run).or_default().push(Effect { step, attempt, fence, key: word() });
    }
    let mut repeated = 0;
    for run in runs {
        let id = run.id.to_string();
        let mut effects = of_run.remove(id.as_str()).expect("a run that ended had effects");
        effects.sort_by_key(|effect| effect.fence);
        let keys: BTreeMap<_, _> = effects.iter().map(|effect| (effect.step, effect.key)).collect();
        assert_eq!(keys.keys().copied().collect::<Vec<_>>(), TOLD, "{id}: {effects:?}");
        assert!(effects.iter().all(|effect| keys[&effect.step] == effect.key), "one step, two keys: {id} {effects:?}");
        for pair in effects.windows(2) {
            let (one, other) = (&pair[0], &pair[1]);
            let in_order = one.step < other.step || (one.step == other.step && one.fence < other.fence);
            assert!(in_order && one.attempt <= other.attempt, "a finished step was repeated: {id} {effects:?}");
        }
        assert!(effects.iter().all(|effect| effect.fence <= run.epoch), "{id}: {effects:?}");
        repeated += (effects.len() - keys.len()) as i64;
    }
    assert!(of_run.is_empty(), "effects without a run: {of_run:?}");
    repeated
}
