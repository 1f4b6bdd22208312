//! One source, open in a worker: its files as they were listed, a session of the engine, and the plan that was made last.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use pilothouse_domain::catalog::Catalog;
use pilothouse_domain::cost::Estimate;

use super::machine::Machine;
use super::out::Out;
use super::view::View;
use super::{cost, profile, register, run};
use crate::Error;
use crate::embedded::changed;
use crate::embedded::discover::{self, FileTable};
use crate::embedded::listing::{Listing, Place};
use crate::embedded::wire::{Ran, Statement};

/// An open source.
pub struct Session {
    context: SessionContext,
    view: Arc<View>,
    tables: Vec<FileTable>,
    /// What was estimated last is what is run next, as a rule, and planning is most of what a short query costs.
    planned: Mutex<Option<(Statement, Arc<dyn ExecutionPlan>)>>,
}

impl Session {
    /// Opens `place`, whose files must be those of `version`, and registers a table for each data file or folder of
    /// files in it.
    pub async fn open(machine: &Machine, place: &Place, version: &str) -> Result<Self, Error> {
        let mut listing = Listing::of(place.clone()).await?;
        let tables = discover::tables(&mut listing)?;
        if listing.version() != version {
            return Err(changed());
        }
        let view = Arc::new(View::new(listing.store, listing.files));
        let config = SessionConfig::new()
            .with_target_partitions(machine.partitions())
            .with_information_schema(false)
            .set_bool("datafusion.execution.parquet.pushdown_filters", false)
            .set_bool("datafusion.sql_parser.enable_ident_normalization", true);
        let context = SessionContext::new_with_config_rt(config, machine.environment(view.clone())?);
        register::all(&context, &view, &tables).await?;
        Ok(Self { context, view, tables, planned: Mutex::default() })
    }

    /// What the tables hold.
    pub async fn profile(&self) -> Result<Catalog, Error> {
        self.verified(profile::catalog(&self.context, &self.tables).await).await
    }

    /// What `statement` would read.
    pub async fn estimate(&self, statement: &Statement) -> Result<Estimate, Error> {
        let plan = run::plan(&self.context, statement).await?;
        let estimate = cost::estimate(&self.context, &self.view, &plan).await?;
        *self.planned() = Some((statement.clone(), plan));
        Ok(estimate)
    }

    /// Runs `statement` and hands at most `max_rows` rows to `out`.
    pub async fn execute(&self, statement: &Statement, max_rows: usize, out: &mut Out) -> Result<Ran, Error> {
        let planned = self.planned().take().filter(|(planned, _)| planned == statement);
        let plan = match planned {
            Some((_, plan)) => plan,
            None => run::plan(&self.context, statement).await?,
        };
        self.verified(run::execute(&self.context, plan, max_rows, out).await).await
    }

    /// What was found, if it was found in the files that were listed: those that have changed meanwhile are the reason of
    /// whatever else went wrong.
    async fn verified<T>(&self, found: Result<T, Error>) -> Result<T, Error> {
        self.view.verify().await.map_err(|error| run::explain(error.into()))?;
        found
    }

    fn planned(&self) -> std::sync::MutexGuard<'_, Option<(Statement, Arc<dyn ExecutionPlan>)>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
