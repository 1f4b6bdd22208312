//! Small builders for the syntax tree.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, DataType, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, OrderByExpr, OrderByOptions, TimezoneInfo, TypedString,
    Value, WindowSpec, WindowType,
};

pub(super) fn ident(name: &str) -> Ident {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !RESERVED.contains(&name);
    if plain { Ident::new(name) } else { Ident::with_quote('"', doubled(name, '"')) }
}

/// Names that mean something else to a parser when they stand alone.
const RESERVED: [&str; 45] = [
    "all", "and", "any", "as", "asc", "between", "by", "case", "cast", "cross", "date", "day", "desc", "distinct",
    "else", "end", "except", "false", "for", "from", "full", "group", "having", "hour", "in", "inner", "interval",
    "is", "join", "left", "limit", "minute", "month", "not", "null", "on", "or", "order", "select", "table", "then",
    "true", "union", "user", "year",
];

pub(super) fn column(alias: &str, name: &str) -> Expr {
    Expr::CompoundIdentifier(vec![ident(alias), ident(name)])
}

pub(super) fn name(name: &str) -> Expr {
    Expr::Identifier(ident(name))
}

pub(super) fn number(text: impl Into<String>) -> Expr {
    Expr::Value(Value::Number(text.into(), false).into())
}

pub(super) fn text(value: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(doubled(value, '\'')).into())
}

/// A text with every quote doubled. The tree's printer would print a quote bare that stands after a backslash or beside
/// another one, taking it for escaped already; doubled ones it prints as they are.
fn doubled(text: &str, quote: char) -> String {
    text.chars().flat_map(|letter| std::iter::repeat_n(letter, if letter == quote { 2 } else { 1 })).collect()
}

pub(super) fn boolean(value: bool) -> Expr {
    Expr::Value(Value::Boolean(value).into())
}

/// `DATE '…'` or `TIMESTAMP '…'`.
pub(super) fn moment(timestamp: bool, value: &str) -> Expr {
    let data_type = if timestamp { DataType::Timestamp(None, TimezoneInfo::None) } else { DataType::Date };
    let value = Value::SingleQuotedString(doubled(value, '\'')).into();
    Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false })
}

pub(super) fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

/// All of `conditions`; none where there are none.
pub(super) fn all(conditions: Vec<Expr>) -> Option<Expr> {
    conditions.into_iter().reduce(|a, b| binary(a, BinaryOperator::And, b))
}

pub(super) fn nested(expr: Expr) -> Expr {
    Expr::Nested(Box::new(expr))
}

pub(super) fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}

pub(super) fn double(expr: Expr) -> Expr {
    cast(expr, DataType::DoublePrecision)
}

/// A function call; see [`Call`].
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    Call { distinct: false, filter: None, over: false }.of(name, args)
}

/// How a function is called.
pub(super) struct Call {
    pub distinct: bool,
    pub filter: Option<Expr>,
    /// Over all rows of the result.
    pub over: bool,
}

impl Call {
    pub fn of(self, name: &str, args: Vec<Expr>) -> Expr {
        let plain = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
        self.with(name, args.into_iter().map(plain).collect())
    }

    pub fn star(self, name: &str) -> Expr {
        self.with(name, vec![FunctionArg::Unnamed(FunctionArgExpr::Wildcard)])
    }

    fn with(self, name: &str, args: Vec<FunctionArg>) -> Expr {
        let window =
            WindowSpec { window_name: None, partition_by: Vec::new(), order_by: Vec::new(), window_frame: None };
        Expr::Function(Function {
            name: ObjectName::from(vec![Ident::new(name)]),
            uses_odbc_syntax: false,
            parameters: FunctionArguments::None,
            args: FunctionArguments::List(FunctionArgumentList {
                duplicate_treatment: self.distinct.then_some(DuplicateTreatment::Distinct),
                args,
                clauses: Vec::new(),
            }),
            filter: self.filter.map(Box::new),
            null_treatment: None,
            over: self.over.then_some(WindowType::WindowSpec(window)),
            within_group: Vec::new(),
        })
    }
}

/// `left / NULLIF(right, 0)` in double precision.
pub(super) fn divide(left: Expr, right: Expr) -> Expr {
    binary(double(left), BinaryOperator::Divide, call("nullif", vec![double(right), number("0")]))
}

/// The days from one date to another; nothing where one is unknown.
pub(super) fn days_between(from: Expr, to: Expr) -> Expr {
    let seconds = |expr| call("date_part", vec![text("epoch"), cast(expr, DataType::Date)]);
    let apart = binary(double(seconds(to)), BinaryOperator::Minus, double(seconds(from)));
    binary(nested(apart), BinaryOperator::Divide, number("86400"))
}

/// The middle value, in engines without a median of their own.
pub(super) fn percentile(of: Expr, filter: Option<Expr>) -> Expr {
    let options = OrderByOptions { asc: Some(true), nulls_first: None };
    let expr = Call { distinct: false, filter, over: false }.of("percentile_cont", vec![number("0.5")]);
    match expr {
        Expr::Function(function) => Expr::Function(Function {
            within_group: vec![OrderByExpr { expr: of, options, with_fill: None }],
            ..function
        }),
        other => other,
    }
}
