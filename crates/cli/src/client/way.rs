//! Who answers the command line: a server that is named, the server that runs on the data folder, or this process
//! itself. The three speak the same API; which it is, no command needs to know.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, Uri};
use pilothouse_api::{InProcess, State};
use pilothouse_app::{App, connections};
use pilothouse_domain::Code;
use pilothouse_outbound::{Body, Client as Http, Options, Reach, send_over_socket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Refusal;
use crate::args::Global;
use crate::config::Config;
use crate::installation;
use crate::output::UsageError;
use crate::socket;

/// The variable that holds the token for a named server.
const TOKEN_VARIABLE: &str = "PILOTHOUSE_TOKEN";
/// Longest time of one request to a named server: a large file goes over a slow line, a long chain is proved.
const TIMEOUT: Duration = Duration::from_secs(4 * 3600);
/// Most bytes of an answer of a named server.
const MAX_ANSWER_BYTES: usize = 256 << 20;
/// How long the data folder is waited for while another process has it, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Who answers.
pub enum Way {
    /// A server that is named, over the network.
    Server(Server),
    /// The server that runs on the data folder, over its socket.
    Socket(PathBuf),
    /// This process, which has the data folder to itself.
    Here(Here),
}

/// A named server.
pub struct Server {
    http: Http,
    base: String,
    token: Option<HeaderValue>,
}

/// The application in this process.
pub struct Here {
    app: Arc<App>,
    api: InProcess,
    worker: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Way {
    /// Finds who answers. `works` says that runs are waited for, so that somebody must work on them.
    pub async fn find(config: &Config, global: &Global, works: bool) -> Result<Self> {
        match &global.server {
            Some(url) => Ok(Self::Server(Server::at(url, global.token_file.as_deref())?)),
            None => Self::local(config, works).await,
        }
    }

    /// The server on the data folder, or this process where there is none. The socket is looked at first: on PostgreSQL
    /// both would work, and the server has its connections open. Where the folder is locked and nobody answers, a
    /// server is starting or stopping or another command is at work, so it is worth waiting.
    async fn local(config: &Config, works: bool) -> Result<Self> {
        let mut config = config.clone();
        if !works {
            // Nobody waits here for what a command sets going, so nothing may begin in this process.
            config.engine.concurrency = 0;
        }
        let (socket, started) = (socket::path(&config.data_dir), Instant::now());
        loop {
            if let Ok(path) = &socket
                && socket::is_answered(path).await
            {
                return Ok(Self::Socket(path.clone()));
            }
            match (installation::open(&config).await, &socket) {
                (Ok(app), _) => return Ok(Self::Here(Here::over(app, &config, works).await)),
                (Err(error), _) if !is_locked(&error) => return Err(error),
                (Err(_), _) if started.elapsed() < PATIENCE => tokio::time::sleep(LOOK_EVERY).await,
                (Err(error), Ok(_)) => return Err(error),
                (Err(error), Err(unreachable)) => return Err(error.context(unreachable.to_string())),
            }
        }
    }

    /// Whether the answer comes from this machine, and the caller is its operator.
    pub fn is_local(&self) -> bool {
        !matches!(self, Self::Server(_))
    }

    /// Where a request for `path` goes.
    pub(super) fn address(&self, path: &str) -> String {
        match self {
            Self::Server(server) => format!("{}{path}", server.base),
            Self::Socket(_) | Self::Here(_) => path.to_owned(),
        }
    }

    pub(super) async fn send(&self, mut request: Request<Body>) -> Result<Response<Bytes>> {
        let sent = match self {
            Self::Server(server) => {
                if let Some(token) = &server.token {
                    request.headers_mut().insert(AUTHORIZATION, token.clone());
                }
                server.http.upload(request).await
            }
            Self::Socket(path) => send_over_socket(path, request).await,
            Self::Here(here) => Ok(here.api.answer(request).await),
        };
        Ok(sent.map_err(|error| Refusal::new(Code::Unavailable, error.to_string()))?)
    }

    pub(super) async fn close(self) {
        if let Self::Here(here) = self {
            here.close().await;
        }
    }
}

impl Server {
    fn at(url: &str, token_file: Option<&Path>) -> Result<Self> {
        let base = url.trim_end_matches('/').to_owned();
        let usable = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none();
        let Some(parsed) = base.parse().ok().filter(usable) else {
            return Err(UsageError(format!("--server {url}: a URL that begins with https:// is needed")).into());
        };
        let token = match token_file {
            Some(path) => Some(std::fs::read_to_string(path).context("the token's file cannot be read")?),
            None => std::env::var(TOKEN_VARIABLE).ok(),
        };
        let bearer = |text: String| {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", text.trim()))?;
            value.set_sensitive(true);
            Ok::<_, http::header::InvalidHeaderValue>(value)
        };
        let token = token.map(bearer).transpose().map_err(|_| UsageError("the token is not one".to_owned()))?;
        let is_near = parsed.host().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
        if token.is_some() && parsed.scheme_str() == Some("http") && !is_near {
            tracing::warn!("the token goes to {base} unencrypted: use https://");
        }
        // Somebody who names a server means it, wherever it is.
        let options =
            Options { reach: Reach::Anywhere, timeout: TIMEOUT, max_bytes: MAX_ANSWER_BYTES, ..Options::default() };
        Ok(Self { http: Http::new(options)?, base, token })
    }
}

impl Here {
    /// Whether this process works on runs.
    pub fn works(&self) -> bool {
        self.worker.is_some()
    }

    async fn over(app: Arc<App>, config: &Config, works: bool) -> Self {
        if let Err(error) = connections::ensure_sample(&app).await {
            tracing::warn!(code = error.code.as_str(), "the sample data cannot be read: {error}");
        }
        let stop = CancellationToken::new();
        let worker = works.then(|| {
            let (engine, stop) = (app.engine.clone(), stop.clone());
            tokio::spawn(async move { engine.work(stop).await })
        });
        let api = InProcess::new(State::new(app.clone(), config.server.clone()));
        Self { app, api, worker, stop }
    }

    async fn close(self) {
        self.stop.cancel();
        if let Some(worker) = self.worker {
            // It ends by itself; where it panicked there is nothing left to wait for.
            let _ = worker.await;
        }
        self.app.store().close().await;
    }
}

fn is_locked(error: &anyhow::Error) -> bool {
    error.downcast_ref::<pilothouse_store::Error>() == Some(&pilothouse_store::Error::Locked)
}
