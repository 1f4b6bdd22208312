//! What a value carries with it from the column that it was read from.

use super::Sensitivity;
use crate::guard::children::{self, Child};
use crate::guard::ir::{Body, Expr, Item};

/// The marks of a value. All compare equal: two trees are equal when they mean the same text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Marks {
    /// It is, or holds, a restricted column's value.
    pub restricted: bool,
    /// It tells something that may show in combination who somebody is.
    pub quasi: bool,
    /// It stands in the place of a masked column's value.
    pub masked: bool,
}

impl PartialEq for Marks {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl From<Sensitivity> for Marks {
    fn from(sensitivity: Sensitivity) -> Self {
        Self {
            restricted: sensitivity == Sensitivity::Restricted,
            quasi: sensitivity == Sensitivity::Quasi,
            masked: matches!(sensitivity, Sensitivity::Masked(_)),
        }
    }
}

impl Marks {
    /// The marks of both.
    pub fn and(self, other: Self) -> Self {
        Self {
            restricted: self.restricted || other.restricted,
            quasi: self.quasi || other.quasi,
            masked: self.masked || other.masked,
        }
    }

    /// What an expression's value carries. A restricted value is carried by a plain column alone, since whatever else is
    /// done with it is refused.
    pub(in crate::guard) fn of(expr: &Expr) -> Self {
        if let Expr::Column(column) = expr.bare() {
            return column.marks;
        }
        let mut marks = Self::default();
        children::of_expr(expr, &mut |part| {
            if let Child::Expr(part) = part {
                marks = marks.and(Self::of(part));
            }
        });
        Self { restricted: false, ..marks }
    }

    /// What the columns of a SELECT carry.
    pub(in crate::guard) fn of_items(items: &[Item]) -> Self {
        let of = |item: &Item| match item {
            Item::Expr { expr, alias: _ } => Self::of(expr),
            Item::Star(star) => star.marks,
        };
        items.iter().map(of).collect()
    }

    /// What the columns of a query carry.
    pub(in crate::guard) fn of_output(body: &Body) -> Self {
        match body {
            Body::Select(select) => Self::of_items(&select.items),
            Body::Nested(query) => Self::of_output(&query.body),
            Body::Values(rows) => rows.iter().flatten().map(Self::of).collect(),
            Body::Chain { first, rest } => {
                rest.iter().map(|branch| Self::of_output(&branch.body)).fold(Self::of_output(first), Self::and)
            }
        }
    }
}

impl FromIterator<Marks> for Marks {
    fn from_iter<I: IntoIterator<Item = Self>>(marks: I) -> Self {
        marks.into_iter().fold(Self::default(), Self::and)
    }
}
