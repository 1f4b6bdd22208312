//! What stands in the place of a masked column.

use pilothouse_domain::catalog::{Column, DataType, Dialect};

use crate::guard::ir::{self, Arg, Call, Expr, Literal, Type};
use crate::guard::lexer::Pos;
use crate::guard::names::Name;

/// How a value is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mask {
    /// NULL of the column's type.
    #[default]
    Null,
    /// Its last four characters, where it has more.
    Last4,
    /// Its first letter.
    Initial,
    /// The first day of its year.
    Year,
}

impl Mask {
    /// Every mask with its word.
    pub const ALL: [(&'static str, Self); 4] =
        [("null", Self::Null), ("last4", Self::Last4), ("initial", Self::Initial), ("year", Self::Year)];

    /// What a query reads instead of the column.
    pub(in crate::guard) fn of(self, column: &Column, dialect: Dialect) -> Expr {
        let value = || named(&column.name);
        match self {
            Self::Null => cast(Expr::Literal(Literal::Null), column.data_type, dialect),
            Self::Last4 => {
                let long = chain(call("length", vec![as_text(value(), column, dialect)]), ">", Expr::number(4));
                let tail = call("right", vec![as_text(value(), column, dialect), Expr::number(4)]);
                let shown = call("concat", vec![Expr::Literal(Literal::Text("…".to_owned())), tail]);
                Expr::Case { operand: None, whens: vec![(long, shown)], otherwise: None }
            }
            Self::Initial => {
                let first = call("left", vec![as_text(value(), column, dialect), Expr::number(1)]);
                call("concat", vec![first, Expr::Literal(Literal::Text(".".to_owned()))])
            }
            Self::Year if dialect == Dialect::BigQuery => {
                let function = if column.data_type == DataType::Timestamp { "timestamp_trunc" } else { "date_trunc" };
                call(function, vec![value(), Expr::Part("YEAR")])
            }
            Self::Year => call("date_trunc", vec![Expr::Literal(Literal::Text("year".to_owned())), value()]),
        }
    }
}

pub(in crate::guard) fn name(text: &str) -> Name {
    Name { text: text.into(), pos: Pos::default() }
}

/// The column of that name.
pub(in crate::guard) fn named(column: &str) -> Expr {
    Expr::Column(ir::Column { parts: vec![name(column)], relation: None, marks: Default::default() })
}

fn call(function: &str, args: Vec<Expr>) -> Expr {
    Expr::Call(Box::new(Call::plain(vec![name(function)], args.into_iter().map(Arg::Expr).collect())))
}

fn chain(first: Expr, operator: &'static str, second: Expr) -> Expr {
    Expr::Chain { first: Box::new(first), rest: vec![(operator, second)] }
}

fn as_text(value: Expr, column: &Column, dialect: Dialect) -> Expr {
    if column.data_type == DataType::String { value } else { cast(value, DataType::String, dialect) }
}

fn cast(value: Expr, to: DataType, dialect: Dialect) -> Expr {
    let ty = match to {
        DataType::Integer if dialect == Dialect::BigQuery => "INT64",
        DataType::Number if dialect == Dialect::BigQuery => "FLOAT64",
        DataType::String | DataType::Other if dialect == Dialect::BigQuery => "STRING",
        DataType::Boolean if dialect == Dialect::BigQuery => "BOOL",
        DataType::Integer => "BIGINT",
        DataType::Number => "DOUBLE PRECISION",
        DataType::String | DataType::Other => "VARCHAR",
        DataType::Boolean => "BOOLEAN",
        DataType::Date => "DATE",
        DataType::Timestamp => "TIMESTAMP",
    };
    Expr::Cast { expr: Box::new(value), ty: Type(ty.to_owned()), forgiving: false }
}
