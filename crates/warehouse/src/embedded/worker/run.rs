//! Plans and runs one statement, and reads from the finished plan what it scanned.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use pilothouse_domain::Code;

use super::cost::file_bytes;
use super::out::Out;
use crate::embedded::wire::{Ran, Statement};
use crate::{Error, bucket};

/// Bytes of a result beyond which further rows are left out: whoever asked holds all of it in memory.
const MAX_RESULT_BYTES: usize = 64 << 20;

/// The plan of `statement`, which reads the tables that the guard saw and no others.
pub async fn plan(context: &SessionContext, statement: &Statement) -> Result<Arc<dyn ExecutionPlan>, Error> {
    // The guard lets only queries through; the engine is told to refuse everything else all the same.
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = context.sql_with_options(&statement.sql, options).await.map_err(explain)?;
    if reads_others(frame.logical_plan(), &statement.tables).map_err(explain)? {
        return Err(Error::new(Code::SqlBlocked, "The engine would read other tables than the guard has seen."));
    }
    frame.create_physical_plan().await.map_err(explain)
}

/// Whether a plan reads a table that is not one of `tables`: the engine's own reading, beside the guard's.
fn reads_others(plan: &LogicalPlan, tables: &[String]) -> Result<bool, DataFusionError> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            found |= !tables.iter().any(|table| table == scan.table_name.table());
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Runs `plan` and hands at most `max_rows` rows, and at most [`MAX_RESULT_BYTES`], to `out`.
pub async fn execute(
    context: &SessionContext,
    plan: Arc<dyn ExecutionPlan>,
    max_rows: usize,
    out: &mut Out,
) -> Result<Ran, Error> {
    let mut rows = out.rows(&plan.schema())?;
    let mut ran = Ran::default();
    let mut room = max_rows;
    let mut stream = execute_stream(plan.clone(), context.task_ctx()).map_err(explain)?;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(explain)?;
        let taken = batch.num_rows().min(room);
        rows.send(&batch.slice(0, taken))?;
        room -= taken;
        if batch.num_rows() > taken || rows.sent > MAX_RESULT_BYTES {
            ran.truncated = true;
            break;
        }
    }
    rows.end()?;
    drop(stream);
    for scan in leaves(&plan) {
        let metrics = scan.metrics().unwrap_or_default();
        ran.rows_scanned += metrics.output_rows().unwrap_or(0) as u64;
        let counted = metrics.sum_by_name("bytes_scanned").map(|value| value.as_usize() as u64);
        // What is no scan of files reads nothing from storage.
        ran.bytes_scanned += counted.or_else(|| file_bytes(&scan)).unwrap_or(0);
    }
    Ok(ran)
}

/// The nodes of a plan that read from storage.
pub fn leaves(plan: &Arc<dyn ExecutionPlan>) -> Vec<Arc<dyn ExecutionPlan>> {
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
