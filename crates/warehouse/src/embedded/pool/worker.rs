//! One worker as the program sees it: a socket, and the process at its other end.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::reader::StreamDecoder;
use pilothouse_domain::answer::ResultSet;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::{Answer, Isolation};
use crate::embedded::rows;
use crate::embedded::wire::{Fault, Frame, Kind, Reply, Request, Start, garbled};
use crate::embedded::worker;
use crate::{Error, Source};

/// Bytes of a page of memory, as `/proc` counts it on the machines that this program is built for.
const PAGE_BYTES: u64 = 4096;
/// What a worker is called in a list of processes.
const SHOWN_AS: &str = "pilothouse";
/// How long a process that was killed is waited for.
const REAP_WITHIN: Duration = Duration::from_secs(5);

/// A worker.
pub struct Worker {
    /// Its number, never used again.
    pub id: u64,
    /// When it last ended a request.
    pub idle_since: Instant,
    /// What it was last asked about, so that it is asked again: it has those files open.
    pub last: Option<Source>,
    socket: UnixStream,
    process: Option<Child>,
    spill: Spill,
}

/// The folder that a worker's queries spill to; it goes with the worker, whichever way that goes.
struct Spill(PathBuf);

impl Drop for Spill {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!("a folder of spilled data could not be removed: {error}");
        }
    }
}

impl Worker {
    /// Starts a worker, whose queries account for `start.memory_bytes` and spill to a folder of its own.
    pub async fn start(id: u64, isolation: &Isolation, start: &Start) -> io::Result<Self> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        std::fs::create_dir_all(&start.spill)?;
        let process = match isolation {
            Isolation::Processes { program, arguments } => Some(spawn(program, arguments, theirs)?),
            Isolation::Threads => {
                // Its end is the socket's end, so that nothing waits for it.
                let serving = move || worker::serve(theirs);
                std::thread::Builder::new().name(format!("query worker {id}")).spawn(serving)?;
                None
            }
        };
        let (socket, spill) = (UnixStream::from_std(ours)?, Spill(start.spill.clone()));
        let mut worker = Self { id, idle_since: Instant::now(), last: None, socket, process, spill };
        Frame::json(Kind::Start, start)?.send(&mut worker.socket).await?;
        Ok(worker)
    }

    /// Whether it can still be asked.
    pub fn is_alive(&mut self) -> bool {
        self.process.as_mut().is_none_or(|process| matches!(process.try_wait(), Ok(None)))
    }

    /// Asks one thing and waits for its answer.
    ///
    /// # Errors
    /// Where the worker has died, or says what makes no sense: it must not be asked again.
    pub async fn ask(&mut self, request: &Request) -> io::Result<Result<Answer, Error>> {
        Frame::json(Kind::Request, request)?.send(&mut self.socket).await?;
        let mut received = Received::default();
        loop {
            let frame = Frame::receive(&mut self.socket).await?;
            match frame.kind {
                Kind::Rows => received.take(frame.body).map_err(io::Error::other)?,
                Kind::Reply => {
                    let reply = frame.value::<Result<Reply, Fault>>()?;
                    return Ok(reply.map(|reply| Answer { reply, result: received.result() }).map_err(Error::from));
                }
                Kind::Start | Kind::Request => return Err(garbled("a frame that no worker sends")),
            }
        }
    }

    /// Memory that it has, in bytes; none where the system does not tell, and for a thread.
    pub fn resident_bytes(&self) -> Option<u64> {
        resident_bytes(self.process_id()?)
    }

    /// The id of its process.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref()?.id()
    }

    /// Ends it after it broke off, and tells how its process ended by itself.
    pub async fn died(mut self) -> Option<ExitStatus> {
        let status = match &mut self.process {
            Some(process) => tokio::time::timeout(REAP_WITHIN, process.wait()).await.ok().and_then(Result::ok),
            None => None,
        };
        self.end().await;
        status
    }

    /// Ends it at once, whatever it does, and removes what it spilled.
    pub async fn end(self) {
        let Self { socket, process, spill, .. } = self;
        drop(socket);
        if let Some(mut process) = process {
            let _ = process.start_kill();
            let _ = tokio::time::timeout(REAP_WITHIN, process.wait()).await;
        }
        drop(spill);
    }
}

/// Memory of a process in bytes.
pub fn resident_bytes(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    text.split(' ').nth(1)?.parse::<u64>().ok().map(|pages| pages * PAGE_BYTES)
}

/// A process with nothing of this one's: no variables, no files but the socket, and out of reach of the terminal's keys.
fn spawn(program: &Path, arguments: &[String], socket: std::os::unix::net::UnixStream) -> io::Result<Child> {
    Command::new(program)
        .arg0(SHOWN_AS)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .stdout(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Rows as they arrive.
#[derive(Default)]
struct Received {
    decoder: StreamDecoder,
    rows: Vec<Vec<serde_json::Value>>,
}

impl Received {
    fn take(&mut self, part: Vec<u8>) -> Result<(), ArrowError> {
        let mut buffer = Buffer::from_vec(part);
        while !buffer.is_empty() {
            if let Some(batch) = self.decoder.decode(&mut buffer)? {
                rows::append(&batch, &mut self.rows);
            }
        }
        Ok(())
    }

    fn result(self) -> ResultSet {
        let columns = self.decoder.schema().map(|schema| rows::columns(&schema)).unwrap_or_default();
        ResultSet { columns, rows: self.rows, ..ResultSet::default() }
    }
}
