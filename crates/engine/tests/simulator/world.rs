//! What the nodes of one simulation share: the database, chance, the ledger of effects and a trace of all that happened.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pilothouse_domain::{Clock, Ids, Micros, RunId};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::chance::Chance;
use crate::check::Checks;
use crate::memory::Tables;
use crate::mutation::Mutation;
use crate::script;

/// When simulations begin.
const BEGINNING: Micros = 1_700_000_000_000_000;
/// How often, in a thousand, a call of the database fails before it had an effect, and after.
const FAILS_BEFORE: u64 = 15;
const FAILS_AFTER: u64 = 15;
/// How often, in a thousand, a call or a step takes long.
const SLOW: u64 = 20;

/// What is shared.
pub struct World {
    inner: Mutex<Inner>,
    began: Instant,
    faults: AtomicBool,
    /// How many faults there were.
    pub injected: AtomicU64,
    ids: AtomicU64,
    tells: bool,
    /// Whether nodes go by the database's clock, which is right, and not each by its own.
    pub shared_time: bool,
}

pub struct Inner {
    pub tables: Tables,
    pub checks: Checks,
    chance: Chance,
    trace: DefaultHasher,
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy)]
pub struct Fate {
    pub there: Duration,
    pub back: Duration,
    pub fails_before: bool,
    /// Whether it fails for want of space, and not because the database is away.
    pub full: bool,
    pub fails_after: bool,
    /// Whether it is carried out although its node dies while it is on its way.
    pub survives: bool,
}

impl Inner {
    /// A step has its effect.
    pub fn does(&mut self, id: RunId, path: &str, epoch: i64, key: &str) -> (u64, bool, bool) {
        self.checks.effect(&self.tables, id, path, epoch, key);
        script::outcome(&self.chance)
    }
}

impl World {
    pub fn new(seed: u64, mutation: Mutation, tells: bool) -> Arc<Self> {
        let mut inner = Inner {
            tables: Tables::new(mutation),
            checks: Checks::default(),
            chance: Chance::of(seed),
            trace: DefaultHasher::new(),
        };
        let shared_time = inner.chance.happens(500);
        if shared_time {
            inner.checks.share_time();
        }
        Arc::new(Self {
            inner: Mutex::new(inner),
            began: Instant::now(),
            faults: AtomicBool::new(true),
            injected: AtomicU64::new(0),
            ids: AtomicU64::new(0),
            tells,
            shared_time,
        })
    }

    /// The time by the one true clock.
    pub fn now(&self) -> Micros {
        BEGINNING + self.elapsed().as_micros() as Micros
    }

    pub fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn draw<T>(&self, draw: impl FnOnce(&Chance) -> T) -> T {
        self.with(|inner| draw(&inner.chance))
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether things still go wrong.
    pub fn has_faults(&self) -> bool {
        self.faults.load(Ordering::Relaxed)
    }

    pub fn end_faults(&self) {
        self.faults.store(false, Ordering::Relaxed);
    }

    pub fn fault(&self) {
        self.injected.fetch_add(1, Ordering::Relaxed);
    }

    pub fn fate(&self) -> Fate {
        let faults = self.has_faults();
        let fate = self.draw(|chance| {
            let slow = if faults && chance.happens(SLOW) { 800 } else { 0 };
            Fate {
                there: chance.millis(0, 3 + slow),
                back: chance.millis(0, 2),
                fails_before: faults && chance.happens(FAILS_BEFORE),
                full: chance.happens(250),
                fails_after: faults && chance.happens(FAILS_AFTER),
                survives: chance.happens(500),
            }
        });
        if fate.fails_before || fate.fails_after {
            self.fault();
        }
        fate
    }

    /// Whether the course of events is told, and not only taken note of.
    pub fn tells(&self) -> bool {
        self.tells
    }

    /// Notes a call of the database.
    pub fn note_call(&self, who: &str, what: &str, answer: &dyn fmt::Debug, lost: bool) {
        let at = self.elapsed();
        if self.tells {
            eprintln!("{:>10.3} {who} {what}: {answer:?}{}", at.as_secs_f64(), if lost { " (lost)" } else { "" });
        }
        self.with(|inner| (at, who, what.split(' ').next(), lost).hash(&mut inner.trace));
    }

    /// Notes what happens, so that two simulations can be compared, and one can be read.
    pub fn tell(&self, what: fmt::Arguments<'_>) {
        let at = self.elapsed();
        if self.tells {
            eprintln!("{:>10.3} {what}", at.as_secs_f64());
        }
        self.with(|inner| (at, what.to_string()).hash(&mut inner.trace));
    }

    /// A number that is the same for the same course of events.
    pub fn trace(&self) -> u64 {
        self.with(|inner| inner.trace.finish())
    }
}

impl Ids for World {
    fn uuid(&self, now: Micros) -> Uuid {
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.ids.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        // The pause before another attempt comes from an id's last bytes.
        random[9] = random[9].wrapping_mul(151);
        uuid::Builder::from_unix_timestamp_millis((now / 1_000) as u64, &random).into_uuid()
    }

    fn secret(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// Whether a process goes on, stands still, or is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Alive,
    Stalled,
    Dead,
}

/// One process: it can stand still, die, and have its clock set.
pub struct Process {
    pub name: String,
    pub world: Arc<World>,
    life: Mutex<Life>,
    changed: Notify,
    offset: AtomicI64,
}

impl Process {
    pub fn new(name: String, world: &Arc<World>, offset: Micros) -> Arc<Self> {
        let (world, life) = (world.clone(), Mutex::new(Life::Alive));
        Arc::new(Self { name, world, life, changed: Notify::new(), offset: AtomicI64::new(offset) })
    }

    pub fn life(&self) -> Life {
        *self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_life(&self, life: Life) {
        self.world.tell(format_args!("{} is {life:?}", self.name));
        *self.life.lock().unwrap_or_else(PoisonError::into_inner) = life;
        self.changed.notify_waiters();
    }

    pub fn set_clock(&self, offset: Micros) {
        self.world.tell(format_args!("{}'s clock is off by {} s", self.name, offset / 1_000_000));
        self.offset.store(offset, Ordering::Relaxed);
    }

    /// The time that runs are told in this process.
    pub fn moment(&self) -> Micros {
        if self.world.shared_time { self.world.now() } else { self.now() }
    }

    /// Goes on at once, once the process does again, or never.
    pub async fn goes_on(&self) {
        while self.life() != Life::Alive {
            self.changed.notified().await;
        }
    }
}

impl Clock for Process {
    fn now(&self) -> Micros {
        self.world.now() + self.offset.load(Ordering::Relaxed)
    }
}
