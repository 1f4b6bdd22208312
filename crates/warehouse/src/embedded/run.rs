//! Plans and runs one statement, and reads from the finished plan what it scanned.

use std::sync::Arc;
use std::time::Instant;

use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{DataFrame, SessionContext};
use futures::StreamExt;
use pilothouse_domain::Code;
use pilothouse_domain::answer::ResultSet;

use super::rows;
use crate::{Error, Estimate, bucket};

async fn plan(context: &SessionContext, sql: &str) -> Result<DataFrame, Error> {
    // The guard lets only queries through; the engine is told to refuse everything else all the same.
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    context.sql_with_options(sql, options).await.map_err(explain)
}

/// What the plan would read: exact for Parquet, whose footers know the size of each column.
pub async fn estimate(context: &SessionContext, sql: &str) -> Result<Estimate, Error> {
    let physical = plan(context, sql).await?.create_physical_plan().await.map_err(explain)?;
    let mut total = Estimate { rows: Some(0), bytes: Some(0) };
    for scan in leaves(&physical) {
        let statistics = StatisticsContext::new().compute(scan.as_ref(), &StatisticsArgs::new()).map_err(explain)?;
        let known = |value: Option<&usize>| value.map(|value| *value as u64);
        let rows = known(statistics.num_rows.get_value());
        // Formats without sizes of their columns are read whole.
        let bytes = known(statistics.total_byte_size.get_value()).or_else(|| file_bytes(&scan));
        total.rows = total.rows.zip(rows).map(|(sum, more)| sum + more);
        total.bytes = total.bytes.zip(bytes).map(|(sum, more)| sum + more);
    }
    Ok(total)
}

/// Runs `sql` and keeps at most `max_rows` rows.
pub async fn execute(context: &SessionContext, sql: &str, max_rows: usize) -> Result<ResultSet, Error> {
    let started = Instant::now();
    let physical = plan(context, sql).await?.create_physical_plan().await.map_err(explain)?;
    let mut result = ResultSet { columns: rows::columns(&physical.schema()), ..ResultSet::default() };
    let mut stream = execute_stream(physical.clone(), context.task_ctx()).map_err(explain)?;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(explain)?;
        let room = max_rows - result.rows.len();
        rows::append(&batch, room, &mut result.rows);
        if batch.num_rows() > room {
            result.truncated = true;
            break;
        }
    }
    drop(stream);
    let (mut rows, mut bytes) = (0, 0);
    for scan in leaves(&physical) {
        let metrics = scan.metrics().unwrap_or_default();
        rows += metrics.output_rows().unwrap_or(0) as u64;
        let counted = metrics.sum_by_name("bytes_scanned").map(|value| value.as_usize() as u64);
        // What is no scan of files reads nothing from storage.
        bytes += counted.or_else(|| file_bytes(&scan)).unwrap_or(0);
    }
    (result.rows_scanned, result.bytes_scanned) = (Some(rows), Some(bytes));
    result.elapsed_us = started.elapsed().as_micros() as u64;
    Ok(result)
}

/// Bytes of the parts of files that a node scans; none where it scans no files.
fn file_bytes(scan: &Arc<dyn ExecutionPlan>) -> Option<u64> {
    let files = scan.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()?;
    Some(files.file_groups.iter().flat_map(FileGroup::iter).map(PartitionedFile::effective_size).sum())
}

/// The nodes of a plan that read from storage.
fn leaves(plan: &Arc<dyn ExecutionPlan>) -> Vec<Arc<dyn ExecutionPlan>> {
    let mut found = Vec::new();
    let mut open = vec![plan.clone()];
    while let Some(node) = open.pop() {
        let children = node.children();
        if children.is_empty() {
            found.push(node);
        } else {
            open.extend(children.into_iter().cloned());
        }
    }
    found
}

/// The engine's error as one of ours. The engine's text is shown only where it speaks of the query or the data.
pub fn explain(error: DataFusionError) -> Error {
    if let Some(failure) = bucket::explain(&error) {
        return failure;
    }
    let root = error.find_root();
    tracing::debug!("the engine failed: {}", root.strip_backtrace());
    let text = || {
        let text = root.strip_backtrace();
        text.split_once("error: ").map_or(text.clone(), |(_, rest)| rest.to_owned())
    };
    match root {
        DataFusionError::ResourcesExhausted(_) => {
            Error::new(Code::QueryMemory, "The query needed more memory than queries may use.")
        }
        DataFusionError::SQL(..) | DataFusionError::Plan(_) | DataFusionError::SchemaError(..) => {
            Error::new(Code::SqlInvalid, text())
        }
        DataFusionError::ParquetError(_) => {
            Error::new(Code::FileUnreadable, "A Parquet file of this connection is corrupt and cannot be read.")
        }
        DataFusionError::ArrowError(..) | DataFusionError::Execution(_) => Error::new(Code::QueryFailed, text()),
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => {
            Error::retryable(Code::ConnectionChanged, "A data file of this connection is gone or cannot be read.")
        }
        DataFusionError::NotImplemented(_) => Error::new(Code::QueryFailed, text()),
        _ => Error::new(Code::QueryFailed, "The query engine failed on this query."),
    }
}
