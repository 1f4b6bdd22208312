//! The query path: what the guard's verdicts cost, beside a policy walk over compiled sqlglot on the same statements; what a
//! governed query adds to the bare engine; what reading a question costs; how fast a kept answer comes; and how much memory
//! all processes have while nothing happens.
//!
//! The walk is a program of ours in Python, which pip brings its parser for: the figure compares verdicts for one
//! second of CPU, ours and theirs in turn. The bare engine runs in turn with the governed one too, in one program
//! (`crates/warehouse/benches/load`), over data that is made once and kept in `~/.cache/pilothouse/bench-data`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::processes::{cache, python};
use super::server::{self, Installation, repository};
use super::{Figure, Options, Values, median};

/// The statements that are judged, and what they are judged by.
const POLICY: &str = "crates/warehouse/tests/corpus/policy.yaml";
const STATEMENTS: &str = "crates/warehouse/tests/corpus/fresh.jsonl";
const QUERIES: &str = "benches/query/ten.sql";
const LOAD: &str = "query-load";
const WALK: &str = "benches/sqlglot/walk.py";
const PYTHON_PACKAGES: [&str; 2] = ["sqlglot==30.30.0", "sqlglotc==30.30.0"];

/// A query that takes longer on the bare engine, in milliseconds, is not a short one.
const SHORT_MS: f64 = 1_000.0;
/// How long the server is left alone before its memory is read.
const SETTLE: std::time::Duration = std::time::Duration::from_secs(90);

const TIMES_SQLGLOT: &str = "verdicts, times a walk over compiled sqlglot";
const VERDICTS: &str = "verdicts per CPU second";
const CHECKS: &str = "verdicts with printing and the second check, per CPU second";
const REPEATED: &str = "verdicts of a repeated statement, per CPU second";

const ADDED: &str = "a governed query beside bare DataFusion, p99";
const CPU: &str = "governed queries beside bare DataFusion, CPU";
const PLANNING: &str = "planning without a model, p50";
const KEPT: &str = "a cached answer over HTTP, p99";
const MEMORY: &str = "idle memory of all processes together";

/// The figures.
pub const FIGURES: [Figure; 14] = [
    Figure::new(TIMES_SQLGLOT, "x", 8.0, "at least 8 times", |x| x >= 8.0),
    Figure::new(VERDICTS, "1/s", 25_000.0, "at least 25,000 on a quiet core", |x| x >= 25_000.0),
    Figure::new(CHECKS, "1/s", 10_000.0, "at least 10,000", |x| x >= 10_000.0),
    Figure::new(REPEATED, "1/s", 500_000.0, "at least 500,000", |x| x >= 500_000.0),
    refusal("3,000 parentheses refused"),
    refusal("20,000 OR refused"),
    refusal("20,000 + refused"),
    refusal("5,000 UNION refused"),
    refusal("a CTE that doubles 40 times refused"),
    Figure::new(ADDED, "ms", 2.0, "at most 2 ms more", |x| x <= 2.0),
    Figure::new(CPU, "%", 3.0, "at most 3 % more", |x| x <= 3.0),
    Figure::new(PLANNING, "ms", 0.5, "under 0.5 ms", |x| x < 0.5),
    Figure::new(KEPT, "ms", 15.0, "under 15 ms", |x| x < 15.0),
    Figure::new(MEMORY, "MB", 130.0, "under 130 MB", |x| x < 130.0),
];

const fn refusal(what: &'static str) -> Figure {
    Figure::new(what, "ms", 1.0, "within 1 ms", |x| x <= 1.0)
}

/// The names that the load program gives to its refusals, and those of the figures.
const REFUSALS: [(&str, &str); 5] = [
    ("parentheses", "3,000 parentheses refused"),
    ("or", "20,000 OR refused"),
    ("plus", "20,000 + refused"),
    ("union", "5,000 UNION refused"),
    ("doubling", "a CTE that doubles 40 times refused"),
];

/// Measures them.
pub fn measure(options: &Options, values: &mut Values) -> Result<()> {
    let root = repository();
    let load = built(&root)?;
    guard(options, &root, &load, values)?;
    governed(options, &root, &load, values)?;
    let sample = root.join("sample");
    let mut planning = Command::new(&load);
    planning.args(["planning".as_ref(), sample.join("data").as_os_str(), sample.join("semantic.yaml").as_os_str()]);
    values.insert(PLANNING, of(&lines(planning.arg(root.join("eval/own.jsonl")))?, "planning", "p50_ms")?);
    served(options, values)
}

fn guard(options: &Options, root: &Path, load: &Path, values: &mut Values) -> Result<()> {
    let python = python("bench-sqlglot", &PYTHON_PACKAGES)?;
    let folder = tempfile::tempdir()?;
    let walked = prepared(root, folder.path())?;
    let (rounds, seconds) = if options.quick { (3, "1") } else { (7, "3") };
    let (mut ratios, mut verdicts, mut checks, mut repeated) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut ours = Command::new(load);
        let ours = lines(ours.arg("guard").arg(root.join(POLICY)).arg(&walked.1).arg(seconds))?;
        let theirs = walk(&python, root, &walked)?;
        ratios.push(of(&ours, "verdicts", "per_second")? / theirs);
        verdicts.push(of(&ours, "verdicts", "per_second")?);
        checks.push(of(&ours, "checks", "per_second")?);
        repeated.push(of(&ours, "repeated", "per_second")?);
        for (name, what) in REFUSALS {
            let slowest = values.get(what).copied().unwrap_or(0.0).max(of(&ours, name, "p50_ms")?);
            values.insert(what, slowest);
        }
    }
    values.insert(TIMES_SQLGLOT, median(&mut ratios));
    values.insert(VERDICTS, median(&mut verdicts));
    values.insert(CHECKS, median(&mut checks));
    values.insert(REPEATED, median(&mut repeated));
    Ok(())
}

/// What is added to a query that takes next to no time, at the 99th percentile, or to the short ones, whichever is more; and
/// to the CPU time of all ten.
///
/// Where a process happens to lie in memory makes it a tenth slower or faster for as long as it lives, on either side. So
/// the runs are spread over several processes; of the short queries the median over all differences counts, each of two
/// pairs of runs in opposite order, and of CPU time the medians of all processes add up, query by query.
fn governed(options: &Options, root: &Path, load: &Path, values: &mut Values) -> Result<()> {
    let (processes, short_runs, long_runs) = if options.quick { (2, "6", "1") } else { (8, "8", "1") };
    let data = cache("bench-data")?;
    let number = |line: &Value, field: &str| line[field].as_f64().context("it was measured");
    let (mut tiny, mut short, mut cpu) = (Vec::new(), Vec::new(), BTreeMap::<String, [Vec<f64>; 2]>::new());
    for _ in 0..processes {
        let mut command = Command::new(load);
        command.arg("governed").arg(&data).arg(root.join(QUERIES)).args([short_runs, long_runs]);
        for mut line in lines(&mut command)? {
            let added = line.as_object_mut().and_then(|line| line.remove("added_ms"));
            crate::report(&line.to_string());
            if line["query"] == "tiny" {
                tiny.push(number(&line, "added_p99_ms")?);
                continue;
            }
            if number(&line, "bare_ms")? < SHORT_MS {
                let added = added.as_ref().and_then(Value::as_array).context("it was measured")?;
                short.extend(added.iter().filter_map(Value::as_f64));
            }
            let [bare, ours] = cpu.entry(line["query"].to_string()).or_default();
            bare.push(number(&line, "bare_cpu_ms")?);
            ours.push(number(&line, "governed_cpu_ms")?);
        }
    }
    values.insert(ADDED, median(&mut tiny).max(median(&mut short)));
    let [bare, ours] = [0, 1].map(|side| cpu.values_mut().map(|sides| median(&mut sides[side])).sum::<f64>());
    values.insert(CPU, (ours / bare - 1.0) * 100.0);
    Ok(())
}

/// A question that was asked before, over HTTP, and the memory of the server with its workers some time after.
fn served(options: &Options, values: &mut Values) -> Result<()> {
    let binary = server::binary()?;
    let installation =
        Installation { binary: &binary, data: tempfile::tempdir()?, database: None, keeps_results: true };
    let server = installation.start()?;
    super::http::until_ready(&server)?;
    let mut times = super::http::asked(&server, if options.quick { 200 } else { 1_000 })?;
    times.sort_by(f64::total_cmp);
    values.insert(KEPT, times.get(times.len() * 99 / 100).copied().unwrap_or(f64::NAN));
    std::thread::sleep(SETTLE);
    values.insert(MEMORY, server.resident_of_all_mb()?);
    Ok(())
}

/// A field of the measurement of this name.
fn of(lines: &[Value], what: &str, field: &str) -> Result<f64> {
    lines.iter().find(|line| line["what"] == what).and_then(|line| line[field].as_f64()).context("it was measured")
}

fn built(root: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["bench", "--no-run", "--locked", "--bench", LOAD, "--message-format", "json"]).current_dir(root);
    let built = lines(&mut cargo)?;
    let found = built.iter().filter(|line| line["target"]["name"] == LOAD);
    let path = found.filter_map(|line| line["executable"].as_str()).next_back();
    path.map(PathBuf::from).with_context(|| format!("{LOAD} was built"))
}

/// The walk's own form of the policy, and the statements of usual size: bombs take a walk seconds each.
fn prepared(root: &Path, folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let policy: Value = serde_saphyr::from_str(&fs::read_to_string(root.join(POLICY))?)?;
    let (mut relations, mut restricted) = (serde_json::Map::new(), Vec::new());
    for (table, described) in policy["tables"].as_object().context("there are tables")? {
        let columns = described["columns"].as_object().context("there are columns")?;
        relations.insert(table.clone(), columns.keys().cloned().collect::<Vec<_>>().into());
        let kept = columns.iter().filter(|(_, column)| column["sensitivity"] == "restricted");
        restricted.extend(kept.map(|(column, _)| format!("{table}.{column}")));
    }
    let known = json!({"relations": relations, "restricted_columns": restricted, "schemas": ["", policy["schema"]]});
    let (described, statements) = (folder.join("policy.json"), folder.join("statements.jsonl"));
    fs::write(&described, known.to_string())?;
    let mut text = String::new();
    for line in fs::read_to_string(root.join(STATEMENTS))?.lines() {
        let line: Value = serde_json::from_str(line)?;
        if line["tier"] == "resource" || line["tier"] == "lexer" {
            continue;
        }
        let dialect = line["dialect"].as_str().unwrap_or_default().replace("postgresql", "postgres");
        writeln!(text, "{}", json!({"sql": line["sql"], "dialect": dialect}))?;
    }
    fs::write(&statements, text)?;
    Ok((described, statements))
}

/// Verdicts of the walk for one second of CPU.
fn walk(python: &Path, root: &Path, (policy, statements): &(PathBuf, PathBuf)) -> Result<f64> {
    let statements = fs::File::open(statements)?;
    let told = lines(Command::new(python).arg(root.join(WALK)).arg(policy).stdin(statements))?;
    let last = told.last().context("the walk measured something")?;
    if last["compiled"] != true {
        bail!("sqlglot is not compiled here");
    }
    last["per_cpu_second"].as_f64().context("the walk measured something")
}

/// The JSON lines that a program prints.
fn lines(command: &mut Command) -> Result<Vec<Value>> {
    let output = command.output().with_context(|| format!("{command:?} cannot be started"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}
