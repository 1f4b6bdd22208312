//! A worker: it opens sources with Apache DataFusion and runs statements on them, one at a time, for the program at the
//! other end of a socket. When that end goes, so does the worker.
//!
//! It runs in a process of its own, so that a query that exhausts memory, overflows a stack or never yields ends that
//! process and nothing else. It knows no tenants, and nothing of the control-plane database.

mod cost;
mod keys;
mod machine;
mod out;
mod profile;
mod register;
mod run;
mod session;
mod view;

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;

use self::machine::Machine;
use self::out::Out;
use self::session::Session;
use super::wire::{Fault, Frame, Kind, Reply, Request, Start, Task};
use crate::{Cancel, Error, Source};

/// Sources that a worker keeps open; the one that was used longest ago goes first.
const MAX_OPEN: usize = 16;
/// How much later than the program a worker gets the processor when both want it.
const NICENESS: i32 = 5;

/// Serves the program whose socket is the standard input, until it closes it. For processes that are workers and
/// nothing else.
///
/// # Errors
/// Where the socket is none, or what is said over it makes no sense.
pub fn process() -> io::Result<()> {
    yield_to_others();
    serve(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Lets this process be the first to go when the machine runs out of memory and the last to get the processor, and
/// leaves no image of its memory behind. Where the system refuses one of them, queries run all the same.
fn yield_to_others() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let _ = rustix::process::nice(NICENESS);
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
}

/// Serves the program at the other end of `socket` until it closes it.
///
/// # Errors
/// Where what is said makes no sense.
pub fn serve(mut socket: UnixStream) -> io::Result<()> {
    let Some(first) = Frame::read(&mut socket)? else { return Ok(()) };
    let start = first.value::<Start>()?;
    let spill = start.spill.clone();
    let machine = Machine::new(start).map_err(io::Error::other)?;
    let runtime = machine.runtime().map_err(io::Error::other)?;
    let worker = Arc::new(Worker { machine, open: Mutex::default() });
    let gone = Cancel::new();
    // Reading goes on beside the work: that the program has gone is heard at once.
    let heard = loop {
        match Frame::read(&mut socket) {
            Ok(Some(frame)) if frame.kind == Kind::Request => {
                let (worker, answer) = (worker.clone(), socket.try_clone()?);
                let (handle, gone) = (runtime.handle().clone(), gone.clone());
                // On a thread beside those that compute: where one of them gathered the rows too, some queries took a tenth
                // longer.
                runtime.spawn_blocking(move || {
                    handle.block_on(gone.run_until_cancelled(worker.answer(&frame, answer)));
                });
            }
            Ok(Some(_)) => break Err(super::wire::garbled("a frame that no worker is sent")),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    gone.cancel();
    runtime.shutdown_background();
    // The program removes it too, unless it was killed.
    let _ = std::fs::remove_dir_all(spill);
    heard
}

struct Worker {
    machine: Machine,
    /// The open sources, the one that was used last at the end.
    open: Mutex<Vec<Open>>,
}

struct Open {
    source: Source,
    version: String,
    session: Arc<Session>,
}

impl Worker {
    /// Does what the frame asks and answers it. A panic is the failure of this request, and the worker goes on.
    async fn answer(&self, frame: &Frame, socket: UnixStream) {
        let out = socket.try_clone().map(Out::new);
        let answered = match (frame.value::<Request>(), out) {
            (Ok(request), Ok(out)) => AssertUnwindSafe(self.work(request, out)).catch_unwind().await.ok(),
            _ => None,
        };
        let answer = answered.unwrap_or_else(|| Err(failed())).map_err(Fault::from);
        // Where the program has gone there is nobody to tell.
        let _ = Out::new(socket).reply(&answer);
    }

    async fn work(&self, request: Request, mut out: Out) -> Result<Reply, Error> {
        let session = self.session(request.source, request.version).await?;
        Ok(match request.task {
            Task::Open => Reply::Opened,
            Task::Profile => Reply::Catalog(session.profile().await?),
            Task::Estimate(statement) => Reply::Estimate(session.estimate(&statement).await?),
            Task::Execute(statement, max_rows) => Reply::Ran(session.execute(&statement, max_rows, &mut out).await?),
        })
    }

    async fn session(&self, source: Source, version: String) -> Result<Arc<Session>, Error> {
        if let Some(session) = self.opened(&source, &version) {
            return Ok(session);
        }
        let place = self.machine.place(&source).await?;
        let session = Arc::new(Session::open(&self.machine, &place, &version).await?);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| other.source != source);
        if open.len() >= MAX_OPEN {
            open.remove(0);
        }
        open.push(Open { source, version, session: session.clone() });
        Ok(session)
    }

    fn opened(&self, source: &Source, version: &str) -> Option<Arc<Session>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let place = open.iter().position(|open| open.source == *source && open.version == version)?;
        let found = open.remove(place);
        let session = found.session.clone();
        open.push(found);
        Some(session)
    }
}

fn failed() -> Error {
    Error::new(pilothouse_domain::Code::QueryFailed, "The query engine failed on this query.")
}
