//! HTTP over a Unix socket: how the command line speaks with a server on the same machine, which knows its caller by
//! the socket file's permissions.

use std::path::Path;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use crate::{Body, Error};

/// How errors name the other side.
const HOST: &str = "the server on this machine";

/// Sends `request` to the server that listens on the socket at `path`, and reads the whole answer. The server is this
/// program itself, so the answer's size and time are what it bounds them to.
///
/// # Errors
/// [`Error::Unreachable`] when nobody listens there or the connection breaks.
pub async fn send(path: &Path, request: Request<Body>) -> Result<Response<Bytes>, Error> {
    let unreachable = |why| Error::Unreachable { host: HOST.to_owned(), why };
    let stream = UnixStream::connect(path).await.map_err(|_| unreachable("nobody listens on its socket"))?;
    let broke = |_| unreachable("the connection broke");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broke)?;
    // Ends by itself when the sender is dropped.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(broke)?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.map_err(broke)?.to_bytes();
    Ok(Response::from_parts(parts, body))
}
