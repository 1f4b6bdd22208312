//! What the server says: lists, objects and refusals.

use std::net::SocketAddr;

use sha2::{Digest, Sha256};

use super::Objects;
use super::request::Request;

/// Most keys of one page of a list, so that short lists have several.
const PAGE_KEYS: usize = 2;
/// When all objects were stored, in the two ways that the protocol writes it.
const STORED_AT: (&str, &str) = ("2026-01-05T06:07:08.000Z", "Mon, 05 Jan 2026 06:07:08 GMT");

/// An answer that has not been written yet.
pub struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl Answer {
    /// The answer as it goes over the wire, with this part of its body.
    pub fn bytes(&self, method: &str, part: f64) -> Vec<u8> {
        let (status, length) = (self.status, self.body.len());
        let mut bytes = format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\n{}\r\n", self.headers).into_bytes();
        if method != "HEAD" {
            bytes.extend(&self.body[..(length as f64 * part) as usize]);
        }
        bytes
    }
}

/// An error as S3 writes it.
pub fn refusal(status: u16, code: &str) -> Answer {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code></Error>");
    Answer { status, headers: String::new(), body: body.into_bytes() }
}

/// The same target at another server.
pub fn redirect(server: SocketAddr, target: &str) -> Answer {
    Answer { status: 307, headers: format!("location: http://{server}{target}\r\n"), body: Vec::new() }
}

/// A page of `ListObjectsV2`. The token of the next page is the last key of this one.
pub fn list(request: &Request, bucket: &str, objects: &Objects) -> Answer {
    let (prefix, after) = (request.parameter("prefix"), request.parameter("continuation-token"));
    let all: Vec<_> = objects.iter().filter(|(key, _)| key.starts_with(&prefix) && **key > after).collect();
    let page = &all[..all.len().min(PAGE_KEYS)];
    let mut body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult><Name>{bucket}</Name>");
    for (key, bytes) in page {
        let (key, tag, size, at) = (escaped(key), escaped(&tag(bytes)), bytes.len(), STORED_AT.0);
        body.push_str(&format!(
            "<Contents><Key>{key}</Key><LastModified>{at}</LastModified><ETag>{tag}</ETag><Size>{size}</Size></Contents>"
        ));
    }
    let truncated = all.len() > page.len();
    body.push_str(&format!("<KeyCount>{}</KeyCount><IsTruncated>{truncated}</IsTruncated>", page.len()));
    if let Some((last, _)) = page.last().filter(|_| truncated) {
        body.push_str(&format!("<NextContinuationToken>{}</NextContinuationToken>", escaped(last)));
    }
    body.push_str("</ListBucketResult>");
    Answer { status: 200, headers: "content-type: application/xml\r\n".to_owned(), body: body.into_bytes() }
}

/// An object, or the range of it that was asked for.
pub fn object(request: &Request, bytes: &[u8]) -> Answer {
    let headers = format!("etag: {}\r\nlast-modified: {}\r\naccept-ranges: bytes\r\n", tag(bytes), STORED_AT.1);
    let Some(asked) = request.header("range") else {
        return Answer { status: 200, headers, body: bytes.to_vec() };
    };
    match range(asked, bytes.len()) {
        Some((first, last)) => {
            let headers = format!("{headers}content-range: bytes {first}-{last}/{}\r\n", bytes.len());
            Answer { status: 206, headers, body: bytes[first..=last].to_vec() }
        }
        None => refusal(416, "InvalidRange"),
    }
}

/// The first and the last byte that a `Range` header asks for, of `size` that there are.
fn range(asked: &str, size: usize) -> Option<(usize, usize)> {
    let (first, last) = asked.strip_prefix("bytes=")?.split_once('-')?;
    let end = size.checked_sub(1)?;
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last && first <= end => Some((first, last.min(end))),
        (Ok(first), Err(_)) if first <= end => Some((first, end)),
        (Err(_), Ok(count)) if count > 0 => Some((size.saturating_sub(count), end)),
        _ => None,
    }
}

fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", &hex::encode(Sha256::digest(bytes))[..32])
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
