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
    async fn run(&self, journal: &mut Journal, input: Value) -> Result<Value, Failure>;
}

/// The workflows that this program has.
#[derive(Clone, Default)]
pub struct Registry {
    workflows: BTreeMap<&'static str, Arc<dyn Workflow>>,
}

impl Registry {
    /// This registry with one more workflow.
    pub fn with(mut self, workflow: Arc<dyn Workflow>) -> Self {
        self.workflows.insert(workflow.kind(), workflow);
        self
    }

    /// The workflow of this kind.
    pub fn get(&self, kind: &str) -> Option<&Arc<dyn Workflow>> {
        self.workflows.get(kind)
    }

    /// Every kind, sorted.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.workflows.keys().copied().collect()
    }
}
