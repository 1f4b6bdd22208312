//! What a claim costs among few and among many waiting jobs of a thousand tenants, and beside millions that have ended.

use std::sync::Arc;
use std::time::Instant;

use pilothouse_domain::run::Status;
use pilothouse_domain::{Clock as _, Ids as _, RunId, TenantId};
use pilothouse_engine::Backend as _;
use pilothouse_store::Store;
use pilothouse_store::runs::{Change, Claim, Enqueue, Lane, NewRun, Then, Write};

use crate::args::Args;
use crate::report;
use crate::world::{self, Numbers, System};

const TENANTS: u64 = 1_000;
/// Lanes, and at most so many runs, of one claim.
const LANES: usize = 64;
/// Claims of one measurement.
const CLAIMS: u64 = 400;
/// Rows written in one commit.
const GROUP: u64 = 1_000;

pub async fn measure(args: &Args) {
    let (many, old) = if args.quick { (100_000, 500_000) } else { (1_000_000, 5_000_000) };
    let store = world::store(&args.database).await;
    let bench = Bench { store: store.clone(), ids: Numbers::default() };
    bench.fill(TENANTS, false).await;
    world::at_rest(&args.database);
    bench.claims("claim_few").await;
    bench.fill(many - TENANTS, false).await;
    world::at_rest(&args.database);
    bench.claims("claim_many").await;
    bench.fill(old, true).await;
    world::at_rest(&args.database);
    bench.claims("claim_old").await;
    store.close().await;
}

struct Bench {
    store: Store,
    ids: Numbers,
}

impl Bench {
    /// Rows of runs that wait, or that have ended.
    async fn fill(&self, count: u64, ended: bool) {
        let mut number = 0;
        while number < count {
            let until = (number + GROUP).min(count);
            let wishes: Vec<Enqueue> = (number..until).map(|number| self.wish(number, ended)).collect();
            let ends: Vec<Change> = wishes.iter().filter(|wish| wish.worker.is_some()).map(end).collect();
            let wishes = wishes.into_iter().map(|wish| Change::Enqueue(Arc::new(wish))).collect();
            self.store.apply(wishes).await.unwrap();
            if !ends.is_empty() {
                self.store.apply(ends).await.unwrap();
            }
            number = until;
        }
    }

    fn wish(&self, number: u64, claimed: bool) -> Enqueue {
        let now = System.now();
        let run = NewRun {
            id: RunId(self.ids.uuid(now)),
            kind: "job".into(),
            version: 1,
            queue: "job".into(),
            key: String::new(),
            priority: 0,
            subject: "ada".into(),
            title: "a run".into(),
            input: number.to_string(),
            max_attempts: 3,
            time_limit_ms: None,
            due_at: now,
            created_at: now,
            idem_key: None,
            conversation: None,
            schedule: None,
        };
        let worker = claimed.then(|| "filler".to_owned());
        Enqueue { tenant: tenant(number), run, audit: None, worker, counted: false, max_waiting: None }
    }

    /// Claims in turn, each of other tenants, until the worker has its runs; what a claim takes is filled up again before
    /// the next, so that as many wait all the time.
    async fn claims(&self, what: &str) {
        let began = report::begin(what);
        let mut latencies = Vec::new();
        for turn in 0..CLAIMS {
            let first = turn * LANES as u64;
            let lanes = (first..first + LANES as u64).map(|number| Lane {
                queue: "job".into(),
                tenant: tenant(number),
                key: String::new(),
            });
            let claim = Claim {
                worker: "claimer".into(),
                lanes: lanes.collect(),
                most: LANES as u32,
                running: None,
                now: System.now(),
            };
            let asked = Instant::now();
            let taken = self.store.claim(claim).await.unwrap().runs;
            let runs = self.store.taken(taken).await.unwrap();
            latencies.push(report::ms(asked));
            assert_eq!(runs.len(), LANES, "every tenant has a run that waits");
            let ends = runs.iter().map(|run| ended(run.tenant.clone(), run.id, run.epoch, run.seq)).collect();
            self.store.apply(ends).await.unwrap();
            let again = (first..first + LANES as u64).map(|number| self.wish(number, false));
            self.store.apply(again.map(|wish| Change::Enqueue(Arc::new(wish))).collect()).await.unwrap();
        }
        report::line(what, CLAIMS, began, latencies);
    }
}

fn tenant(number: u64) -> TenantId {
    format!("tenant-{}", number % TENANTS).parse().unwrap()
}

fn end(wish: &Enqueue) -> Change {
    ended(wish.tenant.clone(), wish.run.id, 1, 1)
}

fn ended(tenant: TenantId, run: RunId, epoch: i64, seq: i64) -> Change {
    let then = Then::End { status: Status::Succeeded, output: Some("null".into()), why: None };
    let at = System.now();
    Change::Write(Arc::new(Write {
        tenant,
        run,
        epoch,
        entries: Vec::new(),
        seq,
        attempt: 1,
        last_attempt: 3,
        at,
        then,
    }))
}
