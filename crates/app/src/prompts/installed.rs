//! The installation's prompts: those that come with the program, and in the place of those of the same name what its file
//! says. The file is looked at while it is used; one that cannot be read changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pilothouse_domain::Micros;
use pilothouse_domain::prompt::{Label, Prompt};
use pilothouse_store::prompts::{self as rows, INSTALLATION, Move, Version};
use pilothouse_store::{Error as StoreError, Store, Tx};
use tokio::sync::Mutex;

use super::file::parse;
use crate::Error;
use crate::error::Fault;

/// How long the file is taken for what it was.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Who moves labels when the file has changed.
const BY_FILE: &str = "the file of prompts";

/// Prompts by their names.
pub(super) type Set = BTreeMap<String, Prompt>;

pub(super) struct Installed {
    store: Store,
    built_in: Set,
    file: Option<PathBuf>,
    state: Mutex<State>,
}

struct State {
    looked_at: Option<Instant>,
    /// What the file held when it was last looked at; none where there was none.
    seen: Option<Vec<u8>>,
    of_file: Arc<Set>,
    fault: Option<Fault>,
}

/// What is in force, and what is wrong with the file that does not hold.
#[derive(Clone)]
pub(super) struct InForce {
    pub prompts: Arc<Set>,
    pub fault: Option<Fault>,
}

impl Installed {
    pub fn new(store: Store, built_in: Set, file: Option<PathBuf>) -> Self {
        let state = State { looked_at: None, seen: None, of_file: Arc::default(), fault: None };
        Self { store, built_in, file, state: Mutex::new(state) }
    }

    /// The file that is looked at.
    pub fn file(&self) -> Option<&PathBuf> {
        self.file.as_ref()
    }

    /// A prompt that comes with the program.
    pub fn built_in(&self, name: &str) -> Option<&Prompt> {
        self.built_in.get(name)
    }

    /// Those that come with the program.
    pub fn all_built_in(&self) -> &Set {
        &self.built_in
    }

    /// What the file says, looked at again where that was too long ago. What is new is kept, so that every answer's version
    /// can be looked up.
    pub async fn of_file(&self, now: Micros) -> Result<InForce, Error> {
        let mut state = self.state.lock().await;
        let is_fresh = state.looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY);
        if !is_fresh {
            self.look(&mut state, now).await?;
            state.looked_at = Some(Instant::now());
        }
        Ok(InForce { prompts: state.of_file.clone(), fault: state.fault.clone() })
    }

    async fn look(&self, state: &mut State, now: Micros) -> Result<(), Error> {
        let is_first = state.looked_at.is_none();
        let (held, parsed) = match self.read().await {
            Ok(Some(bytes)) if state.seen.as_ref() == Some(&bytes) => return Ok(()),
            Ok(Some(bytes)) => {
                let parsed = parse(&bytes);
                (Some(bytes), parsed)
            }
            Ok(None) if state.seen.is_none() && !is_first => return Ok(()),
            Ok(None) if is_first => (None, Ok(Set::new())),
            // Editors and deployments may take it away for a moment.
            Ok(None) => (None, Err(Fault { line: 0, reason: "it is gone".to_owned() })),
            Err(reason) => (None, Err(Fault { line: 0, reason })),
        };
        match parsed {
            Ok(prompts) => {
                self.keep(&prompts, now, is_first).await?;
                if !is_first {
                    tracing::info!(prompts = prompts.len(), "the file of prompts has changed, and holds");
                }
                (state.of_file, state.fault) = (Arc::new(prompts), None);
            }
            Err(fault) => {
                if is_first {
                    state.of_file = Arc::new(self.kept().await?);
                }
                if state.fault.as_ref() != Some(&fault) {
                    let Fault { line, reason } = &fault;
                    tracing::warn!(line, reason, "the file of prompts cannot be read: the one before stays in force");
                }
                state.fault = Some(fault);
            }
        }
        state.seen = held;
        Ok(())
    }

    /// What the file holds; none where there is none.
    async fn read(&self) -> Result<Option<Vec<u8>>, String> {
        let Some(path) = &self.file else { return Ok(None) };
        match tokio::fs::read(path).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Keeps what the file says, and at the start what comes with the program.
    async fn keep(&self, of_file: &Set, now: Micros, is_first: bool) -> Result<(), StoreError> {
        let one = |(source, prompt): (&str, &Prompt)| Version {
            prompt: prompt.clone(),
            hash: prompt.hash(),
            source: source.to_owned(),
            created_at: now,
            created_by: String::new(),
        };
        let built_in = self.built_in.values().filter(|_| is_first).map(|prompt| ("built_in", prompt));
        let versions: Vec<Version> = built_in.chain(of_file.values().map(|prompt| ("file", prompt))).map(one).collect();
        let wanted: BTreeMap<String, String> =
            of_file.iter().map(|(name, prompt)| (name.clone(), prompt.hash())).collect();
        let kept = self.store.write(move |tx| {
            Box::pin(async move {
                for version in &versions {
                    rows::add(tx, INSTALLATION, version).await?;
                }
                follow(tx, &wanted, now).await
            })
        });
        kept.await
    }

    /// What the file said when it could last be read.
    async fn kept(&self) -> Result<Set, StoreError> {
        let read = self.store.read(|tx| {
            Box::pin(async move {
                let mut found = Set::new();
                for Move { name, hash, .. } in rows::standing(tx, INSTALLATION).await? {
                    let Some(hash) = hash else { continue };
                    if let Some(version) = rows::get(tx, INSTALLATION, &name, &hash).await? {
                        found.insert(name, version.prompt);
                    }
                }
                Ok(found)
            })
        });
        read.await
    }
}

/// Notes which versions the file puts in force from now on. Of two processes that see the change at once one notes it.
async fn follow(tx: &mut Tx<'_>, wanted: &BTreeMap<String, String>, now: Micros) -> Result<(), StoreError> {
    let stood = rows::standing(tx, INSTALLATION).await?;
    let stood: BTreeMap<String, Option<String>> = stood.into_iter().map(|one| (one.name, one.hash)).collect();
    let gone = stood.keys().filter(|name| !wanted.contains_key(*name)).map(|name| (name, None));
    for (name, hash) in wanted.iter().map(|(name, hash)| (name, Some(hash.clone()))).chain(gone) {
        let from = stood.get(name).cloned().flatten();
        if from == hash {
            continue;
        }
        let new = Move {
            name: name.clone(),
            label: Label::Production,
            percent: if hash.is_some() { 100 } else { 0 },
            hash,
            at: now,
            by: BY_FILE.to_owned(),
            because: String::new(),
        };
        match rows::put(tx, INSTALLATION, from.as_deref(), &new).await {
            Ok(()) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
