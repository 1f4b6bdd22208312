//! The binary `pilothouse`: reads the command line and the configuration, and names the concrete parts.

mod args;
mod client;
mod commands;
pub mod config;
mod installation;
mod output;
mod socket;
mod telemetry;

use std::process::ExitCode;

use anyhow::{Context, Result};
use args::{Cli, Command, Global, Print, Work};
use clap::{CommandFactory, Parser};
use config::{Loaded, NoteKind};
use output::{Outcome, UsageError};

/// SQLite and DataFusion ask for memory through it too: a fifth of the engine's time went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse_from(args::gathered(std::env::args_os()));
    let as_json = global.json;
    match start(global, command) {
        Ok(outcome) => outcome.print(as_json),
        Err(error) => output::failed(&error, as_json),
    }
}

fn start(global: Global, command: Command) -> Result<Outcome> {
    match command {
        Command::Print(print) => printed(print),
        Command::QueryWorker => {
            pilothouse_warehouse::work().context("a query worker is started by the program itself, with a socket")?;
            Ok(Outcome::ok("", serde_json::Value::Null))
        }
        Command::Work(Work::Call(ref call)) if let Some((policy, dialect)) = commands::sql::corpus(call) => {
            commands::sql::judge(policy, dialect)
        }
        Command::Work(work) => {
            let loaded = load(&global, &work)?;
            let serving = matches!(work, Work::Serve { .. } | Work::Worker { .. });
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let _traces = telemetry::start(&loaded.config, serving, runtime.handle())?;
            if serving {
                tell_news(&loaded);
            }
            runtime.block_on(run(global, work, loaded))
        }
    }
}

fn printed(print: Print) -> Result<Outcome> {
    match print {
        Print::Openapi => {
            let document = serde_json::to_value(pilothouse_api::document())?;
            Ok(Outcome::ok(serde_json::to_string_pretty(&document)?, document))
        }
        Print::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "pilothouse", &mut script);
            let script = String::from_utf8(script)?;
            Ok(Outcome::ok(script.clone(), script.into()))
        }
        Print::Docs { document } => docs(&document),
    }
}

fn docs(document: &str) -> Result<Outcome> {
    let text = match document {
        "configuration" => config::configuration_md(),
        "errors" => config::errors_md(pilothouse_api::status_of),
        "schema" => serde_json::to_string_pretty(&config::schema())?,
        other => return Err(UsageError(format!("there is no document {other:?}")).into()),
    };
    Ok(Outcome::ok(text.clone(), text.into()))
}

/// The configuration: defaults, file, environment, flags.
fn load(global: &Global, work: &Work) -> Result<Loaded> {
    let default_file = std::path::Path::new(config::DEFAULT_FILE);
    let file = match &global.config {
        Some(path) => {
            Some(std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?)
        }
        None if default_file.exists() => {
            Some(std::fs::read_to_string(default_file).context("pilothouse.toml cannot be read")?)
        }
        None => None,
    };
    let env: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let mut flags = Vec::new();
    if let Some(folder) = &global.data_dir {
        flags.push(("data_dir".to_owned(), folder.to_string_lossy().into_owned()));
    }
    if let Work::Serve { listen: Some(listen) } = work {
        flags.push(("server.listen".to_owned(), listen.to_string()));
    }
    if let Work::Worker { queues, concurrency } = work {
        if !queues.is_empty() {
            flags.push(("engine.queues".to_owned(), queues.join(",")));
        }
        flags.extend(concurrency.map(|count| ("engine.concurrency".to_owned(), count.to_string())));
    }
    for pair in &global.set {
        let (key, value) =
            pair.split_once('=').ok_or_else(|| UsageError(format!("--set {pair}: KEY=VALUE is needed")))?;
        flags.push((key.to_owned(), value.to_owned()));
    }
    Ok(config::load(file.as_deref(), &env, &flags)?)
}

/// What the operator should know about the environment, told when the program begins to serve.
fn tell_news(loaded: &Loaded) {
    let is_news = |kind| matches!(kind, NoteKind::Later | NoteKind::Overridden | NoteKind::Unusable);
    for note in loaded.notes.iter().filter(|note| is_news(note.kind)) {
        tracing::warn!("{}", note.text);
    }
}

async fn run(global: Global, work: Work, loaded: Loaded) -> Result<Outcome> {
    let Loaded { config, notes, .. } = loaded;
    match work {
        Work::Serve { .. } => commands::serve::run(config).await,
        Work::Worker { .. } => commands::worker::run(config).await,
        Work::Call(call) => commands::call(&config, &global, *call).await,
        Work::Eval { data, questions, semantic } => {
            commands::eval::run(config, &data, &questions, semantic.as_deref(), global.json).await
        }
        Work::Doctor => {
            let notes: Vec<String> = notes.into_iter().map(|note| note.text).collect();
            commands::doctor::run(&config, &global, &notes).await
        }
        Work::Migrate => {
            let store = installation::store(&config).await?;
            store.close().await;
            Ok(Outcome::ok("The database has this program's version.", serde_json::json!({"migrated": true})))
        }
    }
}
