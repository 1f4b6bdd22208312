//! What may happen to runs, as data that can be made at random and made smaller. Runs, claims and earlier changes are
//! named by how long ago they came, so that a shorter sequence still means something.

use pilothouse_domain::run::Status;
use proptest::prelude::*;

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Op {
    /// Changes in one group.
    Apply(Vec<Item>),
    Claim {
        worker: u8,
        lanes: Vec<u8>,
        most: u8,
    },
    /// Time passes, in milliseconds.
    Tick(u32),
    Promote {
        limit: u8,
    },
    Cancel(Which),
    Signal(Which),
    Retry(Which),
    TakeOne(Which),
    Discard(Which),
    Join(u8),
    Beat(u8),
    /// With the count that the worker has, or with one that it had.
    GiveUp {
        worker: u8,
        stale: bool,
    },
    Release(u8),
    Forget(u8),
    Limits {
        queue: u8,
        running: Option<u8>,
        per_tenant: Option<u8>,
        per_key: Option<u8>,
        rate: Option<(u8, u8)>,
    },
    Pause {
        queue: u8,
        on: bool,
    },
}

impl Op {
    /// How many things happen.
    pub fn size(&self) -> usize {
        if let Self::Apply(items) = self { items.len() } else { 1 }
    }
}

/// A run, as the so-many-newest, asked for by its tenant or by another.
#[derive(Debug, Clone)]
pub struct Which {
    pub ago: u8,
    pub foreign: bool,
}

/// One change of a group.
#[derive(Debug, Clone)]
pub enum Item {
    Enqueue(Wanted),
    /// A wish that was made before, as if its answer had been lost.
    AskAgain(u8),
    /// A write under a claim, which may be lost.
    Write {
        ago: u8,
        entries: u8,
        then: What,
    },
    /// A write that was made before, as if its answer had been lost.
    WriteAgain(u8),
}

#[derive(Debug, Clone)]
pub struct Wanted {
    pub lane: u8,
    pub name: Option<u8>,
    /// Milliseconds until it may be claimed.
    pub delay: Option<u32>,
    pub priority: i64,
    pub attempts: i64,
    pub worker: Option<u8>,
    pub counted: bool,
    pub most: Option<u8>,
}

/// What becomes of a run after a write; delays in milliseconds.
#[derive(Debug, Clone)]
pub enum What {
    GoOn,
    Again { delay: u32, priority: i64 },
    Back { delay: u32 },
    Wait { until: Option<u32>, more_seen: u8, attempts: i64 },
    End(Status),
}

/// A sequence that begins with nothing.
pub fn sequences() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 1..70)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => prop::collection::vec(item(), 1..5).prop_map(Op::Apply),
        14 => (0..3_u8, lanes(), 0..7_u8).prop_map(|(worker, lanes, most)| Op::Claim { worker, lanes, most }),
        6 => delay().prop_map(Op::Tick),
        6 => (1..4_u8).prop_map(|limit| Op::Promote { limit }),
        4 => which().prop_map(Op::Cancel),
        5 => which().prop_map(Op::Signal),
        4 => which().prop_map(Op::Retry),
        1 => which().prop_map(Op::TakeOne),
        2 => which().prop_map(Op::Discard),
        1 => (0..3_u8).prop_map(Op::Join),
        1 => (0..3_u8).prop_map(Op::Beat),
        2 => (0..3_u8, any::<bool>()).prop_map(|(worker, stale)| Op::GiveUp { worker, stale }),
        3 => (0..3_u8).prop_map(Op::Release),
        1 => (0..3_u8).prop_map(Op::Forget),
        2 => limits(),
        1 => (0..2_u8, any::<bool>()).prop_map(|(queue, on)| Op::Pause { queue, on }),
    ]
}

fn limits() -> impl Strategy<Value = Op> {
    let most = || prop::option::weighted(0.4, 0..5_u8);
    let rate = prop::option::weighted(0.3, (1..6_u8, 1..4_u8));
    (0..2_u8, most(), most(), most(), rate).prop_map(|(queue, running, per_tenant, per_key, rate)| Op::Limits {
        queue,
        running,
        per_tenant,
        per_key,
        rate,
    })
}

/// Some of the eight lanes, in any order.
fn lanes() -> impl Strategy<Value = Vec<u8>> {
    Just((0..8).collect::<Vec<u8>>()).prop_shuffle().prop_flat_map(|lanes| (Just(lanes), 1..=8_usize)).prop_map(
        |(mut lanes, count)| {
            lanes.truncate(count);
            lanes
        },
    )
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        8 => wanted().prop_map(Item::Enqueue),
        1 => (0..6_u8).prop_map(Item::AskAgain),
        9 => (0..8_u8, 0..3_u8, what()).prop_map(|(ago, entries, then)| Item::Write { ago, entries, then }),
        2 => (0..6_u8).prop_map(Item::WriteAgain),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let delay = prop::option::weighted(0.3, delay());
    let name = prop::option::weighted(0.3, 0..4_u8);
    let (worker, most) = (prop::option::weighted(0.25, (0..3_u8, any::<bool>())), prop::option::weighted(0.2, 1..4_u8));
    (0..8_u8, name, delay, -2..3_i64, 1..4_i64, worker, most).prop_map(
        |(lane, name, delay, priority, attempts, worker, most)| Wanted {
            lane,
            name,
            delay,
            priority,
            attempts,
            worker: worker.map(|(worker, _)| worker),
            counted: worker.is_some_and(|(_, counted)| counted),
            most,
        },
    )
}

fn what() -> impl Strategy<Value = What> {
    let ends = [Status::Succeeded, Status::Failed, Status::Cancelled, Status::Dead];
    prop_oneof![
        3 => Just(What::GoOn),
        2 => (delay(), -2..3_i64).prop_map(|(delay, priority)| What::Again { delay, priority }),
        1 => delay().prop_map(|delay| What::Back { delay }),
        3 => (prop::option::of(delay()), 0..2_u8, 1..4_i64)
            .prop_map(|(until, more_seen, attempts)| What::Wait { until, more_seen, attempts }),
        3 => prop::sample::select(ends.to_vec()).prop_map(What::End),
    ]
}

/// Short ones and ones that outweigh a step of priority.
fn delay() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), 1..2_000_u32, 1..180_000_u32]
}

fn which() -> impl Strategy<Value = Which> {
    (0..10_u8, prop::bool::weighted(0.05)).prop_map(|(ago, foreign)| Which { ago, foreign })
}
