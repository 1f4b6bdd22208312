//! What every engine can do, and the warehouse that opens them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::catalog::{Catalog, Dialect};
use pilothouse_domain::cost::Estimate;
use pilothouse_outbound::Client;
use tokio_util::sync::CancellationToken;

use crate::embedded::{EmbeddedEngine, Isolation, Pool, WorkerLoad};
use crate::guard::{self, CanonicalQuery, CheckedQuery};
use crate::postgres::PostgresEngine;
use crate::{Error, Settings, Source};

/// A wish to stop, shared with whoever may have it.
pub type Cancel = CancellationToken;

/// What one query may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest time.
    pub timeout: Duration,
    /// Most rows returned; further rows are left out and the result says so.
    pub max_rows: usize,
}

/// For whom something is done, what it may use, and until when.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Whose turn it is when many wait; a tenant, as a rule.
    pub owner: Arc<str>,
    /// Its share against others: with twice the weight, twice the time.
    pub weight: u32,
    /// What it may use.
    pub limits: Limits,
    /// Fires when it is not wanted any more. The work underneath stops too.
    pub cancel: &'a Cancel,
}

/// One open source.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Which SQL it speaks.
    fn dialect(&self) -> Dialect;

    /// The version of what it reads: the same query on the same version has the same answer. None where it cannot be told.
    fn version(&self) -> Option<&str>;

    /// Whether the source answers, and holds the files that it held when it was opened. One that does not is
    /// `connection.changed`, and is opened and profiled anew.
    async fn ping(&self) -> Result<(), Error>;

    /// Reads what the source holds: tables, columns, counts, values, keys.
    async fn profile(&self, call: &Call<'_>) -> Result<Catalog, Error>;

    /// What `query` would read, without reading it.
    async fn estimate(&self, query: &CanonicalQuery, call: &Call<'_>) -> Result<Estimate, Error>;

    /// Runs `query`.
    async fn execute(&self, query: &CheckedQuery, call: &Call<'_>) -> Result<ResultSet, Error>;
}

/// Opens sources; holds what engines share.
pub struct Warehouse {
    settings: Settings,
    pool: Arc<Pool>,
    /// Made when the first bucket is opened: it reads the machine's certificates, which takes a while.
    buckets: OnceLock<Client>,
}

impl Warehouse {
    /// A warehouse with these settings, whose embedded queries run as `isolation` says.
    pub fn new(settings: Settings, isolation: Isolation) -> Self {
        let pool = Pool::new(&settings, isolation);
        Self { settings, pool, buckets: OnceLock::new() }
    }

    /// The settings it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the guard lets a statement have.
    pub fn guard_limits(&self) -> guard::Limits {
        guard::Limits { default_limit: u64::from(self.settings.max_rows), ..guard::Limits::default() }
    }

    /// What one query may use.
    pub fn limits(&self) -> Limits {
        Limits {
            timeout: Duration::from_secs(self.settings.query_timeout_seconds),
            max_rows: self.settings.max_rows as usize,
        }
    }

    /// What reading a whole connection may use.
    pub fn profile_limits(&self) -> Limits {
        Limits { timeout: Duration::from_secs(self.settings.profile_timeout_seconds), ..self.limits() }
    }

    /// Makes the embedded engine ready before it is first asked.
    pub fn warm(&self) {
        self.pool.keep_one_ready();
    }

    /// How the workers of the embedded engine stand.
    pub fn worker_load(&self) -> WorkerLoad {
        self.pool.load()
    }

    /// Opens `source` after checking that it may be reached.
    pub async fn open(&self, source: &Source, call: &Call<'_>) -> Result<Arc<dyn Engine>, Error> {
        if let Source::Postgres { url } = source {
            let target = crate::source::postgres_target(url, &self.settings).await?;
            return Ok(Arc::new(PostgresEngine::new(target)));
        }
        let opened = EmbeddedEngine::open(self.pool.clone(), source.clone(), &self.settings, &self.buckets, call);
        Ok(Arc::new(opened.await?))
    }
}
