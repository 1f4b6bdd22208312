//! Puts the query path under load: `query-load TASK …`. Each line of output is a measurement; `cargo xtask bench query` starts
//! it and says what they mean.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program that fails has measured nothing"
)]

mod governed;
mod guard;
mod orders;
mod planning;

use serde_json::Value;

/// The allocator of the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The task by which this program is its own query worker.
const WORKER: &str = "query-worker";

fn main() {
    // Cargo adds a flag of its own to the arguments of benchmarks.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.first().map(String::as_str) {
        Some(WORKER) => pilothouse_warehouse::work().unwrap(),
        Some("guard") => guard::measure(&args[1..]),
        Some("governed") => block_on(governed::measure(&args[1..])),
        Some("planning") => block_on(planning::measure(&args[1..])),
        _ => panic!("query-load guard|governed|planning …"),
    }
}

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work);
}

fn report(line: &Value) {
    println!("{line}");
}

/// The value below which so much of them lie.
fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}
