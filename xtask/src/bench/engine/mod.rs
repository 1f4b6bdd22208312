//! `bench engine`: the durable engine beside its peers on this machine, in interleaved rounds. Read first: [`contender`]
//! (who takes part) and [`rounds`] (how they are compared). Peers are programs in `benches/peers/`, ours is `engine-load`.

mod contender;
mod databases;
mod figures;
mod ours;
mod peers;
mod provision;
mod rounds;

use anyhow::Result;

use self::contender::{Contender, Measurement, Size, Task};
use self::databases::{Postgres, fsync_p50_ms};
pub use self::figures::FIGURES;
use self::figures::{FSYNC, Names, POSTGRES, SQLITE};
use self::ours::Ours;
use self::peers::{OnPostgres, Restate};
use self::provision::Provisions;
use self::rounds::Ledger;
use super::{Options, Values, median};

/// Durable writes that each round times.
const FSYNCS: u32 = 200;
/// How long one of the jobs beside the quiet tenant takes, in milliseconds.
const BUSY_JOB_MS: f64 = 5.0;

/// How much is done.
struct Plan {
    rounds: u32,
    /// Rounds of what only our side does.
    own_rounds: u32,
    workflows: Task,
    jobs: Task,
    pickup: Task,
    quick: bool,
}

impl Plan {
    fn of(options: &Options) -> Self {
        let quick = options.quick;
        let pick = |short, long| if quick { short } else { long };
        let task = |name, ours, theirs, in_flight| Task { name, size: Some(Size { ours, theirs, in_flight }), quick };
        Self {
            rounds: pick(3, 5),
            own_rounds: pick(1, 3),
            workflows: task("workflows", pick(20_000, 100_000), pick(1500, 5000), 128),
            jobs: task("jobs", pick(50_000, 200_000), pick(50_000, 200_000), 128),
            pickup: task("pickup", pick(200, 1000), pick(200, 500), 1),
            quick,
        }
    }

    /// What only our side does.
    fn own(&self, name: &'static str) -> Task {
        Task { name, size: None, quick: self.quick }
    }
}

/// Measures all of it.
pub fn measure(options: &Options, values: &mut Values) -> Result<()> {
    let plan = Plan::of(options);
    let program =
        ours::program().inspect_err(|error| crate::report(&format!("our side stays unmeasured: {error:#}"))).ok();
    let provisions = Provisions::new()?;
    let postgres = Postgres::start()?;
    let on_postgres = |name| OnPostgres { name, provisions: &provisions, postgres: &postgres };
    let (dbos, graphile, restate) = (on_postgres("dbos"), on_postgres("graphile"), Restate { provisions: &provisions });
    let sqlite = Ours { program: program.clone(), postgres: None };
    let ours: [&dyn Contender; 2] = [&sqlite, &Ours { program, postgres: Some(&postgres) }];

    let mut ledger = Ledger::default();
    let mut fsyncs = Vec::new();
    let durable: [&dyn Contender; 2] = [&dbos, &restate];
    for _ in 0..plan.rounds {
        fsyncs.push(fsync_p50_ms(FSYNCS)?);
        ledger.round(&plan.workflows, &durable, &ours);
        ledger.round(&plan.jobs, &[&graphile], &ours);
        ledger.round(&plan.pickup, &[&graphile], &ours);
    }
    for our in ours {
        ledger.measure(our, &plan.own("claim"));
        for _ in 0..plan.own_rounds {
            for name in ["fairness", "memory", "recovery"] {
                ledger.measure(our, &plan.own(name));
            }
        }
    }
    let fsync = median(&mut fsyncs);
    values.insert(FSYNC, fsync);
    for (our, names) in [(ours::SQLITE, &SQLITE), (ours::POSTGRES, &POSTGRES)] {
        let mut insert = |what, value: Option<f64>| value.map(|value| values.insert(what, value));
        insert(names.workflows, ledger.times(&plan.workflows, our, &durable));
        insert(names.jobs, ledger.times(&plan.jobs, our, &[&graphile]));
        alone(&ledger, our, names, fsync, &mut insert);
    }
    ledger.summary().iter().for_each(|line| crate::report(line));
    Ok(())
}

/// The figures that need no peer.
fn alone(
    ledger: &Ledger,
    our: &'static str,
    names: &Names,
    fsync_ms: f64,
    insert: &mut impl FnMut(&'static str, Option<f64>) -> Option<Option<f64>>,
) {
    let p50 = |what| ledger.median(our, what, |one| one.p50_ms);
    let p99 = |what| ledger.median(our, what, |one| one.p99_ms);
    let over = |value: Option<f64>, base: Option<f64>| Some(value? / base?);
    insert(names.workflow_cpu, ledger.median(our, "workflows", Measurement::cpu_us));
    insert(names.pickup_p50, p50("pickup").map(|value| value - fsync_ms));
    insert(names.pickup_p99, p99("pickup").map(|value| value - fsync_ms));
    insert(names.claim_many_p50, over(p50("claim_many"), p50("claim_few")));
    insert(names.claim_many_p99, over(p99("claim_many"), p99("claim_few")));
    insert(names.claim_old_p50, over(p50("claim_old"), p50("claim_few")));
    insert(names.claim_old_p99, over(p99("claim_old"), p99("claim_few")));
    let allowed = p99("fairness_idle").map(|idle| 2.0 * idle + BUSY_JOB_MS);
    insert(names.fairness, over(p99("fairness_busy"), allowed));
    insert(names.memory, ledger.median(our, "memory", |one| one.rss_mb));
    insert(names.recovery, ledger.median(our, "recovery", |one| one.seconds));
}
