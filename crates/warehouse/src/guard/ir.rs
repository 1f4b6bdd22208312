//! The guard's own tree of a query. What has no place in it cannot run.
//!
//! Left-deep chains (of operators, of set operations) are flat lists here, so the depth of the tree is the depth of
//! the brackets in the text. Places compare equal, so two trees are equal when they mean the same text.

use smol_str::{SmolStr, format_smolstr};

use super::access::Marks;
use super::lexer::Pos;
use super::names::Name;

/// Numbers a FROM item within one check.
pub type RelId = u32;

/// A query with its clauses.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Whether the CTEs may name themselves.
    pub recursive: bool,
    pub ctes: Vec<Cte>,
    pub body: Body,
    pub order_by: Vec<OrderItem>,
    pub limit: Option<Expr>,
    pub offset: Option<Expr>,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cte {
    pub name: Name,
    pub columns: Vec<Name>,
    pub query: Query,
    pub materialized: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Select(Box<Select>),
    Nested(Box<Query>),
    Values(Vec<Vec<Expr>>),
    Chain { first: Box<Body>, rest: Vec<Branch> },
}

/// One more branch of a chain of set operations.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// The operator with its quantifier, as printed.
    pub operator: &'static str,
    pub body: Body,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// `SELECT AS STRUCT`: the columns are the fields of one value.
    pub as_struct: bool,
    pub distinct: Distinct,
    pub items: Vec<Item>,
    pub from: Vec<FromItem>,
    pub filter: Option<Expr>,
    pub group_by: GroupBy,
    pub having: Option<Expr>,
    pub windows: Vec<(Name, Window)>,
    pub qualify: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Distinct {
    No,
    Yes,
    On(Vec<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum GroupBy {
    None,
    All,
    Exprs(Vec<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Expr { expr: Expr, alias: Option<Name> },
    Star(Star),
}

/// `*` or `t.*`, with what is left out, replaced or renamed.
#[derive(Debug, Clone, PartialEq)]
pub struct Star {
    pub qualifier: Vec<Name>,
    pub except: Vec<Name>,
    /// Whether EXCLUDE was written; the engine takes both, each in its own place.
    pub exclude: bool,
    pub replace: Vec<(Expr, Name)>,
    pub rename: Vec<(Name, Name)>,
    pub pos: Pos,
    /// What the values of its columns carry with them.
    pub marks: Marks,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FromItem {
    pub relation: Relation,
    pub joins: Vec<Join>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    pub kind: JoinKind,
    pub constraint: Constraint,
    pub relation: Relation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
    LeftSemi,
    RightSemi,
    LeftAnti,
    RightAnti,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Constraint {
    None,
    On(Expr),
    Using(Vec<Name>),
    Natural,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    pub source: Source,
    pub alias: Option<Alias>,
    pub pos: Pos,
    /// Set when names are resolved.
    pub id: RelId,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    Table(Vec<Name>),
    Derived {
        lateral: bool,
        query: Box<Query>,
    },
    Function {
        lateral: bool,
        call: Call,
    },
    Unnest {
        exprs: Vec<Expr>,
        ordinality: bool,
        /// `WITH OFFSET AS name`.
        offset: Option<Name>,
    },
    Nested(Box<FromItem>),
    Pivot(Box<Pivot>),
    Unpivot(Box<Unpivot>),
    /// Stands for what was refused already, so that the rest can still be checked.
    Refused,
}

/// An expression that may have a name.
pub type Named = (Expr, Option<Name>);

/// `t PIVOT (SUM(x) AS s FOR column IN ('a', 'b' AS c))`: rows are grouped by every other column of `t`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pivot {
    pub of: Relation,
    pub aggregates: Vec<Named>,
    pub column: Expr,
    pub values: Vec<Named>,
}

/// `t UNPIVOT (value FOR name IN (a, b))`.
#[derive(Debug, Clone, PartialEq)]
pub struct Unpivot {
    pub of: Relation,
    pub nulls: Option<&'static str>,
    pub value: Name,
    pub name: Name,
    pub columns: Vec<Named>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    pub name: Name,
    pub columns: Vec<Name>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OrderItem {
    pub expr: Expr,
    pub ascending: Option<bool>,
    pub nulls_first: Option<bool>,
}

/// A window by its name, or its definition.
#[derive(Debug, Clone, PartialEq)]
pub enum Window {
    Named(Name),
    Spec(Box<WindowSpec>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct WindowSpec {
    pub base: Option<Name>,
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<OrderItem>,
    pub frame: Option<Frame>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub units: &'static str,
    pub start: Bound,
    pub end: Option<Bound>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    CurrentRow,
    Preceding(Option<Expr>),
    Following(Option<Expr>),
}

/// A column by its written name; the resolver fills in what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Table (with schema) and column, and fields of it.
    pub parts: Vec<Name>,
    /// The FROM item it belongs to.
    pub relation: Option<RelId>,
    /// What its value carries with it.
    pub marks: Marks,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Number(SmolStr),
    Text(String),
    Bool(bool),
    Null,
}

/// A call of a function, with the clauses that calls may have.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub name: Vec<Name>,
    /// None for words such as CURRENT_DATE that are called without parentheses.
    pub args: Option<Vec<Arg>>,
    pub distinct: bool,
    pub order_by: Vec<OrderItem>,
    pub within_group: Vec<OrderItem>,
    pub filter: Option<Box<Expr>>,
    pub nulls: Option<&'static str>,
    /// How many rows an aggregate takes.
    pub limit: Option<Box<Expr>>,
    /// `HAVING MAX x`: of the rows with the largest `x` alone.
    pub having: Option<(&'static str, Box<Expr>)>,
    pub over: Option<Window>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    Expr(Expr),
    /// `name => value`.
    Named(Name, Expr),
    Star,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Access {
    Field(Name),
    Index(Expr),
    Slice(Option<Expr>, Option<Expr>),
}

/// A type, composed from the guard's own list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type(pub String);

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Column(Column),
    Literal(Literal),
    /// `DATE '2013-01-01'`.
    Typed {
        ty: Type,
        text: String,
    },
    Interval {
        value: Box<Expr>,
        unit: Option<&'static str>,
    },
    /// `first op a op b …`, with the operators as printed.
    Chain {
        first: Box<Expr>,
        rest: Vec<(&'static str, Expr)>,
    },
    /// NOT, + and -.
    Unary {
        operator: &'static str,
        expr: Box<Expr>,
    },
    /// `IS NULL` and its like, as printed after IS.
    Is {
        expr: Box<Expr>,
        test: &'static str,
    },
    IsDistinct {
        left: Box<Expr>,
        right: Box<Expr>,
        negated: bool,
    },
    InList {
        expr: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    InQuery {
        expr: Box<Expr>,
        query: Box<Query>,
        negated: bool,
    },
    Between {
        expr: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
    },
    Like {
        expr: Box<Expr>,
        pattern: Box<Expr>,
        operator: &'static str,
        negated: bool,
        escape: Option<String>,
    },
    Quantified {
        left: Box<Expr>,
        operator: &'static str,
        all: bool,
        right: Box<Expr>,
    },
    Cast {
        expr: Box<Expr>,
        ty: Type,
        forgiving: bool,
    },
    AtTimeZone {
        expr: Box<Expr>,
        zone: Box<Expr>,
    },
    Extract {
        field: &'static str,
        expr: Box<Expr>,
    },
    Position {
        needle: Box<Expr>,
        haystack: Box<Expr>,
    },
    Substring {
        expr: Box<Expr>,
        from: Option<Box<Expr>>,
        length: Option<Box<Expr>>,
    },
    Trim {
        side: Option<&'static str>,
        what: Option<Box<Expr>>,
        expr: Box<Expr>,
    },
    Overlay {
        expr: Box<Expr>,
        what: Box<Expr>,
        from: Box<Expr>,
        length: Option<Box<Expr>>,
    },
    Case {
        operand: Option<Box<Expr>>,
        whens: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Exists {
        query: Box<Query>,
        negated: bool,
    },
    Subquery(Box<Query>),
    Tuple(Vec<Expr>),
    Array {
        items: Vec<Expr>,
        keyword: bool,
    },
    Access {
        root: Box<Expr>,
        path: Vec<Access>,
    },
    Nested(Box<Expr>),
    /// A part of a date as an argument: `DATE_TRUNC(d, MONTH)`.
    Part(&'static str),
    /// `STRUCT(a AS x, b)`.
    Struct(Vec<Named>),
    /// `ARRAY(SELECT …)`.
    ArrayQuery(Box<Query>),
    /// `x IN UNNEST(array)`.
    InUnnest {
        expr: Box<Expr>,
        array: Box<Expr>,
        negated: bool,
    },
    /// GROUPING SETS, ROLLUP or CUBE.
    Grouping {
        kind: &'static str,
        sets: Vec<Vec<Expr>>,
    },
    Call(Box<Call>),
}

impl Expr {
    /// What stands for an expression that was refused already.
    pub fn refused() -> Self {
        Self::Literal(Literal::Null)
    }
}

impl Expr {
    /// A whole number.
    pub fn number(value: u64) -> Self {
        Self::Literal(Literal::Number(format_smolstr!("{value}")))
    }

    /// The expression without brackets around it.
    pub fn bare(&self) -> &Self {
        let mut expr = self;
        while let Self::Nested(inner) = expr {
            expr = inner;
        }
        expr
    }

    /// The whole number that this is, with a sign before it at most.
    pub fn integer(&self) -> Option<i128> {
        match self.bare() {
            Self::Literal(Literal::Number(digits)) => digits.parse().ok(),
            Self::Unary { operator: "-", expr } => expr.integer().map(|value| -value),
            _ => None,
        }
    }
}

impl Call {
    /// A call with arguments only.
    pub fn plain(name: Vec<Name>, args: Vec<Arg>) -> Self {
        Self {
            name,
            args: Some(args),
            distinct: false,
            order_by: Vec::new(),
            within_group: Vec::new(),
            filter: None,
            nulls: None,
            limit: None,
            having: None,
            over: None,
        }
    }
}

impl Star {
    /// A star without more.
    pub fn all(pos: Pos) -> Self {
        Self {
            qualifier: Vec::new(),
            except: Vec::new(),
            exclude: false,
            replace: Vec::new(),
            rename: Vec::new(),
            pos,
            marks: Marks::default(),
        }
    }
}
