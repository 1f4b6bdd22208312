//! Infers which columns refer to which tables: the names suggest it and the values are checked.

use datafusion::functions_aggregate::expr_fn::count_distinct;
use datafusion::logical_expr::{JoinType, ident};
use datafusion::prelude::SessionContext;
use pilothouse_domain::catalog::{Catalog, Column, DataType, Evidence, ForeignKey, Table};

use super::profile::{collect, first_number};
use super::run::explain;
use crate::Error;

/// Least percent of the referring values that must exist in the other table.
const MIN_MATCHED_PERCENT: u64 = 75;
/// Most distinct values of a referring text column whose name says nothing about what it refers to.
const MAX_VALUES_WITHOUT_A_NAME: u64 = 200;
/// Longest text, in bytes, of a value that may be a code for something.
const MAX_CODE_BYTES: usize = 8;

/// Whether a column can identify rows: whole numbers and text can, measures and times do not.
pub fn may_be_key(column: &Column) -> bool {
    matches!(column.data_type, DataType::Integer | DataType::String)
}

/// Fills in the foreign keys of every table.
pub async fn infer(context: &SessionContext, catalog: &mut Catalog) -> Result<(), Error> {
    let mut found = Vec::new();
    for (index, table) in catalog.tables.iter().enumerate() {
        for column in table.columns.iter().filter(|column| may_be_key(column)) {
            if let Some(key) = reference(context, catalog, table, column).await? {
                found.push((index, key));
            }
        }
    }
    for (index, key) in found {
        catalog.tables[index].foreign_keys.push(key);
    }
    Ok(())
}

/// The best table that `column` refers to, if its values bear it out.
async fn reference(
    context: &SessionContext,
    catalog: &Catalog,
    table: &Table,
    column: &Column,
) -> Result<Option<ForeignKey>, Error> {
    let is_own_key = table.primary_key.as_slice() == [column.name.clone()];
    let mut best: Option<ForeignKey> = None;
    let mut best_percent = MIN_MATCHED_PERCENT - 1;
    for other in &catalog.tables {
        let [key] = other.primary_key.as_slice() else { continue };
        let Some(key_column) = other.column(key) else { continue };
        if other.name == table.name || is_own_key || !plausible(column, other, key_column) {
            continue;
        }
        let percent = matched_percent(context, (&table.name, column), (&other.name, key)).await?;
        if percent > best_percent {
            best_percent = percent;
            best = Some(ForeignKey {
                columns: vec![column.name.clone()],
                table: other.name.clone(),
                references: vec![key.clone()],
                evidence: Evidence::Inferred { matched_percent: percent.min(100) as u8 },
            });
        }
    }
    Ok(best)
}

/// Whether it is worth looking at the values: the names agree, or both hold short codes.
fn plausible(column: &Column, other: &Table, key: &Column) -> bool {
    if column.data_type != key.data_type {
        return false;
    }
    let (name, key_name) = (column.name.to_ascii_lowercase(), key.name.to_ascii_lowercase());
    let singular = other.name.trim_end_matches('s');
    let named = (name == key_name && name != "id")
        || (key_name == "id" && (name == format!("{singular}_id") || name == format!("{singular}id")));
    named || (column.data_type == DataType::String && holds_codes(column))
}

fn holds_codes(column: &Column) -> bool {
    column.distinct.is_some_and(|distinct| distinct > 1 && distinct <= MAX_VALUES_WITHOUT_A_NAME)
        && column.values.as_ref().is_some_and(|values| values.iter().all(|value| value.len() <= MAX_CODE_BYTES))
}

async fn matched_percent(
    context: &SessionContext,
    (table, column): (&str, &Column),
    (other, key): (&str, &str),
) -> Result<u64, Error> {
    let name = column.name.as_str();
    let values = context.table(table).await.and_then(|frame| frame.select(vec![ident(name).alias("value")]));
    let values = values.and_then(|frame| frame.distinct()).map_err(explain)?;
    let keys = context.table(other).await.and_then(|frame| frame.select(vec![ident(key).alias("key")]));
    let keys = keys.map_err(explain)?;
    let counted = |frame: datafusion::prelude::DataFrame| {
        frame.aggregate(Vec::new(), vec![count_distinct(ident("value")).alias("n")]).map_err(explain)
    };
    let total = first_number(collect(counted(values.clone())?).await?).unwrap_or(0);
    let joined = values.join(keys, JoinType::LeftSemi, &["value"], &["key"], None).map_err(explain)?;
    let matched = first_number(collect(counted(joined)?).await?).unwrap_or(0);
    Ok((matched * 100).checked_div(total).unwrap_or(0))
}
