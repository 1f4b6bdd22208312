//! The dialects as the parser has them, with three things of our own: what most expressions begin with is read at once; and
//! in BigQuery's, queries begin with FROM, as its pipe syntax has them, and arrays say their type.

use std::any::TypeId;
use std::iter::Peekable;
use std::str::Chars;

use datafusion::sql::sqlparser::ast::{
    Array, CastKind, ColumnOption, Expr, GranteesType, Ident, ObjectName, ObjectNamePart, Statement,
};
use datafusion::sql::sqlparser::dialect::{BigQueryDialect, Dialect, GenericDialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;
use pilothouse_domain::catalog::Dialect as Of;

/// Words that the parser knows and that mean a column or a function where an expression begins.
const PLAIN: [Keyword; 24] = [
    Keyword::NoKeyword,
    Keyword::AVG,
    Keyword::CATEGORY,
    Keyword::CHANNEL,
    Keyword::COALESCE,
    Keyword::COUNT,
    Keyword::DAY,
    Keyword::HOUR,
    Keyword::ID,
    Keyword::LAG,
    Keyword::LOWER,
    Keyword::MAX,
    Keyword::MIN,
    Keyword::MONTH,
    Keyword::NAME,
    Keyword::NULLIF,
    Keyword::QUARTER,
    Keyword::RANK,
    Keyword::ROW_NUMBER,
    Keyword::SOURCE,
    Keyword::STATUS,
    Keyword::SUM,
    Keyword::WEEK,
    Keyword::YEAR,
];

/// The parser's own form of a dialect.
pub(super) fn of(dialect: Of) -> &'static dyn Dialect {
    match dialect {
        Of::DataFusion => &Own { parent: GenericDialect, google: false },
        Of::PostgreSql => &Own { parent: PostgreSqlDialect {}, google: false },
        Of::BigQuery => &Own { parent: BigQueryDialect, google: true },
    }
}

/// A dialect of the parser's with what is our own.
#[derive(Debug)]
struct Own<D> {
    parent: D,
    google: bool,
}

macro_rules! as_parent {
    ($($ask:ident),+) => { $(fn $ask(&self) -> bool { self.parent.$ask() })+ };
}

impl<D: Dialect> Dialect for Own<D> {
    fn dialect(&self) -> TypeId {
        self.parent.dialect()
    }

    fn supports_from_first_select(&self) -> bool {
        self.google || self.parent.supports_from_first_select()
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        if self.google && parser.peek_keyword(Keyword::ARRAY) && parser.peek_nth_token_ref(1).token == Token::Lt {
            return Some(typed_array(parser));
        }
        self.parent.parse_prefix(parser).or_else(|| plain(parser))
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        self.parent.is_delimited_identifier_start(ch)
    }

    fn is_nested_delimited_identifier_start(&self, ch: char) -> bool {
        self.parent.is_nested_delimited_identifier_start(ch)
    }

    fn peek_nested_delimited_identifier_quotes(&self, chars: Peekable<Chars<'_>>) -> Option<(char, Option<char>)> {
        self.parent.peek_nested_delimited_identifier_quotes(chars)
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        self.parent.identifier_quote_style(identifier)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.parent.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.parent.is_identifier_part(ch)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        self.parent.is_custom_operator_part(ch)
    }

    fn parse_infix(&self, parser: &mut Parser<'_>, expr: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        self.parent.parse_infix(parser, expr, precedence)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        self.parent.get_next_precedence(parser)
    }

    fn get_next_precedence_default(&self, parser: &Parser<'_>) -> Result<u8, ParserError> {
        self.parent.get_next_precedence_default(parser)
    }

    fn parse_statement(&self, parser: &mut Parser<'_>) -> Option<Result<Statement, ParserError>> {
        self.parent.parse_statement(parser)
    }

    fn parse_column_option(
        &self,
        parser: &mut Parser<'_>,
    ) -> Result<Option<Result<Option<ColumnOption>, ParserError>>, ParserError> {
        self.parent.parse_column_option(parser)
    }

    fn prec_value(&self, prec: Precedence) -> u8 {
        self.parent.prec_value(prec)
    }

    fn prec_unknown(&self) -> u8 {
        self.parent.prec_unknown()
    }

    fn is_reserved_for_identifier(&self, kw: Keyword) -> bool {
        self.parent.is_reserved_for_identifier(kw)
    }

    fn get_reserved_keywords_for_select_item_operator(&self) -> &[Keyword] {
        self.parent.get_reserved_keywords_for_select_item_operator()
    }

    fn get_reserved_grantees_types(&self) -> &[GranteesType] {
        self.parent.get_reserved_grantees_types()
    }

    fn is_column_alias(&self, kw: &Keyword, parser: &mut Parser<'_>) -> bool {
        self.parent.is_column_alias(kw, parser)
    }

    fn is_select_item_alias(&self, explicit: bool, kw: &Keyword, parser: &mut Parser<'_>) -> bool {
        self.parent.is_select_item_alias(explicit, kw, parser)
    }

    fn is_table_factor(&self, kw: &Keyword, parser: &mut Parser<'_>) -> bool {
        self.parent.is_table_factor(kw, parser)
    }

    fn is_table_alias(&self, kw: &Keyword, parser: &mut Parser<'_>) -> bool {
        self.parent.is_table_alias(kw, parser)
    }

    fn is_table_factor_alias(&self, explicit: bool, kw: &Keyword, parser: &mut Parser<'_>) -> bool {
        self.parent.is_table_factor_alias(explicit, kw, parser)
    }

    fn is_identifier_generating_function_name(&self, ident: &Ident, name_parts: &[ObjectNamePart]) -> bool {
        self.parent.is_identifier_generating_function_name(ident, name_parts)
    }

    as_parent!(
        supports_string_literal_backslash_escape,
        ignores_wildcard_escapes,
        supports_unicode_string_literal,
        supports_filter_during_aggregation,
        supports_window_clause_named_window_reference,
        supports_within_after_array_aggregation,
        supports_partition_by_after_order_by,
        supports_array_join_syntax,
        supports_group_by_expr,
        supports_group_by_with_modifier,
        supports_left_associative_joins_without_parens,
        supports_outer_join_operator,
        supports_cross_join_constraint,
        supports_connect_by,
        supports_execute_immediate,
        supports_match_recognize,
        supports_in_empty_list,
        supports_start_transaction_modifier,
        supports_end_transaction_modifier,
        supports_named_fn_args_with_eq_operator,
        supports_named_fn_args_with_colon_operator,
        supports_named_fn_args_with_assignment_operator,
        supports_named_fn_args_with_rarrow_operator,
        supports_named_fn_args_with_expr_name,
        supports_numeric_prefix,
        supports_numeric_literal_underscores,
        supports_window_function_null_treatment_arg,
        supports_dictionary_syntax,
        support_map_literal_syntax,
        supports_lambda_functions,
        supports_parenthesized_set_variables,
        supports_comma_separated_set_assignments,
        supports_update_order_by,
        supports_select_wildcard_except,
        convert_type_before_value,
        supports_triple_quoted_string,
        supports_trailing_commas,
        supports_limit_comma,
        supports_string_literal_concatenation,
        supports_string_literal_concatenation_with_newline,
        supports_projection_trailing_commas,
        supports_from_trailing_commas,
        supports_column_definition_trailing_commas,
        supports_object_name_double_dot_notation,
        supports_struct_literal,
        supports_empty_projections,
        supports_select_expr_star,
        supports_from_first_insert,
        supports_pipe_operator,
        supports_user_host_grantee,
        supports_match_against,
        supports_select_wildcard_exclude,
        supports_select_exclude,
        supports_create_table_multi_schema_info_sources,
        supports_select_modifiers,
        describe_requires_table_keyword,
        allow_extract_custom,
        allow_extract_single_quotes,
        supports_extract_comma_syntax,
        supports_subquery_as_function_arg,
        supports_create_view_comment_syntax,
        supports_array_typedef_without_element_type,
        supports_parens_around_table_factor,
        supports_values_as_table_factor,
        supports_dollar_placeholder,
        supports_dollar_as_money_prefix,
        supports_create_index_with_clause,
        require_interval_qualifier,
        supports_explain_with_utility_options,
        supports_asc_desc_in_column_definition,
        supports_factorial_operator,
        supports_bitwise_shift_operators,
        supports_nested_comments,
        supports_multiline_comment_hints,
        supports_eq_alias_assignment,
        supports_try_convert,
        supports_bang_not_operator,
        supports_listen_notify,
        supports_load_data,
        supports_load_extension,
        supports_top_before_distinct,
        supports_boolean_literals,
        supports_show_like_before_in,
        supports_comment_on,
        supports_create_table_select,
        supports_partiql,
        supports_constraint_keyword_without_name,
        supports_key_column_option,
        supports_table_sample_before_alias,
        supports_insert_set,
        supports_insert_table_function,
        supports_insert_table_query,
        supports_insert_format,
        supports_insert_table_alias,
        supports_set_stmt_without_operator,
        supports_table_versioning,
        supports_string_escape_constant,
        supports_table_hints,
        requires_single_line_comment_whitespace,
        supports_array_typedef_with_brackets,
        supports_geometric_types,
        supports_order_by_all,
        supports_set_names,
        supports_space_separated_column_options,
        supports_alter_column_type_using,
        supports_comma_separated_drop_column_list,
        supports_notnull_operator,
        supports_data_type_signed_suffix,
        supports_interval_options,
        supports_create_table_like_parenthesized,
        supports_semantic_view_table_factor,
        supports_quote_delimited_string,
        supports_comment_optimizer_hint,
        supports_double_ampersand_operator,
        supports_binary_kw_as_cast,
        supports_select_wildcard_replace,
        supports_select_wildcard_ilike,
        supports_select_wildcard_rename,
        supports_select_wildcard_with_alias,
        supports_optimize_table,
        supports_install,
        supports_detach,
        supports_prewhere,
        supports_with_fill,
        supports_limit_by,
        supports_interpolate,
        supports_settings,
        supports_select_format,
        supports_comma_separated_trim,
        supports_cte_without_as,
        supports_select_item_multi_column_alias,
        supports_xml_expressions,
        supports_create_table_using,
        supports_long_type_as_bigint,
        supports_map_literal_with_angle_brackets
    );
}

/// A number, a text, a column or a function's call. The parser would first look for a type there, and word an error about it
/// for every name, number and text of a query.
fn plain(parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
    let next = &parser.peek_nth_token_ref(1).token;
    match &parser.peek_token_ref().token {
        Token::Number(..) | Token::SingleQuotedString(_) => Some(parser.parse_value().map(Expr::Value)),
        Token::Word(word) if PLAIN.contains(&word.keyword) && follows_name(next) => {
            // `a (+)` joins in one of the dialects, and `a b -> …` is a function in another.
            let third = &parser.peek_nth_token_ref(2).token;
            if matches!(third, Token::Arrow) || *next == Token::LParen && *third == Token::Plus {
                return None;
            }
            let calls = *next == Token::LParen;
            let span = parser.peek_token_ref().span;
            let name = word.to_ident(span);
            parser.advance_token();
            Some(if calls { parser.parse_function(ObjectName::from(vec![name])) } else { Ok(Expr::Identifier(name)) })
        }
        _ => None,
    }
}

/// Whether the word before this is the whole name of a column or a function, and not a type.
fn follows_name(token: &Token) -> bool {
    use Token as T;
    matches!(
        token,
        T::Comma
            | T::Period
            | T::LParen
            | T::RParen
            | T::Word(_)
            | T::SemiColon
            | T::StringConcat
            | T::RBracket
            | T::EOF
            | T::DoubleColon
            | T::Eq
            | T::Neq
            | T::Lt
            | T::Gt
            | T::LtEq
            | T::GtEq
            | T::Plus
            | T::Minus
            | T::Mul
            | T::Div
    )
}

/// `ARRAY<INT64>[1, 2]` is `CAST([1, 2] AS ARRAY<INT64>)`.
fn typed_array(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    let data_type = parser.parse_data_type()?;
    parser.expect_token(&Token::LBracket)?;
    let empty = parser.peek_token_ref().token == Token::RBracket;
    let elem = if empty { Vec::new() } else { parser.parse_comma_separated(Parser::parse_expr)? };
    parser.expect_token(&Token::RBracket)?;
    let array = Expr::Array(Array { elem, named: false });
    Ok(Expr::Cast { kind: CastKind::Cast, expr: Box::new(array), data_type, array: false, format: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::ast::Statement;

    const FRESH: &str = include_str!("../../tests/corpus/fresh.jsonl");
    /// What begins like a column, a function, a number or a text.
    const OTHERS: [&str; 14] = [
        "SELECT a -> 'b', a ->> 'b', a.b -> c FROM t",
        "SELECT f(x -> x + 1), f((x, y) -> x), f(x INT -> x) FROM t",
        "SELECT a COLLATE c, 'a' COLLATE c, lower(a) COLLATE c, a.b COLLATE c FROM t",
        "SELECT date '2025-01-01', date, timestamp '2025-01-01 00:00:00', interval '1' day, interval FROM t",
        "SELECT a[1], a[1][2], a.b[1].c, f(a)[1] FROM t",
        "SELECT month, day, year, name, id, count, sum(sum), count(*), max(max) FROM t",
        "SELECT 'a' 'b', 'a' || 'b', -1, - a, + 1.5, 1e3, 1 :: int, a :: text, 'x' :: date FROM t",
        "SELECT a b, a AS b, f(a) b, 1 c, 'a' d, a IS NULL, a IN (1), a BETWEEN 1 AND 2, a LIKE 'x' FROM t",
        "SELECT count(DISTINCT a) FILTER (WHERE b) OVER (PARTITION BY c ORDER BY d) FROM t",
        "SELECT xml '<a/>', _utf8 'a', n 'a', x'1F', b'1', e'a' FROM t",
        "SELECT f(a => 1, b := 2), f(), a.f(1), a.b.f(1), (a).b, (a, b) FROM t",
        "SELECT case WHEN a THEN 1 END, not a, exists (SELECT 1), array[1], cast(a AS int), extract(year FROM a) FROM t",
        "SELECT a (+) FROM t",
        "SELECT a, 1, 'x', f(",
    ];

    fn read(dialect: &dyn Dialect, sql: &str) -> Option<Vec<Statement>> {
        Parser::parse_sql(dialect, sql).ok()
    }

    #[test]
    fn what_the_parser_reads_is_read_the_same() {
        let parents: [(Of, &dyn Dialect); 3] = [
            (Of::DataFusion, &GenericDialect),
            (Of::PostgreSql, &PostgreSqlDialect {}),
            (Of::BigQuery, &BigQueryDialect),
        ];
        let of_line = |line: &str| {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            case["sql"].as_str().unwrap().to_owned()
        };
        let corpus = FRESH.lines().map(of_line);
        let mut same = 0;
        for sql in corpus.chain(OTHERS.map(str::to_owned)).filter(|sql| sql.len() < 5_000) {
            for (dialect, parent) in parents {
                let (ours, theirs) = (read(of(dialect), &sql), read(parent, &sql));
                // BigQuery's pipes and typed arrays are our own.
                if theirs.is_some() || dialect != Of::BigQuery {
                    assert_eq!(ours, theirs, "{dialect:?} {sql}");
                    same += usize::from(ours.is_some());
                }
            }
        }
        assert!(same > 300, "{same} were read");
    }
}
