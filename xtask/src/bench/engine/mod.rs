//! `bench engine`: the durable engine beside its peers on this machine, in interleaved rounds. Read first: [`contender`]
//! (who takes part) and [`rounds`] (how they are compared). Peers are programs in `benches/peers/`, ours is `engine-load`.

mod contender;
mod figures;
mod ours;
mod peers;
mod provision;
mod rounds;

use anyhow::Result;

use self::contender::{Contender, Measurement, Size, Task};
pub use self::figures::FIGURES;
use self::figures::{FSYNC, Names, POSTGRES, SQLITE};
use self::ours::Ours;
use self::peers::{OnPostgres, Restate};
use self::provision::Provisions;
use self::rounds::Ledger;
use super::databases::{Postgres, fsync_p50_ms};
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
            workflows: task("workflows", pick(20_000, 100_000), pick(1000, 3000), 128),
            jobs: task("jobs", pick(50_000, 200_000), pick(50_000, 100_000), 128),
            pickup: task("pickup", pick(200, 500), pick(100, 300), 1),
            quick,
        }
    }

    /// What only our side does.
    fn own(&self, name: &'static str) -> Task {
        Task { name, size: None, quick: self.quick }
    }
}

/// Who is compared.
struct Sides<'a> {
    /// Peers for durable workflows.
    durable: [&'a dyn Contender; 2],
    /// The peer for jobs and their pick-up.
    queue: &'a dyn Contender,
    /// Our side on each database.
    ours: [&'a dyn Contender; 2],
}

/// Measures all of it.
pub fn measure(options: &Options, values: &mut Values) -> Result<()> {
    let program =
        ours::program().inspect_err(|error| crate::report(&format!("our side stays unmeasured: {error:#}"))).ok();
    let provisions = Provisions::new()?;
    let postgres = Postgres::start()?;
    let on_postgres = |name| OnPostgres { name, provisions: &provisions, postgres: &postgres };
    let (dbos, graphile, restate) = (on_postgres("dbos"), on_postgres("graphile"), Restate { provisions: &provisions });
    let sqlite = Ours { program: program.clone(), postgres: None };
    let server = Ours { program, postgres: Some(&postgres) };
    let sides = Sides { durable: [&dbos, &restate], queue: &graphile, ours: [&sqlite, &server] };
    compare(&Plan::of(options), &sides, values)
}

fn compare(plan: &Plan, sides: &Sides<'_>, values: &mut Values) -> Result<()> {
    let mut ledger = Ledger::default();
    let mut fsyncs = Vec::new();
    for _ in 0..plan.rounds {
        fsyncs.push(fsync_p50_ms(FSYNCS)?);
        ledger.round(&plan.workflows, &sides.durable, &sides.ours);
        ledger.round(&plan.jobs, &[sides.queue], &sides.ours);
        ledger.round(&plan.pickup, &[sides.queue], &sides.ours);
    }
    for our in sides.ours {
        ledger.measure(our, &plan.own("claim"));
        for _ in 0..plan.own_rounds {
            for name in ["fairness", "memory", "recovery"] {
                ledger.measure(our, &plan.own(name));
            }
        }
    }
    let fsync_ms = median(&mut fsyncs);
    values.insert(FSYNC, fsync_ms);
    for (our, names) in [(ours::SQLITE, &SQLITE), (ours::POSTGRES, &POSTGRES)] {
        let workflows = ledger.times(&plan.workflows, our, &sides.durable);
        let jobs = ledger.times(&plan.jobs, our, &[sides.queue]);
        let compared = [(names.workflows, workflows), (names.jobs, jobs)];
        let measured = compared.into_iter().chain(alone(&ledger, our, names, fsync_ms));
        values.extend(measured.filter_map(|(what, value)| Some((what, value?))));
    }
    ledger.summary().iter().for_each(|line| crate::report(line));
    Ok(())
}

/// The figures that need no peer.
fn alone(ledger: &Ledger, our: &'static str, names: &Names, fsync_ms: f64) -> [(&'static str, Option<f64>); 10] {
    let p50 = |what| ledger.median(our, what, |one| one.p50_ms);
    let p99 = |what| ledger.median(our, what, |one| one.p99_ms);
    let over = |value: Option<f64>, base: Option<f64>| Some(value? / base?);
    let allowed = p99("fairness_idle").map(|idle| 2.0 * idle + BUSY_JOB_MS);
    [
        (names.workflow_cpu, ledger.median(our, "workflows", Measurement::cpu_us)),
        (names.pickup_p50, p50("pickup").map(|value| value - fsync_ms)),
        (names.pickup_p99, p99("pickup").map(|value| value - fsync_ms)),
        (names.claim_many_p50, over(p50("claim_many"), p50("claim_few"))),
        (names.claim_many_p99, over(p99("claim_many"), p99("claim_few"))),
        (names.claim_old_p50, over(p50("claim_old"), p50("claim_few"))),
        (names.claim_old_p99, over(p99("claim_old"), p99("claim_few"))),
        (names.fairness, over(p99("fairness_busy"), allowed)),
        (names.memory, ledger.median(our, "memory", |one| one.rss_mb)),
        (names.recovery, ledger.median(our, "recovery", |one| one.seconds)),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Prints the lines of every task, with the rate that it was given.
    struct Steady(&'static str, f64);

    impl Contender for Steady {
        fn name(&self) -> &'static str {
            self.0
        }

        fn measure(&self, task: &Task) -> Result<Vec<Measurement>> {
            let line = |what: &str, p99_ms: f64| {
                Measurement::read(&json!({
                    "what": what, "per_second": self.1, "seconds": 0.5, "cpu_us_client": 60, "cpu_us_server": 40,
                    "p50_ms": p99_ms / 2.0, "p99_ms": p99_ms, "rss_mb": 90,
                }))
            };
            match task.name {
                "claim" => vec![line("claim_few", 1.0), line("claim_many", 1.2), line("claim_old", 1.4)],
                "fairness" => vec![line("fairness_idle", 10.0), line("fairness_busy", 20.0)],
                name => vec![line(name, 3.0)],
            }
            .into_iter()
            .collect()
        }
    }

    fn values(sqlite: f64) -> Values {
        let (dbos, restate, graphile) = (Steady("dbos", 300.0), Steady("restate", 1000.0), Steady("graphile", 5000.0));
        let ours = (Steady(ours::SQLITE, sqlite), Steady(ours::POSTGRES, 8000.0));
        let sides = Sides { durable: [&dbos, &restate], queue: &graphile, ours: [&ours.0, &ours.1] };
        let mut values = Values::new();
        compare(&Plan::of(&Options { quick: true, json: true }), &sides, &mut values).unwrap();
        values
    }

    #[test]
    fn every_figure_comes_from_the_lines_that_the_tasks_print() {
        let values = values(12_000.0);
        for figure in &FIGURES {
            let value = values.get(figure.what).unwrap_or_else(|| panic!("{} has no value", figure.what));
            // The pick-up depends on this machine's disk, which these lines know nothing of.
            assert!(figure.what.contains("pick-up") || (figure.holds)(*value), "{}: {value}", figure.what);
        }
        assert_eq!(values.len(), FIGURES.len());
        assert_eq!((values[SQLITE.workflows], values[POSTGRES.jobs]), (12.0, 1.6));
        assert_eq!((values[SQLITE.workflow_cpu], values[SQLITE.fairness]), (100.0, 0.8));
        assert_eq!((values[SQLITE.claim_many_p99], values[POSTGRES.claim_old_p50]), (1.2, 1.4));
        assert!((values[SQLITE.pickup_p99] - 3.0 + values[FSYNC]).abs() < 1e-9);
    }

    #[test]
    fn a_side_that_is_too_slow_clears_no_bar() {
        let values = values(6000.0);
        let fails = |what| FIGURES.iter().any(|figure| figure.what == what && !(figure.holds)(values[what]));
        assert!(fails(SQLITE.workflows) && fails(SQLITE.jobs) && !fails(POSTGRES.workflows));
    }
}
