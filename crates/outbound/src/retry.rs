//! When a call is tried again: only calls that may be repeated, only failures that may pass, a few times, with waits
//! that grow and that the server's `Retry-After` overrides.

use std::time::Duration;

use backon::ExponentialBuilder;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};

use crate::Error;

/// Longest wait that a server's `Retry-After` is believed for.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(30);
/// First wait; each next one is twice as long, with jitter.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// What came of one try.
pub(crate) type Tried = Result<Response<Bytes>, Error>;

/// The waits between tries.
pub(crate) fn waits(retries: usize) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(MAX_WAIT)
        .with_max_times(retries)
        .with_jitter()
}

/// Whether the same request may be sent twice without doing its work twice.
pub(crate) fn is_repeatable(request: &Request<Bytes>) -> bool {
    let idempotent = [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE];
    idempotent.contains(request.method()) || request.headers().contains_key("idempotency-key")
}

/// Whether what came back may be better next time.
pub(crate) fn may_pass(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// How long the server asks to wait, in whole seconds, and believed up to `most`; a date is not understood and gives none.
pub fn asked_wait(headers: &HeaderMap, most: Duration) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(most))
}
