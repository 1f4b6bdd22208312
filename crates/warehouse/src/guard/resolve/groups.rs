//! Groups of people, of which only those of a size are shown.

use smol_str::SmolStr;

use crate::guard::access::Marks;
use crate::guard::ir::{Arg, Call, Column, Expr, RelId, Select};
use crate::guard::lexer::Pos;
use crate::guard::names::Name;

/// Lets a SELECT that aggregates show only groups of at least `least`: of persons, where a column tells them apart, or
/// else of rows.
pub fn of_at_least(select: &mut Select, least: u64, persons: Option<(RelId, SmolStr, SmolStr)>) {
    let name = |text: SmolStr| Name { text, pos: Pos::default() };
    let mut count = Call::plain(vec![name("count".into())], vec![Arg::Star]);
    if let Some((id, relation, key)) = persons {
        let parts = vec![name(relation), name(key)];
        count.args = Some(vec![Arg::Expr(Expr::Column(Column { parts, relation: Some(id), marks: Marks::default() }))]);
        count.distinct = true;
    }
    let enough = Expr::Chain { first: Box::new(Expr::Call(Box::new(count))), rest: vec![(">=", Expr::number(least))] };
    select.having = Some(match select.having.take() {
        None => enough,
        Some(asked) => Expr::Chain { first: Box::new(Expr::Nested(Box::new(asked))), rest: vec![("AND", enough)] },
    });
}
