//! The guard's bounds, each a named constant and a field, so that a connection may be given tighter or wider ones.

/// Most bytes of a statement.
pub const MAX_BYTES: usize = 64 * 1024;
/// Most tokens of a statement, comments and white space not counted.
pub const MAX_TOKENS: usize = 10_000;
/// Deepest nesting of parentheses, brackets and CASE. The parser tries several constructs twice (even `NOT (`), so its
/// time doubles with each level: at this depth the worst takes about a tenth of a second.
pub const MAX_DEPTH: usize = 16;
/// Most operators in one expression, counted at one level of nesting.
pub const MAX_OPERATOR_CHAIN: usize = 500;
/// Most words in a row without an operator, a mark, a literal or a clause's key word between them. The parser recurses on
/// such runs (`INTERVAL INTERVAL …`) without counting; real statements have fewer than twenty.
pub const MAX_WORD_RUN: usize = 40;
/// Most INTERVAL words without a literal after them: the parser tries each of them twice, so its time doubles with each.
pub const MAX_BARE_INTERVALS: usize = 4;
/// Deepest nesting of CAST(…), POSITION(…), ARRAY[…] and their like within each other, for the same reason.
pub const MAX_NESTED_RETRIES: usize = 8;
/// Most UNION, INTERSECT and EXCEPT branches of a statement.
pub const MAX_SET_BRANCHES: usize = 100;
/// Most joins of one SELECT.
pub const MAX_JOINS: usize = 10;
/// Deepest nesting of queries within queries.
pub const MAX_SUBQUERY_DEPTH: usize = 8;
/// Most base tables once every reference to a CTE is written out.
pub const MAX_EXPANDED_RELATIONS: u64 = 200;
/// Rows a result is cut to when the statement has no LIMIT of its own.
pub const DEFAULT_LIMIT: u64 = 10_000;
/// Most rows a statement's own LIMIT may ask for before it is lowered.
pub const MAX_LIMIT: u64 = 1_000_000;
/// Most characters or elements that a size argument (of `repeat`, `lpad`, `array_repeat` …) may ask for.
pub const MAX_VALUE_SIZE: u64 = 10_000;
/// Most rows of `generate_series`, `range` and VALUES.
pub const MAX_GENERATED_ROWS: u64 = 100_000;
/// A side of an unconnected join is harmless when its shape alone bounds it to this many rows.
pub const SMALL_SIDE_ROWS: u64 = 1_000;
/// Most rounds of a recursive query.
pub const MAX_RECURSION: u64 = 1_000;
/// How deep the parser may recurse: the embedded engine's own setting, which the printed text must satisfy too.
pub const PARSER_RECURSION: usize = 50;

/// The bounds one check works under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// See [`MAX_BYTES`].
    pub max_bytes: usize,
    /// See [`MAX_TOKENS`].
    pub max_tokens: usize,
    /// See [`MAX_DEPTH`].
    pub max_depth: usize,
    /// See [`MAX_OPERATOR_CHAIN`].
    pub max_operator_chain: usize,
    /// See [`MAX_SET_BRANCHES`].
    pub max_set_branches: usize,
    /// See [`MAX_JOINS`].
    pub max_joins: usize,
    /// See [`MAX_SUBQUERY_DEPTH`].
    pub max_subquery_depth: usize,
    /// See [`MAX_EXPANDED_RELATIONS`].
    pub max_expanded_relations: u64,
    /// See [`DEFAULT_LIMIT`].
    pub default_limit: u64,
    /// See [`MAX_LIMIT`].
    pub max_limit: u64,
    /// See [`MAX_VALUE_SIZE`].
    pub max_value_size: u64,
    /// See [`MAX_GENERATED_ROWS`].
    pub max_generated_rows: u64,
    /// See [`SMALL_SIDE_ROWS`].
    pub small_side_rows: u64,
    /// See [`MAX_RECURSION`].
    pub max_recursion: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: MAX_BYTES,
            max_tokens: MAX_TOKENS,
            max_depth: MAX_DEPTH,
            max_operator_chain: MAX_OPERATOR_CHAIN,
            max_set_branches: MAX_SET_BRANCHES,
            max_joins: MAX_JOINS,
            max_subquery_depth: MAX_SUBQUERY_DEPTH,
            max_expanded_relations: MAX_EXPANDED_RELATIONS,
            default_limit: DEFAULT_LIMIT,
            max_limit: MAX_LIMIT,
            max_value_size: MAX_VALUE_SIZE,
            max_generated_rows: MAX_GENERATED_ROWS,
            small_side_rows: SMALL_SIDE_ROWS,
            max_recursion: MAX_RECURSION,
        }
    }
}
