//! What a run tells while it goes: the entries of its journal with their numbers, and live ones without, merged into one
//! stream.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use pilothouse_domain::clock::rfc3339;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Micros, RunId, TenantId};
use pilothouse_store::Error;
use pilothouse_store::journal::{Entry, EntryKind};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::Backend;
use crate::journal::path::top;
use crate::live::LiveRuns;

/// How often a listener looks into the database for events of runs on other nodes.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// Most events read from the database at once.
const PAGE: u32 = 100;

/// The name of the last event of every run.
pub const DONE: &str = "done";
/// The name of the events that are logged lines.
pub const LOG: &str = "log";
/// The name of the events that tell what a run waits for.
pub const WAIT: &str = "wait";

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number in the run, from 1; none for what is only told live and not stored.
    pub seq: Option<i64>,
    /// Its kind: `step`, `state`, `wait`, `log`, `progress` or, at the end, `done`.
    pub kind: String,
    /// Its content, a JSON object.
    pub json: String,
}

/// What the entry `seq` of a journal is to whoever watches. A run's end is its last event, unless it was tried again.
pub(crate) fn of_entry(entry: &Entry, seq: i64, last: bool) -> Event {
    let told: Value = entry.error.as_deref().and_then(|error| serde_json::from_str(error).ok()).unwrap_or(Value::Null);
    let ends = last && entry.kind == EntryKind::State && Status::parse(&entry.name).is_some_and(Status::is_final);
    let json = match entry.kind {
        EntryKind::Step => {
            let path = entry.path.as_deref().unwrap_or_default();
            let status = if entry.error.is_some() { "failed" } else { "succeeded" };
            let elapsed_ms = entry.started_at.map(|began| (entry.at - began) / 1_000);
            json!({"seq": top(path), "path": path, "name": entry.name, "status": status, "summary": entry.summary,
                   "elapsed_ms": elapsed_ms, "attempt": entry.attempt})
        }
        EntryKind::State => {
            json!({"status": entry.name, "code": told.get("code"), "message": told.get("message"),
                   "attempt": entry.attempt})
        }
        EntryKind::Log => {
            json!({"step": entry.path.as_deref().map(top), "level": entry.name, "line": entry.summary})
        }
        EntryKind::Progress => {
            let percent = entry.output.as_deref().and_then(|percent| percent.parse::<i64>().ok());
            json!({"percent": percent, "summary": entry.summary})
        }
        EntryKind::Wait => {
            let until = entry.output.as_deref().and_then(|until| until.parse::<Micros>().ok());
            let path = entry.path.as_deref().unwrap_or_default();
            json!({"seq": top(path), "path": path, "name": entry.name, "until": until.map(rfc3339)})
        }
    };
    let kind = if ends { DONE } else { entry.kind.as_str() };
    Event { seq: Some(seq), kind: kind.to_owned(), json: json.to_string() }
}

/// A run's events in order, from a given number on, until its last.
pub type EventStream = std::pin::Pin<Box<dyn Stream<Item = Result<Event, Error>> + Send>>;

struct Listener {
    backend: Arc<dyn Backend>,
    tenant: TenantId,
    run: RunId,
    live: Arc<LiveRuns>,
    receiver: Option<broadcast::Receiver<Event>>,
    after: i64,
    ready: VecDeque<Event>,
    ended: bool,
    poll_first: bool,
}

pub(crate) fn stream(
    backend: Arc<dyn Backend>,
    live: Arc<LiveRuns>,
    tenant: TenantId,
    run: RunId,
    after: i64,
) -> EventStream {
    // Listening begins before the database is read, so that nothing falls between the two.
    let receiver = live.listen(run);
    let ready = VecDeque::new();
    let listener = Listener { backend, tenant, run, live, receiver, after, ready, ended: false, poll_first: true };
    Box::pin(futures::stream::try_unfold(listener, |mut listener| async move {
        Ok(listener.next().await?.map(|event| (event, listener)))
    }))
}

impl Listener {
    async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                if let Some(seq) = event.seq {
                    if seq <= self.after {
                        continue;
                    }
                    if seq > self.after + 1 {
                        // Others wrote in between; the database has it all in order.
                        self.ready.clear();
                        self.poll().await?;
                        continue;
                    }
                    self.after = seq;
                }
                self.ended = event.kind == DONE;
                return Ok(Some(event));
            }
            if self.ended {
                return Ok(None);
            }
            if self.poll_first {
                self.poll_first = false;
            } else {
                self.wait().await;
            }
            if self.ready.is_empty() {
                self.poll().await?;
            }
        }
    }

    /// Waits for a live event, or until it is time to look into the database.
    async fn wait(&mut self) {
        let Some(receiver) = &mut self.receiver else {
            self.receiver = tokio::time::timeout(POLL_EVERY, self.live.listen_when_begun(self.run)).await.ok();
            return;
        };
        match tokio::time::timeout(POLL_EVERY, receiver.recv()).await {
            Ok(Ok(event)) => self.ready.push_back(event),
            Ok(Err(broadcast::error::RecvError::Closed)) => self.receiver = None,
            // Lagging or silence: the database has what was missed.
            Ok(Err(broadcast::error::RecvError::Lagged(_))) | Err(_) => {}
        }
    }

    async fn poll(&mut self) -> Result<(), Error> {
        // Both are read in one view of the database: a run ends together with its last entry, so one that has ended
        // and has no further entry was told to its end before, and a listener who comes back waits for nothing.
        let looked = self.backend.look(&self.tenant, self.run, self.after, PAGE).await?;
        let Some((run, entries)) = looked else {
            self.ended = true;
            return Ok(());
        };
        let over = run.status.is_final();
        self.ended = over && entries.is_empty();
        let whole = entries.len() < PAGE as usize;
        let last = entries.last().map(|entry| entry.seq);
        self.ready
            .extend(entries.iter().map(|entry| of_entry(entry, entry.seq, over && whole && Some(entry.seq) == last)));
        Ok(())
    }
}
