//! Puts the engine under load as its users do, through the public way of starting runs, with tenants, limits, journal
//! and audit on: `engine-load TASK --database sqlite:PATH|postgres://… [--n N] [--in-flight K] [--quick]`. What it prints
//! is described in `benches/peers/README.md`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that fails says so by a panic, and its result is what it prints"
)]

mod args;
mod claim;
mod fairness;
mod jobs;
mod memory;
mod pickup;
mod recovery;
mod report;
mod workflows;
mod world;

use args::Args;

/// As the program itself has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let args = Args::read(std::env::args().skip(1));
    match args.task.as_str() {
        "workflows" => workflows::measure(&args).await,
        "jobs" => jobs::measure(&args).await,
        "pickup" => pickup::measure(&args).await,
        "claim" => claim::measure(&args).await,
        "fairness" => fairness::measure(&args).await,
        "memory" => memory::measure(&args).await,
        "recovery" => recovery::measure(&args).await,
        recovery::NODE => recovery::node(&args).await,
        other => panic!("nothing is called {other}"),
    }
}
