//! `pilothouse serve`: the page, the API and a worker in one process.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use pilothouse_api::State;
use pilothouse_app::{App, Mode, approvals, audit, connections, status, triage};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::installation;
use crate::output::Outcome;
use crate::socket::Socket;

/// How often refusals are written to the audit log.
const FLUSH_EVERY: Duration = Duration::from_secs(60);
/// How often runs are looked for that have failed.
const TRIAGE_EVERY: Duration = Duration::from_secs(5);

/// Serves until Ctrl-C or SIGTERM, then ends what is under way and leaves the database closed.
pub async fn run(config: Config) -> Result<Outcome> {
    let app = installation::open(&config).await?;
    let doors = doors()?;
    let stop = CancellationToken::new();
    let worker = tokio::spawn({
        let (engine, stop) = (app.engine.clone(), stop.clone());
        async move { engine.work(stop).await }
    });
    let chores = tokio::spawn(chores(app.clone(), stop.clone()));
    let failures = tokio::spawn(failures(app.clone(), stop.clone()));
    let signals = tokio::spawn(stop_on_signal(stop.clone()));
    let state = State::new(app.clone(), config.server.clone());
    let operator = tokio::spawn(serve_operator(config.data_dir.clone(), state.clone(), stop.clone()).await);
    let mode = app.settings.mode;
    let scheme = if config.server.tls_certificate.is_some() { "https" } else { "http" };
    let serving = pilothouse_api::serve(state, stop.clone(), move |address| banner(mode, scheme, &address.to_string()));
    let served = doors.spawn(serving).await;
    stop.cancel();
    signals.abort();
    // The socket goes before the folder is free: a next server may have made its own right after.
    let _ = tokio::join!(worker, chores, failures, operator);
    app.store().close().await;
    // Connections that were opened from there are closed by now.
    doors.shutdown_background();
    served??;
    Ok(Outcome::ok("", json!({"stopped": true})))
}

/// Threads that answer, and do nothing else: runs are worked on elsewhere, so an answer does not stand behind them, and a call
/// that waits for a model and for the disk wakes its own thread each time rather than a neighbour's.
fn doors() -> std::io::Result<Runtime> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).div_ceil(2);
    Builder::new_multi_thread().worker_threads(threads).thread_name("doors").enable_all().build()
}

/// Listens on the data folder's socket, and answers there until `stop` fires. Without the socket everything else works.
async fn serve_operator(data_dir: PathBuf, state: Arc<State>, stop: CancellationToken) -> impl Future<Output = ()> {
    let listening = Socket::listen(&data_dir).await;
    async move {
        let served = match listening {
            Ok((listener, _socket)) => {
                pilothouse_api::serve_operator(state, listener, stop).await.map_err(anyhow::Error::from)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = served {
            tracing::warn!("the command line cannot reach this server: {error:#}");
        }
    }
}

/// What a person needs to know, once the program answers.
#[expect(clippy::print_stderr, reason = "the banner is for the person at the terminal, not for the log")]
fn banner(mode: Mode, scheme: &str, address: &str) {
    eprintln!("Pilothouse is at {scheme}://{address}");
    if mode == Mode::Development {
        eprintln!(
            "\n  DEVELOPMENT MODE: the page signs itself in, and dev_admin_token works as a token.\n  \
             Everybody who can reach this address is admin. For anything else, set mode = \"production\".\n"
        );
    }
}

/// Reads the sample data once; every minute writes the refusals down, and looks for approvals that wait too long.
async fn chores(app: Arc<App>, stop: CancellationToken) {
    status::warm_query_workers(&app);
    if let Err(error) = connections::ensure_sample(&app).await {
        tracing::error!(code = error.code.as_str(), "the sample data cannot be read: {error}");
    }
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(FLUSH_EVERY) => false,
        };
        if let Err(error) = audit::flush_refusals(&app).await {
            tracing::warn!(code = error.code.as_str(), "refusals could not be written to the audit log: {error}");
        }
        if let Err(error) = approvals::escalate(&app).await {
            tracing::warn!(code = error.code.as_str(), "approvals that wait too long could not be marked: {error}");
        }
        if stopping {
            return;
        }
    }
}

/// Looks at runs that have failed, why.
async fn failures(app: Arc<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TRIAGE_EVERY) => {}
        }
        // A model may be slow to say what it thinks: stopping does not wait for it.
        let swept = tokio::select! {
            () = stop.cancelled() => return,
            swept = triage::sweep(&app) => swept,
        };
        if let Err(error) = swept {
            tracing::warn!(code = error.code.as_str(), "runs that have failed could not be looked at: {error}");
        }
    }
}

pub(super) async fn stop_on_signal(stop: CancellationToken) {
    let mut terminated = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(error) => {
            tracing::warn!("SIGTERM cannot be listened for: {error}");
            return;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    tracing::info!("stopping");
    stop.cancel();
}
