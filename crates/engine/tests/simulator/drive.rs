//! One simulation: nodes come and go, their clocks jump, people start, stop and signal runs; then all is quiet, and
//! everything must come to its end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use pilothouse_domain::{RunId, TenantId};
use pilothouse_engine::{Engine, Event, Options, Registry, Request};
use pilothouse_store::runs::Limits;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::memory::{Mutation, Tables};
use crate::row::{Row, State};
use crate::script::{self, GO, Script};
use crate::wire::Wire;
use crate::world::{Life, Process, World};

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
const RUNS: usize = 12;
const HOUR_US: i64 = 3_600_000_000;
const TENANTS: [&str; 3] = ["a", "b", "c"];

/// What a simulation was like.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub runs: usize,
    pub effects: usize,
    pub repeated: usize,
    pub faults: u64,
    /// The same for the same course of events.
    pub trace: u64,
}

/// A process with its engine.
struct Node {
    process: Arc<Process>,
    engine: Engine,
    stop: CancellationToken,
    work: JoinHandle<()>,
    /// When what happened to it is over.
    until: Option<Duration>,
}

impl Node {
    fn begin(world: &Arc<World>, name: String, offset: i64) -> Self {
        let process = Process::new(name, world, offset);
        let (concurrency, drain) = world.draw(|chance| (chance.between(1, 4) as usize, chance.millis(0, 3_000)));
        let options = Options { concurrency, drain, lease: LEASE, ..Options::default() };
        let registry = Registry::default().with(Arc::new(Script { process: process.clone() }));
        let wire = Arc::new(Wire { process: process.clone() });
        let engine = Engine::over(wire, process.clone(), world.clone(), registry, options);
        let stop = CancellationToken::new();
        let (worker, stopped) = (engine.clone(), stop.clone());
        let work = tokio::spawn(async move { worker.work(stopped).await });
        world.tell(format_args!("{} begins as {}", process.name, engine.worker()));
        Self { process, engine, stop, work, until: None }
    }
}

/// What the callers were told: the run of each key.
type Told = Arc<Mutex<BTreeMap<String, RunId>>>;

struct Simulation {
    world: Arc<World>,
    nodes: Vec<Node>,
    begun: usize,
    asked: Vec<(TenantId, Request)>,
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
        ];
        self.world.with(|inner| {
            inner.tables.limits = limits.map(|(queue, limits)| (queue.to_owned(), limits)).into_iter().collect();
        });
        for _ in 0..self.world.draw(|chance| chance.between(2, 3)) {
            self.begin_node();
        }
        while self.world.elapsed() < TROUBLE {
            tokio::time::sleep(self.world.draw(|chance| chance.millis(10, 400))).await;
            self.trouble();
            self.sound()?;
        }
        self.recover().await;
        self.settle("after the trouble").await?;
        self.ask_again().await?;
        self.settle("after all were asked for").await?;
        self.signal_all().await?;
        self.stop_all().await?;
        self.world.with(|inner| inner.checks.end(&inner.tables));
        self.sound()
    }

    fn sound(&self) -> Result<(), String> {
        let broken = self.world.with(|inner| inner.checks.broken.join("\n"));
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }

    fn begin_node(&mut self) {
        self.begun += 1;
        let name = format!("node {}", self.begun);
        self.nodes.push(Node::begin(&self.world, name, 0));
    }

    /// Something happens.
    fn trouble(&mut self) {
        self.end_troubles();
        let (what, which) = self.world.draw(|chance| (chance.below(100), chance.number() as usize));
        match what {
            0..40 => self.ask(which),
            40..54 => self.tell_a_run(what, which),
            54..60 => self.tell_a_run(what, which),
            60..67 => self.harm(which, Life::Dead, 3_000),
            67..76 => self.harm(which, Life::Stalled, 6_000),
            76..82 => {
                let offset = self.world.draw(|chance| chance.below(2 * HOUR_US as u64) as i64 - HOUR_US);
                self.node(which).process.set_clock(offset);
                self.world.fault();
            }
            82..86 => {
                let node = self.node(which);
                self.world.tell(format_args!("{} is to stop", node.process.name));
                node.stop.cancel();
                self.world.fault();
            }
            _ => {}
        }
    }

    fn node(&self, which: usize) -> &Node {
        &self.nodes[which % self.nodes.len()]
    }

    /// A process stands still, or dies and is started again, after at most so many milliseconds.
    fn harm(&mut self, which: usize, life: Life, most: u64) {
        let until = self.world.elapsed() + self.world.draw(|chance| chance.millis(50, most));
        let count = self.nodes.len();
        let node = &mut self.nodes[which % count];
        if node.until.is_none() && !node.work.is_finished() {
            node.process.set_life(life);
            node.until = Some(until);
            self.world.fault();
        }
    }

    fn end_troubles(&mut self) {
        let now = self.world.elapsed();
        for index in 0..self.nodes.len() {
            let node = &mut self.nodes[index];
            let over = node.until.is_some_and(|until| until <= now);
            match node.process.life() {
                Life::Stalled if over => {
                    node.until = None;
                    node.process.set_life(Life::Alive);
                }
                Life::Dead if over => self.replace(index),
                Life::Alive if node.work.is_finished() => self.replace(index),
                _ => {}
            }
        }
    }

    fn replace(&mut self, index: usize) {
        self.begin_node();
        self.nodes.swap_remove(index);
    }

    /// Somebody asks for a run.
    fn ask(&mut self, which: usize) {
        if self.asked.len() == RUNS {
            return;
        }
        let key = format!("run {}", self.asked.len());
        let request = self.world.draw(|chance| {
            let input = serde_json::json!(script::script(chance, true)).to_string();
            let queue = chance.one_of(&["narrow", "script", "free"]).copied().unwrap_or("script").to_owned();
            let own_key = if chance.happens(400) { "key" } else { "" }.to_owned();
            Request {
                queue,
                key: own_key,
                priority: chance.below(5) as i64,
                max_attempts: chance.between(1, 5) as i64,
                time_limit_ms: chance.happens(100).then(|| chance.between(100, 2_000) as i64),
                idempotency_key: Some(key),
                ..Request::new("script", "ada", "a script", input)
            }
        });
        let tenant: Option<TenantId> = self.world.draw(|chance| chance.one_of(&TENANTS)?.parse().ok());
        if let Some(tenant) = tenant {
            self.start(which, tenant.clone(), request.clone());
            self.asked.push((tenant, request));
        }
    }

    fn start(&self, which: usize, tenant: TenantId, request: Request) -> JoinHandle<()> {
        let (engine, told) = (self.node(which).engine.clone(), self.told.clone());
        let world = self.world.clone();
        tokio::spawn(async move {
            let key = request.idempotency_key.clone().unwrap_or_default();
            let Ok(started) = engine.start(&tenant, request).await else { return };
            let before = told.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), started.id);
            if before.is_some_and(|before| before != started.id) {
                world.with(|inner| inner.checks.broken.push(format!("{key} was told two runs")));
            }
            if world.draw(|chance| chance.happens(LISTENED)) {
                listen(&engine, &world, &tenant, started.id).await;
            }
        })
    }

    /// Somebody signals, cancels or retries a run.
    fn tell_a_run(&self, what: u64, which: usize) {
        let known: Vec<(TenantId, RunId)> = self
            .world
            .with(|inner| inner.tables.rows.values().map(|row| (row.run.tenant.clone(), row.run.id)).collect());
        let Some((tenant, id)) = self.world.draw(|chance| chance.one_of(&known).cloned()) else { return };
        let engine = self.node(which).engine.clone();
        tokio::spawn(async move {
            // Whoever is not answered does not know whether it was heard.
            match what {
                40..54 => drop(engine.signal(&tenant, id, GO, "1", "bob").await),
                54..57 => drop(engine.cancel(&tenant, id).await),
                _ => drop(engine.retry(&tenant, id).await),
            }
        });
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
        let stored = self.world.with(|inner| inner.tables.rows.len());
        let lost = told.values().find(|id| !self.world.with(|inner| inner.tables.rows.contains_key(id)));
        match lost {
            Some(id) => Err(format!("{id} was promised and is not there")),
            None if stored != told.len() => Err(format!("{stored} runs came of {} wishes", told.len())),
            None => Ok(()),
        }
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
            runs: inner.tables.rows.len(),
            effects: inner.checks.effects(),
            repeated: inner.checks.repeated(),
            faults,
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
