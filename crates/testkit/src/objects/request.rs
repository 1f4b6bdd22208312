//! One request: its line and its headers. Readers send no bodies.

use std::io::{self, BufRead};

/// A request as it was received.
pub struct Request {
    /// `GET` or `HEAD`.
    pub method: String,
    /// Path and query, still encoded.
    pub target: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    headers: Vec<(String, String)>,
}

impl Request {
    /// The next request; none when the client has hung up.
    pub fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self { method, target, authorization: None, headers };
        request.authorization = request.header("authorization").map(str::to_owned);
        Ok(Some(request))
    }

    /// A header, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The path, still encoded.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The bucket and the key that the path names; the key is empty for the bucket itself.
    pub fn place(&self) -> (String, String) {
        let path = decoded(self.path().trim_start_matches('/'));
        let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
        (bucket.to_owned(), key.to_owned())
    }

    /// The parameters of the query, decoded.
    pub fn parameters(&self) -> Vec<(String, String)> {
        // A plus sign is a space here, and itself in a path.
        let query = self.target.split_once('?').map_or("", |(_, query)| query).replace('+', " ");
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decoded(k), decoded(v))).collect()
    }

    /// One parameter of the query, decoded; empty when it is absent.
    pub fn parameter(&self, name: &str) -> String {
        self.parameters().into_iter().find(|(found, _)| found == name).map(|(_, value)| value).unwrap_or_default()
    }
}

/// Text with its `%XX` resolved.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let pair = tail.get(..2).filter(|_| *first == b'%').and_then(|pair| hex::decode(pair).ok());
        bytes.extend(pair.as_deref().unwrap_or(&[*first]));
        rest = if pair.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
