//! The embedded engine: Apache DataFusion over a folder or bucket of Parquet, CSV and JSON files.
//!
//! It computes on threads of its own, within a memory pool that all its queries share, so that the program's front
//! stays quick whatever a query does. Each connection has files, caches and a registry of its own: the engine's caches
//! know files by their paths alone, and two tenants may have the same path in different buckets.

mod discover;
mod keys;
mod listing;
mod profile;
mod register;
mod rows;
mod run;
mod view;

pub use discover::Format;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use pilothouse_domain::Code;
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::catalog::{Catalog, Dialect};
use tokio::runtime::{Builder, Runtime};

use self::listing::Listing;
pub(crate) use self::listing::Place;
use self::view::{Only, View};
use crate::engine::{Cancel, Engine, Estimate, Limits};
use crate::guard::CheckedQuery;
use crate::{Error, Settings};

/// Stack of each computing thread in bytes: planning recurses with the depth of a query, which the guard bounds.
const THREAD_STACK_BYTES: usize = 8 << 20;
/// Most bytes of Parquet footers that one connection keeps in memory.
const FOOTER_CACHE_BYTES: usize = 8 << 20;
/// Most bytes of file statistics that one connection keeps in memory.
const STATISTICS_CACHE_BYTES: usize = 4 << 20;

/// What all embedded connections share: threads and memory.
pub struct Shared {
    runtime: Option<Runtime>,
    environment: Arc<RuntimeEnv>,
    partitions: usize,
}

impl Shared {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let internal = |_| Error::new(Code::Internal, "The query engine could not be started.");
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let partitions = if settings.threads == 0 { processors } else { settings.threads };
        let pool = FairSpillPool::new((settings.query_memory_mb as usize) << 20);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .build_arc()
            .map_err(|_| Error::new(Code::Internal, "The query engine could not be started."))?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(partitions)
            .thread_name("query")
            .thread_stack_size(THREAD_STACK_BYTES)
            .enable_all()
            .build()
            .map_err(internal)?;
        Ok(Self { runtime: Some(runtime), environment, partitions })
    }

    /// Memory and spill files as every connection has them, and caches and files as only this one has.
    fn environment(&self, view: Arc<View>) -> Result<Arc<RuntimeEnv>, Error> {
        // Listings need no cache: the view is one.
        let caches = CacheManagerConfig::default()
            .with_list_files_cache_limit(0)
            .with_file_statistics_cache_limit(STATISTICS_CACHE_BYTES)
            .with_metadata_cache_limit(FOOTER_CACHE_BYTES);
        RuntimeEnvBuilder::from_runtime_env(&self.environment)
            .with_cache_manager(caches)
            .with_object_store_registry(Arc::new(Only(view)))
            .build_arc()
            .map_err(|_| Error::new(Code::Internal, "The query engine could not be started."))
    }

    /// Runs `work` on the computing threads. Dropping the returned future stops the work at its next await.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let Some(runtime) = &self.runtime else {
            return Err(Error::new(Code::Unavailable, "The query engine is shutting down."));
        };
        let mut task = AbortOnDrop(runtime.spawn(work));
        match (&mut task.0).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(Code::QueryFailed, "The query engine failed on this query.")),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A runtime may not be dropped inside another one; this hands its threads to the background.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One folder or bucket, open.
pub struct EmbeddedEngine {
    shared: Arc<Shared>,
    place: Place,
    context: SessionContext,
    view: Arc<View>,
    tables: Arc<Vec<discover::FileTable>>,
}

impl EmbeddedEngine {
    /// Opens `place`, which must have been checked, and registers a table for each data file or folder of files in it.
    pub(crate) async fn open(shared: Arc<Shared>, place: Place) -> Result<Self, Error> {
        let mut listing = shared.run(Listing::of(place.clone())).await?;
        let tables = Arc::new(discover::tables(&mut listing)?);
        let view = Arc::new(View::new(listing.store, listing.files));
        let config = SessionConfig::new()
            .with_target_partitions(shared.partitions)
            .with_information_schema(false)
            .set_bool("datafusion.execution.parquet.pushdown_filters", false)
            .set_bool("datafusion.sql_parser.enable_ident_normalization", true);
        let context = SessionContext::new_with_config_rt(config, shared.environment(view.clone())?);
        let (session, files, found) = (context.clone(), view.clone(), tables.clone());
        shared.run(async move { register::all(&session, &files, &found).await }).await?;
        Ok(Self { shared, place, context, view, tables })
    }
}

#[async_trait]
impl Engine for EmbeddedEngine {
    fn dialect(&self) -> Dialect {
        Dialect::DataFusion
    }

    async fn ping(&self) -> Result<(), Error> {
        let mut listing = self.shared.run(Listing::of(self.place.clone())).await?;
        discover::tables(&mut listing)?;
        if self.view.is_of(&listing.files) {
            return Ok(());
        }
        Err(Error::retryable(Code::ConnectionChanged, "The connection's files have changed since it was read."))
    }

    async fn profile(&self) -> Result<Catalog, Error> {
        let (context, tables) = (self.context.clone(), self.tables.clone());
        self.shared.run(async move { profile::catalog(&context, &tables).await }).await
    }

    async fn estimate(&self, query: &CheckedQuery) -> Result<Estimate, Error> {
        let (context, sql) = (self.context.clone(), query.sql().to_owned());
        self.shared.run(async move { run::estimate(&context, &sql).await }).await
    }

    async fn execute(&self, query: &CheckedQuery, limits: Limits, cancel: &Cancel) -> Result<ResultSet, Error> {
        let (context, sql) = (self.context.clone(), query.sql().to_owned());
        let work = self.shared.run(async move { run::execute(&context, &sql, limits.max_rows).await });
        tokio::select! {
            result = tokio::time::timeout(limits.timeout, work) => result.unwrap_or_else(|_| {
                let seconds = limits.timeout.as_secs();
                Err(Error::new(Code::QueryTimeout, format!("The query took longer than {seconds} seconds and was stopped.")))
            }),
            () = cancel.cancelled() => Err(Error::new(Code::RunCancelled, "The query was cancelled.")),
        }
    }
}
