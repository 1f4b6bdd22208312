//! What the program and a worker say to each other: frames over one socket, each a length, a kind and a body. A worker is
//! told what to start with, and then asked one thing at a time.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use pilothouse_domain::Code;
use pilothouse_domain::catalog::Catalog;
use pilothouse_domain::cost::Estimate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Error, Settings, Source};

/// Most bytes of one frame's body.
const MAX_BODY_BYTES: usize = 256 << 20;
/// Bytes before a body: its length, and its kind.
const HEADER_BYTES: usize = 5;

/// What a frame's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A [`Start`] as JSON, to the worker, first of all.
    Start = b's' as isize,
    /// A [`Request`] as JSON, to the worker.
    Request = b'q' as isize,
    /// A part of an Arrow IPC stream, from the worker, before its reply.
    Rows = b'a' as isize,
    /// A [`Reply`] or a [`Fault`] as JSON, from the worker.
    Reply = b'r' as isize,
}

impl Kind {
    fn of(byte: u8) -> io::Result<Self> {
        let all = [Self::Start, Self::Request, Self::Rows, Self::Reply];
        all.into_iter().find(|kind| *kind as u8 == byte).ok_or_else(|| garbled("a frame of no known kind"))
    }
}

/// What a worker is before it is asked anything.
#[derive(Serialize, Deserialize)]
pub struct Start {
    /// The settings of the query path.
    pub settings: Settings,
    /// Memory that its queries account for, in bytes; beyond it they spill.
    pub memory_bytes: usize,
    /// The folder that they spill to.
    pub spill: PathBuf,
}

/// One thing to do on a source.
#[derive(Serialize, Deserialize)]
pub struct Request {
    /// Where the data is.
    pub source: Source,
    /// The version of its files, see [`super::Listing::version`].
    pub version: String,
    /// What to do.
    pub task: Task,
}

/// What a worker does.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Find the tables and their columns.
    Open,
    /// Read what the tables hold.
    Profile,
    /// Say what a statement would read.
    Estimate(Statement),
    /// Run a statement, and keep at most so many rows.
    Execute(Statement, usize),
}

/// A statement that passed the guard, and the tables that the guard saw in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Its text.
    pub sql: String,
    /// The tables that it may read.
    pub tables: Vec<String>,
}

/// What came of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The source is open.
    Opened,
    /// Its tables.
    Catalog(Catalog),
    /// What the statement would read.
    Estimate(Estimate),
    /// The statement ran; its rows went before.
    Ran(Ran),
}

/// What is told of a statement that ran, besides its rows.
#[derive(Default, Serialize, Deserialize)]
pub struct Ran {
    /// Whether rows were left out.
    pub truncated: bool,
    /// Rows read from storage.
    pub rows_scanned: u64,
    /// Bytes read from storage.
    pub bytes_scanned: u64,
}

/// An error on its way.
#[derive(Serialize, Deserialize)]
pub struct Fault {
    code: String,
    message: String,
    retryable: bool,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { code: error.code.as_str().to_owned(), message: error.message, retryable: error.retryable }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let code = Code::parse(&fault.code).unwrap_or(Code::Internal);
        Self { code, message: fault.message, retryable: fault.retryable }
    }
}

/// One frame.
pub struct Frame {
    /// What its body is.
    pub kind: Kind,
    /// Its body.
    pub body: Vec<u8>,
}

impl Frame {
    /// A frame with `value` as JSON.
    pub fn json(kind: Kind, value: &impl Serialize) -> io::Result<Self> {
        Ok(Self { kind, body: serde_json::to_vec(value)? })
    }

    /// The JSON in it.
    pub fn value<T: DeserializeOwned>(&self) -> io::Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// The frame as it goes over the socket, in one piece: a piece each for header and body would wake the reader twice.
    fn bytes(&self) -> io::Result<Vec<u8>> {
        let length = u32::try_from(self.body.len()).ok().filter(|_| self.body.len() <= MAX_BODY_BYTES);
        let length = length.ok_or_else(|| garbled("a frame that is too long"))?;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.body.len());
        bytes.extend(length.to_le_bytes());
        bytes.push(self.kind as u8);
        bytes.extend(&self.body);
        Ok(bytes)
    }

    /// The kind and the length of the body that `header` announces.
    fn announced(header: [u8; HEADER_BYTES]) -> io::Result<(Kind, usize)> {
        let [a, b, c, d, kind] = header;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length > MAX_BODY_BYTES {
            return Err(garbled("a frame that is too long"));
        }
        Ok((Kind::of(kind)?, length))
    }

    /// Writes the frame.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.bytes()?)
    }

    /// Reads the next frame; none where the other side has gone.
    pub fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut header = [0; HEADER_BYTES];
        match from.read_exact(&mut header) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let (kind, length) = Self::announced(header)?;
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        Ok(Some(Self { kind, body }))
    }

    /// Writes the frame, as [`Self::write`] does.
    pub async fn send(&self, to: &mut (impl AsyncWriteExt + Unpin)) -> io::Result<()> {
        to.write_all(&self.bytes()?).await
    }

    /// Reads the next frame; the other side's going is an error here.
    pub async fn receive(from: &mut (impl AsyncReadExt + Unpin)) -> io::Result<Self> {
        let mut header = [0; HEADER_BYTES];
        from.read_exact(&mut header).await?;
        let (kind, length) = Self::announced(header)?;
        let mut body = vec![0; length];
        from.read_exact(&mut body).await?;
        Ok(Self { kind, body })
    }
}

/// What was said makes no sense.
pub fn garbled(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_arrive_as_they_were_sent(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut wire = Vec::new();
            Frame { kind: Kind::Rows, body: body.clone() }.write(&mut wire).unwrap();
            Frame { kind: Kind::Reply, body: Vec::new() }.write(&mut wire).unwrap();
            let mut read = wire.as_slice();
            let first = Frame::read(&mut read).unwrap().unwrap();
            prop_assert_eq!((first.kind, first.body), (Kind::Rows, body));
            prop_assert_eq!(Frame::read(&mut read).unwrap().unwrap().kind, Kind::Reply);
            prop_assert!(Frame::read(&mut read).unwrap().is_none());
        }

        #[test]
        fn noise_is_an_error_and_asks_for_no_memory(noise in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Frame::read(&mut noise.as_slice());
            let huge = [[0xff; 4].as_slice(), &noise].concat();
            if !noise.is_empty() {
                prop_assert!(Frame::read(&mut huge.as_slice()).is_err());
            }
        }
    }
}
