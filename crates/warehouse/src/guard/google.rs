//! BigQuery's dialect as the parser has it, and queries that begin with FROM besides, as its pipe syntax has them.

use std::any::TypeId;

use datafusion::sql::sqlparser::dialect::{BigQueryDialect, Dialect};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;

/// The dialect.
#[derive(Debug)]
pub struct GoogleSql;

const PARENT: BigQueryDialect = BigQueryDialect;

macro_rules! as_parent {
    ($($ask:ident),+) => { $(fn $ask(&self) -> bool { PARENT.$ask() })+ };
}

impl Dialect for GoogleSql {
    fn dialect(&self) -> TypeId {
        PARENT.dialect()
    }

    fn supports_from_first_select(&self) -> bool {
        true
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        PARENT.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        PARENT.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        PARENT.is_identifier_part(ch)
    }

    fn is_column_alias(&self, keyword: &Keyword, parser: &mut Parser<'_>) -> bool {
        PARENT.is_column_alias(keyword, parser)
    }

    as_parent!(
        supports_projection_trailing_commas,
        supports_triple_quoted_string,
        supports_window_function_null_treatment_arg,
        supports_string_literal_backslash_escape,
        supports_window_clause_named_window_reference,
        supports_parenthesized_set_variables,
        supports_select_wildcard_except,
        require_interval_qualifier,
        supports_struct_literal,
        supports_select_expr_star,
        supports_table_versioning,
        supports_group_by_expr,
        supports_pipe_operator,
        supports_select_wildcard_replace,
        supports_comma_separated_trim
    );
}
