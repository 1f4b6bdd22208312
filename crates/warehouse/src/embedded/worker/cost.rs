//! What a plan would read, before it reads anything: of Parquet, the columns that are asked for in the row groups that its
//! conditions leave, by the footers; of other formats, whole files.

use std::sync::Arc;

use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccessPlanFilter};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileSource, ParquetFileMetrics, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::parquet::file::metadata::ParquetMetaData;
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::prelude::SessionContext;
use pilothouse_domain::cost::{Basis, Estimate};

use super::run::{explain, leaves};
use super::view::View;
use crate::Error;

/// Files of one scan whose footers are looked at; with more, what is known of the whole table has to do.
const MAX_FOOTERS: usize = 256;

/// What `plan` would read.
pub async fn estimate(context: &SessionContext, view: &View, plan: &Arc<dyn ExecutionPlan>) -> Result<Estimate, Error> {
    let mut total = Estimate::nothing(Basis::Footers);
    for scan in leaves(plan) {
        let read = match parquet(&scan) {
            Some((files, source)) => by_footers(context, view, files, source).await.map_err(explain)?,
            None => by_statistics(&scan).map_err(explain)?,
        };
        total = total.and(read);
    }
    Ok(total)
}

/// Bytes of the parts of files that a node scans; none where it scans no files.
pub fn file_bytes(scan: &Arc<dyn ExecutionPlan>) -> Option<u64> {
    Some(parts(scan_of(scan)?).map(PartitionedFile::effective_size).sum())
}

fn scan_of(scan: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    scan.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()
}

fn parts(files: &FileScanConfig) -> impl Iterator<Item = &PartitionedFile> {
    files.file_groups.iter().flat_map(FileGroup::iter)
}

/// The scan of Parquet files that a node is, if there are not too many of them.
fn parquet(scan: &Arc<dyn ExecutionPlan>) -> Option<(&FileScanConfig, &ParquetSource)> {
    let files = scan_of(scan)?;
    let source = files.file_source().downcast_ref::<ParquetSource>()?;
    (parts(files).count() <= MAX_FOOTERS).then_some((files, source))
}

fn by_statistics(scan: &Arc<dyn ExecutionPlan>) -> Result<Estimate, DataFusionError> {
    let statistics = StatisticsContext::new().compute(scan.as_ref(), &StatisticsArgs::new())?;
    let known = |value: Option<&usize>| value.map(|value| *value as u64);
    // Formats without sizes of their columns are read whole.
    let bytes = known(statistics.total_byte_size.get_value()).or_else(|| file_bytes(scan));
    Ok(Estimate { rows: known(statistics.num_rows.get_value()), bytes, basis: Basis::Files })
}

async fn by_footers(
    context: &SessionContext,
    view: &View,
    files: &FileScanConfig,
    source: &ParquetSource,
) -> Result<Estimate, DataFusionError> {
    let cache = context.runtime_env().cache_manager.get_file_metadata_cache();
    let of_files =
        |condition| PruningPredicateBuilder::new().with_file_schema(files.file_schema().clone()).try_build(condition);
    let predicate = source.filter().map(of_files);
    // A condition that says nothing about row groups leaves all of them.
    let predicate = predicate.and_then(Result::ok);
    // By name: the files of one table may have their columns in different orders.
    let name = |index: usize| files.file_schema().fields().get(index).map(|field| field.name().as_str());
    let read =
        source.projection().map(|columns| columns.column_indices().into_iter().filter_map(name).collect::<Vec<_>>());
    let (mut rows, mut bytes) = (0, 0);
    for part in parts(files) {
        let footer = DFParquetMetadata::new(view, &part.object_meta).with_file_metadata_cache(Some(cache.clone()));
        let footer = footer.fetch_metadata().await?;
        let schema = footer.file_metadata().schema_descr();
        let is_read =
            |leaf: &usize| read.as_ref().is_none_or(|read| read.contains(&schema.get_column_root(*leaf).name()));
        let leaves: Vec<usize> = (0..schema.num_columns()).filter(is_read).collect();
        for group in left(&footer, part, files, predicate.as_ref()) {
            let group = footer.row_group(group);
            rows += group.num_rows().unsigned_abs();
            let sizes = leaves.iter().map(|leaf| group.column(*leaf).compressed_size());
            bytes += sizes.map(i64::unsigned_abs).sum::<u64>();
        }
    }
    Ok(Estimate { rows: Some(rows), bytes: Some(bytes), basis: Basis::Footers })
}

/// The row groups of a part of a file that a condition leaves.
fn left(
    footer: &ParquetMetaData,
    part: &PartitionedFile,
    files: &FileScanConfig,
    predicate: Option<&PruningPredicate>,
) -> Vec<usize> {
    let groups = footer.row_groups();
    let mut filter = RowGroupAccessPlanFilter::new(ParquetAccessPlan::new_all(groups.len()));
    if let Some(range) = &part.range {
        filter.prune_by_range(groups, range);
    }
    if let Some(predicate) = predicate {
        let metrics = ParquetFileMetrics::new(0, "", &ExecutionPlanMetricsSet::new());
        let schema = footer.file_metadata().schema_descr();
        filter.prune_by_statistics(files.file_schema(), schema, groups, predicate, &metrics);
    }
    filter.row_group_indexes().collect()
}
