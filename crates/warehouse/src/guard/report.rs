//! What the guard says: a verdict, every reason with its stable code and place, and the query that may run.

use std::ops::Deref;
use std::sync::Arc;

use pilothouse_domain::catalog::Dialect;
use serde::{Deserialize, Serialize};

use super::lexer::Pos;
use super::shape;

/// What may happen with a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may run as it stands (printed in canonical form).
    Allow,
    /// It may run in a changed form; the reasons name each change.
    AllowRewritten,
    /// It may run once a person has agreed to it.
    NeedsApproval,
    /// It may not run.
    Block,
}

macro_rules! reason_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// Why a statement was refused or changed; the text is stable and part of the interface.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ReasonCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)+
        }

        impl ReasonCode {
            /// Every code, for documents and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable text.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

reason_codes! {
    /// Longer than the byte limit.
    CapBytes = "cap.bytes",
    /// More tokens than allowed.
    CapTokens = "cap.tokens",
    /// Nested deeper than allowed.
    CapDepth = "cap.depth",
    /// More operators in one expression than allowed.
    CapOperators = "cap.operators",
    /// More set operations than allowed.
    CapSetBranches = "cap.set_branches",
    /// More joins than allowed.
    CapJoins = "cap.joins",
    /// More queries within queries than allowed.
    CapSubqueries = "cap.subqueries",
    /// References to CTEs multiply into too many tables.
    CapExpansion = "cap.expansion",
    /// A character that has no place in SQL outside strings.
    LexerCharacter = "lexer.character",
    /// A string, quoted name or comment that does not end.
    LexerUnterminated = "lexer.unterminated",
    /// A comment that some engines execute.
    LexerExecutableComment = "lexer.executable_comment",
    /// A form of literal that is read differently by different engines.
    LexerStringForm = "lexer.string_form",
    /// A parameter or variable.
    LexerParameter = "lexer.parameter",
    /// Our reading of the tokens and the parser's differ.
    LexerDifferential = "lexer.differential",
    /// There is no statement.
    StatementEmpty = "statement.empty",
    /// There is more than one statement.
    StatementMultiple = "statement.multiple",
    /// Not a kind of statement that only reads.
    StatementKind = "statement.kind",
    /// A writing statement within a query.
    StatementWrite = "statement.write",
    /// SELECT … INTO.
    StatementInto = "statement.into",
    /// FOR UPDATE, FOR SHARE.
    StatementLock = "statement.lock",
    /// A SETTINGS clause or session setting.
    StatementSetting = "statement.setting",
    /// Not valid SQL in this dialect.
    SyntaxError = "syntax.error",
    /// Valid SQL that the guard does not know.
    SyntaxUnsupported = "syntax.unsupported",
    /// A function that is not on the allow-list.
    FunctionUnknown = "function.unknown",
    /// A function named with a schema.
    FunctionQualified = "function.qualified",
    /// A function that has effects or reads what a query may not.
    FunctionForbidden = "function.forbidden",
    /// A table function that is not on the allow-list.
    FunctionTable = "function.table",
    /// A size argument without a bound, or beyond it.
    FunctionSize = "function.size",
    /// The session's user, role or catalog.
    FunctionSession = "function.session",
    /// A file or address instead of a table.
    TableFile = "table.file",
    /// No such table.
    TableUnknown = "table.unknown",
    /// Two tables of one FROM have the same name.
    TableDuplicate = "table.duplicate",
    /// A system catalog.
    CatalogSystem = "catalog.system",
    /// A cast that looks up the system catalog.
    CatalogCast = "catalog.cast",
    /// A type the guard does not know.
    TypeUnknown = "type.unknown",
    /// No such column.
    ColumnUnknown = "column.unknown",
    /// A column name that more than one table has.
    ColumnAmbiguous = "column.ambiguous",
    /// A table's name used as a value.
    ColumnWholeRow = "column.whole_row",
    /// A restricted column that is more than counted.
    ColumnRestricted = "column.restricted",
    /// What tells something about single persons.
    ColumnQuasi = "column.quasi",
    /// A column is read masked.
    ColumnMasked = "column.masked",
    /// Only some rows of a table are seen.
    RowsFiltered = "rows.filtered",
    /// Small groups are left out.
    GroupThreshold = "group.threshold",
    /// A table that may be read once a person has agreed.
    ApprovalTable = "approval.table",
    /// Tables that no two-sided equality connects.
    JoinUnconnected = "join.unconnected",
    /// A recursive CTE.
    QueryRecursive = "query.recursive",
    /// A LIMIT or OFFSET that is not a number.
    LimitDynamic = "limit.dynamic",
    /// A LIMIT was added.
    LimitAdded = "limit.added",
    /// A LIMIT was lowered to the most rows allowed.
    LimitLowered = "limit.lowered",
    /// The printed text did not read back as the same query.
    PrintMismatch = "print.mismatch",
}

impl ReasonCode {
    /// Whether the statement may still run, changed.
    pub fn is_rewrite(self) -> bool {
        matches!(
            self,
            Self::LimitAdded | Self::LimitLowered | Self::ColumnMasked | Self::RowsFiltered | Self::GroupThreshold
        )
    }

    /// Whether the statement may still run, once a person has agreed.
    pub fn is_approval(self) -> bool {
        matches!(self, Self::ApprovalTable)
    }

    /// Whether the statement may not run.
    pub fn blocks(self) -> bool {
        !self.is_rewrite() && !self.is_approval()
    }
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The stable code.
    pub code: ReasonCode,
    /// Plain words.
    pub message: String,
    /// Line in the statement, from 1, where there is one place.
    pub line: Option<u32>,
    /// Column in the line, in characters from 1.
    pub column: Option<u32>,
    /// What might have been meant, or how to mend it.
    pub suggestion: Option<String>,
}

impl Reason {
    /// A reason that concerns the whole statement.
    pub(super) fn whole(code: ReasonCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), line: None, column: None, suggestion: None }
    }

    /// A reason with a place.
    pub(super) fn at(code: ReasonCode, pos: Pos, message: impl Into<String>) -> Self {
        let mut reason = Self::whole(code, message);
        if pos.line > 0 {
            reason.line = Some(pos.line);
            reason.column = Some(pos.column);
        }
        reason
    }

    /// The same with a suggestion.
    pub(super) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }
}

/// The outcome of one check.
#[derive(Debug, Clone)]
pub struct Report {
    /// What may happen.
    pub verdict: Verdict,
    /// Every reason found, in the order of the rules.
    pub reasons: Vec<Reason>,
    /// The query that may run; none when blocked, or as long as nobody has agreed to it.
    pub query: Option<CheckedQuery>,
    /// What would run; none when blocked.
    pub canonical: Option<Arc<CanonicalQuery>>,
    /// Bytes of the statement as it was handed in.
    pub original_bytes: usize,
}

impl Report {
    /// Whether a reason has this code.
    pub fn has(&self, code: ReasonCode) -> bool {
        self.reasons.iter().any(|reason| reason.code == code)
    }

    /// The query that may run because people have agreed to this text of it; none where that is not, to the byte, what
    /// would run.
    pub fn agreed(&self, text: &str) -> Option<CheckedQuery> {
        self.canonical.clone().filter(|canonical| canonical.sql() == text).map(CheckedQuery)
    }
}

/// A query that may run. Only the guard can build one, and engines run nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedQuery(pub(super) Arc<CanonicalQuery>);

impl Deref for CheckedQuery {
    type Target = CanonicalQuery;

    fn deref(&self) -> &CanonicalQuery {
        &self.0
    }
}

/// A query as the guard writes it down: what would run, and what that reads. It may be priced; to run, it must be a
/// [`CheckedQuery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalQuery {
    pub(super) sql: String,
    pub(super) dialect: Dialect,
    pub(super) tables: Vec<String>,
    pub(super) columns: Vec<(String, String)>,
    pub(super) fingerprint: String,
    pub(super) limit: u64,
}

impl CanonicalQuery {
    /// The canonical text: what runs.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The base tables read, sorted, each once.
    pub fn tables(&self) -> &[String] {
        &self.tables
    }

    /// The base columns read as `(table, column)`, sorted, each once; a star counts as all columns.
    pub fn columns(&self) -> &[(String, String)] {
        &self.columns
    }

    /// A hash of the canonical text in hexadecimal: equal for statements that differ only in spelling.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// A hash in hexadecimal that is the same for queries that differ in nothing but their literals.
    pub fn shape(&self) -> String {
        shape::of(&self.sql, self.dialect)
    }

    /// The most rows the query can return.
    pub fn limit(&self) -> u64 {
        self.limit
    }
}
