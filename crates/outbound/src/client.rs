//! The client: a request goes out, its answer comes back whole, and what went wrong has a name.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use backon::Retryable;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode};
use url::{Host, Url};

use crate::reach::Guarded;
use crate::retry::{self, Tried};
use crate::{Body, Error, Reach};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What a client may do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it may go.
    pub reach: Reach,
    /// Longest time of one try, from its start to the last byte.
    pub timeout: Duration,
    /// Tries after the first, for calls that may be repeated.
    pub retries: usize,
    /// Most bytes of an answer.
    pub max_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { reach: Reach::Public, timeout: Duration::from_secs(30), retries: 3, max_bytes: 16 << 20 }
    }
}

/// An HTTP client. Cheap to clone; its connections are shared. It follows no redirect, since a redirect could lead
/// where the first address was checked not to, and it uses no proxy, for the same reason.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    options: Arc<Options>,
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// [`Error::Invalid`] when TLS cannot be set up on this machine.
    pub fn new(options: Options) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("pilothouse/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(options.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(Guarded(options.reach)))
            .build()
            .map_err(|_| Error::Invalid("TLS cannot be set up on this machine".to_owned()))?;
        Ok(Self { http, options: Arc::new(options) })
    }

    /// The connections underneath, for libraries that make their own requests: they resolve names under the same
    /// guard, and wait for the next byte no longer than a try may take. Addresses that stand in a URL as numbers are not
    /// resolved: check such a URL with [`Client::check`].
    pub fn connections(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// Whether `url` may be called: it is HTTP, and an address in it is allowed. Names are judged when they are resolved.
    ///
    /// # Errors
    /// [`Error::Invalid`] or [`Error::Forbidden`].
    pub fn check(&self, url: &str) -> Result<(), Error> {
        self.allowed(url).map(|_| ())
    }

    /// The address as it will be called, which is what is judged: an address may be written as a number in many ways.
    fn allowed(&self, url: &str) -> Result<Url, Error> {
        let parsed = Url::parse(url).map_err(|error| Error::Invalid(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(Error::Invalid("it must begin with http:// or https://".to_owned()));
        }
        let allowed = match parsed.host() {
            Some(Host::Ipv4(v4)) => self.options.reach.allows(v4.into()),
            Some(Host::Ipv6(v6)) => self.options.reach.allows(v6.into()),
            Some(Host::Domain(_)) => true,
            None => return Err(Error::Invalid("it names no host".to_owned())),
        };
        let forbidden = || Error::Forbidden { host: parsed.host_str().unwrap_or_default().to_owned() };
        if allowed { Ok(parsed) } else { Err(forbidden()) }
    }

    /// Sends `request` and reads the whole answer, whatever its status. A call that may be repeated (an idempotent
    /// method, or an `Idempotency-Key`) is tried again when the failure may pass.
    ///
    /// # Errors
    /// Every [`Error`]; a status that is not 2xx is no error here.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let url = self.allowed(&request.uri().to_string())?;
        let retries = if retry::is_repeatable(&request) { self.options.retries } else { 0 };
        // A status that may pass travels as an error between tries, and is handed over when there are none left.
        let attempt = || async {
            match self.attempt(url.clone(), request.clone().map(reqwest::Body::from)).await {
                Ok(answer) if retry::may_pass(answer.status()) => Err(Ok(answer)),
                Ok(answer) => Ok(answer),
                Err(error) => Err(Err(error)),
            }
        };
        let tried = attempt
            .retry(retry::waits(retries))
            .when(|failed: &Tried| failed.as_ref().map_or_else(Error::is_transient, |_| true))
            .adjust(|failed, wait| {
                let asked =
                    failed.as_ref().ok().and_then(|answer| retry::asked_wait(answer.headers(), retry::MAX_WAIT));
                wait.map(|wait| asked.unwrap_or(wait))
            })
            .await;
        tried.or_else(|failed| failed)
    }

    /// Sends `request` once, reading its body while it goes out, and reads the whole answer. A body that is at hand is
    /// sent as [`Client::send`] does.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn upload(&self, request: Request<Body>) -> Result<Response<Bytes>, Error> {
        if let Some(bytes) = request.body().whole() {
            return self.send(request.map(|_| bytes)).await;
        }
        let url = self.allowed(&request.uri().to_string())?;
        self.attempt(url, request.map(reqwest::Body::wrap)).await
    }

    /// Sends `request` once and gives its answer as it comes: its head at once, then part by part. The next part is waited
    /// for no longer than a try may take; how long all of it may take is the caller's to say.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn open(&self, request: Request<Bytes>) -> Result<Incoming, Error> {
        let url = self.allowed(&request.uri().to_string())?;
        let host = host_of(&url);
        let begun = self.begin(url, request.map(reqwest::Body::from), None);
        tokio::time::timeout(self.options.timeout, begun).await.unwrap_or(Err(Error::TimedOut { host }))
    }

    /// Sends a request and reads the head of its answer; `within` bounds the whole of it.
    async fn begin(
        &self,
        url: Url,
        request: Request<reqwest::Body>,
        within: Option<Duration>,
    ) -> Result<Incoming, Error> {
        let (parts, body) = request.into_parts();
        let host = host_of(&url);
        let mut outgoing = self.http.request(parts.method, url).headers(parts.headers).body(body);
        if let Some(within) = within {
            outgoing = outgoing.timeout(within);
        }
        let answer = outgoing.send().await.map_err(|error| named(&host, &error))?;
        Ok(Incoming { host, answer, read: 0, max_bytes: self.options.max_bytes })
    }

    async fn attempt(&self, url: Url, request: Request<reqwest::Body>) -> Tried {
        let mut incoming = self.begin(url, request, Some(self.options.timeout)).await?;
        let mut body = BytesMut::new();
        while let Some(part) = incoming.next().await? {
            body.extend_from_slice(&part);
        }
        let mut whole = Response::new(body.freeze());
        *whole.status_mut() = incoming.status();
        *whole.headers_mut() = incoming.headers().clone();
        Ok(whole)
    }
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// An answer that comes part by part.
#[derive(Debug)]
pub struct Incoming {
    host: String,
    answer: reqwest::Response,
    read: usize,
    max_bytes: usize,
}

impl Incoming {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.answer.status()
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// The next part; none at the end. Safe to give up and to ask again.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where all parts together are larger than the client accepts, [`Error::Unreachable`] where the
    /// connection broke before the end, and [`Error::TimedOut`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let part = self.answer.chunk().await.map_err(|error| named(&self.host, &error))?;
        self.read += part.as_ref().map_or(0, Bytes::len);
        if self.read > self.max_bytes {
            return Err(Error::TooLarge { host: self.host.clone(), max_bytes: self.max_bytes });
        }
        Ok(part)
    }
}

/// The library's error as one of ours. Our resolver's own refusal comes back inside it.
fn named(host: &str, error: &reqwest::Error) -> Error {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(ours) = inner.downcast_ref::<Error>() {
            return ours.clone();
        }
        cause = inner.source();
    }
    let host = host.to_owned();
    if error.is_timeout() {
        Error::TimedOut { host }
    } else if error.is_connect() {
        Error::Unreachable { host, why: "it refuses the connection, or TLS failed" }
    } else {
        Error::Unreachable { host, why: "the connection broke" }
    }
}
