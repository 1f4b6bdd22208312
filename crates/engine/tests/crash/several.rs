//! Two and four workers on one PostgreSQL: no job is done twice, runs with one key exclude each other wherever they are
//! worked on, and a tenant with one job does not wait behind one with thousands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use pilothouse_domain::run::Status;
use pilothouse_domain::{RunId, TenantId};
use pilothouse_engine::{Engine, Options, Registry, Request};
use pilothouse_store::runs::RunFilter;
use pilothouse_store::{Store, runs, tenants};

use crate::pack::Pack;
use crate::span::{Lines, SPAN, Span};
use crate::spans::{self, Told};
use crate::system::{Numbers, System};
use crate::{Scene, moments, seconds, trouble_ends};

/// Runs that one worker works on at once.
const SLOTS: usize = 2;
/// How long a job takes.
const JOB_MS: u64 = 50;
/// Of the big tenant's jobs, one in so many has the key that excludes the others with it.
const KEYED: u64 = 8;
/// Wishes on their way at once.
const WISHES: usize = 64;
/// The longest time between two jobs of the quiet tenant.
const LONGEST: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_share_fairly() {
    shared_by(2, "engine_two").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_workers_share_fairly() {
    shared_by(4, "engine_four").await;
}

/// Two tenants that ask for jobs and leave them to others.
struct Asking {
    store: Store,
    engine: Engine,
    spans: Lines,
}

impl Asking {
    async fn begin(scene: &Scene) -> Self {
        let options = pilothouse_store::Options { postgres_connections: 6, ..Default::default() };
        let store = Store::open(&scene.opened, &options).await.unwrap();
        for name in ["big", "quiet"] {
            let made = store.write(|tx| Box::pin(async { tenants::ensure(tx, &tenant(name), name, 1).await }));
            made.await.unwrap();
        }
        let lines = || Lines::open(&scene.folder.path().join("spans"));
        let registry = Registry::default().with(Arc::new(Span { spans: lines() }));
        let options = Options { concurrency: 0, database_clock: true, ..Options::default() };
        let engine = Engine::new(store.clone(), Arc::new(System), Arc::new(Numbers::default()), registry, options);
        Self { store, engine, spans: lines() }
    }

    async fn ask(&self, who: &'static str, name: &str) -> RunId {
        let key = if name == who { "" } else { name }.to_owned();
        let input = spans::input(JOB_MS, name);
        let request = Request { key, ..Request::new(SPAN, "ada", "a job", input) };
        self.engine.start(&tenant(who), request).await.unwrap().id
    }

    /// How many runs of a tenant have ended well; none is anything but that or queued.
    async fn succeeded(&self, who: &'static str) -> usize {
        let (mut before, mut succeeded) = (None, 0);
        loop {
            let filter = RunFilter { limit: 500, before, ..Default::default() };
            let read = self.store.read(move |tx| Box::pin(async move { runs::list(tx, &tenant(who), &filter).await }));
            let page = read.await.unwrap();
            for run in &page {
                let well = (run.status, run.epoch) == (Status::Succeeded, 1);
                assert!(well || (run.status, run.epoch) == (Status::Queued, 0), "{run:?}");
                succeeded += usize::from(well);
            }
            before = page.last().map(|run| run.id);
            if page.is_empty() {
                return succeeded;
            }
        }
    }
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

async fn shared_by(workers: usize, schema: &str) {
    let scene = Scene::postgres(pilothouse_testkit::postgres().schema_url(schema));
    let asking = Asking::begin(&scene).await;
    // More than they can do in that time.
    let slots = workers * SLOTS;
    let jobs = slots as u64 * seconds() * 1_000 / JOB_MS + 1_000;
    let asked = stream::iter(0..jobs).map(|job| asking.ask("big", if job % KEYED == 0 { "keyed" } else { "big" }));
    asked.buffer_unordered(WISHES).collect::<Vec<_>>().await;
    let mut pack = Pack::serving(&scene, workers, SLOTS);
    let (mut moments, end) = (moments(LONGEST), trouble_ends());
    while Instant::now() < end {
        pack.wait(moments.next().unwrap());
        let id = asking.ask("quiet", "quiet").await;
        asking.spans.add(&format!("asked {id} 0 quiet"));
        let run = asking.engine.wait(&tenant("quiet"), id, PATIENCE).await.unwrap().unwrap();
        assert_eq!(run.status, Status::Succeeded, "{run:?}");
    }
    pack.stop();
    let text = scene.told_in("spans");
    let told = spans::read(&text);
    let done = spans::assert_each_once(&told, &["keyed"]).len();
    let (big, quiet) = (asking.succeeded("big").await, asking.succeeded("quiet").await);
    assert_eq!(done, big + quiet, "what is done is stored as done");
    assert!((1..jobs).contains(&(big as u64)), "the big tenant has jobs that wait, all the time");
    let mut waited = begun_before(&told);
    waited.sort_unstable();
    let (worst, whole) = (waited[waited.len() - 1], waited.iter().sum::<usize>());
    eprintln!("{workers} workers: {big} jobs beside {quiet} of the quiet tenant, which waited for {waited:?}");
    assert!(whole <= waited.len() * slots, "on average, each slot begins no more than one job before a quiet one");
    assert!(worst <= 3 * slots, "{worst} jobs of the big tenant went before a quiet one");
}

/// For each job of the quiet tenant, how many of the big one's began between its wish and its begin.
fn begun_before(told: &[Told<'_>]) -> Vec<usize> {
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    let mut waited = Vec::new();
    for line in told {
        match (line.what, line.who) {
            ("asked", _) => drop(waiting.entry(line.run).or_default()),
            // It may begin before the line of its wish is written.
            ("begin", "quiet") => waited.push(waiting.insert(line.run, 0).unwrap_or(0)),
            ("begin", _) => waiting.values_mut().for_each(|begun| *begun += 1),
            _ => {}
        }
    }
    waited
}
