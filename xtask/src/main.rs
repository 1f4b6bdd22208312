//! Repository chores: `cargo xtask bench NAME [--quick] [--json]`, `cargo xtask soak [HOURS]`. The tidiness of the tree
//! is a test (`tidy`).

mod bench;
mod soak;
#[cfg(test)]
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "cargo xtask bench NAME [--quick] [--json]\n  NAME: http, engine, query, gateway, eval, triage\ncargo xtask soak [HOURS]";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            report(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run(args: Vec<String>) -> Result<bool> {
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|arg| !arg.starts_with("--")).collect();
    let options =
        bench::Options { quick: args.iter().any(|arg| arg == "--quick"), json: args.iter().any(|arg| arg == "--json") };
    match words.as_slice() {
        ["bench", "http"] => bench::run("http", &bench::http::FIGURES, &options, bench::http::measure),
        ["bench", "engine"] => bench::run("engine", &bench::engine::FIGURES, &options, bench::engine::measure),
        ["bench", "query"] => bench::run("query", &bench::query::FIGURES, &options, bench::query::measure),
        ["bench", "triage"] => bench::run("triage", &bench::triage::FIGURES, &options, bench::triage::measure),
        ["bench", "gateway"] => bench::run("gateway", &bench::gateway::FIGURES, &options, bench::gateway::measure),
        ["bench", "eval"] => bench::run("eval", &bench::eval::FIGURES, &options, bench::eval::measure),
        ["soak"] => soak::run(soak::USUAL_HOURS).map(|()| true),
        ["soak", hours] => soak::run(hours.parse()?).map(|()| true),
        _ => bail!("{USAGE}"),
    }
}

#[expect(clippy::print_stderr, reason = "a chore talks to whoever runs it")]
fn report(text: &str) {
    eprintln!("{text}");
}
