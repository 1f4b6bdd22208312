//! What all sources of a worker share: threads, memory, the folder that queries spill to, and the way to buckets.

use std::sync::{Arc, OnceLock};

use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use pilothouse_domain::Code;
use pilothouse_outbound::Client;
use tokio::runtime::{Builder, Runtime};

use super::view::{Only, View};
use crate::embedded::listing::Place;
use crate::embedded::wire::Start;
use crate::{Error, Settings, Source};

/// Stack of each computing thread in bytes: planning recurses with the depth of a query, which the guard bounds.
const THREAD_STACK_BYTES: usize = 8 << 20;
/// Most bytes of Parquet footers that one source keeps in memory.
const FOOTER_CACHE_BYTES: usize = 8 << 20;
/// Most bytes of file statistics that one source keeps in memory.
const STATISTICS_CACHE_BYTES: usize = 4 << 20;

/// What a worker computes with. Each source has files, caches and a registry of its own: the engine's caches know files
/// by their paths alone, and two tenants may have the same path in different buckets.
pub struct Machine {
    settings: Settings,
    environment: Arc<RuntimeEnv>,
    /// Made when the first bucket is opened: it reads the machine's certificates, which takes a while.
    buckets: OnceLock<Client>,
}

impl Machine {
    /// A machine of these parts.
    pub fn new(start: Start) -> Result<Self, Error> {
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![start.spill]))
            .with_max_temp_directory_size(start.settings.query_spill_mb << 20);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(start.memory_bytes)))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(unstarted)?;
        Ok(Self { settings: start.settings, environment, buckets: OnceLock::new() })
    }

    /// The threads that queries compute on.
    pub fn runtime(&self) -> Result<Runtime, Error> {
        Builder::new_multi_thread()
            .worker_threads(self.partitions())
            .thread_name("query")
            .thread_stack_size(THREAD_STACK_BYTES)
            .enable_all()
            .build()
            .map_err(unstarted)
    }

    /// How many parts a query is worked on in, side by side.
    pub fn partitions(&self) -> usize {
        match self.settings.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }

    /// Memory and spill files as every source has them, and caches and files as only this one has.
    pub fn environment(&self, view: Arc<View>) -> Result<Arc<RuntimeEnv>, Error> {
        // Listings need no cache: the view is one.
        let caches = CacheManagerConfig::default()
            .with_list_files_cache_limit(0)
            .with_file_statistics_cache_limit(STATISTICS_CACHE_BYTES)
            .with_metadata_cache_limit(FOOTER_CACHE_BYTES);
        RuntimeEnvBuilder::from_runtime_env(&self.environment)
            .with_cache_manager(caches)
            .with_object_store_registry(Arc::new(Only(view)))
            .build_arc()
            .map_err(unstarted)
    }

    /// Where the files of `source` are, checked as the program checked it.
    pub async fn place(&self, source: &Source) -> Result<Place, Error> {
        Place::of(source, &self.settings, &self.buckets).await
    }
}

/// The error of a worker that cannot be set up.
fn unstarted<E>(_: E) -> Error {
    Error::new(Code::Internal, "The query engine could not be started.")
}
