//! What every engine can do, and the warehouse that opens them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::catalog::{Catalog, Dialect};
use pilothouse_outbound::Client;
use tokio_util::sync::CancellationToken;

use crate::embedded::{self, EmbeddedEngine, Place};
use crate::guard::{self, CheckedQuery};
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

/// What a query would read, before it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Rows of the tables it names.
    pub rows: Option<u64>,
    /// Bytes of the columns it names, as stored.
    pub bytes: Option<u64>,
}

/// One open source.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Which SQL it speaks.
    fn dialect(&self) -> Dialect;

    /// Whether the source answers, and holds the files that it held when it was opened. One that does not is
    /// `connection.changed`, and is opened and profiled anew.
    async fn ping(&self) -> Result<(), Error>;

    /// Reads what the source holds: tables, columns, counts, values, keys.
    async fn profile(&self) -> Result<Catalog, Error>;

    /// What `query` would read, without reading it.
    async fn estimate(&self, query: &CheckedQuery) -> Result<Estimate, Error>;

    /// Runs `query`. When `cancel` fires, the work underneath stops too.
    async fn execute(&self, query: &CheckedQuery, limits: Limits, cancel: &Cancel) -> Result<ResultSet, Error>;
}

/// Opens sources; holds what engines share.
pub struct Warehouse {
    settings: Settings,
    embedded: Arc<embedded::Shared>,
    /// Made when the first bucket is opened: it reads the machine's certificates, which takes a while.
    buckets: OnceLock<Client>,
}

impl Warehouse {
    /// A warehouse with these settings.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let embedded = Arc::new(embedded::Shared::new(&settings)?);
        Ok(Self { settings, embedded, buckets: OnceLock::new() })
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

    fn client(&self) -> Result<Client, Error> {
        match self.buckets.get() {
            Some(client) => Ok(client.clone()),
            None => {
                let made = crate::bucket::client(&self.settings)?;
                Ok(self.buckets.get_or_init(|| made).clone())
            }
        }
    }

    /// Opens `source` after checking that it may be reached.
    pub async fn open(&self, source: &Source) -> Result<Arc<dyn Engine>, Error> {
        match source {
            Source::Files { path } => {
                let folder = crate::source::allowed_path(path, &self.settings)?;
                Ok(Arc::new(EmbeddedEngine::open(self.embedded.clone(), Place::Folder(folder)).await?))
            }
            Source::ObjectStore(bucket) => {
                let target = crate::bucket::bucket_target(bucket, &self.settings).await?;
                let store = target.open(self.client()?, &self.settings)?;
                let place = Place::Bucket { store, prefix: target.prefix };
                Ok(Arc::new(EmbeddedEngine::open(self.embedded.clone(), place).await?))
            }
            Source::Postgres { url } => {
                let target = crate::source::postgres_target(url, &self.settings).await?;
                Ok(Arc::new(PostgresEngine::new(target, self.settings.query_timeout_seconds)))
            }
        }
    }
}
