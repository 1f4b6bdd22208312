//! The operator's own way in: whoever can open the data folder's socket, or runs the program on the data folder, could
//! read the folder anyway, so such a request needs no proof. It is known by a mark that only these two ways put on it,
//! and that no header can stand for.

use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::http::{Extensions, Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::{BoxError, Extension, Router};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::serve::DRAIN;
use crate::state::State;

/// The mark of the operator's requests.
#[derive(Clone, Copy)]
struct Operator;

/// Whether a request came in the operator's own way.
pub(crate) fn is_operator(extensions: &Extensions) -> bool {
    extensions.get::<Operator>().is_some()
}

/// The whole HTTP surface, as the operator reaches it.
fn router(state: Arc<State>) -> Router {
    crate::router(state).layer(Extension(Operator))
}

/// Answers the operator over a Unix socket until `stop` fires, then lets open requests end. Who may connect is decided
/// by the permissions of the socket's file, which is the caller's to make and to remove.
///
/// # Errors
/// Where the listener cannot be used at all.
pub async fn serve_operator(
    state: Arc<State>,
    listener: UnixListener,
    stop: CancellationToken,
) -> Result<(), std::io::Error> {
    let stopped = stop.clone();
    let serving = axum::serve(listener, router(state)).with_graceful_shutdown(stopped.cancelled_owned());
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => served,
        () = overdue => Ok(()),
    }
}

/// The same surface without a server, for a command that finds none running.
pub struct InProcess(Router);

impl InProcess {
    /// Over `state`.
    pub fn new(state: Arc<State>) -> Self {
        Self(router(state))
    }

    /// Answers one request as the operator's, and returns when the answer is whole: for a stream, at its end.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Bytes>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let answered = self.0.clone().oneshot(request.map(Body::new)).await;
        let (mut parts, body) = answered.into_response().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap_or_else(|_| {
            parts.status = StatusCode::INTERNAL_SERVER_ERROR;
            Bytes::new()
        });
        Response::from_parts(parts, body)
    }
}
