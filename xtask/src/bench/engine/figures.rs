//! The figures of the engine's benchmark: one for each bar and database, and what a durable write costs here.

use crate::bench::Figure;

/// The figures of one database.
pub struct Names {
    /// Rate of durable workflows over the best peer's.
    pub workflows: &'static str,
    /// CPU time of one, the database's included.
    pub workflow_cpu: &'static str,
    /// Rate of no-op jobs over graphile-worker's.
    pub jobs: &'static str,
    /// From the enqueue to the handler's start, without one durable write.
    pub pickup_p50: &'static str,
    /// The same, of which one in a hundred takes longer.
    pub pickup_p99: &'static str,
    /// A claim among many waiting jobs over one among few.
    pub claim_many_p50: &'static str,
    /// See `claim_many_p50`.
    pub claim_many_p99: &'static str,
    /// A claim beside millions of finished rows over one among few.
    pub claim_old_p50: &'static str,
    /// See `claim_old_p50`.
    pub claim_old_p99: &'static str,
    /// A quiet tenant's p99 beside a busy one, over what is allowed.
    pub fairness: &'static str,
    /// Memory of a worker.
    pub memory: &'static str,
    /// From the kill to the next work.
    pub recovery: &'static str,
}

/// On SQLite with `synchronous=FULL`.
pub const SQLITE: Names = Names {
    workflows: "SQLite: durable three-step workflows, times the best peer",
    workflow_cpu: "SQLite: CPU per three-step workflow",
    jobs: "SQLite: no-op jobs, times graphile-worker",
    pickup_p50: "SQLite: pick-up p50 beyond the fsync",
    pickup_p99: "SQLite: pick-up p99 beyond the fsync",
    claim_many_p50: "SQLite: claim p50, 1,000,000 waiting over 1,000",
    claim_many_p99: "SQLite: claim p99, 1,000,000 waiting over 1,000",
    claim_old_p50: "SQLite: claim p50, 1,000,000 waiting and 5,000,000 finished over 1,000",
    claim_old_p99: "SQLite: claim p99, 1,000,000 waiting and 5,000,000 finished over 1,000",
    fairness: "SQLite: quiet tenant's p99 over twice its idle value plus one job",
    memory: "SQLite: memory of a worker with 10,000 waiting runs",
    recovery: "SQLite: from a restart after kill -9 to work",
};

/// On PostgreSQL with `synchronous_commit=on`.
pub const POSTGRES: Names = Names {
    workflows: "PostgreSQL: durable three-step workflows, times the best peer",
    workflow_cpu: "PostgreSQL: CPU per three-step workflow, database included",
    jobs: "PostgreSQL: no-op jobs, times graphile-worker",
    pickup_p50: "PostgreSQL: pick-up p50 beyond the fsync",
    pickup_p99: "PostgreSQL: pick-up p99 beyond the fsync",
    claim_many_p50: "PostgreSQL: claim p50, 1,000,000 waiting over 1,000",
    claim_many_p99: "PostgreSQL: claim p99, 1,000,000 waiting over 1,000",
    claim_old_p50: "PostgreSQL: claim p50, 1,000,000 waiting and 5,000,000 finished over 1,000",
    claim_old_p99: "PostgreSQL: claim p99, 1,000,000 waiting and 5,000,000 finished over 1,000",
    fairness: "PostgreSQL: quiet tenant's p99 over twice its idle value plus one job",
    memory: "PostgreSQL: memory of a worker with 10,000 waiting runs",
    recovery: "PostgreSQL: from kill -9 of a node to work on another",
};

/// The median time of a durable write of a page.
pub const FSYNC: &str = "fsync p50 of this machine in this run";

const CLAIM_BAR: &str = "at most 1.5 times";
const CLAIM_HOLDS: fn(f64) -> bool = |v| v <= 1.5;
const MEMORY_BAR: &str = "under 100 MB";
const FAIRNESS_BAR: &str = "at most 1";

/// The figures of this benchmark.
pub const FIGURES: [Figure; 25] = [
    Figure::new(FSYNC, "ms", 1.0, "none: it is what pick-up waits for", f64::is_finite),
    Figure::new(SQLITE.workflows, "x", 10.0, "at least 10 times the better of DBOS and Restate", |v| v >= 10.0),
    Figure::new(POSTGRES.workflows, "x", 6.0, "at least 6 times the better of DBOS and Restate", |v| v >= 6.0),
    Figure::new(SQLITE.workflow_cpu, "us", 150.0, "at most 150 us", |v| v <= 150.0),
    Figure::new(POSTGRES.workflow_cpu, "us", 350.0, "at most 350 us", |v| v <= 350.0),
    Figure::new(SQLITE.jobs, "x", 1.3, "at least 1.3 times", |v| v >= 1.3),
    Figure::new(POSTGRES.jobs, "x", 1.0, "at least as fast", |v| v >= 1.0),
    Figure::new(SQLITE.pickup_p50, "ms", 1.5, "under 1.5 ms", |v| v < 1.5),
    Figure::new(SQLITE.pickup_p99, "ms", 5.0, "under 5 ms", |v| v < 5.0),
    Figure::new(POSTGRES.pickup_p50, "ms", 3.0, "under 3 ms", |v| v < 3.0),
    Figure::new(POSTGRES.pickup_p99, "ms", 8.0, "under 8 ms", |v| v < 8.0),
    Figure::new(SQLITE.claim_many_p50, "x", 1.5, CLAIM_BAR, CLAIM_HOLDS),
    Figure::new(SQLITE.claim_many_p99, "x", 1.5, CLAIM_BAR, CLAIM_HOLDS),
    Figure::new(SQLITE.claim_old_p50, "x", 1.5, CLAIM_BAR, CLAIM_HOLDS),
    Figure::new(SQLITE.claim_old_p99, "x", 1.5, CLAIM_BAR, CLAIM_HOLDS),
    Figure::new(POSTGRES.claim_many_p50, "x", 1.5, CLAIM_BAR, CLAIM_HOLDS),
    Figure::new(POSTGRES.claim_many_p99, "x", 1.5, CLAIM_BAR, CLAIM_HOLDS),
    Figure::new(POSTGRES.claim_old_p50, "x", 1.5, CLAIM_BAR, CLAIM_HOLDS),
    Figure::new(POSTGRES.claim_old_p99, "x", 1.5, CLAIM_BAR, CLAIM_HOLDS),
    Figure::new(SQLITE.fairness, "x", 1.0, FAIRNESS_BAR, |v| v <= 1.0),
    Figure::new(POSTGRES.fairness, "x", 1.0, FAIRNESS_BAR, |v| v <= 1.0),
    Figure::new(SQLITE.memory, "MB", 100.0, MEMORY_BAR, |v| v < 100.0),
    Figure::new(POSTGRES.memory, "MB", 100.0, MEMORY_BAR, |v| v < 100.0),
    Figure::new(SQLITE.recovery, "s", 1.0, "within 1 s of a restart", |v| v <= 1.0),
    Figure::new(POSTGRES.recovery, "s", 12.0, "within 12 s", |v| v <= 12.0),
];
