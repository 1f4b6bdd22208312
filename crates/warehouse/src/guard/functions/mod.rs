//! What is known of functions: which may be called in a dialect, which make rows, and which make values of a size that
//! an argument decides.

mod bigquery;
mod datafusion;
mod postgres;
mod series;

use std::collections::HashSet;
use std::sync::LazyLock;

use pilothouse_domain::catalog::Dialect;

use super::children::{self, Child};
use super::ir::{Arg, Call, Expr};

pub use series::generated_rows;

/// Whether a function of this name is on the dialect's allow-list: it only computes from its arguments, in bounded time
/// and space.
pub fn is_allowed(name: &str, dialect: Dialect) -> bool {
    static DATAFUSION: LazyLock<HashSet<&str>> = LazyLock::new(|| allowed(Dialect::DataFusion).collect());
    static POSTGRES: LazyLock<HashSet<&str>> = LazyLock::new(|| allowed(Dialect::PostgreSql).collect());
    static BIGQUERY: LazyLock<HashSet<&str>> = LazyLock::new(|| allowed(Dialect::BigQuery).collect());
    match dialect {
        Dialect::DataFusion => DATAFUSION.contains(name),
        Dialect::PostgreSql => POSTGRES.contains(name),
        Dialect::BigQuery => BIGQUERY.contains(name),
    }
}

/// Every allowed name of a dialect, for suggestions.
pub fn allowed(dialect: Dialect) -> impl Iterator<Item = &'static str> {
    let (own, aggregates) = match dialect {
        Dialect::DataFusion => (datafusion::SCALAR, datafusion::AGGREGATE),
        Dialect::PostgreSql => (postgres::SCALAR, postgres::AGGREGATE),
        Dialect::BigQuery => (bigquery::SCALAR, bigquery::AGGREGATE),
    };
    own.iter().chain(aggregates).chain(WINDOW).copied()
}

/// Whether a function of this name may stand in FROM.
pub fn is_allowed_table(name: &str, dialect: Dialect) -> bool {
    match dialect {
        Dialect::DataFusion => ["generate_series", "range", "unnest"].contains(&name),
        Dialect::PostgreSql => {
            const OWN: [&str; 14] = [
                "generate_series",
                "generate_subscripts",
                "unnest",
                "regexp_split_to_table",
                "string_to_table",
                "json_each",
                "json_each_text",
                "jsonb_each",
                "jsonb_each_text",
                "json_array_elements",
                "json_array_elements_text",
                "jsonb_array_elements",
                "jsonb_array_elements_text",
                "jsonb_object_keys",
            ];
            OWN.contains(&name)
        }
        Dialect::BigQuery => name == "unnest",
    }
}

/// Window functions of both dialects.
const WINDOW: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
];

/// Which argument of a function decides how large its value is, counted from 0.
pub fn size_argument(name: &str) -> Option<usize> {
    match name {
        "repeat" | "lpad" | "rpad" | "array_repeat" | "list_repeat" | "array_resize" | "list_resize" => Some(1),
        "array_fill" => Some(1),
        _ => None,
    }
}

/// Names of the session's state, which analysts' queries have no business with.
pub fn is_session(name: &str) -> bool {
    [
        "current_user",
        "session_user",
        "user",
        "system_user",
        "current_role",
        "current_catalog",
        "current_database",
        "current_schema",
        "current_schemas",
        "current_setting",
        "current_query",
        "version",
        "inet_server_addr",
        "inet_client_addr",
        "pg_backend_pid",
        "txid_current",
    ]
    .contains(&name)
}

/// Names known to have effects or to read what a query may not: they get a clearer message than unknown ones.
pub fn is_forbidden(name: &str) -> bool {
    let prefixes =
        ["pg_", "lo_", "dblink", "has_", "txid_", "query_to_", "table_to_", "cursor_to_", "schema_to_", "database_to_"];
    let names = [
        "set_config",
        "nextval",
        "setval",
        "currval",
        "lastval",
        "sleep",
        "benchmark",
        "load_file",
        "ts_stat",
        "crosstab",
        "xpath",
        "system",
        "getvariable",
        "input_file_name",
        "file_row_index",
        "to_regclass",
        "to_regproc",
        "read_csv",
        "read_parquet",
        "read_json",
        "read_text",
        "copy",
        "load_extension",
        "query",
        "query_table",
    ];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) || names.contains(&name)
}

/// The plain name of a call.
pub fn name_of(call: &Call) -> Option<&str> {
    match call.name.as_slice() {
        [name] => Some(&name.text),
        // BigQuery's way to have NULL in place of an error.
        [safe, name] if safe.text == "safe" => Some(&name.text),
        _ => None,
    }
}

/// Whether an expression calls an aggregate of its own SELECT.
pub fn aggregates(expr: &Expr) -> bool {
    contains(expr, &|call| {
        let name = name_of(call).unwrap_or_default();
        call.over.is_none() && is_aggregate(name)
    })
}

/// Whether a function makes one value of many rows.
pub fn is_aggregate(name: &str) -> bool {
    static ALL: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let lists = [datafusion::AGGREGATE, postgres::AGGREGATE, bigquery::AGGREGATE];
        lists.into_iter().flatten().copied().collect()
    });
    ALL.contains(name)
}

/// Whether an aggregate gives a measure of its rows and never one of the values themselves.
pub fn is_statistic(name: &str) -> bool {
    let exact =
        ["count", "sum", "avg", "mean", "corr", "approx_distinct", "approx_count_distinct", "countif", "grouping"];
    let families = ["stddev", "var", "covar", "regr_"];
    exact.contains(&name) || families.iter().any(|family| name.starts_with(family))
}

/// Whether an expression can turn one row into many.
pub fn makes_rows(expr: &Expr) -> bool {
    contains(expr, &|call| {
        matches!(
            name_of(call),
            Some(
                "unnest"
                    | "generate_series"
                    | "regexp_split_to_table"
                    | "string_to_table"
                    | "regexp_matches"
                    | "generate_subscripts"
                    | "jsonb_array_elements"
                    | "json_array_elements"
                    | "jsonb_array_elements_text"
                    | "json_array_elements_text"
                    | "jsonb_object_keys"
                    | "json_object_keys"
            )
        )
    })
}

fn contains(expr: &Expr, wanted: &dyn Fn(&Call) -> bool) -> bool {
    if let Expr::Call(call) = expr
        && wanted(call)
    {
        return true;
    }
    let mut found = false;
    children::of_expr(expr, &mut |part| {
        if let Child::Expr(part) = part {
            found |= contains(part, wanted);
        }
    });
    found
}

/// How many rows `UNNEST` of array literals gives.
pub fn listed_rows(exprs: &[Expr]) -> Option<u64> {
    let lengths = exprs.iter().map(|expr| match expr.bare() {
        Expr::Array { items, .. } => u64::try_from(items.len()).ok(),
        Expr::Call(call) if matches!(name_of(call), Some("make_array" | "make_list")) => {
            u64::try_from(call.args.as_ref().map_or(0, Vec::len)).ok()
        }
        Expr::Call(call) => generated_rows(call),
        _ => None,
    });
    lengths.collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// The most a size argument can be: a literal, or the smaller of several of which one is.
pub fn bounded_size(expr: &Expr) -> Option<u64> {
    if let Some(value) = expr.integer() {
        return Some(u64::try_from(value).unwrap_or(0));
    }
    match expr.bare() {
        Expr::Cast { expr, .. } => bounded_size(expr),
        Expr::Call(call) if name_of(call) == Some("least") => call
            .args
            .iter()
            .flatten()
            .filter_map(|arg| match arg {
                Arg::Expr(expr) => bounded_size(expr),
                Arg::Named(..) | Arg::Star => None,
            })
            .min(),
        _ => None,
    }
}
