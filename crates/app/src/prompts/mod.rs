//! Prompts: what models are told to do. Those of a tenant's labels come first, then those of the installation's file, then
//! those that come with the program; each is a version that never changes, so that an answer can name it.
//!
//! Read first: [`Prompts::told`]. `file` reads YAML, `installed` looks at the installation's file while it is used, `control`
//! is what people do.

mod control;
mod file;
mod installed;

pub use control::{Listed, Listing, MoveWish, NewVersion, Shown, add_version, list_prompts, move_label, show_prompt};
pub use file::parse;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use pilothouse_domain::prompt::{Label, Prompt, Standing};
use pilothouse_domain::{Clock, Code, Micros, TenantId};
use pilothouse_store::prompts::{self as rows, INSTALLATION, Move};
use pilothouse_store::{Error as StoreError, Store, Tx};

use self::installed::Installed;
use crate::Error;
use crate::lately::Lately;

/// Those that come with the program.
const BUILT_IN: &str = include_str!("built_in.yaml");

/// What a model is told, and which version of it that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// It.
    pub prompt: Prompt,
    /// The name of the version.
    pub hash: String,
}

impl Told {
    fn of(prompt: Prompt) -> Self {
        Self { hash: prompt.hash(), prompt }
    }

    /// The version as answers and charges name it: `ask@0123456789abcdef`.
    pub fn id(&self) -> String {
        format!("{}@{}", self.prompt.name, self.hash)
    }
}

/// What models are told.
pub struct Prompts {
    store: Store,
    clock: Arc<dyn Clock>,
    installed: Installed,
    tenants: Lately<Own>,
}

/// What a tenant has put in force itself.
#[derive(Default)]
struct Own {
    standing: BTreeMap<String, Standing>,
    /// Those in force, by their hashes.
    versions: BTreeMap<String, Prompt>,
}

impl Prompts {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, file: Option<PathBuf>) -> Result<Self, Error> {
        let built_in = parse(BUILT_IN.as_bytes()).map_err(|fault| {
            Error::new(Code::Internal, format!("The program's own prompts are broken: {}", fault.reason))
        })?;
        Ok(Self { installed: Installed::new(store.clone(), built_in, file), store, clock, tenants: Lately::default() })
    }

    /// What a model is told under a name, for whoever draws `draw`, from 0 to 1: the same draw gives the same version as long
    /// as no label moves. It holds within a second of a change, on every node.
    ///
    /// # Errors
    /// [`Code::PromptUnknown`], and the database's.
    pub async fn told(&self, tenant: &TenantId, name: &str, draw: f64) -> Result<Told, Error> {
        let now = self.clock.now();
        let own = self.own(tenant, now).await?;
        let picked = own.standing.get(name).and_then(|standing| standing.pick(draw));
        if let Some(prompt) = picked.and_then(|hash| own.versions.get(hash)) {
            return Ok(Told::of(prompt.clone()));
        }
        let of_file = self.installed.of_file(now).await?.prompts;
        let found = of_file.get(name).or_else(|| self.installed.built_in(name));
        found.cloned().map(Told::of).ok_or_else(|| unknown(name))
    }

    async fn own(&self, tenant: &TenantId, now: Micros) -> Result<Arc<Own>, Error> {
        let read = async {
            let of = tenant.clone();
            Ok(self.store.read(move |tx| Box::pin(async move { Own::read(tx, of.as_str()).await })).await?)
        };
        self.tenants.get(tenant, now, read).await
    }
}

impl Own {
    async fn read(tx: &mut Tx<'_>, tenant: &str) -> Result<Self, StoreError> {
        let mut own = Self::default();
        for Move { name, label, hash, percent, .. } in rows::standing(tx, tenant).await? {
            let Some(hash) = hash else { continue };
            let Some(version) = either(tx, tenant, &name, &hash).await? else { continue };
            let standing = own.standing.entry(name).or_default();
            match label {
                Label::Production => standing.production = Some(hash.clone()),
                Label::Canary => standing.canary = Some((hash.clone(), percent)),
            }
            own.versions.insert(hash, version.prompt);
        }
        Ok(own)
    }
}

/// A version of the tenant's, or of the installation's.
async fn either(tx: &mut Tx<'_>, tenant: &str, name: &str, hash: &str) -> Result<Option<rows::Version>, StoreError> {
    match rows::get(tx, tenant, name, hash).await? {
        Some(own) => Ok(Some(own)),
        None => rows::get(tx, INSTALLATION, name, hash).await,
    }
}

fn unknown(name: &str) -> Error {
    Error::new(Code::PromptUnknown, format!("There is no prompt called {name:?}."))
}
