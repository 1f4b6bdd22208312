//! The embedded engine: Apache DataFusion over a folder or bucket of Parquet, CSV and JSON files.
//!
//! The program only lists the files: everything that opens one happens in a [`worker`], which the [`pool`] lends for one
//! request at a time. So a query may do what it likes with its process, and the program's front stays quick.

mod discover;
mod listing;
mod pool;
mod rows;
mod wire;
mod worker;

pub use discover::Format;
pub use pool::{Isolation, WorkerLoad};
pub use worker::process as work;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use pilothouse_domain::Code;
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::catalog::{Catalog, Dialect};
use pilothouse_domain::cost::Estimate;
use pilothouse_outbound::Client;
use std::time::Instant;

use self::listing::{Listing, Place};
use self::pool::Answer;
pub(crate) use self::pool::Pool;
use self::wire::{Reply, Request, Statement, Task};
use crate::engine::{Call, Engine};
use crate::guard::{CanonicalQuery, CheckedQuery};
use crate::{Error, Settings, Source};

/// One folder or bucket, open.
pub struct EmbeddedEngine {
    pool: Arc<Pool>,
    source: Source,
    place: Place,
    version: String,
}

impl EmbeddedEngine {
    /// Opens `source`, of which nothing is believed yet. `buckets` holds the way to buckets once it was made.
    pub(crate) async fn open(
        pool: Arc<Pool>,
        source: Source,
        settings: &Settings,
        buckets: &OnceLock<Client>,
        call: &Call<'_>,
    ) -> Result<Self, Error> {
        let place = Place::of(&source, settings, buckets).await?;
        let version = version(&place).await?;
        let engine = Self { pool, source, place, version };
        engine.ask(Task::Open, call).await?;
        Ok(engine)
    }

    async fn ask(&self, task: Task, call: &Call<'_>) -> Result<Answer, Error> {
        let request = Request { source: self.source.clone(), version: self.version.clone(), task };
        self.pool.ask(&request, call).await
    }
}

/// The version of the files that are at `place` now.
async fn version(place: &Place) -> Result<String, Error> {
    let mut listing = Listing::of(place.clone()).await?;
    discover::tables(&mut listing)?;
    Ok(listing.version())
}

fn changed() -> Error {
    Error::retryable(Code::ConnectionChanged, "The connection's files have changed since it was read.")
}

fn statement(query: &CanonicalQuery) -> Statement {
    Statement { sql: query.sql().to_owned(), tables: query.tables().to_vec() }
}

fn unfit() -> Error {
    Error::new(Code::Internal, "The query worker gave another answer than was asked for.")
}

#[async_trait]
impl Engine for EmbeddedEngine {
    fn dialect(&self) -> Dialect {
        Dialect::DataFusion
    }

    fn version(&self) -> Option<&str> {
        Some(&self.version)
    }

    async fn ping(&self) -> Result<(), Error> {
        if version(&self.place).await? == self.version { Ok(()) } else { Err(changed()) }
    }

    async fn profile(&self, call: &Call<'_>) -> Result<Catalog, Error> {
        match self.ask(Task::Profile, call).await?.reply {
            Reply::Catalog(catalog) => Ok(catalog),
            _ => Err(unfit()),
        }
    }

    async fn estimate(&self, query: &CanonicalQuery, call: &Call<'_>) -> Result<Estimate, Error> {
        match self.ask(Task::Estimate(statement(query)), call).await?.reply {
            Reply::Estimate(estimate) => Ok(estimate),
            _ => Err(unfit()),
        }
    }

    async fn execute(&self, query: &CheckedQuery, call: &Call<'_>) -> Result<ResultSet, Error> {
        let began = Instant::now();
        let Answer { reply, result } = self.ask(Task::Execute(statement(query), call.limits.max_rows), call).await?;
        let Reply::Ran(ran) = reply else { return Err(unfit()) };
        Ok(ResultSet {
            truncated: ran.truncated,
            rows_scanned: Some(ran.rows_scanned),
            bytes_scanned: Some(ran.bytes_scanned),
            elapsed_us: began.elapsed().as_micros() as u64,
            ..result
        })
    }
}
