//! A semantic query as SQL: a syntax tree is built and printed, so that no value is ever spliced into text.
//!
//! Joins run only from the many to the one, so no row is counted twice; related rows are asked for with a subquery.
//! Division is by NULLIF and in double precision.

mod drivers;
mod expressions;
mod facts;
mod filters;
mod growth;
mod scope;
mod select;
mod shapes;

use datafusion::sql::sqlparser::ast;
use pilothouse_domain::catalog::Dialect;
use pilothouse_domain::semantic::{Model, Query};

/// Why a query cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// A dataset that the model does not have.
    #[error("the model has no dataset `{0}`")]
    UnknownDataset(String),
    /// A field that the dataset does not have.
    #[error("dataset `{dataset}` has no field `{field}`")]
    UnknownField {
        /// The dataset.
        dataset: String,
        /// The field.
        field: String,
    },
    /// A dataset that cannot be reached from the rows asked about.
    #[error("no single way leads from `{from}` to `{to}`")]
    NoWay {
        /// Where the rows are.
        from: String,
        /// What was to be reached.
        to: String,
    },
    /// A query with parts that do not go together.
    #[error("this query cannot be computed: {0}")]
    Unsupported(&'static str),
    /// A date or a moment that is none.
    #[error("`{0}` is not a date or a moment")]
    BadMoment(String),
}

/// The SQL of `query` in `dialect`.
///
/// # Errors
/// When the query names what the model does not have, or its parts do not go together.
pub fn compile(query: &Query, model: &Model, dialect: Dialect) -> Result<String, CompileError> {
    Ok(tree(query, model, dialect)?.to_string())
}

fn tree(query: &Query, model: &Model, dialect: Dialect) -> Result<ast::Query, CompileError> {
    if model.dataset(&query.dataset).is_none() {
        return Err(CompileError::UnknownDataset(query.dataset.clone()));
    }
    if query.measures.is_empty() {
        return shapes::rows(query, model, dialect);
    }
    let built = shapes::aggregate(query, model, dialect)?;
    Ok(if query.count_groups { shapes::count_of(built) } else { built })
}

/// The names of the columns of the result of `query`, in order.
pub(in crate::semantic) fn column_names(query: &Query, model: &Model) -> Vec<String> {
    shapes::names(query, model)
}
