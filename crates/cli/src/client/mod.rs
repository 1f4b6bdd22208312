//! The command line's side of the HTTP API: every command is a request, whoever answers it. Read first: [`Client`], and
//! [`Way`] for the three who can answer.

mod refusal;
mod way;

pub use refusal::Refusal;
pub use way::Way;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use pilothouse_domain::TenantId;
use pilothouse_outbound::Body;
use serde_json::Value;

use crate::output::UsageError;

/// Asks the API in one tenant.
pub struct Client {
    way: Way,
    tenant: TenantId,
}

impl Client {
    /// A client that acts in `tenant`.
    pub fn new(way: Way, tenant: &str) -> Result<Self> {
        let tenant = tenant.parse().map_err(|_| UsageError(format!("{tenant:?} is not a valid tenant id")))?;
        Ok(Self { way, tenant })
    }

    /// Who answers.
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// The tenant acted in.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// A POST.
    pub fn post(&self, path: &str) -> Call<'_> {
        self.call(Method::POST, path)
    }

    /// A PUT.
    pub fn put(&self, path: &str) -> Call<'_> {
        self.call(Method::PUT, path)
    }

    /// A DELETE.
    pub fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    fn call(&self, method: Method, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(self.way.address(path));
        let request = request.header("x-tenant", self.tenant.as_str());
        // Our own server asks for no name; HTTP/1.1 does.
        let request = if self.way.is_local() { request.header(HOST, "localhost") } else { request };
        Call { way: &self.way, request, body: Body::from(Bytes::new()) }
    }

    /// The id of the connection with this name; none where no name is given.
    pub async fn connection(&self, name: Option<&str>) -> Result<Option<String>> {
        let Some(name) = name else { return Ok(None) };
        let listed = self.get("/api/v1/connections").send().await?;
        let all: Vec<&Value> = listed["items"].as_array().into_iter().flatten().collect();
        let names: Vec<&str> = all.iter().filter_map(|connection| connection["name"].as_str()).collect();
        let found = all.iter().find(|connection| connection["name"] == name).and_then(|found| found["id"].as_str());
        let unknown = || UsageError(format!("there is no connection {name:?}; there are: {}", names.join(", ")));
        Ok(Some(found.ok_or_else(unknown)?.to_owned()))
    }

    /// Lets go of what answering took.
    pub async fn close(self) {
        self.way.close().await;
    }
}

/// A request being written.
#[must_use]
pub struct Call<'a> {
    way: &'a Way,
    request: http::request::Builder,
    body: Body,
}

impl Call<'_> {
    /// With a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.request = self.request.header(CONTENT_TYPE, "application/json");
        self.body = Bytes::from(body.to_string()).into();
        self
    }

    /// With a file as its body.
    pub fn file(mut self, body: Body) -> Self {
        self.request = self.request.header(CONTENT_TYPE, "application/octet-stream");
        self.body = body;
        self
    }

    /// With one more header.
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.request = self.request.header(name, HeaderValue::from_static(value));
        self
    }

    /// Status and body of the answer, whatever they are.
    pub async fn answer(self) -> Result<(StatusCode, Bytes)> {
        let request = self.request.body(self.body).context("the request cannot be written")?;
        let answer: Response<Bytes> = self.way.send(request).await?;
        Ok((answer.status(), answer.into_body()))
    }

    /// The JSON of a good answer; null where it has no body.
    ///
    /// # Errors
    /// A [`Refusal`] for any other answer, and where nobody answers.
    pub async fn send(self) -> Result<Value> {
        let body = self.good().await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).context("the server's answer is no JSON: is it Pilothouse that answers there?")
    }

    /// Everything that a stream of events tells until its end: name and content of each.
    ///
    /// # Errors
    /// As [`Call::send`].
    pub async fn events(self) -> Result<Vec<(String, Value)>> {
        let body = self.header("accept", "text/event-stream").good().await?;
        Ok(events(&String::from_utf8_lossy(&body)))
    }

    async fn good(self) -> Result<Bytes> {
        let (status, body) = self.answer().await?;
        if status.is_success() { Ok(body) } else { Err(Refusal::of(status, &body).into()) }
    }
}

/// The events of a stream that has ended.
fn events(text: &str) -> Vec<(String, Value)> {
    let blocks = text.split("\n\n").filter_map(|block| {
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(str::trim_start)
        };
        let content = serde_json::from_str(field("data")?).ok()?;
        Some((field("event").unwrap_or_default().to_owned(), content))
    });
    blocks.collect()
}

/// A text as part of a query: everything but letters, digits and `-_.~` is written as bytes.
pub fn in_query(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stream_is_read_to_its_events() {
        let text = ": alive\n\nevent: step\nid: 3\ndata: {\"name\":\"planner\"}\n\nevent:answer\ndata:{}\n\n";
        let expected = [("step".to_owned(), json!({"name": "planner"})), ("answer".to_owned(), json!({}))];
        assert_eq!(events(text), expected);
    }

    #[test]
    fn names_of_files_survive_a_query() {
        assert_eq!(in_query("flights-2.csv"), "flights-2.csv");
        assert_eq!(in_query("a b&c=ü.csv"), "a%20b%26c%3D%C3%BC.csv");
    }
}
