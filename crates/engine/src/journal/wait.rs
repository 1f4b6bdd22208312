//! Waiting for signals and moments without a worker: the attempt ends where nothing but waits is left, and the next one
//! comes back to the same place.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use pilothouse_domain::Micros;
use pilothouse_store::journal::{Entry, EntryKind};
use pilothouse_store::runs::Signal;
use serde::{Deserialize, Serialize};

use super::Shared;
use crate::Failure;

/// The name of a wait for a moment alone; no signal has it.
pub(super) const SLEEP: &str = "sleep";

/// The signals that an attempt knows, and what it waits for.
pub(crate) struct Waits {
    signals: Vec<Signal>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The signals that waits were given, by number.
    given: HashSet<i64>,
    open: Vec<OpenWait>,
}

/// A wait that has not ended.
#[derive(Debug, Clone)]
pub(crate) struct OpenWait {
    /// Its place in the workflow.
    pub path: String,
    /// The signal that ends it.
    pub name: &'static str,
    /// When it ends by itself.
    pub until: Option<Micros>,
}

/// The journalled result of a wait.
#[derive(Serialize, Deserialize)]
struct Waited {
    signal: Option<Given>,
}

/// The signal that a wait was given.
#[derive(Serialize, Deserialize)]
struct Given {
    seq: i64,
    payload: String,
    sent_by: String,
    at: Micros,
}

impl Waits {
    /// The waits of an attempt: `ended` are the entries of steps that earlier attempts left. What their waits were given
    /// is not given again, whichever branch comes first.
    pub(super) fn new<'e>(signals: Vec<Signal>, ended: impl Iterator<Item = &'e Entry>) -> Self {
        let given = ended.filter_map(|entry| {
            let given = serde_json::from_str::<Waited>(entry.output.as_deref()?).ok()?.signal?;
            signals.iter().any(|signal| signal.seq == given.seq && signal.name == entry.name).then_some(given.seq)
        });
        let state = State { given: given.collect(), ..State::default() };
        Self { signals, state: Mutex::new(state) }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many signals there were when the attempt began.
    pub(crate) fn seen(&self) -> i64 {
        self.signals.last().map_or(0, |signal| signal.seq)
    }

    /// What is waited for; nothing where no wait is open.
    pub(crate) fn open(&self) -> Vec<OpenWait> {
        self.with(|state| state.open.clone())
    }

    /// Whether anything is waited for.
    pub(crate) fn any_open(&self) -> bool {
        self.with(|state| !state.open.is_empty())
    }

    /// The first signal with this name that no wait was given yet.
    fn next(&self, name: &str) -> Option<&Signal> {
        self.with(|state| {
            let found = self.signals.iter().find(|signal| signal.name == name && !state.given.contains(&signal.seq))?;
            state.given.insert(found.seq);
            Some(found)
        })
    }

    fn opened(&self, wait: OpenWait) {
        self.with(|state| state.open.push(wait));
    }
}

pub(super) async fn wait_for(
    shared: &Shared,
    path: &str,
    name: &'static str,
    until: Option<Micros>,
) -> Result<Option<Signal>, Failure> {
    if let Some(stored) = shared.replayed::<Waited>(path, name)? {
        let given = stored?.signal;
        let signal = |Given { seq, payload, sent_by, at }| Signal { seq, name: name.to_owned(), payload, sent_by, at };
        return Ok(given.map(signal));
    }
    let found = shared.waits.next(name).cloned();
    if found.is_none() && until.is_none_or(|until| shared.clock.now() < until) {
        shared.waits.opened(OpenWait { path: path.to_owned(), name, until });
        // The attempt ends here; see `attempt::until_parked`.
        std::future::pending::<()>().await;
    }
    let given = found.clone().map(|Signal { seq, payload, sent_by, at, .. }| Given { seq, payload, sent_by, at });
    let summary = match &given {
        Some(given) => format!("{} sent {name}.", given.sent_by),
        None => "The time is over.".to_owned(),
    };
    let output = super::stored(&Waited { signal: given })?;
    let mut entry = shared.entry(EntryKind::Step, name.to_owned(), summary, Some(output));
    entry.path = Some(path.to_owned());
    entry.started_at = Some(entry.at);
    shared.record.write(entry).await?;
    Ok(found)
}
