//! One simulation: nodes come and go, their clocks jump, people start, stop and signal runs; then all is quiet, and
//! everything must come to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use pilothouse_domain::schedule::{CatchUp, Interval, Jitter, Overlap, Policy, Timing};
use pilothouse_domain::{Ids as _, RunId, ScheduleId, TenantId};
use pilothouse_engine::{Engine, Event, Options, Registry, Request};
use pilothouse_store::runs::Limits;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::calendar::Ticking;
use crate::memory::Tables;
use crate::mutation::Mutation;
use crate::row::{Row, State};
use crate::script::{Act, GO, KIND, Script};
use crate::timely::KEEP;
use crate::wire::Wire;
use crate::world::{Process, World};

/// How long things go wrong.
const TROUBLE: Duration = Duration::from_secs(12);
/// How long everything may take to come to rest after that.
const REST: Duration = Duration::from_secs(300);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const LEASE: Duration = Duration::from_secs(2);
/// How many of the runs, in a thousand, have somebody who listens.
const LISTENED: u64 = 250;
/// Most runs of one simulation.
pub const RUNS: usize = 12;
pub const HOUR_US: i64 = 3_600_000_000;
pub const TENANTS: [&str; 3] = ["a", "b", "c"];

/// Most schedules, and how often they tick: by a clock that is right, and by clocks that jump by hours.
const SCHEDULES: u64 = 2;
const TICKS_EVERY_S: i64 = 2;
const TICKS_EVERY_S_OF_JUMPS: i64 = 1_200;
/// The most that may pass until a run begins that another node was told of.
const PROMPT: Duration = Duration::from_millis(300);

/// What a simulation was like.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub runs: usize,
    pub effects: usize,
    pub repeated: usize,
    pub faults: u64,
    /// Ticks of schedules that had a run.
    pub ticks: usize,
    /// Runs that were forgotten.
    pub forgotten: usize,
    /// The same for the same course of events.
    pub trace: u64,
}

/// A process with its engine.
pub struct Node {
    pub process: Arc<Process>,
    pub engine: Engine,
    pub stop: CancellationToken,
    pub work: JoinHandle<()>,
    /// When what happened to it is over.
    pub until: Option<Duration>,
}

impl Node {
    fn begin(world: &Arc<World>, name: String, offset: i64) -> Self {
        let process = Process::new(name, world, offset);
        let (concurrency, drain) = world.draw(|chance| (chance.between(1, 4) as usize, chance.millis(0, 3_000)));
        let engine = engine(&process, Options { concurrency, drain, ..Options::default() });
        let stop = CancellationToken::new();
        let (worker, stopped) = (engine.clone(), stop.clone());
        let work = tokio::spawn(async move { worker.work(stopped).await });
        world.tell(format_args!("{} begins as {}", process.name, engine.worker()));
        Self { process, engine, stop, work, until: None }
    }
}

fn engine(process: &Arc<Process>, options: Options) -> Engine {
    let world = &process.world;
    let options = Options { lease: LEASE, keep: KEEP, database_clock: world.shared_time, ..options };
    let registry = Registry::default().with(Arc::new(Script { process: process.clone() }));
    let wire = Arc::new(Wire { process: process.clone() });
    Engine::over(wire, process.clone(), world.clone(), registry, options)
}

/// What the callers were told: the run of each key.
type Told = Arc<Mutex<BTreeMap<String, RunId>>>;

pub struct Simulation {
    pub world: Arc<World>,
    pub nodes: Vec<Node>,
    begun: usize,
    pub asked: Vec<(TenantId, Request)>,
    told: Told,
}

/// Simulates what the seed says. Returns what was wrong, if anything was.
pub fn simulate(seed: u64, mutation: Mutation, tells: bool) -> Result<Figures, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let world = World::new(seed, mutation, tells);
        let (nodes, begun, asked, told) = (Vec::new(), 0, Vec::new(), Told::default());
        let mut simulation = Simulation { world, nodes, begun, asked, told };
        simulation.go().await?;
        Ok(simulation.figures())
    })
}

impl Simulation {
    async fn go(&mut self) -> Result<(), String> {
        let limits = [
            ("narrow", Limits { running: Some(2), running_per_tenant: Some(1), ..Limits::default() }),
            ("script", Limits { running_per_key: Some(2), ..Limits::default() }),
            ("rated", Limits { rate: Some((2, 1_000_000)), ..Limits::default() }),
        ];
        self.world.with(|inner| {
            inner.tables.limits = limits.map(|(queue, limits)| (queue.to_owned(), limits)).into_iter().collect();
        });
        for _ in 0..self.world.draw(|chance| chance.between(0, SCHEDULES)) {
            self.schedule();
        }
        for _ in 0..self.world.draw(|chance| chance.between(2, 3)) {
            self.begin_node();
        }
        while self.world.elapsed() < TROUBLE {
            tokio::time::sleep(self.world.draw(|chance| chance.millis(10, 400))).await;
            self.trouble();
            self.sound()?;
        }
        self.recover().await;
        self.end_schedules().await?;
        self.settle("after the trouble").await?;
        self.ask_again().await?;
        self.settle("after all were asked for").await?;
        self.signal_all().await?;
        self.is_prompt().await?;
        self.stop_all().await?;
        self.world.with(|inner| inner.checks.end(&inner.tables));
        self.sound()
    }

    fn sound(&self) -> Result<(), String> {
        let broken = self.world.with(|inner| inner.checks.broken.join("\n"));
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }

    pub fn begin_node(&mut self) {
        self.begun += 1;
        let name = format!("node {}", self.begun);
        let wrong = self.world.shared_time && self.world.draw(|chance| chance.happens(300));
        let offset = if wrong { self.jump() } else { 0 };
        self.nodes.push(Node::begin(&self.world, name, offset));
    }

    /// How far a clock is off, of those that are.
    pub fn jump(&self) -> i64 {
        self.world.draw(|chance| chance.below(2 * HOUR_US as u64) as i64 - HOUR_US)
    }

    /// A schedule is there from the beginning.
    fn schedule(&self) {
        let now = self.world.now();
        let every = if self.world.shared_time { TICKS_EVERY_S } else { TICKS_EVERY_S_OF_JUMPS };
        let Ok(timing) = Interval::new(every, 0).map(Timing::Every) else { return };
        let id = ScheduleId(self.world.uuid(now));
        let ticking = self.world.draw(|chance| {
            let overlap = chance.one_of(&Overlap::ALL).copied().unwrap_or_default();
            let catch_up = ["none", "last", "all", "bounded:2"];
            let catch_up = chance.one_of(&catch_up).and_then(|name| name.parse().ok()).unwrap_or(CatchUp::Last);
            let acts = vec![Act::Step(chance.between(0, 20)), Act::Step(chance.between(0, 3_000))];
            let policy = Policy { overlap, catch_up, jitter_seconds: chance.below(2) as u32 };
            let first = timing.next_after(now);
            let (input, tenant) = (serde_json::json!(acts).to_string(), TENANTS[0].parse().ok()?);
            let (next, due) = (
                first,
                first.map(|first| {
                    timing.due(first, Jitter { schedule: &id.to_string(), seconds: policy.jitter_seconds })
                }),
            );
            let (missed, skipped, decisions) = (0, 0, 0);
            Some(Ticking { id, tenant, timing, policy, input, first: first?, next, due, missed, skipped, decisions })
        });
        self.world.with(|inner| inner.tables.schedules.extend(ticking.map(|ticking| (id, ticking))));
    }

    /// Waits until nothing is due any more, and lets no schedule tick from then on.
    async fn end_schedules(&self) -> Result<(), String> {
        let until = self.world.elapsed() + REST;
        while self.world.elapsed() < until {
            tokio::time::sleep(LOOK_EVERY).await;
            self.sound()?;
            // Ticks that wait for the runs before them are looked at again after a while.
            let now = self.nodes.iter().map(|node| node.process.moment()).max().unwrap_or(0);
            let over = self.world.with(|inner| {
                let is_due = |ticking: &Ticking| ticking.next.is_some_and(|next| next <= now);
                let over = !inner.tables.schedules.values().any(is_due);
                if over {
                    inner.tables.schedules.values_mut().for_each(|ticking| ticking.due = None);
                }
                over
            });
            if over {
                return Ok(());
            }
        }
        let late = self.world.with(|inner| format!("{:?}", inner.tables.schedules));
        Err(format!("ticks come due and nobody decides on them: {late}"))
    }

    /// A run begins at once that a node was asked for which does not work itself.
    async fn is_prompt(&self) -> Result<(), String> {
        let process = Process::new("a server".to_owned(), &self.world, 2 * HOUR_US);
        let server = engine(&process, Options { concurrency: 0, ..Options::default() });
        let input = serde_json::json!([Act::Step(0)]).to_string();
        let request = Request { queue: "free".to_owned(), ..Request::new(KIND, "ada", "at once", input) };
        let tenant: TenantId = TENANTS[0].parse().map_err(|_| "no tenant")?;
        let started = server.start(&tenant, request).await.map_err(|error| error.to_string())?;
        tokio::time::sleep(PROMPT).await;
        let begun = self.world.with(|inner| inner.tables.get(&tenant, started.id).is_none_or(|row| row.run.epoch > 0));
        if !begun {
            return Err(format!("{} waits although the others were told of it", started.id));
        }
        let ended = server.wait(&tenant, started.id, REST).await.map_err(|error| error.to_string())?;
        ended.filter(|run| !run.status.is_final()).map_or(Ok(()), |run| Err(format!("{run:?} does not end")))
    }

    pub fn start(&self, which: usize, tenant: TenantId, request: Request) -> JoinHandle<()> {
        let (engine, told) = (self.node(which).engine.clone(), self.told.clone());
        let world = self.world.clone();
        tokio::spawn(async move {
            let key = request.idempotency_key.clone().unwrap_or_default();
            let Ok(started) = engine.start(&tenant, request).await else { return };
            let before = told.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), started.id);
            world.with(|inner| {
                // A key is free again once its run is forgotten.
                let other = before.filter(|before| *before != started.id);
                if other.is_some_and(|other| !inner.tables.forgotten.contains_key(&other)) {
                    inner.checks.broken.push(format!("{key} was told two runs"));
                }
            });
            if world.draw(|chance| chance.happens(LISTENED)) {
                listen(&engine, &world, &tenant, started.id).await;
            }
        })
    }

    /// Nothing goes wrong any more, and the clocks agree.
    async fn recover(&mut self) {
        self.world.end_faults();
        for node in &mut self.nodes {
            node.until = Some(Duration::ZERO);
        }
        self.end_troubles();
        if self.nodes.iter().all(|node| node.stop.is_cancelled()) {
            self.begin_node();
        }
        for node in &self.nodes {
            node.process.set_clock(2 * HOUR_US);
        }
    }

    /// Waits until every run has ended, or waits for a signal.
    async fn settle(&mut self, when: &str) -> Result<(), String> {
        let until = self.world.elapsed() + REST;
        while self.world.elapsed() < until {
            tokio::time::sleep(LOOK_EVERY).await;
            self.sound()?;
            if self.world.with(|inner| !inner.tables.rows.values().any(is_open)) {
                return Ok(());
            }
        }
        let open = self.world.with(|inner| all(&inner.tables, is_open).join("\n"));
        Err(format!("{when}, these runs go nowhere:\n{open}"))
    }

    /// Every wish that was never answered is made again, on a node that works.
    async fn ask_again(&mut self) -> Result<(), String> {
        let Some(which) = self.nodes.iter().position(|node| !node.stop.is_cancelled()) else {
            return Err("no node is left".to_owned());
        };
        for (tenant, request) in self.asked.clone() {
            drop(self.start(which, tenant, request));
        }
        tokio::time::sleep(LEASE).await;
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if told.len() != self.asked.len() {
            return Err(format!("{} of {} wishes were answered", told.len(), self.asked.len()));
        }
        self.world.with(|inner| {
            let (rows, forgotten) = (&inner.tables.rows, &inner.tables.forgotten);
            if let Some(id) = told.values().find(|id| !rows.contains_key(id) && !forgotten.contains_key(id)) {
                return Err(format!("{id} was promised and is not there"));
            }
            let keys: Vec<_> = rows.values().filter(|row| row.run.schedule.is_none()).collect();
            let different: BTreeSet<_> = keys.iter().map(|row| (&row.run.tenant, &row.run.idem_key)).collect();
            let unasked = keys.iter().any(|row| !told.contains_key(row.run.idem_key.as_deref().unwrap_or_default()));
            if keys.len() != different.len() || unasked {
                return Err(format!("{} runs came of {} wishes", keys.len(), told.len()));
            }
            Ok(())
        })
    }

    /// Signals the runs that wait until all have ended.
    async fn signal_all(&mut self) -> Result<(), String> {
        let Some(engine) = self.nodes.iter().find(|node| !node.stop.is_cancelled()).map(|node| node.engine.clone())
        else {
            return Err("no node is left".to_owned());
        };
        // A script waits at most so often.
        for _ in 0..60 {
            let waiting: Vec<(TenantId, RunId)> = self.world.with(|inner| {
                let waiting = inner.tables.rows.values().filter(|row| row.state == State::Waiting);
                waiting.map(|row| (row.run.tenant.clone(), row.run.id)).collect()
            });
            if waiting.is_empty() {
                return Ok(());
            }
            for (tenant, id) in waiting {
                let heard = engine.signal(&tenant, id, GO, "1", "bob").await;
                heard.map_err(|error| format!("a signal failed without a fault: {error}"))?;
            }
            self.settle("after a signal").await?;
        }
        let waiting = self.world.with(|inner| all(&inner.tables, |row| row.state == State::Waiting).join("\n"));
        Err(format!("signals do not wake these runs:\n{waiting}"))
    }

    /// Waits until the dead are forgotten, and stops the others.
    async fn stop_all(&mut self) -> Result<(), String> {
        let until = self.world.elapsed() + 3 * LEASE;
        while self.world.elapsed() < until {
            let own: Vec<String> = self.nodes.iter().map(|node| node.engine.worker()).collect();
            if self.world.with(|inner| inner.tables.workers.keys().all(|name| own.contains(name))) {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        for node in self.nodes.drain(..) {
            node.stop.cancel();
            let stopped = tokio::time::timeout(REST, node.work).await;
            stopped.map_err(|_| format!("{} does not stop", node.process.name))?.map_err(|error| error.to_string())?;
        }
        let left = self.world.with(|inner| inner.tables.workers.len());
        if left == 0 { Ok(()) } else { Err(format!("{left} workers are left behind")) }
    }

    fn figures(&self) -> Figures {
        let faults = self.world.injected.load(std::sync::atomic::Ordering::Relaxed);
        let trace = self.world.trace();
        self.world.with(|inner| Figures {
            runs: inner.tables.rows.len() + inner.tables.forgotten.len(),
            effects: inner.checks.effects(),
            repeated: inner.checks.repeated(),
            faults,
            ticks: inner.checks.ticks(),
            forgotten: inner.tables.forgotten.len(),
            trace,
        })
    }
}

/// Hears a run to its end, going on behind what was heard where the stream breaks off. No entry is missed.
async fn listen(engine: &Engine, world: &World, tenant: &TenantId, id: RunId) {
    let mut after = 0;
    loop {
        let mut events = engine.events(tenant, id, after);
        loop {
            match events.next().await {
                None => return,
                Some(Err(_)) => break,
                Some(Ok(Event { seq: None, .. })) => {}
                Some(Ok(Event { seq: Some(seq), .. })) => {
                    if seq != after + 1 {
                        world.with(|inner| inner.checks.broken.push(format!("{id}: {seq} was heard after {after}")));
                    }
                    after = seq;
                }
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whether a run has not ended and waits for more than a signal.
fn is_open(row: &Row) -> bool {
    row.state != State::Ended && !(row.state == State::Waiting && row.run.wake_at.is_none())
}

fn all(tables: &Tables, wanted: impl Fn(&Row) -> bool) -> Vec<String> {
    tables.rows.values().filter(|row| wanted(row)).map(|row| format!("{:?}", row.run)).collect()
}
