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
    /// Longest time that reading what a connection holds may take, in seconds.
    pub profile_timeout_seconds: u64,
    /// Most memory that running queries may have together, in megabytes. One that needs more than its part of it writes to
    /// disk, and the largest is stopped where that does not suffice.
    pub query_memory_mb: u64,
    /// Most bytes that one query worker may write to disk for want of memory, in megabytes.
    pub query_spill_mb: u64,
    /// Queries of the embedded engine that run side by side, each in a process of its own; 0 means one for each processor,
    /// and two at least.
    pub query_workers: usize,
    /// Most bytes one query may read, after pruning columns, in bytes; one that would read more waits for a person.
    pub query_max_bytes: u64,
    /// Most bytes one query may read even then, in bytes; one that would read more is refused.
    pub query_max_bytes_approved: u64,
    /// Bytes from which on a query is dear: on the page it runs once whoever asks has seen what it costs.
    pub query_dear_bytes: u64,
    /// Seconds from which on a query is dear, by what queries of its shape took.
    pub query_dear_seconds: u64,
    /// What you pay for each tebibyte that queries read, in billionths of a US dollar; 0 where you pay nothing.
    pub query_nano_usd_per_tib: u64,
    /// Most bytes that the queries of one tenant may read in an hour, in bytes.
    pub tenant_hourly_bytes: u64,
    /// Memory for results that are kept as long as their data is the same, in megabytes; 0 means that none are.
    pub result_cache_mb: u64,
    /// How long results of databases are kept, in seconds, since a database does not tell when its data changes; 0 means
    /// not at all.
    pub result_ttl_seconds: i64,
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
            profile_timeout_seconds: 600,
            query_memory_mb: 1024,
            query_spill_mb: 4096,
            query_workers: 0,
            query_max_bytes: 10 << 30,
            query_max_bytes_approved: 100 << 30,
            query_dear_bytes: 1 << 30,
            query_dear_seconds: 10,
            query_nano_usd_per_tib: 0,
            tenant_hourly_bytes: 50 << 30,
            result_cache_mb: 16,
            result_ttl_seconds: 0,
            max_rows: 10_000,
            threads: 0,
        }
    }
}
