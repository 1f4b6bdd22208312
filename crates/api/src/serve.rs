//! Listens and answers, over plain HTTP or TLS, until told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio_util::sync::CancellationToken;

use crate::state::State;

/// How long open requests may take to end once the program is told to stop.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);

/// Why the server could not begin.
#[derive(Debug)]
pub enum ServeError {
    /// The address could not be listened on.
    Listen(std::io::Error),
    /// The certificate or key could not be read.
    Tls(std::io::Error),
}

impl std::fmt::Display for ServeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listen(error) => write!(f, "the address cannot be listened on: {error}"),
            Self::Tls(error) => write!(f, "the TLS certificate or key cannot be read: {error}"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Serves until `stop` fires, then lets open requests end. `listening` is called once with the bound address.
pub async fn serve(
    state: Arc<State>,
    stop: CancellationToken,
    listening: impl FnOnce(SocketAddr) + Send + 'static,
) -> Result<(), ServeError> {
    let listener = std::net::TcpListener::bind(state.settings.listen).map_err(ServeError::Listen)?;
    listener.set_nonblocking(true).map_err(ServeError::Listen)?;
    let handle = Handle::new();
    let stopping = handle.clone();
    tokio::spawn(async move {
        stop.cancelled().await;
        stopping.graceful_shutdown(Some(DRAIN));
    });
    let bound = handle.clone();
    tokio::spawn(async move {
        if let Some(address) = bound.listening().await {
            listening(address);
        }
    });
    let tls = match (&state.settings.tls_certificate, &state.settings.tls_key) {
        (Some(certificate), Some(key)) => {
            // A second call finds the provider in place, which is what is wanted.
            let _ = rustls::crypto::ring::default_provider().install_default();
            Some(RustlsConfig::from_pem_file(certificate, key).await.map_err(ServeError::Tls)?)
        }
        _ => None,
    };
    let service = crate::router(state).into_make_service_with_connect_info::<SocketAddr>();
    // What is sent piece by piece, such as a model's words, goes out at once.
    let server = axum_server::from_tcp(listener).map_err(ServeError::Listen)?.handle(handle).acceptor(NoDelayAcceptor);
    match tls {
        Some(tls) => server.map(|inner| RustlsAcceptor::new(tls).acceptor(inner)).serve(service).await,
        None => server.serve(service).await,
    }
    .map_err(ServeError::Listen)
}
