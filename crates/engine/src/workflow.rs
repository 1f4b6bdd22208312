//! What a workflow is: a kind, a version, and code whose only effects happen in journalled steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::{Failure, Journal};

/// A kind of run. Its code between steps must be a function of its input and of the steps' results, since after a
/// crash it runs again from the start while finished steps return what they returned before.
#[async_trait]
pub trait Workflow: Send + Sync + 'static {
    /// Its name in the database, for instance `ask`.
    fn kind(&self) -> &'static str;

    /// Raised whenever its steps change, so that a run never continues under other steps than it began with.
    fn version(&self) -> i64;

    /// Runs it. The returned value is the run's output.
    async fn run(&self, journal: &Journal, input: Value) -> Result<Value, Failure>;
}

/// The workflows that this program has, in every version that runs may still have begun with.
#[derive(Clone, Default)]
pub struct Registry {
    workflows: BTreeMap<(&'static str, i64), Arc<dyn Workflow>>,
}

impl Registry {
    /// This registry with one more workflow, or with another version of one.
    pub fn with(mut self, workflow: Arc<dyn Workflow>) -> Self {
        self.workflows.insert((workflow.kind(), workflow.version()), workflow);
        self
    }

    /// The workflow of this kind and version.
    pub fn get(&self, kind: &str, version: i64) -> Option<&Arc<dyn Workflow>> {
        self.workflows.iter().find(|((own, own_version), _)| *own == kind && *own_version == version).map(|(_, w)| w)
    }

    /// The version that new runs of this kind begin with; none where there is no such workflow.
    pub fn newest(&self, kind: &str) -> Option<i64> {
        self.workflows.keys().filter(|(own, _)| *own == kind).map(|(_, version)| *version).max()
    }

    /// Every kind, with the version that new runs begin with.
    pub fn versions(&self) -> BTreeMap<String, i64> {
        // The keys come in order, so that of each kind the highest version stays.
        self.workflows.keys().map(|(kind, version)| ((*kind).to_owned(), *version)).collect()
    }

    /// Every kind, sorted.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<&'static str> = self.workflows.keys().map(|(kind, _)| *kind).collect();
        kinds.dedup();
        kinds
    }

    /// Every workflow as `kind@version`, sorted.
    pub fn names(&self) -> Vec<String> {
        self.workflows.keys().map(|(kind, version)| name(kind, *version)).collect()
    }
}

/// A workflow's version as it is announced to other workers.
pub(crate) fn name(kind: &str, version: i64) -> String {
    format!("{kind}@{version}")
}
