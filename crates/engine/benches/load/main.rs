//! Puts the engine under load as its users do, through the public way of starting runs, with tenants, limits, journal
//! and audit on, and prints what it measured as one line of JSON: `engine-load WHAT DATABASE [name=value …]`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that fails says so by a panic, and its result is what it prints"
)]

mod measure;
mod world;

use std::collections::HashMap;

use measure::Args;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (what, database) = (words[0].as_str(), words[1].clone());
    let values: HashMap<String, u64> = words[2..]
        .iter()
        .map(|word| word.split_once('=').map(|(name, value)| (name.to_owned(), value.parse().unwrap())).unwrap())
        .collect();
    let args = Args { database, values };
    let measured = match what {
        "workflows" => measure::workflows(&args).await,
        "jobs" => measure::jobs(&args).await,
        "pickup" => measure::pickup(&args).await,
        other => panic!("nothing is called {other}"),
    };
    println!("{measured}");
}
