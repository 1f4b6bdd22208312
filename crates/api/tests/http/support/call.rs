//! One request and its answer.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, request};
use serde_json::Value;
use tower::ServiceExt;

/// Most bytes of an answer that a test reads.
const MAX_BYTES: usize = 16 << 20;

/// A request being written.
#[must_use]
pub struct Call {
    router: Router,
    request: request::Builder,
    peer: SocketAddr,
    body: Body,
}

impl Call {
    pub fn new(router: &Router, method: Method, path: &str) -> Self {
        let request = Request::builder().method(method).uri(path);
        Self { router: router.clone(), request, peer: ([127, 0, 0, 1], 50_000).into(), body: Body::empty() }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// From another address than this machine's own.
    pub fn from(mut self, peer: [u8; 4]) -> Self {
        self.peer = (peer, 50_000).into();
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    pub fn raw(self, content_type: &str, body: impl Into<Body>) -> Self {
        let mut call = self.header("content-type", content_type);
        call.body = body.into();
        call
    }

    pub async fn send(mut self) -> Reply {
        let headers = self.request.headers_mut().expect("a well-formed request");
        if !headers.contains_key("host") {
            headers.insert("host", "127.0.0.1:8080".parse().unwrap());
        }
        let mut request = self.request.body(self.body).expect("a well-formed request");
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let response = self.router.oneshot(request).await.expect("the router answers every request");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, MAX_BYTES).await.expect("a whole body");
        Reply { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    /// The same answer, after looking at its status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The same answer, after looking at its status and the code of its error.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let reply = self.expect(status);
        let told = reply.json();
        // OpenAI's clients read it one level deeper.
        let found = if told["code"].is_null() { &told["error"]["code"] } else { &told["code"] };
        assert_eq!(found, code, "{}", reply.text);
        reply
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        let name: HeaderName = name.parse().unwrap();
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The events of a stream: id, name and content of each.
    pub fn events(&self) -> Vec<(Option<i64>, String, Value)> {
        let blocks = self.text.split("\n\n").filter(|block| block.contains("data:"));
        let field = |block: &str, name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(|value| value.trim_start().to_owned())
        };
        blocks
            .map(|block| {
                let id = field(block, "id").map(|id| id.parse().unwrap());
                let data = serde_json::from_str(&field(block, "data").unwrap()).unwrap();
                (id, field(block, "event").unwrap_or_default(), data)
            })
            .collect()
    }
}
