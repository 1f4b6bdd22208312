//! The settings of the query path.

use std::path::PathBuf;

use pilothouse_outbound::Reach;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[warehouse]`: what connections may read, and how much one query may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Folders that file connections may read; a connection's path must lie in one of them.
    pub allowed_roots: Vec<PathBuf>,
    /// Whether connections may reach private, loopback and link-local addresses.
    pub allow_private_addresses: bool,
    /// Longest time one query may take, in seconds.
    pub query_timeout_seconds: u64,
    /// Most memory that running queries may use together, in megabytes.
    pub query_memory_mb: u64,
    /// Most bytes one query may read, after pruning columns, in bytes.
    pub query_max_bytes: u64,
    /// Most rows one answer may have.
    pub max_rows: u32,
    /// Threads that the embedded engine computes with; 0 means one for each processor.
    pub threads: usize,
}

impl Settings {
    /// Where connections may go.
    pub(crate) fn reach(&self) -> Reach {
        if self.allow_private_addresses { Reach::Anywhere } else { Reach::Public }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed_roots: Vec::new(),
            allow_private_addresses: false,
            query_timeout_seconds: 30,
            query_memory_mb: 512,
            query_max_bytes: 10 << 30,
            max_rows: 10_000,
            threads: 0,
        }
    }
}
